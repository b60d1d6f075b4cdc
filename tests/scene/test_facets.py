"""Faces and lines of solids."""

import numpy as np
import pytest

from twin.core.mesh import Surface
from twin.scene.facets import facets_from_solids
from twin.scene.packing_faces import face_normals


def area(mesh):
    a, b, c = (mesh.vertices[mesh.triangles[:, i]] for i in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def test_a_box_shows_four_walls_and_a_roof_but_not_its_floor(solids):
    mesh = facets_from_solids([solids["box"](0, 0, 4, 3, 0, 5)], [7])
    assert mesh.n_faces == 5
    assert sorted(mesh.surface.tolist()) == [Surface.WALL] * 4 + [Surface.ROOF]
    assert set(mesh.owner.tolist()) == {7}
    assert area(mesh).sum() == pytest.approx(2 * (4 + 3) * 5 + 4 * 3)


def test_normals_point_outwards(solids):
    mesh = facets_from_solids([solids["gable"](0, 0, 8, 6, 0, 4, 7)], [0])
    centre = mesh.vertices.mean(axis=0)
    middle = np.stack(
        [mesh.vertices[mesh.triangles[mesh.face == f]].mean(axis=(0, 1)) for f in range(mesh.n_faces)]
    )
    assert (np.einsum("ij,ij->i", face_normals(mesh), middle - centre) > 0).all()


def test_lines_run_along_eaves_ridge_and_corners_but_not_along_the_ground(solids):
    mesh = facets_from_solids([solids["box"](0, 0, 4, 3, 0, 5)], [0])
    ends = mesh.vertices[mesh.edges]
    assert len(ends) == 8
    assert not (ends[:, :, 2] == 0).all(axis=1).any()
    gable = facets_from_solids([solids["gable"](0, 0, 8, 6, 0, 4, 7)], [0])
    ridge = (gable.vertices[gable.edges][:, :, 2] == 7).all(axis=1)
    assert ridge.sum() == 1


def test_faces_in_one_plane_have_no_line_between_them(solids):
    left, right = solids["box"](0, 0, 4, 3, 0, 5), solids["box"](4, 0, 8, 3, 0, 5)
    alone = facets_from_solids([left], [0])
    both = facets_from_solids([left, right], [0, 1])
    assert len(both.edges) == 2 * len(alone.edges)
    shallow = solids["gable"](0, 0, 8, 6, 0, 4, 4.3)
    ends = facets_from_solids([shallow], [0])
    assert not (ends.vertices[ends.edges][:, :, 2] == 4.3).all(axis=1).any()


def test_every_solid_needs_an_owner(solids):
    with pytest.raises(ValueError, match="owners"):
        facets_from_solids([solids["box"](0, 0, 1, 1, 0, 1)], [])


def test_nothing_gives_nothing():
    assert facets_from_solids([], []).n_faces == 0
