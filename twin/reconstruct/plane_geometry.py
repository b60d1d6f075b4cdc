"""How points, segments and rings of a plane lie to one another, told with one tolerance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOUCH_M = 1e-8
"""Nearer than this is contact: ten times the rounding of map coordinates up to 10,000 km in double precision."""

APART, TOUCHING, CROSSING, OVERLAPPING = 0, 1, 2, 3
OUTSIDE, ON, INSIDE = -1, 0, 1


@numba.njit(cache=True, nogil=True)
def offset_from_line(p: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Distance of a point to the left of the line from `a` to `b`; from `a` itself where the two are one."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = np.sqrt(dx * dx + dy * dy)
    if length == 0.0:
        return np.sqrt((p[0] - a[0]) ** 2 + (p[1] - a[1]) ** 2)
    return (dx * (p[1] - a[1]) - dy * (p[0] - a[0])) / length


@numba.njit(cache=True, nogil=True)
def segment_relation(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]
) -> int:
    """How the segments ``ab`` and ``cd`` lie: apart, touching in a point, crossing inside both, or overlapping."""
    c_off, d_off = offset_from_line(c, a, b), offset_from_line(d, a, b)
    if abs(c_off) <= TOUCH_M and abs(d_off) <= TOUCH_M:
        return _relation_on_line(a, b, c, d)
    if min(c_off, d_off) > TOUCH_M or max(c_off, d_off) < -TOUCH_M:
        return APART
    a_off, b_off = offset_from_line(a, c, d), offset_from_line(b, c, d)
    if min(a_off, b_off) > TOUCH_M or max(a_off, b_off) < -TOUCH_M:
        return APART
    nearest = min(abs(a_off), abs(b_off), abs(c_off), abs(d_off))
    return CROSSING if nearest > TOUCH_M else TOUCHING


@numba.njit(cache=True, nogil=True)
def _relation_on_line(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]
) -> int:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = max(np.sqrt(dx * dx + dy * dy), TOUCH_M)
    to_c = ((c[0] - a[0]) * dx + (c[1] - a[1]) * dy) / length
    to_d = ((d[0] - a[0]) * dx + (d[1] - a[1]) * dy) / length
    shared = min(max(to_c, to_d), length) - max(min(to_c, to_d), 0.0)
    if shared > TOUCH_M:
        return OVERLAPPING
    return TOUCHING if shared >= -TOUCH_M else APART


@numba.njit(cache=True, nogil=True)
def is_on_segment(p: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether a point lies on a segment."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    px, py = p[0] - a[0], p[1] - a[1]
    squared = dx * dx + dy * dy
    share = min(1.0, max(0.0, (px * dx + py * dy) / squared)) if squared > 0.0 else 0.0
    return (px - share * dx) ** 2 + (py - share * dy) ** 2 <= TOUCH_M * TOUCH_M


@numba.njit(cache=True, nogil=True)
def side_of_ring(p: NDArray[np.float64], ring: NDArray[np.float64]) -> int:
    """Whether a point lies inside a ring, on it or outside."""
    inside = False
    for i in range(len(ring)):
        a, b = ring[i - 1], ring[i]
        if is_on_segment(p, a, b):
            return ON
        if (a[1] > p[1]) != (b[1] > p[1]) and p[0] < a[0] + (p[1] - a[1]) * (b[0] - a[0]) / (b[1] - a[1]):
            inside = not inside
    return INSIDE if inside else OUTSIDE


@numba.njit(cache=True, nogil=True)
def signed_area(ring: NDArray[np.float64]) -> float:
    """Area of a ring, positive counter-clockwise."""
    twice = 0.0
    for i in range(len(ring)):
        a, b, o = ring[i - 1], ring[i], ring[0]
        twice += (a[0] - o[0]) * (b[1] - o[1]) - (b[0] - o[0]) * (a[1] - o[1])
    return twice / 2


@numba.njit(cache=True, nogil=True)
def dropped_axis(normal: NDArray[np.float64]) -> int:
    """The axis along which a plane with this normal is seen most from the front."""
    x, y, z = abs(normal[0]), abs(normal[1]), abs(normal[2])
    if x > y and x > z:
        return 0
    return 1 if y > z else 2


@numba.njit(cache=True, nogil=True)
def without_axis(points: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Points of space, shape (n, 3), in two dimensions."""
    flat = np.empty((len(points), 2), np.float64)
    u, v = (axis + 1) % 3, (axis + 2) % 3
    for i in range(len(points)):
        flat[i, 0], flat[i, 1] = points[i, u], points[i, v]
    return flat
