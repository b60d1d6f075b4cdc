"""What happens at the four sides of the grid, for both solvers.

A side is closed (nothing crosses), open (water falls over a free edge: the flow there is at least critical), or held
at a level.
"""

# ruff: noqa: PLR0917, FURB136 - compiled: arrays one by one, and choices that become vector instructions (max() does not)
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

CLOSED, OPEN, LEVEL = 0, 1, 2
WEST, EAST, NORTH, SOUTH = 0, 1, 2, 3

_FAST: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "inline": "never"}


@njit(**_FAST)
def edge_state(h, u, gravity):  # type: ignore[no-untyped-def]
    """Depth and outward velocity at a free edge that a flow of depth `h` and outward velocity `u` reaches.

    ``u + 2 sqrt(g h)`` is kept until the flow is critical; a flow that is faster already stays as it is.
    """
    zero = h - h
    c = np.sqrt(gravity * h)
    if u >= c:
        return h, u
    c = (u + c + c) * gravity / (gravity + gravity + gravity)
    c = c if c > zero else zero
    return c * c / gravity, c


@njit(**_FAST)
def overfall(h, q, gravity, dry):  # type: ignore[no-untyped-def]
    """Discharge over a free edge from a cell of depth `h` that is reached by discharge `q` (both outward)."""
    zero = h - h
    if h <= dry:
        return zero
    depth, u = edge_state(h, q / h if q > zero else zero, gravity)
    return depth * u


@njit(**_FAST)
def held_state(h, u, depth, gravity):  # type: ignore[no-untyped-def]
    """Depth and outward velocity at a side that is held at `depth`, with `h` and outward `u` inside.

    ``u + 2 sqrt(g h)`` comes from inside; flow that is supercritical outwards does not feel the side, and none enters
    faster than critical.
    """
    c, held = np.sqrt(gravity * h), np.sqrt(gravity * depth)
    if u >= c and h > depth - depth:
        return h, u
    speed = u + (c - held) + (c - held)
    if speed > held:
        return edge_state(h, u, gravity)
    return depth, speed if speed > -held else -held


@njit(**_FAST)
def mirror_ghosts(a):  # type: ignore[no-untyped-def]
    """Copy the outermost cells of the grid to the rim around it."""
    a[0, :], a[-1, :] = a[1, :], a[-2, :]
    a[:, 0], a[:, -1] = a[:, 1], a[:, -2]


@njit(**_FAST)
def extend_beds(z, sides):  # type: ignore[no-untyped-def]
    """Let the bed go on in the rim as it does between the two outermost cells; level where a side is held.

    Beside a held side a bed that goes on would lie lower at the edge than in the cell, and a shore would be wetted.
    """
    mirror_ghosts(z)
    if z.shape[0] > 3:
        if sides[NORTH] != LEVEL:
            z[0] = z[1] + (z[1] - z[2])
        if sides[SOUTH] != LEVEL:
            z[-1] = z[-2] + (z[-2] - z[-3])
    if z.shape[1] > 3:
        if sides[WEST] != LEVEL:
            z[:, 0] = z[:, 1] + (z[:, 1] - z[:, 2])
        if sides[EAST] != LEVEL:
            z[:, -1] = z[:, -2] + (z[:, -2] - z[:, -3])


@njit(**_FAST)
def go_on(rim, edge, inner, z_rim, z_edge, dry):  # type: ignore[no-untyped-def]
    """Water of a side's rim from the cells at the edge and the next ones inside; each ``(3, n)``.

    The surface goes on as between the two cells if both are wet, else level with the first; the velocity stays.
    """
    zero = dry - dry
    for i in range(rim.shape[1]):
        first, second = edge[0, i], inner[0, i]
        both = first > dry and second > dry
        depth = first + (first - second) if both else (z_edge[i] + first) - z_rim[i]
        depth = depth if depth > zero and first > dry else zero
        part = depth / first if depth > zero else zero
        rim[0, i], rim[1, i], rim[2, i] = depth, edge[1, i] * part, edge[2, i] * part


@njit(**_FAST)
def extend_water(state, z, dry):  # type: ignore[no-untyped-def]
    """Water in the rim, so that slopes at the edge of the grid are known; `state` is ``(3, ny + 2, nx + 2)``."""
    second = 2 if z.shape[1] > 3 else 1
    go_on(state[:, :, 0], state[:, :, 1], state[:, :, second], z[:, 0], z[:, 1], dry)
    go_on(state[:, :, -1], state[:, :, -2], state[:, :, -1 - second], z[:, -1], z[:, -2], dry)
    second = 2 if z.shape[0] > 3 else 1
    go_on(state[:, 0], state[:, 1], state[:, second], z[0], z[1], dry)
    go_on(state[:, -1], state[:, -2], state[:, -1 - second], z[-1], z[-2], dry)


@njit(**_FAST)
def hold_ghosts(h, z, sides, levels):  # type: ignore[no-untyped-def]
    """Depth of the rim: up to the level of a held side, and as beside it along the others."""
    zero = h[0, 0] - h[0, 0]
    for s in range(4):
        depths = h[:, 0] if s == WEST else h[:, -1] if s == EAST else h[0] if s == NORTH else h[-1]
        edge = h[:, 1] if s == WEST else h[:, -2] if s == EAST else h[1] if s == NORTH else h[-2]
        beds = z[:, 0] if s == WEST else z[:, -1] if s == EAST else z[0] if s == NORTH else z[-1]
        for i in range(depths.size):
            above = levels[s] - beds[i] if sides[s] == LEVEL else edge[i]
            depths[i] = above if above > zero else zero
