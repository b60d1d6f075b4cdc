"""Layers over time in a scene: what is shown when, and that pictures show it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.drawing import needs_graphics
from twin.core.errors import UsageError
from twin.core.grid import Bounds, Grid
from twin.scene.camera import Camera, project
from twin.scene.flood_layer import FloodLayer
from twin.scene.layers import LayerView
from twin.scene.model import Picture
from twin.scene.moment import together
from twin.scene.scene import Scene
from twin.scene.scene_furniture import _subtitle
from twin.scene.shot import Furniture
from twin.water.flood import StepArrays, flood_of

SIZE = (320, 200)
BARE = Furniture.none()
HIGH = Camera((0.0, -70.0, 70.0), (0.0, -2.0, 0.0), view_angle_deg=45.0)
START = datetime(2026, 7, 1, 12, tzinfo=UTC)
WEST, NORTH = 84_000.0 - 30, 447_000.0 + 15


def flood(depths=(0.0, 0.4, 0.2), *, is_preview=False, velocity=False, name="storm"):
    """Water on the western half of the village's ground, as deep as told at each hour."""
    shape = (22, 30)
    h = np.zeros((len(depths), *shape), np.float32)
    h[:, :, :15] = np.asarray(depths, np.float32)[:, None, None]
    moves = {"u": np.full_like(h, 1.5), "v": np.zeros_like(h)} if velocity else {}
    times = np.datetime64(START.replace(tzinfo=None), "s") + 3600 * np.arange(len(depths))
    kind = "level" if is_preview else "simulation"
    grid = Grid(WEST, NORTH, 2.0, 30, 22)
    return flood_of(
        name,
        grid,
        times,
        np.zeros(shape, np.float32),
        StepArrays(h, **moves),
        kind=kind,
        is_preview=is_preview,
    )


def colour_at(picture, point, reach=1):
    height, width = picture.shape[:2]
    x, y, _ = project(HIGH, np.array([point]), (width, height))[0]
    x, y = round(x), round(y)
    return picture[y - reach : y + reach + 1, x - reach : x + reach + 1].reshape(-1, 3).mean(axis=0)


WET, DRY = (-26.0, 0.0, 0.0), (26.0, 0.0, 0.0)


def test_depth_changes_evenly_between_two_moments():
    layer = FloodLayer(flood())
    view = layer.at(START + timedelta(minutes=15))
    assert view.water.depth_m[5, 5] == pytest.approx(0.1)
    assert layer.at(START + timedelta(minutes=90)).water.depth_m[5, 5] == pytest.approx(0.3)


def test_without_a_moment_the_greatest_depth_is_shown_and_said_to_be():
    view = FloodLayer(flood()).at(None)
    assert view.water.depth_m.max() == pytest.approx(0.4)
    assert "greatest depth" in view.remarks[0]


@pytest.mark.parametrize(
    ("colouring", "said"),
    [
        ("velocity", "greatest speed at each place"),
        ("hazard", "greatest hazard at each place"),
        ("arrival", "first arrival of the water"),
    ],
)
def test_without_a_moment_the_subtitle_tells_what_the_colour_tells(colouring, said):
    view = FloodLayer(flood(velocity=True), colouring=colouring).at(None)
    assert view.remarks == (f"storm: {said}",)


def test_without_a_moment_arrows_show_where_the_water_was_fastest():
    view = FloodLayer(flood((0.4, 0.4, 0.2), velocity=True), colouring="velocity").at(None)
    assert view.water.has_arrows
    east, north = view.water.velocity
    assert (east[5, 5], north[5, 5]) == pytest.approx((1.5, 0.0))


@pytest.mark.parametrize(
    ("hours", "depth", "word"), [(-1, 0.0, "begins 2026-07-01 12:00"), (9, 0.2, "ends 2026-07-01 14:00")]
)
def test_outside_its_time_the_nearest_state_is_shown_and_said_to_be(hours, depth, word):
    view = FloodLayer(flood()).at(START + timedelta(hours=hours))
    assert view.water.depth_m.max() == pytest.approx(depth)
    assert word in view.remarks[0]


def test_a_level_is_a_preview_at_any_moment():
    layer = FloodLayer(flood((0.4,), is_preview=True))
    assert layer.span is None
    for when in (None, START, START + timedelta(days=400)):
        assert "preview" in layer.at(when).remarks[0]
        assert layer.at(when).water.depth_m.max() == pytest.approx(0.4)


@pytest.mark.parametrize(("colouring", "value"), [("velocity", 1.5), ("hazard", 2.0), ("arrival", 3600.0)])
def test_colours_of_other_things_than_depth(colouring, value):
    view = FloodLayer(flood((0.0, 0.4), velocity=True), colouring=colouring).at(START + timedelta(hours=1))
    assert view.water.value[5, 5] == pytest.approx(value)
    assert len(view.legends[0].entries) == len(view.water.colours)


@pytest.mark.parametrize("colouring", ["velocity", "wetness"])
def test_colours_that_a_flood_cannot_have(colouring):
    with pytest.raises(UsageError, match=colouring):
        FloodLayer(flood(), colouring=colouring)


def test_natural_water_has_no_legend():
    view = FloodLayer(flood(), colouring="natural").at(None)
    assert not view.legends
    assert not view.water.colours


def test_something_that_is_no_layer(village):
    with pytest.raises(UsageError, match="int is no layer"):
        Scene(village, [3])


def test_all_layers_together_span_the_time(village, lit):
    later = flood((0.1, 0.2), name="later")
    scene = lit(village, layers=[flood(), later, Fixed()])
    assert scene.span == (START, START + timedelta(hours=2))
    assert lit(village).span is None


@dataclass(frozen=True)
class Fixed:
    """A layer of a user that colours a house."""

    name: str = "mine"
    span: None = None

    def at(self, when):
        return LayerView(building_rgb={"b": (250, 0, 0), "unknown": (1, 2, 3)}, remarks=("mine",))


def test_another_moment_shares_pack_and_light(village, lit):
    scene = lit(village, layers=[flood()])
    other = scene.at(scene.when + timedelta(seconds=1))
    assert other.pack is scene.pack
    assert other.light is scene.light
    assert other.moment is not scene.moment


@pytest.fixture(scope="module")
def scene(village, village_scene):
    made = Scene(village, [flood()], time=START + timedelta(hours=1))
    made._light = village_scene.light
    return made


@pytest.fixture(scope="module")
def dry(village, village_scene):
    bare = Scene(village, time=START + timedelta(hours=1))
    bare._light = village_scene.light
    return bare.image(size=SIZE, view=HIGH, furniture=BARE)


@needs_graphics
class TestPictures:
    def test_flooded_ground_is_blue_and_dry_ground_as_it_was(self, scene, dry):
        picture = scene.image(size=SIZE, view=HIGH, furniture=BARE)
        r, _, b = colour_at(picture, WET)
        assert b > r + 40
        assert np.abs(colour_at(picture, DRY) - colour_at(dry, DRY)).max() < 12

    def test_the_same_picture_twice(self, scene):
        first, second = (scene.image(size=SIZE, view=HIGH) for _ in range(2))
        assert np.array_equal(first, second)

    def test_a_stage_at_a_moment_shows_what_a_snapshot_of_it_does(self, scene):
        from twin.scene.render import render

        live = scene.stage()
        render(live.stage, HIGH, SIZE)
        for minutes in (0, 20, 60, 110):
            when = START + timedelta(minutes=minutes)
            live.show(when)
            fresh = scene.at(when)
            fresh._light, fresh.sun = scene.light, scene.sun
            expected = fresh.image(size=SIZE, view=HIGH, furniture=BARE)
            assert np.array_equal(render(live.stage, HIGH, SIZE), expected)

    def test_groups_are_hidden_and_faded(self, scene, dry):
        from twin.scene.render import render

        live = scene.stage()
        assert {"buildings", "terrain", "trees", "water", "flood", "edges"} <= set(live.groups)
        live.set_visible("flood", False)
        assert np.abs(colour_at(render(live.stage, HIGH, SIZE), WET) - colour_at(dry, WET)).max() < 2
        live.set_visible("flood", True)
        full = colour_at(render(live.stage, HIGH, SIZE), WET)
        live.set_opacity("flood", 0.5)
        half = colour_at(render(live.stage, HIGH, SIZE), WET)
        assert full[2] - full[0] > half[2] - half[0] + 10
        with pytest.raises(UsageError, match="nonsense"):
            live.set_visible("nonsense", False)
        with pytest.raises(UsageError, match="opacity"):
            live.set_opacity("flood", 1.5)

    def test_faded_houses_let_the_ground_through(self, scene):
        from twin.scene.render import render

        live = scene.stage()
        solid = render(live.stage, HIGH, SIZE).astype(int)
        live.set_opacity("buildings", 0.3)
        faded = render(live.stage, HIGH, SIZE).astype(int)
        roof = project(HIGH, np.array([(-17.0, -15.0, 9.0)]), SIZE)[0].astype(int)
        assert np.abs(solid - faded)[roof[1], roof[0]].sum() > 25
        live.set_opacity("buildings", 1.0)
        assert np.array_equal(render(live.stage, HIGH, SIZE), solid)

    def test_another_light_on_a_stage_is_that_of_a_new_one(self, village, scene):
        from twin.scene.render import render

        live = scene.stage()
        render(live.stage, HIGH, SIZE)
        morning = START - timedelta(hours=5)
        live.show(morning)
        before = render(live.stage, HIGH, SIZE)
        live.relight()
        expected = scene.at(morning)
        expected._light = live.scene.light
        picture = render(live.stage, HIGH, SIZE)
        assert np.array_equal(picture, expected.image(size=SIZE, view=HIGH, furniture=BARE))
        assert np.abs(picture.astype(int) - before).mean() > 2

    def test_colours_of_buildings_by_a_layer(self, village, lit):
        scene = lit(village, layers=[Fixed()])
        picture = scene.image(size=SIZE, view=HIGH, furniture=BARE)
        plain = lit(village).image(size=SIZE, view=HIGH, furniture=BARE)
        coloured, own = (colour_at(picture, (x, -15.0, z)) for x, z in ((1.0, 14.0), (-17.0, 9.0)))
        assert coloured[0] > coloured[1] + 100
        assert np.abs(own - colour_at(plain, (-17.0, -15.0, 9.0))).max() < 2

    def test_a_picture_on_the_ground_and_on_the_river(self, village, lit):
        west, east = ((250, 0, 250, 255), (0, 0, 0, 0))
        rgba = np.zeros((2, 2, 4), np.uint8)
        rgba[:, 0], rgba[:, 1] = west, east
        layer = Draped(Picture(rgba, Bounds(WEST, NORTH - 45, WEST + 60, NORTH + 15)))
        picture = lit(village, layers=[layer]).image(size=SIZE, view=HIGH, furniture=BARE)
        plain = lit(village).image(size=SIZE, view=HIGH, furniture=BARE)
        for place in ((-26.0, 0.0, 0.0), (-26.0, 24.0, 0.0)):
            r, g, b = colour_at(picture, place)
            assert min(r, b) > g + 100, place
        assert np.abs(colour_at(picture, DRY) - colour_at(plain, DRY)).max() < 2


@dataclass(frozen=True)
class Draped:
    """A layer that lies on the ground."""

    drape: Picture
    name: str = "field"
    span: None = None

    def at(self, when):
        return LayerView(drape=self.drape)


def test_pictures_on_the_ground_are_laid_over_each_other():
    red, blue = np.zeros((4, 4, 4), np.uint8), np.zeros((2, 2, 4), np.uint8)
    red[:], blue[:] = (255, 0, 0, 255), (0, 0, 255, 255)
    both = together([Picture(red, Bounds(0, 0, 4, 4)), Picture(blue, Bounds(2, 0, 6, 4))])
    assert both.bounds == Bounds(0, 0, 6, 4)
    assert both.rgba[2, 0].tolist() == [255, 0, 0, 255]
    assert both.rgba[2, 3].tolist() == [0, 0, 255, 255]


def test_a_fixed_sun_stays_where_it_is(village):
    scene = Scene(village, [flood()], time=START, sun="2026-07-01T17:00+02:00")
    other = scene.at(START + timedelta(hours=2))
    assert other.sun == scene.sun
    assert other.sun.when != other.when
    assert Scene(village, time=START, sun="studio").sun.when is None
    assert scene.in_same_light(START + timedelta(hours=1)).sun is scene.sun


def test_a_sun_that_is_left_where_it_stands_is_not_told_of_as_that_of_another_moment(village):
    scene = Scene(village, [flood()], time=START)
    assert "° high" in _subtitle(scene)
    other = scene.at(START + timedelta(hours=5), still_sun=True)
    assert (other.sun.azimuth_deg, other.sun.elevation_deg) == (
        scene.sun.azimuth_deg,
        scene.sun.elevation_deg,
    )
    assert other.when.strftime("%H:%M") in _subtitle(other)
    assert "high" not in _subtitle(other)
