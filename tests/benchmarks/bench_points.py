"""Reading point clouds into arrays, against bare laspy with lazrs in the same run.

``python tests/benchmarks/bench_points.py [FILE...]`` prints a table in Markdown. Without files it takes the Delft
survey beside the checkout if it is there, and makes a synthetic one. Both sides end with the same arrays:
coordinates as float64, classes and returns. Ours also holds every point against the header.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import laspy
import numpy as np

from twin.core.notices import Notices
from twin.core.points import PointCloud
from twin.sources.points import open_points, read_chunks

if TYPE_CHECKING:
    from collections.abc import Callable

DELFT = Path(__file__).resolve().parents[3] / "shared" / "data" / "delft" / "ahn3"
N_SYNTHETIC = 2_000_000


def with_laspy(path: Path) -> int:
    """Bare laspy, all cores, into arrays."""
    with laspy.open(path, laz_backend=laspy.LazBackend.LazrsParallel) as reader:
        las = reader.read()
    xyz = np.ascontiguousarray(las.xyz)
    arrays = [np.array(las[name]) for name in ("classification", "return_number", "number_of_returns")]
    return len(xyz) + 0 * len(arrays)


def with_twin(path: Path) -> int:
    """Ours: header, chunk table, points checked, in blocks."""
    notices = Notices()
    chunks = [c for file in open_points(path) for c in read_chunks(file, notices=notices)]
    return sum(map(len, chunks))


def with_twin_whole(path: Path) -> int:
    """The same, put together in one cloud."""
    notices = Notices()
    chunks = [c for file in open_points(path) for c in read_chunks(file, notices=notices)]
    return len(PointCloud.concatenate(chunks))


def measure(path: Path, readers: list[Callable[[Path], int]], *, rounds: int) -> list[list[float]]:
    """Seconds of each reader in each round, taken in turn so that the machine treats them alike."""
    seconds: list[list[float]] = [[] for _ in readers]
    for reader in readers:
        reader(path)
    for _ in range(rounds):
        for reader, record in zip(readers, seconds, strict=True):
            start = time.perf_counter()
            reader(path)
            record.append(time.perf_counter() - start)
    return seconds


def synthetic(folder: Path) -> list[Path]:
    """Scan lines over a rough plane in the layouts of LAS 1.2 and 1.4."""
    rng = np.random.default_rng(1)
    side = int(np.sqrt(N_SYNTHETIC))
    row, column = np.divmod(np.arange(side * side), side)
    x, y = column * 0.3 + rng.normal(0, 0.02, side * side), row * 0.3 + rng.normal(0, 0.02, side * side)
    z = 5 * np.sin(x / 40) + rng.normal(0, 0.03, side * side)
    paths = []
    for name, version, point_format in (
        ("format1.laz", "1.2", 1),
        ("format7.laz", "1.4", 7),
        ("open.las", "1.4", 6),
    ):
        header = laspy.LasHeader(version=version, point_format=point_format)
        header.scales = np.full(3, 0.001)
        las = laspy.LasData(header)
        las.x, las.y, las.z = x, y, z
        las.gps_time = np.arange(side * side) * 2e-6
        las.classification = rng.integers(1, 3, side * side)
        las.return_number = las.number_of_returns = np.ones(side * side, np.uint8)
        las.intensity = rng.integers(0, 4000, side * side)
        las.write(str(folder / name))
        paths.append(folder / name)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = options.files or [*sorted(DELFT.glob("*.laz")), *synthetic(Path(folder))]
        print(
            "| file | points | laspy, s | twin, s | twin in one cloud, s | twin / laspy speed | in one cloud |"
        )
        print("|---|---|---|---|---|---|---|")
        for path in paths:
            bare, ours, whole = measure(path, [with_laspy, with_twin, with_twin_whole], rounds=options.rounds)
            # Rounds are compared one by one: what else the machine does falls on both sides.
            ratios = [statistics.median(a / b for a, b in zip(bare, s, strict=True)) for s in (ours, whole)]
            print(
                f"| {path.name} | {open_points(path)[0].n_points:,} | {min(bare):.3f} | {min(ours):.3f}"
                f" | {min(whole):.3f} | {ratios[0]:.2f} | {ratios[1]:.2f} |"
            )


if __name__ == "__main__":
    main()
