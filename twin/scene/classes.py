"""Numbers cut into classes: where the borders lie, and what a legend says of them."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from twin.scene.natural_breaks import natural_breaks
from twin.scene.units import grouped_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.colour import ColourBy


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
    breaks = np.unique(breaks[(breaks > distinct[0]) & (breaks <= distinct[-1])])
    return breaks if by.method == "equal" else _told_apart(distinct, breaks)


def _told_apart(distinct: NDArray[np.float64], breaks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of breaks between the same two values the lowest one: the class between them would be empty."""
    _, first = np.unique(np.searchsorted(distinct, breaks), return_index=True)
    return np.asarray(breaks[first])


def _roundest(distinct: NDArray[np.float64], middle: float) -> float:
    """The number with the fewest figures in the inner part of the gap around `middle`: no value changes its class."""
    above = int(np.searchsorted(distinct, middle))
    low, high = float(distinct[above - 1]), float(distinct[above])
    inner_low, inner_high = low + 0.2 * (high - low), high - 0.2 * (high - low)
    power = math.floor(math.log10(max(abs(low), abs(high), 1e-300)))
    for exponent in range(power, power - 8, -1):
        for factor in (1.0, 0.5):
            step = factor * 10.0**exponent
            if not 0 < step < math.inf or not math.isfinite(middle / step):
                return middle
            nearest = round(round(middle / step) * step, max(0, 1 - exponent))
            if low < nearest and inner_low <= nearest <= inner_high:
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
    text = grouped_text(round(value, digits), min(digits, 6))
    return text.rstrip("0").rstrip(".") if "." in text else text
