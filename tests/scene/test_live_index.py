"""Indices of air in a scene: by the means that they ask for, or told to be missing."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.live.small_store import T0, small_city
from twin.core.errors import UsageError
from twin.live.model import Batch, Catalogue, Datastream, Place, Thing
from twin.live.store import open_store
from twin.scene.layers import MarkerState
from twin.scene.live_index import NOTHING_RGB, IndexLayer

HOUR = 3_600_000_000
UNITS = {"pm2_5": "ug/m3", "pm10": "ug/m3", "no2": "[ppm]", "o3": "[ppm]"}
NOW = datetime.fromtimestamp(T0 / 1e6, UTC)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """Two stations with the same values now: one has measured for a day, one for an hour."""
    folder = small_city(tmp_path / "c.twin", n_minutes=1)
    values = {"pm2_5": 60.0, "pm10": 120.0, "no2": 0.07, "o3": 0.02}
    with open_store(folder, write=True) as store:
        for name, hours in (("day", 24), ("hour", 1)):
            place = Place("point", (192300.0 + hours, 280500.0, float("nan")))
            streams = tuple(
                Datastream(f"{name}:{key}", name, observed_property=key, unit=unit)
                for key, unit in UNITS.items()
            )
            store.put_catalogue(Catalogue((Thing(name, name, place=place),), streams))
            for key, value in values.items():
                times = [
                    T0 - k * HOUR - HOUR // 60 * m for k in range(hours) for m in (1, 11, 21, 31, 41, 51)
                ]
                n = len(times)
                store.append(Batch([f"{name}:{key}"] * n, times, times, [value] * n, [0] * n))
    return folder


def test_the_index_is_that_of_the_means(city: Path) -> None:
    view = IndexLayer(city, height_at=lambda x, y: x * 0 + 7).at(NOW)
    markers = view.markers
    assert markers is not None
    shown = dict(zip(markers.ids, markers.text, strict=True))
    # C24E of PM2.5 is (60 + 0.75 * 60) / 2 = 53 rounded: 166, and 75 more since three are unhealthy
    assert shown["day"] == "241 Unhealthy · PM2.5"
    assert shown["hour"] == "no index"
    state = dict(zip(markers.ids, markers.state.tolist(), strict=True))
    assert (state["day"], state["hour"]) == (MarkerState.FRESH, MarkerState.MISSING)
    rgb = dict(zip(markers.ids, map(tuple, markers.rgb.tolist()), strict=True))
    assert rgb["day"] == (242, 201, 76)
    assert rgb["hour"] == NOTHING_RGB
    assert np.isfinite(markers.height_m[markers.ids.index("day")])
    assert markers.position[markers.ids.index("day"), 2] == 7
    assert "2 of 3 stations without index (not enough hours of" in view.remarks[0]


def test_tables_without_an_index_show_the_worst_band(city: Path) -> None:
    view = IndexLayer(city, "who-2021").at(NOW)
    shown = dict(zip(view.markers.ids, view.markers.text, strict=True))
    assert shown["day"] == "Above all targets · NO2"
    assert view.legends[0].entries[0].text == "Within the guideline"


def test_before_there_was_anything(city: Path) -> None:
    view = IndexLayer(city).at(datetime(2020, 1, 1, tzinfo=UTC))
    assert set(view.markers.state.tolist()) == {MarkerState.MISSING}


def test_a_table_that_there_is_not(city: Path) -> None:
    with pytest.raises(UsageError, match="korea-cai"):
        IndexLayer(city, "korea-cia")
    assert IndexLayer(city, "uv-index").at(NOW).markers is None
