"""Flat parts: steps are found where they are, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reconstruct.solid_asserts import assert_valid_solid
from twin.core.points import PointCloud
from twin.reconstruct.extrude import extrude, flat_planes
from twin.reconstruct.footprint import localize_footprint
from twin.reconstruct.lod1 import FlatRoof, one_height, step_rule, stepped_roof, trimmed_mean
from twin.reconstruct.lod1_kernels import main_directions
from twin.reconstruct.partition import face_areas, polygons_of, whole_footprint
from twin.reconstruct.quality import roof_fit
from twin.reconstruct.roof_points import select_roof_points
from twin.reconstruct.validity import check_solid


def survey(footprint, height, *, density=8.0, noise=0.03, seed=1):
    """Roof points over a footprint: a random place each, heights of a function of x and y."""
    rng = np.random.default_rng(seed)
    x0, y0, x1, y1 = footprint.bounds
    n = int(density * (x1 - x0) * (y1 - y0))
    xy = rng.uniform((x0, y0), (x1, y1), (n, 2))
    xyz = np.column_stack([xy, height(*xy.T) + rng.normal(0, noise, n)])
    ones = np.ones(n, np.uint8)
    return PointCloud(xyz, 6 * ones, ones, ones)


def roof_of(shape, height, *, detail=0.5, **kwargs):
    footprint = localize_footprint(shape)
    points = select_roof_points(footprint, survey(shape, height, **kwargs), ground_m=0.0)
    return stepped_roof(footprint, points, detail=detail)


def parts(roof):
    """Area and height of each part, lowest first."""
    return sorted(zip(roof.heights_m.tolist(), face_areas(roof.partition).tolist(), strict=True))


def test_a_flat_roof_stays_whole():
    roof = roof_of(shapely.box(0, 0, 20, 12), lambda x, y: np.full(len(x), 9.0))
    assert parts(roof) == [(pytest.approx(9.0, abs=0.01), 240.0)]


def test_a_step_is_found_to_a_few_centimetres():
    roof = roof_of(shapely.box(0, 0, 20, 12), lambda x, y: np.where(x < 13, 9.0, 6.0))
    (low, small), (high, large) = parts(roof)
    assert (low, high) == (pytest.approx(6.0, abs=0.02), pytest.approx(9.0, abs=0.02))
    assert (small, large) == (pytest.approx(84, abs=2.4), pytest.approx(156, abs=2.4))


def test_a_turned_building_is_cut_along_its_own_edges():
    shape = shapely.affinity.rotate(shapely.box(0, 0, 20, 12), 33, origin=(0, 0))
    c, s = np.cos(np.radians(33)), np.sin(np.radians(33))
    roof = roof_of(shape, lambda x, y: np.where(c * x + s * y < 13, 9.0, 6.0))
    assert [area for _, area in parts(roof)] == pytest.approx([84, 156], abs=3)
    for polygon in polygons_of(roof.partition):
        assert polygon.area == pytest.approx(polygon.minimum_rotated_rectangle.area, rel=1e-3)


@pytest.mark.parametrize("pitch_deg", [20, 35, 48])
def test_slopes_are_not_cut_into_stairs(pitch_deg):
    slope = np.tan(np.radians(pitch_deg))
    gable = roof_of(shapely.box(0, 0, 14, 10), lambda x, y: 6 + slope * (5 - np.abs(y - 5)))
    assert gable.partition.n_faces == 1
    assert gable.heights_m[0] == pytest.approx(6 + slope * 2.5, abs=0.1)  # the mean keeps the volume


def test_four_levels_around_a_corner_are_four_parts():
    roof = roof_of(shapely.box(0, 0, 16, 16), lambda x, y: 5.0 + 2.5 * (x > 8) + 5.0 * (y > 8))
    assert [h for h, _ in parts(roof)] == pytest.approx([5, 7.5, 10, 12.5], abs=0.05)
    assert [a for _, a in parts(roof)] == pytest.approx([64] * 4, abs=4)


def test_a_box_on_a_roof_is_a_part_and_its_surroundings_stay_one():
    """The cuts that part off the box cross the whole cell; what they cut needlessly is joined again."""
    roof = roof_of(
        shapely.box(0, 0, 20, 20), lambda x, y: 6.0 + 4.0 * ((np.abs(x - 10) < 3) & (np.abs(y - 10) < 3))
    )
    (low, around), (high, box) = parts(roof)
    assert (low, high) == (pytest.approx(6, abs=0.1), pytest.approx(10, abs=0.1))
    assert (around, box) == (pytest.approx(364, abs=5), pytest.approx(36, abs=5))
    (solid,) = extrude(roof.partition, flat_planes(roof.heights_m), ground_m=0.0)
    assert_valid_solid(solid)
    assert check_solid(solid) == ()


def test_a_tower_in_a_corner_is_cut_out_though_its_edges_end_halfway():
    roof = roof_of(shapely.box(0, 0, 40, 30), lambda x, y: np.where((x > 28) & (y > 20), 30.0, 6.0))
    assert parts(roof) == [
        (pytest.approx(6, abs=0.1), pytest.approx(1080, abs=8)),
        (pytest.approx(30, abs=0.1), pytest.approx(120, abs=8)),
    ]


def test_a_dormer_does_not_cut_the_slope_around_it_into_stairs():
    """The dormer's front stands 2 m above the slope of 40 degrees; where its sides end, nothing is left of the cuts."""

    def height(x, y):
        slope = 6 + 0.84 * y
        return np.where((np.abs(x - 7) < 2) & (y > 1.5), np.maximum(slope, 9.5), slope)

    roof = roof_of(shapely.box(0, 0, 14, 6), height, density=15.0)
    assert roof.partition.n_faces <= 2


def test_many_levels_are_told_apart_to_the_last():
    """Forty-nine squares of 12 m at five levels: hardly any point is off its roof."""
    levels = np.random.default_rng(5).integers(0, 5, (7, 7)) * 2.0
    shape = shapely.box(0, 0, 84, 84)
    roof = roof_of(shape, lambda x, y: 6 + levels[(y // 12).astype(int) % 7, (x // 12).astype(int) % 7])
    points = select_roof_points(
        localize_footprint(shape),
        survey(shape, lambda x, y: 6 + levels[(y // 12).astype(int) % 7, (x // 12).astype(int) % 7]),
        ground_m=0.0,
    )
    fit = roof_fit(roof.partition, flat_planes(roof.heights_m), points)
    assert fit.rmse_m < 0.25
    assert fit.p95_m < 0.1
    for solid in extrude(roof.partition, flat_planes(roof.heights_m), ground_m=0.0):
        assert check_solid(solid) == ()


def test_detail_decides_about_a_step_of_two_metres():
    def step(x, y):
        return np.where(x < 10, 8.0, 6.0)

    counts = [roof_of(shapely.box(0, 0, 20, 12), step, detail=d).partition.n_faces for d in (0.0, 0.5, 1.0)]
    assert counts == [1, 2, 2]


@pytest.mark.parametrize("detail", [-0.1, 1.1, float("nan")])
def test_a_detail_outside_0_to_1_is_refused(detail):
    with pytest.raises(ValueError, match="between 0 and 1"):
        step_rule(detail)


def test_a_few_points_of_an_aerial_do_not_lift_a_part():
    z = np.concatenate([np.full(196, 7.0), [30.0, 31.0, 32.0, -4.0]])
    assert trimmed_mean(z) == 7.0


def test_courtyards_and_several_parts_are_carried_through():
    yard = shapely.box(0, 0, 20, 20).difference(shapely.box(6, 6, 14, 14))
    shape = shapely.union_all([yard, shapely.box(25, 0, 35, 10)])
    roof = roof_of(shape, lambda x, y: np.where(x < 10, 9.0, np.where(x > 22, 4.0, 6.0)))
    assert face_areas(roof.partition).sum() == pytest.approx(shape.area)
    solids = extrude(roof.partition, flat_planes(roof.heights_m), ground_m=0.0)
    assert len(solids) == 2
    for solid in solids:
        assert_valid_solid(solid)
        assert check_solid(solid) == ()


def test_directions_are_those_of_the_longest_edges():
    edges = np.array([[10.0, 0.0], [0.0, 4.0], [-6.0, 0.1], [0.3, 0.3]])
    assert main_directions(edges).tolist() == [[0.0, 1.0], [1.0, 0.0]]
    corner = np.array([[10.0, 0.0], [3.0, 3.0], [0.0, 4.0]])
    assert len(main_directions(corner)) == 4


def test_one_height_covers_all_parts():
    footprint = localize_footprint(shapely.box(0, 0, 2, 2).union(shapely.box(5, 5, 7, 7)))
    roof = one_height(footprint, 4.5)
    assert roof.heights_m.tolist() == [4.5, 4.5]
    with pytest.raises(ValueError, match="one height for each face"):
        FlatRoof(whole_footprint(footprint), np.array([1.0]))


levels = st.lists(st.integers(0, 4), min_size=9, max_size=9)


@given(levels, st.integers(0, 1000), st.sampled_from([0.0, 20.0, 71.0]))
@settings(max_examples=40, deadline=None)
def test_any_roof_of_levels_gives_valid_solids_in_any_order_of_points(heights, seed, turn):
    shape = shapely.affinity.rotate(
        shapely.box(0, 0, 12, 12).difference(shapely.box(9, 9, 12, 12)), turn, origin=(6, 6)
    )
    table = np.array(heights).reshape(3, 3)

    def height(x, y):
        back = shapely.affinity.rotate(shapely.multipoints(np.column_stack([x, y])), -turn, origin=(6, 6))
        u, v = (np.clip(shapely.get_coordinates(back) // 4, 0, 2).astype(int)).T
        return 4.0 + 1.5 * table[v, u]

    points = survey(shape, height, seed=seed, density=6.0)
    shuffled = points.select(np.random.default_rng(seed).permutation(len(points)))
    footprint = localize_footprint(shape)
    roofs = [
        stepped_roof(footprint, select_roof_points(footprint, p, ground_m=0.0)) for p in (points, shuffled)
    ]
    assert np.array_equal(roofs[0].heights_m, roofs[1].heights_m)
    assert np.array_equal(roofs[0].partition.vertices, roofs[1].partition.vertices)
    assert np.array_equal(roofs[0].partition.corners, roofs[1].partition.corners)
    for solid in extrude(roofs[0].partition, flat_planes(roofs[0].heights_m), ground_m=0.0):
        assert_valid_solid(solid)
        assert check_solid(solid) == ()
