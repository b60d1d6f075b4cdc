"""Water up to a level: connected to its seeds, as an independent labelling finds it, and quick."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from twin.core.errors import UsageError
from twin.water import fill_level


def by_labels(z, eta, seeds):
    labels, _ = ndimage.label(z < eta)
    fed = np.unique(labels[tuple(np.asarray(seeds).T)])
    return np.where(np.isin(labels, fed[fed > 0]), eta - z, 0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 25), st.integers(1, 25), st.floats(-1, 1))
def test_agrees_with_a_labelling(seed: int, ny: int, nx: int, eta: float) -> None:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(ny, nx))
    seeds = np.column_stack([rng.integers(0, ny, 4), rng.integers(0, nx, 4)])
    np.testing.assert_allclose(fill_level(z, eta, seeds), by_labels(z, eta, seeds), atol=1e-6)
    mask = np.zeros((ny, nx), bool)
    mask[tuple(seeds.T)] = True
    assert fill_level(z, eta, mask).tobytes() == fill_level(z, eta, seeds).tobytes()


def test_a_spiral_is_followed_to_its_end() -> None:
    z = np.full((21, 21), 9.0)
    z[1::2, 1:-1] = 0.0
    for row in range(2, 20, 2):
        z[row, 1 if row % 4 == 0 else -2] = 0.0
    depth = fill_level(z, 1.0, [(1, 1)])
    assert (depth > 0).sum() == (z == 0).sum()


def test_polder_behind_a_dyke_and_nodata_stay_dry() -> None:
    z = np.array([[0.0, 3.0, -2.0, np.nan, -2.0, np.inf]])
    assert fill_level(z, 1.0, [(0, 0), (0, 3)]).tolist() == [[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]]


def test_a_sloping_river_fills_to_its_own_level() -> None:
    level = np.linspace(5.0, 3.0, 11)[None, :]
    depth = fill_level(np.full((1, 11), 2.0), level, [(0, 10)])
    np.testing.assert_allclose(depth, level - 2.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.zeros(3), 1.0, [(0, 0)]), "z: shape (3,)"),
        ((np.zeros((2, 2)), np.nan, [(0, 0)]), "eta_m"),
        ((np.zeros((2, 2)), 1.0, [(0, 5)]), "row 0, column 5 lies outside"),
        ((np.zeros((2, 2)), 1.0, np.zeros((3, 3), bool)), "mask of shape (3, 3)"),
    ],
)
def test_what_cannot_be_meant_is_told(arguments, words: str) -> None:
    with pytest.raises(UsageError) as told:
        fill_level(*arguments)
    assert words in str(told.value)


def test_a_million_cells_at_the_speed_of_a_slider() -> None:
    rng = np.random.default_rng(5)
    z = ndimage.gaussian_filter(rng.normal(size=(1000, 1000)), 3) * 10
    fill_level(z[:4, :4], 0.0, [(0, 0)])
    times = []
    for eta in (-0.2, 0.0, 0.2, 0.3):
        begin = time.thread_time()
        fill_level(z, eta, [(0, 0), (500, 500)])
        times.append(time.thread_time() - begin)
    assert min(times) < 0.05
