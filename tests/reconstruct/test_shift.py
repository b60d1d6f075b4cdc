"""Shifts of footprints against points: found when there, and only then."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from twin.reconstruct.shift import find_shift
from twin.reconstruct.wall_offsets import WallOffsets, wall_offsets

HOUSE = shapely.box(20, 20, 32, 29)


def survey(*roofs, spacing=0.35, seed=0):
    """Points of roofs and of the ground around, as the laser would see them from above."""
    rng = np.random.default_rng(seed)
    at = np.arange(0, 60, spacing)
    x, y = (v.ravel() for v in np.meshgrid(at, at))
    x, y = x + rng.uniform(0, spacing, len(x)), y + rng.uniform(0, spacing, len(y))
    roof = shapely.contains_xy(shapely.union_all(roofs), x, y)
    xy = np.column_stack([x, y])
    return xy[roof], xy[~roof]


def shift_of(footprint, *roofs, others=None, eaves_m=0.3, seed=0):
    return find_shift(wall_offsets(footprint, *survey(*roofs, seed=seed), others=others), eaves_m=eaves_m)


def eaves(shape, width_m=0.3):
    return shape.buffer(width_m, join_style="mitre")


@pytest.mark.parametrize(("east", "north"), [(0.5, 0.0), (0.9, -0.7), (-1.4, 1.4), (0.0, 2.0)])
@pytest.mark.parametrize("angle", [0, 33])
def test_a_planted_shift_is_found(east, north, angle):
    house = shapely.affinity.rotate(HOUSE, angle)
    found = shift_of(shapely.affinity.translate(house, east, north), eaves(house))
    assert found.is_certain
    assert np.hypot(found.east_m + east, found.north_m + north) < 0.15
    assert found.eaves_m == pytest.approx(0.3, abs=0.15)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("reach_m", [0.0, 0.3, 0.6])
def test_eaves_are_no_shift(reach_m, seed):
    found = shift_of(HOUSE, eaves(HOUSE, reach_m), seed=seed)
    assert not found.is_certain
    assert found.length_m < 0.1


@pytest.mark.parametrize("depth_m", [0.8, 1.5, 2.5])
def test_an_annex_on_one_side_is_no_shift(depth_m):
    annex = shapely.box(32, 20, 32 + depth_m, 29)
    assert not shift_of(HOUSE, eaves(HOUSE), annex).is_certain


def test_a_house_in_a_row_moves_across_it_alone():
    left, right = shapely.box(8, 20, 20, 29), shapely.box(32, 20, 44, 29)
    row = shapely.box(8, 20, 44, 29)
    found = shift_of(shapely.affinity.translate(HOUSE, 0, 1.2), row, others=np.array([left, right]))
    assert found.is_certain
    assert found.north_m == pytest.approx(-1.2, abs=0.15)
    assert abs(found.east_m) < 0.15


def test_walls_against_neighbours_are_not_measured():
    roof, ground = survey(shapely.box(8, 20, 44, 29))
    walls = wall_offsets(HOUSE, roof, ground, others=np.array([shapely.box(32, 20, 44, 29)]))
    assert sorted(walls.normal.round().tolist()) == [[0.0, -1.0], [0.0, 1.0]]


def test_one_wall_alone_says_nothing_certain():
    one = WallOffsets(np.zeros(1, int), np.array([[1.0, 0.0]]), np.array([1.5]), np.array([20.0]))
    assert not find_shift(one, eaves_m=0.3).is_certain
    assert not find_shift(WallOffsets.concatenate([])).is_certain


def test_the_order_of_points_and_the_place_do_not_matter():
    roof, ground = survey(eaves(HOUSE))
    moved = shapely.affinity.translate(HOUSE, 0.8, 0.4)
    one = wall_offsets(moved, roof, ground)
    two = wall_offsets(moved, roof[::-1], ground[::-1])
    assert np.array_equal(one.offset_m, two.offset_m)
    far = np.array([5e5, 5e6])
    there = wall_offsets(shapely.transform(moved, lambda xy: xy + far), roof + far, ground + far)
    assert np.allclose(one.offset_m, there.offset_m, atol=1e-6)


def test_gables_at_the_ends_of_a_row_do_not_move_it():
    """Eaves of 0.2 and 0.75 m along the row, none at its ends: the row fits a shift no better than no shift."""
    front, back = np.array([-0.04, 1.0]), np.array([0.04, -1.0])
    rows = [(0.21, 0.73), (0.16, 0.74), (0.09, 0.90), (0.16, 0.79), (0.12, 0.70), (0.09, 0.84), (0.23, 0.69)]
    normal = [n for _ in rows for n in (back, front)] + [np.array([-1.0, -0.04]), np.array([1.0, 0.04])]
    offset = [o for pair in rows for o in pair] + [0.17, -0.01]
    length = [5.0] * 2 * len(rows) + [8.0, 8.0]
    walls = WallOffsets(np.zeros(len(normal), int), np.array(normal), np.array(offset), np.array(length))
    found = find_shift(walls, eaves_m=0.3)
    assert not found.is_certain
    assert abs(found.east_m) < 0.05
    assert found.n_walls == len(walls)
