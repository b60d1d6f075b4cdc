"""Extrusion: whatever the footprint, its division and its heights, the result is a valid solid of known volume."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reconstruct.solid_asserts import assert_valid_solid
from twin.core.mesh import Surface
from twin.reconstruct.extrude import extrude, flat_planes
from twin.reconstruct.footprint import localize_footprint
from twin.reconstruct.measures import surface_areas, volume_m3
from twin.reconstruct.partition import cut_footprint, face_areas, partition_of, polygons_of, whole_footprint
from twin.reconstruct.validity import check_solid

boxes = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(2, 8), st.integers(2, 8))
FLOOR_M = 1.0


@st.composite
def footprints(draw):
    """Unions of boxes less boxes, turned: courtyards, courtyards that touch, corners that lie straight, parts."""
    grown = [shapely.box(x, y, x + w, y + h) for x, y, w, h in draw(st.lists(boxes, min_size=1, max_size=5))]
    cut = [shapely.box(x, y, x + w / 2, y + h / 2) for x, y, w, h in draw(st.lists(boxes, max_size=3))]
    shape = shapely.union_all(grown).difference(shapely.union_all(cut))
    if draw(st.booleans()):
        shape = shapely.segmentize(shape, 2.0)
    shape = shapely.affinity.rotate(shape, draw(st.sampled_from([0, 0, 30, 45, 77])), origin=(0, 0))
    parts = [p for p in shapely.get_parts(shape) if p.area > 1.5]
    return shapely.multipolygons(parts) if parts else shapely.box(0, 0, 3, 3)


@st.composite
def divided(draw):
    footprint = localize_footprint(draw(footprints()))
    x0, y0, x1, y1 = footprint.polygon.bounds
    lines = []
    for _ in range(draw(st.integers(0, 4))):
        a, b = draw(st.integers(0, 12)) / 12, draw(st.integers(0, 12)) / 12
        if draw(st.booleans()):
            lines.append(shapely.LineString([(x0 - 1, y0 + a * (y1 - y0)), (x1 + 1, y0 + b * (y1 - y0))]))
        else:
            lines.append(shapely.LineString([(x0 + a * (x1 - x0), y0 - 1), (x0 + b * (x1 - x0), y1 + 1)]))
    return footprint, cut_footprint(footprint, lines) if lines else whole_footprint(footprint)


@given(divided(), st.data())
@settings(max_examples=120, deadline=None)
def test_flat_parts_make_valid_solids_of_the_right_volume(case, data):
    footprint, partition = case
    n = partition.n_faces
    heights = np.array(data.draw(st.lists(st.sampled_from([3.0, 4.5, 6.0]), min_size=n, max_size=n)))
    solids = extrude(partition, flat_planes(heights), ground_m=FLOOR_M)
    for solid in solids:
        assert_valid_solid(solid)
        assert check_solid(solid) == ()
    truth = float((face_areas(partition) * (heights - FLOOR_M)).sum())
    # Corners that stand back from others move by 1 cm, over a height of at most 5 m.
    assert sum(map(volume_m3, solids)) == pytest.approx(truth, abs=0.05 * len(partition.vertices))
    roof = sum(surface_areas(s)[Surface.ROOF] for s in solids)
    assert roof == pytest.approx(footprint.area_m2, abs=0.02 * len(partition.vertices))


@given(divided(), st.data())
@settings(max_examples=120, deadline=None)
def test_sloping_parts_make_valid_solids(case, data):
    """Planes in any position, crossing along edges, steep ones too.

    Once in 17,000 of such drawings a sliver a few millimetres wide is bent by heights that became one (204).
    """
    _, partition = case
    slope = st.sampled_from([-1.3, -0.7, -0.2, 0.0, 0.2, 0.7]) | st.floats(-1.0, 1.0)
    planes = np.array(
        [
            (data.draw(slope), data.draw(slope), 60 + data.draw(st.integers(0, 3)))
            for _ in range(partition.n_faces)
        ]
    )
    for solid in extrude(partition, planes, ground_m=0.0):
        assert_valid_solid(solid)
        assert set(check_solid(solid)) <= {204}


@given(divided())
@settings(max_examples=30, deadline=None)
def test_moving_a_footprint_by_1000_km_moves_its_solids_and_changes_nothing(case):
    footprint, partition = case
    heights = 3.0 + 1.5 * (np.arange(partition.n_faces) % 3)
    far = localize_footprint(shapely.affinity.translate(footprint.on_map(), 1_000_000, -1_000_000))
    moved = partition_of(far.origin, polygons_of(partition))
    for one, two in zip(
        extrude(partition, flat_planes(heights), ground_m=0.0),
        extrude(moved, flat_planes(heights), ground_m=0.0),
        strict=True,
    ):
        assert np.array_equal(one.corners, two.corners)
        assert np.allclose(one.vertices + np.array([1e6, -1e6, 0]), two.vertices, rtol=0, atol=1e-8)


def grid_of_squares(heights):
    """Unit squares with heights, row 0 in the south, as one partition."""
    squares, tops = [], []
    for j, row in enumerate(heights):
        for i, top in enumerate(row):
            if top:
                squares.append(shapely.box(i, j, i + 1, j + 1))
                tops.append(float(top))
    partition = partition_of((0.0, 0.0), [shapely.orient_polygons(s) for s in squares])
    return extrude(partition, flat_planes(np.array(tops)), ground_m=0.0)


@pytest.mark.parametrize(
    ("heights", "n_solids", "volume"),
    [
        ([[5, 3], [3, 5]], 1, 16),  # high, low, high, low around a vertex
        ([[5, 3], [3, 4]], 1, 15),
        ([[5, 3, 5], [3, 5, 3], [5, 3, 5]], 1, 37),  # a chequerboard
        ([[4, 4, 4], [4, 0, 4], [4, 4, 4]], 1, 32),  # a courtyard
        ([[4, 4, 4, 4], [4, 0, 4, 4], [4, 4, 0, 4], [4, 4, 4, 4]], 1, 56),  # courtyards that touch
        ([[4, 4, 4], [4, 0, 4], [4, 4, 8]], 1, 36),  # a courtyard that touches a high part across a low one
        ([[0, 4, 4], [4, 0, 4], [4, 4, 4]], 1, 28),  # a courtyard that touches the street
        ([[4, 0], [0, 4]], 2, 8),  # parts that touch
        ([[4, 0, 0], [0, 4, 4], [0, 4, 4]], 2, 20),
        ([[5, 5, 5], [3, 5, 5], [5, 5, 5]], 1, 43),  # a low part inside a high one, on the outline
    ],
)
def test_parts_that_meet_in_a_vertex(heights, n_solids, volume):
    solids = grid_of_squares(heights)
    assert len(solids) == n_solids
    for solid in solids:
        assert_valid_solid(solid)
        assert check_solid(solid) == ()
    assert sum(map(volume_m3, solids)) == pytest.approx(volume, abs=0.3)


def test_equal_neighbours_become_one_face_and_only_steps_get_inner_walls():
    (solid,) = grid_of_squares([[4, 4, 6]])
    counts = {kind.name: int((solid.surface == kind).sum()) for kind in Surface}
    assert counts == {"GROUND": 1, "WALL": 8, "ROOF": 2, "INNER_WALL": 1}
    assert surface_areas(solid)[Surface.INNER_WALL] == pytest.approx(2)


def test_a_wall_between_three_levels_shares_every_corner():
    """The middle level's corner stands on the wall between the other two."""
    cells = [shapely.box(0, 0, 2, 1), shapely.box(0, 1, 1, 2), shapely.box(1, 1, 2, 2)]
    noded = [
        shapely.Polygon([(0, 0), (2, 0), (2, 1), (1, 1), (0, 1)]),
        *map(shapely.orient_polygons, cells[1:]),
    ]
    partition = partition_of((0.0, 0.0), noded)
    (solid,) = extrude(partition, flat_planes(np.array([9.0, 3.0, 6.0])), ground_m=0.0)
    assert_valid_solid(solid)
    at = solid.vertices[(solid.vertices[:, :2] == [1, 1]).all(axis=1), 2]
    assert sorted(at) == [3.0, 6.0, 9.0]


def test_heights_a_few_millimetres_apart_are_one():
    (solid,) = grid_of_squares([[4.0, 4.002]])
    assert check_solid(solid) == ()
    assert (solid.surface == Surface.ROOF).sum() == 1


def test_crossing_planes_meet_in_a_vertex_of_their_own():
    """Two sheds leaning opposite ways: the wall between them is two triangles."""
    squares = [
        shapely.orient_polygons(shapely.box(0, 0, 2, 4)),
        shapely.orient_polygons(shapely.box(2, 0, 4, 4)),
    ]
    planes = np.array([(0.0, 0.5, 3.0), (0.0, -0.5, 5.0)])
    (solid,) = extrude(partition_of((0.0, 0.0), squares), planes, ground_m=0.0)
    assert_valid_solid(solid)
    assert check_solid(solid) == ()
    assert (solid.surface == Surface.INNER_WALL).sum() == 2
    assert [2.0, 2.0, 4.0] in solid.vertices.tolist()
    assert volume_m3(solid) == pytest.approx(64)


@pytest.mark.parametrize("from_end_m", [0.0009, 0.0015, 0.0025, 0.006, 0.02])
def test_planes_that_cross_beside_a_vertex(from_end_m):
    """Nearer than 2 mm the two vertices would be one to a validator, and the wall between them no face."""
    squares = [shapely.orient_polygons(shapely.box(x, 0, x + 2, 4)) for x in (0, 2)]
    planes = np.array([(0.0, 3.0, 9.0), (0.0, -3.0, 9.0 + 6.0 * from_end_m)])
    (solid,) = extrude(partition_of((0.0, 0.0), squares), planes, ground_m=-9.0)
    assert_valid_solid(solid)
    assert check_solid(solid) == ()


def test_a_steep_roof_over_a_wall_with_corners_in_a_line():
    """Heights are rounded: in a view from the side these corners are not in a line, and would fold a sliver."""
    outline = [
        (0, 0),
        (6, 0),
        (6, 1),
        (7, 1),
        (7, 3),
        (7, 5),
        (6, 5),
        (6, 11),
        (0, 11),
        (0, 5),
        (0, 4),
        (0, 1),
    ]
    plane = np.array([(-1.11933, 0.41466, 39.56752)])
    (solid,) = extrude(partition_of((0.0, 0.0), [shapely.Polygon(outline)]), plane, ground_m=0.0)
    assert_valid_solid(solid)
    assert check_solid(solid) == ()


@pytest.mark.parametrize("edge_m", [0.0021, 0.0031, 0.02])
def test_parts_that_meet_in_a_vertex_beside_another_vertex(edge_m):
    """What stands back must not come to stand on a neighbour: validators take 1 mm for nothing."""
    at = {"w": (0.0, 1.0), "m": (1.0, 1.0), "e": (1.0 + edge_m, 1.0), "n": (1.0, 2.0), "s": (1.0, 0.0)}
    low, high = (0.0, 0.0), (2.0, 2.0)
    rings = [
        [low, at["s"], at["m"], at["w"]],
        [at["s"], (2.0, 0.0), (2.0, 1.0), at["e"], at["m"]],
        [at["m"], at["e"], (2.0, 1.0), high, at["n"]],
        [at["w"], at["m"], at["n"], (0.0, 2.0)],
    ]
    partition = partition_of((0.0, 0.0), [shapely.Polygon(r) for r in rings])
    (solid,) = extrude(partition, flat_planes(np.array([5.0, 3.0, 5.0, 3.0])), ground_m=0.0)
    assert_valid_solid(solid)
    assert check_solid(solid) == ()


def test_a_roof_under_the_ground_is_refused_with_both_elevations():
    partition = whole_footprint(localize_footprint(shapely.box(0, 0, 4, 4)))
    with pytest.raises(ValueError, match=r"2\.000 m, the ground lies at 2\.500 m"):
        extrude(partition, flat_planes(np.array([2.0])), ground_m=2.5)


def test_faces_that_overlap_are_refused():
    overlapping = [shapely.orient_polygons(shapely.box(0, 0, 2, 2))] * 2
    with pytest.raises(ValueError, match="overlap"):
        extrude(partition_of((0.0, 0.0), overlapping), flat_planes(np.full(2, 3.0)), ground_m=0.0)
