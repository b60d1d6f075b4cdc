"""Compiled steps of giving roof points their planes: the cheapest label, moments by label, what each plane is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from twin.reconstruct.roof_plane_kernels import N_MOMENTS, add_point, off_plane, point_cost

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.reconstruct.roof_plane_kernels import Labelled

_ASKED = 400
"""Of planes with more points than this only a part of them is asked."""


@numba.njit(cache=True, nogil=True)
def relabel(points: Labelled, planes: NDArray[np.float64], tolerance: float, smoothness: float) -> int:
    """Give each point the label among its neighbours' that costs least, in place; returns how many changed.

    A point costs the square of its distance from its plane over the tolerance, at most 1, which is also the cost of
    no label; and the smoothness for the share of neighbours with another label.
    """
    near, label = points.near, points.label
    limits = (tolerance, smoothness)
    changed = 0
    for i in range(len(label)):
        best, cost = label[i], _cost_at(points, planes, i, label[i], limits)
        for q in range(near.shape[1] + 1):
            candidate = -1 if q == near.shape[1] else (label[near[i, q]] if near[i, q] >= 0 else -1)
            if candidate == best:
                continue
            other = _cost_at(points, planes, i, candidate, limits)
            if other < cost - 1e-12:
                best, cost = candidate, other
        changed += best != label[i]
        label[i] = best
    return changed


@numba.njit(cache=True, nogil=True)
def _cost_at(
    points: Labelled, planes: NDArray[np.float64], i: int, candidate: int, limits: tuple[float, float]
) -> float:
    cost = point_cost(planes[candidate], points.xyz[i], limits[0]) if candidate >= 0 else 1.0
    other, k = 0, points.near.shape[1]
    for q in range(k):
        j = points.near[i, q]
        other += j >= 0 and points.label[j] != candidate
    return cost + limits[1] * other / k


@numba.njit(cache=True, nogil=True)
def gather_moments(
    xyz: NDArray[np.float64], label: NDArray[np.int64], planes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Moments of the points of each plane that lie within its tolerance, shape (m, 10)."""
    sums = np.zeros((len(planes), N_MOMENTS))
    for i in range(len(xyz)):
        if label[i] >= 0 and abs(off_plane(planes[label[i]], xyz[i])) <= planes[label[i], 3]:
            add_point(sums[label[i]], xyz[i, 0], xyz[i, 1], xyz[i, 2], 1.0)
    return sums


@numba.njit(cache=True, nogil=True)
def free_outliers(xyz: NDArray[np.float64], label: NDArray[np.int64], planes: NDArray[np.float64]) -> None:
    """Take their labels from points beyond the tolerance of their plane, in place."""
    for i in range(len(xyz)):
        if label[i] >= 0 and abs(off_plane(planes[label[i]], xyz[i])) > planes[label[i], 3]:
            label[i] = -1


@numba.njit(cache=True, nogil=True)
def worth_of_planes(
    xyz: NDArray[np.float64],
    label: NDArray[np.int64],
    planes: NDArray[np.float64],
    touches: NDArray[np.bool_],
    tolerance: float,
) -> NDArray[np.float64]:
    """What it would cost the points of each plane to take the planes that it touches, or none, shape (m,).

    Of a large plane every so manieth point is asked.
    """
    worth = np.zeros(len(planes))
    count, turn = np.zeros(len(planes), np.int64), np.zeros(len(planes), np.int64)
    for k in label:
        if k >= 0:
            count[k] += 1
    for i in range(len(xyz)):
        own = label[i]
        if own < 0:
            continue
        every = 1 + count[own] // _ASKED
        turn[own] += 1
        if turn[own] % every != 0:
            continue
        other = 1.0
        for k in range(len(planes)):
            if touches[own, k] and k != own:
                other = min(other, point_cost(planes[k], xyz[i], tolerance))
        worth[own] += every * (other - point_cost(planes[own], xyz[i], tolerance))
    return worth


@numba.njit(cache=True, nogil=True)
def touching(near: NDArray[np.int64], label: NDArray[np.int64], n_labels: int) -> NDArray[np.int64]:
    """How often points of two labels are neighbours, shape (n_labels, n_labels)."""
    count = np.zeros((n_labels, n_labels), np.int64)
    for i in range(len(near)):
        if label[i] < 0:
            continue
        for q in range(near.shape[1]):
            j = near[i, q]
            if j >= 0 and label[j] >= 0 and label[j] != label[i]:
                count[label[i], label[j]] += 1
                count[label[j], label[i]] += 1
    return count
