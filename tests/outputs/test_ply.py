"""Binary PLY: colour, building and kind of every face, ids that any reader may skip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import trimesh

from tests.outputs.small_content import HOSTILE_IDS, boxes, small_content
from twin.core.errors import OutputExistsError, StorageError
from twin.outputs.export_content import BuildingMeshes
from twin.outputs.ply import read_ply_counts, write_ply

if TYPE_CHECKING:
    from pathlib import Path


def test_every_face_has_its_building_kind_and_colour(tmp_path: Path) -> None:
    path = tmp_path / "town.ply"
    content = small_content(colours={"roof": (1, 2, 3)})
    n = write_ply(path, content)
    mesh = trimesh.load(path, process=False)
    raw = mesh.metadata["_ply_raw"]
    faces = raw["face"]["data"]
    assert len(mesh.faces) == n == len(faces["building"])
    building, kind = np.ravel(faces["building"]), np.ravel(faces["kind"])
    np.testing.assert_array_equal(building[:84], boxes(7).building)
    np.testing.assert_array_equal(kind[:84], boxes(7).surface)
    assert set(building[84:]) == {-1}
    colour = np.column_stack([np.ravel(faces[c]) for c in ("red", "green", "blue")])
    assert {tuple(c) for c in colour[kind == 2]} == {(1, 2, 3)}
    assert len(mesh.vertices) == len(raw["vertex"]["data"])


def test_the_head_names_kinds_and_place(tmp_path: Path) -> None:
    write_ply(tmp_path / "a.ply", small_content(crs="EPSG:7415\nelement vertex 9"))
    head = (tmp_path / "a.ply").read_bytes().partition(b"end_header\n")[0].decode()
    kinds = ["floor", "wall", "roof", "inner wall", "ground", "road", "water", "crown", "trunk"]
    assert [f"comment kind {i} {k}" for i, k in enumerate(kinds)] == [
        line for line in head.split("\n") if line.startswith("comment kind")
    ]
    assert "comment origin 84000 447000 0\n" in head
    assert head.count("\nelement vertex") == 1


def test_ids_come_back_from_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "town.ply"
    write_ply(path, small_content())
    coded = [i.encode() for i in HOSTILE_IDS]
    longest = max(map(len, coded))
    rows = np.frombuffer(
        path.read_bytes()[-len(coded) * (4 + longest) :], [("n", "<u4"), ("id", f"S{longest}")]
    )
    assert rows["n"].tolist() == [longest] * len(coded)
    assert rows["id"].tolist() == coded
    assert read_ply_counts(path)["buildings"] == len(HOSTILE_IDS)


def test_a_city_without_buildings(tmp_path: Path) -> None:
    none = {"buildings": BuildingMeshes.empty(), "building_ids": (), "attributes": {}, "trees": None}
    assert write_ply(tmp_path / "a.ply", small_content(**none)) == 32
    assert len(trimesh.load(tmp_path / "a.ply").faces) == 32


def test_vtk_reads_it_too(tmp_path: Path) -> None:
    pyvista = pytest.importorskip("pyvista")
    n = write_ply(tmp_path / "town.ply", small_content())
    assert pyvista.read(tmp_path / "town.ply").n_cells == n


@pytest.mark.parametrize("cut", [3, 300, 5000, -1])
def test_a_file_cut_anywhere_is_noticed(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "town.ply"
    write_ply(path, small_content())
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(StorageError):
        read_ply_counts(path)


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "a.ply").write_text("mine")
    with pytest.raises(OutputExistsError):
        write_ply(tmp_path / "a.ply", small_content())
    assert write_ply(tmp_path / "a.ply", small_content(), force=True) > 84
