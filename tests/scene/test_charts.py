"""Faces laid into an atlas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.scene.charts import MAX_SIDE, chart_faces, pack_shelves
from twin.scene.facets import facets_from_solids
from twin.scene.lightmap import claim_texels, place_texels, texels_by_owner


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(2, 90), st.integers(2, 60)), min_size=1, max_size=60))
def test_rectangles_never_overlap_and_lie_in_the_atlas(sizes):
    sizes = np.array(sizes)
    corner, (rows, columns) = pack_shelves(sizes)
    used = np.zeros((rows, columns), int)
    for (x, y), (w, h) in zip(corner, sizes, strict=True):
        used[y : y + h, x : x + w] += 1
    assert used.max() == 1
    assert used.sum() == (sizes[:, 0] * sizes[:, 1]).sum()


def test_a_point_of_a_face_is_found_again_from_its_texel(solids):
    mesh = facets_from_solids([solids["gable"](0, 0, 8, 6, 0, 4, 7)], [0])
    local = mesh.vertices - mesh.vertices.min(axis=0)
    charted = chart_faces(mesh, local, texel_size_m=0.5, budget=100_000)
    owner = claim_texels(charted.texel, charted.triangles, charted.shape)
    row, column = np.nonzero(owner >= 0)
    found = place_texels(
        charted.points,
        charted.points,
        charted.texel,
        charted.triangles,
        owner=owner[row, column],
        x=column.astype(float),
        y=row.astype(float),
    )
    a, b, c = (charted.points[charted.triangles[owner[row, column], i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    assert np.abs(np.einsum("ij,ij->i", normal, found - a)).max() < 1e-3
    assert (found >= local.min(axis=0) - 1e-4).all()
    assert (found <= local.max(axis=0) + 1e-4).all()


def test_texels_come_in_the_order_of_their_triangles():
    owner = np.array([[2, -1, 0], [0, 2, -1]], np.int32)
    assert texels_by_owner(owner, 4).tolist() == [2, 3, 0, 4]
    assert not len(texels_by_owner(np.full((2, 2), -1, np.int32), 3))


def test_walls_lie_level_in_the_atlas(solids):
    mesh = facets_from_solids([solids["box"](0, 0, 40, 3, 0, 5)], [0])
    charted = chart_faces(mesh, mesh.vertices - mesh.vertices.min(axis=0), texel_size_m=0.25, budget=100_000)
    long_wall = [
        f for f in range(mesh.n_faces) if np.ptp(charted.points[charted.point_face == f][:, 0]) == 40
    ]
    for face in long_wall:
        extent = np.ptp(charted.texel[charted.point_face == face], axis=0)
        assert extent[0] == pytest.approx(40 / 0.25)


def test_the_texel_grows_until_the_budget_holds(solids):
    mesh = facets_from_solids([solids["box"](0, 0, 400, 300, 0, 50)], [0])
    charted = chart_faces(mesh, mesh.vertices - mesh.vertices.min(axis=0), texel_size_m=0.25, budget=20_000)
    assert charted.texel_size_m > 0.25
    assert charted.shape[0] * charted.shape[1] <= 1.4 * 20_000
    assert max(charted.shape) <= MAX_SIDE
