"""How well a roof fits the points over it, and how well the points cover the roof.

Judged as the project's yardstick does: by the vertical distance of the top points more than 0.5 m inside the footprint,
which depend on survey and footprint alone and not on the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.reconstruct.order import percentile_of_sorted
from twin.reconstruct.partition import locate, locate_by_edges, partition_edges, whole_footprint
from twin.reconstruct.roof_points import EDGE_M, RoofPoints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.reconstruct.footprint import LocalFootprint
    from twin.reconstruct.partition import FootprintPartition

MIN_FIT_POINTS = 10
_POINTS_PER_CELL = 4.0
_LEAST_CELL_M = 1.0


@dataclass(frozen=True, slots=True)
class Fit:
    """Vertical distances between a roof and its points, metres; NaN where there are too few points.

    Parameters
    ----------
    rmse_m : float
        Root mean square.
    p95_m : float
        95th percentile of the absolute distances.
    n_points : int
        Points that were compared.
    """

    rmse_m: float = math.nan
    p95_m: float = math.nan
    n_points: int = 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """How the points lie over a footprint.

    Parameters
    ----------
    n_points : int
        Roof points.
    density_per_m2 : float
        Of the footprint's area.
    no_data_share : float
        Share of the footprint, in cells that would hold four points on average (1 m or more), without a point.
    """

    n_points: int
    density_per_m2: float
    no_data_share: float


def roof_fit(partition: FootprintPartition, planes: NDArray[np.float64], points: RoofPoints) -> Fit:
    """How far the top points lie above or below a roof.

    Parameters
    ----------
    partition, planes
        The roof, see `twin.reconstruct.extrude.extrude`.
    points : RoofPoints
        Of the same footprint.
    """
    inner = points.is_top & (points.edge_distance_m > EDGE_M)
    if inner.sum() < MIN_FIT_POINTS:
        inner = points.is_top
    xyz = points.xyz[inner]
    face = locate(partition, xyz[:, :2])
    xyz, face = xyz[face >= 0], face[face >= 0]
    if len(xyz) < MIN_FIT_POINTS:
        return Fit(n_points=len(xyz))
    a, b, c = planes[face].T
    off = np.sort(np.abs(xyz[:, 2] - (a * xyz[:, 0] + b * xyz[:, 1] + c)))
    rmse = math.sqrt(float((off**2).mean()))
    return Fit(round(rmse, 4), round(percentile_of_sorted(off, 95), 4), len(off))


def coverage(footprint: LocalFootprint, points: RoofPoints) -> Coverage:
    """How many roof points there are, and how much of the footprint is without."""
    density = len(points) / footprint.area_m2
    cell = max(_LEAST_CELL_M, math.sqrt(_POINTS_PER_CELL / max(density, 1e-9)))
    return Coverage(
        len(points), round(density, 4), round(_empty_share(footprint, points.xyz, min(cell, 1e3)), 4)
    )


def _empty_share(footprint: LocalFootprint, xyz: NDArray[np.float64], cell_m: float) -> float:
    x0, y0, x1, y1 = footprint.polygon.bounds
    nx, ny = math.ceil((x1 - x0) / cell_m), math.ceil((y1 - y0) / cell_m)
    full = np.zeros((ny, nx), np.bool_)
    if len(xyz):
        col = np.clip(((xyz[:, 0] - x0) / cell_m).astype(int), 0, nx - 1)
        row = np.clip(((xyz[:, 1] - y0) / cell_m).astype(int), 0, ny - 1)
        full[row, col] = True
    centres = np.stack(
        np.meshgrid(x0 + (np.arange(nx) + 0.5) * cell_m, y0 + (np.arange(ny) + 0.5) * cell_m), axis=-1
    )
    whole = whole_footprint(footprint)
    edges = partition_edges(whole.corners, whole.ring_starts, whole.face_starts)
    inside = (locate_by_edges(whole.vertices, edges, centres.reshape(-1, 2)) >= 0).reshape(ny, nx)
    inside = inside if inside.any() else np.ones_like(inside)
    return float(1.0 - full[inside].mean())
