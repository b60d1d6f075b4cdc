"""Defects of solids with cavities (codes 401 to 404): how their shells lie to one another."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numba
import numpy as np

from twin.reconstruct.plane_geometry import (
    CROSSING,
    INSIDE,
    TOUCH_M,
    dropped_axis,
    segment_relation,
    side_of_ring,
    without_axis,
)
from twin.reconstruct.validity_faces import length_of, newell_normal, offset_from_plane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WITHIN, ON_SURFACE, BEYOND = 1, 0, -1


def check_arrangement(meshes: Sequence[NDArray[np.float64]]) -> set[int]:
    """Codes 401 to 404 of shells that are sound themselves, the outer one first.

    Parameters
    ----------
    meshes : sequence of arrays, shape (m, 3, 3)
        Triangles of each shell by their corners, metres, near the origin.
    """
    found = set()
    for (i, one), (_, two) in combinations(enumerate(meshes), 2):
        code = _pair_code(one, two, is_outer=i == 0)
        if code:
            found.add(code)
    if not found and _contact_goes_round(meshes):
        found.add(404)
    return found


def _pair_code(one: NDArray[np.float64], two: NDArray[np.float64], *, is_outer: bool) -> int:
    if _corner_set(one) == _corner_set(two):
        return 402
    if shells_cross(one, two):
        return 401
    sides = {int(s) for s in sides_of_shell(_probes(two), one)}
    if {WITHIN, BEYOND} <= sides:
        return 401
    if is_outer:
        return 0 if WITHIN in sides else 403
    nested = WITHIN in sides or WITHIN in {int(s) for s in sides_of_shell(_probes(one), two)}
    return 401 if nested else 0


def _corner_set(mesh: NDArray[np.float64]) -> set[tuple[float, ...]]:
    return {tuple(p) for p in np.round(mesh.reshape(-1, 3), 3)}


def _probes(mesh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners, and middles of triangles: where corners touch the other shell these still tell the side."""
    return np.concatenate([np.unique(mesh.reshape(-1, 3), axis=0), mesh.mean(axis=1)])


def _contact_goes_round(meshes: Sequence[NDArray[np.float64]]) -> bool:
    """Whether edges along which shells touch close to a ring: what lies on both sides of it is then not connected."""
    edges: set[tuple[tuple[float, ...], tuple[float, ...]]] = set()
    for i, mesh in enumerate(meshes):
        for j, other in enumerate(meshes):
            if i != j:
                edges |= _edges_on(mesh, other)
    root: dict[tuple[float, ...], tuple[float, ...]] = {}

    def find(p: tuple[float, ...]) -> tuple[float, ...]:
        while root.setdefault(p, p) != p:
            p = root[p]
        return p

    for a, b in sorted(edges):
        if find(a) == find(b):
            return True
        root[find(a)] = find(b)
    return False


def _edges_on(
    mesh: NDArray[np.float64], other: NDArray[np.float64]
) -> set[tuple[tuple[float, ...], tuple[float, ...]]]:
    a, b = mesh.reshape(-1, 3), mesh[:, [1, 2, 0]].reshape(-1, 3)
    on = np.ones(len(a), np.bool_)
    for share in (0.0, 0.5, 1.0):
        on &= sides_of_shell(a + share * (b - a), other) == ON_SURFACE
    ends = [(tuple(p), tuple(q)) for p, q in zip(np.round(a[on], 3), np.round(b[on], 3), strict=True)]
    return {(min(e), max(e)) for e in ends}


@numba.njit(cache=True, nogil=True)
def sides_of_shell(points: NDArray[np.float64], mesh: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each point 1 within a closed shell, 0 on it, -1 beyond it, shape (n,).

    By the solid angle under which its triangles are seen, of either orientation.

    References
    ----------
    Van Oosterom & Strackee (1983), The solid angle of a plane triangle, IEEE Trans. Biomed. Eng. 30(2), 125-126.
    """
    sides = np.empty(len(points), np.int64)
    for i in range(len(points)):
        p, angle, touching = points[i], 0.0, False
        for t in range(len(mesh)):
            normal = newell_normal(mesh[t])
            normal /= max(length_of(normal), 1e-300)
            if abs(offset_from_plane(p, mesh[t, 0], normal)) <= TOUCH_M:
                axis = dropped_axis(normal)
                flat = without_axis(np.concatenate((mesh[t], points[i : i + 1])), axis)
                touching |= side_of_ring(flat[3], flat[:3]) >= 0
            angle += _solid_angle(mesh[t, 0] - p, mesh[t, 1] - p, mesh[t, 2] - p)
        sides[i] = ON_SURFACE if touching else (WITHIN if abs(angle) > 2 * np.pi else BEYOND)
    return sides


@numba.njit(cache=True, nogil=True)
def _solid_angle(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> float:
    la, lb, lc = length_of(a), length_of(b), length_of(c)
    triple = (
        a[0] * (b[1] * c[2] - b[2] * c[1])
        + a[1] * (b[2] * c[0] - b[0] * c[2])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
    )
    ab = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    bc = b[0] * c[0] + b[1] * c[1] + b[2] * c[2]
    ca = c[0] * a[0] + c[1] * a[1] + c[2] * a[2]
    return 2.0 * np.arctan2(triple, la * lb * lc + ab * lc + bc * la + ca * lb)


@numba.njit(cache=True, nogil=True)
def shells_cross(one: NDArray[np.float64], two: NDArray[np.float64]) -> bool:
    """Whether triangles of two shells pierce one another or share part of a plane; touching is allowed."""
    for t in range(len(one)):
        for u in range(len(two)):
            if (
                _pierces(one[t], two[u])
                or _pierces(two[u], one[t])
                or _share_area(one[t], two[u])
            ):  # fmt: skip
                return True
    return False


@numba.njit(cache=True, nogil=True)
def _pierces(one: NDArray[np.float64], two: NDArray[np.float64]) -> bool:
    """Whether an edge of the first triangle passes through the inside of the second."""
    normal = newell_normal(two)
    normal /= max(length_of(normal), 1e-300)
    for k in range(3):
        a, b = one[k - 1], one[k]
        a_off, b_off = offset_from_plane(a, two[0], normal), offset_from_plane(b, two[0], normal)
        if min(a_off, b_off) < -TOUCH_M and max(a_off, b_off) > TOUCH_M:
            corners = np.empty((4, 3))
            corners[:3] = two
            corners[3] = a + (b - a) * (a_off / (a_off - b_off))
            flat = without_axis(corners, dropped_axis(normal))
            if side_of_ring(flat[3], flat[:3]) == INSIDE:
                return True
    return False


@numba.njit(cache=True, nogil=True)
def _share_area(one: NDArray[np.float64], two: NDArray[np.float64]) -> bool:
    normal = newell_normal(two)
    normal /= max(length_of(normal), 1e-300)
    for k in range(3):
        if abs(offset_from_plane(one[k], two[0], normal)) > TOUCH_M:
            return False
    axis = dropped_axis(normal)
    p, q = without_axis(one, axis), without_axis(two, axis)
    for i in range(3):
        for j in range(3):
            if segment_relation(p[i - 1], p[i], q[j - 1], q[j]) == CROSSING:
                return True
    middle_p, middle_q = (p[0] + p[1] + p[2]) / 3, (q[0] + q[1] + q[2]) / 3
    return side_of_ring(middle_p, q) == INSIDE or side_of_ring(middle_q, p) == INSIDE
