"""Defects of shells (codes 301 to 307 and 405), in compiled code."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numba
import numpy as np

from twin.reconstruct.order import pair_keys, rising_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]
    Mesh: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32]]


@numba.njit(cache=True, nogil=True)
def check_topology(
    rows: Rows,
    mesh: Mesh,
    n_vertices: int,
    hits: NDArray[np.bool_],
) -> bool:
    """How the faces of a shell hang together: 301, 302, 303, 305, 307; whether anything is wrong is returned.

    Parameters
    ----------
    rows : arrays
        Vertex of each corner after snapping, ring starts and face starts as in `twin.core.mesh.Solid`.
    mesh : arrays
        Triangles of the faces over the same vertices, and the face of each.
    n_vertices : int
        Names lie below this.
    hits : array of bool
        Indexed by code.
    """
    names, ring_starts, face_starts = rows
    n_faces = len(face_starts) - 1
    if n_faces < 4:
        hits[301] = True
        return True
    tail, head, face = names, _heads(names, ring_starts), _faces(ring_starts, face_starts)
    key = pair_keys(tail, head)
    order = rising_order(key)
    bad, first = False, 0
    for k in range(1, len(order) + 1):
        if k < len(order) and key[order[k]] == key[order[first]]:
            continue
        if k - first == 1:
            hits[302] = bad = True
        elif k - first > 2:
            hits[303] = bad = True
        elif tail[order[first]] == tail[order[first + 1]]:
            hits[307] = bad = True
        first = k
    if not bad and _has_split_umbrella(mesh[0], mesh[1]):
        hits[303] = bad = True
    if not hits[302] and not hits[303] and _n_components(names, face, n_faces, n_vertices) > 1:
        hits[305] = bad = True
    return bad


@numba.njit(cache=True, nogil=True)
def _heads(names: NDArray[np.int32], ring_starts: NDArray[np.int32]) -> NDArray[np.int32]:
    head = np.empty_like(names)
    for r in range(len(ring_starts) - 1):
        for c in range(ring_starts[r], ring_starts[r + 1]):
            head[c] = names[c + 1 if c + 1 < ring_starts[r + 1] else ring_starts[r]]
    return head


@numba.njit(cache=True, nogil=True)
def _faces(ring_starts: NDArray[np.int32], face_starts: NDArray[np.int32]) -> NDArray[np.int32]:
    face = np.empty(ring_starts[-1], np.int32)
    for f in range(len(face_starts) - 1):
        face[ring_starts[face_starts[f]] : ring_starts[face_starts[f + 1]]] = f
    return face


@numba.njit(cache=True, nogil=True)
def _root(label: NDArray[np.int64], i: int) -> int:
    while label[i] != i:
        label[i] = label[label[i]]
        i = label[i]
    return i


@numba.njit(cache=True, nogil=True)
def _has_split_umbrella(triangles: NDArray[np.int32], face: NDArray[np.int32]) -> bool:
    """Whether the triangles around some vertex form more than one fan.

    Of triangles, not of faces: the rings of a face that touch in a vertex do not say which way its area goes on there.
    Corners at one vertex belong together where their triangles share an edge that starts there: of a pair of opposite
    half-edges ``c`` and ``d``, corner ``c`` meets the corner after ``d``, and the other way round.
    """
    n = 3 * len(triangles)
    tail, head = np.empty(n, np.int32), np.empty(n, np.int32)
    for c in range(n):
        tail[c], head[c] = triangles[c // 3, c % 3], triangles[c // 3, (c + 1) % 3]
    key = pair_keys(tail, head)
    order, label, first = rising_order(key), np.arange(n), 0
    for k in range(1, n + 1):
        if k < n and key[order[k]] == key[order[first]]:
            continue
        _link_opposites(order[first:k], tail, face, label)
        first = k
    fan = np.full(tail.max() + 1, -1, np.int64)
    for c in range(n):
        root = _root(label, c)
        if fan[tail[c]] >= 0 and fan[tail[c]] != root:
            return True
        fan[tail[c]] = root
    return False


@numba.njit(cache=True, nogil=True)
def _link_opposites(
    group: NDArray[np.int64], tail: NDArray[np.int32], face: NDArray[np.int32], label: NDArray[np.int64]
) -> None:
    """Unite the corners on both sides of an edge; a cut through a face that runs along an edge keeps to its face."""
    done = np.zeros(len(group), np.bool_)
    for within_face in (True, False):
        for i in range(len(group)):
            for j in range(i + 1, len(group)):
                c, d = group[i], group[j]
                apart = within_face and face[c // 3] != face[d // 3]
                if done[i] or done[j] or apart or tail[c] == tail[d]:
                    continue
                label[_root(label, c)] = _root(label, d - d % 3 + (d + 1) % 3)
                label[_root(label, d)] = _root(label, c - c % 3 + (c + 1) % 3)
                done[i] = done[j] = True


@numba.njit(cache=True, nogil=True)
def _n_components(names: NDArray[np.int32], face: NDArray[np.int32], n_faces: int, n_vertices: int) -> int:
    """Number of parts that share no vertex."""
    label = np.arange(n_faces)
    owner = np.full(n_vertices, -1, np.int64)
    for c in range(len(names)):
        v = names[c]
        if owner[v] < 0:
            owner[v] = face[c]
        else:
            label[_root(label, face[c])] = _root(label, owner[v])
    n = 0
    for f in range(n_faces):
        n += _root(label, f) == f
    return n


@numba.njit(cache=True, nogil=True)
def signed_volume(vertices: NDArray[np.float64], triangles: NDArray[np.int32]) -> float:
    """Volume within triangles that look outwards, by the divergence theorem; m3."""
    volume = 0.0
    o = vertices[triangles[0, 0]] if len(triangles) else np.zeros(3)
    for t in range(len(triangles)):
        a, b, c = vertices[triangles[t, 0]], vertices[triangles[t, 1]], vertices[triangles[t, 2]]
        ax, ay, az = a[0] - o[0], a[1] - o[1], a[2] - o[2]
        bx, by, bz = b[0] - o[0], b[1] - o[1], b[2] - o[2]
        cx, cy, cz = c[0] - o[0], c[1] - o[1], c[2] - o[2]
        volume += ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
    return volume / 6
