"""The cut faces and the underside of the block on which a city stands, so that it is no sheet in mid-air."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from twin.core.mesh import TriangleMesh

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from twin.core.grid import Bounds

Side = Literal["south", "east", "north", "west"]
SIDES: tuple[Side, ...] = ("south", "east", "north", "west")

TOUCH_M = 1e-3
"""Vertices of a surface are rounded to a millimetre, the borders of a city are not."""

_Stretch = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


def block_skirt(
    surface: TriangleMesh, *, bounds: Bounds, base_m: float, sides: Iterable[Side] = SIDES
) -> TriangleMesh:
    """Upright faces from the rim of a tile's surface down to a base, and the base itself.

    Where a building stands across the rim, the face goes on straight between the ground on its two sides.

    Parameters
    ----------
    surface : TriangleMesh
        The ground of the tile.
    bounds : Bounds
        The tile.
    base_m : float
        Elevation of the base, metres.
    sides : iterable of str
        The sides at which the city ends.

    Returns
    -------
    TriangleMesh
        Facing outwards and, at the base, down.

    Raises
    ------
    ValueError
        If the base is not below the surface.

    Examples
    --------
    >>> from twin.core.grid import Bounds
    >>> corners = np.array([[0.0, 0, 5], [9, 0, 5], [9, 9, 5], [0, 9, 5]])
    >>> sheet = TriangleMesh(corners, np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    >>> len(block_skirt(sheet, bounds=Bounds(0, 0, 9, 9), base_m=0.0).triangles)
    10
    """
    if len(surface.vertices) and surface.vertices[:, 2].min() <= base_m:
        raise ValueError(f"base_m is {base_m}, but the surface goes down to {surface.vertices[:, 2].min()}")
    rim = _rim(surface)
    parts = [_plate(bounds, base_m)]
    for side in sides:
        a, b = _filled(*_on_side(rim, bounds, side), *_ends(bounds, side))
        parts.append(_curtain(a, b, base_m))
    triangles = np.concatenate(parts)
    return TriangleMesh(
        triangles.reshape(-1, 3), np.arange(3 * len(triangles), dtype=np.int32).reshape(-1, 3)
    )


def _rim(surface: TriangleMesh) -> _Stretch:
    """Start and end of the edges that only one triangle has, the triangle on their left."""
    t = surface.triangles.astype(np.int64)
    edges = np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]])
    low, high = edges.min(axis=1), edges.max(axis=1)
    _, first, count = np.unique((low << 32) + high, return_index=True, return_counts=True)
    lone = edges[np.sort(first[count == 1])]
    return surface.vertices[lone[:, 0]], surface.vertices[lone[:, 1]]


def _ends(bounds: Bounds, side: Side) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The corners from which and to which a side runs, the tile on its left."""
    b = bounds
    corner = np.array([[b.x_min, b.y_min], [b.x_max, b.y_min], [b.x_max, b.y_max], [b.x_min, b.y_max]])
    k = SIDES.index(side)
    return corner[k], corner[(k + 1) % 4]


def _on_side(rim: _Stretch, bounds: Bounds, side: Side) -> _Stretch:
    """The rim's edges along one side in order; upright edges of quay walls are left out."""
    start, end = _ends(bounds, side)
    axis = 1 if start[0] == end[0] else 0
    a, b = rim
    on = np.abs(np.column_stack([a, b])[:, [1 - axis, 4 - axis]] - start[1 - axis]).max(axis=1) <= TOUCH_M
    on &= (b[:, axis] - a[:, axis]) * (end - start)[axis] > 0
    order = np.argsort((a[on, axis] - start[axis]) * np.sign((end - start)[axis]), kind="stable")
    return a[on][order], b[on][order]


def _filled(
    a: NDArray[np.float64], b: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> _Stretch:
    """The edges with straight ones between where they leave gaps."""
    if not len(a):
        return a, b
    from_ = np.concatenate([np.append(start, a[0, 2])[None], b])
    to = np.concatenate([a, np.append(end, b[-1, 2])[None]])
    gap = np.hypot(*(to - from_)[:, :2].T) > TOUCH_M
    return np.concatenate([a, from_[gap]]), np.concatenate([b, to[gap]])


def _curtain(a: NDArray[np.float64], b: NDArray[np.float64], base_m: float) -> NDArray[np.float64]:
    """Two triangles under each edge, facing right of its way; shape (2 n, 3, 3)."""
    foot_a, foot_b = a.copy(), b.copy()
    foot_a[:, 2] = foot_b[:, 2] = base_m
    return np.concatenate([np.stack([foot_a, foot_b, b], axis=1), np.stack([foot_a, b, a], axis=1)])


def _plate(bounds: Bounds, base_m: float) -> NDArray[np.float64]:
    south_west, south_east, north_east, north_west = (
        np.append(_ends(bounds, side)[0], base_m) for side in SIDES
    )
    return np.array([[south_west, north_west, north_east], [south_west, north_east, south_east]])
