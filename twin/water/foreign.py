"""Floods that others computed or mapped: read, brought onto the city's ground, and judged by it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from twin.core.crs import horizontal, make_transform, parse_crs
from twin.core.errors import (
    CrsError,
    InputError,
    InputNotFoundError,
    OverlapError,
    UnsafeInputError,
    UsageError,
)
from twin.core.files import guard_storage
from twin.core.limits import check_limit, limits
from twin.core.notices import Notices
from twin.sources.cf import CfRaster, open_cf
from twin.sources.layer_paths import split_layer
from twin.sources.netcdf import is_netcdf
from twin.water.extent import extent_depth, read_extent
from twin.water.flood import UNTIMED, WET_M, Flood, StepArrays, flood_of
from twin.water.ground import Site, site, site_grid
from twin.water.simulation import USUAL_CELL_M

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.city.model import City

Quantity = Literal["depth", "level", "extent"]
GREATEST_DEPTH_M = 100.0
"""Deeper water is none of a city's streets, but a wrong unit."""
BELOW_ZERO_M = 1e-3
MAX_LIST_BYTES = 10_000_000
_MOMENT = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})[T_ -]?(\d{2})[-_:h]?(\d{2})(?:[-_:m]?(\d{2}))?")


@dataclass(frozen=True, slots=True)
class _Step:
    """One moment and how its values are read on the city's cells, NaN without data."""

    time: np.datetime64 | None
    read: Callable[[], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class ForeignFlood:
    """A flood of others, and the files that it came from.

    Parameters
    ----------
    flood : Flood
    files : tuple of Path
    tables : dict of str to DataFrame
        What is kept beside it, such as polygons with ranges of depth.
    """

    flood: Flood
    files: tuple[Path, ...]
    tables: dict[str, Any] = field(default_factory=dict)


def import_flood(
    city: City,
    files: Sequence[str | Path],
    *,
    kind: Quantity,
    name: str = "import",
    crs: str | None = None,
    variable: str | None = None,
    start: np.datetime64 | str | None = None,
    every_s: float | None = None,
    height_offset_m: float | None = None,
    cell_size_m: float | None = None,
    notices: Notices | None = None,
) -> ForeignFlood:
    """A flood from rasters over time, a NetCDF file, or polygons.

    Parameters
    ----------
    city : City
    files : sequence of path
        GeoTIFFs, one a moment; one NetCDF; one list of steps (JSON); or one vector file of polygons.
    kind : {"depth", "level", "extent"}
        Depth above the ground, elevation of the water's surface, or where there is water.
    name : str
        Of the flood.
    crs : str, optional
        For files that name none.
    variable : str, optional
        Of the NetCDF.
    start, every_s : optional
        Moment of the first raster, UTC, and seconds between them; rasters tell their moments by their names if not
        given, such as ``depth_20260828T0300.tif``.
    height_offset_m : float, optional
        Added to levels of another datum, m.
    cell_size_m : float, optional
        Side of the cells, m; 1 m, or those of the city's terrain if they are larger.
    notices : Notices, optional
        Is told of what looks wrong: negative depths, levels given as depths, levels below the ground.

    Raises
    ------
    InputError, InputNotFoundError, UnsafeInputError, OverlapError
        If a file is damaged, missing, outside its folder, elsewhere, or out of range.
    UsageError
        If times are missing or `kind` does not fit.
    """
    told = Notices() if notices is None else notices
    paths = [Path(f) for f in files]
    if kind not in {"depth", "level", "extent"}:
        raise UsageError("--kind", f"is {kind!r}", "choose depth, level or extent")
    for path in paths:
        if not split_layer(path)[0].exists():
            raise InputNotFoundError(path, "not found", "correct the path")
    size = cell_size_m or max(USUAL_CELL_M, site_grid(city, None, None).cell_size_m)
    ground = site(city, cell_size_m=size, notices=told)
    if kind == "extent":
        return _from_extent(city, paths, ground, name=name, crs=crs, notices=told)
    reader = _Reader(city, ground, kind, parse_crs(crs) if crs else None, height_offset_m, told)
    steps, used = _steps(paths, reader, variable=variable)
    times = _times(steps, paths[0], start, every_s)
    check_limit(city.path, "cells over time", len(steps) * ground.bed_m.size, limits().max_raster_cells,
                name="max_raster_cells")  # fmt: skip
    depth = np.stack([reader.depth(step.read(), path) for step, path in zip(steps, used, strict=True)])
    _tell_dry(depth, reader, paths[0])
    flood = flood_of(name, ground.grid, times, ground.bed_m, StepArrays(depth), kind="import",
                     attributes={"quantity": kind})  # fmt: skip
    return ForeignFlood(flood, tuple(dict.fromkeys([*paths, *used])))


@dataclass(slots=True)
class _Reader:
    """Values on the city's cells, judged by its ground."""

    city: City
    ground: Site
    kind: str
    assumed: CRS | None
    height_offset_m: float | None
    notices: Notices
    lowest: float = np.inf
    highest: float = -np.inf

    @property
    def crs(self) -> CRS:
        """Of the city; without heights where depths are read, which no datum changes."""
        full = parse_crs(self.city.manifest.crs_wkt, where="twin.json")
        return full if self.kind == "level" else horizontal(full)

    def raster(self, path: Path) -> NDArray[np.float32]:
        """A GeoTIFF on the city's cells."""
        from twin.sources.rasters import read_elevation

        said = Notices()
        raster = read_elevation(
            path, crs=self.crs, grid=self.ground.grid, assume_crs=self.assumed,
            height_offset_m=self.height_offset_m if self.kind == "level" else None, notices=said,
        )  # fmt: skip
        self.notices.items += [n for n in said.items if "covers" not in n.message]
        return raster.values

    def cf(self, source: CfRaster, step: int) -> NDArray[np.float32]:
        """A step of a NetCDF file on the city's cells: between four cells where all have data, else the nearest."""
        rows, cols = self._place(source)
        return _sampled(source.values(step), rows, cols).reshape(self.ground.grid.shape)

    def _place(self, source: CfRaster) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        own = source.crs or self.assumed
        if own is None:
            raise CrsError(source.path, "names no CRS", "give it with --crs")
        grid = self.ground.grid
        x, y = np.meshgrid(grid.x_centres, grid.y_centres)
        flat = np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)])
        city = horizontal(parse_crs(self.city.manifest.crs_wkt, where="twin.json"))
        back = make_transform(city, horizontal(own), where=source.path, notices=Notices())
        there = back(flat)
        rows, cols = source.rows_cols(there[:, 0], there[:, 1])
        inside = (
            (rows > -0.5) & (rows < source.shape[0] - 0.5) & (cols > -0.5) & (cols < source.shape[1] - 0.5)
        )
        if not inside.any():
            raise OverlapError(
                source.path, "does not cover the city", "check its CRS and the order of its axes"
            )
        return rows, cols

    def depth(self, values: NDArray[np.float32], path: Path) -> NDArray[np.float32]:
        """Depth of a step, 0 where dry, NaN outside the terrain."""
        values = values + np.float32(self._offset(path)) if self.kind == "level" else values
        known = values[np.isfinite(values) & np.isfinite(self.ground.bed_m)]
        if known.size:
            self.lowest = min(self.lowest, float(known.min()))
            self.highest = max(self.highest, float(known.max()))
        if self.kind == "level":
            depth = np.nan_to_num(values - self.ground.bed_m, nan=0.0)
        else:
            _judge_depth(values, self.ground, path, self.notices)
            depth = np.nan_to_num(values, nan=0.0)
        depth = np.where(np.isnan(self.ground.bed_m), np.nan, np.maximum(depth, 0.0)).astype(np.float32)
        deepest = float(np.nanmax(depth))
        if deepest > GREATEST_DEPTH_M:
            what = f"depths up to {deepest:g} m are out of range (at most {GREATEST_DEPTH_M:g} m)"
            raise InputError(path, what, "give metres, and say with --kind whether they are depths or levels")
        return depth

    def _offset(self, path: Path) -> float:
        """What GeoTIFFs got when they were read; NetCDF files name no vertical datum."""
        return (self.height_offset_m or 0.0) if is_netcdf(path) else 0.0


def _sampled(
    values: NDArray[np.float32], rows: NDArray[np.float64], cols: NDArray[np.float64]
) -> NDArray[np.float32]:
    ny, nx = values.shape
    inside = (rows > -0.5) & (rows < ny - 0.5) & (cols > -0.5) & (cols < nx - 0.5)
    r, c = np.clip(rows, 0, ny - 1), np.clip(cols, 0, nx - 1)
    i, j = np.minimum(r.astype(np.int64), max(ny - 2, 0)), np.minimum(c.astype(np.int64), max(nx - 2, 0))
    fr, fc = r - i, c - j
    north = values[i, j] * (1 - fc) + values[i, j + 1] * fc
    south = values[i + 1, j] * (1 - fc) + values[i + 1, j + 1] * fc
    between = north * (1 - fr) + south * fr
    nearest = values[np.rint(r).astype(np.int64), np.rint(c).astype(np.int64)]
    found = np.where(np.isfinite(between), between, nearest)
    return np.where(inside, found, np.nan).astype(np.float32)


def _steps(paths: list[Path], reader: _Reader, *, variable: str | None) -> tuple[list[_Step], list[Path]]:
    """The moments of the files, and the file of each."""
    first = paths[0]
    if first.suffix.lower() == ".json":
        if len(paths) > 1:
            raise UsageError(
                first, "is a list of steps, and other files are named too", "name the list alone"
            )
        listed = read_step_list(first)
        return [_Step(t, lambda p=p: reader.raster(p)) for t, p in listed], [p for _, p in listed]  # type: ignore[misc]
    if any(is_netcdf(p) for p in paths):
        if len(paths) > 1:
            raise UsageError(first, "a NetCDF file holds all its moments", "name it alone")
        return _cf_steps(first, reader, variable)
    moments = [moment_of(p.name) for p in paths]
    return [_Step(t, lambda p=p: reader.raster(p)) for t, p in zip(moments, paths, strict=True)], paths  # type: ignore[misc]


def _cf_steps(path: Path, reader: _Reader, variable: str | None) -> tuple[list[_Step], list[Path]]:
    source = open_cf(path, "level" if reader.kind == "level" else "depth", variable=variable)
    if reader.kind == "level":
        reader.notices.add(
            "level-datum",
            f"{path.name}: names no vertical datum; its levels are taken as the city's",
            subject=path.name,
        )
    if source.times is None:
        return [_Step(None, lambda: reader.cf(source, 0))], [path]
    steps = [_Step(t, lambda k=k: reader.cf(source, k)) for k, t in enumerate(source.times)]  # type: ignore[misc]
    return steps, [path] * len(steps)


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


def _times(steps: list[_Step], path: Path, start: Any, every_s: float | None) -> NDArray[np.datetime64]:
    known = [s.time for s in steps]
    if start is not None or every_s is not None or len(steps) == 1 or None in known:
        if len(steps) > 1 and every_s is None and None in known:
            raise UsageError(
                path,
                f"{len(steps)} rasters and no time in their names",
                "give --every, or names such as depth_20260828T0300.tif",
            )
        if None in known or start is not None or every_s is not None:
            return _even_times(len(steps), start if start is not None else known[0], every_s)
    times = np.array(known, "datetime64[s]")
    if (np.diff(times.astype(np.int64)) <= 0).any():
        raise InputError(path, "its time steps do not increase", "name the files in the order of their times")
    return times


def _even_times(n: int, start: Any, every_s: float | None) -> NDArray[np.datetime64]:
    if every_s is not None and not 1 <= every_s <= 1e9:
        raise UsageError("--every", f"is {every_s:g} s", "give 1 or more")
    try:
        first = UNTIMED if start is None else np.datetime64(str(start).removesuffix("Z"), "s")
    except ValueError:
        raise UsageError("--start", f"{start!r} is no moment", "give it as 2026-08-28T03:00:00Z") from None
    return first + (np.arange(n) * int(every_s or 1)).astype("timedelta64[s]")


def _judge_depth(values: NDArray[np.float32], ground: Site, path: Path, notices: Notices) -> None:
    """Tell of depths below zero, and of levels that were given as depths."""
    negative = values < -BELOW_ZERO_M
    if negative.any():
        worst = float(np.nanmin(values))
        notices.add(
            "negative-depth",
            f"{path.name}: {int(negative.sum())} cells have a negative depth (down to {worst:.2f} m), taken as dry",
            subject=path.name,
        )
    if _looks_like_level(values, ground.bed_m):
        notices.add(
            "level-as-depth",
            f"{path.name}: its values lie level while the ground does not: elevations of the water's surface "
            "rather than depths? give --kind level",
            subject=path.name,
        )


def _looks_like_level(values: NDArray[np.float32], bed: NDArray[np.float32]) -> bool:
    """Whether values are far smoother than a water surface would be that they made as depths on this ground."""
    wet = (values > WET_M) & np.isfinite(bed)
    pairs = wet[:, 1:] & wet[:, :-1]
    if pairs.sum() < 50:
        return False
    as_level = np.abs(np.diff(values, axis=1))[pairs]
    as_surface = np.abs(np.diff(values + bed, axis=1))[pairs]
    if float(as_surface.mean()) < 1e-3:
        return False
    above = float((values[wet] >= bed[wet] - 0.05).mean())
    return bool(as_level.mean() < 0.2 * as_surface.mean() and above > 0.9)


def _tell_dry(depth: NDArray[np.float32], reader: _Reader, path: Path) -> None:
    if (depth >= WET_M).any():
        return
    bed = reader.ground.bed_m[np.isfinite(reader.ground.bed_m)]
    what = f"{path.name}: everything stays dry"
    if reader.kind == "level" and np.isfinite(reader.highest):
        what += (
            f" (levels {reader.lowest:.2f} to {reader.highest:.2f} m, ground {bed.min():.2f} to {bed.max():.2f} m); "
            "a stage above a gauge's own zero, or of another datum? --height-offset adds to levels"
        )
    reader.notices.add("dry-flood", what, subject=path.name)


def _from_extent(
    city: City, paths: list[Path], ground: Site, *, name: str, crs: str | None, notices: Notices
) -> ForeignFlood:
    if len(paths) > 1:
        raise UsageError(paths[1], "one file of polygons is one flood", "import them one by one")
    frame = read_extent(city, paths[0], crs=crs, notices=notices)
    depth = extent_depth(frame, ground)
    if not (depth >= WET_M).any():
        notices.add("dry-flood", f"{paths[0].name}: everything stays dry; no polygon lies on the terrain")
    ranges = sorted({(float(a), float(b)) for a, b in zip(frame["depth_low_m"], frame["depth_high_m"], strict=True)
                     if np.isfinite(a) or np.isfinite(b)})  # fmt: skip
    attributes = {
        "quantity": "extent",
        "depth": "from the elevation of the nearest shore (Cohen et al. 2018), within the given ranges",
        "depth_ranges_m": [[None if not np.isfinite(v) else v for v in r] for r in ranges],
    }
    flood = flood_of(
        name, ground.grid, np.array([UNTIMED]), ground.bed_m, StepArrays(depth[None]),
        kind="import", is_preview=True, attributes=attributes,
    )  # fmt: skip
    return ForeignFlood(flood, (paths[0],), {"extent": frame})
