"""Moments within the data, and layers asked at each."""

from datetime import timedelta, timezone

import numpy as np
import pytest

from tests.outputs.web.hostile_village import START, Gauges, Rising
from tests.scene.conftest import ORIGIN
from twin.core.errors import UsageError
from twin.core.grid import Grid
from twin.outputs.web import timeline as module
from twin.outputs.web.codec import Bundle, read, unpack
from twin.outputs.web.timeline import Moments, choose_moments, timeline, water_track
from twin.scene.layers import WaterView

HOUR = timedelta(hours=1)


def test_moments_lie_within_the_data():
    times = choose_moments([Rising(), Gauges()]).times
    assert (times[0], times[-1], len(times)) == (START, START + HOUR, 61)
    part = choose_moments([Rising()], start=START + HOUR / 4, end=START + 3 * HOUR).times
    assert (part[0], part[-1]) == (START + HOUR / 4, START + HOUR)
    assert choose_moments([Rising()], start=START, end=START).times == (START,)
    assert choose_moments([]).times == ()


def test_moments_are_told_in_the_zone_of_the_first():
    """Also where the data begin later: a page of Busan shows the time of Busan."""
    busan = timezone(timedelta(hours=9))
    times = choose_moments([Rising()], start=(START - HOUR).astimezone(busan)).times
    assert (times[0], times[-1]) == (START, START + HOUR)
    assert {t.utcoffset() for t in times} == {timedelta(hours=9)}


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (START + 2 * HOUR, None, "outside the data"),
        (None, START - HOUR, "outside the data"),
        (START + HOUR, START, "is after"),
    ],
)
def test_other_moments_are_refused(start, end, words):
    with pytest.raises(UsageError, match=words):
        choose_moments([Rising()], start=start, end=end)


def test_times_without_anything_that_changes_are_refused():
    with pytest.raises(UsageError, match="nothing"):
        choose_moments([], start=START)


def test_markers_that_end_are_empty_from_then_on():
    told = timeline([Gauges()], Moments((START, START + HOUR)), (0, 0, 0), Bundle())
    frames = told["tracks"][0]["markers"]["frames"]
    assert [frame[2] is None for frame in frames] == [False, True]
    assert told["tracks"][0]["buildings"] == [{}, {"c": [250, 20, 20]}]


def test_dry_water_is_no_track():
    grid = Grid(0.0, 10.0, 1.0, 10, 10)
    dry = WaterView(grid, np.zeros((10, 10), np.float32), np.zeros((10, 10), np.float32))
    assert water_track([dry, None], (0, 0, 0), Bundle()) is None


def test_large_waters_are_joined_in_blocks(monkeypatch):
    monkeypatch.setattr(module, "MAX_CELLS", 30)
    grid = Grid(0.0, 11.0, 1.0, 11, 11)
    wet = WaterView(grid, np.full((11, 11), 2, np.float32), np.full((11, 11), 0.5, np.float32))
    bundle = Bundle()
    track = water_track([wet], (0, 0, 1), bundle)
    assert track["grid"]["cell"] == 3.0
    assert (track["grid"]["rows"], track["grid"]["columns"]) == (4, 4)
    _, data = unpack(bundle.pack({}))
    assert set(read(track["frames"][0], data)[:, 0].tolist()) == {50}
    assert set(read(track["bed"], data)[:, 0].tolist()) == {100}


@pytest.mark.parametrize("most", [1000, 30])
def test_rivers_have_no_class(monkeypatch, most):
    monkeypatch.setattr(module, "MAX_CELLS", most)
    value = np.full((12, 12), 0.5, np.float32)
    value[:, :6] = np.nan
    ground, depth = np.zeros((12, 12), np.float32), np.full((12, 12), 0.5, np.float32)
    wet = WaterView(Grid(0.0, 12.0, 1.0, 12, 12), ground, depth, None, value, (1.0,), ((1, 2, 3), (4, 5, 6)))
    bundle = Bundle()
    track = water_track([wet], (0, 0, 0), bundle)
    _, data = unpack(bundle.pack({}))
    told = read(track["values"][0], data)[:, 0].reshape(track["grid"]["rows"], -1)
    half = told.shape[1] // 2
    assert set(told[:, :half].ravel().tolist()) == {-1000}
    assert set(told[:, half:].ravel().tolist()) == {500}


def test_pictures_on_the_ground_are_kept_once():
    times = tuple(START + HOUR * k / 4 for k in range(5))
    told = timeline([Rising()], Moments(times), ORIGIN, Bundle())
    drape = told["tracks"][0]["drape"]
    assert drape["frames"] == [-1, -1, -1, 0, 0]
    assert [p["place"] for p in drape["pictures"]] == [[10.0, 14.0, 16.0, 9.0]]


def test_lines_keep_their_places_and_change_their_colours():
    bundle = Bundle()
    told = timeline([Gauges()], Moments((START, START + HOUR)), ORIGIN, bundle)
    lines = told["tracks"][0]["lines"]
    _, data = unpack(bundle.pack({}))
    colours = np.array(lines["colours"])[read(lines["codes"], data)]
    assert colours.tolist() == [[[40, 160, 80], [0, 40, 40]], [[40, 160, 80], [255, 40, 40]]]
    assert read(lines["points"], data)[0].tolist() == [-2800, 1000, 10]


def test_layers_without_a_common_moment_follow_the_first():
    late = Rising(span=(START + timedelta(days=900), START + timedelta(days=901)))
    assert choose_moments([Gauges(), late]).times[-1] == START + HOUR


def test_things_without_a_place_are_left_out():
    class Lost(Gauges):
        def at(self, when):
            view = super().at(when)
            view.markers.position[0] = np.nan
            return view

    told = timeline([Lost()], Moments((START,)), (0, 0, 0), Bundle())
    markers = told["tracks"][0]["markers"]
    assert len(markers["ids"]) == 2
    assert all(len(frame) == 2 for frame in markers["frames"])
