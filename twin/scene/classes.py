"""Numbers cut into classes: where the borders lie, and what a legend says of them."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.colour import ColourBy

_JENKS_VALUES = 1500


def class_breaks(values: NDArray[np.float64], by: ColourBy) -> NDArray[np.float64]:
    """Borders between classes, ascending; fewer than asked for where values do not tell so many apart.

    Parameters
    ----------
    values : array, shape (n,)
        Finite.

    Returns
    -------
    array, shape (at most n_classes - 1,)
        A value equal to a break belongs to the class above it.

    Examples
    --------
    >>> from twin.scene.colour import ColourBy
    >>> class_breaks(np.arange(9.0), ColourBy("h", method="equal", n_classes=4)).tolist()
    [2.0, 4.0, 6.0]
    """
    if by.method == "given":
        return np.asarray(by.breaks, dtype=np.float64)
    distinct = np.unique(values)
    if len(distinct) < 2:
        return np.empty(0)
    if by.method == "equal":
        breaks = np.linspace(distinct[0], distinct[-1], by.n_classes + 1)[1:-1]
    elif by.method == "quantile":
        breaks = np.quantile(values, np.linspace(0, 1, by.n_classes + 1)[1:-1])
    else:
        breaks = np.array([_roundest(distinct, b) for b in natural_breaks(values, by.n_classes)])
    return np.unique(breaks[(breaks > distinct[0]) & (breaks <= distinct[-1])])


def _roundest(distinct: NDArray[np.float64], middle: float) -> float:
    """The number with the fewest figures in the inner part of the gap around `middle`: no value changes its class."""
    above = int(np.searchsorted(distinct, middle, side="right"))
    low, high = float(distinct[above - 1]), float(distinct[above])
    inner_low, inner_high = low + 0.2 * (high - low), high - 0.2 * (high - low)
    power = math.floor(math.log10(max(abs(low), abs(high), 1e-300)))
    for exponent in range(power, power - 8, -1):
        for factor in (1.0, 0.5):
            step = factor * 10.0**exponent
            nearest = round(round(middle / step) * step, max(0, 1 - exponent))
            if inner_low <= nearest <= inner_high:
                return nearest
    return middle


def round_breaks(low: float, high: float, *, n_classes: int = 6) -> tuple[float, ...]:
    """Round numbers between two, about as many as so many classes need; none where the two are one.

    Examples
    --------
    >>> round_breaks(0.0, 3.4), round_breaks(-12.0, 230.0), round_breaks(2.0, 2.0)
    ((0.5, 1.0, 1.5, 2.0, 2.5, 3.0), (0.0, 50.0, 100.0, 150.0, 200.0), ())
    """
    rough = (high - low) / n_classes
    if not (math.isfinite(rough) and rough > 0):
        return ()
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((f * power for f in (1.0, 2.0, 5.0, 10.0)), key=lambda s: abs(math.log(s / rough)))
    first = math.floor(low / step) + 1
    breaks = [float(f"{k * step:.12g}") for k in range(first, first + 4 * n_classes)]
    return tuple(b for b in breaks if low < b < high)


def natural_breaks(values: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
    """Borders that leave the least squared deviation within classes, halfway between the classes.

    Exact by dynamic programming over sorted values; more than 1,500 are first represented by as many quantiles.

    References
    ----------
    Fisher (1958), On grouping for maximum homogeneity, J. Am. Stat. Assoc. 53, 789-798.
    Jenks (1967), The data model concept in statistical mapping, Int. Yearb. Cartogr. 7, 186-190.

    Examples
    --------
    >>> natural_breaks(np.array([1.0, 2, 3, 10, 11, 12, 50]), 3).tolist()
    [6.5, 31.0]
    """
    if len(values) > _JENKS_VALUES:
        values = np.quantile(values, np.linspace(0, 1, _JENKS_VALUES))
    distinct, weight = np.unique(values, return_counts=True)
    n = len(distinct)
    # Values of any size: squares of the tiniest would vanish.
    scaled = (distinct - distinct[0]) / max(float(distinct[-1] - distinct[0]), 1e-300) - 0.5
    count, total, squares = (
        np.concatenate([[0.0], np.cumsum(weight * scaled**power)]) for power in (0, 1, 2)
    )
    i, j = np.arange(n)[:, None], np.arange(1, n + 1)[None, :]
    members = np.maximum(count[j] - count[i], 1)
    # Deviation within a class that holds the distinct values i to j - 1.
    within = np.where(j > i, squares[j] - squares[i] - (total[j] - total[i]) ** 2 / members, np.inf)
    cost, cuts = within[0], []
    for _ in range(1, min(n_classes, n)):
        options = np.concatenate([[np.inf], cost[:-1]])[:, None] + within
        cuts.append(np.argmin(options, axis=0))
        cost = options[cuts[-1], np.arange(n)]
    breaks, last = [], n
    for first in reversed(cuts):
        last = int(first[last - 1])
        middle = (distinct[last - 1] + distinct[last]) / 2
        breaks.append(middle if middle > distinct[last - 1] else distinct[last])
    return np.asarray(breaks[::-1])


def class_texts(breaks: NDArray[np.float64], low: float, high: float, *, open_ends: bool) -> list[str]:
    """What a legend says of each class; outer ones have no end where `open_ends`."""
    if not len(breaks):
        return [number_text(low)] if low == high else [f"{number_text(low)} – {number_text(high)}"]
    first = f"< {number_text(breaks[0])}" if open_ends else f"{number_text(low)} – {number_text(breaks[0])}"
    last = f"≥ {number_text(breaks[-1])}" if open_ends else f"{number_text(breaks[-1])} – {number_text(high)}"
    middle = [f"{number_text(a)} – {number_text(b)}" for a, b in itertools.pairwise(breaks)]
    return [first, *middle, last]


def number_text(value: float) -> str:
    """As short as three figures allow, with a thin space between thousands."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{round(value, digits):,.{min(digits, 6)}f}".replace(",", "\u2009")
    return text.rstrip("0").rstrip(".") if "." in text else text
