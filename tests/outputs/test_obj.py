"""OBJ: objects by id whatever the id holds, faces under their materials, counts read back."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trimesh

from tests.outputs.small_content import HOSTILE_IDS, ORIGIN, boxes, small_content
from twin.core.errors import OutputExistsError
from twin.outputs.export_content import BuildingMeshes
from twin.outputs.obj import read_obj_counts, write_obj

if TYPE_CHECKING:
    from pathlib import Path


def test_every_building_is_an_object_with_its_materials(tmp_path: Path) -> None:
    path = tmp_path / "town.obj"
    write_obj(path, small_content(parts=(), trees=None))
    lines = path.read_text(encoding="utf-8").split("\n")
    vertices = np.array([list(map(float, line[2:].split())) for line in lines if line.startswith("v ")])
    np.testing.assert_allclose(vertices, boxes(7).vertices - ORIGIN, atol=5e-5)
    faces: dict[tuple[int, str], list[list[int]]] = {}
    number, material = -1, ""
    for line in lines:
        if line.startswith("o "):
            number += 1
        elif line.startswith("usemtl "):
            material = line[7:]
        elif line.startswith("f "):
            faces.setdefault((number, material), []).append([int(i) - 1 for i in line[2:].split()])
    assert sorted(faces) == sorted((b, m) for b in range(7) for m in ("floor", "roof", "wall"))
    for (b, material), rows in faces.items():
        kinds = {"floor": (0,), "wall": (1, 3), "roof": (2,)}[material]
        wanted = boxes(7).triangles[(boxes(7).building == b) & np.isin(boxes(7).surface, kinds)]
        assert sorted(rows) == sorted(wanted.tolist())


def test_hostile_ids_stay_in_comments_and_names_stay_apart(tmp_path: Path) -> None:
    ids = (*HOSTILE_IDS, "a b", "a_b", "line\u2028feed\x85next")
    write_obj(tmp_path / "town.obj", small_content(10, building_ids=ids, attributes={}))
    text = (tmp_path / "town.obj").read_text(encoding="utf-8")
    assert [json.loads(line[5:]) for line in text.splitlines() if line.startswith("# id ")] == list(ids)
    names = [line[2:] for line in text.splitlines() if line.startswith("o ")]
    assert len(names) == len(set(names)) == 10 + 2
    assert all(re.fullmatch(r"[\w.{}:-]+", name) for name in names)
    known = re.compile(r"(#|mtllib |v |o |usemtl |f |$)")
    assert all(known.match(line) for line in text.splitlines())


def test_every_material_that_is_used_is_in_the_library(tmp_path: Path) -> None:
    write_obj(tmp_path / "my town.obj", small_content())
    text = (tmp_path / "my town.obj").read_text(encoding="utf-8")
    (library,) = re.findall(r"^mtllib (.*)$", text, re.MULTILINE)
    told = re.findall(r"^newmtl (.*)$", (tmp_path / library).read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"^usemtl (.*)$", text, re.MULTILINE)) <= set(told)
    assert {"ground", "road", "water", "crown", "trunk"} <= set(told)


def test_trimesh_reads_the_same_city(tmp_path: Path) -> None:
    n = write_obj(tmp_path / "town.obj", small_content())
    scene = trimesh.load_scene(tmp_path / "town.obj")
    assert sum(len(g.faces) for g in scene.geometry.values()) == n
    np.testing.assert_allclose(scene.bounds[0][:2], [0, 0], atol=1e-4)


def test_counting_does_not_depend_on_where_the_blocks_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = write_obj(tmp_path / "town.obj", small_content())
    wanted = read_obj_counts(tmp_path / "town.obj")
    assert wanted["triangles"] == n
    for block in (5, 7, 64, 1000):
        monkeypatch.setattr("twin.outputs.obj._BLOCK", block)
        assert read_obj_counts(tmp_path / "town.obj") == wanted


def test_a_city_without_buildings(tmp_path: Path) -> None:
    none = {"buildings": BuildingMeshes.empty(), "building_ids": (), "attributes": {}, "trees": None}
    assert write_obj(tmp_path / "town.obj", small_content(**none)) == 32


@pytest.mark.parametrize("name", ["town.obj", "town.mtl"])
def test_neither_file_is_replaced_unless_forced(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(OutputExistsError):
        write_obj(tmp_path / "town.obj", small_content())
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"
    write_obj(tmp_path / "town.obj", small_content(), force=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["town.mtl", "town.obj"]
