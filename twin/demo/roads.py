"""Roads as a map has them: carriageways, crossings and sidewalks as areas, and the net of their axes."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from twin.demo import names
from twin.demo import skeleton as sk
from twin.demo.blocks import column_id, column_name, row_name
from twin.demo.bridges import RIVER_DECK_HALF_WIDTH_M
from twin.demo.geofiles import place_on_map, polygons_of
from twin.demo.ground import CREST_HALF_WIDTH_M, UNDERPASS_END_M, UNDERPASS_HALF_WIDTH_M, far_side
from twin.demo.terrain import river_bridge_columns, underpass_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from twin.demo.layout import Layout
    from twin.demo.names import Name
    from twin.demo.skeleton import Skeleton, StreetKind

    Float = NDArray[np.float64]
    Row = dict[str, Any]

LANES = {"residential": 2, "avenue": 4, "levee": 2, "canal": 1}
CLASSES = {"residential": "residential", "avenue": "primary", "levee": "secondary", "canal": "living_street"}
QUAY_M = (sk.CANAL.carriage_from_m + sk.CANAL.carriage_to_m) / 2
"""From a canal's axis to the axis of the street along it."""
CROSSING_MARGIN_M = 1.0


class Edge(NamedTuple):
    """A street between two nodes of the net."""

    id: str
    kind: StreetKind
    name: Name
    start: tuple[int, int]
    end: tuple[int, int]


FAR_ROAD = Edge("ED-S-FAR", sk.LEVEE_ROAD, names.FAR_LEVEE_ROAD, (-1, -1), (-1, -1))
FAR_ROAD_HALF_WIDTH_M = 2.6


def edges_at(skeleton: Skeleton, i: int, j: int) -> list[Edge]:
    """Streets that begin at a node, those from the rim included."""
    edges = []
    column, row = skeleton.columns[i], skeleton.rows[j]
    if j < skeleton.ny or column != sk.RESIDENTIAL:
        edges.append(Edge(column_id(i, j), column, column_name(skeleton, i), (i, j), (i, j + 1)))
    if i < skeleton.nx or row != sk.RESIDENTIAL:
        edges.append(Edge(f"ED-S-R{i:03d}{j:03d}", row, row_name(skeleton, j), (i, j), (i + 1, j)))
    if i == 0 and row != sk.RESIDENTIAL:
        edges.append(Edge(f"ED-S-W{i:03d}{j:03d}", row, row_name(skeleton, j), (-1, j), (0, j)))
    return edges


def _incident(skeleton: Skeleton, i: int, j: int) -> list[Edge]:
    """Streets that begin or end at a node."""
    near = edges_at(skeleton, i, j)
    if i > 0:
        near += [e for e in edges_at(skeleton, i - 1, j) if e.end == (i, j)]
    if j > 0:
        near += [e for e in edges_at(skeleton, i, j - 1) if e.end == (i, j)]
    return near


def _cut(skeleton: Skeleton, node: tuple[int, int]) -> float:
    """How far from a node a crossing reaches along its streets."""
    i, j = node
    if not (0 <= i <= skeleton.nx and 0 <= j <= skeleton.ny):
        return 0.0
    return max(e.kind.corridor_m for e in _incident(skeleton, i, j)) + CROSSING_MARGIN_M


def road_areas(layout: Layout) -> Iterator[list[Row]]:
    """Rows of ``roads.gpkg``, a row of street nodes at a time."""
    b = layout.bounds
    area = layout.outline.intersection(shapely.box(b.x_min, -CREST_HALF_WIDTH_M, b.x_max, b.y_max))
    for j in range(layout.skeleton.ny + 1):
        rows: list[Row] = []
        for i in range(layout.skeleton.nx + 1):
            rows += _areas_at(layout.skeleton, i, j, area)
        yield rows
    yield _rows(FAR_ROAD, "carriageway", far_road_area(layout), layout.outline)


def _areas_at(skeleton: Skeleton, i: int, j: int, area: Any) -> list[Row]:
    water, dives = _canal_water(skeleton, i, j), _dives_near(skeleton, i, j)
    rows = []
    for edge in edges_at(skeleton, i, j):
        start, end = _trimmed(skeleton, edge)
        line = shapely.LineString([start, end])
        carriage, walk = _bands(line, edge.kind)
        rows += _rows(edge, "carriageway", carriage.difference(shapely.union(water, dives)), area)
        rows += _rows(edge, "sidewalk", walk.difference(water), area)
    carriage, walk, edge = _crossing(skeleton, i, j)
    crossing = edge._replace(id=f"ED-X-{i:03d}{j:03d}")
    level = "bridge" if (i, j) in underpass_nodes(skeleton) else ""
    if level:
        carriage = carriage.difference(_open_cut(skeleton, i, j))
    rows += _rows(crossing, "crossing", carriage.difference(water), area, level)
    rows += _rows(crossing, "sidewalk", walk.difference(water), area)
    return rows + _underpass_rows(skeleton, i, j, area)


def _dive(skeleton: Skeleton, i: int, j: int) -> Any:
    """Carriageway that passes below a crossing, from where it begins to dive to where it is up again."""
    node = skeleton.node(i, j)
    arms = []
    for other in (skeleton.node(i, j - 1), skeleton.node(i, j + 1)):
        along = (other - node) / math.hypot(*(other - node))
        arms.append(shapely.LineString([node, node + along * UNDERPASS_END_M]))
    band = shapely.union_all([arm.buffer(UNDERPASS_HALF_WIDTH_M, cap_style="flat") for arm in arms])
    return shapely.union(band, shapely.Point(node).buffer(UNDERPASS_HALF_WIDTH_M))


def _open_cut(skeleton: Skeleton, i: int, j: int) -> Any:
    """What of an underpass the deck above leaves open."""
    sides = [skeleton.node(i - 1, j), skeleton.node(i, j), skeleton.node(i + 1, j)]
    deck = shapely.LineString(sides).buffer(skeleton.rows[j].corridor_m - 0.5, cap_style="flat")
    return _dive(skeleton, i, j).difference(deck)


def _dives_near(skeleton: Skeleton, i: int, j: int) -> Any:
    """Underpasses that take part of the streets that begin at a node."""
    near = [n for n in underpass_nodes(skeleton) if n in {(i, j), (i, j + 1)}]
    return shapely.union_all([_dive(skeleton, *n) for n in near])


def _underpass_rows(skeleton: Skeleton, i: int, j: int, area: Any) -> list[Row]:
    if (i, j) not in underpass_nodes(skeleton):
        return []
    below = Edge(f"ED-U-{i:03d}{j:03d}", skeleton.columns[i], names.UNDERPASS, (i, j - 1), (i, j + 1))
    return _rows(below, "carriageway", _dive(skeleton, i, j), area, "underpass")


def _canal_water(skeleton: Skeleton, i: int, j: int) -> Any:
    """What of a canal lies near a node; streets pass over it on bridges."""
    if skeleton.columns[i] != sk.CANAL:
        return shapely.Polygon()
    line = shapely.LineString(
        [skeleton.node(i, k) for k in range(max(j - 1, 0), min(j + 2, skeleton.ny + 2))]
    )
    water = line.buffer(sk.CANAL_HALF_WIDTH_M, cap_style="flat")
    return water.intersection(shapely.box(-1e6, sk.LEVEE_INSET_M, 1e6, 1e6))


def _trimmed(skeleton: Skeleton, edge: Edge) -> tuple[Float, Float]:
    start, end = skeleton.node(*edge.start), skeleton.node(*edge.end)
    along = (end - start) / math.hypot(*(end - start))
    return start + along * _cut(skeleton, edge.start), end - along * _cut(skeleton, edge.end)


def _bands(line: Any, kind: StreetKind) -> tuple[Any, Any]:
    """Carriageway and sidewalks along a straight line."""
    corridor = line.buffer(kind.corridor_m, cap_style="flat")
    carriage = line.buffer(kind.carriage_to_m, cap_style="flat")
    if kind.carriage_from_m > 0:
        carriage = carriage.difference(line.buffer(kind.carriage_from_m, cap_style="flat"))
    return carriage, corridor.difference(carriage)


def _crossing(skeleton: Skeleton, i: int, j: int) -> tuple[Any, Any, Edge]:
    """Carriageway and sidewalks of a crossing, and the street that lends it its name: the widest."""
    node, reach = skeleton.node(i, j), _cut(skeleton, (i, j))
    carriages, corridors = [], []
    near = _incident(skeleton, i, j)
    for edge in near:
        other = skeleton.node(*(edge.end if edge.start == (i, j) else edge.start))
        along = (other - node) / math.hypot(*(other - node))
        carriage, walk = _bands(shapely.LineString([node, node + along * reach]), edge.kind)
        carriages.append(carriage)
        corridors += [carriage, walk]
        if edge.kind != sk.CANAL:
            carriages.append(shapely.Point(node).buffer(edge.kind.carriage_to_m))
            corridors.append(shapely.Point(node).buffer(edge.kind.corridor_m))
    carriage = shapely.union_all(carriages)
    widest = max((e for e in near), key=lambda e: (e.kind != sk.CANAL, e.kind.corridor_m))
    return carriage, shapely.union_all(corridors).difference(carriage), widest


def _rows(edge: Edge, part: str, shape: Any, area: Any, level: str = "") -> list[Row]:
    """Rows of a street's part; `level` is ``bridge`` or ``underpass`` where one passes above another."""
    return [
        {
            "id": f"{edge.id}-{part[0].upper()}{k}",
            "segment": edge.id,
            "name_ko": edge.name.ko,
            "name_en": edge.name.en,
            "name": edge.name.both,
            "class": "footway" if part == "sidewalk" else CLASSES[edge.kind.name],
            "street_class": CLASSES[edge.kind.name],
            "part": part,
            "surface": "paving" if part == "sidewalk" else "asphalt",
            "lanes": 0 if part == "sidewalk" else LANES[edge.kind.name],
            "bridge": "yes" if level == "bridge" else "no",
            "underpass": "yes" if level == "underpass" else "no",
            "geometry": piece,
        }
        for k, piece in enumerate(polygons_of(shape.intersection(area), min_area_m2=0.5))
    ]


def road_axes(layout: Layout) -> Iterator[list[Row]]:
    """Rows of ``network.gpkg``: axes that meet in named nodes, a row of street nodes at a time."""
    skeleton = layout.skeleton
    area = layout.outline
    under = set(underpass_nodes(skeleton))
    for j in range(skeleton.ny + 1):
        rows: list[Row] = []
        for i in range(skeleton.nx + 1):
            for edge in edges_at(skeleton, i, j):
                rows += _axis_rows(skeleton, edge, under, area)
            if j == 0 and i in river_bridge_columns(skeleton):
                rows.append(_river_axis(skeleton, i))
        yield rows
    yield _far_rows(layout)


def _axis_rows(skeleton: Skeleton, edge: Edge, under: set[tuple[int, int]], area: Any) -> list[Row]:
    if edge.kind == sk.CANAL:
        sides = (("W", -QUAY_M), ("E", QUAY_M))
        return [
            _axis(
                f"{edge.id}{side}",
                edge,
                [_quay_node(skeleton, n, offset) for n in (edge.start, edge.end)],
                (f"{_node_id(edge.start)}{side}", f"{_node_id(edge.end)}{side}"),
                area,
            )
            for side, offset in sides
        ]
    dives = edge.start[0] == edge.end[0]
    points, ids = [], []
    for node, other in ((edge.start, "E"), (edge.end, "W")):
        inner = 0 <= node[0] <= skeleton.nx
        if not dives and inner and skeleton.columns[node[0]] == sk.CANAL:
            points.append(_quay_node(skeleton, node, QUAY_M if other == "E" else -QUAY_M))
            ids.append(f"{_node_id(node)}{other}")
        else:
            points.append(skeleton.node(*node))
            ids.append(_node_id(node) + ("U" if dives and node in under else ""))
    rows = [_axis(edge.id, edge, points, (ids[0], ids[1]), area)]
    i, j = edge.end
    if not dives and 0 <= i <= skeleton.nx and skeleton.columns[i] == sk.CANAL:
        ends = [_quay_node(skeleton, (i, j), -QUAY_M), _quay_node(skeleton, (i, j), QUAY_M)]
        rows.append(_axis(f"{edge.id}B", edge, ends, (f"{_node_id((i, j))}W", f"{_node_id((i, j))}E"), area))
    return rows


def _node_id(node: tuple[int, int]) -> str:
    return f"ED-N-{node[0]:03d}{node[1]:03d}"


def _quay_node(skeleton: Skeleton, node: tuple[int, int], offset_m: float) -> Float:
    """Where the street along a canal meets the street across it."""
    i, j = node
    here = skeleton.node(i, j)
    if j > skeleton.ny:
        return here + np.array([offset_m, 0.0])
    aside = skeleton.node(i + 1, j) if offset_m > 0 else skeleton.node(i - 1, j)
    return np.asarray(here + (aside - here) / abs(aside[0] - here[0]) * abs(offset_m))


def _axis(number: str, edge: Edge, points: list[Float], ids: tuple[str, str], area: Any) -> Row:
    line = shapely.LineString(points).intersection(area)
    return {
        "id": number,
        "from_node": ids[0],
        "to_node": ids[1],
        "name_ko": edge.name.ko,
        "name_en": edge.name.en,
        "name": edge.name.both,
        "class": CLASSES[edge.kind.name],
        "lanes": LANES[edge.kind.name],
        "width_m": round(edge.kind.carriage_to_m * 2 if edge.kind != sk.CANAL else 4.5, 1),
        "geometry": place_on_map(line),
    }


def far_road_area(layout: Layout) -> Any:
    """The road on the far levee, in the local frame."""
    return _far_axis(layout).buffer(FAR_ROAD_HALF_WIDTH_M)


def _far_axis(layout: Layout) -> Any:
    """The middle of the road on the far levee."""
    b = layout.bounds
    bridges = [layout.skeleton.node(i, 0)[0] for i in river_bridge_columns(layout.skeleton)]
    u = np.unique(np.concatenate([np.arange(b.x_min, b.x_max, 8.0), bridges, [b.x_max]]))
    return shapely.LineString(np.column_stack([u, [-_far_road(float(x)) for x in u]]))


def _far_road(u: float) -> float:
    return far_side(u) - CREST_HALF_WIDTH_M / 2


def _far_rows(layout: Layout) -> list[Row]:
    """The road on the far levee, a row between one bridge and the next."""
    line = _far_axis(layout)
    points = shapely.get_coordinates(line)
    nodes = {
        float(layout.skeleton.node(i, 0)[0]): f"ED-N-{i:03d}FAR"
        for i in river_bridge_columns(layout.skeleton)
    }
    stops = [0, *np.flatnonzero(np.isin(points[:, 0], list(nodes))).tolist(), len(points) - 1]
    names_at = ["ED-N-FARW", *nodes.values(), "ED-N-FARE"]
    return [
        _axis(
            f"{FAR_ROAD.id}{k}",
            FAR_ROAD,
            list(points[a : b + 1]),
            (names_at[k], names_at[k + 1]),
            layout.outline,
        )
        for k, (a, b) in enumerate(itertools.pairwise(stops))
    ]


def _river_axis(skeleton: Skeleton, i: int) -> Row:
    node = skeleton.node(i, 0)
    far = np.array([node[0], -_far_road(float(node[0]))])
    return {
        "id": f"ED-S-B{i:03d}",
        "from_node": _node_id((i, 0)),
        "to_node": f"ED-N-{i:03d}FAR",
        "name_ko": names.RIVER_BRIDGE.ko,
        "name_en": names.RIVER_BRIDGE.en,
        "name": names.RIVER_BRIDGE.both,
        "class": CLASSES["avenue"],
        "lanes": LANES["avenue"],
        "width_m": 2 * RIVER_DECK_HALF_WIDTH_M - 3.0,
        "geometry": place_on_map(shapely.LineString([node, far])),
    }
