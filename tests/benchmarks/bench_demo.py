"""The demo district: simulated survey, solids and rasters, against bare libraries in the same run; accuracy on it.

``python tests/benchmarks/bench_demo.py`` prints tables of speed in Markdown; seconds are of the clock, and of the
processor in brackets, since a shared machine keeps work waiting. ``--accuracy DIR`` compares the city in a folder that
``twin demo`` made with the truth instead, by roof type and level of detail. The survey is held against embree, which
meets the same pulses with the same buildings and does nothing else (no ground, no crowns, no noise, no classes).
Compiled code is warmed first. Tasks on two processes are timed with the processes already started.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.core.errors import UsageError
from twin.demo import skeleton as sk
from twin.demo.cadastre import NO_DEFECTS
from twin.demo.comparison import LODS, compare_model
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


class Spent(NamedTuple):
    """Seconds by the clock and of this process on a processor."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} ({self.cpu:.2f})"


def seconds_of(work: Callable[[], object], rounds: int) -> Spent:
    """Median times of a piece of work."""
    spent = []
    for _ in range(rounds):
        start = Spent(time.perf_counter(), time.process_time())
        work()
        spent.append((time.perf_counter() - start.wall, time.process_time() - start.cpu))
    walls, cpus = zip(*spent, strict=True)
    return Spent(statistics.median(walls), statistics.median(cpus))


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


def deliver(layout: Layout, flight: Flight, tile: Bounds, folder: str) -> tuple[int, float]:
    """One tile with its files: its points, and seconds on a processor."""
    start = time.process_time()
    path = Path(folder)
    name = f"{round(tile.x_min)}_{round(tile.y_min)}"
    n = deliver_tile(layout, flight, tile, path / f"{name}.laz", path / name)
    return n, time.process_time() - start


def on_two_processes(layout: Layout, flight: Flight) -> tuple[int, Spent]:
    """Points and seconds of the whole survey with its files, on two processes; those on processors are their sum."""
    tiles = [tile for _, tile in tiles_of(layout, flight.settings.density)]
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(2, get_context("spawn")) as pool:
        warm = fly(SurveySettings(density=0.5), layout.bounds, seed=1)
        list(pool.map(deliver, [layout] * 4, [warm] * 4, tiles[:1] * 4, [folder] * 4))
        start = time.perf_counter()
        done = list(pool.map(deliver, *zip(*((layout, flight, t, folder) for t in tiles), strict=True)))
        wall = time.perf_counter() - start
    return sum(n for n, _ in done), Spent(wall, sum(cpu for _, cpu in done))


def survey_table(layout: Layout, density: float, rounds: int) -> None:
    flight = fly(SurveySettings(density=density), layout.bounds, seed=1)
    n = survey_everything(layout, flight)
    one = seconds_of(lambda: survey_everything(layout, flight), rounds)
    bare = seconds_of(with_embree(layout, n), rounds)
    n_two, two = on_two_processes(layout, flight)
    print("| survey | points | s | M points/s | M points/CPU s | of embree's bare speed |")
    print("|---|---|---|---|---|---|")
    row = "| {} | {:,} | {} | {:.2f} | {} | {} |"
    for name, points, spent, share in (
        ("traced, one process", n, one, bare.cpu / one.cpu),
        ("traced and written as LAZ, two processes", n_two, two, bare.cpu / two.cpu),
        ("embree: pulses met with buildings only", n, bare, 1.0),
    ):
        rates = points / spent.wall / 1e6, f"{points / spent.cpu / 1e6:.2f}"
        print(row.format(name, points, spent, *rates, f"{share:.2f}"))


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
    print(f"| plan of {n} buildings | {planning} | {1e3 * planning.cpu / n:.2f} ms each |")
    print(f"| solids of three levels, cadastre and figures | {solids} | {1e3 * solids.cpu / n:.2f} ms each |")
    per_ms = 256**2 / raster.cpu / 1e3
    print(f"| terrain, surface and photograph of 256 m x 256 m | {raster} | {per_ms:.0f} m2/ms |")


def accuracy_table(folder: Path) -> None:
    """What the city in a demo folder is worth, by roof type, for every level of detail that it has."""
    print(
        "| LoD | roof type | n | within 0.2 m | RMSE m | ridge m | eave m | volume | faces right | type right |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for lod in LODS:
        try:
            found = compare_model(folder / "district.twin", folder / "truth", lod=lod)
        except UsageError:
            continue
        table = found.by_sound("roof_type")
        for name, row in table.iterrows():
            print(
                f"| {lod} | {name} | {row['n']:.0f} | {row['w20']:.3f} | {row['rmse_median_m']:.3f} "
                f"| {row['ridge_error_median_m']:.3f} | {row['eave_error_median_m']:.3f} "
                f"| {row['volume_error_median']:.2%} | {row['faces_right']:.2f} | {row['roof_type_right']:.2f} |"
            )
        print(f"| {lod} | **score {found.score:.2f}** | | | | | | | | |")
    print(f"\n{found.terrain.line() if found.terrain else ''}\n{found.trees.line() if found.trees else ''}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buildings", type=int, default=400)
    parser.add_argument("--density", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--accuracy", type=Path, metavar="DIR")
    options = parser.parse_args()
    if options.accuracy:
        accuracy_table(options.accuracy)
        return
    layout = make_layout(options.buildings, seed=1)
    survey_table(layout, options.density, options.rounds)
    parts_table(layout, options.rounds)


if __name__ == "__main__":
    main()
