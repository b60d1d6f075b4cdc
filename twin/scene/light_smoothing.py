"""Kernels that smooth a light map among texels of one kin, and carry it into the gaps around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def _smooth(values, kin, reach, out):  # type: ignore[no-untyped-def]
    height, width = values.shape
    for y in range(height):
        for x in range(width):
            if kin[y, x] < 0:
                continue
            total, weights = 0.0, 0.0
            for dy in range(-reach, reach + 1):
                for dx in range(-reach, reach + 1):
                    v, u = y + dy, x + dx
                    if v < 0 or u < 0 or v >= height or u >= width or kin[v, u] != kin[y, x]:
                        continue
                    w = (0.5 if abs(dy) == reach else 1.0) * (0.5 if abs(dx) == reach else 1.0)
                    total += w * values[v, u]
                    weights += w
            out[y, x] = total / weights


def smooth_among_kin(
    values: NDArray[np.float32], kin: NDArray[np.int32], *, reach: int = 2
) -> NDArray[np.float32]:
    """Mean over the neighbours of the same kin; outermost ones count half, so that 2 makes 4 x 4 phases count the same.

    Parameters
    ----------
    values : array, shape (ny, nx)
    kin : array, shape (ny, nx)
        Only texels of equal number mix; negative ones stay as they are.
    reach : int
        Neighbours to each side.
    """
    out = values.copy()
    _smooth(values, kin, reach, out)
    return out


@njit(cache=True, nogil=True)
def _differs(values, kin, y, x, threshold, reach):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Whether any neighbour among kin has another value."""
    height, width = values.shape
    for v in range(max(y - reach, 0), min(y + reach + 1, height)):
        for u in range(max(x - reach, 0), min(x + reach + 1, width)):
            if kin[v, u] == kin[y, x] and abs(values[v, u] - values[y, x]) > threshold:
                return True
    return False


@njit(cache=True, nogil=True)
def _unsure(values, kin, threshold, reach, out):  # type: ignore[no-untyped-def]
    for y in range(values.shape[0]):
        for x in range(values.shape[1]):
            out[y, x] = kin[y, x] >= 0 and _differs(values, kin, y, x, threshold, reach)


def border_texels(values: NDArray[np.float32], kin: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Texels near which a value changes among kin: those that need more samples."""
    out = np.zeros(values.shape, np.bool_)
    _unsure(values, kin, 0.1, 2, out)
    return out


@njit(cache=True, nogil=True)
def _grow(values, filled, out, grown):  # type: ignore[no-untyped-def]
    height, width, depth = values.shape
    for y in range(height):
        for x in range(width):
            if filled[y, x]:
                continue
            n = 0
            for v in range(max(y - 1, 0), min(y + 2, height)):
                for u in range(max(x - 1, 0), min(x + 2, width)):
                    if filled[v, u]:
                        n += 1
                        for i in range(depth):
                            out[y, x, i] += values[v, u, i]
            if n:
                grown[y, x] = True
                for i in range(depth):
                    out[y, x, i] /= n


def grow_into_gaps(values: NDArray[np.float32], filled: NDArray[np.bool_], steps: int) -> NDArray[np.float32]:
    """Carry values a few texels beyond their rim, so that filtering at the rim reads nothing foreign.

    Parameters
    ----------
    values : array, shape (ny, nx, depth)
    filled : array, shape (ny, nx)
        Where they are known.
    """
    values, filled = np.where(filled[..., None], values, np.float32(0)), filled.copy()
    for _ in range(steps):
        out, grown = values.copy(), filled.copy()
        _grow(values, filled, out, grown)
        values, filled = out, grown
    return values
