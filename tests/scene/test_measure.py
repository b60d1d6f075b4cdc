"""Measures against closed forms."""

import math

import numpy as np
import pytest
import shapely

from twin.core.errors import UsageError
from twin.core.grid import Grid
from twin.scene.measure import (
    Ground,
    area,
    face_area,
    height_above_ground,
    length,
    solid_volume,
    volume,
    walk,
)

GRID = Grid(1000.0, 2100.0, 1.0, 100, 100)
SLOPE = Ground(GRID, (0.75 * (GRID.x_centres - 1000)[None, :] + np.zeros((100, 1))).astype(np.float32))
FLAT = Ground(GRID, np.full((100, 100), 5.0, np.float32))


def test_a_line_over_a_slope_is_longer_along_it_than_on_the_map():
    line = np.array([[1010.0, 2050, 7.5], [1090, 2050, 67.5]])
    found = length(line, SLOPE)
    assert found.plan_m == pytest.approx(80)
    assert found.space_m == pytest.approx(100)
    assert found.terrain_m == pytest.approx(100, rel=1e-5)
    assert length(line, FLAT).terrain_m == pytest.approx(80)


def test_a_line_that_leaves_the_terrain_has_no_length_along_it():
    assert length(np.array([[1010.0, 2050, 0], [1200, 2050, 0]]), FLAT).terrain_m is None
    with pytest.raises(UsageError, match="no line"):
        length(np.array([[1.0, 2, 3]]))
    with pytest.raises(UsageError, match="no line"):
        length(np.array([[1.0, 2, 3], [np.nan, 0, 0]]))


def test_a_walk_keeps_corners_and_steps():
    xy, along = walk(np.array([[0.0, 0], [10, 0], [10, 5]]), 3.0)
    assert np.diff(along).max() <= 3.0
    assert along[-1] == pytest.approx(15)
    assert [10.0, 0.0] in xy.tolist()


def test_height_is_told_above_the_ground_below():
    assert height_above_ground(np.array([1040.0, 2050, 50]), SLOPE) == pytest.approx(20, abs=1e-4)
    assert math.isnan(height_above_ground(np.array([900.0, 2050, 50]), SLOPE))


def test_a_slope_has_more_surface_than_plan():
    square = np.array([[1020.0, 2020], [1060, 2020], [1060, 2060], [1020, 2060]])
    found = area(square, SLOPE)
    assert found.plan_m2 == pytest.approx(1600)
    assert found.surface_m2 == pytest.approx(1600 * 1.25, rel=1e-4)
    assert area(shapely.Polygon(square).buffer(200), SLOPE).surface_m2 is None
    with pytest.raises(UsageError, match="crosses itself"):
        area(square[[0, 2, 1, 3]])


def test_cut_and_fill_of_a_slope_about_its_middle_are_equal():
    square = np.array([[1020.0, 2020], [1060, 2020], [1060, 2060], [1020, 2060]])
    found = volume(square, 30.0, SLOPE)
    # Two wedges of 20 m run, 15 m high, 40 m wide.
    assert found.above_m3 == pytest.approx(0.5 * 20 * 15 * 40, rel=0.01)
    assert found.below_m3 == pytest.approx(found.above_m3, rel=1e-6)
    assert volume(square, 3.0, FLAT).above_m3 == pytest.approx(3200)
    with pytest.raises(UsageError, match="no cell"):
        volume(square + 5000, 3.0, FLAT)


def test_a_tetrahedron_holds_a_sixth_of_its_box():
    p = np.array([(0, 0, 0), (2, 0, 0), (0, 3, 0), (0, 0, 4)], float) + 1e5
    faces = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
    assert solid_volume(p[faces]) == pytest.approx(4.0)
    assert face_area(p[[0, 1, 2]]) == pytest.approx(3.0)
