"""What a flood does to every road: depth along it over time, how fast one may drive, when it closes and reopens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.city.road_widths import road_widths_m
from twin.core.errors import InputError
from twin.water.depth_ranges import ranges_on
from twin.water.over_decks import road_levels
from twin.water.sampling import CellSets, cells_of, in_water
from twin.water.standards import CLOSED, DEFAULT_ROADS, STATES, road_standard, road_states, safe_speed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.water.flood import Flood
    from twin.water.standards import Limits, RoadStandard

ID_COLUMNS = ("road_id", "id", "gml_id", "osm_id", "lokaalid", "ufid", "fid")
LIMIT_COLUMN = "speed_limit_km_h"


@dataclass(frozen=True, slots=True)
class RoadExposure:
    """A flood on roads.

    Parameters
    ----------
    segments : GeoDataFrame
        One row for each road, in the order given: the worst over time, and when it closes and reopens.
    states : DataFrame
        One row for each road and moment.
    """

    segments: Any
    states: Any


def road_exposure(
    roads: Any,
    flood: Flood,
    *,
    standard: str | Path = DEFAULT_ROADS,
    decks: Any = None,
    water: Any = None,
) -> RoadExposure:
    """Depth, speed and state of every road at every moment of a flood.

    Parameters
    ----------
    roads : GeoDataFrame
        Polygons of roads, or lines with `width_m` or `lanes`; in the flood's CRS. Ids come from `road_id`, `id` or
        another column of `ID_COLUMNS`; without one roads are numbered. `speed_limit_km_h` bounds the speed.
    flood : Flood
    standard : str or path
        A shipped standard of roads, or a ``.toml`` file.
    decks : GeoDataFrame, optional
        Bridges of the city with `deck_m`: a road that runs over one is wet only where the water passes its deck, one
        that passes below is an underpass.

    Returns
    -------
    RoadExposure
        `states` has `road_id`, `time`, `depth_m` (greatest along the road and across its width), `wet_share`,
        `velocity_m_s` and `depth_velocity_m2_s` (greatest, each for itself, where it is as deep as the
        standard's caution; NaN where the flood tells none), `speed_km_h` and `state`; where a flood tells
        depths in classes also their bounds, `depth_low_m` and `depth_high_m`, and the states that they give,
        `state_low` and `state_high`. `segments` has the same as `max_...`, `state`, `closes_at` (first moment
        closed), `reopens_at` (first moment after the last closed one), `closes_after_s`, `closed_s`,
        `n_closings`, `on_deck`, `underpass`, `known_share` (part of it that lies in the flood), and the
        geometry.

    Raises
    ------
    InputError
        If there are shapes that are neither lines nor polygons, or ids are not unique.

    Notes
    -----
    Moments are those of the flood: a road that closes and reopens between two of them tells so in `max_depth_m` and
    `state`, which are taken from the greatest depth of the whole computation, but has no `closes_at`.
    """
    rule = road_standard(standard)
    ids = road_ids(roads)
    cells = cells_of(road_shapes(roads), flood.grid)
    bed = cells.take(flood.bed_m)
    levels = road_levels(roads, cells, bed, flood.grid, decks)
    keep = ~(in_water(cells, flood.grid, water) & np.isnan(levels.deck_above_bed_m))
    cells, raised = cells.kept(keep), levels.deck_above_bed_m[keep]
    is_known = np.isfinite(bed[keep]).astype(np.float32)
    values = _over_time(flood, cells, raised, rule)
    state = road_states_of(rule, levels.is_underpass, (values.depth, values.velocity, values.product))
    segments = _segments(roads, ids, flood, values, state)
    segments["known_share"] = np.nan_to_num(cells.mean(is_known))
    segments["on_deck"], segments["underpass"] = levels.is_on_deck, levels.is_underpass
    peak = _at_peak(flood, cells, raised, rule.limits[0].depth_m)
    # The greatest speed may have been that of a film, which no raster tells
    worst = (peak[0], np.full_like(peak[0], np.nan), peak[2])
    _take_peak(segments, peak, road_states_of(rule, levels.is_underpass, worst))
    states = _long(ids, flood, values, state, rule=rule, roads=roads)
    _add_ranges(segments, states, ranges_on(flood, cells, raised), rule, levels.is_underpass)
    return RoadExposure(segments, states)


def road_ids(roads: Any) -> NDArray[Any]:
    """Ids of roads as texts.

    Raises
    ------
    InputError
        If they are not unique.
    """
    column = next((c for c in ID_COLUMNS if c in roads), None)
    if column is None:
        return np.array([f"road-{n:06d}" for n in range(1, len(roads) + 1)], object)
    ids = roads[column].astype(str).to_numpy(object)
    found, counts = np.unique(ids.astype(str), return_counts=True)
    if len(found) < len(ids):
        twice = str(found[np.argmax(counts)])
        raise InputError("roads", f"{column} {twice!r} stands for {counts.max()} roads", "give each its own")
    return ids


def road_shapes(roads: Any) -> NDArray[Any]:
    """Roads as polygons: lines get their width.

    Raises
    ------
    InputError
        If there are shapes of another kind.
    """
    shapes = np.asarray(roads.geometry.array)
    kind = shapely.get_dimensions(shapes)
    if (kind == 0).any():
        raise InputError("roads", f"{int((kind == 0).sum())} of them are points", "give lines or polygons")
    lines = kind == 1
    if lines.any():
        shapes = shapes.copy()
        half = road_widths_m(roads)[lines] / 2
        shapes[lines] = shapely.buffer(shapes[lines], half, cap_style="flat", join_style="mitre")
    return shapes


@dataclass(frozen=True, slots=True)
class Values:
    """Greatest depth, speed and product of each road at each moment, shape (t, n); NaN where unknown."""

    depth: NDArray[np.float32]
    velocity: NDArray[np.float32]
    product: NDArray[np.float32]
    wet_share: NDArray[np.float32]


def _over_time(flood: Flood, cells: CellSets, raised: NDArray[np.float32], rule: RoadStandard) -> Values:
    rows = list(_each_step(flood, cells, raised, rule.limits[0].depth_m))
    return Values(*(np.stack([r[k] for r in rows]).astype(np.float32) for k in range(4)))


def _each_step(
    flood: Flood, cells: CellSets, raised: NDArray[np.float32], wet_m: float
) -> Iterator[tuple[NDArray[Any], ...]]:
    nothing = np.full(len(cells), np.nan, np.float32)
    for step in range(flood.n_steps):
        depth = _over_decks(cells.take(flood.depth_m(step)), raised)
        share = cells.mean(np.where(np.isnan(depth), np.nan, depth >= wet_m))
        flow = flood.velocity(step)
        if flow is None:
            yield cells.greatest(depth), nothing, nothing, share
            continue
        # A film of rain may run fast, but moves nothing
        speed = np.where(depth >= wet_m, np.hypot(cells.take(flow[0]), cells.take(flow[1])), 0.0)
        yield cells.greatest(depth), cells.greatest(speed), cells.greatest(speed * depth), share


def _over_decks(depth: NDArray[np.float32], raised: NDArray[np.float32]) -> NDArray[np.float32]:
    """Depth on the road itself: what passes the deck where the road runs over one."""
    return np.where(np.isnan(raised), depth, np.maximum(depth - np.nan_to_num(raised), 0))


def _at_peak(
    flood: Flood, cells: CellSets, raised: NDArray[np.float32], wet_m: float
) -> tuple[NDArray[np.float32], ...]:
    """Greatest depth, speed and product from the rasters of the whole computation."""
    depth = _over_decks(cells.take(flood.max_depth_m), raised)
    found = [cells.greatest(depth)]
    for raster in (flood.max_velocity_m_s, flood.max_depth_velocity_m2_s):
        # Below a deck that stays dry the river may be fast; the road is not
        there = (
            np.full(len(depth), np.nan)
            if raster is None
            else np.where(depth >= wet_m, cells.take(raster), 0.0)
        )
        there = np.where(np.isnan(raised), there, np.nan)
        found.append(cells.greatest(there.astype(np.float32)))
    return tuple(found)


def road_states_of(
    rule: RoadStandard, is_underpass: NDArray[np.bool_], values: tuple[NDArray[np.float32], ...]
) -> NDArray[np.int8]:
    """Codes of states, by the rule of underpasses where a road is one; last axis the roads."""

    def by(limits: tuple[Limits, ...]) -> NDArray[np.int8]:
        return road_states(limits, *values)

    return np.where(is_underpass, by(rule.underpass), by(rule.limits))


def _segments(roads: Any, ids: NDArray[Any], flood: Flood, values: Values, state: NDArray[np.int8]) -> Any:
    import geopandas

    closed = state >= CLOSED
    ever = closed.any(axis=0)
    first = closed.argmax(axis=0)
    after = len(closed) - closed[::-1].argmax(axis=0)  # the step after the last closed one
    times = flood.times.astype("datetime64[ns]")
    never = np.datetime64("NaT")
    seconds = (flood.times - flood.times[0]).astype(np.float64)
    spans = np.append(np.diff(seconds), 0.0)
    starts = closed & ~np.vstack([np.zeros((1, closed.shape[1]), np.bool_), closed[:-1]])
    columns: dict[str, Any] = {
        "road_id": ids,
        "max_depth_m": _nanmax(values.depth),
        "max_velocity_m_s": _nanmax(values.velocity),
        "max_depth_velocity_m2_s": _nanmax(values.product),
        "state": state.max(axis=0),
        "closes_at": np.where(ever, times[first], never),
        "reopens_at": np.where(ever & (after < len(times)), times[np.minimum(after, len(times) - 1)], never),
        "closes_after_s": np.where(ever, seconds[first], np.nan),
        "closed_s": spans @ closed,
        "n_closings": starts.sum(axis=0),
    }
    for name in ("name", "class", "part"):
        if name in roads:
            columns[name] = roads[name].to_numpy()
    return geopandas.GeoDataFrame(columns, geometry=np.asarray(roads.geometry.array), crs=roads.crs)


def _take_peak(
    segments: Any,
    peak: tuple[NDArray[np.float32], ...],
    state: NDArray[np.int8],
) -> None:
    """Let the greatest values of the whole computation count, and name the states."""
    for column, values in zip(
        ("max_depth_m", "max_velocity_m_s", "max_depth_velocity_m2_s"), peak, strict=True
    ):
        segments[column] = np.fmax(segments[column].to_numpy(), values)
    segments["state"] = state_names(np.maximum(segments["state"].to_numpy(), state))


def state_names(codes: NDArray[np.int8]) -> Any:
    """Codes of states as an ordered category; -1 becomes missing."""
    import pandas as pd

    return pd.Categorical.from_codes(codes, categories=pd.Index(STATES), ordered=True)


def _long(
    ids: NDArray[Any],
    flood: Flood,
    values: Values,
    state: NDArray[np.int8],
    *,
    rule: RoadStandard,
    roads: Any,
) -> Any:
    import pandas as pd

    t, n = state.shape
    speed = np.where(np.isnan(values.depth), np.nan, safe_speed(rule.speed, values.depth))
    if LIMIT_COLUMN in roads:
        limit = pd.to_numeric(roads[LIMIT_COLUMN], errors="coerce")
        speed = np.fmin(speed, limit.to_numpy(np.float64, na_value=np.nan))
    columns: dict[str, Any] = {
        "road_id": pd.Categorical.from_codes(np.tile(np.arange(n), t), categories=pd.Index(ids)),
        "time": np.repeat(flood.times.astype("datetime64[ns]"), n),
        "depth_m": values.depth.ravel(),
        "wet_share": values.wet_share.ravel(),
        "velocity_m_s": values.velocity.ravel(),
        "depth_velocity_m2_s": values.product.ravel(),
        "speed_km_h": np.where(state >= CLOSED, 0.0, speed).astype(np.float32).ravel(),
        "state": state_names(state.ravel()),
    }
    return pd.DataFrame(columns)


def _add_ranges(
    segments: Any,
    states: Any,
    ranges: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
    rule: RoadStandard,
    is_underpass: NDArray[np.bool_],
) -> None:
    """Bounds of the depth, and the states that they give, where the flood has them."""
    for name, depth in zip(("low", "high"), ranges or (), strict=False):
        code = road_states_of(
            rule, is_underpass, (depth, np.full_like(depth, np.nan), np.full_like(depth, np.nan))
        )
        states[f"depth_{name}_m"], states[f"state_{name}"] = depth.ravel(), state_names(code.ravel())
        segments[f"max_depth_{name}_m"] = _nanmax(depth)
        segments[f"state_{name}"] = state_names(code.max(axis=0))


def _nanmax(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.fmax.reduce(values, axis=0), np.float32)
