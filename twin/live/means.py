"""Means over the last hours, told only where enough of the time is covered by values."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

COVERAGE = 0.75
"""Share of a mean's time that must hold values: Directive 2008/50/EC, annex VII; the same in Korea."""
HOUR_US = 3_600_000_000


def trailing_mean(
    times_us: ArrayLike, values: ArrayLike, *, at_us: ArrayLike, hours: float, coverage: float = COVERAGE
) -> NDArray[np.float64]:
    """Mean over the hours before each moment, NaN where less than `coverage` of them holds values.

    Hours that are wholly or partly over count: values are averaged by hour first, so that an hour with many values
    weighs as much as one with few; with ``hours=1`` the values themselves are averaged, and covered are the ten-minute
    parts of the hour (or parts as long as the values are apart, where that is longer).

    Parameters
    ----------
    times_us : array, shape (n,)
        Phenomenon times, microseconds, ascending.
    values : array, shape (n,)
        NaN is no value.
    at_us : array, shape (m,)
        Moments; a value at the moment itself counts, one exactly `hours` before does not.
    hours : float
        Whole hours.
    coverage : float
        From 0 to 1.

    Returns
    -------
    array, shape (m,)

    Examples
    --------
    >>> t = np.arange(24) * HOUR_US
    >>> trailing_mean(t, np.full(24, 20.0), at_us=[23 * HOUR_US], hours=24).tolist()
    [20.0]
    >>> bool(np.isnan(trailing_mean(t[:10], np.full(10, 20.0), at_us=[23 * HOUR_US], hours=24))[0])
    True
    """
    times, found = np.asarray(times_us, np.int64), np.asarray(values, np.float64)
    moments = np.asarray(at_us, np.int64)
    keep = ~np.isnan(found)
    times, found = times[keep], found[keep]
    if not times.size:
        return np.full(moments.shape, np.nan)
    part_us = _part(times, hours)
    span = _Span(round(hours * HOUR_US), part_us, coverage)
    return np.array([_one_mean(times, found, int(t), span) for t in moments])


class _Span(NamedTuple):
    """How long a mean goes back, in which parts, and how many of them must hold values."""

    span_us: int
    part_us: int
    coverage: float


def _part(times: NDArray[np.int64], hours: float) -> int:
    """How long a part of the mean's time is, of which each must hold a value to be covered."""
    if hours > 1:
        return HOUR_US
    steps = np.diff(times)
    usual = int(np.median(steps)) if steps.size else HOUR_US
    return min(max(usual, HOUR_US // 6), HOUR_US)


def _one_mean(times: NDArray[np.int64], values: NDArray[np.float64], at: int, span: _Span) -> float:
    first, last = np.searchsorted(times, [at - span.span_us, at], side="right")
    inside = values[first:last]
    if not inside.size:
        return np.nan
    parts = (at - times[first:last]) // span.part_us
    _, which = np.unique(parts, return_inverse=True)
    n_parts = int(which.max()) + 1
    if n_parts < span.coverage * max(1, span.span_us // span.part_us):
        return np.nan
    by_part = np.bincount(which, inside) / np.bincount(which)
    return float(by_part.mean())


def hourly_means(
    times_us: ArrayLike, values: ArrayLike, *, at_us: int, hours: int, coverage: float = COVERAGE
) -> NDArray[np.float64]:
    """Means of the single hours before a moment, the latest first, shape (hours,); NaN where not covered."""
    ends = at_us - np.arange(hours, dtype=np.int64) * HOUR_US
    return trailing_mean(times_us, values, at_us=ends, hours=1, coverage=coverage)
