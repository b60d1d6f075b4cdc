"""Compiled steps of the tree that divides roofs: directions, the best cut of a cell, sums by face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from twin.reconstruct.order import rising_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

BIN_M = 0.1
"""Cuts are looked for at multiples of this."""

_ALIKE_RAD = np.radians(5.0)
_MAX_FRAMES = 4
_LEAST_SHARE = 0.1


@numba.njit(cache=True, nogil=True)
def main_directions(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normals of the cuts to try, along and square to the main ones of some edges, shape (n, 2).

    Edges within 5 degrees of each other, or of a right angle, make one frame, turned as its longest edge is. Up to four
    frames count, those with a tenth of the edges' length or more.
    """
    n = len(edges)
    length, turn = np.empty(n), np.empty(n)
    for i in range(n):
        length[i] = -np.sqrt(edges[i, 0] ** 2 + edges[i, 1] ** 2)
        turn[i] = _quarter(np.arctan2(edges[i, 1], edges[i, 0]))
    frame, weight = np.empty(n), np.zeros(n)
    n_frames, whole = 0, 0.0
    for i in rising_order(length):
        known = n_frames
        for k in range(n_frames):
            apart = abs(_quarter(turn[i] - frame[k] + np.pi / 4) - np.pi / 4)
            if known == n_frames and apart < _ALIKE_RAD:
                known = k
        if known == n_frames:
            frame[known] = turn[i]
            n_frames += 1
        weight[known] += length[i]
        whole += length[i]
    normals = np.empty((2 * _MAX_FRAMES, 2))
    n_normals = 0
    for k in rising_order(weight[:n_frames]):
        if n_normals < len(normals) and (n_normals == 0 or weight[k] <= _LEAST_SHARE * whole):
            c, s = np.cos(frame[k]), np.sin(frame[k])
            normals[n_normals, 0], normals[n_normals, 1] = -s, c
            normals[n_normals + 1, 0], normals[n_normals + 1, 1] = c, s
            n_normals += 2
    return normals[:n_normals]


@numba.njit(cache=True, nogil=True)
def _quarter(angle: float) -> float:
    """An angle within the first quarter turn."""
    return angle - np.floor(angle / (np.pi / 2)) * (np.pi / 2)


@numba.njit(cache=True, nogil=True)
def best_cut(
    cell: NDArray[np.float64],
    corners: NDArray[np.float64],
    normals: NDArray[np.float64],
    limits: tuple[float, float, float, float, float, float],
) -> tuple[int, float]:
    """The cut of a cell that explains most of its heights, among those that are steps; (-1, 0) if none is worth it.

    Parameters
    ----------
    cell : array, shape (n, 4)
        Points, their heights as whole numbers of 0.1 mm, and 1 for those of the top, 0 for those under others.
    corners : array, shape (k, 2)
        Corners of the footprint to which cuts are drawn.
    normals : array, shape (m, 2)
        Directions to try.
    limits : tuple
        Least step and window beside a cut, metres; least number of points and width of either side; least gain in the
        sum of squares, m2; distance over which a cut is drawn to a corner, metres.

    Returns
    -------
    which : int
        Row of `normals`.
    offset : float
        The cut is where ``normal . p`` equals this, metres.
    """
    best, which, at = limits[4], -1, 0.0
    is_top = cell[:, 3] > 0
    top, under = cell[is_top], cell[~is_top]
    for d in range(len(normals)):
        n = normals[d]
        along = top[:, 0] * n[0] + top[:, 1] * n[1]
        low, high = _range_of(along)
        if high - low < 2 * limits[3]:
            continue
        first = np.floor(low / BIN_M)
        sums = _binned(along, top[:, 2], first, int(np.floor(high / BIN_M) - first) + 2)
        gain, k, end = _best_bin(sums, limits)
        if gain <= best:
            continue
        middle = (k + end) / 2
        if end > k and len(under):
            beneath = _binned(under[:, 0] * n[0] + under[:, 1] * n[1], under[:, 2], first, len(sums))
            middle = _place_in_gap(sums, beneath, k, end)
        free = (first + middle) * BIN_M
        offset = _to_corner(free, corners, n, limits[5])
        if not _is_fair(along, offset, limits):
            offset = free
        if _is_fair(along, offset, limits):
            best, which, at = gain, d, offset
    return which, at


@numba.njit(cache=True, nogil=True)
def _range_of(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for v in values:
        low, high = min(low, v), max(high, v)
    return low, high


@numba.njit(cache=True, nogil=True)
def _binned(
    along: NDArray[np.float64], heights: NDArray[np.float64], first: float, n: int
) -> NDArray[np.float64]:
    """Number of points and sum of their heights before each of `n` boundaries of bins, shape (n, 2)."""
    sums = np.zeros((n, 2))
    for i in range(len(along)):
        b = min(n - 1, max(0, int(np.floor(along[i] / BIN_M) - first) + 1))
        sums[b, 0] += 1
        sums[b, 1] += heights[i]
    for b in range(1, n):
        sums[b, 0] += sums[b - 1, 0]
        sums[b, 1] += sums[b - 1, 1]
    return sums


@numba.njit(cache=True, nogil=True)
def _place_in_gap(sums: NDArray[np.float64], beneath: NDArray[np.float64], start: int, end: int) -> float:
    """Where in a gap between top points the points beneath them are explained best, as a boundary of bins.

    Beside a step the points of the lower roof lie under others and are not top points: the gap reaches over the lower
    roof, and the step is at its upper side.
    """
    last = len(sums) - 1
    left = sums[start, 1] / sums[start, 0]
    right = (sums[last, 1] - sums[start, 1]) / (sums[last, 0] - sums[start, 0])
    least, first, final = np.inf, start, end
    for k in range(start, end + 1):
        n, s = beneath[k, 0] - beneath[start, 0], beneath[k, 1] - beneath[start, 1]
        m, t = beneath[end, 0] - beneath[k, 0], beneath[end, 1] - beneath[k, 1]
        cost = (
            n * left * left - 2 * left * s + m * right * right - 2 * right * t
        )  # squares of heights cancel out
        if cost < least:
            least, first = cost, k
        if cost <= least:
            final = k
    return (first + final) / 2


@numba.njit(cache=True, nogil=True)
def _best_bin(
    binned: NDArray[np.float64], limits: tuple[float, float, float, float, float, float]
) -> tuple[float, int, int]:
    """Gain in the sum of squares, m2, of the best cut in one direction that is a step.

    With it the first and the last of the boundaries between bins that part the points in this way.
    """
    counts, sums = binned[:, 0], binned[:, 1]
    step, window, least = limits[0] * 1e4, max(1, round(limits[1] / BIN_M)), limits[2]
    last = len(counts) - 1
    best, at = 0.0, -1
    for k in range(1, last):
        n, m = counts[k], counts[last] - counts[k]
        if n < least or m < least:
            continue
        difference = sums[k] / n - (sums[last] - sums[k]) / m
        gain = n * m / (n + m) * difference * difference * 1e-8
        if gain <= best:
            continue
        low, high = max(0, k - window), min(last, k + window)
        n, m = counts[k] - counts[low], counts[high] - counts[k]
        if min(n, m) < 3 or abs((sums[k] - sums[low]) / n - (sums[high] - sums[k]) / m) < step:
            continue
        best, at = gain, k
    end = at
    while 0 <= end < last - 1 and counts[end + 1] == counts[at]:
        end += 1
    return best, at, end


@numba.njit(cache=True, nogil=True)
def _to_corner(
    offset: float, corners: NDArray[np.float64], normal: NDArray[np.float64], reach: float
) -> float:
    """The offset of the nearest corner within reach, or the offset itself."""
    nearest, found = reach, offset
    for c in range(len(corners)):
        at = corners[c, 0] * normal[0] + corners[c, 1] * normal[1]
        if abs(at - offset) < nearest:
            nearest, found = abs(at - offset), at
    return found


@numba.njit(cache=True, nogil=True)
def _is_fair(
    along: NDArray[np.float64], offset: float, limits: tuple[float, float, float, float, float, float]
) -> bool:
    """Whether a cut leaves enough points and width on both sides."""
    below = 0
    for v in along:
        below += v < offset
    low, high = _range_of(along)
    width = min(offset - low, high - offset)
    return min(below, len(along) - below) >= limits[2] and width >= limits[3]


@numba.njit(cache=True, nogil=True)
def face_sums(face: NDArray[np.int64], z: NDArray[np.float64], n_faces: int) -> NDArray[np.float64]:
    """Number of points and sum of their heights by face, shape (n_faces, 2); points outside count nowhere."""
    sums = np.zeros((n_faces, 2))
    for i in range(len(face)):
        if face[i] >= 0:
            sums[face[i], 0] += 1
            sums[face[i], 1] += z[i]
    return sums
