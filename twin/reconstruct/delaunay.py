"""Constrained Delaunay triangulation of vertices and edges, as plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pythoncdt

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_SUPER = 3
"""Vertices of the triangle around everything with which the library begins; they come first."""
NOBODY = np.uint32(0xFFFFFFFF)


def triangulate(xy: NDArray[np.float64], edges: NDArray[np.int64]) -> pythoncdt.Triangulation:
    """The triangulation of points in which every given edge is an edge, or a chain of edges.

    Parameters
    ----------
    xy : array, shape (n, 2)
        Points, no two alike, best near the origin. Edges that cross get a vertex there.
    edges : array, shape (m, 2)
        Indices of points.

    Returns
    -------
    pythoncdt.Triangulation
        Grows by `insert`; read by `triangles` and `fixed_edges`.

    References
    ----------
    Amirkhanov, CDT: constrained Delaunay triangulation, https://github.com/artem-ogre/CDT

    Examples
    --------
    >>> corners = np.array([[0.0, 0], [4, 0], [4, 1], [0, 1]])
    >>> triangulation = triangulate(corners, np.array([[0, 1], [1, 2], [2, 3], [3, 0], [1, 3]]))
    >>> sorted(sorted(t) for t in triangles(triangulation)[0].tolist())
    [[0, 1, 3], [1, 2, 3]]
    """
    triangulation = pythoncdt.Triangulation(
        pythoncdt.VertexInsertionOrder.AUTO, pythoncdt.IntersectingConstraintEdges.TRY_RESOLVE, 0.0
    )
    triangulation.insert_vertices(np.ascontiguousarray(xy, dtype=np.float64))
    triangulation.insert_edges(np.ascontiguousarray(edges, dtype=np.uint32))
    return triangulation


def insert(triangulation: pythoncdt.Triangulation, xy: NDArray[np.float64]) -> None:
    """Add points that lie on no edge given before; they are numbered on from those that are there."""
    triangulation.insert_vertices(np.ascontiguousarray(xy, dtype=np.float64))


def points(triangulation: pythoncdt.Triangulation) -> NDArray[np.float64]:
    """All points, those made where edges crossed included; shape (n, 2)."""
    xy = triangulation.vertices_array()[N_SUPER:]
    return np.column_stack([xy["x"], xy["y"]])


def triangles(
    triangulation: pythoncdt.Triangulation,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Corners and neighbours of the triangles between the given points.

    Returns
    -------
    corners : array, shape (m, 3)
        Counter-clockwise.
    neighbours : array, shape (m, 3)
        Across the edge from corner ``i`` to the next; -1 where there is none.
    """
    table = triangulation.triangles_array()
    inner = (table["vertices"] >= N_SUPER).all(axis=1)
    number = np.full(len(table) + 1, -1, dtype=np.int32)
    number[:-1][inner] = np.arange(np.count_nonzero(inner), dtype=np.int32)
    beside = table["neighbors"][inner]
    beside = np.where(beside == NOBODY, len(table), beside)
    return (table["vertices"][inner] - N_SUPER).astype(np.int32), number[beside]


def fixed_edges(triangulation: pythoncdt.Triangulation) -> NDArray[np.int64]:
    """The given edges as they are now, split where vertices lie on them; shape (k, 2), sorted."""
    pairs = [(e.v1, e.v2) for e in triangulation.fixed_edges]
    edges = np.sort(np.array(pairs, dtype=np.int64).reshape(-1, 2) - N_SUPER, axis=1)
    return np.unique(edges, axis=0)


def is_fixed(corners: NDArray[np.int32], edges: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which sides of triangles are given edges; side ``i`` runs from corner ``i`` to the next.

    Parameters
    ----------
    corners : array, shape (m, 3)
        Triangles.
    edges : array, shape (k, 2)
        Given edges, the lower index first.

    Returns
    -------
    array, shape (m, 3)
    """
    a, b = corners.astype(np.int64), np.roll(corners, -1, axis=1).astype(np.int64)
    key = (np.minimum(a, b) << 32) + np.maximum(a, b)
    known = np.sort((edges[:, 0] << 32) + edges[:, 1])
    if not len(known):
        return np.zeros(corners.shape, dtype=bool)
    place = np.minimum(np.searchsorted(known, key), len(known) - 1)
    return np.asarray(known[place] == key)
