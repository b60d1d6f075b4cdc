"""Floods with one defect each, through the command line: exit code, words, and a city that stays whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely

from tests.faults.fault_harness import assert_told, differing, snapshot
from tests.flood_city import box, grid_of, make_city
from twin.city.model import open_city
from twin.core.crs import parse_crs
from twin.core.grid import Grid
from twin.sources.cog import write_geotiff
from twin.water.flood_store import read_flood

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.fault_harness import Twin

SHAPE = (30, 40)


def slope() -> np.ndarray:
    return np.linspace(10.0, 12.0, SHAPE[1])[None, :].repeat(SHAPE[0], axis=0)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    z = slope()
    river = {"class": ["river"], "geometry": [box(grid_of(z), slice(None), slice(0, 4))]}
    return make_city(tmp_path / "town.twin", z, water=river).path


def raster(path: Path, values: np.ndarray, grid: Grid | None = None) -> Path:
    crs = parse_crs("EPSG:25832")
    write_geotiff(path, values.astype(np.float32), grid or grid_of(values), crs=crs, nodata=-9999.0)
    return path


def depth_of(town: Path, name: str = "f") -> np.ndarray:
    return read_flood(open_city(town), name).depth_m(0)


def test_fl_01_negative_depths_are_dry(twin: Twin, town: Path, tmp_path: Path) -> None:
    values = np.full(SHAPE, 0.3)
    values[:, :5] = -2.0
    done = twin("flood", "import", town, raster(tmp_path / "n.tif", values), "--kind", "depth", "--name", "f")
    assert done.code == 0
    assert_told(done.notes, "n.tif", "negative", "150 cells", "-2.00 m")
    assert depth_of(town)[:, :5].max() == 0.0


def test_fl_02_depths_beyond_all_water_are_refused(twin: Twin, town: Path, tmp_path: Path) -> None:
    before = snapshot(town)
    done = twin(
        "flood",
        "import",
        town,
        raster(tmp_path / "d.tif", np.full(SHAPE, 1e6)),
        "--kind",
        "depth",
        "--name",
        "f",
    )
    assert done.code == 3
    assert_told(done.error, "d.tif", "range", "1e+06 m")
    assert not differing(before, snapshot(town))


def test_fl_03_a_level_below_the_ground_is_dry(twin: Twin, town: Path, tmp_path: Path) -> None:
    path = raster(tmp_path / "stage.tif", np.full(SHAPE, 1.2))
    done = twin("flood", "import", town, path, "--kind", "level", "--name", "f")
    assert done.code == 0
    assert_told(done.notes, "dry", "1.20", "10.00", "stage", "--height-offset")
    assert not depth_of(town).any()


def test_fl_04_another_grid_is_no_matter(twin: Twin, town: Path, tmp_path: Path) -> None:
    path = raster(tmp_path / "d.tif", np.full((12, 16), 0.25), Grid(564_998.5, 5_930_061.5, 3.0, 16, 12))
    done = twin("flood", "import", town, path, "--kind", "depth", "--name", "f")
    assert (done.code, done.notes) == (0, "")
    np.testing.assert_allclose(depth_of(town), 0.25, atol=1e-6)


def test_fl_05_a_level_given_as_depth_is_noticed(twin: Twin, town: Path, tmp_path: Path) -> None:
    level = np.where(slope() < 11.5, 11.5, 0.0)
    done = twin("flood", "import", town, raster(tmp_path / "w.tif", level), "--kind", "depth", "--name", "f")
    assert done.code == 0
    assert_told(done.notes, "depth", "--kind level")
    true = raster(tmp_path / "d.tif", np.maximum(11.5 - slope(), 0))
    done = twin("flood", "import", town, true, "--kind", "depth", "--name", "g")
    assert (done.code, done.notes) == (0, "")


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([("2026-01-01T01:00:00Z", "a.tif"), ("2026-01-01T00:00:00Z", "a.tif")], ("time", "increase")),
        ([("2026-01-01T00:00:00Z", "nope.tif")], ("nope.tif", "not found")),
        ([("2026-01-01T00:00:00Z", "../../../../etc/passwd")], ("outside",)),
        ([("soon", "a.tif")], ("list of steps",)),
        ([], ("no steps",)),
    ],
    ids=["fl_06_backwards", "fl_07_missing", "fl_10_traversal", "no_time", "empty"],
)
def test_lists_of_steps_with_a_defect(
    twin: Twin, town: Path, tmp_path: Path, steps: list[tuple[str, str]], words: tuple[str, ...]
) -> None:
    raster(tmp_path / "a.tif", np.full(SHAPE, 0.2))
    listed = {"steps": [{"time": t, "file": f} for t, f in steps]}
    (tmp_path / "steps.json").write_text(json.dumps(listed))
    before = snapshot(town)
    done = twin("flood", "import", town, tmp_path / "steps.json", "--kind", "depth", "--name", "f")
    assert done.code == 3
    assert_told(done.error, *words)
    assert not differing(before, snapshot(town))


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("--manning-n", "0", "manning_n"), ("--manning-n", "3", "manning_n"), ("--cfl", "3", "cfl"),
        ("--hours", "-1", "--hours"), ("--cell-size", "0.01", "--cell-size"), ("--rain", "-5", "--rain"),
    ],
)  # fmt: skip
def test_fl_08_numbers_of_a_computation_out_of_range(
    twin: Twin, town: Path, option: str, value: str, word: str
) -> None:
    before = snapshot(town)
    given = {"--rain": "10", "--hours": "1", option: value}
    words = [w for pair in given.items() for w in pair]
    done = twin("flood", "simulate", town, *words, "--name", "f")
    assert done.code == 2
    assert_told(done.error, word, value.lstrip("-"))
    assert not differing(before, snapshot(town))


def test_fl_09_an_extent_that_crosses_itself_is_mended(twin: Twin, town: Path, tmp_path: Path) -> None:
    b = grid_of(slope()).bounds
    bowtie = shapely.Polygon([(b.x_min, b.y_min), (b.x_max, b.y_max), (b.x_max, b.y_min), (b.x_min, b.y_max)])
    gpd.GeoDataFrame({"id": [1]}, geometry=[bowtie], crs="EPSG:25832").to_file(tmp_path / "bowtie.gpkg")
    done = twin("flood", "import", town, tmp_path / "bowtie.gpkg", "--kind", "extent", "--name", "f")
    assert done.code == 0
    assert_told(done.notes, "self-intersection", "bowtie.gpkg")
    half = shapely.area(shapely.make_valid(bowtie))
    assert (depth_of(town) > 0).sum() == pytest.approx(half, rel=0.1)


def test_sources_outside_and_names_that_are_taken(twin: Twin, town: Path) -> None:
    done = twin("flood", "level", town, "--eta", "11", "--source", "0,0", "--name", "f")
    assert done.code == 2
    assert_told(done.error, "--source", "outside the city")
    assert twin("flood", "level", town, "--eta", "11", "--name", "f").code == 0
    before = snapshot(town)
    done = twin("flood", "level", town, "--eta", "12", "--name", "f")
    assert done.code == 5
    assert_told(done.error, "--force")
    assert not differing(before, snapshot(town))
    assert twin("flood", "level", town, "--eta", "12", "--name", "terrain").code == 2
    assert twin("flood", "level", town, "--eta", "nan", "--name", "g").code == 2


def test_a_terrain_with_holes_never_gives_a_number_there(twin: Twin, tmp_path: Path) -> None:
    z = slope()
    z[10:14, 10:20] = np.nan
    town = make_city(tmp_path / "holes.twin", z).path
    assert twin("flood", "simulate", town, "--rain", "30", "--hours", "0.05", "--name", "f").code == 0
    flood = read_flood(open_city(town), "f")
    np.testing.assert_array_equal(np.isnan(flood.depth_m(flood.n_steps - 1)), np.isnan(z))
    assert np.isfinite(flood.max_depth_m[~np.isnan(z)]).all()
