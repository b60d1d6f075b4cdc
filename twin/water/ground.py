"""The ground of a city as water meets it: terrain with ways under bridges opened, waters, buildings, roughness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.city.decks import deck_tops
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
FILLED = "terrain/filled.tif"
USUAL_CELL_M = 1.0
"""Side of the cells of floods over time, unless the terrain has larger ones."""
MOUTH_REACH_M = 100.0
"""A river that the map ends this near to the edge, in ground without survey, is taken to reach it."""
EDGE_CELLS = 0.75
"""Cells cut by the edge of a deck are no ground of a mouth."""
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
    bed = _opened(bed, grid, city)
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
    grid = own.subgrid(own.window(reach)) if is_own else _grid_within(reach, size)
    n_cells = grid.nx * grid.ny
    check_limit(city.path, "cells", n_cells, limits().max_raster_cells, name="max_raster_cells")
    return grid


def _grid_within(reach: Bounds, cell_size_m: float) -> Grid:
    """Whole cells inside a rectangle: a cell without all of its terrain would stand as a wall along the edge."""
    c = cell_size_m
    x0, y1 = np.ceil(reach.x_min / c - 1e-6), np.floor(reach.y_max / c + 1e-6)
    nx = int(np.floor(reach.x_max / c + 1e-6) - x0)
    ny = int(y1 - np.ceil(reach.y_min / c - 1e-6))
    return Grid(float(x0 * c), float(y1 * c), c, max(1, nx), max(1, ny))


def _terrain(city: City, grid: Grid, notices: Notices) -> NDArray[np.float32]:
    from twin.sources.rasters import read_elevation

    crs = parse_crs(city.manifest.crs_wkt, where="twin.json")
    return read_elevation(city.path / DTM, crs=crs, grid=grid, notices=notices).values


def covered(polygons: NDArray[Any], grid: Grid) -> NDArray[np.bool_]:
    """Cells whose centre lies in one of the polygons, shape (ny, nx)."""
    return painted(polygons, np.ones(len(polygons), np.int32), grid) > 0


def painted(polygons: NDArray[Any], values: NDArray[np.int32], grid: Grid) -> NDArray[np.int32]:
    """The value of the last polygon over each cell's centre, 0 where there is none, shape (ny, nx)."""
    from rasterio import Affine
    from rasterio.features import rasterize

    there = [
        (g, int(v))
        for g, v in zip(polygons, values, strict=True)
        if g is not None and not g.is_empty and shapely.area(g) > 0
    ]
    if not there:
        return np.zeros(grid.shape, np.int32)
    c = grid.cell_size_m
    place = Affine(c, 0, grid.x_min, 0, -c, grid.y_max)
    return np.asarray(rasterize(there, out_shape=grid.shape, transform=place, dtype="int32"))


def _opened(bed: NDArray[np.float32], grid: Grid, city: City) -> NDArray[np.float32]:
    """The terrain with the way under each deck as deep as at its mouths.

    Terrain under a deck is a guess of the survey, or the deck itself where a given terrain holds it. The profile at
    the nearest mouth is carried inward, between mouths only; ground that comes within a metre of the deck carries it
    and is no mouth.
    """
    if "bridges" not in city.manifest.layers:
        return bed
    decks = city.layer("bridges")
    if "deck_m" not in decks:
        return bed
    bed = bed.copy()
    shaped = "slab" in decks and decks["slab"].notna().all()
    meshes = [mesh for _, mesh in deck_tops(decks)] if shaped else [None] * len(decks)
    for polygon, highest, mesh in zip(decks.geometry, decks["deck_m"], meshes, strict=True):
        tops = np.array([[*polygon.centroid.coords[0], float(highest)]]) if mesh is None else mesh.vertices
        open_deck(bed, grid, polygon, tops)
    return bed


def open_deck(bed: NDArray[np.float32], grid: Grid, polygon: Any, tops: NDArray[np.float64]) -> None:
    """Lower the cells under one deck to the ground at the nearest mouth, in place.

    Parameters
    ----------
    bed : array, shape (ny, nx)
    grid : Grid
    polygon : Polygon
    tops : array, shape (n, 3)
        Points on top of the deck, which may slope.
    """
    from scipy.spatial import cKDTree

    c = grid.cell_size_m
    rows, cols = grid.window(Bounds(*polygon.bounds).buffered(4 * c))
    part = bed[rows, cols]
    if not part.size:
        return
    place = grid.subgrid((rows, cols))
    inside = covered(np.array([polygon.buffer(EDGE_CELLS * c)]), place)
    ring = np.argwhere(covered(np.array([polygon.buffer((EDGE_CELLS + 2) * c)]), place) & ~inside)
    top = tops[cKDTree(tops[:, :2]).query(_centres(place, ring))[1], 2]
    mouths = ring[part[ring[:, 0], ring[:, 1]] < top - CLEARANCE_M]
    if not len(mouths) or not inside.any():
        return
    hull = shapely.MultiPoint(_centres(place, mouths)).convex_hull
    under = np.argwhere(inside & covered(np.array([hull.buffer(c / 2)]), place))
    if not len(under):
        return
    nearest = mouths[cKDTree(mouths).query(under)[1]]
    found = part[nearest[:, 0], nearest[:, 1]]
    there = part[under[:, 0], under[:, 1]]
    part[under[:, 0], under[:, 1]] = np.fmin(there, found)


def _centres(grid: Grid, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Centres of some cells, given by row and column, shape (n, 2)."""
    return np.column_stack([grid.x_centres[cells[:, 1]], grid.y_centres[cells[:, 0]]])


def buildings_of(city: City, grid: Grid) -> NDArray[np.bool_]:
    """Cells whose centre lies in a footprint, shape (ny, nx)."""
    if "buildings" not in city.manifest.layers:
        return np.zeros(grid.shape, bool)
    return covered(city.buildings.geometry.to_numpy(), grid)


def roof_rain(is_building: NDArray[np.bool_], is_open: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How many cells' rain falls on each cell when each roof sheds its own evenly along its walls.

    Parameters
    ----------
    is_building, is_open : array of bool, shape (ny, nx)
        Cells under roofs, and cells that water can enter. Roofs that touch count as one.

    Returns
    -------
    array, shape (ny, nx)
        1 on open ground, more beside buildings, 0 on roofs. The sum is the number of both kinds of cells, less roofs
        that no open ground touches.

    Examples
    --------
    >>> roof = np.array([[False, True, True, True, False]])
    >>> roof_rain(roof, ~roof)
    array([[2.5, 0. , 0. , 0. , 2.5]])
    """
    from scipy.ndimage import label

    share = is_open.astype(np.float64)
    labels, n = label(is_building & ~is_open)
    cells = np.arange(share.size).reshape(share.shape)
    pairs = [_beside(labels, is_open, cells, axis, step) for axis in (0, 1) for step in (1, -1)]
    beside = np.unique(np.concatenate(pairs), axis=0)
    area = np.bincount(labels.ravel(), minlength=n + 1)
    walls = np.maximum(np.bincount(beside[:, 0], minlength=n + 1), 1)
    np.add.at(share.reshape(-1), beside[:, 1], (area / walls)[beside[:, 0]])
    return share


def _beside(
    labels: NDArray[np.int32], is_open: NDArray[np.bool_], cells: NDArray[np.int64], axis: int, step: int
) -> NDArray[np.int64]:
    """Roof and open cell wherever the two are neighbours in one direction, shape (n, 2)."""
    here, there = (slice(None, -1), slice(1, None)) if step > 0 else (slice(1, None), slice(None, -1))
    a = (here, slice(None)) if axis == 0 else (slice(None), here)
    b = (there, slice(None)) if axis == 0 else (slice(None), there)
    touch = (labels[a] > 0) & is_open[b]
    return np.column_stack([labels[a][touch], cells[b][touch]])


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
    codes = np.zeros(ground.grid.shape, np.int32)
    for layer in ("landcover", "roads"):
        if layer not in city.manifest.layers:
            continue
        frame = city.layer(layer)
        known = surfaces_of(frame)
        rows = known >= 0
        here = painted(frame.geometry.to_numpy()[rows], (known[rows] + 1).astype(np.int32), ground.grid)
        codes = np.where(here > 0, here, codes)
    codes[ground.is_water] = len(kinds) - 1
    return Cover(
        np.array([k.manning_n for k in kinds])[codes],
        np.array([k.is_sealed for k in kinds])[codes],
    )


def unsurveyed(city: City, grid: Grid) -> NDArray[np.bool_]:
    """Cells whose terrain was interpolated for want of points, shape (ny, nx); none where the city does not tell."""
    from twin.sources.rasters import open_elevation

    if not (city.path / FILLED).exists():
        return np.zeros(grid.shape, bool)
    read, own = open_elevation(city.path / FILLED)
    x, y = np.meshgrid(grid.x_centres, grid.y_centres)
    rows, cols = own.rows_cols(x.ravel(), y.ravel())
    values = read((slice(0, own.ny), slice(0, own.nx)))
    inside = (rows >= 0) & (rows < own.ny) & (cols >= 0) & (cols < own.nx)
    found = np.ones(rows.size, bool)
    found[inside] = values[rows[inside], cols[inside]] > 0
    return found.reshape(grid.shape)


def with_mouths(ground: Site, is_unsurveyed: NDArray[np.bool_], notices: Notices) -> Site:
    """The ground with its rivers carried on to the edge of the terrain, where nothing but a guess lies between.

    A map often ends its waters a little before the terrain does; a tide would not find them.
    """
    bed, is_water, is_source = ground.bed_m.copy(), ground.is_water.copy(), ground.is_source.copy()
    reach = int(MOUTH_REACH_M / ground.grid.cell_size_m)
    n_before = int(is_source.sum())
    for turn in range(4):  # each side in its turn lies in the west
        _carry_west(
            np.rot90(bed, turn), np.rot90(is_water, turn), np.rot90(is_source, turn),
            np.rot90(is_unsurveyed, turn), reach=reach,
        )  # fmt: skip
    n_more = int(is_source.sum()) - n_before
    if n_more:
        area = n_more * ground.grid.cell_size_m**2
        notices.add(
            "river-mouth",
            f"waters end before the terrain does and are carried on to its edge ({area:.0f} m2)",
        )
    return Site(ground.grid, bed, is_water, is_source)


def _carry_west(
    bed: NDArray[np.float32],
    is_water: NDArray[np.bool_],
    is_source: NDArray[np.bool_],
    is_unsurveyed: NDArray[np.bool_],
    *,
    reach: int,
) -> None:
    """Let the first flowing water of each row go on to the west, in place."""
    first = np.argmax(is_source, axis=1)
    rows = np.flatnonzero(is_source.any(axis=1) & (first > 0) & (first <= reach))
    for row in rows:
        way = slice(0, first[row])
        if is_unsurveyed[row, way].all():
            bed[row, way] = bed[row, first[row]]
            is_water[row, way] = is_source[row, way] = True
