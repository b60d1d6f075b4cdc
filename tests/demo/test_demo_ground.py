"""The closed form of the ground: known places, continuity, and the same answer in a larger district."""

from __future__ import annotations

import numpy as np
import pytest

from twin.demo import ground, layout, terrain
from twin.demo import skeleton as sk
from twin.demo.ground import Ground, ground_at, ground_at_many, surface_z
from twin.demo.recipes import ROOF_TYPES


@pytest.fixture(scope="module")
def net() -> sk.Skeleton:
    return sk.make_skeleton(1, nx=5, ny=3)


@pytest.fixture(scope="module")
def land(net: sk.Skeleton) -> terrain.Terrain:
    return terrain.make_terrain(net)


def test_levee_river_and_canal_lie_where_they_are_said_to(net: sk.Skeleton, land: terrain.Terrain) -> None:
    u = 60.0
    assert ground_at(u, -5.0, land)[0] == pytest.approx(ground.CREST_M, abs=0.2)
    middle = -ground.far_side(u) / 2
    bed, kind, level = ground_at(u, middle, land)
    assert (bed, kind, level) == (ground.BED_Z_M, Ground.RIVER, sk.WATER_LEVEL_M)
    canal = net.columns.index(sk.CANAL)
    here = (net.node(canal, 1) + net.node(canal, 2)) / 2
    assert ground_at(*here, land)[:2] == (ground.CANAL_BED_Z_M, Ground.CANAL)


def test_the_underpass_is_four_metres_deep_and_its_sidewalks_stay_up(
    net: sk.Skeleton, land: terrain.Terrain
) -> None:
    ((i, j),) = terrain.underpass_nodes(net)
    node, ahead = net.node(i, j), net.node(i, j - 1)
    along = (ahead - node) / np.hypot(*(ahead - node))
    aside = np.array([-along[1], along[0]])
    low = ground_at(*(node + 14.0 * along), land)[0]
    side = ground_at(*(node + 14.0 * along + 10.5 * aside), land)[0]
    assert side - low == pytest.approx(ground.UNDERPASS_DEPTH_M, abs=0.5)


def test_streets_have_kerbs_and_crowns(net: sk.Skeleton, land: terrain.Terrain) -> None:
    middle = (net.node(4, 1) + net.node(5, 1)) / 2
    along = net.node(5, 1) - net.node(4, 1)
    across = np.array([-along[1], along[0]]) / np.hypot(*along)
    offsets = np.array([0.0, 3.0, 3.5])
    z, kind, _ = ground_at_many(middle + offsets[:, None] * across, land)
    assert kind.tolist() == [Ground.CARRIAGEWAY, Ground.CARRIAGEWAY, Ground.SIDEWALK]
    assert z[0] > z[1]
    assert 0.05 < z[2] - z[1] < 0.16


def test_open_land_has_no_steps(land: terrain.Terrain, net: sk.Skeleton) -> None:
    """Neighbouring places a decimetre apart differ by no more than a bank's slope, walls and kerbs left out."""
    rng = np.random.default_rng(0)
    at = np.column_stack(
        [rng.uniform(-20, net.u_max + 20, 20_000), rng.uniform(-150, net.v_max + 20, 20_000)]
    )
    z, kind, _ = ground_at_many(at, land)
    z_near, kind_near, _ = ground_at_many(at + 0.07, land)
    soft = (kind == kind_near) & np.isin(
        kind, [Ground.FIELD, Ground.BLOCK, Ground.LEVEE, Ground.BERM, Ground.RIVER]
    )
    assert soft.mean() > 0.5
    assert np.abs(z - z_near)[soft].max() < 0.1 * 0.6


def test_a_larger_district_keeps_the_ground_of_a_smaller_one(net: sk.Skeleton, land: terrain.Terrain) -> None:
    larger = terrain.make_terrain(sk.make_skeleton(1, nx=11, ny=7))
    rng = np.random.default_rng(1)
    at = np.column_stack([rng.uniform(0, net.u_max - 130, 4000), rng.uniform(-140, net.v_max - 90, 4000)])
    np.testing.assert_allclose(surface_z(at, larger), surface_z(at, land), atol=1e-9)


def test_frames_turn_into_one_another() -> None:
    rng = np.random.default_rng(2)
    uv = rng.uniform(-1000, 5000, (200, 2))
    np.testing.assert_allclose(sk.to_local(sk.to_world(uv)), uv, atol=1e-8)


@pytest.mark.parametrize("n", [1, 12, 39, 40, 333])
def test_a_district_has_exactly_the_buildings_asked_for(n: int) -> None:
    plan = layout.make_layout(n, seed=5)
    ids = [b.id for b in layout.buildings_of(plan)]
    assert len(ids) == len(set(ids)) == n


def test_one_of_everything_from_forty_buildings_on() -> None:
    kinds = {b.use for b in layout.buildings_of(layout.make_layout(40, seed=2))}
    assert {"hospital", "school", "market", "apartments", "house", "pavilion"} <= kinds


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_the_default_district_has_every_kind_of_roof(seed: int) -> None:
    buildings = list(layout.buildings_of(layout.make_layout(400, seed=seed)))
    assert {b.kind for b in buildings} == set(ROOF_TYPES)
    assert {b.roof_type for b in buildings} == set(ROOF_TYPES.values())
    assert next(b.storeys for b in buildings if b.use == "hospital") == 6


def test_a_court_between_level_wings_has_a_flat_roof() -> None:
    courts = [b for b in layout.buildings_of(layout.make_layout(900, seed=1)) if b.kind == "courtyard"]
    is_level = [all((p.planes[:, :2] == 0).all() for p in b.parts) for b in courts]
    assert set(is_level) == {True, False}
    assert [b.roof_type for b in courts] == ["flat" if level else "other" for level in is_level]


def test_buildings_do_not_overlap_and_stand_in_their_blocks() -> None:
    import shapely

    from twin.demo.cadastre import map_outline

    plan = layout.make_layout(400, seed=11)
    outlines = np.array([map_outline(b) for b in layout.buildings_of(plan)])
    tree = shapely.STRtree(outlines)
    a, b = tree.query(outlines, predicate="intersects")
    shared = shapely.area(shapely.intersection(outlines[a[a < b]], outlines[b[a < b]]))
    assert shared.max(initial=0.0) < 0.05
    middle = np.column_stack(
        [shapely.get_x(shapely.centroid(outlines)), shapely.get_y(shapely.centroid(outlines))]
    )
    kind = ground_at_many(sk.to_local(middle), plan.terrain)[1]
    assert set(kind.tolist()) <= {Ground.BLOCK, Ground.LEVEE}


def test_everything_of_a_cell_is_found_from_where_it_stands() -> None:
    from twin.core.grid import Bounds

    plan = layout.make_layout(150, seed=8)
    for i, j in plan.cells:
        cell = layout.cell_plan(plan, i, j)
        roofs = [b.to_uv(np.concatenate([part.ring for part in b.parts])) for b in cell.buildings]
        places = [cell.trees[:, :2], cell.shrubs[:, :2], cell.cars[:, :2], *roofs]
        for u, v in np.concatenate(places):
            assert (i, j) in layout.cells_near(plan, Bounds(u - 0.1, v - 0.1, u + 0.1, v + 0.1))
