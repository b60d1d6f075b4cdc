"""The clock of a window as plain values: its ends, its events, and where it is after so much time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from twin.scene.layers import SceneLayer
    from twin.scene.workspace import Clock

SPEEDS = (1.0, 10.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 21_600.0)


@dataclass(frozen=True, slots=True)
class Event:
    """A moment to jump to: an alarm, a peak, the first or last of a layer."""

    time: datetime
    text: str
    is_alarm: bool = False


def span_of(clock: Clock, layers: Iterable[SceneLayer], *, now: datetime) -> tuple[datetime, datetime]:
    """Ends of the slider: those of the clock, else those of all layers together, else the day that is shown."""
    if clock.start is not None and clock.end is not None:
        return clock.start, clock.end
    spans = [span for layer in layers if (span := layer.span) is not None]
    if spans:
        first, last = min(s[0] for s in spans), max(s[1] for s in spans)
        if first < last:
            return first, last
    day = (clock.time or now).replace(hour=0, minute=0, second=0, microsecond=0)
    return day, day + timedelta(days=1)


def advanced(clock: Clock, seconds: float, span: tuple[datetime, datetime]) -> tuple[Clock, bool]:
    """The clock so many seconds of the watch later, and whether it goes on; it rests at the end of its span.

    Examples
    --------
    >>> from twin.scene.workspace import Clock
    >>> day = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 2, tzinfo=UTC)
    >>> clock, goes_on = advanced(Clock(day[0], speed=3600.0), 2.0, day)
    >>> clock.time.hour, goes_on
    (2, True)
    """
    begin = clock.time if clock.time is not None else span[0]
    moved = begin + timedelta(seconds=seconds * clock.speed)
    goes_on = (
        span[0] < moved < span[1]
        or (clock.speed > 0 and moved <= span[0])
        or (clock.speed < 0 and moved >= span[1])
    )
    return replace(clock, time=min(max(moved, span[0]), span[1])), goes_on


def share_of(time: datetime, span: tuple[datetime, datetime]) -> float:
    """Where a moment lies in a span, 0 to 1."""
    return min(1.0, max(0.0, (time - span[0]) / (span[1] - span[0])))


def at_share(share: float, span: tuple[datetime, datetime]) -> datetime:
    """The moment at a share of a span, to the second."""
    moment = span[0] + share * (span[1] - span[0])
    return moment.replace(microsecond=0)


def next_event(events: Sequence[Event], time: datetime | None, *, back: bool = False) -> Event | None:
    """The event after a moment, or before it; None where there is none."""
    ordered = sorted(events, key=lambda e: e.time, reverse=back)
    if time is None:
        return ordered[0] if ordered else None
    return next((e for e in ordered if (e.time < time if back else e.time > time)), None)


def in_zone_of(city_offset: timedelta, moment: datetime) -> datetime:
    """A moment on the clocks of a place, given its offset from UTC."""
    from datetime import timezone

    return moment.astimezone(timezone(city_offset) if city_offset else UTC)


def solar_offset(longitude_deg: float | None) -> timedelta:
    """Whole hours by which clocks at a longitude are ahead of UTC, as far as the sun tells: no borders, no summer time.

    Examples
    --------
    >>> solar_offset(129.0), solar_offset(None)
    (datetime.timedelta(seconds=32400), datetime.timedelta(0))
    """
    return timedelta(hours=round((longitude_deg or 0.0) / 15))
