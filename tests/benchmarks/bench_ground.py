"""Ground, terrain and classes against surveys whose truth is known, with plain scipy in the same run.

``python tests/benchmarks/bench_ground.py`` prints tables in Markdown: agreement and speed of the ground filter beside a
morphological filter with growing windows, terrain at ground points left out beside a Delaunay TIN, and buildings found
in a cloud whose classes are ignored. The simulated district is always there; real surveys where they lie beside the
checkout. Speeds are per second of processor time, since other work shares the machine.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import laspy
import numpy as np
from scipy import ndimage
from scipy.interpolate import LinearNDInterpolator

from twin.core.grid import Bounds, Grid, sample_bilinear
from twin.core.points import Classification, PointCloud
from twin.demo.flight import SurveySettings, fly
from twin.demo.layout import make_layout
from twin.demo.survey import survey_tile, tiles_of
from twin.reconstruct.ground import classify_ground
from twin.reconstruct.outliers import find_outliers
from twin.reconstruct.terrain import rasterize_dtm
from twin.reconstruct.vegetation import classify_points

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
WET_OR_DRY = (Classification.GROUND, Classification.WATER, 66)
"""Class 66 is how IGN marks virtual points on water."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two labellings differ, in percent, and Cohen's kappa."""

    kappa: float
    total: float
    missed: float
    wrong: float

    @classmethod
    def between(cls, truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> Agreement:
        agree = float((truth == found).mean())
        chance = float(truth.mean() * found.mean() + (1 - truth.mean()) * (1 - found.mean()))
        kappa = (agree - chance) / (1 - chance)
        missed, wrong = float((~found[truth]).mean()), float(found[~truth].mean())
        return cls(kappa, 100 * (1 - agree), 100 * missed, 100 * wrong)

    def __str__(self) -> str:
        return f"{self.kappa:.4f} | {self.total:.2f} | {self.missed:.2f} | {self.wrong:.2f}"


def growing_windows(xyz: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The reference: morphology in plain scipy with 1 m cells, slope 0.15, windows to 18 m, tolerance 0.25 m."""
    low = xyz[:, :2].min(axis=0)
    col, row = (xyz[:, :2] - low).astype(np.int64).T
    bottom = np.full((row.max() + 1, col.max() + 1), np.inf)
    np.minimum.at(bottom, (row, col), xyz[:, 2])
    empty = np.isinf(bottom)
    nearest = ndimage.distance_transform_edt(empty, return_distances=False, return_indices=True)
    surface = before = bottom[tuple(nearest)]
    taken = np.zeros(surface.shape, bool)
    for radius in range(1, 19):
        y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
        after = ndimage.grey_opening(before, footprint=x * x + y * y <= radius * radius)
        taken |= before - after > 0.15 * radius
        before = after
    keep = np.argwhere(~taken & ~empty)
    centres = np.indices(surface.shape).reshape(2, -1).T
    terrain = LinearNDInterpolator(keep, surface[tuple(keep.T)])(centres).reshape(surface.shape)
    nearest = ndimage.distance_transform_edt(np.isnan(terrain), return_distances=False, return_indices=True)
    terrain = terrain[tuple(nearest)]
    at = (xyz[:, [1, 0]] - low[::-1] - 0.5).T
    return np.abs(xyz[:, 2] - ndimage.map_coordinates(terrain, at, order=1, mode="nearest")) < 0.25


def read(*paths: Path) -> PointCloud:
    """Points of some files with all that the filter needs."""
    files = [laspy.read(p) for p in sorted(paths)]
    names = ("classification", "return_number", "number_of_returns")
    columns = (np.concatenate([np.asarray(f[n], np.uint8) for f in files]) for n in names)
    return PointCloud(np.concatenate([f.xyz for f in files]), *columns)


def district(n_buildings: int) -> PointCloud:
    """A simulated survey of 8 pulses per square metre with its true classes."""
    settings = SurveySettings(density=8.0)
    layout = make_layout(n_buildings, seed=3)
    flight = fly(settings, layout.bounds, seed=3)
    return PointCloud.concatenate([survey_tile(layout, flight, b)[0] for _, b in tiles_of(layout, 8.0)])


def surveys(n_buildings: int) -> Iterator[tuple[str, PointCloud]]:
    """Name and points of all that is here."""
    yield "simulated district", district(n_buildings)
    if not DATA.is_dir():
        return
    yield "Delft, AHN3", read(*(DATA / "delft" / "ahn3").glob("*.laz"))
    for path in sorted((DATA / "bridges_fr_lidarhd" / "bridge" / "pointcloud").glob("*.laz")):
        yield f"Brittany, thinned LiDAR HD, {path.stem[16:20]}", read(path)
    yield "Ontario, wood", read(DATA / "lakes_megaplot_ca" / "Megaplot.laz")


def timed(work: Callable[..., Any], *arguments: Any, rounds: int = 1) -> tuple[Any, float]:
    """Result, and least processor time of some rounds, seconds."""
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        result = work(*arguments)
        seconds.append(time.process_time() - start)
    return result, min(seconds)


def ground_rows(name: str, cloud: PointCloud) -> Iterator[str]:
    truth = np.isin(cloud.classification, WET_OR_DRY)
    for method, work, rounds in (("twin", classify_ground, 5), ("plain scipy", growing_windows, 1)):
        found, seconds = timed(work, cloud.xyz, rounds=rounds)
        speed = len(cloud) / seconds / 1e6
        yield f"| {name} | {len(cloud):,} | {method} | {Agreement.between(truth, found)} | {speed:.2f} |"


def terrain_rows(name: str, cloud: PointCloud) -> Iterator[str]:
    ground = cloud.xyz[np.isin(cloud.classification, WET_OR_DRY)]
    left_out = np.random.default_rng(1).random(len(ground)) < 0.1
    train, (x, y, z) = ground[~left_out], ground[left_out].T
    for cell in (0.25, 0.5, 1.0):
        low, high = ground[:, :2].min(axis=0), ground[:, :2].max(axis=0)
        grid = Grid.covering(Bounds(*low, *high), cell_size_m=cell)
        dtm, seconds = timed(lambda g=grid: rasterize_dtm(train, g).values)
        yield _terrain_row(name, f"twin, {cell} m", sample_bilinear(dtm, grid, x, y) - z, seconds)
        if cell == 0.5:
            at = np.meshgrid(grid.x_centres, grid.y_centres)
            tin, seconds = timed(lambda p=tuple(at): LinearNDInterpolator(train[:, :2], train[:, 2])(*p))
            yield _terrain_row(name, "Delaunay TIN, 0.5 m", sample_bilinear(tin, grid, x, y) - z, seconds)


def _terrain_row(name: str, method: str, error: NDArray[np.float64], seconds: float) -> str:
    error = np.abs(error[np.isfinite(error)])
    rmse, p95 = np.sqrt((error**2).mean()), np.percentile(error, 95)
    return f"| {name} | {method} | {100 * rmse:.1f} | {100 * p95:.1f} | {seconds:.2f} |"


def class_row(name: str, cloud: PointCloud) -> str:
    bare = PointCloud(cloud.xyz, 0 * cloud.classification, cloud.return_number, cloud.n_returns)
    ground = classify_ground(cloud.xyz)
    classes, seconds = timed(classify_points, bare, ground)
    agreement = Agreement.between(
        cloud.classification == Classification.BUILDING, classes == Classification.BUILDING
    )
    lonely, outlier_s = timed(find_outliers, cloud.xyz)
    return f"| {name} | {agreement} | {seconds:.2f} | {lonely.sum()} | {outlier_s:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buildings", type=int, default=60, help="of the simulated district")
    options = parser.parse_args()
    found = list(surveys(options.buildings))
    small = found[0][1].xyz[:2000]
    warm_up = PointCloud(small, *(np.ones(2000, np.uint8) for _ in range(3)))
    classify_points(warm_up, classify_ground(small))
    find_outliers(small)
    print(
        "\n| survey | points | method | kappa | total error, % | ground missed, % | other taken, % | M points/CPU s |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, cloud in found:
        print(*ground_rows(name, cloud), sep="\n", flush=True)
    print("\n| survey | terrain by | RMSE, cm | 95th percentile, cm | CPU s |")
    print("|---|---|---|---|---|")
    for name, cloud in found[:2]:
        print(*terrain_rows(name, cloud), sep="\n", flush=True)
    print(
        "\n| survey | buildings: kappa | total error, % | missed, % | other taken, % | CPU s | outliers | CPU s |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, cloud in found[:2]:
        print(class_row(name, cloud), flush=True)


if __name__ == "__main__":
    main()
