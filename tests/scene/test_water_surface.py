"""Where a flood's surface lies: level up to rising ground, on into walls, down to ground that it runs over."""

import numpy as np
import pytest
import shapely

from twin.core.grid import Grid
from twin.scene.layers import WaterView
from twin.scene.water_field import ramp, water_field
from twin.scene.water_nodes import water_nodes
from twin.scene.water_surface import water_surface

COLOURS = ((200, 220, 240), (20, 60, 160))


def surface_of(bed, depth, cell=2.0):
    bed, depth = np.asarray(bed, np.float32), np.asarray(depth, np.float32)
    grid = Grid(100.0, 200.0, cell, bed.shape[1], bed.shape[0])
    return grid, water_surface(grid, bed, depth)


def area(surface):
    a, b, c = (surface.points[surface.triangles[:, k]].astype(float) for k in range(3))
    return 0.5 * ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])


def slope(n=24, gradient=0.1, cell=2.0):
    """Ground that rises to the east, its bed at the centres of cells."""
    return np.tile(((np.arange(n) + 0.5) * cell * gradient).astype(np.float32), (n, 1))


def test_a_level_ends_where_the_ground_reaches_it():
    bed = slope()
    level = 2.5
    _, surface = surface_of(bed, np.maximum(level - bed, 0))
    shore = surface.points[:, 0].max() - 100.0
    assert shore == pytest.approx(level / 0.1, abs=1e-3)
    assert np.allclose(surface.points[:, 2], level, atol=1e-5)


def test_the_shore_of_a_round_pond_is_round():
    """Within a fifth of a cell: a shore along the edges of cells would be off by more than half of one."""
    n, cell, radius = 60, 2.0, 41.0
    x = (np.arange(n) + 0.5) * cell - n * cell / 2
    bed = 0.05 * np.hypot(x, x[:, None])
    grid, surface = surface_of(bed, np.maximum(0.05 * radius - bed, 0))
    middle = np.array([grid.bounds.x_min + n * cell / 2, grid.bounds.y_max - n * cell / 2])
    triangles = shapely.polygons(surface.points.astype(float)[surface.triangles][:, :, :2])
    rim = shapely.get_coordinates(shapely.union_all(triangles, grid_size=1e-4).boundary)
    away = np.abs(np.hypot(*(rim[:, :2] - middle).T) - radius)
    assert away.max() < 0.2 * cell
    assert area(surface).sum() == pytest.approx(np.pi * radius**2, rel=0.005)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_triangles_face_up_and_do_not_overlap(seed):
    rng = np.random.default_rng(seed)
    bed = rng.uniform(0, 1, (40, 50)).astype(np.float32)
    bed[10:14, 20:26] = np.nan
    depth = np.where(rng.uniform(size=bed.shape) < 0.7, 0.4, 0.0).astype(np.float32)
    grid, surface = surface_of(bed, depth)
    areas = area(surface)
    assert (areas > -1e-6).all()
    assert areas.sum() <= grid.bounds.width * grid.bounds.height + 1e-3
    assert np.isfinite(surface.points).all()


def test_flat_water_is_few_triangles_without_holes():
    bed = np.zeros((65, 65), np.float32)
    grid, surface = surface_of(bed, np.ones_like(bed))
    assert len(surface.triangles) < 0.1 * 2 * bed.size
    assert area(surface).sum() == pytest.approx(grid.bounds.width * grid.bounds.height, rel=1e-6)


def test_blocks_meet_their_neighbours_in_the_same_points():
    """Every inner edge has two triangles: a crack would show the ground."""
    bed = np.zeros((64, 64), np.float32)
    depth = np.full_like(bed, 1.0)
    depth[40:, 40:] += np.random.default_rng(0).uniform(0, 0.5, (24, 24)).astype(np.float32)
    grid, surface = surface_of(bed, depth)
    edges = np.sort(
        np.concatenate([surface.triangles[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))]), axis=1
    )
    unique, counts = np.unique(edges, axis=0, return_counts=True)
    b = grid.bounds
    for single in surface.points[unique[counts == 1]]:
        on_rim = (np.abs(single[:, 0] - b.x_min) < 1e-3) | (np.abs(single[:, 0] - b.x_max) < 1e-3)
        on_rim |= (np.abs(single[:, 1] - b.y_min) < 1e-3) | (np.abs(single[:, 1] - b.y_max) < 1e-3)
        assert on_rim.all()


def test_water_goes_on_into_a_building_and_not_beyond_the_city():
    bed = np.zeros((12, 12), np.float32)
    bed[3:9, 6:8] = np.nan  # a building
    bed[:, 10:] = np.nan  # outside
    depth = np.where(np.isnan(bed), 0, 0.5).astype(np.float32)
    _, surface = surface_of(bed, depth)
    assert surface.points[:, 0].max() == pytest.approx(100 + 9.5 * 2)
    middle = shapely.points(surface.points[surface.triangles].astype(float).mean(axis=1)[:, :2])
    inside = shapely.box(100 + 6 * 2, 200 - 9 * 2, 100 + 8 * 2, 200 - 3 * 2)
    assert shapely.distance(middle, inside.centroid)[shapely.contains(inside, middle)].min() > 0.9


def test_water_that_runs_down_a_step_touches_the_ground_below():
    bed = np.zeros((6, 6), np.float32)
    bed[:, :3] = 2.0
    depth = np.zeros_like(bed)
    depth[:, :3] = 0.1
    _, surface = surface_of(bed, depth)
    foot = surface.points[surface.points[:, 0] > 100 + 3.2 * 2]
    assert len(foot)
    assert np.allclose(foot[:, 2], 0.0)


def test_films_are_not_drawn():
    bed = slope()
    _, surface = surface_of(bed, np.full_like(bed, 0.02))
    assert not len(surface.triangles)


def test_the_origin_is_taken_off_before_numbers_become_short():
    bed = np.zeros((4, 4), np.float32)
    grid = Grid(500_000.25, 4_000_000.5, 1.0, 4, 4)
    surface = water_surface(grid, bed, np.ones_like(bed), origin=(500_000, 4_000_000, 0))
    assert surface.points[:, 0].min() == 0.25
    assert surface.points[:, 1].max() == 0.5


def view_of(depth, value=None, breaks=(0.5,)):
    depth = np.asarray(depth, np.float32)
    grid = Grid(0.0, 10.0, 1.0, depth.shape[1], depth.shape[0])
    return WaterView(grid, np.zeros_like(depth), depth, None, value, breaks, COLOURS)


def field_of(view):
    nodes = water_nodes(view.grid, view.bed_m, view.depth_m)
    return water_field(view, nodes, shore=(140, 180, 190), deep=(90, 140, 170))


def test_the_field_has_the_colours_of_classes_and_fades_at_the_shore():
    field = field_of(view_of([[0.05, 0.25, 1.0]]))
    assert tuple(field[0, 1]) == (*COLOURS[0], 255)
    assert tuple(field[0, 2]) == (*COLOURS[1], 255)
    assert field[0, 0, 3] == 128


def test_the_value_goes_on_over_the_shore():
    field = field_of(view_of([[0.25, 0.0, 0.0]], value=np.array([[0.75, 0.0, 0.0]], np.float32)))
    assert tuple(field[0, 0, :3]) == tuple(field[0, 1, :3]) == COLOURS[1]
    assert field[0, 1, 3] == 0


def test_where_no_value_is_told_water_is_natural():
    value = np.full((3, 9), 0.75, np.float32)
    value[:, 4:] = np.nan
    field = field_of(view_of(np.full((3, 9), 2.0), value=value))
    assert tuple(field[1, 0, :3]) == COLOURS[1]
    assert tuple(field[1, 8, :3]) == (90, 140, 170)
    assert field[1, 4, 0] not in {COLOURS[1][0], 90}


def test_natural_water_is_clear_where_it_is_shallow():
    view = view_of([[0.2, 1.0, 3.0]])
    field = field_of(WaterView(view.grid, view.bed_m, view.depth_m))
    assert field[0, 0, 3] < field[0, 1, 3] < field[0, 2, 3]
    assert field[0, 0, 0] > field[0, 2, 0]


def test_colours_of_classes_pass_into_each_other_only_at_their_border():
    colours = ramp(COLOURS, np.linspace(0, 1, 256))
    assert tuple(colours[40]) == COLOURS[0]
    assert tuple(colours[215]) == COLOURS[1]
    assert COLOURS[1][0] < colours[128][0] < COLOURS[0][0]
