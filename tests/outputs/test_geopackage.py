"""GeoPackage: types and gaps of columns, awkward names, surfaces in 3D, the same bytes for the same city."""

from __future__ import annotations

import datetime as dt
import sqlite3
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from tests.outputs.small_content import HOSTILE_IDS, attributes
from twin.city.building_geometry import BuildingGeometry
from twin.core.errors import OutputExistsError, StorageError
from twin.core.mesh import Solid
from twin.outputs.geopackage import read_geopackage_counts, surface_features, write_geopackage

if TYPE_CHECKING:
    from pathlib import Path


def footprints(n: int = 7) -> gpd.GeoDataFrame:
    boxes = [shapely.box(84_000 + 15 * i, 447_000, 84_010 + 15 * i, 447_008) for i in range(n)]
    return gpd.GeoDataFrame({"id": HOSTILE_IDS[:n], **attributes(n)}, geometry=boxes, crs="EPSG:7415")


def test_types_and_gaps_survive(tmp_path: Path) -> None:
    frame = footprints()
    frame["year"] = pd.array(attributes(7)["year"], dtype="Int64")
    frame["when"] = pd.to_datetime(["2026-07-01T14:00:00Z"] * 6 + [None])
    frame["day"] = dt.date(2026, 7, 1)
    path = tmp_path / "town.gpkg"
    assert write_geopackage(path, {"buildings": frame}) == {"buildings": 7}
    with sqlite3.connect(path) as database:
        types = {row[1]: row[2] for row in database.execute('PRAGMA table_info("buildings")')}
        rows = database.execute(
            'SELECT year, listed, rmse_m, tags, cadastre, roof_type FROM "buildings"'
        ).fetchall()
    database.close()
    assert (types["height_m"], types["storeys"], types["monument"]) == ("REAL", "INTEGER", "BOOLEAN")
    assert (types["year"], types["listed"], types["when"]) == ("INTEGER", "BOOLEAN", "DATETIME")
    assert [r[0] for r in rows] == attributes(7)["year"]
    assert [r[1] for r in rows] == [None if v is None else int(v) for v in attributes(7)["listed"]]
    assert [r[2] for r in rows] == [None if np.isnan(v) else v for v in attributes(7)["rmse_m"]]
    assert rows[2][3] == '["a", 2]'
    assert [r[4] for r in rows] == attributes(7)["cadastre"]
    assert [r[5] for r in rows] == attributes(7)["roof_type"]
    back = gpd.read_file(path)
    assert list(back["id"][:6]) == list(HOSTILE_IDS[:6])
    assert back["day"].astype(str).tolist() == ["2026-07-01"] * 7


def test_footprints_lie_in_the_horizontal_crs(tmp_path: Path) -> None:
    write_geopackage(tmp_path / "a.gpkg", {"buildings": footprints()})
    back = gpd.read_file(tmp_path / "a.gpkg")
    assert back.crs.to_epsg() == 28992
    assert back.geometry.area.tolist() == pytest.approx([80.0] * 7)


def test_names_that_sqlite_keeps_for_itself_get_others(tmp_path: Path) -> None:
    frame = footprints(2)[["id", "geometry"]]
    for name in ("fid", "FID", "geom", "Height", "height", 'a"b', "x\ny", "rowid"):
        frame[name] = ["text", "more"]
    layers = {
        "gpkg_contents": frame,
        "Trees": frame,
        "trees": frame,
        'say "hi"': frame,
        "": frame,
        "empty": frame[:0],
    }
    counts = write_geopackage(tmp_path / "a.gpkg", layers)
    assert counts == {"layer_gpkg_contents": 2, "Trees": 2, "trees_2": 2, "say _hi_": 2, "layer": 2}
    back = gpd.read_file(tmp_path / "a.gpkg", layer="Trees")
    assert list(back.columns) == [
        "id",
        "fid_2",
        "FID_3",
        "geom_2",
        "Height",
        "height_2",
        'a"b',
        "x_y",
        "rowid_2",
        "geometry",
    ]
    assert (back["fid_2"] == ["text", "more"]).all()


def test_geometries_of_every_type_and_none(tmp_path: Path) -> None:
    mixed = gpd.GeoDataFrame(
        {"n": [1, 2, 3, 4]},
        geometry=[shapely.Point(1, 2), shapely.LineString([(0, 0), (1, 1)]), None, shapely.box(0, 0, 1, 1)],
        crs="EPSG:28992",
    )
    assert write_geopackage(tmp_path / "a.gpkg", {"mixed": mixed}) == {"mixed": 4}
    assert gpd.read_file(tmp_path / "a.gpkg").geometry.isna().tolist() == [False, False, True, False]


def test_the_same_city_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.gpkg", "b.gpkg"):
        write_geopackage(tmp_path / name, {"buildings": footprints()})
    assert (tmp_path / "a.gpkg").read_bytes() == (tmp_path / "b.gpkg").read_bytes()
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


def test_surfaces_keep_height_kind_and_holes() -> None:
    vertices = np.array(
        [[0, 0, 0], [9, 0, 0], [9, 9, 0], [0, 9, 0], [3, 3, 0], [3, 6, 0], [6, 6, 0], [6, 3, 0]], float
    )
    vertices = np.concatenate([vertices, vertices[:4] + np.array([0, 0, 5])])
    solid = Solid(
        vertices,
        np.array([*range(8), 0, 1, 9, 8], dtype=np.int32),
        np.array([0, 4, 8, 12], dtype=np.int32),
        np.array([0, 2, 3], dtype=np.int32),
        np.array([2, 1], dtype=np.uint8),
    )
    coarse, fine = {"1.2": (solid,)}, {"1.2": (solid, solid), "1.3": (solid,)}
    models = [
        BuildingGeometry("a", {}, (), coarse),
        BuildingGeometry("b", {}, (), fine),
        BuildingGeometry("c", {}),
    ]
    found = surface_features(models, crs="EPSG:7415")
    kinds = [
        [i, lod, f"{kind}Surface"] for i, lod in (("a", "1.2"), ("b", "1.3")) for kind in ("Roof", "Wall")
    ]
    assert found[["id", "lod", "surface"]].to_numpy().tolist() == kinds
    assert found.geometry.has_z.all()
    assert found.geometry[0].area == pytest.approx(81 - 9)
    assert found.geometry[1].bounds == (0, 0, 9, 0)
    assert surface_features(models, crs="EPSG:7415", lod="1.2")["lod"].unique().tolist() == ["1.2"]
    assert len(surface_features(models[1:2], crs="EPSG:7415", lod="1.2").geometry[0].geoms) == 2


def test_surfaces_are_written_in_three_dimensions(tmp_path: Path) -> None:
    triangle = np.array([[84_000, 447_000, 1], [84_009, 447_000, 4], [84_009, 447_009, 7]], float)
    roof = Solid(
        triangle,
        np.arange(3, dtype=np.int32),
        np.array([0, 3], np.int32),
        np.array([0, 1], np.int32),
        np.array([2], np.uint8),
    )
    layer = surface_features([BuildingGeometry("a", {}, (), {"1.2": (roof,)})], crs="EPSG:7415")
    write_geopackage(tmp_path / "a.gpkg", {"building_surfaces": layer})
    back = gpd.read_file(tmp_path / "a.gpkg")
    assert back.geometry[0].has_z
    assert shapely.get_coordinates(back.geometry[0], include_z=True)[:, 2].tolist() == [1, 4, 7, 1]
    assert back.crs.is_compound


def test_nothing_to_write_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no layer has a feature"):
        write_geopackage(tmp_path / "a.gpkg", {"buildings": footprints()[:0]})
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    write_geopackage(path, {"buildings": footprints()})
    data = path.read_bytes()
    for broken in (b"", data[: len(data) // 2], b"no database at all, " * 400):
        path.write_bytes(broken)
        with pytest.raises(StorageError):
            read_geopackage_counts(path)


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    path.write_text("mine")
    with pytest.raises(OutputExistsError):
        write_geopackage(path, {"buildings": footprints()})
    assert path.read_text() == "mine"
    assert write_geopackage(path, {"buildings": footprints()}, force=True) == {"buildings": 7}
