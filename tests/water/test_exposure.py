"""Exposure of a whole city: its layers joined, its tables in the folder, a way round on them."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from tests.flood_city import box, grid_of, make_city
from twin.city.folder import open_manifest
from twin.city.manifest import damaged_files
from twin.core.errors import UsageError
from twin.core.notices import Notices
from twin.water.exposure import city_network, city_roads, expose, exposure
from twin.water.flood import UNTIMED, StepArrays, flood_of
from twin.water.flood_store import read_flood, store_flood
from twin.water.way_round import way_round

EVERY = slice(None)


def river_town() -> np.ndarray:
    """Two banks at 2 m, the southern end of the western one low, and a river between them."""
    z = np.full((60, 100), 2.0)
    z[:, 45:55] = -1.0
    z[40:, :40] = 1.0
    return z


@pytest.fixture
def city(tmp_path: Path):
    """A loop of two streets on the western bank, joined to the eastern one by a bridge."""
    z = river_town()
    grid = grid_of(z)
    pieces = {
        "start": box(grid, slice(10, 50), slice(4, 10)),
        "north": box(grid, slice(10, 16), slice(10, 45)),
        "south": box(grid, slice(44, 50), slice(10, 40)),
        "link": box(grid, slice(16, 50), slice(40, 45)),
        "east": box(grid, slice(10, 16), slice(55, 95)),
        "walk": box(grid, slice(8, 10), slice(4, 45)),
    }
    kinds = ["residential"] * 5 + ["footway"]
    layers = {
        "roads": {"id": list(pieces), "class": kinds, "geometry": list(pieces.values())},
        "bridges": {"id": ["b1"], "deck_m": [2.4], "geometry": [box(grid, slice(10, 16), slice(45, 55))]},
    }
    water = {"class": ["river"], "geometry": [box(grid, EVERY, slice(45, 55))]}
    houses = [box(grid, slice(25, 35), slice(12, 22)), box(grid, slice(52, 58), slice(12, 22))]
    return make_city(tmp_path / "town.twin", z, water=water, footprints=houses, layers=layers)


def rise(levels=(0.0, 1.2, 1.5, 2.6)):
    z = river_town().astype(np.float32)
    h = np.maximum(np.array(levels, np.float32)[:, None, None] - z, 0)
    times = UNTIMED + np.arange(len(levels)) * 600
    return flood_of("storm", grid_of(z), times, z, StepArrays(h), kind="simulation")


def test_roads_and_the_decks_between_them(city) -> None:
    found = exposure(city, rise())
    states = found["road_states"].pivot_table(
        index="road_id", columns="time", values="depth_m", observed=True
    )
    assert states.loc["south"].to_numpy() == pytest.approx([0, 0.2, 0.5, 1.6], abs=1e-6)
    assert states.loc["north"].to_numpy() == pytest.approx(
        [0, 0, 0, 0.6], abs=1e-6
    )  # not as deep as the river
    assert states.loc["deck b1"].to_numpy() == pytest.approx([0, 0, 0, 0.2], abs=1e-6)
    segments = found["roads"].set_index("road_id")
    assert segments.loc["deck b1", "on_deck"]
    assert segments.loc["south", "closes_at"] == UNTIMED + 1200
    wet = found["buildings"].set_index("building_id")
    assert wet["depth_m"].to_numpy() == pytest.approx([0.6, 1.6], abs=1e-6)
    assert wet["first_wet_s"].tolist() == [1800, 600]


def test_a_way_over_the_bridge_and_round_the_flood(city) -> None:
    found = exposure(city, rise())
    grid = grid_of(river_town())
    network = city_network(city, found["roads"])
    assert "walk" not in network.road_ids
    a, b = (grid.x_min + 7, grid.y_max - 45), (grid.x_min + 90, grid.y_max - 13)
    dry = way_round(network, found["road_states"], a, b, time=UNTIMED)
    assert dry.reached
    assert "deck b1" in dry.road_ids
    lost = way_round(network, found["road_states"], a, b, time=UNTIMED + 1200)
    assert not lost.reached  # the street at the door is low itself
    high = way_round(
        network, found["road_states"], (grid.x_min + 20, grid.y_max - 13), b, time=UNTIMED + 1200
    )
    assert high.road_ids == ("north", "deck b1", "east")
    assert high.length_m == pytest.approx(70, abs=1)


def test_tables_lie_beside_the_flood_and_are_known_to_the_manifest(city) -> None:
    city = store_flood(city, rise(), notices=Notices())
    told = expose(city, read_flood(city, "storm"), standard="small-car-2011")
    folder = told.path / "water/storm"
    assert not damaged_files(told.path, open_manifest(told.path), by_checksum=True)
    roads = gpd.read_parquet(folder / "roads.parquet")
    assert roads.crs is not None
    states = pd.read_parquet(folder / "road_states.parquet")
    assert len(states) == 4 * len(roads)
    assert len(gpd.read_parquet(folder / "buildings.parquet")) == 2
    assert told.manifest.layers["storm"].options["road_standard"] == "small-car-2011"
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    again = expose(told, read_flood(told, "storm"), standard="small-car-2011")
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert len(again.manifest.layers["storm"].files) == len(told.manifest.layers["storm"].files)
    network = city_network(again, roads)
    assert way_round(network, states, network.xy[0], network.xy[-1], time=UNTIMED).reached


def test_a_flood_of_depth_classes_keeps_its_bounds(city) -> None:
    z = river_town().astype(np.float32)
    grid = grid_of(z)
    water = flood_of(
        "wet",
        grid,
        np.array([UNTIMED]),
        z,
        StepArrays(np.where(z < 1.5, 0.3, 0.0)[None].astype(np.float32)),
        kind="import",
    )
    extent = gpd.GeoDataFrame(
        {"depth_low_m": [0.0], "depth_high_m": [0.5]},
        geometry=[box(grid, slice(40, 60), slice(0, 40))],
        crs="EPSG:25832",
    )
    city = store_flood(city, water, tables={"extent": extent}, notices=Notices())
    found = exposure(city, read_flood(city, "wet"))
    south = found["roads"].set_index("road_id").loc["south"]
    assert south[["max_depth_low_m", "max_depth_high_m"]].tolist() == pytest.approx([0.0, 0.5])
    assert found["buildings"]["depth_high_m"].tolist() == pytest.approx([0.0, 0.5])
    told = expose(city, read_flood(city, "wet"))
    assert any(f.path.endswith("extent.parquet") for f in told.manifest.layers["wet"].files)


def test_a_footprint_that_stands_twice_drowns_once(city) -> None:
    vars(city)["buildings"] = city.buildings.assign(state=["built", "duplicate"])
    assert exposure(city, rise())["buildings"]["building_id"].tolist() == ["b0"]


def test_a_city_without_roads_tells_so(tmp_path: Path) -> None:
    z = river_town()
    bare = make_city(tmp_path / "bare.twin", z, footprints=[shapely.box(565005, 5930010, 565012, 5930020)])
    notices = Notices()
    assert set(exposure(bare, rise(), notices=notices)) == {"buildings"}
    assert [n.cause for n in notices.items] == ["no-roads"]
    assert city_roads(bare) is None


def test_a_flood_that_is_not_stored_is_refused_and_nothing_changes(city) -> None:
    before = (city.path / "twin.json").read_bytes()
    with pytest.raises(UsageError, match="no flood called 'storm'"):
        expose(city, rise())
    with pytest.raises(UsageError, match="korea-2024"):
        exposure(city, rise(), standard="nowhere")
    assert (city.path / "twin.json").read_bytes() == before
    assert not (city.path / "water").exists()
