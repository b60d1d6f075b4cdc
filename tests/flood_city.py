"""A city of a terrain that a test chooses, with the map layers that floods ask for; no survey, so it takes no time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from twin.city.manifest import MANIFEST, Layer, Manifest, artifact, write_manifest
from twin.city.model import City, open_city
from twin.city.tables import write_table
from twin.core.crs import horizontal, parse_crs
from twin.core.grid import Grid
from twin.sources.cog import write_geotiff

if TYPE_CHECKING:
    from pathlib import Path

CRS = "EPSG:25832+7837"
WEST, NORTH = 565_000.0, 5_930_060.0


def grid_of(z: np.ndarray, cell_size_m: float = 1.0, corner: tuple[float, float] = (WEST, NORTH)) -> Grid:
    """Where the terrain of a test lies."""
    return Grid(*corner, cell_size_m, z.shape[1], z.shape[0])


def box(grid: Grid, rows: slice, cols: slice) -> shapely.Polygon:
    """The ground that some rows and columns cover."""
    rows, cols = (slice(*part.indices(n)) for part, n in zip((rows, cols), grid.shape, strict=True))
    b = grid.subgrid((rows, cols)).bounds
    return shapely.box(b.x_min, b.y_min, b.x_max, b.y_max)


def make_city(
    folder: Path,
    z: np.ndarray,
    *,
    cell_size_m: float = 1.0,
    corner: tuple[float, float] = (WEST, NORTH),
    crs_name: str = CRS,
    water: dict[str, list] | None = None,
    footprints: list[shapely.Polygon] | None = None,
    layers: dict[str, dict[str, list]] | None = None,
    attributes: dict[str, list] | None = None,
) -> City:
    """A city folder; tables are given by column, with a ``geometry``; `attributes` are those of the footprints."""
    grid = grid_of(z, cell_size_m, corner)
    crs = parse_crs(crs_name)
    (folder / "terrain").mkdir(parents=True)
    (folder / "map").mkdir()
    (folder / "buildings").mkdir()
    write_geotiff(folder / "terrain/dtm.tif", z.astype(np.float32), grid, crs=crs, nodata=-9999.0)
    entries = {"terrain": Layer("terrain", (artifact(folder, "terrain/dtm.tif"),))}
    tables = {**(layers or {}), **({"water": water} if water else {})}
    for name, columns in tables.items():
        relative = f"map/{name}.parquet"
        write_table(gpd.GeoDataFrame(columns, crs=horizontal(crs)), folder / relative)
        entries[name] = Layer(name, (artifact(folder, relative),))
    houses = footprints or []
    n = len(houses)
    table = {
        "id": np.array([f"b{k}" for k in range(n)], object), "state": np.array(["built"] * n, object),
        "roof_type": np.array(["flat"] * n, object), "height_m": np.full(n, 6.0), **(attributes or {}),
        "geometry": houses,
    }  # fmt: skip
    write_table(
        gpd.GeoDataFrame(table, geometry="geometry", crs=horizontal(crs)),
        folder / "buildings/buildings.parquet",
    )
    entries["buildings"] = Layer("buildings", (artifact(folder, "buildings/buildings.parquet"),))
    b = grid.bounds
    bounds = (b.x_min, b.y_min, float(np.nanmin(z)), b.x_max, b.y_max, float(np.nanmax(z)) + 10)
    manifest = Manifest(
        "town", crs_name, crs.to_wkt(), (int(corner[0]), int(corner[1]), 0), bounds, layers=entries
    )
    write_manifest(manifest, folder / MANIFEST)
    return open_city(folder)
