"""Compiled step of the local inertial equations, row by row.

A step goes down the rows once: raw discharge of the faces of row j, the share of its water that every cell of row j
may give, then the limited discharge and the new depth of row j - 1. Everything between lies in a few row buffers that
stay in the nearest cache. State is read from one set of arrays and written to another, so bands of rows are
independent of each other: neighbouring bands compute their common faces both, from the same numbers.

Arrays carry a rim of one ghost cell: cells ``(ny + 2, nx + 2)``; ``qx[j, i]`` crosses from cell ``i - 1`` to ``i``,
``qy[j, i]`` from ``j - 1`` to ``j`` (so positive to the south), shapes ``(ny + 2, nx + 3)`` and ``(ny + 3, nx + 2)``.

References
----------
Bates, Horritt & Fewtrell (2010), J. Hydrol. 387, 33-45; de Almeida, Bates, Freer & Souvignet (2012), Water Resour.
Res. 48, W05528; de Almeida & Bates (2013), Water Resour. Res. 49, 4833-4844 (friction by the length of the discharge).
"""

# ruff: noqa: PLR0917, FURB136 - compiled: arrays one by one, and choices that become vector instructions (max() does not)
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from twin.water.numerics import from_bits, inverse_cbrt, representable, size_bits
from twin.water.sides import CLOSED, EAST, LEVEL, NORTH, OPEN, SOUTH, WEST, overfall
from twin.water.tiles import runs_of

N_WORK_ROWS = 9
"""Row buffers that a band needs."""
DRAINED = 4
"""Row of `edge` after those of the four sides."""

_FAST: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "inline": "never"}
ZERO, ONE = np.uint64(0), np.uint64(1)
"""Rows and columns are unsigned, since numba counts negative ones from the end; a slice for each row costs more."""
_FUSED: dict[str, Any] = {**_FAST, "fastmath": {"contract"}}
"""A product and a sum may round once; not where the same volume is computed twice, which would break the balance."""


@njit(inline="always")
def discharge_at_face(hl, hr, zl, zr, n2, pushed, q, across, k):  # type: ignore[no-untyped-def]
    """Unit discharge across one face after a step, before the limiter.

    `pushed` is what inertia gives, `across` the discharge along the face. Friction is implicit in the length of the
    discharge. With ``s`` the discharge before friction along the face's normal and ``S`` its length,
    ``|q| (1 + K |q|) = S`` is a quadratic; across the normal ``S`` is taken from the discharge of the neighbouring
    faces, which by the same law was ``q (1 + K |q|)`` before friction.
    """
    dz = zr - zl
    rise = dz if dz > k.zero else k.zero
    drop = k.zero if dz > k.zero else -dz
    left, right = hl - rise, hr - drop
    depth = left if left > right else right
    flows = depth > k.dry
    depth = depth if flows else k.one
    s = pushed - k.gdtdx * depth * ((hr - hl) + dz)
    r = inverse_cbrt(depth)
    r2 = r * r
    friction = k.gdt * n2 * (r2 * r2 * r2 * r)
    before = across * (k.one + friction * np.sqrt(q * q + across * across))
    length = np.sqrt(s * s + before * before)
    new = k.two * s / (k.one + np.sqrt(k.one + k.four * friction * length))
    return new if flows else k.zero


@njit(**_FUSED)
def discharge_west(j, i0, i1, h, z, n2, qx, qy, k, raw):  # type: ignore[no-untyped-def]
    """Unit discharge across the west faces of some cells of row `j` after a step, before the limiter."""
    m = j if n2.shape[0] > 1 else ZERO
    for i in range(i0, i1):
        w = i - ONE
        across = k.quarter * ((qy[j, w] + qy[j + ONE, w]) + (qy[j, i] + qy[j + ONE, i]))
        pushed = k.theta * qx[j, i] + k.side * (qx[j, w] + qx[j, i + ONE])
        raw[ZERO, i] = discharge_at_face(
            h[j, w], h[j, i], z[j, w], z[j, i], k.half * (n2[m, w] + n2[m, i]), pushed, qx[j, i], across, k
        )


@njit(**_FUSED)
def discharge_south(j, i0, i1, h, z, n2, qx, qy, k, raw, to):  # type: ignore[no-untyped-def]
    """The same across the south faces, into row `to` of `raw`."""
    s = j + ONE
    m, m_s = (j, s) if n2.shape[0] > 1 else (ZERO, ZERO)
    for i in range(i0, i1):
        e = i + ONE
        across = k.quarter * ((qx[j, i] + qx[j, e]) + (qx[s, i] + qx[s, e]))
        pushed = k.theta * qy[s, i] + k.side * (qy[j, i] + qy[s + ONE, i])
        raw[to, i] = discharge_at_face(
            h[j, i], h[s, i], z[j, i], z[s, i], k.half * (n2[m, i] + n2[m_s, i]), pushed, qy[s, i], across, k
        )


@njit(**_FUSED)
def discharge_west_south(j, i0, i1, h, z, n2, qx, qy, k, raw, raw_s, to):  # type: ignore[no-untyped-def]
    """Both at once, so that a cell is read once."""
    s = j + ONE
    m, m_s = (j, s) if n2.shape[0] > 1 else (ZERO, ZERO)
    for i in range(i0, i1):
        w, e = i - ONE, i + ONE
        depth, bed, rough, x, y = h[j, i], z[j, i], n2[m, i], qx[j, i], qy[s, i]
        x_e, y_n = qx[j, e], qy[j, i]
        across = k.quarter * ((qy[j, w] + qy[s, w]) + (y_n + y))
        pushed = k.theta * x + k.side * (qx[j, w] + x_e)
        raw[ZERO, i] = discharge_at_face(
            h[j, w], depth, z[j, w], bed, k.half * (n2[m, w] + rough), pushed, x, across, k
        )
        across = k.quarter * ((x + x_e) + (qx[s, i] + qx[s, e]))
        pushed = k.theta * y + k.side * (y_n + qy[s + ONE, i])
        raw_s[to, i] = discharge_at_face(
            depth, h[s, i], bed, z[s, i], k.half * (rough + n2[m_s, i]), pushed, y, across, k
        )


@njit(**_FAST)
def keep_share(j, i0, i1, h, raw, raw_n, this, last, k, share):  # type: ignore[no-untyped-def]
    """Factor on what leaves each cell of row `j`, so that no cell gives more than it holds.

    Returns the greatest part of its water, films aside, that a cell wanted to give, as `size_bits`.
    """
    zero, one, dtdx, keep, film, tiny = k.zero, k.one, k.dtdx, k.keep, k.film, k.tiny
    most = size_bits(zero)
    for i in range(i0, i1):
        west, east, north, south = raw[ZERO, i], raw[ZERO, i + ONE], raw_n[this, i], raw_n[last, i]
        e = east if east > zero else zero
        w = -west if west < zero else zero
        s = south if south > zero else zero
        n = -north if north < zero else zero
        depth = h[j, i]
        part = ((e + w) + (s + n)) * dtdx / (depth if depth > tiny else tiny)
        fits = part <= keep
        share[this, i] = one if fits else keep / (one if fits else part)
        size = size_bits(part if depth > film else zero)
        most = size if size > most else most
    return most


@njit(**_FAST)
def limit_x(j, i0, i1, h, raw, share, this, dtdx, q, volume):  # type: ignore[no-untyped-def]
    """Discharge across west faces that the giving cell can afford, and the depth that it moves in this step."""
    zero = dtdx - dtdx
    for i in range(i0, i1):
        w = i - ONE
        flow, left, right = raw[ZERO, i], h[j, w], h[j, i]
        down, up = share[this, w], share[this, i]
        limited = flow * (down if flow > zero else up)
        q[j, i] = limited
        volume[ZERO, i] = representable(limited * dtdx, left if left > right else right)


@njit(**_FAST)
def limit_y(j, i0, i1, h, raw_n, share, this, last, dtdx, q, to, volume):  # type: ignore[no-untyped-def]
    """The same across the north faces of row `j`, into row `to` of `q`."""
    zero, above = dtdx - dtdx, j - ONE
    for i in range(i0, i1):
        flow, north, south = raw_n[this, i], h[above, i], h[j, i]
        down, up = share[last, i], share[this, i]
        limited = flow * (down if flow > zero else up)
        q[to, i] = limited
        volume[this, i] = representable(limited * dtdx, north if north > south else south)


@njit(**_FAST)
def fill(j, i0, i1, h, moved_w, moved_n, this, last, out):  # type: ignore[no-untyped-def]
    """New depth of the row north of `j`; returns the greatest as `size_bits`."""
    above = j - ONE
    most = size_bits(h[ZERO, ZERO] - h[ZERO, ZERO])
    for i in range(i0, i1):
        new = h[above, i] + (
            (moved_w[ZERO, i] - moved_w[ZERO, i + ONE]) + (moved_n[last, i] - moved_n[this, i])
        )
        out[above, i] = new
        size = size_bits(new)
        most = size if size > most else most
    return most


@njit(**_FAST)
def limit_y_and_fill(  # type: ignore[no-untyped-def]
    j, i0, i1, h, raw_n, share, this, last, dtdx, moved_w, q, to, volume, out
):
    """`limit_y` and `fill` at once."""
    zero, above = dtdx - dtdx, j - ONE
    most = size_bits(zero)
    for i in range(i0, i1):
        flow, north, south = raw_n[this, i], h[above, i], h[j, i]
        down, up = share[last, i], share[this, i]
        limited = flow * (down if flow > zero else up)
        q[to, i] = limited
        moved = representable(limited * dtdx, north if north > south else south)
        new = north + ((moved_w[ZERO, i] - moved_w[ZERO, i + ONE]) + (volume[last, i] - moved))
        volume[this, i] = moved
        out[above, i] = new
        size = size_bits(new)
        most = size if size > most else most
    return most


@njit(**_FAST)
def cross_edge_x(j, i0, i1, sides, h, qx, k, raw):  # type: ignore[no-untyped-def]
    """Mend the discharge across the west and the east edge of the grid in row `j` of raw discharges.

    Over an open edge runs the more of a free fall and what the bed's slope, going on, drives (`raw` so far).
    """
    nx = h.shape[1] - 2
    if i0 == 1 and sides[WEST] != LEVEL:
        fall = overfall(h[j, 1], -qx[j, 2], k.gravity, k.dry)
        raw[1] = -max(fall, -raw[1]) if sides[WEST] == OPEN else k.zero
    if i1 == nx + 1 and sides[EAST] != LEVEL:
        fall = overfall(h[j, nx], qx[j, nx], k.gravity, k.dry)
        raw[nx + 1] = max(fall, raw[nx + 1]) if sides[EAST] == OPEN else k.zero


@njit(**_FAST)
def cross_edge_y(f, i0, i1, sides, h, qy, k, raw):  # type: ignore[no-untyped-def]
    """The same for the row of faces `f` along the north (1) or south (ny + 1) edge."""
    side = NORTH if f == 1 else SOUTH
    if sides[side] == LEVEL:
        return
    for i in range(i0, i1):
        if sides[side] == CLOSED:
            raw[i] = k.zero
        elif side == NORTH:
            raw[i] = -max(overfall(h[1, i], -qy[2, i], k.gravity, k.dry), -raw[i])
        else:
            raw[i] = max(overfall(h[f - 1, i], qy[f - 1, i], k.gravity, k.dry), raw[i])


@njit(**_FAST)
def wish_row(j, i0, i1, alone, h, z, n2, qx, qy, sides, k, raw, raw_n, share):  # type: ignore[no-untyped-def]
    """Raw discharge of the west and south faces of cells `i0` to `i1` of row `j`, and of the east face of the last one.

    Returns what `keep_share` does; where `alone` is set only the south faces are wanted.
    """
    ny, nx = h.shape[0] - 2, h.shape[1] - 2
    row, this, last, start, stop = (
        np.uint64(j),
        np.uint64(j % 2),
        np.uint64((j + 1) % 2),
        np.uint64(i0),
        np.uint64(i1),
    )
    if alone:
        discharge_south(row, start, stop, h, z, n2, qx, qy, k, raw_n, last)
        if j == 0:
            cross_edge_y(1, i0, i1, sides, h, qy, k, raw_n[last])
        return size_bits(k.zero)
    discharge_west_south(row, start, stop, h, z, n2, qx, qy, k, raw, raw_n, last)
    if i1 == nx + 1:
        discharge_west(row, stop, stop + ONE, h, z, n2, qx, qy, k, raw)
    else:
        raw[0, i1] = k.zero
    cross_edge_x(j, i0, i1, sides, h, qx, k, raw[0])
    if j == ny:
        cross_edge_y(j + 1, i0, i1, sides, h, qy, k, raw_n[last])
    return keep_share(row, start, stop, h, raw, raw_n, this, last, k, share)


@njit(**_FAST)
def step_rows(  # type: ignore[no-untyped-def]
    first, stop, h, qx, qy, z, n2, sides, active, tile, k, new_h, new_qx, new_qy, work, edge
):
    """Take the rows from `first` to before `stop` one step on; depth of the deepest cell among them.

    `edge[s]` takes the depth that crossed each face of side `s`, positive to the east and the south. `work` is room for
    `N_WORK_ROWS` rows of faces; `edge[DRAINED, first]` takes the greatest part of its water that a cell wanted to give.
    """
    ny, nx = h.shape[0] - 2, h.shape[1] - 2
    zero, one, dtdx = k.zero, k.one, k.dtdx
    raw, raw_n, share = work[0:1], work[1:3], work[3:5]
    moved_w, moved_n, aside = work[5:6], work[6:8], work[8:9]
    runs, before = np.zeros((active.shape[1] + 1, 2), np.int64), np.zeros((active.shape[1] + 1, 2), np.int64)
    work[:] = zero
    share[:] = one
    n_before, n, tiles_before = 0, 0, -1
    deepest, drained = size_bits(zero), size_bits(zero)
    for j in range(max(first - 2, 0), stop + 1):
        inside = max(first - 1, 1) <= j <= ny
        row, this, last = np.uint64(j), np.uint64(j % 2), np.uint64((j + 1) % 2)
        tiles = (min(max(j, 1), ny) - 1) // tile[0]
        alike = tiles == tiles_before and j > first
        if not alike:
            runs, before, n_before = before, runs, n
            n = runs_of(active, tiles, tile[1], nx, runs)
        tiles_before = tiles
        if not inside or n != 1 or runs[0, 0] != 1 or runs[0, 1] != nx + 1:
            raw[:], raw_n[last, :], share[this, :], moved_n[this, :] = zero, zero, one, zero
        for r in range(n):
            i0, i1 = np.uint64(runs[r, 0]), np.uint64(runs[r, 1])
            if j <= ny:
                size = wish_row(
                    j, runs[r, 0], runs[r, 1], not inside, h, z, n2, qx, qy, sides, k, raw, raw_n, share
                )
                drained = size if size > drained else drained
            if j < first:
                continue
            kept = j < stop or j == ny + 1
            target, to = (new_qy, row) if kept else (aside, ZERO)
            if alike:
                size = limit_y_and_fill(
                    row, i0, i1, h, raw_n, share, this, last, dtdx, moved_w, target, to, moved_n, new_h
                )
                deepest = size if size > deepest else deepest
            else:
                limit_y(row, i0, i1, h, raw_n, share, this, last, dtdx, target, to, moved_n)
        for r in range(n_before if j > first and not alike else 0):
            i0, i1 = np.uint64(before[r, 0]), np.uint64(before[r, 1])
            size = fill(row, i0, i1, h, moved_w, moved_n, this, last, new_h)
            deepest = size if size > deepest else deepest
        if j == 1 or j == ny + 1:
            edge[NORTH if j == 1 else SOUTH, : nx + 2] = moved_n[this, : nx + 2]
        if j < first or j >= stop:
            continue
        moved_w[0, 1] = moved_w[0, nx + 1] = zero
        for r in range(n):
            i0, i1 = np.uint64(runs[r, 0]), np.uint64(runs[r, 1]) + ONE
            limit_x(row, i0, i1, h, raw, share, this, dtdx, new_qx, moved_w)
        edge[WEST, j], edge[EAST, j] = moved_w[0, 1], moved_w[0, nx + 1]
    edge[DRAINED, first] = from_bits(drained)
    return from_bits(deepest)
