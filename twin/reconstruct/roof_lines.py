"""Candidate lines of a roof: where planes intersect, where they step, drawn over the part where both are."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from twin.reconstruct.partition import locate_by_edges, partition_edges, whole_footprint
from twin.reconstruct.roof_line_kernels import FACING, contacts, nearest_label_map, place_step, strongest_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from twin.reconstruct.footprint import LocalFootprint
    from twin.reconstruct.roof_planes import RoofPlanes

CELL_M = 0.25
_MOST_CELLS = 250_000
NEAR_M = 0.6
"""Planes meet where they change places within this distance of the border between their points."""

LEVEL_M = 0.1
LEAST_LENGTH_M = 0.7
REACH_M, FARTHEST_M = 1.0, 8.0
NEAR_SPACINGS = 1.5
"""A point tells of places up to so many mean distances of points away."""

SNAP_M = 0.25
"""Steps this near to a corner of the outline go through it."""

AHEAD_M = 3.0
BESIDE_EDGE_M = 0.1
_TOUCH_M = 0.005
_ALIKE_M = 0.2
_ALIKE_RAD = math.radians(4.0)


@dataclass(frozen=True, slots=True)
class RoofLine:
    """A line ``normal . p = offset`` between two places along it.

    Parameters
    ----------
    normal : array, shape (2,)
        Unit vector.
    offset, start, end : float
        Metres; along the line is the normal turned left.
    pair : (int, int)
        The planes on its sides, lower index first.
    is_step : bool
        Whether they are at different heights there.
    length_m : float
        Of the border that it stands for.
    is_whole : bool
        Whether it ends where it ends, and is not to be drawn out.
    """

    normal: NDArray[np.float64]
    offset: float
    start: float
    end: float
    pair: tuple[int, int]
    is_step: bool
    length_m: float
    is_whole: bool = False

    def ends(self, extra_m: float = 0.0) -> NDArray[np.float64]:
        """Both ends, shape (2, 2), drawn out by some metres."""
        extra_m = _TOUCH_M if self.is_whole else extra_m
        foot, along = self.normal * self.offset, turned(self.normal)
        return np.array([foot + (self.start - extra_m) * along, foot + (self.end + extra_m) * along])


def turned(normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """A vector turned left by a right angle."""
    return np.array([-normal[1], normal[0]])


@dataclass(frozen=True, slots=True)
class PlaneMap:
    """The plane of the nearest point, by cells; see `map_planes`.

    Parameters
    ----------
    labels : array, shape (ny, nx)
        Plane of each cell.
    inside : array, shape (ny, nx)
        Whether its centre lies in the footprint.
    near : array, shape (ny, nx)
        Whether that point lies nearby, and the cell is inside.
    frame : tuple
        Lower left corner, size of cells, rows, columns.
    """

    labels: NDArray[np.int64]
    inside: NDArray[np.bool_]
    near: NDArray[np.bool_]
    frame: tuple[float, float, float, int, int]


def map_planes(footprint: LocalFootprint, xyz: NDArray[np.float64], label: NDArray[np.int64]) -> PlaneMap:
    """A raster of the footprint that tells of each cell the plane of the nearest point."""
    x0, y0, x1, y1 = footprint.polygon.bounds
    cell = max(CELL_M, math.sqrt((x1 - x0) * (y1 - y0) / _MOST_CELLS))
    ny, nx = math.ceil((y1 - y0) / cell), math.ceil((x1 - x0) / cell)
    frame = (float(x0), float(y0), float(cell), ny, nx)
    whole = whole_footprint(footprint)
    edges = partition_edges(whole.corners, whole.ring_starts, whole.face_starts)
    r, c = (v.ravel() for v in np.mgrid[:ny, :nx])
    centres = np.column_stack([x0 + (c + 0.5) * cell, y0 + (r + 0.5) * cell])
    inside = locate_by_edges(whole.vertices, edges, centres).reshape(ny, nx) >= 0
    near_m = NEAR_SPACINGS * math.sqrt(footprint.area_m2 / max(1, len(xyz)))
    labels, near = nearest_label_map(xyz, label, frame, near_m)
    return PlaneMap(labels, inside, near & inside, frame)


def roof_lines(
    footprint: LocalFootprint, xyz: NDArray[np.float64], found: RoofPlanes, plane_map: PlaneMap
) -> list[RoofLine]:
    """Lines along which a roof may be divided.

    Parameters
    ----------
    footprint : LocalFootprint
        Steps are drawn to its corners where these are near.
    xyz : array, shape (n, 3)
        The points that `found` tells the planes of.
    found : RoofPlanes
        Planes and labels.
    plane_map : PlaneMap
        Of the same labels.
    """
    pair, at = contacts(plane_map.labels, plane_map.inside, plane_map.frame)
    spacing = math.sqrt(footprint.area_m2 / max(1, len(xyz)))
    sight = _Sight(xyz, found, whole_footprint(footprint).vertices, plane_map.frame[2], spacing)
    lines: list[RoofLine] = []
    keys = pair[:, 0] * len(found.planes) + pair[:, 1]
    for key in np.unique(keys):
        i, j = divmod(int(key), len(found.planes))
        places = at[keys == key]
        lines.extend(_lines_of_pair((i, j), places, sight))
    return _distinct(lines, max(_ALIKE_M, spacing / 2))


@dataclass(frozen=True, slots=True)
class _Sight:
    """What lines are found by: points, planes, corners of the outline, cells of the map, mean distance of points."""

    xyz: NDArray[np.float64]
    found: RoofPlanes
    corners: NDArray[np.float64]
    cell_m: float
    spacing_m: float


def _lines_of_pair(pair: tuple[int, int], places: NDArray[np.float64], sight: _Sight) -> Iterator[RoofLine]:
    """The lines of two planes: their intersection, and steps along what of the border is not explained by it."""
    found, cell = sight.found, sight.cell_m
    apart = found.planes[pair[0]] - found.planes[pair[1]]
    step = places[:, :2] @ apart[:2] + apart[2]
    turn = float(np.hypot(*apart[:2]))
    meets = np.zeros(len(places), np.bool_)
    if turn > 1e-3:
        meets = (np.abs(step) <= turn * NEAR_M) & (np.abs(places[:, 2:4] @ apart[:2]) > FACING * turn)
        if meets.sum() * cell >= LEAST_LENGTH_M / 2:
            normal = apart[:2] / turn
            along = places[meets, :2] @ turned(normal)
            length = float(meets.sum() * cell)
            yield RoofLine(
                normal,
                -apart[2] / turn,
                float(along.min()),
                float(along.max()),
                pair,
                is_step=False,
                length_m=length,
            )
        meets &= np.abs(step) <= max(LEVEL_M, turn * 0.35)
    rest = places[~meets]
    normals = _step_normals(found, pair)
    while len(rest) * cell >= LEAST_LENGTH_M:
        row, offset, length = strongest_line(rest, normals, max(2.6 * cell, 0.8 * sight.spacing_m))
        if length * cell < LEAST_LENGTH_M:
            return
        near = np.abs(rest[:, :2] @ normals[row] - offset) <= max(1.8 * cell, 0.7 * sight.spacing_m)
        near &= np.abs(rest[:, 2:4] @ normals[row]) > FACING
        placed = _placed(pair, normals[row], offset, rest[near, :2], top=(sight.xyz, found))
        yield _to_corner(placed, sight.corners, max(SNAP_M, sight.spacing_m / 2))
        rest = rest[~near]


def _step_normals(found: RoofPlanes, pair: tuple[int, int]) -> NDArray[np.float64]:
    """Directions of steps: those of the outline, and along and square to the slopes of the two planes."""
    normals = list(found.normals)
    for plane in found.planes[list(pair)]:
        slope = float(np.hypot(*plane[:2]))
        if slope > 0.1:
            own = plane[:2] / slope
            if max(abs(own @ n) for n in found.normals) < math.cos(math.radians(6)):
                normals += [own, turned(own)]
    return np.array(normals)


def _placed(
    pair: tuple[int, int],
    normal: NDArray[np.float64],
    offset: float,
    places: NDArray[np.float64],
    *,
    top: tuple[NDArray[np.float64], RoofPlanes],
) -> RoofLine:
    """A step line put where it tells the points of both sides apart best.

    In a gap between them it keeps to the higher side: beside a wall points of the lower roof are hidden from the
    scanner, those of the higher one are not.
    """
    xyz, found = top
    along = places @ turned(normal)
    start, end = float(along.min()), float(along.max())
    apart = found.planes[pair[0]] - found.planes[pair[1]]
    first_is_lower = places.mean(axis=0) @ apart[:2] + apart[2] < 0
    lower_higher = pair if first_is_lower else pair[::-1]
    reach, side, low, high = REACH_M, 0.0, offset, offset
    while side == 0.0 and reach <= FARTHEST_M:  # a tall wall hides metres of the roof below
        low, high, side = place_step(xyz, found.label, lower_higher, normal, (offset, reach, start, end))
        reach *= 2
    beside = min((high - low) / 2, BESIDE_EDGE_M)
    if side:
        offset = high - beside if side > 0 else low + beside
    return RoofLine(normal, float(offset), start, end, pair, is_step=True, length_m=end - start)


def _to_corner(line: RoofLine, corners: NDArray[np.float64], reach_m: float) -> RoofLine:
    """The line through the nearest corner of the outline, if one is near."""
    away, along = corners @ line.normal - line.offset, corners @ turned(line.normal)
    near = (np.abs(away) <= reach_m) & (along > line.start - AHEAD_M) & (along < line.end + AHEAD_M)
    if not near.any():
        return line
    k = int(np.where(near, np.abs(away), np.inf).argmin())
    return replace(line, offset=float(line.offset + away[k]))


def _distinct(lines: list[RoofLine], alike_m: float) -> list[RoofLine]:
    """Lines without those that run along a stronger one; intersections, which are exact, come before steps."""
    kept: list[RoofLine] = []
    for line in sorted(lines, key=lambda v: (v.is_step, -v.length_m, v.pair, v.offset)):
        for k, other in enumerate(kept):
            if _runs_along(line, other, alike_m):
                ends = line.ends() @ turned(other.normal)
                if line.is_step and not other.is_step and line.pair != other.pair:
                    continue
                kept[k] = replace(
                    other, start=min(other.start, float(ends.min())), end=max(other.end, float(ends.max()))
                )
                break
        else:
            kept.append(line)
    return kept


def _runs_along(line: RoofLine, other: RoofLine, alike_m: float) -> bool:
    if abs(line.normal @ other.normal) < math.cos(_ALIKE_RAD):
        return False
    limit = alike_m if line.is_step else 0.02
    ends = line.ends()
    if np.abs(ends @ other.normal - other.offset).max() > limit:
        return False
    along = ends @ turned(other.normal)
    return bool(along.max() >= other.start - 1.0 and along.min() <= other.end + 1.0)
