"""Footprints divided into faces that share their corners exactly: what roofs are laid on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import shapely

from twin.reconstruct.footprint import (
    GRID_M,
    MIN_CORNER_DISTANCE_M,
    LocalFootprint,
    has_close_corners,
    round_to_grid,
)
from twin.reconstruct.order import pair_keys, rising_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_STRAIGHT_M = 2 * GRID_M
"""A corner this near to the line between its neighbours is there by rounding alone."""

_TO_CORNER_M = 0.02
_COARSE_LINES_M = 0.05


@dataclass(frozen=True, slots=True)
class FootprintPartition:
    """Faces that cover a footprint without overlap; every edge is shared whole, by one or two faces.

    Face ``f`` owns the rings ``face_starts[f]:face_starts[f + 1]``, outer ring first and counter-clockwise, courtyards
    and enclosed faces as clockwise holes; ring ``r`` owns ``corners[ring_starts[r]:ring_starts[r + 1]]``, not closed.

    Parameters
    ----------
    origin : (float, float)
        Easting and northing of the local zero, whole metres.
    vertices : array, shape (n, 2)
        Metres from the origin, whole multiples of 0.1 mm; no two alike.
    corners, ring_starts, face_starts : array
        Compressed rows as above, int32.
    """

    origin: tuple[float, float]
    vertices: NDArray[np.float64]
    corners: NDArray[np.int32]
    ring_starts: NDArray[np.int32]
    face_starts: NDArray[np.int32]

    def __post_init__(self) -> None:
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 2:
            raise ValueError(f"vertices must have shape (n, 2), have {self.vertices.shape}")
        if self.ring_starts[-1] != len(self.corners) or self.face_starts[-1] != len(self.ring_starts) - 1:
            raise ValueError("starts must end where the rows that they count end")

    @property
    def n_faces(self) -> int:
        """Number of faces."""
        return len(self.face_starts) - 1


@lru_cache(maxsize=8)
def whole_footprint(footprint: LocalFootprint) -> FootprintPartition:
    """The partition with one face for each part of the footprint; every step of a building asks for it again.

    Examples
    --------
    >>> from twin.reconstruct.footprint import localize_footprint
    >>> part = whole_footprint(localize_footprint(shapely.box(10, 10, 14, 12)))
    >>> part.n_faces, part.vertices[part.corners].tolist()
    (1, [[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [0.0, 2.0]])
    """
    return partition_of(footprint.origin, shapely.get_parts(footprint.polygon))


def partition_of(origin: tuple[float, float], polygons: Sequence[Any]) -> FootprintPartition:
    """Polygons that already share their corners exactly, as a partition; coordinates are local.

    Faces keep the order of the polygons.
    """
    rings = [shapely.get_coordinates(r)[:-1] for p in polygons for r in (p.exterior, *p.interiors)]
    points = np.rint(np.concatenate(rings) / GRID_M).astype(np.int64)
    keys, corners = np.unique((points[:, 0] << 32) + points[:, 1], return_inverse=True)
    first = np.zeros(len(keys), np.int64)
    first[corners[::-1]] = np.arange(len(points))[::-1]
    order = np.argsort(first)  # vertices in the order of their first use: readable, and the same everywhere
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return FootprintPartition(
        origin=origin,
        vertices=points[first[order]] / 1e4,
        corners=rank[corners].astype(np.int32),
        ring_starts=np.cumsum([0, *map(len, rings)]).astype(np.int32),
        face_starts=np.cumsum([0, *(1 + len(p.interiors) for p in polygons)]).astype(np.int32),
    )


def cut_footprint(
    footprint: LocalFootprint, lines: Sequence[Any] | NDArray[np.object_]
) -> FootprintPartition:
    """The faces into which lines cut a footprint; ends of lines that separate nothing leave no edge.

    Lines and outline are noded by snap rounding on the 0.1 mm grid, so a line that ends on an edge, to rounding, does
    meet it. Lines that pass a corner of the outline within 2 cm go through it. Should nodes still come closer than
    2 mm to each other, the lines are first drawn on a grid of 5 cm.

    Parameters
    ----------
    footprint : LocalFootprint
        What is cut.
    lines : sequence of shapely LineString or MultiLineString
        Local coordinates.

    References
    ----------
    Hobby (1999), Practical segment intersection with finite precision output, Comput. Geom. 13(4), 199-214.
    """
    partition = _node(footprint, lines)
    if has_close_corners(partition.vertices, MIN_CORNER_DISTANCE_M):
        partition = _node(footprint, [shapely.union_all(lines, grid_size=_COARSE_LINES_M)])
    if has_close_corners(partition.vertices, MIN_CORNER_DISTANCE_M):
        return whole_footprint(footprint)
    return partition


def _node(footprint: LocalFootprint, lines: Sequence[Any] | NDArray[np.object_]) -> FootprintPartition:
    outline = shapely.boundary(footprint.polygon)
    corners = shapely.multipoints(shapely.get_coordinates(outline))
    noded = shapely.union_all([outline, *shapely.snap(lines, corners, _TO_CORNER_M)], grid_size=GRID_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inside = shapely.contains(footprint.polygon, shapely.point_on_surface(faces))
    kept = shapely.orient_polygons(faces[inside])
    return partition_of(footprint.origin, sorted(kept, key=lambda p: p.bounds))


def dissolve(
    footprint: LocalFootprint, partition: FootprintPartition, labels: NDArray[np.int64]
) -> FootprintPartition:
    """The partition without the edges between faces of one label, and without the corners that these leave behind."""
    ends = partition_edges(partition.corners, partition.ring_starts, partition.face_starts)
    shared = ends[ends[:, 3] >= 0]
    kept = shared[labels[shared[:, 2]] != labels[shared[:, 3]]]
    if not len(kept):
        return whole_footprint(footprint)
    lines = shapely.line_merge(shapely.multilinestrings(partition.vertices[kept[:, :2]]))
    return cut_footprint(footprint, [shapely.simplify(lines, _STRAIGHT_M)])


def face_areas(partition: FootprintPartition) -> NDArray[np.float64]:
    """Area of each face, m2."""
    p = partition.vertices[partition.corners]
    after = np.arange(1, len(p) + 1)
    after[partition.ring_starts[1:] - 1] = partition.ring_starts[:-1]
    cross = (p[:, 0] * p[after, 1] - p[after, 0] * p[:, 1]) / 2
    first_corner = partition.ring_starts[partition.face_starts[:-1]]
    return np.asarray(np.add.reduceat(cross, first_corner))


@numba.njit(cache=True, nogil=True)
def partition_edges(
    corners: NDArray[np.int32], ring_starts: NDArray[np.int32], face_starts: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Every edge once: its two vertices, and the faces to the left and to the right of it, -1 for outside.

    Parameters
    ----------
    corners, ring_starts, face_starts : array
        See `FootprintPartition`.

    Returns
    -------
    array, shape (n_edges, 4)
        int32. A first column of -2 marks edges that two faces claim for the same side: the faces overlap.
    """
    n = len(corners)
    tail, head, face = corners, np.empty(n, np.int32), np.empty(n, np.int32)
    for f in range(len(face_starts) - 1):
        for r in range(face_starts[f], face_starts[f + 1]):
            for c in range(ring_starts[r], ring_starts[r + 1]):
                head[c] = corners[c + 1 if c + 1 < ring_starts[r + 1] else ring_starts[r]]
                face[c] = f
    key = pair_keys(tail, head)
    order = rising_order(key)
    edges = np.empty((n, 4), np.int32)
    m = 0
    for k in range(n):
        c = order[k]
        if k and key[c] == key[order[k - 1]]:
            twin = edges[m - 1]
            twin[0] = twin[0] if twin[3] < 0 and twin[0] == head[c] else -2
            twin[3] = face[c]
        else:
            edges[m, 0], edges[m, 1], edges[m, 2], edges[m, 3] = tail[c], head[c], face[c], -1
            m += 1
    return edges[:m]


def locate(partition: FootprintPartition, xy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Face of each point, -1 outside; a point on an edge belongs to exactly one of the faces beside it.

    Parameters
    ----------
    partition : FootprintPartition
        Where to look.
    xy : array, shape (n, 2)
        Local coordinates.
    """
    edges = partition_edges(partition.corners, partition.ring_starts, partition.face_starts)
    return locate_by_edges(partition.vertices, edges, np.ascontiguousarray(xy))


@numba.njit(cache=True, nogil=True)
def locate_by_edges(
    vertices: NDArray[np.float64], edges: NDArray[np.int32], xy: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Face of each point from edges with the faces beside them: that of the nearest edge straight to its left."""
    found = np.full(len(xy), -1, np.int64)
    nearest = np.full(len(xy), -np.inf)
    for e in range(len(edges)):
        a, b, side = edges[e, 0], edges[e, 1], edges[e, 3]
        if vertices[a, 1] > vertices[b, 1]:
            a, b, side = b, a, edges[e, 2]
        xa, ya, xb, yb = vertices[a, 0], vertices[a, 1], vertices[b, 0], vertices[b, 1]
        if ya == yb:
            continue
        for i in range(len(xy)):
            y = xy[i, 1]
            if ya <= y < yb:
                x = xa + (y - ya) * (xb - xa) / (yb - ya)
                if nearest[i] < x <= xy[i, 0]:
                    nearest[i], found[i] = x, side
    return found


def polygons_of(partition: FootprintPartition) -> NDArray[np.object_]:
    """The faces as shapely polygons in local coordinates."""
    closed = [
        shapely.linearrings(round_to_grid(partition.vertices[partition.corners[a:b]]))
        for a, b in zip(partition.ring_starts[:-1], partition.ring_starts[1:], strict=True)
    ]
    spans = zip(partition.face_starts[:-1], partition.face_starts[1:], strict=True)
    return np.array([shapely.Polygon(closed[a], closed[a + 1 : b]) for a, b in spans], dtype=object)
