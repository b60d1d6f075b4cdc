"""Compiled stage of the shallow water equations, row by row; the formulas stand in `shallow_rows`.

State ``(3, ny + 2, nx + 2)``: depth, discharge in x (east) and in y (south), with a rim of one ghost cell. A stage goes
down the rows once and keeps the few rows that it needs in buffers; it reads one state and writes another, so bands of
rows are independent of each other.
"""

# ruff: noqa: PLR0917 - compiled: arrays one by one, and choices that become vector instructions (max() does not)
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from twin.water.shallow_rows import (
    advance,
    bed_force,
    faces_of,
    fastest,
    fluxes,
    keep_share,
    limited_mass,
    mean_state,
    primitives,
)
from twin.water.sides import CLOSED, EAST, NORTH, OPEN, SOUTH, WEST, edge_state, held_state
from twin.water.tiles import common_runs, runs_of

N_WORK_ROWS = 66
"""Row buffers that a band needs."""

_FAST: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "inline": "never"}


@njit(**_FAST)
def cross_side(side, level, inside, out, normal, outward, k):  # type: ignore[no-untyped-def]
    """Put the state beyond a side of the grid into `out`, and the one before it into `inside`.

    Both are the state at the edge, except at a wall, where the one beyond mirrors the other.
    """
    h, u = inside[3], outward * inside[normal]
    z = inside[0] - h
    out[:] = inside
    if side == CLOSED:
        out[normal] = -inside[normal]
        return
    if side == OPEN:
        depth, u = edge_state(h, u, k.gravity)
    else:
        depth = level - z
        depth, u = held_state(h, u, depth if depth > k.dry else k.zero, k.gravity)
    inside[0], inside[3], inside[normal] = z + depth, depth, outward * u
    out[0], out[3], out[normal] = z + depth, depth, outward * u


@njit(**_FAST)
def x_faces(i0, i1, nx, w, low, high, sides, levels, force, flux, k):  # type: ignore[no-untyped-def]
    """Force of the bed and fluxes in x for the cells `i0` to `i1` of a row with primitives `w`."""
    here = slice(i0, i1)
    for c in range(4):
        faces_of(
            w[c, i0 - 1 : i1 - 1],
            w[c, here],
            w[c, i0 + 1 : i1 + 1],
            k.steep,
            k.half,
            low[c, here],
            high[c, here],
        )
    bed_force(low, high, i0, i1, k.half * k.gravity, force)
    start, stop = i0 + 1, i1
    if i0 == 1:
        cross_side(sides[WEST], levels[WEST], low[:, 1], high[:, 0], 1, -k.one, k)
        start = 1
    if i1 == nx + 1:
        cross_side(sides[EAST], levels[EAST], high[:, nx], low[:, nx + 1], 1, k.one, k)
        stop = nx + 2
    fluxes(high, start - 1, low, start, stop - start, 1, k, flux)


@njit(**_FAST)
def y_states(row, i0, i1, ny, w, before, after, low, high, force, k):  # type: ignore[no-untyped-def]
    """Values at the north and south faces of a row and the force of its bed; a row of the rim is level."""
    here = slice(i0, i1)
    for c in range(4):
        if 1 <= row <= ny:
            faces_of(
                before[c, here], w[c, here], after[c, here], k.steep, k.half, low[c, here], high[c, here]
            )
        else:
            low[c, here] = w[c, here]
            high[c, here] = w[c, here]
    bed_force(low, high, i0, i1, k.half * k.gravity, force)


@njit(**_FAST)
def y_fluxes(face, i0, i1, ny, north, south, sides, levels, flux, k):  # type: ignore[no-untyped-def]
    """Fluxes between the south faces (`north`) of one row and the north faces (`south`) of the next."""
    for i in range(i0, i1):
        if face == 1:
            cross_side(sides[NORTH], levels[NORTH], south[:, i], north[:, i], 2, -k.one, k)
        elif face == ny + 1:
            cross_side(sides[SOUTH], levels[SOUTH], north[:, i], south[:, i], 2, k.one, k)
        else:
            break
    fluxes(north, i0, south, i0, i1 - i0, 2, k, flux)


@njit(**_FAST)
def move_mass(row_l, row_r, share_l, share_r, i0, i1, back, flux, k):  # type: ignore[no-untyped-def]
    """Limit the mass of faces `i0` to `i1`; `back` columns lie between a face's two cells (1 in x, 0 in y)."""
    cells_l, cells_r = slice(i0 - back, i1 - back), slice(i0, i1)
    limited_mass(
        flux[0, cells_r],
        share_l[cells_l],
        share_r[cells_r],
        row_l[cells_l],
        row_r[cells_r],
        k.dtdx,
        flux[4, cells_r],
    )


@njit(**_FAST)
def needed(active, row, tile_rows, ny):  # type: ignore[no-untyped-def]
    """Whether the row or one beside it lies in an active tile."""
    wanted = False
    for r in range(row - 1, row + 2):
        wanted |= active[(min(max(r, 1), ny) - 1) // tile_rows].any()
    return wanted


@njit(**_FAST)
def stage_rows(  # type: ignore[no-untyped-def]
    first, stop, state, z, n2, sides, levels, active, tile, k, old, new, is_last, work, edge
):
    """Take the rows from `first` to before `stop` one Euler stage on.

    The last stage of a step also takes the mean with the state `old` before the step. Comes back with the greatest
    signal speed along an axis, m/s (0 before the last stage). `edge[s]` takes the depth that crossed each face of side
    `s`, positive to the east and the south.
    """
    ny, nx = state.shape[1] - 2, state.shape[2] - 2
    zero = k.zero
    w, low_x, high_x = work[0:12].reshape(3, 4, -1), work[12:16], work[16:20]
    low_y, high_y = work[20:24], work[24:32].reshape(2, 4, -1)
    flux_x, flux_y = work[32:42].reshape(2, 5, -1), work[42:57].reshape(3, 5, -1)
    force_x, force_y, share = work[57:59], work[59:62], work[62:64]
    speeds, drained = work[64], work[65]
    runs = np.zeros((active.shape[1] + 1, 2), np.int64)
    work[:] = zero
    share[:] = k.one
    for j in range(first - 5, stop + 1):
        this, last = j % 2, (j + 1) % 2
        if 0 <= j + 2 <= ny + 1 and needed(active, j + 2, tile[0], ny):
            primitives(state[0, j + 2], state[1, j + 2], state[2, j + 2], z[j + 2], k.dry, w[(j + 2) % 3])
        row_of_tiles = (min(max(j, 1), ny) - 1) // tile[0]
        next_of_tiles = (min(max(j + 1, 1), ny) - 1) // tile[0]
        if 0 <= j + 1 <= ny + 1 and j >= first - 3:
            for r in range(runs_of(active, next_of_tiles, tile[1], nx, runs)):
                y_states(
                    j + 1, runs[r, 0], runs[r, 1], ny, w[(j + 1) % 3], w[j % 3], w[(j + 2) % 3],
                    low_y, high_y[last], force_y[(j + 1) % 3], k,
                )  # fmt: skip
        if j < max(first - 2, 0):
            continue
        north, here, south = flux_y[(j + 2) % 3], flux_y[j % 3], flux_y[(j + 1) % 3]
        south[:] = zero
        for r in range(common_runs(active, row_of_tiles, next_of_tiles, tile[1], nx, runs) if j <= ny else 0):
            y_fluxes(j + 1, runs[r, 0], runs[r, 1], ny, high_y[this], low_y, sides, levels, south, k)
        if j < first - 1:
            continue
        flux_x[this, :, :], share[this, :] = zero, k.one
        for r in range(runs_of(active, row_of_tiles, tile[1], nx, runs) if 1 <= j <= ny else 0):
            i0, i1 = runs[r, 0], runs[r, 1]
            x_faces(i0, i1, nx, w[j % 3], low_x, high_x, sides, levels, force_x[this], flux_x[this], k)
            keep_share(
                state[0, j, i0:i1], flux_x[this, 0, i0:i1], flux_x[this, 0, i0 + 1 : i1 + 1],
                here[0, i0:i1], south[0, i0:i1], k, share[this, i0:i1], drained[i0:i1],
            )  # fmt: skip
        move_mass(state[0, j], state[0, j], share[this], share[this], 1, nx + 2, 1, flux_x[this], k)
        if j < first:
            continue
        move_mass(state[0, j - 1], state[0, j], share[last], share[this], 1, nx + 1, 0, here, k)
        note_edges(j, first, stop, nx, ny, flux_x[this], here, edge)
        if j > first:
            finish_row(
                j - 1, nx, state, n2, active, tile, flux_x[last], north, here, force_x[last],
                force_y[(j - 1) % 3], k, old, new, is_last, speeds, runs,
            )  # fmt: skip
    return speeds.max()


@njit(**_FAST)
def note_edges(j, first, stop, nx, ny, flux_x, flux_y, edge):  # type: ignore[no-untyped-def]
    """Remember what crossed the sides of the grid in row `j` and the faces to its north."""
    if j in (1, ny + 1):
        edge[NORTH if j == 1 else SOUTH, 1 : nx + 1] = flux_y[4, 1 : nx + 1]
    if first <= j < stop:
        edge[WEST, j], edge[EAST, j] = flux_x[4, 1], flux_x[4, nx + 1]


@njit(**_FAST)
def finish_row(  # type: ignore[no-untyped-def]
    j,
    nx,
    state,
    n2,
    active,
    tile,
    flux_x,
    flux_n,
    flux_s,
    force_x,
    force_y,
    k,
    old,
    new,
    is_last,
    speeds,
    runs,
):
    """New state of row `j` when the fluxes around it are known."""
    rough = n2[j if n2.shape[0] > 1 else 0]
    for r in range(runs_of(active, (j - 1) // tile[0], tile[1], nx, runs)):
        i0, i1 = runs[r, 0], runs[r, 1]
        advance(i0, i1, state, j, rough, flux_x, flux_n, flux_s, force_x, force_y, k, new)
        if is_last:
            mean_state(i0, i1, old, j, k.half, k.dry, new)
            fastest(i0, i1, new, j, k.gravity, k.dry, speeds)
