"""Broken footprints through the command line: refused, or built with every row in a state."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from rasterio.transform import from_origin

from tests.city.broken_cityjson import BROKEN as BROKEN_MODELS
from tests.city.broken_cityjson import Broken as BrokenModel
from tests.city.broken_cityjson import sound_model
from tests.faults.fault_harness import Twin, assert_told, snapshot
from tests.faults.small_city import (
    CRS,
    HOUSES,
    SmallInputs,
    outlines,
    small_cloud,
    write_footprints,
    write_small,
)
from tests.sources.broken_rasters import geotiff, hill
from tests.sources.broken_vectors import REFUSED, TOLERATED, Refused, Tolerated

if TYPE_CHECKING:
    from pathlib import Path

STATES = {"built", "fallback", "no_points", "invalid_footprint", "duplicate", "failed"}
QUIET = {"FP-09"}
"""A sound file whose houses stand on points: nothing is to be told of it, but that the survey shows more houses."""
TOLD_FIRST = {"FP-16": ("area of 0.02 m2", "b2", "b3")}
"""Of several notices with one cause the first is told in full, the others by id."""


def table(city: Path) -> gpd.GeoDataFrame:
    """The buildings of a city."""
    return gpd.read_parquet(city / "buildings" / "buildings.parquet")


def command(inputs: SmallInputs, footprints: Path, city: Path) -> list[Any]:
    return ["build", *inputs.points, "--footprints", footprints, "-o", city, "--workers", 1]


def numpy_archive(folder: Path) -> Path:
    np.savez(folder / "object_array.npz", a=np.array([{}], dtype=object))
    return folder / "object_array.npz"


@pytest.mark.parametrize("case", REFUSED, ids=lambda c: c.row)
def test_broken_footprints_are_refused(
    case: Refused, twin: Twin, inputs: SmallInputs, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    path = case.make(tmp_path / "in")
    before = snapshot(tmp_path)
    done = twin(*command(inputs, path, tmp_path / "town.twin"))
    assert done.code == case.error.exit_code, done.err
    assert_told(done.error, path.name, *case.words)
    assert "; " in done.error, "a remedy follows the cause"
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("case", TOLERATED, ids=lambda c: c.row)
def test_footprints_that_can_be_read_are_built_and_told(
    case: Tolerated, twin: Twin, inputs: SmallInputs, tmp_path: Path
) -> None:
    done = twin(*command(inputs, case.make(tmp_path), tmp_path / "town.twin"))
    assert done.code == 0, done.err
    assert_told(done.notes, *TOLD_FIRST.get(case.row, case.words))
    told = [line for line in done.notes.splitlines() if "--derive-footprints" not in line]
    assert not (told and case.row in QUIET), told
    built = table(tmp_path / "town.twin")
    assert list(built["id"]) == list(case.states)
    for state, expected in zip(built["state"], case.states.values(), strict=True):
        assert state == expected if expected else state in STATES
    assert (built.loc[~built["state"].isin(["built"]), "reason"].str.len() > 0).all()
    assert twin("check", tmp_path / "town.twin").code == 0


def test_an_object_array_is_a_pickle(twin: Twin, inputs: SmallInputs, tmp_path: Path) -> None:
    """SE-02"""
    done = twin(*command(inputs, numpy_archive(tmp_path), tmp_path / "town.twin"))
    assert done.code == 3
    assert_told(done.error, "object_array.npz", "pickle")


def test_a_hole_in_the_survey_leaves_a_building_without_points(twin: Twin, tmp_path: Path) -> None:
    """FP-25"""
    cloud = small_cloud()
    hole = shapely.contains_xy(HOUSES["b2"][0].buffer(1), cloud.xyz[:, 0], cloud.xyz[:, 1])
    inputs = write_small(tmp_path / "in", cloud.select(np.flatnonzero(~hole)))
    done = twin(*inputs.arguments(tmp_path / "town.twin"))
    assert done.code == 0
    assert_told(done.notes, "1 building", "b2", "points")
    built = table(tmp_path / "town.twin").set_index("id")
    assert dict(built["state"]) == {"b1": "built", "b2": "no_points", "b3": "built", "b4": "built"}
    assert "0 roof points" in built.loc["b2", "reason"]


def test_heights_in_words_serve_where_points_do_not(twin: Twin, tmp_path: Path) -> None:
    """FP-26"""
    cloud = small_cloud()
    ground = cloud.select(np.flatnonzero(cloud.classification == 2))
    inputs = write_small(tmp_path / "in", ground)
    write_footprints(inputs.footprints, outlines().assign(height=["ca. 7,5 m", "", "-3", "NaN"]))
    done = twin(*inputs.arguments(tmp_path / "town.twin"))
    assert done.code == 0
    assert_told(done.notes, "height", "is not a height in metres", "b3", "3 buildings")
    built = table(tmp_path / "town.twin").set_index("id")
    assert dict(built["state"]) == {"b1": "fallback", "b2": "no_points", "b3": "no_points", "b4": "no_points"}
    assert "7.50 m" in built.loc["b1", "reason"]


def test_footprints_without_a_crs_are_taken_in_the_city_s(twin: Twin, tmp_path: Path) -> None:
    """FP-06 with the remedy taken."""
    inputs = write_small(tmp_path / "in")
    write_footprints(inputs.footprints, outlines().set_crs(None, allow_override=True))
    assert twin(*inputs.arguments(tmp_path / "town.twin")).code == 2
    done = twin(*inputs.arguments(tmp_path / "town.twin", "--crs", CRS))
    assert done.code == 0
    assert_told(done.notes, "houses.gpkg", "names no CRS")


@pytest.mark.parametrize("case", BROKEN_MODELS, ids=lambda c: c.name)
def test_a_broken_city_model_is_refused(case: BrokenModel, twin: Twin, tmp_path: Path) -> None:
    """FP-29 and its kin, as solids that replace reconstruction."""
    path = case.write(tmp_path)
    place = from_origin(83_990, 447_070, 1, 1)
    terrain = geotiff(tmp_path, "dtm.tif", hill(), crs="EPSG:28992", transform=place)
    before = snapshot(tmp_path)
    done = twin(
        "build", "--buildings", path, "--dtm", terrain, "--crs", "EPSG:7415", "-o", tmp_path / "t.twin"
    )
    assert done.code == case.error.exit_code, done.err
    assert_told(done.error, path.name, *case.words)
    assert snapshot(tmp_path) == before


def test_a_model_whose_building_is_but_a_wall_is_refused(twin: Twin, tmp_path: Path) -> None:
    """Nothing of it lies on the ground, so there is no outline."""
    model = sound_model()
    wall = {"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 5, 4]]]}
    model["CityObjects"]["b1"]["geometry"] = [wall]
    (tmp_path / "m.city.json").write_text(json.dumps(model), encoding="utf-8")
    terrain = geotiff(
        tmp_path, "dtm.tif", hill(), crs="EPSG:28992", transform=from_origin(83_990, 447_070, 1, 1)
    )
    done = twin(
        *("build", "--buildings", tmp_path / "m.city.json", "--dtm", terrain, "--crs", "EPSG:7415"),
        *("-o", tmp_path / "t.twin"),
    )
    assert done.code == 3
    assert_told(done.error, "m.city.json", "holds no building with a shape")
    assert_told(done.notes, "b1")


def test_given_solids_of_another_datum_need_the_offset_that_the_message_names(
    twin: Twin, tmp_path: Path
) -> None:
    (tmp_path / "m.city.json").write_text(json.dumps(sound_model()), encoding="utf-8")
    place = from_origin(83_990, 447_070, 1, 1)
    terrain = geotiff(tmp_path, "dtm.tif", hill(), crs="EPSG:28992", transform=place)
    arguments = [
        "build",
        "--buildings",
        tmp_path / "m.city.json",
        "--dtm",
        terrain,
        "-o",
        tmp_path / "t.twin",
    ]
    refused = twin(*arguments, "--crs", "EPSG:28992+7837")
    assert refused.code == 2
    assert_told(refused.error, "m.city.json", "grid", "--height-offset")
    assert twin(*arguments, "--crs", "EPSG:28992+7837", "--height-offset", "43.5").code == 0
    assert table(tmp_path / "t.twin")["roof_max_m"].tolist() == [6 + 43.5]


@pytest.mark.parametrize("away_m", [200, 3_000, 40_000])
def test_footprints_and_map_beyond_the_survey(
    away_m: int, twin: Twin, inputs: SmallInputs, tmp_path: Path
) -> None:
    """The register of a whole town, of which a survey covers a corner."""
    there = outlines(("b1",)).assign(id="far")
    there.geometry = there.translate(away_m, away_m)
    both = gpd.GeoDataFrame(pd.concat([outlines(), there], ignore_index=True), crs=outlines().crs)
    houses = write_footprints(tmp_path / "houses.gpkg", both)
    strips = both.set_geometry(both.translate(12, 0)).iloc[[0, 4]]
    more: list[Any] = []
    for kind in ("roads", "water", "bridges", "landcover"):
        more += [f"--{kind}", write_footprints(tmp_path / f"{kind}.gpkg", strips)]
    city = tmp_path / "town.twin"
    done = twin("build", *inputs.points, "--footprints", houses, *more, "-o", city, "--workers", 1)
    assert done.code == 0, done.err
    states = dict(zip(table(city)["id"], table(city)["state"], strict=True))
    assert states == dict.fromkeys(HOUSES, "built") | {"far": "no_points"}
    assert twin("check", city).code == 0


def test_a_map_layer_from_elsewhere_is_told(twin: Twin, inputs: SmallInputs, tmp_path: Path) -> None:
    away = outlines().translate(200_000).to_frame("geometry")
    roads = write_footprints(tmp_path / "roads.gpkg", away)
    done = twin(*inputs.arguments(tmp_path / "town.twin", "--roads", roads))
    assert done.code == 0
    assert_told(done.notes, "roads.gpkg", "does not overlap survey.laz", "199")


def test_the_attributes_of_a_shapefile_count_as_input(twin: Twin, tmp_path: Path) -> None:
    """The table beside the outlines decides too: another one is another city."""
    inputs = write_small(tmp_path / "in")
    shapefile = tmp_path / "in" / "houses.shp"
    outlines().to_file(shapefile, engine="pyogrio")
    arguments = command(inputs, shapefile, tmp_path / "town.twin")
    assert twin(*arguments).code == 0
    renamed = outlines()
    renamed["id"] = ["c1", "c2", "c3", "c4"]
    renamed.to_file(shapefile, engine="pyogrio")
    assert twin(*arguments).code == 0
    assert list(table(tmp_path / "town.twin")["id"]) == ["c1", "c2", "c3", "c4"]
