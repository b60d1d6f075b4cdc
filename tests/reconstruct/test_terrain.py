"""Terrain and surface rasters: exact on planes, deaf to stray points, whole, and the same in tiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reconstruct.ground_scenes import scene
from twin.core.grid import Bounds, Grid, sample_bilinear
from twin.reconstruct.terrain import DtmResult, rasterize_dsm, rasterize_dtm

GRID = Grid.covering(Bounds(0, 0, 40, 40), cell_size_m=0.5)


def on(surface, *, density=6.0, seed=0, side=40.0, noise_m=0.0):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, side, (2, int(density * side * side)))
    return np.column_stack(
        [x, y, surface(x, y) + rng.normal(0, noise_m, len(x)) if noise_m else surface(x, y)]
    )


def errors(dtm, surface, *, margin=2):
    x, y = np.meshgrid(GRID.x_centres, GRID.y_centres)
    inner = slice(margin, -margin)
    return np.abs(dtm.values - surface(x, y))[inner, inner]


@given(
    east=st.floats(-0.5, 0.5),
    north=st.floats(-0.5, 0.5),
    level=st.floats(-400, 4000),
    seed=st.integers(0, 999),
)
@settings(max_examples=8, deadline=None)
def test_planes_come_back(east, north, level, seed):
    def plane(x, y):
        return level + east * x + north * y

    dtm = rasterize_dtm(on(plane, seed=seed), GRID)
    steepness = np.hypot(east, north)
    assert errors(dtm, plane).max() < 0.3 * steepness + 0.001
    assert np.median(errors(dtm, plane)) < 0.01 * steepness + 0.001


@pytest.mark.parametrize("density", [0.3, 2.0, 20.0])
def test_noise_is_averaged_down(density):
    dtm = rasterize_dtm(on(lambda x, y: 0 * x, density=density, noise_m=0.05), GRID)
    assert np.sqrt((dtm.values**2).mean()) < 0.05


@pytest.mark.parametrize("off_m", [-25.0, -3.0, 4.0, 9000.0])
def test_stray_points_leave_no_mark(off_m):
    xyz = on(lambda x, y: 0.1 * x, noise_m=0.01)
    clean = rasterize_dtm(xyz, GRID).values
    xyz[:: len(xyz) // 50, 2] += off_m
    assert np.abs(rasterize_dtm(xyz, GRID).values - clean).max() < 0.05


def test_step_stays_a_step():
    def quay(x, y):
        return np.where(x > 20, 3.0, 0.0)

    dtm = rasterize_dtm(on(quay), GRID)
    far = np.abs(GRID.x_centres - 20) > 1.0
    assert np.abs(dtm.values - quay(*np.meshgrid(GRID.x_centres, GRID.y_centres)))[:, far].max() < 0.01


def test_values_stay_within_those_of_the_points():
    xyz = scene("quay", density=3).xyz
    ground = xyz[scene("quay", density=3).ground]
    dtm = rasterize_dtm(ground, Grid.covering(Bounds(-30, -30, 190, 190), cell_size_m=0.5)).values
    assert ground[:, 2].min() - 1e-3 <= dtm.min()
    assert dtm.max() <= ground[:, 2].max() + 1e-3


def test_holes_are_spanned_and_marked():
    def hill(x, y):
        return 0.1 * x + 0.05 * y

    xyz = on(hill, density=8)
    hole = (np.abs(xyz[:, 0] - 20) < 8) & (np.abs(xyz[:, 1] - 20) < 6)
    dtm = rasterize_dtm(xyz[~hole], GRID)
    assert errors(dtm, hill).max() < 0.1
    x, y = np.meshgrid(GRID.x_centres, GRID.y_centres)
    deep = (np.abs(x - 20) < 6.2) & (np.abs(y - 20) < 4.2)
    shallow = (np.abs(x - 20) > 8) | (np.abs(y - 20) > 6)
    assert dtm.filled[deep].all()
    assert dtm.filled[shallow].mean() < 0.001


def test_order_of_points_changes_no_byte():
    xyz = scene("waves", density=3).xyz
    shuffled = xyz[np.random.default_rng(0).permutation(len(xyz))]
    grid = Grid.covering(Bounds(0, 0, 160, 160), cell_size_m=0.5)
    one, other = rasterize_dtm(xyz, grid), rasterize_dtm(shuffled, grid)
    assert one.values.tobytes() == other.values.tobytes()
    assert one.filled.tobytes() == other.filled.tobytes()
    surfaces = [rasterize_dsm(p, grid, dtm=one.values) for p in (xyz, shuffled)]
    assert surfaces[0].tobytes() == surfaces[1].tobytes()


def test_tile_with_halo_agrees_with_the_whole():
    made = scene("hill", density=4)
    ground = made.xyz[made.ground]
    grid = Grid.covering(Bounds(0, 0, 160, 160), cell_size_m=0.5)
    whole = rasterize_dtm(ground, grid)
    window = grid.window(Bounds(0, 0, 100, 100))
    tile = grid.subgrid(window)
    b = tile.bounds
    inside = (ground[:, 0] < b.x_max) & (ground[:, 1] < b.y_max)
    part = rasterize_dtm(ground[inside], tile)
    core = tile.window(Bounds(0, 0, 60, 60))
    same = grid.window(Bounds(0, 0, 60, 60))
    np.testing.assert_allclose(part.values[core], whole.values[same], atol=1e-5)
    np.testing.assert_array_equal(part.filled[core], whole.filled[same])


def test_moved_city_has_the_same_terrain():
    xyz = on(lambda x, y: np.sin(x / 5), noise_m=0.02)
    far = Grid(GRID.x_min + 5e5, GRID.y_max + 6e6, 0.5, GRID.nx, GRID.ny)
    moved = rasterize_dtm(np.add(xyz, (5e5, 6e6, 0.0)), far)
    np.testing.assert_allclose(moved.values, rasterize_dtm(xyz, GRID).values, atol=1e-5)


def test_one_point_is_a_level_land():
    dtm = rasterize_dtm(np.array([[20.0, 20.0, 7.0]]), GRID)
    assert (dtm.values == 7.0).all()
    assert dtm.filled.mean() > 0.99


@pytest.mark.parametrize("shift", [(0, 0), (-20, 20), (-20.25, 19.75)])
def test_grids_across_the_origin_of_the_map(shift):
    """Blocks of the pyramid that meet at the origin never become one: this once did not end."""
    xyz = np.add([[1.0, 1.0, 2.0], [9.0, 9.0, 2.0]], (*shift, 0.0))
    grid = Grid(shift[0], shift[1] + 20.0, 0.5, 40, 40)
    assert (rasterize_dtm(xyz, grid).values == 2.0).all()


@pytest.mark.parametrize("xyz", [np.empty((0, 3)), np.array([[500.0, 500.0, 1.0]])])
def test_no_ground_in_the_grid_is_said(xyz):
    with pytest.raises(ValueError, match=f"none of {len(xyz)} ground points"):
        rasterize_dtm(xyz, GRID)


def test_result_of_two_shapes_is_refused():
    with pytest.raises(ValueError, match="must agree"):
        DtmResult(np.zeros((2, 2), np.float32), np.zeros((2, 3), bool))


def level(z=0.0):
    return np.full(GRID.shape, z, np.float32)


def test_surface_follows_roof_and_ground():
    def house(x, y):
        return np.where((np.abs(x - 20) < 5) & (np.abs(y - 20) < 5), 6.0, 0.0)

    dsm = rasterize_dsm(on(house, density=12), GRID, dtm=level())
    x, y = np.meshgrid(GRID.x_centres, GRID.y_centres)
    edge = (np.abs(np.abs(x - 20) - 5) < 1) | (np.abs(np.abs(y - 20) - 5) < 1)
    np.testing.assert_array_equal(dsm[~edge], house(x, y)[~edge].astype(np.float32))


def test_single_spike_is_left_out_and_a_spire_is_not():
    xyz = on(lambda x, y: 0 * x, density=12)
    spike = [[10.1, 10.1, 50.0]]
    spire = np.column_stack([np.full(25, 30.1), np.full(25, 30.1), np.arange(0.0, 25.0)])
    dsm = rasterize_dsm(np.vstack([xyz, spike, spire]), GRID, dtm=level())
    assert dsm.max() == 24.0
    assert sample_bilinear(dsm, GRID, np.array([10.25]), np.array([10.25]))[0] == 0.0


def test_gaps_are_closed_from_near_and_by_the_terrain_farther_away():
    xyz = on(lambda x, y: 0 * x + 5.0, density=12)
    xyz = xyz[(xyz[:, 0] < 18) | (xyz[:, 0] > 19.5)]
    xyz = xyz[xyz[:, 1] < 30]
    dsm = rasterize_dsm(xyz, GRID, dtm=level(1.0))
    y = np.meshgrid(GRID.x_centres, GRID.y_centres)[1]
    np.testing.assert_allclose(dsm[y < 29], 5.0, rtol=1e-6)
    assert (dsm[y > 33] == 1.0).all()


def test_surface_is_never_below_the_terrain():
    made = scene("waves", density=2)
    grid = Grid.covering(Bounds(0, 0, 160, 160), cell_size_m=1.0)
    dtm = rasterize_dtm(made.xyz[made.ground], grid).values
    dsm = rasterize_dsm(made.xyz, grid, dtm=dtm)
    assert dsm.dtype == np.float32
    assert (dsm >= dtm).all()


def test_surface_without_points_is_the_terrain():
    np.testing.assert_array_equal(rasterize_dsm(np.empty((0, 3)), GRID, dtm=level(2.0)), level(2.0))


def test_terrain_of_another_grid_is_refused():
    with pytest.raises(ValueError, match=r"shape \(3, 3\)"):
        rasterize_dsm(np.zeros((1, 3)), GRID, dtm=np.zeros((3, 3), np.float32))
