"""Footprints: ids stay exact, outlines become valid, neighbours share walls, the order of rows changes nothing."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.sources.broken_vectors import CITY_CRS, SURVEY, X, Y, at_home, frame, gpkg, house, two_houses
from twin.core.crs import parse_crs
from twin.core.errors import InputError, OverlapError, UsageError
from twin.core.grid import Bounds
from twin.core.notices import Notices
from twin.sources.footprint_edges import SNAP_M, share_edges
from twin.sources.footprint_overlaps import find_overlaps, originals_of
from twin.sources.footprint_repair import MAX_EXTENT_M, repair_footprints
from twin.sources.footprints import read_footprints
from twin.sources.lengths import heights_from_column, parse_length
from twin.sources.rings import put_together, take_apart

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CITY = parse_crs(CITY_CRS)


def read(path: Path, **kwargs: Any) -> gpd.GeoDataFrame:
    return read_footprints(path, crs=CITY, notices=kwargs.pop("notices", Notices()), **kwargs)


def repair(*shapes: shapely.Geometry | None) -> tuple[NDArray[np.object_], list[str], str]:
    notices = Notices()
    geometry = np.empty(len(shapes), object)
    geometry[:] = shapes
    ids = [f"b{i + 1}" for i in range(len(shapes))]
    repaired = repair_footprints(geometry, ids, where="f.gpkg", notices=notices)
    return repaired.geometry, list(repaired.reason), "\n".join(n.message for n in notices.items)


def edges_of(polygon: shapely.Polygon) -> set[tuple[tuple[float, ...], tuple[float, ...]]]:
    ring = [tuple(p) for p in polygon.exterior.coords]
    return {(min(p, q), max(p, q)) for p, q in pairwise(ring)}


def voronoi_block(seed: int, n: int = 40) -> NDArray[np.object_]:
    """A block of houses without gaps, the cells of random points."""
    rng = np.random.default_rng(seed)
    points = shapely.multipoints(rng.uniform(0, 120, (n, 2)))
    cells = np.asarray(shapely.get_parts(shapely.voronoi_polygons(points)))
    cells = shapely.intersection(cells, shapely.box(0, 0, 120, 120))
    return np.asarray(cells[shapely.area(cells) > 4])


def n_gaps(union: shapely.Geometry) -> int:
    return int(shapely.get_num_interior_rings(shapely.get_parts(union)).sum())


def jittered(cells: NDArray[np.object_], seed: int, radius_m: float) -> NDArray[np.object_]:
    rng = np.random.default_rng(seed)
    rings = take_apart(cells)
    angle, r = rng.uniform(0, 2 * np.pi, len(rings.xy)), rng.uniform(0, radius_m, len(rings.xy))
    moved = rings.xy + np.column_stack([r * np.cos(angle), r * np.sin(angle)])
    return put_together(rings.with_vertices(moved, rings.ring), like=cells)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_neighbours_drawn_apart_share_their_walls_exactly(seed: int) -> None:
    """Each cell's vertices are moved by up to 8 mm: afterwards there is neither gap nor overlap.

    Blocks with a wall shorter than 5 cm are left out: which of its ends a vertex means is then a guess.
    """
    cells = voronoi_block(seed)
    rings = take_apart(cells)
    assume(np.linalg.norm(rings.xy - rings.xy[rings.following], axis=1).min() > 0.05)
    before = jittered(cells, seed, 0.008)
    after = share_edges(before)
    assert shapely.is_valid(after).all()
    union = shapely.union_all(after)
    assert shapely.area(after).sum() == pytest.approx(union.area, abs=1e-6)
    assert n_gaps(union) == n_gaps(shapely.union_all(cells))
    assert shapely.hausdorff_distance(before, after).max() <= SNAP_M + 1e-9


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_the_order_of_rows_changes_no_outline(seed: int) -> None:
    before = jittered(voronoi_block(seed), seed, 0.02)
    order = np.random.default_rng(seed).permutation(len(before))
    assert shapely.equals_identical(share_edges(before)[order], share_edges(before[order])).all()


def test_a_vertex_in_the_middle_of_a_wall_becomes_common() -> None:
    """Two small houses against the long wall of a large one, 1 cm off and overlapping by 1 cm."""
    shapes = np.array(
        [shapely.box(0, 0, 10, 30), shapely.box(10.01, 2, 18, 12), shapely.box(9.99, 12, 18, 25)]
    )
    large, lower, upper = share_edges(shapes)
    assert len(edges_of(large) & edges_of(lower)) == 1
    assert len(edges_of(large) & edges_of(upper)) == 1
    assert len(edges_of(lower) & edges_of(upper)) == 1
    assert large.intersection(lower).area == 0
    assert large.intersection(upper).area == 0


def test_what_is_further_apart_than_the_tolerance_stays() -> None:
    shapes = np.array([shapely.box(0, 0, 10, 10), shapely.box(10.05, 0, 20, 10), None, shapely.Polygon()])
    after = share_edges(shapes)
    assert shapely.equals_identical(after[:2], shapes[:2]).all()
    assert after[2] is None
    assert after[3].is_empty


def test_a_narrow_house_is_not_pinched_by_a_vertex_of_its_own() -> None:
    """The neighbour's corner lies on both long walls of a wing 1.5 cm wide; the outline stays simple."""
    wing = shapely.Polygon([(0, 0), (10, 0), (10, 10), (9.985, 10), (9.985, 1), (0, 1)])
    other = shapely.box(10.0, 4, 15, 6)
    after = share_edges(np.array([wing, other]))
    assert shapely.is_valid(after).all()
    assert after[0].area == pytest.approx(wing.area, abs=0.05)


def test_courtyards_and_parts_survive_taking_apart() -> None:
    court = shapely.Polygon(shapely.box(0, 0, 20, 20).exterior, [shapely.box(5, 5, 15, 15).exterior])
    shapes = np.array(
        [shapely.MultiPolygon([court, shapely.box(30, 0, 40, 10)]), None, court, shapely.Polygon()]
    )
    again = put_together(take_apart(shapes), like=shapes)
    assert again[0].equals(shapes[0])
    assert again[0].geom_type == "MultiPolygon"
    assert (again[1] is None, again[2].equals(court), again[3].is_empty) == (True, True, True)


def test_a_courtyard_house_around_a_house_shares_its_inner_wall() -> None:
    court = shapely.Polygon(shapely.box(0, 0, 20, 20).exterior, [shapely.box(5, 5, 15, 15).exterior])
    inner = shapely.box(5.01, 5.01, 14.99, 14.99)
    outer, inside = share_edges(np.array([court, inner]))
    assert outer.union(inside).equals(shapely.box(0, 0, 20, 20))


def test_a_bowtie_becomes_its_two_lobes() -> None:
    geometry, reason, told = repair(shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)]))
    assert geometry[0].area == pytest.approx(50)
    assert (reason, "b1" in told, "self-intersection" in told) == ([""], True, True)


def test_a_hole_outside_is_dropped_and_one_inside_stays() -> None:
    hole, outside = [(2, 2), (2, 4), (4, 4), (4, 2)], [(20, 0), (22, 0), (22, 2), (20, 2)]
    geometry, _, told = repair(shapely.Polygon([(0, 0), (10, 0), (10, 8), (0, 8)], [hole, outside]))
    assert geometry[0].area == pytest.approx(76)
    assert "hole lies outside shell" in told


def test_needles_and_doubled_vertices_go() -> None:
    """A needle 4 m long and 5 mm wide, and two vertices 5 mm apart, leave a plain rectangle of 80 m2."""
    ring = [(0, 0), (10, 0), (10, 4), (14, 4.0025), (10, 4.005), (10, 8), (5.005, 8), (5, 8), (0, 8)]
    geometry, reason, _ = repair(shapely.Polygon(ring))
    assert reason == [""]
    assert geometry[0].bounds == (0, 0, 10, 8)
    assert geometry[0].area == pytest.approx(80, abs=0.05)
    assert len(geometry[0].exterior.coords) <= 8


def test_an_outline_of_a_few_millimetres_is_a_sliver_and_no_crash() -> None:
    _, reason, _ = repair(
        shapely.Polygon([(0, 0), (0.004, 0), (0.004, 0.004), (0, 0.004)]), shapely.box(0, 0, 5, 0.001)
    )
    assert all("sliver" in r for r in reason)


def test_a_chain_of_close_vertices_is_thinned_the_same_in_any_row() -> None:
    top = [(10 - i * 0.004, 8.0) for i in range(200)]
    crowded = shapely.Polygon([(0, 0), (10, 0), *top, (0, 8)])
    alone, *_ = repair(crowded)[0]
    shifted = repair(shapely.Point(0, 0).buffer(3, quad_segs=3), crowded)[0][1]
    assert alone.equals_exact(shifted)
    assert 10 < len(alone.exterior.coords) < 110
    assert alone.equals(crowded)


def test_sound_outlines_pass_untouched() -> None:
    wedge = shapely.Polygon([(0, 0), (30, 0), (30, 1.5)])
    shapes = [shapely.box(0, 0, 10, 8), wedge, shapely.Point(50, 50).buffer(5)]
    geometry, reason, told = repair(*shapes)
    assert shapely.equals_identical(geometry, np.array(shapes)).all()
    assert (reason, told) == ([""] * 3, "")


def test_every_kind_of_geometry_ends_with_a_reason_or_a_polygon() -> None:
    collection = shapely.GeometryCollection([shapely.Point(0, 0), shapely.box(0, 0, 5, 5)])
    shapes = [
        None, shapely.Polygon(), shapely.Point(1, 1), shapely.LineString([(0, 0), (5, 0), (5, 5), (0, 0)]), collection,
        shapely.Polygon([(0, 0), (5, 0), (10, 0)]),
    ]  # fmt: skip
    geometry, reason, _ = repair(*shapes)
    assert reason[:4] == ["no geometry", "no geometry", "a Point is no polygon", "a LineString is no polygon"]
    assert (geometry[4].area, reason[4]) == (25, "")
    assert "nothing is left" in reason[5]
    assert all((r == "") == (g is not None and g.is_valid) for g, r in zip(geometry, reason, strict=True))


def test_slivers_are_told_from_thin_but_real_walls() -> None:
    shapes = [
        shapely.box(0, 0, 0.2, 0.1),
        shapely.box(0, 0, 40, 0.29),
        shapely.box(0, 0, 40, 0.31),
        shapely.Polygon(shapely.box(0, 0, 9, 9).exterior, [shapely.box(0.2, 0.2, 8.8, 8.8).exterior]),
        shapely.MultiPolygon([shapely.box(0, 0, 5, 5), shapely.box(9, 0, 9.1, 5)]),
    ]
    geometry, reason, told = repair(*shapes)
    assert [bool(r) for r in reason] == [True, True, False, True, False]
    assert geometry[4].equals(shapely.box(0, 0, 5, 5))
    assert "b5 has 1 parts that are slivers" in told


def test_a_far_vertex_goes_and_a_building_that_is_too_large_is_given_up() -> None:
    spiked = shapely.Polygon([(0, 0), (10, 0), (9e5, 4), (10, 8), (0, 8)])
    huge = shapely.box(0, 0, MAX_EXTENT_M + 1, 10)
    triangle = shapely.Polygon([(0, 0), (10, 0), (9e5, 4)])
    geometry, reason, _ = repair(spiked, huge, triangle)
    assert geometry[0].equals(shapely.box(0, 0, 10, 8))
    assert reason[0] == ""
    assert "5.0 km" in reason[1]
    assert "900.0 km" in reason[2]


def test_duplicates_keep_the_smallest_id_whatever_the_order() -> None:
    shapes = [
        shapely.box(0, 0, 10, 8),
        shapely.box(0, 0.1, 10, 8),
        shapely.box(50, 0, 60, 8),
        shapely.box(0, 0, 10, 8),
    ]
    for seed in range(6):
        rows = random.Random(seed).sample(range(4), 4)
        ids = [f"b{i}" for i in rows]
        geometry = np.array([shapes[i] for i in rows])
        original = originals_of(find_overlaps(geometry, ids), 4)
        pairs = {ids[i]: ids[o] if o >= 0 else None for i, o in enumerate(original)}
        assert pairs == {"b0": None, "b1": "b0", "b2": None, "b3": "b0"}


def test_overlaps_are_measured() -> None:
    found = find_overlaps(
        np.array([shapely.box(0, 0, 10, 10), shapely.box(6, 0, 16, 10), None]), ["a", "b", "c"]
    )
    assert (found.a.tolist(), found.b.tolist()) == ([0], [1])
    assert found.area_m2[0] == pytest.approx(40)
    assert found.share[0] == pytest.approx(0.4)
    assert found.joint_share[0] == pytest.approx(40 / 160)


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("id", pd.array([2**60 + 1, 2**60 + 3], "int64"), ["1152921504606846977", "1152921504606846979"]),
        ("gml_id", ["../x", "<b>"], ["../x", "<b>"]),
        ("OSM_ID", [1.0, 2.0], ["1", "2"]),
        ("ufid", ["007", "7"], ["007", "7"]),
        ("fid", [12, 10], ["12", "10"]),
    ],
)
def test_ids_of_any_type_are_exact(column: str, values: Any, expected: list[str], tmp_path: Path) -> None:
    data = gpd.GeoDataFrame({column: values, "name": ["x", "y"]}, geometry=[house(), house(20)], crs=CITY_CRS)
    data.to_file(tmp_path / "a.fgb", driver="FlatGeobuf", SPATIAL_INDEX="NO")
    found = read(tmp_path / "a.fgb")
    assert found["id"].tolist() == expected
    assert found["id"].map(type).eq(str).all()


def test_the_named_id_field_and_the_feature_numbers(tmp_path: Path) -> None:
    path = gpkg(tmp_path, "a.gpkg", two_houses(code=["q", None]))
    notices = Notices()
    found = read(path, id_field="code", notices=notices)
    assert found["id"].tolist() == ["q", "row 2"]
    assert found["source_id"].tolist() == ["b1", "b2"]
    assert "row 2" in notices.items[0].message
    assert read(path, id_field="fid")["id"].tolist() == ["1", "2"]
    with pytest.raises(UsageError, match=r"no column 'nope' for the ids; its columns are: id, code"):
        read(path, id_field="nope")


def test_columns_with_a_meaning_of_ours_are_renamed_not_lost(tmp_path: Path) -> None:
    data = two_houses(State=["open", "shut"], reason=["a", "b"], source_reason=["c", "d"])
    found = read(gpkg(tmp_path, "a.gpkg", data))
    assert found["source_State"].tolist() == ["open", "shut"]
    assert found["source_reason_"].tolist() == ["a", "b"]
    assert found["source_reason"].tolist() == ["c", "d"]
    assert found["state"].isna().all()
    names = [c.lower() for c in found.columns]
    assert len(set(names)) == len(names)


def test_shuffled_rows_give_the_same_buildings(tmp_path: Path) -> None:
    shapes = list(jittered(voronoi_block(3), 3, 0.01))
    shapes = [shapely.transform(g, lambda xy: xy + np.array([X, Y])) for g in shapes]
    shapes += [shapes[0], at_home([(0, 0), (9, 9), (9, 0), (0, 9)])]
    data = frame(shapes)
    one = read(gpkg(tmp_path, "a.gpkg", data)).set_index("id").sort_index()
    two = read(gpkg(tmp_path, "b.gpkg", data.sample(frac=1, random_state=7))).set_index("id").sort_index()
    assert one["state"].fillna("").tolist() == two["state"].fillna("").tolist()
    assert shapely.equals_identical(one.geometry.array, two.geometry.array).all()


def test_a_survey_elsewhere_is_told_with_both_places(tmp_path: Path) -> None:
    path = gpkg(tmp_path, "a.gpkg", two_houses())
    elsewhere = Bounds(SURVEY.x_min + 200_000, SURVEY.y_min, SURVEY.x_max + 200_000, SURVEY.y_max)
    with pytest.raises(OverlapError, match=r"does not overlap the survey: x 565050 to 565080.* m apart"):
        read(path, survey=elsewhere)
    assert len(read(path, survey=SURVEY)) == 2


def test_mixed_geometry_keeps_every_row(tmp_path: Path) -> None:
    found = read(gpkg(tmp_path, "a.gpkg", frame([house(), shapely.Point(X, Y)])))
    assert found["state"].tolist() == [None, "invalid_footprint"]
    assert found.geometry[1] is None


def test_heights_people_wrote() -> None:
    notices = Notices()
    values = pd.Series(["ca. 7,5 m", "", "-3", "NaN", "12", 4.0, None, "25 ft", "3 m - 5 m", "1.234,5"])
    heights = heights_from_column(values, ids=[f"b{i}" for i in range(10)], where="t.gpkg", notices=notices)
    expected = [7.5, np.nan, np.nan, np.nan, 12, 4, np.nan, 7.62, np.nan, np.nan]
    assert np.allclose(heights, expected, equal_nan=True)
    assert {n.subject for n in notices.items} == {"b1", "b2", "b3", "b8", "b9"}
    assert all("height" in n.message for n in notices.items)


@given(st.floats(0, 1000).map(lambda v: round(v, 3)), st.sampled_from(["", "m", " m", " meters", "ca. {}m"]))
def test_lengths_round_trip(value: float, form: str) -> None:
    text = form.format(value) if "{}" in form else f"{value:f}{form}"
    assert parse_length(text.replace(".", ",") if "ca" not in text else text) == pytest.approx(
        value, abs=1e-6
    )


@pytest.mark.realdata
def test_delft_footprints(shared_data: Path) -> None:
    notices = Notices()
    path = shared_data / "delft" / "bgt" / "bgt_pand.sqlite"
    found = read_footprints(path, id_field="gml_id", crs=parse_crs("EPSG:7415"), notices=notices)
    assert len(found) == 160
    assert found["id"].is_unique
    assert found["state"].isna().all()
    assert found.geometry.is_valid.all()
    assert found.geometry.area.sum() == pytest.approx(8654, abs=1)
    assert not notices.items
    geometry = np.asarray(found.geometry.array)
    assert shapely.area(geometry).sum() == pytest.approx(shapely.union_all(geometry).area, abs=1e-6)


@pytest.mark.realdata
def test_no_unnamed_error_from_hand_drawn_polygons(shared_data: Path) -> None:
    path = shared_data / "autzen_usft" / "attributes.shp"
    found = read_footprints(path, crs=parse_crs("EPSG:32126"), notices=Notices())
    assert sorted(found["id"]) == ["1", "2", "3", "4", "6"]
    with pytest.raises(InputError, match="polygons"):
        read_footprints(
            shared_data / "sensors" / "paris_bike" / "paris_bike_stations.geojson",
            crs=parse_crs("EPSG:2154"),
            notices=Notices(),
        )
