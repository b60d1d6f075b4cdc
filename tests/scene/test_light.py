"""Sky and sun on simple shapes, whose light is known in closed form."""

import numpy as np
import pytest

from twin.energy.sun import Sun
from twin.scene import light as light_module
from twin.scene.light import (
    LitMesh,
    Occluders,
    Texels,
    bake_sky,
    bake_sun,
    hemisphere,
    light_points,
    texel_places,
)
from twin.scene.lightmap import sun_rays
from twin.scene.stage import light_balance
from twin.scene.style import load_style

SQUARE = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
NOTHING = np.empty((0, 3, 3), np.float32)


def plate(half, z=0.0, n=33):
    """A level square that looks up, with an n x n light map."""
    points = np.array([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]], np.float32)
    texel = np.array([[0, 0], [n - 1, 0], [n - 1, n - 1], [0, n - 1]], np.float32)
    normals = np.tile(np.array([0, 0, 1], np.float32), (4, 1))
    return LitMesh(points, normals, texel, SQUARE, np.zeros(2, np.int32), (n, n))


def wall_at(x, height, half=500.0):
    """An upright wall along y, as triangles."""
    p = np.array([[x, -half, -1], [x, half, -1], [x, half, height], [x, -half, height]], np.float32)
    return p[SQUARE]


def test_open_ground_sees_all_of_the_sky():
    texels = Texels.of(plate(10))
    assert (texels.owner >= 0).all()
    assert bake_sky(Occluders.of(NOTHING, NOTHING), texels).min() == 255


def test_beside_a_long_wall_the_sky_view_is_as_textbooks_say():
    # An endless wall of height h at distance d leaves (1 + cos(atan(h / d))) / 2 of the sky; Oke (1987).
    texels = Texels.of(plate(8, n=33))
    sky = bake_sky(Occluders.of(wall_at(10.0, 6.0), NOTHING), texels) / 255
    x = np.linspace(-8, 8, 33)
    expected = (1 + np.cos(np.arctan(6.0 / (10.0 - x)))) / 2
    # The outermost texels are smoothed from one side alone.
    np.testing.assert_allclose(sky[16, 2:-2], expected[2:-2], atol=0.02)


def test_an_upright_face_sees_half_the_sky_and_less_at_its_foot():
    wall = LitMesh(
        np.array([[0, -9, 0], [0, 9, 0], [0, 9, 8], [0, -9, 8]], np.float32),
        np.tile(np.array([1, 0, 0], np.float32), (4, 1)),
        np.array([[0, 0], [35, 0], [35, 15], [0, 15]], np.float32),
        SQUARE,
        np.zeros(2, np.int32),
        (16, 36),
    )
    opposite = Occluders.of(wall_at(6.0, 8.0), NOTHING)
    sky = bake_sky(opposite, Texels.of(wall)) / 255
    # Smoothed over two texels below, where the opposite wall takes some.
    assert sky[15, 18] == pytest.approx(0.5, abs=0.05)
    assert sky[0, 18] < sky[8, 18] < sky[15, 18]


def test_level_ground_in_the_sun_has_the_sine_of_its_elevation():
    direction = (0.0, -np.cos(np.radians(30)), np.sin(np.radians(30)))
    light = bake_sun(Occluders.of(NOTHING, NOTHING), Texels.of(plate(10)), direction)
    assert set(np.unique(light)) == {round(255 * 0.5)}


def test_a_shadow_is_as_long_as_the_wall_is_high_under_a_sun_at_45_degrees():
    direction = (np.cos(np.pi / 4), 0.0, np.sin(np.pi / 4))
    texels = Texels.of(plate(8, n=129))
    light = bake_sun(Occluders.of(wall_at(8.5, 6.0), NOTHING), texels, direction) / 255
    x = np.linspace(-8, 8, 129)
    assert (light[64, x > 8.5 - 6 + 0.3] == 0).all()
    np.testing.assert_allclose(light[64, x < 8.5 - 6 - 0.3], np.sin(np.pi / 4), atol=0.01)
    border = light[64, np.abs(x - 2.5) < 0.25]
    assert ((border > 0.02) & (border < 0.69)).any()


def test_crowns_let_some_light_through():
    crown = np.array([[[-50, -50, 9], [50, -50, 9], [0, 90, 9]]], np.float32)
    straight = (0.0, 0.0, 1.0)
    below = bake_sun(Occluders.of(NOTHING, crown), Texels.of(plate(2)), straight)
    assert 0 < below.max() < 100


def test_no_sun_at_night():
    assert not bake_sun(Occluders.of(NOTHING, NOTHING), Texels.of(plate(2)), (0.0, 0.9, -0.1)).any()


@pytest.mark.parametrize("style", ["light", "dark"])
def test_level_ground_is_seen_by_night_and_shows_its_colour_by_day(style):
    heights = np.arange(-90.0, 90.5, 0.5)
    lit = []
    for height in heights:
        balance = light_balance(load_style(style), Sun(180.0, float(height)))
        sine = max(np.sin(np.radians(height)), 0.0)
        lit.append(np.mean(np.array(balance["sunLight"]) * sine + np.array(balance["skyLight"])))
    lit = np.array(lit)
    white = lit[-1]
    np.testing.assert_allclose(lit[heights >= 18], white, rtol=1e-6)
    assert (lit >= 0.38 * white).all()  # the sky is blue, of which a mean of three tells less
    assert (np.diff(lit) > -0.02).all()
    assert lit[0] < 0.6 * white


def test_points_in_the_air_see_past_what_stands_elsewhere():
    occluders = Occluders.of(wall_at(5.0, 50.0), NOTHING)
    points = np.array([[0, 0, 2], [0, 0, 200]], np.float32)
    light = light_points(occluders, points, direction=(1.0, 0.0, 0.001))
    assert light[0, 0] == 0
    assert light[1].tolist() == [255, 255]


def test_the_hemisphere_is_even():
    directions = hemisphere(512)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    np.testing.assert_allclose(directions.mean(axis=0), [0, 0, 2 / 3], atol=5e-3)


def test_the_same_light_twice(village_scene):
    from twin.scene.bake import light_for

    again = light_for(village_scene.pack, village_scene.sun, None)
    for name in ("atlas", "plan", "table", "trees"):
        np.testing.assert_array_equal(getattr(again, name), getattr(village_scene.light, name))


class Ended(Exception):
    pass


def test_light_that_nobody_waits_for_can_be_ended(village, village_scene):
    from twin.scene.scene import Scene

    scene, looks = Scene(village, time=village_scene.when), []

    def check():
        looks.append(1)
        if len(looks) > 2:
            raise Ended

    with pytest.raises(Ended):
        scene.cast_light(check)
    assert not scene.has_light
    for name in ("atlas", "plan", "table", "trees"):
        np.testing.assert_array_equal(getattr(scene.light, name), getattr(village_scene.light, name))


def test_where_nothing_can_be_kept_the_sky_is_baked_once(village, village_scene, monkeypatch):
    from datetime import timedelta

    from twin.scene import bake
    from twin.scene.scene import Scene

    skies, sky = [], bake.Baker.sky
    monkeypatch.setattr(bake.Baker, "sky", lambda baker: skies.append(1) or sky(baker))
    scene = Scene(village, time=village_scene.when)
    later = scene.at(scene.when + timedelta(hours=2))
    assert np.array_equal(scene.light.atlas, village_scene.light.atlas)
    assert not np.array_equal(later.light.atlas[..., 0], scene.light.atlas[..., 0])
    assert np.array_equal(later.light.atlas[..., 1], scene.light.atlas[..., 1])
    assert len(skies) == 1


def test_light_of_a_plan_is_kept_where_it_is_told(village, village_scene, tmp_path, monkeypatch):
    from dataclasses import replace

    from twin.scene import bake
    from twin.scene.scene import Scene

    kept = replace(village, light_folder=tmp_path)
    first = Scene(kept, time=village_scene.when).light
    monkeypatch.setattr(bake.Baker, "sun", None)
    again = Scene(kept, time=village_scene.when)
    assert again.pack_file is None  # the pack itself is of nobody's cache
    for name in ("atlas", "plan", "table", "trees"):
        np.testing.assert_array_equal(getattr(again.light, name), getattr(first, name))


def test_only_the_last_skies_and_lights_are_kept(tmp_path):
    import os

    from twin.scene.bake import _KEPT_SKIES, _KEPT_SUNS, _forget_old

    for k in range(12):
        for name in (f"sky-{k:02d}.npz", f"light5-{k:02d}.npz", f"pack-{k:02d}.npz"):
            (tmp_path / name).touch()
            os.utime(tmp_path / name, (k, k))
    _forget_old(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert [n for n in left if n.startswith("sky")] == [
        f"sky-{k:02d}.npz" for k in range(12 - _KEPT_SKIES, 12)
    ]
    assert sum(n.startswith("light") for n in left) == _KEPT_SUNS
    assert sum(n.startswith("pack") for n in left) == 12


def test_the_whole_border_of_a_shadow_is_found_by_few_samples(monkeypatch):
    direction = (np.cos(np.pi / 4), 0.1, np.sin(np.pi / 4))
    direction = tuple(np.array(direction) / np.linalg.norm(direction))
    texels = Texels.of(plate(8, n=129))
    occluders = Occluders.of(wall_at(8.5, 6.0), NOTHING)
    few = bake_sun(occluders, texels, direction).astype(int)
    monkeypatch.setattr(light_module, "_FIRST_SAMPLES", light_module._BORDER_SAMPLES - 1)
    all_of_them = bake_sun(occluders, texels, direction).astype(int)
    assert np.abs(few - all_of_them).max() <= 16
    assert np.abs(few - all_of_them).mean() < 0.1


def test_texels_that_face_away_get_no_ray_and_the_others_start_above_their_surface():
    ridge = LitMesh(
        np.array([[-4, 0, 0], [0, 0, 4], [0, 8, 4], [-4, 8, 0], [4, 0, 0], [4, 8, 0]], np.float32),
        np.tile(np.array([0, 0, 1], np.float32), (6, 1)),
        np.array([[0, 0], [15, 0], [15, 15], [0, 15], [31, 0], [31, 15]], np.float32),
        np.array([[0, 1, 2], [0, 2, 3], [1, 4, 5], [1, 5, 2]], np.int32),
        np.zeros(4, np.int32),
        (16, 32),
    )
    slopes = np.repeat(np.array([[-1, 0, 1], [1, 0, 1]], np.float32) / np.float32(2**0.5), 4, axis=0)
    corners = ridge.triangles.ravel()
    flat = LitMesh(
        ridge.points[corners],
        slopes[np.repeat([0, 0, 1, 1], 3) * 4],
        ridge.texel[corners],
        np.arange(12, dtype=np.int32).reshape(4, 3),
        ridge.kin,
        ridge.shape,
    )
    texels, towards = Texels.of(flat), np.array([0.9, 0.0, (1 - 0.81) ** 0.5])
    origins, lit, cosine = sun_rays(
        flat.points,
        flat.normals,
        flat.texel,
        flat.triangles,
        owner=texels.owner,
        index=texels.index,
        offset=(0.0, 0.0),
        towards=towards,
    )
    east = texels.owner.ravel()[texels.index] >= 2
    np.testing.assert_array_equal(np.flatnonzero(east), lit)
    np.testing.assert_allclose(cosine, np.where(east, (0.9 + towards[2]) / 2**0.5, 0), atol=1e-6)
    places, normals = texel_places(texels, texels.index[lit])
    np.testing.assert_allclose(origins, places + 0.03 * normals, atol=1e-5)
