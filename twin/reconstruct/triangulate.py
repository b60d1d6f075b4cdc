"""Faces of solids cut into triangles, every corner used, so that a watertight solid gives a watertight mesh.

Ear clipping in compiled code, over the faces of one solid or of a whole city at once. The usual library for this
(Mapbox's earcut) drops corners that lie straight between their neighbours, as the walls of stepped roofs have
them on their vertical edges; the mesh then has a crack where the next wall keeps the corner. Here such corners
are kept: an ear whose cut would run through one is refused.

References
----------
Meisters (1975), Polygons have ears, American Mathematical Monthly 82(6), 648-651.
Eberly (2002), Triangulation by ear clipping (holes joined to the outer ring by bridges).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from twin.core.mesh import Solid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_TOUCH_M = 2e-8
"""A corner this close to a line lies on it: over the rounding of map coordinates, and over what counts as contact
in `twin.reconstruct.plane_geometry`, so that no corner is in contact with a triangle that passes it by."""

_WALL_SHARE = 0.2
"""A face whose normal rises less than this (one of more than 78 degrees) is seen from the side."""

_UPRIGHT_M = 0.001
_BEST_EAR_LIMIT = 64
"""Up to this many corners the shortest cut is looked for; beyond, the next one that is allowed."""

CORNER, BEFORE, AFTER = 0, 1, 2
GONE = -1


def triangulate(solid: Solid) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Triangles over the vertices of a solid, and the face that each belongs to.

    Parameters
    ----------
    solid : Solid
        Or many in one, see `join_solids`.

    Returns
    -------
    triangles : array, shape (m, 3)
        Indices into ``solid.vertices``, counter-clockwise seen from outside.
    face : array, shape (m,)
        Index of the face.

    Examples
    --------
    >>> from twin.core.mesh import Solid
    >>> square = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    >>> one = np.array([0, 1], np.int32)
    >>> sheet = Solid(square, np.arange(4, dtype=np.int32), one * 4, one, np.zeros(1, np.uint8))
    >>> triangles, face = triangulate(sheet)
    >>> triangles.tolist(), face.tolist()
    ([[0, 1, 2], [0, 2, 3]], [0, 0])
    """
    return triangulate_faces(solid.vertices, solid.corners, solid.ring_starts, solid.face_starts)


def join_solids(solids: Sequence[Solid]) -> tuple[Solid, NDArray[np.int32]]:
    """Many solids as one, and for each of its faces the index of the solid that it came from."""
    if not solids:
        none = np.zeros(1, np.int32)
        return Solid(np.empty((0, 3)), none[:0], none, none, none[:0].astype(np.uint8)), none[:0]
    n_vertices = np.cumsum([0] + [len(s.vertices) for s in solids])
    n_corners = np.cumsum([0] + [len(s.corners) for s in solids])
    n_rings = np.cumsum([0] + [len(s.ring_starts) - 1 for s in solids])
    joined = Solid(
        vertices=np.concatenate([s.vertices for s in solids]),
        corners=_shifted([s.corners for s in solids], n_vertices),
        ring_starts=_shifted([s.ring_starts[:-1] for s in solids], n_corners, last=True),
        face_starts=_shifted([s.face_starts[:-1] for s in solids], n_rings, last=True),
        surface=np.concatenate([s.surface for s in solids]),
    )
    return joined, np.repeat(np.arange(len(solids), dtype=np.int32), [s.n_faces for s in solids])


def _shifted(
    parts: list[NDArray[np.int32]], offsets: NDArray[np.int64], *, last: bool = False
) -> NDArray[np.int32]:
    moved = [part + offset for part, offset in zip(parts, offsets, strict=False)]
    return np.concatenate([*moved, offsets[-1:]] if last else moved).astype(np.int32)


@numba.njit(cache=True, nogil=True)
def triangulate_faces(
    vertices: NDArray[np.float64],
    corners: NDArray[np.int32],
    ring_starts: NDArray[np.int32],
    face_starts: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Triangles of the faces given as arrays; see `triangulate`."""
    n_faces = len(face_starts) - 1
    n_holes = len(ring_starts) - 1 - n_faces
    limit = max(0, len(corners) + 2 * max(0, n_holes) - 2 * n_faces) + 2 * n_faces
    triangles = np.empty((limit, 3), np.int32)
    face_of = np.empty(limit, np.int32)
    n = 0
    for f in range(n_faces):
        first, last = face_starts[f], face_starts[f + 1]
        if last <= first:
            continue
        before = n
        c0, c1 = ring_starts[first], ring_starts[last]
        plane = _flatten(vertices, corners, c0, ring_starts[first + 1], c1)
        if last - first == 1 and c1 - c0 == 3:
            for i in range(3):
                triangles[n, i] = corners[c0 + i]
            n += 1
        elif last - first > 1 or c1 - c0 != 4 or not _halve_quad(plane, corners, c0, triangles, n):
            n = _clip_face(plane, ring_starts[first : last + 1], triangles, n)
            for k in range(before, n):
                for i in range(3):
                    triangles[k, i] = corners[c0 + triangles[k, i]]
        else:
            n += 2
        face_of[before:n] = f
    return triangles[:n], face_of[:n]


@numba.njit(cache=True, nogil=True)
def _flatten(
    vertices: NDArray[np.float64], corners: NDArray[np.int32], start: int, outer_end: int, end: int
) -> NDArray[np.float64]:
    """The corners of a face in two dimensions, its outer ring counter-clockwise.

    Seen from above, or, where it is nearly a wall, along the axis nearest to its normal (Newell's sum): roofs are
    drawn on a plan, so only there do corners along a straight wall lie straight; in a view from the side the rounding
    of their heights folds slivers over the wall. Steep faces that are not plane may have an upright edge, which cannot
    be seen from above. Coordinates are taken from the first corner.
    """
    origin = vertices[corners[start]]
    nx = ny = nz = 0.0
    for i in range(start, outer_end):
        p, q = vertices[corners[i]], vertices[corners[i + 1 if i + 1 < outer_end else start]]
        nx += (p[1] - q[1]) * (p[2] + q[2] - 2 * origin[2])
        ny += (p[2] - q[2]) * (p[0] + q[0] - 2 * origin[0])
        nz += (p[0] - q[0]) * (p[1] + q[1] - 2 * origin[1])
    u, v, positive = 0, 1, nz > 0
    steepness = max(abs(nx), abs(ny))
    if abs(nz) < _WALL_SHARE * steepness or (
        abs(nz) < steepness and _has_upright(vertices, corners[start:end])
    ):
        u, v, positive = (1, 2, nx > 0) if abs(nx) > abs(ny) else (2, 0, ny > 0)
    if not positive:
        u, v = v, u
    plane = np.empty((end - start, 2), np.float64)
    for i in range(start, end):
        plane[i - start, 0] = vertices[corners[i], u] - origin[u]
        plane[i - start, 1] = vertices[corners[i], v] - origin[v]
    return plane


@numba.njit(cache=True, nogil=True)
def _has_upright(vertices: NDArray[np.float64], corners: NDArray[np.int32]) -> bool:
    """Whether two corners that follow one another are one above the other."""
    for i in range(len(corners)):
        p, q = vertices[corners[i - 1]], vertices[corners[i]]
        flat = (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2
        if flat < _UPRIGHT_M * _UPRIGHT_M and abs(p[2] - q[2]) > _UPRIGHT_M:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _turn(plane: NDArray[np.float64], a: int, b: int, c: int) -> float:
    """Twice the signed area of three corners; positive when they turn left."""
    return (plane[b, 0] - plane[a, 0]) * (plane[c, 1] - plane[a, 1]) - (plane[b, 1] - plane[a, 1]) * (
        plane[c, 0] - plane[a, 0]
    )


@numba.njit(cache=True, nogil=True)
def _squared(plane: NDArray[np.float64], a: int, b: int) -> float:
    return (plane[a, 0] - plane[b, 0]) ** 2 + (plane[a, 1] - plane[b, 1]) ** 2


@numba.njit(cache=True, nogil=True)
def _halve_quad(
    plane: NDArray[np.float64], corners: NDArray[np.int32], c0: int, triangles: NDArray[np.int32], n: int
) -> bool:
    """Cut four corners along the diagonal that leaves the larger smallest triangle, if one can be cut."""
    by_02 = min(_turn(plane, 0, 1, 2), _turn(plane, 0, 2, 3))
    by_13 = min(_turn(plane, 0, 1, 3), _turn(plane, 1, 2, 3))
    if max(by_02, by_13) <= _TOUCH_M * _TOUCH_M:
        return False
    shift = 0 if by_02 >= by_13 else 1
    for k in range(2):
        triangles[n + k, 0] = corners[c0 + shift]
        triangles[n + k, 1] = corners[c0 + shift + 1 + k]
        triangles[n + k, 2] = corners[c0 + (shift + 2 + k) % 4]
    return True


@numba.njit(cache=True, nogil=True)
def _clip_face(
    plane: NDArray[np.float64], rings: NDArray[np.int32], triangles: NDArray[np.int32], n: int
) -> int:
    """Triangles of a face with any number of corners and holes, counting corners from its first.

    The count of all triangles after it is returned.
    """
    loop = _bridge_holes(plane, rings)
    left, at = len(loop), 0
    blunt = np.arange(left)
    n_blunt = _keep_blunt(plane, loop, blunt, left)
    while left >= 3:
        ear = _find_ear(plane, loop, blunt[:n_blunt], at, left)
        before, after = loop[ear, BEFORE], loop[ear, AFTER]
        a, b, c = loop[before, CORNER], loop[ear, CORNER], loop[after, CORNER]
        if not (_same(plane, a, b) or _same(plane, b, c) or _same(plane, c, a)):
            triangles[n, 0], triangles[n, 1], triangles[n, 2] = a, b, c
            n += 1
        loop[before, AFTER], loop[after, BEFORE], loop[ear, AFTER] = after, before, GONE
        left, at = left - 1, loop[after, AFTER] if left > _BEST_EAR_LIMIT else after
        n_blunt = _keep_blunt(plane, loop, blunt, n_blunt)
    return n


@numba.njit(cache=True, nogil=True)
def _keep_blunt(
    plane: NDArray[np.float64], loop: NDArray[np.int64], blunt: NDArray[np.int64], n_candidates: int
) -> int:
    """Keep of the candidates those that do not turn left: no others can stand in the way of an ear."""
    n = 0
    for k in range(n_candidates):
        i = blunt[k]
        if loop[i, AFTER] == GONE:
            continue
        a, b, c = loop[loop[i, BEFORE], CORNER], loop[i, CORNER], loop[loop[i, AFTER], CORNER]
        if _turn(plane, a, b, c) <= _TOUCH_M * np.sqrt(max(_squared(plane, a, b), _squared(plane, b, c))):
            blunt[n] = i
            n += 1
    return n


@numba.njit(cache=True, nogil=True)
def _find_ear(
    plane: NDArray[np.float64], loop: NDArray[np.int64], blunt: NDArray[np.int64], at: int, left: int
) -> int:
    """The place to cut off next: the allowed one with the shortest cut, or the next allowed one of many.

    A corner whose neighbours stand on one place comes first: a hole that touches another ring leaves such a tail,
    the way back along the way there. Where none is allowed (the face is not simple) the one that turns left most
    is taken, so that the work ends.
    """
    shortest, best, widest, last_resort = np.inf, -1, -np.inf, at
    i = at
    for _ in range(left):
        a, b, c = loop[loop[i, BEFORE], CORNER], loop[i, CORNER], loop[loop[i, AFTER], CORNER]
        if _same(plane, a, b) or _same(plane, b, c) or _same(plane, a, c):
            return i
        turn = _turn(plane, a, b, c)
        if turn > widest:
            widest, last_resort = turn, i
        length = _squared(plane, a, c)
        if length < shortest and _is_ear(plane, loop, blunt, i):
            shortest, best = length, i
            if left > _BEST_EAR_LIMIT:
                return best
        i = loop[i, AFTER]
    return best if best >= 0 else last_resort


@numba.njit(cache=True, nogil=True)
def _is_ear(plane: NDArray[np.float64], loop: NDArray[np.int64], blunt: NDArray[np.int64], i: int) -> bool:
    """Whether the triangle at a place holds no other corner, on its boundary neither."""
    before, after = loop[i, BEFORE], loop[i, AFTER]
    a, b, c = loop[before, CORNER], loop[i, CORNER], loop[after, CORNER]
    ab, bc, ca = _squared(plane, a, b), _squared(plane, b, c), _squared(plane, c, a)
    if _turn(plane, a, b, c) <= _TOUCH_M * np.sqrt(max(ab, bc, ca)):
        return False
    ab, bc, ca = -_TOUCH_M * np.sqrt(ab), -_TOUCH_M * np.sqrt(bc), -_TOUCH_M * np.sqrt(ca)
    for j in blunt:
        p = loop[j, CORNER]
        if (
            j != before  # noqa: PLR1714 (a tuple costs time in compiled code)
            and j != after
            and _turn(plane, a, b, p) >= ab
            and _turn(plane, b, c, p) >= bc
            and _turn(plane, c, a, p) >= ca
            and not _is_harmless_copy(plane, loop, j, i)
        ):
            return False
    return True


@numba.njit(cache=True, nogil=True)
def _is_harmless_copy(plane: NDArray[np.float64], loop: NDArray[np.int64], j: int, ear: int) -> bool:
    """Whether a corner stands on the place of an ear's corner and its edges leave the ear empty.

    A bridge to a hole passes its ends twice, and rings may touch: the same place is then there again. It is
    harmless as long as neither of the two edges at that second corner runs into the triangle.
    """
    a, b, c = loop[loop[ear, BEFORE], CORNER], loop[ear, CORNER], loop[loop[ear, AFTER], CORNER]
    p, q, r = loop[j, CORNER], loop[loop[j, BEFORE], CORNER], loop[loop[j, AFTER], CORNER]
    if _same(plane, p, a):
        return not (_enters(plane, a, b, c, q) or _enters(plane, a, b, c, r))
    if _same(plane, p, b):
        return not (_enters(plane, b, c, a, q) or _enters(plane, b, c, a, r))
    if _same(plane, p, c):
        return not (_enters(plane, c, a, b, q) or _enters(plane, c, a, b, r))
    return False


@numba.njit(cache=True, nogil=True)
def _enters(plane: NDArray[np.float64], corner: int, one: int, two: int, q: int) -> bool:
    """Whether the way from a triangle's corner towards `q` starts between its edges to `one` and `two`."""
    return _turn(plane, corner, one, q) > 0.0 and _turn(plane, corner, two, q) < 0.0


@numba.njit(cache=True, nogil=True)
def _bridge_holes(plane: NDArray[np.float64], rings: NDArray[np.int32]) -> NDArray[np.int64]:
    """Places in one loop, each with its corner and the places before and after it.

    Each hole is joined to the loop by a way there and back. It leads from the hole's last corner in the order of x,
    then y, to one that comes later in that order: so it cannot meet a hole that is still to come.
    """
    n_rings = len(rings) - 1
    order = np.empty(rings[n_rings] - rings[0] + 2 * (n_rings - 1), np.int64)
    length = int(rings[1] - rings[0])
    for k in range(length):
        order[k] = k
    waiting = np.ones(n_rings, np.bool_)
    for _ in range(1, n_rings):
        ring, start = -1, -1
        for r in range(1, n_rings):
            if waiting[r]:
                for i in range(rings[r] - rings[0], rings[r + 1] - rings[0]):
                    if start < 0 or _is_later(plane, i, start):
                        ring, start = r, i
        waiting[ring] = False
        first, size = int(rings[ring] - rings[0]), int(rings[ring + 1] - rings[ring])
        hole = np.empty(size, np.int64)
        for k in range(size):
            hole[k] = first + (start - first + k) % size
        length = _splice(plane, order, length, hole)
    loop = np.empty((length, 3), np.int64)
    for k in range(length):
        loop[k, CORNER] = order[k]
        loop[k, BEFORE], loop[k, AFTER] = (k - 1) % length, (k + 1) % length
    return loop


@numba.njit(cache=True, nogil=True)
def _is_later(plane: NDArray[np.float64], i: int, j: int) -> bool:
    return plane[i, 0] > plane[j, 0] or (plane[i, 0] == plane[j, 0] and plane[i, 1] > plane[j, 1])


@numba.njit(cache=True, nogil=True)
def _splice(
    plane: NDArray[np.float64], order: NDArray[np.int64], length: int, hole: NDArray[np.int64]
) -> int:
    """Insert a hole where its first corner sees the loop; the new length is returned."""
    nearest, at = np.inf, 0
    for k in range(length):
        d = _squared(plane, hole[0], order[k])
        if d < nearest and _sees(plane, order[:length], k, hole):
            nearest, at = d, k
    size = len(hole)
    touching = _same(plane, order[at], hole[0])
    extra = size if touching else size + 2
    for k in range(length - 1, at, -1):
        order[k + extra] = order[k]
    skipped = 1 if touching else 0
    for k in range(extra - 1):
        order[at + 1 + k] = hole[(k + skipped) % size]
    order[at + extra] = order[at]
    return length + extra


@numba.njit(cache=True, nogil=True)
def _sees(plane: NDArray[np.float64], order: NDArray[np.int64], k: int, hole: NDArray[np.int64]) -> bool:
    """Whether a bridge may lead from a hole's first corner to the corner at place `k` of the loop."""
    p, length = order[k], len(order)
    one, two = order[(k - 1) % length], order[(k + 1) % length]
    if _same(plane, p, hole[0]):
        return _is_between(plane, p, two, one, hole[1]) and _is_between(plane, p, two, one, hole[-1])
    if _is_later(plane, hole[0], p) or not _is_between(plane, p, two, one, hole[0]):
        return False
    for i in range(length):
        a, b = order[i], order[(i + 1) % length]
        if not _same(plane, a, p) and not _same(plane, b, p) and _blocks(plane, hole[0], p, a, b):
            return False
    return True


@numba.njit(cache=True, nogil=True)
def _is_between(plane: NDArray[np.float64], p: int, two: int, one: int, q: int) -> bool:
    """Whether `q` lies inside the corner at `p`, turning left from its way out to its way back."""
    if _turn(plane, one, p, two) > 0.0:
        return _turn(plane, p, two, q) > 0.0 and _turn(plane, one, p, q) > 0.0
    return _turn(plane, p, two, q) > 0.0 or _turn(plane, one, p, q) > 0.0


@numba.njit(cache=True, nogil=True)
def _same(plane: NDArray[np.float64], a: int, b: int) -> bool:
    return plane[a, 0] == plane[b, 0] and plane[a, 1] == plane[b, 1]


@numba.njit(cache=True, nogil=True)
def _blocks(plane: NDArray[np.float64], p: int, q: int, a: int, b: int) -> bool:
    """Whether the edge from `a` to `b` crosses or touches the way from `p` to `q`."""
    d1, d2 = _turn(plane, a, b, p), _turn(plane, a, b, q)
    d3, d4 = _turn(plane, p, q, a), _turn(plane, p, q, b)
    if d1 == 0.0 and d2 == 0.0:
        lo = max(min(plane[p, 0], plane[q, 0]), min(plane[a, 0], plane[b, 0]))
        hi = min(max(plane[p, 0], plane[q, 0]), max(plane[a, 0], plane[b, 0]))
        lo2 = max(min(plane[p, 1], plane[q, 1]), min(plane[a, 1], plane[b, 1]))
        hi2 = min(max(plane[p, 1], plane[q, 1]), max(plane[a, 1], plane[b, 1]))
        return lo <= hi and lo2 <= hi2
    if d1 == 0.0 and d3 * d4 <= 0.0:
        return d2 < 0.0  # the hole touches this edge from inside: what lies to its left can be seen
    return d1 * d2 <= 0.0 and d3 * d4 <= 0.0
