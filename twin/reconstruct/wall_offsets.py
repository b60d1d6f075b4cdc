"""How far the walls of a footprint lie from where the points step from roof to ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

REACH_M = 3.2
"""The step is looked for this far to both sides of a wall."""
STATION_M = 1.0
"""Walls are measured at stations this far apart, with the points of a strip as wide."""
FEWEST_POINTS = 3
"""Of a strip on either side of its step."""
CLEAR_SHARE = 0.85
"""This share of a strip's points lies on the right side of its step."""
FEWEST_STATIONS = 2
SPREAD_M = 0.5
"""Of the stations of a wall, the middle half lies this close together; else the wall is no wall of the roof."""
BESIDE_M = 0.6
"""Where another footprint begins this close outside a wall, no step is to be seen."""


@dataclass(frozen=True, slots=True)
class WallOffsets:
    """Walls of some footprints and where the points have them.

    Parameters
    ----------
    row : array, shape (n,)
        The footprint of each.
    normal : array, shape (n, 2)
        Outward direction.
    offset_m : array, shape (n,)
        Of the step in the points, outward positive: eaves, and what the footprint is displaced by.
    length_m : array, shape (n,)
        Of the part of the wall that was measured.
    """

    row: NDArray[np.int64]
    normal: NDArray[np.float64]
    offset_m: NDArray[np.float64]
    length_m: NDArray[np.float64]

    def __post_init__(self) -> None:
        if not len(self.row) == len(self.normal) == len(self.offset_m) == len(self.length_m):
            raise ValueError("every wall has one value of each kind")

    def __len__(self) -> int:
        return len(self.row)

    def select(self, keep: NDArray[np.bool_]) -> WallOffsets:
        """The walls of a mask."""
        return WallOffsets(self.row[keep], self.normal[keep], self.offset_m[keep], self.length_m[keep])

    @classmethod
    def concatenate(cls, parts: list[WallOffsets]) -> WallOffsets:
        """The walls of all parts, one after another."""
        none = cls(np.empty(0, np.int64), np.empty((0, 2)), np.empty(0), np.empty(0))
        all_parts = [none, *parts]
        return cls(
            np.concatenate([p.row for p in all_parts]),
            np.concatenate([p.normal for p in all_parts]),
            np.concatenate([p.offset_m for p in all_parts]),
            np.concatenate([p.length_m for p in all_parts]),
        )


def wall_offsets(
    footprint: Any,
    roof_xy: NDArray[np.float64],
    ground_xy: NDArray[np.float64],
    *,
    row: int = 0,
    others: NDArray[Any] | None = None,
) -> WallOffsets:
    """Where the points have each wall of a footprint.

    Parameters
    ----------
    footprint : Polygon or MultiPolygon
        Valid, map coordinates.
    roof_xy, ground_xy : array, shape (n, 2), (m, 2)
        Points of buildings and of the ground up to `REACH_M` around it.
    row : int
        Its number in the result.
    others : array of polygons, optional
        Footprints around; walls that they stand against are left out.

    Examples
    --------
    >>> x, y = (v.ravel() for v in np.meshgrid(np.arange(-5, 25, 0.3), np.arange(-5, 25, 0.3)))
    >>> roof = (abs(x - 10.5) < 10) & (abs(y - 10) < 10)
    >>> xy = np.column_stack([x, y])
    >>> found = wall_offsets(shapely.box(0, 0, 20, 20), xy[roof], xy[~roof])
    >>> for (x, y), offset in zip(found.normal.round().astype(int), found.offset_m.round(1)):
    ...     print(x, y, offset)
    1 0 0.6
    0 1 0.0
    -1 0 -0.5
    0 -1 0.1
    """
    place, along, wall = _stations(footprint)
    outward = np.column_stack([along[:, 1], -along[:, 0]])
    free = _is_free(place + BESIDE_M * outward, others)
    offset = np.full(len(place), np.nan)
    if free.any():
        offset[free] = _steps(place[free], outward[free], roof_xy, ground_xy)
    known = np.isfinite(offset)
    rows = [
        (outward[own][0], float(np.median(offset[own])), own.sum() * STATION_M)
        for w in np.unique(wall[known])
        if (own := known & (wall == w)).sum() >= FEWEST_STATIONS
        and np.subtract(*np.percentile(offset[own], [75, 25])) <= SPREAD_M
    ]
    return WallOffsets(
        np.full(len(rows), row, np.int64),
        np.array([r[0] for r in rows]).reshape(-1, 2),
        np.array([r[1] for r in rows]),
        np.array([r[2] for r in rows], np.float64),
    )


def _stations(footprint: Any) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Places along the walls, the direction there (building on the left), and which wall it is."""
    parts = shapely.get_parts(shapely.orient_polygons(shapely.simplify(footprint, 0.1)))
    rings = shapely.get_coordinates(shapely.get_rings(parts))
    lengths = shapely.get_num_coordinates(shapely.get_rings(parts))
    first = np.ones(len(rings), dtype=bool)
    first[np.cumsum(lengths) - 1] = False
    start = np.flatnonzero(first)
    a, b = rings[start], rings[start + 1]
    span = np.hypot(*(b - a).T)
    n = np.floor(span / STATION_M + 1e-6).astype(np.int64)
    wall = np.repeat(np.arange(len(a)), n)
    rank = np.arange(len(wall)) - np.repeat(np.cumsum(n) - n, n)
    share = (rank + 0.5) / np.repeat(np.maximum(n, 1), n)
    direction = (b - a) / np.maximum(span, 1e-9)[:, None]
    return a[wall] + share[:, None] * (b - a)[wall], direction[wall], wall


def _is_free(places: NDArray[np.float64], others: NDArray[Any] | None) -> NDArray[np.bool_]:
    free = np.ones(len(places), dtype=bool)
    if others is not None and len(others):
        free[shapely.STRtree(others).query(shapely.points(places), predicate="intersects")[0]] = False
    return free


def _steps(
    place: NDArray[np.float64],
    outward: NDArray[np.float64],
    roof_xy: NDArray[np.float64],
    ground_xy: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Offset of the step at each station; NaN where there is no clear one."""
    middle = place.mean(axis=0)
    xy = np.concatenate([roof_xy, ground_xy]) - middle
    is_roof = np.repeat([True, False], [len(roof_xy), len(ground_xy)])
    return np.asarray(_step_kernel(place - middle, outward, xy, is_roof))


@numba.njit(cache=True, nogil=True)
def _step_kernel(
    place: NDArray[np.float64],
    outward: NDArray[np.float64],
    xy: NDArray[np.float64],
    is_roof: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Per station: sort the strip's points by distance, take the cut with most roofs within and most ground without."""
    found = np.full(len(place), np.nan)
    t, kind = np.empty(len(xy)), np.empty(len(xy), np.bool_)
    for s in range(len(place)):
        n, n_roof = 0, 0
        nx, ny = outward[s, 0], outward[s, 1]
        for i in range(len(xy)):
            dx, dy = xy[i, 0] - place[s, 0], xy[i, 1] - place[s, 1]
            if abs(dx * ny - dy * nx) <= STATION_M / 2 and abs(dx * nx + dy * ny) <= REACH_M:
                t[n], kind[n] = dx * nx + dy * ny, is_roof[i]
                n_roof += kind[n]
                n += 1
        if n_roof < FEWEST_POINTS or n - n_roof < FEWEST_POINTS:
            continue
        order = np.argsort(t[:n], kind="mergesort")
        score, best, low, high = n - n_roof, -1, 0.0, 0.0
        n_in, n_out = 0, n - n_roof
        for k in range(n - 1):
            i = order[k]
            score += 1 if kind[i] else -1
            n_in, n_out = n_in + kind[i], n_out - (not kind[i])
            if score > best and n_in >= FEWEST_POINTS and n_out >= FEWEST_POINTS:
                best, low, high = score, t[i], t[order[k + 1]]
        if best >= CLEAR_SHARE * n:
            found[s] = (low + high) / 2
    return found
