"""Lines, areas, pins and texts over a picture: where they belong, as wide as they are, and cut at the eye."""

import numpy as np
import pytest

from twin.scene.camera import Camera
from twin.scene.furniture import Sheet, compose
from twin.scene.shot import Furniture
from twin.scene.sketches import LINE, Sketch, sketch_patches
from twin.scene.style import load_style
from twin.scene.workspace import Measurement, Note, Workspace
from twin.scene.workspace_sketches import measurement_rgb, workspace_sketches

SIZE = (400, 225)
DOWN = Camera((0.0, 0.0, 100.0), (0.0, 0.001, 0.0), 28.0, 225.0)  # a pixel is a metre, straight down
RED = (200, 0, 0)


def drawn(*sketches, camera=DOWN, size=SIZE):
    sheet = Sheet(size, load_style("light"))
    picture = np.full((size[1], size[0], 3), 120, np.uint8)
    figures, texts = sketch_patches(sheet, camera, (0, 0, 0), sketches)
    return compose(picture, [*figures, *texts]), sheet


def test_a_line_lies_between_its_places_and_is_as_wide_as_it_should_be():
    picture, sheet = drawn(Sketch(((-150.0, 20.0, 0.0), (150.0, 20.0, 0.0)), RED))
    column = picture[:, 200].astype(int)
    red = (column[:, 0] > 150) & (column[:, 1] < 90)
    assert np.flatnonzero(red).mean() == pytest.approx(225 / 2 - 20 - 0.5, abs=1.0)
    share = (column[:, 0] - column[:, 1]).clip(0) / 200
    assert share.sum() == pytest.approx(LINE * sheet.unit, rel=0.35)
    assert (picture[0] == 120).all()


def test_an_area_is_tinted_inside_and_a_pin_is_a_dot():
    corners = ((-60.0, -60.0, 0.0), (60.0, -60.0, 0.0), (60.0, 60.0, 0.0), (-60.0, 60.0, 0.0))
    picture, _ = drawn(Sketch(corners, RED, is_area=True), Sketch(((150.0, 80.0, 0.0),), (0, 0, 200)))
    inside, outside = picture[112, 200].astype(int), picture[112, 300].astype(int)
    assert inside[0] > outside[0] + 10
    assert outside.tolist() == [120, 120, 120]
    assert picture[112 - 80, 350].tolist() == [0, 0, 200]


def test_what_lies_behind_the_eye_is_cut_off_and_what_leaves_the_picture_too():
    ahead = Camera((0.0, 0.0, 2.0), (0.0, 10.0, 2.0), 40.0)
    line = Sketch(((0.0, -500.0, 0.0), (0.0, 50.0, 0.0)), RED, "behind")
    picture, _ = drawn(line, Sketch(((0.0, -5.0, 1.0), (3.0, -9.0, 1.0)), RED), camera=ahead)
    assert (picture[..., 1] < 60).any()
    assert not (picture[:100, :, 1] < 60).any()  # below the horizon only
    far = Sketch(((-1e6, 0.0, 0.0), (1e6, 0.0, 0.0)), RED)
    picture, _ = drawn(far)
    assert (picture[:, :, 1] < 60).any(axis=0).all()


def test_texts_stand_above_the_last_place_and_stay_in_the_picture():
    plain, _ = drawn(Sketch(((195.0, 100.0, 0.0),), RED))
    told, _ = drawn(Sketch(((195.0, 100.0, 0.0),), RED, "<b>12.3 m</b>"))
    rows, columns = np.nonzero((plain != told).any(axis=2))
    assert len(rows) > 50
    assert columns.max() < SIZE[0] - 1


def test_a_workspace_draws_what_was_measured_and_its_notes():
    from twin.scene.figures import Figures

    workspace = Workspace(
        measurements=(
            Measurement("a", "area", ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 0.0)), "Yard"),
            Measurement("d", "distance", ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0))),
        ),
        notes=(Note("n", "A bench\nand more", (5.0, 5.0, 0.0)),),
    )
    area, distance, note = workspace_sketches(workspace, {"a": Figures((), "12 m²")})
    assert (area.text, area.is_area, area.rgb) == ("Yard: 12 m²", True, measurement_rgb("area"))
    assert (distance.text, distance.is_area) == ("", False)
    assert (note.text, note.places) == ("A bench", ((5.0, 5.0, 0.0),))


def test_names_and_values_make_room_for_the_text_of_a_note(village_scene):
    """The name of the canal moves or goes where a note lies over it, and comes back without it."""
    scene, size = village_scene, (640, 360)
    camera = Camera((0.0, 45.0, 30.0), (0.0, 10.0, 0.0), 40.0)
    origin = scene.pack.meta.origin
    ((_, place, _),) = scene.pack.meta.labels

    def laid(sketches):
        shown = scene.with_sketches(sketches)
        return [p.box for p in shown.furniture(camera, size, None, Furniture(legend=False, title=""))]

    note = Sketch((tuple(np.add(place, origin)),), (200, 60, 20), "Kerb is broken here")
    alone, noted = laid(()), laid((note,))
    texts = noted[-1]
    name = next(box for box in alone if box not in laid_without_names(scene, camera, size))

    def meet(a, b):
        return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]

    assert meet(name, texts)
    assert not any(meet(box, texts) for box in noted[:-2])


def laid_without_names(scene, camera, size):
    """Boxes of all that is no name."""
    wanted = Furniture(legend=False, title="", labels=False)
    return [p.box for p in scene.furniture(camera, size, None, wanted)]
