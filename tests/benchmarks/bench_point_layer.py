"""A frame of 5 M survey points in full and while the camera moves; 1280 x 720."""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np
from vtkmodules.vtkRenderingCore import vtkRenderer

from twin.scene.graphics import offscreen_window
from twin.scene.point_actor import point_actors
from twin.scene.point_layer import SurveyPoints

SIZE = (1280, 720)


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    rng = np.random.default_rng(1)
    xyz = rng.uniform((0, 0, 0), (1000, 1000, 20), (n, 3)).astype(np.float32)
    actors = point_actors(SurveyPoints(xyz, rng.integers(2, 7, n).astype(np.uint8), (0, 0, 0)))
    window, renderer = offscreen_window(SIZE), vtkRenderer()
    window.AddRenderer(renderer)
    renderer.AddActor(actors.every)
    renderer.AddActor(actors.some)
    renderer.GetActiveCamera().SetPosition(500, -700, 600)
    renderer.GetActiveCamera().SetFocalPoint(500, 500, 0)
    renderer.GetActiveCamera().SetViewUp(0, 0, 1)
    renderer.ResetCameraClippingRange()
    times = {}
    for moving in (False, True):
        actors.show(moving=moving)
        window.Render()
        seconds = []
        for _ in range(5):
            started = time.perf_counter()
            window.Render()
            window.WaitForCompletion()
            seconds.append(time.perf_counter() - started)
        times[moving] = statistics.median(seconds)
    print(f"{n} points: {times[False] * 1e3:.0f} ms in full, {times[True] * 1e3:.0f} ms moving, ", end="")
    print(f"ratio {times[True] / times[False]:.3f}")


if __name__ == "__main__":
    main()
