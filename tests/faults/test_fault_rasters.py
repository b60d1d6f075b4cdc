"""Broken rasters through the command line: as terrain beside points, as terrain alone, and as a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.faults.fault_harness import Twin, assert_told, differing, snapshot
from tests.faults.small_city import CRS, GROUND_M, SmallInputs
from tests.sources.broken_rasters import REFUSED, TOLERATED, Refused, Tolerated, geotiff

if TYPE_CHECKING:
    from pathlib import Path

BESIDE_POINTS = {"RA-06": (), "RA-16": ("partial_cover.tif", "covers")}
"""Where the survey covers another part of the raster than its own test: what is told then."""
NOT_ALONE = {
    "RA-02": "--crs says what the raster does not",
    "RA-16": "a raster alone is the extent of the city",
}
NOT_A_LAYER = {"RA-02": NOT_ALONE["RA-02"], "RA-12": "a picture is welcome as a layer"}


def alone(inputs: SmallInputs, raster: Path, city: Path) -> list[Any]:
    """A build from a terrain raster without points."""
    return ["build", "--dtm", raster, "--footprints", inputs.footprints, "--crs", CRS, "-o", city]


def rows(cases: list[Any], without: dict[str, str]) -> list[Any]:
    return [case for case in cases if case.row not in without]


@pytest.mark.parametrize("kind", ["dtm", "dsm"])
@pytest.mark.parametrize("case", REFUSED, ids=lambda c: c.row)
def test_a_broken_raster_beside_points_is_refused(
    case: Refused, kind: str, twin: Twin, inputs: SmallInputs, tmp_path: Path
) -> None:
    path = case.make(tmp_path)
    before = snapshot(tmp_path)
    done = twin(*inputs.arguments(tmp_path / "town.twin", f"--{kind}", path))
    assert done.code == case.error.exit_code, done.err
    assert_told(done.error, path.name, *case.words)
    assert "; " in done.error, "a remedy follows the cause"
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("case", rows(REFUSED, NOT_ALONE), ids=lambda c: c.row)
def test_a_broken_raster_alone_is_refused(
    case: Refused, twin: Twin, inputs: SmallInputs, tmp_path: Path
) -> None:
    path = case.make(tmp_path)
    before = snapshot(tmp_path)
    done = twin(*alone(inputs, path, tmp_path / "town.twin"))
    assert done.code == case.error.exit_code, done.err
    assert_told(done.error, path.name, *case.words)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("case", TOLERATED, ids=lambda c: c.row)
def test_a_doubtful_raster_beside_points_is_taken_and_told(
    case: Tolerated, twin: Twin, inputs: SmallInputs, tmp_path: Path
) -> None:
    done = twin(*inputs.arguments(tmp_path / "town.twin", "--dtm", case.make(tmp_path)))
    assert done.code == 0, done.err
    assert_told(done.notes, *BESIDE_POINTS.get(case.row, case.words))


@pytest.mark.parametrize("case", rows(TOLERATED, NOT_ALONE), ids=lambda c: c.row)
def test_a_doubtful_raster_alone_is_taken_and_told(
    case: Tolerated, twin: Twin, inputs: SmallInputs, tmp_path: Path
) -> None:
    done = twin(*alone(inputs, case.make(tmp_path), tmp_path / "town.twin"))
    assert done.code == 0, done.err
    assert_told(done.notes, *case.words)
    assert twin("check", tmp_path / "town.twin").code == 0


@pytest.mark.parametrize("case", rows(REFUSED, NOT_A_LAYER), ids=lambda c: c.row)
def test_a_broken_raster_is_no_layer(case: Refused, twin: Twin, city: Path, tmp_path: Path) -> None:
    path = case.make(tmp_path)
    before = snapshot(city)
    done = twin("add", city, path)
    assert done.code == case.error.exit_code, done.err
    assert_told(done.error, path.name, *case.words)
    assert snapshot(city) == before


@pytest.mark.parametrize("case", TOLERATED, ids=lambda c: c.row)
def test_a_doubtful_raster_becomes_a_layer(case: Tolerated, twin: Twin, city: Path, tmp_path: Path) -> None:
    before = snapshot(city)
    words = () if case.row == "RA-16" else case.words
    done = twin("add", city, case.make(tmp_path), "--as", "hill")
    assert done.code == 0, done.err
    assert_told(done.notes, *words)
    assert differing(before, snapshot(city)) == ["layers/hill.tif", "twin.json"]


@pytest.mark.parametrize("option", ["--dtm", "--dsm", "--ortho", "--roads", "--buildings", "--footprints"])
def test_an_input_that_is_not_there_is_named(
    option: str, twin: Twin, inputs: SmallInputs, tmp_path: Path
) -> None:
    done = twin("build", *inputs.points, option, tmp_path / "nope.x", "-o", tmp_path / "town.twin")
    assert done.code == 3, done.err
    assert_told(done.error, "nope.x", "not found")
    assert not (tmp_path / "town.twin").exists()
    folder = twin("build", *inputs.points, option, tmp_path, "-o", tmp_path / "town.twin")
    assert folder.code == 3, folder.err


def test_given_terrain_stands_where_it_has_data(twin: Twin, inputs: SmallInputs, tmp_path: Path) -> None:
    """The western half is given at another elevation; the rest comes from the points."""
    import rasterio

    given = np.full((80, 60), GROUND_M - 3, np.float32)
    done = twin(*inputs.arguments(tmp_path / "town.twin", "--dtm", geotiff(tmp_path, "west.tif", given)))
    assert done.code == 0
    assert_told(done.notes, "west.tif", "covers")
    with rasterio.open(tmp_path / "town.twin/terrain/dtm.tif") as source:
        values = source.read(1)
        west, _ = source.index(565_055.2, 5_930_047.0)[::-1]
        east, row = source.index(565_080.2, 5_930_047.0)[::-1]
    assert values[row, west] == GROUND_M - 3
    assert abs(values[row, east] - GROUND_M - 0.36) < 0.05


def test_a_picture_bomb_is_refused_before_it_unfolds(twin: Twin, city: Path, tmp_path: Path) -> None:
    """EX-05: half a megabyte that would be 3.4 GiB."""
    path = texture_bomb(tmp_path)
    before = snapshot(city)
    done = twin("add", city, path, "--crs", CRS)
    assert done.code == 4, done.err
    assert_told(done.error, "texture_bomb.png", "limit")
    assert snapshot(city) == before


def texture_bomb(folder: Path) -> Path:
    """A sound picture of 60,000 x 60,000 black pixels, one bit each, with its place beside it."""
    import struct
    import zlib

    side = 60_000
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + side // 8)
    packed = b"".join(packer.compress(row * 100) for _ in range(side // 100)) + packer.flush()

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">2I5B", side, side, 1, 0, 0, 0, 0)
    (folder / "texture_bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )
    (folder / "texture_bomb.pgw").write_text("1\n0\n0\n-1\n565000.5\n5930079.5\n")
    return folder / "texture_bomb.png"
