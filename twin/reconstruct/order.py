"""Sorting for compiled code, where each use of numpy's own would be compiled again at seconds each; percentiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@numba.njit(cache=True, nogil=True)
def rising_order(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices that sort values, equal ones in their own order, shape (n,).

    Bottom-up merge sort over runs of eight made by insertion.
    """
    n = len(values)
    order, other = np.arange(n), np.empty(n, np.int64)
    for start in range(0, n, 8):
        for i in range(start + 1, min(start + 8, n)):
            k, v = i, values[i]
            while k > start and values[order[k - 1]] > v:
                order[k] = order[k - 1]
                k -= 1
            order[k] = i
    width = 8
    while width < n:
        for start in range(0, n, 2 * width):
            middle, end = min(start + width, n), min(start + 2 * width, n)
            i, j = start, middle
            for k in range(start, end):
                if i < middle and (j >= end or values[order[i]] <= values[order[j]]):
                    other[k] = order[i]
                    i += 1
                else:
                    other[k] = order[j]
                    j += 1
        order, other = other, order
        width *= 2
    return order


@numba.njit(cache=True, nogil=True)
def pair_keys(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.float64]:
    """One number for each unordered pair of small indices, exact up to 90 million of them, shape (n,)."""
    keys = np.empty(len(first), np.float64)
    for i in range(len(first)):
        low, high = min(first[i], second[i]), max(first[i], second[i])
        keys[i] = low * 94906265.0 + high  # the root of 2**53
    return keys


def percentile_of_sorted(values: NDArray[np.float64], percent: float) -> float:
    """The percentile of rising values, between two of them in proportion, as `numpy.percentile` has it.

    Examples
    --------
    >>> percentile_of_sorted(np.array([1.0, 2.0, 4.0]), 75)
    3.0
    """
    place = percent / 100 * (len(values) - 1)
    below = min(int(place), len(values) - 2) if len(values) > 1 else 0
    above = min(below + 1, len(values) - 1)
    return float(values[below] + (values[above] - values[below]) * (place - below))
