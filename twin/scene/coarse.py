"""Very many buildings: far tiles are drawn as few plain blocks, near ones in full, each made when it is first needed.

A block stands for eight neighbours: as high as they are in the mean, as wide as they cover together, in the colour of
the first of them. Where a pixel shows more than some metres, nobody can tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.in_view import in_view, nearest_m
from twin.scene.pack import Material
from twin.scene.paint import FIRST_OWN, id_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from twin.energy.sun import Sun
    from twin.scene.camera import Camera
    from twin.scene.pack import Tile
    from twin.scene.stage import Stage

LARGE = 400_000
"""Triangles of buildings from which on a scene has coarse tiles; smaller ones are always drawn in full."""
TOGETHER = 8
BLOCK_PX = 8.0
"""A tile is drawn in full where a block would be higher or wider than this in the picture."""
_SKY_OF_WALLS = 0.5
_CORNERS = np.array(
    [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)], np.float32
)
_QUADS = np.array([(4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)])
_SIDES = np.repeat(np.arange(5), 4)
_KINDS = np.where(_SIDES == 0, int(Material.ROOF_FLAT), int(Material.WALL)).astype(np.float32)
_LOW_OR_HIGH = (np.arange(3) + 3 * _CORNERS[_QUADS.ravel()].astype(np.int64)).ravel()
"""Which of the six numbers of a block each coordinate of its 20 points is."""
_NORMALS = np.array([(0, 0, 1), (0, -1, 0), (1, 0, 0), (0, 1, 0), (-1, 0, 0)], np.float64)


@dataclass
class Detail:
    """A tile in full and as blocks; one of the two is shown.

    Parameters
    ----------
    fine, coarse : vtkActor
    bounds : tuple of float
        x_min, x_max, y_min, y_max, z_min, z_max, local metres.
    block_m : float
        Size of its larger blocks.
    fill : callable or None
        Makes what the full tile draws; None once it has been made.
    """

    fine: Any
    coarse: Any
    bounds: tuple[float, ...]
    block_m: float
    fill: Callable[[], None] | None


def pack_blocks(arrays: dict[str, NDArray[Any]], tiles: Sequence[Tile]) -> None:
    """Add blocks to the arrays of a large pack: ``coarse_blocks`` f4 (n, 6), low and high corner; ``coarse_owner`` i4.

    Tile ``t`` of the faces has the blocks ``coarse_starts[t]:coarse_starts[t + 1]``.
    """
    if sum(t.cells[1] - t.cells[0] for t in tiles) < LARGE:
        return
    blocks, owners, starts = [np.empty((0, 6), np.float32)], [np.empty(0, np.int32)], [0]
    for tile in tiles:
        if tile.group == "city":
            part = slice(*tile.points)
            found = _blocks(arrays["facet_points"][part], arrays["facet_owner"][part])
            blocks.append(found[0])
            owners.append(found[1])
        starts.append(sum(map(len, blocks)))
    arrays["coarse_blocks"], arrays["coarse_owner"] = np.concatenate(blocks), np.concatenate(owners)
    arrays["coarse_starts"] = np.asarray(starts, np.int32)
    arrays["building_chance"] = id_hash(arrays["building_ids"])


def _blocks(
    points: NDArray[np.float32], owner: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """One block for eight buildings that follow one another; points of a building stand together."""
    first = np.flatnonzero(np.concatenate([[True], np.diff(owner) != 0]))
    first = first[owner[first] >= 0]
    if not len(first):
        return np.empty((0, 6), np.float32), np.empty(0, np.int32)
    ends = np.append(first, len(points))
    low, high = np.minimum.reduceat(points, ends[:-1]), np.maximum.reduceat(points, ends[:-1])
    size = (high - low).astype(np.float64)
    group = np.arange(0, len(first), TOGETHER)
    plan = np.maximum(size[:, 0] * size[:, 1], 0.01)
    total = np.add.reduceat(plan, group)
    middle = np.add.reduceat((low + high)[:, :2] / 2 * plan[:, None], group) / total[:, None]
    foot = np.minimum.reduceat(low[:, 2], group)
    top = np.add.reduceat(high[:, 2] * plan, group) / total
    half = np.sqrt(total)[:, None] / 2
    blocks = np.column_stack([middle - half, foot, middle + half, top]).astype(np.float32)
    return blocks, owner[first[group]].astype(np.int32)


def block_geometry(
    blocks: NDArray[np.float32], owner: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
    """Points, triangles, places in the light of blocks, and places of colours; 20 points and 10 triangles a block."""
    n = len(blocks)
    points = np.take(blocks, _LOW_OR_HIGH, axis=1).reshape(-1, 3)
    triangles, light = _pattern(1 << n.bit_length())  # tiles are nearly alike: few patterns serve all
    slots = (FIRST_OWN + 3 * owner.astype(np.float32))[:, None] + _KINDS
    return points, triangles[: 10 * n], light[: 20 * n], slots.reshape(-1)


@lru_cache(maxsize=4)
def _pattern(n: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Triangles and places in the light of so many blocks."""
    quad = np.arange(0, 20 * n, 4, dtype=np.int32)[:, None, None]
    triangles = (quad + np.array([(0, 1, 2), (0, 2, 3)], np.int32)).reshape(-1, 3)
    one = np.column_stack([(_SIDES + 0.5) / 5, np.full(20, 0.5)]).astype(np.float32)
    return triangles, np.tile(one, (n, 1))


def block_light(sun: Sun) -> NDArray[np.uint8]:
    """Sun and sky on top and sides of blocks, without shadows; shape (1, 5, 4)."""
    cosine = np.maximum(_NORMALS @ np.asarray(sun.direction), 0.0) * (sun.elevation_deg > 0)
    sky = np.where(_NORMALS[:, 2] > 0, 1.0, _SKY_OF_WALLS)
    two = np.column_stack([cosine, sky, np.zeros(5), np.ones(5)])
    return np.rint(two * 255).astype(np.uint8)[None]


def pack_edge_bounds(arrays: dict[str, NDArray[Any]], tiles: Sequence[Tile]) -> None:
    """Add the boxes of tiles of edges to a large pack: ``coarse_edge_bounds`` f4 (n, 6), as VTK orders bounds."""
    if "coarse_blocks" not in arrays:
        return
    ends = [arrays["edge_points"][slice(*t.cells)].reshape(-1, 3) for t in tiles]
    boxes = [np.stack([e.min(axis=0), e.max(axis=0)], axis=1).ravel() for e in ends]
    arrays["coarse_edge_bounds"] = np.asarray(boxes, np.float32).reshape(-1, 6)


def choose_detail(stage: Stage, camera: Camera, height_px: int) -> None:
    """Show near tiles in full and far ones as blocks; what is switched off stays so."""
    if not stage.details:
        return
    boxes = np.array([detail.bounds for detail in stage.details])
    shown_m = camera.parallel_height_m
    angle = 2 * math.tan(math.radians(camera.view_angle_deg) / 2) / height_px
    pixels = nearest_m(boxes, camera.eye) * angle if shown_m is None else [shown_m / height_px] * len(boxes)
    for detail, pixel, may_be_seen in zip(stage.details, pixels, in_view(boxes, camera), strict=True):
        near = bool(detail.block_m > BLOCK_PX * pixel)
        if near and may_be_seen and detail.fill is not None:
            detail.fill()
            detail.fill = None
        near = near and detail.fill is None
        detail.fine.SetVisibility(near and detail.fine not in stage.hidden)
        detail.coarse.SetVisibility(not near and detail.coarse not in stage.hidden)


def vtk_bounds(low: NDArray[np.floating], high: NDArray[np.floating]) -> tuple[float, ...]:
    """A box from its low and high corner, in the order in which VTK tells bounds."""
    return tuple(np.stack([low, high], axis=1).ravel().tolist())
