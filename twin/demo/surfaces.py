"""Water, bridges and land cover as a map has them."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.demo import names
from twin.demo import skeleton as sk
from twin.demo.blocks import lot_of
from twin.demo.bridges import bridges_of
from twin.demo.geofiles import place_on_map, polygon, polygons_of
from twin.demo.ground import CREST_HALF_WIDTH_M, bank_offset, berm_width, far_side, river_width
from twin.demo.layout import cell_plan
from twin.demo.roads import far_road_area

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from twin.demo.layout import Layout

    Float = NDArray[np.float64]
    Row = dict[str, Any]

FIELD_STRIP_M = 56.0
STEP_M = 4.0
"""Distance between the corners of a shore."""


def _line(layout: Layout, offset: Callable[[float], float], u0: float, u1: float) -> Float:
    """A line along the river at a distance from the levee road's axis."""
    u = np.linspace(u0, u1, max(2, math.ceil((u1 - u0) / STEP_M) + 1))
    v = np.array([-offset(float(x)) for x in u])
    return np.column_stack([u, np.maximum(v, layout.bounds.y_min)])


def _between(
    layout: Layout, near: Callable[[float], float], far: Callable[[float], float], u0: float, u1: float
) -> Any:
    return polygon(np.concatenate([_line(layout, far, u0, u1), _line(layout, near, u0, u1)[::-1]]))


def water_areas(layout: Layout) -> Iterator[list[Row]]:
    """Rows of ``water.gpkg``: the river, the canals, the ponds."""
    b, skeleton = layout.bounds, layout.skeleton
    river = _between(layout, bank_offset, _far_bank, b.x_min, b.x_max).intersection(layout.outline)
    yield [_row("ED-W-R", "river", names.RIVER, river)]
    rows = []
    for i, kind in enumerate(skeleton.columns):
        if kind == sk.CANAL:
            line = shapely.LineString([skeleton.node(i, j) for j in range(skeleton.ny + 2)])
            shape = line.buffer(sk.CANAL_HALF_WIDTH_M, cap_style="flat")
            land = shapely.box(b.x_min, sk.LEVEE_INSET_M, b.x_max, b.y_max)
            shape = shape.intersection(land).intersection(layout.outline)
            rows.append(_row(f"ED-W-C{i:03d}", "canal", names.canal(i // 8), shape))
    for i, j in np.argwhere(layout.terrain.ponds[:, :, 2] > 0):
        u, v, a, c, _ = layout.terrain.ponds[i, j]
        t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        ring = np.column_stack([u + a * np.cos(t), v + c * np.sin(t)])
        rows.append(_row(f"ED-W-P{i:03d}{j:03d}", "pond", names.NOTHING, polygon(ring)))
    yield rows


def _far_bank(u: float) -> float:
    return far_side(u) - bank_offset(u)


def _row(number: str, kind: str, name: names.Name, shape: Any) -> Row:
    return {
        "id": number,
        "class": kind,
        "name_ko": name.ko,
        "name_en": name.en,
        "name": name.both,
        "geometry": place_on_map(shape),
    }


def bridge_areas(layout: Layout) -> Iterator[list[Row]]:
    """Rows of ``bridges.gpkg``."""
    bridges = bridges_of(layout.skeleton, layout.terrain)
    yield [_row(bridge.id, bridge.kind, bridge.name, polygon(bridge.ring)) for bridge in bridges]


def land_cover(layout: Layout) -> Iterator[list[Row]]:
    """Rows of ``landcover.gpkg``, a row of blocks at a time; classes do not overlap."""
    yield _around(layout)
    for j in range(layout.skeleton.ny):
        rows: list[Row] = []
        for i in range(layout.skeleton.nx):
            rows += _in_block(layout, i, j)
        yield rows
    yield _along_river(layout)


def _in_block(layout: Layout, i: int, j: int) -> list[Row]:
    """Surfaces of a block, each without what was laid on it later."""
    stack = [(kind, polygon(ring)) for kind, ring in cell_plan(layout, i, j).surfaces]
    outline = stack[0][1]
    pond = layout.terrain.ponds[i, j]
    taken = shapely.transform(shapely.Point(0, 0).buffer(1.0, 16), lambda xy: xy * pond[2:4] + pond[:2])
    rows = []
    for k, (kind, shape) in reversed(list(enumerate(stack))):
        rest = shape.intersection(outline).difference(taken)
        taken = taken.union(shape)
        rows += _cover(f"ED-L-{i:03d}{j:03d}{k:02d}", kind, rest)
    if j == 0:
        rows += _cover(f"ED-L-{i:03d}{j:03d}L", "grass", _levee_slope(layout, i, outline))
    return rows


def _levee_slope(layout: Layout, i: int, lot: Any) -> Any:
    """The landward slope between the levee road and a block's lots."""
    corners = lot_of(layout.skeleton, i, 0)
    u0, u1 = corners[0, 0], corners[1, 0]
    slope = shapely.box(u0, CREST_HALF_WIDTH_M, u1, corners[:2, 1].max())
    return slope.difference(lot)


def _cover(number: str, kind: str, shape: Any) -> list[Row]:
    pieces = polygons_of(shape, min_area_m2=0.3)
    return [{"id": f"{number}{k}", "class": kind, "geometry": p} for k, p in enumerate(pieces)]


def _around(layout: Layout) -> list[Row]:
    """Fields beyond the outermost streets."""
    skeleton, b = layout.skeleton, layout.bounds
    nodes = skeleton.nodes[1:-1, 1:-1]
    rim = np.concatenate([nodes[:-1, 0], nodes[-1, :-1], nodes[:0:-1, -1], nodes[0, :0:-1]])
    streets = [polygon(rim)]
    for i, kind in enumerate(skeleton.columns):
        last = skeleton.ny + (kind != sk.RESIDENTIAL)
        streets.append(_corridor([skeleton.node(i, last - 1), skeleton.node(i, last)], kind.corridor_m))
    for j, kind in enumerate(skeleton.rows):
        reach = int(kind != sk.RESIDENTIAL)
        streets.append(_corridor([skeleton.node(-reach, j), skeleton.node(1 - reach, j)], kind.corridor_m))
        ends = skeleton.nx + reach
        streets.append(_corridor([skeleton.node(ends - 1, j), skeleton.node(ends, j)], kind.corridor_m))
    streets += [_corridor(list(nodes[0]), skeleton.columns[0].corridor_m)]
    streets += [_corridor(list(nodes[-1]), skeleton.columns[-1].corridor_m)]
    streets += [_corridor(list(nodes[:, -1]), skeleton.rows[-1].corridor_m)]
    land = shapely.box(b.x_min, CREST_HALF_WIDTH_M, b.x_max, b.y_max)
    return _field_rows(
        "ED-L-F", layout, layout.outline.intersection(land).difference(shapely.union_all(streets))
    )


def is_tilled(strip: int) -> bool:
    """Whether a strip of the fields, `FIELD_STRIP_M` wide and counted along u, lies bare this spring."""
    return strip * 7919 % 5 == 1


def _field_rows(number: str, layout: Layout, fields: Any) -> list[Row]:
    """Fields in strips of crops and bare soil."""
    b, rows = layout.bounds, []
    for strip in range(math.floor(b.x_min / FIELD_STRIP_M), math.ceil(b.x_max / FIELD_STRIP_M)):
        band = shapely.box(strip * FIELD_STRIP_M, b.y_min, (strip + 1) * FIELD_STRIP_M, b.y_max)
        kind = "bare_soil" if is_tilled(strip) else "farmland"
        rows += _cover(f"{number}{strip:+04d}", kind, fields.intersection(band))
    return rows


def _corridor(points: list[Float], half_width_m: float) -> Any:
    return shapely.LineString(points).buffer(half_width_m)


def _along_river(layout: Layout) -> list[Row]:
    """Grass on both levees and meadows on the berms, in stretches of some hundred metres."""
    b = layout.bounds

    def far(offset: Callable[[float], float]) -> Callable[[float], float]:
        return lambda u: far_side(u) - offset(u)

    def foot(u: float) -> float:
        return (far_side(u) - river_width(u)) / 2 - berm_width(u)

    def crest(_: float) -> float:
        return CREST_HALF_WIDTH_M

    def rim(_: float) -> float:
        return -b.y_min

    bands = [
        ("grass", crest, foot),
        ("meadow", foot, bank_offset),
        ("meadow", _far_bank, far(foot)),
        ("grass", far(foot), far_side),
    ]
    rows = []
    road = far_road_area(layout)
    edges = np.linspace(b.x_min, b.x_max, max(2, round(b.width / 250.0) + 1))
    for s, (u0, u1) in enumerate(itertools.pairwise(edges.tolist())):
        for k, (kind, near, off) in enumerate(bands):
            shape = _between(layout, near, off, u0, u1).difference(road).intersection(layout.outline)
            rows += _cover(f"ED-L-R{s:03d}{k}", kind, shape)
    beyond = _between(layout, far_side, rim, b.x_min, b.x_max).difference(road).intersection(layout.outline)
    return rows + _field_rows("ED-L-G", layout, beyond)
