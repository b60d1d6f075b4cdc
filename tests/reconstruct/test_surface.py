"""The terrain surface: seams, shores, seats and accuracy, on made-up ground and on Delft."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from twin.core.grid import Bounds, Grid
from twin.reconstruct.cover import Cover, CoverPolygons
from twin.reconstruct.surface import build_surface
from twin.reconstruct.surface_points import HALO_CELLS, land_heights
from twin.reconstruct.surface_sample import sample_surface

BOUNDS = Bounds(1000.0, 2000.0, 1080.0, 2060.0)
CELL = 0.5
GRID = Grid.covering(BOUNDS.buffered(HALO_CELLS * CELL), cell_size_m=CELL)
X, Y = np.meshgrid(GRID.x_centres, GRID.y_centres)
NONE = np.empty(0, dtype=object)
NO_COVER = CoverPolygons.of([], [])


def hills(x, y):
    return 5 + 2 * np.sin(x / 9) * np.cos(y / 7) + 0.03 * (x - 1000)


def flat(z=2.0):
    return np.full(GRID.shape, z)


def local(*shapes):
    return np.array(
        [shapely.transform(s, lambda xy: xy + np.array([1000.0, 2000.0])) for s in shapes], dtype=object
    )


def surface_of(dtm, cover=NO_COVER, footprints=NONE, **options):
    return build_surface(dtm, GRID, bounds=BOUNDS, cover=cover, footprints=footprints, **options)


def normals(surface):
    v, t = surface.mesh.vertices, surface.mesh.triangles
    return np.cross(v[t[:, 1]] - v[t[:, 0]], v[t[:, 2]] - v[t[:, 0]])


def plan_area(surface):
    return normals(surface)[:, 2].sum() / 2


def assert_sound(surface):
    """No triangle but an upright wall fails to look up; no edge has more than two triangles."""
    up, wall = normals(surface)[:, 2], surface.cover == Cover.QUAY
    assert (up[~wall] > 0).all()
    assert np.abs(up[wall]).max(initial=0) < 1e-9
    t = surface.mesh.triangles
    edges = np.sort(np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]]), axis=1)
    assert np.unique(edges, axis=0, return_counts=True)[1].max() <= 2
    assert set(np.unique(t)) == set(range(len(surface.mesh.vertices)))


def border(surface, axis, value):
    v = surface.mesh.vertices
    return np.unique(v[v[:, axis] == value], axis=0)


def town(rng, n_houses=12):
    """A canal, streets across it, lawns, and houses that overlap all of them and the border."""
    canal = shapely.LineString([(-5, 30), (35, 24), (90, 33)]).buffer(4)
    roads = [shapely.LineString([(x, -5), (x + 6, 65)]).buffer(3) for x in (12, 41, 70)]
    lawns = [shapely.Point(*rng.uniform(0, 80, 2)).buffer(rng.uniform(1, 8)) for _ in range(5)]
    cover = [Cover.WATER] + [Cover.ROAD] * 3 + [Cover.GREEN] * 5
    level = [1.0] + [np.nan] * 8
    houses = []
    for _ in range(n_houses):
        x, y = rng.uniform([0, 0], [80, 60])
        block = shapely.box(x, y, x + rng.uniform(3, 12), y + rng.uniform(3, 12))
        houses.append(shapely.affinity.rotate(block, rng.uniform(0, 90)))
    return CoverPolygons.of(local(canal, *roads, *lawns), cover, level_m=level), local(*houses)


def test_flat_ground_takes_two_triangles():
    surface = surface_of(flat())
    assert len(surface.mesh.triangles) == 2
    assert (surface.mesh.vertices[:, 2] == 2.0).all()
    assert plan_area(surface) == pytest.approx(80 * 60)


def test_a_slope_takes_two_triangles_too():
    surface = surface_of(0.1 * X + 0.2 * Y)
    assert len(surface.mesh.triangles) < 20
    x, y = np.random.default_rng(1).uniform([1001, 2001], [1079, 2059], (200, 2)).T
    assert np.abs(sample_surface(surface.mesh, x, y) - (0.1 * x + 0.2 * y)).max() < 0.05


@pytest.mark.parametrize("tolerance", [0.02, 0.05, 0.2])
def test_hills_are_followed_within_the_tolerance(tolerance):
    dtm = hills(X, Y)
    surface = surface_of(dtm, tolerance_m=tolerance)
    assert_sound(surface)
    inside = BOUNDS.buffered(-CELL).contains(X, Y)
    off = sample_surface(surface.mesh, X[inside], Y[inside]) - dtm[inside]
    assert np.abs(off).max() <= tolerance


def test_a_wider_tolerance_takes_fewer_triangles():
    n = [len(surface_of(hills(X, Y), tolerance_m=t).mesh.triangles) for t in (0.02, 0.05, 0.2)]
    assert n[0] > 1.5 * n[1] > 1.5**2 * n[2]


def test_houses_are_cut_out_exactly():
    houses = local(
        shapely.box(10, 10, 20.3, 18.7), shapely.Point(50, 30).buffer(6), shapely.box(75, 50, 95, 70)
    )
    surface = surface_of(hills(X, Y), footprints=houses)
    assert_sound(surface)
    cut = shapely.union_all(houses).intersection(shapely.box(1000, 2000, 1080, 2060)).area
    assert plan_area(surface) == pytest.approx(80 * 60 - cut, abs=0.05)
    beside, within = np.array([1009.998]), np.array([1010.002])
    assert np.isfinite(sample_surface(surface.mesh, beside, np.array([2015.0])))[0]
    assert np.isnan(sample_surface(surface.mesh, within, np.array([2015.0])))[0]
    assert np.isnan(
        sample_surface(surface.mesh, np.array([1015.0, 1050.0]), np.array([2015.0, 2030.0]))
    ).all()


def test_the_seat_of_a_house_is_the_ground_along_it():
    house = local(shapely.box(10, 10, 30, 20))
    surface = surface_of(0.1 * (X - 1000), footprints=house)
    assert surface.seat_low_m == pytest.approx([1.0], abs=0.06)
    assert surface.seat_high_m == pytest.approx([3.0], abs=0.06)


def test_a_house_that_meets_no_ground_has_no_seat():
    houses = local(shapely.box(10, 10, 30, 30), shapely.box(15, 15, 20, 20))
    surface = surface_of(flat(), footprints=houses)
    assert np.isfinite(surface.seat_low_m).tolist() == [True, False]


def test_a_courtyard_keeps_its_ground():
    ring = shapely.box(10, 10, 30, 30).difference(shapely.box(15, 15, 25, 25))
    surface = surface_of(flat(), footprints=local(ring))
    assert np.isfinite(sample_surface(surface.mesh, np.array([1020.0]), np.array([2020.0])))[0]


def test_water_is_flat_and_the_quay_upright():
    canal = CoverPolygons.of(local(shapely.box(-5, 20, 90, 30)), [Cover.WATER], level_m=[-0.4])
    dtm = np.where((Y > 2020) & (Y < 2030), -0.4, 1.0)
    dtm += np.where(np.abs(np.abs(Y - 2025) - 5) < 0.4, -0.7, 0)
    surface = surface_of(dtm, canal)
    assert_sound(surface)
    wet = surface.mesh.vertices[surface.mesh.triangles[surface.cover == Cover.WATER]]
    assert (wet[:, :, 2] == -0.4).all()
    quay = surface.cover == Cover.QUAY
    assert (surface.feature[quay] == 0).all()
    walls = surface.mesh.vertices[surface.mesh.triangles[quay]][:, :, 2]
    assert set(np.unique(walls)) == {-0.4, 1.0}
    area = np.linalg.norm(normals(surface)[quay], axis=1).sum() / 2
    assert area == pytest.approx(2 * 80 * 1.4)
    assert (
        normals(surface)[quay, 1] * (2025 - surface.mesh.vertices[surface.mesh.triangles[quay, 0], 1]) > 0
    ).all()


def test_land_is_never_below_the_water_at_its_shore():
    lake = CoverPolygons.of(local(shapely.Point(40, 30).buffer(15)), [Cover.WATER], level_m=[6.0])
    surface = surface_of(hills(X, Y), lake)
    assert_sound(surface)
    t, v = surface.mesh.triangles, surface.mesh.vertices
    shore = np.intersect1d(t[surface.cover == Cover.GROUND], t[surface.cover == Cover.WATER])
    assert len(shore)
    on_edge = np.abs(np.hypot(v[:, 0] - 1040, v[:, 1] - 2030) - 15) < 0.06
    assert v[on_edge, 2].min() == 6.0


def test_two_waters_of_different_level_meet_in_a_step():
    pools = CoverPolygons.of(
        local(shapely.box(10, 10, 30, 30), shapely.box(30, 10, 50, 30)),
        [Cover.WATER] * 2,
        level_m=[0.5, 1.25],
    )
    surface = surface_of(flat(), pools)
    quay = surface.cover == Cover.QUAY
    step = quay & (np.abs(surface.mesh.vertices[surface.mesh.triangles][:, :, 0] - 1030).max(axis=1) < 1e-9)
    assert set(surface.mesh.vertices[surface.mesh.triangles[step]][:, :, 2].ravel()) == {0.5, 1.25}
    assert (surface.feature[step] == 0).all()


def test_a_river_may_slope():
    river = CoverPolygons.of(local(shapely.box(-5, 20, 90, 30)), [Cover.WATER], level_m=[0.0])
    surface = surface_of(flat(9.0), river, water_level=lambda _feature, x, _y: 0.01 * (x - 1000))
    wet = surface.mesh.vertices[np.unique(surface.mesh.triangles[surface.cover == Cover.WATER])]
    assert wet[:, 2] == pytest.approx(0.01 * (wet[:, 0] - 1000), abs=1e-4)


def test_the_earlier_in_priority_is_seen():
    shapes = local(shapely.box(10, 10, 50, 50), shapely.box(0, 20, 80, 30), shapely.box(20, 0, 30, 60))
    cover = CoverPolygons.of(shapes, [Cover.GREEN, Cover.ROAD, Cover.WATER], level_m=[np.nan, np.nan, 0.0])
    surface = surface_of(flat(), cover)
    area = {c: normals(surface)[surface.cover == c, 2].sum() / 2 for c in Cover}
    assert area[Cover.WATER] == pytest.approx(600)
    assert area[Cover.ROAD] == pytest.approx(800 - 100)
    assert area[Cover.GREEN] == pytest.approx(1600 - 400 - 400 + 100)
    assert surface.feature[surface.cover == Cover.ROAD].tolist().count(1) == np.sum(
        surface.cover == Cover.ROAD
    )


def test_a_gap_of_a_centimetre_between_two_maps_is_closed():
    shapes = local(shapely.box(10, 10, 30, 50), shapely.box(30.01, 10, 50, 50))
    surface = surface_of(flat(), CoverPolygons.of(shapes, [Cover.ROAD, Cover.GREEN]))
    v = surface.mesh.vertices[surface.mesh.triangles][:, :, :2].mean(axis=1)
    gap = (np.abs(v[:, 0] - 1030.005) < 0.006) & (np.abs(v[:, 1] - 2030) < 19)
    assert (surface.cover[gap] != Cover.GROUND).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_any_town_is_sound_and_whole(seed):
    rng = np.random.default_rng(seed)
    cover, houses = town(rng)
    surface = surface_of(hills(X, Y), cover, houses)
    assert_sound(surface)
    cut = shapely.union_all(houses).intersection(shapely.box(1000, 2000, 1080, 2060)).area
    assert plan_area(surface) == pytest.approx(80 * 60 - cut, abs=0.2)
    dry = ~np.isin(surface.cover, (Cover.WATER, Cover.QUAY))
    assert np.isfinite(surface.mesh.vertices).all()
    assert surface.mesh.vertices[surface.mesh.triangles[dry]][:, :, 2].min() >= hills(X, Y).min() - 0.05


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 100_000), split=st.integers(20, 140))
@example(seed=39714, split=88)
def test_tiles_meet_vertex_by_vertex(seed, split):
    rng = np.random.default_rng(seed)
    cover, houses = town(rng)
    dtm = hills(X, Y) + rng.normal(0, 0.03, GRID.shape)
    x = 1000 + split * CELL
    sides = []
    for tile in (Bounds(1000, 2000, x, 2060), Bounds(x, 2000, 1080, 2060)):
        window = GRID.window(tile.buffered(HALO_CELLS * CELL))
        part = build_surface(dtm[window], GRID.subgrid(window), bounds=tile, cover=cover, footprints=houses)
        assert_sound(part)
        sides.append(border(part, 0, x))
    assert np.array_equal(*sides)


def test_water_that_begins_at_the_border_has_its_quay():
    lake = CoverPolygons.of(local(shapely.box(40, -10, 120, 80)), [Cover.WATER], level_m=[0.0])
    parts = [
        build_surface(flat(), GRID, bounds=b, cover=lake, footprints=NONE)
        for b in (Bounds(1000, 2000, 1040, 2060), Bounds(1040, 2000, 1080, 2060))
    ]
    quay = parts[0].cover == Cover.QUAY
    assert np.linalg.norm(normals(parts[0])[quay], axis=1).sum() / 2 == pytest.approx(60 * 2.0)
    assert not (parts[1].cover == Cover.QUAY).any()


def test_the_same_twice_and_for_any_order_of_houses():
    cover, houses = town(np.random.default_rng(5))
    one = surface_of(hills(X, Y), cover, houses)
    other = surface_of(hills(X, Y), cover, houses[::-1])
    assert np.array_equal(one.mesh.vertices, other.mesh.vertices)
    assert np.array_equal(one.mesh.triangles, other.mesh.triangles)
    assert np.array_equal(one.cover, other.cover)


def test_far_from_the_origin_it_is_the_same():
    cover, houses = town(np.random.default_rng(9))
    near = surface_of(hills(X, Y), cover, houses)
    shift = np.array([6_800_000.0, 299_000.0])
    far_grid = Grid(GRID.x_min + shift[0], GRID.y_max + shift[1], CELL, GRID.nx, GRID.ny)
    moved = CoverPolygons(
        shapely.transform(cover.polygons, lambda xy: xy + shift), cover.cover, cover.level_m
    )
    far = build_surface(
        hills(X, Y),
        far_grid,
        bounds=Bounds(
            BOUNDS.x_min + shift[0], BOUNDS.y_min + shift[1], BOUNDS.x_max + shift[0], BOUNDS.y_max + shift[1]
        ),
        cover=moved,
        footprints=shapely.transform(houses, lambda xy: xy + shift),
    )
    assert len(far.mesh.triangles) == len(near.mesh.triangles)
    assert np.array_equal(far.mesh.vertices[:, 2], near.mesh.vertices[:, 2])
    assert np.abs(far.mesh.vertices[:, :2] - shift - near.mesh.vertices[:, :2]).max() < 1e-6


def test_noise_is_taken_out_and_steps_stay():
    rng = np.random.default_rng(2)
    step = np.where(X < 1040, 2.0, 2.5)
    land = land_heights(step + rng.normal(0, 0.01, GRID.shape), GRID, NONE, tolerance_m=0.05)
    off = land.values - step
    assert np.std(off[np.abs(X - 1040) > 3]) < 0.005
    assert np.abs(off).max() < 0.07


def test_heights_that_are_not_numbers_are_refused():
    holed = flat()
    holed[3, 4] = np.nan
    with pytest.raises(ValueError, match="1 cells of the dtm are not finite"):
        surface_of(holed)
    with pytest.raises(ValueError, match="shape"):
        surface_of(flat()[1:])
    with pytest.raises(ValueError, match="tolerance_m must be positive"):
        surface_of(flat(), tolerance_m=0.0)


def test_sampling_takes_the_upper_of_two_sheets():
    deck = CoverPolygons.of(local(shapely.box(10, 10, 20, 20)), [Cover.WATER], level_m=[0.0])
    surface = surface_of(flat(), deck)
    x, y = np.array([1005.0, 1015.0, 900.0]), np.array([2005.0, 2015.0, 2000.0])
    assert sample_surface(surface.mesh, x, y)[:2].tolist() == [2.0, 0.0]
    assert np.isnan(sample_surface(surface.mesh, x, y)[2])
    assert sample_surface(surface.mesh, np.array([1010.0]), np.array([2015.0])) == [2.0]


def test_a_tile_under_one_roof_has_no_ground():
    surface = surface_of(flat(), footprints=local(shapely.box(-10, -10, 90, 70)))
    assert len(surface.mesh.triangles) == len(surface.cover) == 0
    assert np.isnan(sample_surface(surface.mesh, np.array([1010.0]), np.array([2010.0]))).all()


def test_a_tile_in_the_sea_is_flat():
    sea = CoverPolygons.of(local(shapely.box(-10, -10, 90, 70)), [Cover.WATER], level_m=[0.25])
    surface = surface_of(hills(X, Y), sea)
    assert (surface.cover == Cover.WATER).all()
    assert (surface.mesh.vertices[:, 2] == 0.25).all()


@pytest.mark.parametrize("cell", [0.3, 2.0, 50.0])
def test_any_cell_size(cell):
    grid = Grid.covering(BOUNDS, cell_size_m=cell)
    surface = build_surface(np.full(grid.shape, 3.0), grid, bounds=BOUNDS, cover=NO_COVER, footprints=NONE)
    assert_sound(surface)
    assert plan_area(surface) == pytest.approx(80 * 60)


@pytest.mark.realdata
def test_delft_is_sound_flat_on_the_water_and_near_its_ground(shared_data):
    dtm, grid, cover, footprints = delft(shared_data)
    bounds = Bounds(84_820.0, 447_425.0, 85_060.0, 447_630.0)
    surface = build_surface(dtm, grid, bounds=bounds, cover=cover, footprints=footprints)
    assert_sound(surface)
    cut = shapely.union_all(footprints).intersection(shapely.box(84_820, 447_425, 85_060, 447_630)).area
    assert plan_area(surface) == pytest.approx(240 * 205 - cut, abs=0.1)
    wet = surface.mesh.vertices[surface.mesh.triangles[surface.cover == Cover.WATER]]
    assert (wet[:, :, 2] == -0.45).all()
    quay_m2 = np.linalg.norm(normals(surface)[surface.cover == Cover.QUAY], axis=1).sum() / 2
    shores = shapely.boundary(shapely.union_all(cover.polygons[cover.cover == Cover.WATER]))
    shore_m = shores.intersection(shapely.box(84_820, 447_425, 85_060, 447_630)).length
    assert 0.4 < quay_m2 / shore_m < 1.5  # the streets lie one to two metres above the canal, the park slopes
    x, y = (v.ravel() for v in np.meshgrid(grid.x_centres, grid.y_centres))
    z = sample_surface(surface.mesh, x, y)
    water = shapely.union_all(cover.polygons[cover.cover == Cover.WATER]).buffer(1.5)
    land = np.isfinite(z) & ~shapely.contains_xy(water, x, y)
    off = np.abs(z - dtm.ravel())[land]
    assert np.mean(off <= 0.05) > 0.99
    assert np.isfinite(surface.seat_low_m).all()


def delft(shared_data):
    import geopandas
    import laspy
    from scipy import ndimage

    folder = shared_data / "delft"
    points = [laspy.read(p) for p in sorted((folder / "ahn3").glob("*.laz"))]
    ground = np.concatenate([np.asarray(f.xyz)[f.classification == 2] for f in points])
    grid = Grid.covering(Bounds(84_808, 447_413, 85_072, 447_641), cell_size_m=0.5)
    row, col = grid.rows_cols(ground[:, 0], ground[:, 1])
    inside = (row >= 0) & (row < grid.ny) & (col >= 0) & (col < grid.nx)
    cell = (row * grid.nx + col)[inside]
    n = np.bincount(cell, minlength=grid.nx * grid.ny).reshape(grid.shape)
    total = np.bincount(cell, ground[inside, 2], minlength=grid.nx * grid.ny).reshape(grid.shape)
    nearest = ndimage.distance_transform_edt(n == 0, return_distances=False, return_indices=True)
    dtm = (total / np.maximum(n, 1))[tuple(nearest)]

    def layer(name):
        return list(geopandas.read_file(folder / "bgt" / f"bgt_{name}.sqlite").geometry)

    water, road, green = layer("waterdeel"), layer("wegdeel"), layer("begroeidterreindeel")
    kinds = [Cover.WATER] * len(water) + [Cover.ROAD] * len(road) + [Cover.GREEN] * len(green)
    level = [-0.45] * len(water) + [np.nan] * (len(road) + len(green))
    return dtm, grid, CoverPolygons.of([*water, *road, *green], kinds, level_m=level), np.array(layer("pand"))
