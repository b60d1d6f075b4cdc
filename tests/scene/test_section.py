"""Sections and profiles against what is known of boxes and gables."""

from dataclasses import replace

import numpy as np
import pytest
import shapely

from tests.energy.test_face_sun import ORIGIN as PLACE
from tests.energy.test_face_sun import box, world
from twin.core.errors import UsageError
from twin.scene.measure import Ground
from twin.scene.profile import height_profile, profile_picture, write_profile
from twin.scene.section import Plane, cap_triangles, cut_mesh, cut_solids, section, vertical_plane, with_water

MAP = np.array([84_000.0, 447_000.0, 0.0])


def test_a_gable_is_cut_to_its_five_corners(solids):
    house = solids["gable"](10, -20, 24, -10, -0.3, 6, 10)
    plane = vertical_plane((MAP[0] + 15, MAP[1] - 30), (MAP[0] + 15, MAP[1]))
    areas, loose = cut_solids([house], ["c"], plane)
    assert set(areas) == {"c"}
    assert areas["c"].area == pytest.approx(10 * 6.3 + 10 * 4 / 2)
    assert areas["c"].bounds[1::2] == pytest.approx((-0.3, 10))
    assert loose.is_empty


def test_a_level_cut_is_the_plan_and_misses_what_is_lower(solids):
    made = [solids["box"](-22, -20, -12, -10, -0.3, 9), solids["box"](-4, -20, 6, -10, -0.3, 14)]
    areas, _ = cut_solids(made, ["a", "b"], Plane((MAP[0], MAP[1], 11.0), (0, 0, 1)))
    assert set(areas) == {"b"}
    assert areas["b"].area == pytest.approx(100)
    # In a level plane along is east and up is north.
    assert areas["b"].bounds == pytest.approx((-4, -20, 6, -10))


def test_a_slanting_cut_has_the_area_that_the_slope_gives(solids):
    made = [solids["box"](0, 0, 10, 10, 0, 10)]
    plane = Plane((MAP[0] + 5, MAP[1] + 5, 5.0), (-0.5, 0, 1))
    areas, _ = cut_solids(made, ["a"], plane)
    assert areas["a"].area == pytest.approx(100 * np.sqrt(1.25))
    assert cut_solids(made, ["a"], Plane((MAP[0] + 50, 0, 0), (1, 0, 0)))[0] == {}


def test_a_mesh_is_cut_like_a_solid_and_a_plane_beside_it_meets_nothing():
    import trimesh

    corners = trimesh.creation.box((12, 10, 30)).triangles
    assert cut_mesh(corners, Plane((1.0, 0, 0), (1, 0, 0))).area == pytest.approx(300)
    assert cut_mesh(corners, Plane((7.0, 0, 0), (1, 0, 0))).is_empty


def test_a_yard_is_a_hole_of_the_cut(solids):
    outer, inner = solids["box"](0, 0, 20, 20, 0, 10), solids["box"](5, 5, 15, 15, 0, 10)
    both = type(outer)(
        np.concatenate([outer.vertices, inner.vertices]),
        np.concatenate([outer.corners, inner.corners[::-1] + 8]).astype(np.int32),
        np.concatenate([outer.ring_starts, inner.ring_starts[1:] + len(outer.corners)]).astype(np.int32),
        np.concatenate([outer.face_starts, inner.face_starts[1:] + outer.n_faces]).astype(np.int32),
        np.concatenate([outer.surface, inner.surface]),
    )
    areas, _ = cut_solids([both], ["ring"], Plane((MAP[0], MAP[1], 5.0), (0, 0, 1)))
    assert areas["ring"].area == pytest.approx(400 - 100)


def test_caps_fill_the_cut_and_face_what_was_cut_away(solids):
    plane = Plane((MAP[0], MAP[1] - 15, 0.0), (0, -1, 0))
    areas, _ = cut_solids([solids["gable"](10, -20, 24, -10, 0, 6, 10)], ["c"], plane)
    caps = cap_triangles(areas["c"], plane)
    cross = np.cross(caps[:, 1] - caps[:, 0], caps[:, 2] - caps[:, 0])
    assert np.linalg.norm(cross, axis=1).sum() / 2 == pytest.approx(areas["c"].area)
    assert (cross[:, 1] < 0).all()
    np.testing.assert_allclose(caps[..., 1], MAP[1] - 15)
    assert cap_triangles(shapely.Polygon(), plane).shape == (0, 3, 3)


def test_the_ground_and_water_are_cut_along_an_upright_plane(solids):
    around = world(box(-5, -5, 5, 5, 10))
    bed, depth = np.zeros(around.grid.shape, np.float32), np.zeros(around.grid.shape, np.float32)
    depth[:, :30] = 1.5
    plane = vertical_plane((PLACE[0] - 60, PLACE[1]), (PLACE[0] + 60, PLACE[1]))
    found = section(around, [], [], plane, water=(around.grid, bed, depth))
    assert found.earth.area == pytest.approx(120 * 3, rel=0.02)
    assert found.water.area == pytest.approx(30 * 1.5, rel=0.05)
    assert section(around, [], [], Plane((0, 0, 3), (0, 0, 1))).earth.is_empty
    assert with_water(found, around, []).water.is_empty
    twice = with_water(found, around, [(around.grid, bed, depth), (around.grid, bed, 2 * depth)])
    assert twice.water.area == pytest.approx(2 * found.water.area)
    with pytest.raises(UsageError, match="are one"):
        vertical_plane((0, 0), (0, 0))
    with pytest.raises(ValueError, match="normal"):
        Plane((0, 0, 0), (0, 0, 0))


def test_a_profile_tells_ground_roof_water_and_whose_roof():
    around = world(box(-5, -5, 5, 5, 10))
    grid = around.grid
    bed, depth = np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.float32)
    depth[:, :30] = 1.5
    line = np.array([(-50.0, 0.0), (50, 0)]) + PLACE[:2]
    seen = Ground(grid, np.full(grid.shape, 2.0, np.float32))
    found = height_profile(around, line, seen=seen, water=(grid, bed, depth))
    assert found.along_m[-1] == pytest.approx(100)
    np.testing.assert_allclose(found.ground_m, 0)
    on_roof = np.array([name == "b0" for name in found.building])
    np.testing.assert_allclose(found.building_m[on_roof], 10, atol=1e-4)
    assert np.isnan(found.building_m[~on_roof]).all()
    assert found.along_m[on_roof].min() == pytest.approx(45, abs=0.5)
    assert np.isfinite(found.water_m).sum() == pytest.approx(40, abs=2)
    assert np.nanmax(found.water_m) == pytest.approx(1.5)
    assert list(found.table().columns) == [
        "along_m",
        "x",
        "y",
        "ground_m",
        "building_m",
        "building",
        "seen_m",
        "water_m",
    ]


def test_a_profile_shows_what_stands_without_a_footprint():
    around = world(box(-5, -5, 5, 5, 10))
    mass = np.array([[20.0, -5, 7], [30, -5, 7], [30, 5, 7]]) + np.array([*PLACE[:2], 0])
    found = height_profile(replace(around, others=mass[None]), np.array([(-50.0, 0.0), (50, 0)]) + PLACE[:2])
    there = (found.along_m > 76) & (found.along_m < 79)
    np.testing.assert_allclose(found.building_m[there], 7, atol=1e-4)
    assert {name for name, on in zip(found.building, there, strict=True) if on} == {""}
    assert "b0" in found.building


def test_a_profile_is_drawn_in_its_colours_and_kept(tmp_path):
    around = world(box(-5, -5, 5, 5, 10))
    found = height_profile(around, np.array([(-50.0, 0.0), (50, 0)]) + PLACE[:2])
    picture = profile_picture(found, size=(640, 320), title="From A to B")
    assert picture.shape == (320, 640, 3)
    middle = picture[:, 345]
    assert (np.abs(middle.astype(int) - (168, 176, 190)).max(axis=1) < 4).sum() > 40  # the block
    assert (np.abs(middle.astype(int) - (196, 182, 158)).max(axis=1) < 4).sum() > 10  # the earth
    write_profile(found, tmp_path / "p.csv")
    write_profile(found, tmp_path / "p.png")
    assert (tmp_path / "p.csv").read_text().startswith("along_m,x,y")
    with pytest.raises(UsageError, match="suffix"):
        write_profile(found, tmp_path / "p.pdf")
