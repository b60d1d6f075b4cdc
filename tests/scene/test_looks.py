"""Each part of a city is switched and faded by itself: roads, bridges, layers of the user, names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.scene.conftest import box_solid
from tests.scene.test_packs import overlays
from twin.scene.camera import Camera, project
from twin.scene.facets import facets_from_solids
from twin.scene.graphics import probe_graphics
from twin.scene.scene import Scene
from twin.scene.shot import Furniture
from twin.scene.workspace import LayerState
from twin.scene.workspace_layers import apply_looks, strength

pytestmark = pytest.mark.skipif(probe_graphics() is not None, reason="this machine draws nothing")
SIZE = (320, 200)
HIGH = Camera((0.0, -60.0, 80.0), (0.0, 0.0, 0.0), view_angle_deg=45.0)
DECK, ROAD, HOUSE, PHOTO = (-20.0, 19.0, 4.0), (-25.0, 0.0, 0.0), (-17.0, -15.0, 9.0), (24.0, 8.0, 0.0)


@pytest.fixture(scope="module")
def crossed(make_village):
    """The village with a bridge over its canal, a block that no footprint tells of, and layers of a user."""
    base = make_village()
    bridge = facets_from_solids([box_solid(-23, 14, -17, 29, 3.0, 4.0)], [0])
    block = facets_from_solids([box_solid(-28, -28, -25, -25, 0.0, 3.0)], [0])
    return Scene(replace(base, bridges=bridge, context=block, overlays=overlays(base.origin)))


@pytest.fixture
def live(crossed):
    """Its stage, and how it looks as it comes."""
    made = crossed.stage()
    return made, picture_of(made)


def picture_of(live):
    from twin.scene.render import render

    return render(live.stage, HIGH, SIZE).astype(int)


def at(picture, place):
    x, y, _ = project(HIGH, np.array([place]), SIZE)[0]
    return picture[round(y), round(x)]


def test_every_part_has_a_group_of_its_own(live):
    groups = set(live[0].groups)
    assert {"terrain", "roads", "buildings", "bridges", "unmapped", "trees", "water"} <= groups
    assert {"zone", "tram", "photo", "statue"} <= groups


def test_a_bridge_is_switched_and_faded_with_its_edges_and_houses_stay(live):
    made, solid = live
    made.set_visible("bridges", False)
    away = picture_of(made)
    assert np.abs(at(away, DECK) - at(solid, DECK)).sum() > 20
    assert np.array_equal(at(away, HOUSE), at(solid, HOUSE))
    made.set_visible("bridges", True)
    made.set_opacity("bridges", 0.5)
    faded = at(picture_of(made), DECK)
    low, high = np.sort([at(away, DECK), at(solid, DECK)], axis=0)
    assert (low - 2 <= faded).all()
    assert (faded <= high + 2).all()
    assert not np.array_equal(faded, at(solid, DECK))
    made.set_opacity("bridges", 1.0)
    assert np.array_equal(picture_of(made), solid)


def test_roads_give_way_to_land_and_come_back(live):
    made, solid = live
    made.set_opacity("roads", 0.5)
    half = at(picture_of(made), ROAD)
    made.set_visible("roads", False)
    land = at(picture_of(made), ROAD)
    assert np.abs(land - at(solid, ROAD)).sum() > 20
    assert np.abs(2 * half - land - at(solid, ROAD)).max() <= 4
    assert np.array_equal(at(picture_of(made), HOUSE), at(solid, HOUSE))
    made.set_visible("roads", True)
    made.set_opacity("roads", 1.0)
    assert np.array_equal(picture_of(made), solid)


def test_a_picture_on_the_ground_is_faded(live):
    made, solid = live
    assert at(solid, PHOTO)[0] > at(solid, PHOTO)[1] + 60  # red
    made.set_opacity("photo", 0.4)
    faded = at(picture_of(made), PHOTO)
    assert faded[0] - faded[1] < (at(solid, PHOTO)[0] - at(solid, PHOTO)[1]) * 0.7
    made.set_opacity("photo", 1.0)
    assert np.array_equal(picture_of(made), solid)


def test_edges_look_as_their_buildings_and_a_workspace_tells_all(live):
    made, solid = live
    apply_looks(made, [LayerState("buildings", is_visible=False), LayerState("labels", opacity=0.5)])
    edges = made.stage.groups["edges"]
    assert all(actor in made.stage.hidden for actor in edges)
    assert made.scene.shot.looks[1].opacity == 0.5
    apply_looks(made, [])
    assert np.array_equal(picture_of(made), solid)


def test_names_and_points_are_faded_in_the_picture(crossed):
    def strongest(looks):
        scene = crossed.with_looks(looks)
        named = Furniture(title="", legend=False, scale=False, north=False, attribution=False)
        patches = scene.furniture(HIGH, SIZE, None, named)
        return [int(np.asarray(p.image)[..., 3].max()) for p in patches]

    full = strongest(())
    assert full
    assert max(strongest((LayerState("labels", opacity=0.5), LayerState("sensors", opacity=0.5)))) < 140
    gone = strongest((LayerState("labels", is_visible=False), LayerState("sensors", is_visible=False)))
    assert gone == []
    assert strength((), "labels") == 1.0
