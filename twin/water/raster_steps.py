"""Rasters over time, as models, radars and offices deliver them: which moments, which files, and their values on cells.

GeoTIFFs tell their moments by their names or by a list beside them; a NetCDF file holds all of its own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.crs import horizontal, make_transform
from twin.core.errors import (
    CrsError,
    InputError,
    InputNotFoundError,
    OverlapError,
    UnsafeInputError,
    UsageError,
)
from twin.core.files import guard_storage
from twin.core.moments import utc_second
from twin.core.notices import Notices
from twin.sources.cf import CfRaster, Quantity, open_cf
from twin.sources.netcdf import is_netcdf
from twin.water.flood import UNTIMED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.core.grid import Grid

MAX_LIST_BYTES = 10_000_000
_MOMENT = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})[T_ -]?(\d{2})[-_:h]?(\d{2})(?:[-_:m]?(\d{2}))?")


@dataclass(frozen=True, slots=True)
class RasterStep:
    """One moment: a GeoTIFF, or a step of a NetCDF file.

    Parameters
    ----------
    path : Path
    time : datetime64[s] or None
        UTC; None where nothing tells it.
    source : CfRaster or None
        The variable of a NetCDF file.
    index : int
        Which of its steps.
    """

    path: Path
    time: np.datetime64 | None
    source: CfRaster | None = None
    index: int = 0


def raster_steps(
    paths: Sequence[Path], quantity: Quantity, *, variable: str | None = None
) -> list[RasterStep]:
    """The moments of some files, in the order given.

    Parameters
    ----------
    paths : sequence of Path
        GeoTIFFs, one a moment; or one NetCDF file; or one list of steps (JSON).
    quantity : {"depth", "level", "rain"}
        What is looked for in a NetCDF file.
    variable : str, optional
        Its variable, if it is known.

    Raises
    ------
    InputError, InputNotFoundError, UnsafeInputError
        If a file is damaged or missing, or a list leads outside its folder.
    UsageError
        If files are mixed, or no variable is found.
    """
    first = paths[0]
    if first.suffix.lower() == ".json":
        if len(paths) > 1:
            raise UsageError(
                first, "is a list of steps, and other files are named too", "name the list alone"
            )
        return [RasterStep(p, t) for t, p in read_step_list(first)]
    if any(is_netcdf(p) for p in paths):
        if len(paths) > 1:
            raise UsageError(first, "a NetCDF file holds all its moments", "name it alone")
        source = open_cf(first, quantity, variable=variable)
        times = [None] if source.times is None else list(source.times)
        return [RasterStep(first, t, source, k) for k, t in enumerate(times)]
    return [RasterStep(p, moment_of(p.name)) for p in paths]


def values_on(
    step: RasterStep,
    grid: Grid,
    *,
    crs: CRS,
    assume_crs: CRS | None = None,
    height_offset_m: float | None = None,
    notices: Notices,
) -> NDArray[np.float32]:
    """The values of a step on the cells of a grid, shape (ny, nx); NaN without data.

    Parameters
    ----------
    step : RasterStep
    grid : Grid
    crs : CRS
        Of the grid; compound where the values are levels, horizontal where they are not.
    assume_crs : CRS, optional
        For files that name none.
    height_offset_m : float, optional
        Added to levels of another datum, m.
    notices : Notices
        Is told what reading showed.

    Raises
    ------
    InputError, OverlapError, CrsError
        If it is damaged, elsewhere, or names no CRS.
    """
    if step.source is None:
        return _geotiff(step.path, grid, crs, assume_crs, height_offset_m, notices)
    rows, cols = _place(step.source, grid, crs, assume_crs)
    values = _sampled(step.source.values(step.index), rows, cols).reshape(grid.shape)
    return values + np.float32(height_offset_m or 0.0)  # NetCDF files name no vertical datum


def _geotiff(  # noqa: PLR0917
    path: Path,
    grid: Grid,
    crs: CRS,
    assume_crs: CRS | None,
    height_offset_m: float | None,
    notices: Notices,
) -> NDArray[np.float32]:
    from twin.sources.rasters import read_elevation

    said = Notices()
    raster = read_elevation(
        path, crs=crs, grid=grid, assume_crs=assume_crs, height_offset_m=height_offset_m, notices=said
    )
    notices.items += [n for n in said.items if "covers" not in n.message]
    return raster.values


def _place(
    source: CfRaster, grid: Grid, crs: CRS, assume_crs: CRS | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Row and column in a NetCDF file of every cell of a grid."""
    own = source.crs or assume_crs
    if own is None:
        raise CrsError(source.path, "names no CRS", "give it with --crs")
    x, y = np.meshgrid(grid.x_centres, grid.y_centres)
    flat = np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)])
    back = make_transform(horizontal(crs), horizontal(own), where=source.path, notices=Notices())
    there = back(flat)
    rows, cols = source.rows_cols(there[:, 0], there[:, 1])
    ny, nx = source.shape
    inside = (rows > -0.5) & (rows < ny - 0.5) & (cols > -0.5) & (cols < nx - 0.5)
    if not inside.any():
        raise OverlapError(source.path, "does not cover the city", "check its CRS and the order of its axes")
    return rows, cols


def _sampled(
    values: NDArray[np.float32], rows: NDArray[np.float64], cols: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Between four cells where all have data, else the nearest."""
    ny, nx = values.shape
    inside = (rows > -0.5) & (rows < ny - 0.5) & (cols > -0.5) & (cols < nx - 0.5)
    r, c = np.clip(rows, 0, ny - 1), np.clip(cols, 0, nx - 1)
    i, j = np.minimum(r.astype(np.int64), max(ny - 2, 0)), np.minimum(c.astype(np.int64), max(nx - 2, 0))
    fr, fc = r - i, c - j
    below, right = np.minimum(i + 1, ny - 1), np.minimum(j + 1, nx - 1)
    north = values[i, j] * (1 - fc) + values[i, right] * fc
    south = values[below, j] * (1 - fc) + values[below, right] * fc
    between = north * (1 - fr) + south * fr
    nearest = values[np.rint(r).astype(np.int64), np.rint(c).astype(np.int64)]
    found = np.where(np.isfinite(between), between, nearest)
    return np.where(inside, found, np.nan).astype(np.float32)


def read_step_list(path: Path) -> list[tuple[np.datetime64, Path]]:
    """Moments and rasters of a list ``{"steps": [{"time": ISO 8601, "file": NAME}, ...]}``, files beside it.

    Raises
    ------
    InputError
        If it is damaged, or its times do not increase.
    InputNotFoundError
        If a raster is not there.
    UnsafeInputError
        If a name leads outside the folder of the list.
    """
    with guard_storage(path):
        if path.stat().st_size > MAX_LIST_BYTES:
            raise InputError(
                path, f"is no list of steps ({path.stat().st_size} bytes)", "give a list of rasters"
            )
        text = path.read_bytes()
    form = 'write {"steps": [{"time": "2026-08-28T03:00:00Z", "file": "depth.tif"}]}'
    try:
        rows = [(str(s["time"]), str(s["file"])) for s in json.loads(text)["steps"]]
        times = [np.datetime64(t.removesuffix("Z"), "s") for t, _ in rows]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(path, f"is no list of steps ({error})", form) from error
    if not rows or any(np.isnat(t) for t in times):
        raise InputError(path, "holds no steps with a time", form)
    if (np.diff(np.array(times).astype(np.int64)) <= 0).any():
        raise InputError(path, "its time steps do not increase", "sort them by time, each moment once")
    return [(t, _beside(path, name)) for t, (_, name) in zip(times, rows, strict=True)]


def _beside(path: Path, name: str) -> Path:
    parts = PureWindowsPath(name)  # knows every way to leave a folder, those of POSIX too
    found = path.parent / name
    is_outside = (
        parts.anchor or ".." in parts.parts or not found.resolve().is_relative_to(path.parent.resolve())
    )
    if is_outside:
        raise UnsafeInputError(path, f"names {name!r}, outside its folder", "put the rasters beside the list")
    if not found.is_file():
        raise InputNotFoundError(
            found, f"not found, but named by {path.name}", "put it there, or correct the list"
        )
    return found


def moment_of(name: str) -> np.datetime64 | None:
    """The moment that a file name tells, None where it tells none.

    Examples
    --------
    >>> moment_of("depth_2026-08-28_03-10.tif"), moment_of("depth_01.tif")
    (np.datetime64('2026-08-28T03:10:00'), None)
    """
    found = _MOMENT.search(name)
    if found is None:
        return None
    year, month, day, hour, minute, second = (g or "00" for g in found.groups())
    try:
        return np.datetime64(f"{year}-{month}-{day}T{hour}:{minute}:{second}", "s")
    except ValueError:
        return None


def step_times(
    steps: Sequence[RasterStep], path: Path, *, start: Any = None, every_s: float | None = None
) -> NDArray[np.datetime64]:
    """The moments of steps, which increase; from `start` on and `every_s` apart where they do not tell them.

    Steps that tell their moments keep their distances when `start` moves the first of them.

    Raises
    ------
    UsageError
        If nothing tells them.
    InputError
        If they do not increase.
    """
    known = [s.time for s in steps]
    if start is not None or every_s is not None or len(steps) == 1 or None in known:
        if len(steps) > 1 and every_s is None and None in known:
            raise UsageError(
                path,
                f"{len(steps)} rasters and no time in their names",
                "give --every, or names such as depth_20260828T0300.tif",
            )
        if None in known or every_s is not None:
            return _even_times(len(steps), start if start is not None else known[0], every_s)
    times = np.array(known, "datetime64[s]")
    if start is not None:
        times = times + (_even_times(1, start, None)[0] - times[0])
    if (np.diff(times.astype(np.int64)) <= 0).any():
        raise InputError(path, "its time steps do not increase", "name the files in the order of their times")
    return times


def _even_times(n: int, start: Any, every_s: float | None) -> NDArray[np.datetime64]:
    if every_s is not None and not 1 <= every_s <= 1e9:
        raise UsageError("--every", f"is {every_s:g} s", "give 1 or more")
    first = UNTIMED if start is None else utc_second(start, where="--start")
    return first + (np.arange(n) * int(every_s or 1)).astype("timedelta64[s]")
