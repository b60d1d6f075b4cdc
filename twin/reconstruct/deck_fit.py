"""The top of a bridge deck as a smooth height over its plan, fitted to points with railings and cars in them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

KNOT_SPACING_M = 3.0
STIFFNESS = 2.0
"""Weight of the second differences of the profile against one point."""
L1_ROUNDS, TUKEY_ROUNDS = 12, 12
TUKEY_C = 4.685
SMALLEST_SCALE_M = 0.03
"""Noise of a good survey; residuals of this size always count in full."""


@dataclass(frozen=True, slots=True)
class DeckShape:
    """Height of a deck: a bent profile along its length, a parabola across.

    ``z(s, t) = profile(s) + slope * t + bend * t**2`` with `s` along and `t` across.

    Parameters
    ----------
    origin, along : (float, float)
        Zero of both coordinates in the map, and the unit vector along the deck.
    knots : array, shape (k,)
        Places of the profile's bends, metres from the origin, rising.
    heights : array, shape (k,)
        Elevation there, metres.
    slope, bend : float
        Across the deck.
    """

    origin: tuple[float, float]
    along: tuple[float, float]
    knots: NDArray[np.float64]
    heights: NDArray[np.float64]
    slope: float
    bend: float

    def at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Elevation of the deck's top at map coordinates, shape (n,)."""
        s, t = deck_coordinates(xy, self.origin, self.along)
        return np.interp(s, self.knots, self.heights) + self.slope * t + self.bend * t * t


def deck_coordinates(
    xy: NDArray[np.float64], origin: tuple[float, float], along: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance along and across a deck, metres."""
    d = xy - np.asarray(origin)
    return d @ np.asarray(along), d @ np.array([-along[1], along[0]])


def fit_deck(
    xyz: NDArray[np.float64], *, origin: tuple[float, float], along: tuple[float, float], length_m: float
) -> tuple[DeckShape, NDArray[np.bool_]]:
    """The smooth surface through the bulk of points on a deck; points off it do not pull.

    Absolute residuals first, from which the scale follows, then Tukey's biweight.

    Parameters
    ----------
    xyz : array, shape (n, 3)
        Points on the deck, metres; at least one.
    origin, along : (float, float)
        See `DeckShape`; the deck reaches from ``-length_m / 2`` to ``length_m / 2``.
    length_m : float
        Extent along the deck.

    Returns
    -------
    shape : DeckShape
    used : array, shape (n,)
        Points that lie on the surface.

    References
    ----------
    Holland & Welsch (1977), Communications in Statistics A6, 813-827.

    Examples
    --------
    >>> xyz = np.array([[x, y, 5 + 0.1 * x] for x in range(-10, 11) for y in (-1, 0, 1)], dtype=float)
    >>> shape, used = fit_deck(xyz, origin=(0.0, 0.0), along=(1.0, 0.0), length_m=20.0)
    >>> np.round(shape.at(np.array([[0.0, 0.0], [8.0, 1.0]])), 2), bool(used.all())
    (array([5. , 5.8]), True)
    """
    s, t = deck_coordinates(xyz[:, :2], origin, along)
    n_knots = max(2, round(length_m / KNOT_SPACING_M) + 1)
    knots = np.linspace(-length_m / 2, length_m / 2, n_knots)
    design, penalty = _design(s, t, knots), _penalty(n_knots)
    z0 = float(np.median(xyz[:, 2]))
    z = xyz[:, 2] - z0
    weight = np.ones(len(z))
    for _ in range(L1_ROUNDS):
        off = z - design @ _solved(design, penalty, weight, z)
        weight = 1 / np.maximum(np.abs(off), SMALLEST_SCALE_M)
        weight /= weight.max()
    scale = max(SMALLEST_SCALE_M, 1.4826 * float(np.median(np.abs(off))))
    for _ in range(TUKEY_ROUNDS):
        u = np.minimum(1.0, np.abs(off) / (TUKEY_C * scale))
        weight = (1 - u * u) ** 2
        coefficients = _solved(design, penalty, weight, z)
        off = z - design @ coefficients
    used = np.abs(off) <= TUKEY_C * scale
    shape = DeckShape(
        origin, along, knots, coefficients[:n_knots] + z0, float(coefficients[-2]), float(coefficients[-1])
    )
    return shape, used


def _design(
    s: NDArray[np.float64], t: NDArray[np.float64], knots: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Hat functions along the deck, a line and a parabola across."""
    step = knots[1] - knots[0]
    place = np.clip((s - knots[0]) / step, 0, len(knots) - 1)
    hats = np.maximum(0.0, 1 - np.abs(place[:, None] - np.arange(len(knots))))
    return np.column_stack([hats, t, t * t])


def _penalty(n_knots: int) -> NDArray[np.float64]:
    """Second differences of the profile should be small; the parabola across a little too."""
    penalty = np.zeros((n_knots + 2, n_knots + 2))
    if n_knots > 2:
        second = np.diff(np.eye(n_knots), n=2, axis=0)
        penalty[:n_knots, :n_knots] = STIFFNESS * second.T @ second
    # Where points leave a coefficient open, nothing shall come of it.
    return penalty + np.diag(np.append(np.full(n_knots, 1e-6), [1e-3, 1.0]))


def _solved(
    design: NDArray[np.float64],
    penalty: NDArray[np.float64],
    weight: NDArray[np.float64],
    z: NDArray[np.float64],
) -> NDArray[np.float64]:
    weighted = design * weight[:, None]
    return np.asarray(np.linalg.solve(weighted.T @ design + penalty, weighted.T @ z), dtype=np.float64)


def principal_frame(
    corners: NDArray[np.float64],
) -> tuple[tuple[float, float], tuple[float, float], float, float]:
    """Middle, direction, length and width of a smallest rectangle.

    Parameters
    ----------
    corners : array, shape (4, 2)
        Of the rectangle, in order.

    Returns
    -------
    middle, along : (float, float)
    length_m, width_m : float

    Examples
    --------
    >>> principal_frame(np.array([[0.0, 0], [0, 2], [6, 2], [6, 0]]))
    ((3.0, 1.0), (1.0, 0.0), 6.0, 2.0)
    """
    first, second = corners[1] - corners[0], corners[2] - corners[1]
    a, b = math.hypot(*first), math.hypot(*second)
    long_way, length, width = (first, a, b) if a >= b else (second, b, a)
    middle = corners.mean(axis=0)
    along = long_way / length if length > 0 else np.array([1.0, 0.0])
    return (float(middle[0]), float(middle[1])), (float(along[0]), float(along[1])), length, width
