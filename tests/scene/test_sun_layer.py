"""Hours of sun in a scene: the right face gets the right hours, and the picture shows their classes."""

from datetime import date

import numpy as np
import pytest

from tests.drawing import needs_graphics
from twin.core.grid import Grid
from twin.core.place import Place
from twin.energy.hours import sun_hours_of
from twin.energy.standing import Faces, Surroundings
from twin.scene.bake import facet_texels
from twin.scene.camera import Camera, project
from twin.scene.shot import Furniture
from twin.scene.sun_layer import SunHoursLayer, class_colours, coloured, sun_breaks, texel_hours

SIZE = (480, 320)


@pytest.fixture(scope="module")
def found(village):
    mesh = village.buildings
    faces = Faces(mesh.vertices, mesh.triangles, mesh.face, mesh.surface, mesh.owner)
    x, y, _ = village.origin
    grid = Grid(x - 30.0, y + 30.0, 0.5, 120, 120)
    plain = village.terrain.vertices[village.terrain.triangles]
    flat = np.zeros(grid.shape, np.float32)
    none = np.empty((0, 3, 3))
    around = Surroundings(grid, flat, faces, village.building_ids, none, None, plain, Place(52.0, 4.35))
    return sun_hours_of(around, date(2026, 3, 20), surfaces=True, spacing_m=0.5)


def test_texels_have_the_hours_of_their_own_wall(found, village_scene):
    pack = village_scene.pack
    hours = texel_hours(found, pack).ravel()
    index, place, normal = facet_texels(pack)
    # The highest house, on whose roof nothing throws shadow.
    first = (place[:, 0] > -4.2) & (place[:, 0] < 6.2)
    roof, south, north = (
        hours[index[first & (np.abs(normal - n).max(axis=1) < 0.01)]]
        for n in ((0, 0, 1), (0, -1, 0), (0, 1, 0))
    )
    assert np.isfinite([*roof, *south, *north]).all()
    assert roof.mean() == pytest.approx(12.1, abs=0.15)
    assert south.mean() == pytest.approx(12, abs=0.4)
    assert north.mean() < 0.5


def test_colours_are_those_of_the_classes():
    breaks, colours = (2.0, 4.0), class_colours(3)
    rgba = coloured(np.array([0.0, 2.0, 9.0, np.nan]), breaks, colours, alpha=200)
    assert rgba[:3, :3].tolist() == colours.tolist()
    assert rgba[:, 3].tolist() == [200, 200, 200, 0]
    assert colours.astype(int).sum(axis=1).tolist() == sorted(colours.astype(int).sum(axis=1).tolist())


def test_the_legend_counts_down_from_most_sun(found):
    layer = SunHoursLayer(found)
    view = layer.at(None)
    assert layer.at(None) is view
    assert layer.span is None
    assert view.face_rgba is None  # no scene was named whose faces could be coloured
    texts = [e.text for e in view.legends[0].entries]
    assert (texts[0], texts[-1]) == ("over 12", "under 2")
    assert sun_breaks(found)[0] == 2.0
    assert "2026-03-20" in view.legends[0].title


@needs_graphics
def test_the_picture_shows_dark_northern_walls_and_their_shadow(found, village, village_scene, lit):
    layer = SunHoursLayer(found, village_scene.pack)
    scene = lit(village, layers=[layer])
    camera = Camera((-17.0, 60.0, 45.0), (-17.0, -12.0, 2.0), 35.0)
    picture = scene.image(size=SIZE, view=camera, furniture=Furniture.none()).astype(int)
    plain = lit(village).image(size=SIZE, view=camera, furniture=Furniture.none()).astype(int)

    def at(image, *point):
        column, row, _ = np.rint(project(camera, np.array([point]), SIZE)[0]).astype(int)
        return image[row, column]

    roof, wall, shade, open_ground = (
        at(picture, *p) for p in ((-17, -15, 9), (-17, -10, 4), (-17, -9, 0), (-26, 3, 0))
    )
    assert roof.sum() > wall.sum() + 150
    assert open_ground.sum() > shade.sum() + 100
    assert np.abs(at(plain, -17, -10, 4) - wall).sum() > 60


def test_what_is_seen_and_hidden_and_where_the_eye_is_are_told():
    from twin.scene.seen_layer import HIDDEN, SEEN, SeenLayer
    from twin.scene.sight import Viewshed

    grid = Grid(0.0, 2.0, 1.0, 3, 2)
    seen = np.array([[1, 0, 255], [0, 1, 1]], np.uint8)
    view = SeenLayer(Viewshed(grid, seen, (0.5, 1.5, 3.0))).at(None)
    assert tuple(view.drape.rgba[0, 0, :3]) == SEEN
    assert tuple(view.drape.rgba[0, 1, :3]) == HIDDEN
    assert view.drape.rgba[0, 2, 3] == 0
    assert view.markers.position.tolist() == [[0.5, 1.5, 3.0]]
    assert [e.text for e in view.legends[0].entries] == ["seen", "hidden", "eye"]
