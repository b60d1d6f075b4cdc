"""Roads of a city in the colours of what is measured on them, through a table of colours over one raster.

A road is coloured by a thing that is bound to it: by the road's id, or by that of the segment that it is a piece of.
A thing that names no road of the city, and observes traffic, speaks of the nearest carriageway within `REACH_M`; one
whose name is part of the thing's goes before nearer ones. Of several things on a road the newest observation counts.
Where a flood closes, restricts or warns of a road, that is seen; where it leaves one open, the sensor's colour is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.layers import MarkerState
from twin.scene.live_bound import Bound, colouring_of, streams_of
from twin.scene.model import Picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from twin.core.grid import Bounds, Grid
    from twin.live.model import Catalogue, Snapshot, Thing
    from twin.scene.live_bound import Spread

TRAFFIC = ("vehicle_speed", "vehicle_count")
"""Properties that tell of a road without being bound to it."""
REACH_M = 15.0
SEGMENT = "segment"
"""Column of roads that names what several pieces belong to."""
ALPHA = 225
"""Less than that of a road in danger and more than that of an open one: of two layers the more opaque is seen."""
UNSURE_RGB = (236, 236, 236)
"""Every other stripe of a road whose value cannot be true."""
_STRIPE_M = 2.5
_INSET = 0.12
"""Part of a road's width that stays bare at either side, so that its state in a flood and its flow differ in looks."""
_CELL_M, _MOST_CELLS = 0.5, 4_000_000


@dataclass(frozen=True)
class SensedRoads:
    """Roads with their datastreams.

    Parameters
    ----------
    bound : Bound
    cell : array of int32, shape (ny, nx)
        Row of the table of colours: of `n + 1`, the last of which is clear, once plain and once for stripes.
    bounds : Bounds
    """

    bound: Bound
    cell: NDArray[np.int32]
    bounds: Bounds
    _last: dict[bytes, Picture] = field(default_factory=dict, repr=False, compare=False)

    def picture(self, snapshot: Snapshot, state: NDArray[np.uint8]) -> Picture:
        """The roads at a moment; the same picture as before where no colour changed."""
        rgb, told = self.bound.colours(snapshot, state)
        table = np.zeros((2, self.bound.n + 1, 4), np.uint8)
        table[:, :-1, :3] = rgb
        table[1, :-1][told == MarkerState.INVALID, :3] = UNSURE_RGB
        table[:, :-1, 3] = np.where(told == MarkerState.MISSING, 0, ALPHA)
        key = table.tobytes()
        if key not in self._last:
            self._last.clear()
            rows = np.frombuffer(key, np.uint32)
            self._last[key] = Picture(
                np.take(rows, self.cell).view(np.uint8).reshape(*self.cell.shape, 4), self.bounds
            )
        return self._last[key]


def sensed_roads(
    roads: Any,
    catalogue: Catalogue,
    properties: Sequence[str],
    spread: Spread,
) -> SensedRoads | None:
    """Roads that things speak of; None where none does.

    Parameters
    ----------
    roads : GeoDataFrame
        Polygons or lines in the city's CRS.
    catalogue : Catalogue
    properties : sequence of str
        The first that is observed on a road counts; where there are none, traffic before all else.
    spread : callable
        Gives the ends of the colour map of a property without bands, from the places of its datastreams.
    """
    finder = RoadFinder(roads)
    traffic = {s.thing for s in catalogue.datastreams if s.observed_property in TRAFFIC}
    told = ((t.id, finder.rows(t, is_traffic=t.id in traffic)) for t in catalogue.things)
    found = {name: rows for name, rows in told if rows}
    things = {name: catalogue.thing(name) for name in found}
    rows = streams_of(catalogue, things, properties or _foremost(catalogue, things))
    if not rows:
        return None
    pieces = list(dict.fromkeys(row for _, s in rows for row in found[s.thing]))
    place = {row: i for i, row in enumerate(pieces)}
    pairs = [(i, place[row], s) for i, s in rows for row in found[s.thing]]
    index = np.array([i for i, _, _ in pairs], np.int64)
    bound = Bound(
        index,
        np.array([slot for _, slot, _ in pairs], np.int64),
        len(pieces),
        colouring_of([s for _, _, s in pairs], index, spread),
    )
    grid = _grid(finder.shapes[pieces])
    return SensedRoads(bound, _cells(finder.shapes[pieces], grid), grid.bounds)


def _foremost(catalogue: Catalogue, things: Mapping[str, Thing]) -> tuple[str, ...]:
    """Traffic, then the properties that matter most."""
    from twin.scene.live_looks import rank_of

    others = {s.observed_property for s in catalogue.datastreams if s.thing in things} - set(TRAFFIC)
    return (*TRAFFIC, *sorted(others, key=lambda name: (rank_of(name), name)))


class RoadFinder:
    """Which roads things speak of.

    Parameters
    ----------
    roads : GeoDataFrame
    """

    def __init__(self, roads: Any) -> None:
        import shapely

        from twin.water.road_network import drivable
        from twin.water.roads import road_ids, road_shapes

        self.shapes: NDArray[Any] = road_shapes(roads)
        self._drivable = np.flatnonzero(drivable(roads))
        self._rows = {str(name): (row,) for row, name in enumerate(road_ids(roads).tolist())}
        segments = roads[SEGMENT].astype(str).tolist() if SEGMENT in roads else [""] * len(roads)
        self._segments: dict[str, tuple[int, ...]] = {}
        for row in self._drivable.tolist():
            self._segments[segments[row]] = (*self._segments.get(segments[row], ()), row)
        self._segment_of = segments
        columns = [c for c in ("name", "name_en", "name_ko") if c in roads]
        self._names = [
            {str(v).casefold() for v in values if isinstance(v, str) and v.strip()}
            for values in roads[columns].itertuples(index=False)
        ]
        self._tree = shapely.STRtree(self.shapes[self._drivable])

    def rows(self, thing: Thing, *, is_traffic: bool) -> tuple[int, ...]:
        """Rows of the roads that a thing speaks of; none where it speaks of no road."""
        place = thing.place
        if place.kind == "road":
            bound = self._rows.get(place.target) or self._segments.get(place.target, ())
            if bound:
                return bound
        if place.position is None or not is_traffic or place.kind not in {"point", "road"}:
            return ()
        return self._near(place.position, thing.name.casefold())

    def _near(self, position: tuple[float, float, float], name: str) -> tuple[int, ...]:
        """The nearest carriageway within reach with the other pieces of its segment."""
        import shapely

        point = shapely.Point(position[:2])
        near = self._drivable[self._tree.query(point, predicate="dwithin", distance=REACH_M)]
        if not len(near):
            return ()
        away = shapely.distance(self.shapes[near], point)
        others = [not any(own in name for own in self._names[row]) for row in near.tolist()]
        row = int(near[np.lexsort((near, away, others))[0]])
        return self._segments[self._segment_of[row]] if self._segment_of[row] else (row,)


def _grid(shapes: NDArray[Any]) -> Grid:
    """Cells fine enough for the edges of roads, and no more of them than a texture takes."""
    import shapely

    from twin.core.grid import Bounds, Grid

    b = Bounds(*shapely.total_bounds(shapes).tolist())
    cell = max(_CELL_M, math.sqrt(b.width * b.height / _MOST_CELLS))
    return Grid.covering(b.buffered(cell), cell_size_m=cell)


def _cells(shapes: NDArray[Any], grid: Grid) -> NDArray[np.int32]:
    from twin.reconstruct.raster_marks import polygon_of_cells

    road = polygon_of_cells(_ribbons(shapes), grid)
    row, column = np.indices(grid.shape, dtype=np.float32)
    stripe = ((row + column) * (grid.cell_size_m / _STRIPE_M)).astype(np.int32) % 2
    n = len(shapes)
    return np.where(road < 0, n, road + stripe * (n + 1)).astype(np.int32)


def _ribbons(shapes: NDArray[Any]) -> NDArray[Any]:
    """Roads without their margins; one that is too small for that as it is."""
    import shapely

    width = 2 * shapely.area(shapes) / np.maximum(shapely.length(shapes), 1e-9)
    inner = shapely.buffer(shapes, -_INSET * width, join_style="mitre")
    return np.where(shapely.is_empty(inner), shapes, inner)
