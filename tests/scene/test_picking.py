"""Picking: the same answer as a test of every triangle, in picture, kind, id and place."""

import numpy as np
import pytest

from twin.scene.camera import Camera, project
from twin.scene.layers import MarkerView
from twin.scene.picking import Kind, cast, pick, pixel_rays, prepare_picker, showing
from twin.scene.selecting import buildings_in_rectangle, buildings_seen_in_rectangle
from twin.scene.stage import mark_radius_px

SIZE = (800, 600)
SOUTH = Camera((-17.0, -90.0, 25.0), (-17.0, -15.0, 4.0), 40.0)


@pytest.fixture(scope="module")
def picker(village_scene):
    return prepare_picker(village_scene)


def pixel_of(camera, point):
    return tuple(project(camera, np.array([point]), SIZE)[0, :2])


def exact(triangles, origins, directions):
    """Nearest triangle of each ray by testing every one (Möller & Trumbore 1997), lowest number first."""
    a = triangles[:, 0].astype(np.float64)
    e1, e2 = triangles[:, 1] - a, triangles[:, 2] - a
    out = np.full(len(origins), -1)
    for i, (o, d) in enumerate(zip(origins, directions, strict=True)):
        p = np.cross(d, e2)
        det = np.einsum("ij,ij->i", e1, p)
        with np.errstate(all="ignore"):
            t = o - a
            u = np.einsum("ij,ij->i", t, p) / det
            q = np.cross(t, e1)
            v = q @ d / det
            far = np.einsum("ij,ij->i", e2, q) / det
        far[~((abs(det) > 1e-14) & (u >= 0) & (v >= 0) & (u + v <= 1) & (far > 1e-9))] = np.inf
        if np.isfinite(far.min()):
            out[i] = int(far.argmin())
    return out


def test_ten_thousand_random_rays_meet_what_an_exact_test_says(picker):
    rng = np.random.default_rng(4)
    origins = rng.uniform((-45, -45, 1), (45, 45, 40), (10_000, 3))
    directions = rng.uniform((-30, -30, -3), (30, 30, 12), (10_000, 3)) - origins
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    expected = exact(all_triangles(picker), origins, directions)
    number, _ = picker.tree.nearest(origins, directions)
    assert (expected >= 0).mean() > 0.6
    # Two triangles of one plane meet in an edge; which of them is hit first there is told by rounding.
    same = number == expected
    assert same.mean() > 0.999
    for name in ("kind", "owner", "face"):
        values = getattr(picker, name)
        np.testing.assert_array_equal(values[number[number >= 0]], values[expected[number >= 0]])
    np.testing.assert_array_equal(number >= 0, expected >= 0)


def all_triangles(picker):
    from twin.scene.picking import _facets, _ground, _trees

    return np.concatenate(
        [part[0] for part in (_facets(picker.pack), _ground(picker.pack), *_trees(picker.pack))]
    )


def test_a_roof_a_wall_the_road_and_the_canal_are_named(picker, village):
    for point, kind, name, surface in [
        ((-17, -15, 9), Kind.BUILDING, "a", "roof"),
        ((-17, -20, 4), Kind.BUILDING, "a", "wall"),
        ((-17, 2, 0), Kind.TERRAIN, "", "road"),
        ((-17, 22, 0), Kind.WATER, "", "water"),
        ((15, 10, 6), Kind.TREE, "1", "tree"),
    ]:
        camera = SOUTH if kind == Kind.BUILDING else Camera((point[0], 20.0, 90.0), point, 40.0)
        hit = pick(picker, camera, SIZE, pixel_of(camera, point))
        assert (hit.kind, hit.id, hit.surface) == (kind, name, surface)
        assert np.asarray(hit.position) - village.origin == pytest.approx(
            point, abs=2.5 if name == "1" else 0.05
        )


def test_the_sky_is_nothing(picker):
    assert pick(picker, Camera((0, -50, 2), (0, 0, 30)), SIZE, (400, 10)) is None


@pytest.mark.parametrize("parallel", [None, 70.0])
def test_rays_go_through_the_pixels_that_points_project_to(parallel):
    camera = Camera((10, -80, 60), (0, 0, 0), 35.0, parallel)
    rng = np.random.default_rng(1)
    points = rng.uniform(-20, 20, (50, 3))
    pixels = project(camera, points, SIZE)
    origins, directions = pixel_rays(camera, SIZE, pixels[:, :2])
    off = np.cross(points - origins, directions)
    assert np.abs(off).max() < 1e-9


def test_what_is_switched_off_is_looked_through(picker):
    camera = Camera((-17.0, -15.0, 60.0), (-17.0, -15.0, 0.0))
    xy = (400, 300)
    assert pick(picker, camera, SIZE, xy).id == "a"
    hidden = showing(picker, hidden_buildings=["a"])
    assert pick(hidden, camera, SIZE, xy).kind == Kind.TERRAIN
    assert pick(showing(picker, hidden_kinds=list(Kind)), camera, SIZE, xy) is None
    assert pick(showing(hidden), camera, SIZE, xy).id == "a"


def marks(*places, height=None):
    n = len(places)
    position = np.array(places, dtype=np.float64) + np.array([84_000, 447_000, 0])
    return MarkerView(
        tuple(f"m{i}" for i in range(n)),
        position,
        np.zeros((n, 3), np.uint8),
        np.zeros(n, np.uint8),
        height_m=None if height is None else np.full(n, height),
    )


def test_marks_near_the_pointer_come_first_unless_something_hides_them(picker):
    before, behind = (-17.0, -30.0, 1.0), (-17.0, -5.0, 1.0)
    view = marks(before, behind)
    x, y = pixel_of(SOUTH, before)
    assert pick(picker, SOUTH, SIZE, (x + 5, y - 4), markers=view).id == "m0"
    assert pick(picker, SOUTH, SIZE, (x + 40, y), markers=view).kind == Kind.TERRAIN
    assert pick(picker, SOUTH, SIZE, pixel_of(SOUTH, behind), markers=view).id == "a"


def test_a_column_is_picked_along_its_whole_height(picker):
    foot = (-17.0, -30.0, 0.0)
    view = marks(foot, height=8.0)
    assert pick(picker, SOUTH, SIZE, pixel_of(SOUTH, (-17, -30, 6)), markers=view).kind == Kind.MARKER


def test_the_disc_of_a_mark_is_picked_where_it_is_drawn(picker):
    """It stands on its column, as large as the picture makes it: a click into its middle or its upper half meets it."""
    view = marks((-17.0, -30.0, 0.0), height=8.0)
    for times in (1, 3):
        size = (SIZE[0] * times, SIZE[1] * times)
        x, y = project(SOUTH, np.array([(-17.0, -30.0, 8.0)]), size)[0, :2]
        radius = mark_radius_px(size[1])
        for up in (0.2, 1.0, 1.9):
            assert pick(picker, SOUTH, size, (x, y - up * radius), markers=view).kind == Kind.MARKER
        above = pick(picker, SOUTH, size, (x, y - 2 * radius - 12), markers=view)
        assert above is None or above.kind != Kind.MARKER


def test_a_rectangle_over_all_holds_all_and_hidden_ones_only_where_asked(picker):
    along = Camera((-60.0, -15.0, 5.0), (0.0, -15.0, 5.0), 40.0)
    whole = (0, 0, *SIZE)
    assert buildings_in_rectangle(picker, along, SIZE, whole) == ("a", "b", "c")
    seen = buildings_seen_in_rectangle(picker, along, SIZE, whole)
    assert seen == ("a", "b")  # 14 m are seen over 9 m; the gable of 10 m is not


def test_a_rectangle_inside_one_wall_holds_its_building(picker):
    # No corner of the house lies in the rectangle, so that its faces must be cut to see it.
    x, y = pixel_of(SOUTH, (-17, -20, 5))
    small = (x - 4, y + 4, x + 4, y - 4)
    assert "a" in buildings_in_rectangle(picker, SOUTH, SIZE, small)
    assert buildings_seen_in_rectangle(picker, SOUTH, SIZE, small) == ("a",)
    assert buildings_in_rectangle(picker, SOUTH, SIZE, (0, 0, 30, 30)) == ()
    assert buildings_seen_in_rectangle(picker, SOUTH, SIZE, (-50, -50, -10, -10)) == ()


def test_many_rays_at_once_give_one_answer_each(picker):
    origins, directions = pixel_rays(SOUTH, SIZE, np.array([[400.0, 300.0], [400.0, 2.0]]))
    hits = cast(picker, origins, directions)
    assert hits[0].distance_m > 0
    assert hits[1] is None


def test_of_several_layers_of_marks_the_nearest_is_picked(picker):
    far, near = marks((-17.0, -30.0, 1.0)), marks((-17.0, -32.0, 1.0))
    xy = pixel_of(SOUTH, (-17.0, -30.0, 1.0))
    assert pick(picker, SOUTH, SIZE, xy, markers=(far,)).kind == Kind.MARKER
    hit = pick(picker, SOUTH, SIZE, xy, markers=(far, near))
    assert hit.position[1] == pytest.approx(446_968.0)
    assert pick(picker, SOUTH, SIZE, xy, markers=()).kind == Kind.TERRAIN
