"""What a flood does to the roads and buildings of a city at a moment, prepared once and looked up for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.colour import Legend, LegendEntry
from twin.scene.flood_colours import Classes, wall_classes
from twin.scene.model import Picture

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.core.grid import Bounds, Grid
    from twin.scene.style import Rgb
    from twin.water.flood import Flood

ROAD_RGBA = ((96, 168, 104, 120), (246, 200, 72, 235), (240, 128, 44, 240), (200, 24, 40, 245))
"""Open, caution, restricted, closed: the graver the more opaque, for of two layers the more opaque is seen."""
_UNKNOWN = (0, 0, 0, 0)
_ROAD_CELL_M, _MOST_CELLS = 0.2, 4_000_000
_BESIDE = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]


@dataclass(frozen=True, slots=True)
class RoadLook:
    """Roads of a city and their states in a flood.

    Parameters
    ----------
    road : array of int32, shape (ny, nx)
        Which road lies at each place or beside it, -1 none.
    cover : array of uint8, shape (ny, nx)
        How much of each place roads cover, 0 to 255: their edges are smooth.
    bounds : Bounds
    states : array of int8, shape (t, n)
        State of each road at each moment of the flood, as in `twin.water.standards.STATES`; -1 unknown.
    worst : array of int8, shape (n,)
    standard : str
    """

    road: NDArray[np.int32]
    cover: NDArray[np.uint8]
    bounds: Bounds
    states: NDArray[np.int8]
    worst: NDArray[np.int8]
    standard: str

    def picture(self, step: int | None) -> Picture:
        """Roads in the colours of their states at a moment, or of their worst."""
        states = self.worst if step is None else self.states[step]
        table = np.array([*ROAD_RGBA, _UNKNOWN], np.uint8)[np.append(states, -1)]
        rgba = table[self.road]
        rim = (self.road >= 0) & (self.cover < 255)
        rgba[rim, 3] = (rgba[rim, 3].astype(np.uint16) * self.cover[rim] + 127) // 255
        return Picture(rgba, self.bounds)

    @property
    def legend(self) -> Legend:
        """What the colours mean."""
        from twin.water.standards import STATES

        pairs = zip(STATES, ROAD_RGBA, strict=True)
        entries = tuple(LegendEntry(f"Road {name}", rgba[:3], "line") for name, rgba in pairs)
        return Legend(f"Roads ({self.standard})", entries)


def road_look(city: City, flood: Flood, standard: str | Path | None) -> RoadLook | None:
    """Roads of a city in a flood: from the tables beside the flood where these are by the standard; None without roads.

    Raises
    ------
    UsageError
        If there is no such standard.
    """
    from twin.reconstruct.raster_marks import polygon_of_cells
    from twin.water.exposure import city_roads
    from twin.water.roads import road_shapes
    from twin.water.standards import DEFAULT_ROADS, road_standard

    roads = city_roads(city)
    if roads is None:
        return None
    rule = standard or DEFAULT_ROADS
    name = road_standard(rule).name
    found = _kept_states(city, flood, roads, rule)
    states, worst = found if found is not None else _computed_states(city, flood, roads, rule)
    grid = _fine_grid(flood.grid)
    road, cover = covered(polygon_of_cells(road_shapes(roads), grid))
    return RoadLook(road, cover, grid.bounds, states, worst, name)


def _fine_grid(grid: Grid) -> Grid:
    """Cells half as large as those of a texture that is fine enough for the edges of roads and not too large."""
    from twin.core.grid import Grid

    b = grid.bounds
    cell = max(_ROAD_CELL_M, math.sqrt(b.width * b.height / _MOST_CELLS))
    columns, rows = math.ceil(b.width / cell), math.ceil(b.height / cell)
    return Grid(b.x_min, b.y_max, cell / 2, 2 * columns, 2 * rows)


def covered(road: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Cells in blocks of two by two: which road lies there or beside, and how much of the block roads cover.

    Parameters
    ----------
    road : array of int32, shape (2 ny, 2 nx)
        -1 where there is none.

    Returns
    -------
    road : array of int32, shape (ny, nx)
    cover : array of uint8, shape (ny, nx)
        0 to 255.

    Examples
    --------
    >>> road, cover = covered(np.array([[3, -1, -1, -1], [3, 3, -1, -1]], np.int32))
    >>> road.tolist(), cover.tolist()
    ([[3, 3]], [[191, 0]])
    """
    blocks = road.reshape(road.shape[0] // 2, 2, road.shape[1] // 2, 2)
    share = ((blocks >= 0).sum(axis=(1, 3), dtype=np.uint16) * 255 + 2) // 4
    found = blocks.max(axis=(1, 3))
    # Colour goes on beyond the edge, clear: between two places the texture would mix it with black.
    wide = np.pad(found, 1, constant_values=-1)
    around = [wide[1 + i : wide.shape[0] - 1 + i, 1 + j : wide.shape[1] - 1 + j] for i, j in _BESIDE]
    found = np.where(found >= 0, found, np.maximum.reduce(around))
    return found, share.astype(np.uint8)


def _kept_states(
    city: City, flood: Flood, roads: Any, rule: str | Path
) -> tuple[NDArray[np.int8], NDArray[np.int8]] | None:
    """States and worst state from the tables beside the flood, if they are there and fit."""
    from twin.city.tables import read_table
    from twin.water.exposure import FOLDER

    layer = city.manifest.layers.get(flood.name)
    path = f"{FOLDER}/{flood.name}/road_states.parquet"
    if layer is None or all(f.path != path for f in layer.files):
        return None
    if layer.options.get("road_standard") != str(rule):
        return None
    long, segments = read_table(city.path, path), read_table(city.path, path.replace("road_states", "roads"))
    ids = roads["road_id"].astype(str).tolist()
    if segments["road_id"].astype(str).tolist() != ids or len(long) != len(ids) * flood.n_steps:
        return None
    return _codes(long["state"]).reshape(flood.n_steps, len(ids)), _codes(segments["state"])


def _codes(column: Any) -> NDArray[np.int8]:
    import pandas as pd

    from twin.water.standards import STATES

    return pd.Categorical(column.astype(object), categories=pd.Index(STATES)).codes.astype(np.int8)


def _computed_states(
    city: City, flood: Flood, roads: Any, rule: str | Path
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    from twin.water.roads import road_exposure

    layers = city.manifest.layers
    decks, water = (city.layer(name) if name in layers else None for name in ("bridges", "water"))
    found = road_exposure(roads, flood, standard=rule, decks=decks, water=water)
    states = _codes(found.states["state"]).reshape(flood.n_steps, len(roads))
    return states, _codes(found.segments["state"])


@dataclass(frozen=True, slots=True)
class BuildingLook:
    """Buildings of a city and the cells beside their walls.

    Parameters
    ----------
    ids : tuple of str
    cells : CellSets
    """

    ids: tuple[str, ...]
    cells: Any

    def colours(self, depth_m: NDArray[np.float32]) -> Mapping[str, Rgb]:
        """Colours of the buildings whose walls are wet, by the greatest depth beside them."""
        from twin.water.flood import ARRIVED_M

        depth = np.nan_to_num(self.cells.greatest(self.cells.take(depth_m)))
        classes = self.classes
        place = np.searchsorted(np.asarray(classes.breaks), depth, side="right")
        wet = np.flatnonzero(depth >= ARRIVED_M)
        return {self.ids[i]: classes.colours[place[i]] for i in wet.tolist()}

    @property
    def classes(self) -> Classes:
        """Classes of depth at walls."""
        return wall_classes()


def building_look(city: City, flood: Flood) -> BuildingLook:
    """Buildings with the cells beside their walls, the river's own left out."""
    from twin.water.buildings import wall_cells
    from twin.water.sampling import in_water

    frame = city.buildings
    frame = frame[frame["state"] != "duplicate"]
    cells = wall_cells(np.asarray(frame.geometry.array), flood)
    water = city.layer("water") if "water" in city.manifest.layers else None
    return BuildingLook(tuple(frame["id"].astype(str)), cells.kept(~in_water(cells, flood.grid, water)))


def lasting_water(city: City, grid: Grid) -> NDArray[np.bool_] | None:
    """Cells of rivers, canals and the sea as the map has them, shape (ny, nx): their depth is no flood."""
    from twin.reconstruct.raster_marks import cells_within

    if "water" not in city.manifest.layers:
        return None
    return cells_within(np.asarray(city.layer("water").geometry.array), grid)
