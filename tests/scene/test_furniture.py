"""Furniture, labels and letters."""

import numpy as np
import pytest
from PIL import Image

from twin.core.notices import Notices
from twin.scene.camera import Camera, fit_top
from twin.scene.colour import Legend, LegendEntry
from twin.scene.fonts import can_write, font_for, split_runs, text_size
from twin.scene.furniture import (
    Patch,
    Sheet,
    attribution_patch,
    compose,
    legend_patches,
    text_patch,
    title_patches,
)
from twin.scene.furniture_ground import nice_length, north_patch, scale_patch
from twin.scene.labels import label_patches
from twin.scene.style import load_style

STYLE = load_style("light")
SHEET = Sheet((1600, 900), STYLE)
DOWN = fit_top(np.array([[0, 0, 0], [400, 225, 0.0]]), aspect=16 / 9)


def ink(patch):
    return int((np.asarray(patch.image)[..., 3] > 0).sum())


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def test_patches_blend_and_are_cut_at_the_rim():
    picture = np.full((10, 12, 3), 100, np.uint8)
    half = Image.new("RGBA", (6, 6), (200, 0, 100, 128))
    compose(picture, [Patch(-3, -3, half), Patch(10, 8, half), Patch(50, 50, half)])
    assert picture[0, 0].tolist() == [150, 50, 100]
    assert picture[9, 11].tolist() == [150, 50, 100]
    assert picture[5, 5].tolist() == [100, 100, 100]


@pytest.mark.parametrize("longest", [0.3, 1, 4.99, 5, 19, 20, 999, 12_345])
def test_a_scale_bar_is_1_2_or_5_and_fits(longest):
    length = nice_length(longest)
    assert longest / 2.5 < length <= longest
    assert f"{length:e}"[0] in "125"


def test_the_scale_bar_is_as_long_as_it_says():
    patch = scale_patch(SHEET, DOWN)
    pixels = np.asarray(patch.image)
    dark = (pixels[..., :3].astype(int).sum(axis=2) < 200) & (pixels[..., 3] == 255)
    frame = max(dark.sum(axis=1))
    shown_m = DOWN.parallel_height_m / 900 * frame
    assert shown_m == pytest.approx(nice_length(DOWN.parallel_height_m / 900 * 220), rel=0.03)


def test_with_perspective_the_scale_says_where_it_holds():
    assert (
        scale_patch(SHEET, Camera((0, -300, 200), (0, 0, 0))).image.height
        > scale_patch(SHEET, DOWN).image.height
    )


def tip(patch):
    """Where the dark half of the needle points, from the middle of the rose."""
    pixels = np.asarray(patch.image).astype(int)
    middle = np.array(patch.image.size) / 2
    dark = np.argwhere((pixels[..., :3].sum(axis=2) < 200) & (pixels[..., 3] > 200))[:, ::-1] - middle
    inner = dark[np.linalg.norm(dark, axis=1) < 0.5 * middle[0]]
    return inner.mean(axis=0)


def test_the_rose_turns_with_the_camera():
    north = north_patch(SHEET, DOWN, convergence_deg=0)
    assert abs(north.image.width - north.image.height) == 0
    looking_east = north_patch(SHEET, Camera((-300, 0, 200), (0, 0, 0)), convergence_deg=0)
    assert np.asarray(looking_east.image).tobytes() != np.asarray(north.image).tobytes()
    true_north = north_patch(SHEET, DOWN, convergence_deg=30)
    assert np.asarray(true_north.image).tobytes() != np.asarray(north.image).tobytes()


def test_a_legend_shows_every_entry_and_stays_in_the_picture():
    entries = tuple(
        LegendEntry(f"class {i}", (i * 20, 100, 200 - i * 10), k)
        for i, k in enumerate(("area", "line", "point"))
    )
    patch = legend_patches(SHEET, [[Legend("Height (m)", entries), Legend("", ())]])[0]
    pixels = np.asarray(patch.image)[..., :3].reshape(-1, 3)
    for entry in entries:
        assert (pixels == entry.rgb).all(axis=1).sum() > 20
    left, top, right, bottom = patch.box
    assert left > 0
    assert top > 0
    assert right < 1600
    assert bottom < 900
    assert legend_patches(SHEET, [[]]) == []


def test_a_legend_that_is_laid_out_again_is_drawn_once(monkeypatch):
    from twin.scene import furniture

    drawn, plain = [], furniture._legend_panel
    monkeypatch.setattr(furniture, "_legend_panel", lambda *a: drawn.append(a) or plain(*a))
    monkeypatch.setattr(furniture, "_LEGENDS", furniture.Drawn(8))
    legend = Legend("Height (m)", (LegendEntry("low", (1, 2, 3)), LegendEntry("high", (9, 9, 9))))
    first = legend_patches(SHEET, [[legend]])[0]
    assert legend_patches(SHEET, [[legend]])[0].image is first.image
    assert len(drawn) == 1
    legend_patches(SHEET, [[Legend("Age", legend.entries)]])
    legend_patches(Sheet((3200, 1800), STYLE), [[legend]])
    assert len(drawn) == 3


def test_furniture_grows_with_the_picture():
    small, large = Sheet((1600, 900), STYLE), Sheet((3200, 1800), STYLE)
    a, b = text_patch(small, "Delft", size=20), text_patch(large, "Delft", size=20)
    assert b.image.width == pytest.approx(2 * a.image.width, rel=0.05)


@pytest.mark.parametrize("width", [16, 40, 64])
def test_shortening_ends_in_pictures_that_no_word_fits_in(width):
    patch = attribution_patch(Sheet((width, 16), STYLE), ["Survey of the village, all rights reserved"])
    assert patch is not None


def test_an_attribution_too_long_is_shortened():
    patch = attribution_patch(Sheet((400, 300), STYLE), ["A very long name of a survey office"] * 6)
    assert patch.box[0] >= 0
    assert attribution_patch(SHEET, []) is None


def test_title_without_subtitle():
    assert len(title_patches(SHEET, "Delft", "")) == 1
    assert len(title_patches(SHEET, "Delft", "noon")) == 2


def test_labels_never_cover_one_another_nor_the_furniture():
    rng = np.random.default_rng(3)
    labels = [
        (f"Street {i}", (*map(float, rng.uniform((0, 0), (400, 225))), 0.0), "street") for i in range(80)
    ]
    taken = [(0, 0, 400, 300)]
    found = label_patches(SHEET, DOWN, labels, taken=taken)
    assert 10 < len(found) < 80
    boxes = [p.box for p in found] + taken
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert not overlap(a, b)


def test_important_labels_come_first():
    place, street = ("Delft", (200.0, 110.0, 0.0), "place"), ("Rietveld", (200.0, 110.0, 0.0), "street")
    both = label_patches(SHEET, DOWN, [street, place])
    alone = label_patches(SHEET, DOWN, [place])
    assert np.asarray(both[0].image).tobytes() == np.asarray(alone[0].image).tobytes()


def test_labels_out_of_sight_are_left_out():
    camera = Camera((0, 0, 2), (0, 10, 2))
    labels = [
        ("behind", (0.0, -20.0, 2.0), "place"),
        ("far", (0.0, 500.0, 2.0), "place"),
        ("here", (0.0, 30.0, 2.0), "place"),
    ]
    assert len(label_patches(SHEET, camera, labels, farthest_m=100)) == 1


def test_letters_of_two_scripts_take_two_fonts_where_needed():
    runs = split_runs("Delft 1614", 20)
    assert "".join(r.text for r in runs) == "Delft 1614"
    assert text_size(runs)[0] > 60


def test_hangul_is_written_where_a_font_has_it():
    if font_for("한글") is None:
        pytest.skip("no font for Hangul here (Debian: fonts-noto-cjk)")
    assert can_write("부산 해운대")
    a, b = text_patch(SHEET, "해운대", size=20), text_patch(SHEET, "광안리", size=20)
    assert ink(a) > 200
    assert np.asarray(a.image).tobytes() != np.asarray(b.image).tobytes()


def test_what_cannot_be_written_is_told_once_with_a_remedy(monkeypatch):
    import twin.scene.fonts as fonts

    monkeypatch.setattr(fonts, "_font_for", lambda *_: None)
    notices = Notices()
    split_runs("한", 20, notices=notices)
    split_runs("글", 20, notices=notices)
    (line,) = notices.lines()
    assert "fonts-noto-cjk" in line


def test_control_characters_are_not_drawn():
    assert "".join(r.text for r in split_runs("a\n\x07b\u202e", 16)) == "ab"


@pytest.mark.parametrize("n", [3, 30, 45])
def test_long_legends_become_smaller_and_stay_in_the_picture(n):
    from twin.scene.colour import Legend, LegendEntry
    from twin.scene.furniture import legend_patches

    sheet = Sheet((1600, 900), load_style("light"))
    entries = tuple(LegendEntry(f"entry {k}", (1, 2, 3)) for k in range(n))
    (patch,) = legend_patches(sheet, [[Legend("Depth, m", entries), Legend("Roads", entries[:3])]])
    assert patch.box[3] <= 900 - 40
    assert patch.box[1] == sheet.px(132)
