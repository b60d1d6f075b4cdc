"""Triangles of faces: nothing lost, nothing covered twice, every corner used."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.polygon import orient

from twin.core.mesh import Solid
from twin.reconstruct.triangulate import join_solids, triangulate


def sheet(polygon, *, to_space=lambda xy: np.column_stack([xy, np.zeros(len(xy))])):
    """One polygon as the only face of a (not closed) solid."""
    polygon = orient(polygon)
    rings = [np.asarray(r.coords)[:-1] for r in (polygon.exterior, *polygon.interiors)]
    starts = np.cumsum([0, *map(len, rings)]).astype(np.int32)
    xy = np.concatenate(rings)
    return Solid(
        to_space(xy),
        np.arange(len(xy), dtype=np.int32),
        starts,
        np.array([0, len(rings)], np.int32),
        np.zeros(1, np.uint8),
    )


def signed_areas(solid, triangles):
    p = solid.vertices[triangles]
    return np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])[:, 2] / 2


boxes = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 7), st.integers(1, 7))


@st.composite
def polygons(draw):
    """Unions of boxes less boxes: holes, holes that touch, corners that lie straight."""
    solid = shapely.union_all(
        [shapely.box(x, y, x + w, y + h) for x, y, w, h in draw(st.lists(boxes, min_size=1, max_size=8))]
    )
    cuts = [
        shapely.box(x, y, x + 1 + w % 2, y + 1 + h % 2) for x, y, w, h in draw(st.lists(boxes, max_size=6))
    ]
    solid = solid.difference(shapely.union_all(cuts)) if cuts else solid
    if draw(st.booleans()):
        solid = shapely.segmentize(solid, 1.0)
    solid = shapely.affinity.rotate(solid, draw(st.sampled_from([0, 17, 45, 90, 200])), origin=(0, 0))
    return [p for p in shapely.get_parts(solid) if p.area > 0]


@given(polygons())
@settings(max_examples=150, deadline=None)
def test_triangles_cover_the_face_once_and_use_every_corner(parts):
    for polygon in parts:
        solid = sheet(polygon)
        triangles, face = triangulate(solid)
        areas = signed_areas(solid, triangles)
        assert areas.min() > 1e-9
        assert areas.sum() == pytest.approx(polygon.area, rel=1e-12)
        assert set(map(tuple, solid.vertices[triangles.ravel()])) == set(map(tuple, solid.vertices))
        assert not face.any()


def test_the_orientation_is_the_faces_own_on_every_side():
    wall = shapely.Polygon([(0, 0), (4, 0), (4, 2), (4, 3), (0, 3), (0, 1)])
    for to_space, normal in (
        (lambda xy: np.column_stack([xy[:, 0], np.zeros(len(xy)), xy[:, 1]]), (0, -1, 0)),
        (lambda xy: np.column_stack([np.zeros(len(xy)), xy]), (1, 0, 0)),
        (lambda xy: np.column_stack([xy[:, ::-1], np.full(len(xy), 7.0)]), (0, 0, -1)),
    ):
        solid = sheet(wall, to_space=to_space)
        triangles, _ = triangulate(solid)
        p = solid.vertices[triangles]
        normals = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
        assert (normals @ np.array(normal) > 0).all()
        assert np.linalg.norm(normals, axis=1).sum() / 2 == pytest.approx(12)


def test_a_wall_keeps_the_corners_on_its_vertical_edges():
    """A library that drops them leaves a crack beside the next wall."""
    wall = shapely.Polygon([(0, 0), (5, 0), (5, 1), (5, 2), (5, 3), (0, 3), (0, 2.5), (0, 0.5)])
    triangles, _ = triangulate(sheet(wall))
    assert len(triangles) == 6
    assert set(triangles.ravel()) == set(range(8))


def test_an_upright_edge_in_a_steep_face_is_kept():
    """Seen from above its two corners are one; a face of a city's model has one where a ridge was drawn twice."""
    xyz = np.array([[0.0, 2.0, 5.025], [0.0, 0.2, 9.6], [4.0, 0.0, 9.6], [0.0, 2.0, 5.0]])
    one = np.array([0, 1], np.int32)
    triangles, _ = triangulate(Solid(xyz, np.arange(4, dtype=np.int32), one * 4, one, np.zeros(1, np.uint8)))
    assert len(triangles) == 2
    assert set(triangles.ravel().tolist()) == {0, 1, 2, 3}


def test_many_corners_take_no_quadratic_time():
    angle = np.linspace(0, 2 * math.pi, 50_001)[:-1]
    solid = sheet(shapely.Polygon(10 * np.column_stack([np.cos(angle), np.sin(angle)])))
    triangles, _ = triangulate(solid)
    assert len(triangles) == 49_998
    assert signed_areas(solid, triangles).sum() == pytest.approx(math.pi * 100, rel=1e-6)


def test_a_concave_quad_is_cut_at_its_dent():
    dart = sheet(shapely.Polygon([(0, 0), (4, 0), (1, 1), (0, 4)]))
    triangles, _ = triangulate(dart)
    assert signed_areas(dart, triangles).min() > 0
    assert signed_areas(dart, triangles).sum() == pytest.approx(4)


def test_a_face_that_crosses_itself_still_ends():
    bowtie = Solid(
        np.array([[0.0, 0, 0], [2, 2, 0], [2, 0, 0], [0, 2, 0], [1, 3, 0]]),
        np.arange(5, dtype=np.int32),
        np.array([0, 5], np.int32),
        np.array([0, 1], np.int32),
        np.zeros(1, np.uint8),
    )
    triangles, _ = triangulate(bowtie)
    assert len(triangles) <= 3


def test_joined_solids_keep_their_faces_apart():
    a, b = (
        sheet(shapely.box(0, 0, 1, 1)),
        sheet(shapely.box(5, 5, 7, 7).difference(shapely.box(5.5, 5.5, 6, 6))),
    )
    joined, owner = join_solids([a, b, a])
    triangles, face = triangulate(joined)
    areas = signed_areas(joined, triangles)
    assert owner.tolist() == [0, 1, 2]
    assert [areas[owner[face] == k].sum() for k in range(3)] == pytest.approx([1, 3.75, 1])


def test_no_solids_join_to_none():
    joined, owner = join_solids([])
    assert (joined.n_faces, len(owner), len(triangulate(joined)[0])) == (0, 0, 0)
