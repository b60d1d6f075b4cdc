"""Points far from everything else are found; wires, masts and woods are not taken for them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reconstruct.ground_scenes import scene
from twin.reconstruct.outliers import OUTLIER_HALO_M, find_outliers


@pytest.fixture(scope="module")
def town():
    return scene("waves", density=6, n_low=0).xyz


def test_birds_and_pits_are_found_and_nothing_else(town):
    rng = np.random.default_rng(2)
    wrong = rng.choice(len(town), 40, replace=False)
    xyz = town.copy()
    xyz[wrong, 2] = np.where(np.arange(40) < 20, 9000.0, -9999.0)
    np.testing.assert_array_equal(np.flatnonzero(find_outliers(xyz)), np.sort(wrong))


@pytest.mark.parametrize("copies", [2, 3])
def test_repeated_birds_are_birds(town, copies):
    xyz = np.vstack([town, np.tile([80.0, 80.0, 400.0], (copies, 1))])
    assert find_outliers(xyz)[-copies:].all()


def test_wire_and_mast_stay(town):
    wire = np.column_stack([np.arange(10, 150, 0.5), np.full(280, 40.0), np.full(280, 30.0)])
    mast = np.column_stack([np.full(60, 90.0), np.full(60, 90.0), np.arange(60.0)])
    assert not find_outliers(np.vstack([town, wire, mast])).any()


def test_floor_of_a_dense_wood_stays():
    rng = np.random.default_rng(4)
    xyz = np.column_stack([*rng.uniform(0, 100, (2, 60_000)), rng.uniform(14, 22, 60_000)])
    floor = rng.choice(len(xyz), 700, replace=False)
    xyz[floor, 2] = rng.normal(0, 0.1, 700)
    assert find_outliers(xyz).sum() == 0


def test_thin_survey_is_left_alone():
    rng = np.random.default_rng(5)
    assert not find_outliers(rng.uniform(0, 1, (100, 3)) * (300, 300, 80)).any()


def test_order_does_not_matter(town):
    xyz = town.copy()
    xyz[::5000, 2] += 500
    shuffle = np.random.default_rng(0).permutation(len(xyz))
    np.testing.assert_array_equal(find_outliers(xyz)[shuffle], find_outliers(xyz[shuffle]))


def test_tile_with_halo_agrees_with_the_whole(town):
    xyz = town.copy()
    xyz[::3000, 2] += 300
    near, core = xyz[:, 0] < 61.7 + OUTLIER_HALO_M, xyz[:, 0] < 61.7
    np.testing.assert_array_equal(find_outliers(xyz[near])[core[near]], find_outliers(xyz)[core])


def test_no_points():
    assert find_outliers(np.empty((0, 3))).shape == (0,)
