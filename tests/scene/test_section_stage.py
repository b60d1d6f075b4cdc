"""A stage that is cut open: what lay before is gone, caps close the cut, and all comes back."""

import numpy as np
import shapely

from tests.drawing import needs_graphics
from twin.scene.camera import Camera, project
from twin.scene.drawables import make_stage
from twin.scene.render import render
from twin.scene.section import Plane, Section, cut_solids
from twin.scene.section_stage import show_section

SIZE = (240, 160)
SOUTH = Camera((1.0, -80.0, 30.0), (1.0, -15.0, 4.0), 40.0)


@needs_graphics
def test_the_near_half_of_a_house_is_gone_and_its_cut_is_closed(village_scene, solids):
    stage = make_stage(village_scene.pack, village_scene.light, village_scene.style, village_scene.sun)
    before = render(stage, SOUTH, SIZE).astype(int)
    plane = Plane((84_001.0, 446_985.0, 0.0), (0.0, -1.0, 0.0))
    areas, _ = cut_solids([solids["box"](-4, -20, 6, -10, -0.3, 14)], ["b"], plane)
    earth = shapely.box(-30, -3, 30, 0)
    show_section(stage, Section(plane, areas, earth))
    cut = render(stage, SOUTH, SIZE).astype(int)

    def at(picture, *point):
        column, row, _ = np.rint(project(SOUTH, np.array([point]), SIZE)[0]).astype(int)
        return picture[row, column]

    # The cap stands where the house was cut; the ground before it is gone.
    assert np.ptp(at(cut, 1, -15, 7)) < 40
    assert at(cut, 1, -15, 7).sum() < at(before, 1, -20, 7).sum() - 100
    r, g, b = at(cut, 1, -15, -1.5)
    assert r > g > b
    show_section(stage, None)
    np.testing.assert_array_equal(render(stage, SOUTH, SIZE), before)
    assert "section" not in stage.groups


def n_vtk_objects():
    """Objects of VTK that Python holds."""
    import gc

    from vtkmodules.vtkCommonCore import vtkObjectBase

    gc.collect()
    return sum(isinstance(found, vtkObjectBase) for found in gc.get_objects())


def n_sent(stage):
    """Arrays that are kept for the card."""
    return len(stage.kept) + sum(len(kept) for kept in stage.renewed.values())


@needs_graphics
def test_a_plane_that_is_moved_leaves_nothing_of_itself_behind(village_scene, solids):
    stage = make_stage(village_scene.pack, village_scene.light, village_scene.style, village_scene.sun)
    house = solids["box"](-4, -20, 6, -10, -0.3, 14)

    def move(y):
        plane = Plane((84_001.0, 446_985.0 + y, 0.0), (0.0, -1.0, 0.0))
        areas, _ = cut_solids([house], ["b"], plane)
        show_section(stage, Section(plane, areas, shapely.box(-30, -3, 30, 0)))

    render(stage, SOUTH, SIZE)
    whole = n_vtk_objects(), n_sent(stage), len(stage.actors)
    move(0.0)
    first = n_vtk_objects(), n_sent(stage), len(stage.actors)
    actors = list(stage.actors)
    for k in range(1, 12):
        move(0.2 * k)
    assert (n_vtk_objects(), n_sent(stage), len(stage.actors)) == first
    assert all(a is b for a, b in zip(stage.actors, actors, strict=True)), "the card keeps what it holds"
    del actors
    show_section(stage, None)
    assert (n_vtk_objects(), n_sent(stage), len(stage.actors)) == whole
