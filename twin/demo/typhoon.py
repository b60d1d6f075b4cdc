"""The typhoon as a flood: rain, river, tide and canal of the script over the built city, on its clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.files import make_folder, write_text
from twin.demo import skeleton as sk
from twin.demo.ground import UNDERPASS_END_M, ground_at_many
from twin.demo.stations import stations_of
from twin.demo.storm import PUMPED_M3_S, START, make_storm
from twin.demo.terrain import underpass_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.core.progress import Progress
    from twin.demo.layout import Layout

NAME = "typhoon"
HOURS = 6.0
CELL_SIZE_M = 3.0
MOST_CELLS = 80_000
LARGEST_CELL_M = 6.0
"""Streets are not much wider."""
EVERY_S = 300.0
SEEPING_MM_H = 20.0
"""What lawns and fields take."""
RAIN, LEVELS, PUMPS = "rain.csv", "levels.csv", "pumps.csv"
_BESIDE_DECK_M = 14.0
"""Sumps lie in the open, beside the deck."""


@dataclass(frozen=True, slots=True)
class Typhoon:
    """The tables that drive the flood.

    Parameters
    ----------
    rain, levels : Path
        mm/h; levels of river, sea and canal where they are measured, m.
    pumps : Path or None
        What is pumped out of underpasses, m3/s; None where there are none.
    """

    rain: Path
    levels: Path
    pumps: Path | None

    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return tuple(p for p in (self.rain, self.levels, self.pumps) if p is not None)


def typhoon_of(folder: Path) -> Typhoon:
    """Where the tables of a district lie."""
    pumps = folder / PUMPS
    return Typhoon(folder / RAIN, folder / LEVELS, pumps if pumps.exists() else None)


def write_typhoon(layout: Layout, folder: Path) -> Typhoon:
    """Write what drives the flood, as offices deliver it; times are those of what the stations report."""
    storm = make_storm(layout.seed)
    make_folder(folder)
    moments = np.datetime64(START.removesuffix("Z"), "s") + np.arange(len(storm.hours)).astype(
        "timedelta64[m]"
    )
    _write(folder / RAIN, "time,mm_h", zip(moments, storm.rain_mm_h.tolist(), strict=True))
    series = {"river_gauge": storm.river_m, "tide_gauge": storm.tide_m, "canal_gauge": storm.canal_m}
    gauges = [s for s in stations_of(layout) if s.kind in series]
    rows = [
        (moment, *_on_map(gauge.uvz[:2]), round(float(level), 4))
        for gauge in gauges
        for moment, level in zip(moments, series[gauge.kind], strict=True)
    ]
    _write(folder / LEVELS, "time,x,y,level_m", rows)
    pumps = [(moments[0], *_on_map(p), -q) for p, q in _pumps(layout)]
    if pumps:
        _write(folder / PUMPS, "time,x,y,m3_per_s", pumps)
    else:
        (folder / PUMPS).unlink(missing_ok=True)
    return typhoon_of(folder)


def _write(path: Path, head: str, rows: Iterable[tuple[Any, ...]]) -> None:
    lines = [",".join([f"{moment}Z", *(str(v) for v in values)]) for moment, *values in rows]
    write_text(path, "\n".join([head, *lines]) + "\n")


def _on_map(uv: Any) -> tuple[float, float]:
    x, y = sk.to_world(np.array([uv], np.float64))[0].round(2).tolist()
    return x, y


def _pumps(layout: Layout) -> list[tuple[NDArray[np.float64], float]]:
    """The sump at the lowest place of each underpass that the deck leaves open, and what its pump takes, m3/s."""
    found = []
    for i, j in underpass_nodes(layout.skeleton):
        node = layout.skeleton.node(i, j)
        places = []
        for other in (layout.skeleton.node(i, j - 1), layout.skeleton.node(i, j + 1)):
            along = (other - node) / np.hypot(*(other - node))
            across = np.array([-along[1], along[0]])
            t, s = np.meshgrid(np.arange(_BESIDE_DECK_M, UNDERPASS_END_M / 2), np.arange(-6.0, 6.5))
            places.append(node + t.reshape(-1, 1) * along + s.reshape(-1, 1) * across)
        floor = np.concatenate(places)
        found.append((floor[np.argmin(ground_at_many(floor, layout.terrain)[0])], PUMPED_M3_S))
    return found


def cell_size_of(city: City) -> float | None:
    """Side of the cells that keep the computation within a minute, m; None for a district that is too large."""
    x0, y0, _, x1, y1, _ = city.manifest.bounds
    size = max(CELL_SIZE_M, float(np.ceil(np.sqrt((x1 - x0) * (y1 - y0) / MOST_CELLS) * 2) / 2))
    return size if size <= LARGEST_CELL_M else None


def flood_district(city: City, files: Typhoon, *, notices: Notices, progress: Progress | None = None) -> City:
    """Compute the typhoon's flood and keep it in the city as ``typhoon``, with what it does to roads and buildings.

    A district that is too large for a demonstration is left as it is, and a notice says so.

    Raises
    ------
    TwinError
        One of its leaves, as in `twin.water.simulate` and `twin.water.store_flood`.
    """
    from twin.city.plan import sources_of
    from twin.water.exposure import expose
    from twin.water.flood_store import store_flood
    from twin.water.simulation import simulate

    size = cell_size_of(city)
    if size is None:
        notices.add(
            "no-flood",
            f"the district is too large to flood it here; see twin flood simulate and {files.rain.parent}",
        )
        return city
    flood = simulate(
        city, hours=HOURS, rain=files.rain, tide=files.levels, inflow=files.pumps, name=NAME,
        cell_size_m=size, infiltration_mm_h=SEEPING_MM_H, output_every_s=EVERY_S,
        notices=notices, progress=progress,
    )  # fmt: skip
    run = {"parameters": flood.attributes["parameters"]}
    inputs = [s for path in files.paths() for s in sources_of(path)]
    stored = store_flood(city, flood, run=run, inputs=inputs, force=True, notices=notices)
    return expose(stored, flood, notices=notices)


@dataclass(frozen=True, slots=True)
class Shut:
    """Something that the flood shuts: when first, until when (None: to the end), and how deep the water stood."""

    name: str
    since: np.datetime64
    until: np.datetime64 | None
    depth_m: float

    def as_json(self) -> dict[str, Any]:
        """Plain values; moments in UTC."""
        until = None if self.until is None else f"{self.until}Z"
        return {
            "name": self.name,
            "since": f"{self.since}Z",
            "until": until,
            "depth_m": round(self.depth_m, 3),
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the typhoon did.

    Parameters
    ----------
    m2_wet : float
        Land and water under more than a centimetre at some time.
    roads, roads_closed, buildings, buildings_wet : int
        How many there are, and how many of them were closed, or wet inside.
    underpasses : tuple of Shut
        Those that were closed.
    hospital : Shut or None
        When no road that is safe for all leads from the hospital to the north any more, and the water on the way there.
    """

    m2_wet: float
    roads: int
    roads_closed: int
    buildings: int
    buildings_wet: int
    underpasses: tuple[Shut, ...]
    hospital: Shut | None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": NAME, "m2_wet": self.m2_wet, "roads": self.roads, "roads_closed": self.roads_closed,
            "buildings": self.buildings, "buildings_wet": self.buildings_wet,
            "underpasses": [u.as_json() for u in self.underpasses],
            "hospital": None if self.hospital is None else self.hospital.as_json(),
        }  # fmt: skip


def outcome(city: City, layout: Layout) -> Outcome:
    """What the typhoon did, from the tables that lie beside the flood.

    Raises
    ------
    InputError
        If the city has no such flood.
    """
    from twin.city.tables import read_table

    tables = {
        k: read_table(city.path, f"water/{NAME}/{k}.parquet") for k in ("roads", "road_states", "buildings")
    }
    roads, wet = tables["roads"], tables["buildings"]["wet_storeys"].fillna(0) > 0
    under = roads[roads["underpass"] & roads["closes_at"].notna()]
    return Outcome(
        float(city.manifest.layers[NAME].counts["m2 wet"]),
        len(roads),
        int((roads["state"].astype(str) == "closed").sum()),
        len(wet),
        int(wet.sum()),
        tuple(
            Shut(str(u["name"]), _moment(u["closes_at"]), _moment(u["reopens_at"]), float(u["max_depth_m"]))
            for _, u in under.iterrows()
        ),
        _hospital_cut(city, roads, tables["road_states"], northern_exit(layout)),
    )


def _moment(value: Any) -> Any:
    import pandas as pd

    return None if pd.isna(value) else np.datetime64(value, "s")


def _hospital_cut(city: City, roads: Any, states: Any, north: tuple[float, float]) -> Shut | None:
    """From when to when no dry or hardly wet road leads from the hospital to the north."""
    from twin.water.exposure import city_network
    from twin.water.way_round import way_round

    hospitals = city.buildings[city.buildings["use"].astype(str) == "hospital"]
    if not len(hospitals):
        return None
    place = hospitals.geometry.iloc[0].centroid
    network = city_network(city, roads)
    moments = np.unique(states["time"].to_numpy("datetime64[s]"))
    ways = [
        way_round(network, states, (place.x, place.y), north, time=t, passable="caution") for t in moments
    ]
    shut = np.array([not way.reached for way in ways])
    if not shut.any():
        return None
    first = int(np.argmax(shut))
    again = np.flatnonzero(~shut[first:])
    closed = roads[roads["road_id"].isin(ways[first].closed_on_dry_way)]
    until = moments[first + again[0]] if len(again) else None
    return Shut(str(hospitals["name"].iloc[0]), moments[first], until, float(closed["max_depth_m"].max()))


def northern_exit(layout: Layout) -> tuple[float, float]:
    """Where the avenue of the first underpass, or the first street, leaves the net to the north."""
    skeleton = layout.skeleton
    i = underpass_nodes(skeleton)[0][0] if underpass_nodes(skeleton) else 0
    return _on_map(skeleton.node(i, skeleton.ny))
