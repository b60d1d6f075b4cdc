"""A window that is used again draws what a new one draws."""

from __future__ import annotations

import numpy as np

from tests.drawing import needs_graphics
from twin.scene.camera import Camera
from twin.scene.canvas import Canvas
from twin.scene.drawables import make_stage
from twin.scene.render import pieces, render

pytestmark = needs_graphics
SIZE = (200, 120)
LOW, HIGH = Camera((0.0, 45.0, 6.0), (0.0, -20.0, 0.0), 50.0), Camera((60.0, -90.0, 70.0), (0.0, 0.0, 0.0))
MAP = Camera((0.0, 0.0, 200.0), (0.0, 0.0, 0.0), parallel_height_m=70.0)


def test_cameras_follow_one_another_without_a_trace(village_scene) -> None:
    """The low one mirrors things in the canal, the others do not."""
    s = village_scene
    stage = make_stage(s.pack, s.light, s.style, s.sun)
    with Canvas(SIZE) as canvas:
        drawn = [canvas.draw(stage, camera) for camera in (HIGH, LOW, MAP, HIGH, LOW)]
    for camera, picture in zip((HIGH, LOW, MAP, HIGH, LOW), drawn, strict=True):
        fresh = render(make_stage(s.pack, s.light, s.style, s.sun), camera, SIZE)
        assert np.array_equal(picture, fresh)
    assert not np.array_equal(drawn[0], drawn[1])


def test_stages_follow_one_another_in_one_window(village, lit, village_scene) -> None:
    dark = lit(village, style="dark")
    stages = [make_stage(s.pack, s.light, s.style, s.sun) for s in (village_scene, dark, village_scene)]
    with Canvas(SIZE) as canvas:
        first, second, third = (canvas.draw(stage, HIGH) for stage in stages)
    assert np.array_equal(first, third)
    assert not np.array_equal(first, second)


def test_a_picture_of_several_pieces_is_the_same_again(village_scene) -> None:
    s, size = village_scene, (1300, 900)
    assert len(pieces(size)[2]) > 1
    stage = make_stage(s.pack, s.light, s.style, s.sun)
    with Canvas(size) as canvas:
        assert np.array_equal(canvas.draw(stage, LOW), canvas.draw(stage, LOW))
