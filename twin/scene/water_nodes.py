"""Level and depth of flood water at the centres of cells, carried on over its shore."""

# ruff: noqa: PLR0917 - compiled: arrays one by one

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Grid

SHOWN_M = 0.03
"""Shallower water is a wet surface, not a flood: rain wets all ground."""
WALL_RISE = 0.5
"""Where the bed rises more steeply than this from a wet cell to a dry one stands a wall, not a shore."""
DRY, WET, WALL, FALL, SHORE, OUTSIDE, THIN = 0, 1, 2, 3, 4, 5, 6
_LEAST_M = 1e-3


@dataclass(frozen=True, slots=True)
class WaterNodes:
    """Level and depth at the centres of cells, carried on over the shore, with a rim of one cell around.

    Parameters
    ----------
    state : array of uint8, shape (ny + 2, nx + 2)
        What each is.
    level_m, depth_m : array of float32, shape (ny + 2, nx + 2)
        Elevation of the surface, and depth below it: negative where dry ground rises through it.
    """

    state: NDArray[np.uint8]
    level_m: NDArray[np.float32]
    depth_m: NDArray[np.float32]

    @property
    def inner_depth_m(self) -> NDArray[np.float32]:
        """Depth without the rim, shape (ny, nx)."""
        return self.depth_m[1:-1, 1:-1]


def water_nodes(
    grid: Grid, bed_m: NDArray[np.float32], depth_m: NDArray[np.float32], *, shown_m: float = SHOWN_M
) -> WaterNodes:
    """Level and depth of the water, carried on over its shore; parameters as of `water_surface`."""
    shape = (grid.ny + 2, grid.nx + 2)
    state = np.zeros(shape, np.uint8)
    level, depth = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    bed_m, depth_m = np.asarray(bed_m, np.float32), np.asarray(depth_m, np.float32)
    _wet_nodes(bed_m, depth_m, np.float32(shown_m), state, level, depth)
    _mark_outside(bed_m, state)
    _thin_rim(bed_m, depth_m, state, level, depth)
    _carry_on(bed_m, np.float32(WALL_RISE * grid.cell_size_m), state, level, depth)
    _rim(state, level, depth)
    return WaterNodes(state, level, depth)


@njit(cache=True, nogil=True)
def _wet_nodes(bed, depth_in, shown, state, level, depth):  # type: ignore[no-untyped-def]
    ny, nx = bed.shape
    for j in range(ny):
        for i in range(nx):
            h = depth_in[j, i]
            if h >= shown and np.isfinite(bed[j, i]):
                state[j + 1, i + 1] = WET
                level[j + 1, i + 1] = bed[j, i] + h
                depth[j + 1, i + 1] = h


@njit(cache=True, nogil=True)
def _thin_rim(bed, depth_in, state, level, depth):  # type: ignore[no-untyped-def]
    """Thinner water beside what is drawn belongs to it: the shore lies where it ends."""
    ny, nx = bed.shape
    for j in range(1, ny + 1):
        for i in range(1, nx + 1):
            h = depth_in[j - 1, i - 1]
            if state[j, i] != DRY or not (h >= _LEAST_M and np.isfinite(bed[j - 1, i - 1])):
                continue
            for v in range(j - 1, j + 2):
                for u in range(i - 1, i + 2):
                    if state[v, u] == WET:
                        state[j, i] = THIN
            if state[j, i] == THIN:
                level[j, i] = bed[j - 1, i - 1] + h
                depth[j, i] = h
    for j in range(1, ny + 1):
        for i in range(1, nx + 1):
            if state[j, i] == THIN:
                state[j, i] = WET


@njit(cache=True, nogil=True)
def _mark_outside(bed, state):  # type: ignore[no-untyped-def]
    """Cells without a bed that are connected to the edge of the grid lie outside the city; others are buildings."""
    ny, nx = bed.shape
    stack = np.empty((ny * nx + 1, 2), np.int32)
    n = 0
    for j in range(ny):
        for i in range(nx):
            if (j in (0, ny - 1) or i in (0, nx - 1)) and np.isnan(bed[j, i]):
                state[j + 1, i + 1] = OUTSIDE
                stack[n, 0], stack[n, 1] = j, i
                n += 1
    while n:
        n -= 1
        j, i = stack[n, 0], stack[n, 1]
        for dj, di in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            v, u = j + dj, i + di
            if 0 <= v < ny and 0 <= u < nx and np.isnan(bed[v, u]) and state[v + 1, u + 1] != OUTSIDE:
                state[v + 1, u + 1] = OUTSIDE
                stack[n, 0], stack[n, 1] = v, u
                n += 1


@njit(cache=True, nogil=True)
def _carry_on(bed, wall_m, state, level, depth):  # type: ignore[no-untyped-def]
    """Give dry cells beside wet ones the level of these, or the ground's where water only runs down over it."""
    ny, nx = bed.shape
    for j in range(1, ny + 1):
        for i in range(1, nx + 1):
            if state[j, i] != DRY:
                continue
            n, eta, h = 0, 0.0, 0.0
            for v in range(j - 1, j + 2):
                for u in range(i - 1, i + 2):
                    if state[v, u] == WET:
                        n += 1
                        eta += level[v, u]
                        h += depth[v, u]
            if not n:
                continue
            eta /= n
            ground = bed[j - 1, i - 1]
            level[j, i] = eta
            if np.isnan(ground) or ground - eta > wall_m:
                state[j, i] = WALL
                depth[j, i] = h / n
            elif ground > eta:
                state[j, i] = SHORE
                depth[j, i] = eta - ground
            else:
                state[j, i] = FALL
                level[j, i] = ground


@njit(cache=True, nogil=True)
def _rim(state, level, depth):  # type: ignore[no-untyped-def]
    """The outermost cells go on to the edge of the grid."""
    ny, nx = state.shape
    for i in range(nx):
        k = min(max(i, 1), nx - 2)
        for j, v in ((0, 1), (ny - 1, ny - 2)):
            state[j, i], level[j, i], depth[j, i] = state[v, k], level[v, k], depth[v, k]
    for j in range(ny):
        for i, u in ((0, 1), (nx - 1, nx - 2)):
            state[j, i], level[j, i], depth[j, i] = state[j, u], level[j, u], depth[j, u]
