"""Values beside stations: which find room, and what their sparklines tell."""

import itertools

import numpy as np
import pytest

from twin.core.notices import Notices
from twin.scene.camera import Camera
from twin.scene.furniture import Sheet, text_patch
from twin.scene.layers import MarkerState, MarkerView
from twin.scene.marker_labels import ALARM_RGB, marker_label_patches, sparkline
from twin.scene.style import load_style

SIZE = (1600, 900)
CAMERA = Camera((0.0, -70.0, 70.0), (0.0, 0.0, 0.0), view_angle_deg=45.0)
ORIGIN = (84_000, 447_000, 0)
RED = (250, 20, 20)


@pytest.fixture(scope="module")
def sheet():
    return Sheet(SIZE, load_style("light"), Notices())


def view_of(places, **changes):
    n = len(places)
    fields = {
        "ids": tuple(f"s{i}" for i in range(n)),
        "position": np.asarray(places, float) + ORIGIN,
        "rgb": np.full((n, 3), 90, np.uint8),
        "state": np.zeros(n, np.uint8),
        "text": tuple(f"{i} m" for i in range(n)),
    }
    return MarkerView(**{**fields, **changes})


def line(values, step=600.0):
    values = np.asarray(values, float)
    return np.column_stack([(np.arange(len(values)) - len(values) + 1) * step, values])


def test_labels_do_not_cover_each_other_nor_what_is_taken(sheet):
    rng = np.random.default_rng(4)
    places = np.column_stack([rng.uniform(-40, 40, 60), rng.uniform(-30, 30, 60), np.zeros(60)])
    taken = [(0, 0, 800, 300)]
    patches = marker_label_patches(sheet, CAMERA, view_of(places), ORIGIN, taken=taken, most=60)
    assert len(patches) > 8
    for a, b in itertools.combinations([*taken, *(p.box for p in patches)], 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_few_labels_and_the_alarm_among_them(sheet):
    places = np.column_stack([np.linspace(-40, 40, 30), np.zeros(30), np.zeros(30)])
    alarm = np.zeros(30, bool)
    alarm[7] = True
    view = view_of(places, is_alarm=alarm)
    patches = marker_label_patches(sheet, CAMERA, view, ORIGIN, most=3)
    assert len(patches) == 3
    rims = [bool((np.asarray(p.image)[..., :3] == ALARM_RGB).all(axis=-1).any()) for p in patches]
    assert rims == [True, False, False]


def test_the_nearer_and_the_trusted_come_first(sheet):
    places = [(0.0, 30.0, 0.0), (0.0, -30.0, 0.0), (0.0, 0.0, 0.0)]
    state = np.array([MarkerState.FRESH, MarkerState.STALE, MarkerState.FRESH], np.uint8)
    patches = marker_label_patches(sheet, CAMERA, view_of(places, state=state), ORIGIN, most=2)
    assert patches[0].y > patches[1].y
    one = marker_label_patches(sheet, CAMERA, view_of(places[:1]), ORIGIN)[0]
    assert patches[1].y == one.y


def test_what_lies_outside_the_picture_has_no_label(sheet):
    places = [(0.0, -300.0, 0.0), (4000.0, 0.0, 0.0)]
    assert not marker_label_patches(sheet, CAMERA, view_of(places), ORIGIN)


def test_what_a_section_has_cut_away_has_no_label(sheet):
    view = view_of([(0.0, 30.0, 0.0), (0.0, -30.0, 0.0)])
    both = marker_label_patches(sheet, CAMERA, view, ORIGIN)
    left = marker_label_patches(sheet, CAMERA, view, ORIGIN, stands=np.array([False, True]))
    assert len(both) == 2
    assert [p.y for p in left] == [max(p.y for p in both)]


def test_a_history_makes_a_label_wider(sheet):
    history = (line([1, 2, 3]), None)
    plain = marker_label_patches(sheet, CAMERA, view_of([(0, 0, 0)]), ORIGIN)[0]
    with_line = marker_label_patches(sheet, CAMERA, view_of([(0, 0, 0)], history=history), ORIGIN)[0]
    assert with_line.image.width > plain.image.width + 40


def test_a_sparkline_rises_with_its_values(sheet):
    alpha = np.asarray(sparkline(sheet, line([0, 0, 0, 9, 9, 9]), RED))[..., 3]
    left, right = alpha[:, :20], alpha[:, -20:-6]
    assert left[-7:].sum() > 4 * left[:7].sum()
    assert right[:7].sum() > 4 * right[-7:].sum()


@pytest.mark.parametrize(
    "history",
    [
        line([1, 1, 1, 1, np.nan, np.nan, np.nan, 1, 1, 1]),
        line([1] * 10)[[0, 1, 2, 3, 8, 9]],
    ],
)
def test_gaps_stay_gaps(sheet, history):
    alpha = np.asarray(sparkline(sheet, history, RED))[..., 3].sum(axis=0)
    inner = np.flatnonzero(alpha)
    assert (alpha[inner[0] : inner[-1]] == 0).sum() > 4


def test_one_value_is_no_line(sheet):
    assert sparkline(sheet, line([1]), RED) is None
    assert sparkline(sheet, line([np.nan, 2.0]), RED) is None
    assert sparkline(sheet, None, RED) is None


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31mred", "abc\u202edef", "<b>bold</b>", "=1+1"])
def test_hostile_text_is_drawn_on_one_line(sheet, text):
    """What would turn, hide or break the text is written out and takes room; markup stays letters."""
    plain = text_patch(sheet, "abcdef", size=13).image
    made = text_patch(sheet, text, size=13).image
    assert made.height <= plain.height + 4
    hidden = [c for c in text if not c.isprintable()]
    bare = text_patch(sheet, "".join(c for c in text if c.isprintable()), size=13).image
    assert (made.width > bare.width) == bool(hidden)


def test_a_label_that_is_drawn_again_is_the_same_until_something_of_it_changes(sheet, monkeypatch):
    from twin.scene import marker_labels
    from twin.scene.furniture import Drawn

    drawn, plain = [], marker_labels._drawn_label
    monkeypatch.setattr(marker_labels, "_drawn_label", lambda *a: drawn.append(a) or plain(*a))
    monkeypatch.setattr(marker_labels, "_DRAWN", Drawn(8))
    place, text = [(0, 0, 0)], ("4.2 m",)

    def shown(**changes):
        (patch,) = marker_label_patches(sheet, CAMERA, view_of(place, text=text, **changes), ORIGIN)
        return np.asarray(patch.image)

    first = shown(history=[line([1, 2, 3])])
    np.testing.assert_array_equal(shown(history=[line([1, 2, 3])]), first)
    assert len(drawn) == 1
    assert shown(history=[line([3, 2, 1])]).tobytes() != first.tobytes()
    assert shown(history=[line([1, 2, 3])], is_alarm=np.array([True])).tobytes() != first.tobytes()
    assert len(drawn) == 3
