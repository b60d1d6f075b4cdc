"""A dense screen: the picture has all its pixels, clicks meet what lies below them, texts are as large as elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("PySide6")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
from twin.viewer.launch import application, make_window
from tests.viewer.window_driver import Driver

app = application()
window = make_window(sys.argv[1])
window.resize(760, 480)
window.show()
driver = Driver(app, window, Path(sys.argv[2])).ready()
canvas, building = window.canvas, driver.tallest()
pack = window.picture.scene.pack
points = pack["facet_points"][pack["facet_owner"] == list(pack["building_ids"]).index(building)]
ratio = canvas.devicePixelRatioF()
for place in points + (points.mean(axis=0) - points) * 0.3:
    at = driver.pixel_of(place)
    hit = window.sight.under(canvas.camera, (at.x() * ratio, at.y() * ratio))
    if hit is not None and hit.id == building:
        break
driver.click(at)
driver.until(lambda: bool(window.desk.state.selection))
window.measure.begin("height")
driver.click(at)
window.measure.finish()
driver.until(lambda: bool(window.measure.found))
(place,) = window.desk.state.measurements[0].points
again = driver.pixel_of(tuple(np.subtract(place, window.desk.origin())))
driver.shot("dense")
json.dump({
    "ratio": ratio, "size": canvas.size_px, "widget": [canvas.width(), canvas.height()],
    "picked": [p.id for p in window.desk.state.selection], "building": building,
    "off": [again.x() - at.x(), again.y() - at.y()],
    "scale": window.picture.furniture.text_scale, "own": window.desk.state.furniture.text_scale,
}, sys.stdout)
window.release()
"""


def test_clicks_and_texts_on_a_screen_of_twice_the_density(screen, town, tmp_path):
    root = Path(__file__).resolve().parents[2]
    env = {
        **os.environ,
        "QT_SCALE_FACTOR": "2",
        "TWIN_STATE": str(tmp_path / "state"),
        "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]),
    }
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(town), str(tmp_path / "pictures")],
        env=env, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    told = json.loads(ran.stdout)
    assert told["ratio"] == 2
    assert told["size"] == [2 * side for side in told["widget"]]
    assert told["picked"] == [told["building"]]
    assert max(map(abs, told["off"])) <= 1
    assert told["scale"] > 1.2 > told["own"]
