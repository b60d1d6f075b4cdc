"""What the quality of roofs costs, and how true it is: names, held-out errors and standard errors against exact truth.

    python tests/benchmarks/bench_quality.py [--buildings 200] [--density 8]

Times are shares of finding the roof itself (`sloped_roof`), taken in the same run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import shapely

from twin.core.mesh import Surface
from twin.core.points import PointCloud
from twin.demo import sample_buildings
from twin.demo.samples import Sample
from twin.reconstruct.extrude import extrude
from twin.reconstruct.face_quality import face_quality, roof_planes
from twin.reconstruct.footprint import localize_footprint
from twin.reconstruct.holdout import holdout_fit
from twin.reconstruct.partition import locate, partition_of
from twin.reconstruct.quality import roof_fit
from twin.reconstruct.roof import sloped_roof
from twin.reconstruct.roof_points import RoofPoints, select_roof_points
from twin.reconstruct.roof_type import roof_type

FLOOR_BELOW_M = 50.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--buildings", type=int, default=200)
    parser.add_argument("--density", type=float, default=8.0)
    arguments = parser.parse_args()
    samples = list(sample_buildings(arguments.buildings, density=arguments.density, seed=1))
    judge(samples[0], Clock())  # compiles
    clock = Clock()
    found = [row for row in (judge(sample, clock) for sample in samples) if row is not None]
    print(f"| {len(samples)} roofs, {arguments.density:g} points per m2 | |\n|---|---|")
    for name, seconds in clock.seconds.items():
        print(f"| {name}, of the time of the roof | {seconds / clock.seconds['roof']:.2f} |")
    fit, held = (np.array([row[k] for row in found]) for k in ("fit", "held"))
    print(f"| RMSE / 95 % within, median, m | {_pair(fit)} |\n| at points held out | {_pair(held)} |")
    for place in ("middle", "corner"):
        ratio = np.concatenate([row[place] for row in found])
        ratio = ratio[np.isfinite(ratio)]
        shares = " / ".join(f"{(ratio < k).mean():.2f}" for k in (1, 2))
        print(f"| {place} within one / two standard errors, of {len(ratio)} | {shares} |")
    right = np.mean([row["right"] for row in found])
    print(f"| roof type right; of exact roofs | {right:.3f}; {np.mean([r['exact'] for r in found]):.3f} |")


class Clock:
    """Processor time by what was done."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, work: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = work()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start
        return result


def judge(sample: Sample, clock: Clock) -> dict[str, Any] | None:
    """Everything about one roof; None where points do not carry one."""
    footprint = localize_footprint(sample.footprint)
    once = np.ones(len(sample.xyz), np.uint8)
    cloud = PointCloud(sample.xyz, sample.classification, once, once)
    points = select_roof_points(footprint, cloud, ground_m=sample.floor_z_m)
    build = partial(sloped_roof, footprint)
    try:
        roof = clock("roof", lambda: build(points))
    except ValueError:
        return None
    held = clock("held-out error", lambda: holdout_fit(points, build))
    solids = extrude(roof.partition, roof.planes, ground_m=sample.floor_z_m - FLOOR_BELOW_M)
    faces = clock("faces", lambda: face_quality(solids, points, origin=footprint.origin))
    name = clock("name", lambda: roof_type(roof.partition, roof.planes))
    fit = roof_fit(roof.partition, roof.planes, points)
    middle, corner = errors_in_sigmas(sample, solids, faces, points, footprint.origin)
    exact = roof_planes([sample.solids["2.2"]], origin=footprint.origin)
    return {
        "fit": (fit.rmse_m, fit.p95_m),
        "held": (held.rmse_m, held.p95_m),
        "middle": middle,
        "corner": corner,
        "right": is_right(sample, str(name)),
        "exact": is_right(sample, str(roof_type(exact[0], exact[1]))),
    }


def is_right(sample: Sample, name: str) -> bool:
    """As the demo calls it; a hip roof on nearly a square may be a pyramid."""
    x, y = shapely.get_coordinates(shapely.minimum_rotated_rectangle(sample.footprint))[:3].T
    a, b = np.hypot(np.diff(x), np.diff(y))
    return name == sample.roof_type or (
        name == "pyramid" and sample.kind == "hip" and abs(a - b) < 0.06 * max(a, b)
    )


def errors_in_sigmas(
    sample: Sample, solids: Any, faces: Any, points: RoofPoints, origin: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Errors of each face in the middle of its points and in its worst corner, in its own standard errors.

    The truth at a corner is that of the exact face under the middle.
    """
    partition, planes, _ = roof_planes(solids, origin=origin)
    truth, true_planes = exact_roof(sample, origin)
    face = locate(partition, points.top[:, :2])
    middle, corner = np.full(len(planes), np.nan), np.full(len(planes), np.nan)
    for f in np.flatnonzero(np.bincount(face[face >= 0], minlength=len(planes)) >= 4):
        at = points.top[face == f, :2].mean(axis=0)
        below = int(locate(truth, at[None])[0])
        if below < 0:
            continue
        off = planes[f] - true_planes[below]
        a, b = (partition.ring_starts[partition.face_starts[k]] for k in (f, f + 1))
        corners = partition.vertices[partition.corners[a:b]]
        middle[f] = abs(off[:2] @ at + off[2]) / faces["height_sigma_m"][f]
        corner[f] = np.abs(corners @ off[:2] + off[2]).max() / faces["height_sigma_corner_m"][f]
    return middle, corner


def exact_roof(sample: Sample, origin: tuple[float, float]) -> tuple[Any, np.ndarray]:
    solid = sample.solids["2.2"]
    near = solid.vertices - np.array([*origin, 0.0])
    polygons, planes = [], []
    for f in np.flatnonzero(solid.surface == Surface.ROOF):
        outer, *holes = (near[ring] for ring in solid.rings(int(f)))
        polygons.append(shapely.Polygon(outer[:, :2], [h[:, :2] for h in holes]))
        xyz = np.concatenate([outer, *holes])
        planes.append(np.linalg.lstsq(np.column_stack([xyz[:, :2], np.ones(len(xyz))]), xyz[:, 2])[0])
    return partition_of(origin, polygons), np.array(planes)


def _pair(values: np.ndarray) -> str:
    return " / ".join(f"{v:.3f}" for v in np.nanmedian(values, axis=0))


if __name__ == "__main__":
    main()
