"""Elevation rasters brought onto a grid of the city."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.crs import PointTransform, horizontal, make_transform
from twin.core.errors import InputError
from twin.core.notices import Notices
from twin.sources.cog import CogWriter, cog_writer, write_geotiff
from twin.sources.formats import Format
from twin.sources.raster_blocks import Resampling, filled_blocks, own_grid, read_window, target_grid
from twin.sources.raster_info import RasterInfo, open_dataset, open_raster_info
from twin.sources.raster_resample import Window
from twin.sources.raster_values import Tally, elevations_of, tell, tell_doubtful_heights

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.core.grid import Grid

__all__ = [
    "CogWriter",
    "ElevationFile",
    "Raster",
    "RasterInfo",
    "check_heights",
    "cog_writer",
    "open_elevation",
    "open_raster_info",
    "read_elevation",
    "write_geotiff",
]


@dataclass(frozen=True, slots=True)
class Raster:
    """Elevations on a grid.

    Parameters
    ----------
    values : array, shape (ny, nx)
        Metres, float32, NaN without data.
    grid : Grid
        Their place, in the city's CRS.
    """

    values: NDArray[np.float32]
    grid: Grid

    def __post_init__(self) -> None:
        if self.values.shape != self.grid.shape:
            raise ValueError(f"values {self.values.shape} must have the grid's shape {self.grid.shape}")


@dataclass(frozen=True, slots=True)
class ElevationFile:
    """Elevations of a GeoTIFF that lies in the city's grid already, read by window; picklable.

    Parameters
    ----------
    path : Path
        The file.
    """

    path: Path

    def __call__(self, window: tuple[slice, slice]) -> NDArray[np.float32]:
        """Rows and columns of a window as float32, NaN without data."""
        rows, cols = window
        part = Window(rows.start, rows.stop, cols.start, cols.stop)
        with open_dataset(self.path, Format.GEOTIFF) as source:
            return elevations_of(*read_window(source, 1, part), Tally())


def open_elevation(path: str | Path) -> tuple[ElevationFile, Grid]:
    """A city's own terrain raster: a reader of windows, and its grid.

    Raises
    ------
    InputError
        If the file is damaged, or its cells are not square.
    """
    info = open_raster_info(path)
    grid = own_grid(info)
    if grid is None:
        raise InputError(path, "has cells that are not square", "resample it")
    return ElevationFile(Path(path)), grid


def read_elevation(
    path: str | Path,
    *,
    crs: CRS,
    grid: Grid | None = None,
    resampling: Resampling = "bilinear",
    assume_crs: CRS | None = None,
    height_offset_m: float | None = None,
    notices: Notices,
) -> Raster:
    """Elevations of a raster file in the city's coordinates and heights.

    A raster finer than the grid is averaged over blocks first. Where the cells coincide, values pass unchanged.

    Parameters
    ----------
    path : path
        GeoTIFF or ESRI ASCII grid with one band.
    crs : CRS
        Of the city.
    grid : Grid, optional
        Where values are wanted; by default the raster's own cells if its CRS allows, else cells of the same size.
    resampling : {"bilinear", "nearest"}
        ``"nearest"`` for classes and masks.
    assume_crs : CRS, optional
        For a raster that names none.
    height_offset_m : float, optional
        Metres to add instead of transforming heights.
    notices : Notices
        Is told of undeclared nodata, units, and partial cover.

    Raises
    ------
    InputError
        If it is damaged, holds several bands, or no data.
    OverlapError
        If it stays clear of `grid`.
    LimitError
        If it has too many cells.
    CrsError, UnsafeInputError
        As in `open_raster_info`.
    """
    info = open_raster_info(path, assume_crs=assume_crs)
    band = _elevation_band(info)
    grid = target_grid(info, crs, grid, n_bands=1, notices=notices)
    tally = Tally()

    def read(source: Any, window: Window) -> list[NDArray[np.float32]]:
        return [elevations_of(*read_window(source, band, window), tally)]

    heights = _height_way(info, crs, height_offset_m, notices)
    values = np.full(grid.shape, np.nan, np.float32)
    for block in filled_blocks(info, crs, grid, read, resampling):
        values[block.place] = _city_heights(block.bands[0], block.source_xy, heights)
    tally.n_read, tally.n_data = values.size, int(np.isfinite(values).sum())
    if tally.n_data == 0:
        raise InputError(info.path, "holds nothing but nodata here", "give a raster with data over the city")
    tell(info.path, tally, notices)
    tell_doubtful_heights(info.path, values, grid.cell_size_m, notices)
    return Raster(values, grid)


def _height_way(
    info: RasterInfo, crs: CRS, height_offset_m: float | None, notices: Notices
) -> PointTransform:
    """Heights into the city's; an offset is meant for a raster that was only assumed to be in the city's CRS."""
    own = horizontal(info.crs) if info.assumed and height_offset_m is not None else info.crs
    return make_transform(own, crs, height_offset_m=height_offset_m, where=info.path, notices=notices)


def check_heights(
    path: str | Path,
    *,
    crs: CRS,
    assume_crs: CRS | None = None,
    height_offset_m: float | None = None,
) -> None:
    """Refuse a raster whose heights cannot be brought into the city's, from its header alone.

    Raises
    ------
    CrsError
        If only a guess is known between the two vertical datums; and everything that `open_raster_info` raises.
    """
    _height_way(open_raster_info(path, assume_crs=assume_crs), crs, height_offset_m, Notices())


def _elevation_band(info: RasterInfo) -> int:
    bands = [i + 1 for i, colour in enumerate(info.colours) if colour != "alpha"]
    if len(bands) != 1:
        raise InputError(
            info.path,
            f"holds {len(bands)} bands ({', '.join(info.colours)}); elevations have one",
            "give the terrain raster; a picture is given with --ortho",
        )
    if info.dtypes[bands[0] - 1].startswith("complex"):
        raise InputError(info.path, f"holds {info.dtypes[0]} numbers", "give elevations")
    return bands[0]


def _city_heights(
    values: NDArray[np.float32], xy: NDArray[np.float64], way: PointTransform
) -> NDArray[np.float32]:
    if way.vertical_pair is None:
        return (values * way.z_factor + way.z_offset_m).astype(np.float32)
    there = np.isfinite(values).ravel()
    out = np.full(values.size, np.nan, np.float32)
    out[there] = way(np.column_stack([xy[there], values.ravel()[there].astype(np.float64)]))[:, 2]
    return out.reshape(values.shape)
