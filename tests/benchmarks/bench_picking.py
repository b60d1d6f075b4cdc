"""Picks among 100,000 buildings against vtkStaticCellLocator on the same triangles, and against a test of every one.

The exact test is Möller and Trumbore over all triangles in double precision, for 200 rays of each kind and for every
ray whose building differs between the two.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from box_city import box_content
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
from vtkmodules.vtkCommonCore import mutable, vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkGenericCell, vtkPolyData, vtkStaticCellLocator

from twin.scene.camera import named_view
from twin.scene.packing import pack_content
from twin.scene.picking import _facets, _ground, pick, pixel_rays, prepare_picker
from twin.scene.selecting import buildings_in_rectangle, buildings_seen_in_rectangle

SIZE = (1920, 1080)


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    pack = pack_content(box_content(n))
    started = time.perf_counter()
    picker = prepare_picker(pack)
    print(f"{n} buildings, {len(picker.kind)} triangles; prepared in {time.perf_counter() - started:.2f} s")
    camera = named_view("overview", pack, aspect=SIZE[0] / SIZE[1])
    rng = np.random.default_rng(2)
    pixels = rng.uniform((0, 0), SIZE, (10_000, 2))
    pick(picker, camera, SIZE, (3.0, 3.0))
    started = time.perf_counter()
    for x, y in pixels[:2000]:
        pick(picker, camera, SIZE, (x, y))
    print(f"one pick: {(time.perf_counter() - started) * 500:.0f} us")

    triangles = np.concatenate([_facets(pack)[0], _ground(pack)[0]])
    origins, directions = pixel_rays(camera, SIZE, pixels)
    started = time.perf_counter()
    locator = _locator(triangles)
    built = time.perf_counter() - started
    started = time.perf_counter()
    theirs = _by_locator(locator, origins, directions)
    print(
        f"vtkStaticCellLocator: built in {built:.2f} s, {(time.perf_counter() - started) * 100:.1f} us a ray"
    )
    compare("overview", picker, triangles, origins, directions, theirs)

    low, high = triangles.reshape(-1, 3).min(axis=0), triangles.reshape(-1, 3).max(axis=0)
    origins = rng.uniform(low, high, (10_000, 3)) + np.array([0, 0, 2])
    directions = rng.normal(size=(10_000, 3)) * (1, 1, 0.3)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    compare("street", picker, triangles, origins, directions, _by_locator(locator, origins, directions))

    middle = (SIZE[0] / 3, SIZE[1] / 3, 2 * SIZE[0] / 3, 2 * SIZE[1] / 3)
    for select in (buildings_in_rectangle, buildings_seen_in_rectangle):
        started = time.perf_counter()
        found = select(picker, camera, SIZE, middle)
        print(f"{select.__name__}: {len(found)} in {time.perf_counter() - started:.2f} s")


def compare(name, picker, triangles, origins, directions, theirs) -> None:
    """Ours, theirs and a test of every triangle in double precision."""
    ours, _ = picker.tree.nearest(origins, directions)
    step = max(1, len(origins) // 200)
    chosen = np.arange(0, len(origins), step)
    truth = np.array([exact(triangles, origins[i], directions[i]) for i in chosen])
    print(
        f"{name}: {(ours >= 0).mean():.2f} of rays meet something; other building than the locator: "
        f"{(_owner(picker, ours) != _owner(picker, theirs)).sum()} of {len(ours)}; other triangle than a test "
        f"of every triangle: {(ours[chosen] != truth).sum()} of {len(chosen)} "
        f"(locator: {(theirs[chosen] != truth).sum()})"
    )
    differ = np.flatnonzero(_owner(picker, ours) != _owner(picker, theirs))
    told = np.array([exact(triangles, origins[i], directions[i]) for i in differ[:50]], np.int64)
    wrong = (_owner(picker, ours[differ[:50]]) != _owner(picker, told)).sum()
    print(f"  of those that differ, ours is wrong in {wrong} of {len(told)}")


def _owner(picker, number):
    return np.where(number >= 0, picker.owner[number], -2)


def exact(triangles, origin, direction):
    """Möller & Trumbore over all triangles at once."""
    a = triangles[:, 0].astype(np.float64)
    e1, e2 = triangles[:, 1] - a, triangles[:, 2] - a
    p = np.cross(direction, e2)
    det = np.einsum("ij,ij->i", e1, p)
    with np.errstate(all="ignore"):
        t = origin - a
        u = np.einsum("ij,ij->i", t, p) / det
        q = np.cross(t, e1)
        v = q @ direction / det
        far = np.einsum("ij,ij->i", e2, q) / det
    far[~((abs(det) > 1e-14) & (u >= 0) & (v >= 0) & (u + v <= 1) & (far > 1e-9))] = np.inf
    return int(far.argmin()) if np.isfinite(far.min()) else -1


def _locator(triangles):
    data, points, cells = vtkPolyData(), vtkPoints(), vtkCellArray()
    points.SetData(numpy_to_vtk(triangles.reshape(-1, 3).astype(np.float64), deep=True))
    cells.SetData(3, numpy_to_vtkIdTypeArray(np.arange(3 * len(triangles)), deep=True))
    data.SetPoints(points)
    data.SetPolys(cells)
    locator = vtkStaticCellLocator()
    locator.SetDataSet(data)
    locator.BuildLocator()
    return locator


def _by_locator(locator, origins, directions):
    out, cell = np.full(len(origins), -1), vtkGenericCell()
    t, sub, number = mutable(0.0), mutable(0), mutable(0)
    x, pc = [0.0] * 3, [0.0] * 3
    for i, (a, d) in enumerate(zip(origins, directions, strict=True)):
        if locator.IntersectWithLine(a, a + 50_000 * d, 1e-9, t, x, pc, sub, number, cell):
            out[i] = int(number)
    return out


if __name__ == "__main__":
    main()
