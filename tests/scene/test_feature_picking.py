"""Points, lines and areas of added layers under a pixel, and their rows in the tables that they came from."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from twin.scene.added_layers import colour_places, feature_row
from twin.scene.camera import Camera, project
from twin.scene.feature_picking import pick_feature
from twin.scene.layers import MarkerView
from twin.scene.model import Lines, Overlay
from twin.scene.paint import overlay_colours
from twin.scene.picking import Kind, pick, prepare_picker
from twin.scene.scene import Scene

SIZE = (800, 600)
HIGH = Camera((0.0, -80.0, 70.0), (0.0, 0.0, 0.0), 40.0)
ABOVE = Camera((1.0, 3.0, 60.0), (1.0, 3.001, 0.0), 20.0)
SOUTH = Camera((1.0, -60.0, 8.0), (1.0, 20.0, 0.0), 40.0)


@pytest.fixture(scope="module")
def layers(make_village):
    """Two layers of points, a line before and one behind the tall house, and an area that lies over another."""
    origin = np.array(make_village().origin, float)
    square = np.array([(-28.0, -8), (-12, -8), (-12, 8), (-28, 8)]) + origin[:2]
    before = Lines(np.array([(-25.0, -25, 0.3), (25, -25, 0.3)]) + origin, np.array([0, 2], np.int32))
    behind = np.array([(-4.0, 2, 0.3), (6, 2, 0.3), (-4, 4, 0.3), (0, 4, 0.3), (6, 4, 0.3)]) + origin
    overlays = (
        Overlay("zones", areas=((square,),)),
        Overlay("wells", points=np.array([[20.0, 0, 0.3], [22.0, 3, 0.3]]) + origin),
        Overlay("pipes", lines=before),
        Overlay(
            "cables",
            lines=Lines(behind, np.array([0, 2, 5], np.int32)),
            points=np.array([[0.0, 10, 0.3]]) + origin,
        ),
        Overlay("plots", areas=((square + np.array([8.0, 0.0]),),)),
    )
    return prepare_picker(Scene(make_village(overlays=overlays)))


def meant(picker, camera, place, off=(0.0, 0.0), **given):
    """What is meant by the pixel of a place in local metres, and what a ray meets there."""
    pixel = tuple(project(camera, np.array([place]), SIZE)[0, :2] + off)
    hit = pick(picker, camera, SIZE, pixel, **given)
    return pick_feature(picker.pack, camera, SIZE, pixel, hit), hit


def test_the_nearest_point_within_reach_is_meant(layers):
    found, hit = meant(layers, HIGH, (22.0, 3.0, 0.3), (4.0, -3.0))
    assert hit.kind == Kind.TERRAIN
    assert (found.kind, found.id, found.surface, found.part) == (Kind.FEATURE, "wells", "point", 1)
    assert np.allclose(np.array(found.position) - layers.pack.meta.origin, (22, 3, 0.3), atol=0.01)
    assert meant(layers, HIGH, (0.0, 10.0, 0.3))[0].part == 0  # counted within its layer
    assert meant(layers, HIGH, (22.0, 3.0, 0.3), (25.0, 25.0))[0] is None


def test_lines_are_meant_unless_something_stands_before_them(layers):
    found, _ = meant(layers, SOUTH, (3.0, -25.0, 0.3), (0.0, 2.0))
    assert (found.id, found.surface, found.part) == ("pipes", "line", 0)
    assert found.position[1] - layers.pack.meta.origin[1] == pytest.approx(-25, abs=0.01)
    assert meant(layers, ABOVE, (3.0, 4.0, 0.3))[0].part == 1  # the second line of its layer
    hidden, hit = meant(layers, SOUTH, (1.0, 2.0, 0.3))
    assert hit.kind == Kind.BUILDING
    assert hidden is None


def test_no_line_runs_from_the_end_of_one_to_the_start_of_the_next(layers):
    between = (1.0, 3.0, 0.3)  # on the way from (6, 2) back to (-4, 4)
    assert meant(layers, ABOVE, between)[0] is None


def test_the_area_on_top_is_meant_on_the_ground_alone(layers):
    assert meant(layers, HIGH, (-24.0, 6.0, 0.0))[0].id == "zones"
    both, hit = meant(layers, HIGH, (-15.0, 6.0, 0.0))
    assert (both.id, both.part, both.position) == ("plots", -1, hit.position)
    roof, hit = meant(layers, HIGH, (-17.0, -15.0, 9.0))
    assert hit.kind == Kind.BUILDING
    assert roof is None


def test_a_station_goes_before_all_of_them(layers):
    place = np.array([[20.0, 0, 0.3]]) + layers.pack.meta.origin
    rgb = np.zeros((1, 3), np.uint8)
    marks = MarkerView(("s",), place, rgb, np.zeros(1, np.uint8))
    assert meant(layers, HIGH, (20.0, 0.0, 0.3), markers=marks)[0] is None


def test_rows_are_found_where_geometries_have_many_parts_or_none():
    shapes = [
        None,
        shapely.MultiPoint([(0, 0), (1, 1)]),
        shapely.LineString([(0, 0), (9, 9)]),
        shapely.Point(5, 5),
        shapely.MultiLineString([[(0, 0), (1, 0)], [(2, 0), (3, 0)]]),
        shapely.box(0, 0, 4, 4),
        shapely.box(3, 3, 6, 6),
    ]
    table = gpd.GeoDataFrame({"geometry": shapes})
    assert [feature_row(table, "point", i, (0, 0)) for i in range(4)] == [1, 1, 3, -1]
    assert [feature_row(table, "line", i, (0, 0)) for i in range(4)] == [2, 4, 4, -1]
    assert feature_row(table, "", -1, (3.5, 3.5)) == 6  # the last lies on top
    assert feature_row(table, "", -1, (1.0, 1.0)) == 5
    assert feature_row(table, "", -1, (-0.4, 1.0)) == 5  # beside it by less than a texel
    assert feature_row(table[:2], "", -1, (1.0, 1.0)) == -1


def test_layers_keep_their_colours_while_others_come_and_go(make_village):
    names = [f"layer {i}" for i in range(12)]
    places = dict(zip(names, colour_places(names), strict=True))
    assert len(set(colour_places(names[:7]))) == 7
    points = np.array([[0.0, 0, 0]])

    def colours(chosen):
        overlays = tuple(Overlay(n, points=points + make_village().origin, place=places[n]) for n in chosen)
        scene = Scene(make_village(overlays=overlays))
        return dict(zip(chosen, overlay_colours(scene.pack, scene.style), strict=True))

    every = colours(names)
    assert colours(names[5:8]) == {n: every[n] for n in names[5:8]}
    style = Scene(make_village()).style
    assert len(style.colours["overlay.colours"]) == 7
