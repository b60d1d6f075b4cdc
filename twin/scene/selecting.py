"""Many buildings at once: those that a rectangle of the picture holds, seen or hidden."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.tasks import default_workers
from twin.scene.picking import Kind, Picker, pixel_rays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.camera import Camera

Rectangle = tuple[float, float, float, float]
"""Left, upper, right and lower edge in pixels from the upper left corner of the picture."""

_Plane = tuple["NDArray[np.float64]", float]
_MOST_RAYS = 300_000
_PART_RAYS = 16_384
_NEAR_M = 0.05


def buildings_in_rectangle(
    picker: Picker, camera: Camera, size: tuple[int, int], rectangle: Rectangle
) -> tuple[str, ...]:
    """Ids of all buildings any part of which projects into a rectangle of the picture, also of hidden ones; in order.

    Parameters
    ----------
    picker : Picker
    camera : Camera
    size : tuple of int
        Width and height of the picture, pixels.
    rectangle : tuple of float
        Two opposite corners: column, row, column, row.
    """
    planes = _planes(camera, size, _ordered(rectangle))
    mine = np.flatnonzero((picker.kind == Kind.BUILDING) & picker.shown)
    corners = picker.pack["facet_points"]
    outside = _sides(corners, planes)
    owner = picker.owner[mine]
    held = np.zeros(len(picker.pack["building_ids"]), np.bool_)
    triangles = _triangles(picker)[mine]
    held[owner[(outside[triangles] == 0).any(axis=1)]] = True
    unsure = ~held[owner] & ~np.bitwise_and.reduce(outside[triangles], axis=1).astype(bool)
    for k in np.flatnonzero(unsure):
        if not held[owner[k]]:
            held[owner[k]] = _reaches(corners[triangles[k]], planes)
    return _named(picker, held)


def buildings_seen_in_rectangle(
    picker: Picker, camera: Camera, size: tuple[int, int], rectangle: Rectangle
) -> tuple[str, ...]:
    """Ids of the buildings that are seen in a rectangle of the picture, in order.

    A ray goes through every pixel, or through an even pattern of 300,000 of them where the rectangle has more.
    """
    left, top, right, bottom = _ordered(rectangle)
    left, right = max(left, 0.0), min(right, float(size[0]))
    top, bottom = max(top, 0.0), min(bottom, float(size[1]))
    if right <= left or bottom <= top:
        return ()
    step = max(1.0, math.sqrt((right - left) * (bottom - top) / _MOST_RAYS))
    x, y = np.meshgrid(_middles(left, right, step), _middles(top, bottom, step))
    origins, directions = pixel_rays(camera, size, np.column_stack([x.ravel(), y.ravel()]))

    def look(part: slice) -> NDArray[np.int64]:
        return picker.tree.nearest(origins[part], directions[part], shown=picker.shown)[0]

    with ThreadPoolExecutor(default_workers()) as pool:
        parts = [slice(a, a + _PART_RAYS) for a in range(0, len(origins), _PART_RAYS)]
        number = np.concatenate(list(pool.map(look, parts)))
    number = number[number >= 0]
    number = number[picker.kind[number] == Kind.BUILDING]
    held = np.zeros(len(picker.pack["building_ids"]), np.bool_)
    held[picker.owner[number]] = True
    return _named(picker, held)


def _named(picker: Picker, held: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(str(name) for name in picker.pack["building_ids"][held])


def _middles(low: float, high: float, step: float) -> NDArray[np.float64]:
    n = max(1, round((high - low) / step))
    return low + (np.arange(n) + 0.5) * (high - low) / n


def _ordered(rectangle: Rectangle) -> Rectangle:
    x0, y0, x1, y1 = rectangle
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _triangles(picker: Picker) -> NDArray[np.int32]:
    from twin.scene.bake import triangle_points

    return triangle_points(picker.pack["facet_triangles"], picker.pack.meta.facet_tiles)


def _sides(points: NDArray[Any], planes: list[_Plane]) -> NDArray[np.uint8]:
    """Beyond which planes of the rectangle's pyramid each point lies, as bits; 0 for those inside."""
    bits = np.zeros(len(points), np.uint8)
    for k, (normal, offset) in enumerate(planes):
        bits |= ((points @ normal < offset) << k).astype(np.uint8)
    return bits


def _planes(camera: Camera, size: tuple[int, int], rectangle: Rectangle) -> list[_Plane]:
    """Inward normals and offsets of the pyramid over a rectangle: near, left, right, upper, lower."""
    left, top, right, bottom = rectangle
    corner = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    origins, directions = pixel_rays(camera, size, corner)
    axes = camera.axes
    planes = [(axes[2], float(axes[2] @ camera.eye) + _NEAR_M)]
    for k in (3, 1, 0, 2):
        after = (k + 1) % 4
        edge = origins[after] + directions[after] - origins[k]
        normal = np.cross(directions[k], edge)
        normal /= max(float(np.linalg.norm(normal)), 1e-12)
        middle = (origins + directions).mean(axis=0)
        if float(normal @ (middle - origins[k])) < 0:
            normal = -normal
        planes.append((normal, float(normal @ origins[k])))
    return planes


def _reaches(triangle: NDArray[Any], planes: list[_Plane]) -> bool:
    """Whether anything of a triangle lies in the pyramid: cut by one plane after the other (Sutherland & Hodgman)."""
    ring = [np.asarray(corner, dtype=np.float64) for corner in triangle]
    for normal, offset in planes:
        height = [float(corner @ normal) - offset for corner in ring]
        kept: list[NDArray[np.float64]] = []
        for k, (a, ha) in enumerate(zip(ring, height, strict=True)):
            b, hb = ring[k - 1], height[k - 1]
            if (ha >= 0) != (hb >= 0):
                kept.append(a + (b - a) * (ha / (ha - hb)))
            if ha >= 0:
                kept.append(a)
        ring = kept
    return bool(ring)
