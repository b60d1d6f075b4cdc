"""Compiled steps of the tree that divides roofs: directions, the best cut of a cell, sums by face."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numba
import numpy as np

from twin.reconstruct.order import rising_order
from twin.reconstruct.roof_points import BESIDE_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Limits: TypeAlias = tuple[float, float, float, float, float, float, float, float]

BIN_M = 0.1
"""Cuts are looked for at multiples of this."""

CLEAR_M = 0.2
"""Points this near to a cut may be of the other side: they do not tell its step."""

LEAST_IN_WINDOW = 4
_HOLD_CM = 15.0
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
    limits: Limits,
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
        sum of squares, m2; distance over which a cut is drawn to a corner, metres; width of the strips in which the
        step is looked for, and least length of it, metres.

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
        across = top[:, 1] * n[0] - top[:, 0] * n[1]
        strips = _in_strips(along, across, top[:, 2], (first, limits[6]), len(sums))
        gain, k, end = _best_bin(sums, strips, limits)
        if gain <= best:
            continue
        beneath = _binned(under[:, 0] * n[0] + under[:, 1] * n[1], under[:, 2], first, len(sums))
        middle = _place(sums + beneath, k, end)
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
def _place(sums: NDArray[np.float64], start: int, end: int) -> float:
    """Where near a cut between two boundaries of bins all points are explained best, those under others too.

    Beside a step the points of the lower roof lie under others and are not of the top: the top alone would draw the
    step to the lower side, by half the distance within which points count as under others.
    """
    last, near = len(sums) - 1, round(BESIDE_M / BIN_M)
    most, first, final = -1.0, start, end
    for k in range(max(1, start - near), min(last - 1, end + near) + 1):
        n, m = sums[k, 0], sums[last, 0] - sums[k, 0]
        if min(n, m) < 1:
            continue
        gain = n * m / (n + m) * (sums[k, 1] / n - (sums[last, 1] - sums[k, 1]) / m) ** 2
        if gain > most:
            most, first = gain, k
        if gain >= most:
            final = k
    return (first + final) / 2


@numba.njit(cache=True, nogil=True)
def _best_bin(
    binned: NDArray[np.float64], strips: NDArray[np.float64], limits: Limits
) -> tuple[float, int, int]:
    """Gain in the sum of squares, m2, of the best cut in one direction that has a step.

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
        if _step_length(strips, k, window, step) * limits[6] >= limits[7]:
            best, at = gain, k
    end = at
    while 0 <= end < last - 1 and counts[end + 1] == counts[at]:
        end += 1
    return best, at, end


@numba.njit(cache=True, nogil=True)
def _in_strips(
    along: NDArray[np.float64],
    across: NDArray[np.float64],
    heights: NDArray[np.float64],
    first_and_width: tuple[float, float],
    n: int,
) -> NDArray[np.float64]:
    """Sums before each boundary of bins in strips that run across the cuts, shape (n_strips, n, 5)."""
    first, width = first_and_width
    low, high = _range_of(across)
    n_strips = int((high - low) / width) + 1
    sums = np.zeros((n_strips, n, 5))
    for i in range(len(along)):
        s, b = int((across[i] - low) / width), int(np.floor(along[i] / BIN_M) - first) + 1
        _add_moments(sums[s, b], along[i] - first * BIN_M, heights[i])
    for s in range(n_strips):
        for b in range(1, n):
            for j in range(5):
                sums[s, b, j] += sums[s, b - 1, j]
    return sums


@numba.njit(cache=True, nogil=True)
def _add_moments(sums: NDArray[np.float64], distance_m: float, z: float) -> None:
    """Add a point to the sums of 1, t, t t, z and t z, with t in whole centimetres: exact in any order."""
    t = np.rint(100 * distance_m)
    sums[0] += 1.0
    sums[1] += t
    sums[2] += t * t
    sums[3] += z
    sums[4] += t * z


@numba.njit(cache=True, nogil=True)
def line_at(sums: NDArray[np.float64], distance_m: float) -> float:
    """Height at a distance of the line fitted to points given by their sums; slopes are held back a little."""
    n, t = sums[0], 100 * distance_m
    mean_t, mean_z = sums[1] / n, sums[3] / n
    spread = sums[2] - n * mean_t * mean_t + n * _HOLD_CM * _HOLD_CM
    return mean_z + (sums[4] - n * mean_t * mean_z) / spread * (t - mean_t)


@numba.njit(cache=True, nogil=True)
def _step_length(strips: NDArray[np.float64], k: int, window: int, step: float) -> int:
    """Number of strips in which the lines through the points on either side of a cut meet it a step apart."""
    n_strips, n = strips.shape[0], strips.shape[1]
    low, high = max(0, k - window), min(n - 1, k + window)
    left, right, clear = np.empty(5), np.empty(5), round(CLEAR_M / BIN_M)
    found = 0
    for s in range(n_strips):
        for j in range(5):
            left[j] = strips[s, max(low, k - clear), j] - strips[s, low, j]
            right[j] = strips[s, high, j] - strips[s, min(high, k + clear), j]
        if min(left[0], right[0]) >= LEAST_IN_WINDOW:
            found += abs(line_at(left, k * BIN_M) - line_at(right, k * BIN_M)) >= step
    return found


@numba.njit(cache=True, nogil=True)
def border_sums(
    vertices: NDArray[np.float64],
    edges: NDArray[np.int32],
    points: NDArray[np.float64],
    face: NDArray[np.int64],
    reach_and_faces: tuple[float, int],
) -> NDArray[np.float64]:
    """Sums as `line_at` takes them of the points of each face along its borders, shape (n_faces, n_faces, 5).

    Entry ``[i, j]`` is of points of face ``i`` straight beside its border with face ``j``, within reach; distances are
    from the border. The nearest half metre is left out: there points of the lower face are missing from the top, and
    a border that is drawn a little off has points of the other face.
    """
    reach, n_faces = reach_and_faces
    sums = np.zeros((n_faces, n_faces, 5))
    for e in range(len(edges)):
        left, right = edges[e, 2], edges[e, 3]
        if right < 0:
            continue
        ax, ay = vertices[edges[e, 0], 0], vertices[edges[e, 0], 1]
        ux, uy = vertices[edges[e, 1], 0] - ax, vertices[edges[e, 1], 1] - ay
        length = np.sqrt(ux * ux + uy * uy)
        ux, uy = ux / length, uy / length
        for i in range(len(points)):
            if face[i] != left and face[i] != right:
                continue
            px, py = points[i, 0] - ax, points[i, 1] - ay
            away = abs(px * uy - py * ux)
            if 0 <= px * ux + py * uy <= length and BESIDE_M <= away <= reach:
                other = right if face[i] == left else left
                _add_moments(sums[face[i], other], away, points[i, 2])
    return sums


@numba.njit(cache=True, nogil=True)
def border_steps(beside: NDArray[np.float64], i: int) -> NDArray[np.float64]:
    """Step between a face and each other one where they meet, in the unit of heights; -1 where too few points tell."""
    steps = np.full(len(beside), -1.0)
    for j in range(len(beside)):
        if min(beside[i, j, 0], beside[j, i, 0]) >= LEAST_IN_WINDOW:
            steps[j] = abs(line_at(beside[i, j], 0.0) - line_at(beside[j, i], 0.0))
    return steps


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
def _is_fair(along: NDArray[np.float64], offset: float, limits: Limits) -> bool:
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
