"""Defects of rings and polygons in space (codes 101 to 208), in compiled code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from twin.reconstruct.order import rising_order
from twin.reconstruct.plane_geometry import (
    APART,
    CROSSING,
    INSIDE,
    OUTSIDE,
    OVERLAPPING,
    TOUCH_M,
    dropped_axis,
    is_on_segment,
    segment_relation,
    side_of_ring,
    signed_area,
    without_axis,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COLLAPSED_M2 = 1e-9


@numba.njit(cache=True, nogil=True)
def snap_vertices(vertices: NDArray[np.float64], snap_m: float) -> NDArray[np.int32]:
    """For each vertex the first one within the snapping distance, shape (n,)."""
    name = np.empty(len(vertices), np.int32)
    for i in range(len(vertices)):
        name[i] = i
    order = rising_order(vertices[:, 0].copy())
    for i in range(len(order)):
        p = vertices[order[i]]
        for j in range(i - 1, -1, -1):
            q = vertices[order[j]]
            if p[0] - q[0] > snap_m:
                break
            if (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2 <= snap_m * snap_m:
                name[order[i]] = name[order[j]]
                break
    return name


@numba.njit(cache=True, nogil=True)
def newell_normal(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Twice the area vector of a ring in space, shape (3,)."""
    nx = ny = nz = 0.0
    x, y, z = points[0, 0], points[0, 1], points[0, 2]
    for i in range(len(points)):
        px, py, pz = points[i - 1, 0] - x, points[i - 1, 1] - y, points[i - 1, 2] - z
        qx, qy, qz = points[i, 0] - x, points[i, 1] - y, points[i, 2] - z
        nx += py * qz - pz * qy
        ny += pz * qx - px * qz
        nz += px * qy - py * qx
    normal = np.empty(3)
    normal[0], normal[1], normal[2] = nx, ny, nz
    return normal


@numba.njit(cache=True, nogil=True)
def length_of(v: NDArray[np.float64]) -> float:
    """Length of a vector of space."""
    return np.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])


@numba.njit(cache=True, nogil=True)
def unit_vector(v: NDArray[np.float64]) -> NDArray[np.float64]:
    """A vector of space drawn to length 1; one without length stays as it is."""
    unit, length = np.empty(3), max(length_of(v), 1e-300)
    for i in range(3):
        unit[i] = v[i] / length
    return unit


@numba.njit(cache=True, nogil=True)
def offset_from_plane(
    p: NDArray[np.float64], origin: NDArray[np.float64], normal: NDArray[np.float64]
) -> float:
    """Distance of a point from a plane with a normal of length 1, positive on the normal's side."""
    return (p[0] - origin[0]) * normal[0] + (p[1] - origin[1]) * normal[1] + (p[2] - origin[2]) * normal[2]


@numba.njit(cache=True, nogil=True)
def check_face(
    points: NDArray[np.float64],
    names: NDArray[np.int32],
    rings: NDArray[np.int32],
    plane_distance_m: float,
    hits: NDArray[np.bool_],
) -> bool:
    """Write the codes of one polygon's defects into `hits`; whether it has any is returned.

    Parameters
    ----------
    points : array, shape (k, 3)
        Its corners, ring after ring.
    names : array, shape (k,)
        Vertex that each corner snaps to.
    rings : array, shape (n_rings + 1,)
        Starts of the rings, the outer one first.
    plane_distance_m : float
        How far a corner may lie off the fitted plane.
    hits : array of bool
        Indexed by code.
    """
    if _check_corners(names, rings, hits):
        return True
    normal = newell_normal(points[: rings[1]])
    if length_of(normal) < _COLLAPSED_M2:
        hits[104] = True
        return True
    if _is_bent(points, normal, plane_distance_m):
        hits[203] = True
        return True
    if _has_twin_rings(names, rings):
        hits[202] = True
        return True
    flat = without_axis(points, dropped_axis(normal))
    touches = np.empty((64, 4), np.float64)
    n_touches, bad = _check_edges(flat, rings, touches, hits)
    if bad or len(rings) == 2:
        return bad
    return _check_holes(flat, rings, touches[:n_touches], hits)


@numba.njit(cache=True, nogil=True)
def _check_corners(names: NDArray[np.int32], rings: NDArray[np.int32], hits: NDArray[np.bool_]) -> bool:
    bad = False
    for r in range(len(rings) - 1):
        ring = names[rings[r] : rings[r + 1]]
        repeats = 0
        for i in range(len(ring)):
            repeats += ring[i] == ring[i - 1]
        if len(ring) < 3 or _has_only_two(ring):
            hits[101] = bad = True
        elif repeats:
            hits[102] = bad = True
    return bad


@numba.njit(cache=True, nogil=True)
def _has_only_two(ring: NDArray[np.int32]) -> bool:
    """Whether a ring names fewer than three vertices."""
    second = ring[0]
    for name in ring:
        if name != ring[0] and second == ring[0]:
            second = name
        if name not in (ring[0], second):
            return False
    return True


@numba.njit(cache=True, nogil=True)
def _is_bent(points: NDArray[np.float64], normal: NDArray[np.float64], tolerance: float) -> bool:
    """Whether a corner lies off the least-squares plane by more than the tolerance."""
    centre, spread = _mean_and_spread(points)
    unit = unit_vector(normal)
    squares = 0.0
    for i in range(len(points)):
        squares += offset_from_plane(points[i], centre, unit) ** 2
    if squares <= tolerance * tolerance:
        return False  # the best plane's sum of squares is no larger, so no corner is further off than that
    unit = _direction_of_least_spread(spread)
    worst = 0.0
    for i in range(len(points)):
        worst = max(worst, abs(offset_from_plane(points[i], centre, unit)))
    return worst > tolerance


@numba.njit(cache=True, nogil=True)
def _mean_and_spread(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre of points of space, and the sums of products of their offsets from it, shape (3, 3)."""
    centre, spread = np.zeros(3), np.zeros((3, 3))
    for i in range(len(points)):
        for j in range(3):
            centre[j] += points[i, j] / len(points)
    for i in range(len(points)):
        for j in range(3):
            for k in range(3):
                spread[j, k] += (points[i, j] - centre[j]) * (points[i, k] - centre[k])
    return centre, spread


@numba.njit(cache=True, nogil=True)
def _direction_of_least_spread(spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normal of the least-squares plane: eigenvector of the smallest eigenvalue, by Jacobi's rotations."""
    a, v = spread.copy(), np.eye(3)
    for sweep in range(18):
        p, q = sweep % 3, (sweep + 1) % 3
        if a[p, q] == 0.0:
            continue
        angle = 0.5 * np.arctan2(2 * a[p, q], a[q, q] - a[p, p])
        c, s = np.cos(angle), np.sin(angle)
        for k in range(3):
            a[k, p], a[k, q] = c * a[k, p] - s * a[k, q], s * a[k, p] + c * a[k, q]
        for k in range(3):
            a[p, k], a[q, k] = c * a[p, k] - s * a[q, k], s * a[p, k] + c * a[q, k]
            v[k, p], v[k, q] = c * v[k, p] - s * v[k, q], s * v[k, p] + c * v[k, q]
    least = 0
    for k in (1, 2):
        if a[k, k] < a[least, least]:
            least = k
    return v[:, least].copy()


@numba.njit(cache=True, nogil=True)
def _check_edges(
    flat: NDArray[np.float64], rings: NDArray[np.int32], touches: NDArray[np.float64], hits: NDArray[np.bool_]
) -> tuple[int, bool]:
    """Every pair of edges whose boxes meet: self-intersections (104), crossing rings (201), and where rings touch."""
    n = len(flat)
    ring_of, after = np.empty(n, np.int64), np.empty(n, np.int64)
    for r in range(len(rings) - 1):
        for i in range(rings[r], rings[r + 1]):
            ring_of[i], after[i] = r, i + 1 if i + 1 < rings[r + 1] else rings[r]
    left = _left_ends(flat, after)
    order = rising_order(left)
    n_touches, bad = 0, False
    for k in range(n):
        i = order[k]
        a, b = flat[i], flat[after[i]]
        right = max(a[0], b[0]) + TOUCH_M
        low, high = min(a[1], b[1]) - TOUCH_M, max(a[1], b[1]) + TOUCH_M
        for m in range(k + 1, n):
            j = order[m]
            if left[j] > right:
                break
            c, d = flat[j], flat[after[j]]
            if min(c[1], d[1]) > high or max(c[1], d[1]) < low:
                continue
            relation = segment_relation(a, b, c, d)
            if relation == APART:
                continue
            if ring_of[i] == ring_of[j]:
                neighbours = after[i] == j or after[j] == i
                if not neighbours or relation == OVERLAPPING:
                    hits[104] = bad = True
            elif relation in (CROSSING, OVERLAPPING):
                hits[201] = bad = True
            elif n_touches < len(touches):
                touches[n_touches, 0], touches[n_touches, 1] = ring_of[i], ring_of[j]
                point = _touching_point(a, b, c, d)
                touches[n_touches, 2], touches[n_touches, 3] = point[0], point[1]
                n_touches += 1
    return n_touches, bad


@numba.njit(cache=True, nogil=True)
def _left_ends(flat: NDArray[np.float64], after: NDArray[np.int64]) -> NDArray[np.float64]:
    left = np.empty(len(flat), np.float64)
    for i in range(len(flat)):
        left[i] = min(flat[i, 0], flat[after[i], 0])
    return left


@numba.njit(cache=True, nogil=True)
def _touching_point(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The end of one of two touching segments that lies on the other."""
    if is_on_segment(c, a, b):
        return c
    if is_on_segment(d, a, b):
        return d
    return a if is_on_segment(a, c, d) else b


@numba.njit(cache=True, nogil=True)
def _check_holes(
    flat: NDArray[np.float64], rings: NDArray[np.int32], touches: NDArray[np.float64], hits: NDArray[np.bool_]
) -> bool:
    """Where holes lie to the outer ring and to one another, and whether they cut the face apart."""
    n = len(rings) - 1
    bad = False
    outer_area = signed_area(flat[: rings[1]])
    for r in range(n):
        ring = flat[rings[r] : rings[r + 1]]
        for s in range(r + 1, n):
            other = flat[rings[s] : rings[s + 1]]
            inside, outside = _sides(other, ring)
            if inside and outside:
                hits[201] = bad = True
            elif r == 0 and not inside:
                hits[206] = bad = True
            elif r > 0 and (inside or _sides(ring, other)[0]):
                hits[207] = bad = True
        if r and signed_area(ring) * outer_area > 0:
            hits[208] = bad = True
    if not bad and _is_cut_apart(n, touches):
        hits[205] = bad = True
    return bad


@numba.njit(cache=True, nogil=True)
def _has_twin_rings(names: NDArray[np.int32], rings: NDArray[np.int32]) -> bool:
    """Whether two rings have the same corners."""
    for r in range(len(rings) - 1):
        for s in range(r + 1, len(rings) - 1):
            if _same_corners(names[rings[r] : rings[r + 1]], names[rings[s] : rings[s + 1]]):
                return True
    return False


@numba.njit(cache=True, nogil=True)
def _same_corners(one: NDArray[np.int32], two: NDArray[np.int32]) -> bool:
    if len(one) != len(two):
        return False
    for name in one:
        found = False
        for other in two:
            found |= name == other
        if not found:
            return False
    return True


@numba.njit(cache=True, nogil=True)
def _sides(ring: NDArray[np.float64], of: NDArray[np.float64]) -> tuple[bool, bool]:
    """Whether corners or middles of edges of a ring lie inside another ring, and whether outside of it."""
    inside = outside = False
    middle = np.empty(2)
    for i in range(len(ring)):
        side = side_of_ring(ring[i], of)
        inside |= side == INSIDE
        outside |= side == OUTSIDE
        middle[0], middle[1] = (ring[i - 1, 0] + ring[i, 0]) / 2, (ring[i - 1, 1] + ring[i, 1]) / 2
        side = side_of_ring(middle, of)
        inside |= side == INSIDE
        outside |= side == OUTSIDE
    return inside, outside


@numba.njit(cache=True, nogil=True)
def _is_cut_apart(n_rings: int, touches: NDArray[np.float64]) -> bool:
    """Whether rings and the points where they touch form a closed chain: its two sides are then not connected."""
    n = n_rings + len(touches)
    label = np.arange(n)
    met = np.zeros((n_rings, max(1, len(touches))), np.bool_)
    for t in range(len(touches)):
        point = t
        for u in range(t):
            if max(abs(touches[u, 2] - touches[t, 2]), abs(touches[u, 3] - touches[t, 3])) <= 2 * TOUCH_M:
                point = u
                break
        for column in (0, 1):
            r = int(touches[t, column])
            if met[r, point]:
                continue
            met[r, point] = True
            one, two = label[r], label[n_rings + point]
            if one == two:
                return True
            for i in range(n):
                if label[i] == two:
                    label[i] = one
    return False
