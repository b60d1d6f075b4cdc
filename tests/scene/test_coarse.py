"""Large cities: far tiles as blocks, near ones in full, made when they are first needed."""

import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy

from twin.energy.sun import Sun
from twin.scene import coarse
from twin.scene.bake import TABLE_TEXELS, Light
from twin.scene.camera import Camera
from twin.scene.coarse import block_geometry, block_light
from twin.scene.drawables import make_stage
from twin.scene.line_drawables import _stretches
from twin.scene.pack import Tile
from twin.scene.packing import pack_content
from twin.scene.relight import relight
from twin.scene.stage import aim, set_look
from twin.scene.style import load_style

NEAR = Camera((0.0, -60.0, 30.0), (0.0, -15.0, 5.0))
FAR = Camera((0.0, -90_000.0, 60_000.0), (0.0, 0.0, 0.0))


@pytest.fixture
def large(village, monkeypatch):
    monkeypatch.setattr(coarse, "LARGE", 1)
    return pack_content(village, key="k")


def even_light(pack):
    plan = pack.meta.plan
    shapes = (pack.meta.atlas, (plan.rows, plan.columns), (TABLE_TEXELS, TABLE_TEXELS))
    maps = [np.full((*shape, 4), 200, np.uint8) for shape in shapes]
    return Light(*maps, np.full((len(pack["tree_form"]), 2), 200, np.uint8))


def stage_of(pack):
    return make_stage(pack, even_light(pack), load_style("light"), Sun(200.0, 45.0))


def shown(stage):
    return [(d.fine.GetVisibility(), d.coarse.GetVisibility()) for d in stage.details]


def drawn_edges(stage):
    """Numbers of the tiles whose edges are shown."""
    return [i for s in stage.near_edges.stretches if s.actor.GetVisibility() for i in sorted(s.drawn)]


def test_a_small_city_is_always_drawn_in_full(village):
    pack = pack_content(village, key="k")
    assert "coarse_blocks" not in pack.arrays
    assert stage_of(pack).details == []


def test_blocks_have_the_plan_and_mean_height_of_what_they_stand_for(large):
    blocks = large["coarse_blocks"]
    assert len(blocks) == 1  # three houses make one block of up to eight
    size = blocks[0, 3:] - blocks[0, :3]
    assert size[0] * size[1] == pytest.approx(100 + 100 + 140)
    assert blocks[0, 5] == pytest.approx((9 * 100 + 14 * 100 + 10 * 140) / 340)
    assert blocks[0, 2] == pytest.approx(-0.3)
    assert large["coarse_owner"][0] in {0, 1, 2}


def test_far_tiles_are_blocks_and_near_ones_are_made_when_needed(large):
    stage = stage_of(large)
    built = stage.details
    assert built
    assert built[0].fine.GetMapper().GetInput().GetNumberOfPoints() == 0
    aim(stage, FAR, 720)
    assert shown(stage)[0] == (0, 1)
    assert built[0].fill is not None
    assert drawn_edges(stage) == []
    aim(stage, NEAR, 720)
    assert shown(stage)[0] == (1, 0)
    assert built[0].fill is None
    assert built[0].fine.GetMapper().GetInput().GetNumberOfPoints() > 0
    assert drawn_edges(stage) == list(range(len(large.meta.edge_tiles)))
    aim(stage, FAR, 720)
    assert drawn_edges(stage) == []
    assert shown(stage)[0] == (0, 1)


def test_what_is_switched_off_stays_off_near_and_far(large):
    stage = stage_of(large)
    set_look(stage, "buildings", visible=False, opacity=1.0)
    for camera in (FAR, NEAR):
        aim(stage, camera, 720)
        assert shown(stage)[0] == (0, 0)
    set_look(stage, "buildings", visible=True, opacity=1.0)
    aim(stage, NEAR, 720)
    assert shown(stage)[0] == (1, 0)


def test_blocks_follow_the_sun(large):
    stage = stage_of(large)
    evening = Sun(280.0, 8.0)
    relight(stage, even_light(large), evening)
    image = stage.details[0].coarse.GetProperty().GetTexture("lightMap").GetInput()
    told = vtk_to_numpy(image.GetPointData().GetScalars())
    assert told.tolist() == block_light(evening)[0].tolist()
    assert told.tolist() != block_light(Sun(200.0, 45.0))[0].tolist()


def test_blocks_face_outward_and_their_sides_are_lit_by_where_the_sun_stands():
    block = np.array([[0, 0, 0, 4, 2, 3]], np.float32)
    points, triangles, light, slots = block_geometry(block, np.array([7], np.int32))
    a, b, c = (points[triangles[:, k]].astype(float) for k in range(3))
    assert np.einsum("ij,ij->i", a - (2, 1, 1.5), np.cross(b - a, c - a)).min() > 0
    assert sorted(set(slots.tolist())) == [16 + 21, 16 + 22]  # walls and flat roof of building 7
    lit = block_light(Sun(180.0, 45.0))[0]
    top, south, east, north, west = lit[:, 0]
    assert top == south > 0
    assert north == 0
    assert east == west
    assert light[:, 0].max() < 1


def test_what_comes_near_is_told_where_the_eye_is(large):
    stage = stage_of(large)
    aim(stage, FAR, 720)
    aim(stage, NEAR, 720)
    shown = [a for a in stage.actors if a.GetVisibility()]
    assert stage.details[0].fine in shown
    assert any(actor is line for actor in shown for line, _, _ in stage.lines)
    for actor in shown:
        eye = [0.0, 0.0, 0.0]
        actor.GetShaderProperty().GetFragmentCustomUniforms().GetUniform3f("eye", eye)
        assert eye == pytest.approx(NEAR.eye)


def test_edges_of_neighbouring_tiles_are_one_actor():
    tiles = [
        Tile("buildings", (0, 0), cells) for cells in ((0, 5), (5, 9), (9, 12), (12, 20), (20, 30), (40, 50))
    ]
    tiles.append(Tile("bridges", (0, 0), (50, 60)))
    assert list(_stretches(tiles, 4)) == [(0, 4), (4, 5), (5, 6), (6, 7)]
    assert list(_stretches(tiles, 1)) == [(i, i + 1) for i in range(7)]
    assert list(_stretches([], 4)) == []
