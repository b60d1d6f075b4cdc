"""A disk that is full: each writer says so with the path, and leaves neither a half file nor a temporary one."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
CHILD = """
import json, resource, sys
from pathlib import Path
import geopandas, numpy as np, shapely
sys.path.insert(0, sys.argv[2])
from tests.outputs.small_content import small_content
from twin.city.building_geometry import BuildingGeometry
from twin.city.cityjson import ModelMetadata, VertexTransform, write_cityjson, write_cityjsonseq
from twin.core.errors import TwinError
from twin.outputs.geopackage import write_geopackage
from twin.outputs.glb import write_glb
from twin.outputs.obj import write_obj
from twin.outputs.ply import write_ply
from twin.outputs.stl import write_stl
from twin.outputs.threemf import content_objects, write_3mf
from twin.city.export_options import ExportOptions
from twin.outputs.usdz import write_usdz
from twin.outputs.web.page import PageOptions, write_page
from twin.scene.scene import Scene
from tests.scene.conftest import village_content

folder = Path(sys.argv[1])
content = small_content(4000)
points = [shapely.Point(i, i) for i in range(4000)]
layers = {"trees": geopandas.GeoDataFrame({"t": ["x" * 90] * 4000}, geometry=points, crs="EPSG:28992")}
model = [BuildingGeometry(f"b{i}", {"note": "x" * 200}) for i in range(2000)]
told = {"metadata": ModelMetadata("EPSG:7415"), "transform": VertexTransform((0, 0, 0))}
objects = content_objects(small_content(12_000), None)
village = village_content()
scene = Scene(village)
scene.light
writers = {
    "a.3mf": lambda p: write_3mf(p, objects, unit="meter", title="town", force=True),
    "a.usdz": lambda p: write_usdz(p, scene, None, ExportOptions(), force=True),
    "a.html": lambda p: write_page(p, scene, {"id": ["a", "b", "c"]}, PageOptions(), force=True),
    "a.glb": lambda p: write_glb(p, content, force=True),
    "a.obj": lambda p: write_obj(p, content, force=True),
    "a.stl": lambda p: write_stl(p, content, force=True),
    "a.ply": lambda p: write_ply(p, content, force=True),
    "a.gpkg": lambda p: write_geopackage(p, layers, force=True),
    "a.city.json": lambda p: write_cityjson(p, model, **told),
    "a.city.jsonl": lambda p: write_cityjsonseq(p, model, **told),
}
for name in writers:
    (folder / name).write_text("old")
sys.dont_write_bytecode = True  # it would be cut off without a word
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
result = {}
for name, write in writers.items():
    most = 8_000 if name == "a.usdz" else 200_000  # the village is small, and its picture is a temporary file
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, 200_000))
    try:
        write(folder / name)
        result[name] = ["nothing raised", "", 0]
    except TwinError as error:
        result[name] = [type(error).__name__, str(error), error.exit_code]
print(json.dumps(result))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the size of files is limited by POSIX means")
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path), str(request.config.rootpath)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert len(result) == 10
    for name, (kind, message, code) in result.items():
        assert (kind, code) == ("StorageError", 5), (name, message)
        assert str(tmp_path / name) in message
        assert "disk full" in message
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(result)
    assert all((tmp_path / name).read_text() == "old" for name in result)
