"""Footprints made ready, cut, dissolved, and points found in their faces."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.reconstruct.footprint import has_close_corners, localize_footprint
from twin.reconstruct.partition import (
    cut_footprint,
    dissolve,
    face_areas,
    locate,
    partition_edges,
    polygons_of,
    whole_footprint,
)


def lines(*ends):
    return [shapely.LineString(e) for e in ends]


def edges_of(partition):
    return partition_edges(partition.corners, partition.ring_starts, partition.face_starts)


def test_a_footprint_is_local_and_the_same_wherever_it_stands():
    shape = shapely.Polygon([(3.12342, 4.1), (9.7, 4.2), (9.1, 8.33333)])
    near = localize_footprint(shape)
    far = localize_footprint(shapely.affinity.translate(shape, 1e6, 2e6))
    assert near.polygon.equals_exact(far.polygon, 0)
    assert far.origin == (1_000_003.0, 2_000_004.0)
    assert near.on_map().bounds == pytest.approx(shape.bounds, abs=1e-4)


def test_the_first_corner_of_a_ring_is_of_no_consequence():
    ring = [(0, 0), (4, 0), (4, 3), (1, 3)]
    one, two = (localize_footprint(shapely.Polygon(r)) for r in (ring, ring[2:] + ring[:2]))
    assert one.polygon.equals_exact(two.polygon, 0)


@pytest.mark.parametrize(
    ("geometry", "told"),
    [
        (None, "no geometry"),
        (shapely.Polygon(), "no geometry"),
        (shapely.Point(1, 1), "Point"),
        (shapely.box(0, 0, 0.2, 0.1), "0.02 m2"),
        (shapely.box(0, 0, 40, 0.03), "width of 0.03 m"),
        (shapely.Polygon([(0, 0), (4, 0), (900_000, 3), (4, 4), (0, 4)]), "900000 m"),
        (shapely.Polygon([(0, 0), (4, 0), (math.inf, 4)]), "finite"),
    ],
)
def test_what_cannot_carry_a_building_is_refused_with_its_measure(geometry, told):
    with pytest.raises(ValueError, match=told):
        localize_footprint(geometry)


def test_a_bowtie_is_mended():
    footprint = localize_footprint(shapely.Polygon([(0, 0), (4, 4), (4, 0), (0, 4)]))
    assert footprint.polygon.is_valid
    assert footprint.area_m2 == pytest.approx(8)


def test_corners_that_nearly_meet_are_drawn_apart_or_together():
    footprint = localize_footprint(shapely.Polygon([(0, 0), (4, 0), (4.0008, 0.0008), (4, 4), (0, 4)]))
    assert not has_close_corners(shapely.get_coordinates(footprint.polygon), 0.002)
    assert footprint.area_m2 == pytest.approx(16, abs=0.05)


def test_a_circle_of_50000_corners_keeps_its_area_with_fewer():
    footprint = localize_footprint(shapely.Point(0, 0).buffer(10, quad_segs=12_500))
    assert shapely.get_num_coordinates(footprint.polygon) < 500
    assert footprint.area_m2 == pytest.approx(math.pi * 100, rel=2e-3)


def test_a_cut_that_ends_within_separates_nothing_and_is_left_out():
    footprint = localize_footprint(shapely.box(0, 0, 6, 4))
    partition = cut_footprint(footprint, lines([(3, -1), (3, 2)]))
    assert partition.n_faces == 1
    assert face_areas(partition).tolist() == [24.0]


def test_a_cut_past_a_corner_goes_through_it():
    footprint = localize_footprint(shapely.box(0, 0, 6, 4))
    partition = cut_footprint(footprint, lines([(-1, -1.004), (5, 5.01)]))
    assert partition.n_faces == 2
    assert len(partition.vertices) == 5


def test_courtyards_stay_courtyards():
    yard = shapely.box(0, 0, 9, 9).difference(shapely.box(3, 3, 6, 6))
    partition = cut_footprint(localize_footprint(yard), lines([(4.5, -1), (4.5, 10)]))
    assert partition.n_faces == 2
    assert face_areas(partition).tolist() == pytest.approx([36, 36])
    assert face_areas(whole_footprint(localize_footprint(yard))).tolist() == pytest.approx([72])


cuts = st.lists(
    st.tuples(*[st.floats(-2, 12, allow_nan=False)] * 4).filter(lambda c: math.dist(c[:2], c[2:]) > 1),
    max_size=5,
)


@given(cuts)
@settings(max_examples=80, deadline=None)
def test_faces_cover_the_footprint_once_and_share_whole_edges(ends):
    shape = shapely.box(0, 0, 10, 8).difference(shapely.box(4, 3, 6, 5))
    footprint = localize_footprint(shape)
    partition = (
        cut_footprint(footprint, lines(*[(e[:2], e[2:]) for e in ends]))
        if ends
        else whole_footprint(footprint)
    )
    edges = edges_of(partition)
    assert edges[:, 0].min() >= 0
    assert face_areas(partition).sum() == pytest.approx(76, abs=1e-2)
    outline = edges[edges[:, 3] < 0]
    length = np.hypot(*(partition.vertices[outline[:, 0]] - partition.vertices[outline[:, 1]]).T).sum()
    assert length == pytest.approx(shape.length, abs=1e-2)
    assert not has_close_corners(partition.vertices, 0.002)


@given(cuts, st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_points_lie_in_the_face_that_holds_them(ends, seed):
    footprint = localize_footprint(shapely.box(0, 0, 10, 8).difference(shapely.box(4, 3, 6, 5)))
    partition = (
        cut_footprint(footprint, lines(*[(e[:2], e[2:]) for e in ends]))
        if ends
        else whole_footprint(footprint)
    )
    xy = np.random.default_rng(seed).uniform(-1, 11, (200, 2))
    found = locate(partition, xy)
    held = np.array([shapely.contains_xy(p, xy) for p in polygons_of(partition)])
    assert np.array_equal(np.where(held.any(axis=0), held.argmax(axis=0), -1), found)


def test_a_point_on_a_border_has_one_face():
    partition = cut_footprint(localize_footprint(shapely.box(0, 0, 4, 4)), lines([(2, -1), (2, 5)]))
    assert (locate(partition, np.array([(2.0, 1.0), (2.0, 3.9)])) >= 0).all()


def test_dissolving_leaves_no_trace_of_the_border():
    footprint = localize_footprint(shapely.box(0, 0, 9, 4))
    partition = cut_footprint(footprint, lines([(3, -1), (3, 5)], [(6, -1), (6, 5)]))
    merged = dissolve(footprint, partition, np.array([0, 0, 2]))
    assert face_areas(merged).tolist() == pytest.approx([24, 12])
    assert len(merged.vertices) == 6
    assert dissolve(footprint, partition, np.zeros(3, int)).n_faces == 1
