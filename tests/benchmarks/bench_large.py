"""Cities of very many buildings against one merged bare VTK mesh of the same triangles, in the same run.

For N boxes: first frame with the cache warm, frames at street level and of the whole city, a change of all colours, and
hover. Frames are drawn in 1280 x 720 without multisampling; each figure is the median of several frames.

    python tests/benchmarks/bench_large.py 100000
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from functools import cached_property
from pathlib import Path

import numpy as np
from box_city import box_content, box_mesh

SIZE = (1280, 720)
FRAMES = 5


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        stored = prepare(n, Path(folder))
        merged = Merged(n)
        print(f"{n} buildings, {len(merged.mesh.triangles)} triangles; times in ms")
        theirs_first = merged.first_frame()
        ours, ours_first = first_frame(n, stored)
        tell("first frame, cache warm", ours_first, theirs_first)
        for name in ("street", "whole"):
            (clock, work), (their_clock, their_work) = ours.frame(name), merged.frame(name)
            tell(f"frame, {name}", clock, their_clock)
            tell(f"frame, {name}, processor time", work, their_work)
        tell_colours(ours)


def tell_colours(ours) -> None:
    """A change of all colours with the frame that shows it, beyond that frame; frames by turns, medians."""
    beyond: list[tuple[float, float]] = []
    plain: list[tuple[float, float]] = []
    for _ in range(4 * FRAMES):
        for found, before in ((plain, None), (beyond, ours.recolour)):
            started, worked = time.perf_counter(), time.process_time()
            if before is not None:
                before()
            ours.draw("street")
            found.append(((time.perf_counter() - started) * 1e3, (time.process_time() - worked) * 1e3))
    clock, work = (
        statistics.median(a[k] - b[k] for a, b in zip(beyond, plain, strict=True)) for k in range(2)
    )
    print(f"all colours: {clock:.1f} ms beyond the frame, {work:.1f} of a processor")


def tell(what: str, ours: float, theirs: float) -> None:
    """Both, and their ratio."""
    print(f"{what}: {ours:.1f}, merged bare mesh {theirs:.1f}, ratio {ours / theirs:.2f}")


def cameras(n: int):
    """A street in the middle of the city, and all of it from the south."""
    from twin.scene.camera import Camera

    side = np.ceil(np.sqrt(n)) * 22.0
    middle = 22.0 * np.floor(np.sqrt(n) / 2) - 2.0
    street = Camera((middle, middle - 40, 1.7), (middle + 1, middle + 60, 4.0), 55.0)
    whole = Camera((side / 2, -0.75 * side, 0.7 * side), (side / 2, side / 2, 0.0), 40.0)
    return {"street": street, "whole": whole}


def prepare(n: int, folder: Path):
    """The pack and its light, as a cache holds them; even light, since how light it is costs no time to draw."""
    from twin.scene.bake import TABLE_TEXELS, _keep, _paths
    from twin.scene.pack import load_pack, save_pack
    from twin.scene.packing import pack_content
    from twin.scene.sun import studio_sun

    started = time.perf_counter()
    save_pack(pack_content(box_content(n), key="k"), folder / "pack.npz")
    pack = load_pack(folder / "pack.npz", key="k")
    plan = pack.meta.plan
    shapes = {"atlas": pack.meta.atlas, "plan": (plan.rows, plan.columns), "table": (TABLE_TEXELS,) * 2}
    even = {name: np.full((*shape, 4), 200, np.uint8) for name, shape in shapes.items()}
    even["trees"] = np.full((len(pack["tree_form"]), 2), 200, np.uint8)
    _keep(_paths(pack, studio_sun(pack.meta.sun_deg), folder)[1], even, None)
    print(f"packed in {time.perf_counter() - started:.0f} s, atlas {pack.meta.atlas}")
    return folder


def first_frame(n: int, folder: Path):
    """From files to the first frame."""
    from twin.scene.bake import light_for
    from twin.scene.pack import load_pack
    from twin.scene.sun import studio_sun

    started = time.perf_counter()
    pack = load_pack(folder / "pack.npz", key="k")
    sun = studio_sun(pack.meta.sun_deg)
    light = light_for(pack, sun, folder)
    ours = Ours(n, pack, light, sun)
    ours.draw("whole")
    return ours, (time.perf_counter() - started) * 1e3


class Drawn:
    """A window and a renderer."""

    def __init__(self, n: int) -> None:
        from vtkmodules.vtkRenderingCore import vtkRenderer

        from twin.scene.graphics import offscreen_window

        self.cameras = cameras(n)
        self.window = offscreen_window(SIZE)
        self.renderer = vtkRenderer()
        self.renderer.SetBackground(1, 1, 1)
        self.window.AddRenderer(self.renderer)

    def point(self, name: str) -> None:
        camera, view = self.cameras[name], self.renderer.GetActiveCamera()
        view.SetPosition(*camera.eye)
        view.SetFocalPoint(*camera.target)
        view.SetViewUp(0, 0, 1)
        view.SetViewAngle(camera.view_angle_deg)
        self.renderer.ResetCameraClippingRange()

    def draw(self, name: str) -> None:
        self.point(name)
        self.window.Render()
        self.window.WaitForCompletion()

    def frame(self, name: str) -> tuple[float, float]:
        """Milliseconds by the clock, and of all processors together, which other work disturbs less."""
        self.draw(name)
        times = []
        for _ in range(FRAMES):
            started, worked = time.perf_counter(), time.process_time()
            self.draw(name)
            times.append(((time.perf_counter() - started) * 1e3, (time.process_time() - worked) * 1e3))
        clock, work = (statistics.median(column) for column in zip(*times, strict=True))
        return clock, work


class Merged(Drawn):
    """One bare mesh."""

    def __init__(self, n: int) -> None:
        self.mesh = box_mesh(n)
        self.n = n

    def first_frame(self) -> float:
        from vtkmodules.util.numpy_support import numpy_to_vtk
        from vtkmodules.vtkCommonCore import vtkPoints
        from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
        from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

        points = self.mesh.vertices.astype(np.float32)
        started = time.perf_counter()
        super().__init__(self.n)
        data, places, cells = vtkPolyData(), vtkPoints(), vtkCellArray()
        places.SetData(numpy_to_vtk(points))
        cells.SetData(3, numpy_to_vtk(self.mesh.triangles.ravel()))
        data.SetPoints(places)
        data.SetPolys(cells)
        mapper, actor = vtkPolyDataMapper(), vtkActor()
        mapper.SetInputData(data)
        actor.SetMapper(mapper)
        self.renderer.AddActor(actor)
        self.draw("whole")
        return (time.perf_counter() - started) * 1e3


class Ours(Drawn):
    """A stage."""

    def __init__(self, n: int, pack, light, sun) -> None:
        from twin.scene.drawables import make_stage
        from twin.scene.style import load_style

        super().__init__(n)
        self.chance, self.n = np.random.default_rng(1), n
        self.stage = make_stage(pack, light, load_style("light"), sun)
        for actor in self.stage.actors:
            self.renderer.AddActor(actor)

    def point(self, name: str) -> None:
        from twin.scene.stage import aim

        super().point(name)
        aim(self.stage, self.cameras[name], SIZE[1])

    @cached_property
    def values(self):
        """A number for each building, known before it is shown."""
        from twin.scene.attributes import Values

        return Values(np.ones(self.n, np.bool_), self.chance.uniform(0, 1, self.n), None)

    def recolour(self) -> None:
        """Numbers that are known already are cut into classes, and these are shown."""
        from twin.scene.colour import ColourBy, paint_buildings
        from twin.scene.stage import recolour

        borders = tuple(sorted(self.chance.uniform(0, 1, 5)))
        by = ColourBy("x", method="given", n_classes=6, breaks=borders)
        recolour(self.stage, paint_buildings(self.values, by, unit="m", missing=(200, 200, 200))[0])


if __name__ == "__main__":
    main()
