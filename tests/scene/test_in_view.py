"""Boxes before a camera, and edges of a large city of which the near ones are drawn."""

import numpy as np
import pytest

from twin.scene.camera import Camera
from twin.scene.in_view import in_view, nearest_m
from twin.scene.near_edges import NearEdges, Stretch

NORTH = Camera((0.0, 0.0, 2.0), (0.0, 10.0, 2.0), 55.0)
ABOVE = Camera((0.0, -0.001, 900.0), (0.0, 0.0, 0.0), parallel_height_m=100.0)


def boxes(*middles, side=10.0):
    return np.array([(x - side / 2, x + side / 2, y - side / 2, y + side / 2, 0, 8) for x, y in middles])


def test_distance_to_a_box_counts_from_its_skin():
    found = nearest_m(boxes((0, 0), (35, 0), (35, 45)), (0.0, 0.0, 2.0))
    assert found == pytest.approx([0, 30, 50])


def test_what_lies_behind_the_eye_is_out_of_view():
    assert in_view(boxes((0, 50), (500, 5), (0, -50), (0, -4)), NORTH).tolist() == [True, True, False, True]


def test_a_picture_without_perspective_sees_little_of_a_city_however_high_the_camera():
    assert in_view(boxes((0, 0), (150, 0), (400, 0), (0, -400)), ABOVE).tolist() == [True, True, False, False]


def test_no_box_that_shows_is_called_out_of_view():
    chance = np.random.default_rng(5)
    for _ in range(50):
        eye, target = chance.uniform(-200, 200, (2, 3))
        camera = Camera(tuple(eye), tuple(target), parallel_height_m=80.0)
        right, up, forward = camera.axes
        # A point of a picture three times as wide as high, and a box around it.
        point = eye + right * chance.uniform(-120, 120) + up * chance.uniform(-40, 40) + forward * 300
        low, high = point - chance.uniform(0, 30, 3), point + chance.uniform(0, 30, 3)
        assert in_view(np.stack([low, high], axis=1).reshape(1, 6), camera).all()


class Recorder:
    """Stretches of two tiles each of a street of eight, 100 m apart, and what they were told to draw."""

    def __init__(self):
        self.told = []
        self.edges = NearEdges(boxes(*((0, 100 * i) for i in range(8))), 0.28)
        for first in range(0, 8, 2):
            self.edges.stretches.append(Stretch(first, first, first + 2, self.told.append))

    def drawn(self, camera, farthest_m):
        shown = self.edges.choose(camera, farthest_m)
        return [i for s in self.edges.stretches if s.actor in shown for i in sorted(s.drawn)]


def along(y, ahead=10.0):
    return Camera((0.0, y, 2.0), (0.0, y + ahead, 2.0), 55.0)


def test_edges_are_drawn_as_far_as_they_can_be_seen_and_no_farther():
    street = Recorder()
    assert street.drawn(along(0.0), 250.0) == [0, 1, 2]
    assert street.drawn(along(0.0), 0.0) == []
    assert street.drawn(along(500.0), 150.0) == [5, 6]


def test_edges_are_made_anew_only_when_others_come_near_or_go_far():
    street = Recorder()
    street.drawn(along(0.0), 250.0)
    assert street.told == [[0, 1], [2]]
    street.drawn(along(20.0), 250.0)  # the first tile is behind now, and near
    assert street.told == [[0, 1], [2]]
    assert street.drawn(along(20.0, ahead=-10.0), 250.0) == [0, 1]  # turned round
    assert street.told == [[0, 1], [2]]
    assert street.drawn(along(110.0), 250.0) == [2, 3]  # the second tile lies behind as well
    assert street.told[2:] == [[2, 3]]
    assert street.drawn(along(360.0), 250.0) == [4, 5, 6]
    assert street.told[3:] == [[4, 5], [6]]


def test_a_view_from_above_makes_the_edges_it_shows_and_no_others():
    street = Recorder()
    assert street.drawn(ABOVE, np.inf) == [0, 1, 2]
    assert street.told == [[0, 1], [2]]
