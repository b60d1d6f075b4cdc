"""The surface of flood water as triangles: flat parts as few large ones, its shore where it meets the ground.

Corners are the centres of cells. Beyond the last wet cell the surface goes on for one cell: level up to where the bed
of the flood rises through it, one cell into walls and buildings, which hide it, and down to the ground where water
only runs over it. The ground that is drawn is finer than that of the flood, and cuts the rest.
"""

# ruff: noqa: PLR0917 - compiled: arrays one by one

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from twin.scene.water_nodes import DRY, OUTSIDE, SHOWN_M, WET, WaterNodes, water_nodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.core.grid import Grid

FLATNESS_M = 0.02
"""How far a block of cells may bend and still be drawn as one."""
_BLOCK = 16
_LEAST_BLOCK = 4


@dataclass(frozen=True, slots=True)
class WaterSurface:
    """Triangles of a water surface.

    Parameters
    ----------
    points : array of float32, shape (n, 3)
        Local metres.
    triangles : array of int32, shape (m, 3)
        Counter-clockwise from above.
    place : array of float32, shape (n, 2)
        Where each point lies in the grid: 0 to 1 from its western edge, and from its northern one.
    """

    points: NDArray[np.float32]
    triangles: NDArray[np.int32]
    place: NDArray[np.float32]


def water_surface(
    grid: Grid,
    bed_m: NDArray[np.float32],
    depth_m: NDArray[np.float32],
    *,
    origin: Sequence[float] = (0.0, 0.0, 0.0),
    shown_m: float = SHOWN_M,
    nodes: WaterNodes | None = None,
) -> WaterSurface:
    """The surface of the water of one moment.

    Parameters
    ----------
    grid : Grid
    bed_m, depth_m : array of float32, shape (ny, nx)
        As in `twin.scene.layers.WaterView`.
    origin : sequence of float
        Subtracted before coordinates become float32.
    shown_m : float
        Depth from which on water is drawn, metres.
    nodes : WaterNodes, optional
        What `water_nodes` found, if it is known already.

    Examples
    --------
    >>> from twin.core.grid import Grid
    >>> bed = np.tile(np.array([0.0, 0.0, 1.0, 2.0], np.float32), (3, 1))  # a slope to the east
    >>> depth = np.maximum(np.float32(0.25) - bed, 0)
    >>> surface = water_surface(Grid(0, 30, 10.0, 4, 3), bed, depth)
    >>> float(surface.points[:, 0].max())  # a quarter of the way from the second cell's centre to the third's
    17.5
    """
    found = water_nodes(grid, bed_m, depth_m, shown_m=shown_m) if nodes is None else nodes
    ny, nx = grid.shape
    drawn = np.empty((found.state.shape[0] - 1, found.state.shape[1] - 1), np.bool_)
    n_quads = _mark_squares(found.state, drawn)
    points = np.empty((found.state.size + 8 * n_quads, 3), np.float32)
    triangles = np.empty((4 * n_quads, 3), np.int32)
    corner = np.array(
        [grid.x_min - origin[0], grid.y_max - origin[1], origin[2], grid.cell_size_m], np.float64
    )
    index = np.full(found.state.shape, -1, np.int32)
    n_points, n_triangles = _emit(
        found.state,
        drawn,
        found.level_m,
        found.depth_m,
        corner,
        index,
        points,
        triangles,
        np.float32(FLATNESS_M),
    )
    points = points[:n_points]
    size = np.array([nx, ny]) * grid.cell_size_m
    place = (points[:, :2] - corner[:2]) / (size * (1, -1))
    return WaterSurface(points, triangles[:n_triangles], place.astype(np.float32))


@njit(cache=True, nogil=True)
def _mark_squares(state, drawn):  # type: ignore[no-untyped-def]
    """Mark where there is water in the square between four nodes, and a level at each of them; how many there are.

    Without branches, so that the compiler does many squares at once.
    """
    n = 0
    for j in range(drawn.shape[0]):
        for i in range(drawn.shape[1]):
            a, b, c, d = state[j, i], state[j, i + 1], state[j + 1, i], state[j + 1, i + 1]
            wet = (a == WET) | (b == WET) | (c == WET) | (d == WET)
            dry = (a == DRY) | (b == DRY) | (c == DRY) | (d == DRY)
            outside = (a == OUTSIDE) | (b == OUTSIDE) | (c == OUTSIDE) | (d == OUTSIDE)
            drawn[j, i] = wet & ~(dry | outside)
            n += drawn[j, i]
    return n


@njit(cache=True, nogil=True)
def _is_flat(state, level, j, i, side, tolerance):  # type: ignore[no-untyped-def]
    """Whether a block is all water, and nowhere farther from the surface through its four corners than allowed."""
    a, b, c, d = level[j, i], level[j, i + side], level[j + side, i], level[j + side, i + side]
    half = side // 2
    if abs(level[j + half, i + half] - np.float32(0.25) * (a + b + c + d)) > tolerance:
        return False
    share = np.float32(1.0) / np.float32(side)
    for v in range(side + 1):
        west = a + (c - a) * (np.float32(v) * share)
        rise = (b + (d - b) * (np.float32(v) * share) - west) * share
        worst, all_wet = np.float32(0.0), True
        for u in range(side + 1):
            worst = max(worst, abs(level[j + v, i + u] - (west + rise * np.float32(u))))
            all_wet &= state[j + v, i + u] == WET
        if not all_wet or worst > tolerance:
            return False
    return True


@njit(cache=True, nogil=True)
def _point(index, level, corner, j, i, points, n):  # type: ignore[no-untyped-def]
    """The number of a node's point, made when it is first asked for, and how many points there are then."""
    if index[j, i] < 0:
        ny, nx = index.shape
        u = min(max(i - 0.5, 0.0), nx - 2.0)
        v = min(max(j - 0.5, 0.0), ny - 2.0)
        points[n, 0] = corner[0] + u * corner[3]
        points[n, 1] = corner[1] - v * corner[3]
        points[n, 2] = level[j, i] - corner[2]
        index[j, i] = n
        n += 1
    return index[j, i], n


@njit(cache=True, nogil=True)
def _emit(state, left, level, depth, corner, index, points, triangles, tolerance):  # type: ignore[no-untyped-def]
    """Flat blocks as fans, the largest first, then single squares; how many points and triangles there are.

    `left` marks the squares to be drawn, and loses them.
    """
    ny, nx = state.shape
    n, m = 0, 0
    side = _BLOCK
    while side >= _LEAST_BLOCK:
        rows, cols = (ny - 1) // side, (nx - 1) // side
        # With a rim: beyond the grid nothing needs the points of an edge.
        flat = np.ones((rows + 2, cols + 2), np.bool_)
        for v in range(rows):
            for u in range(cols):
                j, i = v * side, u * side
                flat[v + 1, u + 1] = left[j, i] and _is_flat(state, level, j, i, side, tolerance)
        if rows * side < ny - 1:
            flat[rows + 1] = False
        if cols * side < nx - 1:
            flat[:, cols + 1] = False
        for v in range(rows):
            for u in range(cols):
                if flat[v + 1, u + 1]:
                    j, i = v * side, u * side
                    n, m = _fan(level, corner, index, points, triangles, j, i, side, flat, n, m)
                    left[j : j + side, i : i + side] = False
        side //= 2
    for j in range(ny - 1):
        for i in range(nx - 1):
            if left[j, i]:
                n, m = _square(level, depth, corner, index, points, triangles, j, i, n, m)
    return n, m


@njit(cache=True, nogil=True)
def _fan(level, corner, index, points, triangles, j, i, side, flat, n, m):  # type: ignore[no-untyped-def]
    """Triangles around the middle of a flat block, with all points of those edges beyond which it is not flat."""
    v0, u0 = j // side + 1, i // side + 1
    half = side // 2
    middle, n = _point(index, level, corner, j + half, i + half, points, n)
    before, n = _point(index, level, corner, j, i, points, n)
    for part in range(4):
        # Down the western edge, along the southern one, up and back: counter-clockwise from above.
        if part == 0:
            straight = flat[v0, u0 - 1]
        elif part == 1:
            straight = flat[v0 + 1, u0]
        elif part == 2:
            straight = flat[v0, u0 + 1]
        else:
            straight = flat[v0 - 1, u0]
        for along in range(side if straight else 1, side + 1):
            if part == 0:
                v, u = along, 0
            elif part == 1:
                v, u = side, along
            elif part == 2:
                v, u = side - along, side
            else:
                v, u = 0, side - along
            this, n = _point(index, level, corner, j + v, i + u, points, n)
            _put(triangles, m, middle, before, this)
            before = this
            m += 1
    return n, m


@njit(cache=True, nogil=True)
def _put(triangles, m, a, b, c):  # type: ignore[no-untyped-def]
    triangles[m, 0], triangles[m, 1], triangles[m, 2] = a, b, c


@njit(cache=True, nogil=True)
def _square(level, depth, corner, index, points, triangles, j, i, n, m):  # type: ignore[no-untyped-def]
    """Two triangles, cut along the diagonal that bends less in depth, and cut off where the depth is zero."""
    a, b, c, d = depth[j, i], depth[j, i + 1], depth[j + 1, i], depth[j + 1, i + 1]
    bend = abs(a - d) <= abs(b - c)
    if min(a, b, c, d) > 0:
        nw, n = _point(index, level, corner, j, i, points, n)
        ne, n = _point(index, level, corner, j, i + 1, points, n)
        sw, n = _point(index, level, corner, j + 1, i, points, n)
        se, n = _point(index, level, corner, j + 1, i + 1, points, n)
        _put(triangles, m, nw, sw, se if bend else ne)
        if bend:
            _put(triangles, m + 1, nw, se, ne)
        else:
            _put(triangles, m + 1, ne, sw, se)
        return n, m + 2
    if bend:
        n, m = _triangle(level, depth, corner, index, points, triangles, j, i, j + 1, i, j + 1, i + 1, n, m)
        return _triangle(level, depth, corner, index, points, triangles, j, i, j + 1, i + 1, j, i + 1, n, m)
    n, m = _triangle(level, depth, corner, index, points, triangles, j, i, j + 1, i, j, i + 1, n, m)
    return _triangle(level, depth, corner, index, points, triangles, j, i + 1, j + 1, i, j + 1, i + 1, n, m)


@njit(cache=True, nogil=True)
def _triangle(  # type: ignore[no-untyped-def]
    level, depth, corner, index, points, triangles, j0, i0, j1, i1, j2, i2, n, m
):
    """The part of a triangle where the depth is not negative; nothing where it is nowhere positive."""
    rows, cols = (j0, j1, j2), (i0, i1, i2)
    kept = np.empty(4, np.int32)
    k, some = 0, False
    for a in range(3):
        b = (a + 1) % 3
        da, db = depth[rows[a], cols[a]], depth[rows[b], cols[b]]
        some |= da > 0
        if da >= 0:
            kept[k], n = _point(index, level, corner, rows[a], cols[a], points, n)
            k += 1
        if (da > 0 and db < 0) or (da < 0 and db > 0):
            n = _cut(level, depth, corner, points, rows[a], cols[a], rows[b], cols[b], index.shape, n)
            kept[k] = n - 1
            k += 1
    if not some or k < 3:
        return n, m
    for a in range(1, k - 1):
        _put(triangles, m, kept[0], kept[a], kept[a + 1])
        m += 1
    return n, m


@njit(cache=True, nogil=True)
def _cut(level, depth, corner, points, ja, ia, jb, ib, shape, n):  # type: ignore[no-untyped-def]
    """A new point where the depth between two nodes is zero; the same one from whichever side."""
    if (jb, ib) < (ja, ia):
        ja, ia, jb, ib = jb, ib, ja, ia
    ny, nx = shape
    share = depth[ja, ia] / (depth[ja, ia] - depth[jb, ib])
    ua, ub = min(max(ia - 0.5, 0.0), nx - 2.0), min(max(ib - 0.5, 0.0), nx - 2.0)
    va, vb = min(max(ja - 0.5, 0.0), ny - 2.0), min(max(jb - 0.5, 0.0), ny - 2.0)
    points[n, 0] = corner[0] + (ua + (ub - ua) * share) * corner[3]
    points[n, 1] = corner[1] - (va + (vb - va) * share) * corner[3]
    points[n, 2] = level[ja, ia] + (level[jb, ib] - level[ja, ia]) * share - corner[2]
    return n + 1
