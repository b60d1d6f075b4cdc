"""Lines with a width and arrows on flowing water."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.drawing import needs_graphics
from twin.core.grid import Grid
from twin.scene.camera import Camera, project
from twin.scene.layers import LayerView, LineView, WaterView
from twin.scene.model import Lines
from twin.scene.ribbons import MOST_ARROWS, flow_arrows, line_ribbons
from twin.scene.shot import Furniture

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
RED, BLUE = (250, 0, 0), (0, 0, 250)


def lines(*shapes):
    starts = np.cumsum([0, *map(len, shapes)]).astype(np.int32)
    return Lines(np.concatenate([np.asarray(s, float) for s in shapes]), starts)


def areas(ribbons):
    a, b, c = (ribbons.points[ribbons.triangles[:, k], :2].astype(float) for k in range(3))
    u, v = b - a, c - a
    return 0.5 * np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])


def water(speed=(0.5, 0.0), shape=(60, 80), depth=0.5):
    h = np.full(shape, depth, np.float32)
    moves = tuple(np.full(shape, s, np.float32) for s in speed)
    return WaterView(Grid(100.0, 200.0, 2.0, shape[1], shape[0]), np.zeros_like(h), h, moves, has_arrows=True)


def test_lines_are_as_wide_as_told_and_keep_their_colours():
    view = LineView(
        lines([(0, 0, 1), (10, 0, 1)], [(0, 50, 2), (0, 60, 2), (0, 70, 2)]),
        np.array([RED, BLUE], np.uint8),
        width_m=3.0,
    )
    ribbons = line_ribbons(view, (0, 0, 0))
    assert areas(ribbons).sum() == pytest.approx(3 * (10 + 20))
    assert ribbons.rgba[:4, :3].tolist() == [list(RED)] * 4
    assert ribbons.rgba[4:, :3].tolist() == [list(BLUE)] * 8
    assert set(ribbons.points[:, 2]) == {1.0, 2.0}


def test_bends_are_filled():
    bent = LineView(lines([(0, 0, 0), (10, 0, 0), (10, 10, 0)]), np.array([RED], np.uint8), width_m=4.0)
    corner = areas(line_ribbons(bent, (0, 0, 0)))[-2:]
    assert sorted(corner.round(3).tolist()) == [4.0, 4.0]


def test_lines_without_a_length_are_nothing():
    still = LineView(lines([(1, 1, 1), (1, 1, 1)]), np.array([RED], np.uint8))
    assert not len(line_ribbons(still, (0, 0, 0)).triangles)


@pytest.mark.parametrize(("speed", "direction"), [((0.5, 0.0), (1, 0)), ((0.0, -0.5), (0, -1))])
def test_arrows_point_where_water_flows(speed, direction):
    arrows = flow_arrows(water(speed), (0, 0, 0), NOON)
    parts = arrows.points.reshape(-1, 7, 3)
    along = parts[:, 6, :2] - parts[:, 0, :2]
    along /= np.linalg.norm(along, axis=1)[:, None]
    assert np.abs(along @ np.array(direction, float) - 1).max() < 0.05
    assert 50 < len(parts) <= 2 * MOST_ARROWS
    assert (parts[..., 2] > 0.5).all()


def test_arrows_travel_with_time_and_are_the_same_for_the_same_moment():
    first, again = (flow_arrows(water(), (0, 0, 0), NOON) for _ in range(2))
    assert np.array_equal(first.points, again.points)
    later = flow_arrows(water(), (0, 0, 0), NOON + timedelta(seconds=60))
    moved = (later.points - first.points).reshape(-1, 7, 3)[:, 0, 0]
    assert np.median(moved) > 0
    assert first.rgba[:, 3].min() < 60 < first.rgba[:, 3].max()


def test_still_shallow_or_unknown_water_has_no_arrows():
    for view in (water((0.01, 0.0)), water(depth=0.02)):
        assert not len(flow_arrows(view, (0, 0, 0), NOON).triangles)
    still = water()
    unknown = WaterView(still.grid, still.bed_m, still.depth_m, has_arrows=True)
    assert not len(flow_arrows(unknown, (0, 0, 0), NOON).triangles)


@dataclass
class Track:
    view: LineView
    name: str = "track"
    span: None = None

    def at(self, when):
        return LayerView(lines=self.view)


@needs_graphics
def test_a_line_is_drawn_and_changes_its_colour(village, lit):
    from twin.scene.render import render

    origin = np.array([84_000.0, 447_000.0, 0.0])
    ends = np.array([(-25.0, 8.0, 0.3), (25.0, 8.0, 0.3)]) + origin
    track = Track(LineView(lines(ends), np.array([RED], np.uint8), width_m=3.0))
    camera, size = Camera((0.0, -70.0, 70.0), (0.0, -2.0, 0.0), view_angle_deg=45.0), (320, 200)
    live = lit(village, layers=[track]).stage()
    x, y, _ = project(camera, np.array([(5.0, 8.0, 0.3)]), size)[0].astype(int)
    assert render(live.stage, camera, size)[y, x].tolist() == pytest.approx(list(RED), abs=60)
    track.view = LineView(track.view.lines, np.array([BLUE], np.uint8), width_m=3.0)
    live.show(None)
    assert render(live.stage, camera, size)[y, x].tolist() == pytest.approx(list(BLUE), abs=60)
    assert list(live.stage.groups)[-1] == "lines"
    picture = lit(village, layers=[track]).image(size=size, view=camera, furniture=Furniture.none())
    assert np.array_equal(picture, render(live.stage, camera, size))
