"""Crowns on a canopy raster: summits, the slopes that lead up to each, and the summits that are one tree.

Whatever is decided at a cell depends on cells nearby alone, never on the order in which cells or points come, so
tiles that see far enough around themselves agree with one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

EMPTY = np.float32(-1.0)
"""Height of a cell in which no crown was hit."""
WIDTH_M, WIDTH_GROWTH_PER_M = 3.09632, 0.00895
"""Crown width of a deciduous tree, metres: a + b h² (Popescu & Wynne 2004, eq. 3)."""
REACH_PER_HEIGHT, REACH_LEAST_M, REACH_MOST_M = 0.6, 2.5, 10.0
"""A crown reaches no further from its summit than this part of its height, within these limits."""
SKIRT = 0.3
"""Below this part of the tree's height nothing is its crown."""
NOTCH, NOTCH_LEAST_M = 0.06, 0.8
"""Two summits with a notch between them shallower than this part of the lower one are one crown's ..."""
TWIN_SUMMITS, TWIN_SUMMITS_LEAST_M = 0.28, 2.5
"""... if they are no further apart than this part of the height of the higher one."""


def close_pits(top: NDArray[np.float32]) -> NDArray[np.float32]:
    """Heights without the holes that pulses leave which slip through a crown.

    A cell lower than the fifth highest of its eight neighbours takes that value; an empty one too, if it is so
    enclosed.

    Parameters
    ----------
    top : array, shape (ny, nx)
        Highest point of each cell, metres above ground; `EMPTY` where there is none.

    Returns
    -------
    array, shape (ny, nx)
    """
    out = top.copy()
    _close_pits(top, out)
    return out


def smooth(heights: NDArray[np.float32], *, sigma_cells: float) -> NDArray[np.float32]:
    """Mean of the hit cells around each, weighted by a bell of 5 x 5 cells; empty cells stay empty."""
    away = np.arange(-2, 3)
    bell = np.exp(-(away**2) / (2 * sigma_cells**2))
    out = np.full_like(heights, EMPTY)
    _smooth(heights, np.outer(bell, bell), out)
    return out


def delineate(
    heights: NDArray[np.float32], *, cell_size_m: float
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Crown of each cell.

    Every cell leads to its highest neighbour; where none is higher, to the highest cell of a disc as wide as a
    crown of that height, and if there is none either, it is the summit of a tree. Following the way up parts the
    canopy as a marker-controlled watershed does, without a queue whose order could matter.

    Parameters
    ----------
    heights : array, shape (ny, nx)
        Smoothed canopy, metres above ground, `EMPTY` outside.
    cell_size_m : float
        Side of a cell.

    Returns
    -------
    crown : array, shape (ny, nx)
        Number of the crown, -1 outside all.
    summits : array, shape (n,)
        Flat index of the cell of each summit, rising.

    References
    ----------
    Popescu & Wynne, "Seeing the trees in the forest", Photogrammetric Engineering & Remote Sensing 70(5), 2004.

    Examples
    --------
    >>> ridge = np.array([[3.0, 5.0, 4.0, -1.0, -1.0, 4.0, 6.0]], dtype=np.float32)
    >>> crown, summits = delineate(ridge, cell_size_m=2.0)
    >>> crown.tolist(), summits.tolist()
    ([[0, 0, 0, -1, -1, 1, 1]], [1, 6])
    """
    parent = np.full(heights.size, -1, np.int64)
    _lead_up(heights, cell_size_m, parent)
    _follow(parent)
    target = np.full(heights.size, -1, np.int64)
    _find_twins(heights, cell_size_m, parent, target)
    return _number(heights, cell_size_m, parent, target)


def roughness(top: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far the surface is from a plane around each cell: root mean square over 3 x 3 cells, metres.

    Parameters
    ----------
    top : array, shape (ny, nx)
        Highest point of each cell, `EMPTY` where there is none.

    Returns
    -------
    array, shape (ny, nx)
        -1 where fewer than seven of the nine cells were hit.
    """
    out = np.full_like(top, -1.0)
    _roughness(top, out)
    return out


@njit(cache=True, nogil=True)
def highest_of_cells(cell: NDArray[np.int64], height: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Raise `out` at each point's cell, a flat index, to the point's height."""
    flat = out.reshape(-1)
    for k in range(len(cell)):
        flat[cell[k]] = max(flat[cell[k]], height[k])


@njit(cache=True, nogil=True)
def _close_pits(top: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    ny, nx = top.shape
    around = np.empty(8, np.float32)
    for j in range(1, ny - 1):
        for i in range(1, nx - 1):
            n = 0
            for jj in range(j - 1, j + 2):
                for ii in range(i - 1, i + 2):
                    if (jj != j or ii != i) and top[jj, ii] > 0:
                        around[n] = top[jj, ii]
                        n += 1
            if n >= 5:
                out[j, i] = max(top[j, i], np.sort(around[:n])[n - 5])


@njit(cache=True, nogil=True)
def _smooth(heights: NDArray[np.float32], bell: NDArray[np.float64], out: NDArray[np.float32]) -> None:
    ny, nx = heights.shape
    for j in range(ny):
        for i in range(nx):
            if heights[j, i] <= 0:
                continue
            total, weight = 0.0, 0.0
            for dj in range(-2, 3):
                for di in range(-2, 3):
                    jj, ii = j + dj, i + di
                    if 0 <= jj < ny and 0 <= ii < nx and heights[jj, ii] > 0:
                        total += bell[dj + 2, di + 2] * heights[jj, ii]
                        weight += bell[dj + 2, di + 2]
            out[j, i] = total / weight


@njit(cache=True, nogil=True, inline="always")
def _window_m(height_m: float) -> float:
    return 0.5 * (WIDTH_M + WIDTH_GROWTH_PER_M * height_m * height_m)


@njit(cache=True, nogil=True, inline="always")
def _reach_m(height_m: float) -> float:
    return min(REACH_MOST_M, max(REACH_LEAST_M, REACH_PER_HEIGHT * height_m))


@njit(cache=True, nogil=True)
def _highest_within(heights: NDArray[np.float32], j: int, i: int, radius: float) -> int:
    """Flat index of the highest cell of a disc; of equal ones the first, row by row."""
    ny, nx = heights.shape
    reach = int(radius)
    best = j * nx + i
    top = heights[j, i]
    for jj in range(max(0, j - reach), min(ny, j + reach + 1)):
        for ii in range(max(0, i - reach), min(nx, i + reach + 1)):
            if (jj - j) ** 2 + (ii - i) ** 2 > radius * radius:
                continue
            k, h = jj * nx + ii, heights[jj, ii]
            if h > top or (h == top and k < best):
                best, top = k, h
    return best


@njit(cache=True, nogil=True)
def _lead_up(heights: NDArray[np.float32], cell_size_m: float, parent: NDArray[np.int64]) -> None:
    ny, nx = heights.shape
    for j in range(ny):
        for i in range(nx):
            if heights[j, i] <= 0:
                continue
            k = j * nx + i
            parent[k] = _highest_within(heights, j, i, 1.5)
            if parent[k] == k:
                parent[k] = _highest_within(heights, j, i, max(1.5, _window_m(heights[j, i]) / cell_size_m))


@njit(cache=True, nogil=True)
def _follow(parent: NDArray[np.int64]) -> None:
    """Turn the next cell on the way up into the last one."""
    for k in range(len(parent)):
        if parent[k] < 0:
            continue
        last = k
        while parent[last] != last:
            last = parent[last]
        here = k
        while parent[here] != last:
            above = parent[here]
            parent[here] = last
            here = above


@njit(cache=True, nogil=True)
def _find_twins(
    heights: NDArray[np.float32], cell_size_m: float, summit: NDArray[np.int64], target: NDArray[np.int64]
) -> None:
    """For each summit the higher one that it hardly parts from, of several that with the shallowest notch."""
    ny, nx = heights.shape
    flat = heights.ravel()
    saddle = np.full(heights.size, EMPTY, np.float32)
    for j in range(ny):
        for i in range(nx):
            k = j * nx + i
            if summit[k] < 0:
                continue
            for dj, di in ((0, 1), (1, -1), (1, 0), (1, 1)):
                jj, ii = j + dj, i + di
                if jj >= ny or ii < 0 or ii >= nx or summit[jj * nx + ii] < 0:
                    continue
                low, high = summit[k], summit[jj * nx + ii]
                if low == high:
                    continue
                if flat[low] > flat[high] or (flat[low] == flat[high] and low < high):
                    low, high = high, low
                pass_m = min(flat[k], flat[jj * nx + ii])
                notch = flat[low] - pass_m
                apart = cell_size_m * np.hypot(low // nx - high // nx, low % nx - high % nx)
                near = max(TWIN_SUMMITS_LEAST_M, TWIN_SUMMITS * flat[high])
                if notch > max(NOTCH_LEAST_M, NOTCH * flat[low]) or apart > near:
                    continue
                if pass_m > saddle[low] or (pass_m == saddle[low] and high < target[low]):
                    saddle[low], target[low] = pass_m, high


@njit(cache=True, nogil=True)
def _number(
    heights: NDArray[np.float32], cell_size_m: float, summit: NDArray[np.int64], target: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Crowns numbered by their summits; cells too low or too far from theirs are left out."""
    ny, nx = heights.shape
    flat = heights.ravel()
    number = np.full(heights.size, -1, np.int32)
    n = 0
    for k in range(heights.size):
        # A summit joins one that joins no other itself, so that a level canopy is not joined into one tree.
        if summit[k] == k and (target[k] < 0 or target[target[k]] >= 0):
            number[k] = n
            n += 1
    summits = np.flatnonzero(number >= 0)
    crown = np.full((ny, nx), -1, np.int32)
    for j in range(ny):
        for i in range(nx):
            s = summit[j * nx + i]
            if s < 0:
                continue
            if number[s] < 0:
                s = target[s]
            apart = cell_size_m * np.hypot(s // nx - j, s % nx - i)
            if apart <= _reach_m(flat[s]) and heights[j, i] >= SKIRT * flat[s]:
                crown[j, i] = number[s]
    return crown, summits


@njit(cache=True, nogil=True)
def _roughness(top: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    ny, nx = top.shape
    for j in range(1, ny - 1):
        for i in range(1, nx - 1):
            if top[j, i] > 0:
                out[j, i] = _distance_from_plane(top, j, i)


@njit(cache=True, nogil=True)
def _distance_from_plane(top: NDArray[np.float32], j: int, i: int) -> float:
    """Root mean square about the plane fitted to the hit cells of nine, by sums about their middle."""
    n, su, sv, sz = 0.0, 0.0, 0.0, 0.0
    uu, uv, vv, uz, vz, zz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for v in range(-1, 2):
        for u in range(-1, 2):
            if top[j + v, i + u] <= 0:
                continue
            z = float(top[j + v, i + u]) - float(top[j, i])
            n, su, sv, sz = n + 1, su + u, sv + v, sz + z
            uu, uv, vv = uu + u * u, uv + u * v, vv + v * v
            uz, vz, zz = uz + u * z, vz + v * z, zz + z * z
    if n < 7:
        return -1.0
    uu, uv, vv = uu - su * su / n, uv - su * sv / n, vv - sv * sv / n
    uz, vz, zz = uz - su * sz / n, vz - sv * sz / n, zz - sz * sz / n
    # Seven cells of nine never lie on one line, so the determinant is not zero.
    explained = (vv * uz * uz - 2 * uv * uz * vz + uu * vz * vz) / (uu * vv - uv * uv)
    return float(np.sqrt(max(0.0, zz - explained) / n))
