"""Moments as microseconds UTC and as ISO 8601; shown in any zone, computed in UTC alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from twin.core.errors import UsageError

if TYPE_CHECKING:
    from datetime import tzinfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


def iso_utc(time_us: int) -> str:
    """A moment as text, with as many places as it needs: none, three or six.

    Examples
    --------
    >>> iso_utc(1_787_799_600_000_000), iso_utc(1_787_799_600_250_000)
    ('2026-08-27T03:00:00Z', '2026-08-27T03:00:00.250Z')
    """
    whole, rest = divmod(int(time_us), 1_000_000)
    text = (_EPOCH + timedelta(seconds=whole)).isoformat()[:19]
    if rest:
        text += f".{rest // 1000:03d}" if rest % 1000 == 0 else f".{rest:06d}"
    return f"{text}Z"


def parse_utc(text: str, *, where: str = "time") -> int:
    """Microseconds UTC of a moment in ISO 8601 with its offset.

    Raises
    ------
    UsageError
        If it is none, or tells no zone.

    Examples
    --------
    >>> parse_utc("2026-08-27T16:00:00+09:00") == parse_utc("2026-08-27T07:00:00Z")
    True
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(where, f"{text[:40]!r} is no moment", "give it as 2026-08-28T15:00:00Z") from None
    if found.tzinfo is None:
        raise UsageError(where, f"{text!r} tells no zone", "add Z or an offset such as +09:00")
    return (found - _EPOCH) // _MICROSECOND


def zone_of(name: str) -> tzinfo:
    """A zone to show times in: a name such as ``Asia/Seoul``, an offset such as ``+09:00``, or ``UTC``.

    Raises
    ------
    UsageError
        If it is not known.
    """
    offset = _OFFSET.fullmatch(name)
    if offset:
        minutes = int(offset[2]) * 60 + int(offset[3])
        from datetime import timezone

        return timezone(timedelta(minutes=minutes if offset[1] == "+" else -minutes))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError("--zone", f"{name[:40]!r} is not known", "give Asia/Seoul, +09:00 or UTC") from None


def shown_in(time_us: int, zone: tzinfo) -> str:
    """A moment in a zone, with its offset, so that the hour that comes twice in autumn is told apart.

    Examples
    --------
    >>> helsinki = zone_of("Europe/Helsinki")
    >>> hour = 3_600_000_000
    >>> first = parse_utc("2026-10-25T00:30:00Z")
    >>> shown_in(first, helsinki), shown_in(first + hour, helsinki)
    ('2026-10-25T03:30:00+03:00', '2026-10-25T03:30:00+02:00')
    """
    moment = (_EPOCH + timedelta(microseconds=int(time_us))).astimezone(zone)
    return moment.isoformat(timespec="auto")
