"""The demo district: simulated survey, solids and rasters, against bare libraries in the same run.

``python tests/benchmarks/bench_demo.py`` prints tables in Markdown. The survey is held against embree, which meets the
same pulses with the same buildings and does nothing else (no ground, no crowns, no noise, no classes). Compiled code is
warmed first. Tasks on two processes are timed with the processes already started.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twin.demo import skeleton as sk
from twin.demo.cadastre import NO_DEFECTS
from twin.demo.delivery import deliver_tile, describe_cells
from twin.demo.flight import SurveySettings, fly
from twin.demo.layout import make_layout
from twin.demo.rasters import raster_tile
from twin.demo.survey import survey_tile, tiles_of
from twin.demo.targets import gather_targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.core.grid import Bounds
    from twin.demo.flight import Flight
    from twin.demo.layout import Layout


def seconds_of(work: Callable[[], object], rounds: int) -> float:
    """Median time of a piece of work."""
    spent = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def survey_everything(layout: Layout, flight: Flight) -> int:
    """All tiles, traced in this process, nothing written."""
    return sum(
        len(survey_tile(layout, flight, tile)[0]) for _, tile in tiles_of(layout, flight.settings.density)
    )


def with_embree(layout: Layout, n_pulses: int) -> Callable[[], object]:
    """The same number of pulses against the same triangles, and nothing else."""
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    targets, _ = gather_targets(layout, layout.bounds)
    scene = EmbreeScene()
    TriangleMesh(scene, targets.corners.astype(np.float32))
    rng, b = np.random.default_rng(0), layout.bounds
    start = np.column_stack(
        [rng.uniform(b.x_min, b.x_max, n_pulses), rng.uniform(b.y_min, b.y_max, n_pulses)]
    )
    origins = np.column_stack([start, np.full(n_pulses, targets.top)]).astype(np.float32)
    tilt = np.column_stack(
        [np.full(n_pulses, 0.03), rng.uniform(-0.36, 0.36, n_pulses), np.full(n_pulses, -1.0)]
    ).astype(np.float32)
    return lambda: scene.run(origins, tilt, query="INTERSECT")


def deliver(layout: Layout, flight: Flight, tile: Bounds, folder: str) -> int:
    """One tile with its files."""
    path = Path(folder)
    name = f"{round(tile.x_min)}_{round(tile.y_min)}"
    return deliver_tile(layout, flight, tile, path / f"{name}.laz", path / name)


def on_two_processes(layout: Layout, flight: Flight) -> tuple[int, float]:
    """Points and seconds of the whole survey with its files, on two processes."""
    tiles = [tile for _, tile in tiles_of(layout, flight.settings.density)]
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(2, get_context("spawn")) as pool:
        warm = fly(SurveySettings(density=0.5), layout.bounds, seed=1)
        list(pool.map(deliver, [layout] * 4, [warm] * 4, tiles[:1] * 4, [folder] * 4))
        start = time.perf_counter()
        n = sum(pool.map(deliver, *zip(*((layout, flight, t, folder) for t in tiles), strict=True)))
        return n, time.perf_counter() - start


def survey_table(layout: Layout, density: float, rounds: int) -> None:
    flight = fly(SurveySettings(density=density), layout.bounds, seed=1)
    n = survey_everything(layout, flight)
    one = seconds_of(lambda: survey_everything(layout, flight), rounds)
    bare = seconds_of(with_embree(layout, n), rounds)
    n_two, two = on_two_processes(layout, flight)
    print("| survey | points | s | M points/s | of embree's bare speed |")
    print("|---|---|---|---|---|")
    print(f"| traced, one process | {n:,} | {one:.2f} | {n / one / 1e6:.2f} | {bare / one:.2f} |")
    print(f"| traced and written as LAZ, two processes | {n_two:,} | {two:.2f} | {n_two / two / 1e6:.2f} | |")
    print(f"| embree: pulses met with buildings only | {n:,} | {bare:.2f} | {n / bare / 1e6:.2f} | 1 |")


def parts_table(layout: Layout, rounds: int) -> None:
    cells = list(layout.cells)
    n = layout.n_buildings
    solids = seconds_of(lambda: describe_cells(layout, NO_DEFECTS, cells), rounds)
    b = layout.bounds
    middle = sk.to_world(np.array([[b.x_min + b.width / 2, 60.0]]))[0]
    x, y = (np.round(middle / 256) * 256).tolist()
    from twin.core.grid import Bounds

    tile = Bounds(x, y, x + 256.0, y + 256.0)
    raster_tile(layout, tile, 0.25)
    raster = seconds_of(lambda: raster_tile(layout, tile, 0.25), rounds)
    planning = seconds_of(lambda: make_layout(n, seed=2), rounds)
    print("\n| part | s | |")
    print("|---|---|---|")
    print(f"| plan of {n} buildings | {planning:.2f} | {1e3 * planning / n:.2f} ms each |")
    print(f"| solids of three levels, cadastre and figures | {solids:.2f} | {1e3 * solids / n:.2f} ms each |")
    print(
        f"| terrain, surface and photograph of 256 m x 256 m | {raster:.2f} | {256**2 / raster / 1e3:.0f} m2/ms |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buildings", type=int, default=400)
    parser.add_argument("--density", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    layout = make_layout(options.buildings, seed=1)
    survey_table(layout, options.density, options.rounds)
    parts_table(layout, options.rounds)


if __name__ == "__main__":
    main()
