"""The ground of a city as water meets it: terrain with ways under bridges opened, waters, buildings, roughness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.core.crs import parse_crs
from twin.core.errors import InputError, UsageError
from twin.core.grid import Bounds, Grid
from twin.core.limits import check_limit, limits
from twin.water.surfaces import is_standing, surface_table, surfaces_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.core.notices import Notices

DTM = "terrain/dtm.tif"
CLEARANCE_M = 1.0
"""Ground that lies less than this below the top of a deck carries it, rather than passing under it."""


@dataclass(frozen=True, slots=True)
class Site:
    """The ground of a city on a grid of cells; row 0 lies in the north.

    Parameters
    ----------
    grid : Grid
        In the city's CRS.
    bed_m : array of float32, shape (ny, nx)
        Elevation of the ground, buildings left out and ways under bridges opened; NaN without data.
    is_water : array of bool, shape (ny, nx)
        Cells of all waters.
    is_source : array of bool, shape (ny, nx)
        Of those, the ones that floods come from: rivers, canals, the sea.
    """

    grid: Grid
    bed_m: NDArray[np.float32]
    is_water: NDArray[np.bool_]
    is_source: NDArray[np.bool_]


def site(
    city: City,
    *,
    cell_size_m: float | None = None,
    bounds: Bounds | None = None,
    notices: Notices,
) -> Site:
    """The ground of a city, prepared once for any number of floods.

    Parameters
    ----------
    city : City
    cell_size_m : float, optional
        Side of the cells, m; those of the city's terrain if not given. Finer ones would promise what is not known.
    bounds : Bounds, optional
        Part of the city; all of it if not given.
    notices : Notices
        Is told what was assumed.

    Raises
    ------
    InputError
        If the city has no terrain.
    UsageError
        If the cells are finer than the terrain's, or `bounds` lies elsewhere.
    LimitError
        If there would be too many cells.

    Notes
    -----
    Beds of waters are not surveyed by lidar: the terrain has their surface at the time of the survey instead.
    """
    grid = site_grid(city, cell_size_m, bounds)
    bed = _terrain(city, grid, notices)
    waters = city.layer("water") if "water" in city.manifest.layers else None
    is_water = np.zeros(grid.shape, bool) if waters is None else covered(waters.geometry.to_numpy(), grid)
    is_source = is_water
    if waters is not None:
        flowing = waters.geometry.to_numpy()[~is_standing(waters)]
        is_source = covered(flowing, grid)
    bed = _opened(bed, grid, city, waters)
    return Site(grid, bed, is_water, is_source)


def site_grid(city: City, cell_size_m: float | None, bounds: Bounds | None) -> Grid:
    """The cells over a city, or over a part of it; edges of coarser cells are whole multiples of their side."""
    from twin.sources.rasters import open_elevation

    if "terrain" not in city.manifest.layers:
        raise InputError(city.path, "has no terrain", "build it from points, or with --dtm")
    _, own = open_elevation(city.path / DTM)
    size = own.cell_size_m if cell_size_m is None else float(cell_size_m)
    if not np.isfinite(size) or size < own.cell_size_m or size > min(own.bounds.width, own.bounds.height):
        what = f"cells of {size:g} m over a terrain of {own.nx} x {own.ny} cells of {own.cell_size_m:g} m"
        raise UsageError("--cell-size", what, f"give {own.cell_size_m:g} or more")
    if bounds is not None and not bounds.overlaps(own.bounds):
        raise UsageError("bounds", f"{bounds} lie outside the city", f"choose a part of {own.bounds}")
    reach = own.bounds if bounds is None else own.bounds.clipped(bounds)
    is_own = size == own.cell_size_m
    grid = own.subgrid(own.window(reach)) if is_own else Grid.covering(reach, cell_size_m=size)
    n_cells = grid.nx * grid.ny
    check_limit(city.path, "cells", n_cells, limits().max_raster_cells, name="max_raster_cells")
    return grid


def _terrain(city: City, grid: Grid, notices: Notices) -> NDArray[np.float32]:
    from twin.sources.rasters import read_elevation

    crs = parse_crs(city.manifest.crs_wkt, where="twin.json")
    return read_elevation(city.path / DTM, crs=crs, grid=grid, notices=notices).values


def covered(polygons: NDArray[Any], grid: Grid) -> NDArray[np.bool_]:
    """Cells whose centre lies in one of the polygons, shape (ny, nx)."""
    return painted(polygons, np.ones(len(polygons), np.int16), grid) > 0


def painted(polygons: NDArray[Any], values: NDArray[np.int16], grid: Grid) -> NDArray[np.int16]:
    """The value of the last polygon over each cell's centre, 0 where there is none, shape (ny, nx)."""
    from rasterio import Affine
    from rasterio.features import rasterize

    there = [
        (g, int(v))
        for g, v in zip(polygons, values, strict=True)
        if g is not None and not g.is_empty and shapely.area(g) > 0
    ]
    if not there:
        return np.zeros(grid.shape, np.int16)
    c = grid.cell_size_m
    place = Affine(c, 0, grid.x_min, 0, -c, grid.y_max)
    return np.asarray(rasterize(there, out_shape=grid.shape, transform=place, dtype="int16"))


def _opened(bed: NDArray[np.float32], grid: Grid, city: City, waters: Any) -> NDArray[np.float32]:
    """The terrain with the way under each deck as deep as at its mouths.

    Terrain under a deck is a guess of the survey, or the deck itself where a given terrain holds it. The profile at
    the nearest mouth is carried inward; ground that comes within a metre of the deck carries it and is no mouth.
    Under decks over water the city's terrain has the water already.
    """
    if "bridges" not in city.manifest.layers:
        return bed
    decks = city.layer("bridges")
    if "deck_m" not in decks:
        return bed
    over_water = np.zeros(len(decks), bool)
    if waters is not None and len(waters):
        tree = shapely.STRtree(waters.geometry.to_numpy())
        over_water[np.unique(tree.query(decks.geometry.to_numpy(), predicate="intersects")[0])] = True
    bed = bed.copy()
    for polygon, top in zip(decks.geometry[~over_water], decks["deck_m"][~over_water], strict=True):
        open_deck(bed, grid, polygon, float(top))
    return bed


def open_deck(bed: NDArray[np.float32], grid: Grid, polygon: Any, top_m: float) -> None:
    """Lower the cells under one deck to the ground at the nearest mouth, in place."""
    from scipy.spatial import cKDTree

    c = grid.cell_size_m
    rows, cols = grid.window(Bounds(*polygon.bounds).buffered(3 * c))
    part = bed[rows, cols]
    if not part.size:
        return
    place = grid.subgrid((rows, cols))
    inside = covered(np.array([polygon]), place)
    ring = covered(np.array([polygon.buffer(2 * c)]), place) & ~inside & (part < top_m - CLEARANCE_M)
    if not ring.any() or not inside.any():
        return
    mouths, under = np.argwhere(ring), np.argwhere(inside)
    nearest = mouths[cKDTree(mouths).query(under)[1]]
    found = part[nearest[:, 0], nearest[:, 1]]
    there = part[under[:, 0], under[:, 1]]
    part[under[:, 0], under[:, 1]] = np.fmin(there, found)


def buildings_of(city: City, grid: Grid) -> NDArray[np.bool_]:
    """Cells whose centre lies in a footprint, shape (ny, nx)."""
    if "buildings" not in city.manifest.layers:
        return np.zeros(grid.shape, bool)
    return covered(city.buildings.geometry.to_numpy(), grid)


def roof_rain(is_building: NDArray[np.bool_], is_open: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How many cells' rain falls on each cell when roofs lead theirs to the nearest open ground.

    Parameters
    ----------
    is_building, is_open : array of bool, shape (ny, nx)
        Cells under roofs, and cells that water can enter.

    Returns
    -------
    array, shape (ny, nx)
        1 on open ground, more beside buildings, 0 on roofs; the sum is the number of both kinds of cells.

    Examples
    --------
    >>> roof = np.array([[False, True, True, True, False]])
    >>> roof_rain(roof, ~roof)
    array([[2., 0., 0., 0., 3.]])
    """
    from scipy.spatial import cKDTree

    share = is_open.astype(np.float64)
    roofs, ground = np.argwhere(is_building & ~is_open), np.argwhere(is_open)
    if not len(roofs) or not len(ground):
        return share
    nearest = ground[_nearest(cKDTree(ground), ground, roofs)]
    np.add.at(share, (nearest[:, 0], nearest[:, 1]), 1.0)
    return share


def _nearest(tree: Any, ground: NDArray[np.int64], roofs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Nearest ground of each roof cell; of equally near ones the last in reading order, whatever the tree does."""
    distance, found = tree.query(roofs, k=min(8, len(ground)))
    if found.ndim == 1:
        return np.asarray(found)
    equal = distance <= distance[:, :1] + 1e-9
    return np.where(equal, found, -1).max(axis=1)


@dataclass(frozen=True, slots=True)
class Cover:
    """What lies on the ground.

    Parameters
    ----------
    manning_n : array, shape (ny, nx)
        s/m^(1/3).
    is_sealed : array of bool, shape (ny, nx)
        Where no rain seeps in.
    """

    manning_n: NDArray[np.float64]
    is_sealed: NDArray[np.bool_]


def cover_of(city: City, ground: Site) -> Cover:
    """Roughness and sealed ground: roads lie over land cover, waters over both."""
    table = surface_table()
    kinds = (table.other, *table.surfaces, table.water)
    codes = np.zeros(ground.grid.shape, np.int16)
    for layer in ("landcover", "roads"):
        if layer not in city.manifest.layers:
            continue
        frame = city.layer(layer)
        known = surfaces_of(frame)
        rows = known >= 0
        here = painted(frame.geometry.to_numpy()[rows], (known[rows] + 1).astype(np.int16), ground.grid)
        codes = np.where(here > 0, here, codes)
    codes[ground.is_water] = len(kinds) - 1
    return Cover(
        np.array([k.manning_n for k in kinds])[codes],
        np.array([k.is_sealed for k in kinds])[codes],
    )
