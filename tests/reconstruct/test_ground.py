"""Ground told from coordinates alone: right on many lands, and the same however the points come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reconstruct.ground_scenes import LANDS, SIDE_M, kappa, scene
from twin.core.errors import LimitError
from twin.reconstruct.ground import GROUND_HALO_M, GroundOptions, classify_ground


@pytest.mark.parametrize(("land", "density"), [*((k, d) for k in LANDS for d in (2.0, 8.0)), ("hill", 30.0)])
def test_ground_of_every_land_and_density(land, density):
    made = scene(land, density=density)
    found = classify_ground(made.xyz)
    assert kappa(made.ground, found) > 0.97
    assert (found & ~made.ground).sum() < 0.05 * (~made.ground).sum()


@pytest.mark.parametrize("height_m", [3.0, 6.0, 15.0])
def test_hall_100_m_wide_is_no_ground(height_m):
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, 220, (2, 6 * 220 * 220))
    hall = (np.abs(x - 110) < 50) & (np.abs(y - 110) < 60)
    found = classify_ground(np.column_stack([x, y, rng.normal(0, 0.03, len(x)) + height_m * hall]))
    assert not found[hall].any()
    assert found[~hall].mean() > 0.99


def test_hall_wider_than_promised_is_taken_for_land():
    """The limit is real: it is what `max_building_m` says, and raising it helps."""
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, 100, (2, 40_000))
    hall = (np.abs(x - 50) < 25) & (np.abs(y - 50) < 25)
    xyz = np.column_stack([x, y, 6.0 * hall])
    assert classify_ground(xyz, options=GroundOptions(max_building_m=30))[hall].mean() > 0.9
    assert not classify_ground(xyz, options=GroundOptions(max_building_m=60))[hall].any()


def test_both_levels_of_a_quay_are_ground_up_to_its_edge():
    rng = np.random.default_rng(5)
    x, y = rng.uniform(0, 60, (2, 36_000))
    edge = 30.37
    found = classify_ground(
        np.column_stack([x, y, np.where(x < edge, 2.0, 0.0) + rng.normal(0, 0.02, len(x))])
    )
    assert found.mean() > 0.985
    assert found[np.abs(x - edge) > 1.0].mean() > 0.999


def test_deck_over_water_without_returns_between_piers_is_not_bridged_by_roofs():
    """Houses on both sides of a canal without echoes stand up from it, though nothing low lies between them."""
    rng = np.random.default_rng(6)
    x, y = rng.uniform(0, 120, (2, 115_000))
    canal, house = np.abs(x - 60) < 6, (np.abs(x - 60) >= 6) & (np.abs(x - 60) < 20) & (np.abs(y - 60) < 30)
    keep = ~canal
    xyz = np.column_stack([x, y, 8.0 * house])[keep]
    assert (classify_ground(xyz) == ~house[keep]).mean() > 0.999


def test_order_of_points_does_not_matter():
    made = scene("waves", density=4)
    shuffle = np.random.default_rng(0).permutation(len(made.xyz))
    np.testing.assert_array_equal(classify_ground(made.xyz)[shuffle], classify_ground(made.xyz[shuffle]))


def test_repeated_points_do_not_matter():
    made = scene("hill", density=4)
    thrice = classify_ground(np.repeat(made.xyz, 3, axis=0)).reshape(-1, 3)
    assert (thrice == thrice[:, :1]).all()
    assert kappa(made.ground, thrice[:, 0]) > 0.97


def test_city_moved_a_thousand_kilometres_keeps_its_ground():
    made = scene("hill", density=4)
    moved = classify_ground(np.add(made.xyz, (1_000_000.0, 5_000_000.0, 300.0)))
    assert (moved != classify_ground(made.xyz)).sum() <= 2  # a coordinate keeps a nanometre there


@given(seed=st.integers(0, 2**32 - 1), land=st.sampled_from(sorted(LANDS)))
@settings(max_examples=6, deadline=None)
def test_tile_with_halo_agrees_with_the_whole(seed, land):
    """With the proven halo to the point; the made lands are larger than that of small buildings."""
    made = scene(land, density=2, seed=seed)
    options = GroundOptions(max_building_m=20)
    whole = classify_ground(made.xyz, options=options)
    x, y = made.xyz[:, 0], made.xyz[:, 1]
    halo = options.exact_halo_m
    core = (x < 20) & (y < SIDE_M / 2)
    near = (x < 20 + halo) & (y < SIDE_M / 2 + halo)
    np.testing.assert_array_equal(classify_ground(made.xyz[near], options=options)[core[near]], whole[core])


@pytest.mark.parametrize("land", LANDS)
def test_tile_with_the_usual_halo_agrees_with_the_whole(land):
    made = scene(land, density=4)
    x = made.xyz[:, 0]
    near, core = x < 30 + GROUND_HALO_M, x < 30
    found = classify_ground(made.xyz[near])[core[near]]
    assert (found != classify_ground(made.xyz)[core]).mean() < 1e-4


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_a_handful_of_points(n):
    xyz = np.column_stack([np.arange(n), np.arange(n), np.zeros(n)]).astype(float)
    found = classify_ground(xyz)
    assert found.shape == (n,)
    assert found.dtype == bool


def test_points_on_cell_edges_and_corners():
    x, y = (a.ravel() for a in np.meshgrid(np.arange(0.0, 31.0), np.arange(-15.0, 16.0)))
    assert classify_ground(np.column_stack([x, y, np.zeros_like(x)])).all()


def test_all_points_in_one_place():
    assert classify_ground(np.tile([3.0, 4.0, 5.0], (50, 1))).all()


def test_scattered_over_a_continent_is_refused_before_memory_is_taken():
    xyz = np.array([[0.0, 0, 0], [1e12, 1e12, 0]])
    with pytest.raises(LimitError, match="too far"):
        classify_ground(xyz)


def test_coordinates_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="finite"):
        classify_ground(np.array([[0.0, np.nan, 1.0], [1.0, 1.0, 1.0]]))


@pytest.mark.parametrize(
    "wrong", [{"slope": 0.0}, {"smooth_slope": 9.0}, {"max_building_m": 1e6}, {"tolerance_m": float("nan")}]
)
def test_options_outside_their_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        GroundOptions(**wrong)


@pytest.mark.parametrize("cell_size_m", [0.0, 0.1, 20.0, float("nan")])
def test_cell_sizes_outside_their_range_are_refused(cell_size_m):
    with pytest.raises(ValueError, match="cell_size_m"):
        classify_ground(np.zeros((3, 3)), cell_size_m=cell_size_m)
