"""The city stands beside its legend, as large as that allows."""

import numpy as np
import pytest
import shapely

from twin.scene.camera import named_view, project
from twin.scene.framing import Taken
from twin.scene.furniture import Sheet, legend_patches
from twin.scene.scene_furniture import legend_panels
from twin.scene.shot import Furniture

VIEWS = ["overview", "top", "north", "east", "axis"]


def legend_box(scene, size, color_by=None):
    legends = legend_panels(scene, scene.colours(color_by)[1])
    (patch,) = legend_patches(Sheet(size, scene.style), legends)
    return patch.box


def city_in(camera, pack, size, *, standing=False):
    points = pack["facet_points"] if standing else pack["fit_points"]
    return shapely.convex_hull(shapely.multipoints(project(camera, points, size)[:, :2]))


@pytest.mark.parametrize("size", [(1600, 900), (900, 900), (640, 360)])
@pytest.mark.parametrize("view", VIEWS)
def test_no_named_view_has_the_city_below_the_legend(view, size, village_scene):
    camera = village_scene.camera(view, size)
    city = city_in(camera, village_scene.pack, size, standing=view == "axis")
    assert not city.intersects(shapely.box(*legend_box(village_scene, size)))


@pytest.mark.parametrize("view", VIEWS)
def test_without_a_legend_the_city_has_the_whole_picture(view, village_scene):
    size = (1600, 900)
    bare = village_scene.camera(view, size, furniture=Furniture(legend=False))
    assert bare == named_view(view, village_scene.pack, aspect=16 / 9)


def test_a_city_clear_of_the_legend_stays_where_it_is(village_scene):
    plain = named_view("overview", village_scene.pack, aspect=16 / 9)
    corner = Taken(0.97, 0.02, 0.99, 0.06)
    assert named_view("overview", village_scene.pack, aspect=16 / 9, taken=[corner]) == plain


def test_the_city_moves_no_further_than_it_must(village_scene):
    size = (900, 900)
    taken = Taken(0.7, 0.1, 0.98, 0.5)
    camera = named_view("overview", village_scene.pack, aspect=1.0, taken=[taken])
    city = city_in(camera, village_scene.pack, size)
    box = shapely.box(*(np.array([taken.left, taken.top, taken.right, taken.bottom]) * 900))
    assert 0 < city.distance(box) < 0.035 * 900


def test_a_place_the_wrong_way_round_is_refused():
    with pytest.raises(ValueError, match="width"):
        Taken(0.9, 0.1, 0.8, 0.5)
