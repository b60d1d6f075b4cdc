"""Parapets: narrow level rims along the outline, which are drawn as the outline moved inwards."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numba
import numpy as np
import shapely

from twin.reconstruct.order import percentile_of_sorted, rising_order
from twin.reconstruct.partition import polygons_of
from twin.reconstruct.roof_lines import RoofLine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.reconstruct.footprint import LocalFootprint
    from twin.reconstruct.partition import FootprintPartition
    from twin.reconstruct.roof_planes import RoofPlanes

WIDEST_M = 0.9
NARROWEST_M = 0.15
LEAST_POINTS = 6
ALONG_M = 0.5
"""Lines along a rim that are not farther from its inner edge than this are left out for it."""

_PARALLEL = math.cos(math.radians(5.0))


def find_rims(edge_distance_m: NDArray[np.float64], found: RoofPlanes) -> dict[int, float]:
    """Width of each level plane that is a rim, metres.

    Parameters
    ----------
    edge_distance_m : array, shape (n,)
        Distance from the outline of the points that `found` tells the planes of.
    found : RoofPlanes
        Planes and labels.
    """
    level = [k for k in range(len(found.planes)) if not found.planes[k, :2].any()]
    widths = {k: rim_width(edge_distance_m, found.label, k) for k in level}
    return {k: width for k, width in widths.items() if width > 0}


def with_rims(footprint: LocalFootprint, rims: dict[int, float], lines: list[RoofLine]) -> list[RoofLine]:
    """The lines with the inner edge of each rim in the place of steps that run along it.

    Parameters
    ----------
    footprint : LocalFootprint
        The building.
    rims : dict
        Width of each rim by its plane, metres.
    lines : list of RoofLine
        What was found without regard to rims.
    """
    for k, width in rims.items():
        inner = shapely.buffer(footprint.polygon, -width, join_style="mitre", mitre_limit=5.0)
        edge = [_as_line(ends, k) for ends in _segments(inner)]
        lines = [*edge, *(v for v in lines if k not in v.pair or not _is_along_any(v, edge))]
    return lines


def rim_faces(
    footprint: LocalFootprint, partition: FootprintPartition, rims: dict[int, float]
) -> list[tuple[NDArray[np.bool_], int]]:
    """For each rim the faces of a divided footprint that lie in it all around, and its plane."""
    middles = shapely.point_on_surface(polygons_of(partition))
    distance = shapely.distance(shapely.boundary(footprint.polygon), middles)
    return [(distance < width, k) for k, width in rims.items()]


@numba.njit(cache=True, nogil=True)
def _split(distance: NDArray[np.float64], is_rim: NDArray[np.bool_]) -> float:
    """The distance from the outline that tells points of a rim, outside, from the others with the fewest errors."""
    order = rising_order(distance)
    balance, best, at = 0, 0, 0.0
    for k in range(len(order) - 1):
        balance += 1 if is_rim[order[k]] else -1
        if balance > best:
            best, at = balance, (distance[order[k]] + distance[order[k + 1]]) / 2
    return at


def rim_width(edge_distance_m: NDArray[np.float64], label: NDArray[np.int64], k: int) -> float:
    """Width of the rim that the points of a plane make along the outline, metres; 0 where they make none."""
    own = np.sort(edge_distance_m[label == k])
    if len(own) < LEAST_POINTS or percentile_of_sorted(own, 90) > WIDEST_M:
        return 0.0
    near = (label >= 0) & (edge_distance_m < 2 * WIDEST_M)
    width = float(_split(edge_distance_m[near], label[near] == k))
    return width if NARROWEST_M <= width <= WIDEST_M else 0.0


def _segments(polygon: shapely.Geometry) -> NDArray[np.float64]:
    """Both ends of every edge, shape (m, 2, 2)."""
    rings = [
        shapely.get_coordinates(ring)
        for part in shapely.get_parts(polygon)
        for ring in (part.exterior, *part.interiors)
    ]
    pairs = [np.stack([ring[:-1], ring[1:]], axis=1) for ring in rings]
    ends = np.concatenate(pairs) if pairs else np.empty((0, 2, 2))
    return np.asarray(ends[np.hypot(*(ends[:, 0] - ends[:, 1]).T) > 1e-3])


def _as_line(ends: NDArray[np.float64], k: int) -> RoofLine:
    along = ends[1] - ends[0]
    length = float(np.hypot(*along))
    along = along / length
    normal = np.array([along[1], -along[0]])
    start = float(ends[0] @ along)
    return RoofLine(
        normal,
        float(ends[0] @ normal),
        start,
        start + length,
        (k, k),
        is_step=True,
        length_m=length,
        is_whole=True,
    )


def _is_along_any(line: RoofLine, others: list[RoofLine]) -> bool:
    """Whether a step runs beside one of some others over most of its length."""
    if not line.is_step:
        return False
    middle = line.ends().mean(axis=0)
    for other in others:
        if abs(line.normal @ other.normal) < _PARALLEL or abs(middle @ other.normal - other.offset) > ALONG_M:
            continue
        at = middle @ np.array([-other.normal[1], other.normal[0]])
        if other.start - ALONG_M <= at <= other.end + ALONG_M:
            return True
    return False
