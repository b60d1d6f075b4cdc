"""Trees: found where they stand, as large as they are, and nothing else taken for one."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.core.grid import Bounds, Grid, sample_bilinear
from twin.core.notices import Notices
from twin.core.points import Classification, PointCloud
from twin.reconstruct.crowns import EMPTY, close_pits, delineate, roughness, smooth
from twin.reconstruct.terrain import rasterize_dtm
from twin.reconstruct.trees import TREE_HALO_M, TreeTable, find_trees
from twin.sources.points import open_points, read_chunks

SIZE_M = 120.0
GRID = Grid.covering(Bounds(0, 0, SIZE_M, SIZE_M), cell_size_m=1.0)
X, Y = np.meshgrid(GRID.x_centres, GRID.y_centres)
HILL = 3.0 + 0.05 * X + 2.0 * np.sin(Y / 40)
PER_M2 = 12


def cloud_of(xyz, *, classification=Classification.UNCLASSIFIED, n_returns=1):
    n = np.full(len(xyz), n_returns, np.uint8)
    return PointCloud(np.asarray(xyz, float), np.full(len(xyz), classification, np.uint8), np.ones_like(n), n)


def on_hill(xyz):
    """The same heights above ground, on the hill."""
    return xyz + np.column_stack([np.zeros((len(xyz), 2)), sample_bilinear(HILL, GRID, *xyz[:, :2].T)])


def crown(rng, x, y, height, radius, *, n_returns=3):
    """Points of the upper side and the inside of an ellipsoid that fills the upper 60 % of the tree."""
    n = int(2 * PER_M2 * np.pi * radius**2)
    ball = rng.normal(size=(n, 3))
    ball /= np.linalg.norm(ball, axis=1)[:, None]
    ball[: n // 2, 2] = np.abs(ball[: n // 2, 2])
    ball *= np.where(np.arange(n) < n // 2, rng.uniform(0.9, 1.0, n), rng.uniform(0, 1, n))[:, None]
    half = 0.3 * height
    xyz = np.array([x, y, height - half]) + ball * (radius, radius, half)
    return cloud_of(on_hill(xyz), n_returns=n_returns)


def box_top(rng, box, height, **kwargs):
    """The top of a flat thing."""
    x0, y0, x1, y1 = box
    n = int(PER_M2 * (x1 - x0) * (y1 - y0))
    xyz = np.column_stack([rng.uniform(x0, x1, n), rng.uniform(y0, y1, n), height + rng.normal(0, 0.03, n)])
    return cloud_of(on_hill(xyz), **kwargs)


def wall(rng, start, end, height, **kwargs):
    """A facade: points all over a standing plane."""
    n = int(PER_M2 * np.hypot(*np.subtract(end, start)) * height)
    at = rng.random(n)[:, None]
    xy = np.asarray(start) + at * np.subtract(end, start) + rng.normal(0, 0.05, (n, 2))
    return cloud_of(on_hill(np.column_stack([xy, rng.uniform(0, height, n)])), **kwargs)


def post(rng, x, y, height):
    """A lamp post with an arm."""
    z = np.concatenate([rng.uniform(0, height, 30), np.full(6, height)])
    xy = np.array([x, y]) + rng.normal(0, 0.06, (36, 2))
    xy[30:, 0] += np.linspace(0, 1.2, 6)
    return cloud_of(on_hill(np.column_stack([xy, z])), n_returns=2)


def gable(rng, box, *, classification):
    """A roof of 35 degrees on the hill."""
    x0, y0, x1, y1 = box
    n = int(PER_M2 * (x1 - x0) * (y1 - y0))
    x, y = rng.uniform(x0, x1, n), rng.uniform(y0, y1, n)
    z = 6 + 0.7 * ((y1 - y0) / 2 - np.abs(y - (y0 + y1) / 2)) + rng.normal(0, 0.03, n)
    return cloud_of(on_hill(np.column_stack([x, y, z])), classification=classification)


def stand(seed, n=60):
    """Trees of a park at random, none under another: x, y, height, radius and their points."""
    rng = np.random.default_rng(seed)
    trees = []
    while len(trees) < n:
        height = rng.uniform(4, 22)
        radius = rng.uniform(0.2, 0.3) * height
        x, y = rng.uniform(8, SIZE_M - 8, 2)
        if all(np.hypot(x - a, y - b) > 0.9 * (radius + r) for a, b, _, r in trees):
            trees.append((x, y, height, radius))
    return np.array(trees), PointCloud.concatenate([crown(rng, *t) for t in trees])


def found_in(cloud, **kwargs):
    return find_trees(cloud, dtm=HILL, grid=GRID, **kwargs)


def matches(truth, trees):
    """Pairs of nearest neighbours on both sides, no further apart than half the crown radius."""
    apart = np.hypot(truth[:, :1] - trees.x, truth[:, 1:2] - trees.y)
    near = apart.argmin(axis=1)
    mutual = apart.argmin(axis=0)[near] == np.arange(len(truth))
    mine = np.flatnonzero(mutual & (apart.min(axis=1) < 0.5 * truth[:, 3]))
    return mine, near[mine]


def columns(trees):
    return np.column_stack([getattr(trees, f.name) for f in fields(trees)])


@pytest.mark.parametrize("seed", [1, 2])
def test_stand_is_found_with_place_height_and_radius(seed):
    truth, cloud = stand(seed)
    trees = found_in(cloud)
    mine, theirs = matches(truth, trees)
    assert len(mine) >= 0.9 * len(truth)
    assert len(mine) >= 0.97 * len(trees)
    assert np.abs(trees.height_m[theirs] - truth[mine, 2]).max() < 0.6
    ratio = trees.crown_radius_m[theirs] / truth[mine, 3]
    assert 0.9 < np.median(ratio) < 1.1
    assert np.percentile(np.abs(ratio - 1), 90) < 0.25
    ground = sample_bilinear(HILL, GRID, trees.x, trees.y)
    np.testing.assert_allclose(trees.ground_m, ground, atol=1e-3)
    assert np.all((trees.crown_base_m >= 0.3 * trees.height_m) & (trees.crown_base_m < 0.75 * trees.height_m))
    assert np.all((trees.confidence >= 0.5) & (trees.confidence <= 1))


def test_stand_of_single_returns_is_found_by_its_ragged_surface():
    rng = np.random.default_rng(5)
    truth = np.array([[20.0 + 14 * i, 30.0 + 9 * (i % 3), 8.0 + i, 3.0] for i in range(6)])
    cloud = PointCloud.concatenate([crown(rng, *t, n_returns=0) for t in truth])
    mine, _ = matches(truth, found_in(cloud))
    assert len(mine) == len(truth)


def test_low_confidence_where_only_little_speaks_for_leaves():
    rng = np.random.default_rng(6)
    many, few = (crown(rng, 40, 40, 12, 3, n_returns=n) for n in (3, 0))
    assert found_in(many).confidence[0] >= found_in(few).confidence[0]


def street(rng):
    """What stands about in a town and is no tree."""
    return {
        "car": box_top(rng, (10, 10, 14.5, 11.8), 1.5),
        "van": box_top(rng, (20, 10, 26, 12), 2.8),
        "lorry": box_top(rng, (30, 10, 42, 12.5), 3.9),
        "tram": box_top(rng, (50, 10, 80, 12.4), 3.6),
        "post": post(rng, 20, 30, 8),
        "traffic light": post(rng, 30, 30, 4),
        "free wall": wall(rng, (40, 30), (60, 34), 4, n_returns=2),
        "wire": wall(rng, (10, 50), (90, 55), 0.3, n_returns=2),
        "shed": box_top(rng, (70, 30, 74, 33), 2.7),
        "roof of no class": gable(rng, (20, 70, 40, 82), classification=1),
        "roof": gable(rng, (60, 70, 80, 82), classification=6),
        "hedge": box_top(rng, (10, 100, 30, 101), 1.8, n_returns=3),
        "deck": box_top(rng, (50, 95, 70, 105), 5, classification=17, n_returns=3),
        "structure": box_top(rng, (80, 95, 90, 105), 5, classification=26, n_returns=3),
    }


@pytest.mark.parametrize("thing", list(street(np.random.default_rng(0))))
def test_is_no_tree(thing):
    cloud = street(np.random.default_rng(3))[thing]
    assert len(cloud)
    assert len(found_in(cloud)) == 0


def test_facades_and_chimneys_of_a_building_are_no_trees_but_the_tree_beside_it_is():
    rng = np.random.default_rng(4)
    roof = gable(rng, (40, 40, 60, 52), classification=6)
    facades = [
        wall(rng, a, b, 5.5, n_returns=2)
        for a, b in (((40, 40), (60, 40)), ((60, 40), (60, 52)), ((60, 52), (40, 52)), ((40, 52), (40, 40)))
    ]
    chimneys = [box_top(rng, (45 + 5 * k, 45, 46 + 5 * k, 46), 12, n_returns=2) for k in range(3)]
    tree = crown(rng, 50, 35.5, 11, 3.5)
    town = PointCloud.concatenate([roof, *facades, *chimneys, tree])
    for keep_out in (None, np.array([shapely.box(40, 40, 60, 52)], dtype=object)):
        trees = found_in(town, keep_out=keep_out)
        assert len(trees) == 1
        assert np.hypot(trees.x[0] - 50, trees.y[0] - 35.5) < 1


def test_footprint_without_roof_points_keeps_everything_out():
    rng = np.random.default_rng(8)
    inside = crown(rng, 50, 50, 10, 3)
    assert len(found_in(inside)) == 1
    assert len(found_in(inside, keep_out=np.array([shapely.box(40, 40, 60, 60)], dtype=object))) == 0


def test_dense_canopy_is_neither_one_tree_nor_dozens():
    """Crowns that touch: 49 trees of 14 m, 7 m apart, interlocked."""
    rng = np.random.default_rng(9)
    truth = np.array(
        [[30.0 + 7 * i, 30.0 + 7 * j, rng.uniform(12, 16), 4.0] for i in range(7) for j in range(7)]
    )
    trees = found_in(PointCloud.concatenate([crown(rng, *t) for t in truth]))
    assert 0.8 * len(truth) <= len(trees) <= 1.3 * len(truth)
    assert trees.crown_radius_m.max() < 6.5


def test_one_broad_crown_is_one_tree():
    rng = np.random.default_rng(10)
    trees = found_in(crown(rng, 60, 60, 18, 7))
    assert len(trees) == 1
    assert trees.crown_radius_m[0] == pytest.approx(7, rel=0.15)


def test_classified_vegetation_counts_whatever_its_surface():
    rng = np.random.default_rng(11)
    even = box_top(rng, (50, 50, 52, 52), 6, classification=Classification.HIGH_VEGETATION)
    assert len(found_in(even)) == 1
    assert len(found_in(box_top(rng, (50, 50, 52, 52), 6))) == 0


@pytest.mark.parametrize("seed", range(4))
def test_order_of_points_does_not_matter(seed):
    _, cloud = stand(12, n=25)
    order = np.random.default_rng(seed).permutation(len(cloud))
    np.testing.assert_array_equal(columns(found_in(cloud)), columns(found_in(cloud.select(order))))


@pytest.mark.parametrize("cut", [40.0, 57.3])
def test_tiles_together_give_the_whole(cut):
    _, cloud = stand(13)
    whole = columns(found_in(cloud, bounds=GRID.bounds))
    parts = []
    for x0, x1 in ((0, cut), (cut, SIZE_M)):
        for y0, y1 in ((0, cut), (cut, SIZE_M)):
            tile = Bounds(x0, y0, x1, y1)
            around = tile.buffered(TREE_HALO_M)
            window = GRID.window(around)
            near = cloud.select(around.contains(cloud.xyz[:, 0], cloud.xyz[:, 1]))
            parts.append(columns(find_trees(near, dtm=HILL[window], grid=GRID.subgrid(window), bounds=tile)))
    together = np.concatenate(parts)
    assert len(together) == len(whole)

    def rows(table):
        return table[np.lexsort(table.T)]

    np.testing.assert_array_equal(rows(together), rows(whole))


def test_without_bounds_the_same_trees():
    _, cloud = stand(14, n=15)
    np.testing.assert_array_equal(columns(found_in(cloud)), columns(found_in(cloud, bounds=GRID.bounds)))


def test_nothing_in_nothing_out():
    assert len(found_in(PointCloud.empty())) == 0
    assert len(found_in(PointCloud.empty(), bounds=Bounds(10, 10, 20, 20))) == 0
    ground = cloud_of(np.column_stack([X.ravel(), Y.ravel(), HILL.ravel()]), classification=2)
    assert len(found_in(ground, keep_out=np.empty(0, object))) == 0


def test_points_without_ground_beneath_are_passed_over():
    rng = np.random.default_rng(15)
    nowhere = np.full_like(HILL, np.nan)
    assert len(find_trees(crown(rng, 50, 50, 10, 3), dtm=nowhere, grid=GRID)) == 0


def test_table_of_unequal_columns_is_refused():
    one, two = np.zeros(1), np.zeros(2)
    with pytest.raises(ValueError, match="one value of each kind"):
        TreeTable(one, one, one, one, one, one, two)


def test_pits_close_and_edges_stay():
    top = np.full((7, 7), EMPTY)
    top[1:6, 1:6] = 9
    top[3, 3], top[2, 4] = EMPTY, 1
    closed = close_pits(top)
    assert closed[3, 3] == 9
    assert closed[2, 4] == 9
    assert (closed > 0).sum() == 25


def test_smoothing_keeps_levels_and_empty_cells():
    top = np.where(np.arange(49).reshape(7, 7) % 5 == 0, EMPTY, np.float32(6))
    np.testing.assert_allclose(smooth(top, sigma_cells=1.2), top, rtol=1e-6)


def test_roughness_is_zero_on_planes_and_right_off_them():
    v, u = np.mgrid[0:9, 0:9].astype(np.float32)
    plane = 5 + 0.5 * u - 0.25 * v
    assert np.abs(roughness(plane)[1:-1, 1:-1]).max() < 1e-5
    bump = plane.copy()
    bump[4, 4] += 0.9
    assert roughness(bump)[4, 4] == pytest.approx(0.9 * np.sqrt(8) / 9, rel=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_crown_holds_its_summit_which_is_its_highest_cell(seed):
    rng = np.random.default_rng(seed)
    heights = np.where(rng.random((25, 30)) < 0.7, rng.uniform(3, 15, (25, 30)), -1).astype(np.float32)
    crown_of, summits = delineate(heights, cell_size_m=0.5)
    flat = crown_of.ravel()
    np.testing.assert_array_equal(flat[summits], np.arange(len(summits)))
    for k, summit in enumerate(summits):
        assert heights.ravel()[flat == k].max() == heights.ravel()[summit]
    assert np.all(heights[crown_of >= 0] > 0)


# A row of street trees along a canal, read off a picture of the canopy by eye to half a metre, from west to east.
STREET_TREES = [
    (84942.0, 447477.5),
    (84948.5, 447476.0),
    (84955.0, 447474.5),
    (84961.0, 447472.5),
    (84968.0, 447470.0),
    (84974.5, 447468.0),
    (84981.0, 447466.0),
    (84987.5, 447464.5),
    (84995.0, 447462.5),
    (85001.5, 447460.0),
    (85008.5, 447458.0),
    (85015.0, 447456.5),
    (85021.5, 447454.5),
]


@pytest.fixture(scope="module")
def delft(shared_data):
    files = open_points(sorted((shared_data / "delft" / "ahn3").glob("*.laz")))
    cloud = PointCloud.concatenate([c for f in files for c in read_chunks(f, notices=Notices())])
    low, high = cloud.xyz[:, :2].min(axis=0), cloud.xyz[:, :2].max(axis=0)
    grid = Grid.covering(Bounds(*low, *high), cell_size_m=0.5)
    dtm = rasterize_dtm(cloud.xyz[cloud.classification == Classification.GROUND], grid).values
    return cloud, dtm, grid


@pytest.mark.realdata
def test_delft_street_trees_each_once(delft):
    cloud, dtm, grid = delft
    trees = find_trees(cloud, dtm=dtm, grid=grid)
    row = np.array(STREET_TREES)
    apart = np.hypot(row[:, :1] - trees.x, row[:, 1:] - trees.y)
    assert apart.min(axis=1).max() < 1.0
    np.testing.assert_array_equal((apart < 2.5).sum(axis=1), 1)
    of_row = apart.argmin(axis=1)
    assert np.all((trees.height_m[of_row] > 8) & (trees.height_m[of_row] < 13))
    assert np.all((trees.crown_radius_m[of_row] > 1.8) & (trees.crown_radius_m[of_row] < 4.2))


@pytest.mark.realdata
def test_delft_roofs_carry_no_trees(delft):
    cloud, dtm, grid = delft
    trees = find_trees(cloud, dtm=dtm, grid=grid)
    assert 250 <= len(trees) <= 420
    roofs = np.zeros(grid.shape, dtype=bool)
    roof = cloud.xyz[cloud.classification == Classification.BUILDING]
    roofs[grid.rows_cols(roof[:, 0], roof[:, 1])] = True
    assert roofs[grid.rows_cols(trees.x, trees.y)].sum() <= 0.02 * len(trees)
