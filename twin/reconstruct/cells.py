"""Points sorted into the cells of a grid, and sliding windows over cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from twin.core.errors import LimitError
from twin.core.grid import Bounds, Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_CELLS = 400_000_000
"""A raster above this would take gigabytes; points that far apart are a fault of the input."""


class Frame(NamedTuple):
    """A grid as compiled code takes it; `c` is the side of a cell."""

    x_min: float
    y_max: float
    c: float
    nx: int
    ny: int


class Rows(NamedTuple):
    """Points by cell as compiled code takes them: see `CellIndex`."""

    order: NDArray[np.int32]
    start: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class CellIndex:
    """Which points lie in which cell, in compressed rows.

    Cell ``(row, col)`` holds the points ``order[start[k]:start[k + 1]]`` with ``k = row * nx + col``. Within a
    cell they are sorted by elevation, then easting, then northing, so that nothing computed from a cell
    depends on the order in which the points came.

    Parameters
    ----------
    grid : Grid
        Points outside of it are in no cell.
    order : array, shape (n_inside,)
        Point indices, int32.
    start : array, shape (ny * nx + 1,)
        int32, from 0 to n_inside.
    """

    grid: Grid
    order: NDArray[np.int32]
    start: NDArray[np.int32]

    @property
    def rows(self) -> Rows:
        """The two arrays."""
        return Rows(self.order, self.start)

    def counts(self) -> NDArray[np.int32]:
        """Points per cell, shape (ny, nx)."""
        return np.diff(self.start).reshape(self.grid.shape)


def frame_of(grid: Grid) -> Frame:
    """A grid for compiled code."""
    return Frame(grid.x_min, grid.y_max, grid.cell_size_m, grid.nx, grid.ny)


def bin_points(xyz: NDArray[np.float64], grid: Grid) -> CellIndex:
    """Points by cell, in an order that does not depend on how they came.

    Parameters
    ----------
    xyz : array, shape (n, 3)
        Metres, finite.
    grid : Grid
        Where to; points outside are left out.

    Examples
    --------
    >>> xyz = np.array([[0.5, 0.5, 3.0], [1.5, 0.5, 1.0], [0.4, 0.6, 2.0], [9.0, 9.0, 0.0]])
    >>> index = bin_points(xyz, Grid(0.0, 1.0, 1.0, nx=2, ny=1))
    >>> index.order.tolist(), index.start.tolist()
    ([2, 0, 1], [0, 2, 3])
    """
    xyz = np.ascontiguousarray(xyz, dtype=np.float64)
    order, start = _bin(xyz, frame_of(grid))
    return CellIndex(grid, order, start)


def grid_over(xyz: NDArray[np.float64], *, cell_size_m: float) -> Grid:
    """The map-aligned grid that covers all points, those on its outer edges included.

    Raises
    ------
    LimitError
        If the points lie so far apart that the grid would not fit in memory.
    ValueError
        If there are no points, or a coordinate is not finite.
    """
    if not len(xyz):
        raise ValueError("a grid needs points to cover")
    x, y = xyz[:, 0], xyz[:, 1]
    bounds = Bounds(float(x.min()), float(y.min()), float(x.max()), float(y.max()))
    if (bounds.width / cell_size_m + 2) * (bounds.height / cell_size_m + 2) > MAX_CELLS:
        raise LimitError(
            "point cloud",
            f"points spread over {bounds.width:.0f} x {bounds.height:.0f} m, too far for cells of {cell_size_m} m",
            "remove points that lie far from the survey, or work in tiles",
        )
    grid = Grid.covering(bounds, cell_size_m=cell_size_m)
    # A point on the eastern or southern edge belongs to the next cell, which `covering` leaves out.
    return Grid(grid.x_min, grid.y_max, cell_size_m, grid.nx + 1, grid.ny + 1)


@njit(cache=True, nogil=True)
def _bin(xyz: NDArray[np.float64], frame: Frame) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    n, nx, ny = len(xyz), frame.nx, frame.ny
    cell = np.empty(n, np.int32)
    start = np.zeros(nx * ny + 1, np.int32)
    for p in range(n):
        col = int(np.floor((xyz[p, 0] - frame.x_min) / frame.c))
        row = int(np.floor((frame.y_max - xyz[p, 1]) / frame.c))
        cell[p] = row * nx + col if 0 <= col < nx and 0 <= row < ny else -1
        if cell[p] >= 0:
            start[cell[p] + 1] += 1
    for k in range(nx * ny):
        start[k + 1] += start[k]
    free = start[:-1].copy()
    order = np.empty(start[-1], np.int32)
    for p in range(n):
        if cell[p] >= 0:
            order[free[cell[p]]] = p
            free[cell[p]] += 1
    for k in range(nx * ny):
        _sort_cell(xyz, order[start[k] : start[k + 1]])
    return order, start


@njit(cache=True, nogil=True)
def _is_before(xyz: NDArray[np.float64], a: int, b: int) -> bool:
    if xyz[a, 2] != xyz[b, 2]:
        return bool(xyz[a, 2] < xyz[b, 2])
    if xyz[a, 0] != xyz[b, 0]:
        return bool(xyz[a, 0] < xyz[b, 0])
    return bool(xyz[a, 1] < xyz[b, 1])


@njit(cache=True, nogil=True)
def _sort_cell(xyz: NDArray[np.float64], members: NDArray[np.int32]) -> None:
    """Shell sort in place: short for the usual dozen, still quick for the thousands of a dense facade."""
    gap = 1
    while gap < len(members) // 3:
        gap = 3 * gap + 1
    while gap:
        for i in range(gap, len(members)):
            moving, j = members[i], i
            while j >= gap and _is_before(xyz, moving, members[j - gap]):
                members[j] = members[j - gap]
                j -= gap
            members[j] = moving
        gap //= 3


def window_min(values: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """Lowest value within a square of ``2 * radius + 1`` cells around each cell; no value beyond the edges.

    Takes the same time for every radius.

    References
    ----------
    van Herk (1992), Pattern Recognition Letters 13, 517-521.

    Examples
    --------
    >>> window_min(np.array([[5, 4, 9, 9, 1]], dtype=np.float32), 1).tolist()
    [[4.0, 4.0, 4.0, 1.0, 1.0]]
    """
    return _slide_down(_slide_along(values, radius, np.float32(1.0)), radius, np.float32(1.0))


def window_max(values: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """Highest value within a square of ``2 * radius + 1`` cells around each cell."""
    return _slide_down(_slide_along(values, radius, np.float32(-1.0)), radius, np.float32(-1.0))


def opening(values: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """The surface as far as a flat square of ``2 * radius + 1`` cells, pushed up from below, reaches it."""
    return window_max(window_min(values, radius), radius)


@njit(cache=True, nogil=True)
def _slide_along(a: NDArray[np.float32], radius: int, sign: np.float32) -> NDArray[np.float32]:
    """Sliding minimum of ``sign * a`` along each row, times `sign`."""
    ny, nx = a.shape
    width, padded = 2 * radius + 1, nx + 2 * radius
    ahead, behind = np.empty(padded, np.float32), np.empty(padded, np.float32)
    line = np.full(padded, np.float32(np.inf))
    out = np.empty_like(a)
    for j in range(ny):
        for i in range(nx):
            line[i + radius] = sign * a[j, i]
        for block in range(0, padded, width):
            end = min(block + width, padded)
            ahead[block], behind[end - 1] = line[block], line[end - 1]
            for i in range(block + 1, end):
                ahead[i] = min(ahead[i - 1], line[i])
            for i in range(end - 2, block - 1, -1):
                behind[i] = min(behind[i + 1], line[i])
        for i in range(nx):
            out[j, i] = sign * min(behind[i], ahead[i + 2 * radius])
    return out


@njit(cache=True, nogil=True)
def _slide_down(a: NDArray[np.float32], radius: int, sign: np.float32) -> NDArray[np.float32]:
    """The same down each column, whole rows at a time, so that memory is read in order."""
    ny, nx = a.shape
    width, padded = 2 * radius + 1, ny + 2 * radius
    ahead = np.full((padded, nx), np.float32(np.inf))
    ahead[radius : radius + ny] = sign * a
    behind = ahead.copy()
    for j in range(1, padded):
        if j % width:
            for i in range(nx):
                ahead[j, i] = min(ahead[j - 1, i], ahead[j, i])
    for j in range(padded - 2, -1, -1):
        if (j + 1) % width:
            for i in range(nx):
                behind[j, i] = min(behind[j + 1, i], behind[j, i])
    out = np.empty_like(a)
    for j in range(ny):
        for i in range(nx):
            out[j, i] = sign * min(behind[j, i], ahead[j + 2 * radius, i])
    return out
