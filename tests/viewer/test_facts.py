"""What the inspector reads out of a place that was clicked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import geopandas as gpd
import numpy as np
import pytest
import shapely

pytest.importorskip("PySide6")

import twin
from twin.core.translations import load_texts
from twin.scene.picking import Hit, Kind
from twin.viewer.facts import facts_of


def test_a_click_is_told_in_full(tmp_path, town):
    """Attributes of a road, of water, of a shelter that was added; the title is the name where there is one."""
    city = twin.open_city(town)
    roads = city.layer("roads")
    road = roads[roads["name"].notna()].iloc[0]
    inside = road.geometry.representative_point()
    texts = load_texts("en")
    told = facts_of(city, Hit(Kind.TERRAIN, "", (inside.x, inside.y, 1.0), 9.0, "road"), texts)
    assert told.title == road["name_en"]
    assert told.subtitle == "Ground"
    attributes = dict(next(g for g in told.groups if g.key == "facts.attributes").rows)
    assert road["class"] in attributes.values()
    nothing = facts_of(city, Hit(Kind.TERRAIN, "", (0.0, 0.0, 1.0), 9.0, "road"), texts)
    assert nothing.title == "Ground"
    assert [g.key for g in nothing.groups] == ["facts.place", "facts.provenance"]

    shelters = gpd.GeoDataFrame(
        {
            "name": ["North", "South"],
            "capacity": [120, None],
            "opened": [None, np.datetime64("2019-01-01", "us")],
        },
        geometry=[inside, shapely.Point(inside.x + 9, inside.y)],
        crs=city.manifest.crs_wkt,
    )
    shelters.to_file(tmp_path / "shelters.gpkg")
    city = city.add(tmp_path / "shelters.gpkg")
    hit = Hit(Kind.FEATURE, "shelters", (inside.x, inside.y, 1.0), 9.0, "point", part=0)
    told = facts_of(city, hit, texts)
    assert (told.title, told.subtitle) == ("North", "shelters")
    rows = dict(next(g for g in told.groups if g.key == "facts.attributes").rows)
    assert rows["Capacity"] == "120"
    assert "Opened" not in rows


def test_rasters_tell_their_value_at_a_click_unless_they_are_hidden(tmp_path, town):
    import rasterio
    from rasterio.transform import from_origin

    city = twin.open_city(town)
    b, texts = city.bounds, load_texts("en")
    values = np.arange(12, dtype=np.float32).reshape(3, 4) + 0.25
    values[0, 0] = np.nan
    profile = {"driver": "GTiff", "height": 3, "width": 4, "count": 1, "dtype": "float32", "nodata": np.nan}
    place = {"transform": from_origin(b.x_min, b.y_max, 20.0, 20.0), "crs": city.manifest.crs_wkt}
    with rasterio.open(tmp_path / "noise.tif", "w", **profile, **place) as made:
        made.write(values, 1)
    city = city.add(tmp_path / "noise.tif")

    def told(column, row, **given):
        x, y = b.x_min + 20 * column + 10, b.y_max - 20 * row - 10
        facts = facts_of(city, Hit(Kind.TERRAIN, "", (x, y, 0.0), 9.0, "green"), texts, **given)
        return dict(next((g.rows for g in facts.groups if g.key == "panel.layers"), ()))

    assert told(2, 1) == {"noise": "6.25"}
    assert told(0, 0) == {}  # nothing is known there
    assert told(9, 9) == {}  # beyond it
    assert told(2, 1, hidden={"noise"}) == {}


def test_roads_that_are_closed_are_named_as_of_any_moment():
    import pandas as pd

    from twin.viewer.water_facts import closed_roads

    times = pd.to_datetime(["2026-08-28T03:00", "2026-08-28T04:00"])
    roads = pd.DataFrame({"road_id": ["1", "2", "3", "4"], "name": ["Quay", "Weir", "", "Quay"]})
    states = pd.DataFrame(
        {
            "road_id": ["1", "2", "3", "1", "2", "4"],
            "time": [times[0]] * 3 + [times[1]] * 3,
            "state": ["open", "closed", "closed", "closed", "open", "closed"],
        }
    )
    found = closed_roads({"roads": roads, "road_states": states})
    first = datetime(2026, 8, 28, 3, tzinfo=UTC)
    assert found.at(first) == found.at(first - timedelta(days=1)) == ("Weir",)
    assert found.at(first + timedelta(minutes=59)) == ("Weir",)
    assert found.at(first + timedelta(hours=1)) == found.at(first + timedelta(days=9)) == ("Quay",)
    assert found.at(None) == ("Quay", "Weir")
    assert closed_roads({}).at(first) == ()
    roads = pd.concat([roads, pd.DataFrame({"road_id": ["2", "2"], "name": ["Mill Lane", ""]})])
    pieces = closed_roads({"roads": roads, "road_states": states})
    assert pieces.at(first) == ("Mill Lane", "Weir"), "a road in pieces has all of their names"
