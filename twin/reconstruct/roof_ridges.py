"""Small gabled parts (dormers) in points that no plane explains: both slopes at once, alike and mirrored.

Each slope of a dormer has a handful of points, too few for a plane of its own. Together they have only three unknowns
once the direction of the ridge is taken from the outline: where it runs, how high, and how steep both sides are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.reconstruct.roof_plane_kernels import Labelled

STEP_M = 0.1
"""Ridges are tried at multiples of this."""

GENTLEST, STEEPEST = 0.25, 2.5
WIDEST_M = 6.0
LEAST_ON_A_SIDE = 2
LEAST_SHARE = 0.7
"""Share of the points of a cluster that both slopes together must explain."""


@numba.njit(cache=True, nogil=True)
def find_ridged(
    points: Labelled, directions: NDArray[np.float64], tolerance: float, least: int
) -> NDArray[np.float64]:
    """Pairs of mirrored planes in clusters of points without a label, which are given theirs; shape (m, 3).

    Parameters
    ----------
    directions : array, shape (d, 2)
        Unit vectors across which ridges are looked for.
    least : int
        Points that a pair must explain.
    """
    xyz, _, label = points
    cluster, n_clusters = _clusters(points)
    planes = np.empty((2 * n_clusters, 3))
    known = label.max() + 1 if len(label) else 0
    found = 0
    for c in range(n_clusters):
        own = np.flatnonzero(cluster == c)
        if len(own) < least or not _is_narrow(xyz, own):
            continue
        n, d, ridge = _best_ridge(xyz, own, directions, tolerance)
        if n < max(least, LEAST_SHARE * len(own)) or n < _on_one_plane(xyz, own, tolerance) + 2:
            continue
        u, v = directions[d, 0], directions[d, 1]
        at, top, slope = ridge
        for side in (0, 1):
            s = slope if side == 0 else -slope
            planes[found + side, 0], planes[found + side, 1] = s * u, s * v
            planes[found + side, 2] = top - s * at
        for i in own:
            t = xyz[i, 0] * u + xyz[i, 1] * v
            if abs(xyz[i, 2] - top + slope * abs(t - at)) <= tolerance * np.sqrt(1 + slope * slope):
                label[i] = known + found + (0 if t < at else 1)
        found += 2
    return planes[:found].copy()


@numba.njit(cache=True, nogil=True)
def _clusters(points: Labelled) -> tuple[NDArray[np.int64], int]:
    """Number of the connected set of each point without a label, -1 for the others."""
    _, near, label = points
    n = len(label)
    cluster, stack = np.full(n, -1, np.int64), np.empty(n, np.int64)
    found = 0
    for i in range(n):
        if label[i] >= 0 or cluster[i] >= 0:
            continue
        stack[0], size = i, 1
        cluster[i] = found
        while size:
            size -= 1
            j = stack[size]
            for q in range(near.shape[1]):
                k = near[j, q]
                if k >= 0 and label[k] < 0 and cluster[k] < 0:
                    cluster[k] = found
                    stack[size] = k
                    size += 1
        found += 1
    return cluster, found


@numba.njit(cache=True, nogil=True)
def _is_narrow(xyz: NDArray[np.float64], own: NDArray[np.int64]) -> bool:
    low_x = low_y = np.inf
    high_x = high_y = -np.inf
    for i in own:
        low_x, high_x = min(low_x, xyz[i, 0]), max(high_x, xyz[i, 0])
        low_y, high_y = min(low_y, xyz[i, 1]), max(high_y, xyz[i, 1])
    return bool(max(high_x - low_x, high_y - low_y) <= WIDEST_M)


@numba.njit(cache=True, nogil=True)
def _best_ridge(
    xyz: NDArray[np.float64], own: NDArray[np.int64], directions: NDArray[np.float64], tolerance: float
) -> tuple[int, int, tuple[float, float, float]]:
    """Number of points that the best ridge explains; its direction; place across, height, slope of both sides."""
    best, count, row, ridge = 0.0, 0, 0, (0.0, 0.0, 0.0)
    t = np.empty(len(own))
    for d in range(len(directions)):
        low, high = np.inf, -np.inf
        for q in range(len(own)):
            t[q] = xyz[own[q], 0] * directions[d, 0] + xyz[own[q], 1] * directions[d, 1]
            low, high = min(low, t[q]), max(high, t[q])
        for step in range(3, int((high - low) / STEP_M) - 2):
            at = low + step * STEP_M
            n, score, top, slope = _fit_ridge(xyz, own, t, at, tolerance)
            if score > best:
                best, count, row, ridge = score, n, d, (at, top, slope)
    return count, row, ridge


@numba.njit(cache=True, nogil=True)
def _fit_ridge(
    xyz: NDArray[np.float64], own: NDArray[np.int64], t: NDArray[np.float64], at: float, tolerance: float
) -> tuple[int, float, float, float]:
    """Both slopes fitted about a ridge, in three turns without what lies off: points, score, height, slope."""
    top, slope, reach = 0.0, 0.0, np.inf
    n, score = 0, 0.0
    for _ in range(4):
        m = su = sz = suu = suz = 0.0
        n, score, left = 0, 0.0, 0
        for q in range(len(own)):
            u, z = abs(t[q] - at), xyz[own[q], 2]
            off = abs(z - top + slope * u)
            if off > reach:
                continue
            n += 1
            left += t[q] < at
            score += 1.0 - (off / reach) ** 2
            m, su, sz, suu, suz = m + 1, su + u, sz + z, suu + u * u, suz + u * z
        if min(left, n - left) < LEAST_ON_A_SIDE:
            return 0, 0.0, 0.0, 0.0
        spread = suu - su * su / m + 1e-6
        new_slope = -(suz - su * sz / m) / spread
        top, slope = (sz + new_slope * su) / m, new_slope
        reach = tolerance * np.sqrt(1 + slope * slope)
    if not GENTLEST <= slope <= STEEPEST:
        return 0, 0.0, 0.0, 0.0
    return n, score, top, slope


@numba.njit(cache=True, nogil=True)
def _on_one_plane(xyz: NDArray[np.float64], own: NDArray[np.int64], tolerance: float) -> int:
    """How many points of a cluster a level plane or a tilted one through three of them explains at most."""
    best = 0
    n = len(own)
    for i in range(n):
        level = 0
        for q in own:
            level += abs(xyz[q, 2] - xyz[own[i], 2]) <= tolerance
        best = max(best, level)
        j, k = own[(i + n // 3) % n], own[(i + 2 * n // 3) % n]
        ax, ay, az = xyz[j, 0] - xyz[own[i], 0], xyz[j, 1] - xyz[own[i], 1], xyz[j, 2] - xyz[own[i], 2]
        bx, by, bz = xyz[k, 0] - xyz[own[i], 0], xyz[k, 1] - xyz[own[i], 1], xyz[k, 2] - xyz[own[i], 2]
        det = ax * by - ay * bx
        if abs(det) < 0.3:
            continue
        gx, gy = (az * by - ay * bz) / det, (ax * bz - az * bx) / det
        tilted = 0
        reach = tolerance * np.sqrt(1 + gx * gx + gy * gy)
        for q in own:
            dz = gx * (xyz[q, 0] - xyz[own[i], 0]) + gy * (xyz[q, 1] - xyz[own[i], 1])
            tilted += abs(xyz[q, 2] - xyz[own[i], 2] - dz) <= reach
        best = max(best, tilted)
    return best
