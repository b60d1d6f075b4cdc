"""Which roads run over a bridge deck and which pass below one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.city.decks import deck_tops, heights_on

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Grid
    from twin.core.mesh import TriangleMesh
    from twin.water.sampling import CellSets

CLEARANCE_M = 2.5
"""A road lower than this below a deck is no underpass; nothing could drive there."""
LOW_CLEARANCE_M = 1.0
"""A deck no higher above its bed lies on the ground there, and a road on it is no bridge."""
APPROACH_M = 10.0
"""How far before a deck the ground of a road tells whether it climbs to it."""
EDGE_CELLS = 0.75
"""Cells cut by the edge of a deck belong to it: their centre may lie outside, and the bed there is the one below."""
LOW_PERCENT = 10.0
LEVEL_COLUMNS = ("relatievehoogteligging", "layer", "level")
"""Columns that say whether a road lies above (> 0) or below (< 0) what crosses it."""
OVER_COLUMNS = ("on_deck", "bridge")
UNDER_COLUMNS = ("underpass", "tunnel")


@dataclass(frozen=True, slots=True)
class RoadLevels:
    """Roads among decks.

    Parameters
    ----------
    deck_above_bed_m : array of float32, shape (m,)
        For each sampled cell of the roads how high the deck that the road runs over lies above the bed; NaN elsewhere.
    is_on_deck, is_underpass : array of bool, shape (n,)
        Whether a road runs over a deck somewhere, or passes below one.
    """

    deck_above_bed_m: NDArray[np.float32]
    is_on_deck: NDArray[np.bool_]
    is_underpass: NDArray[np.bool_]


def road_levels(
    roads: Any, cells: CellSets, bed_m: NDArray[np.float32], grid: Grid, decks: Any = None
) -> RoadLevels:
    """Tell roads over decks from roads below.

    Where a road crosses a deck, its own columns decide (`relatievehoogteligging`, `layer`, `level`; `bridge`,
    `tunnel`, `underpass`). Without them its ground before the deck does: a road of which a tenth or more, within
    10 m, lies in the lower half between the bed below and the deck passes below, any other runs over it. A road that
    lies on the deck with all of its length runs over it.

    Parameters
    ----------
    roads : GeoDataFrame
    cells : CellSets
        Cells of the roads.
    bed_m : array, shape (m,)
        Elevation of the bed at them, m.
    grid : Grid
    decks : GeoDataFrame, optional
        Polygons with `deck_m`, their highest elevation, and perhaps `slab`, their shape.
    """
    raised = np.full(len(cells.cells), np.nan, np.float32)
    given_over, given_under = _given(roads, OVER_COLUMNS), _given(roads, UNDER_COLUMNS)
    on_deck, under = np.zeros(len(roads), np.bool_), given_under.copy()
    if decks is None or not len(decks) or "deck_m" not in decks or not len(cells.cells):
        return RoadLevels(raised, on_deck, under)
    level = _level(roads)
    over = np.where(given_over | (level > 0), 1, np.where(given_under | (level <= 0), -1, 0))
    shapes = np.asarray(decks.geometry.array)
    shaped = "slab" in decks and decks["slab"].notna().all()
    meshes = [mesh for _, mesh in deck_tops(decks)] if shaped else []
    grown = shapely.buffer(shapes, EDGE_CELLS * grid.cell_size_m)
    highest = decks["deck_m"].to_numpy(np.float64)
    for road, deck in zip(*_pairs(roads, shapes), strict=True):
        mine = slice(cells.starts[road], cells.starts[road + 1])
        x, y = cell_centres(cells.cells[mine], grid)
        inside = shapely.contains_xy(grown[deck], x, y)
        before = shapely.contains_xy(shapely.buffer(shapes[deck], APPROACH_M), x, y) & ~inside
        bed = bed_m[mine]
        if not inside.any() or np.isnan(bed[inside]).all():
            continue
        top = _tops(meshes[deck] if meshes else None, highest[deck], x[inside], y[inside])
        height = float(np.median(top))
        clearance = height - float(np.nanpercentile(bed[inside], LOW_PERCENT))
        if not clearance >= LOW_CLEARANCE_M:  # nor where the height of the deck is not known
            continue
        if over[road] > 0 or (over[road] == 0 and _climbs(bed[before], height, clearance)):
            on_deck[road] = True
            raised[mine][inside] = np.maximum(top - bed[inside], 0)
        elif clearance >= CLEARANCE_M:
            under[road] = True
    return RoadLevels(raised, on_deck, under)


def _climbs(bed_before_m: NDArray[np.float32], top_m: float, clearance_m: float) -> bool:
    """Whether the ground of a road before a deck is as high as the deck rather than as what lies below it."""
    known = bed_before_m[~np.isnan(bed_before_m)]
    return not len(known) or bool(np.percentile(known, LOW_PERCENT) > top_m - clearance_m / 2)


def _pairs(roads: Any, shapes: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Roads and decks that meet, in the order of the roads."""
    deck, road = shapely.STRtree(np.asarray(roads.geometry.array)).query(shapes, predicate="intersects")
    order = np.lexsort((deck, road))
    return road[order], deck[order]


def cell_centres(cells: NDArray[np.int64], grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres of cells, map coordinates."""
    return grid.x_centres[cells % grid.nx], grid.y_centres[cells // grid.nx]


def _tops(
    mesh: TriangleMesh | None, highest_m: float, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Elevation of a deck at points; its highest one where its shape is not known."""
    if mesh is None or not len(mesh.triangles):
        return np.full(len(x), highest_m)
    return np.minimum(heights_on(mesh, x, y), highest_m)


def _level(roads: Any) -> NDArray[np.float64]:
    """Level of each road among those that it crosses; NaN where nothing tells."""
    import pandas as pd

    column = next((c for c in LEVEL_COLUMNS if c in roads), None)
    if column is None:
        return np.full(len(roads), np.nan)
    return np.asarray(pd.to_numeric(roads[column], errors="coerce"), np.float64)


def _given(roads: Any, columns: tuple[str, ...]) -> NDArray[np.bool_]:
    """Where one of the columns says yes: true, 1, ``yes`` or a kind such as ``viaduct``."""
    out = np.zeros(len(roads), np.bool_)
    for column in columns:
        if column in roads:
            texts = roads[column].astype(object).fillna("").astype(str).str.strip().str.lower()
            out |= ~texts.isin(["", "no", "false", "0", "0.0", "nan", "none", "<na>"]).to_numpy()
    return out
