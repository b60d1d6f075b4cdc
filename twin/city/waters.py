"""Levels of water: found in the points that lie on it, one for each water, and laid into the terrain.

A canal is longer than a tile, so each tile only counts the elevations of points inside each water polygon, in bins
of a centimetre; the counts of all tiles give the level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.core.points import Classification

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from twin.city.mosaic import Mosaic
    from twin.core.notices import Notices
    from twin.core.points import PointCloud

BIN_M = 0.01
MIN_RETURNS = 5
"""Fewer returns than this on a water may be birds, boats or ripples."""
LOW_SHARE = 0.1
"""Of ground points inside a water, banks and reeds stand above it: the low ones are nearest to it."""
BANK_M = 2.0
BELOW_BANK_M = 0.3
"""Where no point lies on the water, it is taken to stand this much below its lowest bank."""
INWARD_M = 0.5
TOUCH_M = 0.5


@dataclass(frozen=True, slots=True)
class WaterCounts:
    """Elevations on one water, counted.

    Parameters
    ----------
    row : int
        Which water polygon.
    wet, low : dict
        Centimetre bin (as text, since it lives in JSON) to number of points: of class water, and of class ground.
    """

    row: int
    wet: dict[str, int]
    low: dict[str, int]


def count_elevations(cloud: PointCloud, waters: NDArray[Any], rows: NDArray[np.int64]) -> list[WaterCounts]:
    """Count the points inside each water polygon.

    Parameters
    ----------
    cloud : PointCloud
        Of the tile's core, so that no point is counted twice.
    waters : array, shape (n,)
        Polygons that touch the tile.
    rows : array, shape (n,)
        Their rows among all waters.
    """
    counts = []
    of_use = np.isin(cloud.classification, (Classification.WATER, Classification.GROUND))
    candidates = cloud.select(of_use)
    x, y = candidates.xyz[:, 0], candidates.xyz[:, 1]
    for polygon, row in zip(waters, rows, strict=True):
        inner = polygon.buffer(-INWARD_M)
        inside = _inside(inner if not inner.is_empty else polygon, x, y)
        z, wet = candidates.xyz[inside, 2], candidates.classification[inside] == Classification.WATER
        if len(z):
            counts.append(WaterCounts(int(row), _binned(z[wet]), _binned(z[~wet])))
    return counts


def _inside(polygon: Any, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    x0, y0, x1, y1 = polygon.bounds
    near = np.flatnonzero((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1))
    shapely.prepare(polygon)
    return near[shapely.contains_xy(polygon, x[near], y[near])]


def _binned(z: NDArray[np.float64]) -> dict[str, int]:
    bins, n = np.unique(np.rint(z / BIN_M).astype(np.int64), return_counts=True)
    return {str(b): int(k) for b, k in zip(bins, n, strict=True)}


def water_levels(
    waters: NDArray[Any], counts: Iterable[WaterCounts], mosaic: Mosaic, *, notices: Notices
) -> NDArray[np.float64]:
    """The level of each water polygon, metres, shape (n,).

    The median of returns that are classed as water; else the level of a water that touches this one; else the low
    tenth of ground returns inside; else a little below the lowest bank, and said so.
    """
    wet: list[dict[str, int]] = [{} for _ in waters]
    low: list[dict[str, int]] = [{} for _ in waters]
    for item in counts:
        _merge(wet[item.row], item.wet)
        _merge(low[item.row], item.low)
    levels = np.array([_quantile(w, 0.5) if sum(w.values()) >= MIN_RETURNS else np.nan for w in wet])
    levels = _from_neighbours(waters, levels)
    for k in np.flatnonzero(np.isnan(levels)):
        if sum(low[k].values()) >= MIN_RETURNS:
            levels[k] = _quantile(low[k], LOW_SHARE)
        else:
            levels[k] = _below_bank(waters[k], mosaic)
            notices.add(
                "water-level", f"water {k + 1}: no point lies on it; its level is taken from the bank"
            )
    return np.round(levels, 2)


def _from_neighbours(waters: NDArray[Any], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Levels carried over to touching waters that have none, step by step along a canal cut into pieces."""
    tree = shapely.STRtree(waters)
    here, there = tree.query(waters, predicate="dwithin", distance=TOUCH_M)
    levels = levels.copy()
    while True:
        known = np.isnan(levels[here]) & np.isfinite(levels[there])
        if not known.any():
            return levels
        fresh = np.full(len(levels), np.inf)
        np.minimum.at(fresh, here[known], levels[there[known]])
        levels = np.where(np.isfinite(fresh), fresh, levels)


def _merge(into: dict[str, int], more: dict[str, int]) -> None:
    for key, n in more.items():
        into[key] = into.get(key, 0) + n


def _quantile(bins: dict[str, int], share: float) -> float:
    order = sorted((int(b), n) for b, n in bins.items())
    cumulated = np.cumsum([n for _, n in order])
    return order[int(np.searchsorted(cumulated, share * cumulated[-1]))][0] * BIN_M


def _below_bank(polygon: Any, mosaic: Mosaic) -> float:
    from twin.core.grid import Bounds

    dtm, grid = mosaic.window("dtm", Bounds(*polygon.bounds).buffered(2 * BANK_M))
    x, y = np.meshgrid(grid.x_centres, grid.y_centres)
    bank = polygon.buffer(BANK_M)
    z = dtm[shapely.contains_xy(bank, x, y)] if dtm.size else dtm
    z = z[np.isfinite(z)]
    return float(z.min() - BELOW_BANK_M) if z.size else 0.0


def lay_into(mosaic: Mosaic, waters: NDArray[Any], levels: NDArray[np.float64]) -> None:
    """Set the terrain to the water's level wherever a cell centre lies on it."""
    from twin.core.grid import Bounds

    dtm = mosaic.band("dtm", write=True)
    for polygon, level in zip(waters, levels, strict=True):
        if polygon.is_empty:
            continue
        window = mosaic.grid.window(Bounds(*polygon.bounds))
        grid_part = dtm[window]
        if not grid_part.size:
            continue
        grid = mosaic.grid.subgrid(window)
        x, y = np.meshgrid(grid.x_centres, grid.y_centres)
        shapely.prepare(polygon)
        grid_part[shapely.contains_xy(polygon, x, y)] = level
