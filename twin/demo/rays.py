"""Where a straight ray from above meets the district: exact in float64, without any library's tolerance.

A ray starts at the elevation `top` and is followed by how far it has come down, `s`: it is at ``u + du s``,
``v + dv s``, ``top - s``. Triangles are found by walking the cells of a grid that the ray crosses (Amanatides & Woo
1987).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from numba import njit

from twin.demo.chance import INLINED
from twin.demo.ground import ground_at
from twin.demo.targets import CELL_M, CROWN_CELL_M

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from twin.demo.targets import Targets
    from twin.demo.terrain import Terrain

    Float = NDArray[np.float64]

MAX_CROWNS = 16
_NEVER = 1e30


class Ray(NamedTuple):
    """Where a ray starts and how far it moves sideways for each metre that it comes down."""

    u: float
    v: float
    top: float
    du: float
    dv: float


@INLINED
def ground_depth(ray: Ray, terrain: Terrain) -> tuple[float, float, int, bool]:
    """How far a ray comes down to ground or water; its elevation there, the ground's kind, and whether it is water."""
    s = ray.top - 2.0
    z, kind, is_water = 0.0, 0, False
    for _ in range(4):
        bed, kind, water = ground_at(ray.u + ray.du * s, ray.v + ray.dv * s, terrain)
        z, is_water = max(bed, water), water > bed
        # What is left moves the point by a third of this at most, on ground that hardly slopes.
        if abs(ray.top - z - s) < 0.02:
            break
        s = ray.top - z
    return ray.top - z, z, kind, is_water


@njit(cache=True, nogil=True)
def _hit(corners: Float, t: int, ray: Ray) -> float:
    """Depth at which a ray meets a triangle, from either side, or `_NEVER` (Moeller & Trumbore 1997)."""
    au, av, az = corners[t, 0, 0], corners[t, 0, 1], corners[t, 0, 2]
    e1u, e1v, e1z = corners[t, 1, 0] - au, corners[t, 1, 1] - av, corners[t, 1, 2] - az
    e2u, e2v, e2z = corners[t, 2, 0] - au, corners[t, 2, 1] - av, corners[t, 2, 2] - az
    du, dv = ray.du, ray.dv
    pu, pv, pz = dv * e2z + e2v, -e2u - du * e2z, du * e2v - dv * e2u
    det = e1u * pu + e1v * pv + e1z * pz
    if abs(det) < 1e-14:
        return _NEVER
    tu, tv, tz = ray.u - au, ray.v - av, ray.top - az
    a = (tu * pu + tv * pv + tz * pz) / det
    if a < -1e-12 or a > 1.0 + 1e-12:
        return _NEVER
    qu, qv, qz = tv * e1z - tz * e1v, tz * e1u - tu * e1z, tu * e1v - tv * e1u
    b = (du * qu + dv * qv - qz) / det
    if b < -1e-12 or a + b > 1.0 + 2e-12:
        return _NEVER
    s = (e2u * qu + e2v * qv + e2z * qz) / det
    return s if s > 0.0 else _NEVER


@njit(cache=True, nogil=True)
def _step_of(d: float, at: float, cell_m: float) -> tuple[int, float, float]:
    """Direction, depth of the first and depth between further crossings of cell edges along one axis."""
    k = math.floor(at / cell_m)
    if d > 0:
        return 1, ((k + 1) * cell_m - at) / d, cell_m / d
    if d < 0:
        return -1, (k * cell_m - at) / d, -cell_m / d
    return 0, _NEVER, _NEVER


@INLINED
def first_triangle(ray: Ray, s_to: float, targets: Targets) -> tuple[float, int]:
    """Depth and number of the first triangle above a depth, or `_NEVER` and -1."""
    nu, nv = targets.shape
    tops = targets.tops
    x, y = ray.u - targets.origin[0], ray.v - targets.origin[1]
    i, j = math.floor(x / CELL_M), math.floor(y / CELL_M)
    step_u, next_u, every_u = _step_of(ray.du, x, CELL_M)
    step_v, next_v, every_v = _step_of(ray.dv, y, CELL_M)
    s_in = 0.0
    while s_in < s_to:
        s_out = min(next_u, next_v, s_to)
        if 0 <= i < nu and 0 <= j < nv and tops[i * nv + j] > ray.top - s_out - 1e-9:
            best, which = _first_in_cell(i * nv + j, ray, s_in, s_out, targets)
            if which >= 0:
                return best, which
        if next_u < next_v:
            i, next_u = i + step_u, next_u + every_u
        else:
            j, next_v = j + step_v, next_v + every_v
        s_in = s_out
    return _NEVER, -1


@INLINED
def _first_in_cell(cell: int, ray: Ray, s_in: float, s_out: float, targets: Targets) -> tuple[float, int]:
    best, which = _NEVER, -1
    corners, items, starts = targets.corners, targets.items, targets.starts
    for k in range(starts[cell], starts[cell + 1]):
        t = items[k]
        s = _hit(corners, t, ray)
        # A hit beyond this cell belongs to a later one, where something nearer may stand.
        if s < best and s_in - 1e-9 <= s <= s_out + 1e-9:
            best, which = s, t
    return best, which


@njit(cache=True, nogil=True)
def crowns_on_ray(ray: Ray, s_to: float, targets: Targets, found: Float) -> int:
    """Crowns that a ray passes above a depth: their entry and exit depths and numbers, nearest first; how many.

    Parameters
    ----------
    ray : Ray
    s_to : float
        Depth at which the ray ends, metres.
    targets : Targets
    found : array, shape (MAX_CROWNS, 3)
        Filled in its first rows.
    """
    nu, nv = targets.crown_shape
    tops, starts, items, crowns = (
        targets.crown_tops,
        targets.crown_starts,
        targets.crown_items,
        targets.crowns,
    )
    x, y = ray.u - targets.origin[0], ray.v - targets.origin[1]
    i, j = math.floor(x / CROWN_CELL_M), math.floor(y / CROWN_CELL_M)
    step_u, next_u, every_u = _step_of(ray.du, x, CROWN_CELL_M)
    step_v, next_v, every_v = _step_of(ray.dv, y, CROWN_CELL_M)
    s_in, n = 0.0, 0
    while s_in < s_to:
        s_out, cell = min(next_u, next_v), i * nv + j
        if 0 <= i < nu and 0 <= j < nv and tops[cell] > ray.top - s_out:
            for k in range(starts[cell], starts[cell + 1]):
                crown = items[k]
                enters, leaves = _through(crowns, crown, ray, s_to)
                if leaves > enters and n < MAX_CROWNS:
                    n = _insert(found, n, enters, leaves, crown)
        if next_u < next_v:
            i, next_u = i + step_u, next_u + every_u
        else:
            j, next_v = j + step_v, next_v + every_v
        s_in = s_out
    return n


@njit(cache=True, nogil=True)
def _through(crowns: Float, crown: int, ray: Ray, s_to: float) -> tuple[float, float]:
    """Depths at which a ray enters and leaves a crown; the second is not larger where it misses."""
    radius, half = crowns[crown, 3], crowns[crown, 4]
    pu, pv = (ray.u - crowns[crown, 0]) / radius, (ray.v - crowns[crown, 1]) / radius
    pz = (ray.top - crowns[crown, 2]) / half
    ru, rv, rz = ray.du / radius, ray.dv / radius, -1.0 / half
    a, b = ru * ru + rv * rv + rz * rz, pu * ru + pv * rv + pz * rz
    c = pu * pu + pv * pv + pz * pz - 1.0
    disc = b * b - a * c
    if disc <= 0.0:
        return 0.0, 0.0
    root = math.sqrt(disc)
    return max((-b - root) / a, 0.0), min((-b + root) / a, s_to)


@njit(cache=True, nogil=True)
def _insert(found: Float, n: int, enters: float, leaves: float, crown: int) -> int:
    """Put a crown in its place by depth, unless it is there already; how many there are."""
    for k in range(n):
        if found[k, 2] == crown:
            return n
    k = n
    while k > 0 and found[k - 1, 0] > enters:
        for m in range(3):
            found[k, m] = found[k - 1, m]
        k -= 1
    found[k, 0], found[k, 1], found[k, 2] = enters, leaves, crown
    return n + 1
