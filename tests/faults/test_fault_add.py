"""Files that a user puts into a city: refused ones change no byte of it, taken ones nothing but their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely
import trimesh

from tests.faults.fault_harness import Twin, assert_told, differing, snapshot
from tests.faults.small_city import SITE, SmallInputs, outlines, write_footprints
from tests.sources.broken_vectors import REFUSED, Refused, gpkg
from tests.sources.test_models import BROKEN as BROKEN_MODELS

if TYPE_CHECKING:
    from pathlib import Path

ONLY_FOOTPRINTS = {
    "FP-05": "an empty layer is a layer",
    "FP-12": "lines and points are layers too",
    "FP-14": "rows of a layer need no ids",
}


@pytest.mark.parametrize("case", [c for c in REFUSED if c.row not in ONLY_FOOTPRINTS], ids=lambda c: c.row)
def test_a_broken_vector_file_is_no_layer(case: Refused, twin: Twin, city: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = case.make(tmp_path / "in")
    before = snapshot(tmp_path)
    done = twin("add", city, path, "--as", "layer")
    assert done.code == case.error.exit_code, done.err
    assert_told(done.error, path.name, *(w for w in case.words if w != "b1"))
    assert "; " in done.error, "a remedy follows the cause"
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("row", BROKEN_MODELS)
def test_a_broken_model_is_no_layer(row: str, twin: Twin, city: Path, tmp_path: Path) -> None:
    """EX-01 to EX-06 and their kin."""
    make, error, words = BROKEN_MODELS[row]
    (tmp_path / "in").mkdir()
    path = make(tmp_path / "in")
    before = snapshot(tmp_path)
    done = twin("add", city, path, "--at", "565060,5930060")
    assert done.code == error.exit_code, done.err
    assert re.search(words, done.error), done.error
    assert path.name in done.error
    assert snapshot(tmp_path) == before


def test_pickles_in_any_dress_are_refused(twin: Twin, city: Path, tmp_path: Path) -> None:
    """SE-01 and SE-02; nothing is executed."""
    pwned = tmp_path / "pwned"
    (tmp_path / "cache.pkl").write_bytes(b"cposix\nsystem\n(S'touch " + str(pwned).encode() + b"'\ntR.")
    np.savez(tmp_path / "object_array.npz", a=np.array([{}], dtype=object))
    before = snapshot(city)
    for name in ("cache.pkl", "object_array.npz"):
        done = twin("add", city, tmp_path / name)
        assert done.code == 3
        assert_told(done.error, name, "pickle")
    assert not pwned.exists()
    assert snapshot(city) == before


def test_one_broken_file_of_three_adds_none(twin: Twin, city: Path, tmp_path: Path) -> None:
    good = [gpkg(tmp_path, f"{n}.gpkg", outlines()) for n in ("paths", "parks")]
    (tmp_path / "bad.gpkg").write_bytes(good[0].read_bytes()[:5000])
    before = snapshot(city)
    done = twin("add", city, good[0], tmp_path / "bad.gpkg", good[1])
    assert done.code == 3
    assert_told(done.error, "bad.gpkg")
    assert snapshot(city) == before


def test_a_city_that_is_not_there_is_not_made(twin: Twin, tmp_path: Path) -> None:
    layer = gpkg(tmp_path, "paths.gpkg", outlines())
    done = twin("add", tmp_path / "nope.twin", layer)
    assert done.code == 5
    assert_told(done.error, "nope.twin", "not a city")
    assert not (tmp_path / "nope.twin").exists()


def test_a_foreign_folder_stays_as_it_is(twin: Twin, tmp_path: Path) -> None:
    """ST-09"""
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("x")
    layer = gpkg(tmp_path, "paths.gpkg", outlines())
    before = snapshot(tmp_path)
    assert twin("add", tmp_path / "thesis", layer).code == 5
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ["../../escaped", "a/b", "/tmp/escaped", "CON", "a\nb", "", "x" * 300])
def test_no_name_leads_outside_the_layers(name: str, twin: Twin, city: Path, tmp_path: Path) -> None:
    layer = gpkg(tmp_path, "paths.gpkg", outlines())
    before = snapshot(tmp_path)
    done = twin("add", city, layer, "--as", name)
    assert done.code == 2
    assert_told(done.error, "--as", "choose one such as")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ["roads", "labels", "markers", "sun hours"])
def test_no_layer_shares_the_name_and_so_the_switch_of_what_is_drawn(
    name: str, twin: Twin, city: Path, tmp_path: Path
) -> None:
    layer = gpkg(tmp_path, "paths.gpkg", outlines())
    before = snapshot(tmp_path)
    done = twin("add", city, layer, "--as", name)
    assert done.code == 2
    assert_told(done.error, name, "choose another with --as")
    assert snapshot(tmp_path) == before


def test_awkward_file_names_become_plain_layers(twin: Twin, city: Path, tmp_path: Path) -> None:
    """PC-35's name as a layer; Windows' devices and long names too."""
    names = ["naïve 東京 'quoted' & spaced.gpkg", "CON.gpkg", f"{'가' * 80}.gpkg"]
    for name in names:
        gpkg(tmp_path, "plain.gpkg", outlines()).rename(tmp_path / name)
    done = twin("add", city, *(tmp_path / n for n in names))
    assert done.code == 0, done.err
    layers = {p.stem for p in (city / "layers").iterdir()}
    assert layers == {"naïve 東京 _quoted_ _ spaced", "CON_", "가" * 66}


def test_a_layer_that_exists_is_kept(twin: Twin, city: Path, tmp_path: Path) -> None:
    """RT-28"""
    layer = gpkg(tmp_path, "paths.gpkg", outlines())
    assert twin("add", city, layer).code == 0
    gpkg(tmp_path, "paths.gpkg", outlines(("b1",)))
    before = snapshot(city)
    done = twin("add", city, layer)
    assert done.code == 5
    assert_told(done.error, "paths", "exists", "--force")
    assert snapshot(city) == before
    assert twin("add", city, layer, "--force").code == 0
    assert len(gpd.read_parquet(city / "layers/paths.parquet")) == 1
    assert differing(before, snapshot(city)) == ["layers/paths.parquet", "twin.json"]


@pytest.mark.parametrize("name", ["buildings", "terrain", "water"])
def test_no_layer_takes_the_name_of_a_built_one(name: str, twin: Twin, city: Path, tmp_path: Path) -> None:
    before = snapshot(city)
    assert twin("add", city, gpkg(tmp_path, f"{name}.gpkg", outlines()), "--force").code == 2
    assert snapshot(city) == before


def test_what_lies_beside_the_city_is_taken_and_told(twin: Twin, city: Path, tmp_path: Path) -> None:
    place = shapely.Point(SITE.x_max + 2500, SITE.y_min)
    gauge = gpd.GeoDataFrame({"name": ["upstream"]}, geometry=[place], crs="EPSG:25832")
    done = twin("add", city, gpkg(tmp_path, "gauge.gpkg", gauge))
    assert done.code == 0
    assert_told(done.notes, "gauge.gpkg", "2500 m apart")


def test_points_of_a_table_need_coordinates(twin: Twin, city: Path, tmp_path: Path) -> None:
    (tmp_path / "lamps.csv").write_text("name,x,y\na,565050,5930050\nb,unknown,5930050\n")
    (tmp_path / "swapped.csv").write_text("name,x,y\na,5930050,565050\n")
    before = snapshot(city)
    done = twin("add", city, tmp_path / "lamps.csv")
    assert done.code == 3
    assert_told(done.error, "lamps.csv", "1 of 2 rows", "x and y")
    done = twin("add", city, tmp_path / "swapped.csv")
    assert done.code == 3
    assert_told(done.error, "swapped.csv", "overlap", "axis")
    assert snapshot(city) == before


def test_a_join_that_cannot_be_meant(twin: Twin, city: Path, tmp_path: Path) -> None:
    (tmp_path / "use.csv").write_text("building,kwh\nb1,7\nb2,9\n")
    before = snapshot(city)
    for option in ("nope=id", "building", "building=name", "=id"):
        assert twin("add", city, tmp_path / "use.csv", "--join", option).code == 2
    assert snapshot(city) == before
    assert twin("add", city, tmp_path / "use.csv", "--join", "building=id").code == 0


def test_a_model_without_a_place_is_not_put_anywhere(twin: Twin, city: Path, tmp_path: Path) -> None:
    (tmp_path / "statue.glb").write_bytes(trimesh.creation.box().export(file_type="glb"))
    before = snapshot(city)
    done = twin("add", city, tmp_path / "statue.glb")
    assert done.code == 2
    assert_told(done.error, "statue.glb", "outside the city", "--at")
    assert snapshot(city) == before
    for at in ("here", "1", "1,2,3,4", "nan,3"):
        assert twin("add", city, tmp_path / "statue.glb", "--at", at).code == 2
    assert snapshot(city) == before


def test_an_unfinished_build_survives_an_addition(twin: Twin, city: Path, tmp_path: Path) -> None:
    work = city / ".build" / "0123456789abcdef" / "spool"
    work.mkdir(parents=True)
    (work / "part-00000.json").write_text("{}")
    assert twin("add", city, gpkg(tmp_path, "paths.gpkg", outlines())).code == 0
    assert (work / "part-00000.json").exists()
    assert not (city / ".build" / "add").exists()


def test_added_layers_survive_another_build(
    twin: Twin, inputs: SmallInputs, city: Path, tmp_path: Path
) -> None:
    assert twin("add", city, gpkg(tmp_path, "paths.gpkg", outlines())).code == 0
    layer = snapshot(city)["layers/paths.parquet"]
    fewer = SmallInputs(inputs.points, write_footprints(tmp_path / "fewer.gpkg", outlines(("b1", "b2"))))
    assert twin(*fewer.arguments(city)).code == 0
    assert len(gpd.read_parquet(city / "buildings/buildings.parquet")) == 2
    assert snapshot(city)["layers/paths.parquet"] == layer
    assert "paths" in twin("info", city).out
