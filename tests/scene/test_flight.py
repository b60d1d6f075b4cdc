"""Cameras in motion: through every stop, without a jerk, over what stands in the way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from twin.scene.camera import Camera, project
from twin.scene.flight import Stop, solid_surface, still_flight, tour_flight
from twin.scene.framing import Taken
from twin.scene.orbit import orbit_flight

HIGH = Camera((0.0, -400.0, 250.0), (0.0, 0.0, 0.0))
EAST = Camera((400.0, 0.0, 150.0), (0.0, 0.0, 0.0), 40.0)
LOW = Camera((5.0, 5.0, 1.7), (5.0, 25.0, 2.5), 52.0)
MAP = Camera((0.0, 0.0, 300.0), (0.0, 0.0, 0.0), parallel_height_m=200.0)


def eyes(flight, n=400):
    return np.array([flight.at(t).eye for t in np.linspace(0, flight.seconds, n)])


def test_an_orbit_closes_turns_evenly_and_keeps_the_city_in_the_picture(village_scene) -> None:
    pack, size = village_scene.pack, (320, 180)
    flight = orbit_flight(pack, seconds=10, aspect=16 / 9)
    assert flight.at(0.0) == flight.at(10.0)
    steps = np.linalg.norm(np.diff(eyes(flight), axis=0), axis=1)
    assert steps.max() < 1.001 * steps.min()
    shares = []
    for t in np.arange(0, 10, 0.25):
        seen = project(flight.at(t), pack["fit_points"], size)
        assert (seen[:, :2] > 0).all()
        assert (seen[:, :2] < size).all()
        shares.append(np.ptp(seen[:, 0]) / size[0])
    assert max(shares) > 0.5


@pytest.mark.parametrize("aspect", [16 / 9, 9 / 16])
def test_in_an_orbit_the_city_stands_beside_the_legend_all_the_way(village_scene, aspect) -> None:
    points, size = village_scene.pack["fit_points"], (round(360 * aspect), 360)
    legend = Taken(0.7, 0.05, 0.97, 0.55)
    for taken, is_free in (([], False), ([legend], True)):
        flight = orbit_flight(village_scene.pack, seconds=10, aspect=aspect, taken=taken)
        free, widest = [], []
        for second in np.arange(0, 10, 0.5):
            x, y, _ = project(flight.at(second), points, size).T
            outline = shapely.convex_hull(shapely.multipoints(np.column_stack([x / size[0], y / size[1]])))
            box = shapely.box(legend.left, legend.top, legend.right, legend.bottom)
            free.append(not outline.intersects(box))
            widest.append(np.ptp(x) / size[0])
            assert min(x.min(), y.min()) > 0
            assert (x.max(), y.max()) < size
        assert all(free) == is_free
        assert max(widest) > 0.4


def test_an_orbit_turns_about_what_a_camera_looks_at(village_scene) -> None:
    flight = orbit_flight(village_scene.pack, seconds=4, aspect=1.0, around=EAST)
    assert np.allclose(flight.at(0.0).eye, EAST.eye)
    assert np.allclose(flight.at(2.0).eye, (-400.0, 0.0, 150.0))
    assert {flight.at(t).target for t in (0.0, 1.0, 3.0)} == {EAST.target}


def test_a_tour_stands_at_every_stop_exactly_when_it_says() -> None:
    stops = [Stop(HIGH, hold_s=1.0), Stop(EAST), Stop(LOW, hold_s=2.0), Stop(MAP)]
    flight = tour_flight(stops, seconds=20.0)
    assert flight.seconds == 20.0
    assert [flight.at(t) for t in flight.stop_s] == [s.camera for s in stops]
    assert flight.at(0.0) == flight.at(0.7) == HIGH
    assert flight.at(99.0) == MAP


def test_a_tour_starts_and_ends_gently_and_never_jumps() -> None:
    flight = tour_flight(
        [Stop(HIGH), Stop(EAST), Stop(Camera((0.0, 400.0, 150.0), (0.0, 0.0, 0.0)))], seconds=8.0
    )
    steps = np.linalg.norm(np.diff(eyes(flight), axis=0), axis=1)
    assert steps[0] < 0.1 * steps.max()
    assert steps[-1] < 0.1 * steps.max()
    assert np.abs(np.diff(steps)).max() < 0.05 * steps.max()
    middle = steps[100:300]
    assert middle.min() > 0.5 * middle.max()


def test_a_tour_swings_around_the_city_and_not_through_it() -> None:
    flight = tour_flight([Stop(HIGH), Stop(Camera((0.0, 400.0, 250.0), (0.0, 0.0, 0.0)))])
    distance = np.linalg.norm(eyes(flight), axis=1)
    assert distance.min() > 0.95 * math.dist(HIGH.eye, (0, 0, 0))


def test_given_times_are_kept_and_no_time_is_a_cut() -> None:
    flight = tour_flight(
        [Stop(HIGH, hold_s=1.0), Stop(EAST, travel_s=0), Stop(LOW, travel_s=3.0, hold_s=0.5)]
    )
    assert flight.seconds == pytest.approx(4.5)
    assert flight.stop_s == pytest.approx((0.0, 1.0, 4.0))
    assert (flight.at(0.999), flight.at(1.0)) == (HIGH, EAST)


def test_a_closed_tour_returns_without_a_corner() -> None:
    north = Camera((0.0, 400.0, 150.0), (0.0, 0.0, 0.0))
    flight = tour_flight([Stop(EAST), Stop(north), Stop(HIGH)], is_closed=True, seconds=9.0)
    way = np.diff(eyes(flight, 4000), axis=0)
    start = way[2] / np.linalg.norm(way[2])
    end = way[-3] / np.linalg.norm(way[-3])
    assert start @ end > 0.99
    assert flight.at(9.0).eye == pytest.approx(EAST.eye)


def test_the_eye_passes_over_what_stands_in_its_way() -> None:
    def wall(places):
        return np.where(np.abs(places[:, 0]) < 10, 30.0, 0.0)

    low = [Camera((x, -20.0, 2.0), (x, 0.0, 2.0)) for x in (-60.0, 60.0)]
    flight = tour_flight([Stop(c) for c in low], surface=wall)
    way = eyes(flight)
    over = np.abs(way[:, 0]) < 10
    assert over.sum() > 10
    assert way[over, 2].min() > 30.0
    assert [flight.at(0.0), flight.at(flight.seconds)] == low
    assert np.abs(np.diff(way[:, 2], n=2)).max() < 1.0
    assert eyes(tour_flight([Stop(c) for c in low]))[:, 2].max() < 3.0


def test_the_surface_of_a_city_has_roofs_and_ground(village_scene) -> None:
    heights = solid_surface(village_scene.pack)(
        np.array([(-17.0, -15.0), (1.0, -15.0), (0.0, 0.0), (900.0, 0.0)])
    )
    assert heights[:3] == pytest.approx([9.0, 14.0, 0.0], abs=0.05)
    assert heights[3] == -np.inf


def test_a_still_camera_rests_and_a_tour_needs_two() -> None:
    flight = still_flight(LOW, seconds=3.0)
    assert {flight.at(t) for t in (0.0, 1.0, 3.0)} == {LOW}
    with pytest.raises(ValueError, match="two stops"):
        tour_flight([Stop(LOW)])
