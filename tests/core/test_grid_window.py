"""The cells of a grid that a rectangle touches, also where it lies beyond the grid."""

from __future__ import annotations

import numpy as np
import pytest

from twin.core.grid import Bounds, Grid

GRID = Grid(100.0, 250.0, 2.0, 10, 5)


@pytest.mark.parametrize(
    ("area", "shape"),
    [
        (Bounds(100, 240, 120, 250), (5, 10)),
        (Bounds(103, 245, 105, 247), (2, 2)),
        (Bounds(0, 0, 1000, 1000), (5, 10)),
    ],
)
def test_cells_that_touch(area: Bounds, shape: tuple[int, int]) -> None:
    assert np.zeros(GRID.shape)[GRID.window(area)].shape == shape


@pytest.mark.parametrize(
    "area",
    [
        Bounds(500, 240, 520, 250),
        Bounds(0, 240, 20, 250),
        Bounds(100, 500, 120, 510),
        Bounds(100, 0, 120, 10),
    ],
)
def test_none_beyond(area: Bounds) -> None:
    rows, cols = GRID.window(area)
    assert 0 <= rows.start <= rows.stop <= GRID.ny
    assert 0 <= cols.start <= cols.stop <= GRID.nx
    assert np.zeros(GRID.shape)[rows, cols].size == 0
