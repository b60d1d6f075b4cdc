"""What is known of each roof face, in the files that leave the program."""

from __future__ import annotations

import json
from functools import lru_cache

import numpy as np
import pytest
import shapely

from twin.city.building_geometry import BuildingGeometry
from twin.city.cityjson import ModelMetadata, VertexTransform, read_cityjson, write_cityjson
from twin.core.notices import Notices
from twin.outputs.geopackage import write_geopackage
from twin.outputs.roof_faces import roof_face_features
from twin.reconstruct.extrude import extrude
from twin.reconstruct.face_quality import COLUMNS, face_quality, on_all_faces
from twin.reconstruct.footprint import localize_footprint
from twin.reconstruct.partition import cut_footprint
from twin.reconstruct.roof_points import RoofPoints

CRS = "EPSG:7415"
PLACE = VertexTransform(origin_m=(85_000, 447_000, 0))


@lru_cache(maxsize=1)
def gable() -> BuildingGeometry:
    footprint = localize_footprint(shapely.box(85_000, 447_000, 85_010, 447_008))
    halves = cut_footprint(footprint, [shapely.LineString([(-1, 4), (11, 4)])])
    planes = np.array([(0.0, 0.7, 5.0), (0.0, -0.7, 10.6)])
    solids = extrude(halves, planes, ground_m=0.0)
    xy = np.random.default_rng(0).uniform(0, (10, 4), (200, 2)).round(4)  # the southern half only
    xyz = np.column_stack([xy, 5.0 + 0.7 * xy[:, 1]])
    points = RoofPoints(xyz, np.ones(200, np.bool_), np.ones(200))
    faces = on_all_faces(solids, face_quality(solids, points, origin=footprint.origin))
    return BuildingGeometry("a", {}, (), {"2.2": solids}, face_values={"2.2": faces})


def test_roof_surfaces_of_cityjson_carry_them(tmp_path):
    write_cityjson(tmp_path / "a.city.json", [gable()], metadata=ModelMetadata(crs=CRS), transform=PLACE)
    told = json.loads((tmp_path / "a.city.json").read_text(encoding="utf-8"))
    surfaces = told["CityObjects"]["a"]["geometry"][0]["semantics"]["surfaces"]
    roofs = [s for s in surfaces if s["type"] == "RoofSurface"]
    assert len(roofs) == 2
    full = next(s for s in roofs if s["n_points"])
    assert set(full) == {"type", *COLUMNS}
    assert full["n_points"] == 200
    assert isinstance(full["n_points"], int)
    assert full["azimuth_deg"] == pytest.approx(180)
    empty = next(s for s in roofs if not s["n_points"])
    assert "height_sigma_m" not in empty
    assert empty["no_data_share"] == 1.0
    assert all(set(s) <= {"type"} for s in surfaces if s["type"] == "GroundSurface")


def test_they_come_back_as_they_went(tmp_path):
    write_cityjson(tmp_path / "a.city.json", [gable()], metadata=ModelMetadata(crs=CRS), transform=PLACE)
    (back,) = read_cityjson(tmp_path / "a.city.json", notices=Notices()).buildings
    for name, values in gable().face_values["2.2"].items():
        assert np.array_equal(back.face_values["2.2"][name], values, equal_nan=True)


def test_a_geopackage_has_a_feature_for_each_roof_face(tmp_path):
    import geopandas

    features = roof_face_features([gable()], crs=CRS)
    write_geopackage(tmp_path / "a.gpkg", {"roof_faces": features})
    back = geopandas.read_file(tmp_path / "a.gpkg", layer="roof_faces")
    assert back[["id", "lod", "face"]].to_numpy().tolist() == [["a", "2.2", 0], ["a", "2.2", 1]]
    assert back.geometry.has_z.all()
    assert sorted(back["n_points"]) == [0, 200]
    assert back["slope_deg"].to_numpy() == pytest.approx(np.degrees(np.arctan(0.7)), abs=0.01)
    assert back["height_sigma_m"].isna().tolist() == (back["n_points"] == 0).tolist()


def test_buildings_without_shapes_have_no_faces():
    assert not len(roof_face_features([BuildingGeometry("b", {})], crs=CRS))
