"""The spool gives back the same points for any cut and order of the input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twin.city.spool import Spool, SpoolLayout, read_part, spool_file, write_part
from twin.city.tiling import Tiling, choose_tiling, tile_name
from twin.core.errors import InputError
from twin.core.grid import Bounds
from twin.core.points import PointCloud


def cloud(n: int, *, seed: int = 1, size: float = 900.0) -> PointCloud:
    rng = np.random.default_rng(seed)
    xyz = rng.random((n, 3)) * [size, size, 30] + [85_000, 447_000, -2]
    return PointCloud(
        xyz,
        rng.integers(0, 10, n).astype(np.uint8),
        np.ones(n, np.uint8),
        np.ones(n, np.uint8),
    )


def layout(folder: Path) -> SpoolLayout:
    return SpoolLayout(folder, Tiling(85_000.0, 447_000.0, 250.0), (85_400.0, 447_400.0))


def spooled(folder: Path, clouds: list[list[PointCloud]]) -> Spool:
    place = layout(folder)
    parts = tuple(spool_file(c, place, number=k, name=f"{k}.laz") for k, c in enumerate(clouds))
    return Spool(place, parts)


def test_points_come_back_whole_and_in_one_order(tmp_path: Path) -> None:
    points = cloud(20_000)
    order = np.random.default_rng(2).permutation(len(points))
    one = spooled(tmp_path / "one", [[points]])
    cut = spooled(
        tmp_path / "cut",
        [[points.select(order[:300])], [], [points.select(order[300:9000]), points.select(order[9000:])]],
    )
    area = Bounds(84_900, 446_900, 86_000, 448_000)
    a, b = one.read(area), cut.read(area)
    assert len(a) == len(points)
    assert one.n_points == cut.n_points == len(points)
    assert one.histogram == cut.histogram
    for left, right in zip((a.xyz, a.classification), (b.xyz, b.classification), strict=True):
        np.testing.assert_array_equal(left, right)
    back = a.xyz[np.lexsort(a.xyz.T)]
    truth = points.xyz[np.lexsort(np.round(points.xyz, 4).T)]
    assert np.abs(back - truth).max() <= 0.51e-4


def test_tiles_share_the_plane_without_gap_or_overlap(tmp_path: Path) -> None:
    points = cloud(20_000)
    points.xyz[:500, 0] = 85_250.0 - 4e-5  # rounds onto the border between two tiles
    spool = spooled(tmp_path, [[points]])
    cores = [spool.read(spool.layout.tiling.bounds(*t)) for t in spool.tiles()]
    assert len(spool.tiles()) == 16
    assert sum(map(len, cores)) == len(points)


def test_a_finished_part_is_not_read_again_unless_it_was_harmed(tmp_path: Path) -> None:
    spool = spooled(tmp_path, [[cloud(2000)]])
    write_part(spool.parts[0], tmp_path)
    assert read_part(tmp_path, 0) == spool.parts[0]
    victim = next(tmp_path.glob("*.points"))
    victim.write_bytes(victim.read_bytes()[:-1])
    assert read_part(tmp_path, 0) is None
    assert read_part(tmp_path, 1) is None


def test_points_at_the_other_end_of_the_world_are_refused(tmp_path: Path) -> None:
    far = cloud(10)
    far.xyz[0, 0] = 9e8
    with pytest.raises(InputError, match=r"far\.laz: points too far apart"):
        spool_file([far], layout(tmp_path), number=0, name="far.laz")


def test_tile_side_follows_density_and_small_surveys_are_one_tile() -> None:
    delft = Bounds(84808, 447412, 85072, 447641)
    one = choose_tiling(delft, n_points=848_942, cell_size_m=0.5)
    assert one.touching(delft) == [(0, 0)]
    large = Bounds(0, 0, 5000, 5000)
    assert choose_tiling(large, n_points=25_000_000 * 15, cell_size_m=0.5).side_m == 250.0
    assert choose_tiling(large, n_points=25_000_000, cell_size_m=0.5).side_m == 1000.0
    assert tile_name(*one.index(84_900, 447_500)) == "x0_y0"
