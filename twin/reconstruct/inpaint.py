"""Holes of a raster filled by a membrane stretched over their rims."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

SWEEPS = 60
OVER_RELAXATION = 1.85
"""Best for holes some forty cells wide; the levels above have settled wider ones."""


def fill_smoothly(
    values: NDArray[np.float32], known: NDArray[np.bool_], *, corner: tuple[int, int] = (0, 0)
) -> NDArray[np.float32]:
    """Unknown cells from the known ones around them, as a soap film hangs in a frame; known cells stay.

    Laplace's equation on a pyramid, coarse to fine, relaxed at each level: time and memory grow with the number of
    cells alone, and a hole depends on its rim to the depth of its own width.

    Parameters
    ----------
    values : array, shape (ny, nx)
        Read where `known`.
    known : array, shape (ny, nx)
        At least one cell must be.
    corner : tuple of int
        Row and column of the first cell on the map, so that the pyramids of two tiles agree.

    Returns
    -------
    array, shape (ny, nx)

    Raises
    ------
    ValueError
        If nothing is known.

    Examples
    --------
    >>> row = np.array([[1, 0, 0, 0, 5]], dtype=np.float32)
    >>> fill_smoothly(row, row > 0).round().tolist()
    [[1.0, 2.0, 3.0, 4.0, 5.0]]
    """
    if not known.any():
        raise ValueError("nothing is known to fill holes from")
    if known.all():
        return values.astype(np.float32)
    if max(values.shape) <= 2:  # four blocks that meet at the map's origin never become one
        return np.where(known, values, values[known].mean(dtype=np.float64)).astype(np.float32)
    row, col = corner
    coarse, coarse_known = _halve(values, known, row & 1, col & 1)
    guess = fill_smoothly(coarse, coarse_known, corner=(row >> 1, col >> 1))
    film = np.where(known, values, _double(guess, values.shape, row & 1, col & 1)).astype(np.float32)
    _relax(film, *np.nonzero(~known), (row + col) & 1)
    return film


@njit(cache=True, nogil=True)
def _halve(
    values: NDArray[np.float32], known: NDArray[np.bool_], row_odd: int, col_odd: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Means of the known cells in blocks of two by two."""
    ny, nx = values.shape
    total = np.zeros(((ny + row_odd + 1) // 2, (nx + col_odd + 1) // 2), np.float64)
    n = np.zeros(total.shape, np.int32)
    for j in range(ny):
        for i in range(nx):
            if known[j, i]:
                total[(j + row_odd) // 2, (i + col_odd) // 2] += values[j, i]
                n[(j + row_odd) // 2, (i + col_odd) // 2] += 1
    mean = np.zeros(total.shape, np.float32)
    for j in range(total.shape[0]):
        for i in range(total.shape[1]):
            if n[j, i]:
                mean[j, i] = total[j, i] / n[j, i]
    return mean, n > 0


def _double(
    coarse: NDArray[np.float32], shape: tuple[int, int], row_odd: int, col_odd: int
) -> NDArray[np.float32]:
    """Bilinear values at the cells of the level below."""
    rows = (np.arange(shape[0]) + row_odd - 0.5) / 2
    cols = (np.arange(shape[1]) + col_odd - 0.5) / 2
    v, u = rows.clip(0, coarse.shape[0] - 1), cols.clip(0, coarse.shape[1] - 1)
    j, i = v.astype(np.int64), u.astype(np.int64)
    j1, i1 = np.minimum(j + 1, coarse.shape[0] - 1), np.minimum(i + 1, coarse.shape[1] - 1)
    fv, fu = (v - j).astype(np.float32)[:, None], (u - i).astype(np.float32)[None, :]
    upper = coarse[j][:, i] * (1 - fu) + coarse[j][:, i1] * fu
    lower = coarse[j1][:, i] * (1 - fu) + coarse[j1][:, i1] * fu
    return upper * (1 - fv) + lower * fv


@njit(cache=True, nogil=True)
def _relax(film: NDArray[np.float32], rows: NDArray[np.int64], cols: NDArray[np.int64], odd: int) -> None:
    """Over-relax the listed cells, black and white fields of a chess board in turn, then settle them.

    The board lies on the map and not on the tile. Beyond an edge the film goes on level.
    """
    ny, nx = film.shape
    for sweep in range(2 * SWEEPS):
        omega = np.float32(OVER_RELAXATION if sweep < 2 * SWEEPS - 8 else 1.0)
        for k in range(len(rows)):
            j, i = rows[k], cols[k]
            if (j + i + odd + sweep) & 1:
                continue
            above, below = film[max(j - 1, 0), i], film[min(j + 1, ny - 1), i]
            left, right = film[j, max(i - 1, 0)], film[j, min(i + 1, nx - 1)]
            mean = (above + below + left + right) / np.float32(4.0)
            film[j, i] += omega * (mean - film[j, i])
