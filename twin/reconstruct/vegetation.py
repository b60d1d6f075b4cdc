"""Classes for the points of a survey that has none: plants and buildings, once the ground is known.

What tells them apart is whether pulses went through: of the points within a metre and a half, the share from pulses
with several returns. On the Delft points above 1.5 m (buildings of class 6 against the rest) a share of 0.55 alone
reaches kappa 0.897; the smoothness of windows 0.805, of space 0.57. Within footprints 98 % of such points are the
building's, so only dense foliage is taken out there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from twin.core.grid import sample_bilinear
from twin.core.points import Classification
from twin.reconstruct.cells import bin_points, grid_over, opening, window_max, window_min
from twin.reconstruct.raster_marks import cells_within
from twin.reconstruct.roof_candidates import roof_candidates
from twin.reconstruct.terrain import rasterize_dtm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Grid
    from twin.core.points import PointCloud

CELL_M = 1.0
FOOTPRINT_CELL_M = 0.5
LOWEST_ROOF_M, LOWEST_ROOF_INSIDE_M = 2.0, 1.5
"""Outside and inside footprints; sheds are little higher than 2 m, and the terrain below them is a guess."""
LOWEST_PLANT_M = 0.5
HIGH_PLANT_M = 2.0
BESIDE_M = 1.5
SOLID_OUTSIDE, SOLID_INSIDE = 0.55, 0.75
"""Greatest share of points from pulses with several returns, of things outside and inside footprints."""
NARROWEST_CELLS = 1
"""Solid things outside footprints are buildings if they fill squares of 3 x 3 cells: facades and masts do not."""

CLASSES_HALO_M = 8.0
"""Halo of a tile for the same classes as the whole, given ground and the terrain through it."""

_KEPT = (
    Classification.LOW_NOISE,
    Classification.WATER,
    Classification.BRIDGE_DECK,
    Classification.HIGH_NOISE,
    Classification.CIVIL_STRUCTURE,
)


def classify_points(
    cloud: PointCloud, ground: NDArray[np.bool_], *, footprints: NDArray[Any] | None = None
) -> NDArray[np.uint8]:
    """ASPRS classes of points whose ground is known.

    Ground is 2; high vegetation 5 and medium 4 where pulses went through; buildings 6 where they did not; the rest 1.
    Noise, water and bridges keep the class that they came with.

    Parameters
    ----------
    cloud : PointCloud
        Points in the city's coordinates.
    ground : array, shape (n,)
        Which of them are ground, as `classify_ground` tells.
    footprints : array of polygons, optional
        Outlines of buildings.

    Returns
    -------
    array, shape (n,)
        uint8.

    Raises
    ------
    ValueError
        If there is not one ground flag per point.

    Notes
    -----
    Where the survey knows no several returns, form must tell (`roof_candidates`), which is much less sure: kappa 0.61
    on Delft.

    Examples
    --------
    >>> from twin.core.points import PointCloud
    >>> x, y = (a.ravel() for a in np.meshgrid(np.arange(0, 20, 0.5), np.arange(0, 20, 0.5)))
    >>> is_roof = (abs(x - 10) < 4) & (abs(y - 10) < 4)
    >>> single = np.ones(len(x), np.uint8)
    >>> cloud = PointCloud(np.column_stack([x, y, 5.0 * is_roof]), 0 * single, single, single + (x < 1))
    >>> np.unique(classify_points(cloud, ~is_roof)[is_roof])
    array([6], dtype=uint8)
    """
    if len(ground) != len(cloud):
        raise ValueError(f"{len(ground)} ground flags for {len(cloud)} points")
    classes = np.full(len(cloud), Classification.UNCLASSIFIED, np.uint8)
    if ground.any():
        _tell(cloud, ground, footprints, classes)
    classes[ground] = Classification.GROUND
    kept = np.isin(cloud.classification, _KEPT)
    classes[kept] = cloud.classification[kept]
    return classes


def _tell(
    cloud: PointCloud, ground: NDArray[np.bool_], footprints: NDArray[Any] | None, classes: NDArray[np.uint8]
) -> None:
    grid = grid_over(cloud.xyz, cell_size_m=CELL_M)
    x, y, z = cloud.xyz.T
    height = z - sample_bilinear(rasterize_dtm(cloud.xyz[ground], grid).values, grid, x, y)
    high = np.flatnonzero(~ground & (height >= LOWEST_PLANT_M))
    inside = _inside(cloud.xyz[high], footprints)
    is_roof_high = height[high] >= np.where(inside, LOWEST_ROOF_INSIDE_M, LOWEST_ROOF_M)
    if cloud.n_returns.max(initial=0) > 1:
        share = seen_through(cloud.xyz[high], cloud.n_returns[high] > 1)
        solid = share < np.where(inside, SOLID_INSIDE, SOLID_OUTSIDE)
    else:
        solid = inside | roof_candidates(cloud, height, bounds=grid.bounds)[high]
    roof = solid & is_roof_high
    roof &= inside | _is_broad(cloud.xyz[high], roof, grid)
    plant = np.where(
        height[high] >= HIGH_PLANT_M, Classification.HIGH_VEGETATION, Classification.MEDIUM_VEGETATION
    )
    rest = np.where(solid, Classification.UNCLASSIFIED, plant)
    classes[high] = np.where(roof, Classification.BUILDING, rest)


def seen_through(xyz: NDArray[np.float64], several: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Share of the points around each that come from pulses with several returns, itself included.

    Around is the cell of a metre and the eight beside it, no more than 1.5 m higher or lower.

    Parameters
    ----------
    xyz : array, shape (n, 3)
        Metres.
    several : array, shape (n,)
        Whether the pulse had several returns.

    Returns
    -------
    array, shape (n,)
        0 to 1.
    """
    share = np.zeros(len(xyz), np.float32)
    if len(xyz):
        index = bin_points(xyz, grid_over(xyz, cell_size_m=CELL_M))
        before = np.zeros(len(xyz) + 1, np.int32)
        np.cumsum(several[index.order], out=before[1:])
        share[index.order] = _shares(xyz[index.order, 2], index.start, before, index.grid.shape)
    return share


@njit(cache=True, nogil=True)
def _shares(
    z: NDArray[np.float64], start: NDArray[np.int32], before: NDArray[np.int32], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """For points sorted by cell and elevation: two pointers run up each of nine columns beside them."""
    ny, nx = shape
    several, total = np.zeros(len(z), np.int32), np.zeros(len(z), np.int32)
    for j in range(ny):
        for i in range(nx):
            k = j * nx + i
            if start[k] == start[k + 1]:
                continue
            for jj in range(max(j - 1, 0), min(j + 2, ny)):
                for beside in range(jj * nx + max(i - 1, 0), jj * nx + min(i + 2, nx)):
                    low = high = start[beside]
                    for q in range(start[k], start[k + 1]):
                        while low < start[beside + 1] and z[low] < z[q] - BESIDE_M:
                            low += 1
                        high = max(high, low)
                        while high < start[beside + 1] and z[high] <= z[q] + BESIDE_M:
                            high += 1
                        several[q] += before[high] - before[low]
                        total[q] += high - low
    return (several / total).astype(np.float32)


def _inside(xyz: NDArray[np.float64], footprints: NDArray[Any] | None) -> NDArray[np.bool_]:
    """Which points lie over a footprint or less than half a metre to a metre beside it, where its roof still is."""
    if footprints is None or not len(footprints) or not len(xyz):
        return np.zeros(len(xyz), np.bool_)
    fine = grid_over(xyz, cell_size_m=FOOTPRINT_CELL_M)
    over = window_max(cells_within(footprints, fine).astype(np.float32), 1) > 0
    return np.asarray(over[fine.rows_cols(xyz[:, 0], xyz[:, 1])])


def _is_broad(xyz: NDArray[np.float64], roof: NDArray[np.bool_], grid: Grid) -> NDArray[np.bool_]:
    """Which points lie in cells that are part of a square of roof cells."""
    row, col = grid.rows_cols(xyz[:, 0], xyz[:, 1])
    cells = np.zeros(grid.shape, np.float32)
    cells[row[roof], col[roof]] = 1.0
    closed = window_min(window_max(cells, NARROWEST_CELLS), NARROWEST_CELLS)  # thin surveys miss cells
    return (opening(closed, NARROWEST_CELLS) > 0)[row, col]
