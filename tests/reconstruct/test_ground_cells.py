"""Points in cells, sliding windows, rays and membranes: small parts held to plain definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from twin.core.grid import Grid
from twin.reconstruct.cells import bin_points, grid_over, opening, window_max, window_min
from twin.reconstruct.inpaint import fill_smoothly
from twin.reconstruct.sweeps import interpolate_by_rays

rasters = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=17),
    elements=st.floats(-1000, 1000, width=32),
)
points = hnp.arrays(
    np.float64, st.tuples(st.integers(0, 60), st.just(3)), elements=st.integers(-40, 80).map(lambda k: k / 4)
)


@given(values=rasters, radius=st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_window_is_a_plain_minimum_and_maximum(values, radius):
    size = 2 * radius + 1
    low = ndimage.minimum_filter(values, size, mode="constant", cval=np.inf)
    high = ndimage.maximum_filter(values, size, mode="constant", cval=-np.inf)
    np.testing.assert_array_equal(window_min(values, radius), low)
    np.testing.assert_array_equal(window_max(values, radius), high)


@given(values=rasters, radius=st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_opening_lies_below_and_opens_once(values, radius):
    once = opening(values, radius)
    assert (once <= values).all()
    np.testing.assert_array_equal(opening(once, radius), once)


@given(xyz=points, seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_cells_hold_their_points_in_an_order_of_their_own(xyz, seed):
    grid = Grid(0.0, 10.0, 2.0, nx=5, ny=5)
    index = bin_points(xyz, grid)
    row, col = grid.rows_cols(xyz[:, 0], xyz[:, 1])
    inside = (row >= 0) & (row < 5) & (col >= 0) & (col < 5)
    cell = np.repeat(np.arange(25), np.diff(index.start))
    np.testing.assert_array_equal(np.sort(index.order), np.flatnonzero(inside))
    np.testing.assert_array_equal((row * 5 + col)[index.order], cell)
    shuffled = xyz[np.random.default_rng(seed).permutation(len(xyz))]
    np.testing.assert_array_equal(shuffled[bin_points(shuffled, grid).order], xyz[index.order])


def test_a_cell_with_thousands_of_points_is_sorted():
    rng = np.random.default_rng(0)
    xyz = np.column_stack([np.zeros(5000), np.zeros(5000), rng.permutation(5000)]).astype(float)
    index = bin_points(xyz, Grid(-1.0, 1.0, 2.0, 1, 1))
    np.testing.assert_array_equal(xyz[index.order, 2], np.arange(5000.0))


@given(xyz=points.filter(len), cell=st.sampled_from([0.3, 0.5, 1.0, 2.5]))
@settings(max_examples=60, deadline=None)
def test_grid_over_points_holds_all_of_them(xyz, cell):
    assert len(bin_points(xyz, grid_over(xyz, cell_size_m=cell)).order) == len(xyz)


def test_rays_look_no_further_than_told():
    values = np.zeros((1, 12), np.float32)
    known = np.zeros(values.shape, bool)
    known[0, 0], values[0, 0] = True, 7.0
    found = interpolate_by_rays(values, known, reach=4.0)
    np.testing.assert_array_equal(np.isfinite(found[0]), np.arange(12) <= 4)
    assert (found[0, :5] == 7.0).all()


@pytest.mark.parametrize("quarter_turns", range(4))
def test_rays_treat_all_directions_alike(quarter_turns):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(14, 9)).astype(np.float32)
    known = rng.random(values.shape) < 0.1
    turned = interpolate_by_rays(
        np.ascontiguousarray(np.rot90(values, quarter_turns)),
        np.ascontiguousarray(np.rot90(known, quarter_turns)),
        reach=5.0,
    )
    straight = interpolate_by_rays(values, known, reach=5.0)
    np.testing.assert_allclose(np.rot90(turned, -quarter_turns), straight, rtol=1e-5, atol=1e-6)


@given(values=rasters.filter(lambda a: a.size > 1), seed=st.integers(0, 999), share=st.floats(0.05, 0.9))
@settings(max_examples=40, deadline=None)
def test_membrane_keeps_what_is_known_and_stays_within_it(values, seed, share):
    known = np.random.default_rng(seed).random(values.shape) < share
    known.flat[seed % known.size] = True
    film = fill_smoothly(values, known)
    np.testing.assert_array_equal(film[known], values[known])
    slack = 1e-3 + 0.01 * float(np.ptp(values[known]))  # over-relaxation leaves a trace
    assert film.min() >= values[known].min() - slack
    assert film.max() <= values[known].max() + slack


def test_membrane_over_a_sloping_hole_is_nearly_the_slope():
    y, x = np.mgrid[:80, :90].astype(np.float32)
    known = ~((np.abs(x - 45) < 20) & (np.abs(y - 40) < 15))
    film = fill_smoothly(0.1 * x + 0.05 * y, known)
    assert np.abs(film - 0.1 * x - 0.05 * y).max() < 0.02 * 5.5


def test_membranes_of_tiles_agree():
    """To a step of float32 from 32 cells of halo on, to the last bit from 64 (a tile has 120)."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(160, 160)).astype(np.float32)
    known = rng.random(values.shape) < 0.3
    whole = fill_smoothly(values, known)
    part = fill_smoothly(values[17:, 39:], known[17:, 39:], corner=(17, 39))
    np.testing.assert_allclose(part[32:, 32:], whole[49:, 71:], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(part[64:, 64:], whole[81:, 103:])


def test_membrane_needs_a_rim():
    with pytest.raises(ValueError, match="nothing is known"):
        fill_smoothly(np.zeros((3, 3), np.float32), np.zeros((3, 3), bool))
