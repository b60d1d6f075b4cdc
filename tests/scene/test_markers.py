"""Stations and vehicles in the picture: colour by value, height by value, and states that are seen."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.drawing import needs_graphics
from twin.scene.camera import Camera, project
from twin.scene.layers import LayerView, MarkerState, MarkerView
from twin.scene.marker_actor import heads, marker_table
from twin.scene.shot import Furniture

SIZE = (480, 300)
BARE = Furniture.none()
HIGH = Camera((0.0, -70.0, 70.0), (0.0, -2.0, 0.0), view_angle_deg=45.0)
ORIGIN = np.array([84_000.0, 447_000.0, 0.0])
PLACES = np.array([(-20.0, 5.0, 0.0), (-7.0, 5.0, 0.0), (7.0, 5.0, 0.0), (20.0, 5.0, 0.0)])
VIOLET = (150, 40, 220)


def markers(**changes):
    n = len(PLACES)
    fields = {
        "ids": tuple("abcd"),
        "position": PLACES + ORIGIN,
        "rgb": np.tile(np.array(VIOLET, np.uint8), (n, 1)),
        "state": np.arange(n).astype(np.uint8),
        "height_m": np.array([8.0, 8.0, 0.0, 8.0]),
    }
    return MarkerView(**{**fields, **changes})


@dataclass
class Stations:
    view: MarkerView
    name: str = "stations"
    span: None = None

    def at(self, when):
        return LayerView(markers=self.view)


def test_the_table_holds_colour_state_and_alarm():
    view = markers(
        is_alarm=np.array([True, False, False, False]), heading_deg=np.array([90.0, np.nan, np.nan, np.nan])
    )
    table = marker_table(view)
    assert table.shape == (1, 256, 4)
    assert table[0, 0].tolist() == [*VIOLET, MarkerState.FRESH + 4 + 8]
    assert table[0, 2].tolist() == [*VIOLET, MarkerState.MISSING]
    r, g, b, state = table[0, 1]
    assert (r, g, state) == (b, b, MarkerState.STALE)


def test_tables_of_many_markers_have_rows():
    n = 300
    view = MarkerView(
        tuple(map(str, range(n))), np.zeros((n, 3)), np.full((n, 3), 9, np.uint8), np.zeros(n, np.uint8)
    )
    table = marker_table(view)
    assert table.shape == (2, 256, 4)
    assert table.reshape(-1, 4)[:n, :3].min() == 9


def test_marks_stand_on_their_columns():
    assert heads(markers())[:, 2].tolist() == [8, 8, 0, 8]
    assert heads(markers(height_m=None))[:, 2].tolist() == [0, 0, 0, 0]
    assert heads(markers(height_m=np.array([np.nan, -3, 1, 2])))[:, 2].tolist() == [0, 0, 1, 2]


@needs_graphics
class TestPictures:
    def around(self, picture, place, up_px=0.0, reach=1):
        x, y, _ = project(HIGH, np.array([place]), SIZE)[0]
        x, y = round(x), round(y - up_px)
        return picture[y - reach : y + reach + 1, x - reach : x + reach + 1].reshape(-1, 3).astype(float)

    def mark(self, picture, k, view):
        """Pixels of the middle of a mark: its foot touches the head of the column."""
        return self.around(picture, heads(view)[k] - ORIGIN, up_px=8 * 0.6)

    @pytest.fixture
    def draw(self, village, lit):
        return lambda view: lit(village, layers=[Stations(view)]).image(size=SIZE, view=HIGH, furniture=BARE)

    def test_states_are_told_apart(self, draw):
        view = markers()
        picture = draw(view)
        fresh, stale, missing = (self.mark(picture, k, view).mean(axis=0) for k in range(3))
        assert np.abs(fresh - VIOLET).max() < 12
        assert np.ptp(stale) < 6
        assert missing[1] > missing[2]  # the grass is seen through it
        invalid = self.mark(picture, 3, replace(view))
        assert self.mark(picture, 0, view).std(axis=0).max() < 6 < invalid.std(axis=0).max()

    def test_columns_are_as_high_as_told(self, draw):
        view = markers()
        picture = draw(view)
        low = draw(markers(height_m=None))
        halfway = PLACES[0] + (0, 0, 4)
        assert np.abs(self.around(picture, halfway, reach=0) - self.around(low, halfway, reach=0)).max() > 40

    def test_an_alarm_has_a_red_ring_also_behind_a_house(self, draw):
        behind = PLACES.copy()
        behind[0] = (-17.0, -8.5, 0.0)
        view = markers(position=behind + ORIGIN, height_m=None)
        calm, alarm = draw(view), draw(replace(view, is_alarm=np.array([True, False, False, False])))
        reddish = (alarm[..., 0].astype(int) - alarm[..., 1]) > 120
        assert reddish.sum() > 20
        assert ((calm[..., 0].astype(int) - calm[..., 1]) > 120).sum() == 0

    def test_a_vehicle_points_where_it_goes(self, draw):
        east = draw(markers(heading_deg=np.full(4, 90.0)))
        west = draw(markers(heading_deg=np.full(4, 270.0)))
        assert np.abs(east.astype(int) - west).max() > 100

    def test_new_values_change_no_geometry(self, village, lit):
        view = markers()
        stations = Stations(view)
        live = lit(village, layers=[stations]).stage()
        marks = live.markers["stations"].marks.GetMapper().GetInput()
        points, time = marks.GetPoints(), marks.GetMTime()
        stations.view = replace(view, rgb=255 - view.rgb)
        live.show(datetime(2026, 7, 1, tzinfo=UTC))
        assert marks.GetPoints() is points
        assert marks.GetMTime() == time
        stations.view = replace(view, height_m=view.height_m + 1)
        live.show(datetime(2026, 7, 1, tzinfo=UTC))
        assert marks.GetPoints() is not points

    def test_one_canvas_shows_what_another_would(self, village, lit):
        from twin.scene.canvas import Canvas

        view = markers()
        stations = Stations(view)
        live = lit(village, layers=[stations]).stage()
        with Canvas(SIZE) as canvas:
            canvas.draw(live.stage, HIGH)
            stations.view = replace(view, rgb=255 - view.rgb, height_m=view.height_m + 2)
            live.show(None)
            again = canvas.draw(live.stage, HIGH)
        fresh = lit(village, layers=[stations]).image(size=SIZE, view=HIGH, furniture=BARE)
        assert np.array_equal(again, fresh)
