"""Polygons, segments and triangles marked on a raster: small kernels that the surface is built with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Grid


def cells_within(polygons: NDArray[Any], grid: Grid) -> NDArray[np.bool_]:
    """Cells whose centre lies in any of the polygons.

    Parameters
    ----------
    polygons : array, shape (n,)
        Polygons or multipolygons, map coordinates.
    grid : Grid
        The raster.

    Returns
    -------
    array, shape (ny, nx)

    Examples
    --------
    >>> from twin.core.grid import Grid
    >>> ring = shapely.box(0, 0, 5, 5).difference(shapely.box(1, 1, 4, 4))
    >>> cells_within(np.array([ring]), Grid(0.0, 5.0, 1.0, 5, 5)).astype(int)[2]
    array([1, 0, 0, 0, 1])
    """
    return polygon_of_cells(polygons, grid) >= 0


def polygon_of_cells(polygons: NDArray[Any], grid: Grid) -> NDArray[np.int32]:
    """Which polygon each cell's centre lies in.

    Parameters
    ----------
    polygons : array, shape (n,)
        Polygons or multipolygons, map coordinates.
    grid : Grid
        The raster.

    Returns
    -------
    array, shape (ny, nx)
        Row of the polygon, of several the last; -1 where there is none.
    """
    parts, row = shapely.get_parts(polygons, return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    out = np.full(grid.shape, -1, dtype=np.int32)
    if len(xy):
        starts = np.searchsorted(part, np.arange(len(parts) + 1))
        _fill_even_odd(to_cells(xy, grid), starts, _ring_ends(polygons), row.astype(np.int32), out)
    return out


def cells_near(segments: NDArray[np.float64], grid: Grid, *, reach_cells: float) -> NDArray[np.bool_]:
    """Cells whose centre is no further from a segment than some part of a cell.

    Parameters
    ----------
    segments : array, shape (n, 2, 2)
        Ends, map coordinates.
    grid : Grid
        The raster.
    reach_cells : float
        Greatest distance, in cells.

    Returns
    -------
    array, shape (ny, nx)
    """
    out = np.zeros(grid.shape, dtype=np.bool_)
    ends = to_cells(segments.reshape(-1, 2), grid).reshape(-1, 2, 2)
    _mark_segments(ends, reach_cells, out)
    return out


def to_cells(xy: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    """Map coordinates as column and row, whole numbers at cell centres."""
    return np.column_stack(
        [(xy[:, 0] - grid.x_min) / grid.cell_size_m - 0.5, (grid.y_max - xy[:, 1]) / grid.cell_size_m - 0.5]
    )


def _ring_ends(polygons: NDArray[Any]) -> NDArray[np.bool_]:
    """For each coordinate of the polygons, whether it is the last of its ring."""
    counts = shapely.get_num_coordinates(shapely.get_rings(shapely.get_parts(polygons)))
    ends = np.zeros(int(counts.sum()), dtype=np.bool_)
    ends[np.cumsum(counts) - 1] = True
    return ends


@numba.njit(cache=True, nogil=True)
def _fill_even_odd(
    uv: NDArray[np.float64],
    starts: NDArray[np.int64],
    ring_ends: NDArray[np.bool_],
    value: NDArray[np.int32],
    out: NDArray[np.int32],
) -> None:
    """Per part: flip the first cell right of every crossing with a row, then carry the state along it."""
    ny, nx = out.shape
    flips = np.zeros((ny, nx + 1), np.bool_)
    for s in range(len(starts) - 1):
        low, high = ny, -1
        for k in range(starts[s], starts[s + 1]):
            if ring_ends[k]:
                continue
            u0, v0, u1, v1 = uv[k, 0], uv[k, 1], uv[k + 1, 0], uv[k + 1, 1]
            first = max(0, int(np.ceil(min(v0, v1))))
            last = min(ny - 1, int(np.ceil(max(v0, v1))) - 1)
            for j in range(first, last + 1):
                u = u0 + (j - v0) / (v1 - v0) * (u1 - u0)
                i = min(nx, max(0, int(np.ceil(u))))
                flips[j, i] = not flips[j, i]
            low, high = min(low, first), max(high, last)
        for j in range(low, high + 1):
            inside = False
            for i in range(nx + 1):
                inside ^= flips[j, i]
                flips[j, i] = False
                if inside and i < nx:
                    out[j, i] = value[s]


@numba.njit(cache=True, nogil=True)
def _mark_segments(ends: NDArray[np.float64], reach: float, out: NDArray[np.bool_]) -> None:
    ny, nx = out.shape
    for s in range(len(ends)):
        u0, v0 = ends[s, 0, 0], ends[s, 0, 1]
        du, dv = ends[s, 1, 0] - u0, ends[s, 1, 1] - v0
        length2 = du * du + dv * dv
        j0 = max(0, int(np.ceil(min(v0, v0 + dv) - reach)))
        j1 = min(ny - 1, int(np.floor(max(v0, v0 + dv) + reach)))
        for j in range(j0, j1 + 1):
            # Part of the segment that comes near this row, and from it the columns to look at.
            t0, t1 = 0.0, 1.0
            if dv != 0.0:
                ta, tb = (j - reach - v0) / dv, (j + reach - v0) / dv
                t0, t1 = max(0.0, min(ta, tb)), min(1.0, max(ta, tb))
            ua, ub = u0 + t0 * du, u0 + t1 * du
            i0 = max(0, int(np.ceil(min(ua, ub) - reach)))
            i1 = min(nx - 1, int(np.floor(max(ua, ub) + reach)))
            for i in range(i0, i1 + 1):
                pu, pv = i - u0, j - v0
                t = 0.0 if length2 == 0.0 else min(1.0, max(0.0, (pu * du + pv * dv) / length2))
                if (pu - t * du) ** 2 + (pv - t * dv) ** 2 <= reach * reach:
                    out[j, i] = True


@numba.njit(cache=True, nogil=True, inline="always")
def row_span(uv: NDArray[np.float64], a: int, b: int, c: int, j: int) -> tuple[int, int]:
    """First and last column whose centre a triangle covers in row `j`; borders count, within rounding."""
    low, high = np.inf, -np.inf
    for p, q in ((a, b), (b, c), (c, a)):
        v0, v1 = uv[p, 1], uv[q, 1]
        if min(v0, v1) <= j <= max(v0, v1):
            if v0 == v1:
                low, high = min(low, uv[p, 0], uv[q, 0]), max(high, uv[p, 0], uv[q, 0])
            else:
                u = uv[p, 0] + (j - v0) / (v1 - v0) * (uv[q, 0] - uv[p, 0])
                low, high = min(low, u), max(high, u)
    if low > high:
        return 0, -1
    return int(np.ceil(low - 1e-9)), int(np.floor(high + 1e-9))


@numba.njit(cache=True, nogil=True)
def mark_triangles(uv: NDArray[np.float64], corners: NDArray[np.int32], out: NDArray[np.bool_]) -> None:
    """Mark the cells whose centre a triangle covers.

    Parameters
    ----------
    uv : array, shape (n, 2)
        Vertices as column and row, whole numbers at cell centres.
    corners : array, shape (m, 3)
        Triangles.
    out : array, shape (ny, nx)
        Set to True there.
    """
    ny, nx = out.shape
    for t in range(len(corners)):
        a, b, c = corners[t, 0], corners[t, 1], corners[t, 2]
        j0 = max(0, int(np.ceil(min(uv[a, 1], uv[b, 1], uv[c, 1]))))
        j1 = min(ny - 1, int(np.floor(max(uv[a, 1], uv[b, 1], uv[c, 1]))))
        for j in range(j0, j1 + 1):
            i0, i1 = row_span(uv, a, b, c, j)
            for i in range(max(0, i0), min(nx - 1, i1) + 1):
                out[j, i] = True
