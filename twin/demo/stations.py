"""Two hundred measuring things of the district, with places, units and what moves their values."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.demo import names
from twin.demo import skeleton as sk
from twin.demo.blocks import column_id, column_name, row_name
from twin.demo.ground import CREST_M, bank_offset, ground_at_many
from twin.demo.layout import cell_plan
from twin.demo.recipes import STOREY_M
from twin.demo.terrain import river_bridge_columns, underpass_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from twin.demo.layout import Layout
    from twin.demo.names import Name
    from twin.demo.plan import Building

N_THINGS = 200
ROOMS_PER_STOREY = 8
MAX_CELLS = 60
"""Stations stand in the first blocks of a large district."""


class Property(NamedTuple):
    """An observed property with its unit by UCUM and how often it is measured."""

    key: str
    name: str
    unit: str
    ucum: str
    every_s: int


PROPERTIES = {
    p.key: p
    for p in (
        Property("water_level", "Water level", "m", "m", 60),
        Property("water_depth", "Water depth", "m", "m", 60),
        Property("rain_rate", "Rainfall intensity", "mm/h", "mm/h", 60),
        Property("wind_speed", "Wind speed", "m/s", "m/s", 60),
        Property("wind_direction", "Wind direction", "°", "deg", 60),
        Property("air_pressure", "Air pressure", "hPa", "hPa", 60),
        Property("air_temperature", "Air temperature", "°C", "Cel", 300),
        Property("relative_humidity", "Relative humidity", "%", "%", 300),
        Property("pm2_5", "PM2.5", "µg/m³", "ug/m3", 300),
        Property("pm10", "PM10", "µg/m³", "ug/m3", 300),
        Property("o3", "Ozone", "ppm", "[ppm]", 300),
        Property("no2", "Nitrogen dioxide", "ppm", "[ppm]", 300),
        Property("co", "Carbon monoxide", "ppm", "[ppm]", 300),
        Property("sound_level", "Sound level (LAeq)", "dB(A)", "dB", 120),
        Property("vehicle_count", "Vehicles in five minutes", "1", "{#}", 300),
        Property("vehicle_speed", "Mean speed", "km/h", "km/h", 300),
        Property("power", "Electric power drawn", "kW", "kW", 300),
        Property("pv_power", "Electric power fed in", "kW", "kW", 300),
        Property("heat_power", "Heat drawn", "kW", "kW", 300),
        Property("water_flow", "Water drawn", "L/min", "L/min", 300),
        Property("room_temperature", "Room temperature", "°C", "Cel", 300),
        Property("co2", "Carbon dioxide", "ppm", "[ppm]", 300),
        Property("occupancy", "People in the room", "1", "{#}", 300),
        Property("smoke", "Smoke obscuration", "%/m", "%/m", 300),
    )
}


@dataclass(frozen=True, slots=True)
class Station:
    """One thing.

    Parameters
    ----------
    id : str
        Unique in the district.
    kind : str
        river_gauge, rain_gauge, energy_meter, ...; what its values follow.
    name : Name
        In Korean and English.
    uvz : tuple of float
        Place in the local frame and elevation, metres.
    properties : tuple of str
        Keys of `PROPERTIES`, one for each datastream.
    zero_m : float or None
        Elevation of a gauge's zero.
    building, room : str
        Where it hangs, if it hangs in one; the storey counts from 1.
    road : str
        Segment of the road that it counts vehicles on.
    storey : int
        0 outside of buildings.
    scale : float
        Size of what it measures: storeys times floor area of a building, lanes of a street.
    """

    id: str
    kind: str
    name: Name
    uvz: tuple[float, float, float]
    properties: tuple[str, ...]
    zero_m: float | None = None
    building: str = ""
    room: str = ""
    storey: int = 0
    scale: float = 1.0
    road: str = ""


def stations_of(layout: Layout, *, n: int = N_THINGS) -> list[Station]:
    """The district's things: water first, then sky, air, streets and hospital rooms, and meters for the rest."""
    fixed = [*_water(layout), *_sky(layout), *_street_things(layout), *_rooms(layout)]
    meters = itertools.islice(_meters(layout), max(0, n - len(fixed)))
    return [*fixed, *meters][:n]


def _at(layout: Layout, place: NDArray[np.float64], above_m: float) -> tuple[float, float, float]:
    u, v = place
    z = float(ground_at_many(np.array([[u, v]]), layout.terrain)[0][0])
    return round(float(u), 3), round(float(v), 3), round(z + above_m, 3)


def _named(title_ko: str, title_en: str, where: Name) -> Name:
    return names.Name(f"{where.ko} {title_ko}", f"{where.en} {title_en}")


def _water(layout: Layout) -> Iterator[Station]:
    skeleton = layout.skeleton
    for k, i in enumerate(river_bridge_columns(skeleton)[:2]):
        u = float(skeleton.node(i, 0)[0])
        name = _named("수위계", "Level Gauge", names.RIVER_BRIDGE)
        yield Station(
            f"river-{k + 1}", "river_gauge", name, (u, -40.0, CREST_M), ("water_level",), zero_m=-1.0
        )
    u = skeleton.u_max * 0.9
    place = (round(u, 3), round(-bank_offset(u) - 2.0, 3), 2.0)
    yield Station(
        "tide-1",
        "tide_gauge",
        _named("조위계", "Tide Gauge", names.RIVER),
        place,
        ("water_level",),
        zero_m=0.0,
    )
    for i, kind in enumerate(skeleton.columns):
        if kind == sk.CANAL and i < 16:
            for j in range(1, min(skeleton.ny, 2) + 1):
                u, v = (skeleton.node(i, j) + skeleton.node(i, j - 1)) / 2
                name = _named(f"수위계 {j}", f"Level Gauge {j}", names.canal(i // 8))
                yield Station(
                    f"canal-{i}-{j}",
                    "canal_gauge",
                    name,
                    (float(u), float(v), 1.6),
                    ("water_level",),
                    zero_m=-1.3,
                )
    for i, j in underpass_nodes(skeleton)[:2]:
        name = _named("침수심계", "Flood Depth Gauge", names.UNDERPASS)
        yield Station(
            f"underpass-{i}",
            "underpass_gauge",
            name,
            _at(layout, skeleton.node(i, j), 0.0),
            ("water_depth",),
        )


def _sky(layout: Layout) -> Iterator[Station]:
    b, v_max = layout.bounds, layout.skeleton.v_max
    for k, (s, t) in enumerate(itertools.product((0.1, 0.5, 0.9), (0.2, 0.8)), start=1):
        place = _at(layout, np.array([b.x_min + s * b.width, t * v_max]), 1.5)
        yield Station(
            f"rain-{k}", "rain_gauge", names.Name(f"강우계 {k}", f"Rain Gauge {k}"), place, ("rain_rate",)
        )
    sky = ("wind_speed", "wind_direction", "air_pressure", "air_temperature", "relative_humidity")
    for k, s in enumerate((0.15, 0.5, 0.85), start=1):
        place = _at(layout, np.array([b.x_min + s * b.width, 2.0]), 10.0)
        yield Station(
            f"weather-{k}", "weather", names.Name(f"기상관측소 {k}", f"Weather Station {k}"), place, sky
        )


def _crossings(layout: Layout) -> list[tuple[int, int]]:
    s = layout.skeleton
    inner = [(i, j) for j in range(1, s.ny + 1) for i in range(s.nx + 1) if s.columns[i] != sk.CANAL]
    return inner[:MAX_CELLS] or [(0, 0), (s.nx, 0)]


def _spread(places: list[tuple[int, int]], n: int) -> list[tuple[int, int, int]]:
    """`n` of the places, evenly, each with its number; fewer where there are fewer."""
    picked = sorted({int(k) for k in np.linspace(0, len(places) - 1, n)})
    return [(number, *places[k]) for number, k in enumerate(picked, start=1)]


def _street_things(layout: Layout) -> Iterator[Station]:
    s, crossings = layout.skeleton, _crossings(layout)
    for k, i, j in _low_first(layout, crossings)[:12]:
        name = _named("침수심계", "Flood Depth Gauge", row_name(s, j))
        yield Station(f"street-{k}", "street_gauge", name, _at(layout, s.node(i, j), 0.0), ("water_depth",))
    air = ("pm2_5", "pm10", "o3", "no2", "co")
    for k, i, j in _spread(crossings, 10):
        place = _at(layout, s.node(i, j) + np.array([7.0, 7.0]), 3.0)
        yield Station(f"air-{k}", "air", names.Name(f"대기측정소 {k}", f"Air Station {k}"), place, air)
    for k, i, j in _spread(crossings, 10):
        place = _at(layout, s.node(i, j) + np.array([-7.0, 7.0]), 3.5)
        name = names.Name(f"소음측정기 {k}", f"Sound Meter {k}")
        yield Station(f"noise-{k}", "noise", name, place, ("sound_level",))
    for k, i, j in _spread(crossings, 16):
        wide = s.columns[i] == sk.AVENUE
        place = _at(layout, s.node(i, j) + np.array([0.0, -12.0]), 5.5)
        name = _named(f"교통량계 {k}", f"Traffic Counter {k}", column_name(s, i))
        seen = ("vehicle_count", "vehicle_speed")
        scale = 4.0 if wide else 1.0
        road = column_id(i, j - 1) if j else ""
        yield Station(f"traffic-{k}", "traffic", name, place, seen, scale=scale, road=road)


def _low_first(layout: Layout, crossings: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Crossings from the lowest street on: where water stands first."""
    at = np.array([layout.skeleton.node(i, j) for i, j in crossings])
    order = np.argsort(ground_at_many(at, layout.terrain)[0], kind="stable")
    return [(number, *crossings[int(k)]) for number, k in enumerate(order, start=1)]


def _buildings(layout: Layout) -> list[Building]:
    cells = itertools.islice(layout.cells, MAX_CELLS)
    return [b for i, j in cells for b in cell_plan(layout, i, j).buildings if b.use != "shed"]


def _centre(building: Building) -> tuple[float, float]:
    walls = np.concatenate([p.wall for p in building.parts if p.wall is not None])
    u, v = building.to_uv(((walls.min(0) + walls.max(0)) / 2)[None, :])[0]
    return float(u), float(v)


def _rooms(layout: Layout) -> Iterator[Station]:
    """Eight rooms on every storey of the first hospital."""
    hospital = next((b for b in _buildings(layout) if b.kind == "hospital"), None)
    if hospital is None:
        return
    seen = ("room_temperature", "co2", "occupancy", "smoke")
    wards = (
        np.concatenate([hospital.parts[0].wall]) if hospital.parts[0].wall is not None else np.zeros((4, 2))
    )
    (x0, y0), (x1, y1) = wards.min(0), wards.max(0)
    for storey in range(1, hospital.storeys + 1):
        for r in range(ROOMS_PER_STOREY):
            x = x0 + (x1 - x0) * (r // 2 + 0.5) / (ROOMS_PER_STOREY // 2)
            y = y0 + (y1 - y0) * (0.25 if r % 2 else 0.75)
            u, v = hospital.to_uv(np.array([[x, y]]))[0]
            room = f"{storey}{r + 1:02d}"
            name = names.Name(f"{hospital.name.ko} {room}호", f"{hospital.name.en} Room {room}")
            z = hospital.floor_z + 0.4 + STOREY_M * (storey - 1) + 1.5
            place = (round(float(u), 3), round(float(v), 3), round(z, 3))
            yield Station(
                f"room-{room}", "room", name, place, seen, building=hospital.id, room=room, storey=storey
            )


_METERS = (
    ("electricity", "power", "전력량계", "Electricity Meter"),
    ("pv", "pv_power", "태양광계량기", "Solar Meter"),
    ("heat", "heat_power", "열량계", "Heat Meter"),
    ("water", "water_flow", "수도계량기", "Water Meter"),
)


def _meters(layout: Layout) -> Iterator[Station]:
    """Meters of every building: electricity for all, then solar, heat and water."""
    buildings = _buildings(layout)
    for kind, key, ko, en in _METERS:
        for b in buildings:
            u, v = _centre(b)
            where = b.name if b.name.ko else b.address
            name = _named(ko, en, where) if where.ko else names.Name(ko, en)
            walls = np.concatenate([p.wall for p in b.parts if p.wall is not None])
            floor_area = float(np.prod(np.ptp(walls, axis=0)))
            yield Station(
                f"{kind}-{b.id}",
                f"{kind}_meter",
                name,
                (round(u, 3), round(v, 3), round(b.floor_z + 1.2, 3)),
                (key,),
                building=b.id,
                scale=round(floor_area * (1.0 if kind == "pv" else b.storeys), 1),
            )
