"""Floods on disk: what is written comes back, other tools can open it, and a failure leaves the city as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from tests.flood_city import grid_of, make_city
from twin.city.manifest import damaged_files
from twin.core.errors import OutputExistsError, StorageError, UsageError
from twin.core.notices import Notices
from twin.sources.netcdf import open_netcdf
from twin.water.flood import RASTERS, UNTIMED, Flood, StepArrays, flood_of
from twin.water.flood_store import FOLDER, check_name, floods, open_flood, read_flood, store_flood

if TYPE_CHECKING:
    from pathlib import Path

    from twin.city.model import City

Z = np.linspace(0.0, 3.0, 30 * 40).reshape(30, 40)


@pytest.fixture
def city(tmp_path: Path) -> City:
    return make_city(tmp_path / "town.twin", Z)


def storm(name: str = "storm", *, n_steps: int = 3, seed: int = 1) -> Flood:
    """Random depths with a hole, and velocities."""
    rng = np.random.default_rng(seed)
    h = rng.gamma(0.5, 0.3, (n_steps, *Z.shape)).astype(np.float32)
    bed = Z.astype(np.float32)
    bed[5:8, 5:9] = np.nan
    h[:, np.isnan(bed)] = np.nan
    u, v = rng.normal(0, 1, (2, *h.shape)).astype(np.float32)
    times = UNTIMED + np.arange(n_steps) * 600
    return flood_of(
        name, grid_of(Z), times, bed, StepArrays(h, u, v), kind="simulation", attributes={"runs": 1}
    )


def test_what_is_stored_comes_back_to_the_last_bit(city: City) -> None:
    before = storm()
    stored = store_flood(city, before, notices=Notices())
    after = read_flood(stored, "storm")
    assert floods(stored) == ["storm"]
    assert (after.grid, after.kind, after.is_preview, after.attributes) == (
        before.grid,
        "simulation",
        False,
        {"runs": 1},
    )
    np.testing.assert_array_equal(after.times, before.times)
    for name in (*RASTERS, "bed_m"):
        a, b = getattr(after, name), getattr(before, name)
        assert (a is None) == (b is None)
        np.testing.assert_array_equal(a, b) if a is not None else None
    for step in range(before.n_steps):
        np.testing.assert_array_equal(after.depth_m(step), before.depth_m(step))
        for a, b in zip(after.velocity(step), before.velocity(step), strict=True):
            np.testing.assert_array_equal(a, np.where(np.isfinite(b), b, np.nan))


def test_the_same_flood_is_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for k in range(2):
        stored = store_flood(make_city(tmp_path / f"{k}.twin", Z), storm(), notices=Notices())
        written.append({f.path: f.sha256 for f in stored.manifest.layers["storm"].files})
    assert written[0] == written[1]
    assert set(written[0]) == {
        f"water/storm/{n}"
        for n in ("flood.nc", "run.json", "max_depth.tif", "arrival.tif", "max_velocity.tif")
    }


def test_another_program_opens_it_where_it_lies(city: City) -> None:
    rasterio = pytest.importorskip("rasterio")
    stored = store_flood(city, storm(), notices=Notices())
    folder = stored.path / FOLDER / "storm"
    with rasterio.open(folder / "max_depth.tif") as raster:
        depth = raster.read(1, masked=True)
        assert raster.transform.c == 565_000.0
    np.testing.assert_array_equal(depth.filled(np.nan), storm().max_depth_m)
    with open_netcdf(folder / "flood.nc") as data:
        assert data.Conventions == "CF-1.8"
        assert data["depth"].dimensions == ("time", "y", "x")
        assert data["depth"].grid_mapping == "crs"
        assert "25832" in data["crs"].crs_wkt
        assert (np.diff(data["y"][:]) < 0).all()


def test_the_greatest_values_are_those_of_the_steps() -> None:
    given = storm(n_steps=4, seed=7)
    h = np.stack([given.depth_m(k) for k in range(4)])
    np.testing.assert_array_equal(given.max_depth_m, h.max(axis=0))
    first = np.argmax(h >= 0.05, axis=0) * 600.0
    never = ~(h >= 0.05).any(axis=0)
    np.testing.assert_array_equal(given.arrival_s, np.where(never, np.nan, first))
    speed = np.stack([np.hypot(*given.velocity(k)) for k in range(4)])
    np.testing.assert_allclose(given.max_depth_velocity_m2_s, (speed * h).max(axis=0), rtol=1e-6)


def test_a_flood_is_kept_unless_it_is_forced_and_then_leaves_nothing_behind(city: City) -> None:
    stored = store_flood(city, storm(), tables={"roads": pd.DataFrame({"id": ["a"]})}, notices=Notices())
    with pytest.raises(OutputExistsError, match="--force"):
        store_flood(stored, storm(seed=2), notices=Notices())
    with pytest.raises(OutputExistsError):
        check_name(stored, "storm", force=False)
    again = store_flood(stored, storm(seed=2), force=True, notices=Notices())
    assert not (again.path / FOLDER / "storm" / "roads.parquet").exists()
    np.testing.assert_array_equal(read_flood(again, "storm").max_depth_m, storm(seed=2).max_depth_m)
    assert damaged_files(again.path, again.manifest, by_checksum=True) == {}
    assert not (again.path / ".build").exists()


@pytest.mark.parametrize("name", ["../out", "a/b", "", "CON", "terrain", "water"])
def test_names_that_are_no_folder_or_belong_to_others_are_refused(city: City, name: str) -> None:
    with pytest.raises(UsageError, match="--name"):
        store_flood(city, storm(name), notices=Notices())


def test_provenance_stands_in_the_manifest_and_beside_the_flood(city: City) -> None:
    run = {"method": "fast", "parameters": {"hours": 2.0}}
    stored = store_flood(city, storm(), run=run, notices=Notices())
    entry = stored.manifest.layers["storm"]
    assert entry.kind == "flood"
    assert entry.provenance.parameters == {"hours": 2.0}
    assert entry.provenance.software["netCDF4"]
    told = json.loads((stored.path / FOLDER / "storm" / "run.json").read_text(encoding="utf-8"))
    assert (told["method"], told["steps"], told["first"]) == ("fast", 3, "2000-01-01T00:00:00Z")


@pytest.mark.parametrize("damage", [b"", b"\x89HDF not at all", b"CDF\x01"])
def test_a_damaged_flood_is_told_with_its_folder(city: City, damage: bytes) -> None:
    stored = store_flood(city, storm(), notices=Notices())
    folder = stored.path / FOLDER / "storm"
    (folder / "flood.nc").write_bytes(damage)
    with pytest.raises(StorageError, match="no whole flood"):
        open_flood(folder)


def test_an_unknown_flood_is_told_with_those_there_are(city: City) -> None:
    stored = store_flood(city, storm(), notices=Notices())
    with pytest.raises(UsageError, match="choose one of storm"):
        read_flood(stored, "sturm")


def test_times_that_do_not_increase_make_no_flood() -> None:
    with pytest.raises(ValueError, match="increase"):
        flood_of(
            "x",
            grid_of(Z),
            UNTIMED + np.array([600, 0]),
            Z,
            StepArrays(np.zeros((2, *Z.shape))),
            kind="import",
        )
