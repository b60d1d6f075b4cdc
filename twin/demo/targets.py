"""Everything that a laser can hit in a window of the district, as triangles and crowns on a grid."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from twin.demo.bridges import bridge_triangles, bridges_of
from twin.demo.layout import cell_plan, cells_near
from twin.demo.partition import partition_roof

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Bounds
    from twin.demo.layout import Layout
    from twin.demo.partition import Partition
    from twin.demo.plan import Building

    Float = NDArray[np.float64]

CELL_M = 2.0
CROWN_CELL_M = 4.0
TREE_DENSITY = 0.32
"""Chance per metre of path that a pulse meets a leaf or branch."""
SHRUB_DENSITY = 1.6


class Material(IntEnum):
    """What a triangle is made of."""

    ROOF = 0
    WALL = 1
    GLASS = 2
    CAR = 3
    BRIDGE = 4


class Triangles(NamedTuple):
    """Triangles with where they came from.

    `corners` has shape (n, 3, 3): u, v, z. `below` is the floor that is seen through glass; `owner` numbers the
    buildings of the window, or counts cars, from 0.
    """

    corners: Float
    material: NDArray[np.uint8]
    below: Float
    owner: NDArray[np.int32]


class Targets(NamedTuple):
    """Triangles and crowns of a window, ready for the kernels of `twin.demo.rays`.

    Triangles in cells of `CELL_M`: those of cell ``c`` are ``items[starts[c]:starts[c + 1]]``, and nothing in it stands
    higher than ``tops[c]``. Crowns, in cells of `CROWN_CELL_M`, are ellipsoids of columns u, v, z, radius, half height,
    density and class.
    """

    corners: Float
    material: NDArray[np.uint8]
    below: Float
    owner: NDArray[np.int32]
    origin: Float
    shape: NDArray[np.int64]
    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    tops: Float
    crowns: Float
    crown_shape: NDArray[np.int64]
    crown_starts: NDArray[np.int64]
    crown_items: NDArray[np.int32]
    crown_tops: Float
    top: float


def gather_targets(layout: Layout, window: Bounds) -> tuple[Targets, tuple[Building, ...]]:
    """What stands in a window of the local frame, and the buildings that `Targets.owner` numbers."""
    cells = cells_near(layout, window)
    plans = [cell_plan(layout, i, j) for i, j in cells]
    buildings = tuple(b for plan in plans for b in plan.buildings)
    cars = np.concatenate([plan.cars for plan in plans]) if plans else np.empty((0, 5))
    before = np.cumsum([0, *(len(plan.buildings) for plan in plans)]).tolist()
    parts = [_owned_from(cell_triangles(layout, i, j), n) for (i, j), n in zip(cells, before, strict=False)]
    parts += [car_triangles(cars), bridge_parts(layout)]
    triangles = _joined(parts)
    crowns = np.concatenate([_crowns(p.trees, p.shrubs) for p in plans]) if plans else np.empty((0, 7))
    return _on_grid(triangles, crowns, window), buildings


@lru_cache(maxsize=256)
def cell_triangles(layout: Layout, i: int, j: int) -> Triangles:
    """Roofs and walls of a cell's buildings, which `Triangles.owner` numbers from 0."""
    buildings = cell_plan(layout, i, j).buildings
    return _joined([building_triangles(b, k) for k, b in enumerate(buildings)])


def _joined(parts: list[Triangles]) -> Triangles:
    if not parts:
        return Triangles(np.empty((0, 3, 3)), np.empty(0, np.uint8), np.empty(0), np.empty(0, np.int32))
    return Triangles(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _owned_from(triangles: Triangles, first: int) -> Triangles:
    """The same triangles with their owners numbered from `first`."""
    return triangles._replace(owner=triangles.owner + np.int32(first))


def building_triangles(building: Building, owner: int) -> Triangles:
    """Roof with eaves and walls of one building, in the local frame."""
    import mapbox_earcut

    partition = partition_roof(building.parts)[0]
    pieces, materials = [], []
    for face, plane, is_glass in zip(partition.faces, partition.planes, partition.is_glass, strict=True):
        index = np.concatenate(face)
        ends = np.cumsum([len(ring) for ring in face]).astype(np.uint32)
        xy = partition.xy[index]
        cut = mapbox_earcut.triangulate_float64(xy, ends).reshape(-1, 3)
        xyz = np.column_stack([xy, xy @ plane[:2] + plane[2]])
        pieces.append(xyz[cut])
        materials += [Material.GLASS if is_glass else Material.ROOF] * len(cut)
    walls, wall_materials = _walls(partition)
    pieces.append(walls)
    corners = np.concatenate(pieces)
    flat = building.to_uv(corners.reshape(-1, 3))
    flat[:, 2] += building.floor_z
    n = len(corners)
    return Triangles(
        flat.reshape(-1, 3, 3),
        np.array(materials + wall_materials, np.uint8),
        np.full(n, building.floor_z + 0.1),
        np.full(n, owner, np.int32),
    )


def _walls(partition: Partition) -> tuple[Float, list[int]]:
    """Upright pieces: below the rim of the walls down to the floor, and between roof parts of different height."""
    owner: dict[tuple[int, int], int] = {}
    for f, rings in enumerate(partition.faces):
        for ring in rings:
            owner.update(((a, b), f) for a, b in zip(ring.tolist(), np.roll(ring, -1).tolist(), strict=True))
    quads, materials = [], []
    for (a, b), f in owner.items():
        g = owner.get((b, a))
        if not partition.is_inside[f]:
            continue
        high = [_height(partition, f, v) for v in (a, b)]
        if g is None or not partition.is_inside[g]:
            low = [0.0, 0.0]
        else:
            low = [min(_height(partition, g, v), z) for v, z in zip((a, b), high, strict=True)]
        if high[0] - low[0] < 1e-3 and high[1] - low[1] < 1e-3:
            continue
        p, q = partition.xy[a], partition.xy[b]
        corners = [(*p, low[0]), (*q, low[1]), (*q, high[1]), (*p, high[0])]
        quads.append([[corners[0], corners[1], corners[2]], [corners[0], corners[2], corners[3]]])
        materials += [int(Material.GLASS if partition.is_glass[f] else Material.WALL)] * 2
    return np.array(quads, dtype=np.float64).reshape(-1, 3, 3), materials


def _height(partition: Partition, face: int, corner: int) -> float:
    plane = partition.planes[face]
    return float(partition.xy[corner] @ plane[:2] + plane[2])


_BOX = np.array(
    [
        [[0, 0, 1], [1, 0, 1], [1, 1, 1]],
        [[0, 0, 1], [1, 1, 1], [0, 1, 1]],
        *(
            [[p[0], p[1], 0], [q[0], q[1], 0], [q[0], q[1], 1]]
            for p, q in (((0, 0), (1, 0)), ((1, 0), (1, 1)))
        ),
        *(
            [[p[0], p[1], 0], [q[0], q[1], 1], [p[0], p[1], 1]]
            for p, q in (((0, 0), (1, 0)), ((1, 0), (1, 1)))
        ),
        *(
            [[p[0], p[1], 0], [q[0], q[1], 0], [q[0], q[1], 1]]
            for p, q in (((1, 1), (0, 1)), ((0, 1), (0, 0)))
        ),
        *(
            [[p[0], p[1], 0], [q[0], q[1], 1], [p[0], p[1], 1]]
            for p, q in (((1, 1), (0, 1)), ((0, 1), (0, 0)))
        ),
    ],
    dtype=np.float64,
)
"""Ten triangles of a unit box without its floor."""


def car_triangles(cars: Float) -> Triangles:
    """Cars as a body with a cabin on it; long ones are vans."""
    boxes = [_BOX * size + at for car in cars for size, at in _car_boxes(car[4])]
    n_boxes = [len(_car_boxes(car[4])) for car in cars]
    which = np.repeat(np.arange(len(cars)), np.array(n_boxes, int) * len(_BOX))
    corners = np.concatenate(boxes) if boxes else np.empty((0, 3, 3))
    cos, sin = np.cos(cars[which, 3])[:, None], np.sin(cars[which, 3])[:, None]
    x, y = corners[..., 0].copy(), corners[..., 1].copy()
    corners[..., 0] = cars[which, 0, None] + cos * x - sin * y
    corners[..., 1] = cars[which, 1, None] + sin * x + cos * y
    corners[..., 2] += cars[which, 2, None]
    n = len(corners)
    return Triangles(corners, np.full(n, Material.CAR, np.uint8), np.zeros(n), which.astype(np.int32))


def _car_boxes(length: float) -> list[tuple[Float, Float]]:
    if length > 5.5:
        return [(np.array([length, 2.1, 2.6]), np.array([-length / 2, -1.05, 0.2]))]
    body = (np.array([length, 1.8, 0.65]), np.array([-length / 2, -0.9, 0.2]))
    cabin = (np.array([length * 0.5, 1.55, 0.6]), np.array([-length * 0.28, -0.775, 0.85]))
    return [body, cabin]


def bridge_parts(layout: Layout) -> Triangles:
    """Decks of every bridge."""
    corners = [bridge_triangles(bridge) for bridge in bridges_of(layout.skeleton, layout.terrain)]
    which = np.repeat(np.arange(len(corners)), [len(c) for c in corners])
    everything = np.concatenate(corners) if corners else np.empty((0, 3, 3))
    n = len(everything)
    return Triangles(everything, np.full(n, Material.BRIDGE, np.uint8), np.zeros(n), which.astype(np.int32))


def _crowns(trees: Float, shrubs: Float) -> Float:
    """Crowns as ellipsoids; the class of a plant goes by its height, as ASPRS has it."""
    half = (trees[:, 3] - trees[:, 5]) / 2
    tall = np.column_stack(
        [trees[:, :2], trees[:, 2] + trees[:, 5] + half, trees[:, 4], half, np.full(len(trees), TREE_DENSITY)]
    )
    half = shrubs[:, 4] / 2
    low = np.column_stack(
        [shrubs[:, :2], shrubs[:, 2] + half, shrubs[:, 3], half, np.full(len(shrubs), SHRUB_DENSITY)]
    )
    heights = np.concatenate([trees[:, 3], shrubs[:, 4]])
    return np.column_stack([np.concatenate([tall, low]), np.where(heights > 2.0, 5.0, 4.0)])


def _on_grid(triangles: Triangles, crowns: Float, window: Bounds) -> Targets:
    low, high = triangles.corners.min(1)[:, :2], triangles.corners.max(1)[:, :2]
    touches = (low < [window.x_max, window.y_max]).all(1) & (high > [window.x_min, window.y_min]).all(1)
    triangles = Triangles(*(column[touches] for column in triangles))
    origin = np.array([window.x_min, window.y_min])
    shape, crown_shape = _cells(window, CELL_M), _cells(window, CROWN_CELL_M)
    boxes = np.column_stack([low[touches] - 1e-6, high[touches] + 1e-6])
    starts, items = _sort_into_cells(boxes, triangles.corners, origin, shape, CELL_M)
    reach, crown_tops = crowns[:, 3:4], crowns[:, 2] + crowns[:, 4]
    crown_boxes = np.column_stack([crowns[:, :2] - reach, crowns[:, :2] + reach])
    crown_starts, crown_items = _sort_into_cells(
        crown_boxes, np.empty((0, 3, 3)), origin, crown_shape, CROWN_CELL_M
    )
    triangle_tops = triangles.corners[..., 2].max(1)
    return Targets(
        *triangles,
        origin,
        shape,
        starts,
        items,
        _tops(triangle_tops, starts, items),
        crowns,
        crown_shape,
        crown_starts,
        crown_items,
        _tops(crown_tops, crown_starts, crown_items),
        max(float(triangle_tops.max(initial=0.0)), float(crown_tops.max(initial=0.0))) + 0.5,
    )


def _cells(window: Bounds, cell_m: float) -> NDArray[np.int64]:
    return np.ceil(np.array([window.width, window.height]) / cell_m).astype(np.int64) + 1


@njit(cache=True, nogil=True)
def _sort_into_cells(
    boxes: Float, corners: Float, origin: Float, shape: NDArray[np.int64], cell_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Which things touch each cell, in compressed rows.

    `boxes` holds the least and greatest u and v of each; where there are `corners`, the things are triangles, which
    leave out the cells of their box that they only pass by.
    """
    nu, nv = shape
    counts = np.zeros(nu * nv + 1, np.int64)
    items = np.empty(0, np.int32)
    for fill in range(2):
        if fill:
            for c in range(nu * nv):
                counts[c + 1] += counts[c]
            items = np.empty(counts[-1], np.int32)
        cursor = counts.copy()
        for t in range(len(boxes)):
            i0 = max(int(np.floor((boxes[t, 0] - origin[0]) / cell_m)), 0)
            i1 = min(int(np.floor((boxes[t, 2] - origin[0]) / cell_m)), nu - 1)
            j0 = max(int(np.floor((boxes[t, 1] - origin[1]) / cell_m)), 0)
            j1 = min(int(np.floor((boxes[t, 3] - origin[1]) / cell_m)), nv - 1)
            for i in range(i0, i1 + 1):
                for j in range(j0, j1 + 1):
                    u, v = origin[0] + i * cell_m, origin[1] + j * cell_m
                    if len(corners) and not _touches(corners[t], u, v, cell_m):
                        continue
                    if fill:
                        items[cursor[i * nv + j]] = t
                        cursor[i * nv + j] += 1
                    else:
                        counts[i * nv + j + 1] += 1
    return counts, items


@njit(cache=True, nogil=True)
def _touches(corners: Float, u: float, v: float, cell_m: float) -> bool:
    """Whether a triangle's outline, seen from above, may meet a cell (separating axes along its edges)."""
    half, cu, cv = cell_m / 2 + 1e-6, u + cell_m / 2, v + cell_m / 2
    for k in range(3):
        m = (k + 1) % 3
        nu, nv = corners[k, 1] - corners[m, 1], corners[m, 0] - corners[k, 0]
        reach = half * (abs(nu) + abs(nv))
        low, high = np.inf, -np.inf
        for c in range(3):
            d = nu * (corners[c, 0] - cu) + nv * (corners[c, 1] - cv)
            low, high = min(low, d), max(high, d)
        if low > reach or high < -reach:
            return False
    return True


@njit(cache=True, nogil=True)
def _tops(top: Float, starts: NDArray[np.int64], items: NDArray[np.int32]) -> Float:
    """The highest top of what touches each cell."""
    tops = np.full(len(starts) - 1, -1e9)
    for c in range(len(tops)):
        for k in range(starts[c], starts[c + 1]):
            tops[c] = max(tops[c], top[items[k]])
    return tops
