"""Lines over bridges and below them."""

import numpy as np
import pytest
import shapely

from twin.core.mesh import TriangleMesh
from twin.scene.drawables import make_stage
from twin.scene.over_decks import above_decks

# A deck of 20 m by 6 m at an elevation of 5 m, over a river bed at 0 m between banks at 5 m.
CORNERS = np.array([(-10.0, -3, 5), (10, -3, 5), (10, 3, 5), (-10, 3, 5)])
DECK = (shapely.Polygon(CORNERS), TriangleMesh(CORNERS, np.array([[0, 1, 2], [0, 2, 3]], np.int32)))


def line(points, height):
    xy = np.asarray(points, float)
    return np.column_stack([xy, [height(x, y) for x, y in xy]])


def valley(x, _y):
    return 0.0 if abs(x) < 10 else 5.0


def test_a_street_runs_over_the_deck_that_it_comes_to_at_its_height():
    street = line([(x, 0) for x in range(-20, 21, 2)], valley)
    found = above_decks(street, np.zeros(len(street), np.int64), [DECK])
    assert found.tolist() == pytest.approx([5.0] * len(street))


def test_a_river_stays_below():
    river = line([(0, y) for y in range(-20, 21, 2)], valley)
    found = above_decks(river, np.zeros(len(river), np.int64), [DECK])
    assert found.tolist() == pytest.approx([0.0] * len(river))


def test_lines_are_told_apart_and_points_lie_on_the_deck():
    street = line([(x, 1) for x in range(-20, 21, 2)], valley)
    river = line([(0, y) for y in range(-20, 21, 2)], valley)
    point = line([(3, 1)], valley)
    owner = np.repeat([0, 1, 2], [len(street), len(river), 1])
    found = above_decks(np.concatenate([street, river, point]), owner, [DECK])
    assert set(found[owner == 0].tolist()) == {5.0}
    assert set(found[owner == 1].tolist()) == {0.0}
    assert found[-1] == 5.0


def test_without_decks_all_stays_on_the_ground():
    street = line([(x, 0) for x in range(-20, 21, 2)], valley)
    assert above_decks(street, np.zeros(len(street), np.int64), []).tolist() == street[:, 2].tolist()


def test_lines_of_layers_do_not_pale_with_distance(village):
    from dataclasses import replace

    from tests.scene.test_packs import overlays
    from twin.scene.scene import Scene

    scene = Scene(replace(village, overlays=overlays(village.origin)))
    stage = make_stage(scene.pack, scene.light, scene.style, scene.sun)
    (reach,) = [reach for actor, _, reach in stage.lines if actor in stage.groups["tram"]]
    assert reach > 1e6
