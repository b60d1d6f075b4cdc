"""A way from A to B on roads that a flood leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.core.errors import UsageError
from twin.water.road_network import TOLERANCE_M
from twin.water.standards import STATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.water.road_network import Network

SPEED_LIMIT_KM_H = 50.0
FARTHEST_M = 1000.0
"""A point farther from any road than this is a mistake."""
LEAST_KM_H = 5.0
"""Walking pace: where a road is passable, but the safe speed is nearly nothing."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way from A to B, or that there is none.

    Parameters
    ----------
    reached : bool
        Whether there is one.
    road_ids : tuple of str
        Roads along it, in their order.
    line : LineString
        Its course from A to B; empty if there is none.
    length_m, seconds : float
        Infinite if there is none.
    dry_road_ids, dry_length_m, dry_seconds
        The same without the flood.
    closed_on_dry_way : tuple of str
        Roads of the dry way that are closed: why it is longer, or why there is none.
    """

    reached: bool
    road_ids: tuple[str, ...]
    line: Any
    length_m: float
    seconds: float
    dry_road_ids: tuple[str, ...]
    dry_length_m: float
    dry_seconds: float
    closed_on_dry_way: tuple[str, ...]


def way_round(
    network: Network,
    states: Any,
    a: Sequence[float],
    b: Sequence[float],
    *,
    time: Any,
    passable: str = "restricted",
    speed_limit_km_h: float = SPEED_LIMIT_KM_H,
) -> Way:
    """The quickest way from A to B at a moment of a flood, beside the one without it.

    Parameters
    ----------
    network : Network
        From `road_network`.
    states : DataFrame
        `states` of `road_exposure`; roads that it does not know, or knows nothing of, count as open.
    a, b : pair of float
        Map coordinates, m. Each joins the road that is nearest to it, wet or not.
    time : datetime64, datetime or str
        UTC, unless it names its zone; the last moment of the flood at or before it holds, for the whole way.
    passable : {"open", "caution", "restricted"}
        The worst state of a road that one may drive.
    speed_limit_km_h : float
        On dry roads; in water the safe speed where it is less.

    Raises
    ------
    UsageError
        If a point or state is none, a point has no road within a kilometre, or the time lies before the flood.
    """
    if passable not in STATES[:-1]:
        raise UsageError("passable", f"{passable!r}", f"choose one of {', '.join(STATES[:-1])}")
    points = np.array([tuple(a)[:2], tuple(b)[:2]], np.float64)
    if points.shape != (2, 2) or not np.isfinite(points).all():
        raise UsageError("a, b", f"{a!r} and {b!r} are no points", "give x and y in metres")
    code, km_h = _at_time(network, states, utc(time))
    graph = _with_ends(network, points)
    dry = np.full(len(network.road_ids), speed_limit_km_h)
    wet = np.clip(np.fmin(dry, np.where(np.isnan(km_h), np.inf, km_h)), LEAST_KM_H, None)
    closed = code > STATES.index(passable)
    before = _quickest(graph, dry / 3.6, np.zeros(len(closed), np.bool_))
    now = _quickest(graph, wet / 3.6, closed)
    names = network.road_ids
    return Way(
        reached=bool(np.isfinite(now.seconds)),
        road_ids=tuple(names[r] for r in now.roads),
        line=shapely.linestrings(now.xy) if len(now.xy) > 1 else shapely.LineString(),
        length_m=now.length_m,
        seconds=now.seconds,
        dry_road_ids=tuple(names[r] for r in before.roads),
        dry_length_m=before.length_m,
        dry_seconds=before.seconds,
        closed_on_dry_way=tuple(names[r] for r in before.roads if closed[r]),
    )


def utc(time: Any) -> np.datetime64:
    """A moment in UTC: datetime64, text or datetime; one without a zone is UTC already.

    Raises
    ------
    UsageError
        If it is no moment.

    Examples
    --------
    >>> str(utc("2026-08-28T12:00+09:00"))[:16]
    '2026-08-28T03:00'
    """
    import pandas as pd

    try:
        moment = pd.Timestamp(time)
    except (ValueError, TypeError) as error:
        raise UsageError(
            "time", f"{time!r} is none ({error})", "give one such as 2026-08-28T03:00Z"
        ) from None
    if pd.isna(moment):
        raise UsageError("time", f"{time!r} is none", "give one such as 2026-08-28T03:00Z")
    plain = moment.to_datetime64() if moment.tz is None else moment.tz_convert("UTC").to_datetime64()
    return plain.astype("datetime64[ns]")


def _at_time(
    network: Network, states: Any, time: np.datetime64
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Code of the state and safe speed of each road of the network; -1 and NaN where nothing is known."""
    import pandas as pd

    moments = np.unique(states["time"].to_numpy("datetime64[ns]"))
    step = int(np.searchsorted(moments, time, side="right")) - 1
    if step < 0:
        first = str(moments[0].astype("datetime64[s]")) if len(moments) else "never"
        raise UsageError("time", f"{time} is before the flood", f"it begins at {first} UTC")
    now = states[states["time"] == moments[step]]
    place = pd.Index(now["road_id"].astype(str)).get_indexer(network.road_ids.astype(str))
    code = pd.Categorical(now["state"], categories=pd.Index(STATES)).codes.astype(np.int64)
    speed = now["speed_km_h"].to_numpy(np.float64)
    found = place >= 0
    return np.where(found, code[place], -1), np.where(found, speed[place], np.nan)


@dataclass(frozen=True, slots=True)
class _Graph:
    """A network with A and B as its last two nodes."""

    xy: NDArray[np.float64]
    edges: NDArray[np.int64]
    road: NDArray[np.int64]
    length_m: NDArray[np.float64]
    shapes: NDArray[Any]


def _with_ends(network: Network, points: NDArray[np.float64]) -> _Graph:
    places = shapely.points(points)
    nearest = shapely.STRtree(network.shapes).nearest(places)
    for point, away in zip(points, shapely.distance(places, network.shapes[nearest]), strict=True):
        if away > FARTHEST_M:
            where = f"{point[0]:.0f}, {point[1]:.0f}"
            raise UsageError(
                "a, b", f"{where} is {away:.0f} m from any road", "give x and y in the city's CRS"
            )
    n = len(network.xy)
    edges, road, length = [network.edges], [network.road], [network.length_m]
    for k, r in enumerate(nearest):
        mine = np.unique(network.edges[network.road == r])
        if not len(mine):  # a road with a single node, or none, has no edge of its own
            mine = np.flatnonzero(shapely.dwithin(network.shapes[r], shapely.points(network.xy), TOLERANCE_M))
        edges.append(np.column_stack([np.full(len(mine), n + k), mine]))
        length.append(_to_nodes(network.shapes[r], points[k], network.xy[mine]))
        road.append(np.full(len(mine), r))
    if nearest[0] == nearest[1]:
        edges.append(np.array([[n, n + 1]]))
        length.append(_to_nodes(network.shapes[nearest[0]], points[0], points[1:]))
        road.append(nearest[:1])
    return _Graph(
        np.vstack([network.xy, points]),
        np.vstack(edges).astype(np.int64),
        np.concatenate(road).astype(np.int64),
        np.concatenate(length),
        network.shapes,
    )


def _to_nodes(shape: Any, point: NDArray[np.float64], nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance along a line, or straight through a polygon; the way to the road itself is not counted."""
    if shapely.get_dimensions(shape) == 1:
        here = shapely.line_locate_point(shape, shapely.points(point))
        return np.abs(shapely.line_locate_point(shape, shapely.points(nodes)) - here)
    near, _ = shapely.get_coordinates(shapely.shortest_line(shape, shapely.points(point)))
    return np.hypot(*(nodes - near).T)


@dataclass(frozen=True, slots=True)
class _Found:
    """The quickest way of one search."""

    seconds: float
    length_m: float
    roads: tuple[int, ...]
    xy: NDArray[np.float64]


def _quickest(graph: _Graph, speed_m_s: NDArray[np.float64], closed: NDArray[np.bool_]) -> _Found:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    n = len(graph.xy)
    open_edges = np.flatnonzero(~closed[graph.road])
    seconds = graph.length_m[open_edges] / speed_m_s[graph.road[open_edges]]
    low, high = np.sort(graph.edges[open_edges], axis=1).T
    order = np.lexsort((seconds, high, low))  # of several edges between two nodes the quickest
    key = low[order] * n + high[order]
    kept = order[np.append(True, np.diff(key) > 0)] if len(order) else order
    # An edge of no length would be none in a sparse matrix
    weights = csr_array((np.maximum(seconds[kept], 1e-9), (low[kept], high[kept])), shape=(n, n))
    cost, previous = dijkstra(weights, directed=False, indices=n - 2, return_predecessors=True)
    if not np.isfinite(cost[n - 1]):
        return _Found(np.inf, np.inf, (), np.zeros((0, 2)))
    nodes = [n - 1]
    while nodes[-1] != n - 2:
        nodes.append(int(previous[nodes[-1]]))
    nodes.reverse()
    steps = np.sort(np.column_stack([nodes[:-1], nodes[1:]]), axis=1)
    index = np.searchsorted(low[kept] * n + high[kept], steps[:, 0] * n + steps[:, 1])
    used = open_edges[kept[index]]
    roads = graph.road[used]
    changes = np.append(True, np.diff(roads) != 0)
    length = float(graph.length_m[used].sum())
    return _Found(float(cost[n - 1]), length, tuple(roads[changes].tolist()), _course(graph, nodes, roads))


def _course(graph: _Graph, nodes: list[int], roads: NDArray[np.int64]) -> NDArray[np.float64]:
    """Points along the way: bends of lines, straight lines through polygons."""
    points = [graph.xy[nodes[:1]]]
    for a, b, r in zip(nodes[:-1], nodes[1:], roads, strict=True):
        if shapely.get_dimensions(graph.shapes[r]) == 1:
            line = graph.shapes[r]
            s, t = shapely.line_locate_point(line, shapely.points(graph.xy[[a, b]]))
            bends = shapely.get_coordinates(line)
            along = shapely.line_locate_point(line, shapely.points(bends))
            between = (along > min(s, t)) & (along < max(s, t))
            points.append(bends[between][:: 1 if s < t else -1])
        points.append(graph.xy[[b]])
    return np.vstack(points)
