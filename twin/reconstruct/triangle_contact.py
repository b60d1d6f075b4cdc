"""Triangles of space that meet where they should not (code 306), in compiled code.

References
----------
Möller (1997), A fast triangle-triangle intersection test, Journal of Graphics Tools 2(2), 25-30.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from twin.reconstruct.order import rising_order
from twin.reconstruct.plane_geometry import (
    APART,
    INSIDE,
    OVERLAPPING,
    TOUCH_M,
    dropped_axis,
    offset_from_line,
    segment_relation,
    side_of_ring,
    without_axis,
)
from twin.reconstruct.validity_faces import length_of, newell_normal, offset_from_plane, unit_vector

if TYPE_CHECKING:
    from numpy.typing import NDArray


@numba.njit(cache=True, nogil=True)
def has_self_contact(
    vertices: NDArray[np.float64], triangles: NDArray[np.int32], face: NDArray[np.int32], thin_m: float
) -> bool:
    """Whether faces of a shell meet other than in the corners and edges that they share.

    Parameters
    ----------
    vertices : array, shape (n, 3)
        Small coordinates, metres.
    triangles : array, shape (m, 3)
        Vertices after snapping, so that shared corners have one index.
    face : array, shape (m,)
        Triangles of one face are not compared.
    thin_m : float
        Triangles lower than this are lines, and left out: which of two faces such a sliver belongs to is a matter of
        rounding, and both may claim it.
    """
    low, high = np.empty((len(triangles), 3)), np.empty((len(triangles), 3))
    for t in range(len(triangles)):
        for axis in range(3):
            a, b = vertices[triangles[t, 0], axis], vertices[triangles[t, 1], axis]
            c = vertices[triangles[t, 2], axis]
            low[t, axis], high[t, axis] = min(a, b, c) - TOUCH_M, max(a, b, c) + TOUCH_M
    thin = np.empty(len(triangles), np.bool_)
    for t in range(len(triangles)):
        thin[t] = lowest_height(vertices, triangles[t]) < thin_m
    order = rising_order(low[:, 0].copy())
    for k in range(len(order)):
        t = order[k]
        if thin[t]:
            continue
        for m in range(k + 1, len(order)):
            u = order[m]
            if low[u, 0] > high[t, 0]:
                break
            if (
                face[t] != face[u]
                and not thin[u]
                and low[u, 1] <= high[t, 1]
                and low[t, 1] <= high[u, 1]
                and low[u, 2] <= high[t, 2]
                and low[t, 2] <= high[u, 2]
                and triangles_meet(vertices, triangles[t], triangles[u])
            ):
                return True
    return False


@numba.njit(cache=True, nogil=True)
def lowest_height(vertices: NDArray[np.float64], triangle: NDArray[np.int32]) -> float:
    """Height of a triangle over its longest side."""
    points, longest = np.empty((3, 3)), 0.0
    for i in range(3):
        for j in range(3):
            points[i, j] = vertices[triangle[i], j]
    for i in range(3):
        p, q = points[i - 1], points[i]
        longest = max(longest, (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2)
    return length_of(newell_normal(points)) / max(np.sqrt(longest), 1e-300)


@numba.njit(cache=True, nogil=True)
def triangles_meet(vertices: NDArray[np.float64], one: NDArray[np.int32], two: NDArray[np.int32]) -> bool:
    """Whether two triangles have a point in common beyond the vertices and the edge that they share."""
    # Shared vertices come first, in the same order in both.
    p, q = np.empty((3, 3)), np.empty((3, 3))
    shared = _with_shared_first(vertices, one, two, p, q)
    if shared == 3:
        return True
    normal_p, normal_q = _unit_normal(p), _unit_normal(q)
    q_off, p_off = _offsets(q, p[0], normal_p), _offsets(p, q[0], normal_q)
    if min(q_off) > TOUCH_M or max(q_off) < -TOUCH_M or min(p_off) > TOUCH_M or max(p_off) < -TOUCH_M:
        return False
    coplanar = (max(q_off) <= TOUCH_M and min(q_off) >= -TOUCH_M) or (
        max(p_off) <= TOUCH_M and min(p_off) >= -TOUCH_M
    )
    if coplanar:
        axis = dropped_axis(normal_p)
        return _overlap_in_plane(without_axis(p, axis), without_axis(q, axis), shared)
    if shared == 2:
        return False
    first = 1 if shared else 0  # the edge 1-2 is opposite the shared vertex; the others start in it
    for k in range(first, 3 if shared == 0 else 2):
        if _segment_meets(p[k], p[(k + 1) % 3], q, normal_q) or _segment_meets(
            q[k], q[(k + 1) % 3], p, normal_p
        ):
            return True
    if shared == 1:
        for k in (1, 2):
            if (abs(p_off[k]) <= TOUCH_M and _runs_into(p[0], p[k], q, normal_q)) or (
                abs(q_off[k]) <= TOUCH_M and _runs_into(q[0], q[k], p, normal_p)
            ):
                return True
    return False


@numba.njit(cache=True, nogil=True)
def _with_shared_first(
    vertices: NDArray[np.float64],
    one: NDArray[np.int32],
    two: NDArray[np.int32],
    p: NDArray[np.float64],
    q: NDArray[np.float64],
) -> int:
    shared = 0
    for i in range(3):
        if one[i] in (two[0], two[1], two[2]):
            _copy(vertices[one[i]], p[shared])
            _copy(vertices[one[i]], q[shared])
            shared += 1
    n, m = shared, shared
    for i in range(3):
        if one[i] not in (two[0], two[1], two[2]):
            _copy(vertices[one[i]], p[n])
            n += 1
        if two[i] not in (one[0], one[1], one[2]):
            _copy(vertices[two[i]], q[m])
            m += 1
    return shared


@numba.njit(cache=True, nogil=True)
def _copy(source: NDArray[np.float64], target: NDArray[np.float64]) -> None:
    for i in range(3):
        target[i] = source[i]


@numba.njit(cache=True, nogil=True)
def _unit_normal(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return unit_vector(newell_normal(points))


@numba.njit(cache=True, nogil=True)
def _offsets(
    points: NDArray[np.float64], origin: NDArray[np.float64], normal: NDArray[np.float64]
) -> NDArray[np.float64]:
    off = np.empty(len(points))
    for i in range(len(points)):
        off[i] = offset_from_plane(points[i], origin, normal)
    return off


@numba.njit(cache=True, nogil=True)
def _overlap_in_plane(p: NDArray[np.float64], q: NDArray[np.float64], shared: int) -> bool:
    """The same question in two dimensions, shared corners first."""
    if shared == 2:
        return offset_from_line(p[2], p[0], p[1]) * offset_from_line(q[2], p[0], p[1]) > 0.0
    for i in range(3):
        for j in range(3):
            relation = segment_relation(p[i], p[(i + 1) % 3], q[j], q[(j + 1) % 3])
            both_from_shared = shared == 1 and i != 1 and j != 1
            if relation == OVERLAPPING or (relation != APART and not both_from_shared):
                return True
    inside = False
    for i in range(shared, 3):
        inside |= side_of_ring(p[i], q) == INSIDE or side_of_ring(q[i], p) == INSIDE
    return inside


@numba.njit(cache=True, nogil=True)
def _segment_meets(
    a: NDArray[np.float64], b: NDArray[np.float64], triangle: NDArray[np.float64], normal: NDArray[np.float64]
) -> bool:
    """Whether a segment touches or pierces a triangle."""
    a_off, b_off = offset_from_plane(a, triangle[0], normal), offset_from_plane(b, triangle[0], normal)
    if min(a_off, b_off) > TOUCH_M or max(a_off, b_off) < -TOUCH_M:
        return False
    axis = dropped_axis(normal)
    flat = without_axis(triangle, axis)
    if abs(a_off) <= TOUCH_M and abs(b_off) <= TOUCH_M:
        ends = _two_points(a, b, axis)
        for k in range(3):
            if segment_relation(ends[0], ends[1], flat[k - 1], flat[k]) != APART:
                return True
        return side_of_ring(ends[0], flat) == INSIDE
    point = np.empty((1, 3))
    share = min(1.0, max(0.0, a_off / (a_off - b_off)))
    for i in range(3):
        point[0, i] = a[i] + (b[i] - a[i]) * share
    return side_of_ring(without_axis(point, axis)[0], flat) >= 0


@numba.njit(cache=True, nogil=True)
def _two_points(a: NDArray[np.float64], b: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    points = np.empty((2, 3))
    _copy(a, points[0])
    _copy(b, points[1])
    return without_axis(points, axis)


@numba.njit(cache=True, nogil=True)
def _runs_into(
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    triangle: NDArray[np.float64],
    normal: NDArray[np.float64],
) -> bool:
    """Whether a segment in a triangle's plane, starting in its first corner, has more of it than that corner."""
    axis = dropped_axis(normal)
    flat = without_axis(triangle, axis)
    ends = _two_points(start, end, axis)
    return (
        side_of_ring(ends[1], flat) >= 0
        or segment_relation(ends[0], ends[1], flat[1], flat[2]) != APART
        or segment_relation(ends[0], ends[1], flat[0], flat[1]) == OVERLAPPING
        or segment_relation(ends[0], ends[1], flat[0], flat[2]) == OVERLAPPING
    )
