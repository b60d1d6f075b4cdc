"""Land and water as sheets of their own, joined by upright walls where one is higher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.core.mesh import TriangleMesh
from twin.reconstruct.cover import Cover
from twin.reconstruct.regions import BUILDING
from twin.reconstruct.surface_points import HEIGHT_STEPS_PER_M, rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.reconstruct.cover import WaterLevel
    from twin.reconstruct.regions import LabelFinder

LOWEST_WALL_M = 0.0005
"""Lower steps are none."""
PROBE_M = 0.005
"""How far beyond the tile's border to look for what lies there."""

_Walls = tuple["NDArray[np.int32]", "NDArray[np.float64]", "NDArray[np.float64]", "NDArray[np.int32]"]


@dataclass(frozen=True, slots=True)
class Sheets:
    """A triangulated and labelled map with the height of the land at each vertex.

    Parameters
    ----------
    xy : array, shape (n, 2)
        Vertices, map coordinates.
    z : array, shape (n,)
        Height of the land there, metres.
    corners, neighbours : array, shape (m, 3)
        Triangles, and the triangle across the side from corner ``i`` to the next; -1 outside the tile.
    fixed : array, shape (m, 3)
        Which sides are lines of the map.
    cover, feature : array, shape (m,)
        `Cover` or `BUILDING`, and the row of the polygon.
    """

    xy: NDArray[np.float64]
    z: NDArray[np.float64]
    corners: NDArray[np.int32]
    neighbours: NDArray[np.int32]
    fixed: NDArray[np.bool_]
    cover: NDArray[np.uint8]
    feature: NDArray[np.int32]


def assemble(
    sheets: Sheets, levels: WaterLevel, finder: LabelFinder, *, n_footprints: int
) -> tuple[TriangleMesh, NDArray[np.uint8], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """Mesh, cover, feature, and lowest and highest ground at each footprint.

    Parameters
    ----------
    sheets : Sheets
        The labelled map.
    levels : callable
        Elevation of the water.
    finder : LabelFinder
        Tells what lies beyond the border.
    n_footprints : int
        Number of footprints that labels refer to.

    Returns
    -------
    tuple
        The parts of a `SurfaceMesh`, in its order.
    """
    height = _corner_heights(sheets, levels)
    seat_low, seat_high = _seats(sheets, height, n_footprints)
    inner, outer = _inner_walls(sheets, height), _border_walls(sheets, height, levels, finder)
    ends, high, low, feature = (np.concatenate([a, b]) for a, b in zip(inner, outer, strict=True))
    vertex, z = _wall_triangles(ends, high, low)
    wall_feature = np.repeat(feature, 2)
    stands = (z.max(axis=1) - z.min(axis=1) >= LOWEST_WALL_M) & _is_proper(vertex, z)
    ground = sheets.cover != BUILDING
    mesh = _welded(
        sheets.xy,
        np.concatenate([sheets.corners[ground], vertex[stands]]),
        np.concatenate([height[ground], z[stands]]),
    )
    n_walls = int(np.count_nonzero(stands))
    cover = np.concatenate([sheets.cover[ground], np.full(n_walls, Cover.QUAY, dtype=np.uint8)])
    of = np.concatenate([sheets.feature[ground], wall_feature[stands]])
    return mesh, cover, of, seat_low, seat_high


def _corner_heights(sheets: Sheets, levels: WaterLevel) -> NDArray[np.float64]:
    """Height of each corner of each triangle; the same vertex may be a shore and the water below it."""
    height = sheets.z[sheets.corners]
    wet = np.flatnonzero(sheets.cover == Cover.WATER)
    xy = sheets.xy[sheets.corners[wet]]
    feature = np.broadcast_to(sheets.feature[wet, None], xy.shape[:2])
    height[wet] = rounded(levels(feature, xy[:, :, 0], xy[:, :, 1]))
    return height


def _seats(
    sheets: Sheets, height: NDArray[np.float64], n_footprints: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    t, side = np.nonzero(sheets.fixed & (sheets.neighbours >= 0) & (sheets.cover != BUILDING)[:, None])
    beyond = sheets.neighbours[t, side]
    built = sheets.cover[beyond] == BUILDING
    t, side, footprint = t[built], side[built], sheets.feature[beyond[built]]
    low, high = np.full(n_footprints, np.inf), np.full(n_footprints, -np.inf)
    for corner in (side, (side + 1) % 3):
        np.minimum.at(low, footprint, height[t, corner])
        np.maximum.at(high, footprint, height[t, corner])
    return np.where(np.isfinite(low), low, np.nan), np.where(np.isfinite(high), high, np.nan)


def _inner_walls(sheets: Sheets, height: NDArray[np.float64]) -> _Walls:
    """Sides whose two triangles do not meet in height: ends, upper and lower heights, feature at the foot."""
    wet = sheets.cover == Cover.WATER
    t, side = np.nonzero(sheets.fixed & (sheets.neighbours >= 0) & (sheets.cover != BUILDING)[:, None])
    beyond = sheets.neighbours[t, side]
    use = (sheets.cover[beyond] != BUILDING) & (wet[t] | wet[beyond])
    t, side, beyond = t[use], side[use], beyond[use]
    after = (side + 1) % 3
    own = np.column_stack([height[t, side], height[t, after]])
    ends = np.column_stack([sheets.corners[t, side], sheets.corners[t, after]])
    across = sheets.corners[beyond]
    theirs = np.column_stack(
        [
            height[beyond, (across == ends[:, :1]).argmax(axis=1)],
            height[beyond, (across == ends[:, 1:]).argmax(axis=1)],
        ]
    )
    # Each side is met from both of its triangles; the wall is built from the higher one.
    higher = own.sum(axis=1) > theirs.sum(axis=1)
    return ends[higher], own[higher], theirs[higher], sheets.feature[beyond[higher]]


def _border_walls(
    sheets: Sheets, height: NDArray[np.float64], levels: WaterLevel, finder: LabelFinder
) -> _Walls:
    """The same where lower water begins exactly at the tile's border; the higher tile builds the wall."""
    t, side = np.nonzero((sheets.neighbours < 0) & (sheets.cover != BUILDING)[:, None])
    ends = np.column_stack([sheets.corners[t, side], sheets.corners[t, (side + 1) % 3]])
    along = sheets.xy[ends[:, 1]] - sheets.xy[ends[:, 0]]
    outwards = np.column_stack([along[:, 1], -along[:, 0]]) / np.hypot(*along.T)[:, None]
    beyond = finder.at(sheets.xy[ends].mean(axis=1) + PROBE_M * outwards)
    use = (beyond.cover == Cover.WATER) & (beyond.feature != sheets.feature[t])
    t, side, ends, feature = t[use], side[use], ends[use], beyond.feature[use]
    own = np.column_stack([height[t, side], height[t, (side + 1) % 3]])
    xy = sheets.xy[ends]
    theirs = rounded(levels(np.broadcast_to(feature[:, None], ends.shape), xy[:, :, 0], xy[:, :, 1]))
    higher = own.sum(axis=1) > theirs.sum(axis=1)
    return ends[higher], own[higher], theirs[higher], feature[higher]


def _wall_triangles(
    ends: NDArray[np.int32], high: NDArray[np.float64], low: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Two triangles for each wall, facing right of the way from its first to its second end."""
    (a, b), (ah, bh), (al, bl) = ends.T, high.T, low.T
    vertex = np.stack([np.column_stack([a, b, b]), np.column_stack([a, b, a])], axis=1)
    z = np.stack([np.column_stack([al, bl, bh]), np.column_stack([al, bh, ah])], axis=1)
    return vertex.reshape(-1, 3), z.reshape(-1, 3)


def _is_proper(vertex: NDArray[np.int32], z: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Triangles whose corners all differ."""
    same = (vertex == np.roll(vertex, -1, axis=1)) & (z == np.roll(z, -1, axis=1))
    return ~same.any(axis=1)


def _welded(xy: NDArray[np.float64], vertex: NDArray[np.int32], z: NDArray[np.float64]) -> TriangleMesh:
    """A mesh in which corners at the same place and height are one vertex."""
    steps = np.rint(z * HEIGHT_STEPS_PER_M).astype(np.int64) + (1 << 31)
    keys, index = np.unique((vertex.astype(np.int64) << 32) + steps, return_inverse=True)
    heights = ((keys & 0xFFFFFFFF) - (1 << 31)) / HEIGHT_STEPS_PER_M
    return TriangleMesh(np.column_stack([xy[keys >> 32], heights]), index.reshape(-1, 3).astype(np.int32))
