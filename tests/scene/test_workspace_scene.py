"""A workspace and explicit arguments that say the same make the same picture."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from tests.drawing import needs_graphics
from tests.scene.conftest import AFTERNOON, ORIGIN
from twin.core.notices import Notices
from twin.outputs.snapshot import write_snapshot
from twin.scene.camera import Camera
from twin.scene.model import Overlay
from twin.scene.scene import Scene
from twin.scene.shot import Furniture
from twin.scene.workspace import CityRef, Clock, LayerState, Viewpoint, Workspace, with_layer
from twin.scene.workspace_json import write_workspace
from twin.scene.workspace_scene import local_camera, shown_layers, viewpoint_of

SIZE = (160, 100)
CAMERA = Camera((10.0, -80.0, 40.5), (0.0, 0.0, 2.25), 35.0)
WORKSPACE = Workspace(
    camera=viewpoint_of(CAMERA, ORIGIN),
    clock=Clock(datetime.fromisoformat(AFTERNOON)),
    style="dark",
    furniture=Furniture("Plan", legend=False),
)


def square(x: float) -> Overlay:
    corners = np.array([(x, 0), (x + 5, 0), (x + 5, 5), (x, 5)], dtype=np.float64) + ORIGIN[:2]
    return Overlay(f"layer {x}", areas=((corners,),))


def test_cameras_go_to_map_coordinates_and_back() -> None:
    assert local_camera(viewpoint_of(CAMERA, ORIGIN), ORIGIN) == CAMERA
    flat = Camera((0.0, 0.0, 90.0), (0.0, 0.0, 0.0), parallel_height_m=55.0)
    assert local_camera(viewpoint_of(flat, ORIGIN), ORIGIN) == flat


@needs_graphics
def test_the_scene_of_a_workspace_draws_what_its_arguments_draw(village, village_scene, lit) -> None:
    scene = Scene.from_workspace(village, WORKSPACE)
    scene._light = village_scene.light
    plain = lit(village, style="dark")
    expected = plain.image(size=SIZE, view=CAMERA, furniture=Furniture("Plan", legend=False))
    assert np.array_equal(scene.image(size=SIZE), expected)
    assert not np.array_equal(scene.image(size=SIZE, view="top"), expected)


@needs_graphics
def test_options_go_before_the_workspace(tmp_path, village) -> None:
    file = tmp_path / "plan.workspace.json"
    write_workspace(WORKSPACE, file)
    told = {"notices": Notices(), "size": SIZE}
    one = write_snapshot(village, tmp_path / "one.png", workspace=file, style="light", title="X", **told)
    two = tmp_path / "two.png"
    scene = Scene(village, time=AFTERNOON)
    scene.snapshot(two, size=SIZE, view=CAMERA, furniture=Furniture("X", legend=False))
    assert one.read_bytes() == two.read_bytes()


def test_hidden_layers_are_left_out(make_village) -> None:
    village = make_village(overlays=(square(0), square(10)))
    hidden = with_layer(Workspace(), "layer 0", is_visible=False)
    assert shown_layers(village, Workspace(layers=(LayerState("terrain", is_visible=False),))) == ()
    assert shown_layers(village, hidden) == ("layer 10",)
    both = with_layer(hidden, "layer 10", is_visible=False)
    assert not Scene.from_workspace(village, both).pack.meta.overlays
    assert len(Scene.from_workspace(village, hidden).pack.meta.overlays) == 1


def test_another_city_is_told(village) -> None:
    notices = Notices()
    Scene.from_workspace(village, Workspace(city=CityRef("a", "", "EPSG:3879")), notices=notices)
    assert "EPSG:3879" in notices.lines()[0]


def test_a_viewpoint_needs_a_distance() -> None:
    with pytest.raises(ValueError, match="differ"):
        Viewpoint((1.0, 2.0, 3.0), (1.0, 2.0, 3.0))
