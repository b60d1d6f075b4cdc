"""Whole builds from the command line: time, memory by process, and how memory grows with the survey.

    python tests/benchmarks/bench_build.py            Delft, three runs
    python tests/benchmarks/bench_build.py --large    also surveys of 5 and 50 million points (about ten minutes)

The large surveys are Delft's tiles and footprints laid out again and again on a square.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

DELFT = Path(__file__).resolve().parents[3] / "shared" / "data" / "delft"
POINTS_PER_COPY = 848_942
PITCH_M = (270.0, 235.0)


@dataclass(frozen=True)
class Run:
    wall_s: float
    cpu_s: float
    largest_process_mb: float


def measured(arguments: list[str]) -> Run:
    """Run the command line; wall and processor time, and the peak memory of its largest process."""
    start = time.perf_counter()
    process = psutil.Popen(
        [sys.executable, "-m", "twin", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    peak, cpu = [0.0], {}
    watcher = threading.Thread(target=_watch, args=(process, peak, cpu))
    watcher.start()
    _, errors = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(errors.decode()[-2000:])
    return Run(time.perf_counter() - start, sum(cpu.values()), peak[0] / 1e6)


def _watch(process: psutil.Popen, peak: list[float], cpu: dict[int, float]) -> None:
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        try:
            for one in [process, *process.children(recursive=True)]:
                peak[0] = max(peak[0], one.memory_info().rss)
                times = one.cpu_times()
                cpu[one.pid] = max(cpu.get(one.pid, 0.0), times.user + times.system)
        except psutil.NoSuchProcess:
            continue
        time.sleep(0.02)


def delft_arguments(out: Path) -> list[str]:
    bgt = DELFT / "bgt"
    return [
        "build",
        *map(str, sorted((DELFT / "ahn3").glob("*.laz"))),
        *("--footprints", str(bgt / "bgt_pand.sqlite"), "--id-field", "gml_id"),
        *("--roads", str(bgt / "bgt_wegdeel.sqlite"), "--water", str(bgt / "bgt_waterdeel.sqlite")),
        *("--bridges", str(bgt / "bgt_overbruggingsdeel.sqlite"), "--crs", "EPSG:7415", "-o", str(out)),
    ]


def lay_out(folder: Path, n_points: int) -> list[str]:
    """Delft again and again until there are `n_points`; arguments of the build."""
    import geopandas as gpd
    import laspy
    import pandas as pd
    from shapely.affinity import translate

    n_copies = round(n_points / POINTS_PER_COPY)
    side = int(np.ceil(np.sqrt(n_copies)))
    outlines = gpd.read_file(DELFT / "bgt" / "bgt_pand.sqlite")[["gml_id", "geometry"]]
    frames = []
    folder.mkdir(parents=True)
    for k in range(n_copies):
        dx, dy = (k % side) * PITCH_M[0], (k // side) * PITCH_M[1]
        for path in sorted((DELFT / "ahn3").glob("*.laz")):
            las = laspy.read(path)
            las.x, las.y = np.asarray(las.x) + dx, np.asarray(las.y) + dy
            las.write(folder / f"{k:03d}_{path.name}")
        moved = outlines.geometry.map(lambda g, dx=dx, dy=dy: translate(g, dx, dy))
        frames.append(outlines.assign(gml_id=outlines["gml_id"] + f"-{k}", geometry=moved))
    gpd.GeoDataFrame(pd.concat(frames), crs=28992).to_file(folder / "footprints.gpkg")
    return [
        "build",
        str(folder),
        "--footprints",
        str(folder / "footprints.gpkg"),
        "--id-field",
        "gml_id",
        "--crs",
        "EPSG:7415",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--folder", type=Path, help="where the large surveys go and stay")
    options = parser.parse_args()
    print("| build | points | wall s | CPU s | largest process MB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        base = options.folder or Path(temporary)
        measured(delft_arguments(Path(temporary) / "warm.twin"))
        for k in range(3):
            run = measured(delft_arguments(Path(temporary) / f"delft{k}.twin"))
            print(
                f"| Delft, run {k + 1} | 848,942 | {run.wall_s:.1f} | {run.cpu_s:.1f} | {run.largest_process_mb:.0f} |"
            )
        if not options.large:
            return
        peaks = []
        for n_points in (5_000_000, 50_000_000):
            arguments = lay_out(base / f"survey{n_points}", n_points)
            run = measured([*arguments, "-o", str(Path(temporary) / f"large{n_points}.twin")])
            peaks.append(run.largest_process_mb)
            print(
                f"| Delft again | {n_points:,} | {run.wall_s:.0f} | {run.cpu_s:.0f} | {run.largest_process_mb:.0f} |"
            )
        print(f"\nmemory, 50 M against 5 M points: {peaks[1] / peaks[0]:.2f} times")


if __name__ == "__main__":
    main()
