"""Outlines of buildings without a footprint."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from twin.core.grid import Bounds, Grid
from twin.reconstruct.derived_outlines import derivable_cells, derive_outlines
from twin.reconstruct.raster_marks import cells_within

GRID = Grid.covering(Bounds(100.0, 200.0, 170.0, 260.0), cell_size_m=0.5)
NONE = np.empty(0, dtype=object)


def tops(*roofs, spacing=0.3, seed=0):
    """The raster of uppermost points over polygons with a height or a function of place."""
    rng = np.random.default_rng(seed)
    b = GRID.bounds
    x, y = (
        v.ravel()
        for v in np.meshgrid(np.arange(b.x_min, b.x_max, spacing), np.arange(b.y_min, b.y_max, spacing))
    )
    x, y = x + rng.uniform(0, spacing, len(x)), y + rng.uniform(0, spacing, len(y))
    top = np.full(GRID.shape, -np.inf)
    for polygon, z in roofs:
        inside = shapely.contains_xy(polygon, x, y)
        height = z(x[inside], y[inside]) if callable(z) else np.full(inside.sum(), float(z))
        row, col = GRID.rows_cols(x[inside], y[inside])
        keep = (row < GRID.ny) & (col < GRID.nx)
        np.maximum.at(top, (row[keep], col[keep]), height[keep])
    return np.where(np.isfinite(top), top, np.nan)


def derived(*roofs, footprints=NONE, **more):
    top = tops(*roofs, **more)
    mask = derivable_cells(np.isfinite(top), cells_within(footprints, GRID), cell_size_m=0.5)
    return derive_outlines(top, mask, GRID, footprints=footprints)


def likeness(shape, other):
    return shape.intersection(other).area / shape.union(other).area


@pytest.mark.parametrize("angle", [0, 17, 80])
def test_a_house_has_four_straight_walls_and_right_angles(angle):
    house = shapely.affinity.rotate(shapely.box(120, 215, 140, 227), angle)
    found = derived((house, 8.0))
    assert len(found) == 1
    assert likeness(found.polygons[0], house) > 0.95
    ring = shapely.get_coordinates(found.polygons[0])
    assert len(ring) == 5
    side = np.diff(ring, axis=0)
    turn = np.einsum("ij,ij->i", side, np.roll(side, 1, axis=0)) / (
        np.hypot(*side.T) * np.hypot(*np.roll(side, 1, axis=0).T)
    )
    assert np.abs(turn).max() < np.sin(np.radians(3))
    assert found.confidence[0] > 0.85


def test_on_the_diagonal_of_the_raster_a_corner_may_be_cut_but_not_more():
    house = shapely.affinity.rotate(shapely.box(120, 215, 140, 227), 45)
    (found,) = derived((house, 8.0)).polygons
    assert likeness(found, house) > 0.95
    assert shapely.get_num_coordinates(found) <= 6


def test_an_l_keeps_its_inner_corner():
    house = shapely.box(115, 215, 145, 225).union(shapely.box(115, 215, 125, 245))
    found = derived((house, 8.0))
    assert len(found) == 1
    assert shapely.get_num_coordinates(found.polygons[0]) == 7
    assert likeness(found.polygons[0], house) > 0.94


@pytest.mark.parametrize("width_m", [0.8, 1.5, 2.0])
def test_strips_beside_a_displaced_footprint_are_no_buildings(width_m):
    house = shapely.box(120, 215, 140, 230)
    moved = np.array([shapely.affinity.translate(house, width_m, width_m)])
    assert len(derived((house, 8.0), footprints=moved)) == 0


def test_a_house_between_two_mapped_ones_fills_the_gap():
    row = shapely.box(110, 215, 150, 227)
    mapped = np.array([shapely.box(110, 215, 124, 227), shapely.box(131, 215, 150, 227)])
    found = derived((row, 8.0), footprints=mapped)
    assert len(found) == 1
    assert likeness(found.polygons[0], shapely.box(124, 215, 131, 227)) > 0.93
    assert shapely.intersection(found.polygons[0], shapely.union_all(mapped)).area == 0


def test_a_tower_belongs_to_the_hall_around_it_but_houses_of_a_row_stay_apart():
    hall, tower = shapely.box(115, 215, 145, 245), shapely.box(125, 225, 135, 235)
    assert len(derived((hall, 6.0), (tower, 30.0))) == 1
    assert len(derived((shapely.box(115, 215, 125, 225), 6.0), (shapely.box(125, 215, 135, 225), 12.0))) == 2


@pytest.mark.parametrize("side_m", [2.0, 2.5])
def test_less_than_eight_square_metres_is_left_out(side_m):
    assert len(derived((shapely.box(120, 215, 120 + side_m, 215 + side_m), 5.0))) == 0


def test_confidence_falls_with_holes_and_with_rough_tops():
    house = shapely.box(115, 215, 145, 235)
    rng = np.random.default_rng(1)
    good = derived((house, 8.0)).confidence[0]
    thin = derived((house, 8.0), spacing=0.62).confidence[0]
    crown = derived((house, lambda x, _y: 8.0 + rng.uniform(-2, 2, len(x)))).confidence.max(initial=0.0)
    assert good > 0.9
    assert thin < 0.8 * good
    assert crown < 0.5 * good


def test_nothing_in_nothing_out():
    assert len(derived((shapely.box(0, 0, 1, 1), 5.0))) == 0
