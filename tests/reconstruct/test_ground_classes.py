"""Plants and buildings told apart once the ground is known."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from twin.core.points import Classification as C
from twin.core.points import PointCloud
from twin.reconstruct.vegetation import CLASSES_HALO_M, classify_points, seen_through

HOUSE = shapely.box(20, 20, 32, 30)
TREE = (60.0, 60.0, 4.0)


def town(*, density=10.0, knows_returns=True, seed=0):
    """Flat land with a gabled house, a hall without footprint, a tree, a hedge, a car and a thin wall."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 80, (2, int(density * 6400)))
    z, kind = rng.normal(0, 0.02, len(x)), np.full(len(x), C.GROUND, np.uint8)

    def put(where, top, what):
        z[where] += top[where] if np.ndim(top) else top
        kind[where] = what

    put((x > 20) & (x < 32) & (y > 20) & (y < 30), 4 + 0.6 * (5 - np.abs(y - 25)), C.BUILDING)
    put((x > 50) & (x < 66) & (y > 10) & (y < 22), 5.0, C.BUILDING)
    put(np.hypot(x - TREE[0], y - TREE[1]) < TREE[2], rng.uniform(3, 9, len(x)), C.HIGH_VEGETATION)
    put((x > 5) & (x < 15) & (y > 60) & (y < 61.5), rng.uniform(0.8, 1.6, len(x)), C.MEDIUM_VEGETATION)
    put((np.abs(x - 40) < 1) & (np.abs(y - 60) < 2.2), 1.4, C.UNCLASSIFIED)
    put((np.abs(x - 40) < 0.4) & (y > 5) & (y < 50), 3.0, C.UNCLASSIFIED)
    plant = np.isin(kind, (C.HIGH_VEGETATION, C.MEDIUM_VEGETATION))
    n = np.where(plant & (rng.random(len(x)) < 0.9), 3, 1).astype(np.uint8)
    n[(kind == C.BUILDING) & (rng.random(len(x)) < 0.05)] = 2
    if not knows_returns:
        n[:] = 1
    cloud = PointCloud(np.column_stack([x, y, z]), np.zeros(len(x), np.uint8), np.ones(len(x), np.uint8), n)
    return cloud, kind


def share(found, kind, what):
    return (found[kind == what] == what).mean()


@pytest.mark.parametrize("density", [2.0, 10.0, 30.0])
@pytest.mark.parametrize("footprints", [None, np.array([HOUSE], dtype=object)])
def test_each_kind_is_recognised(density, footprints):
    cloud, kind = town(density=density)
    found = classify_points(cloud, kind == C.GROUND, footprints=footprints)
    for what in (C.GROUND, C.BUILDING, C.HIGH_VEGETATION, C.MEDIUM_VEGETATION):
        assert share(found, kind, what) > 0.9, what
    assert not np.isin(found[kind == C.UNCLASSIFIED], (C.BUILDING, C.GROUND)).any()


def test_footprints_help_where_leaves_touch_the_roof():
    """Ivy and branches on a roof: nearly half of the pulses split, and only the footprint says house."""
    cloud, kind = town()
    n = cloud.n_returns.copy()
    roof = (kind == C.BUILDING) & (cloud.xyz[:, 0] < 40)
    n[roof] = np.where(np.arange(roof.sum()) % 5 < 3, 2, 1)
    cloud = PointCloud(cloud.xyz, cloud.classification, cloud.return_number, n)
    with_footprint = classify_points(cloud, kind == C.GROUND, footprints=np.array([HOUSE], dtype=object))
    without = classify_points(cloud, kind == C.GROUND)
    assert (with_footprint[roof] == C.BUILDING).mean() > 0.95
    assert (without[roof] == C.BUILDING).mean() < 0.5


def test_survey_without_several_returns_is_told_by_form():
    cloud, kind = town(knows_returns=False)
    found = classify_points(cloud, kind == C.GROUND, footprints=np.array([HOUSE], dtype=object))
    assert share(found, kind, C.BUILDING) > 0.9
    assert share(found, kind, C.HIGH_VEGETATION) > 0.8


def test_noise_water_and_bridges_keep_their_class():
    cloud, kind = town(density=2)
    given = np.zeros(len(cloud), np.uint8)
    kept = (C.LOW_NOISE, C.WATER, C.BRIDGE_DECK, C.HIGH_NOISE, C.CIVIL_STRUCTURE)
    given[:50] = np.repeat(kept, 10)
    given[50:60] = C.BUILDING
    cloud = PointCloud(cloud.xyz, given, cloud.return_number, cloud.n_returns)
    found = classify_points(cloud, kind == C.GROUND)
    np.testing.assert_array_equal(found[:50], given[:50])
    assert share(found, kind[:], C.GROUND) > 0.9


def test_order_of_points_does_not_matter():
    cloud, kind = town(density=4)
    shuffle = np.random.default_rng(1).permutation(len(cloud))
    found = classify_points(cloud, kind == C.GROUND)
    np.testing.assert_array_equal(
        classify_points(cloud.select(shuffle), (kind == C.GROUND)[shuffle]), found[shuffle]
    )


def test_tile_with_halo_agrees_with_the_whole():
    cloud, kind = town()
    x = cloud.xyz[:, 0]
    near, core = x < 56 + CLASSES_HALO_M, x < 56
    found = classify_points(cloud.select(near), (kind == C.GROUND)[near])[core[near]]
    np.testing.assert_array_equal(found, classify_points(cloud, kind == C.GROUND)[core])


def test_without_ground_nothing_is_told():
    cloud, _ = town(density=2)
    assert (classify_points(cloud, np.zeros(len(cloud), bool)) == C.UNCLASSIFIED).all()


def test_no_points():
    assert classify_points(PointCloud.empty(), np.zeros(0, bool)).shape == (0,)
    assert seen_through(np.empty((0, 3)), np.zeros(0, bool)).shape == (0,)


def test_one_flag_per_point():
    cloud, _ = town(density=2)
    with pytest.raises(ValueError, match="ground flags"):
        classify_points(cloud, np.zeros(3, bool))


def test_share_seen_through_is_a_plain_count():
    rng = np.random.default_rng(2)
    xyz = rng.uniform(0, 6, (300, 3))
    several = rng.random(300) < 0.4
    cell = np.floor(xyz[:, :2]) * (1, -1)
    beside = (np.abs(cell[:, None] - cell[None]) <= 1).all(-1) & (
        np.abs(xyz[:, None, 2] - xyz[None, :, 2]) <= 1.5
    )
    expected = (beside & several).sum(1) / beside.sum(1)
    np.testing.assert_allclose(seen_through(xyz, several), expected, rtol=1e-6)
