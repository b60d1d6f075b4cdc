"""Cold snapshots of 10,000 buildings, from process start to PNG, against bare VTK and plain PyVista; memory at 8K.

All draw the same boxes at the same size in a fresh process each. Bare VTK and the shorter PyVista script draw nothing
else; the longer PyVista script does what a user would write to get a picture to show: heights in colour with their bar,
a title, smooth edges. Ours draws terrain and water too, shadows and sky light (its cache holds them), edges, legend,
scale, rose and title, and averages 2 x 2 samples a pixel.

The programs take turns, so that what else the machine does meets all of them alike, and a ratio is the median of the
ratios within rounds. Bytecode may be kept, as on any user's machine: an installed PyVista has it, and so has `twin`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from twin.core.mesh import Solid
from twin.core.notices import Notices

N_SIDE = 100
SPACING_M = 22.0
SIZE = (1920, 1080)
ROUNDS = 15

BARE = """
import sys
import numpy as np
import vtkmodules.vtkRenderingOpenGL2
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkIOImage import vtkPNGWriter
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer, vtkWindowToImageFilter
from vtkmodules.vtkRenderingOpenGL2 import vtkOpenGLRenderWindow

mesh = np.load(sys.argv[1])
points, corners = vtkPoints(), vtkCellArray()
points.SetData(numpy_to_vtk(mesh["points"]))
corners.SetData(3, numpy_to_vtk(mesh["triangles"].ravel()))
data = vtkPolyData()
data.SetPoints(points)
data.SetPolys(corners)
mapper, actor, renderer = vtkPolyDataMapper(), vtkActor(), vtkRenderer()
mapper.SetInputData(data)
actor.SetMapper(mapper)
renderer.AddActor(actor)
renderer.SetBackground(1, 1, 1)
window = vtkOpenGLRenderWindow()
window.SetOffScreenRendering(1)
window.SetSize(1920, 1080)
window.AddRenderer(renderer)
camera = renderer.GetActiveCamera()
camera.SetPosition(*mesh["eye"])
camera.SetFocalPoint(*mesh["target"])
camera.SetViewUp(0, 0, 1)
renderer.ResetCameraClippingRange()
window.Render()
grab = vtkWindowToImageFilter()
grab.SetInput(window)
writer = vtkPNGWriter()
writer.SetFileName(sys.argv[2])
writer.SetInputConnection(grab.GetOutputPort())
writer.Write()
"""

TO_SHOW = """
import sys
import numpy as np
import pyvista as pv

mesh = np.load(sys.argv[1])
plotter = pv.Plotter(off_screen=True, window_size=(1920, 1080))
city = pv.PolyData.from_regular_faces(mesh["points"], mesh["triangles"])
city["height"] = city.points[:, 2]
plotter.add_mesh(city, scalars="height", cmap="viridis", scalar_bar_args={"title": "height (m)"})
plotter.add_title("Ten thousand")
plotter.enable_anti_aliasing("ssaa")
plotter.camera_position = [tuple(mesh["eye"]), tuple(mesh["target"]), (0, 0, 1)]
plotter.screenshot(sys.argv[2])
"""

PLAIN = """
import sys
import numpy as np
import pyvista as pv

mesh = np.load(sys.argv[1])
plotter = pv.Plotter(off_screen=True, window_size=(1920, 1080))
plotter.add_mesh(pv.PolyData.from_regular_faces(mesh["points"], mesh["triangles"]), color="tan")
plotter.camera_position = [tuple(mesh["eye"]), tuple(mesh["target"]), (0, 0, 1)]
plotter.screenshot(sys.argv[2])
"""


def block(x: float, y: float, width: float, depth: float, height: float) -> Solid:
    """A closed box."""
    plan = np.array([(x, y), (x + width, y), (x + width, y + depth), (x, y + depth)])
    points = np.concatenate([np.column_stack([plan, np.full(4, z)]) for z in (0.0, height)])
    faces = [[3, 2, 1, 0], [4, 5, 6, 7], *([i, (i + 1) % 4, (i + 1) % 4 + 4, i + 4] for i in range(4))]
    starts = np.arange(0, 25, 4, dtype=np.int32)
    kinds = np.array([0, 2, 1, 1, 1, 1], np.uint8)
    return Solid(points, np.concatenate(faces).astype(np.int32), starts, np.arange(7, dtype=np.int32), kinds)


def boxes() -> list[Solid]:
    """Ten thousand of them on a grid of streets."""
    rng = np.random.default_rng(1)
    column, row = np.meshgrid(np.arange(N_SIDE), np.arange(N_SIDE))
    corners = np.column_stack([column.ravel(), row.ravel()]) * SPACING_M
    sizes = np.column_stack([rng.uniform(9, 16, (N_SIDE**2, 2)), rng.uniform(5, 24, N_SIDE**2)])
    return [block(*map(float, (*c, *s))) for c, s in zip(corners, sizes, strict=True)]


def ground() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, triangles and cover of a plain with a canal through it."""
    from twin.reconstruct.cover import Cover

    axis = np.linspace(-SPACING_M, (N_SIDE + 1) * SPACING_M, 3 * N_SIDE + 1)
    x, y = np.meshgrid(axis, axis)
    n = len(axis)
    cell = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    triangles = np.concatenate(
        [np.column_stack([cell, cell + 1, cell + n + 1]), np.column_stack([cell, cell + n + 1, cell + n])]
    ).astype(np.int32)
    vertices = np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)])
    middle = vertices[triangles].mean(axis=1)[:, 1]
    canal = np.abs(middle - N_SIDE / 2 * SPACING_M + 3.0) < 4
    return vertices, triangles, np.where(canal, Cover.WATER, Cover.PAVED).astype(np.uint8)


def make_city(folder: Path) -> Path:
    """A city folder whose cache holds the boxes, as `twin build` and a first picture would leave it."""
    from twin.city.manifest import Manifest, write_manifest
    from twin.city.model import open_city
    from twin.scene.facets import facets_from_solids
    from twin.scene.model import SceneContent, Terrain
    from twin.scene.store import keep_pack

    solids = boxes()
    facets = facets_from_solids(solids, list(range(len(solids))))
    content = SceneContent(
        name="Ten thousand",
        crs="EPSG:28992",
        origin=(0, 0, 0),
        buildings=facets,
        building_ids=tuple(f"b{i}" for i in range(len(solids))),
        terrain=Terrain(*ground()),
    )
    city = folder / "city.twin"
    city.mkdir()
    side = N_SIDE * SPACING_M
    manifest = Manifest(
        name=content.name, crs=content.crs, crs_wkt="", origin=(0, 0, 0), bounds=(0, 0, 0, side, side, 24)
    )
    write_manifest(manifest, city / "twin.json")
    stored = keep_pack(open_city(city), content, (), notices=Notices())
    camera = _camera(stored.pack)
    np.savez(
        folder / "boxes.npz",
        points=facets.vertices.astype(np.float32),
        triangles=facets.triangles,
        eye=np.array(camera.eye),
        target=np.array(camera.target),
    )
    return city


def _camera(pack):
    from twin.scene.camera import named_view

    return named_view("overview", pack, aspect=SIZE[0] / SIZE[1])


def seconds(command: list[str]) -> float:
    """Wall time of a whole process."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    if sys.platform.startswith("linux"):
        environment["VTK_DEFAULT_OPENGL_WINDOW"] = "vtkEGLRenderWindow"
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - start


def median_ratio(above: list[float], below: list[float]) -> float:
    """The median of the ratios within each round."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def peak_mib(command: list[str]) -> float:
    """Largest resident memory of a process, MiB, looked at every few milliseconds."""
    import psutil

    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak, watched = 0, psutil.Process(process.pid)
    while process.poll() is None:
        try:
            peak = max(peak, watched.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.004)
    if process.wait():
        raise RuntimeError(process.stderr.read().decode() if process.stderr else "failed")
    return peak / 2**20


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = time.perf_counter()
        city = make_city(folder)
        packed = time.perf_counter() - start
        (folder / "bare.py").write_text(BARE, encoding="utf-8")
        (folder / "plain.py").write_text(PLAIN, encoding="utf-8")
        (folder / "show.py").write_text(TO_SHOW, encoding="utf-8")
        out = str(folder / "out.png")
        ours = [sys.executable, "-m", "twin", "snapshot", str(city), out, "--force"]
        baked = seconds(ours)
        commands = {
            "bare vtkmodules": [sys.executable, str(folder / "bare.py"), str(folder / "boxes.npz"), out],
            "PyVista, boxes alone": [
                sys.executable,
                str(folder / "plain.py"),
                str(folder / "boxes.npz"),
                out,
            ],
            "PyVista, a picture to show": [
                sys.executable,
                str(folder / "show.py"),
                str(folder / "boxes.npz"),
                out,
            ],
            "twin snapshot": ours,
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for label, command in commands.items():
                times[label].append(seconds(command))
        large = peak_mib([*ours, "--size", "7680x4320"])
        large_s = seconds([*ours, "--size", "7680x4320"])
    print("| 10,000 buildings, 1920 x 1080, process start to PNG | seconds | of bare VTK | ours is of this |")
    print("|---|---|---|---|")
    bare, mine = times["bare vtkmodules"], times["twin snapshot"]
    for label, values in times.items():
        print(
            f"| {label} | {statistics.median(values):.2f} | {median_ratio(values, bare):.2f} |"
            f" {median_ratio(mine, values):.2f} |"
        )
    print(f"\nFirst picture, light baked on the way: {baked:.1f} s (pack made in {packed:.1f} s).")
    print(f"7680 x 4320: {large:.0f} MiB at most, {large_s:.1f} s.")


if __name__ == "__main__":
    main()
