"""Cameras: fitted, named, from a file."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.core.errors import ConfigError, UsageError
from twin.scene.camera import (
    VIEWS,
    Camera,
    Margins,
    camera_to_json,
    fit,
    fit_top,
    load_camera,
    metres_per_pixel,
    named_view,
    project,
)
from twin.scene.facets import facets_from_solids
from twin.scene.pack import Material
from twin.scene.packing import pack_content
from twin.scene.render import piece_projection
from twin.scene.viewpoints import street_views

BARE = Margins(0, 0, 0, 0)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.floats(0, 360),
    st.floats(2, 80),
    st.floats(0.4, 4),
)
def test_everything_is_in_the_picture_and_touches_opposite_sides(seed, azimuth, elevation, aspect):
    points = np.random.default_rng(seed).uniform(-1, 1, (20, 3)) * (300, 200, 30)
    camera = fit(points, azimuth_deg=azimuth, elevation_deg=elevation, aspect=aspect, margins=BARE)
    size = (round(1000 * aspect), 1000)
    x, y, depth = project(camera, points, size).T
    assert (depth > 0).all()
    assert x.min() > -2
    assert x.max() < size[0] + 2
    assert y.min() > -2
    assert y.max() < 1002
    slack = min(max(x.min(), size[0] - x.max()), max(y.min(), 1000 - y.max()))
    assert slack < 3


def test_margins_stay_free():
    points = np.random.default_rng(1).uniform(-100, 100, (50, 3))
    margins = Margins(left=0.1, right=0.2, top=0.15, bottom=0.05)
    x, y, _ = project(
        fit(points, azimuth_deg=200, elevation_deg=30, aspect=1.5, margins=margins), points, (1500, 1000)
    ).T
    assert x.min() > 149
    assert x.max() < 1500 * 0.8 + 1
    assert y.min() > 149
    assert y.max() < 951


def test_the_camera_stands_where_it_was_asked_to():
    camera = fit(np.eye(3) * 10, azimuth_deg=90, elevation_deg=30, aspect=1)
    away = np.subtract(camera.eye, camera.target)
    away /= np.linalg.norm(away)
    assert away == pytest.approx([np.cos(np.pi / 6), 0, 0.5], abs=1e-6)


def test_the_view_from_above_has_north_up_and_one_scale():
    points = np.array([[0, 0, 0], [200, 100, 30.0]])
    camera = fit_top(points, aspect=2, margins=BARE)
    pixels = project(camera, np.array([[0, 0, 0], [0, 10, 0], [10, 0, 25.0]]), (2000, 1000))
    assert pixels[1] - pixels[0] == pytest.approx([0, -100, 0], abs=1e-6)
    assert pixels[2][:2] - pixels[0][:2] == pytest.approx([100, 0], abs=1e-6)
    assert metres_per_pixel(camera, 1000) == pytest.approx(0.1)


@pytest.mark.parametrize("view", VIEWS)
def test_every_named_view_shows_the_village(view, village_scene):
    camera = named_view(view, village_scene.pack, aspect=16 / 9)
    pixels = project(camera, village_scene.pack["fit_points"], (1600, 900))
    if view in {"street", "axis"}:  # these stand close
        return
    assert pixels[:, 0].min() >= 0
    assert pixels[:, 0].max() <= 1600
    assert pixels[:, 1].min() >= 0
    assert pixels[:, 1].max() <= 900


def test_a_street_view_stands_on_the_road_at_the_height_of_the_eyes(village_scene):
    x, y, z, _ = village_scene.pack.meta.street_views[0]
    assert abs(y) < 5
    assert abs(x) < 30
    assert z == pytest.approx(1.75, abs=0.01)


def test_a_street_view_looks_at_the_sunny_side_of_a_street(make_village, solids):
    rows = [solids["box"](-28, 8, 28, 14, -0.3, 6), solids["box"](-28, -14, 28, -8, -0.3, 6)]
    street = make_village(buildings=facets_from_solids(rows, [0, 1]), building_ids=("n", "s"), trees=None)
    pack = pack_content(street)
    assert 90 < pack.meta.sun_deg < 270, "the sun stands in the south"
    views = street_views(pack)
    assert views
    away_from_the_sun = [np.cos(np.radians(view[3] - pack.meta.sun_deg)) for view in views]
    assert max(away_from_the_sun) < 0.3
    assert np.cos(np.radians(views[0][3])) > -0.05, "rather north than south"


def test_an_unknown_view_names_the_known_ones(village_scene):
    with pytest.raises(UsageError, match="overview, street, top"):
        named_view("moon", village_scene.pack, aspect=1)


@pytest.mark.parametrize("suffix", ["json", "toml"])
def test_a_camera_from_a_file_is_in_map_coordinates(tmp_path, suffix):
    path = tmp_path / f"camera.{suffix}"
    eye, target = [84_010.0, 446_900.5, 50], [84_000, 447_000, 0]
    text = json.dumps({"eye": eye, "target": target, "view_angle_deg": 40})
    path.write_text(text if suffix == "json" else f"eye = {eye}\ntarget = {target}\nview_angle_deg = 40\n")
    camera = load_camera(path, (84_000, 447_000, 0))
    assert camera.eye == (10, -99.5, 50)
    assert camera_to_json(camera, (84_000, 447_000, 0)) == {
        "eye": eye,
        "target": target,
        "view_angle_deg": 40,
    }


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"eye": [0, 0, 1]}',
        '{"eye": [0, 0, 1], "target": [0, 0]}',
        '{"eye": [0, 0, 1], "target": [0, 0, 1]}',
        '{"eye": [0, 0, 1], "target": [0, 0, 0], "view_angle_deg": 400}',
        '{"eye": [0, 0, 1], "target": [0, 0, 0], "zoom": 2}',
        '{"eye": [0, 0, 1e400], "target": [0, 0, 0]}',
        '{"eye": [0, 0, 1%s], "target": [0, 0, 0]}' % ("0" * 400),
        '{"eye": [0, 0, 1%s], "target": [0, 0, 0]}' % ("0" * 5000),
        '{"eye": [0, 0, 1], "target": [0, 0, 0], "view_angle_deg": 1%s}' % ("0" * 400),
        '{"eye": 7, "target": [0, 0, 0]}',
        '{"eye": [[0, 0, 1], [0, 0, 2], [0, 0, 3]], "target": [0, 0, 0]}',
        '{"eye": [0, 0, NaN], "target": [0, 0, 0]}',
        "[" * 30_000,
        '{"eye": ' + "[" * 900 + "]" * 900 + ', "target": [0, 0, 0]}',
        " " * 70_000,
    ],
)
def test_a_damaged_camera_file_is_told(tmp_path, text):
    path = tmp_path / "camera.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"camera\.json"):
        load_camera(path, (0, 0, 0))


@pytest.mark.parametrize(
    "text",
    [
        "eye = " + "[" * 30_000,
        "eye = [0, 0, 1%s]\ntarget = [0, 0, 0]" % ("0" * 400),
        "eye = [0, 0, inf]\ntarget = [0, 0, 0]",
        "eye = [0, 0, 1]\ntarget = [0, 0, 0]\nparallel_height_m = 1%s" % ("0" * 400),
        "a" + ".a" * 3_000 + " = 1",  # deeper than Python nests; the time grows with the square
    ],
)
def test_a_damaged_camera_table_is_told(tmp_path, text):
    path = tmp_path / "camera.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"camera\.toml"):
        load_camera(path, (0, 0, 0))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.booleans())
def test_a_piece_of_a_picture_shows_what_the_whole_shows_there(seed, parallel):
    rng = np.random.default_rng(seed)
    camera = Camera((0, -100, 60), (5, 0, 0), parallel_height_m=80.0 if parallel else None)
    size = (1001, 601)
    x, y, w, h = 250, 100, 333, 201
    matrix = piece_projection(camera, size, (x, y, w, h), (1.0, 500.0))
    points = rng.uniform(-30, 30, (20, 3))
    seen = (points - camera.eye) @ camera.axes.T
    clip = np.column_stack([seen[:, 0], seen[:, 1], -seen[:, 2], np.ones(20)]) @ matrix.T
    ndc = clip[:, :3] / clip[:, 3:]
    column, row = x + (ndc[:, 0] + 1) / 2 * w, y + (1 - ndc[:, 1]) / 2 * h
    np.testing.assert_allclose(
        np.column_stack([column, row]), project(camera, points, size)[:, :2], atol=1e-6
    )
    assert (np.abs(ndc[:, 2]) < 1).all()


@pytest.mark.parametrize("aspect", [1.0, 16 / 9, 3.0])
def test_houses_fill_the_width_or_the_height_of_the_axis_view(village, aspect):
    pack = pack_content(village)
    houses = pack["facet_points"][pack["facet_material"] <= Material.ROOF_SLOPED]
    size = (round(600 * aspect), 600)
    seen = project(named_view("axis", pack, aspect=aspect), houses, size)
    left, top = seen[:, :2].min(axis=0) / size
    right, bottom = seen[:, :2].max(axis=0) / size
    assert left > -1e-6
    assert right < 1 + 1e-6
    assert top > 0.14 - 1e-6
    assert bottom < 0.86 + 1e-6
    assert right - left > 0.999 or bottom - top > 0.719


def test_sunk_points_lie_lower_and_as_large():
    points = np.random.default_rng(1).uniform(-50, 50, (40, 3)) * (1, 1, 0.1)
    view = {"azimuth_deg": 30, "elevation_deg": 20, "aspect": 1.0}
    rows = [project(fit(points, **view, sink=s), points, (500, 500))[:, 1] for s in (0.0, 0.5, 1.0)]
    assert rows[0].max() > rows[1].max() > rows[2].max()
    assert rows[0].max() == pytest.approx(500 * 0.92)
    assert rows[2].min() == pytest.approx(500 * 0.08)


def test_streets_along_houses_go_before_streets_without():
    from twin.scene.viewpoints import N_DIRECTIONS, _houses

    distance = np.full((2, N_DIRECTIONS), np.inf, np.float32)
    distance[1, ::2] = 20.0
    none, many = _houses(distance).max(axis=1)
    assert none == pytest.approx(0.1)
    assert many == pytest.approx(1.0)
