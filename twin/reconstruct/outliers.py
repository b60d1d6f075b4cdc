"""Single points far above or below everything else: birds, clouds, echoes between walls, damaged records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from twin.reconstruct.cells import bin_points, grid_over

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELL_M = 4.0
"""Side of the columns in which neighbours are counted; a point sees its own column and the eight around."""
GAP_M = 4.0
FEW = 4
FEW_OF_ALL = 0.05
MIN_IN_COLUMNS = 20
"""Where the survey is so thin that fewer points lie around, nothing can be told."""
WIDE_RINGS = 3
WIDE_SHARE = 0.005
"""A wood lets few pulses through to its floor, but more than this share over a wider place."""

OUTLIER_HALO_M = (WIDE_RINGS + 1) * CELL_M
"""Distance beyond which points do not matter."""


def find_outliers(xyz: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points stand alone in the air or below the ground.

    A point is an outlier if, of the points within 4 to 8 m in plan, fewer than four and fewer than one in twenty lie
    within 4 m of its elevation, unless one in two hundred of those within 12 to 16 m does. Wires, masts and tree tops
    have company and stay; so does the floor of a wood.

    Parameters
    ----------
    xyz : array, shape (n, 3)
        Metres, finite.

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> x, y = (a.ravel() for a in np.meshgrid(np.arange(20.0), np.arange(20.0)))
    >>> z = np.zeros(400)
    >>> z[[7, 210]] = 9000.0, -9999.0
    >>> np.flatnonzero(find_outliers(np.column_stack([x, y, z])))
    array([  7, 210])
    """
    if not len(xyz):
        return np.zeros(0, np.bool_)
    xyz = np.ascontiguousarray(xyz, dtype=np.float64)
    index = bin_points(xyz, grid_over(xyz, cell_size_m=CELL_M))
    z = xyz[index.order, 2]
    alone = np.zeros(len(xyz), np.bool_)
    alone[index.order] = _stands_alone(z, index.start, index.grid.shape)
    return alone


@njit(cache=True, nogil=True)
def _stands_alone(
    z: NDArray[np.float64], start: NDArray[np.int32], shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """For points sorted by cell and, within a cell, by elevation."""
    out = np.zeros(len(z), np.bool_)
    for cell in range(shape[0] * shape[1]):
        first, last = start[cell], start[cell + 1]
        for q in range(first, last):
            up, down = min(q + FEW, last - 1), max(q - FEW, first)
            if (up == q + FEW and z[up] - z[q] <= GAP_M) or (down == q - FEW and z[q] - z[down] <= GAP_M):
                continue
            near, total = _company(z, start, shape, (cell, 1), z[q])
            if total < MIN_IN_COLUMNS or near >= FEW or near >= FEW_OF_ALL * total:
                continue
            near, total = _company(z, start, shape, (cell, WIDE_RINGS), z[q])
            out[q] = near < FEW or near < WIDE_SHARE * total
    return out


@njit(cache=True, nogil=True)
def _company(
    z: NDArray[np.float64],
    start: NDArray[np.int32],
    shape: tuple[int, int],
    around: tuple[int, int],
    elevation: float,
) -> tuple[int, int]:
    """How many other points of the columns around lie near an elevation, and how many there are."""
    (ny, nx), (cell, rings) = shape, around
    j, i = cell // nx, cell % nx
    near, total = -1, -1
    for jj in range(max(j - rings, 0), min(j + rings + 1, ny)):
        for k in range(jj * nx + max(i - rings, 0), jj * nx + min(i + rings + 1, nx)):
            column = z[start[k] : start[k + 1]]
            total += len(column)
            near += int(np.searchsorted(column, elevation + GAP_M, "right"))
            near -= int(np.searchsorted(column, elevation - GAP_M))
    return near, total
