"""Moments in ISO 8601 as whole seconds UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from twin.core.errors import UsageError


def utc_second(text: object, *, where: str) -> np.datetime64:
    """A moment as whole second UTC; one without a zone is taken as UTC.

    Parameters
    ----------
    text : str or datetime64
    where : str
        The option or key that told it.

    Raises
    ------
    UsageError
        If it is no moment.

    Examples
    --------
    >>> utc_second("2026-08-28T12:00:00+09:00", where="--start")
    np.datetime64('2026-08-28T03:00:00')
    >>> utc_second("2026-08-28T03:00:00Z", where="--start")
    np.datetime64('2026-08-28T03:00:00')
    """
    if isinstance(text, np.datetime64):
        return text.astype("datetime64[s]")
    try:
        found = datetime.fromisoformat(str(text).strip())
        found = found.astimezone(UTC) if found.tzinfo else found
    except (ValueError, OverflowError):
        raise UsageError(
            where, f"{str(text)[:40]!r} is no moment", "give it as 2026-08-28T03:00:00Z"
        ) from None
    return np.datetime64(found.replace(tzinfo=None, microsecond=0), "s")
