"""What a flood does at a place and at a moment, in figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from datetime import datetime

    from twin.city.model import City
    from twin.scene.flood_layer import FloodLayer
    from twin.water.flood import Flood
    from twin.water.way_round import Way


@dataclass(frozen=True, slots=True)
class WaterHere:
    """Water at a place.

    Parameters
    ----------
    depth_m : float
        At the moment; NaN outside the flood's grid.
    greatest_m : float
        Of all moments.
    arrival_s : float
        Seconds from the flood's begin until it is wet; NaN where it never is, or where that is not known.
    """

    depth_m: float
    greatest_m: float
    arrival_s: float


def water_at(layer: FloodLayer, x: float, y: float, when: datetime | None) -> WaterHere:
    """What a flood does at a place, as the picture shows it."""
    flood = layer.flood
    rows, columns = flood.grid.rows_cols(np.array([x]), np.array([y]))
    row, column = int(rows[0]), int(columns[0])
    if not (0 <= row < flood.grid.shape[0] and 0 <= column < flood.grid.shape[1]):
        return WaterHere(np.nan, np.nan, np.nan)
    water = layer.at(when).water
    depth = float(water.depth_m[row, column]) if water is not None else np.nan
    return WaterHere(depth, _cell(flood.max_depth_m, row, column), _cell(flood.arrival_s, row, column))


def _cell(values: Any, row: int, column: int) -> float:
    return float(values[row, column]) if values is not None else np.nan


def metres_text(value: float) -> str:
    """A depth in metres; a dash where it is not known.

    Examples
    --------
    >>> metres_text(0.456), metres_text(float("nan"))
    ('0.46', '–')
    """
    return f"{max(value, 0.0):.2f}" if np.isfinite(value) else "–"


def duration_text(seconds: float) -> str:
    """A time from the begin on, as hours and minutes.

    Examples
    --------
    >>> duration_text(5400.0), duration_text(float("nan"))
    ('1:30 h', '–')
    """
    if not np.isfinite(seconds):
        return "–"
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d} h"


def road_tables(city: City, flood: Flood) -> dict[str, Any]:
    """Roads of a city and their states in a flood; empty where the city has none."""
    from twin.core.notices import Notices
    from twin.water.exposure import exposure

    found = exposure(city, flood, notices=Notices())
    return {name: found[name] for name in ("roads", "road_states") if name in found}


def closed_roads(tables: dict[str, Any], when: datetime | None) -> list[str]:
    """Names of the roads that are closed at a moment, or at any where none is asked for; each once, in order."""
    if not tables:
        return []
    states = tables["road_states"]
    closed = states[states["state"].astype(str) == "closed"]
    if when is not None and len(closed):
        from twin.water.way_round import utc

        times = states["time"].to_numpy("datetime64[ns]")
        earlier = times[times <= utc(when)]
        moment = earlier.max() if len(earlier) else times.min()
        closed = closed[closed["time"].to_numpy("datetime64[ns]") == moment]
    ids = set(closed["road_id"].astype(str))
    roads = tables["roads"]
    named = roads[roads["road_id"].astype(str).isin(ids)]
    column = next((c for c in ("name", "name_ko", "name_en", "road_id") if c in named), "road_id")
    return sorted({str(v) for v in named[column] if v is not None and str(v).strip()})


def way_between(
    city: City, tables: dict[str, Any], a: tuple[float, float], b: tuple[float, float], when: Any
) -> Way:
    """The quickest way from A to B that the flood leaves open, beside the one without it.

    Raises
    ------
    UsageError
        If a point has no road nearby.
    """
    from twin.water.exposure import city_network
    from twin.water.way_round import way_round

    states = tables["road_states"]
    moment = when if when is not None else states["time"].max()
    return way_round(city_network(city, tables["roads"]), states, a, b, time=moment)
