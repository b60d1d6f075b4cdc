"""The same city gives the same file, whether its pack and light are made now or come from the cache."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.drawing import needs_graphics
from twin.scene import light as light_module
from twin.scene.bake import light_for

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
# Draws the village as a city in a folder of its own, with any number of threads for its light: with nothing in the
# cache, with everything in it, and with the sun to be baked again.
DRAW = """
import sys
from pathlib import Path
import twin.scene.from_city as from_city
import twin.scene.light as light
from tests.scene.conftest import village_content
from tests.scene.test_packs import small_city
from twin.scene.scene import Scene

folder, threads = Path(sys.argv[1]), int(sys.argv[2])
light.default_workers = lambda: threads
from_city.scene_content = lambda city, lod=None: village_content()
for name in ("cold", "warm", "sky"):
    scene = Scene(small_city(folder))
    for view in ("overview", "street"):
        scene.snapshot(folder / f"{view}-{name}.png", size=(320, 200), view=view)
    if name == "warm":
        next((folder / "cache" / "scene").glob("light*")).unlink()
"""


def draw(folder, threads):
    """The bytes of the snapshots that a fresh process writes, by view."""
    folder.mkdir()
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, "-c", DRAW, folder, str(threads)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": path}, timeout=120)
    return {v: [p.read_bytes() for p in folder.glob(f"{v}-*.png")] for v in ("overview", "street")}


@needs_graphics
def test_cold_and_warm_caches_and_other_processes_give_the_same_files(tmp_path):
    one, other = draw(tmp_path / "one", 2), draw(tmp_path / "other", 1)
    kept = sorted(p.name.split("-")[0] for p in (tmp_path / "one" / "cache" / "scene").iterdir())
    assert kept == ["light5", "pack", "sky"]
    for view in ("overview", "street"):
        assert len(one[view]) == len(other[view]) == 3
        assert len({*one[view], *other[view]}) == 1
    assert one["overview"][0] != one["street"][0]


def test_light_does_not_depend_on_threads_or_chunks(monkeypatch, village_scene):
    monkeypatch.setattr(light_module, "default_workers", lambda: 3)
    monkeypatch.setattr(light_module, "_CHUNK_RAYS", 4096)
    again = light_for(village_scene.pack, village_scene.sun, None)
    for name in ("atlas", "plan", "table", "trees"):
        np.testing.assert_array_equal(getattr(again, name), getattr(village_scene.light, name))


def test_light_read_from_the_cache_is_the_light_that_was_baked(tmp_path, village_scene):
    baked = light_for(village_scene.pack, village_scene.sun, tmp_path)
    read = light_for(village_scene.pack, village_scene.sun, tmp_path)
    for name in ("atlas", "plan", "table", "trees"):
        np.testing.assert_array_equal(getattr(baked, name), getattr(read, name))
        np.testing.assert_array_equal(getattr(baked, name), getattr(village_scene.light, name))
