"""Lines of the map as one planar graph."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.core.grid import Bounds
from twin.reconstruct.arrangement import LINE_TOLERANCE_M, SHORTEST_EDGE_M, arrange_lines
from twin.reconstruct.linework import boundary_segments, extent, to_map, to_units
from twin.reconstruct.polyline import thin_chains, thin_profiles

TILE = Bounds(0.0, 0.0, 40.0, 30.0)
NONE = np.empty(0, dtype=object)


def polygons(*shapes):
    return np.array(shapes, dtype=object)


def lines_of(graph):
    return shapely.linestrings(graph.xy[graph.edges])


def assert_planar(graph):
    """Edges share no more than end points."""
    lines = lines_of(graph)
    noded = shapely.node(shapely.multilinestrings(list(lines)))
    assert shapely.get_num_geometries(noded) == len(graph.edges)
    assert len(np.unique(graph.units, axis=0)) == len(graph.units)
    assert (graph.edges[:, 0] < graph.edges[:, 1]).all()


def wave(offset=0.0, amplitude=1.0):
    x = np.linspace(2, 30, 600)
    return np.column_stack([x, 10 + offset + amplitude * np.sin(x)])


def random_blobs(rng, n, spread=45.0):
    centres = rng.uniform(-5, spread, (n, 2))
    shapes = []
    for centre in centres:
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 9)))
        radius = rng.uniform(0.3, 9, len(angles))
        ring = centre + np.column_stack([np.cos(angles), np.sin(angles)]) * radius[:, None]
        shapes.append(shapely.Polygon(ring))
    return np.array(shapes, dtype=object)


def test_a_shared_border_is_thinned_once():
    top = shapely.Polygon([*wave(), (30, 20), (2, 20)])
    below = shapely.Polygon([*wave(), (30, 2), (2, 2)])
    graph = arrange_lines(polygons(top, below), NONE, bounds=TILE)
    assert_planar(graph)
    cells = shapely.get_parts(shapely.polygonize(lines_of(graph)))
    assert len(cells) == 2
    assert len(graph.units) < 60
    assert (
        shapely.hausdorff_distance(
            shapely.union_all(lines_of(graph)), shapely.union_all([top.boundary, below.boundary])
        )
        < LINE_TOLERANCE_M + 0.001
    )


def test_corners_of_footprints_all_stay():
    house = shapely.Point(12, 12).buffer(5, quad_segs=60)
    graph = arrange_lines(polygons(shapely.box(0, 0, 12, 12)), polygons(house), bounds=TILE)
    kept = {tuple(p) for p in graph.units}
    assert {tuple(p) for p in to_units(shapely.get_coordinates(house), TILE)} <= kept


def test_no_edge_of_the_map_is_shorter_than_the_shortest():
    ladder = [shapely.box(5, 5 + 0.013 * k, 9, 20) for k in range(30)]
    graph = arrange_lines(polygons(*ladder), NONE, bounds=TILE)
    assert_planar(graph)
    length = shapely.length(lines_of(graph))
    assert length.min() >= SHORTEST_EDGE_M


def test_nothing_in_nothing_out():
    graph = arrange_lines(NONE, NONE, bounds=TILE)
    assert len(graph.units) == len(graph.edges) == len(graph.crossings) == 0


def test_a_polygon_around_the_whole_tile_leaves_no_line():
    graph = arrange_lines(polygons(shapely.box(-5, -5, 60, 60)), NONE, bounds=TILE)
    assert len(graph.edges) == 0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_any_overlaps_give_a_planar_graph_near_its_input(seed):
    rng = np.random.default_rng(seed)
    shapes = random_blobs(rng, 12)
    valid = shapes[shapely.is_valid(shapes)]
    graph = arrange_lines(shapes, valid[:2], bounds=TILE)
    assert_planar(graph)
    drawn = shapely.union_all(shapely.boundary(shapely.get_parts(shapes)))
    inside = shapely.intersection(drawn, shapely.box(0, 0, 40, 30).buffer(-1e-6))
    off = shapely.hausdorff_distance(shapely.union_all(lines_of(graph)), inside)
    assert off < LINE_TOLERANCE_M + 2 * SHORTEST_EDGE_M


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_polygons_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    shapes = random_blobs(rng, 8)
    one, other = (arrange_lines(s, NONE, bounds=TILE) for s in (shapes, shapes[rng.permutation(8)]))
    assert np.array_equal(one.units, other.units)
    assert np.array_equal(one.edges, other.edges)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), x0=st.sampled_from([0.0, 84_808.0, 6_800_000.5]))
def test_neighbours_find_the_same_crossings(seed, x0):
    rng = np.random.default_rng(seed)
    shapes = shapely.transform(random_blobs(rng, 10), lambda xy: xy + np.array([x0, 2 * x0]))
    west = Bounds(x0, 2 * x0, x0 + 17.5, 2 * x0 + 30)
    east = Bounds(x0 + 17.5, 2 * x0, x0 + 41, 2 * x0 + 30)
    from_west = to_map(arrange_lines(shapes, NONE, bounds=west).crossings, west)
    from_east = to_map(arrange_lines(shapes, NONE, bounds=east).crossings, east)
    on_west = from_west[from_west[:, 0] == x0 + 17.5]
    on_east = from_east[from_east[:, 0] == x0 + 17.5]
    assert np.array_equal(on_west, on_east)


def test_units_and_map_go_both_ways():
    far = Bounds(6_801_000.0, 299_000.0, 6_801_250.0, 299_250.0)
    xy = np.array([[6_801_000.0, 299_000.0], [6_801_123.457, 299_249.999]])
    assert np.array_equal(to_map(to_units(xy, far), far), xy)
    assert extent(far).tolist() == [250_000, 250_000]


def test_segments_are_cut_at_the_border():
    segments, crossings = boundary_segments(polygons(shapely.Polygon([(-10, 15), (50, 5), (50, 25)])), TILE)
    assert ((segments >= 0) & (segments <= extent(TILE))).all()
    lines = shapely.union_all(shapely.linestrings(to_map(segments.reshape(-1, 2), TILE).reshape(-1, 2, 2)))
    wanted = shapely.Polygon([(-10, 15), (50, 5), (50, 25)]).boundary.intersection(shapely.box(0, 0, 40, 30))
    assert shapely.hausdorff_distance(lines, wanted) < 0.001
    assert len(crossings) == 4


def test_a_corner_that_touches_from_outside_is_a_crossing():
    segments, crossings = boundary_segments(polygons(shapely.Polygon([(40, 7), (44, 5), (44, 9)])), TILE)
    assert len(segments) == 0
    assert crossings.tolist() == [[40_000, 7_000]]


@pytest.mark.parametrize("tolerance", [0.01, 0.1, 0.5])
def test_dropped_points_are_within_the_tolerance(tolerance):
    xy = wave()
    keep = thin_chains(xy, np.array([0, len(xy)]), tolerance)
    off = shapely.distance(shapely.LineString(xy[keep]), shapely.points(xy))
    assert off.max() <= tolerance
    assert keep[[0, -1]].all()
    assert keep.sum() < len(xy) / 5


def test_a_closed_chain_keeps_its_form():
    angle = np.linspace(0, 2 * np.pi, 400)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    ring[-1] = ring[0]
    keep = thin_chains(ring, np.array([0, 400]), 0.02)
    assert shapely.Polygon(ring[keep]).area == pytest.approx(np.pi, rel=0.03)


def test_profiles_are_thinned_by_vertical_distance():
    t = np.linspace(0, 100, 2001)
    z = 0.2 * np.sin(t / 5)
    keep = thin_profiles(t, z, np.array([0, 2001]), tolerance_m=0.02)
    assert np.abs(np.interp(t, t[keep], z[keep]) - z).max() <= 0.02 + 1e-9
    assert keep.sum() < 60
