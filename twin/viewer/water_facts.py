"""What a flood does at a place and at a moment, in figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

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


@dataclass(frozen=True, slots=True)
class ClosedRoads:
    """Names of the roads that a flood closes, looked up once: a clock that runs asks ten times a second.

    Parameters
    ----------
    times : array, shape (n,)
        datetime64, ascending: the moments at which roads were looked at.
    names : tuple of n + 1 tuples of str
        Those closed at each moment, in order, and last those that are closed at any.
    """

    times: NDArray[np.datetime64]
    names: tuple[tuple[str, ...], ...]

    def at(self, when: datetime | None) -> tuple[str, ...]:
        """Those closed at a moment, or at any where none is asked for."""
        if when is None or not len(self.times):
            return self.names[-1]
        from twin.water.way_round import utc

        return self.names[max(int(np.searchsorted(self.times, utc(when), side="right")) - 1, 0)]


def closed_roads(tables: dict[str, Any]) -> ClosedRoads:
    """The roads that a flood closes, from the tables of `road_tables`; each name once."""
    if not tables:
        return ClosedRoads(np.array([], "datetime64[ns]"), ((),))
    roads, states = tables["roads"], tables["road_states"]
    column = next((c for c in ("name", "name_ko", "name_en", "road_id") if c in roads), "road_id")
    names_of: dict[str, set[str]] = {}
    for road, name in zip(roads["road_id"].astype(str), roads[column], strict=True):
        if name is not None and str(name).strip():
            names_of.setdefault(road, set()).add(str(name))
    times = states["time"].to_numpy("datetime64[ns]")
    moments, index = np.unique(times, return_inverse=True)
    found: list[set[str]] = [set() for _ in range(len(moments) + 1)]
    is_closed = (states["state"].astype(str) == "closed").to_numpy()
    ids = states["road_id"].astype(str).to_numpy()
    for i, road in zip(index[is_closed].tolist(), ids[is_closed].tolist(), strict=True):
        names = names_of.get(road, set())
        found[i] |= names
        found[-1] |= names
    return ClosedRoads(moments, tuple(tuple(sorted(names)) for names in found))


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
