"""Neighbouring footprints made to share the vertices of their common walls exactly.

Outlines of neighbours that were drawn one by one miss each other by a centimetre. Two buildings extruded from them
have a gap or run into one another, and no wall between them is recognised as shared. Here vertices that nearly
coincide become one, and a vertex that nearly lies on a neighbour's edge becomes a vertex of that edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.spatial import KDTree

from twin.sources.rings import Rings, put_together, take_apart

if TYPE_CHECKING:
    from numpy.typing import NDArray

SNAP_M = 0.02
"""Outlines closer than this are drawn as one."""
_MAX_ROUNDS = 4
_AT_END_M = 1e-3
_NEGLIGIBLE_M2 = 0.05


@dataclass(frozen=True, slots=True)
class _Places:
    """The distinct positions of vertices, in the order of x and then y, so that the order of rows does not matter.

    Parameters
    ----------
    xy : array, shape (p, 2)
        Positions.
    place : array, shape (k,)
        Position of each vertex.
    owner : array, shape (p,)
        The footprint that alone has vertices there, or -1 where several do.
    n_owners : array, shape (p,)
        How many footprints have vertices there.
    """

    xy: NDArray[np.float64]
    place: NDArray[np.int64]
    owner: NDArray[np.int64]
    n_owners: NDArray[np.int64]


def share_edges(geometry: NDArray[np.object_], *, tolerance_m: float = SNAP_M) -> NDArray[np.object_]:
    """The footprints with neighbours' outlines exactly the same where they nearly were.

    No vertex moves further than the tolerance. A footprint that would become invalid stays as it was. The result
    for each footprint does not depend on the order of the rows.

    Parameters
    ----------
    geometry : array, shape (n,)
        Valid polygons and multipolygons, metres; None and empty ones pass.
    tolerance_m : float
        How far apart outlines may be to be taken as one.

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> left = shapely.box(0, 0, 10, 10)
    >>> right = shapely.box(10.01, 2, 20, 8)
    >>> a, b = share_edges(np.array([left, right]))
    >>> a.intersection(b).length, a.touches(b)
    (6.0, True)
    """
    rings = take_apart(geometry)
    if len(rings.xy) == 0:
        return geometry.copy()
    merged = _merge_vertices(rings, tolerance_m)
    for _ in range(_MAX_ROUNDS):
        grown = _insert_on_edges(merged, tolerance_m)
        if grown is None:
            break
        merged = grown
    return _only_sound(put_together(merged, like=geometry), geometry)


def _places(rings: Rings) -> _Places:
    xy, place = np.unique(rings.xy, axis=0, return_inverse=True)
    place = place.reshape(-1).astype(np.int64)
    owned = np.unique(np.column_stack([place, rings.owner]), axis=0)
    n_owners = np.bincount(owned[:, 0], minlength=len(xy))
    owner = np.full(len(xy), -1, np.int64)
    alone = n_owners[owned[:, 0]] == 1
    owner[owned[alone, 0]] = owned[alone, 1]
    return _Places(xy, place, owner, n_owners)


def _merge_vertices(rings: Rings, tolerance_m: float) -> Rings:
    places = _places(rings)
    pairs = KDTree(places.xy).query_pairs(tolerance_m, output_type="ndarray").astype(np.int64)
    a, b = pairs.T
    foreign = (places.owner[a] != places.owner[b]) | (places.owner[a] < 0)
    moved_to = _representatives(places, pairs[foreign])
    return rings.with_vertices(places.xy[moved_to[places.place]], rings.ring)


def _representatives(places: _Places, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The position that each one moves to; itself for most.

    The positions with the most footprints come first, then those with the most neighbours, then by x and y: each
    stays where it is, and those near it will move. Each of these goes to the nearest that stays. Nothing moves twice,
    so no chain of near vertices drags one far away.
    """
    n = len(places.xy)
    both = np.concatenate([pairs, pairs[:, ::-1]])
    graph = csr_array((np.ones(len(both), np.int8), (both[:, 0], both[:, 1])), shape=(n, n))
    degree = np.diff(graph.indptr)
    contested = np.flatnonzero(degree)
    order = contested[np.lexsort((contested, -degree[contested], -places.n_owners[contested]))]
    stays = np.ones(n, bool)
    decided = np.zeros(n, bool)
    for position in order.tolist():
        if not decided[position]:
            near = graph.indices[graph.indptr[position] : graph.indptr[position + 1]]
            stays[near[~decided[near]]] = False
            decided[near] = decided[position] = True
    moves = both[~stays[both[:, 0]] & stays[both[:, 1]]]
    distance = np.linalg.norm(places.xy[moves[:, 0]] - places.xy[moves[:, 1]], axis=1)
    moves = moves[np.lexsort((moves[:, 1], distance))[::-1]]
    target = np.arange(n)
    target[moves[:, 0]] = moves[:, 1]  # the last one written, the nearest, remains
    return target


def _insert_on_edges(rings: Rings, tolerance_m: float) -> Rings | None:
    """The rings with the vertices that lie on a foreign edge taken into it, or None if there are none."""
    places = _places(rings)
    start, end = rings.xy, rings.xy[rings.following]
    real = np.flatnonzero((start != end).any(axis=1))
    tree = shapely.STRtree(shapely.linestrings(np.stack([start[real], end[real]], axis=1)))
    point, segment = tree.query(shapely.points(places.xy), predicate="dwithin", distance=tolerance_m)
    segment = real[segment]
    # A vertex of the edge's own footprint, its ends among them, stays out: it would pinch the outline.
    has_vertices_of = np.unique(places.place * rings.n_geometries + rings.owner)
    stranger = ~np.isin(point * rings.n_geometries + rings.owner[segment], has_vertices_of)
    point, segment = point[stranger], segment[stranger]
    along, distance = _foot(places.xy[point], start[segment], end[segment])
    length = np.linalg.norm(end[segment] - start[segment], axis=1)
    inside = (along > _AT_END_M) & (along < length - _AT_END_M)
    point, segment, along, distance = point[inside], segment[inside], along[inside], distance[inside]
    # At a corner a vertex can be near both edges; in both it would make the outline turn back on itself.
    order = np.lexsort((segment, distance, rings.owner[segment], point))
    _, first = np.unique(np.stack([point, rings.owner[segment]])[:, order], axis=1, return_index=True)
    once = order[first]
    return _with_insertions(rings, places.xy[point[once]], segment[once], along[once]) if len(once) else None


def _foot(
    point: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance from the start of each edge to the foot of each point, and from there to the point, metres."""
    edge, to_point = end - start, point - start
    length = np.linalg.norm(edge, axis=1)
    along = np.einsum("ij,ij->i", to_point, edge) / length
    across = np.abs(to_point[:, 0] * edge[:, 1] - to_point[:, 1] * edge[:, 0]) / length
    return along, across


def _with_insertions(
    rings: Rings, xy: NDArray[np.float64], segment: NDArray[np.int64], along: NDArray[np.float64]
) -> Rings:
    """Edge `i` runs from vertex `i`; what is inserted follows that vertex, the nearest first."""
    vertex = np.concatenate([np.arange(len(rings.xy)), segment])
    distance = np.concatenate([np.full(len(rings.xy), -1.0), along])
    every = np.concatenate([rings.xy, xy])
    order = np.lexsort((every[:, 1], every[:, 0], distance, vertex))
    return rings.with_vertices(every[order], rings.ring[vertex[order]])


def _only_sound(changed: NDArray[np.object_], before: NDArray[np.object_]) -> NDArray[np.object_]:
    """Take back what became invalid, empty, or much smaller or larger than snapping explains."""
    perimeter = shapely.length(before)
    difference = np.abs(shapely.area(changed) - shapely.area(before))
    sound = shapely.is_valid(changed) & ~shapely.is_empty(changed)
    sound &= ~(difference > _NEGLIGIBLE_M2 + perimeter * SNAP_M)
    out = before.copy()
    out[sound] = changed[sound]
    return out
