"""Buildings to triangles: the level that is asked for, every solid watertight, vertices of each building together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.outputs.small_content import boxes, small_content, terrain
from twin.city.building_geometry import BuildingGeometry
from twin.core.mesh import Solid, Surface
from twin.outputs.export_content import BuildingMeshes, ExportContent, MeshPart, building_meshes

if TYPE_CHECKING:
    from pathlib import Path


def stepped(height: float) -> Solid:
    """A box whose front wall has a corner in the middle of its upright edge, as stepped roofs leave them."""
    v = [[x, y, z] for z in (0.0, height) for x, y in ((0, 0), (6, 0), (6, 5), (0, 5))] + [[0, 0, height / 2]]
    rings = [[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4, 8], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 8, 4, 7]]
    return Solid(
        np.array(v),
        np.concatenate(rings).astype(np.int32),
        np.cumsum([0, *map(len, rings)], dtype=np.int32),
        np.arange(7, dtype=np.int32),
        np.array([0, 2, 1, 1, 1, 1], dtype=np.uint8),
    )


def is_watertight(meshes: BuildingMeshes) -> bool:
    tail = meshes.triangles[:, [0, 1, 2]].ravel().astype(np.int64)
    head = meshes.triangles[:, [1, 2, 0]].ravel().astype(np.int64)
    n = len(meshes.vertices)
    return bool(np.array_equal(np.sort(tail * n + head), np.sort(head * n + tail)))


def test_the_finest_level_up_to_the_one_asked_for() -> None:
    models = [
        BuildingGeometry("a", {}, (), {"1.2": (stepped(4),), "1.3": (stepped(6), stepped(7))}),
        BuildingGeometry("none", {}),
        BuildingGeometry("b", {}, (), {"1.2": (stepped(9),)}),
    ]
    meshes, ids = building_meshes(models)
    assert ids == ("a", "none", "b")
    assert np.bincount(meshes.building).tolist() == [2 * 14, 0, 14]
    assert meshes.vertex_ranges(3).tolist() == [0, 18, 18, 27]
    assert is_watertight(meshes)
    coarse, _ = building_meshes(models, lod="1.2")
    assert np.bincount(coarse.building).tolist() == [14, 0, 14]
    assert coarse.vertices[coarse.triangles[coarse.building == 0]][..., 2].max() == 4
    assert np.bincount(coarse.surface, minlength=3).tolist() == [4, 20, 4]


def test_surfaces_that_do_not_close_are_drawn_too() -> None:
    whole = stepped(4)
    open_faces = Solid(
        whole.vertices, whole.corners[:8], whole.ring_starts[:3], whole.face_starts[:3], whole.surface[:2]
    )
    meshes, _ = building_meshes([BuildingGeometry("a", {}, (), {}, {"2": open_faces})])
    assert meshes.surface.tolist() == [Surface.GROUND] * 2 + [Surface.ROOF] * 2


def test_no_buildings_at_all() -> None:
    meshes, ids = building_meshes([])
    assert (len(meshes.triangles), ids) == (0, ())
    assert meshes.vertex_ranges(0).tolist() == [0]
    assert BuildingMeshes.empty().vertex_ranges(2).tolist() == [0, 0, 0]


def test_what_does_not_fit_together_is_refused() -> None:
    good = boxes(2)
    with pytest.raises(ValueError, match="ordered by building"):
        BuildingMeshes(good.vertices, good.triangles, good.building[::-1].copy(), good.surface)
    with pytest.raises(ValueError, match="not there"):
        BuildingMeshes(good.vertices[:15], good.triangles, good.building, good.surface)
    with pytest.raises(ValueError, match="one building"):
        BuildingMeshes(good.vertices, good.triangles, good.building[1:], good.surface)
    with pytest.raises(ValueError, match="without an id"):
        ExportContent("t", "", (0, 0, 0), good, ("only one",))
    with pytest.raises(ValueError, match="6 values for 7 buildings"):
        small_content(7, attributes={"h": [1] * 6})
    with pytest.raises(ValueError, match="has no name"):
        MeshPart("terrain", terrain().mesh, terrain().kind, ("ground",))


@pytest.mark.realdata
def test_a_real_model_goes_into_every_format(shared_data: Path, tmp_path: Path) -> None:
    from twin.city.cityjson import read_cityjson
    from twin.core.notices import Notices
    from twin.outputs.glb import write_glb
    from twin.outputs.obj import write_obj
    from twin.outputs.ply import write_ply
    from twin.outputs.stl import write_stl

    model = read_cityjson(shared_data / "delft/3dbag_v210908_tile5908_lod22.city.jsonl", notices=Notices())
    meshes, ids = building_meshes(model.buildings, lod="1.2")
    names = sorted({name for b in model.buildings for name in b.attributes})
    table = {name: [b.attributes.get(name) for b in model.buildings] for name in names}
    content = ExportContent("Delft", model.header.crs, (84_000, 446_000, 0), meshes, ids, table)
    n = len(meshes.triangles)
    assert write_glb(tmp_path / "a.glb", content).n_features == 99
    assert (write_obj(tmp_path / "a.obj", content), write_ply(tmp_path / "a.ply", content)) == (n, n)
    assert write_stl(tmp_path / "a.stl", content) == n
