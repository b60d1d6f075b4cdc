"""A scripted tour of everything in the real window: how long each step keeps the interface from its events.

    twin demo district
    python tests/benchmarks/bench_viewer_tour.py district/city.twin

For each step: the longest that the interface thread was away from its events besides drawing, in milliseconds by the
clock, and of its own processor time (on a machine with other work the clock tells little). With ``--rounds N`` the tour
is repeated; memory and the objects of VTK that are held are told after each round.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from loop_watch import LoopWatch, Sampler, n_vtk_objects, resident_mib
from tour_hands import Tour
from tour_steps import COARSE, FINE, STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator

N_STEPS = 12
TIDY_S = 6.0
"""After this long the window has given back what work has freed."""


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("city", type=Path)
    asked.add_argument("--rounds", type=int, default=1)
    asked.add_argument("--only", default="", help="names of steps, with commas between")
    asked.add_argument("--profile", default="", help="name of a step whose calls are listed by time")
    asked.add_argument("--where", action="store_true", help="tell where rounds of events are that take long")
    given = asked.parse_args()
    add_floods(given.city)
    with screen(), tempfile.TemporaryDirectory() as folder:
        os.environ |= {"TWIN_STATE": f"{folder}/state", "LANG": "en_US.UTF-8"}
        go_round(given, Path(folder))


def go_round(given: argparse.Namespace, folder: Path) -> None:
    """Make the tour as often as asked for, and tell what was found."""
    watch, only = LoopWatch(), set(filter(None, given.only.split(",")))
    tour = Tour(watch, given.city, folder)
    if given.where:
        watch.sampler = Sampler(watch)
        watch.sampler.start()
    for number in range(given.rounds):
        started = time.monotonic()
        tour.run([(n, s) for n, s in STEPS if not only or n in only or n == "open"], profiled=given.profile)
        took, held = time.monotonic() - started, n_vtk_objects()
        if given.rounds > 1:
            tour.pass_time(TIDY_S)
            print(f"| {number + 1} | {took:.0f} s | {resident_mib():.0f} MiB | {held} |", flush=True)
    tell(watch)
    tour.window.release()
    tour.window.deleteLater()
    tour.app.processEvents()


@contextmanager
def screen() -> Iterator[None]:
    """A screen of our own where there is none."""
    if os.environ.get("DISPLAY") or not shutil.which("Xvfb"):
        yield
        return
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]
    server = subprocess.Popen(
        command, pass_fds=(write,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(write)
    with os.fdopen(read) as told:
        os.environ["DISPLAY"] = f":{told.readline().strip()}"
    try:
        yield
    finally:
        server.terminate()


def add_floods(folder: Path) -> None:
    """Put a flood that rises over the low ground into the city: with cells of 3 m, and with fine ones of 1 m."""
    from twin.city.model import open_city
    from twin.core.notices import Notices
    from twin.water.flood import StepArrays, flood_of
    from twin.water.flood_store import floods, store_flood
    from twin.water.ground import site

    city = open_city(folder)
    for name, cell in ((COARSE, 3.0), (FINE, 1.0)):
        if name in floods(city):
            continue
        ground = site(city, cell_size_m=cell, notices=Notices())
        bed = np.asarray(ground.bed_m, np.float32)
        low = np.nanpercentile(bed, 2)
        depth = np.stack([np.nan_to_num(np.maximum(low + 0.25 * k - bed, 0)) for k in range(N_STEPS)])
        flow = np.where(depth > 0, np.float32(0.3), np.float32(0.0))
        times = np.datetime64("2026-08-28T03:00:00", "s") + 600 * np.arange(N_STEPS)
        steps = StepArrays(depth.astype(np.float32), flow, -flow)
        made = flood_of(name, ground.grid, times, bed, steps, kind="import")
        city = store_flood(city, made, notices=Notices())


def tell(watch: LoopWatch) -> None:
    print("\n| step | by the clock, ms | of processor, ms | by |\n|---|---|---|---|")
    for name, stall in watch.stalls.items():
        print(f"| {name} | {stall.wall_ms:.0f} | {stall.cpu_ms:.0f} | {stall.what} |")
    stalls = watch.stalls.values()
    print(f"| worst | {max(s.wall_ms for s in stalls):.0f} | {max(s.cpu_ms for s in stalls):.0f} | | |")


if __name__ == "__main__":
    main()
