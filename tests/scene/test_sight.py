"""Lines of sight, viewsheds and views taken, against closed forms."""

import numpy as np
import pytest

from tests.energy.test_face_sun import ORIGIN, box, world
from twin.core.errors import OutputExistsError, UsageError
from twin.core.grid import Grid
from twin.energy.standing import with_building
from twin.scene.sight import line_of_sight, seen_area, view_loss, viewshed, viewshed_on, write_viewshed

TOWER = (-5, -5, 5, 5, 10)


def at(x, y, z):
    return tuple(np.array([x, y, z]) + ORIGIN)


def test_a_line_of_sight_is_open_or_ends_at_the_wall_in_the_way():
    around = world(box(*TOWER))
    seen = line_of_sight(around, at(-30, 0, 12), at(30, 0, 12))
    assert seen.visible
    assert seen.distance_m == pytest.approx(60)
    hidden = line_of_sight(around, at(-30, 0, 2), at(30, 0, 2))
    assert not hidden.visible
    assert hidden.by == "b0"
    assert np.array(hidden.blocked_at) - ORIGIN == pytest.approx((-5, 0, 2), abs=1e-3)
    assert line_of_sight(around, at(-30, 0, 2), at(-5, 0, 2)).visible  # the wall itself is seen
    assert line_of_sight(around, at(0, 30, 1), at(0, 31, -1)).by == "ground"
    with pytest.raises(UsageError, match="are one"):
        line_of_sight(around, at(0, 30, 1), at(0, 30, 1))


def test_behind_a_wall_is_hidden_as_far_as_similar_triangles_say():
    z = np.zeros((101, 401), np.float32)
    z[:, 100] = 4.0
    grid = Grid(0.0, 101.0, 1.0, 401, 101)
    # An eye at 10 m, 50 m before a wall of 4 m: hidden from the wall to 50 * 10 / (10 - 4) = 83.3 m.
    found = viewshed_on(z, grid, (50.5, 50.5), eye_height_m=10.0)
    hidden = np.flatnonzero(found.seen[50] == 0)
    assert hidden.min() == 101
    assert hidden.max() == pytest.approx(50 + 83.3, abs=1.0)
    above = viewshed_on(z, grid, (50.5, 50.5), eye_height_m=10.0, target_height_m=2.0)
    # Two metres over the ground come out of the shadow where 10 - 2 over the way is 10 - 4 over 50 m.
    assert np.flatnonzero(above.seen[50] == 0).max() == pytest.approx(50 + 50 * 8 / 6, abs=1.0)


def test_an_eye_over_a_plain_sees_all_of_it_and_no_farther_than_asked():
    z = np.full((60, 80), 3.0, np.float32)
    grid = Grid(0.0, 60.0, 1.0, 80, 60)
    assert (viewshed_on(z, grid, (20.5, 20.5)).seen == 1).all()
    near = viewshed_on(z, grid, (20.5, 20.5), reach_m=10)
    assert near.seen_m2 == pytest.approx(np.pi * 100, rel=0.05)
    assert seen_area(near).area == pytest.approx(near.seen_m2)
    assert near.seen[0, 79] == 255


def test_the_horizon_of_the_curved_earth_is_where_the_formula_has_it():
    grid = Grid(0.0, 30.0, 100.0, 400, 1)
    found = viewshed_on(np.zeros((1, 400), np.float32), grid, (50.0, 15.0), eye_height_m=30.0, curvature=True)
    # sqrt(2 R h / (1 - k)): 20.96 km.
    assert found.seen[0].argmin() * 100 == pytest.approx(np.sqrt(2 * 6_371_000 * 30 / 0.87), rel=0.03)


def test_views_are_the_same_both_ways():
    rng = np.random.default_rng(5)
    z = np.kron(rng.random((8, 8)) * 8, np.ones((5, 5))).astype(np.float32)
    grid = Grid(0.0, 40.0, 1.0, 40, 40)
    one = viewshed_on(z, grid, (3.5, 36.5), eye_height_m=2.0, target_height_m=2.0).seen
    seen, hidden = (np.argwhere(one == k)[::9] for k in (1, 0))
    for cells, told in ((seen, 1), (hidden, 0)):
        for row, column in cells:
            back = viewshed_on(z, grid, (column + 0.5, 39.5 - row), eye_height_m=2.0, target_height_m=2.0)
            assert back.seen[3, 3] == told


def test_a_viewshed_is_kept_as_raster_and_as_area(tmp_path):
    import geopandas as gpd
    import rasterio

    found = viewshed(world(box(*TOWER)), (ORIGIN[0] - 30, ORIGIN[1]), target_height_m=0.0)
    for name in ("seen.tif", "seen.parquet"):
        write_viewshed(found, tmp_path / name, crs="EPSG:28992")
    with rasterio.open(tmp_path / "seen.tif") as raster:
        assert (raster.read(1) == found.seen).all()
        assert raster.nodata == 255
    frame = gpd.read_parquet(tmp_path / "seen.parquet")
    assert frame.area[0] == pytest.approx(found.seen_m2)
    with pytest.raises(OutputExistsError):
        write_viewshed(found, tmp_path / "seen.tif", crs="EPSG:28992")
    with pytest.raises(UsageError, match="suffix"):
        write_viewshed(found, tmp_path / "seen.shp", crs="EPSG:28992")
    with pytest.raises(UsageError, match="outside"):
        viewshed(world(), (0.0, 0.0))


def test_a_new_block_takes_the_share_of_the_view_that_it_fills():
    before = world()
    after = with_building(before, "new", box(20, -500, 30, 500, 1000))
    loss = view_loss(before, after, np.array([at(0, 0, 2)]), lowest_deg=0.0, highest_deg=60.0)[0]
    # An endless wall in the east fills half of what is around; the air above it at 60 degrees is above its top too.
    assert loss.taken == pytest.approx(0.5, abs=0.03)
    assert loss.sky_lost == pytest.approx(0.5, abs=0.03)
    assert view_loss(before, before, np.array([at(0, 0, 2)]))[0].taken == 0
