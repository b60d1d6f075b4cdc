"""Broken point clouds through the command line: exit code, words, and nothing left behind."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
import shapely

from tests.faults.fault_harness import Twin, assert_told
from tests.faults.small_city import write_footprints
from tests.sources.broken_points import BROKEN, Broken
from tests.sources.point_samples import BUILDING_SIDE_M, BUILDINGS, CITY, SOUTH, WEST, write_sound

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT_FOOTPRINTS = {"us_feet"}
"""Stands on another continent than the footprints."""
BESIDE_SOUND = {"no_points"}
"""One empty tile of a survey; alone it is no survey."""
TOLD_HERE = {"no_buildings": ("4 buildings", "points"), "withheld": ("2000 withheld",)}
"""What is known only when buildings are made."""


def town_footprints(folder: Path) -> Path:
    """Outlines of the four houses that stand in the sample points."""
    boxes = [
        shapely.box(WEST + x, SOUTH + y, WEST + x + BUILDING_SIDE_M, SOUTH + y + BUILDING_SIDE_M)
        for x, y, _ in BUILDINGS
    ]
    return write_footprints(
        folder / "houses.gpkg", gpd.GeoDataFrame({"id": list("abcd")}, geometry=boxes, crs=CITY)
    )


def rows(*kinds: str) -> list[Broken]:
    told = [replace(r, must="warn", words=TOLD_HERE[r.name]) if r.name in TOLD_HERE else r for r in BROKEN]
    return [row for row in told if row.must in kinds]


def command(row: Broken, folder: Path) -> list[str | Path]:
    (folder / "in").mkdir()
    named: list[str | Path] = list(row.make(folder / "in"))
    if row.name in BESIDE_SOUND:
        named.append(write_sound(folder / "in" / "sound.laz"))
    if row.name not in WITHOUT_FOOTPRINTS:
        named += ["--footprints", town_footprints(folder)]
    return ["build", *named, "-o", folder / "town.twin", "--workers", "1"]


def skip_where_impossible(row: Broken) -> None:
    if row.name == "broken_link" and sys.platform == "win32":
        pytest.skip("links need a privilege on Windows")


@pytest.mark.parametrize("row", rows("error"), ids=lambda row: f"{row.id}-{row.name}")
def test_a_broken_point_cloud_is_refused(row: Broken, twin: Twin, tmp_path: Path) -> None:
    skip_where_impossible(row)
    arguments = command(row, tmp_path)
    done = twin(*arguments)
    assert done.code == row.exit_code, done.err
    assert_told(done.error, *row.words)
    assert "; " in done.error, "a remedy follows the cause"
    assert not done.out
    assert not (tmp_path / "town.twin").exists()


@pytest.mark.parametrize("row", rows("warn", "ok"), ids=lambda row: f"{row.id}-{row.name}")
def test_what_can_be_built_from_is_built_and_told(row: Broken, twin: Twin, tmp_path: Path) -> None:
    done = twin(*command(row, tmp_path))
    assert done.code == 0, done.err
    assert_told(done.notes, *row.words)
    assert bool(done.notes) == (row.must == "warn"), done.notes
    assert twin("check", tmp_path / "town.twin").code == 0
