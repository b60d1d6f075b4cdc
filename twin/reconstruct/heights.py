"""Elevations of a building as the Dutch 3DBAG publishes them: ground, and percentiles of its roof points.

References
----------
Peters, Dukai, Vitalis, van Liempt & Stoter (2022), Automated 3D reconstruction of LoD2 and LoD1 models for all 10
million buildings of the Netherlands, Photogrammetric Engineering & Remote Sensing 88(3), 165-170.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.core.grid import Grid, sample_bilinear
from twin.core.points import Classification, PointCloud
from twin.reconstruct.order import percentile_of_sorted
from twin.reconstruct.partition import locate_by_edges, partition_edges, whole_footprint
from twin.reconstruct.roof_points import distance_to_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.reconstruct.footprint import LocalFootprint

AROUND_M = 4.0
"""Ground points this near to a footprint tell its ground."""

GROUND_PERCENTILE = 5
MIN_GROUND_POINTS = 5


@dataclass(frozen=True, slots=True)
class OutlineTerrain:
    """The terrain along the outline of a footprint, elevations in metres; NaN where there is none.

    Parameters
    ----------
    lowest_m : float
        Where the building's floor lies, so that its walls reach the terrain on a slope.
    median_m : float
        The ground, where no ground points tell it.
    """

    lowest_m: float
    median_m: float


@dataclass(frozen=True, slots=True)
class Heights:
    """Elevations above the vertical datum, metres; NaN where unknown.

    Parameters
    ----------
    ground_m : float
        5th percentile of the ground points within 4 m, else the terrain along the outline.
    floor_m : float
        Bottom of the solids: the lowest terrain along the outline, never above the ground.
    roof_min_m, roof_50p_m, roof_70p_m, roof_max_m : float
        Of all roof points.
    """

    ground_m: float
    floor_m: float
    roof_min_m: float = math.nan
    roof_50p_m: float = math.nan
    roof_70p_m: float = math.nan
    roof_max_m: float = math.nan

    @property
    def height_m(self) -> float:
        """The 70th percentile of the roof above the ground."""
        return self.roof_70p_m - self.ground_m


def terrain_along(footprint: Any, dtm: NDArray[np.floating], grid: Grid) -> OutlineTerrain:
    """The terrain along the outline of a footprint, looked up twice per cell.

    Parameters
    ----------
    footprint : shapely Polygon or MultiPolygon
        Map coordinates.
    dtm : array, shape (ny, nx)
        Elevations of bare earth, metres, NaN where unknown.
    grid : Grid
        Place of `dtm`.

    Examples
    --------
    >>> grid = Grid(0.0, 10.0, 1.0, 10, 10)
    >>> slope = np.tile(grid.x_centres, (10, 1))
    >>> terrain_along(shapely.box(2, 2, 8, 4), slope, grid).lowest_m
    2.0
    """
    outline = shapely.segmentize(shapely.boundary(footprint), grid.cell_size_m / 2)
    x, y = shapely.get_coordinates(outline).T
    z = sample_bilinear(dtm, grid, x, y)
    z = z[np.isfinite(z)]
    if not len(z):
        return OutlineTerrain(math.nan, math.nan)
    return OutlineTerrain(float(z.min()), float(np.median(z)))


def ground_heights(
    footprint: LocalFootprint, points: PointCloud, *, terrain: OutlineTerrain | None = None
) -> Heights:
    """Ground and floor of a building; its roof is still unknown.

    Parameters
    ----------
    footprint : LocalFootprint
        The building.
    points : PointCloud
        Its surroundings; ground is class 2.
    terrain : OutlineTerrain, optional
        Of a terrain raster.
    """
    z = _ground_nearby(footprint, points)
    lowest = terrain.lowest_m if terrain else math.nan
    if len(z) >= MIN_GROUND_POINTS:
        ground = percentile_of_sorted(np.sort(z), GROUND_PERCENTILE)
    else:
        ground = terrain.median_m if terrain else math.nan
    floor = ground if math.isnan(lowest) else min(lowest, ground) if not math.isnan(ground) else lowest
    return Heights(ground_m=_to_grid(ground), floor_m=_to_grid(floor))


def _ground_nearby(footprint: LocalFootprint, points: PointCloud) -> NDArray[np.float64]:
    ground = points.xyz[points.classification == Classification.GROUND]
    xy = footprint.localize(ground[:, :2])
    x0, y0, x1, y1 = footprint.polygon.bounds
    low, high = np.array([x0, y0]) - AROUND_M, np.array([x1, y1]) + AROUND_M
    near = ((xy >= low) & (xy <= high)).all(axis=1)
    xy, z = xy[near], ground[near, 2]
    whole = whole_footprint(footprint)
    edges = partition_edges(whole.corners, whole.ring_starts, whole.face_starts)
    beside = distance_to_edges(whole.vertices, edges, xy) <= AROUND_M
    return np.asarray(z[beside | (locate_by_edges(whole.vertices, edges, xy) >= 0)])


def roof_heights(ground: Heights, z: NDArray[np.float64]) -> Heights:
    """The same heights with the roof's: lowest, 50th and 70th percentile and highest of its points."""
    rising = np.sort(z)
    low, p50, p70, high = (_to_grid(percentile_of_sorted(rising, p)) for p in (0, 50, 70, 100))
    return Heights(ground.ground_m, ground.floor_m, low, p50, p70, high)


def _to_grid(elevation_m: float) -> float:
    return round(elevation_m, 4)
