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

from twin.water.numerics import inverse_cbrt, representable
from twin.water.sides import CLOSED, EAST, LEVEL, NORTH, OPEN, SOUTH, WEST, overfall
from twin.water.tiles import runs_of

N_WORK_ROWS = 11
"""Row buffers that a band needs."""
DRAINED = 4
"""Row of `edge` after those of the four sides."""

_FAST: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "inline": "never"}


@njit(**_FAST)
def face_discharge(hl, hr, zl, zr, nl, nr, q, qb, qf, a, b, c, d, k, out):  # type: ignore[no-untyped-def]
    """Unit discharge across a row of faces after a step, before the limiter.

    Friction is implicit in the length of the discharge. With ``s`` the discharge before friction along the face's
    normal and ``S`` its length, ``|q| (1 + K |q|) = S`` is a quadratic; across the normal ``S`` is taken from the
    discharge of the neighbouring faces, which by the same law was ``q (1 + K |q|)`` before friction.
    """
    theta, side, gdtdx, gdt, dry = k.theta, k.side, k.gdtdx, k.gdt, k.dry
    one, two, four, half, quarter, zero = k.one, k.two, k.four, k.half, k.quarter, k.zero
    for i in range(out.size):
        dz = zr[i] - zl[i]
        rise = dz if dz > zero else zero
        drop = zero if dz > zero else -dz
        left, right = hl[i] - rise, hr[i] - drop
        depth = left if left > right else right
        flows = depth > dry
        depth = depth if flows else one
        s = theta * q[i] + side * (qb[i] + qf[i]) - gdtdx * depth * ((hr[i] - hl[i]) + dz)
        r = inverse_cbrt(depth)
        r2 = r * r
        friction = gdt * (half * (nl[i] + nr[i])) * (r2 * r2 * r2 * r)
        across = quarter * ((a[i] + b[i]) + (c[i] + d[i]))
        length = np.sqrt(q[i] * q[i] + across * across)
        before = across * (one + friction * length)
        length = np.sqrt(s * s + before * before)
        new = two * s / (one + np.sqrt(one + four * friction * length))
        out[i] = new if flows else zero


@njit(**_FAST)
def keep_share(h, west, east, north, south, k, out, drained):  # type: ignore[no-untyped-def]
    """Factor on what leaves each cell of a row, so that no cell gives more than it holds.

    `drained` is the greatest part of its water, films aside, that a cell of each column wanted to give so far.
    """
    zero, one, dtdx, keep, film = k.zero, k.one, k.dtdx, k.keep, k.film
    for i in range(out.size):
        e = east[i] if east[i] > zero else zero
        w = -west[i] if west[i] < zero else zero
        s = south[i] if south[i] > zero else zero
        n = -north[i] if north[i] < zero else zero
        depth = h[i]
        part = ((e + w) + (s + n)) * dtdx / (depth if depth > k.tiny else k.tiny)
        fits = part <= keep
        out[i] = one if fits else keep / (one if fits else part)
        part = part if depth > film else zero
        most = drained[i]
        drained[i] = part if part > most else most


@njit(**_FAST)
def limit(raw, share_l, share_r, hl, hr, dtdx, q, volume):  # type: ignore[no-untyped-def]
    """Discharge that the giving cell can afford, and the depth that it moves in this step."""
    zero = dtdx - dtdx
    for i in range(raw.size):
        limited = raw[i] * (share_l[i] if raw[i] > zero else share_r[i])
        q[i] = limited
        volume[i] = representable(limited * dtdx, hl[i] if hl[i] > hr[i] else hr[i])


@njit(**_FAST)
def fill(h, west, east, north, south, out, deepest):  # type: ignore[no-untyped-def]
    """New depth of a row, and the greatest of each column so far; one that is not finite stays in the account."""
    for i in range(h.size):
        new = h[i] + ((west[i] - east[i]) + (north[i] - south[i]))
        out[i] = new
        most = deepest[i]
        deepest[i] = (new if new > most else most) + (new - new)


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
def raw_x(j, i0, i1, h, z, n2, qx, qy, sides, k, raw):  # type: ignore[no-untyped-def]
    """Raw discharge of the west faces of cells `i0` to `i1` of row `j`, and of the east face of the last."""
    n = n2[j if n2.shape[0] > 1 else 0]
    last = i1 + 1 if i1 == h.shape[1] - 1 else i1
    q, west, here = qx[j], slice(i0 - 1, last - 1), slice(i0, last)
    face_discharge(
        h[j, west], h[j, here], z[j, west], z[j, here], n[west], n[here],
        q[here], q[west], q[i0 + 1 : last + 1],
        qy[j, west], qy[j + 1, west], qy[j, here], qy[j + 1, here], k, raw[here],
    )  # fmt: skip
    if last == i1:
        raw[i1] = k.zero
    cross_edge_x(j, i0, i1, sides, h, qx, k, raw)


@njit(**_FAST)
def raw_y(f, i0, i1, h, z, n2, qx, qy, sides, k, raw):  # type: ignore[no-untyped-def]
    """Raw discharge of the faces between rows `f` - 1 and `f`."""
    many = n2.shape[0] > 1
    here, east = slice(i0, i1), slice(i0 + 1, i1 + 1)
    face_discharge(
        h[f - 1, here], h[f, here], z[f - 1, here], z[f, here],
        n2[f - 1 if many else 0, here], n2[f if many else 0, here],
        qy[f, here], qy[f - 1, here], qy[f + 1, here],
        qx[f - 1, here], qx[f - 1, east], qx[f, here], qx[f, east], k, raw[here],
    )  # fmt: skip
    if f in (1, h.shape[0] - 1):
        cross_edge_y(f, i0, i1, sides, h, qy, k, raw)


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
    raw, raw_n, share = work[0], work[1:3], work[3:5]
    moved_w, moved_n, aside, deepest, drained = work[5], work[6:8], work[8], work[9], work[10]
    runs, before = np.zeros((active.shape[1] + 1, 2), np.int64), np.zeros((active.shape[1] + 1, 2), np.int64)
    work[:] = zero
    share[:] = one
    n_before, n = 0, 0
    for j in range(max(first - 2, 0), stop + 1):
        inside = max(first - 1, 1) <= j <= ny
        this, last = j % 2, (j + 1) % 2
        runs, before, n_before = before, runs, n
        n = runs_of(active, (min(max(j, 1), ny) - 1) // tile[0], tile[1], nx, runs)
        raw[:], raw_n[last, :], share[this, :], moved_n[this, :] = zero, zero, one, zero
        for r in range(n):
            i0, i1 = runs[r, 0], runs[r, 1]
            if j <= ny:
                raw_y(j + 1, i0, i1, h, z, n2, qx, qy, sides, k, raw_n[last])
            if inside:
                raw_x(j, i0, i1, h, z, n2, qx, qy, sides, k, raw)
                keep_share(
                    h[j, i0:i1], raw[i0:i1], raw[i0 + 1 : i1 + 1], raw_n[this, i0:i1], raw_n[last, i0:i1],
                    k, share[this, i0:i1], drained[i0:i1],
                )  # fmt: skip
            if j >= first:
                target = new_qy[j] if j < stop or j == ny + 1 else aside
                limit(
                    raw_n[this, i0:i1], share[last, i0:i1], share[this, i0:i1], h[j - 1, i0:i1], h[j, i0:i1],
                    dtdx, target[i0:i1], moved_n[this, i0:i1],
                )  # fmt: skip
        for r in range(n_before if j > first else 0):
            i0, i1 = before[r, 0], before[r, 1]
            fill(
                h[j - 1, i0:i1], moved_w[i0:i1], moved_w[i0 + 1 : i1 + 1], moved_n[last, i0:i1],
                moved_n[this, i0:i1], new_h[j - 1, i0:i1], deepest[i0:i1],
            )  # fmt: skip
        if j == 1 or j == ny + 1:
            edge[NORTH if j == 1 else SOUTH, : nx + 2] = moved_n[this, : nx + 2]
        if j < first or j >= stop:
            continue
        moved_w[1] = moved_w[nx + 1] = zero
        for r in range(n):
            i0, i1 = runs[r, 0], runs[r, 1] + 1
            limit(
                raw[i0:i1], share[this, i0 - 1 : i1 - 1], share[this, i0:i1], h[j, i0 - 1 : i1 - 1], h[j, i0:i1],
                dtdx, new_qx[j, i0:i1], moved_w[i0:i1],
            )  # fmt: skip
        edge[WEST, j], edge[EAST, j] = moved_w[1], moved_w[nx + 1]
    edge[DRAINED, first] = drained.max()
    return deepest.max()
