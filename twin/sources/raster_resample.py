"""Values of one raster at the cell centres of another.

Every cell is found by the exact transformation, so that the result does not depend on how the work is cut into
blocks, and agrees with where vectors and points end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np

from twin.core.crs import PointTransform, horizontal, make_transform
from twin.core.notices import Notices

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.core.grid import Grid
    from twin.sources.raster_info import RasterInfo

# Cells that coincide are told from cells that are a little off by a millionth of a cell.
_DECIMALS = 6
_ENOUGH = 0.5
_LATTICE_CELLS = 16
_LATTICE_M = 100.0


@dataclass(frozen=True, slots=True)
class Window:
    """Rows and columns of a source raster, as half-open ranges."""

    row0: int
    row1: int
    col0: int
    col1: int

    @property
    def is_empty(self) -> bool:
        """Whether there are no cells in it."""
        return self.row1 <= self.row0 or self.col1 <= self.col0


def way_back(info: RasterInfo, crs: CRS) -> PointTransform:
    """From the city's plane into the raster's."""
    return make_transform(horizontal(crs), horizontal(info.crs), where=info.path, notices=Notices())


def source_places(
    info: RasterInfo, grid: Grid, part: tuple[slice, slice], way: PointTransform
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Where the cell centres of a part of `grid` lie in the source.

    Returns
    -------
    rows, cols : array, shape (n_rows, n_cols)
        Fractional indices of source cells, whole at their centres.
    xy : array, shape (n_rows * n_cols, 2)
        The same in the source's CRS.
    """
    # Taken from the whole grid's centres, so that rounding does not depend on the part.
    x, y = grid.x_centres[part[1]], grid.y_centres[part[0]]
    xy = _transformed(x, y, grid.cell_size_m, way)
    a, _, c, _, e, f = info.transform
    cols = np.round((xy[:, 0] - c) / a - 0.5, _DECIMALS).reshape(len(y), len(x))
    rows = np.round((xy[:, 1] - f) / e - 0.5, _DECIMALS).reshape(len(y), len(x))
    return rows, cols, xy


def _transformed(
    x: NDArray[np.float64], y: NDArray[np.float64], cell_size_m: float, way: PointTransform
) -> NDArray[np.float64]:
    """The cell centres in the source's CRS, shape (ny * nx, 2).

    Between two planes of projection a hundred metres are straight to a tenth of a millimetre, so the transformation
    is exact at the nodes of a lattice and linear between them. The lattice lies at whole multiples of its step in the
    city's plane, whatever part of it the grid covers.
    """
    if way.is_identity:
        every_x, every_y = np.meshgrid(x, y)
        return np.column_stack([every_x.ravel(), every_y.ravel()])
    step = cell_size_m * max(1, min(_LATTICE_CELLS, int(_LATTICE_M / cell_size_m)))
    (i, fx), (j, fy) = _between(x, step), _between(y, step)
    i0, j0 = int(i.min()), int(j.min())
    node_x, node_y = np.meshgrid(
        np.arange(i0, int(i.max()) + 2) * step, np.arange(j0, int(j.max()) + 2) * step
    )
    flat = np.column_stack([node_x.ravel(), node_y.ravel(), np.zeros(node_x.size)])
    nodes = way(flat)[:, :2].reshape(*node_x.shape, 2)
    along = nodes[:, i - i0] * (1 - fx)[None, :, None] + nodes[:, i - i0 + 1] * fx[None, :, None]
    places = along[j - j0] * (1 - fy)[:, None, None] + along[j - j0 + 1] * fy[:, None, None]
    return np.asarray(places.reshape(-1, 2))


def _between(centres: NDArray[np.float64], step: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The node before each centre, and how far it lies towards the next one."""
    node = np.floor(centres / step)
    return node.astype(np.int64), centres / step - node


def window_of(rows: NDArray[np.float64], cols: NDArray[np.float64], info: RasterInfo, factor: int) -> Window:
    """The source cells that are needed, whole blocks of `factor` by `factor` counted from the source's corner."""
    margin = 2 * factor

    def span(places: NDArray[np.float64], n: int) -> tuple[int, int]:
        low = (int(np.floor(places.min())) - margin) // factor * factor
        high = -((-int(np.ceil(places.max())) - margin) // factor) * factor
        return max(0, low), min(n, high)

    return Window(*span(rows, info.ny), *span(cols, info.nx))


def mean_blocks(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Means over blocks of `factor` by `factor` cells, cells without data left out; the last may be smaller.

    Parameters
    ----------
    values : array, shape (ny, nx)
        NaN without data.
    factor : int
        At least 1.
    """
    if factor == 1:
        return values
    ny, nx = (-(-n // factor) for n in values.shape)
    padded = np.full((ny * factor, nx * factor), np.nan, np.float32)
    padded[: values.shape[0], : values.shape[1]] = values
    blocks = padded.reshape(ny, factor, nx, factor)
    there = np.isfinite(blocks)
    n = there.sum(axis=(1, 3))
    total = np.where(there, blocks, 0).sum(axis=(1, 3), dtype=np.float64)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan).astype(np.float32)


def sample_nearest(
    values: NDArray[np.float32],
    rows: NDArray[np.float64],
    cols: NDArray[np.float64],
    *,
    first: tuple[int, int] = (0, 0),
) -> NDArray[np.float32]:
    """The nearest cell's value; NaN outside. Parameters as in `sample_linear`."""
    j = np.floor(rows + 0.5).astype(np.int64) - first[0]
    i = np.floor(cols + 0.5).astype(np.int64) - first[1]
    inside = (j >= 0) & (j < values.shape[0]) & (i >= 0) & (i < values.shape[1])
    out = np.full(rows.shape, np.nan, np.float32)
    out[inside] = values[j[inside], i[inside]]
    return out


def sample_linear(
    values: NDArray[np.float32],
    rows: NDArray[np.float64],
    cols: NDArray[np.float64],
    *,
    first: tuple[int, int] = (0, 0),
) -> NDArray[np.float32]:
    """Bilinear between the cell centres that have data; NaN where these weigh less than half, and outside.

    Parameters
    ----------
    values : array, shape (ny, nx)
        NaN without data.
    rows, cols : array
        Fractional indices in the whole raster, whole at cell centres.
    first : tuple of int
        Row and column of ``values[0, 0]`` in the whole raster.
    """
    out = np.empty(rows.size, np.float32)
    flat_rows, flat_cols = np.ascontiguousarray(rows).ravel(), np.ascontiguousarray(cols).ravel()
    _bilinear(np.ascontiguousarray(values), flat_rows, flat_cols, first, out)
    return out.reshape(rows.shape)


@numba.njit(cache=True, nogil=True)
def _bilinear(
    values: NDArray[np.float32],
    rows: NDArray[np.float64],
    cols: NDArray[np.float64],
    first: tuple[int, int],
    out: NDArray[np.float32],
) -> None:
    ny, nx = values.shape
    first_row, first_col = first
    for k in range(len(rows)):
        v, u = rows[k] - first_row, cols[k] - first_col
        out[k] = np.nan
        if not (-0.5 <= v <= ny - 0.5 and -0.5 <= u <= nx - 0.5):
            continue
        # The fraction is taken of the whole raster's index, so that it does not depend on the window.
        row = min(max(rows[k], first_row), first_row + ny - 1.0)
        col = min(max(cols[k], first_col), first_col + nx - 1.0)
        fv, fu = row - math.floor(row), col - math.floor(col)
        j, i = math.floor(row) - first_row, math.floor(col) - first_col
        total, weight = 0.0, 0.0
        for dj in range(2):
            for di in range(2):
                w = (fv if dj else 1 - fv) * (fu if di else 1 - fu)
                cell = values[min(j + dj, ny - 1), min(i + di, nx - 1)]
                if np.isfinite(cell):
                    total += w * cell
                    weight += w
        if weight >= _ENOUGH:
            out[k] = total / weight
