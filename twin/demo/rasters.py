"""Rasters of a whole district, cut into tasks: true terrain and surface, and the photograph from above."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin.core.errors import StorageError
from twin.core.files import atomic_path
from twin.core.grid import Bounds, Grid
from twin.core.tasks import Task, run_tasks
from twin.demo import skeleton as sk
from twin.demo.geofiles import HORIZONTAL_CRS
from twin.demo.ortho import paint, towards_sun
from twin.demo.views import look_down

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.progress import Progress
    from twin.demo.layout import Layout

TRUTH_CELL_M = 0.5
TASK_M = 256.0
CACHE_BYTES = 64 << 20
"""What GDAL may keep of blocks that are written already; its default is a share of the machine's memory."""
ORTHO_CELLS_M = (0.25, 0.5, 1.0)
ORTHO_AREAS_M2 = (1.5e6, 2e7)
"""Districts up to these areas have photographs of the first and second resolution."""


class RasterTile(NamedTuple):
    """A window of the truth's rasters and of the photograph."""

    dtm: NDArray[np.float32]
    dsm: NDArray[np.float32]
    ortho: NDArray[np.uint8]


def write_rasters(layout: Layout, truth: Path, ortho: Path, *, workers: int, progress: Progress) -> None:
    """Write the true terrain and surface, and the photograph from above."""
    fine = ortho_cell(layout)
    heights = Grid.covering(layout.area, cell_size_m=TRUTH_CELL_M)
    pixels = Grid.covering(heights.bounds, cell_size_m=fine)
    tiles = list(_raster_tiles(heights.bounds))
    tasks = [Task(f"raster tile {k}", (layout, tile, fine)) for k, tile in enumerate(tiles)]
    progress.stage("drawing the map from above", len(tasks))
    import rasterio

    with (
        rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES),
        _raster(truth / "dtm.tif", heights, 1) as dtm,
        _raster(truth / "dsm.tif", heights, 1) as dsm,
        _raster(ortho, pixels, 3) as photo,
    ):
        results = run_tasks(raster_tile, tasks, workers=workers, progress=progress)
        for tile, result in zip(tiles, results, strict=True):
            _put(dtm, heights, tile, result.dtm[None])
            _put(dsm, heights, tile, result.dsm[None])
            _put(photo, pixels, tile, result.ortho)


@contextlib.contextmanager
def _raster(path: Path, grid: Grid, n_bands: int) -> Iterator[Any]:
    """A GeoTIFF that takes windows: heights where it has one band, a picture where it has three."""
    import rasterio
    from affine import Affine

    is_height = n_bands == 1
    with atomic_path(path) as temporary:
        try:
            with rasterio.open(
                temporary,
                "w",
                driver="GTiff",
                width=grid.nx,
                height=grid.ny,
                count=n_bands,
                dtype="float32" if is_height else "uint8",
                crs=sk.CRS if is_height else HORIZONTAL_CRS,
                transform=Affine(grid.cell_size_m, 0.0, grid.x_min, 0.0, -grid.cell_size_m, grid.y_max),
                nodata=float("nan") if is_height else 0,
                tiled=True,
                blockxsize=256,
                blockysize=256,
                compress="deflate",
                predictor=3 if is_height else 2,
                bigtiff="if_safer",
            ) as dataset:
                yield dataset
        except rasterio.errors.RasterioIOError as error:
            raise StorageError(path, f"could not be written ({error})", "check the disk") from error


def _put(dataset: Any, grid: Grid, tile: Bounds, bands: NDArray[Any]) -> None:
    rows, cols = grid.window(tile)
    n_rows, n_cols = rows.stop - rows.start, cols.stop - cols.start
    dataset.write(bands[:, :n_rows, :n_cols], window=((rows.start, rows.stop), (cols.start, cols.stop)))


def ortho_cell(layout: Layout) -> float:
    """Side of a pixel of the photograph, metres; coarser for large districts."""
    area = layout.area.width * layout.area.height
    return ORTHO_CELLS_M[sum(area > limit for limit in ORTHO_AREAS_M2)]


def raster_tile(layout: Layout, tile: Bounds, fine_m: float) -> RasterTile:
    """Terrain, surface and photograph of a rectangle of the map; runs in any process."""
    pixels = Grid.covering(tile, cell_size_m=fine_m)
    wide = Grid.covering(towards_sun(tile), cell_size_m=TRUTH_CELL_M)
    view, _ = look_down(layout, wide)
    mine = wide.window(tile)
    return RasterTile(
        view.dtm[mine].astype(np.float32),
        view.dsm[mine].astype(np.float32),
        paint(layout, pixels, view.dsm, wide),
    )


def _raster_tiles(area: Bounds) -> Iterator[Bounds]:
    """Rectangles from the north-west, as rasters run; the last ones reach beyond the area."""
    step = TASK_M
    for y in np.arange(area.y_max, area.y_min, -step):
        for x in np.arange(area.x_min, area.x_max, step):
            yield Bounds(float(x), float(y - step), float(x + step), float(y))
