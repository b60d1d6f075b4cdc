"""Bands and indices give what their publishers say, by hand-computed values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twin.core.errors import ConfigError, UsageError
from twin.live.air_index import StationSeries, forecast_mean, station_index, sub_index
from twin.live.bands import band_tables, classify, colours, label, read_bands
from twin.live.concentrations import convert
from twin.live.means import HOUR_US, trailing_mean

CAI = read_bands("korea-cai")


@pytest.mark.parametrize("name", band_tables())
def test_shipped_tables_name_their_source_and_speak_three_languages(name: str) -> None:
    table = read_bands(name)
    assert table.edition
    assert table.source
    assert all(set(band.label) == {"en", "ko", "fi"} for band in table.bands)
    assert len({band.colour for band in table.bands}) == len(table.bands)


@pytest.mark.parametrize(
    ("table", "observed", "unit", "values", "bands"),
    [
        ("korea-cai", "pm2_5", "ug/m3", [0, 15, 16, 35, 36, 75, 76, 900], [0, 0, 1, 1, 2, 2, 3, 3]),
        ("korea-cai", "pm10", "µg/m³", [30, 31, 80, 81, 150, 151], [0, 1, 1, 2, 2, 3]),
        ("korea-cai", "o3", "ppm", [0.030, 0.031, 0.090, 0.091, 0.150, 0.151], [0, 1, 1, 2, 2, 3]),
        ("korea-cai", "co", "ppb", [2000, 2010, 9000], [0, 1, 1]),
        ("eaqi", "pm2_5", "ug/m3", [5, 5.1, 15, 50, 90, 140, 140.1], [0, 1, 1, 2, 3, 4, 5]),
        ("eaqi", "no2", "ug/m3", [10, 10.1, 25, 60, 100, 151], [0, 1, 1, 2, 3, 5]),
        ("eaqi", "o3", "ug/m3", [60, 100, 120, 160, 180, 181], [0, 1, 2, 3, 4, 5]),
        ("eaqi-2019", "no2", "ug/m3", [40, 40.1, 90, 341], [0, 1, 1, 5]),
        ("who-2021", "pm2_5", "ug/m3", [15, 15.1, 75, 76], [0, 1, 4, 5]),
        ("who-2021", "o3", "ug/m3", [100, 101, 161], [0, 3, 5]),
        ("korea-heat", "apparent_temperature", "Cel", [30.9, 31, 33, 35], [0, 1, 2, 3]),
        ("uv-index", "uv_index", "1", [2.9, 3, 11], [0, 1, 4]),
        ("noise-eu", "sound_level", "dB(A)", [54.9, 55, 75], [0, 1, 5]),
        ("korea-rain", "rain_rate", "mm/h", [0, 0.1, 15, 30], [0, 1, 3, 4]),
    ],
)
def test_values_at_the_borders(
    table: str, observed: str, unit: str, values: list[float], bands: list[int]
) -> None:
    assert classify(read_bands(table), observed, values, unit=unit).tolist() == bands


def test_no_value_has_no_band_and_is_grey() -> None:
    bands = classify(CAI, "pm10", [np.nan, 200.0], unit="ug/m3")
    assert bands.tolist() == [-1, 3]
    assert colours(CAI, bands)[0].tolist() == [150, 150, 150]
    assert label(CAI.bands[3], "ko") == "매우나쁨"
    assert label(CAI.bands[3], "sv") == "Very unhealthy"


def test_stages_are_those_of_the_station() -> None:
    table = read_bands("korea-water-stage")
    found = classify(table, "water_level", [0.9, 1.0, 2.4, 9.0], unit="m", borders=[1.0, 1.5, 2.0, 2.5])
    assert [table.bands[i].key for i in found] == ["normal", "interest", "alert", "serious"]
    with pytest.raises(UsageError, match="stages"):
        classify(table, "water_level", [1.0], unit="m")


def test_gases_by_volume_become_mass() -> None:
    assert convert([1.0], unit="ppm", to="ug/m3", gas="no2", temperature_c=25).round(0).tolist() == [1880]
    assert convert([100.0], unit="ug/m3", to="ppb", gas="o3", temperature_c=20).round(1).tolist() == [50.1]
    with pytest.raises(UsageError, match="cannot become"):
        convert([1.0], unit="ppm", to="ug/m3", gas="pm10")


def test_sub_index_by_hand() -> None:
    """O3 of 0.120 ppm: (250 - 101) / (0.150 - 0.091) * (0.120 - 0.091) + 101 = 174.2."""
    assert sub_index(CAI, "o3", [0.120, 0.0, 0.6, 2.0], unit="ppm").tolist() == [174, 0, 500, 500]


def test_forecast_mean_by_hand() -> None:
    """C12 of 85; the last four 80 (ratio 0.94, damped), 160 (1.88, as it is), 60 (below 70), 100 (damped)."""
    hours = [80.0, 160.0, 60.0, 100.0, *[77.5] * 8]
    c12, c4 = np.mean(hours), (0.75 * 80 + 160 + 60 + 0.75 * 100) / 4
    assert c12 == 85.0
    assert forecast_mean(hours, forecast_from=70.0) == pytest.approx((12 * c12 + 12 * c4) / 24)
    assert np.isnan(forecast_mean([np.nan, np.nan, *hours[2:]], forecast_from=70.0))


def hourly(value: float, unit: str) -> StationSeries:
    times = np.arange(0, 26 * 6) * (HOUR_US // 6)
    return StationSeries(times, np.full(len(times), value), unit)


AT = 25 * HOUR_US
AIR = {
    "pm10": hourly(60, "ug/m3"),
    "pm2_5": hourly(20, "ug/m3"),
    "no2": hourly(0.02, "ppm"),
    "o3": hourly(0.05, "ppm"),
}


def test_index_of_a_station() -> None:
    found = station_index(CAI, AIR, at_us=AT)
    assert found.main == "pm10"
    assert found.value == found.sub["pm10"] == 80  # (100 - 51) / (80 - 31) * (60 - 31) + 51
    assert CAI.bands[found.band].key == "moderate"


def test_no_index_without_all_that_it_needs() -> None:
    found = station_index(CAI, {k: v for k, v in AIR.items() if k != "o3"}, at_us=AT)
    assert np.isnan(found.value)
    assert found.missing == ("o3",)
    assert found.sub["pm10"] == 80


def test_several_bad_ones_add_up() -> None:
    one = station_index(CAI, {**AIR, "o3": hourly(0.12, "ppm")}, at_us=AT)
    two = station_index(CAI, {**AIR, "o3": hourly(0.12, "ppm"), "no2": hourly(0.1, "ppm")}, at_us=AT)
    assert (one.value, one.added) == (174, 0)
    assert (two.value, two.added) == (224, 50)


def test_means_need_cover() -> None:
    times = np.arange(0, 60, 10) * 60_000_000
    values = np.array([1.0, 2, 3, 4, np.nan, np.nan])
    assert np.isnan(trailing_mean(times, values, at_us=[times[-1]], hours=1)[0])
    values[4] = 5
    assert trailing_mean(times, values, at_us=[times[-1]], hours=1)[0] == 3.0


def test_an_hour_with_many_values_weighs_as_one_with_few() -> None:
    times = np.concatenate([np.arange(60) * HOUR_US // 60, np.arange(1, 8) * HOUR_US])
    values = np.concatenate([np.full(60, 10.0), np.full(7, 2.0)])
    assert trailing_mean(times, values, at_us=[8 * HOUR_US - 1], hours=8)[0] == pytest.approx(3.0)


def broken(tmp_path: Path, old: str, new: str) -> Path:
    from twin.core.assets import asset_path

    text = asset_path("bands/korea-cai.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("mean_h = 1", "mean_hh = 1", "did you mean 'mean_h'"),
        ("borders = [0.020, 0.050, 0.150]", "borders = [0.05, 0.02, 0.15]", "ascending"),
        ("borders = [0.020, 0.050, 0.150]", "borders = [0.05]", "give 3"),
        ('colour = "#2f80ed"', 'colour = "blue"', "#rrggbb"),
        ('edition = "', 'editon = "', "did you mean 'edition'"),
        ('key = "moderate"', 'key = "good"', "one key"),
        ("index = [0, 50]", "index = [0]", "no pair"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigError, match=r"mine\.toml") as found:
        read_bands(broken(tmp_path, old, new))
    assert told in str(found.value)


def test_unknown_tables_and_properties_are_named() -> None:
    with pytest.raises(UsageError, match="did you mean 'korea-cai'"):
        read_bands("korea-cia")
    with pytest.raises(UsageError, match="pm2_5"):
        classify(CAI, "pm25", [1.0], unit="ug/m3")
