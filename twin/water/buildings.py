"""What a flood does to every building: depth at its walls, wet storeys, water inside, danger, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.reconstruct.raster_marks import cells_within
from twin.water.depth_ranges import ranges_on
from twin.water.flood import ARRIVED_M
from twin.water.sampling import cells_of, in_water
from twin.water.standards import DEFAULT_HAZARD, hazard_classes, hazard_standard, limit_classes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.water.flood import Flood
    from twin.water.sampling import CellSets
    from twin.water.standards import HazardStandard

STOREY_M = 3.0
RING_CELLS = 1.25
"""How far from its footprint water stands at a building's walls, in cells."""
LEAST_RING_M = 1.0


def building_exposure(
    buildings: Any,
    flood: Flood,
    *,
    hazard: str | Path = DEFAULT_HAZARD,
    water: Any = None,
    wet_from_m: float = ARRIVED_M,
    storey_height_m: float = STOREY_M,
) -> Any:
    """Water at the walls of every building.

    Parameters
    ----------
    buildings : GeoDataFrame
        Footprints with `id`; `floor_m` (elevation of the ground floor), `storeys`, `storey_height_m` and `height_m`
        are used where they are there.
    flood : Flood
    hazard : str or path
        A shipped standard of hazard classes, or a ``.toml`` file.
    water : GeoDataFrame, optional
        Waters of the map; a river that runs along a wall does not count with its own depth.
    wet_from_m : float
        Depth from which on a wall counts as wet, m; less is a film, which endangers nobody however fast it runs.
    storey_height_m : float
        Where a building tells none, m.

    Returns
    -------
    GeoDataFrame
        One row for each building: `building_id`; `depth_m` and `depth_mean_m`, greatest and mean over the cells
        beside its walls at their worst; `level_m`, the highest level of that water; `velocity_m_s`,
        `depth_velocity_m2_s`; `inside_m`, `wet_storeys`, `water_m3`; `hazard` and `hazard_class` (0 dry); `first_wet`,
        `first_wet_s`, `wet_s`; `n_wall_cells`; the geometry. A building without a free wall in the flood has NaN.
        Where a flood tells depths in classes their bounds are `depth_low_m` and `depth_high_m`.

    Notes
    -----
    Walls are the cells whose centre lies outside every footprint and within one and a quarter of a cell of
    this one (a metre at least); water under a footprint is not counted. The depth inside is the greatest,
    over the walls, of the depth there or of what stands above the floor, whichever is less, ``h = max(min(d,
    z + d - floor), 0)``: a film of rain that runs down a slope behind a house does not fill it to that
    height. Of a building that is wet, all storeys that the depth reaches count, and the water in it is
    footprint area times that depth, no more than its height: walls, furniture and basements are left out of
    account, and doors are taken to be open.
    """
    rule = hazard_standard(hazard)
    shapes = np.asarray(buildings.geometry.array)
    cells = wall_cells(shapes, flood)
    cells = cells.kept(~in_water(cells, flood.grid, water))
    bed = cells.take(flood.bed_m)
    floor = _floor_m(buildings, cells, bed)
    worst = _over_time(flood, cells, bed - floor[cells.owner], rule, wet_from_m)
    _take_peak(worst, flood, cells, bed - floor[cells.owner], rule=rule, wet_m=wet_from_m)
    return _table(
        buildings, flood, cells, worst,
        rule=rule, wet_m=wet_from_m, storey_height_m=storey_height_m, bed=bed,
    )  # fmt: skip


def wall_cells(shapes: NDArray[Any], flood: Flood) -> CellSets:
    """Cells beside the walls of footprints, none under any of them."""
    reach = max(RING_CELLS * flood.grid.cell_size_m, LEAST_RING_M)
    around = cells_of(shapely.buffer(shapes, reach, join_style="round"), flood.grid)
    return around.kept(~around.take(cells_within(shapes, flood.grid)))


@dataclass(slots=True)
class _Worst:
    """What was found for each building so far, shape (n,); NaN where nothing is known."""

    depth: NDArray[np.float32]
    mean: NDArray[np.float64]
    inside: NDArray[np.float32]
    velocity: NDArray[np.float32]
    product: NDArray[np.float32]
    hazard: NDArray[np.float32]
    first_wet_s: NDArray[np.float64]
    wet_s: NDArray[np.float64]


def _over_time(
    flood: Flood, cells: CellSets, above_floor: NDArray[np.float32], rule: HazardStandard, wet_m: float
) -> _Worst:
    worst = _nothing_known(len(cells))
    seconds = (flood.times - flood.times[0]).astype(np.float64)
    spans = np.append(np.diff(seconds), 0.0)
    for step, (depth, speed) in enumerate(_each_step(flood, cells)):
        _take(worst, cells, depth, speed, above_floor)
        worst.hazard = np.fmax(worst.hazard, _class_of(rule, cells, depth, speed, wet_m))
        wet = np.nan_to_num(cells.greatest(depth)) >= wet_m
        worst.first_wet_s[wet & np.isnan(worst.first_wet_s)] = seconds[step]
        worst.wet_s += wet * spans[step]
    return worst


def _nothing_known(n: int) -> _Worst:
    def unknown() -> NDArray[np.float32]:
        return np.full(n, np.nan, np.float32)

    return _Worst(
        depth=unknown(), mean=np.full(n, np.nan), inside=unknown(), velocity=unknown(),
        product=unknown(), hazard=unknown(), first_wet_s=np.full(n, np.nan), wet_s=np.zeros(n),
    )  # fmt: skip


def _each_step(
    flood: Flood, cells: CellSets
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32] | None]]:
    for step in range(flood.n_steps):
        flow = flood.velocity(step)
        speed = None if flow is None else np.hypot(cells.take(flow[0]), cells.take(flow[1]))
        yield cells.take(flood.depth_m(step)), speed


def _class_of(
    rule: HazardStandard,
    cells: CellSets,
    depth: NDArray[np.float32],
    speed: NDArray[np.float32] | None,
    wet_m: float,
) -> NDArray[np.float32]:
    """Worst class of each building, films left out; NaN where it has no wall in the flood."""
    deep = np.where(depth >= wet_m, depth, 0)
    found = hazard_classes(rule, deep, 0.0 if speed is None else speed).astype(np.float32)
    return np.asarray(cells.greatest(np.where(np.isnan(depth), np.float32(np.nan), found)))


def _take(
    worst: _Worst,
    cells: CellSets,
    depth: NDArray[np.float32],
    speed: NDArray[np.float32] | None,
    above_floor: NDArray[np.float32],
) -> None:
    inside = np.maximum(np.minimum(depth, depth + above_floor), 0)
    worst.depth = np.fmax(worst.depth, cells.greatest(depth))
    worst.mean = np.fmax(worst.mean, cells.mean(depth))
    worst.inside = np.fmax(worst.inside, cells.greatest(inside))
    if speed is not None:
        worst.velocity = np.fmax(worst.velocity, cells.greatest(speed))
        worst.product = np.fmax(worst.product, cells.greatest(speed * depth))


def _take_peak(
    worst: _Worst,
    flood: Flood,
    cells: CellSets,
    above_floor: NDArray[np.float32],
    *,
    rule: HazardStandard,
    wet_m: float,
) -> None:
    """Let the greatest values of the whole computation count, which may lie between two moments."""
    depth = cells.take(flood.max_depth_m)
    _take(worst, cells, depth, None, above_floor)
    worst.velocity = np.fmax(worst.velocity, _greatest_or_none(flood.max_velocity_m_s, cells))
    worst.product = np.fmax(worst.product, _greatest_or_none(flood.max_depth_velocity_m2_s, cells))
    if not rule.limits:  # a rating joins depth and speed of one moment, which maxima do not tell
        return
    product = flood.max_depth_velocity_m2_s
    of_cells = 0.0 if product is None else cells.take(product)
    deep = np.where(depth >= wet_m, depth, 0)
    # The greatest speed may have been that of a film, which no raster tells
    found = limit_classes(rule, deep, np.zeros_like(deep), np.broadcast_to(of_cells, deep.shape))
    at_peak = cells.greatest(np.where(np.isnan(depth), np.float32(np.nan), found.astype(np.float32)))
    worst.hazard = np.fmax(worst.hazard, at_peak)


def _greatest_or_none(raster: NDArray[np.float32] | None, cells: CellSets) -> NDArray[np.float32]:
    none = np.full(len(cells), np.nan, np.float32)
    return none if raster is None else np.asarray(cells.greatest(cells.take(raster)))


def _floor_m(buildings: Any, cells: CellSets, bed: NDArray[np.float32]) -> NDArray[np.float32]:
    """Elevation of each ground floor: the building's own, or the lowest ground at its walls."""
    lowest = np.asarray(cells.least(bed), np.float32)
    own = _numbers(buildings, "floor_m")
    return np.where(np.isnan(own), lowest, own).astype(np.float32)


def _numbers(buildings: Any, column: str) -> NDArray[np.float64]:
    import pandas as pd

    if column not in buildings:
        return np.full(len(buildings), np.nan)
    return np.asarray(pd.to_numeric(buildings[column], errors="coerce"), np.float64)


def _storeys(buildings: Any, inside: NDArray[np.float64], storey_height_m: float) -> NDArray[np.float64]:
    """Storeys that the water inside reaches, of those that the building has."""
    own = _numbers(buildings, "storey_height_m")
    height = np.where(own > 0, own, storey_height_m)
    reached = np.ceil(np.round(inside / height, 9))
    there = _numbers(buildings, "storeys")
    return np.where(there > 0, np.minimum(reached, there), reached)


def _first_wet_s(flood: Flood, cells: CellSets, worst: _Worst, wet_m: float) -> NDArray[np.float64]:
    """Seconds until the walls are wet: to the step of the computation where it noted that very depth."""
    if flood.arrival_s is None or wet_m != ARRIVED_M:
        return worst.first_wet_s
    return np.fmin(worst.first_wet_s, cells.least(cells.take(flood.arrival_s)))


def _table(
    buildings: Any,
    flood: Flood,
    cells: CellSets,
    worst: _Worst,
    *,
    rule: HazardStandard,
    wet_m: float,
    storey_height_m: float,
    bed: NDArray[np.float32],
) -> Any:
    import geopandas
    import pandas as pd

    shapes = np.asarray(buildings.geometry.array)
    unknown = np.isnan(worst.depth)
    inside = np.where(worst.depth >= wet_m, worst.inside, np.where(unknown, np.nan, 0.0)).astype(np.float64)
    height = _numbers(buildings, "height_m")
    standing = np.where(height > 0, np.fmin(inside, height), inside)
    first = _first_wet_s(flood, cells, worst, wet_m)
    peak = cells.take(flood.max_depth_m)
    code = np.where(unknown, -1, np.nan_to_num(worst.hazard)).astype(np.int8)
    columns: dict[str, Any] = {
        "building_id": buildings["id"].astype(str).to_numpy(object),
        "depth_m": worst.depth,
        "depth_mean_m": worst.mean.astype(np.float32),
        "level_m": cells.greatest(np.where(peak >= wet_m, bed + peak, np.float32(np.nan))),
        "velocity_m_s": worst.velocity,
        "depth_velocity_m2_s": worst.product,
        "inside_m": inside.astype(np.float32),
        "wet_storeys": pd.Series(_storeys(buildings, inside, storey_height_m)).astype("Int16"),
        "water_m3": np.round(shapely.area(shapes) * standing, 3),
        "hazard_class": code,
        "hazard": pd.Categorical.from_codes(code, categories=pd.Index(["dry", *rule.classes]), ordered=True),
        "first_wet": _moments(flood, first),
        "first_wet_s": first,
        "wet_s": np.where(unknown, np.nan, worst.wet_s),
        "n_wall_cells": cells.counts,
    }
    for bound, depth in zip(("low", "high"), ranges_on(flood, cells) or (), strict=False):
        columns[f"depth_{bound}_m"] = np.fmax.reduce(depth, axis=0)
    return geopandas.GeoDataFrame(columns, geometry=shapes, crs=buildings.crs)


def _moments(flood: Flood, seconds: NDArray[np.float64]) -> NDArray[np.datetime64]:
    whole = np.nan_to_num(np.round(seconds)).astype("timedelta64[s]")
    moments = (flood.times[0] + whole).astype("datetime64[ns]")
    return np.where(np.isnan(seconds), np.datetime64("NaT"), moments)
