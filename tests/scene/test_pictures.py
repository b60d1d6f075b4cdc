"""What is in the picture: small ones of the village, looked at pixel by pixel."""

from dataclasses import replace

import numpy as np
import pytest

from tests.drawing import needs_graphics
from twin.core.errors import GraphicsError, LimitError, UsageError
from twin.scene.camera import Camera, project
from twin.scene.colour import Painting
from twin.scene.drawables import make_stage
from twin.scene.graphics import probe_graphics
from twin.scene.render import pieces, render, samples_a_side
from twin.scene.scene import Scene
from twin.scene.shot import Furniture, check_size
from twin.scene.stage import recolour

SIZE = (320, 200)
BARE = Furniture.none()
HIGH = Camera((0.0, -70.0, 70.0), (0.0, -2.0, 0.0), view_angle_deg=45.0)

pytestmark = needs_graphics


@pytest.fixture(scope="module")
def picture(village_scene):
    return village_scene.image(size=SIZE, view=HIGH, furniture=BARE)


def colour_at(picture, point, camera=HIGH, reach=2):
    """Mean colour around where a point in local metres appears."""
    height, width = picture.shape[:2]
    x, y, _ = project(camera, np.array([point]), (width, height))[0]
    x, y = round(x), round(y)
    return picture[y - reach : y + reach + 1, x - reach : x + reach + 1].reshape(-1, 3).mean(axis=0)


def test_water_is_blue(picture):
    r, _, b = colour_at(picture, (0, 24, 0))
    assert b > r + 30


def test_grass_is_green_and_the_road_is_grey(picture):
    r, g, b = colour_at(picture, (-26, 10, 0))
    assert g > r + 5
    assert g > b + 15
    road = colour_at(picture, (-26, 0, 0))
    assert np.ptp(road) < 25


def test_ground_in_the_shadow_of_a_house_is_darker_than_in_the_sun(village_scene, picture):
    east, north, up = village_scene.sun.direction
    top = np.array([1.0, -15.0, 14.0])
    shadow = top - np.array([east, north, up]) * (14.0 / up)
    shadow[2] = 0
    on_road = np.array([shadow[0], 0.0, 0.0])
    sunny = np.array([-26.0, 0.0, 0.0])
    in_shadow = colour_at(picture, tuple(top - np.array([east, north, up]) * 13.0 / up)).sum()
    assert in_shadow < 0.8 * colour_at(picture, tuple(sunny)).sum(), (shadow, on_road)


def test_the_sunny_side_of_a_house_is_lighter_than_the_other(village_scene):
    def wall(view_from):
        camera = Camera((1.0 + view_from, -15.0, 9.0), (1.0, -15.0, 9.0), view_angle_deg=20.0)
        seen = village_scene.image(size=(120, 90), view=camera, furniture=BARE)
        return seen[40:50, 50:70].mean()

    # The sun stands in the south-west: west walls are lit, east walls are not.
    assert wall(-30.0) > 1.25 * wall(30.0)


def test_a_chosen_time_moves_the_shadows(village, picture):
    morning = Scene(village, time="2026-06-21T06:00+02:00").image(size=SIZE, view=HIGH, furniture=BARE)
    assert np.abs(morning.astype(int) - picture.astype(int)).mean() > 4


def test_the_dark_style_is_darker(village, lit, picture):
    dark = lit(village, style="dark").image(size=SIZE, view=HIGH, furniture=BARE)
    assert dark.mean() < 0.5 * picture.mean()


def test_the_same_picture_twice(village, lit, picture):
    np.testing.assert_array_equal(lit(village).image(size=SIZE, view=HIGH, furniture=BARE), picture)


def test_new_colours_leave_the_geometry_alone(village_scene):
    stage = make_stage(village_scene.pack, village_scene.light, village_scene.style, village_scene.sun)
    actor = stage.groups["buildings"][0]
    data = actor.GetMapper().GetInput()
    points, cells = data.GetPoints(), data.GetPolys()
    stamps = data.GetMTime(), points.GetMTime(), cells.GetMTime(), data.GetPointData().GetMTime()
    before = render(stage, HIGH, SIZE)
    colours = np.array([(250, 0, 0), (0, 0, 250), (0, 250, 0)], np.uint8)
    recolour(stage, Painting(np.arange(3, dtype=np.uint8), colours))
    assert (data.GetMTime(), points.GetMTime(), cells.GetMTime(), data.GetPointData().GetMTime()) == stamps
    assert data.GetPoints() is points
    after = render(stage, HIGH, SIZE)
    r, _, b = colour_at(after, (1.0, -15.0, 14.0))
    assert b > r + 80
    r, _, b = colour_at(after, (-17.0, -15.0, 9.0))
    assert r > b + 80
    assert np.abs(before.astype(int) - after.astype(int)).max() > 80
    recolour(stage, None)
    np.testing.assert_array_equal(render(stage, HIGH, SIZE), before)


def test_water_mirrors_what_stands_on_its_shore(village_scene):
    # From low in the north, the mirror image of a crown hangs below its shore.
    camera = Camera((-20.0, 60.0, 6.0), (-20.0, 10.0, 0.0), view_angle_deg=40.0)
    seen = village_scene.image(size=(200, 150), view=camera, furniture=BARE)
    tree, open_water = (colour_at(seen, p, camera) for p in ((-20.0, 26.0, 0.0), (0.0, 26.0, 0.0)))
    assert tree.sum() < open_water.sum() - 15


@pytest.mark.parametrize("size", [(97, 61), (333, 251), (64, 400)])
def test_odd_sizes_are_kept(village_scene, size):
    seen = village_scene.image(size=size, view="overview", furniture=BARE)
    assert seen.shape == (size[1], size[0], 3)
    assert seen.std() > 10


def test_pieces_cover_a_picture_once():
    for size in ((1920, 1080), (7680, 4320), (4097, 3001), (100, 9000)):
        w, h, corners = pieces(size)
        covered = np.zeros((size[1], size[0]), np.uint8)
        for x, y in corners:
            covered[y : y + h, x : x + w] += 1
        assert covered.min() == covered.max() == 1
        assert w * h * samples_a_side(size) ** 2 < 4_300_000


def test_a_picture_in_pieces_is_the_picture(village_scene, monkeypatch):
    import twin.scene.render as module

    whole = village_scene.image(size=(400, 260), view=HIGH, furniture=BARE).astype(int)
    monkeypatch.setattr(module, "_PIECE_SAMPLES", 180_000)
    pieces = village_scene.image(size=(400, 260), view=HIGH, furniture=BARE).astype(int)
    # The grain of sky and paper and the mirror image follow the window; nothing else may.
    assert np.abs(whole - pieces).mean() < 1.0
    assert np.percentile(np.abs(whole - pieces), 99) < 12


def test_furniture_and_labels_change_pixels(village_scene, picture):
    full = village_scene.image(size=SIZE, view=HIGH)
    assert (full != picture).any(axis=2).mean() > 0.02
    labelled = village_scene.image(size=SIZE, view=HIGH, furniture=replace(BARE, labels=True))
    changed = np.argwhere((labelled != picture).any(axis=2))
    x, y, _ = project(HIGH, np.array([(-10.0, 22.0, 0.0)]), SIZE)[0]
    assert len(changed) > 30
    assert np.linalg.norm(changed.mean(axis=0) - (y, x)) < 25


def test_a_hangul_label_is_drawn(make_village, lit, picture):
    from twin.scene.fonts import font_for
    from twin.scene.model import Label

    if font_for("운하") is None:
        pytest.skip("no font for Hangul here (Debian: fonts-noto-cjk)")
    base = make_village().labels[0].position
    only = replace(BARE, labels=True)
    pictures = [
        lit(make_village(labels=(Label(text, base, "water"),))).image(size=SIZE, view=HIGH, furniture=only)
        for text in ("운하", "강가")
    ]
    assert (pictures[0] != picture).any()
    assert (pictures[0] != pictures[1]).any()


def test_sizes_that_make_no_sense_are_refused():
    with pytest.raises(UsageError, match="8x200"):
        check_size((8, 200))
    with pytest.raises(LimitError, match="too large"):
        check_size((16_000, 16_000))
    check_size((7680, 4320))


def test_a_machine_without_opengl_is_told_what_to_install(monkeypatch):
    import ctypes

    from twin.scene.graphics import offscreen_window

    def missing(name, *args, **kwargs):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(GraphicsError, match="libegl1 libgl1 libgl1-mesa-dri"):
        offscreen_window((16, 16))


def test_a_probe_that_dies_is_told_and_not_died_of(monkeypatch):
    monkeypatch.setattr("twin.scene.graphics._PROBE", "import os; os.abort()")
    assert "does not work" in probe_graphics()


def test_views_of_a_content_without_terrain(make_village):
    scene = Scene(make_village(terrain=None, trees=None))
    for view in ("overview", "street", "top"):
        assert scene.image(size=(120, 80), view=view).std() > 5


def test_without_a_screen_a_window_is_refused_with_words(village_scene, monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(GraphicsError, match="snapshot"):
        village_scene.show()


def test_a_window_tells_the_shaders_where_its_camera_stands(village_scene):
    from twin.scene.graphics import offscreen_window
    from twin.scene.window import camera_of, follow

    stage = make_stage(village_scene.pack, village_scene.light, village_scene.style, village_scene.sun)
    window, renderer = offscreen_window(SIZE), _renderer_with(stage)
    window.AddRenderer(renderer)
    view = renderer.GetActiveCamera()
    view.SetPosition(*HIGH.eye)
    view.SetFocalPoint(*HIGH.target)
    view.SetViewUp(0, 0, 1)
    view.SetViewAngle(HIGH.view_angle_deg)
    follow(stage, renderer)
    renderer.ResetCameraClippingRange()
    window.Render()
    found = camera_of(renderer)
    assert found.eye == pytest.approx(HIGH.eye)
    eye = [0.0, 0.0, 0.0]
    stage.actors[0].GetShaderProperty().GetFragmentCustomUniforms().GetUniform3f("eye", eye)
    assert eye == pytest.approx(HIGH.eye)
    renderer.RemoveAllViewProps()
    window.Finalize()


def _renderer_with(stage):
    from vtkmodules.vtkRenderingCore import vtkRenderer

    renderer = vtkRenderer()
    for actor in stage.actors:
        renderer.AddActor(actor)
    return renderer
