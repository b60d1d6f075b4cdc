"""Points of roofs in a cloud without classes: high, smooth around, and not looked through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from twin.core.grid import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Bounds
    from twin.core.points import PointCloud

LOWEST_M = 2.0
WINDOW_CELLS = 3
CELL_SIZE_M = 0.5
SOLID_SHARE = 0.4
"""Part of the returns in a window that were the only one of their pulse: light passes through leaves, not tiles."""
SMOOTH_M = 1.0
"""A roof with its ridge and edges lies within this of a plane over a window, root mean square."""
SMOOTH_ALONE_M = 0.3
"""The same where a cloud does not tell which returns were single, and form alone must tell roofs from crowns."""
FEWEST_POINTS = 4
HALO_M = (WINDOW_CELLS // 2 + 2) * CELL_SIZE_M
"""Points are needed this far around a tile."""


def roof_candidates(cloud: PointCloud, height_m: NDArray[np.float64], *, bounds: Bounds) -> NDArray[np.bool_]:
    """Which points of an unclassified cloud may be roofs.

    Parameters
    ----------
    cloud : PointCloud
        Points of a tile and `HALO_M` around it.
    height_m : array, shape (n,)
        Height of each point above the ground.
    bounds : Bounds
        Extent of the points; the raster behind the windows is aligned to the map.

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> from twin.core.grid import Bounds
    >>> from twin.core.points import PointCloud
    >>> x, y = (v.ravel() for v in np.meshgrid(np.arange(0, 9, 0.3), np.arange(0, 9, 0.3)))
    >>> ones = np.ones(len(x), np.uint8)
    >>> roof = PointCloud(np.column_stack([x, y, 5 + 0.5 * x]), ones, ones, ones)
    >>> bool(roof_candidates(roof, roof.xyz[:, 2], bounds=Bounds(0, 0, 9, 9)).all())
    True
    """
    grid = Grid.covering(bounds, cell_size_m=CELL_SIZE_M)
    high = height_m >= LOWEST_M
    high &= bounds.contains(cloud.xyz[:, 0], cloud.xyz[:, 1])
    row, col = grid.rows_cols(cloud.xyz[high, 0], cloud.xyz[high, 1])
    row = np.minimum(row, grid.ny - 1)  # the southern edge belongs to the bounds, but to the next row
    xyz = cloud.xyz[high] - (grid.x_min, grid.y_max, 0.0)
    alone = (cloud.n_returns[high] <= 1).astype(np.float64)
    n, rms, share = _windows(xyz, alone, row * grid.nx + col, grid.shape)
    limit = SMOOTH_M if cloud.n_returns.max(initial=0) > 1 else SMOOTH_ALONE_M
    smooth = (n >= FEWEST_POINTS) & (rms <= limit) & (share >= SOLID_SHARE)
    # Ridge, eaves and the foot of a chimney are no planes, but they belong to the roof around them.
    roof = ndimage.binary_dilation(smooth, np.ones((3, 3), dtype=bool)) & (share >= SOLID_SHARE)
    found = np.zeros(len(cloud), dtype=bool)
    found[np.flatnonzero(high)] = roof[row, col]
    return found


def _windows(
    xyz: NDArray[np.float64], alone: NDArray[np.float64], cell: NDArray[np.int64], shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Number of points, distance from their plane and share of single returns, for the window around each cell."""

    def total(weight: NDArray[np.float64]) -> NDArray[np.float64]:
        cells = np.bincount(cell, weight, shape[0] * shape[1]).reshape(shape)
        return np.asarray(ndimage.convolve(cells, np.ones((WINDOW_CELLS, WINDOW_CELLS)), mode="constant"))

    x, y, z = xyz.T
    n = total(np.ones(len(x)))
    m = np.maximum(n, 1)
    mx, my, mz = (total(v) / m for v in (x, y, z))
    xx, xy, yy = total(x * x) / m - mx * mx, total(x * y) / m - mx * my, total(y * y) / m - my * my
    xz, yz, zz = total(x * z) / m - mx * mz, total(y * z) / m - my * mz, total(z * z) / m - mz * mz
    det = np.maximum(xx * yy - xy * xy, 1e-9)
    slope_x, slope_y = (yy * xz - xy * yz) / det, (xx * yz - xy * xz) / det
    rms = np.sqrt(np.maximum(zz - slope_x * xz - slope_y * yz, 0.0))
    return n, rms, total(alone) / m
