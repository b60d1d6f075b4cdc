"""Bridge decks: height, form, ends."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.core.grid import Bounds, Grid
from twin.core.mesh import TriangleMesh
from twin.core.points import Classification, PointCloud
from twin.reconstruct.bridges import (
    ENDS_MEET_M,
    THICKNESS_M,
    build_bridges,
    land_in_decks,
    water_under_decks,
)
from twin.reconstruct.cover import Cover, CoverPolygons
from twin.reconstruct.deck_fit import fit_deck
from twin.reconstruct.surface import build_surface
from twin.reconstruct.surface_points import land_heights
from twin.reconstruct.surface_sample import sample_surface

GRID = Grid.covering(Bounds(0, 0, 60, 40), cell_size_m=0.5)
X, Y = np.meshgrid(GRID.x_centres, GRID.y_centres)
CANAL = np.array([shapely.box(20, -10, 34, 50)], dtype=object)
DECK = np.array([shapely.box(19, 15, 35, 21)], dtype=object)
BANKS = np.where((X > 20) & (X < 34), -0.5, 2.0)
NONE = np.empty(0, dtype=object)


def arch(x):
    return 2.0 + 0.8 * (1 - ((x - 27) / 8) ** 2)


def cloud_of(xyz, classification):
    n = np.ones(len(xyz), np.uint8)
    return PointCloud(np.asarray(xyz, float), np.full(len(xyz), classification, np.uint8), n, n)


def survey(rng, height=arch, n=600, classification=Classification.BRIDGE_DECK):
    """Deck points with noise, railings along both rims, a van and two lamps."""
    x, y = rng.uniform(19, 35, n), rng.uniform(15, 21, n)
    z = height(x) + rng.normal(0, 0.02, n)
    z[(y < 15.25) | (y > 20.75)] += 1.0
    z[(np.abs(x - 24) < 1.5) & (np.abs(y - 17) < 0.9)] += 2.2
    z[:4] += 7
    return cloud_of(np.column_stack([x, y, z]), classification)


def land_of(dtm=BANKS, water=CANAL):
    return land_heights(dtm, GRID, water, tolerance_m=0.05)


def volume(mesh):
    a, b, c = (mesh.vertices[mesh.triangles[:, k]] for k in range(3))
    return np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6


def assert_closed(mesh):
    """Every directed edge has exactly one opposite."""
    t = mesh.triangles.astype(np.int64)
    edges = np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]])
    there = {tuple(e) for e in edges}
    assert len(there) == len(edges)
    assert {(b, a) for a, b in there} == there


@pytest.mark.parametrize("classification", [Classification.BRIDGE_DECK, Classification.CIVIL_STRUCTURE])
def test_an_arch_is_found_under_railings_and_cars(classification):
    cloud = survey(np.random.default_rng(1), classification=classification)
    (bridge,) = build_bridges(DECK, cloud, land=land_of(), water=CANAL)
    x = np.linspace(21, 33, 60)
    assert np.abs(bridge.shape.at(np.column_stack([x, np.full(60, 18.0)])) - arch(x)).max() < 0.08
    assert bridge.source == "points"
    assert bridge.rmse_m < 0.06
    assert bridge.n_points > 350


def test_without_classes_the_low_points_are_the_deck():
    cloud = survey(np.random.default_rng(2), classification=Classification.UNCLASSIFIED)
    (bridge,) = build_bridges(DECK, cloud, land=land_of(), water=CANAL)
    x = np.linspace(21, 33, 60)
    assert np.abs(bridge.shape.at(np.column_stack([x, np.full(60, 18.0)])) - arch(x)).max() < 0.15
    assert bridge.source == "points"


def test_without_points_the_deck_spans_the_banks():
    dtm = np.where(X > 27, 3.0, 2.0)
    (bridge,) = build_bridges(DECK, PointCloud.empty(), land=land_of(dtm), water=CANAL)
    assert bridge.source == "terrain"
    assert bridge.n_points == 0
    assert np.isnan(bridge.rmse_m)
    ends = bridge.shape.at(np.array([[19.0, 18.0], [27.0, 18.0], [35.0, 18.0]]))
    assert ends == pytest.approx([2.0, 2.5, 3.0], abs=0.1)


def test_the_slab_is_closed_and_as_thick_as_asked():
    holed = DECK[0].difference(shapely.box(26, 17, 28, 19))
    for polygon in (DECK[0], holed, shapely.Polygon([(19, 15), (35, 17), (34, 23), (27, 19), (20, 22)])):
        (bridge,) = build_bridges(
            np.array([polygon]), survey(np.random.default_rng(3)), land=land_of(), water=CANAL
        )
        assert_closed(bridge.mesh)
        assert volume(bridge.mesh) == pytest.approx(polygon.area * THICKNESS_M, rel=1e-3)
        v, t = bridge.mesh.vertices, bridge.mesh.triangles
        up = np.cross(v[t[:, 1]] - v[t[:, 0]], v[t[:, 2]] - v[t[:, 0]])[:, 2]
        assert (up[bridge.top] > 0).all()
        assert up[bridge.top].sum() / 2 == pytest.approx(polygon.area, rel=1e-3)


def test_the_ends_meet_the_ground():
    cloud = survey(np.random.default_rng(4), height=lambda x: arch(x) + 0.15)
    (bridge,) = build_bridges(DECK, cloud, land=land_of(), water=CANAL)
    v = bridge.mesh.vertices[np.unique(bridge.mesh.triangles[bridge.top])]
    ends = np.abs(v[:, 0] - 27) == 8
    assert ends.any()
    assert v[ends, 2] == pytest.approx(2.0, abs=0.01)
    middle = np.abs(v[:, 0] - 27) < 4
    assert np.abs(v[middle, 2] - arch(v[middle, 0]) - 0.15).max() < 0.1


def test_a_deck_high_above_the_ground_stays_there():
    cloud = survey(np.random.default_rng(5), height=lambda x: 0 * x + 9.0)
    (bridge,) = build_bridges(DECK, cloud, land=land_of(), water=CANAL)
    top = bridge.mesh.vertices[np.unique(bridge.mesh.triangles[bridge.top]), 2]
    assert np.abs(top - 9.0).max() < 0.06


@settings(max_examples=20, deadline=None)
@given(angle=st.floats(0, 180), seed=st.integers(0, 1000))
def test_the_direction_of_the_deck_does_not_matter(angle, seed):
    rng = np.random.default_rng(seed)
    flat_land = land_of(np.full(GRID.shape, -9.0), NONE)
    turned = shapely.affinity.rotate(shapely.box(20, 16, 40, 22), angle, origin=(30, 19))
    at = np.array(shapely.get_coordinates(turned.centroid)[0])
    xy = at + rng.uniform(-12, 12, (2500, 2))
    xy = xy[shapely.contains_xy(turned, *xy.T)]
    a = np.radians(angle)
    slope = 0.06 * ((xy - at) @ [np.cos(a), np.sin(a)])
    cloud = cloud_of(np.column_stack([xy, 5 + slope]), Classification.BRIDGE_DECK)
    (bridge,) = build_bridges(np.array([turned]), cloud, land=flat_land, water=NONE)
    assert_closed(bridge.mesh)
    assert np.abs(bridge.shape.at(xy) - 5 - slope).max() < 0.02


def test_points_in_any_order_give_the_same():
    cloud = survey(np.random.default_rng(6))
    order = np.random.default_rng(7).permutation(len(cloud))
    (one,) = build_bridges(DECK, cloud, land=land_of(), water=CANAL)
    (other,) = build_bridges(DECK, cloud.select(order), land=land_of(), water=CANAL)
    assert np.array_equal(one.mesh.vertices, other.mesh.vertices)
    assert one.rmse_m == other.rmse_m


def test_one_bad_point_does_not_move_the_deck():
    xyz = np.array([[x, y, 4.0] for x in range(-6, 7) for y in (-1, 0, 1)], dtype=float)
    xyz[10, 2] = 40.0
    shape, used = fit_deck(xyz, origin=(0.0, 0.0), along=(1.0, 0.0), length_m=12.0)
    assert np.abs(shape.heights - 4.0).max() < 0.01
    assert np.flatnonzero(~used).tolist() == [10]


def test_water_goes_on_under_a_bridge():
    canal = np.array([shapely.box(20.2, 0, 34, 15), shapely.box(20, 21, 34, 40)], dtype=object)
    extra, row = water_under_decks(DECK, canal)
    assert len(extra) == 1
    assert extra[0].symmetric_difference(shapely.box(20, 15, 34, 21)).area < 1.0
    assert row.tolist() == [1]


@pytest.mark.parametrize("water", [CANAL, NONE, np.array([shapely.box(0, 0, 60, 15)], dtype=object)])
def test_no_water_is_made_up(water):
    assert len(water_under_decks(DECK, water)[0]) == 0


def test_no_ground_is_left_inside_a_deck():
    cover = CoverPolygons.of([*CANAL, *DECK], [Cover.WATER, Cover.GROUND], level_m=[-0.5, np.nan])
    surface = build_surface(BANKS, GRID, bounds=GRID.bounds, cover=cover, footprints=NONE)
    bridges = build_bridges(DECK, survey(np.random.default_rng(8)), land=land_of(), water=CANAL)
    tops = [(b.polygon, TriangleMesh(b.mesh.vertices, b.mesh.triangles[b.top])) for b in bridges]
    hidden = land_in_decks(surface.mesh, surface.cover, tops)
    cleared = TriangleMesh(surface.mesh.vertices, surface.mesh.triangles[~hidden])
    at_end, beside, under = np.array([19.5]), np.array([18.5]), np.array([27.0])
    y = np.array([18.0])
    assert np.isnan(sample_surface(cleared, at_end, y))[0]
    assert sample_surface(cleared, beside, y) == pytest.approx([2.0], abs=0.01)
    assert sample_surface(cleared, under, y) == [-0.5]


def test_ground_deep_below_a_deck_stays():
    cover = CoverPolygons.of(DECK, [Cover.GROUND])
    surface = build_surface(BANKS * 0, GRID, bounds=GRID.bounds, cover=cover, footprints=NONE)
    bridges = build_bridges(DECK, survey(np.random.default_rng(8)), land=land_of(), water=CANAL)
    tops = [(b.polygon, TriangleMesh(b.mesh.vertices, b.mesh.triangles[b.top])) for b in bridges]
    assert not land_in_decks(surface.mesh, surface.cover, tops).any()


@pytest.mark.realdata
def test_the_three_bridges_of_delft(shared_data):
    decks, cloud = delft(shared_data)
    ground = cloud.xyz[cloud.classification == Classification.GROUND]
    box = Bounds(*shapely.total_bounds(decks)).buffered(15)
    near = ground[box.contains(ground[:, 0], ground[:, 1])]
    grid = Grid.covering(box, cell_size_m=0.5)
    land = land_heights(np.full(grid.shape, np.median(near[:, 2])), grid, NONE, tolerance_m=0.05)
    bridges = build_bridges(decks, cloud, land=land, water=NONE)
    assert len(bridges) == 3
    for bridge in bridges:
        assert_closed(bridge.mesh)
        assert bridge.source == "points"
        assert bridge.n_points > 150
        assert bridge.rmse_m < 0.06
        assert 1.2 < bridge.shape.heights.mean() < 1.8


@pytest.mark.realdata
def test_the_french_bridges_are_flat_and_high(shared_data):
    import geopandas
    import laspy

    folder = shared_data / "bridges_fr_lidarhd" / "bridge"
    las = laspy.read(folder / "pointcloud" / "test_semis_2023_0299_6802_LA93_IGN69.laz")
    n = np.ones(len(las), np.uint8)
    cloud = PointCloud(np.asarray(las.xyz), np.asarray(las.classification, np.uint8), n, n)
    decks = geopandas.read_file(folder / "input_operators/tabliers/NUALHD_1-0_DF_tabliers_pont.shp").geometry
    extent = shapely.box(*las.header.mins[:2], *las.header.maxs[:2])
    decks = np.array([d for d in decks if d.within(extent)], dtype=object)
    grid = Grid.covering(Bounds(*extent.bounds), cell_size_m=10.0)
    land = land_heights(np.full(grid.shape, 130.0), grid, NONE, tolerance_m=0.05)
    bridges = build_bridges(decks, cloud, land=land, water=NONE)
    assert bridges
    for bridge in bridges:
        assert_closed(bridge.mesh)
        assert bridge.rmse_m < 0.1
        assert np.ptp(bridge.shape.heights) < 0.5
        assert bridge.shape.heights.min() > 130 + ENDS_MEET_M


def delft(shared_data):
    import geopandas
    import laspy

    clouds = []
    for path in sorted((shared_data / "delft" / "ahn3").glob("*.laz")):
        las = laspy.read(path)
        n = np.ones(len(las), np.uint8)
        clouds.append(PointCloud(np.asarray(las.xyz), np.asarray(las.classification, np.uint8), n, n))
    decks = geopandas.read_file(shared_data / "delft" / "bgt" / "bgt_overbruggingsdeel.sqlite").geometry
    return np.array(list(decks), dtype=object), PointCloud.concatenate(clouds)
