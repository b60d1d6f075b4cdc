"""The scripted storm: its parts answer to one another, and its files hold what SensorThings readers expect."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from twin.demo.ground import CREST_M
from twin.demo.layout import Layout, make_layout
from twin.demo.sensing import FIRE_ROOM, observations, true_values, write_storm
from twin.demo.stations import PROPERTIES, Station, stations_of
from twin.demo.storm import MINUTES, SLUICE_CLOSES_M, make_storm


@pytest.fixture(scope="module")
def layout() -> Layout:
    return make_layout(60, seed=1)


@pytest.fixture(scope="module")
def stations(layout: Layout) -> list[Station]:
    return stations_of(layout)


@pytest.fixture(scope="module")
def folder(layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("storm")
    write_storm(layout, place / "things.json", place / "storm.jsonl", place)
    return place


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_river_follows_tide_surge_and_rain_and_stays_below_the_levee(seed: int) -> None:
    storm = make_storm(seed)
    assert np.argmax(storm.rain_mm_h) < np.argmax(storm.river_m)
    assert storm.river_m[0] - storm.tide_m[0] < 0.1
    assert 2.0 < storm.river_m.max() < CREST_M - 0.4
    assert np.abs(np.diff(storm.river_m)).max() < 0.05
    assert np.argmin(storm.pressure_hpa) == pytest.approx(
        np.argmax(np.convolve(storm.wind_m_s, np.ones(30), "same")), abs=40
    )


def test_the_sluice_keeps_the_river_out_and_the_rain_in() -> None:
    storm = make_storm(1)
    closed = storm.river_m > SLUICE_CLOSES_M + 0.05
    assert storm.canal_m[closed].max() < storm.river_m.max() - 0.5
    first = int(np.argmax(closed))
    assert storm.canal_m[first : first + 90].max() > storm.canal_m[first] + 0.1


def test_the_underpass_floods_after_the_heaviest_rain_and_is_pumped_dry() -> None:
    storm = make_storm(1)
    assert 0.3 < storm.underpass_depth_m.max() < 2.6
    assert storm.underpass_depth_m[-1] == 0.0
    assert storm.traffic.min() < 0.2 < storm.traffic[-1]


def test_two_hundred_things_of_every_kind(stations: list[Station]) -> None:
    assert len(stations) == len({s.id for s in stations}) == 200
    kinds = Counter(s.kind for s in stations)
    assert {
        "river_gauge",
        "tide_gauge",
        "canal_gauge",
        "underpass_gauge",
        "street_gauge",
        "rain_gauge",
    } <= set(kinds)
    assert {"weather", "air", "noise", "traffic", "electricity_meter", "pv_meter"} <= set(kinds)
    assert kinds["room"] == 48
    assert all(key in PROPERTIES for s in stations for key in s.properties)


def test_street_gauges_show_the_canal_where_the_street_is_lower(stations: list[Station]) -> None:
    storm = make_storm(1)
    gauges = [s for s in stations if s.kind == "street_gauge"]
    deepest = [float(true_values(s, "water_depth", storm, 1).max()) for s in gauges]
    for gauge, depth in zip(gauges, deepest, strict=True):
        assert depth == pytest.approx(max(storm.canal_m.max() - gauge.uvz[2], 0.0), abs=0.13)
    assert deepest[0] == max(deepest) > 0.2


def test_a_river_gauge_reads_the_river_above_its_zero(stations: list[Station]) -> None:
    storm = make_storm(1)
    gauge = next(s for s in stations if s.kind == "river_gauge")
    read = true_values(gauge, "water_level", storm, 1) + (gauge.zero_m or 0.0)
    assert np.abs(read - storm.river_m).max() < 0.05


def test_smoke_spreads_on_one_storey_and_thins_with_distance(stations: list[Station]) -> None:
    storm = make_storm(1)
    smoke = {s.room: float(true_values(s, "smoke", storm, 1)[-1]) for s in stations if s.kind == "room"}
    assert max(smoke, key=smoke.__getitem__) == FIRE_ROOM
    assert smoke["406"] > smoke["408"] > 1.0
    assert max(v for room, v in smoke.items() if room[0] != "4") < 0.2


def test_things_are_a_sensorthings_answer(folder: Path) -> None:
    told = json.loads((folder / "things.json").read_text("utf-8"))
    assert told["@iot.count"] == len(told["value"]) == 200
    streams = Counter()
    for thing in told["value"]:
        (place,) = thing["Locations"]
        lon, lat, _ = place["location"]["coordinates"]
        assert 128.9 < lon < 128.93
        assert 35.11 < lat < 35.14
        assert thing["properties"]["name_ko"]
        for data in thing["Datastreams"]:
            streams[data["@iot.id"]] += 1
            assert {"name", "symbol", "definition"} <= set(data["unitOfMeasurement"])
            assert data["ObservedProperty"]["@iot.id"] in PROPERTIES
            if data["ObservedProperty"]["@iot.id"] == "water_level":
                assert isinstance(data["properties"]["zero_m"], float)
    assert max(streams.values()) == 1


def test_the_log_runs_by_phenomenon_time_with_every_fault_that_is_listed(folder: Path) -> None:
    lines = [json.loads(line) for line in (folder / "storm.jsonl").read_text("utf-8").splitlines()]
    times = [line["phenomenonTime"] for line in lines]
    assert times == sorted(times)
    assert times[0] == "2026-08-28T03:00:00.000Z"
    assert times[-1] == "2026-08-28T09:00:00.000Z"
    known = {
        d["@iot.id"]
        for thing in json.loads((folder / "things.json").read_text("utf-8"))["value"]
        for d in thing["Datastreams"]
    }
    assert {line["Datastream"]["@iot.id"] for line in lines} == known
    faults = json.loads((folder / "storm.json").read_text("utf-8"))["faults"]
    n = Counter(f["kind"] for f in faults)
    assert set(n) == {"gap", "spike", "late", "repeated"}
    once = Counter((line["Datastream"]["@iot.id"], line["phenomenonTime"]) for line in lines)
    assert sum(count - 1 for count in once.values()) == n["repeated"]
    assert all(line["resultTime"] > line["phenomenonTime"] for line in lines)


def test_a_gap_is_silent_and_nothing_else_is_missing(stations: list[Station]) -> None:
    storm = make_storm(1)
    seen = 0
    for station in stations:
        for key in station.properties:
            rows, faults = observations(station, key, storm, 1)
            gaps = [f for f in faults if f.kind == "gap"]
            seen += len(gaps)
            step = PROPERTIES[key].every_s // 60
            expected = set(range(0, MINUTES, step))
            for gap in gaps:
                expected -= {m for m in expected if gap.begins_min <= m < gap.ends_min}
            assert {int(at) for at, _, _ in rows} == expected
    assert seen > 5


def test_values_stay_within_nature(stations: list[Station]) -> None:
    storm = make_storm(1)
    for station in stations:
        for key in station.properties:
            values = true_values(station, key, storm, 1)
            assert values.shape == (MINUTES,)
            assert np.isfinite(values).all()
            assert values.min() >= (0.0 if key != "water_level" else -1.0)


def test_a_district_without_hospital_or_canal_still_has_stations() -> None:
    small = make_layout(3, seed=1)
    found = stations_of(small)
    assert 10 < len(found) < 200
    assert {"river_gauge", "rain_gauge", "electricity_meter"} <= {s.kind for s in found}
