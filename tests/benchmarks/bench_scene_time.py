"""A scene that changes with time: a step of a flood of a million cells, what its water adds to a frame, 10,000 sensors.

The ground is a square kilometre of hills on a mesh of half a million triangles; the water stands so high that half or
all of it is wet, with waves that keep the surface from being flat. Frames are drawn into one window that stays. Each
figure is the median of several, in processor time of all threads, since other work of the machine does not count;
steps also by the clock, which two cores share.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter

from twin.core.grid import Grid
from twin.reconstruct.cover import Cover
from twin.scene.canvas import Canvas
from twin.scene.flood_layer import FloodLayer
from twin.scene.layers import LayerView, MarkerView
from twin.scene.model import FacetMesh, SceneContent, Terrain
from twin.scene.scene import Scene
from twin.water.flood import StepArrays, flood_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

N = 1000
MESH = 500
SIZE = (1280, 720)
ROUNDS = 7
N_SENSORS = 10_000
START = datetime(2026, 8, 28, 3, tzinfo=UTC)


def hills() -> NDArray[np.float32]:
    """Ground between some -2 and 2 m, cells of one metre."""
    z = gaussian_filter(np.random.default_rng(1).normal(size=(N, N)), 40)
    return (z / z.std()).astype(np.float32)


def content(bed: NDArray[np.float32]) -> SceneContent:
    """The hills as a scene without houses."""
    step = N // MESH
    axis = np.arange(MESH) * float(step) + 0.5
    x, y = np.meshgrid(axis, N - axis)
    vertices = np.column_stack([x.ravel(), y.ravel(), bed[::step, ::step].ravel()]).astype(np.float64)
    cell = (np.arange(MESH - 1)[:, None] * MESH + np.arange(MESH - 1)).ravel()
    upper = np.column_stack([cell, cell + MESH, cell + 1])
    lower = np.column_stack([cell + 1, cell + MESH, cell + MESH + 1])
    triangles = np.concatenate([upper, lower]).astype(np.int32)
    terrain = Terrain(vertices, triangles, np.full(len(triangles), Cover.GREEN, np.uint8))
    return SceneContent("Hills", "EPSG:25832", (0, 0, 0), FacetMesh.empty(), (), terrain)


def flood(bed: NDArray[np.float32], level_m: float) -> Any:
    """Water that rises by 10 cm in an hour; its surface falls by a metre and is uneven by some centimetres."""
    waves = gaussian_filter(np.random.default_rng(2).normal(size=(N, N)), 20)
    waves = 0.03 * waves / waves.std() + np.linspace(0.5, -0.5, N)
    depth = [np.maximum(level_m + k * 0.1 + waves - bed, 0).astype(np.float32) for k in range(2)]
    times = np.datetime64("2026-08-28T03:00:00", "s") + 3600 * np.arange(2)
    moves = np.full((2, N, N), 0.3, np.float32)
    steps = StepArrays(np.stack(depth), moves, moves)
    return flood_of("rise", Grid(0.0, float(N), 1.0, N, N), times, bed, steps, kind="simulation")


def median_ms(action: Callable[[int], object], clock: Callable[[], float] = time.process_time) -> float:
    """Median time of an action, milliseconds; the first call does not count."""
    action(0)
    taken = []
    for k in range(1, ROUNDS + 1):
        start = clock()
        action(k)
        taken.append(clock() - start)
    return 1e3 * statistics.median(taken)


@dataclass
class Sensors:
    """Sensors with values that change at each moment."""

    view: MarkerView
    name: str = "sensors"
    span: None = None

    def at(self, when: datetime | None) -> LayerView:
        """Other colours at each moment."""
        k = 0 if when is None else when.second
        return LayerView(markers=replace(self.view, rgb=np.roll(self.view.rgb, k + 1, axis=0)))


@dataclass
class Houses:
    """Buildings that are coloured by their sensors."""

    ids: tuple[str, ...]
    name: str = "houses"
    span: None = None

    def at(self, when: datetime | None) -> LayerView:
        """Other colours at each moment."""
        k = 0 if when is None else when.second
        return LayerView(building_rgb=dict.fromkeys(self.ids, (k, 90, 200)))


def water_figures(base: SceneContent, bed: NDArray[np.float32]) -> None:
    """Steps and frames with half and all of the ground under water."""
    dry = Scene(base, time=START)
    light = dry.light
    for name, level in (("half", 0.0), ("all", 6.0)):
        scene = Scene(base, [FloodLayer(flood(bed, level))], time=START)
        scene.take_light(light)
        live = scene.stage()
        camera = scene.camera("overview", SIZE)
        water = live.waters["rise"]
        views = [scene.layers[0].at(START + timedelta(minutes=m)).water for m in range(ROUNDS + 1)]

        def step(k: int, live: Any = live, water: Any = water, views: Any = views) -> None:
            from twin.scene.water_actor import show_water
            from twin.scene.water_shape import water_shape

            pack = live.stage.pack
            show_water(water, water_shape(views[k], live.stage.style, pack.meta.origin))

        step_ms, clock_ms = median_ms(step), median_ms(step, time.perf_counter)
        moment_ms = median_ms(lambda k, live=live: live.show(START + timedelta(minutes=k)))
        still = dry.stage().stage
        with Canvas(SIZE) as one, Canvas(SIZE) as two:
            terrain_ms = median_ms(lambda _, one=one, still=still, camera=camera: one.draw(still, camera))
            frame_ms = median_ms(lambda _, two=two, live=live, camera=camera: two.draw(live.stage, camera))
        triangles = water.data.GetNumberOfCells()
        print(
            f"{name} of {N} x {N} cells wet: {triangles:,} triangles, step {step_ms:.0f} ms "
            f"({clock_ms:.0f} by the clock), with interpolation {moment_ms:.0f} ms; "
            f"frame {frame_ms:.0f} ms, terrain alone {terrain_ms:.0f} ms, "
            f"ratio {frame_ms / terrain_ms:.2f}",
            flush=True,
        )


def sensor_figures(base: SceneContent) -> None:
    """New colours of 10,000 sensors and of 10,000 buildings, apart from the frame."""
    rng = np.random.default_rng(3)
    place = np.column_stack([rng.uniform(0, N, (N_SENSORS, 2)), np.zeros(N_SENSORS)])
    rgb = rng.integers(0, 255, (N_SENSORS, 3)).astype(np.uint8)
    ids = tuple(map(str, range(N_SENSORS)))
    view = MarkerView(ids, place, rgb, np.zeros(N_SENSORS, np.uint8), rng.uniform(2, 30, N_SENSORS))
    scene = Scene(base, [Sensors(view)], sun="studio")
    live = scene.stage()
    camera = scene.camera("overview", SIZE)
    with Canvas(SIZE) as canvas:
        still = median_ms(lambda _: canvas.draw(live.stage, camera))
        colours = median_ms(lambda k: live.show(START + timedelta(seconds=k)))

        def both(k: int) -> None:
            live.show(START + timedelta(seconds=k))
            canvas.draw(live.stage, camera)

        frame = median_ms(both)
    print(
        f"{N_SENSORS:,} sensors: new colours {colours:.2f} ms; frame {still:.0f} ms, with new colours {frame:.0f} ms"
    )
    houses = Scene(replace(base, building_ids=ids), [Houses(ids)], sun="studio").stage()
    coloured = median_ms(lambda k: houses.show(START + timedelta(seconds=k)))
    print(f"{N_SENSORS:,} buildings coloured by their sensors: {coloured:.2f} ms")


def main() -> None:
    """Print all figures."""
    bed = hills()
    base = content(bed)
    water_figures(base, bed)
    sensor_figures(base)


if __name__ == "__main__":
    main()
