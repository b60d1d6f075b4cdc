"""The shape of the ground, in closed form: every part of the demo asks the same function.

Land with hills and hollows; streets with crown, kerb and sidewalk; a levee whose landward slope is gentler where a
street climbs it; the river's berms, banks and bed; a canal between quay walls; underpasses cut into an avenue; ponds.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from twin.demo.chance import INLINED, mix, to_unit
from twin.demo.skeleton import CANAL_HALF_WIDTH_M, WATER_LEVEL_M
from twin.demo.terrain import WARD_PITCH_M, Terrain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.float64]


class Ground(IntEnum):
    """What the ground is made for at a place."""

    FIELD = 0
    BLOCK = 1
    SIDEWALK = 2
    CARRIAGEWAY = 3
    LEVEE = 4
    BERM = 5
    RIVER = 6
    CANAL = 7
    POND = 8


CREST_M = 3.6
CREST_HALF_WIDTH_M = 7.5
BERM_Z_M = 0.9
LEVEE_SLOPE = 3.0
BED_Z_M = -3.2
CANAL_BED_Z_M = -1.3
CANAL_START_V_M = 20.0
BASE_Z_M = 1.5
KERB_M = 0.12
LOT_M = 0.17
UNDERPASS_DEPTH_M = 4.3
UNDERPASS_FLAT_M = 15.0
UNDERPASS_END_M = 56.0
UNDERPASS_HALF_WIDTH_M = 8.0
NO_WATER = -1e9
_NOISE_CELL_M = 85.0
_FAR = 1e9
_REACH_M = 30.0
"""Streets farther away than this have no say in the shape of the ground."""
_LEVEE_RUN_M = CREST_HALF_WIDTH_M + (CREST_M - BERM_Z_M) * LEVEE_SLOPE
_SLOPE_IN_LOTS_M = 11.0
_SLOPE_IN_STREETS_M = 44.0
_PITCH_U, _PITCH_V = WARD_PITCH_M
# Plain numbers for the kernels, which know no enumerations.
_FIELD, _BLOCK, _SIDEWALK, _CARRIAGEWAY = 0, 1, 2, 3
_LEVEE, _BERM, _RIVER, _CANAL, _POND = 4, 5, 6, 7, 8


@njit(cache=True, nogil=True)
def _smooth(x: float) -> float:
    """From 0 to 1 with level ends."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


@njit(cache=True, nogil=True)
def _lattice_noise(u: float, v: float, seed: np.uint64) -> float:
    """Smooth noise in [0, 1] with a grain of 85 m (value noise, Perlin's fade)."""
    x, y = u / _NOISE_CELL_M, v / _NOISE_CELL_M
    i, j = math.floor(x), math.floor(y)
    fx, fy = _smooth(x - i), _smooth(y - j)
    south = _dice(i, j, seed) * (1 - fx) + _dice(i + 1, j, seed) * fx
    north = _dice(i, j + 1, seed) * (1 - fx) + _dice(i + 1, j + 1, seed) * fx
    return south * (1 - fy) + north * fy


@njit(cache=True, nogil=True)
def _dice(i: int, j: int, seed: np.uint64) -> float:
    return to_unit(mix(mix(seed, np.uint64(i + 1048576)), np.uint64(j + 1048576)))


@INLINED
def land_at(u: float, v: float, terrain: Terrain) -> float:
    """Elevation of the land before anything was built on it, metres."""
    z = BASE_Z_M + 0.35 * _lattice_noise(u, v, terrain.seed)
    a = math.floor(u / _PITCH_U) + 1
    b = math.floor(v / _PITCH_V) + 1
    mounds = terrain.mounds
    # Hills stand where their wards meet and reach two wards riverward; hollows stay within one ward's width.
    for p in range(a, a + 2):
        for q in range(b - 2, b + 1):
            z += _mound(u, v, (p, q, 0), mounds)
    for q in range(b - 1, b + 2):
        z += _mound(u, v, (a, q, 1), mounds)
    return z


@njit(cache=True, nogil=True)
def _mound(u: float, v: float, which: tuple[int, int, int], mounds: Float) -> float:
    """What the hill (k = 0) or the hollow (k = 1) of a ward adds; a smooth cap of finite reach."""
    p, q, k = which
    if p < 0 or q < 0 or p >= mounds.shape[0] or q >= mounds.shape[1]:
        return 0.0
    du, dv = u - mounds[p, q, k, 0], v - mounds[p, q, k, 1]
    r2 = (du * du + dv * dv) / (mounds[p, q, k, 3] * mounds[p, q, k, 3])
    return mounds[p, q, k, 2] * (1.0 - r2) * (1.0 - r2) if r2 < 1.0 else 0.0


@njit(cache=True, nogil=True)
def river_width(u: float) -> float:
    """Width of the water and its banks between the two berms, metres; it widens towards the sea."""
    return 56.0 + 34.0 * _smooth(u / 900.0)


@njit(cache=True, nogil=True)
def berm_width(u: float) -> float:
    """Width of the low meadow between levee and bank, metres."""
    return 15.0 + 3.5 * math.sin(u / 47.0) + 1.5 * math.sin(u / 19.0 + 1.0)


@njit(cache=True, nogil=True)
def far_side(u: float) -> float:
    """Distance from the levee road's axis to the landward edge of the far levee's crest, metres."""
    return 2.0 * (_LEVEE_RUN_M + berm_width(u)) + river_width(u)


@njit(cache=True, nogil=True)
def bank_offset(u: float) -> float:
    """Distance from the levee road's axis to the water's edge, metres."""
    return _LEVEE_RUN_M + berm_width(u) + (BERM_Z_M - 0.15 - WATER_LEVEL_M) * 2.0


@njit(cache=True, nogil=True)
def _river(s: float, u: float) -> tuple[float, int, float]:
    """Elevation, kind and water level at a distance `s` riverward of the levee road's axis."""
    total = far_side(u)
    near = min(s, total - s)
    berm = berm_width(u)
    if s > total:
        return max(BASE_Z_M - 0.2, CREST_M - (s - total) / 4.0), _LEVEE, NO_WATER
    if near < CREST_HALF_WIDTH_M:
        return CREST_M, _LEVEE, NO_WATER
    if near < _LEVEE_RUN_M:
        return CREST_M - (near - CREST_HALF_WIDTH_M) / LEVEE_SLOPE, _LEVEE, NO_WATER
    if near < _LEVEE_RUN_M + berm:
        return BERM_Z_M - 0.15 * (near - _LEVEE_RUN_M) / berm, _BERM, NO_WATER
    z = max(BED_Z_M, BERM_Z_M - 0.15 - (near - _LEVEE_RUN_M - berm) / 2.0)
    return z, _RIVER if z < WATER_LEVEL_M else _BERM, WATER_LEVEL_M


@njit(cache=True, nogil=True)
def _left_of(nodes: Float, a: tuple[int, int], b: tuple[int, int], u: float, v: float) -> bool:
    au, av = nodes[a[0], a[1], 0], nodes[a[0], a[1], 1]
    bu, bv = nodes[b[0], b[1], 0], nodes[b[0], b[1], 1]
    return (bu - au) * (v - av) - (bv - av) * (u - au) >= 0.0


@njit(cache=True, nogil=True)
def cell_of(u: float, v: float, nodes: Float) -> tuple[int, int]:
    """Lattice cell that holds a place, found by walking across the edges that it lies beyond."""
    last_i, last_j = nodes.shape[0] - 2, nodes.shape[1] - 2
    i = min(max(int(np.searchsorted(nodes[:, 1, 0], u)) - 1, 0), last_i)
    j = min(max(int(np.searchsorted(nodes[1, :, 1], v)) - 1, 0), last_j)
    for _ in range(12):
        if j > 0 and not _left_of(nodes, (i, j), (i + 1, j), u, v):
            j -= 1
        elif j < last_j and _left_of(nodes, (i, j + 1), (i + 1, j + 1), u, v):
            j += 1
        elif i > 0 and _left_of(nodes, (i, j), (i, j + 1), u, v):
            i -= 1
        elif i < last_i and not _left_of(nodes, (i + 1, j), (i + 1, j + 1), u, v):
            i += 1
        else:
            break
    return i, j


@njit(cache=True, nogil=True)
def _along(
    nodes: Float, streets: Float, node: tuple[int, int], place: tuple[float, float]
) -> tuple[float, float, float]:
    """Distance to the axis of the street that leaves a node, and how far along it from either end, metres."""
    a, b = node
    x, y = place[0] - nodes[a, b, 0], place[1] - nodes[a, b, 1]
    du, dv, length = streets[a, b, 3], streets[a, b, 4], streets[a, b, 5]
    across = du * y - dv * x
    t = du * x + dv * y
    beyond = max(-t, t - length, 0.0)
    # Most streets around a place are too far to matter; they are told without a root.
    if abs(across) > _REACH_M or beyond > _REACH_M:
        return _FAR, 0.0, 0.0
    t = min(max(t, 0.0), length)
    return math.sqrt(across * across + beyond * beyond), t, length - t


@njit(cache=True, nogil=True)
def _dive(t: float) -> float:
    """How far an underpass lies below the street, at a distance from its lowest point."""
    return UNDERPASS_DEPTH_M * _smooth((UNDERPASS_END_M - t) / (UNDERPASS_END_M - UNDERPASS_FLAT_M))


@INLINED
def _streets(u: float, v: float, i: int, j: int, terrain: Terrain) -> tuple[float, float, float, float]:
    """Distance to corridor and to carriageway (negative inside), to the canal's axis, and depth of an underpass."""
    nodes, columns, rows = terrain.nodes, terrain.column_streets, terrain.row_streets
    is_canal, is_underpass = terrain.is_canal, terrain.is_underpass
    corridor, carriage, canal, dive = _FAR, _FAR, _FAR, 0.0
    for a in range(i, i + 2):
        for b in range(max(j - 1, 0), min(j + 2, nodes.shape[1] - 1)):
            if columns[a, b, 0] <= 0:
                continue
            d, t0, t1 = _along(nodes, columns, (a, b), (u, v))
            corridor = min(corridor, d - columns[a, b, 0])
            # The two carriageways of a canal end square where its edge ends; round ends would make rings.
            if columns[a, b, 1] < 0 or (t0 > 0 and t1 > 0):
                carriage = min(carriage, max(columns[a, b, 1] - d, d - columns[a, b, 2]))
            if is_canal[a]:
                canal = min(canal, d)
            if d < UNDERPASS_HALF_WIDTH_M and is_underpass[a, b]:
                dive = max(dive, _dive(t0))
            if d < UNDERPASS_HALF_WIDTH_M and is_underpass[a, b + 1]:
                dive = max(dive, _dive(t1))
    for a in range(max(i - 1, 0), min(i + 2, nodes.shape[0] - 1)):
        for b in range(j, j + 2):
            if rows[a, b, 0] > 0:
                d = _along(nodes, rows, (a, b), (u, v))[0]
                corridor = min(corridor, d - rows[a, b, 0])
                carriage = min(carriage, max(rows[a, b, 1] - d, d - rows[a, b, 2]))
    return corridor, carriage, canal, dive


@njit(cache=True, nogil=True)
def _levee_rise(v: float, corridor: float, land: float) -> float:
    """What the levee's landward slope adds; streets climb it more gently than lots."""
    run_in_street = 1.0 - _smooth((v - CREST_HALF_WIDTH_M) / _SLOPE_IN_STREETS_M)
    run_in_lots = 1.0 - min(max((v - CREST_HALF_WIDTH_M) / _SLOPE_IN_LOTS_M, 0.0), 1.0)
    share = 1.0 - _smooth(corridor / 5.0)
    return (CREST_M - land) * (share * run_in_street + (1.0 - share) * run_in_lots)


@INLINED
def ground_at(u: float, v: float, terrain: Terrain) -> tuple[float, int, float]:
    """Elevation of the bare earth or bed, its kind, and the water level over it, metres.

    The water level is `NO_WATER` on dry land. Bridges are no ground: under them lies what they cross.
    """
    if v < -CREST_HALF_WIDTH_M:
        return _river(-v, u)
    i, j = cell_of(u, v, terrain.nodes)
    corridor, carriage, canal, dive = _streets(u, v, i, j, terrain)
    land = land_at(u, v, terrain)
    if canal < CANAL_HALF_WIDTH_M and v > CANAL_START_V_M:
        return CANAL_BED_Z_M, _CANAL, WATER_LEVEL_M
    z = land + _levee_rise(v, corridor, land)
    if carriage < 0.0:
        return z + 0.02 * min(-carriage, 4.0) - dive, _CARRIAGEWAY, NO_WATER
    if corridor < 0.0:
        return z + KERB_M - dive, _SIDEWALK, NO_WATER
    inside = 0 < i < terrain.nodes.shape[0] - 2 and 0 < j < terrain.nodes.shape[1] - 2
    if not inside:
        return z + LOT_M, _LEVEE if v < 19.0 else _FIELD, NO_WATER
    return _in_block(u, v, z, (i - 1, j - 1), terrain.ponds)


@njit(cache=True, nogil=True)
def _in_block(u: float, v: float, z: float, cell: tuple[int, int], ponds: Float) -> tuple[float, int, float]:
    i, j = cell
    if ponds[i, j, 2] > 0.0:
        level = ponds[i, j, 4]
        du, dv = (u - ponds[i, j, 0]) / ponds[i, j, 2], (v - ponds[i, j, 1]) / ponds[i, j, 3]
        r = math.sqrt(du * du + dv * dv)
        if r < 1.0:
            return level - 0.9 * (1.0 - r * r), _POND, level
        if r < 1.35:
            share = _smooth((r - 1.0) / 0.35)
            return level * (1.0 - share) + (z + LOT_M) * share, _BLOCK, NO_WATER
    return z + LOT_M, _LEVEE if v < 18.5 else _BLOCK, NO_WATER


@njit(cache=True, nogil=True)
def ground_at_many(uv: Float, terrain: Terrain) -> tuple[Float, NDArray[np.uint8], Float]:
    """Bare earth or bed, `Ground` kind and water level at many places.

    Parameters
    ----------
    uv : array, shape (n, 2)
        Local coordinates, metres.
    terrain : Terrain
        The district's.

    Returns
    -------
    tuple of arrays, shape (n,)
    """
    n = len(uv)
    z, kind, water = np.empty(n), np.empty(n, np.uint8), np.empty(n)
    for k in range(n):
        z[k], kind[k], water[k] = ground_at(uv[k, 0], uv[k, 1], terrain)
    return z, kind, water


def surface_z(uv: Float, terrain: Terrain) -> Float:
    """Ground or, where it is higher, water: what a DTM shows, metres, shape (n,)."""
    z, _, water = ground_at_many(np.ascontiguousarray(uv, dtype=np.float64), terrain)
    return np.maximum(z, water)
