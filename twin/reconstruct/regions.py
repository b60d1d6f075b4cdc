"""Cells of a triangulated map: which triangles lie in one, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import shapely

from twin.reconstruct.cover import Cover

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.reconstruct.cover import CoverPolygons

BUILDING = 255
"""Label of cells under a footprint, which the terrain leaves out."""
SLIVER_M = 0.02
"""Cells narrower than this come from maps that do not quite fit; they take the label of a neighbour."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What triangles are.

    Parameters
    ----------
    cover : array, shape (m,)
        `Cover`, or `BUILDING`; uint8.
    feature : array, shape (m,)
        Index of the cover polygon or, under a building, of the footprint; -1 where no polygon lies. int32.
    """

    cover: NDArray[np.uint8]
    feature: NDArray[np.int32]


class LabelFinder:
    """Looks up what lies at a point: prepared once, asked for every tile step.

    Parameters
    ----------
    cover : CoverPolygons
        Map polygons.
    footprints : array, shape (k,)
        Building footprints; they hide every map polygon.
    """

    __slots__ = ("_cover", "_cover_tree", "_footprint_tree", "_rank")

    def __init__(self, cover: CoverPolygons, footprints: NDArray[Any]) -> None:
        self._cover, self._rank = cover, cover.rank
        self._cover_tree, self._footprint_tree = shapely.STRtree(cover.polygons), shapely.STRtree(footprints)

    def at(self, xy: NDArray[np.float64]) -> Labels:
        """The labels at points in map coordinates, shape (n, 2)."""
        where = shapely.points(xy)
        cover = np.full(len(xy), Cover.GROUND, dtype=np.uint8)
        feature = np.full(len(xy), -1, dtype=np.int32)
        point, polygon = self._cover_tree.query(where, predicate="intersects")
        order = np.lexsort((self._rank[polygon], point))
        first = order[np.unique(point[order], return_index=True)[1]]
        cover[point[first]], feature[point[first]] = self._cover.cover[polygon[first]], polygon[first]
        point, footprint = self._footprint_tree.query(where, predicate="intersects")
        order = np.lexsort((footprint, point))
        first = order[np.unique(point[order], return_index=True)[1]]
        cover[point[first]], feature[point[first]] = BUILDING, footprint[first]
        return Labels(cover, feature)

    def water_near(self, xy: NDArray[np.float64], distance_m: float) -> tuple[NDArray[Any], NDArray[Any]]:
        """Pairs of point and water polygon no further apart than a distance."""
        point, polygon = self._cover_tree.query(shapely.points(xy), predicate="dwithin", distance=distance_m)
        wet = self._cover.cover[polygon] == Cover.WATER
        return point[wet], polygon[wet]


def label_triangles(
    finder: LabelFinder,
    xy: NDArray[np.float64],
    corners: NDArray[np.int32],
    neighbours: NDArray[np.int32],
    fixed: NDArray[np.bool_],
) -> Labels:
    """What each triangle is: one look-up for each cell of the map, not for each triangle.

    Parameters
    ----------
    finder : LabelFinder
        Knows the polygons.
    xy : array, shape (n, 2)
        Vertices, map coordinates.
    corners, neighbours, fixed : arrays, shape (m, 3)
        Triangles, the triangles beside them (-1 for none), and which of their sides are lines of the map.

    Returns
    -------
    Labels
    """
    region, n_regions = flood(neighbours, fixed)
    area2, perimeter = _area2_and_perimeter(xy, corners)
    inside = _roomiest(region, n_regions, area2 / perimeter)
    found = finder.at(xy[corners[inside]].mean(axis=1))
    _absorb_slivers(found, region, area2, _sides(xy, corners, neighbours, fixed, region))
    return Labels(found.cover[region], found.feature[region])


@numba.njit(cache=True, nogil=True)
def flood(neighbours: NDArray[np.int32], fixed: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Number the cells: triangles that can be reached from one another without crossing a fixed side.

    Returns
    -------
    region : array, shape (m,)
        Cells are numbered in the order of their first triangle.
    n_regions : int
    """
    region = np.full(len(neighbours), -1, np.int32)
    stack = np.empty(len(neighbours), np.int32)
    n_regions = 0
    for seed in range(len(neighbours)):
        if region[seed] >= 0:
            continue
        region[seed] = n_regions
        stack[0], depth = seed, 1
        while depth:
            depth -= 1
            t = stack[depth]
            for side in range(3):
                other = neighbours[t, side]
                if other >= 0 and not fixed[t, side] and region[other] < 0:
                    region[other] = n_regions
                    stack[depth] = other
                    depth += 1
        n_regions += 1
    return region, n_regions


def _area2_and_perimeter(
    xy: NDArray[np.float64], corners: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b, c = (xy[corners[:, i]] for i in range(3))
    ab, bc, ca = b - a, c - b, a - c
    perimeter = sum(np.hypot(v[:, 0], v[:, 1]) for v in (ab, bc, ca))
    return ab[:, 1] * ca[:, 0] - ab[:, 0] * ca[:, 1], np.asarray(perimeter)


@numba.njit(cache=True, nogil=True)
def _roomiest(region: NDArray[np.int32], n_regions: int, inradius: NDArray[np.float64]) -> NDArray[np.int32]:
    """The triangle of each cell that holds the largest circle."""
    best = np.full(n_regions, -1, np.int32)
    for t in range(len(region)):
        r = region[t]
        if best[r] < 0 or inradius[t] > inradius[best[r]]:
            best[r] = t
    return best


def _sides(
    xy: NDArray[np.float64],
    corners: NDArray[np.int32],
    neighbours: NDArray[np.int32],
    fixed: NDArray[np.bool_],
    region: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Cell, the cell beyond (-1: outside) and length of every side that is a line of the map."""
    t, side = np.nonzero(fixed)
    a, b = corners[t, side], corners[t, (side + 1) % 3]
    beyond = neighbours[t, side]
    length = np.hypot(*(xy[a] - xy[b]).T)
    return region[t], np.where(beyond >= 0, region[beyond], -1), length


def _absorb_slivers(
    found: Labels,
    region: NDArray[np.int32],
    area2: NDArray[np.float64],
    sides: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]],
) -> None:
    """Give cells too narrow to be meant the label of the neighbour with which they share most.

    Cells at the tile's border are left alone: their other part is not known here.
    """
    here, beyond, length = sides
    n = len(found.cover)
    width = np.bincount(region, area2, n) / np.maximum(np.bincount(here, length, n), 1e-9)
    at_border = np.zeros(n, dtype=bool)
    at_border[here[beyond < 0]] = True
    slivers = np.flatnonzero((width < SLIVER_M) & ~at_border & (found.cover != BUILDING))
    by_cell = np.argsort(here, kind="stable")
    first = np.searchsorted(here[by_cell], np.arange(n + 1))
    for s in slivers[np.argsort(width[slivers], kind="stable")]:
        own = by_cell[first[s] : first[s + 1]]
        own = own[(found.cover[beyond[own]] != BUILDING) & (beyond[own] != s)]
        if len(own):
            shared = np.bincount(beyond[own], length[own])
            found.cover[s], found.feature[s] = found.cover[shared.argmax()], found.feature[shared.argmax()]
