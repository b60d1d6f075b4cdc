"""Compiled steps of finding planes in roof points: neighbours, local planes, growth, labels, what is worth a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np

from twin.reconstruct.order import rising_order
from twin.reconstruct.roof_points import into_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_MOMENTS = 10
_HOLD = 1e-3
"""Holds slopes back where points stand in a row, m2 per point."""

_SAME_SLOPE = 0.35
_SEED_POINTS = 6
_ROUGH_COST = 0.25
"""Added to the cost of a point for each doubling of its plane's tolerance."""

_STEEPEST = 3.0


class Labelled(NamedTuple):
    """Points, their neighbours and their planes, which compiled code passes on as one."""

    xyz: NDArray[np.float64]
    near: NDArray[np.int64]
    """Nearest other points of each, shape (n, k), -1 where there are fewer."""
    label: NDArray[np.int64]
    """Plane of each, -1 for none."""


class Work(NamedTuple):
    """Memory that growing a region needs, made once for many."""

    stamp: NDArray[np.int64]
    members: NDArray[np.int64]
    mark: NDArray[np.int64]
    """The last mark on a stamp."""
    nothing: tuple[NDArray[np.float64], NDArray[np.float64]]
    """Local planes that say nothing."""


class Shape(NamedTuple):
    """What a plane may be: the direction of its slope, see `fit_moments`, and how far off its points may lie."""

    direction: NDArray[np.float64]
    tolerance: float


@numba.njit(cache=True, nogil=True)
def nearest_points(xyz: NDArray[np.float64], k: int, cell_m: float) -> NDArray[np.int64]:
    """The `k` nearest other points in plan among those within about a cell, shape (n, k); -1 where there are fewer."""
    starts, members, cell = into_cells(xyz, cell_m)
    row, n = cell[len(xyz)], len(xyz)
    found = np.full((n, k), -1, np.int64)
    near = np.empty(k, np.float64)
    for i in range(n):
        m = 0
        for dy in (-row, 0, row):
            for q in range(starts[cell[i] + dy - 1], starts[cell[i] + dy + 2]):
                j = members[q]
                if j == i:
                    continue
                d = (xyz[j, 0] - xyz[i, 0]) ** 2 + (xyz[j, 1] - xyz[i, 1]) ** 2
                if m == k and d >= near[k - 1]:
                    continue
                p = min(m, k - 1)
                while p > 0 and near[p - 1] > d:
                    near[p], found[i, p] = near[p - 1], found[i, p - 1]
                    p -= 1
                near[p], found[i, p] = d, j
                m = min(m + 1, k)
    return found


@numba.njit(cache=True, nogil=True)
def add_point(sums: NDArray[np.float64], x: float, y: float, z: float, weight: float) -> None:
    """Add a point to the moments 1, x, y, z, xx, xy, yy, xz, yz, zz; a weight of -1 takes it away."""
    sums[0] += weight
    sums[1] += weight * x
    sums[2] += weight * y
    sums[3] += weight * z
    sums[4] += weight * x * x
    sums[5] += weight * x * y
    sums[6] += weight * y * y
    sums[7] += weight * x * z
    sums[8] += weight * y * z
    sums[9] += weight * z * z


@numba.njit(cache=True, nogil=True)
def fit_moments(
    sums: NDArray[np.float64], direction: NDArray[np.float64], plane: NDArray[np.float64]
) -> float:
    """Fit a plane to moments; returns the sum of squares left.

    Parameters
    ----------
    sums : array, shape (10,)
        See `add_point`.
    direction : array, shape (2,)
        Unit vector along which alone the plane may rise; zeros: any; NaN: it is level.
    plane : array, shape (3,)
        ``(a, b, c)``, written.
    """
    n = sums[0]
    mx, my, mz = sums[1] / n, sums[2] / n, sums[3] / n
    xx, xy, yy = sums[4] - n * mx * mx, sums[5] - n * mx * my, sums[6] - n * my * my
    xz, yz, zz = sums[7] - n * mx * mz, sums[8] - n * my * mz, sums[9] - n * mz * mz
    u, v = direction[0], direction[1]
    a = b = 0.0
    if u == 0.0 and v == 0.0:
        hold = _HOLD * n
        det = (xx + hold) * (yy + hold) - xy * xy
        a, b = ((yy + hold) * xz - xy * yz) / det, ((xx + hold) * yz - xy * xz) / det
    elif not np.isnan(u):
        s = (u * xz + v * yz) / (u * u * xx + 2 * u * v * xy + v * v * yy + _HOLD * n)
        a, b = s * u, s * v
    plane[0], plane[1], plane[2] = a, b, mz - a * mx - b * my
    left = zz - 2 * (a * xz + b * yz) + a * a * xx + 2 * a * b * xy + b * b * yy
    return max(0.0, left)


@numba.njit(cache=True, nogil=True)
def local_planes(
    xyz: NDArray[np.float64], near: NDArray[np.int64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The plane through each point's `k` nearest and itself, shape (n, 3), and the distance from it, rms, (n,)."""
    n = len(xyz)
    planes, rms = np.zeros((n, 3)), np.full(n, np.inf)
    sums, free = np.empty(N_MOMENTS), np.zeros(2)
    for i in range(n):
        sums[:] = 0.0
        add_point(sums, 0.0, 0.0, 0.0, 1.0)
        for q in range(k):
            j = near[i, q]
            if j >= 0:
                add_point(sums, xyz[j, 0] - xyz[i, 0], xyz[j, 1] - xyz[i, 1], xyz[j, 2] - xyz[i, 2], 1.0)
        if sums[0] < 4:
            continue
        left = fit_moments(sums, free, planes[i])
        steep = 1.0 + planes[i, 0] ** 2 + planes[i, 1] ** 2
        rms[i] = np.sqrt(left / (sums[0] - 3) / steep)
        planes[i, 2] += xyz[i, 2] - planes[i, 0] * xyz[i, 0] - planes[i, 1] * xyz[i, 1]
    return planes, rms


@numba.njit(cache=True, nogil=True)
def off_plane(plane: NDArray[np.float64], p: NDArray[np.float64]) -> float:
    """Distance of a point from a plane, square to it, signed upwards."""
    dz = p[2] - plane[0] * p[0] - plane[1] * p[1] - plane[2]
    return float(dz / np.sqrt(1.0 + plane[0] ** 2 + plane[1] ** 2))


@numba.njit(cache=True, nogil=True)
def point_cost(plane: NDArray[np.float64], p: NDArray[np.float64], tolerance: float) -> float:
    """What a point costs in a plane: square of the distance over the plane's tolerance, and more for a rough one.

    At most 1, as much as a point without a plane.
    """
    rough = _ROUGH_COST * np.log2(plane[3] / tolerance)
    return float(min(1.0, (off_plane(plane, p) / plane[3]) ** 2 + rough))


@numba.njit(cache=True, nogil=True)
def _spread(
    points: Labelled,
    local: tuple[NDArray[np.float64], NDArray[np.float64]],
    region: tuple[NDArray[np.int64], int, NDArray[np.int64], int],
    plane: NDArray[np.float64],
    shape: Shape,
) -> int:
    """Grow a region from its first members over points without a label; returns its size."""
    xyz, near, label = points
    members, n, stamp, mark = region
    sums = np.zeros(N_MOMENTS)
    for q in range(n):
        p = xyz[members[q]]
        add_point(sums, p[0], p[1], p[2], 1.0)
    at, refit = 0, max(2 * n, 8)
    while at < n:
        i = members[at]
        at += 1
        for q in range(near.shape[1]):
            j = near[i, q]
            if j < 0 or label[j] >= 0 or stamp[j] == mark or abs(off_plane(plane, xyz[j])) > shape.tolerance:
                continue
            if local[1][j] < shape.tolerance / 2 and _turns(plane, local[0][j]):
                continue
            stamp[j] = mark
            members[n] = j
            n += 1
            add_point(sums, xyz[j, 0], xyz[j, 1], xyz[j, 2], 1.0)
            if n >= refit:
                fit_moments(sums, shape.direction, plane)
                refit = n + n // 2
    fit_moments(sums, shape.direction, plane)
    return n


@numba.njit(cache=True, nogil=True)
def _turns(plane: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether two planes differ clearly in slope, judged more leniently where it is steep."""
    turn = (other[0] - plane[0]) ** 2 + (other[1] - plane[1]) ** 2
    return bool(turn > _SAME_SLOPE**2 * (1.0 + plane[0] ** 2 + plane[1] ** 2) ** 2)


@numba.njit(cache=True, nogil=True)
def _drop_far(
    xyz: NDArray[np.float64],
    members: NDArray[np.int64],
    size: int,
    plane: NDArray[np.float64],
    tolerance: float,
) -> int:
    """Move the members that lie in the plane to the front; returns how many there are."""
    kept = 0
    for q in range(size):
        if abs(off_plane(plane, xyz[members[q]])) <= tolerance:
            members[kept] = members[q]
            kept += 1
    return kept


@numba.njit(cache=True, nogil=True)
def grow_regions(
    points: Labelled, local: tuple[NDArray[np.float64], NDArray[np.float64]], tolerance: float, least: int
) -> NDArray[np.float64]:
    """Regions of at least so many points without a label in one plane, grown from the flattest places.

    They are given their labels.

    Parameters
    ----------
    local : tuple of arrays
        See `local_planes`.

    Returns
    -------
    array, shape (m, 5)
        Plane of each region, its tolerance, and 1.
    """
    xyz, _, label = points
    n = len(xyz)
    stamp, members = np.full(n, -1, np.int64), np.empty(n, np.int64)
    shape = Shape(np.zeros(2), tolerance)
    planes = np.empty((n // max(1, least) + 1, 5))
    known = label.max() + 1 if n else 0
    found = 0
    for s in rising_order(local[1]):
        if local[1][s] > tolerance:
            break
        if label[s] >= 0:
            continue
        plane = local[0][s].copy()
        members[0], stamp[s] = s, s
        size = _spread(points, local, (members, 1, stamp, s), plane, shape)
        kept = _drop_far(xyz, members, size, plane, tolerance)
        if kept < least:
            continue
        size = _spread(points, local, (members, kept, stamp, s), plane, shape)
        for q in range(size):
            label[members[q]] = known + found
        planes[found, :3], planes[found, 3], planes[found, 4] = plane, tolerance, 1.0
        found += 1
    return planes[:found].copy()


@numba.njit(cache=True, nogil=True)
def _grow_one(
    points: Labelled, seed: int, plane: NDArray[np.float64], shape: Shape, work: Work
) -> NDArray[np.int64]:
    """Points without a label that hang together with a seed in a plane, which is refitted on the way."""
    work.mark[0] += 1
    work.members[0], work.stamp[seed] = seed, work.mark[0]
    region = (work.members, 1, work.stamp, work.mark[0])
    size = _spread(points, work.nothing, region, plane, shape)
    return work.members[: _drop_far(points.xyz, work.members, size, plane, shape.tolerance)].copy()


@numba.njit(cache=True, nogil=True)
def find_small(
    points: Labelled,
    directions: NDArray[np.float64],
    least: NDArray[np.int64],
    tolerance_and_most: tuple[float, int],
) -> NDArray[np.float64]:
    """Small planes in points without a label, which are given theirs; with their tolerance and 1, (m, 5).

    Parameters
    ----------
    directions : array, shape (d, 2)
        Along which a plane may rise: NaN for level, zeros for any.
    least : array, shape (d,)
        Points that a plane of each direction must have.
    """
    tolerance, most = tolerance_and_most
    xyz, _, label = points
    planes = np.empty((most, 5))
    known = label.max() + 1 if len(label) else 0
    found = 0
    hopeless = label >= 0
    n = len(xyz)
    nothing = np.zeros((n, 3)), np.full(n, np.inf)
    work = Work(np.zeros(n, np.int64), np.empty(n, np.int64), np.zeros(1, np.int64), nothing)
    while found < most:
        best_gain, members, plane = 0.0, np.empty(0, np.int64), np.zeros(3)
        for i in range(len(xyz)):
            if hopeless[i]:
                continue
            gain, own, own_plane = _best_at(points, i, (directions, least), tolerance, work)
            hopeless[i] = gain <= 0.0
            if gain > best_gain:
                best_gain, members, plane = gain, own, own_plane
        if best_gain <= 0.0:
            break
        for m in members:
            label[m] = known + found
            hopeless[m] = True
        planes[found, :3], planes[found, 3], planes[found, 4] = plane, tolerance, 1.0
        found += 1
    return planes[:found].copy()


@numba.njit(cache=True, nogil=True)
def _best_at(
    points: Labelled,
    i: int,
    wanted: tuple[NDArray[np.float64], NDArray[np.int64]],
    tolerance: float,
    work: Work,
) -> tuple[float, NDArray[np.int64], NDArray[np.float64]]:
    """The plane around one point that explains most points beyond what is asked of it; a gain of 0 for none."""
    (xyz, near, label), (directions, least) = points, wanted
    best, members, plane = 0.0, np.empty(0, np.int64), np.zeros(3)
    sums, tried = np.zeros(N_MOMENTS), np.empty(3)
    add_point(sums, xyz[i, 0], xyz[i, 1], xyz[i, 2], 1.0)
    for q in range(near.shape[1]):
        j = near[i, q]
        if j >= 0 and label[j] < 0 and sums[0] < _SEED_POINTS:
            add_point(sums, xyz[j, 0], xyz[j, 1], xyz[j, 2], 1.0)
    if sums[0] < 4:
        return best, members, plane
    for d in range(len(directions)):
        left = fit_moments(sums, directions[d], tried)
        if tried[0] ** 2 + tried[1] ** 2 > _STEEPEST**2 or left / sums[0] > tolerance**2:
            continue
        own = _grow_one(points, i, tried, Shape(directions[d], tolerance), work)
        if len(own) < least[d]:
            continue
        gain = float(len(own) - least[d]) + 1.0
        for m in own:
            gain -= (off_plane(tried, xyz[m]) / tolerance) ** 2
        if gain > best:
            best, members, plane = gain, own, tried.copy()
    return best, members, plane
