"""RT-27: sensors with scripts for names go the whole way, from a file of things through the store into the exports."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pyproj
import pytest

from tests.outputs.web.browser import CHROMIUM, Browser
from tests.outputs.web.hostile_village import CLOSER, CONTROL, FORMULA, IMAGE, SCRIPT, STYLE, hostile_scene
from tests.scene.conftest import ORIGIN
from twin.city.manifest import Manifest, write_manifest
from twin.city.model import open_city
from twin.cli.main import run
from twin.outputs.web.page import PageOptions, write_page
from twin.outputs.web.timeline import choose_moments
from twin.scene.live_layer import city_layer

CRS = "EPSG:28992"
NAMES = (SCRIPT, IMAGE, CONTROL, FORMULA, STYLE, CLOSER, "'; DROP TABLE things; --", "{{7*7}}${7*7}")
LAST = datetime(2026, 3, 1, 0, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A city that has imported things whose every text is hostile, and their observations."""
    folder = tmp_path_factory.mktemp("sensors")
    x, y, _ = ORIGIN
    place = (x - 100.0, y - 100, -5.0, x + 100, y + 100, 50.0)
    path = folder / "village.twin"
    path.mkdir()
    write_manifest(
        Manifest("village", CRS, pyproj.CRS(CRS).to_wkt(), tuple(ORIGIN), place), path / "twin.json"
    )
    to_degrees = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    things, rows = [], []
    for k, name in enumerate(NAMES):
        where = to_degrees.transform(x - 20 + 5 * k, y + 6)
        stream = {
            "@iot.id": f"s{k}",
            "name": name,
            "unitOfMeasurement": {"symbol": "m", "name": name, "definition": name},
            "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
            "ObservedProperty": {"name": "Water level", "definition": name},
        }
        location = [{"location": {"type": "Point", "coordinates": list(where)}}]
        things.append(
            {"@iot.id": k, "name": name, "description": name, "Locations": location, "Datastreams": [stream]}
        )
        for minute in range(10):
            time = f"2026-03-01T00:{minute:02d}:00Z"
            told = {"phenomenonTime": time, "resultTime": time, "result": k + minute / 10}
            rows.append(json.dumps({**told, "Datastream": {"@iot.id": f"s{k}"}}))
    (folder / "things.json").write_text(json.dumps({"value": things}), encoding="utf-8")
    (folder / "told.jsonl").write_text("\n".join(rows), encoding="utf-8")
    for name in ("things.json", "told.jsonl"):
        assert run(["live", "import", str(path), str(folder / name)]) == 0
    return open_city(path)


@pytest.fixture
def layer(city):
    return city_layer(city)


def test_every_thing_stands_on_the_map_under_its_own_name(layer) -> None:
    markers = layer.at(LAST).markers
    assert markers is not None
    assert len(markers.ids) == len(NAMES)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt install chromium)")
def test_rt27_and_rt29_the_page_shows_them_from_a_file_without_a_network(layer, tmp_path) -> None:
    """RT-27, RT-29: no dialog, nothing run, no line in the console, and no request but the file itself."""
    page = tmp_path / "village.html"
    layers = (layer,)
    attributes = {"id": [SCRIPT, IMAGE, "c"]}
    write_page(page, hostile_scene(), attributes, PageOptions(layers=layers, moments=choose_moments(layers)))
    text = page.read_text(encoding="ascii")
    assert "default-src 'none'" in text
    assert not any(name in text for name in (SCRIPT, IMAGE, STYLE, CLOSER))
    browser = Browser((900, 640))
    try:
        browser.open(page)
        for x in range(100, 850, 60):
            for y in range(150, 600, 60):
                browser.click(x, y)
        assert browser.run("document.body.textContent.includes('<script>')")
        assert browser.run("window.pwned === undefined")
        assert browser.run("document.images.length + document.querySelectorAll('svg[onload]').length") == 0
        assert browser.dialogs == []
        assert browser.requests == [page.resolve().as_uri()]
        assert [line for line in browser.console if not line.startswith("warning")] == []
    finally:
        browser.close()
