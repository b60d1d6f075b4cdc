"""Classes as the values lie by themselves: borders where the deviation within classes is least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_EXACT = 600
"""So many distinct values are grouped exactly; more are first taken together in about as many groups."""
_ROUNDS = 40


def natural_breaks(values: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
    """Borders that leave the least squared deviation within classes, halfway between the classes.

    Exact by dynamic programming for up to 600 distinct values. More of them are taken together first, by their number
    and by their distances, so that a few towers among many houses are not lost; then each border goes to where every
    value is nearest to the mean of its class.

    Parameters
    ----------
    values : array, shape (n,)
        Finite.
    n_classes : int

    Returns
    -------
    array, shape (at most n_classes - 1,)
        Ascending; there are values between any two. A value equal to a border belongs to the class above it.

    References
    ----------
    Fisher (1958), On grouping for maximum homogeneity, J. Am. Stat. Assoc. 53, 789-798.
    Jenks (1967), The data model concept in statistical mapping, Int. Yearb. Cartogr. 7, 186-190.

    Examples
    --------
    >>> natural_breaks(np.array([1.0, 2, 3, 10, 11, 12, 50]), 3).tolist()
    [6.5, 31.0]
    """
    distinct, weight = np.unique(values, return_counts=True)
    if len(distinct) < 2:
        return np.empty(0)
    sums = _sums(distinct, weight)
    starts = _groups(distinct, weight)
    firsts = starts[_best_cuts(sums, starts, min(n_classes, len(starts) - 1))]
    if len(starts) - 1 < len(distinct):
        firsts = _settled(sums, firsts)
    low, high = distinct[firsts - 1], distinct[firsts]
    middle = low / 2 + high / 2
    return np.asarray(np.where((middle > low) & (middle <= high), middle, high))


@dataclass(frozen=True, slots=True)
class _Sums:
    """Count, sum and sum of squares of the values before each distinct one; values of any size as about 1."""

    value: NDArray[np.float64]
    count: NDArray[np.float64]
    total: NDArray[np.float64]
    squares: NDArray[np.float64]


def _sums(distinct: NDArray[np.float64], weight: NDArray[np.int64]) -> _Sums:
    # Powers of two change no figure; the squares of tiny values would vanish, those of huge ones be infinite.
    power = -int(np.frexp(max(abs(distinct[0]), abs(distinct[-1])))[1])
    near = np.ldexp(distinct, power)
    span = near[-1] - near[0]
    value = (near - near[0]) / span - 0.5
    count, total, squares = (
        np.concatenate([[0.0], np.cumsum(weight * value**degree)]) for degree in (0, 1, 2)
    )
    return _Sums(value, count, total, squares)


def _groups(distinct: NDArray[np.float64], weight: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where groups of neighbouring values begin, and the end; each value alone where they are few."""
    n = len(distinct)
    if n <= MOST_EXACT:
        return np.arange(n + 1)
    shares = np.linspace(0, 1, MOST_EXACT // 2)
    before = np.cumsum(weight)
    even = np.searchsorted(before, shares * before[-1])
    wide = np.searchsorted(distinct, distinct[0] * (1 - shares) + distinct[-1] * shares)
    inner = np.unique(np.concatenate([even, wide]))
    return np.concatenate([[0], inner[(inner > 0) & (inner < n)], [n]])


def _best_cuts(sums: _Sums, starts: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    """Which groups begin a class, all but the first, so that the deviation within classes is least."""
    n = len(starts) - 1
    count, total, squares = sums.count[starts], sums.total[starts], sums.squares[starts]
    i, j = np.arange(n)[:, None], np.arange(1, n + 1)[None, :]
    members = np.maximum(count[j] - count[i], 1)
    # Deviation within a class that holds the groups i to j - 1.
    within = np.where(j > i, squares[j] - squares[i] - (total[j] - total[i]) ** 2 / members, np.inf)
    cost, cuts = within[0], []
    for _ in range(1, n_classes):
        options = np.concatenate([[np.inf], cost[:-1]])[:, None] + within
        cuts.append(np.argmin(options, axis=0))
        cost = options[cuts[-1], np.arange(n)]
    found, last = [], n
    for first in reversed(cuts):
        last = int(first[last - 1])
        found.append(last)
    return np.asarray(found[::-1], np.int64)


def _settled(sums: _Sums, firsts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Borders moved halfway between the means of their classes until none moves (Lloyd 1982)."""
    n = len(sums.value)
    for _ in range(_ROUNDS):
        ends = np.concatenate([[0], firsts, [n]])
        mean = np.diff(sums.total[ends]) / np.diff(sums.count[ends])
        moved = np.searchsorted(sums.value, (mean[1:] + mean[:-1]) / 2)
        if np.array_equal(moved, firsts) or (np.diff(np.concatenate([[0], moved, [n]])) < 1).any():
            return firsts
        firsts = moved
    return firsts
