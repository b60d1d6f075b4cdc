"""One raster laid onto the grid of another, block by block: what is checked before, what is read, and where it goes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from twin.core.crs import PointTransform, describe, horizontal, make_transform, same_horizontal
from twin.core.errors import InputError
from twin.core.grid import Bounds, Grid
from twin.core.limits import check_limit, limits
from twin.sources.overlap import check_overlap
from twin.sources.raster_info import RasterInfo, open_dataset
from twin.sources.raster_resample import (
    Window,
    mean_blocks,
    sample_linear,
    sample_nearest,
    source_places,
    way_back,
    window_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.core.notices import Notices

Resampling = Literal["bilinear", "nearest"]
_BLOCK_CELLS = 512
_BLOCK_SOURCE_CELLS = 4096
_SQUARE = 1e-6


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the grid that is filled.

    Parameters
    ----------
    place : tuple of slice
        Its rows and columns.
    bands : list of array, each of shape (rows, columns)
        What was read, at the cells of the grid.
    source_xy : array, shape (rows * columns, 2)
        The centres of these cells in the source's CRS.
    """

    place: tuple[slice, slice]
    bands: list[NDArray[np.float32]]
    source_xy: NDArray[np.float64]


def read_window(source: Any, band: int, window: Window) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """The cells of one band, and a mask that is 0 where the file declares no data."""
    part = ((window.row0, window.row1), (window.col0, window.col1))
    return source.read(band, window=part), source.read_masks(band, window=part)


def target_grid(info: RasterInfo, crs: CRS, wanted: Grid | None, *, n_bands: int, notices: Notices) -> Grid:
    """The grid to fill, after every check that needs no cells."""
    way = make_transform(horizontal(info.crs), horizontal(crs), where=info.path, notices=notices)
    try:
        bounds = way.to_target(info.bounds)
    except ValueError as error:
        raise InputError(
            info.path, f"lies out of the range of {describe(crs)}", "name its true CRS"
        ) from error
    if info.assumed:
        notices.add(
            "crs-assumed",
            f"{info.path}: names no CRS and was taken to be in {describe(horizontal(info.crs))}",
            subject=str(info.path),
        )
    grid = wanted or _own_grid_at_home(info, crs) or _similar_grid(info, bounds)
    if info.crs.is_geographic:
        width, height = info.cell_size
        notices.add(
            "degree-cells",
            f"{info.path}: cells of {width:g} by {height:g} degrees were resampled to {grid.cell_size_m:g} m",
            subject=str(info.path),
        )
    check_overlap(bounds, grid.bounds, info.path, "the area that is wanted")
    check_limit(
        info.path, "cells", grid.nx * grid.ny * n_bands, limits().max_raster_cells, name="max_raster_cells"
    )
    return grid


def _own_grid_at_home(info: RasterInfo, crs: CRS) -> Grid | None:
    return own_grid(info) if same_horizontal(info.crs, crs) else None


def own_grid(info: RasterInfo) -> Grid | None:
    """The raster's cells as a grid, None where they are not square."""
    width, height = info.cell_size
    if abs(width - height) > _SQUARE * width:
        return None
    return Grid(info.bounds.x_min, info.bounds.y_max, width, info.nx, info.ny)


def _similar_grid(info: RasterInfo, bounds: Bounds) -> Grid:
    """Cells as many as the raster's over the bounds of it in the city; their size to three digits."""
    size = math.sqrt(max(bounds.width * bounds.height, 1e-12) / (info.nx * info.ny))
    return Grid.covering(bounds, cell_size_m=float(f"{size:.3g}"))


def filled_blocks(
    info: RasterInfo,
    crs: CRS,
    grid: Grid,
    read: Callable[[Any, Window], list[NDArray[np.float32]]],
    resampling: Resampling,
    *,
    level: int | None = None,
) -> Iterator[Block]:
    """The blocks of the grid that the raster reaches; `read` gives the bands of a window, NaN without data."""
    way = way_back(info, crs)
    if level is not None:
        info = _at_level(info, level)
    ratio = max(1, math.floor(_ratio(info, grid, way)))
    factor = 1 if resampling == "nearest" else ratio
    side = max(16, min(_BLOCK_CELLS, _BLOCK_SOURCE_CELLS // ratio))
    sample = sample_nearest if resampling == "nearest" else sample_linear
    with open_dataset(info.path, info.kind, level=level) as source:
        for block in _tiles(grid, side):
            rows, cols, xy = source_places(info, grid, block, way)
            window = window_of(rows, cols, info, factor)
            if window.is_empty:
                continue
            first = window.row0 // factor, window.col0 // factor
            v, u = (rows + 0.5) / factor - 0.5, (cols + 0.5) / factor - 0.5
            bands = [mean_blocks(band, factor) for band in read(source, window)]
            yield Block(block, [sample(band, v, u, first=first) for band in bands], xy)


def _tiles(grid: Grid, side: int) -> Iterator[tuple[slice, slice]]:
    for row in range(0, grid.ny, side):
        for col in range(0, grid.nx, side):
            yield slice(row, min(row + side, grid.ny)), slice(col, min(col + side, grid.nx))


def _ratio(info: RasterInfo, grid: Grid, way: PointTransform) -> float:
    """How many source cells a cell of the grid is wide, in its middle."""
    middle = Grid(grid.x_centres[grid.nx // 2], grid.y_centres[grid.ny // 2], grid.cell_size_m, 2, 2)
    rows, cols, _ = source_places(info, middle, (slice(0, 2), slice(0, 2)), way)
    spread = [np.hypot(np.diff(rows, axis=k), np.diff(cols, axis=k)).mean() for k in (0, 1)]
    return float(min(spread)) + 1e-6


def _at_level(info: RasterInfo, level: int) -> RasterInfo:
    with open_dataset(info.path, info.kind, level=level) as source:
        a, b, c, d, e, f = tuple(source.transform)[:6]
        return replace(info, nx=source.width, ny=source.height, transform=(a, b, c, d, e, f), overviews=())


def fitting_overview(info: RasterInfo, grid: Grid, crs: CRS) -> int | None:
    """The smallest copy inside the file that is still as fine as the grid."""
    ratio = _ratio(info, grid, way_back(info, crs))
    fine = [i for i, factor in enumerate(info.overviews) if factor <= ratio]
    return fine[-1] if fine else None
