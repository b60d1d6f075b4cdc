"""Warm pictures, stills of 8K and films, against the bare drawing of the same things in the same run.

Bare is a VTK window that is kept open, with our actors and as many samples, drawn and read back: nothing is averaged,
labelled, composed or written. It copies each frame for a screen, as VTK does unless told otherwise. What the water
mirrors is drawn for a picture alone, and counts as bare only where the line says so. Rounds take turns, and a ratio is
the median of the ratios within rounds. Processor time counts all threads and the encoder; it is what holds on a machine
that does other things.

    python tests/benchmarks/bench_film.py [CITY]
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS, STILLS, FILMS = 7, 3, 4
HD, EIGHT_K, FILM = (1280, 720), (7680, 4320), (1280, 720)
FILM_FRAMES, FPS = 48, 24
EXTRA_S = 0.050


class Clock:
    """Wall and processor seconds, those of ended children with them."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), self._cpu()

    @staticmethod
    def _cpu() -> float:
        of = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(u.ru_utime + u.ru_stime for u in of)

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self.wall, self._cpu() - self.cpu


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    clock = Clock()
    work()
    return clock.read()


def bare_frames(canvas: Any, stage: Any, camera: Any, *, mirrors: bool) -> None:
    """Draw and read back, as `Canvas.draw` does, and nothing else."""
    from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

    from twin.scene.render import depth_range, piece_projection
    from twin.scene.stage import aim

    w, h, corners = canvas._piece
    canvas._window.SwapBuffersOn()
    aim(stage, camera, canvas.size[1])
    canvas._whole.show(stage.actors)
    depth = depth_range(stage, camera)
    width, height = canvas._window.GetSize()
    pixels = vtkUnsignedCharArray()
    for x, y in canvas._mirrored(stage, camera, depth) if mirrors else corners:
        canvas._render(canvas._whole, camera, piece_projection(camera, canvas.size, (x, y, w, h), depth))
        canvas._window.GetPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
    canvas._window.SwapBuffersOff()


def compare(city: Path, size: tuple[int, int], rounds: int, folder: Path) -> None:
    """Pictures against bare frames, in turns."""
    import twin
    from twin.scene.canvas import Canvas
    from twin.scene.png import write_png
    from twin.scene.studio import Studio

    scene = twin.Scene(twin.open_city(city))
    for view in ("overview", "street"):
        camera = scene.camera(view, size)
        with Studio(size) as studio, Canvas(size) as canvas:
            stage = scene.stage().stage
            canvas.draw(stage, camera)
            studio.picture(scene, camera)

            def picture(studio: Any = studio, camera: Any = camera) -> None:
                drawn = studio.picture(scene, camera)
                write_png(folder / "a.png", drawn, scene.pack.meta, camera, scene.sun, force=True)

            def bare(mirrors: bool, c: Any = canvas, s: Any = stage, k: Any = camera) -> tuple[float, float]:
                return timed(lambda: bare_frames(c, s, k, mirrors=mirrors))

            turns = [(bare(False), bare(True), timed(picture)) for _ in range(rounds)]
        tell(f"{size[0]}x{size[1]} {view}", [(t[0], t[2]) for t in turns])
        tell(f"{size[0]}x{size[1]} {view}, bare with mirrors", [(t[1], t[2]) for t in turns])


def tell(name: str, pairs: list[tuple[tuple[float, float], tuple[float, float]]]) -> None:
    bare, ours = (tuple(statistics.median(p[k][i] for p in pairs) for i in (0, 1)) for k in (0, 1))
    wall = statistics.median(b[0] / a[0] for a, b in pairs)
    cpu = statistics.median(b[1] / a[1] for a, b in pairs)
    beyond = statistics.median((b[1] - EXTRA_S) / a[1] for a, b in pairs)
    print(
        f"{name}: bare {bare[0]:.3f} s ({bare[1]:.3f} cpu), picture {ours[0]:.3f} s ({ours[1]:.3f} cpu), "
        f"ratio {wall:.2f} ({cpu:.2f} cpu; {beyond:.2f} less 50 ms)",
        flush=True,
    )


def film(city: Path, folder: Path) -> None:
    """A film against drawing its pictures alone."""
    import twin
    from twin.core.notices import Notices
    from twin.core.progress import Silent
    from twin.outputs.film import draw_frame, write_film
    from twin.outputs.film_plan import FilmOptions, plan_film
    from twin.scene.studio import Studio

    scene = twin.Scene(twin.open_city(city))
    options = FilmOptions(size=FILM, fps=FPS, seconds=FILM_FRAMES / FPS, orbits=True)
    plan = plan_film(scene, options)
    told = {"force": True, "notices": Notices(), "progress": Silent()}

    def draw() -> None:
        with Studio(FILM) as studio:
            for frame in plan.frames:
                draw_frame(plan, studio, frame)

    draw()
    pairs = []
    for _ in range(FILMS):
        drawn = timed(draw)
        pairs.append((drawn, timed(lambda: write_film(plan, folder / "a.mp4", **told))))
    wall = statistics.median(b[0] / a[0] for a, b in pairs)
    cpu = statistics.median(b[1] / a[1] for a, b in pairs)
    print(
        f"film of {FILM_FRAMES} pictures {FILM[0]}x{FILM[1]}: {wall:.2f} of drawing alone ({cpu:.2f} cpu)",
        flush=True,
    )


def peak(city: Path, size: tuple[int, int]) -> float:
    """Memory of a process that draws one picture of this size, GiB."""
    code = f"""
import sys, twin
twin.Scene(twin.open_city(sys.argv[1])).snapshot(sys.argv[2], size={size})
# The peak that getrusage tells would be that of the process that started this one, where it was larger.
print([int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")][0] / 2**20)
"""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", code, str(city), f"{folder}/a.png"]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def made_city(folder: Path) -> Path:
    """A demo district, built now."""
    import twin
    from twin.demo.district import generate_district

    files = generate_district(folder / "district", n_buildings=200, density=4.0)
    maps = {k: getattr(files, k) for k in ("roads", "water", "bridges", "landcover")}
    return twin.build(files.survey, files.footprints, folder / "town.twin", id_field="id", vectors=maps).path


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        city = Path(sys.argv[1]) if len(sys.argv) > 1 else made_city(folder)
        compare(city, HD, ROUNDS, folder)
        film(city, folder)
        compare(city, EIGHT_K, STILLS, folder)
        print(f"peak memory of a still of {EIGHT_K[0]}x{EIGHT_K[1]}: {peak(city, EIGHT_K):.2f} GiB")


if __name__ == "__main__":
    main()
