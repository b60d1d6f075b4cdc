"""A field between stations lies on the ground, clear where nothing is told, and says how far it may be trusted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.cli.test_live_asked_verbs import with_air
from tests.live.small_store import small_city
from twin.core.errors import UsageError
from twin.live.bands import read_bands, station_borders
from twin.scene.as_layer import as_layer
from twin.scene.field_layer import FieldLayer

THEN = datetime(2026, 8, 28, 3, 5, tzinfo=UTC)


@pytest.fixture
def layer(tmp_path: Path) -> FieldLayer:
    return FieldLayer(with_air(small_city(tmp_path / "c.twin", n_minutes=90)), "no2", cell_size_m=10.0)


def test_the_field_is_draped_with_its_legend(layer: FieldLayer) -> None:
    view = layer.at(THEN)
    assert view.drape is not None
    assert view.drape.rgba.shape == (100, 100, 4)
    assert 0.02 < (view.drape.rgba[..., 3] > 0).mean() < 0.6
    (legend,) = view.legends
    assert legend.title == "NO2 (ppm)"
    assert [e.text for e in legend.entries] == ["Good", "Moderate"]
    assert "7 stations" in view.remarks[0]
    assert "left out" in view.remarks[0]
    again = layer.at(THEN)
    assert again.drape is not None
    assert np.array_equal(again.drape.rgba, view.drape.rgba)


def test_too_few_stations_leave_the_ground_clear_and_say_so(layer: FieldLayer) -> None:
    view = layer.at(THEN.replace(hour=4))
    assert view.drape is None
    assert view.remarks == ("NO2: no field (0 places have a value, kriging needs 5)",)
    assert layer.span is not None


def test_names_of_fields(tmp_path: Path) -> None:
    import twin
    from twin.core.notices import Notices
    from twin.live.folder import find_site, record
    from twin.live.model import Catalogue

    folder = with_air(small_city(tmp_path / "c.twin", n_minutes=9))
    record(find_site(folder, crs=None, near=None, notices=Notices()), Catalogue(), (), notices=Notices())
    city = twin.open_city(folder)
    found = as_layer("field:no2,idw", city)
    assert (found.name, found.method) == ("field:no2", "idw")  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="field:pm2_5"):
        as_layer("field:", city)


def test_stages_of_a_station_by_name_or_in_a_row() -> None:
    table = read_bands("korea-water-stage")
    stages = {"interest": 1.0, "caution": 1.5, "alert": 2.0, "serious": 2.5}
    assert station_borders(table, "water_level", {"stages": stages}) == (1.0, 1.5, 2.0, 2.5)
    assert station_borders(table, "water_level", {"stages": [1, 2]}) == (1.0, 2.0)
    for wrong in ({"stages": {"alert": "x"}}, {"stages": [2, 1]}, {"stages": []}, {}, {"stages": "1"}):
        assert station_borders(table, "water_level", wrong) == ()
