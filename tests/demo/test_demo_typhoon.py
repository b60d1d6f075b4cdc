"""The typhoon over the demo district: what the script says happens, happens in the computed water, at its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pytest
import shapely

from tests.flood_city import make_city
from twin.city.tables import read_table
from twin.core.notices import Notices
from twin.demo import skeleton as sk
from twin.demo import typhoon
from twin.demo.bridges import bridges_of
from twin.demo.cadastre import FootprintDefects, cell_entries
from twin.demo.geofiles import write_layer
from twin.demo.ground import CREST_M, ground_at_many, surface_z
from twin.demo.layout import make_layout
from twin.demo.roads import road_areas
from twin.demo.storm import START, make_storm
from twin.demo.surfaces import bridge_areas, land_cover, water_areas
from twin.demo.terrain import underpass_nodes
from twin.water.exposure import city_network
from twin.water.filling import fill_level
from twin.water.flood_store import read_flood
from twin.water.ground import site
from twin.water.way_round import way_round

if TYPE_CHECKING:
    from pathlib import Path

    from twin.city.model import City
    from twin.demo.layout import Layout
    from twin.demo.storm import Storm
    from twin.demo.typhoon import Outcome
    from twin.water.flood import Flood

BEGIN = np.datetime64(START.removesuffix("Z"), "s")


class Flooded(NamedTuple):
    """A district without its survey: exact ground, the city office's maps, and the typhoon over them."""

    city: City
    layout: Layout
    flood: Flood
    storm: Storm
    outcome: Outcome
    notices: Notices


def read_rows(path: Path, rows: object) -> gpd.GeoDataFrame:
    write_layer(path, rows)  # type: ignore[arg-type]
    return gpd.read_file(path)


def exact_city(layout: Layout, folder: Path) -> City:
    """A district as a survey without errors would give it."""
    maps = {
        "roads": road_areas(layout), "water": water_areas(layout), "landcover": land_cover(layout),
        "bridges": bridge_areas(layout),
    }  # fmt: skip
    tables = {name: read_rows(folder / f"{name}.gpkg", rows) for name, rows in maps.items()}
    tables["bridges"]["deck_m"] = [
        float(b.axis[:, 2].max()) for b in bridges_of(layout.skeleton, layout.terrain)
    ]
    no_defects = FootprintDefects(**dict.fromkeys(FootprintDefects.__dataclass_fields__, 0.0))
    rows = [r for i, j in layout.cells for e in cell_entries(layout, no_defects, i, j) for r in e.rows]
    b = layout.area
    x, y = np.arange(b.x_min + 0.5, b.x_max), np.arange(b.y_max - 0.5, b.y_min, -1.0)
    xs, ys = np.meshgrid(x, y)
    z = surface_z(sk.to_local(np.column_stack([xs.ravel(), ys.ravel()])), layout.terrain).reshape(xs.shape)
    layers = {k: {c: list(t[c]) for c in t.columns} for k, t in tables.items() if k != "water"}
    water = {c: list(tables["water"][c]) for c in tables["water"].columns}
    return make_city(
        folder / "district.twin", z, corner=(b.x_min, b.y_max), crs_name=sk.CRS, water=water, layers=layers,
        footprints=[shapely.Polygon(r["geometry"].exterior) for r in rows],
        attributes={k: [r[k] for r in rows] for k in ("use", "name")},
    )  # fmt: skip


@pytest.fixture(scope="module")
def flooded(tmp_path_factory: pytest.TempPathFactory) -> Flooded:
    folder = tmp_path_factory.mktemp("typhoon")
    layout, notices = make_layout(400, seed=1), Notices()
    city = exact_city(layout, folder)
    files = typhoon.write_typhoon(layout, folder / "storm")
    city = typhoon.flood_district(city, files, notices=notices)
    storm, flood = make_storm(layout.seed), read_flood(city, typhoon.NAME)
    return Flooded(city, layout, flood, storm, typhoon.outcome(city, layout), notices)


def roads_of(flooded: Flooded) -> gpd.GeoDataFrame:
    return read_table(flooded.city.path, f"water/{typhoon.NAME}/roads.parquet")


def depth_over_time(flooded: Flooded, xy: tuple[float, float], reach_m: float) -> np.ndarray:
    """Greatest depth within a few metres of a place, at each moment."""
    grid = flooded.flood.grid
    x, y = np.meshgrid(grid.x_centres, grid.y_centres)
    near = np.hypot(x - xy[0], y - xy[1]) <= reach_m
    return np.array([np.nanmax(flooded.flood.depth_m(k)[near]) for k in range(flooded.flood.n_steps)])


@pytest.mark.slow
def test_flood_and_stations_share_one_clock(flooded: Flooded) -> None:
    times = flooded.flood.times.astype("datetime64[s]")
    assert times[0] == BEGIN
    assert times[-1] == BEGIN + np.timedelta64(6, "h")
    assert len(times) == 73


@pytest.mark.slow
def test_the_water_is_accounted_for(flooded: Flooded) -> None:
    balance = flooded.flood.attributes["mass_balance"]
    assert abs(balance["error_m3"]) < 1e-5 * balance["in_m3"]
    land = flooded.flood.grid.nx * flooded.flood.grid.ny * typhoon.CELL_SIZE_M**2
    rained = land * flooded.storm.rain_mm_h[:-1].sum() / 60 / 1000
    assert balance["in_m3"] > rained  # and the river comes on top


@pytest.mark.slow
def test_the_underpass_fills_when_its_gauge_says_so(flooded: Flooded) -> None:
    i, j = underpass_nodes(flooded.layout.skeleton)[0]
    x, y = sk.to_world(np.array([flooded.layout.skeleton.node(i, j)]))[0]
    depth, told = depth_over_time(flooded, (x, y), 25.0), flooded.storm.underpass_depth_m[::5]
    assert depth.max() > 0.15
    assert depth.max() == pytest.approx(told.max(), abs=0.3)
    assert abs(int(depth.argmax()) - int(told.argmax())) <= 4
    (shut,) = flooded.outcome.underpasses
    assert shut.depth_m >= 0.15
    assert BEGIN + np.timedelta64(90, "m") < shut.since < BEGIN + np.timedelta64(210, "m")
    assert shut.until is not None
    assert shut.until > shut.since


def low_ground(flooded: Flooded) -> tuple[np.ndarray, np.ndarray]:
    """Depth of water on the ground at the highest level of the canal, and the bed, landward of the levee."""
    ground = site(flooded.city, cell_size_m=typhoon.CELL_SIZE_M, notices=Notices())
    x, y = np.meshgrid(ground.grid.x_centres, ground.grid.y_centres)
    inland = sk.to_local(np.column_stack([x.ravel(), y.ravel()]))[:, 1].reshape(x.shape) > 20
    filled = fill_level(ground.bed_m, float(flooded.storm.canal_m.max()), ground.is_source & inland)
    return np.where(inland, filled, 0.0), np.where(inland, ground.bed_m, np.inf)


@pytest.mark.slow
def test_low_streets_stand_under_the_level_of_the_canal(flooded: Flooded) -> None:
    roads = roads_of(flooded)
    streets = roads[(roads["class"] != "footway") & ~roads["underpass"] & ~roads["on_deck"]]
    closed = streets[streets["state"].astype(str) == "closed"]
    assert 1 <= len(closed) < len(streets) / 4
    last = flooded.flood.times[-1].astype("datetime64[ns]")
    assert (closed["closes_at"] < closed["reopens_at"].fillna(last)).all()
    filled, _ = low_ground(flooded)
    deep = (filled > 0.3) & ~np.isnan(flooded.flood.max_depth_m)
    assert (flooded.flood.max_depth_m[deep] > 0.15).mean() > 0.9


@pytest.mark.slow
def test_the_river_stays_between_its_levees(flooded: Flooded) -> None:
    """It covers the meadows before them and not the crest, a metre above its peak."""
    grid = flooded.flood.grid
    x, y = np.meshgrid(grid.x_centres, grid.y_centres)
    local = sk.to_local(np.column_stack([x.ravel(), y.ravel()]))
    z, kind, _ = ground_at_many(local, flooded.layout.terrain)
    deepest = np.nan_to_num(flooded.flood.max_depth_m).ravel()
    assert flooded.storm.river_m.max() < CREST_M
    assert deepest[z > CREST_M - 0.05][kind[z > CREST_M - 0.05] == 4].max() < 0.1
    upstream = local[:, 0] < local[:, 0].min() + 150
    assert np.median(deepest[(kind == 5) & upstream]) > 0.5


@pytest.mark.slow
def test_as_many_buildings_are_wet_as_stand_low(flooded: Flooded) -> None:
    """At least those beside ground that the canal fills by 20 cm, at most those beside ground that is not high."""
    homes, grid = flooded.city.buildings.geometry.to_numpy(), flooded.flood.grid
    x, y = np.meshgrid(grid.x_centres, grid.y_centres)
    filled, bed = low_ground(flooded)

    def n_beside(there: np.ndarray, reach_m: float) -> int:
        places = shapely.STRtree(shapely.points(x[there], y[there]))
        return len(np.unique(places.query(homes, predicate="dwithin", distance=reach_m)[0]))

    least, most = n_beside(filled > 0.2, 3.0), n_beside(bed < 1.8, 3.0)
    assert 10 < least <= flooded.outcome.buildings_wet <= most < 0.8 * len(homes), (least, most)
    assert flooded.outcome.buildings == len(homes)


@pytest.mark.slow
def test_the_hospital_is_cut_off_but_for_a_way_through_shallow_water(flooded: Flooded) -> None:
    cut = flooded.outcome.hospital
    assert cut is not None
    assert cut.until is not None
    peak = BEGIN + np.timedelta64(200, "m")
    assert cut.since <= peak <= cut.until
    roads = roads_of(flooded)
    states = read_table(flooded.city.path, f"water/{typhoon.NAME}/road_states.parquet")
    network = city_network(flooded.city, roads)
    hospital = flooded.city.buildings[flooded.city.buildings["use"] == "hospital"].geometry.iloc[0].centroid
    north = typhoon.northern_exit(flooded.layout)

    def way(time: np.datetime64, passable: str) -> object:
        return way_round(network, states, (hospital.x, hospital.y), north, time=time, passable=passable)

    before, safe, slow = way(BEGIN, "caution"), way(peak, "caution"), way(peak, "restricted")
    assert before.reached
    assert before.length_m == pytest.approx(before.dry_length_m)
    assert not safe.reached
    assert safe.closed_on_dry_way
    assert slow.reached
    assert slow.length_m > before.length_m
    assert any(road in set(roads["road_id"][roads["underpass"]]) for road in safe.closed_on_dry_way)
