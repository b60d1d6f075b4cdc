"""Compiled formulas of the shallow water solver, each over one row of cells or faces.

The scheme is a finite volume method of second order: depth, surface and velocities are linear in each cell (limited
slopes of `h`, `eta`, `u`, `v`), the bed follows as ``z = eta - h``, so that a surface at rest stays level whatever the
bed does. At a face both sides meet over a common bed after Chen & Noelle (2017), which keeps water at rest, keeps
depths from becoming negative, and lets a thin film on a steep bed feel its slope; the flux is HLL for mass and normal
momentum, and upwind for the momentum along the face.

References
----------
Audusse, Bouchut, Bristeau, Klein & Perthame (2004), SIAM J. Sci. Comput. 25, 2050-2065; Chen & Noelle (2017), SIAM J.
Numer. Anal. 55, 758-784; Harten, Lax & van Leer (1983), SIAM Rev. 25, 35-61.
"""

# ruff: noqa: PLR0917, FURB136 - compiled: arrays one by one, and choices that become vector instructions (max() does not)
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from twin.water.numerics import inverse_cbrt, representable

_FAST: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "inline": "never"}


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
def primitives(h, hu, hv, z, dry, w):  # type: ignore[no-untyped-def]
    """Depth, surface and velocities of a row into `w`; where it is dry the surface is the bed and nothing moves."""
    one = dry / dry
    zero = one - one
    eta, u, v, depth = w[0], w[1], w[2], w[3]
    for i in range(h.size):
        wet = h[i] > dry
        per_depth = one / (h[i] if wet else one)
        depth[i] = h[i]
        eta[i] = z[i] + h[i]
        u[i] = hu[i] * per_depth if wet else zero
        v[i] = hv[i] * per_depth if wet else zero


@njit(**_FAST)
def faces_of(before, here, after, steep, half, low, high):  # type: ignore[no-untyped-def]
    """Values at both faces of each cell: the generalised minmod slope, from one-sided (1) to steep (2)."""
    zero = half - half
    for i in range(here.size):
        a, b = here[i] - before[i], after[i] - here[i]
        rises = a > zero and b > zero
        falls = a < zero and b < zero
        a, b = (a if rises else -a), (b if rises else -b)
        least = a if a < b else b
        mean = half * (a + b)
        slope = steep * least
        slope = slope if slope < mean else mean
        change = half * slope if (rises or falls) else zero
        change = change if rises else -change
        low[i] = here[i] - change
        high[i] = here[i] + change


@njit(**_FAST)
def bed_force(low, high, i0, i1, half_gravity, force):  # type: ignore[no-untyped-def]
    """Force of the bed within each cell: ``-g h dz``, with the mean depth of its faces, per unit density and width."""
    eta_l, h_l, eta_r, h_r = low[0, i0:i1], low[3, i0:i1], high[0, i0:i1], high[3, i0:i1]
    out = force[i0:i1]
    for i in range(out.size):
        out[i] = half_gravity * (h_l[i] + h_r[i]) * ((eta_l[i] - h_l[i]) - (eta_r[i] - h_r[i]))


@njit(**_FAST)
def fluxes(left, l0, right, r0, n, normal, k, out):  # type: ignore[no-untyped-def]
    """Fluxes across `n` faces between states `left` from column `l0` and `right` from `r0` (rows: eta, u, v, h).

    `out` takes mass, momentum along the normal as it leaves the left and as it enters the right cell (they differ by
    the push of the bed's step), and the velocity along the face that the mass carries.
    """
    zero, two, half, gravity, tiny = k.zero, k.two, k.half, k.gravity, k.tiny
    half_gravity, along = half * gravity, 3 - normal
    eta_l, eta_r, h_l, h_r = (
        left[0, l0 : l0 + n],
        right[0, r0 : r0 + n],
        left[3, l0 : l0 + n],
        right[3, r0 : r0 + n],
    )
    u_l, u_r = left[normal, l0 : l0 + n], right[normal, r0 : r0 + n]
    v_l, v_r = left[along, l0 : l0 + n], right[along, r0 : r0 + n]
    to_mass, to_left = out[0, r0 : r0 + n], out[1, r0 : r0 + n]
    to_right, to_along = out[2, r0 : r0 + n], out[3, r0 : r0 + n]
    for i in range(n):
        el, hl, ul = eta_l[i], h_l[i], u_l[i]
        er, hr, ur = eta_r[i], h_r[i], u_r[i]
        zl, zr = el - hl, er - hr
        bed = zl if zl > zr else zr
        lower = el if el < er else er
        bed = bed if bed < lower else lower
        a, b = el - bed, er - bed
        a, b = (a if a < hl else hl), (b if b < hr else hr)
        a, b = (a if a > zero else zero), (b if b > zero else zero)
        ca, cb = np.sqrt(gravity * a), np.sqrt(gravity * b)
        middle = half * (ul + ur) + (ca - cb)
        speed = half * (ca + cb) + half * half * (ul - ur)
        lo, hi = middle - speed, middle + speed
        first, last = ul - ca, ur + cb
        first, last = (first if first < lo else lo), (last if last > hi else hi)
        first = first if a > zero else ur - two * cb
        last = last if b > zero else ul + two * ca
        first, last = (first if first < zero else zero), (last if last > zero else zero)
        width = last - first
        per_width = half / (half * (width if width > tiny else tiny))
        qa, qb = a * ul, b * ur
        mass = ((last * qa - first * qb) + first * last * (b - a)) * per_width
        pa, pb = qa * ul + half_gravity * a * a, qb * ur + half_gravity * b * b
        push = ((last * pa - first * pb) + first * last * (qb - qa)) * per_width
        to_mass[i] = mass
        to_left[i] = push + half_gravity * (hl + a) * (bed - zl)
        to_right[i] = push + half_gravity * (hr + b) * (bed - zr)
        from_l, from_r = v_l[i], v_r[i]
        to_along[i] = from_l if mass > zero else from_r


@njit(**_FAST)
def limited_mass(mass, share_l, share_r, hl, hr, dtdx, out):  # type: ignore[no-untyped-def]
    """Depth that crosses each face in this stage, no more than the giving cell can afford."""
    zero = dtdx - dtdx
    for i in range(mass.size):
        moved = mass[i] * dtdx * (share_l[i] if mass[i] > zero else share_r[i])
        out[i] = representable(moved, hl[i] if hl[i] > hr[i] else hr[i])


@njit(**_FAST)
def advance(i0, i1, state, j, n2, flux_x, flux_n, flux_s, force_x, force_y, k, new):  # type: ignore[no-untyped-def]
    """State of the cells `i0` to `i1` of row `j` after one Euler stage with implicit friction.

    Fluxes are rows as `fluxes` and `limited_mass` gave them: west faces of the row, faces to its north and its south.
    Friction solves ``|q| (1 + K |q|) = |q*|`` with the discharge that the stage gives without it.
    """
    one, two, four, dtdx, gdt, dry = k.one, k.two, k.four, k.dtdx, k.gdt, k.dry
    zero = one - one
    h, hu, hv = state[0, j, i0:i1], state[1, j, i0:i1], state[2, j, i0:i1]
    new_h, new_u, new_v = new[0, j, i0:i1], new[1, j, i0:i1], new[2, j, i0:i1]
    mw, pw, aw = flux_x[4, i0:i1], flux_x[2, i0:i1], flux_x[3, i0:i1]
    me, pe, ae = flux_x[4, i0 + 1 : i1 + 1], flux_x[1, i0 + 1 : i1 + 1], flux_x[3, i0 + 1 : i1 + 1]
    mn, pn, an = flux_n[4, i0:i1], flux_n[2, i0:i1], flux_n[3, i0:i1]
    ms, ps, as_ = flux_s[4, i0:i1], flux_s[1, i0:i1], flux_s[3, i0:i1]
    bed_x, bed_y, rough = force_x[i0:i1], force_y[i0:i1], n2[i0:i1]
    for i in range(h.size):
        depth = h[i] + ((mw[i] - me[i]) + (mn[i] - ms[i]))
        qu = hu[i] + (dtdx * ((pw[i] - pe[i]) + bed_x[i]) + (mn[i] * an[i] - ms[i] * as_[i]))
        qv = hv[i] + (dtdx * ((pn[i] - ps[i]) + bed_y[i]) + (mw[i] * aw[i] - me[i] * ae[i]))
        wet = depth > dry
        r = inverse_cbrt(depth if wet else one)
        r2 = r * r
        drag = gdt * rough[i] * (r2 * r2 * r2 * r)
        left = two / (one + np.sqrt(one + four * drag * np.sqrt(qu * qu + qv * qv)))
        new_h[i] = depth
        new_u[i] = qu * left if wet else zero
        new_v[i] = qv * left if wet else zero


@njit(**_FAST)
def mean_state(i0, i1, old, j, half, dry, new):  # type: ignore[no-untyped-def]
    """Halfway between the state before the step and the one after two Euler stages (SSP-RK2), into `new`."""
    zero = half - half
    h, hu, hv = old[0, j, i0:i1], old[1, j, i0:i1], old[2, j, i0:i1]
    new_h, new_u, new_v = new[0, j, i0:i1], new[1, j, i0:i1], new[2, j, i0:i1]
    for i in range(h.size):
        depth = half * (h[i] + new_h[i])
        wet = depth > dry
        qu, qv = half * (hu[i] + new_u[i]), half * (hv[i] + new_v[i])
        new_h[i] = depth
        new_u[i] = qu if wet else zero
        new_v[i] = qv if wet else zero


@njit(**_FAST)
def fastest(i0, i1, state, j, gravity, dry, speeds):  # type: ignore[no-untyped-def]
    """Greatest signal speed along an axis, m/s, of each column so far; what is not finite stays in the account."""
    one = dry / dry
    zero = one - one
    h, hu, hv = state[0, j, i0:i1], state[1, j, i0:i1], state[2, j, i0:i1]
    out = speeds[i0:i1]
    for i in range(h.size):
        wet = h[i] > dry
        u, v = (hu[i] if hu[i] > zero else -hu[i]), (hv[i] if hv[i] > zero else -hv[i])
        swift = u if u > v else v
        depth = h[i] if wet else one
        speed = swift / depth + np.sqrt(gravity * depth)
        speed = speed if wet else zero
        most = out[i]
        out[i] = (speed if speed > most else most) + ((h[i] - h[i]) + (speed - speed))
