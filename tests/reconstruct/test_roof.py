"""Sloped roofs against closed-form truth: each shape is a height function, the points are drawn from it."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.reconstruct.extrude import extrude
from twin.reconstruct.footprint import localize_footprint
from twin.reconstruct.partition import face_areas, locate
from twin.reconstruct.roof import SlopedRoof, kept_above, sloped_roof
from twin.reconstruct.roof_points import RoofPoints, distance_to_edges, is_under_another
from twin.reconstruct.validity import check_solid

BLOCK = shapely.box(0, 0, 12, 8)
L_SHAPE = shapely.Polygon([(0, 0), (16, 0), (16, 7), (7, 7), (7, 15), (0, 15)])


def gable(x, y):
    return 9 - 0.8 * np.abs(y - 4)


def hip(x, y):
    return np.minimum(gable(x, y), np.minimum(5.8 + 0.8 * x, 5.8 + 0.8 * (12 - x)))


def half_hip(x, y):
    return np.minimum(gable(x, y), np.minimum(7.6 + 0.8 * x, 7.6 + 0.8 * (12 - x)))


def mansard(x, y):
    low = 5 + 2.5 * np.minimum(np.minimum(x, 12 - x), np.minimum(y, 8 - y))
    high = 7.2 + 0.4 * np.minimum(np.minimum(x, 12 - x), np.minimum(y, 8 - y))
    return np.minimum(low, high)


def l_gable(x, y):
    along = 8 - 0.7 * np.abs(y - 3.5)
    return np.where(y > 3.5, np.maximum(along, 8 - 0.7 * np.abs(x - 3.5)), along)


def parapet(x, y):
    rim = np.minimum(np.minimum(x, 12 - x), np.minimum(y, 8 - y)) < 0.4
    return np.where(rim, 6.8, 6.0)


def box_on_top(x, y):
    return np.where((np.abs(x - 5) < 1.5) & (np.abs(y - 4) < 1.2), 8.5, 6.0)


N_SEEDS = 10
KINDS = ("flat_parapet", "gable_dormers", "half_hip", "l_gable", "mansard", "multi_level")

SHAPES = {
    "flat": (BLOCK, lambda x, y: np.full(np.shape(x), 6.0), 1),
    "shed": (BLOCK, lambda x, y: 5 + 0.3 * x, 1),
    "gable": (BLOCK, gable, 2),
    "hip": (BLOCK, hip, 4),
    "half_hip": (BLOCK, half_hip, 4),
    "mansard": (BLOCK, mansard, 8),
    "l_gable": (L_SHAPE, l_gable, 5),
    "step": (BLOCK, lambda x, y: np.where(x < 5, 6.0, 9.0), 2),
    "parapet": (BLOCK, parapet, 2),
    "box": (BLOCK, box_on_top, 2),
}


def roof_points(footprint, height, *, density=8.0, seed=0, noise=0.02):
    """Points strewn over a footprint of the map at the heights of a roof."""
    rng = np.random.default_rng(seed)
    x0, y0, x1, y1 = footprint.bounds
    n = round(density * (x1 - x0) * (y1 - y0))
    xy = rng.uniform((x0, y0), (x1, y1), (n, 2))
    xy = xy[shapely.contains_xy(footprint, *xy.T)]
    z = height(*xy.T) + rng.normal(0, noise, len(xy))
    return select(footprint, np.column_stack([xy, z]))


def select(footprint, xyz):
    local = localize_footprint(footprint)
    xyz = np.round(xyz - [*local.origin, 0.0], 4)
    ring = np.arange(len(shapely.get_coordinates(local.polygon)) - 1, dtype=np.int32)
    corners = shapely.get_coordinates(local.polygon)[:-1]
    edges = np.column_stack([ring, np.roll(ring, -1)]).astype(np.int32)
    top = ~is_under_another(xyz, 0.5, 1.0)
    return local, RoofPoints(xyz, top, distance_to_edges(corners, edges, np.ascontiguousarray(xyz[:, :2])))


def error(local, roof, height):
    """Distance of the model from the truth on a fine grid, metres."""
    x0, y0, x1, y1 = local.polygon.bounds
    x, y = (v.ravel() for v in np.meshgrid(np.arange(x0 + 0.3, x1, 0.2), np.arange(y0 + 0.3, y1, 0.2)))
    inside = shapely.contains_xy(local.polygon.buffer(-0.3), x, y)
    x, y = x[inside], y[inside]
    plane = roof.planes[locate(roof.partition, np.column_stack([x, y]))]
    return np.abs(plane[:, 0] * x + plane[:, 1] * y + plane[:, 2] - height(x, y))


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("density", [5.0, 12.0])
def test_shapes_are_found_with_the_right_number_of_faces(name, density):
    footprint, height, n_faces = SHAPES[name]
    right = 0
    for seed in range(N_SEEDS):
        local, points = roof_points(footprint, height, density=density, seed=seed)
        roof = sloped_roof(local, points)
        right += roof.partition.n_faces == n_faces
        assert (error(local, roof, height) < 0.2).mean() > 0.93
        for solid in extrude(roof.partition, roof.planes, ground_m=0.0):
            assert check_solid(solid) == ()
    assert right >= 0.6 * N_SEEDS


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(SHAPES)), st.integers(0, 1000))
def test_order_of_points_changes_nothing(name, seed):
    footprint, height, _ = SHAPES[name]
    local, points = roof_points(footprint, height, density=4.0)
    order = np.random.default_rng(seed).permutation(len(points))
    other = RoofPoints(points.xyz[order], points.is_top[order], points.edge_distance_m[order])
    one, two = sloped_roof(local, points), sloped_roof(local, other)
    np.testing.assert_array_equal(one.partition.vertices, two.partition.vertices)
    np.testing.assert_array_equal(one.planes, two.planes)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(sorted(SHAPES)), st.integers(-500_000, 500_000), st.integers(0, 6_000_000))
def test_place_on_the_map_changes_nothing(name, east, north):
    footprint, height, _ = SHAPES[name]
    local, points = roof_points(footprint, height, density=4.0)
    moved = localize_footprint(shapely.transform(footprint, lambda xy: xy + np.array([east, north])))
    here, there = sloped_roof(local, points), sloped_roof(moved, points)
    np.testing.assert_array_equal(here.partition.vertices, there.partition.vertices)
    np.testing.assert_array_equal(here.planes, there.planes)


def test_detail_runs_from_simple_to_detailed():
    local, points = roof_points(BLOCK, box_on_top)
    counts = [sloped_roof(local, points, smallest_m2=m2).partition.n_faces for m2 in (0.0, 12.0)]
    assert counts == [2, 1]
    with pytest.raises(ValueError, match="detail"):
        sloped_roof(local, points, detail=1.5)


def test_no_plane_shoots_up_over_a_half_without_points():
    local, points = roof_points(BLOCK, gable)
    seen = points.xyz[:, 1] < 4
    half = RoofPoints(points.xyz[seen], points.is_top[seen], points.edge_distance_m[seen])
    roof = sloped_roof(local, half)
    (solid,) = extrude(roof.partition, roof.planes, ground_m=0.0)
    assert solid.vertices[:, 2].max() < points.xyz[:, 2].max() + 1.5


def test_points_without_any_plane_are_refused_in_words():
    rng = np.random.default_rng(1)
    xyz = np.column_stack([rng.uniform((0, 0), (12, 8), (200, 2)), rng.uniform(5, 25, 200)])
    local, points = select(BLOCK, xyz)
    with pytest.raises(ValueError, match=r"no plane was found in \d+ points"):
        sloped_roof(local, points)


def test_faces_that_sink_are_laid_level():
    local, points = roof_points(BLOCK, gable)
    roof = sloped_roof(local, points)
    sunk = SlopedRoof(roof.partition, roof.planes - [0, 0, 6.0])
    lifted = kept_above(sunk, 0.5)
    assert face_areas(lifted.partition).sum() == pytest.approx(96)
    (solid,) = extrude(lifted.partition, lifted.planes, ground_m=0.0)
    assert solid.vertices[solid.vertices[:, 2] > 0, 2].min() >= 0.5


def test_roofs_of_every_kind_are_near_the_truth():
    from twin.core.points import PointCloud
    from twin.demo.roofcells import cells_inside, roof_faces, roof_height
    from twin.demo.samples import sample_buildings
    from twin.reconstruct.building import reconstruct_building

    near = []
    for sample in sample_buildings(12, density=6.0, seed=5, kinds=KINDS):
        ones = np.ones(len(sample.xyz), np.uint8)
        cloud = PointCloud(sample.xyz, sample.classification, ones, ones)
        model = reconstruct_building(sample.footprint, cloud, lods=("2.2",)).lods["2.2"]
        assert model.codes == ()
        origin = np.floor([*sample.footprint.bounds[:2], 0.0])
        at = cells_inside(sample.footprint, origin)
        true = roof_height(roof_faces([sample.solids["2.2"]], origin), at)
        near.append((np.abs(roof_height(roof_faces(model.solids, origin), at) - true) < 0.2).mean())
    assert min(near) > 0.9
    assert np.mean(near) > 0.98


def test_a_wood_taken_for_a_building_ends_in_bounded_time():
    rng = np.random.default_rng(2)
    footprint = shapely.box(0, 0, 45, 45)
    xyz = np.column_stack([rng.uniform(0, 45, (8000, 2)), rng.uniform(4, 15, 8000)])
    local, points = select(footprint, xyz)
    roof = sloped_roof(local, points)
    assert face_areas(roof.partition).sum() == pytest.approx(45 * 45)
    assert roof.partition.n_faces <= 200


def test_a_wall_hides_the_roof_below_not_the_one_above():
    """A tower, and three metres of the roof at its foot without points: they belong to the low roof."""
    footprint = shapely.box(0, 0, 30, 20)
    local, points = roof_points(footprint, lambda x, y: np.where(x < 12, 40.0, 8.0))
    seen = (points.xyz[:, 0] < 12) | (points.xyz[:, 0] > 15)
    half = RoofPoints(points.xyz[seen], points.is_top[seen], points.edge_distance_m[seen])
    roof = sloped_roof(local, half)
    tall = face_areas(roof.partition)[roof.planes[:, 2] > 20].sum()
    assert tall == pytest.approx(12 * 20, rel=0.02)
