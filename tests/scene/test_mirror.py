"""Pieces of a picture in which water may be seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twin.scene.canvas as canvas_module
import twin.scene.render as render_module
from tests.drawing import needs_graphics
from twin.scene.camera import Camera, project
from twin.scene.canvas import Canvas
from twin.scene.drawables import make_stage
from twin.scene.mirror import may_show, water_corners
from twin.scene.render import piece_projection, pieces

LOW = Camera((0.0, 45.0, 6.0), (0.0, -20.0, 0.0), 50.0)
place = st.floats(-60, 60, width=32)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(place, place, place), min_size=3, max_size=3))
def test_no_piece_that_shows_a_part_of_a_triangle_is_left_out(corners) -> None:
    size, triangle = (320, 200), np.array(corners, float)
    steps = [(i, j) for i in range(13) for j in range(13 - i)]
    shares = np.array([(i, j, 12 - i - j) for i, j in steps]) / 12
    columns, rows, depth = project(LOW, shares @ triangle, size).T
    for x, y in ((0, 0), (160, 0), (0, 100), (160, 100)):
        inside = (columns > x) & (columns < x + 160) & (rows > y) & (rows < y + 100) & (depth > 1e-3)
        if inside.any():
            projection = piece_projection(LOW, size, (x, y, 160, 100), (0.25, 500.0))
            assert may_show(triangle[None], LOW, projection)


def test_nothing_is_seen_of_no_water() -> None:
    projection = piece_projection(LOW, (320, 200), (0, 0, 320, 200), (0.25, 500.0))
    assert not may_show(np.empty((0, 3, 3)), LOW, projection)


@needs_graphics
def test_pieces_without_water_need_no_mirror_image(village_scene, monkeypatch) -> None:
    """The picture is the same as where every piece has one, and some pieces had none."""
    s, size, told = village_scene, (900, 2400), []
    stage = make_stage(s.pack, s.light, s.style, s.sun)
    assert len(water_corners(s.pack)) > 0

    def counted(*given: object) -> bool:
        told.append(may_show(*given))  # type: ignore[arg-type]
        return told[-1]

    with Canvas(size) as canvas:
        monkeypatch.setattr(canvas_module, "may_show", counted)
        one = canvas.draw(stage, LOW)
        monkeypatch.setattr(canvas_module, "may_show", lambda *_: True)
        two = canvas.draw(stage, LOW)
    assert len(told) == len(pieces(size)[2])
    assert True in told
    assert False in told
    assert np.array_equal(one, two)


@needs_graphics
@pytest.mark.parametrize("large", [10**9, 1])
def test_pieces_show_what_is_mirrored_in_the_whole(village_scene, monkeypatch, large) -> None:
    """In the largest pictures a bit less finely, with no seam between pieces in either."""
    s, size = village_scene, (420, 300)
    stage = make_stage(s.pack, s.light, s.style, s.sun)
    with Canvas(size) as canvas:
        whole = canvas.draw(stage, LOW).astype(int)
    with Canvas(size) as canvas:
        monkeypatch.setattr(canvas_module, "may_show", lambda *_: False)
        dull = canvas.draw(stage, LOW).astype(int)
        monkeypatch.undo()
    monkeypatch.setattr(render_module, "_PIECE_SAMPLES", 36_000)
    monkeypatch.setattr(canvas_module, "_LARGE_PICTURE", large)
    with Canvas(size) as canvas:
        assert len(canvas._piece[2]) == 32  # eight by four
        parts = canvas.draw(stage, LOW).astype(int)
    # One line in a hundred pixels may fall on another sample; what is mirrored is there, and where it was.
    off, mirrored = np.abs(parts - whole).max(axis=2), np.abs(dull - whole).max(axis=2) > 8
    assert mirrored.sum() > 1000
    assert (off[mirrored] > 16).mean() < 0.03
    assert off[mirrored].mean() < 2
    assert (off > 8).mean() < 0.01
