"""The error of a roof at points that it was not fitted to.

A roof with more faces always lies nearer to the points that it was made from; only points kept from it tell whether it
lies nearer to the roof. So the finest model is built a second time, in full, from four fifths of the points, and judged
at the rest. (Refitting only the planes on a structure found with all the points costs a fifth as much, and does not
show what it is for: faces that follow noise, and small parts that come and go with a few points.)

Which points are left out follows from their place within the footprint alone, to 0.1 mm: not from their order, the
tile, the place on the map or the workers. Every point has the same chance, as the returns of one pulse have not more in
common than any two neighbours.

References
----------
Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning, 7.10 (what a model may not have seen).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from twin.reconstruct.quality import Fit, roof_fit
from twin.reconstruct.roof_points import BESIDE_M, UNDER_M, RoofPoints, is_under_another

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.reconstruct.partition import FootprintPartition

ONE_IN = 5
"""Share of points that is left out: a fifth."""

SEED = 20_180_416
"""Chooses the fifth; any number does."""

MIN_POINTS = 50
"""With fewer roof points a fifth of them tells nothing."""


class Roof(Protocol):
    """Faces on plan, and a plane for each."""

    @property
    def partition(self) -> FootprintPartition:
        """The faces."""

    @property
    def planes(self) -> NDArray[np.float64]:
        """``(a, b, c)`` of each face, shape (n_faces, 3)."""


def is_held_out(xyz: NDArray[np.float64], *, seed: int = SEED, one_in: int = ONE_IN) -> NDArray[np.bool_]:
    """Which points are kept from the fit, shape (n,).

    Parameters
    ----------
    xyz : array, shape (n, 3)
        Local coordinates of a footprint on the 0.1 mm grid, metres.
    seed, one_in : int
        Another seed chooses other points; one point of `one_in` is chosen.

    Examples
    --------
    >>> xyz = np.random.default_rng(0).uniform(0, 20, (10_000, 3)).round(4)
    >>> float(is_held_out(xyz).mean().round(2))
    0.2

    References
    ----------
    Steele, Lea & Flood (2014), Fast splittable pseudorandom number generators, OOPSLA (the mixing function).
    """
    steps = np.rint(xyz * 1e4).astype(np.int64).astype(np.uint64)
    mixed = np.full(len(xyz), seed, np.uint64)
    for axis in range(3):
        mixed = _mixed(mixed ^ steps[:, axis])
    return np.asarray(mixed % np.uint64(one_in) == 0)


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def holdout_fit(points: RoofPoints, build: Callable[[RoofPoints], Roof], *, seed: int = SEED) -> Fit:
    """Distances at a fifth of the points of a roof built from the others; NaN where that cannot be told.

    Parameters
    ----------
    points : RoofPoints
        All roof points.
    build : callable
        Makes the roof from points, all of it; it may raise ValueError where they do not carry one.
    seed : int
        Chooses the fifth.
    """
    if len(points) < MIN_POINTS:
        return Fit()
    held = is_held_out(points.xyz, seed=seed)
    try:
        roof = build(_without(points, held))
    except ValueError:
        return Fit()
    return roof_fit(roof.partition, roof.planes, _only(points, held))


def _without(points: RoofPoints, held: NDArray[np.bool_]) -> RoofPoints:
    """The other points, and which of these are the top without knowing those left out."""
    xyz = points.xyz[~held]
    return RoofPoints(xyz, ~is_under_another(xyz, BESIDE_M, UNDER_M), points.edge_distance_m[~held])


def _only(points: RoofPoints, held: NDArray[np.bool_]) -> RoofPoints:
    return RoofPoints(points.xyz[held], points.is_top[held], points.edge_distance_m[held])
