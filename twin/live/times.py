"""Times of messages as whole microseconds in UTC; a time that leaves its zone open is refused."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

from twin.core.visible_text import visible_text
from twin.live.model import MICROSECONDS
from twin.live.rejected import RejectedError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAP = re.compile(r"(:\d\d):60(?=[.Z+\-]|$)")
_EARLIEST = (
    -2_208_988_800 * MICROSECONDS
)  # 1900: nothing was measured by wire before, and 0001-01-01 means "never"
LIVE_AHEAD_S = 86_400.0
"""A message that comes in now may be ahead by a day: clocks are wrong by hours, forecasts are another kind of data."""
FILE_AHEAD_S = 3 * 366 * 86_400.0
"""What lies in a file may be a scenario of the next years."""


def now_us() -> int:
    """The time by the system's clock."""
    return time.time_ns() // 1000


class SteadyClock:
    """The time by the system's clock while that goes forward, and by a clock that nobody sets where it is set back.

    Ages of what comes in are told by it: a value does not become young because a clock was corrected by an hour.

    Examples
    --------
    >>> clock = SteadyClock()
    >>> clock.now_us() <= clock.now_us()
    True
    """

    def __init__(self) -> None:
        self._last, self._at = now_us(), time.monotonic()

    def now_us(self) -> int:
        """Microseconds in UTC; never less than before."""
        at = time.monotonic()
        self._last = max(now_us(), self._last + round((at - self._at) * MICROSECONDS))
        self._at = at
        return self._last


def parse_time_us(value: Any) -> int:
    """Microseconds of an ISO 8601 time with zone; of an interval its end, when the result was whole.

    Raises
    ------
    RejectedError
        As ``time`` or ``zone``.

    Examples
    --------
    >>> parse_time_us("2026-07-01T14:00:00+03:00") == parse_time_us("2026-07-01T11:00:00.000Z")
    True
    >>> parse_time_us("2016-12-31T23:59:60Z") == parse_time_us("2017-01-01T00:00:00Z")  # a leap second
    True
    >>> parse_time_us("2026-02-31T00:00:00Z")
    Traceback (most recent call last):
    twin.live.rejected.RejectedError: time '2026-02-31T00:00:00Z' is no date and time
    """
    if type(value) is not str:
        shown = visible_text(repr(value), max_chars=40)
        raise RejectedError("time", f"time {shown} is no text such as 2026-07-01T14:00:00Z")
    moment, ahead = _parsed(value)
    if moment.tzinfo is None:
        raise RejectedError("zone", f"time {_shown(value)} names no zone")
    since = moment - _EPOCH
    us = (since.days * 86_400 + since.seconds) * MICROSECONDS + since.microseconds + ahead
    if us < _EARLIEST:
        raise RejectedError("time", f"time {_shown(value)} lies before 1900")
    return us


def _parsed(text: str) -> tuple[datetime, int]:
    """A moment and microseconds to add: a leap second is the first of the next minute."""
    try:
        return datetime.fromisoformat(text), 0
    except ValueError:
        pass
    _, _, end = text.strip().rpartition("/")
    plain, n = _LEAP.subn(r"\1:59", end)
    try:
        return datetime.fromisoformat(plain), n * MICROSECONDS
    except ValueError as error:
        raise RejectedError("time", f"time {_shown(text)} is no date and time") from error


def _shown(text: str) -> str:
    return repr(visible_text(text, max_chars=40))
