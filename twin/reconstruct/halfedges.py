"""Walks over the edges of a plane partition: what lies around a vertex, and rings along a face.

An edge ``e`` from vertex ``a`` to ``b`` has two halves: ``2 e`` leads from ``a`` to ``b`` with the left face on its
left, ``2 e + 1`` leads back with the right face on its left. Edges are rows ``(a, b, left, right)`` as
`twin.reconstruct.partition.partition_edges` gives them; face -1 is the outside.

References
----------
Muller & Preparata (1978), Finding the intersection of two convex polyhedra, Theor. Comput. Sci. 7(2), 217-236
(the doubly connected edge list).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@numba.njit(cache=True, nogil=True)
def origins(edges: NDArray[np.int32]) -> NDArray[np.int64]:
    """Vertex from which each half-edge leads, shape (2 n_edges,)."""
    tails = np.empty(2 * len(edges), np.int64)
    for e in range(len(edges)):
        tails[2 * e], tails[2 * e + 1] = edges[e, 0], edges[e, 1]
    return tails


@numba.njit(cache=True, nogil=True)
def left_faces(edges: NDArray[np.int32]) -> NDArray[np.int64]:
    """Face to the left of each half-edge, -1 for the outside, shape (2 n_edges,)."""
    faces = np.empty(2 * len(edges), np.int64)
    for e in range(len(edges)):
        faces[2 * e], faces[2 * e + 1] = edges[e, 2], edges[e, 3]
    return faces


@numba.njit(cache=True, nogil=True)
def around_vertices(
    vertices: NDArray[np.float64], edges: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Half-edges that lead away from each vertex, counter-clockwise.

    Returns
    -------
    starts : array, shape (n_vertices + 1,)
        Vertex ``v`` owns ``outgoing[starts[v]:starts[v + 1]]``.
    outgoing : array, shape (2 n_edges,)
        Half-edges. The sector between one and the next belongs to the face left of the first.
    """
    tails = origins(edges)
    starts = np.zeros(len(vertices) + 1, np.int64)
    for h in range(len(tails)):
        starts[tails[h] + 1] += 1
    starts = np.cumsum(starts)
    filled = starts[:-1].copy()
    outgoing = np.empty(len(tails), np.int64)
    angle = np.empty(len(tails), np.float64)
    for h in range(len(tails)):
        v, w = tails[h], tails[h ^ 1]
        a = np.arctan2(vertices[w, 1] - vertices[v, 1], vertices[w, 0] - vertices[v, 0])
        k = filled[v]
        while k > starts[v] and angle[k - 1] > a:
            angle[k], outgoing[k] = angle[k - 1], outgoing[k - 1]
            k -= 1
        angle[k], outgoing[k] = a, h
        filled[v] += 1
    return starts, outgoing


@numba.njit(cache=True, nogil=True)
def next_half_edges(starts: NDArray[np.int64], outgoing: NDArray[np.int64]) -> NDArray[np.int64]:
    """The half-edge that follows each along the boundary of the face to its left, shape (2 n_edges,)."""
    following = np.empty(len(outgoing), np.int64)
    for v in range(len(starts) - 1):
        for k in range(starts[v], starts[v + 1]):
            before = k - 1 if k > starts[v] else starts[v + 1] - 1
            following[outgoing[k] ^ 1] = outgoing[before]
    return following


@numba.njit(cache=True, nogil=True)
def trace_rings(
    edges: NDArray[np.int32], following: NDArray[np.int64], n_vertices: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rings of half-edges around every face but the outside, none of them passing a vertex twice.

    Where a boundary touches itself in a vertex, what lies between the two visits becomes a ring of its own: a hole
    that touches its outer ring there.

    Returns
    -------
    halves : array
        Half-edges of one ring after the other; each leads away from the corner that it stands for.
    starts : array, shape (n_rings + 1,)
        Ring ``r`` owns ``halves[starts[r]:starts[r + 1]]``.
    """
    tails, faces = origins(edges), left_faces(edges)
    done = np.zeros(len(tails), np.bool_)
    place = np.full(n_vertices, -1, np.int64)
    stack = np.empty(len(tails), np.int64)
    halves, starts = np.empty(len(tails), np.int64), np.zeros(len(tails) + 1, np.int64)
    n, n_rings = 0, 0
    for first in range(len(tails)):
        if done[first] or faces[first] < 0:
            continue
        depth, h = 0, first
        while True:
            closing = done[h]
            v = tails[h]
            if place[v] >= 0:  # back at a vertex of the walk: everything since then is a ring
                back = place[v]
                for k in range(back, depth):
                    halves[n] = stack[k]
                    place[tails[stack[k]]] = -1
                    n += 1
                depth = back
                n_rings += 1
                starts[n_rings] = n
            if closing:
                break
            done[h] = True
            place[v], stack[depth] = depth, h
            depth += 1
            h = following[h]
    return halves[:n], starts[: n_rings + 1]


@numba.njit(cache=True, nogil=True)
def ring_areas(
    vertices: NDArray[np.float64], corners: NDArray[np.int64], starts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Signed area of each ring of vertices, positive counter-clockwise."""
    areas = np.zeros(len(starts) - 1, np.float64)
    for r in range(len(areas)):
        o = vertices[corners[starts[r]]]
        for k in range(starts[r], starts[r + 1]):
            p = vertices[corners[k]]
            q = vertices[corners[k + 1 if k + 1 < starts[r + 1] else starts[r]]]
            areas[r] += ((p[0] - o[0]) * (q[1] - o[1]) - (q[0] - o[0]) * (p[1] - o[1])) / 2
    return areas
