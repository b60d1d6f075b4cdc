"""Rasters over time in NetCDF files that follow the CF conventions more or less: which variable, where, and when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from twin.core.crs import parse_crs
from twin.core.errors import CrsError, InputError, UsageError
from twin.core.limits import check_limit, limits
from twin.sources.netcdf import get, open_netcdf

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

Quantity = Literal["depth", "level", "rain"]
NAMES: dict[Quantity, tuple[str, ...]] = {
    "depth": ("depth", "h", "hmax", "water_depth", "waterdepth", "wd", "inundation_depth", "max_depth"),
    "level": (
        *("zs", "water_level", "waterlevel", "wl", "water_surface_elevation", "wse", "eta", "stage"),
        *("level", "zsmax", "s1"),
    ),
    "rain": (
        *(
            "rain",
            "rainfall",
            "rain_rate",
            "rainfall_rate",
            "rainrate",
            "precipitation",
            "precipitation_rate",
        ),
        *("precip", "prate", "pr", "prcp", "tp"),
    ),
}
_STANDARD: dict[Quantity, str] = {
    "depth": r"depth|thickness_of_water",
    "level": r"surface_height_above|water_surface_(height|elevation)|water_level",
    "rain": r"(rainfall|precipitation|lwe_precipitation)_(rate|flux)",
}
_SCALES = {"": 1.0, "m": 1.0, "metre": 1.0, "meter": 1.0, "metres": 1.0, "meters": 1.0,
           "cm": 0.01, "mm": 0.001, "ft": 0.3048, "feet": 0.3048}  # fmt: skip
_RATES = {"mm/h": 1.0, "mm/hr": 1.0, "mm/hour": 1.0, "mmh-1": 1.0, "mmhr-1": 1.0, "mmhour-1": 1.0,
          "mm/s": 3600.0, "mms-1": 3600.0, "kgm-2s-1": 3600.0, "kg/m2/s": 3600.0, "m/s": 3.6e6, "ms-1": 3.6e6,
          "mm/day": 1 / 24, "mmday-1": 1 / 24, "mm/d": 1 / 24, "mmd-1": 1 / 24, "m/h": 1000.0}  # fmt: skip
"""Millimetres an hour in units of rain, written without spaces."""
_ROUNDING = 1e-6
_EVEN = 0.02
"""Part of a cell by which cells may miss the even grid that is laid through them: coordinates are often float32."""


@dataclass(frozen=True, slots=True)
class CfRaster:
    """A variable over time on an even grid, perhaps turned; picklable.

    Parameters
    ----------
    path : Path
    variable : str
    times : array of datetime64[s], shape (t,), or None
        UTC; None for a variable without time.
    corner : tuple of float
        Easting and northing of the centre of cell (0, 0), in the file's CRS.
    per_row, per_col : tuple of float
        How centres move from row to row and from column to column.
    shape : tuple of int
        Rows and columns.
    scale : float
        Metres in the variable's unit, or mm/h in that of rain.
    crs : CRS or None
        As the file names it.
    """

    path: Path
    variable: str
    times: NDArray[np.datetime64] | None
    corner: tuple[float, float]
    per_row: tuple[float, float]
    per_col: tuple[float, float]
    shape: tuple[int, int]
    scale: float
    crs: CRS | None

    def values(self, step: int) -> NDArray[np.float32]:
        """The cells of a step in metres (rain in mm/h), NaN without data."""
        with open_netcdf(self.path) as data:
            cells = get(data[self.variable], None if self.times is None else step)
        return (cells.reshape(self.shape) * np.float32(self.scale)).astype(np.float32)

    def rows_cols(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Row and column of points in the file's CRS, with fractions; whole numbers are cell centres."""
        (ax, ay), (bx, by) = self.per_row, self.per_col
        dx, dy = x - self.corner[0], y - self.corner[1]
        turn = ax * by - ay * bx
        return _snapped((dx * by - dy * bx) / turn), _snapped((dy * ax - dx * ay) / turn)


def _snapped(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole numbers where rounding alone makes the difference, so that values pass unchanged where cells coincide."""
    whole = np.rint(places)
    return np.where(np.abs(places - whole) < _ROUNDING, whole, places)


def open_cf(path: Path, quantity: Quantity, *, variable: str | None = None) -> CfRaster:
    """The water of a NetCDF file.

    Parameters
    ----------
    path : Path
    quantity : {"depth", "level", "rain"}
        What is looked for, by standard name, else by usual names.
    variable : str, optional
        The variable, if it is known.

    Raises
    ------
    UsageError
        If the variable is not there, or none or several could be meant.
    InputError
        If the file is damaged, has no even grid, or times that do not increase.
    LimitError
        If it has too many cells.
    """
    with open_netcdf(path) as data:
        name = _variable(data, path, quantity, variable)
        field = data[name]
        is_timed = len(field.dimensions) == 3
        shape = (int(field.shape[-2]), int(field.shape[-1]))
        check_limit(path, "cells", shape[0] * shape[1], limits().max_raster_cells, name="max_raster_cells")
        x, y = _coordinates(data, field, path)
        times = _times(data, field.dimensions[0], path) if is_timed else None
        return CfRaster(
            path,
            name,
            times,
            *_even_grid(x, y, path),
            shape,
            _scale(field, path, quantity),
            _crs(data, field, path),
        )


def _attribute(variable: Any, name: str) -> str:
    return str(variable.getncattr(name)) if name in variable.ncattrs() else ""


def _variable(data: Any, path: Path, quantity: Quantity, given: str | None) -> str:
    rasters = [n for n, v in data.variables.items() if len(v.dimensions) in {2, 3} and v.dtype != str]
    if given is not None:
        if given not in rasters:
            raise UsageError(
                "--variable", f"{path.name} has no raster {given!r}", f"choose one of {', '.join(rasters)}"
            )
        return given
    named = [n for n in NAMES[quantity] if n in rasters]
    standard = [n for n in rasters if re.search(_STANDARD[quantity], _attribute(data[n], "standard_name"))]
    timed = [n for n in dict.fromkeys([*named, *standard]) if len(data[n].dimensions) == 3]
    found = timed or named or standard
    if not found:
        remedy = "call it rain_rate" if quantity == "rain" else "name it with --variable"
        raise UsageError(path, f"no variable looks like a {quantity} ({', '.join(rasters)})", remedy)
    return found[0]


def _coordinates(data: Any, field: Any, path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Easting and northing of every cell, shape (ny, nx)."""
    rows, cols = field.dimensions[-2:]
    there = data.variables
    if rows in there and cols in there:
        x, y = np.meshgrid(np.asarray(there[cols][:], float), np.asarray(there[rows][:], float))
        return x, y
    pairs = _attribute(field, "coordinates").split()
    x_name = next((n for n in pairs if n in there and n.lower() in {"x", "xc", "lon", "easting"}), None)
    y_name = next((n for n in pairs if n in there and n.lower() in {"y", "yc", "lat", "northing"}), None)
    if x_name and y_name and there[x_name].shape == field.shape[-2:]:
        return get(there[x_name]).astype(float), get(there[y_name]).astype(float)
    what = f"tells no place for {rows} and {cols} of {field.name}"
    raise InputError(path, what, "give a raster on a grid with x and y; meshes of triangles are not read")


def _even_grid(
    x: NDArray[np.float64], y: NDArray[np.float64], path: Path
) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
    """The centre of cell (0, 0), and the steps from row to row and column to column, by least squares."""
    there = np.isfinite(x) & np.isfinite(y)
    if min(x.shape) < 2 or there.sum() < 3:
        raise InputError(path, f"has {x.shape[0]} x {x.shape[1]} cells", "give a raster of 2 x 2 or more")
    rows, cols = np.nonzero(there)
    design = np.column_stack([np.ones(rows.size), rows, cols])
    origin = np.array([x[there][0], y[there][0]])
    places = np.column_stack([x[there], y[there]]) - origin
    fit, *_ = np.linalg.lstsq(design, places, rcond=None)
    miss = np.abs(places - design @ fit).max()
    cell = np.sqrt(abs(fit[1, 0] * fit[2, 1] - fit[1, 1] * fit[2, 0]))
    rounding = 2 * np.spacing(np.float32(np.abs(origin).max()))
    if not cell > 0 or miss > max(_EVEN * cell, rounding):
        raise InputError(path, f"cells miss an even grid by {miss:.3g}", "resample it to an even grid")
    corner, row, col = fit[0] + origin, fit[1], fit[2]
    return (
        (float(corner[0]), float(corner[1])),
        (float(row[0]), float(row[1])),
        (float(col[0]), float(col[1])),
    )


def _times(data: Any, name: str, path: Path) -> NDArray[np.datetime64]:
    import netCDF4

    if name not in data.variables:
        raise InputError(path, f"tells no times for its dimension {name}", "give a file with a time variable")
    axis = data[name]
    units, calendar = _attribute(axis, "units"), _attribute(axis, "calendar") or "standard"
    raw = np.asarray(axis[:])
    try:
        moments = netCDF4.num2date(
            raw, units, calendar, only_use_cftime_datetimes=False, only_use_python_datetimes=True
        )
        times = np.array(
            [np.datetime64(m.replace(tzinfo=None), "s") for m in np.atleast_1d(np.asarray(moments, object))]
        )
    except (ValueError, OverflowError, TypeError) as error:
        what = f"times in {units!r} (calendar {calendar}) cannot be read ({error})"
        raise InputError(path, what, "give times since a date") from error
    if not len(times) or (np.diff(times.astype(np.int64)) <= 0).any():
        raise InputError(path, "its time steps do not increase", "sort the file by time")
    return times


def _scale(field: Any, path: Path, quantity: Quantity) -> float:
    units = _attribute(field, "units").strip().lower()
    if quantity == "rain":
        rate = "".join(units.replace("**", "").replace("^", "").split()) or "mm/h"
        if rate not in _RATES:
            what = f"{field.name} is in {units!r}, which is no rate of rain"
            raise InputError(path, what, "give mm/h; divide amounts by the hours in which they fell")
        return _RATES[rate]
    if units not in _SCALES:
        raise InputError(path, f"{field.name} is in {units!r}, which is no length", "give metres")
    return _SCALES[units]


def _crs(data: Any, field: Any, path: Path) -> CRS | None:
    """The CRS of the grid mapping, else of any variable that tells one."""
    named = _attribute(field, "grid_mapping")
    for name in dict.fromkeys([named, "crs", "spatial_ref", "projected_coordinate_system"]):
        if name not in data.variables:
            continue
        for key in ("crs_wkt", "spatial_ref", "epsg_code", "epsg", "EPSG", "EPSG_code"):
            text = _attribute(data[name], key)
            text = f"EPSG:{text}" if text.isdigit() else text
            if text and text not in {"-", "EPSG:0"}:
                try:
                    return parse_crs(text, where=path)
                except CrsError:
                    continue
    return None
