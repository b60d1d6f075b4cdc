"""Sun on roofs and walls: closed forms, symmetry, neighbours."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from twin.core.grid import Grid
from twin.core.mesh import Surface
from twin.core.place import Place
from twin.energy.face_sun import face_samples, sun_of_buildings, sun_on_faces
from twin.energy.hours import shadow_at, sun_hours_of
from twin.energy.standing import (
    Faces,
    Surroundings,
    building_cells,
    first_surface,
    with_building,
    without_buildings,
)
from twin.energy.track import sun_track

ORIGIN = np.array([155_000.0, 463_000.0, 0.0])
QUADS = np.array([[4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]])
ROOF, SOUTH, EAST, NORTH, WEST = range(5)
MARCH = sun_track(date(2026, 3, 20), Place(52.0, 5.387))


def box(x0, y0, x1, y1, top, bottom=0.0):
    ring = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float64)
    low, high = (np.column_stack([ring, np.full(4, z)]) for z in (bottom, top))
    triangles = np.concatenate([QUADS[:, [0, 1, 2]], QUADS[:, [0, 2, 3]]])[[0, 5, 1, 6, 2, 7, 3, 8, 4, 9]]
    kinds = np.array([Surface.ROOF, *[Surface.WALL] * 4], np.uint8)
    return Faces(
        np.concatenate([low, high]) + ORIGIN,
        triangles.astype(np.int32),
        np.repeat(np.arange(5, dtype=np.int32), 2),
        kinds,
        np.zeros(5, np.int32),
    )


def world(*boxes, half=60.0):
    grid = Grid(ORIGIN[0] - half, ORIGIN[1] + half, 1.0, int(2 * half), int(2 * half))
    none = np.empty((0, 3, 3))
    ring = np.array([(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)]) + ORIGIN
    empty = Faces(
        np.empty((0, 3)),
        np.empty((0, 3), np.int32),
        np.empty(0, np.int32),
        np.empty(0, np.uint8),
        np.empty(0, np.int32),
    )
    plain = ring[[[0, 1, 2], [0, 2, 3]]]
    flat = np.zeros(grid.shape, np.float32)
    around = Surroundings(grid, flat, empty, (), none, None, plain, Place(52.0, 5.387))
    for k, faces in enumerate(boxes):
        around = with_building(around, f"b{k}", faces)
    return around


def test_points_stand_for_the_area_of_their_faces():
    faces = box(0, 0, 10, 6, 8)
    samples = face_samples(faces, ORIGIN)
    area = np.bincount(samples.face, samples.area_m2)
    np.testing.assert_allclose(area, [60, 80, 48, 80, 48])
    inside = samples.position[samples.face == ROOF]
    assert inside.min(axis=0) == pytest.approx((0, 0, 8.03), abs=0.4)
    np.testing.assert_allclose(samples.normal[SOUTH], (0, -1, 0), atol=1e-12)


def test_a_lone_box_at_the_equinox_has_half_days_on_its_east_and_west_and_none_in_the_north():
    found = sun_on_faces(world(box(-5, -5, 5, 5, 10)), MARCH)
    day = MARCH.day_length_h
    assert found.hours[ROOF] == pytest.approx(day, rel=1e-5)
    assert found.hours[SOUTH] == pytest.approx(day, abs=0.3)  # the sun rises in the east and sets in the west
    assert found.hours[NORTH] == pytest.approx(0, abs=0.3)
    # The middle of the day is the border of both, to half a step; grid north is not quite north.
    assert found.hours[EAST] == pytest.approx(day / 2, abs=0.26)
    assert found.hours[WEST] == pytest.approx(day / 2, abs=0.26)


def test_a_table_tells_roofs_and_walls_apart():
    table = sun_of_buildings(sun_on_faces(world(box(-5, -5, 5, 5, 10)), MARCH), ("b0",))
    row = table.iloc[0]
    assert row["roof_m2"] == pytest.approx(100)
    assert row["wall_m2"] == pytest.approx(400)
    assert row["best_wall_sun_h"] > row["wall_sun_h"] > 0
    assert row["roof_sun_h"] == pytest.approx(MARCH.day_length_h, abs=0.01)


def test_a_neighbour_in_the_south_takes_sun_and_only_from_what_it_can_reach():
    alone = sun_on_faces(world(box(-5, 10, 5, 20, 10)), MARCH)
    both = sun_on_faces(world(box(-5, 10, 5, 20, 10), box(-20, -20, 20, -10, 40)), MARCH)
    assert both.hours[SOUTH] < alone.hours[SOUTH] - 2
    assert both.hours[NORTH] == pytest.approx(alone.hours[NORTH], abs=1e-6)
    assert both.hours[ROOF] < alone.hours[ROOF]


def test_party_walls_are_asked_for_no_sun():
    found = sun_on_faces(world(box(-10, -5, 0, 5, 10), box(0, -5, 10, 5, 10)), MARCH)
    assert np.isnan(found.hours[EAST])
    assert found.area_m2[EAST] == 0
    assert np.isnan(found.hours[5 + WEST])
    assert found.hours[WEST] > 4
    half = sun_on_faces(world(box(-10, -5, 0, 5, 10), box(0, -5, 10, 5, 5)), MARCH)
    assert half.area_m2[EAST] == pytest.approx(50, rel=0.1)  # the upper half is open


def test_only_those_asked_about_are_cast_for_and_the_others_still_throw_shadow():
    around = world(box(-5, 10, 5, 20, 10), box(-20, -20, 20, -10, 40))
    whole = sun_on_faces(around, MARCH)
    part = sun_on_faces(around, MARCH, only=np.array([True, False]))
    np.testing.assert_array_equal(part.hours[:5], whole.hours[:5])
    assert np.isnan(part.hours[5:]).all()


def test_a_building_that_is_taken_out_is_gone_for_ground_and_rays():
    around = world(box(-5, 10, 5, 20, 10), box(-20, -20, 20, -10, 40))
    left = without_buildings(around, ["b1"])
    assert len(left.buildings.surface) == 5
    assert first_surface(left).max() == pytest.approx(10)
    assert first_surface(around).max() == pytest.approx(40)
    assert building_cells(around).sum() == 100 + 400
    alone = sun_on_faces(world(box(-5, 10, 5, 20, 10)), MARCH)
    np.testing.assert_allclose(sun_on_faces(left, MARCH).hours, alone.hours)


def test_ground_and_rays_tell_the_same_of_a_plain_beside_a_block():
    around = world(box(-20, -6, 20, 6, 20))
    found = sun_hours_of(around, MARCH.day, surfaces=True)
    # A level sheet over the ground is asked by rays what the raster says of its cells.
    sheet = box(-1, 16, 1, 18, 0.02, bottom=0.01)
    rays = sun_on_faces(with_building(around, "sheet", sheet), MARCH)
    row, column = around.grid.rows_cols(np.array([ORIGIN[0] - 0.5]), np.array([ORIGIN[1] + 17.5]))
    assert found.ground_h[row[0], column[0]] == pytest.approx(rays.hours[5], abs=0.5)
    assert found.ground_h[row[0], column[0]] < MARCH.day_length_h - 2


def test_shadow_at_a_moment_is_that_of_the_sun_and_night_is_dark():
    from twin.energy.sun import parse_time

    around = world(box(-5, -5, 5, 5, 10))
    noon = shadow_at(around, parse_time("2026-03-20T11:46+00:00"))
    # 38 degrees high: 10 m throw 12.8 m to the north.
    assert noon.sum() == pytest.approx(10 * 12.8, abs=12)
    rows, _ = np.nonzero(noon)
    assert rows.max() < 55  # north of the box
    assert shadow_at(around, parse_time("2026-03-20T23:00+00:00")).all()


def test_crowns_shade_the_ground_where_they_count():
    crowns = np.full((120, 120), np.nan, np.float32)
    crowns[58:62, 58:62] = 12.0
    bare = world()
    grown = replace(bare, crowns_m=crowns)
    a, b = (sun_hours_of(w, MARCH.day).ground_h for w in (bare, grown))
    assert b[54, 60] < a[54, 60]
    assert first_surface(grown)[60, 60] == pytest.approx(12)
