"""Computed floods of a city: its water is accounted for, goes where it can, and comes from what is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import twin
from tests.flood_city import box, grid_of, make_city
from twin.core.errors import InputError, UsageError
from twin.core.notices import Notices
from twin.water.flood import UNTIMED
from twin.water.flood_store import read_flood, store_flood
from twin.water.series import Series, read_inflows, read_series
from twin.water.simulation import simulate

if TYPE_CHECKING:
    from pathlib import Path

    from twin.city.model import City

EVERY = slice(None)
SHAPE = (24, 36)


def bowl() -> np.ndarray:
    """A street that falls to the middle, 0.5 m deep."""
    return 0.5 * np.abs(np.linspace(-1, 1, SHAPE[1]))[None, :].repeat(SHAPE[0], axis=0)


def house() -> object:
    return box(grid_of(bowl()), slice(6, 14), slice(10, 20))


@pytest.fixture
def basin(tmp_path: Path) -> City:
    return make_city(tmp_path / "basin.twin", bowl(), footprints=[house()])


@pytest.fixture
def shore(tmp_path: Path) -> City:
    """A river along the west edge, a dyke, and low ground behind."""
    z = np.full(SHAPE, 0.6)
    z[:, :8] = 0.0
    z[:, 8] = 3.0
    river = {"class": ["river"], "geometry": [box(grid_of(z), EVERY, slice(0, 8))]}
    return make_city(tmp_path / "shore.twin", z, water=river)


@pytest.mark.parametrize("buildings", ["blocked", "raised"])
def test_every_drop_of_rain_is_found_again(basin: City, buildings: str) -> None:
    flood = twin.water.simulate(basin, rain=36.0, hours=0.1, edges="closed", buildings=buildings)
    fallen = 0.036 * 0.1 * bowl().size
    balance = flood.attributes["mass_balance"]
    assert balance["in_m3"] == pytest.approx(fallen, rel=1e-9)
    assert balance["at_end_m3"] == pytest.approx(fallen, rel=1e-5)
    assert float(np.nansum(flood.depth_m(-1))) == pytest.approx(fallen, rel=1e-5)
    is_house = np.zeros(SHAPE, bool)
    is_house[6:14, 10:20] = True
    np.testing.assert_array_equal(np.isnan(flood.bed_m), is_house if buildings == "blocked" else False)
    np.testing.assert_array_equal(np.isnan(flood.depth_m(3)), np.isnan(flood.bed_m))


def test_greatest_depth_and_arrival_come_with_it(basin: City) -> None:
    flood = simulate(basin, rain=200.0, hours=0.25, edges="closed")
    assert flood.times[0] == UNTIMED
    assert flood.n_steps == 25
    assert np.nanmax(flood.max_depth_m) >= np.nanmax(flood.depth_m(24)) - 1e-6
    assert np.nanmax(flood.max_depth_m) > 0.05
    wet = flood.max_depth_m >= 0.05
    np.testing.assert_array_equal(np.isfinite(flood.arrival_s), wet)
    assert flood.max_depth_velocity_m2_s is not None
    assert flood.duration_s is not None


def test_a_tide_comes_up_the_river_and_stays_before_the_dyke(shore: City) -> None:
    tide = Series(np.array([0.0, 600.0]), np.array([0.5, 1.5]))
    flood = simulate(shore, tide=tide, hours=0.4)
    np.testing.assert_allclose(flood.depth_m(0)[:, :8], 0.5, atol=1e-6)
    np.testing.assert_allclose(flood.depth_m(-1)[:, 1:8], 1.5, atol=0.02)
    assert np.nanmax(flood.max_depth_m[:, 9:]) == 0.0


def test_each_water_has_the_level_of_its_nearest_gauge(tmp_path: Path) -> None:
    """A river in the west and a canal in the north, with a dyke between them; a side has one level."""
    z = np.full(SHAPE, 3.0)
    z[3:, :8] = 0.0
    z[:14, 20:26] = 0.0
    waters = [box(grid_of(z), slice(3, None), slice(0, 8)), box(grid_of(z), slice(0, 14), slice(20, 26))]
    city = make_city(tmp_path / "two.twin", z, water={"class": ["river", "canal"], "geometry": waters})
    grid = grid_of(z)
    river, canal = (grid.x_min + 4, grid.bounds.y_min + 8), (grid.x_min + 23, grid.y_max - 6)
    table(tmp_path, f"hours,x,y,m\n0,{river[0]},{river[1]},1.5\n0,{canal[0]},{canal[1]},0.4\n")
    by_table = simulate(city, tide=tmp_path / "table.csv", hours=0.05)
    by_hand = simulate(city, tide=[(*river, 1.5), (*canal, 0.4)], hours=0.05)
    for flood in (by_table, by_hand):
        np.testing.assert_allclose(flood.depth_m(-1)[3:, 1:8], 1.5, atol=0.02)
        np.testing.assert_allclose(flood.depth_m(-1)[1:14, 20:26], 0.4, atol=0.02)


def test_dry_soil_takes_more_than_wet_soil(basin: City) -> None:
    """Green and Ampt: after time t it took F with F - S ln(1 + F / S) = K t, S suction times deficit."""
    given = {"rain": 200.0, "hours": 0.1, "edges": "closed", "infiltration_mm_h": 20.0}
    steady = simulate(basin, **given).attributes["mass_balance"]["infiltrated_m3"]
    thirsty = simulate(basin, **given, suction_m=0.1, deficit=0.3).attributes["mass_balance"]
    area = bowl().size - 80
    taken, front = thirsty["infiltrated_m3"] / area, 0.03
    assert steady == pytest.approx(0.02 * 0.1 * area, rel=0.02)
    assert 3 * steady < thirsty["infiltrated_m3"] < thirsty["in_m3"]
    ponded = taken - front * np.log1p(taken / front)
    assert ponded == pytest.approx(0.02 * 0.1, rel=0.25)  # it rains for a while before water stands


def test_soil_stays_wet_where_a_flood_goes_on(basin: City, tmp_path: Path) -> None:
    """An hour in two halves takes what the whole hour takes, also by way of the disk."""
    soil = {"edges": "closed", "infiltration_mm_h": 20.0, "suction_m": 0.1, "deficit": 0.3, "rain": 200.0}
    whole = simulate(basin, hours=0.1, **soil).attributes["mass_balance"]["infiltrated_m3"]
    first = simulate(basin, hours=0.05, name="first", **soil)
    stored = store_flood(basin, first, run={}, inputs=[], notices=Notices())
    second = simulate(basin, hours=0.05, after=read_flood(stored, "first"), **soil)
    halves = sum(f.attributes["mass_balance"]["infiltrated_m3"] for f in (first, second))
    assert halves == pytest.approx(whole, rel=0.01)


def test_moments_are_whole_seconds_and_none_comes_twice(basin: City) -> None:
    flood = simulate(basin, rain=60.0, hours=10.3 / 3600, output_every_s=5.0)
    assert (flood.times - flood.times[0]).astype(int).tolist() == [0, 5, 10]
    assert simulate(basin, rain=60.0, hours=5 / 3600).n_steps == 6


def test_a_start_may_tell_its_zone(basin: City) -> None:
    flood = simulate(basin, rain=60.0, hours=0.01, start="2026-08-28T12:00:00-05:00")
    assert flood.times[0] == np.datetime64("2026-08-28T17:00:00")


def test_a_pump_takes_what_there_is(basin: City) -> None:
    grid = grid_of(bowl())
    pump = [(grid.x_min + 18.5, grid.y_max - 20.5, -5.0)]
    flood = simulate(basin, rain=60.0, inflow=pump, hours=0.3, edges="closed")
    assert flood.attributes["mass_balance"]["out_m3"] > 0.6 * flood.attributes["mass_balance"]["in_m3"]
    assert flood.depth_m(-1)[20, 18] < 1e-3  # in the street's lowest line, 14 cm deep without it
    assert np.nanmin(flood.depth_m(-1)) >= 0


def test_a_tide_needs_water_at_the_edge(basin: City) -> None:
    with pytest.raises(UsageError, match="--tide"):
        simulate(basin, tide=1.0, hours=0.1)


def test_what_flows_in_is_found_again(basin: City) -> None:
    grid = grid_of(bowl())
    place = (grid.x_min + 18.5, grid.y_max - 20.5)
    flood = simulate(basin, inflow=[(*place, 0.5)], hours=0.05, edges="closed", method="accurate")
    assert flood.attributes["mass_balance"]["at_end_m3"] == pytest.approx(90.0, rel=1e-5)
    with pytest.raises(UsageError, match="--inflow"):
        simulate(basin, inflow=[(0.0, 0.0, 0.5)], hours=0.05)


def test_unsealed_ground_takes_what_sealed_ground_leaves(tmp_path: Path) -> None:
    z = np.zeros(SHAPE)
    z[:, 17:19] = 1.0
    road = {"surface": ["asphalt"], "geometry": [box(grid_of(z), EVERY, slice(0, 17))]}
    city = make_city(tmp_path / "town.twin", z, layers={"roads": road})
    flood = simulate(city, rain=30.0, hours=0.2, infiltration_mm_h=60.0, edges="closed")
    assert flood.depth_m(-1)[10, 5] > 0.005
    assert flood.depth_m(-1)[10, 30] < 0.001
    assert flood.attributes["mass_balance"]["infiltrated_m3"] > 0


def test_a_flood_goes_on_where_another_ended(basin: City) -> None:
    first = simulate(basin, rain=60.0, hours=0.1, edges="closed")
    second = simulate(basin, after=first, hours=0.1, edges="closed")
    assert second.times[0] == first.times[-1]
    np.testing.assert_allclose(second.depth_m(0), first.depth_m(-1), atol=1e-6)
    end = second.attributes["mass_balance"]["at_end_m3"]
    assert end == pytest.approx(first.attributes["mass_balance"]["at_end_m3"], rel=1e-5)
    with pytest.raises(UsageError, match="--after"):
        simulate(basin, after=first, hours=0.1, cell_size_m=2.0)


def test_threads_have_no_say(basin: City) -> None:
    a, b = (simulate(basin, rain=60.0, hours=0.05, threads=k) for k in (1, 2))
    np.testing.assert_array_equal(a.depth_m(-1), b.depth_m(-1))


def test_rain_in_another_unit_is_noticed_but_not_that_of_roofs(basin: City) -> None:
    notices = Notices()
    simulate(basin, rain=120.0, hours=0.02, notices=notices)
    assert "odd-rain" not in notices.causes()
    simulate(basin, rain=2000.0, hours=0.02, notices=notices)
    assert "mm per interval" in notices.causes()["odd-rain"][0].message


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": 0.0}, {"hours": float("nan")}, {"hours": 1.0, "rain": -1.0}, {"hours": 1.0, "rain": 1e6},
        {"hours": 1.0, "rain": None}, {"hours": 1.0, "method": "exact"}, {"hours": 1.0, "edges": "leaky"},
        {"hours": 1.0, "infiltration_mm_h": -1.0}, {"hours": 1.0, "output_every_s": 0.0},
        {"hours": 1.0, "output_every_s": 0.5}, {"hours": 1e-4}, {"hours": 1.0, "suction_m": 0.1},
        {"hours": 1.0, "suction_m": 0.1, "deficit": 0.3}, {"hours": 1.0, "infiltration_mm_h": 5.0, "deficit": 0.3},
        {"hours": 1.0, "suction_m": -1.0}, {"hours": 1.0, "deficit": 2.0},
        {"hours": 1.0, "start": "yesterday"}, {"hours": 1.0, "cell_size_m": 0.1},
        {"hours": 1.0, "rain": None, "tide": 1e7},
        {"hours": 1.0, "rain": Series(np.array([0.0, 60.0]), np.array([20.0, -999.0]), "steps", None)},
        {"hours": 1.0, "tide": Series(np.array([0.0, 60.0]), np.array([0.5, 99999.0]), "lines", None)},
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_meant_are_refused(shore: City, wrong: dict) -> None:
    with pytest.raises(UsageError):
        simulate(shore, **{"rain": 10.0, **wrong})


def table(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_tables_of_rain_hold_and_those_of_levels_join(tmp_path: Path) -> None:
    path = table(tmp_path, "minutes;mm_h\n0;20\n10;80,5\n20;0\n")
    rain = read_series(path, between="steps", notices=Notices())
    assert [rain(t) for t in (0, 599, 600, 1199, 1200, 9999)] == [20, 20, 80.5, 80.5, 0, 0]
    level = read_series(path, between="lines", notices=Notices())
    assert level(300) == pytest.approx(50.25)


def test_tables_with_moments_share_one_clock(shore: City, tmp_path: Path) -> None:
    tide = table(tmp_path, "time,level\n2026-08-28T12:00:00+09:00,0.5\n2026-08-28T13:00:00+09:00,1.0\n")
    flood = simulate(shore, tide=tide, hours=0.05)
    assert flood.times[0] == np.datetime64("2026-08-28T03:00:00")
    later = simulate(shore, tide=tide, hours=0.05, start="2026-08-28T03:30:00Z")
    np.testing.assert_allclose(later.depth_m(0)[:, 1:8], 0.75, atol=1e-5)
    assert later.attributes["parameters"]["tide"] == "table.csv"


def test_inflows_of_several_places(tmp_path: Path) -> None:
    text = "time,x,y,m3_per_s\n2026-01-01T00:00Z,1,2,5\n2026-01-01T00:10Z,3,4,7\n2026-01-01T00:10Z,1,2,6\n"
    found = read_inflows(table(tmp_path, text), notices=Notices())
    assert [(x, y) for x, y, _ in found] == [(1, 2), (3, 4)]
    assert found[0][2](300) == 5.5
    np.testing.assert_array_equal(found[1][2].times_s, [600.0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("minutes,mm_h\n0,1\n10,2\n5,3\n", "increase"),
        ("when,mm_h\n0,1\n", "column of times"),
        ("minutes,name\n0,a\n", "column of numbers"),
        ("minutes,mm_h\n0,1\n5,\n", "row 2"),
        ("time,mm_h\nsoon,1\n", "no moment"),
        ("time,mm_h\n05/08/2026,1\n", "ISO 8601"),
    ],
)
def test_damaged_tables_are_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_series(table(tmp_path, text), between="steps", notices=Notices())
