"""City models of other makers: versions, hierarchies, templates, surfaces that close and that do not."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.city.broken_cityjson import as_sequence, sound_model
from twin.city.building_geometry import BuildingGeometry, same_geometry
from twin.city.cityjson import CityModel, read_cityjson
from twin.city.cityjson_closing import closed_solid, is_closed, signed_volume
from twin.city.cityjson_vertices import read_transform
from twin.core.mesh import Surface
from twin.core.notices import Notices

if TYPE_CHECKING:
    from pathlib import Path

BOX_VOLUME = 10 * 8 * 6


def read(tmp_path: Path, model: dict[str, Any]) -> tuple[CityModel, Notices]:
    path = tmp_path / "model.city.json"
    path.write_text(json.dumps(model), encoding="utf-8")
    notices = Notices()
    return read_cityjson(path, notices=notices), notices


def geometry_of(model: dict[str, Any]) -> dict[str, Any]:
    return model["CityObjects"]["b1"]["geometry"][0]


def only(model: CityModel) -> BuildingGeometry:
    (building,) = model.buildings
    return building


def as_surface(model: dict[str, Any], kind: str = "MultiSurface") -> dict[str, Any]:
    geometry = geometry_of(model)
    geometry.update(type=kind, lod="2", boundaries=geometry["boundaries"][0])
    geometry["semantics"]["values"] = geometry["semantics"]["values"][0]
    return geometry


def test_a_solid_with_its_kinds_and_place(tmp_path: Path) -> None:
    model, notices = read(tmp_path, sound_model())
    building = only(model)
    (solid,) = building.solids["1.2"]
    assert notices.items == []
    assert building.attributes == {"storeys": 2}
    assert signed_volume(solid) == pytest.approx(BOX_VOLUME)
    assert solid.surface.tolist() == [0, 2, 1, 1, 1, 1]
    np.testing.assert_array_equal(solid.vertices.min(axis=0), [84_000, 447_000, 0])
    ((ring,),) = building.footprint
    assert sorted(map(tuple, ring.tolist())) == [
        (84_000, 447_000, 0),
        (84_000, 447_008, 0),
        (84_010, 447_000, 0),
        (84_010, 447_008, 0),
    ]


@pytest.mark.parametrize("version", ["1.0", "1.0.3", "1.1", "1.1.3", "2.0", "2.0.1"])
def test_every_version_reads_alike(version: str, tmp_path: Path) -> None:
    model = sound_model() | {"version": version}
    geometry_of(model)["lod"] = 1.2 if version < "2" else "1.2"
    building = only(read(tmp_path, model)[0])
    assert same_geometry(building, only(read(tmp_path, sound_model())[0]))


def test_version_1_0_may_hold_plain_metres(tmp_path: Path) -> None:
    model = sound_model() | {"version": "1.0"}
    del model["transform"]
    model["vertices"] = [[x / 1000 + 84_000, y / 1000 + 447_000, z / 1000] for x, y, z in model["vertices"]]
    assert same_geometry(only(read(tmp_path, model)[0]), only(read(tmp_path, sound_model())[0]))


@pytest.mark.parametrize("scale", [0.001, 0.01, 1.0, 3e-4, 2.5, -0.001, 1e-12, 1e-310])
@pytest.mark.parametrize("translate", [0.0, 84_000.123, 1 / 3])
def test_scale_and_translate_of_any_kind(scale: float, translate: float) -> None:
    rows = np.array([[0, 1, -2], [123_456_789, -1, 7]])
    told = {"transform": {"scale": [scale] * 3, "translate": [translate] * 3}}
    transform = read_transform(told, required=True, where="m")
    assert transform is not None
    np.testing.assert_allclose(transform.apply(rows), rows * scale + translate, rtol=1e-12, atol=1e-9)


def test_decimals_come_out_as_their_nearest_float() -> None:
    told = {"transform": {"scale": [0.001] * 3, "translate": [90_409.32, 435_440.44, 0.0]}}
    transform = read_transform(told, required=True, where="m")
    assert transform is not None
    rows = np.array([[7, 13, 3], [101, 999_999, 41_158]])
    assert transform.apply(rows).tolist() == [
        [90_409.327, 435_440.453, 0.003],
        [90_409.421, 436_440.439, 41.158],
    ]


@pytest.mark.parametrize("suffix", ["city.jsonl", "jsonl", "city.json"])
def test_a_sequence_is_known_by_what_it_holds(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"model.{suffix}"
    path.write_text("\n".join(json.dumps(v) for v in as_sequence(sound_model())), encoding="utf-8")
    assert same_geometry(only(read_cityjson(path, notices=Notices())), only(read(tmp_path, sound_model())[0]))


def test_a_pretty_printed_document_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "model.city.json"
    path.write_text(json.dumps(sound_model(), indent=2), encoding="utf-8-sig")
    assert only(read_cityjson(path, notices=Notices())).id == "b1"


def test_parts_become_solids_of_their_building(tmp_path: Path) -> None:
    model = sound_model()
    part = model["CityObjects"].pop("b1")
    shared = {"year": 1907, "storeys": 3}
    first, second = copy.deepcopy(part), copy.deepcopy(part)
    first |= {"type": "BuildingPart", "parents": ["b1"], "attributes": {"roof": "gable", **shared}}
    second |= {"type": "BuildingPart", "attributes": {"roof": "flat", **shared}}
    whole = {"type": "Building", "children": ["b1-1", "b1-2", "b1-x", "gone"], "attributes": {"storeys": 2}}
    whole["address"] = [{"Street": "Kade", "location": {"type": "MultiPoint", "boundaries": [0]}}]
    balcony = copy.deepcopy(part) | {"type": "BuildingInstallation"}
    model["CityObjects"] = {
        "b1-1": first,
        "b1": whole,
        "b1-2": second,
        "b1-x": balcony,
        "road": {"type": "Road"},
    }
    city, notices = read(tmp_path, model)
    building = only(city)
    assert len(building.solids["1.2"]) == 2
    assert building.attributes == {"storeys": 2, "year": 1907, "address": [{"Street": "Kade"}]}
    assert city.others == {"BuildingInstallation": 1, "Road": 1}
    assert [n.cause for n in notices.items] == ["part-attributes"]
    assert "roof" in notices.items[0].message


def test_a_part_without_a_building_stands_for_itself(tmp_path: Path) -> None:
    model = sound_model()
    model["CityObjects"]["b1"]["type"] = "BuildingPart"
    assert only(read(tmp_path, model)[0]).id == "b1"


def test_parts_that_name_each_other_end(tmp_path: Path) -> None:
    model = sound_model()
    model["CityObjects"]["b1"]["children"] = ["p", "b1"]
    model["CityObjects"]["p"] = {"type": "BuildingPart", "children": ["p", "b1"]}
    assert len(only(read(tmp_path, model)[0]).solids["1.2"]) == 1


@pytest.mark.parametrize("kind", ["MultiSurface", "CompositeSurface"])
@pytest.mark.parametrize("inward", [False, True])
def test_surfaces_that_close_become_a_solid_facing_outward(kind: str, inward: bool, tmp_path: Path) -> None:
    model = sound_model()
    geometry = as_surface(model, kind)
    if inward:
        geometry["boundaries"] = [[ring[::-1] for ring in face] for face in geometry["boundaries"]]
    building = only(read(tmp_path, model)[0])
    (solid,) = building.solids["2"]
    assert signed_volume(solid) == pytest.approx(BOX_VOLUME)
    assert building.surfaces == {}


def test_vertices_written_twice_do_not_open_a_solid(tmp_path: Path) -> None:
    model = sound_model()
    geometry = as_surface(model)
    faces = [ring for face in geometry["boundaries"] for ring in face]
    model["vertices"] = [model["vertices"][i] for ring in faces for i in ring]
    geometry["boundaries"] = [[[4 * f, 4 * f + 1, 4 * f + 2, 4 * f + 3]] for f in range(6)]
    (solid,) = only(read(tmp_path, model)[0]).solids["2"]
    assert len(solid.vertices) == 8
    assert is_closed(solid)


def test_surfaces_that_do_not_close_stay_surfaces_and_are_told(tmp_path: Path) -> None:
    model = sound_model()
    geometry = as_surface(model)
    del geometry["boundaries"][1], geometry["semantics"]["values"][1]
    city, notices = read(tmp_path, model)
    building = only(city)
    assert building.solids == {}
    assert building.surfaces["2"].n_faces == 5
    assert notices.items[0].cause == "open-surfaces"
    assert closed_solid(building.surfaces["2"]) is None


def test_surfaces_that_repeat_a_solid_are_not_taken_twice(tmp_path: Path) -> None:
    model = sound_model()
    again = copy.deepcopy(geometry_of(model))
    again.update(type="MultiSurface", boundaries=again["boundaries"][0])
    del again["semantics"]
    model["CityObjects"]["b1"]["geometry"].append(again)
    building = only(read(tmp_path, model)[0])
    assert len(building.solids["1.2"]) == 1
    assert building.surfaces == {}


@pytest.mark.parametrize("kind", ["MultiSolid", "CompositeSolid"])
def test_many_solids_in_one_geometry(kind: str, tmp_path: Path) -> None:
    model = sound_model()
    geometry = geometry_of(model)
    geometry.update(type=kind, boundaries=[geometry["boundaries"]] * 2)
    geometry["semantics"]["values"] = [geometry["semantics"]["values"], None]
    first, second = only(read(tmp_path, model)[0]).solids["1.2"]
    assert first.surface.tolist() == second.surface.tolist() == [0, 2, 1, 1, 1, 1]


def test_a_face_without_a_meaning_is_known_by_its_slope(tmp_path: Path) -> None:
    model = sound_model()
    geometry_of(model)["semantics"]["values"][0][:3] = [None, None, 77]
    city, notices = read(tmp_path, model)
    assert only(city).solids["1.2"][0].surface.tolist() == [0, 2, 1, 1, 1, 1]
    assert [n.cause for n in notices.items] == ["semantics"]


def test_inner_walls_and_numbers_of_faces_are_kept(tmp_path: Path) -> None:
    model = sound_model()
    semantics = geometry_of(model)["semantics"]
    semantics["surfaces"][1] |= {"slope_deg": 0.5, "tiles": "red", "flat": True}
    semantics["surfaces"].append({"type": "WallSurface", "on_footprint_edge": False})
    semantics["values"][0][3] = 3
    building = only(read(tmp_path, model)[0])
    assert building.solids["1.2"][0].surface[3] == Surface.INNER_WALL
    assert list(building.face_values["1.2"]) == ["slope_deg"]
    np.testing.assert_array_equal(
        building.face_values["1.2"]["slope_deg"], [np.nan, 0.5, np.nan, np.nan, np.nan, np.nan]
    )


def test_a_cavity_is_left_out_and_told(tmp_path: Path) -> None:
    model = sound_model()
    geometry_of(model)["boundaries"].append(geometry_of(model)["boundaries"][0])
    city, notices = read(tmp_path, model)
    assert only(city).solids["1.2"][0].n_faces == 6
    assert [n.cause for n in notices.items] == ["cavity"]


def test_faces_with_too_few_corners_are_left_out_and_told(tmp_path: Path) -> None:
    model = sound_model()
    geometry_of(model)["boundaries"][0][1:1] = [[[0, 1]], [[2, 2, 3, 3]]]
    geometry_of(model)["semantics"]["values"][0][1:1] = [2, 2]
    city, notices = read(tmp_path, model)
    assert only(city).solids["1.2"][0].surface.tolist() == [0, 2, 1, 1, 1, 1]
    assert "2 faces" in notices.items[0].message


def test_a_template_is_put_where_its_instance_stands(tmp_path: Path) -> None:
    model = sound_model()
    geometry = geometry_of(model)
    unit = [[v / 1000 for v in row] for row in model["vertices"]]
    model["geometry-templates"] = {"templates": [geometry], "vertices-templates": unit}
    model["vertices"] = [[5000, 7000, 1000]]
    quarter_turn_twice_as_large = [0, -2, 0, 0, 2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]
    instance = {"type": "GeometryInstance", "template": 0, "boundaries": [0]}
    instance["transformationMatrix"] = quarter_turn_twice_as_large
    model["CityObjects"]["b1"]["geometry"] = [instance]
    (solid,) = only(read(tmp_path, model)[0]).solids["1.2"]
    assert signed_volume(solid) == pytest.approx(8 * BOX_VOLUME)
    np.testing.assert_allclose(solid.vertices.min(axis=0), [84_005 - 16, 447_007, 1])
    np.testing.assert_allclose(solid.vertices.max(axis=0), [84_005, 447_007 + 20, 13])


def test_lod_0_is_the_footprint_and_the_rest_can_be_chosen(tmp_path: Path) -> None:
    model = sound_model()
    flat = {"type": "MultiSurface", "lod": 0, "boundaries": [[[0, 1, 2]], [[0, 2, 3]]]}
    fine = copy.deepcopy(geometry_of(model)) | {"lod": "2.2"}
    model["CityObjects"]["b1"]["geometry"] += [flat, fine]
    path = tmp_path / "m.city.json"
    path.write_text(json.dumps(model))
    building = only(read_cityjson(path, notices=Notices(), lods=frozenset({"2.2"})))
    assert list(building.solids) == ["2.2"]
    assert [len(polygon[0]) for polygon in building.footprint] == [3, 3]


def test_points_and_lines_are_left_out_and_told(tmp_path: Path) -> None:
    model = sound_model()
    model["CityObjects"]["b1"]["geometry"] = [{"type": "MultiPoint", "lod": "1", "boundaries": [0]}]
    city, notices = read(tmp_path, model)
    assert only(city).solids == {}
    assert {n.cause for n in notices.items} == {"geometry-type", "no-geometry"}


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "crs", "n", "n_solid", "lods"),
    [
        ("cityjson_extra/3-20-DELFSHAVEN.city.json", "EPSG:28992", 853, 46, {"2"}),
        ("cityjson_extra/5870_ext.jsonl", "EPSG:7415", 55, 54, {"1.2", "1.3", "2.2"}),
        ("cityjson_extra/vienna.jsonl", "", 149, 149, {"2"}),
        ("cityjson_extra/zurich_subset_lod2.json", "EPSG:2056", 49, 5, {"2"}),
        ("delft/3dbag_v210908_tile5908_lod22.city.jsonl", "EPSG:7415", 99, 99, {"1.2", "1.3", "2.2"}),
        ("delft/3dfier_lod1_testarea.city.json", "EPSG:7415", 160, 160, {"1"}),
        ("delft/cjio_delft_cityjson20.json", "EPSG:7415", 160, 160, {"1"}),
    ],
)
def test_models_of_other_makers(
    shared_data: Path, tmp_path: Path, name: str, crs: str, n: int, n_solid: int, lods: set[str]
) -> None:
    from twin.city.cityjson import ModelMetadata, VertexTransform, write_cityjson

    city = read_cityjson(shared_data / name, notices=Notices())
    assert city.header.crs == crs
    assert len(city.buildings) == n
    assert sum(bool(b.solids) for b in city.buildings) == n_solid
    assert {lod for b in city.buildings for lod in (*b.solids, *b.surfaces)} == lods
    assert all(b.footprint for b in city.buildings)
    transform = VertexTransform((0, 0, 0))
    for _ in range(2):
        write_cityjson(
            tmp_path / "a.city.json", city.buildings, metadata=ModelMetadata(crs), transform=transform
        )
        first, city = city, read_cityjson(tmp_path / "a.city.json", notices=Notices())
    assert all(map(same_geometry, first.buildings, city.buildings))
