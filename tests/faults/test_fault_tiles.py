"""The same city whatever the workers, the order and cut of the files, and the tiles; workers that die."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely

from tests.faults.fault_harness import Twin, assert_told, differing, snapshot
from tests.faults.small_city import CRS, SITE, SmallInputs, small_cloud, write_footprints, write_small
from tests.faults.small_tiles import Deadly, deadly_tile, make_tiles_small
from twin.core.crs import parse_crs
from twin.core.points import PointCloud
from twin.sources.las_writer import write_las

if TYPE_CHECKING:
    from pathlib import Path

N_TILES = 6


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six tiles for the small survey, built by as many processes as are asked for."""
    make_tiles_small(monkeypatch.setattr)


def map_layers(folder: Path) -> list[str | Path]:
    """A street and a pond that cross tiles."""
    street = shapely.LineString([(SITE.x_min, 5_930_060.5), (SITE.x_max, 5_930_062)])
    pond = shapely.box(565_060.6, 5_930_045, 565_069, 5_930_057)
    shapes = {"roads": street, "water": pond}
    frames = {k: gpd.GeoDataFrame({"kind": [k]}, geometry=[g], crs="EPSG:25832") for k, g in shapes.items()}
    files = {k: write_footprints(folder / f"{k}.gpkg", f) for k, f in frames.items()}
    return [part for kind, path in files.items() for part in (f"--{kind}", path)]


@pytest.mark.usefixtures("small_tiles")
def test_two_workers_make_the_bytes_of_one(twin: Twin, inputs: SmallInputs, tmp_path: Path) -> None:
    layers = map_layers(tmp_path)
    cities = {n: tmp_path / str(n) / "town.twin" for n in (1, 2)}
    for n, city in cities.items():
        done = twin(*inputs.arguments(city, *layers, workers=n))
        assert done.code == 0, done.err
    one, two = snapshot(cities[1]), snapshot(cities[2])
    assert sum(name.endswith(".city.jsonl") for name in one) == 4
    assert differing(one, two) == []


@pytest.mark.usefixtures("small_tiles")
def test_order_and_cut_of_the_files_change_nothing(twin: Twin, inputs: SmallInputs, tmp_path: Path) -> None:
    """A survey in strips, in any order, with points of one place in another order too."""
    cloud = small_cloud()
    cloud = PointCloud.concatenate([cloud, cloud.select(np.arange(0, len(cloud), 7))])
    cloud.n_returns[-300:] = 3
    whole = write_small(tmp_path / "whole", cloud)
    order = np.random.default_rng(11).permutation(len(cloud))
    cuts = np.array_split(order, [100, 5000, 5001])
    paths = tuple(tmp_path / f"strip{k}.laz" for k in (3, 1, 0, 2))
    for path, rows in zip(paths, cuts, strict=True):
        write_las(path, cloud.select(rows), crs=parse_crs(CRS))
    strips = SmallInputs(paths, inputs.footprints)
    a, b = tmp_path / "a" / "town.twin", tmp_path / "b" / "town.twin"
    assert twin(*whole.arguments(a)).code == 0
    assert twin(*strips.arguments(b)).code == 0
    assert differing(snapshot(a), snapshot(b)) == ["twin.json"]
    first, second = (json.loads((c / "twin.json").read_text()) for c in (a, b))
    assert [f["sha256"] for f in first["layers"]["terrain"]["files"]] == [
        f["sha256"] for f in second["layers"]["terrain"]["files"]
    ]


def test_tiles_change_nothing(
    twin: Twin, inputs: SmallInputs, sound_city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six tiles or one: terrain, table and trees have the same bytes; shapes lie in other files."""
    make_tiles_small(monkeypatch.setattr)
    assert twin(*inputs.arguments(tmp_path / "town.twin")).code == 0
    tiled, whole = snapshot(tmp_path / "town.twin"), snapshot(sound_city)
    apart = differing(tiled, whole)
    assert [name for name in apart if not name.endswith(".city.jsonl")] == ["twin.json"]
    assert _features(tiled) == _features(whole)


def _features(files: dict[str, bytes]) -> set[str]:
    lines = [line for n, data in files.items() if n.endswith(".jsonl") for line in data.decode().splitlines()]
    return {line for line in lines if '"CityJSONFeature"' in line}


@pytest.fixture
def deadly(small_tiles: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Deadly:
    """A build in `tmp_path` whose tile x1_y0 ends its process."""
    monkeypatch.setattr("twin.city.object_pass.object_tile", deadly_tile)
    found = Deadly(tmp_path)
    found.arm("x1_y0")
    return found


def test_a_tile_whose_worker_dies_is_given_up_after_three_tries_and_the_others_are_finished(
    twin: Twin, inputs: SmallInputs, deadly: Deadly, tmp_path: Path
) -> None:
    """RT-12"""
    city = tmp_path / "town.twin"
    done = twin(*inputs.arguments(city, workers=2))
    assert done.code == 3, done.err
    assert_told(done.error, "tile x1_y0", "3 tries", "--workers 1")
    assert len(deadly.visits("x1_y0")) == 3
    assert len(deadly.visits()) == N_TILES - 1 + 3
    assert not (city / "twin.json").exists()
    finished = {p: p.stat().st_mtime_ns for p in city.glob(".build/*/objects/*/tile.json")}
    assert len(finished) == N_TILES - 1
    deadly.arm("none")
    again = twin(*inputs.arguments(city, workers=2))
    assert again.code == 0, again.err
    fresh = tmp_path / "fresh" / "town.twin"
    fresh.parent.mkdir()
    Deadly(fresh.parent).arm("none")
    assert twin(*inputs.arguments(fresh)).code == 0
    assert differing(snapshot(city), snapshot(fresh)) == []


@pytest.mark.slow
def test_a_worker_that_dies_twice_is_forgiven(
    twin: Twin, inputs: SmallInputs, deadly: Deadly, tmp_path: Path
) -> None:
    deadly.arm("x1_y0", deaths=2)
    assert twin(*inputs.arguments(tmp_path / "town.twin", workers=2)).code == 0
    assert len(deadly.visits("x1_y0")) == 3


# --- work that an interrupted build left


def interrupted(twin: Twin, inputs: SmallInputs, city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build cut off after its last tile."""

    def cut_off(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("twin.city.assemble.assemble", cut_off)
        done = twin(*inputs.arguments(city))
    assert done.code == 130
    assert_told(done.err, "finished work is kept")


@pytest.mark.usefixtures("small_tiles")
def test_finished_tiles_are_not_made_again(
    twin: Twin, inputs: SmallInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = tmp_path / "town.twin"
    interrupted(twin, inputs, city, monkeypatch)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("was finished before")

    with monkeypatch.context() as patch:
        for name in ("object_tile._make", "ground_tile._ground_tile", "survey_pass.spool_file"):
            patch.setattr(f"twin.city.{name}", never)
        assert twin(*inputs.arguments(city)).code == 0
    assert twin(*inputs.arguments(tmp_path / "fresh" / "town.twin")).code == 0
    assert differing(snapshot(city), snapshot(tmp_path / "fresh" / "town.twin")) == []


WORK_FILES = (
    *("spool/*.points", "spool/part-*.json", "ground/*.npz", "ground/*.json", "ground/mosaic/dtm.npy"),
    *("objects/*/rows.parquet", "objects/*/buildings.city.jsonl", "objects/*/trees.parquet"),
    "objects/*/tile.json",
)


@pytest.mark.parametrize("pattern", WORK_FILES)
@pytest.mark.parametrize("kept", [0, pytest.param(40, marks=pytest.mark.nightly)])
def test_unfinished_work_that_a_power_cut_damaged_is_made_again(
    pattern: str, kept: int, twin: Twin, inputs: SmallInputs, sound_city: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """RT-02: the last file was cut, or lost its end."""
    city = tmp_path / "town.twin"
    interrupted(twin, inputs, city, monkeypatch)
    found = sorted(city.glob(f".build/*/{pattern}"))
    assert found
    for path in found:
        path.write_bytes(path.read_bytes()[:kept])
    done = twin(*inputs.arguments(city))
    assert done.code == 0, done.err
    assert differing(snapshot(city), snapshot(sound_city)) == []


@pytest.mark.parametrize(
    "pattern", ["spool/*.points", "ground/*.npz", "objects/*/rows.parquet", "objects/*/buildings.city.jsonl"]
)
def test_unfinished_work_with_a_flipped_bit_is_made_again(
    pattern: str,
    twin: Twin,
    inputs: SmallInputs,
    sound_city: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    city = tmp_path / "town.twin"
    interrupted(twin, inputs, city, monkeypatch)
    (path,) = city.glob(f".build/*/{pattern}")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert twin(*inputs.arguments(city)).code == 0
    assert differing(snapshot(city), snapshot(sound_city)) == []


def test_work_for_other_inputs_is_thrown_away(
    twin: Twin, inputs: SmallInputs, sound_city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = tmp_path / "town.twin"
    other = write_small(tmp_path / "other", small_cloud(seed=8))
    interrupted(twin, other, city, monkeypatch)
    assert twin(*inputs.arguments(city)).code == 0
    assert differing(snapshot(city), snapshot(sound_city)) == []


def test_notes_of_an_interrupted_build_are_told_by_the_one_that_completes_it(
    twin: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = small_cloud()
    cloud.classification[cloud.classification == 5] = 18
    noisy = write_small(tmp_path / "in", cloud)
    city, fresh = tmp_path / "town.twin", tmp_path / "fresh" / "town.twin"
    interrupted(twin, noisy, city, monkeypatch)
    resumed, straight = twin(*noisy.arguments(city)), twin(*noisy.arguments(fresh))
    assert_told(straight.notes, "noise")
    assert resumed.notes == straight.notes
    assert differing(snapshot(city), snapshot(fresh)) == []
