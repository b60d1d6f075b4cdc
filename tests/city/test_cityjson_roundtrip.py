"""CityJSON out and in again: nothing is lost, the bytes are the same, and a failed write leaves nothing."""

from __future__ import annotations

import itertools
import json
import math
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.city.building_geometry import BuildingGeometry, json_value, same_geometry
from twin.city.cityjson import (
    ModelMetadata,
    VertexTransform,
    feature_line,
    header_line,
    iter_buildings,
    read_cityjson,
    read_header,
    write_cityjson,
    write_cityjsonseq,
)
from twin.city.cityjson_crs import crs_of_reference_system, reference_system
from twin.core.errors import OutputExistsError
from twin.core.mesh import Solid, Surface
from twin.core.notices import Notices

if TYPE_CHECKING:
    from pathlib import Path

OGC = "http://www.opengis.net/def/crs"
ORIGIN = (84_000, 447_000, 0)
TRANSFORM = VertexTransform(ORIGIN)
METADATA = ModelMetadata("EPSG:7415", title="Delft 델프트", attribution="AHN3, CC0")
WRITERS = {"city.jsonl": write_cityjsonseq, "city.json": write_cityjson}


def prism(outer: np.ndarray, hole: np.ndarray | None, z_low: float, z_high: float) -> Solid:
    """An upright prism, with a courtyard if a hole is given; rings counter-clockwise from above."""
    rings = [outer] if hole is None else [outer, hole[::-1]]
    xy = np.concatenate(rings)
    n = len(xy)
    vertices = np.concatenate([np.column_stack([xy, np.full(n, z)]) for z in (z_low, z_high)])
    starts = np.cumsum([0, *map(len, rings)])
    index = [np.arange(a, b) for a, b in itertools.pairwise(starts)]
    faces = [[i[::-1] for i in index], [i + n for i in index]]
    for i in index:
        following = np.roll(i, -1)
        faces += [[np.array([a, b, b + n, a + n])] for a, b in zip(i, following, strict=True)]
    flat = [ring for face in faces for ring in face]
    return Solid(
        vertices,
        np.concatenate(flat).astype(np.int32),
        np.cumsum([0, *map(len, flat)], dtype=np.int32),
        np.cumsum([0, *map(len, faces)], dtype=np.int32),
        np.array([Surface.GROUND, Surface.ROOF, *[Surface.WALL] * (len(faces) - 2)], dtype=np.uint8),
    )


metres = st.integers(0, 90_000_000).map(lambda i: i / 10_000)
texts = st.text(st.characters(exclude_categories=()), max_size=12)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def buildings(draw: st.DrawFn) -> BuildingGeometry:
    n, size = draw(st.integers(3, 7)), draw(st.integers(2, 40))
    angles = np.arange(n) * (2 * math.pi / n)
    centre = np.array([ORIGIN[0] + draw(metres), ORIGIN[1] + draw(metres)])
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    outer = np.round(centre + size * circle, 4)
    hole = np.round(centre + 0.2 * size * circle, 4) if draw(st.booleans()) else None
    low = draw(st.integers(-50_000, 50_000)) / 10_000
    solid = prism(outer, hole, low, round(low + draw(st.integers(1, 900_000)) / 10_000, 4))
    second = prism(np.round(outer + 3 * size, 4), None, low, round(low + 2.5, 4))
    lods = {"1.2": (solid,), "1.3": draw(st.sampled_from([(solid,), (solid, second)]))}
    rings = (np.column_stack([outer, np.full(n, low)]),)
    if hole is not None:
        rings += (np.column_stack([hole[::-1], np.full(n, low)]),)
    values = {}
    if draw(st.booleans()):
        slopes = [math.nan if draw(st.booleans()) else draw(st.floats(0, 90)) for _ in range(solid.n_faces)]
        slopes[1] = 12.5
        values = {"1.2": {"slope_deg": np.array(slopes)}}
    attributes = draw(st.dictionaries(texts, json_values, max_size=4))
    return BuildingGeometry(draw(texts), attributes, (rings,), lods, {}, values)


@pytest.mark.parametrize("suffix", WRITERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(buildings(), max_size=3, unique_by=lambda b: b.id))
def test_out_and_in_is_exact(suffix: str, tmp_path: Path, model: list[BuildingGeometry]) -> None:
    path = tmp_path / f"model.{suffix}"
    assert WRITERS[suffix](path, model, metadata=METADATA, transform=TRANSFORM) == len(model)
    back = read_cityjson(path, notices=Notices())
    assert (back.header.crs, back.header.version) == ("EPSG:7415", "2.0")
    assert (back.header.title, back.header.attribution) == (METADATA.title, METADATA.attribution)
    assert len(back.buildings) == len(model)
    for ours, theirs in zip(model, back.buildings, strict=True):
        assert same_geometry(ours, theirs)
    first = path.read_bytes()
    WRITERS[suffix](path, back.buildings, metadata=METADATA, transform=TRANSFORM)
    assert path.read_bytes() == first


@given(st.lists(st.tuples(metres, metres, metres), min_size=1, max_size=20), st.integers(0, 6))
def test_a_coordinate_in_decimals_comes_back_as_the_same_float(
    points: list[tuple[float, float, float]], decimals: int
) -> None:
    transform = VertexTransform((-1_000_000, 7_000_000, 12), decimals)
    xyz = np.round(np.array(points) + np.array([-1_000_000, 7_000_000, 12]), decimals)
    rows = transform.encode(xyz)
    np.testing.assert_array_equal(transform.decode(rows), xyz)
    np.testing.assert_array_equal(transform.encode(transform.decode(rows)), rows)


def box(x: float = 84_010.0, height: float = 6.0) -> Solid:
    return prism(
        np.array([[x, 447_010.0], [x + 10, 447_010], [x + 10, 447_018], [x, 447_018]]), None, 0.5, height
    )


def test_features_are_lines_that_any_worker_may_make(tmp_path: Path) -> None:
    model = [BuildingGeometry(f"b{i}", {"n": i}, (), {"1.2": (box(84_010.0 + 20 * i),)}) for i in range(3)]
    write_cityjsonseq(tmp_path / "a.city.jsonl", model, metadata=METADATA, transform=TRANSFORM)
    lines = [header_line(METADATA, TRANSFORM), *(feature_line(b, TRANSFORM) for b in model)]
    assert (tmp_path / "a.city.jsonl").read_bytes() == b"".join(lines)


def test_what_the_standard_asks_of_a_feature() -> None:
    solid = box()
    open_face = Solid(
        solid.vertices, solid.corners[:4], solid.ring_starts[:2], solid.face_starts[:2], solid.surface[:1]
    )
    inner = Solid(
        solid.vertices,
        solid.corners,
        solid.ring_starts,
        solid.face_starts,
        np.array([0, 2, 1, 3, 1, 1], np.uint8),
    )
    building = BuildingGeometry(
        "b", {}, ((solid.vertices[:4],),), {"1.2": (inner,), "1.3": (solid, box(84_030.0))}, {"2": open_face}
    )
    feature = json.loads(feature_line(building, TRANSFORM))
    assert feature["type"] == "CityJSONFeature"
    assert feature["id"] in feature["CityObjects"]
    flat, solid12, multi, surface = feature["CityObjects"]["b"]["geometry"]
    assert (flat["type"], flat["lod"]) == ("MultiSurface", "0")
    assert (solid12["type"], solid12["lod"]) == ("Solid", "1.2")
    assert (multi["type"], len(multi["boundaries"])) == ("MultiSolid", 2)
    assert (surface["type"], len(surface["boundaries"])) == ("MultiSurface", 1)
    named = solid12["semantics"]["surfaces"]
    assert [named[i]["type"] for i in solid12["semantics"]["values"][0][:2]] == [
        "GroundSurface",
        "RoofSurface",
    ]
    edges = [named[i].get("on_footprint_edge") for i in solid12["semantics"]["values"][0]]
    assert edges == [None, None, True, False, True, True]
    rows = feature["vertices"]
    assert len(rows) == len({tuple(r) for r in rows}) == 16
    assert all(isinstance(v, int) for row in rows for v in row)
    used = np.unique(np.array([i for f in solid12["boundaries"][0] for r in f for i in r]))
    assert used.tolist() == list(range(8))


def test_corners_that_fall_together_are_merged_and_empty_faces_dropped() -> None:
    solid = box()
    vertices = np.concatenate([solid.vertices, solid.vertices[4:5] + np.array([3e-5, 0, 0])])
    corners = np.concatenate([solid.corners, [4, 8, 5, 4, 8, 0]]).astype(np.int32)
    corners[4:8] = [8, 5, 6, 7]
    ring_starts = np.append(solid.ring_starts, [27, 30]).astype(np.int32)
    face_starts = np.append(solid.face_starts, [7, 8]).astype(np.int32)
    surface = np.append(solid.surface, [Surface.ROOF, Surface.WALL]).astype(np.uint8)
    building = BuildingGeometry(
        "b", {}, (), {"1.2": (Solid(vertices, corners, ring_starts, face_starts, surface),)}
    )
    feature = json.loads(feature_line(building, TRANSFORM))
    (geometry,) = feature["CityObjects"]["b"]["geometry"]
    assert len(feature["vertices"]) == 8
    assert len(geometry["boundaries"][0]) == 6 == len(geometry["semantics"]["values"][0])


def test_values_that_json_does_not_know_become_null(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    row = {
        "nan": math.nan, "inf": np.float32("inf"), "na": pandas.NA, "nat": pandas.NaT, "count": np.int64(3),
        "when": pandas.Timestamp("2026-07-01T14:00+03:00"), "list": np.array([1.5, math.nan]), "flag": np.bool_(True),
    }  # fmt: skip
    building = BuildingGeometry("b", row, (), {"1.2": (box(),)})
    write_cityjsonseq(tmp_path / "a.city.jsonl", [building], metadata=METADATA, transform=TRANSFORM)
    (back,) = iter_buildings(tmp_path / "a.city.jsonl", notices=Notices())
    assert back.attributes == {
        "nan": None, "inf": None, "na": None, "nat": None, "count": 3,
        "when": "2026-07-01T14:00:00+03:00", "list": [1.5, None], "flag": True,
    }  # fmt: skip
    assert json_value(row) == back.attributes


def test_two_buildings_of_one_id_are_refused_and_leave_no_file(tmp_path: Path) -> None:
    twice = [BuildingGeometry("b", {}, (), {"1.2": (box(),)})] * 2
    for suffix, write in WRITERS.items():
        with pytest.raises(ValueError, match="share the id 'b'"):
            write(tmp_path / f"a.{suffix}", twice, metadata=METADATA, transform=TRANSFORM)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "a.city.json"
    path.write_text("mine")
    with pytest.raises(OutputExistsError):
        write_cityjson(path, [], metadata=METADATA, transform=TRANSFORM, force=False)
    assert path.read_text() == "mine"
    write_cityjson(path, [], metadata=METADATA, transform=TRANSFORM)
    assert read_cityjson(path, notices=Notices()).buildings == ()


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("EPSG:7415", "https://www.opengis.net/def/crs/EPSG/0/7415"),
        ("EPSG:5187+5193", "https://www.opengis.net/def/crs/EPSG/0/5187"),
    ],
)
def test_the_crs_is_told_as_the_schema_wants_it(name: str, url: str, tmp_path: Path) -> None:
    told = reference_system(name)
    assert told["referenceSystem"] == url
    assert crs_of_reference_system(dict(told)) == name
    write_cityjsonseq(tmp_path / "a.city.jsonl", [], metadata=ModelMetadata(name), transform=TRANSFORM)
    assert read_header(tmp_path / "a.city.jsonl").crs == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("urn:ogc:def:crs:EPSG::7415", "EPSG:7415"),
        ("urn:ogc:def:crs:EPSG:6.12:25832", "EPSG:25832"),
        ("urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::7837", "EPSG:25832+7837"),
        ("http://www.opengis.net/def/crs/EPSG/0/2056", "EPSG:2056"),
        ("EPSG:3879+3900", "EPSG:3879+3900"),
        (f"{OGC}-compound?1={OGC}/EPSG/0/5187&2={OGC}/EPSG/0/5193", "EPSG:5187+5193"),
        ("local grid of the harbour", "local grid of the harbour"),
        (None, ""),
        (17, ""),
    ],
)
def test_crs_names_of_all_makers_are_understood(text: object, name: str) -> None:
    assert crs_of_reference_system({"referenceSystem": text}) == name


@pytest.mark.parametrize("suffix", WRITERS)
def test_memory_does_not_grow_with_the_city(suffix: str, tmp_path: Path) -> None:
    def peak(n: int) -> int:
        model = (BuildingGeometry(f"b{i}", {"n": i}, (), {"1.2": (box(84_010.0 + i),)}) for i in range(n))
        tracemalloc.start()
        WRITERS[suffix](tmp_path / f"a.{suffix}", model, metadata=METADATA, transform=TRANSFORM)
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return taken

    peak(20)
    assert peak(1000) < peak(100) + 500_000  # ids are remembered; 900 buildings and their text would be 3 MB
