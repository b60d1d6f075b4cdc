"""Looking from each cell along eight directions for the nearest known cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIRECTIONS = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))
"""Column and row step of each."""


def interpolate_by_rays(
    values: NDArray[np.float32], known: NDArray[np.bool_], *, reach: float, steepest: float = np.inf
) -> NDArray[np.float32]:
    """Unknown cells as the mean of the nearest known ones in eight directions, weighted by 1 / distance squared.

    A value depends on cells within `reach` alone, so tiles with that much halo agree.

    Parameters
    ----------
    values : array, shape (ny, nx)
        Read where `known`.
    known : array, shape (ny, nx)
        Cells that keep their value.
    reach : float
        Furthest look, in cells.
    steepest : float
        Greatest rise per cell above any of the known cells looked at: between a wall's foot and its top the value
        stays near the foot.

    Returns
    -------
    array, shape (ny, nx)
        NaN where no known cell is within reach.

    Examples
    --------
    >>> row = np.array([[1.0, 0.0, 0.0, 4.0]], dtype=np.float32)
    >>> interpolate_by_rays(row, row > 0, reach=2.0).tolist()
    [[1.0, 1.600000023841858, 3.4000000953674316, 4.0]]
    """
    weight = np.zeros(values.shape, np.float32)
    total = np.zeros(values.shape, np.float32)
    highest = np.full(values.shape, np.float32(np.inf))
    for dx, dy in DIRECTIONS:
        _add_nearest(values, known, (dx, dy), (reach, steepest), (weight, total, highest))
    with np.errstate(invalid="ignore"):
        mean = total / np.where(weight > 0, weight, np.float32(np.nan))
    return np.where(known, values, np.minimum(mean, highest))


@njit(cache=True, nogil=True)
def _add_nearest(
    values: NDArray[np.float32],
    known: NDArray[np.bool_],
    direction: tuple[int, int],
    limits: tuple[float, float],
    sums: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
) -> None:
    """Add weight and value of the nearest known cell that lies against a direction, cell by cell."""
    ny, nx = values.shape
    (dx, dy), (reach, steepest), (weight, total, highest) = direction, limits, sums
    step = np.hypot(dx, dy)
    # Distance to, and value of, the nearest known cell, in this row and in the one before; one cell of margin.
    far_before, far = np.full(nx + 2, np.inf), np.full(nx + 2, np.inf)
    value_before, value = np.zeros(nx + 2, np.float32), np.zeros(nx + 2, np.float32)
    for jj in range(ny):
        j = jj if dy >= 0 else ny - 1 - jj
        far_before, far, value_before, value = far, far_before, value, value_before
        for ii in range(nx):
            i = ii if dx >= 0 else nx - 1 - ii
            if known[j, i]:
                far[i + 1], value[i + 1] = 0.0, values[j, i]
                continue
            k = i + 1 - dx
            far[i + 1] = (far[k] if dy == 0 else far_before[k]) + step
            value[i + 1] = value[k] if dy == 0 else value_before[k]
            if far[i + 1] <= reach:
                w = np.float32(1.0 / far[i + 1] ** 2)
                weight[j, i] += w
                total[j, i] += w * value[i + 1]
                highest[j, i] = min(highest[j, i], np.float32(value[i + 1] + steepest * far[i + 1]))
