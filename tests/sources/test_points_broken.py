"""Every defect of a point cloud file: the right error, the right words, the right exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.sources.broken_points import BROKEN, Broken
from tests.sources.point_samples import BUILDING_SIDE_M, BUILDINGS, SIDE_M, SOUTH, WEST, town
from twin.core.errors import CrsError, InputError, InputNotFoundError, LimitError, OverlapError, TwinError
from twin.core.grid import Bounds
from twin.core.notices import Notices
from twin.core.points import PointCloud
from twin.sources.overlap import check_overlap
from twin.sources.points import common_crs, file_transform, open_points, read_chunks
from twin.sources.points_check import (
    check_extent,
    elevation_limits,
    has_ground_classes,
    tally_points,
    tell_suspected_feet,
    within_elevations,
)

if TYPE_CHECKING:
    from pathlib import Path

ERRORS = {2: CrsError, 3: (InputError, InputNotFoundError, OverlapError), 4: LimitError}
SITE = Bounds(WEST, SOUTH, WEST + SIDE_M, SOUTH + SIDE_M)
ELSEWHERE = ("us_feet",)


def build_lite(paths: list[Path], notices: Notices, *, name: str) -> PointCloud:
    """What a build does with point clouds before it comes to footprints and tiles."""
    files = open_points(paths)
    city = common_crs(files)
    chunks = [
        chunk
        for file in files
        for chunk in read_chunks(
            file, transform=file_transform(file, city, notices=notices), notices=notices, chunk_points=3000
        )
    ]
    cloud = PointCloud.concatenate(chunks)
    tally = tally_points(cloud)
    check_extent(tally, where=paths[0])
    if len(cloud):
        cloud = within_elevations(cloud, elevation_limits(tally, where=paths[0], notices=notices))
        has_ground_classes(tally, where=paths[0], notices=notices)
        tell_suspected_feet(*homes(cloud), where=paths[0], notices=notices)
        if name not in ELSEWHERE:
            low, high = cloud.xyz.min(axis=0), cloud.xyz.max(axis=0)
            check_overlap(Bounds(low[0], low[1], high[0], high[1]), SITE, paths[0], "footprints")
    return cloud


def homes(cloud: PointCloud) -> tuple[np.ndarray, np.ndarray]:
    """Heights of the four houses above the ground, and the areas of their footprints."""
    ground = np.median(cloud.xyz[:, 2])
    heights = []
    for west, south, _ in BUILDINGS:
        offset = cloud.xyz[:, :2] - (WEST + west + 6, SOUTH + south + 6)
        roof = cloud.xyz[(abs(offset) < 5).all(axis=1), 2]
        heights.append(np.median(roof) - ground if len(roof) else np.nan)
    return np.array(heights), np.full(len(BUILDINGS), BUILDING_SIDE_M**2)


def must(kind: str) -> list[Broken]:
    return [row for row in BROKEN if row.must == kind]


def skip_where_impossible(row: Broken) -> None:
    if row.name == "broken_link" and sys.platform == "win32":
        pytest.skip("links need a privilege on Windows")


@pytest.mark.parametrize("row", must("error"), ids=lambda row: f"{row.id}-{row.name}")
def test_error_names_file_and_cause(row: Broken, tmp_path: Path) -> None:
    skip_where_impossible(row)
    paths = row.make(tmp_path)
    with pytest.raises(TwinError) as caught:
        build_lite(paths, Notices(), name=row.name)
    assert isinstance(caught.value, ERRORS[row.exit_code])
    assert caught.value.exit_code == row.exit_code
    message = str(caught.value)
    for word in row.words:
        assert word in message, message
    assert any(path.name in message for path in paths), message
    assert caught.value.remedy


@pytest.mark.parametrize("row", must("warn"), ids=lambda row: f"{row.id}-{row.name}")
def test_warning_is_told_once(row: Broken, tmp_path: Path) -> None:
    notices = Notices()
    paths = row.make(tmp_path)
    build_lite(paths, notices, name=row.name)
    assert len(notices.items) == 1, notices.lines()
    (line,) = notices.lines()
    for word in row.words:
        assert word in line, line
    assert paths[0].name in line


@pytest.mark.parametrize("row", must("ok"), ids=lambda row: f"{row.id}-{row.name}")
def test_odd_but_sound_files_are_read(row: Broken, tmp_path: Path) -> None:
    notices = Notices()
    cloud = build_lite(row.make(tmp_path), notices, name=row.name)
    assert {item.cause for item in notices.items} <= {"points-left-out"}
    expected = {"duplicates": 12_000, "withheld": 2000, "no_buildings": (town().classification == 2).sum()}
    assert len(cloud) == expected.get(row.name, 4000)


def test_every_row_of_the_list_is_there() -> None:
    assert {row.id for row in BROKEN} >= {f"PC-{i:02}" for i in range(1, 42)}
    assert len({row.id for row in BROKEN}) == len(BROKEN)
