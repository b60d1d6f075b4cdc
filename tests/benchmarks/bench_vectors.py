"""Vectors and rasters read and written, against the bare libraries in the same run.

``python tests/benchmarks/bench_vectors.py [--footprints N] [--cells N]`` prints a table in Markdown. Inputs are made
with a seed. What ours does more than the bare call stands in the last column.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from twin.core.crs import parse_crs
from twin.core.grid import Bounds, Grid
from twin.core.notices import Notices
from twin.sources.footprint_edges import share_edges
from twin.sources.footprints import read_footprints
from twin.sources.gdal import load_pyogrio, load_rasterio
from twin.sources.rasters import read_elevation, write_geotiff
from twin.sources.vectors import read_vector

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

pyogrio, rasterio = load_pyogrio(), load_rasterio()
CITY = parse_crs("EPSG:25832")
ZONE = parse_crs("EPSG:25833")
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: what, ours, the bare call, and what ours does more."""

    what: str
    ours: Callable[[], object]
    bare: Callable[[], object]
    more: str


def houses(n: int) -> NDArray[np.object_]:
    """Terraces whose houses miss each other by up to a centimetre."""
    side = int(np.sqrt(n))
    i, j = (v.ravel() for v in np.meshgrid(np.arange(side), np.arange(side)))
    shift = np.random.default_rng(1).uniform(-0.004, 0.004, i.size)
    x, y = 500_000 + 10.0 * i + shift, 5_900_000 + 10.0 * j
    return np.asarray(shapely.box(x, y, x + 10, y + 10))


def seconds(call: Callable[[], object]) -> float:
    call()
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def warp(path: Path, grid: Grid) -> NDArray[np.float32]:
    """GDAL's own resampling from another zone."""
    from rasterio.warp import Resampling, reproject

    out = np.full(grid.shape, np.nan, np.float32)
    with rasterio.open(path) as source:
        reproject(
            rasterio.band(source, 1),
            out,
            dst_transform=rasterio.transform.from_origin(
                grid.x_min, grid.y_max, grid.cell_size_m, grid.cell_size_m
            ),
            dst_crs="EPSG:25832",
            resampling=Resampling.bilinear,
        )
    return out


def bare_geotiff(path: Path, values: NDArray[np.float32], grid: Grid) -> None:
    """Deflated tiles without the smaller copies."""
    transform = rasterio.transform.from_origin(grid.x_min, grid.y_max, grid.cell_size_m, grid.cell_size_m)
    with rasterio.open(
        path, "w", driver="GTiff", width=grid.nx, height=grid.ny, count=1, dtype="float32", crs="EPSG:25832",
        transform=transform, tiled=True, blockxsize=512, blockysize=512, compress="deflate", predictor=3,
    ) as out:  # fmt: skip
        out.write(values[None])


def rows(folder: Path, n_footprints: int, n_cells: int) -> list[Row]:
    geometry = houses(n_footprints)
    fgb = folder / "houses.fgb"
    gpd.GeoDataFrame({"id": np.arange(len(geometry))}, geometry=geometry, crs=CITY).to_file(fgb)
    side = int(np.sqrt(n_cells))
    y, x = np.mgrid[0:side, 0:side]
    values = (20 + 5 * np.sin(x / 40) + 3 * np.cos(y / 30)).astype(np.float32)
    grid = Grid(500_000, 5_900_000 + side, 1.0, side, side)
    other = folder / "zone.tif"
    # The next zone's coordinates of about the same ground.
    write_geotiff(other, values, Grid(100_000, 5_915_000 + side, 1.0, side, side), crs=ZONE)
    box = gpd.GeoSeries(
        shapely.box(100_200, 5_915_200, 100_000 + side - 200, 5_915_000 + side - 200), crs=ZONE
    )
    inner = Grid.covering(Bounds(*box.to_crs(CITY).total_bounds), cell_size_m=1.0)
    return [
        Row(
            f"read {len(geometry):,} footprints as features",
            lambda: read_vector(fgb, crs=CITY, notices=Notices()),
            lambda: pyogrio.read_dataframe(fgb, use_arrow=True),
            "checks of format, size, CRS and every coordinate",
        ),
        Row(
            f"read {len(geometry):,} footprints for building",
            lambda: read_footprints(fgb, crs=CITY, notices=Notices()),
            lambda: pyogrio.read_dataframe(fgb, use_arrow=True),
            "repair, ids, shared walls, duplicates, overlaps",
        ),
        Row(
            "walls shared by neighbours",
            lambda: share_edges(geometry),
            lambda: shapely.set_precision(geometry, 0.02),
            "exact common walls; the bare call only rounds",
        ),
        Row(
            f"{inner.nx * inner.ny:,} cells from another zone",
            lambda: read_elevation(other, crs=CITY, grid=inner, notices=Notices()),
            lambda: warp(other, inner),
            "no dependence on blocks; nodata that nobody declared",
        ),
        Row(
            f"write {side * side:,} cells",
            lambda: write_geotiff(folder / "a.tif", values, grid, crs=CITY, nodata=-9999.0),
            lambda: bare_geotiff(folder / "b.tif", values, grid),
            "smaller copies inside, synced, read back, atomic",
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--footprints", type=int, default=100_000)
    parser.add_argument("--cells", type=int, default=4_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print("| what | ours, s | bare, s | ratio | what ours does more |\n|---|---|---|---|---|")
        for row in rows(Path(folder), given.footprints, given.cells):
            ours, bare = seconds(row.ours), seconds(row.bare)
            print(f"| {row.what} | {ours:.2f} | {bare:.2f} | {ours / bare:.1f} | {row.more} |")


if __name__ == "__main__":
    main()
