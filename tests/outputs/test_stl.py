"""Binary STL: watertight as the solids are, counts read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import trimesh

from tests.outputs.small_content import small_content
from twin.core.errors import OutputExistsError, StorageError
from twin.outputs.export_content import BuildingMeshes
from twin.outputs.stl import read_stl_count, write_stl

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_printed_is_closed_and_of_the_right_size(tmp_path: Path) -> None:
    path = tmp_path / "town.stl"
    assert write_stl(path, small_content(parts=(), trees=None)) == 84
    mesh = trimesh.load_mesh(path)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(80 * sum(i + 3 for i in range(7)), rel=1e-6)
    np.testing.assert_allclose(mesh.bounds, [[0, 0, 0.5], [40, 38, 9.5]])


def test_normals_are_of_unit_length_and_look_outward(tmp_path: Path) -> None:
    path = tmp_path / "town.stl"
    write_stl(path, small_content(1, parts=(), trees=None))
    rows = np.frombuffer(path.read_bytes()[84:], dtype=[("n", "<f4", 3), ("p", "<f4", (3, 3)), ("a", "<u2")])
    outward = rows["p"].mean(axis=1) - [5, 4, 2]
    assert (np.einsum("ij,ij->i", rows["n"], outward) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(rows["n"], axis=1), 1, atol=1e-6)


def test_the_header_tells_the_place_and_is_no_text_stl(tmp_path: Path) -> None:
    path = tmp_path / "town.stl"
    write_stl(path, small_content(crs="solid 서울 " * 20))
    head = path.read_bytes()[:80]
    assert not head.startswith(b"solid")
    write_stl(path, small_content(), force=True)
    assert b"EPSG:7415, origin 84000 447000 0" in path.read_bytes()[:80]


def test_a_triangle_without_area_has_no_normal(tmp_path: Path) -> None:
    line = BuildingMeshes(
        np.array([[84_000.0, 447_000, 0], [84_001, 447_000, 0], [84_002, 447_000, 0]]),
        np.array([[0, 1, 2]], dtype=np.int32),
        np.zeros(1, np.int32),
        np.zeros(1, np.uint8),
    )
    path = tmp_path / "a.stl"
    write_stl(path, small_content(1, buildings=line, parts=(), trees=None))
    assert np.frombuffer(path.read_bytes()[84:96], "<f4").tolist() == [0, 0, 0]


@pytest.mark.parametrize("cut", [10, 82, 84, 200, -1])
def test_a_file_cut_anywhere_is_noticed(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "town.stl"
    write_stl(path, small_content())
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(StorageError, match="lie on the disk"):
        read_stl_count(path)


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "a.stl").write_text("mine")
    with pytest.raises(OutputExistsError):
        write_stl(tmp_path / "a.stl", small_content())
    assert write_stl(tmp_path / "a.stl", small_content(), force=True) > 84
