"""Elevations of ground and roof, and which points are of the roof."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from twin.core.grid import Grid
from twin.core.points import PointCloud
from twin.reconstruct.footprint import localize_footprint
from twin.reconstruct.heights import OutlineTerrain, ground_heights, roof_heights, terrain_along
from twin.reconstruct.partition import whole_footprint
from twin.reconstruct.quality import coverage, roof_fit
from twin.reconstruct.roof_points import select_roof_points

HOUSE = shapely.box(0, 0, 10, 8)
UNKNOWN = OutlineTerrain(math.nan, math.nan)


def raster(x0, y0, x1, y1, z, spacing=0.5):
    """Points on a grid, z a number or a function of x and y."""
    x, y = (v.ravel() for v in np.meshgrid(np.arange(x0, x1, spacing), np.arange(y0, y1, spacing)))
    return np.column_stack([x, y, z(x, y) if callable(z) else np.full(len(x), float(z))])


def cloud(*groups):
    """Groups of (points, class) or (points, class, return number, returns)."""
    full = [(*g, 1, 1) if len(g) == 2 else g for g in groups]
    columns = [np.concatenate([np.full(len(g[0]), g[k]) for g in full]).astype(np.uint8) for k in (1, 2, 3)]
    return PointCloud(np.concatenate([g[0] for g in full]), *columns)


def test_the_ground_is_the_5th_percentile_within_4_m():
    near, far = raster(-3, -3.5, 12, 0, 2.0), raster(-30, -30, -6, -6, -9.0)
    pit = np.array([[-1.0, -1.0, 0.0]])
    heights = ground_heights(
        localize_footprint(HOUSE), cloud((near, 2), (far, 2), (pit, 2), (raster(0, 0, 9, 7, 8), 6))
    )
    assert (heights.ground_m, heights.floor_m) == (2.0, 2.0)


def test_without_ground_points_the_terrain_tells_the_ground():
    points = cloud((raster(0, 0, 9, 7, 8), 6))
    heights = ground_heights(localize_footprint(HOUSE), points, terrain=OutlineTerrain(1.0, 1.8))
    assert (heights.ground_m, heights.floor_m) == (1.8, 1.0)
    assert math.isnan(ground_heights(localize_footprint(HOUSE), points, terrain=UNKNOWN).ground_m)
    assert math.isnan(ground_heights(localize_footprint(HOUSE), points).ground_m)


def test_the_floor_lies_on_the_lowest_terrain_and_never_above_the_ground():
    points = cloud((raster(-3, -3.5, 12, 0, 2.0), 2))
    low = ground_heights(localize_footprint(HOUSE), points, terrain=OutlineTerrain(-1.5, 0.4))
    high = ground_heights(localize_footprint(HOUSE), points, terrain=OutlineTerrain(5.0, 6.0))
    assert (low.ground_m, low.floor_m) == (2.0, -1.5)
    assert (high.ground_m, high.floor_m) == (2.0, 2.0)


def test_the_terrain_is_looked_up_between_corners_too():
    """A ditch passes under the middle of a long wall."""
    grid = Grid(-5.0, 15.0, 0.5, 60, 40)
    dtm = np.where(np.abs(grid.x_centres - 5) < 1, -2.0, 3.0) * np.ones((40, 1))
    terrain = terrain_along(HOUSE, dtm, grid)
    assert (terrain.lowest_m, terrain.median_m) == (-2.0, 3.0)
    assert math.isnan(terrain_along(HOUSE, np.full((40, 60), np.nan), grid).lowest_m)


def test_roof_heights_are_percentiles_of_all_points():
    ground = ground_heights(localize_footprint(HOUSE), cloud((raster(-3, -3.5, 12, 0, 2.0), 2)))
    heights = roof_heights(ground, np.arange(101.0))
    assert (heights.roof_min_m, heights.roof_50p_m, heights.roof_70p_m, heights.roof_max_m) == (
        0,
        50,
        70,
        100,
    )
    assert heights.height_m == 68


def test_points_of_the_roof_are_those_of_its_class_within_the_outline():
    points = cloud((raster(-2, -2, 12, 10, 8.0), 6), (raster(1, 1, 9, 7, 12.0), 1))
    roof = select_roof_points(localize_footprint(HOUSE), points, ground_m=0.0)
    assert set(roof.xyz[:, 2]) == {8.0}
    assert len(roof) == pytest.approx(20 * 16, abs=40)
    assert roof.is_top.all()


def test_what_lies_under_the_roof_is_not_its_top():
    """A facade's points and a skylight's: more than 1 m under another point within half a metre."""
    facade = np.column_stack([np.full(20, 0.1), np.linspace(1, 7, 20), np.linspace(1, 6, 20)])
    step = raster(5, 0, 10, 8, 7.5)
    points = cloud((raster(0, 0, 5, 8, 8.0, 0.25), 6), (facade, 6), (step, 6))
    roof = select_roof_points(localize_footprint(HOUSE), points, ground_m=0.0)
    assert set(np.unique(roof.top[:, 2])) == {7.5, 8.0}
    assert (~roof.is_top).sum() == 20


def test_without_classes_a_tree_over_the_roof_is_left_out():
    rng = np.random.default_rng(4)
    crown = np.column_stack([rng.uniform(6, 10, 300), rng.uniform(4, 8, 300), rng.uniform(9, 14, 300)])
    groups = [
        (raster(0.25, 0.25, 10, 8, 8.0), 1),
        (crown[:200], 1, 1, 3),
        (crown[200:], 1, 3, 3),
        (raster(-3, -3, 12, 0, 0.0), 2),
        (raster(1, 1, 3, 3, 0.4), 1),
    ]
    roof = select_roof_points(localize_footprint(HOUSE), cloud(*groups), ground_m=0.0, roof_classes=())
    assert set(roof.xyz[:, 2]) == {8.0}
    away = (roof.xyz[:, 0] < 4) | (roof.xyz[:, 1] < 2)
    assert away.sum() == 8 * 16 + 12 * 4


def test_a_file_that_does_not_tell_returns_keeps_its_points():
    points = cloud((raster(0.25, 0.25, 10, 8, 8.0), 1, 0, 0))
    roof = select_roof_points(localize_footprint(HOUSE), points, ground_m=0.0, roof_classes=())
    assert len(roof) == len(points)


def test_coverage_tells_the_share_without_points():
    half = select_roof_points(
        localize_footprint(HOUSE), cloud((raster(0.1, 0.1, 5, 8, 8.0), 6)), ground_m=0.0
    )
    cover = coverage(localize_footprint(HOUSE), half)
    assert cover.no_data_share == pytest.approx(0.5, abs=0.1)  # cells of 1.4 m
    assert cover.density_per_m2 == pytest.approx(2.0)
    none = half.xyz[:0]
    empty = coverage(localize_footprint(HOUSE), type(half)(none, half.is_top[:0], half.edge_distance_m[:0]))
    assert (empty.n_points, empty.no_data_share) == (0, 1.0)


def test_the_fit_is_judged_inside_the_outline_on_the_top():
    """Ten points of the facade, 5 m under the eaves, change nothing."""
    facade = np.column_stack([np.full(10, 0.2), np.linspace(1, 7, 10), np.full(10, 3.0)])
    roof = raster(0.1, 0.1, 10, 8, lambda x, y: 8.0 + 0.3 * (-1.0) ** np.rint(x * 2))
    points = select_roof_points(localize_footprint(HOUSE), cloud((roof, 6), (facade, 6)), ground_m=0.0)
    fit = roof_fit(whole_footprint(localize_footprint(HOUSE)), np.array([[0.0, 0.0, 8.0]]), points)
    assert (fit.rmse_m, fit.p95_m) == (0.3, 0.3)
    assert fit.n_points < len(roof)
