"""Rays against triangles."""

import numpy as np
import pytest

from twin.core.rays import TreeCaster, make_caster

embree = pytest.importorskip("embreex", reason="no Embree wheel here")


def soup(n, seed):
    rng = np.random.default_rng(seed)
    return (rng.uniform(-20, 20, (n, 1, 3)) + rng.normal(0, 2, (n, 3, 3))).astype(np.float32)


def rays(n, seed):
    rng = np.random.default_rng(seed)
    origins, directions = rng.uniform(-25, 25, (n, 3)), rng.normal(size=(n, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return origins.astype(np.float32), directions.astype(np.float32)


@pytest.mark.parametrize("n", [1, 3, 4, 5, 200])
def test_our_own_tree_and_embree_see_the_same(n):
    from twin.core.rays import EmbreeCaster

    triangles, (origins, directions) = soup(n, n), rays(4000, 7)
    ours, theirs = TreeCaster(triangles), EmbreeCaster(triangles)
    far_ours, far_theirs = ours.distances(origins, directions), theirs.distances(origins, directions)
    hit = np.isfinite(far_theirs)
    # Rays that graze an edge may be told either way; there must be next to none.
    assert (np.isfinite(far_ours) != hit).mean() < 1e-3
    both = hit & np.isfinite(far_ours)
    np.testing.assert_allclose(far_ours[both], far_theirs[both], rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(ours.occluded(origins, directions), np.isfinite(far_ours))


def test_distance_to_a_plate_is_known():
    plate = np.array([[[-9, -9, 5], [9, -9, 5], [0, 18, 5]]], np.float32)
    up, down = np.array([[0, 0, 1]], np.float32), np.array([[0, 0, -1]], np.float32)
    origin = np.zeros((1, 3), np.float32)
    for caster in (TreeCaster(plate), make_caster(plate)):
        assert caster.distances(origin, up)[0] == pytest.approx(5)
        assert caster.distances(origin, down)[0] == np.inf


def test_an_empty_world_stops_nothing():
    caster = make_caster(np.empty((0, 3, 3), np.float32))
    origins, directions = rays(5, 1)
    assert not caster.occluded(origins, directions).any()
    assert np.isinf(caster.distances(origins, directions)).all()


def test_without_embree_the_other_way_is_taken(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "embreex", None)
    assert isinstance(make_caster(soup(4, 1)), TreeCaster)


def test_the_triangle_that_is_met_is_the_nearest():
    triangles, (origins, directions) = soup(200, 5), rays(2000, 9)
    from twin.core.rays import EmbreeCaster

    ours, theirs = TreeCaster(triangles), EmbreeCaster(triangles)
    met = ours.triangles_met(origins, directions)
    assert (met >= 0).any()
    assert (met != theirs.triangles_met(origins, directions)).mean() < 2e-3
    assert (make_caster(triangles[:0]).triangles_met(origins, directions) == -1).all()


def test_triangles_that_do_not_count_are_passed_through():
    plates = np.array([[[-9, -9, z], [9, -9, z], [0, 18, z]] for z in (5, 8)], np.float32)
    origin, up = np.zeros((1, 3)), np.array([[0.0, 0, 1]])
    tree = TreeCaster(plates)
    assert [int(v[0]) for v in tree.nearest(origin, up)] == [0, 5]
    assert [int(v[0]) for v in tree.nearest(origin, up, shown=np.array([False, True]))] == [1, 8]
