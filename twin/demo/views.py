"""The district seen straight from above: what is on top at a place, how high, and how the sun falls on it."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from twin.core.grid import Bounds, Grid
from twin.demo import skeleton as sk
from twin.demo.ground import ground_at
from twin.demo.pulses import Site
from twin.demo.rays import MAX_CROWNS, Ray, crowns_on_ray, first_triangle
from twin.demo.targets import gather_targets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.demo.layout import Layout
    from twin.demo.plan import Building

    Float = NDArray[np.float64]

SUN = (math.radians(215.0), math.radians(50.0))
"""Azimuth from north, clockwise, and elevation of the sun when the photographs were taken: an early afternoon."""


class Seen(IntEnum):
    """What is on top; below these stand the kinds of `twin.demo.ground.Ground`."""

    ROOF = 10
    WALL = 11
    GLASS = 12
    CAR = 13
    BRIDGE = 14
    TREE = 20
    SHRUB = 21
    NOTHING = 255


class TopView(NamedTuple):
    """Rasters of one grid, shape (ny, nx) each.

    `dtm` is bare earth or water, `dsm` what is on top; both NaN outside the district. `seen` is a `Seen` or a kind of
    ground; `owner` numbers buildings, cars, bridges or crowns; `shade` is the cosine between the surface and the sun.
    """

    dtm: Float
    dsm: Float
    seen: NDArray[np.uint8]
    owner: NDArray[np.int32]
    shade: NDArray[np.float32]


class ShadowPlace(NamedTuple):
    """Where a fine grid lies in a coarse one, and the way to the sun.

    `row` and `col` are the fine grid's north-west corner and `ratio` the side of its cells, in cells of the coarse one;
    the steps lead one coarse cell towards the sun, over which a beam rises by `rise` metres.
    """

    row: float
    col: float
    ratio: float
    step_row: float
    step_col: float
    rise: float


def shadow_place(fine: Grid, coarse: Grid) -> ShadowPlace:
    """How two map grids lie under the sun of the day of the photographs."""
    azimuth, elevation = SUN
    return ShadowPlace(
        (coarse.y_max - fine.y_max) / coarse.cell_size_m,
        (fine.x_min - coarse.x_min) / coarse.cell_size_m,
        fine.cell_size_m / coarse.cell_size_m,
        -math.cos(azimuth),
        math.sin(azimuth),
        coarse.cell_size_m * math.tan(elevation),
    )


def look_down(layout: Layout, grid: Grid) -> tuple[TopView, tuple[Building, ...]]:
    """What is on top in every cell of a map grid, and the buildings that `TopView.owner` numbers."""
    x, y = np.meshgrid(grid.x_centres, grid.y_centres)
    uv = sk.to_local(np.column_stack([x.ravel(), y.ravel()]))
    (u0, v0), (u1, v1) = uv.min(0) - 1.0, uv.max(0) + 1.0
    targets, buildings = gather_targets(layout, Bounds(u0, v0, u1, v1))
    inside = layout.area.contains(x.ravel(), y.ravel())
    rows = _look(uv, inside, Site(targets, layout.terrain), _sun_in_frame())
    return TopView(*(row.reshape(grid.shape) for row in rows)), buildings


def _sun_in_frame() -> tuple[float, float, float]:
    """Unit vector towards the sun in the local frame."""
    azimuth, elevation = SUN
    e, n = math.sin(azimuth) * math.cos(elevation), math.cos(azimuth) * math.cos(elevation)
    cos, sin = math.cos(sk.TURN), math.sin(sk.TURN)
    return cos * e + sin * n, -sin * e + cos * n, math.sin(elevation)


@njit(cache=True, nogil=True)
def _look(
    uv: Float, inside: NDArray[np.bool_], site: Site, sun: tuple[float, float, float]
) -> tuple[Float, Float, NDArray[np.uint8], NDArray[np.int32], NDArray[np.float32]]:
    n = len(uv)
    dtm, dsm = np.full(n, np.nan), np.full(n, np.nan)
    seen, owner = np.full(n, 255, np.uint8), np.full(n, -1, np.int32)
    shade = np.zeros(n, np.float32)
    found = np.empty((MAX_CROWNS, 3))
    targets, terrain = site.targets, site.terrain
    top = targets.top
    for k in range(n):
        if not inside[k]:
            continue
        u, v = uv[k, 0], uv[k, 1]
        bed, kind, water = ground_at(u, v, terrain)
        dtm[k] = max(bed, water)
        ray = Ray(u, v, top, 0.0, 0.0)
        s, which = first_triangle(ray, top - dtm[k], targets)
        shade[k] = sun[2]
        if which >= 0:
            seen[k], owner[k] = 10 + targets.material[which], targets.owner[which]
            shade[k] = _slope_shade(targets.corners, which, sun)
        else:
            s, seen[k] = top - dtm[k], kind
        n_crowns = crowns_on_ray(ray, s, targets, found)
        if n_crowns > 0:
            s, crown = found[0, 0], int(found[0, 2])
            seen[k], owner[k] = (20 if targets.crowns[crown, 6] > 4.5 else 21), crown
            shade[k] = _crown_shade(targets.crowns, crown, (u, v, top - s), sun)
        dsm[k] = top - s
    return dtm, dsm, seen, owner, shade


@njit(cache=True, nogil=True)
def _slope_shade(corners: Float, t: int, sun: tuple[float, float, float]) -> float:
    au, av, az = corners[t, 1, 0], corners[t, 1, 1], corners[t, 1, 2]
    bu, bv, bz = corners[t, 2, 0], corners[t, 2, 1], corners[t, 2, 2]
    u, v, z = corners[t, 0, 0], corners[t, 0, 1], corners[t, 0, 2]
    au, av, az, bu, bv, bz = au - u, av - v, az - z, bu - u, bv - v, bz - z
    nu, nv, nz = av * bz - az * bv, az * bu - au * bz, au * bv - av * bu
    length = math.sqrt(nu * nu + nv * nv + nz * nz)
    facing = (nu * sun[0] + nv * sun[1] + nz * sun[2]) / max(length, 1e-12)
    return max(facing if nz >= 0 else -facing, 0.0)


@njit(cache=True, nogil=True)
def _crown_shade(
    crowns: Float, crown: int, at: tuple[float, float, float], sun: tuple[float, float, float]
) -> float:
    radius, half = crowns[crown, 3], crowns[crown, 4]
    nu, nv = (at[0] - crowns[crown, 0]) / radius**2, (at[1] - crowns[crown, 1]) / radius**2
    nz = (at[2] - crowns[crown, 2]) / half**2
    length = math.sqrt(nu * nu + nv * nv + nz * nz)
    return max((nu * sun[0] + nv * sun[1] + nz * sun[2]) / max(length, 1e-12), 0.0)


@njit(cache=True, nogil=True)
def cast_shadows(z: Float, dsm: Float, place: ShadowPlace) -> NDArray[np.bool_]:
    """Which places do not see the sun.

    Parameters
    ----------
    z : array, shape (ny, nx)
        Elevation of the places, metres, on the fine grid of `place`.
    dsm : array
        Elevation of what is on top, metres, on the coarse grid of `place`; NaN casts no shadow.
    place : ShadowPlace
        How the two grids lie, and where the sun is.
    """
    ny, nx = z.shape
    shadow = np.zeros((ny, nx), np.bool_)
    highest = -1e9
    for value in dsm.flat:
        highest = max(highest, value)
    for i in range(ny):
        for j in range(nx):
            row = place.row + (i + 0.5) * place.ratio
            col = place.col + (j + 0.5) * place.ratio
            k = 1.0
            while True:
                z_ray = z[i, j] + 0.08 + k * place.rise
                a, b = math.floor(row + place.step_row * k), math.floor(col + place.step_col * k)
                if not (z_ray < highest and 0 <= a < dsm.shape[0] and 0 <= b < dsm.shape[1]):
                    break
                if dsm[a, b] > z_ray:
                    shadow[i, j] = True
                    break
                k += 1.0
    return shadow
