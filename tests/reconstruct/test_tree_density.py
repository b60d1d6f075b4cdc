"""Trees of thin surveys: neither lost nor fallen to pieces."""

from __future__ import annotations

import numpy as np
import pytest

from twin.core.grid import Bounds, Grid
from twin.core.points import PointCloud
from twin.reconstruct.trees import TreeTable, canopy_cell_size_m, find_trees

RADIUS_M, TOP_M, APART_M, N_SIDE = 3.0, 9.0, 12.0, 6
GROUND = Grid.covering(Bounds(0, 0, APART_M * N_SIDE, APART_M * N_SIDE), cell_size_m=1.0)


def orchard(points_per_m2: float) -> PointCloud:
    """Domes in rows on level ground, seen from above at a density."""
    rng = np.random.default_rng(2)
    side = APART_M * N_SIDE
    xy = rng.uniform(0, side, (int(points_per_m2 * side**2), 2))
    off = np.hypot(*((xy % APART_M) - APART_M / 2).T)
    on = off < RADIUS_M
    z = np.where(on, TOP_M - RADIUS_M + np.sqrt(np.maximum(RADIUS_M**2 - off**2, 0)), 0.0)
    z[on] -= rng.exponential(0.2, on.sum())
    returns = np.where(on, 3, 1).astype(np.uint8)
    return PointCloud(np.c_[xy, z], np.where(on, 5, 2).astype(np.uint8), np.ones_like(returns), returns)


def found(points_per_m2: float, cell_size_m: float) -> TreeTable:
    cloud = orchard(points_per_m2)
    return find_trees(cloud, dtm=np.zeros(GROUND.shape), grid=GROUND, cell_size_m=cell_size_m)


@pytest.mark.parametrize("points_per_m2", [14.0, 4.0, 1.8, 1.0])
def test_an_orchard_is_one_at_any_density(points_per_m2: float) -> None:
    trees = found(points_per_m2, canopy_cell_size_m(points_per_m2))
    assert len(trees) == pytest.approx(N_SIDE**2, abs=4)  # at 1 point per m2 three domes are told twice
    assert np.median(trees.crown_radius_m) == pytest.approx(RADIUS_M, rel=0.2)
    assert np.median(trees.height_m) == pytest.approx(TOP_M, abs=0.6)


def test_cells_grow_with_thinness_and_end_somewhere() -> None:
    sizes = [canopy_cell_size_m(d) for d in np.geomspace(1e-6, 100, 200)]
    assert sizes == sorted(sizes, reverse=True)
    assert {sizes[0], sizes[-1]} == {0.5, 2.0}
