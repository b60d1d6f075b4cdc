"""Which cells of a grid each road or wall is made of, and the greatest value on each: plain arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numba import njit

from twin.reconstruct.raster_marks import cells_within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Grid

FINEST_M = 1.0
"""Cells larger than this are sampled at several points each."""
MOST_SAMPLES = 16
"""Sampling points along the side of a cell, at most."""
SHORE_M = 1.0
"""How far beside mapped water its bed may still reach, at most a cell."""
LEAST_SHARE = 0.25
"""A cell belongs to a shape that covers this much of it."""


@dataclass(frozen=True, slots=True)
class CellSets:
    """Cells of several shapes, one after another.

    Parameters
    ----------
    starts : array of int64, shape (n + 1,)
        Where the cells of each shape begin.
    cells : array of int64, shape (m,)
        ``row * nx + col``, rising within each shape.
    """

    starts: NDArray[np.int64]
    cells: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def counts(self) -> NDArray[np.int64]:
        """Cells of each shape, shape (n,)."""
        return np.diff(self.starts)

    @property
    def owner(self) -> NDArray[np.int64]:
        """Shape that each cell belongs to, shape (m,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    def kept(self, keep: NDArray[np.bool_]) -> CellSets:
        """The same shapes with some of their cells, `keep` of shape (m,)."""
        running = np.concatenate([[0], np.cumsum(keep)])
        return CellSets(running[self.starts].astype(np.int64), self.cells[keep])

    def take(self, raster: NDArray[Any]) -> NDArray[Any]:
        """Values of a raster of shape (ny, nx) at all cells, shape (m,)."""
        return raster.reshape(-1)[self.cells]

    def greatest(self, values: NDArray[Any]) -> NDArray[Any]:
        """Greatest of the values of shape (m,) on each shape; NaN where it has none but NaN, shape (n,)."""
        return self._reduced(values, np.fmax)

    def least(self, values: NDArray[Any]) -> NDArray[Any]:
        """Least of the values of shape (m,) on each shape; NaN where it has none but NaN, shape (n,)."""
        return self._reduced(values, np.fmin)

    def mean(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Mean of the values of shape (m,) on each shape, NaN left out, shape (n,)."""
        known = ~np.isnan(values)
        n = np.bincount(self.owner[known], minlength=len(self))
        total = np.bincount(self.owner[known], np.asarray(values, np.float64)[known], minlength=len(self))
        return np.divide(total, n, out=np.full(len(self), np.nan), where=n > 0)

    def _reduced(self, values: NDArray[Any], smaller_or_greater: np.ufunc) -> NDArray[Any]:
        out = np.full(len(self), np.nan, np.result_type(values, np.float32))
        some = self.counts > 0
        if some.any():
            out[some] = smaller_or_greater.reduceat(values, self.starts[:-1][some])
        return out


def cells_of(shapes: NDArray[Any], grid: Grid) -> CellSets:
    """Cells that polygons are made of.

    A cell belongs to a polygon that covers a quarter of it or more, told from sampling points a metre apart or less
    (the centre alone, where cells are that small). A polygon too narrow for that has all cells in which it has a
    sampling point, or else the one that its inside lies in; none outside the grid.

    Parameters
    ----------
    shapes : array, shape (n,)
        Polygons or multipolygons in map coordinates; may overlap.
    grid : Grid
        The raster.

    Examples
    --------
    >>> from twin.core.grid import Grid
    >>> road = shapely.box(0.0, 1.0, 4.0, 3.0)
    >>> cells_of(np.array([road]), Grid(0.0, 4.0, 1.0, 4, 4)).cells.tolist()
    [4, 5, 6, 7, 8, 9, 10, 11]
    """
    factor = min(MOST_SAMPLES, max(1, math.ceil(grid.cell_size_m / FINEST_M)))
    fine = grid.cell_size_m / factor
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    uv = np.column_stack([(xy[:, 0] - grid.x_min) / fine - 0.5, (grid.y_max - xy[:, 1]) / fine - 0.5])
    starts = np.searchsorted(owner, np.arange(len(shapes) + 1)).astype(np.int64)
    rings = shapely.get_num_coordinates(shapely.get_rings(shapely.get_parts(shapes)))
    last = np.zeros(len(xy), np.bool_)
    last[np.cumsum(rings) - 1] = True
    need = math.ceil(LEAST_SHARE * factor**2)
    size, none = (grid.ny, grid.nx), np.zeros(0, np.int64)
    counts = np.zeros(len(shapes), np.int64)
    _sample(uv, starts, last, factor, need, size, none, counts)
    cells = np.empty(int(counts.sum()), np.int64)
    if len(cells):
        _sample(uv, starts, last, factor, need, size, cells, counts)
    return _with_single_cells(shapes, grid, counts, cells)


def in_water(cells: CellSets, grid: Grid, water: Any) -> NDArray[np.bool_]:
    """Which cells lie in mapped water or on its very shore, shape (m,): a river's own depth floods nothing.

    Parameters
    ----------
    cells : CellSets
    grid : Grid
    water : GeoDataFrame or None
        Waters as the map has them.
    """
    if water is None or not len(water):
        return np.zeros(len(cells.cells), np.bool_)
    shapes = np.asarray(water.geometry.array)
    areas = shapes[shapely.get_dimensions(shapes) == 2]
    grown = shapely.buffer(areas, min(SHORE_M, grid.cell_size_m), join_style="mitre")
    return np.asarray(cells.take(cells_within(grown, grid)))


def _with_single_cells(
    shapes: NDArray[Any], grid: Grid, counts: NDArray[np.int64], cells: NDArray[np.int64]
) -> CellSets:
    """Give each shape without a cell the one that a point inside it lies in."""
    empty = np.flatnonzero((counts == 0) & ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes))
    inner = shapely.get_coordinates(shapely.point_on_surface(shapes[empty]))
    row, col = grid.rows_cols(inner[:, 0], inner[:, 1])
    inside = (row >= 0) & (row < grid.ny) & (col >= 0) & (col < grid.nx)
    single = row[inside] * grid.nx + col[inside]
    starts = np.concatenate([[0], np.cumsum(counts)])
    at = starts[:-1][empty[inside]]
    full = counts.copy()
    full[empty[inside]] = 1
    return CellSets(np.concatenate([[0], np.cumsum(full)]).astype(np.int64), np.insert(cells, at, single))


@njit(cache=True, nogil=True, error_model="numpy")
def _sample(uv, starts, last, factor, need, size, cells, counts):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Count the cells of each shape, and list them if there is room; even-odd over all rings of a shape."""
    ny, nx = size
    total = 0
    for s in range(starts.size - 1):
        a, b = starts[s], starts[s + 1]
        if a == b:
            continue
        u_min, v_min, u_max, v_max = uv[a, 0], uv[a, 1], uv[a, 0], uv[a, 1]
        for k in range(a, b):
            u_min, u_max = min(u_min, uv[k, 0]), max(u_max, uv[k, 0])
            v_min, v_max = min(v_min, uv[k, 1]), max(v_max, uv[k, 1])
        row0 = max(0, int(np.floor(v_min / factor)) - 1)
        row1 = min(ny, int(np.ceil(v_max / factor)) + 2)
        col0 = max(0, int(np.floor(u_min / factor)) - 1)
        col1 = min(nx, int(np.ceil(u_max / factor)) + 2)
        if row0 >= row1 or col0 >= col1:
            continue
        flips = np.zeros(((row1 - row0) * factor, (col1 - col0) * factor + 1), np.bool_)
        _flip(uv, a, b, last, row0 * factor, col0 * factor, flips)
        inside = _covered(flips, factor)
        most = inside.max()
        least = need if most >= need else 1
        n = 0
        for j in range(row1 - row0):
            for i in range(col1 - col0):
                if inside[j, i] >= least:
                    if cells.size:
                        cells[total + n] = (row0 + j) * nx + col0 + i
                    n += 1
        counts[s] = n
        total += n


@njit(cache=True, nogil=True, error_model="numpy")
def _flip(uv, a, b, last, row, col, flips):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Flip the first sampling point right of every crossing of a ring with a row of them."""
    ny, nx = flips.shape
    for k in range(a, b - 1):
        if last[k]:
            continue
        u0, v0, u1, v1 = uv[k, 0] - col, uv[k, 1] - row, uv[k + 1, 0] - col, uv[k + 1, 1] - row
        for j in range(max(0, int(np.ceil(min(v0, v1)))), min(ny - 1, int(np.ceil(max(v0, v1))) - 1) + 1):
            u = u0 + (j - v0) / (v1 - v0) * (u1 - u0)
            i = min(nx - 1, max(0, int(np.ceil(u))))
            flips[j, i] = not flips[j, i]


@njit(cache=True, nogil=True, error_model="numpy")
def _covered(flips, factor):  # type: ignore[no-untyped-def]
    """How many sampling points of each cell are inside."""
    rows, cols = flips.shape[0] // factor, (flips.shape[1] - 1) // factor
    out = np.zeros((rows, cols), np.int32)
    for j in range(rows * factor):
        state = False
        for i in range(cols * factor):
            state ^= flips[j, i]
            if state:
                out[j // factor, i // factor] += 1
    return out
