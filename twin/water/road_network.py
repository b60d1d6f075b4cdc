"""Roads as a graph: where they meet, and how far it is from one meeting to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.core.errors import InputError
from twin.water.roads import road_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE_M = 0.5
"""Roads whose ends or borders are this near to each other meet."""
LEAST_PASSAGE_M = 2.0
"""Polygons that share less of a border than this are neighbours, but nobody drives from one to the other."""
ON_FOOT = frozenset(
    (
        "footway",
        "sidewalk",
        "path",
        "steps",
        "pedestrian",
        "cycleway",
        "voetpad",
        "fietspad",
        "voetgangersgebied",
    )
)
"""Classes of ways that no vehicle drives on, and words of which one in `function` or `part` says so."""


@dataclass(frozen=True, slots=True)
class Network:
    """Roads as a graph: nodes where they meet, edges along them.

    Parameters
    ----------
    road_ids : array of str, shape (n,)
        Roads by number.
    shapes : array of geometry, shape (n,)
        Their lines or polygons.
    xy : array of float64, shape (m, 2)
        Nodes.
    edges : array of int64, shape (e, 2)
        Nodes that each edge joins.
    road : array of int64, shape (e,)
        Road that each runs along.
    length_m : array of float64, shape (e,)
        Along lines exactly; through polygons from border to border, straight.
    """

    road_ids: NDArray[Any]
    shapes: NDArray[Any]
    xy: NDArray[np.float64]
    edges: NDArray[np.int64]
    road: NDArray[np.int64]
    length_m: NDArray[np.float64]


def drivable(roads: Any) -> NDArray[np.bool_]:
    """Which roads vehicles drive on: not those whose class, part or function is one of walkers or cyclists."""
    out = np.ones(len(roads), np.bool_)
    for column in ("class", "highway", "part", "function"):
        if column in roads:
            out &= ~roads[column].astype(str).str.lower().isin(ON_FOOT).to_numpy()
    return out


def road_network(roads: Any, *, tolerance_m: float = TOLERANCE_M) -> Network:
    """A graph of roads.

    Parameters
    ----------
    roads : GeoDataFrame
        Lines, which meet where an end of one is near to another; polygons, which meet where they share two metres of
        border; or both. Lines that cross without an end do not meet: one is a bridge. Of two polygons that overlap
        where one passes below a deck (`underpass`) and the other runs over it (`on_deck`), neither leads to the other.
    tolerance_m : float
        How near is near.

    Raises
    ------
    InputError
        If there are no roads, or ids are not unique.
    """
    if not len(roads):
        raise InputError("roads", "there are none", "give the city its roads")
    shapes = np.asarray(roads.geometry.array)
    at, of = _meetings(roads, shapes, tolerance_m)
    xy, node = _snapped(at, tolerance_m)
    pairs = np.unique(np.column_stack([of, node]), axis=0)
    edges, road, length = _edges(shapes, xy, pairs)
    return Network(road_ids(roads), shapes, xy, edges, road, length)


def _meetings(
    roads: Any, shapes: NDArray[Any], tolerance_m: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Places where roads meet, each with the road that it lies on; several rows for one place."""
    is_line = shapely.get_dimensions(shapes) == 1
    places: list[NDArray[np.float64]] = []
    owners: list[NDArray[np.int64]] = []
    rows = np.flatnonzero(is_line)
    ends = np.vstack([_ends(shapes[rows], k) for k in (0, -1)]) if len(rows) else np.zeros((0, 2))
    tree = shapely.STRtree(shapes)
    if len(ends):
        end, other = tree.query(shapely.points(ends), predicate="dwithin", distance=tolerance_m)
        places += [ends, ends[end]]
        owners += [np.tile(rows, 2), other]
    first, second, middle = _passages(roads, shapes, np.flatnonzero(~is_line), tolerance_m)
    places += [middle, middle]
    owners += [first, second]
    return np.vstack(places), np.concatenate(owners).astype(np.int64)


def _ends(lines: NDArray[Any], which: int) -> NDArray[np.float64]:
    """First or last point of lines; of several parts those of the first or last."""
    part = shapely.get_geometry(lines, which)
    part = np.where(shapely.is_missing(part), lines, part)
    return shapely.get_coordinates(shapely.get_point(part, which))


def _passages(
    roads: Any, shapes: NDArray[Any], rows: NDArray[np.int64], tolerance_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Pairs of polygons that share a border, and its middle."""
    grown = shapely.buffer(shapes[rows], tolerance_m, join_style="mitre")
    a, b = shapely.STRtree(shapes[rows]).query(grown, predicate="intersects")
    a, b = a[a < b], b[a < b]
    first, second = rows[a], rows[b]
    apart = np.zeros(len(a), np.bool_)
    if "underpass" in roads and "on_deck" in roads:
        under, over = roads["underpass"].to_numpy(bool), roads["on_deck"].to_numpy(bool)
        apart = (under[first] & over[second]) | (over[first] & under[second])
    # What both have in common, each grown: a strip twice the tolerance wide along the border
    common = shapely.intersection(grown[a], grown[b])
    long = shapely.area(common) / (2 * tolerance_m) >= LEAST_PASSAGE_M
    keep = long & ~apart
    middle = shapely.get_coordinates(shapely.centroid(common[keep])).reshape(-1, 2)
    return first[keep], second[keep], middle


def _snapped(xy: NDArray[np.float64], tolerance_m: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """One node for places that are near each other: its position, and the node of each place."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    if not len(xy):
        return xy.reshape(0, 2), np.zeros(0, np.int64)
    near = cKDTree(xy).query_pairs(tolerance_m, output_type="ndarray")
    graph = coo_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(xy), len(xy)))
    n, node = connected_components(graph, directed=False)
    counts = np.bincount(node, minlength=n)
    middle = [np.bincount(node, xy[:, k], minlength=n) / counts for k in range(2)]
    return np.column_stack(middle), node.astype(np.int64)


def _edges(
    shapes: NDArray[Any], xy: NDArray[np.float64], pairs: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Edges along lines from node to node, and through polygons between any two."""
    edges: list[tuple[int, int]] = []
    road: list[int] = []
    length: list[float] = []
    starts = np.searchsorted(pairs[:, 0], np.arange(len(shapes) + 1))
    dimension = shapely.get_dimensions(shapes)
    for r in np.flatnonzero(np.diff(starts) > 1):
        nodes = pairs[starts[r] : starts[r + 1], 1]
        if dimension[r] == 1:
            along = shapely.line_locate_point(shapes[r], shapely.points(xy[nodes]))
            order = np.argsort(along, kind="stable")
            i, j = order[:-1], order[1:]
            distance = along[j] - along[i]
        else:
            i, j = np.triu_indices(len(nodes), k=1)
            distance = np.hypot(*(xy[nodes[i]] - xy[nodes[j]]).T)
        edges += list(zip(nodes[i].tolist(), nodes[j].tolist(), strict=True))
        road += [int(r)] * len(i)
        length += distance.tolist()
    return np.array(edges, np.int64).reshape(-1, 2), np.array(road, np.int64), np.array(length, np.float64)
