"""Floods that others computed or mapped: read, brought onto the city's ground, and judged by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from twin.core.crs import horizontal, parse_crs
from twin.core.errors import InputError, InputNotFoundError, UsageError
from twin.core.limits import check_limit, limits
from twin.core.notices import Notices
from twin.sources.layer_paths import split_layer
from twin.water.extent import extent_depth, read_extent
from twin.water.flood import UNTIMED, WET_M, Flood, StepArrays, flood_of
from twin.water.ground import USUAL_CELL_M, Site, site, site_grid
from twin.water.raster_steps import RasterStep, raster_steps, step_times, values_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.city.model import City

Quantity = Literal["depth", "level", "extent"]
GREATEST_DEPTH_M = 100.0
"""Deeper water is none of a city's streets, but a wrong unit."""
BELOW_ZERO_M = 1e-3


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
    quantity: Literal["depth", "level"] = "level" if kind == "level" else "depth"
    steps = raster_steps(paths, quantity, variable=variable)
    if kind == "level" and steps[0].source is not None:
        what = f"{paths[0].name}: names no vertical datum; its levels are taken as the city's"
        told.add("level-datum", what, subject=paths[0].name)
    times = step_times(steps, paths[0], start=start, every_s=every_s)
    check_limit(city.path, "cells over time", len(steps) * ground.bed_m.size, limits().max_raster_cells,
                name="max_raster_cells")  # fmt: skip
    depth = np.stack([reader.read(step) for step in steps])
    _tell_dry(depth, reader, paths[0])
    flood = flood_of(name, ground.grid, times, ground.bed_m, StepArrays(depth), kind="import",
                     attributes={"quantity": kind})  # fmt: skip
    return ForeignFlood(flood, tuple(dict.fromkeys([*paths, *(s.path for s in steps)])))


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

    def read(self, step: RasterStep) -> NDArray[np.float32]:
        """Depth of a step, 0 where dry, NaN outside the terrain."""
        values = values_on(
            step, self.ground.grid, crs=self.crs, assume_crs=self.assumed,
            height_offset_m=self.height_offset_m if self.kind == "level" else None, notices=self.notices,
        )  # fmt: skip
        return self.depth(values, step.path)

    def depth(self, values: NDArray[np.float32], path: Path) -> NDArray[np.float32]:
        """Depth of a step, 0 where dry, NaN outside the terrain."""
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
