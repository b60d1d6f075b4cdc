"""Lines of a tile's map as one planar graph: no crossings, no doubles, no needless points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import shapely
from scipy.spatial import cKDTree

from twin.reconstruct.linework import (
    UNITS_PER_M,
    boundary_segments,
    extent,
    is_inside,
    is_on_border,
    to_map,
    to_units,
    unique_segments,
)
from twin.reconstruct.polyline import thin_chains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Bounds

LINE_TOLERANCE_M = 0.05
"""Map lines may move by this much when they are thinned; footprints never do."""
SHORTEST_EDGE_M = 0.02
"""Vertices of map lines nearer to one another become one; they would only make needles of triangles."""
MAX_ROUNDS = 4
"""Thinning can make lines cross, and cutting them apart can leave new short edges; this often at most."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A planar graph: edges meet at shared vertices only.

    Parameters
    ----------
    units : array, shape (n, 2)
        Vertices in millimetres from the tile's south-west corner, int64, sorted by x, then y.
    edges : array, shape (m, 2)
        Vertex indices, int64, the lower first.
    crossings : array, shape (k, 2)
        Where input lines meet the tile's border, in units; both tiles at a border have the same.
    bounds : Bounds
        The tile.
    """

    units: NDArray[np.int64]
    edges: NDArray[np.int64]
    crossings: NDArray[np.int64]
    bounds: Bounds

    @property
    def xy(self) -> NDArray[np.float64]:
        """Vertices in map coordinates, shape (n, 2)."""
        return to_map(self.units, self.bounds)


def arrange_lines(
    polygons: NDArray[Any], footprints: NDArray[Any], *, bounds: Bounds, tolerance_m: float = LINE_TOLERANCE_M
) -> Arrangement:
    """The boundaries of map polygons and footprints within a tile as one planar graph.

    A border that two polygons share is thinned once, between the places where three lines meet, so both
    keep sharing it. Overlapping, doubled or self-crossing input makes more cells, never a fault.

    Parameters
    ----------
    polygons : array, shape (n,)
        Polygons or multipolygons, map coordinates. All that touch the tile must be there, uncut.
    footprints : array, shape (k,)
        The same of buildings; their corners all stay.
    bounds : Bounds
        The tile.
    tolerance_m : float
        How far a line of `polygons` may move when it is thinned.

    Returns
    -------
    Arrangement

    Examples
    --------
    >>> from twin.core.grid import Bounds
    >>> road, house = shapely.box(0, 4, 10, 6), shapely.box(2, 5, 4, 9)
    >>> graph = arrange_lines(np.array([road]), np.array([house]), bounds=Bounds(0, 0, 8, 8))
    >>> len(graph.units), len(graph.edges), len(graph.crossings)
    (10, 10, 6)
    """
    everything = np.concatenate([np.asarray(polygons, dtype=object), np.asarray(footprints, dtype=object)])
    segments, crossings = boundary_segments(everything, bounds)
    size = extent(bounds)
    corners = _corners_within(footprints, bounds)
    for _ in range(MAX_ROUNDS):
        segments = _noded(segments)
        thinned = _thinned(segments, corners, size, tolerance=tolerance_m * UNITS_PER_M)
        segments = _merged(thinned, corners, size)
        if _is_noded(segments):
            break
    units, edges = _graph(segments)
    return Arrangement(units, edges, crossings, bounds)


def pack(units: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number for each vertex that sorts as (x, y) does; coordinates must not be negative."""
    return (units[..., 0] << 32) + units[..., 1]


def _corners_within(footprints: NDArray[Any], bounds: Bounds) -> NDArray[np.int64]:
    """Packed corners of the footprints inside the tile, sorted."""
    units = to_units(shapely.get_coordinates(np.asarray(footprints, dtype=object)), bounds)
    return np.unique(pack(units[is_inside(units, extent(bounds))]))


def _noded(segments: NDArray[np.int64]) -> NDArray[np.int64]:
    """The segments cut where they meet, by snap rounding to whole units; clean maps are told quickly."""
    if _is_noded(segments):
        return segments
    lines = shapely.linestrings(segments.astype(np.float64))
    union = shapely.get_parts(shapely.unary_union(lines, grid_size=1.0))
    xy, line = shapely.get_coordinates(union, return_index=True)
    joined = line[1:] == line[:-1]
    points = np.rint(xy).astype(np.int64)
    return unique_segments(np.stack([points[:-1][joined], points[1:][joined]], axis=1))


def _is_noded(segments: NDArray[np.int64]) -> bool:
    """Whether segments meet at their ends only; quick, and exact but for touches within rounding."""
    if not len(segments):
        return True
    lines = shapely.multilinestrings(segments.astype(np.float64))
    return int(shapely.get_num_geometries(shapely.node(lines))) == len(segments)


def _graph(segments: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vertices sorted by place and edges over them."""
    keys, index = np.unique(pack(segments).reshape(-1), return_inverse=True)
    units = np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1)
    edges = np.sort(index.reshape(-1, 2), axis=1)
    return units, np.unique(edges, axis=0)


def _is_fixed(
    units: NDArray[np.int64], corners: NDArray[np.int64], size: NDArray[np.int64]
) -> NDArray[np.bool_]:
    return np.isin(pack(units), corners) | is_on_border(units, size)


def _thinned(
    segments: NDArray[np.int64], corners: NDArray[np.int64], size: NDArray[np.int64], *, tolerance: float
) -> NDArray[np.int64]:
    """Chains between junctions, corners of footprints and the border with their needless points dropped."""
    if not len(segments):
        return segments
    units, edges = _graph(segments)
    fixed = _is_fixed(units, corners, size) | (np.bincount(edges.reshape(-1), minlength=len(units)) != 2)
    chain, starts = trace_chains(edges, fixed)
    keep = thin_chains(units[chain].astype(np.float64), starts, tolerance)
    kept = units[chain[keep]]
    owner = np.repeat(np.arange(len(starts) - 1), np.diff(starts))[keep]
    joined = owner[1:] == owner[:-1]
    return unique_segments(np.stack([kept[:-1][joined], kept[1:][joined]], axis=1))


def trace_chains(
    edges: NDArray[np.int64], fixed: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The edges of a graph as chains between fixed vertices.

    Parameters
    ----------
    edges : array, shape (m, 2)
        Vertex indices.
    fixed : array, shape (n,)
        Vertices at which chains end; all those that have not two edges must be among them.

    Returns
    -------
    chain : array, shape (k,)
        Vertices of all chains, each edge once; a ring without a fixed vertex starts and ends at its first.
    starts : array, shape (n_chains + 1,)
        Chain ``c`` owns ``chain[starts[c]:starts[c + 1]]``.
    """
    both = np.concatenate([edges, edges[:, ::-1]])
    edge = np.tile(np.arange(len(edges)), 2)
    order = np.lexsort((both[:, 1], both[:, 0]))
    first = np.searchsorted(both[order, 0], np.arange(len(fixed) + 1))
    return _trace(first, both[order, 1], edge[order], fixed)


@numba.njit(cache=True, nogil=True)
def _unused(first: NDArray[np.int64], edge: NDArray[np.int64], used: NDArray[np.bool_], vertex: int) -> int:
    """An edge that leaves a vertex and was not followed yet; -1 if there is none."""
    for k in range(first[vertex], first[vertex + 1]):
        if not used[edge[k]]:
            return k
    return -1


@numba.njit(cache=True, nogil=True)
def _trace(
    first: NDArray[np.int64], to: NDArray[np.int64], edge: NDArray[np.int64], fixed: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Follow every edge once; first the chains that begin at fixed vertices, then the rings without any."""
    used = np.zeros(len(edge) // 2, np.bool_)
    chain = np.empty(len(edge), np.int64)
    starts = np.zeros(len(used) + 1, np.int64)
    n_chains = n = 0
    for seed in range(2 * len(fixed)):
        v = seed % len(fixed)
        if seed < len(fixed) and not fixed[v]:
            continue
        at = _unused(first, edge, used, v)
        while at >= 0:
            chain[n] = v
            n += 1
            while at >= 0:
                used[edge[at]] = True
                here = to[at]
                chain[n] = here
                n += 1
                at = -1 if fixed[here] else _unused(first, edge, used, here)
            n_chains += 1
            starts[n_chains] = n
            at = _unused(first, edge, used, v)
    return chain[:n], starts[: n_chains + 1]


def _merged(
    segments: NDArray[np.int64], corners: NDArray[np.int64], size: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Vertices too near to one another made one, the nearest first, where one of them is free to move.

    A vertex goes to the tile's border only along its own line, and never one where lines meet: past it they reach the
    border at places of their own, and what lies between these is the same in the tile beyond.
    """
    units, edges = _graph(segments)
    reach = SHORTEST_EDGE_M * UNITS_PER_M
    pairs = cKDTree(units).query_pairs(reach * (1 - 1e-9), output_type="ndarray") if len(units) else []
    if not len(pairs):
        return segments
    pairs = np.sort(pairs, axis=1)
    pairs = pairs[~_leaves_its_line(pairs, edges, is_on_border(units, size))]
    apart = np.hypot(*(units[pairs[:, 0]] - units[pairs[:, 1]]).T.astype(np.float64))
    goes_to = np.arange(len(units))
    fixed = _is_fixed(units, corners, size)
    touched = np.zeros(len(units), dtype=bool)
    for a, b in pairs[np.lexsort((pairs[:, 1], pairs[:, 0], apart))]:
        if touched[a] or touched[b] or (fixed[a] and fixed[b]):
            continue
        stays, moves = (b, a) if fixed[b] else (a, b)
        goes_to[moves] = stays
        touched[a] = touched[b] = True
    return unique_segments(units[goes_to[edges]])


def _leaves_its_line(
    pairs: NDArray[np.int64], edges: NDArray[np.int64], on_border: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which pairs join a vertex to the border elsewhere than where its one line ends."""
    degree = np.bincount(edges.reshape(-1), minlength=len(on_border))
    free = np.where(on_border[pairs[:, 0]], pairs[:, 1], pairs[:, 0])
    is_edge = np.isin((pairs[:, 0] << 32) + pairs[:, 1], (edges[:, 0] << 32) + edges[:, 1])
    return on_border[pairs].any(axis=1) & ~(is_edge & (degree[free] == 2))
