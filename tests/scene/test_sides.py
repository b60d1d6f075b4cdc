"""Where a city is looked at from, and the light for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.scene.pack import Material, Tile
from twin.scene.sides import TURN_DEG, best_side, studio_sun_azimuth
from twin.scene.viewpoints import view_scores

BLOCK = (-100.0, -100.0, 100.0, 100.0, -5.0, 20.0)


def arrays(buildings, context=(), water=()):
    """A pack of points alone."""
    points = [*buildings, *context]
    kinds = [Material.WALL] * len(buildings) + [Material.CONTEXT_WALL] * len(context)
    return {
        "facet_points": np.array([(x, y, 3.0) for x, y in points], np.float32).reshape(-1, 3),
        "facet_material": np.array(kinds, np.uint8),
        "terrain_points": np.array([(x, y, 0.0) for x, y in water], np.float32).reshape(-1, 3),
    }


def side(axis_deg=0.0, **things):
    made = arrays(**things)
    tiles = (Tile("water", (0, len(made["terrain_points"])), (0, 1)),)
    return best_side(made, tiles, BLOCK, axis_deg=axis_deg)


def apart(a, b):
    return abs((a - b + 180) % 360 - 180)


def test_nothing_else_asked_the_south_is_at_our_back():
    assert apart(side(buildings=[(0, 0)]), 190) < 45


@pytest.mark.parametrize(("place", "azimuth"), [((90, 0), 90), ((-90, 0), 270), ((0, -90), 180)])
def test_water_lies_in_front(place, azimuth):
    assert apart(side(buildings=[(0, 0)], water=[place]), azimuth) <= 62


def test_buildings_without_a_footprint_stand_behind_the_others():
    assert apart(side(buildings=[(80, 0)], context=[(-80, 0)]), 90) <= 62


@given(st.floats(0, 90), st.integers(-80, 80), st.integers(-80, 80))
def test_two_sides_of_a_house_are_always_seen(axis, x, y):
    off = (side(axis_deg=axis, buildings=[(x, y)]) - axis) % 90
    assert min(off, 90 - off) == pytest.approx(TURN_DEG, abs=1e-6)


@given(st.floats(0, 360), st.floats(0, 90), st.sampled_from([52.0, -34.0, None]))
def test_the_studio_sun_could_stand_there(overview, axis, latitude):
    azimuth = studio_sun_azimuth(overview, latitude, axis_deg=axis)
    noon = 0 if latitude is not None and latitude < 0 else 180
    assert apart(azimuth, noon) <= 85


def test_a_street_view_wants_depth_walls_and_room():
    n = 48
    street = np.full((1, n), 8.0, np.float32)
    street[0, [0, 1, 47]] = 90.0
    score = view_scores(street, street, street)
    assert score.argmax() == 0
    blocked = street.copy()
    blocked[0, 0] = 4.0
    assert view_scores(street, blocked, blocked)[0, 0] == 0
    corner = np.full((1, n), 1.0, np.float32)
    assert view_scores(corner, corner, corner).max() == 0
