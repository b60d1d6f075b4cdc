"""Rain over time as rasters of a radar or a weather model, brought onto the cells of a flood."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from twin.core.crs import horizontal
from twin.core.errors import InputError, InputNotFoundError
from twin.core.files import guard_storage
from twin.sources.netcdf import is_netcdf
from twin.water.flood import UNTIMED
from twin.water.inputs import check_rain
from twin.water.raster_steps import RasterStep, raster_steps, step_times, values_on

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.core.grid import Grid
    from twin.core.notices import Notices

_RASTERS = {".tif", ".tiff", ".json", ".nc", ".nc4", ".cdf"}


@dataclass(frozen=True, slots=True)
class RainRasters:
    """Rain in mm/h; each raster holds from its time until the next one's.

    Parameters
    ----------
    path : Path
        What was given.
    steps : tuple of RasterStep
    times_s : array, shape (t,)
        Seconds after `start`, increasing.
    start : datetime64[s] or None
        None where the files tell no moments.
    """

    path: Path
    steps: tuple[RasterStep, ...]
    times_s: NDArray[np.float64]
    start: np.datetime64 | None

    def since(self, start: np.datetime64) -> RainRasters:
        """The same over seconds after another start."""
        if self.start is None:
            return self
        shift = float((self.start - start) / np.timedelta64(1, "s"))
        return replace(self, times_s=self.times_s + shift, start=start)


def is_rain_raster(path: Path) -> bool:
    """Whether a path is rather one of rasters than a table."""
    return path.is_dir() or path.suffix.lower() in _RASTERS or (path.is_file() and is_netcdf(path))


def read_rain_rasters(path: Path) -> RainRasters:
    """Rain from a NetCDF file, a GeoTIFF, a folder of GeoTIFFs, or a list of them (JSON).

    Raises
    ------
    InputError, InputNotFoundError, UnsafeInputError
        If there is none, or one is damaged, or times do not increase.
    UsageError
        If no variable looks like rain, or nothing tells the times.
    """
    if not path.exists():
        raise InputNotFoundError(path, "not found", "correct the path")
    files = [path]
    if path.is_dir():
        with guard_storage(path):
            files = sorted(p for p in path.iterdir() if p.suffix.lower() in {".tif", ".tiff"})
        if not files:
            raise InputError(path, "holds no GeoTIFF", "give rain in mm/h, a file for each time")
    steps = raster_steps(files, "rain")
    times = step_times(steps, path)
    start = None if times[0] == UNTIMED else times[0]
    return RainRasters(path, tuple(steps), (times - times[0]).astype(np.float64), start)


def rain_on_cells(
    rain: RainRasters, grid: Grid, share: NDArray[np.float64], *, crs: CRS, notices: Notices
) -> Callable[[float], NDArray[np.float64]]:
    """Rain in mm/h on the cells at a time in s; the same array for as long as it stays the same.

    Parameters
    ----------
    rain : RainRasters
    grid : Grid
    share : array, shape (ny, nx)
        How many cells' rain falls on each cell: roofs shed theirs, at the rate beside them.
    crs : CRS
        Of the grid.
    notices : Notices
        Is told where the rasters have no data.

    Raises
    ------
    InputError, OverlapError, CrsError
        When a raster is read that is damaged, elsewhere, or holds what is no rain.
    """
    kept: dict[int, NDArray[np.float64]] = {}

    def on_cells(time_s: float) -> NDArray[np.float64]:
        k = max(0, int(np.searchsorted(rain.times_s, time_s, side="right")) - 1)
        if k not in kept:
            kept.clear()
            kept[k] = _read(rain.steps[k], grid, crs, notices) * share
        return kept[k]

    on_cells(0.0)  # a file that cannot be meant is told before the work
    return on_cells


def _read(step: RasterStep, grid: Grid, crs: CRS, notices: Notices) -> NDArray[np.float64]:
    values = values_on(step, grid, crs=horizontal(crs), notices=notices).astype(np.float64)
    missing = ~np.isfinite(values)
    if missing.any():
        share = float(missing.mean())
        what = f"{step.path.name}: no data on {share:.0%} of the cells, taken as no rain"
        notices.add("rain-gap", what, subject=step.path.name)
    values[missing] = 0.0
    return check_rain(values, grid.shape, step.path.name)
