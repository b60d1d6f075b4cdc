"""A folder that holds a manifest and observations alone: every verb shows it, or says what it has no place for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.live.small_store import small_city
from twin.city.model import open_city
from twin.cli.main import run
from twin.scene.as_layer import chosen_layers
from twin.scene.from_city import scene_content


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """A folder as `twin live import` makes it."""
    things = {"value": [thing(k) for k in range(3)]}
    (tmp_path / "things.json").write_text(json.dumps(things), encoding="utf-8")
    rows = [
        {"phenomenonTime": f"2026-08-28T03:0{k}:00Z", "result": 20.0 + k, "Datastream": {"@iot.id": "s0"}}
        for k in range(3)
    ]
    (tmp_path / "values.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    city = tmp_path / "alone.twin"
    files = [str(tmp_path / name) for name in ("things.json", "values.jsonl")]
    assert run(["live", "import", str(city), *files, "--crs", "EPSG:5187"]) == 0
    return city


def thing(k: int) -> dict[str, object]:
    place = {"type": "Point", "coordinates": [129.0 + k / 1000, 35.1, 4.0]}
    stream = {
        "@iot.id": f"s{k}",
        "ObservedProperty": {"name": "pm2_5"},
        "unitOfMeasurement": {"symbol": "ug/m3"},
    }
    return {"@iot.id": f"t{k}", "Locations": [{"location": place}], "Datastreams": [stream]}


def test_stations_stand_on_a_plain(alone: Path) -> None:
    city = open_city(alone)
    ground = scene_content(city).terrain
    assert ground is not None
    assert ground.vertices[:, :2].min(0).tolist() == [city.bounds.x_min, city.bounds.y_min]
    up = ground.vertices[ground.triangles[0]]
    assert np.cross(up[1] - up[0], up[2] - up[0])[2] > 0
    assert ground.vertices[:, 2].max() == 4.0


def test_they_are_shown_unasked(alone: Path) -> None:
    (layer,) = chosen_layers(open_city(alone), ()).moving
    markers = layer.at(None).markers
    assert markers is not None
    assert markers.ids == ("t0", "t1", "t2")
    assert markers.position[:, 2].tolist() == [4.0] * 3


def test_every_verb_works_or_says_what_is_missing(
    alone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = tmp_path / "stations.png"
    assert run(["snapshot", str(alone), str(shown), "--size", "320x180"]) == 0
    assert shown.stat().st_size > 3000
    assert run(["info", str(alone)]) == 0
    assert run(["check", str(alone)]) == 0
    out = capsys.readouterr().out
    assert "buildings  none" in out
    assert "nothing to check" in out
    assert run(["export", str(alone), str(tmp_path / "page.html")]) == 0
    for suffix in (".glb", ".city.json", ".gpkg"):
        assert run(["export", str(alone), str(tmp_path / f"model{suffix}")]) == 3
        said = capsys.readouterr().err
        assert "observations only" in said
        assert "twin live export" in said


def test_a_folder_without_a_single_place_is_still_a_picture(tmp_path: Path) -> None:
    (tmp_path / "things.json").write_text('{"value": [{"@iot.id": "t"}]}', encoding="utf-8")
    city = tmp_path / "nowhere.twin"
    assert run(["live", "import", str(city), str(tmp_path / "things.json")]) == 0
    assert scene_content(open_city(city)).terrain is None
    assert run(["info", str(city)]) == 0
    assert run(["snapshot", str(city), str(tmp_path / "nothing.png"), "--size", "320x180"]) in {0, 3}


def test_a_manifest_alone_has_nothing_to_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    city = small_city(tmp_path / "small")
    assert run(["export", str(city), str(tmp_path / "model.glb")]) == 3
    assert "holds nothing yet" in capsys.readouterr().err
