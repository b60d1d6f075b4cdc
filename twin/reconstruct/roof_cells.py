"""Footprints divided by lines into cells, and cells joined again, without a corner moving that need not.

Three planes that meet in a point have three lines of intersection that do so only to rounding. Noding on a fine grid
leaves corners a tenth of a millimetre apart there, on a coarse one it bends every line. So crossings that fall together
within 2 cm are made one where they are: at a corner of the outline, else at a place on it, else where the longest
lines cross.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np
import shapely

from twin.reconstruct.footprint import GRID_M, MIN_CORNER_DISTANCE_M, has_close_corners
from twin.reconstruct.partition import (
    FootprintPartition,
    locate,
    partition_edges,
    partition_of,
    polygons_of,
    whole_footprint,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.reconstruct.footprint import LocalFootprint

TOGETHER_M = 0.02
"""Crossings this near to each other are one."""

_STRAIGHT_M = 2 * GRID_M
_PARALLEL = 0.005


def divide(footprint: LocalFootprint, ends: NDArray[np.float64]) -> FootprintPartition:
    """The faces into which line segments cut a footprint; loose ends leave no edge.

    Parameters
    ----------
    footprint : LocalFootprint
        What is cut.
    ends : array, shape (m, 2, 2)
        Both ends of each line, local coordinates, the most trusted first.

    Examples
    --------
    >>> from twin.reconstruct.footprint import localize_footprint
    >>> square = localize_footprint(shapely.box(0, 0, 4, 4))
    >>> divide(square, np.array([[[2.0, -1.0], [2.0, 5.0]], [[-1.0, 2.0], [1.0, 2.0]]])).n_faces
    2
    """
    whole = whole_footprint(footprint)
    edges = partition_edges(whole.corners, whole.ring_starts, whole.face_starts)
    segments = np.concatenate([whole.vertices[edges[:, :2]], ends]).reshape(-1, 4)
    nodes, links = node_segments(np.ascontiguousarray(segments), len(edges), TOGETHER_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.linestrings(nodes[links])))
    kept = _inside(footprint, faces)
    divided = partition_of(footprint.origin, kept) if len(kept) else whole
    return whole if has_close_corners(divided.vertices, MIN_CORNER_DISTANCE_M) else divided


def join(
    footprint: LocalFootprint, partition: FootprintPartition, part: NDArray[np.int64]
) -> tuple[FootprintPartition, NDArray[np.int64]]:
    """The partition without edges between faces of one part, and a face of the old one within each of the new."""
    edges = partition_edges(partition.corners, partition.ring_starts, partition.face_starts)
    inner = edges[:, 3] >= 0
    kept = edges[~inner | (part[edges[:, 2]] != part[edges[:, 3]])]
    lines = shapely.line_merge(shapely.multilinestrings(partition.vertices[kept[:, :2]]))
    straight = shapely.simplify(lines, _STRAIGHT_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(straight)))
    joined = partition_of(footprint.origin, _inside(footprint, faces))
    middles = shapely.get_coordinates(shapely.point_on_surface(polygons_of(joined)))
    return joined, locate(partition, middles)


def _inside(footprint: LocalFootprint, faces: NDArray[np.object_]) -> list[object]:
    inside = shapely.contains(footprint.polygon, shapely.point_on_surface(faces))
    return sorted(shapely.orient_polygons(faces[inside]), key=lambda p: p.bounds)


@numba.njit(cache=True, nogil=True)
def node_segments(
    segments: NDArray[np.float64], n_outline: int, together_m: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Segments cut where they cross; crossings near each other are one.

    Parameters
    ----------
    segments : array, shape (m, 4)
        ``x, y`` of both ends; the first `n_outline` are closed rings, and stay where they are.

    Returns
    -------
    nodes : array, shape (n, 2)
        On the 0.1 mm grid.
    links : array, shape (k, 2)
        Nodes at the ends of each edge, no edge twice.
    """
    m = len(segments)
    most = m * (m - 1) // 2 + 2 * n_outline * (m - n_outline) + 2 * n_outline + 1
    first, second, at = np.empty(most, np.int64), np.empty(most, np.int64), np.empty((most, 2))
    n = 0
    for i in range(n_outline):
        for end in range(2):
            first[n], second[n], at[n, 0], at[n, 1] = i, -1, segments[i, 2 * end], segments[i, 2 * end + 1]
            n += 1
    for j in range(n_outline, m):
        for i in range(n_outline):
            if _distance_to(segments[j], segments[i, 0], segments[i, 1]) <= together_m:
                first[n], second[n], at[n, 0], at[n, 1] = j, -1, segments[i, 0], segments[i, 1]
                n += 1
    for i in range(m):
        for j in range(max(i + 1, n_outline), m):
            found, x, y = _crossing(segments[i], segments[j])
            if found:
                first[n], second[n], at[n, 0], at[n, 1] = i, j, x, y
                n += 1
    nodes, node = _gather(at[:n], n_outline, together_m)
    return nodes, _links(segments, first[:n], second[:n], nodes, node)


@numba.njit(cache=True, nogil=True)
def _distance_to(s: NDArray[np.float64], x: float, y: float) -> float:
    ux, uy = s[2] - s[0], s[3] - s[1]
    t = ((x - s[0]) * ux + (y - s[1]) * uy) / (ux * ux + uy * uy)
    t = min(1.0, max(0.0, t))
    return float(np.sqrt((x - s[0] - t * ux) ** 2 + (y - s[1] - t * uy) ** 2))


@numba.njit(cache=True, nogil=True)
def _crossing(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[bool, float, float]:
    ux, uy, vx, vy = a[2] - a[0], a[3] - a[1], b[2] - b[0], b[3] - b[1]
    cross = ux * vy - uy * vx
    if abs(cross) < _PARALLEL * np.sqrt((ux * ux + uy * uy) * (vx * vx + vy * vy)):
        return False, 0.0, 0.0
    wx, wy = b[0] - a[0], b[1] - a[1]
    s, t = (wx * vy - wy * vx) / cross, (wx * uy - wy * ux) / cross
    if not (0.0 <= s <= 1.0 and 0.0 <= t <= 1.0):
        return False, 0.0, 0.0
    return True, a[0] + s * ux, a[1] + s * uy


@numba.njit(cache=True, nogil=True)
def _gather(
    at: NDArray[np.float64], n_outline: int, together_m: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Places that stand for crossings near each other, and which each crossing belongs to.

    Crossings come sorted: corners of the outline, places on it, all others.
    """
    nodes, node = np.empty((len(at), 2)), np.empty(len(at), np.int64)
    n = 0
    for k in range(len(at)):
        # Corners of the outline are never gathered, only found again.
        limit = 1e-9 if k < 2 * n_outline else together_m * together_m
        nearest, best = limit, -1
        for q in range(n):
            d = (nodes[q, 0] - at[k, 0]) ** 2 + (nodes[q, 1] - at[k, 1]) ** 2
            if d <= nearest:
                nearest, best = d, q
        if best < 0:
            nodes[n, 0], nodes[n, 1] = np.rint(at[k, 0] * 1e4) / 1e4, np.rint(at[k, 1] * 1e4) / 1e4
            best = n
            n += 1
        node[k] = best
    return nodes[:n].copy(), node


@numba.njit(cache=True, nogil=True)
def _links(
    segments: NDArray[np.float64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    nodes: NDArray[np.float64],
    node: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Edges between the nodes that follow one another on each segment."""
    links = np.empty((2 * len(node), 2), np.int64)
    own, along = np.empty(len(node), np.int64), np.empty(len(node))
    m = 0
    for s in range(len(segments)):
        n = 0
        ux, uy = segments[s, 2] - segments[s, 0], segments[s, 3] - segments[s, 1]
        for k in range(len(node)):
            if first[k] == s or second[k] == s:
                t = (nodes[node[k], 0] - segments[s, 0]) * ux + (nodes[node[k], 1] - segments[s, 1]) * uy
                p = n
                while p > 0 and (along[p - 1] > t or (along[p - 1] == t and own[p - 1] > node[k])):
                    along[p], own[p] = along[p - 1], own[p - 1]
                    p -= 1
                along[p], own[p] = t, node[k]
                n += 1
        for p in range(n - 1):
            a, b = min(own[p], own[p + 1]), max(own[p], own[p + 1])
            known = a == b
            for q in range(m):
                known = known or (links[q, 0] == a and links[q, 1] == b)
            if not known:
                links[m, 0], links[m, 1] = a, b
                m += 1
    return links[:m].copy()
