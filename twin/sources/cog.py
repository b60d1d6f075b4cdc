"""Rasters of a city written as cloud-optimised GeoTIFF, window by window where they are larger than memory."""

from __future__ import annotations

import contextlib
import errno
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from twin.core.errors import StorageError
from twin.core.files import atomic_path
from twin.core.memory import tells_exhausted_memory
from twin.sources.gdal import load_rasterio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.core.grid import Grid

rasterio = load_rasterio()

_TILE_CELLS = 512
_CACHE_BYTES = 64 * 2**20
_FULL = ("no space left", "file too large", "disk full", "quota")


@dataclass(frozen=True, slots=True)
class CogWriter:
    """Where the windows of a raster are written; from `cog_writer`.

    Parameters
    ----------
    raster : rasterio.DatasetWriter
        The plain file that they go to.
    dtype : numpy.dtype
        Of the cells.
    nodata : float or None
        What NaN is written as.
    """

    raster: Any
    dtype: np.dtype[Any]
    nodata: float | None

    def write(self, window: tuple[slice, slice], values: NDArray[Any]) -> None:
        """Fill rows and columns with cells of shape (rows, columns) or (rows, columns, bands)."""
        rows, cols = window
        cells = _without_nan(np.asarray(values), self.dtype, self.nodata)
        bands = cells[None] if cells.ndim == 2 else np.moveaxis(cells, 2, 0)
        self.raster.write(bands, window=((rows.start, rows.stop), (cols.start, cols.stop)))


@contextlib.contextmanager
def cog_writer(
    path: str | Path,
    grid: Grid,
    *,
    crs: CRS,
    dtype: Literal["float32", "uint8"] = "float32",
    nodata: float | None = None,
    n_bands: int = 1,
    quantity: str = "",
) -> Iterator[CogWriter]:
    """A GeoTIFF filled window by window, which becomes a cloud-optimised one when the block ends well.

    Nothing stands under the final name before, and nothing changes there when the block fails. The bytes depend on
    the values alone, not on the order of the windows.

    Parameters
    ----------
    path : path
        The final name.
    grid : Grid
        Place of all cells.
    crs : CRS
        Of the grid, vertical part included.
    dtype : {"float32", "uint8"}
        Of the cells.
    nodata : float, optional
        What stands for no data; NaN cells are written as it, and so are cells that no window fills.
    n_bands : int
        1, or 3 or 4 for colours.
    quantity : str
        What the first band tells, such as ``sun_h``; kept as its description.

    Raises
    ------
    StorageError
        If the disk is full or the file cannot be read back.

    Examples
    --------
    >>> import tempfile
    >>> from twin.core.crs import parse_crs
    >>> from twin.core.grid import Grid
    >>> grid = Grid(0, 600, 1.0, 600, 600)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "dtm.tif"
    ...     with cog_writer(path, grid, crs=parse_crs("EPSG:28992"), nodata=-9999.0) as out:
    ...         out.write((slice(0, 300), slice(0, 600)), np.full((300, 600), 2.5, np.float32))
    ...     with rasterio.open(path) as raster:
    ...         raster.read(1)[[0, -1], 0].tolist(), raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"]
    ([2.5, -9999.0], 'COG')
    """
    cells = np.dtype(dtype)
    environment = rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES, GDAL_NUM_THREADS="1")
    with atomic_path(path) as final, environment, _raised_as_storage():
        plain = final.with_name(f"{final.name}.plain.tif")
        try:
            with rasterio.open(plain, "w", **_profile(grid, crs, cells, nodata, n_bands)) as raster:
                if quantity:
                    raster.set_band_description(1, quantity)
                yield CogWriter(raster, cells, nodata)
            _make_cloud_optimised(plain, final, cells)
            _read_back(final, Path(path), grid)
        finally:
            plain.unlink(missing_ok=True)


def _profile(
    grid: Grid, crs: CRS, dtype: np.dtype[Any], nodata: float | None, n_bands: int
) -> dict[str, Any]:
    size = grid.cell_size_m
    return {
        "driver": "GTiff",
        "width": grid.nx,
        "height": grid.ny,
        "count": n_bands,
        "dtype": dtype.name,
        "crs": rasterio.crs.CRS.from_wkt(crs.to_wkt()),
        "transform": rasterio.Affine(size, 0, grid.x_min, 0, -size, grid.y_max),
        "nodata": nodata,
        "tiled": True,
        "blockxsize": _TILE_CELLS,
        "blockysize": _TILE_CELLS,
        "bigtiff": "if_safer",
        "photometric": "rgb" if n_bands >= 3 else "minisblack",
        "alpha": "yes" if n_bands == 4 else "no",
    }


def write_geotiff(
    path: str | Path,
    values: NDArray[Any],
    grid: Grid,
    *,
    crs: CRS,
    nodata: float | None = None,
    quantity: str = "",
) -> None:
    """Write a raster as cloud-optimised GeoTIFF: deflated tiles, smaller copies inside, the same bytes every time.

    Parameters
    ----------
    path : path
        Replaced atomically.
    values : array, shape (ny, nx) or (ny, nx, n_bands)
        float or uint8; may be mapped from disk, it is read in strips. NaN is written as `nodata`.
    grid : Grid
        Their place.
    crs : CRS
        Of the grid, vertical part included.
    nodata : float, optional
        What stands for no data.
    quantity : str
        What the first band tells, such as ``sun_h``.

    Raises
    ------
    StorageError
        If the disk is full or the file cannot be read back.
    """
    if values.shape[:2] != grid.shape:
        raise ValueError(f"values {values.shape} must have the grid's shape {grid.shape}")
    dtype: Literal["float32", "uint8"] = "uint8" if values.dtype.kind in "bu" else "float32"
    n_bands = 1 if values.ndim == 2 else values.shape[2]
    with cog_writer(
        path, grid, crs=crs, dtype=dtype, nodata=nodata, n_bands=n_bands, quantity=quantity
    ) as out:
        for row in range(0, grid.ny, _TILE_CELLS):
            rows = slice(row, min(row + _TILE_CELLS, grid.ny))
            out.write((rows, slice(0, grid.nx)), values[rows])


def _without_nan(values: NDArray[Any], dtype: np.dtype[Any], nodata: float | None) -> NDArray[Any]:
    cells = values.astype(dtype, copy=False)
    if nodata is None or np.isnan(nodata) or dtype.kind != "f":
        return cells
    return np.where(np.isnan(cells), dtype.type(nodata), cells)


def _make_cloud_optimised(plain: Path, final: Path, dtype: np.dtype[Any]) -> None:
    from rasterio.shutil import copy

    copy(
        plain,
        final,
        driver="COG",
        COMPRESS="DEFLATE",
        LEVEL="6",
        PREDICTOR="FLOATING_POINT" if dtype.kind == "f" else "STANDARD",
        BLOCKSIZE=str(_TILE_CELLS),
        OVERVIEWS="IGNORE_EXISTING",
        OVERVIEW_RESAMPLING="AVERAGE" if dtype.kind == "f" else "NEAREST",
        BIGTIFF="IF_SAFER",
        NUM_THREADS="1",
    )


def _read_back(written: Path, path: Path, grid: Grid) -> None:
    """GDAL may report a full disk only when it closes, or not at all; the last tile lies at the end of the file."""
    with rasterio.open(written, driver="GTiff") as raster:
        row, col = (grid.ny - 1) // _TILE_CELLS, (grid.nx - 1) // _TILE_CELLS
        raster.read(1, window=((row * _TILE_CELLS, grid.ny), (col * _TILE_CELLS, grid.nx)))
        if (raster.height, raster.width) != grid.shape:
            raise StorageError(path, "does not hold what was written", "check the disk and run again")


@contextlib.contextmanager
def _raised_as_storage() -> Iterator[None]:
    """GDAL's errors as those of the operating system, which `atomic_path` explains."""
    try:
        yield
    except rasterio.errors.RasterioError as error:
        if tells_exhausted_memory(error):
            raise MemoryError(str(error)) from error
        text = f"{error} {error.__cause__ or ''}".lower()
        number = errno.ENOSPC if any(mark in text for mark in _FULL) else errno.EIO
        raise OSError(number, str(error)) from error
