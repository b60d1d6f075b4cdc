"""Local times of a table as moments: the hour that comes twice in autumn is told apart by the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from twin.live.model import MICROSECONDS

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

_SAME = timedelta(hours=3)
"""Clocks are put back by an hour; by two hardly ever."""


class _Before(NamedTuple):
    """The last row of a datastream."""

    local: datetime
    is_twice: bool
    is_rising: bool
    fold: int


@dataclass(slots=True)
class LocalTimes:
    """The zone of a table, and how far each of its datastreams has come.

    Within a datastream rows go up or down in time. Where the clock was put back, a local time that does not go on as
    the rows did before begins the other of the two hours.

    Parameters
    ----------
    zone : tzinfo
    n_twice : int
        How many of the times came twice on the clock.

    Examples
    --------
    >>> from datetime import datetime
    >>> from zoneinfo import ZoneInfo
    >>> times = LocalTimes(ZoneInfo("Europe/Helsinki"))
    >>> [times.moment("level", datetime(2026, 10, 25, h)).isoformat()[11:] for h in (2, 3, 3, 4)]
    ['02:00:00+03:00', '03:00:00+03:00', '03:00:00+02:00', '04:00:00+02:00']
    """

    zone: tzinfo
    n_twice: int = 0
    _before: dict[str, _Before] = field(default_factory=dict)

    def moment(self, datastream: str, local: datetime) -> datetime:
        """A local time of the next row of a datastream, with its offset."""
        before, is_twice = self._before.get(datastream), self.is_twice(local)
        is_rising = before is None or (before.is_rising if before.is_twice else local >= before.local)
        fold = int(is_twice and not is_rising)
        if is_twice and before is not None and before.is_twice and abs(local - before.local) < _SAME:
            goes_on = local > before.local if is_rising else local < before.local
            fold = before.fold if goes_on else int(is_rising)
        self.n_twice += is_twice
        self._before[datastream] = _Before(local, is_twice, is_rising, fold)
        return local.replace(tzinfo=self.zone, fold=fold)

    def produced(self, local: datetime, after_us: int) -> datetime:
        """A local time at which a result was produced: not before it was true, microseconds UTC."""
        first = local.replace(tzinfo=self.zone, fold=0)
        is_second = self.is_twice(local) and first.timestamp() * MICROSECONDS < after_us
        return local.replace(tzinfo=self.zone, fold=int(is_second))

    def is_twice(self, local: datetime) -> bool:
        """Whether the clock shows a time twice."""
        first = local.replace(tzinfo=self.zone, fold=0).utcoffset()
        second = local.replace(tzinfo=self.zone, fold=1).utcoffset()
        return first is not None and second is not None and first > second
