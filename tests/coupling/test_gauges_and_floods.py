"""Gauges drive floods, stations rain on them, and tell how far a flood is off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import shapely

from tests.flood_city import NORTH, WEST, make_city
from twin.city.model import City
from twin.core.errors import InputError, UsageError
from twin.core.notices import Notices
from twin.coupling import flood_at_gauge, gauge_level, gauge_residual, rain_of_stations, tide_of_gauge
from twin.live.model import Batch, Catalogue, Datastream, Place, Quality, Thing
from twin.live.moments import parse_utc
from twin.live.store import Store, open_store
from twin.water import StepArrays, flood_of

T0 = parse_utc("2026-08-28T03:00:00Z")
MIN = 60_000_000
START = np.datetime64("2026-08-28T03:00:00", "s")
BANK, FAR = (WEST + 3.5, NORTH - 20.5), (WEST + 59.5, NORTH - 20.5)


def level_stream(name: str, zero_m: float | None = -1.0) -> Datastream:
    return Datastream(
        name, name.partition(":")[0], "", "water_level", unit="m", max_age_s=600.0, zero_m=zero_m
    )


CATALOGUE = Catalogue(
    (
        Thing("up", place=Place("point", (*BANK, 3.0))),
        Thing("down", place=Place("point", (*FAR, 3.0))),
        Thing("bare", place=Place("point", (*BANK, 3.0))),
        Thing("lost"),
        Thing("sky", place=Place("point", (*BANK, 9.0))),
    ),
    (
        level_stream("up:level"),
        level_stream("down:level"),
        level_stream("bare:level", zero_m=None),
        level_stream("lost:level"),
        Datastream("sky:rain-1", "sky", "", "rain_rate", unit="mm/h", max_age_s=600.0),
        Datastream("sky:rain-2", "sky", "", "rain_rate", unit="mm/h", max_age_s=600.0),
        Datastream("sky:air", "sky", "", "pm10", unit="ug/m3"),
    ),
)


def put(store: Store, stream: str, values: list[tuple[float, float | None]], quality: int = 0) -> None:
    times = [T0 + int(t * MIN) for t, _ in values]
    store.append(Batch([stream] * len(times), times, times, [v for _, v in values], [quality] * len(times)))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A valley 60 m long with a river in its first ten columns, rising to the east."""
    z = np.tile(np.concatenate([np.zeros(10), np.linspace(0.0, 5.0, 50)]), (40, 1))
    river = shapely.box(WEST, NORTH - 40, WEST + 10, NORTH)
    water = {"kind": ["river"], "geometry": [river]}
    made = make_city(tmp_path_factory.mktemp("gauged") / "town", z, water=water)
    with open_store(made.path, write=True) as store:
        store.put_catalogue(CATALOGUE)
        for name in ("up:level", "bare:level", "lost:level"):
            put(store, name, [(t, 2.0 + t / 100) for t in range(0, 61, 5)])
        put(store, "down:level", [(t, 1.5) for t in range(0, 61, 5)])
        put(store, "up:level", [(62, 9.0)], Quality.INVALID)
        put(store, "sky:rain-1", [(0, 10.0), (10, 30.0), (20, None), (40, None), (60, 50.0)])
        put(store, "sky:rain-2", [(0, 20.0), (10, 20.0), (20, 40.0)])
    return made


@pytest.fixture
def store(city: City) -> Iterator[Store]:
    with open_store(city.path) as opened:
        yield opened


def test_a_level_is_the_result_above_the_zero_of_its_gauge(store: Store) -> None:
    level = gauge_level(store, "up:level", at_us=T0 + 31 * MIN)
    assert level.eta_m == pytest.approx(2.3 - 1.0)
    assert (level.age_s, level.position) == (60.0, BANK)


@pytest.mark.parametrize(
    ("stream", "minute", "told"),
    [
        ("bare:level", 30, "zero is not known.*zero_m"),
        ("up:level", 100, "invalid"),
        ("down:level", 100, "stale.*2,400 s old"),
        ("up:level", -5, "missing"),
        ("sky:air", 30, "no level of water"),
    ],
)
def test_what_drives_no_water(store: Store, stream: str, minute: int, told: str) -> None:
    with pytest.raises(InputError, match=told):
        gauge_level(store, stream, at_us=T0 + minute * MIN)


def test_gauges_that_are_not_there(store: Store) -> None:
    with pytest.raises(UsageError, match="did you mean 'up:level'"):
        gauge_level(store, "upp:level", at_us=T0)
    with pytest.raises(UsageError, match="has no place"):
        gauge_level(store, "lost:level", at_us=T0)


def test_the_flood_of_a_gauge_stands_as_high_as_it_tells(city: City) -> None:
    flood = flood_at_gauge(city, "up:level", at="2026-08-28T12:30:00+09:00")
    wet = flood.max_depth_m > 0
    eta = (flood.bed_m + flood.max_depth_m)[wet]
    assert np.allclose(eta, 1.3, atol=1e-5)
    assert wet[:, :10].all()
    assert not wet[:, 30:].any()


def test_the_flood_of_two_gauges_slopes_between_them(city: City) -> None:
    flood = flood_at_gauge(city, ["up:level", "down:level"], at="2026-08-28T03:30:00Z")
    eta = flood.bed_m + flood.max_depth_m
    x = flood.grid.x_centres
    wanted = 1.3 + (0.5 - 1.3) * np.clip((x - BANK[0]) / (FAR[0] - BANK[0]), 0, 1)
    wet = flood.max_depth_m[20] > 0
    assert np.allclose(eta[20][wet], wanted[wet], atol=1e-4)


def test_rain_of_one_station_and_the_mean_of_two(store: Store) -> None:
    notices = Notices()
    rain = rain_of_stations(store, "sky:rain-2", notices=notices)
    assert rain.start == START
    assert [rain(60 * m) for m in (0, 9.9, 20)] == [20.0, 20.0, 40.0]
    both = rain_of_stations(store, "sky:rain-*", notices=notices)
    assert [both(60 * m) for m in (0, 10, 20, 60)] == [15.0, 25.0, 35.0, 50.0]
    assert "mean of 2 stations" in " ".join(notices.lines())


def test_silence_is_no_dry_weather(store: Store) -> None:
    """Without a value between 30 mm/h and 50 mm/h it rains at 40, and that is told."""
    notices = Notices()
    rain = rain_of_stations(store, "sky:rain-1", notices=notices, start_us=T0)
    assert [rain(60 * m) for m in (20, 40, 60)] == [30.0, 40.0, 50.0]
    assert [rain(60 * m) for m in (70, 71, 600)] == [50.0, 0.0, 0.0]
    assert "no value after 2026-08-28T04:10:00Z; taken as no rain" in " ".join(notices.lines())
    assert "no value for 40 min (first from 2026-08-28T03:20:00Z on)" in notices.lines()[0]
    with pytest.raises(InputError, match="no values in that time"):
        rain_of_stations(store, "sky:rain-1", notices=notices, start_us=T0 + 500 * MIN)
    with pytest.raises(InputError, match="no mm/h"):
        rain_of_stations(store, "sky:air", notices=notices)
    with pytest.raises(UsageError, match="did you mean"):
        rain_of_stations(store, "sky:rain-3", notices=notices)


def test_a_tide_is_told_as_elevation(store: Store) -> None:
    tide = tide_of_gauge(store, "up:level", notices=Notices())
    assert tide(0) == 1.0
    assert tide(150) == pytest.approx(1.025)  # between 0 and 5 minutes
    with pytest.raises(InputError, match="zero_m"):
        tide_of_gauge(store, "bare:level", notices=Notices())


def rising(city: City, offset_m: float) -> object:
    """A flood whose level rises as the gauge's does, with an offset."""
    flood = flood_at_gauge(city, "up:level", at="2026-08-28T03:00:00Z")
    minutes = np.arange(0, 91, 15)
    eta = 1.0 + minutes / 100 + offset_m
    depth = np.maximum(eta[:, None, None] - np.nan_to_num(flood.bed_m, nan=99.0), 0).astype(np.float32)
    return flood_of(
        "model", flood.grid, START + minutes * 60, flood.bed_m, StepArrays(depth), kind="simulation"
    )


def test_residuals_are_what_was_planted(city: City, store: Store) -> None:
    found = gauge_residual(store, rising(city, -0.15), "up:level")  # type: ignore[arg-type]
    known = np.isfinite(found.residual_m)
    assert known.tolist() == [True] * 5 + [False] * 2  # the gauge is silent after an hour
    assert np.allclose(found.residual_m[known], -0.15, atol=1e-5)
    assert found.rmse_m == pytest.approx(0.15, abs=1e-5)
    assert found.text_at(START + 1800) == "gauge 1.30 m, model 1.15 m (-0.15 m)"
    assert found.text_at(START + 5400) == "gauge without data, model 1.75 m"
    assert found.distance_m < 1.0


def test_a_flood_without_a_time_has_no_residual(city: City, store: Store) -> None:
    with pytest.raises(UsageError, match="knows no time"):
        gauge_residual(store, flood_at_gauge(city, "up:level", at="2026-08-28T03:00:00Z"), "up:level")


def test_marks_at_the_gauges_tell_how_far_a_flood_is_off(city: City) -> None:
    from datetime import UTC, datetime

    from twin.scene.layers import MarkerState
    from twin.scene.residual_layer import COLOURS, NOWHERE, ResidualLayer

    layer = ResidualLayer(city.path, rising(city, -0.2))  # type: ignore[arg-type]
    view = layer.at(datetime(2026, 8, 28, 3, 30, tzinfo=UTC))
    assert view.markers is not None
    at = view.markers.ids.index("up:level")
    assert view.markers.text[at] == "gauge 1.30 m, model 1.10 m (-0.20 m)"
    assert tuple(view.markers.rgb[at]) == COLOURS[2]
    later = layer.at(None).markers
    assert later is not None
    assert tuple(later.rgb[at]) == NOWHERE
    assert later.state[at] == MarkerState.MISSING
    assert "bare:level" not in view.markers.ids


def test_a_gauge_far_from_all_water(city: City, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.coupling.residuals.SEARCH_M", 5.0)
    with pytest.raises(InputError, match="no water within"):
        gauge_residual(store, rising(city, 0.0), "down:level")  # type: ignore[arg-type]


def test_rain_of_a_station_floods_a_city(city: City, store: Store, tmp_path: Path) -> None:
    from twin.water import simulate

    rain = rain_of_stations(store, "sky:rain-2", notices=Notices())
    flood = simulate(city, rain=rain, hours=0.5, method="fast", edges="closed", name="rain")
    volume = float(np.nansum(flood.depth_m(flood.n_steps - 1)))
    fallen = (20 * 20 + 40 * 10) / 60 / 1000 * flood.grid.nx * flood.grid.ny
    assert flood.times[0] >= START
    assert volume == pytest.approx(fallen, rel=0.02)


def test_through_the_command_line(city: City, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from twin.cli.main import run

    def flood(*words: str) -> tuple[int, str]:
        code = run(["flood", words[0], str(city.path), *words[1:]])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out + said.err

    at = ("--time", "2026-08-28T12:30:00+09:00")
    more = ("--name", "now", "--no-exposure", "--force")
    assert flood("level", "--gauge", "up:level", *at, *more)[0] == 0
    told = json.loads((city.path / "water" / "now" / "run.json").read_text(encoding="utf-8"))["parameters"]
    assert told["eta_m"] == pytest.approx(1.3)
    assert told["gauges"][0]["datastream"] == "up:level"
    assert told["gauges"][0]["time"] == "2026-08-28T03:30:00Z"
    assert flood("level", "--gauge", "bare:level", *at, *more)[0] == 3
    code, out = flood("level", "--gauge", "upp:level", *at, *more)
    assert (code, "did you mean 'up:level'" in out) == (2, True)
    assert flood("level", "--eta", "1.0", *at, *more)[0] == 2
    assert flood("level", "--gauge", "1,2", *at, *more)[0] == 2
    hours = (
        "--hours",
        "0.1",
        "--start",
        "2026-08-28T03:10:00Z",
        "--name",
        "rained",
        "--no-exposure",
        "--force",
    )
    code, out = flood("simulate", "--rain", "sky:rain-*", "--tide", "up:level", *hours)
    assert (code, "mean of 2 stations" in out) == (0, True)
    code, out = flood("residual", "--name", "rained", "--gauge", "up:level")
    assert (code, "RMSE" in out) == (0, True)
    assert flood("simulate", "--rain", "sky:rain-9", *hours)[0] == 3  # neither a file nor a station
