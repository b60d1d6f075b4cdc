"""Blocks for buildings that no footprint tells of."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.core.grid import Bounds, Grid
from twin.core.points import Classification, PointCloud
from twin.reconstruct.mass_outlines import outline_parts
from twin.reconstruct.mass_parts import part_cells
from twin.reconstruct.roof_candidates import roof_candidates
from twin.reconstruct.unmapped import HALO_M, LOWEST_M, context_masses

BOUNDS = Bounds(100.0, 200.0, 160.0, 250.0)
GRID = Grid.covering(BOUNDS.buffered(HALO_M), cell_size_m=1.0)
FLAT = np.ones(GRID.shape)
NONE = np.empty(0, dtype=object)


def roof(polygon, z, *, spacing=0.3, seed=0):
    """Points over a polygon, one in every `spacing` square, shaken."""
    rng = np.random.default_rng(seed)
    x0, y0, x1, y1 = polygon.bounds
    x, y = (v.ravel() for v in np.meshgrid(np.arange(x0, x1, spacing), np.arange(y0, y1, spacing)))
    x, y = x + rng.uniform(0, spacing, len(x)), y + rng.uniform(0, spacing, len(y))
    inside = shapely.contains_xy(polygon, x, y)
    height = z(x, y) if callable(z) else np.full(len(x), float(z))
    return np.column_stack([x, y, height])[inside]


def masses(*clouds, footprints=NONE, bounds=BOUNDS, dtm=FLAT):
    return context_masses(np.concatenate(clouds), dtm=dtm, grid=GRID, footprints=footprints, bounds=bounds)


def likeness(shape, other):
    return shape.intersection(other).area / shape.union(other).area


@pytest.mark.parametrize("angle", [0, 17, 45, 80])
def test_a_house_is_found_with_its_corners(angle):
    house = shapely.affinity.rotate(shapely.box(120, 215, 140, 227), angle)
    found = masses(roof(house, 8.0))
    assert len(found) == 1
    assert likeness(found.polygons[0], house) > 0.95
    assert shapely.get_num_coordinates(found.polygons[0]) == 5
    assert found.roof_m.tolist() == [8.0]
    assert found.ground_m.tolist() == [1.0]
    assert found.confidence[0] > 0.9
    assert found.n_unexplained == 0


def test_parts_of_different_height_share_their_wall():
    low, high = shapely.box(115, 215, 130, 230), shapely.box(130, 215, 140, 230)
    found = masses(roof(low, 6.0), roof(high, 14.0))
    assert sorted(found.roof_m) == [6.0, 14.0]
    assert shapely.distance(*found.polygons) == 0
    assert shapely.intersection(*found.polygons).area == pytest.approx(0, abs=1e-9)
    assert shapely.union_all(found.polygons).area == pytest.approx(25 * 15, rel=0.05)


def test_a_pitched_roof_stays_one_block():
    house = shapely.box(115, 215, 145, 227)
    found = masses(roof(house, lambda x, y: 5 + 0.9 * (6 - np.abs(y - 221))))
    assert len(found) == 1
    assert found.roof_m[0] == pytest.approx(5 + 0.9 * 6 * 0.7, abs=0.4)


def test_a_courtyard_stays_open():
    block = shapely.box(110, 210, 150, 240).difference(shapely.box(122, 218, 138, 232))
    found = masses(roof(block, 9.0))
    assert len(found) == 1
    assert len(found.polygons[0].interiors) == 1
    assert likeness(found.polygons[0], block) > 0.93


def test_blocks_end_exactly_at_footprints():
    row, mapped = (
        shapely.box(110, 215, 150, 227),
        shapely.Polygon([(125, 213), (136, 214), (135, 229), (124, 228)]),
    )
    found = masses(roof(row, 8.0), footprints=np.array([mapped]))
    assert shapely.intersection(shapely.union_all(found.polygons), mapped).area == 0
    assert len(found) == 2
    assert all(shapely.distance(p, mapped) < 1e-9 for p in found.polygons)


def test_eaves_of_mapped_houses_are_no_blocks():
    house = shapely.box(120, 215, 140, 230)
    found = masses(roof(house.buffer(0.7, join_style="mitre"), 8.0), footprints=np.array([house]))
    assert len(found) == 0
    assert found.n_unexplained == 0


@pytest.mark.parametrize(
    "thing",
    [
        roof(shapely.box(120, 215, 122, 217), 8.0),
        roof(shapely.box(110, 215, 150, 215.6), 4.0),
        roof(shapely.box(120, 215, 140, 230), 2.5),
    ],
    ids=["small", "a wall", "low"],
)
def test_what_is_no_building_is_left_out(thing):
    assert len(masses(thing)) == 0


def test_points_without_a_block_are_counted():
    found = masses(roof(shapely.box(120, 215, 122, 217), 8.0))
    assert found.n_unexplained > 30


def test_nothing_in_nothing_out():
    found = masses(np.empty((0, 3)))
    assert len(found) == found.n_unexplained == 0


def test_the_lowest_ground_along_the_walls_counts():
    slope = np.broadcast_to(0.1 * (GRID.x_centres - 100), GRID.shape)
    found = masses(roof(shapely.box(120, 215, 140, 227), 12.0), dtm=slope)
    assert found.ground_m[0] == pytest.approx(2.0, abs=0.1)


def test_the_order_of_points_does_not_matter():
    cloud = np.concatenate(
        [roof(shapely.box(115, 215, 130, 230), 6.0), roof(shapely.box(130, 215, 140, 230), 14.0)]
    )
    one, other = masses(cloud), masses(cloud[np.random.default_rng(3).permutation(len(cloud))])
    assert shapely.equals_exact(one.polygons, other.polygons).all()
    assert np.array_equal(one.roof_m, other.roof_m)
    assert np.array_equal(one.n_points, other.n_points)


def test_tiles_go_on_in_one_another():
    house = shapely.affinity.rotate(shapely.box(112, 215, 150, 230), 20)
    cloud = roof(house, 8.0)
    tiles = [Bounds(100, 200, 130, 250), Bounds(130, 200, 160, 250)]
    parts = [masses(cloud, bounds=b) for b in tiles]
    plans = [shapely.union_all(p.polygons) for p in parts]
    assert plans[0].intersection(plans[1]).area == pytest.approx(0, abs=1e-9)
    assert likeness(shapely.union_all(plans), house) > 0.93
    border = [p.intersection(shapely.LineString([(130, 200), (130, 250)])) for p in plans]
    assert border[0].symmetric_difference(border[1]).length < 0.5
    assert sum(p.n_points.sum() for p in parts) == pytest.approx(masses(cloud).n_points.sum(), rel=0.01)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_blocks_never_overlap_anything(seed):
    rng = np.random.default_rng(seed)
    shapes, clouds = [], []
    for k in range(7):
        x, y = rng.uniform([100, 200], [145, 235])
        block = shapely.affinity.rotate(
            shapely.box(x, y, x + rng.uniform(4, 20), y + rng.uniform(4, 20)), rng.uniform(0, 90)
        )
        shapes.append(block)
        clouds.append(roof(block, rng.uniform(4, 20), seed=k))
    mapped = np.array(shapes[:2], dtype=object)
    found = masses(*clouds, footprints=mapped)
    assert shapely.is_valid(found.polygons).all()
    assert shapely.intersection(shapely.union_all(found.polygons), shapely.union_all(mapped)).area < 1e-6
    together = shapely.union_all(found.polygons).area
    assert shapely.area(found.polygons).sum() == pytest.approx(together, abs=1e-6)
    assert (found.roof_m - found.ground_m >= LOWEST_M).all()
    assert ((found.confidence > 0) & (found.confidence <= 1)).all()


def test_stairs_of_the_raster_become_straight_walls():
    grid = Grid(0.0, 50.0, 0.5, 100, 100)
    x, y = np.meshgrid(grid.x_centres, grid.y_centres)
    turned = shapely.affinity.rotate(shapely.box(15, 18, 38, 30), 27)
    part = shapely.contains_xy(turned, x, y).astype(np.int32)
    polygons, number = outline_parts(part, grid)
    assert number.tolist() == [1]
    assert shapely.hausdorff_distance(polygons[0].exterior, turned.exterior) < 0.5
    corners = np.diff(shapely.get_coordinates(polygons[0].exterior), axis=0)
    angle = np.degrees(np.arctan2(corners[:, 1], corners[:, 0])) % 90
    assert np.abs(angle - 27).max() < 2


def test_parts_join_over_slopes_but_not_over_steps():
    x = np.arange(60) * 0.5
    top = np.where(x < 15, 5 + np.abs(x - 7.5), 18.0) * np.ones((40, 1))
    part, roof_m = part_cells(top, np.ones(top.shape, bool), cell_size_m=0.5)
    assert part.max() == 2
    assert (part[:, x < 15] == part[0, 0]).all()
    assert roof_m[part[0, -1]] == 18.0


def test_roofs_are_told_from_crowns():
    rng = np.random.default_rng(11)
    house = roof(shapely.box(110, 210, 125, 225), lambda x, y: 7 + 0.6 * np.abs(y - 217))
    crown = rng.normal([145, 235, 9], [2, 2, 1.5], (3000, 3))
    xyz = np.concatenate([house, crown])
    returns = np.concatenate([np.ones(len(house)), rng.integers(1, 5, len(crown))]).astype(np.uint8)
    of = PointCloud(xyz, np.zeros(len(xyz), np.uint8), np.ones(len(xyz), np.uint8), returns)
    mute = PointCloud(xyz, of.classification, of.return_number, np.ones(len(xyz), np.uint8))
    for cloud in (of, mute):
        found = roof_candidates(cloud, xyz[:, 2] - 1.0, bounds=BOUNDS)
        assert found[: len(house)].mean() > 0.9
        assert found[len(house) :].mean() < 0.1


@pytest.mark.realdata
def test_most_roof_points_of_delft_outside_the_map_are_explained(shared_data):
    import geopandas
    import laspy

    files = sorted((shared_data / "delft" / "ahn3").glob("*.laz"))
    las = [laspy.read(f) for f in files]
    xyz = np.concatenate([np.asarray(f.xyz)[f.classification == Classification.BUILDING] for f in las])
    low = np.concatenate([np.asarray(f.xyz)[f.classification == Classification.GROUND] for f in las])
    bounds = Bounds(84_808.0, 447_413.0, 85_072.0, 447_641.0)
    grid = Grid.covering(bounds.buffered(HALO_M), cell_size_m=5.0)
    footprints = geopandas.read_file(shared_data / "delft" / "bgt" / "bgt_pand.sqlite").geometry
    dtm = np.full(grid.shape, np.median(low[:, 2]))
    found = context_masses(xyz, dtm=dtm, grid=grid, footprints=np.array(list(footprints)), bounds=bounds)
    assert found.n_points.sum() > 180_000
    assert found.n_unexplained < 0.01 * found.n_points.sum()
    assert 60 < len(found) < 150
    assert shapely.area(found.polygons).sum() == pytest.approx(12_300, rel=0.05)
    assert np.median(found.confidence) > 0.9
