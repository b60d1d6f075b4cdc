"""One defect, one code; and sound solids without any. Each input is the smallest that shows the defect."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from twin.reconstruct.validity import (
    NAMES,
    Tolerances,
    check_faces,
    check_rings,
    check_shells,
    check_solid,
    solid_of_rings,
)


def box(x0=0.0, y0=0.0, z0=0.0, x1=4.0, y1=4.0, z1=4.0):
    """The six faces of a box, each a list of rings, seen from outside counter-clockwise."""
    a, b, c, d = (x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0)
    e, f, g, h = (x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)
    rings = [(d, c, b, a), (e, f, g, h), (a, b, f, e), (b, c, g, f), (c, d, h, g), (d, a, e, h)]
    return [[np.array(r, float)] for r in rings]


def turned(faces):
    return [[ring[::-1] for ring in face] for face in faces]


def flat(*corners, z=0.0):
    return np.array([(*c, z) for c in corners], float)


def tube(inner, outer, z0=0.0, z1=4.0):
    """A box with a hole through it: courtyard `inner` (x0, y0, x1, y1) in `outer`."""

    def square(r, z):
        return [(r[0], r[1], z), (r[2], r[1], z), (r[2], r[3], z), (r[0], r[3], z)]

    top = [np.array(square(outer, z1)), np.array(square(inner, z1)[::-1])]
    floor = [np.array(square(outer, z0)[::-1]), np.array(square(inner, z0))]
    walls = []
    for r, sign in ((outer, 1), (inner, -1)):
        low, high = square(r, z0), square(r, z1)
        for i in range(4):
            j = (i + 1) % 4
            walls.append([np.array([low[i], low[j], high[j], high[i]])[::sign]])
    return [top, floor, *walls]


SQUARE = flat((0, 0), (4, 0), (4, 4), (0, 4))


@pytest.mark.parametrize(
    ("code", "polygon"),
    [
        (101, [flat((0, 0), (1, 0))]),
        (101, [flat((0, 0), (1, 0), (0, 0))]),
        (102, [flat((0, 0), (1, 0), (1, 0), (1, 1), (0, 1))]),
        (102, [flat((0, 0), (1, 0), (1, 0.0005), (1, 1), (0, 1))]),
        (104, [flat((0, 0), (2, 2), (2, 0), (0, 2), (1, 4))]),
        (104, [flat((0, 0), (4, 0), (4, 4), (2, 0), (0, 4))]),
        (104, [flat((0, 0), (4, 0), (4, 4), (4, 6), (4, 4), (0, 4))]),
        (104, [flat((0, 0), (1, 0), (2, 0))]),
        (201, [SQUARE, flat((2, 2), (2, 3), (5, 3), (5, 2))]),
        (201, [SQUARE, flat((3, 1), (3, 3), (4, 3), (4, 1))]),
        (201, [SQUARE, flat((1, 1), (1, 3), (3, 3), (3, 1)), flat((2, 2), (2, 3.5), (3.5, 3.5), (3.5, 2))]),
        (202, [SQUARE, flat((1, 1), (1, 3), (3, 3), (3, 1)), flat((1, 3), (3, 3), (3, 1), (1, 1))]),
        (203, [np.array([(0, 0, 0), (4, 0, 0), (4, 4, 0.05), (0, 4, 0)], float)]),
        (204, [np.array([(0, 0, 0), (4, 0, 0), (4, 0.01, 0.015), (4, 4, 0), (0, 4, 0), (0, 0.01, 0.015)])]),
        (205, [SQUARE, flat((2, 0), (0, 2), (2, 4), (4, 2))]),
        (205, [SQUARE, flat((0, 2), (1, 3), (2, 2)), flat((2, 2), (3, 3), (4, 2))]),
        (206, [SQUARE, flat((5, 1), (5, 2), (6, 2), (6, 1))]),
        (
            207,
            [
                SQUARE,
                flat((0.5, 0.5), (0.5, 3.5), (3.5, 3.5), (3.5, 0.5)),
                flat((1, 1), (1, 2), (2, 2), (2, 1)),
            ],
        ),
        (208, [SQUARE, flat((1, 1), (2, 1), (2, 2), (1, 2))]),
    ],
)
def test_one_defect_of_a_polygon_gives_its_code(code, polygon):
    assert check_faces(solid_of_rings([polygon])) == (code,)


@pytest.mark.parametrize(
    "polygon",
    [
        [SQUARE],
        [SQUARE, flat((1, 1), (1, 3), (3, 3), (3, 1))],
        [SQUARE, flat((0, 0), (1, 3), (3, 1))],
        [SQUARE, flat((1, 1), (1, 2), (2, 2)), flat((2, 2), (3, 3), (3, 2))],
        [flat((0, 0), (2, 0), (4, 0), (4, 4), (0, 4))],
        [np.array([(0, 0, 0), (4, 0, 0), (4, 4, 0.008), (0, 4, 0)], float)],
        [np.array([(0, 0, 0), (0, 0, 3), (0, 2, 3), (0, 4, 3), (0, 4, 0)], float)],
    ],
    ids=[
        "square",
        "hole",
        "hole touches the outer ring",
        "holes touch",
        "straight corner",
        "bent by 8 mm",
        "upright",
    ],
)
def test_a_sound_polygon_has_no_code(polygon):
    assert check_faces(solid_of_rings([polygon])) == ()


def _cut_box():
    """A box whose top dips through its floor: closed and well connected, but it meets itself."""
    faces = box()
    faces[1] = [np.array([(0, 0, 4), (4, 0, 4), (2, 2, -1)], float)]
    faces += [[np.array(t, float)] for t in (
        [(4, 0, 4), (4, 4, 4), (2, 2, -1)],
        [(4, 4, 4), (0, 4, 4), (2, 2, -1)],
        [(0, 4, 4), (0, 0, 4), (2, 2, -1)],
    )]  # fmt: skip
    return faces


@pytest.mark.parametrize(
    ("code", "faces"),
    [
        (301, box()[:3]),
        (302, box()[:5]),
        (303, box() + box(4, 4, 4, 8, 8, 8)),
        (303, box() + box(4, 4, 0, 8, 8, 4)),
        (305, box() + box(10, 0, 0, 14, 4, 4)),
        (306, _cut_box()),
        (307, turned(box()[:1]) + box()[1:]),
        (405, turned(box())),
    ],
    ids=[
        "three faces",
        "no lid",
        "in a vertex",
        "in an edge",
        "apart",
        "through itself",
        "one turned",
        "inside out",
    ],
)
def test_one_defect_of_a_shell_gives_its_code(code, faces):
    assert check_rings(faces) == (code,)


@pytest.mark.parametrize("faces", [box(), tube((1, 1, 3, 3), (0, 0, 4, 4))], ids=["box", "courtyard"])
@pytest.mark.parametrize("shift", [0.0, 1e6], ids=["near", "far"])
def test_a_sound_shell_has_no_code_wherever_it_stands(faces, shift):
    assert check_rings([[ring + np.array([shift, 2 * shift, 0]) for ring in face] for face in faces]) == ()


def test_a_corner_that_lies_on_another_face_is_contact():
    """A spike from the side reaches the opposite wall: touching in a point is no solid."""
    faces = box()
    tip = (4.0, 2.0, 2.0)
    ring = [(0, 1, 1), (0, 1, 3), (0, 3, 3), (0, 3, 1)]
    faces[5].append(np.array(ring[::-1], float))
    for i in range(4):
        faces.append([np.array([ring[i], ring[(i + 1) % 4], tip], float)])
    assert check_rings(faces) == (306,)


def test_tolerances_are_the_callers():
    bent = solid_of_rings([[np.array([(0, 0, 0), (4, 0, 0), (4, 4, 0.05), (0, 4, 0)], float)]])
    assert check_faces(bent) == (203,)
    assert check_faces(bent, tolerances=Tolerances(plane_distance_m=0.05)) == ()


@pytest.mark.parametrize(
    ("code", "inner"),
    [
        (401, turned(box(2, 2, 2, 6, 6, 6))),
        (401, turned(box(1, 1, 1, 4, 3, 3))),
        (402, turned(box())),
        (403, turned(box(6, 6, 6, 7, 7, 7))),
        (405, box(1, 1, 1, 2, 2, 2)),
    ],
    ids=["crossing", "sharing a face", "the same", "outside", "not turned"],
)
def test_one_defect_of_a_cavity_gives_its_code(code, inner):
    assert check_shells([solid_of_rings(box()), solid_of_rings(inner)]) == (code,)


def test_a_cavity_that_cuts_the_solid_in_two_is_404():
    """A pyramid upside down: its four upper edges run around the walls, its tip stands on nothing."""
    ring = [(0, 2, 2), (2, 0, 2), (4, 2, 2), (2, 4, 2)]
    low, high = (2, 2, 1), (2, 2, 3)
    corners = [(0.0, 0.0, 2.0), (4.0, 0.0, 2.0), (4.0, 4.0, 2.0), (0.0, 4.0, 2.0)]
    split = turned(
        [[np.array([low, corners[(i + 1) % 4], corners[i]], float)] for i in range(4)]
        + [[np.array([high, corners[i], corners[(i + 1) % 4]], float)] for i in range(4)]
    )
    touching = turned(
        [[np.array([low, ring[(i + 1) % 4], ring[i]], float)] for i in range(4)]
        + [[np.array([high, ring[i], ring[(i + 1) % 4]], float)] for i in range(4)]
    )
    assert check_shells([solid_of_rings(box()), solid_of_rings(split)]) == (404,)
    assert check_shells([solid_of_rings(box()), solid_of_rings(touching)]) == ()


def test_a_cavity_within_is_sound_and_one_shell_is_checked_as_a_solid():
    assert check_shells([solid_of_rings(box()), solid_of_rings(turned(box(1, 1, 1, 2, 2, 2)))]) == ()
    assert check_shells([solid_of_rings(box()[:5])]) == check_solid(solid_of_rings(box()[:5])) == (302,)


def test_every_code_has_a_name_and_a_test():
    assert set(NAMES) == {
        *(101, 102, 104, 201, 202, 203, 204, 205, 206, 207, 208),
        *(301, 302, 303, 305, 306, 307, 401, 402, 403, 404, 405),
    }


def test_a_vertex_that_is_not_finite_is_refused():
    faces = box()
    faces[0][0][0, 2] = np.nan
    with pytest.raises(ValueError, match="finite"):
        check_rings(faces)


@pytest.mark.realdata
def test_our_codes_agree_with_those_that_val3dity_gave_the_dutch_city(shared_data):
    """The file carries val3dity's codes for each solid at LoD1.2 and LoD1.3; ours are the same for all 200."""
    agreed = Counter()
    with (shared_data / "delft" / "3dbag_v210908_tile5908_lod22.city.jsonl").open(encoding="utf-8") as lines:
        head = json.loads(next(lines))["transform"]
        for feature in map(json.loads, lines):
            vertices = np.array(feature["vertices"]) * head["scale"] + head["translate"]
            objects = feature["CityObjects"].values()
            told = next(o["attributes"] for o in objects if "val3dity_codes_lod12" in o.get("attributes", {}))
            for geometry in (g for o in objects for g in o.get("geometry", ())):
                if geometry["type"] == "Solid" and geometry["lod"] in (1.2, 1.3, "1.2", "1.3"):
                    shell = [[vertices[ring] for ring in face] for face in geometry["boundaries"][0]]
                    theirs = json.loads(told[f"val3dity_codes_lod{str(geometry['lod']).replace('.', '')}"])
                    agreed[check_rings(shell) == tuple(theirs)] += 1
    assert agreed == {True: 200}
