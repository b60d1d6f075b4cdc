"""Square rasters in map coordinates: row 0 in the north, cell values at cell centres."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Bounds:
    """An axis-parallel rectangle in map coordinates, metres; the upper edges belong to the neighbour."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.x_min, self.y_min, self.x_max, self.y_max))):
            raise ValueError("bounds must be finite")
        if self.x_max < self.x_min or self.y_max < self.y_min:
            raise ValueError("bounds must not be turned inside out")

    @property
    def width(self) -> float:
        """Extent from west to east, metres."""
        return self.x_max - self.x_min

    @property
    def height(self) -> float:
        """Extent from south to north, metres."""
        return self.y_max - self.y_min

    def buffered(self, distance_m: float) -> Bounds:
        """The rectangle grown by a distance on every side."""
        d = distance_m
        return Bounds(self.x_min - d, self.y_min - d, self.x_max + d, self.y_max + d)

    def overlaps(self, other: Bounds) -> bool:
        """Whether the two share more than an edge."""
        return (
            self.x_min < other.x_max
            and other.x_min < self.x_max
            and self.y_min < other.y_max
            and other.y_min < self.y_max
        )

    def union(self, other: Bounds) -> Bounds:
        """The smallest rectangle around both."""
        return Bounds(
            min(self.x_min, other.x_min),
            min(self.y_min, other.y_min),
            max(self.x_max, other.x_max),
            max(self.y_max, other.y_max),
        )

    def clipped(self, other: Bounds) -> Bounds:
        """The part that lies in another rectangle; the two must overlap."""
        return Bounds(
            max(self.x_min, other.x_min),
            max(self.y_min, other.y_min),
            min(self.x_max, other.x_max),
            min(self.y_max, other.y_max),
        )

    def contains(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which points lie inside; lower edges count, upper ones do not."""
        return (x >= self.x_min) & (x < self.x_max) & (y >= self.y_min) & (y < self.y_max)


@dataclass(frozen=True, slots=True)
class Grid:
    """A raster's place: its north-west corner, its square cells and its shape.

    Parameters
    ----------
    x_min, y_max : float
        The outer corner of the north-west cell, metres.
    cell_size_m : float
        Side of a cell, metres; positive.
    nx, ny : int
        Columns and rows.

    Examples
    --------
    >>> grid = Grid.covering(Bounds(0.2, 0.2, 9.7, 4.9), cell_size_m=1.0)
    >>> grid.shape, grid.bounds
    ((5, 10), Bounds(x_min=0.0, y_min=0.0, x_max=10.0, y_max=5.0))
    """

    x_min: float
    y_max: float
    cell_size_m: float
    nx: int
    ny: int

    def __post_init__(self) -> None:
        if not (self.cell_size_m > 0 and math.isfinite(self.cell_size_m)):
            raise ValueError(f"cell_size_m must be positive, is {self.cell_size_m}")
        if self.nx < 1 or self.ny < 1:
            raise ValueError(f"a grid needs cells, has {self.ny} x {self.nx}")

    @classmethod
    def covering(cls, bounds: Bounds, *, cell_size_m: float) -> Grid:
        """The grid over `bounds` whose cell edges are whole multiples of the cell size.

        Aligned to the map and not to the data, so that neighbouring tiles share cell edges.
        """
        c = cell_size_m
        i0, j0 = math.floor(bounds.x_min / c), math.floor(bounds.y_min / c)
        i1, j1 = math.ceil(bounds.x_max / c), math.ceil(bounds.y_max / c)
        return cls(i0 * c, j1 * c, c, max(1, i1 - i0), max(1, j1 - j0))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, as numpy counts."""
        return self.ny, self.nx

    @property
    def bounds(self) -> Bounds:
        """The outer edges."""
        c = self.cell_size_m
        return Bounds(self.x_min, self.y_max - self.ny * c, self.x_min + self.nx * c, self.y_max)

    @property
    def x_centres(self) -> NDArray[np.float64]:
        """Easting of each column's centre, shape (nx,)."""
        return self.x_min + (np.arange(self.nx, dtype=np.float64) + 0.5) * self.cell_size_m

    @property
    def y_centres(self) -> NDArray[np.float64]:
        """Northing of each row's centre, shape (ny,); falling, since row 0 is in the north."""
        return self.y_max - (np.arange(self.ny, dtype=np.float64) + 0.5) * self.cell_size_m

    def rows_cols(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of each point; outside the grid they run past its shape."""
        col = np.floor((x - self.x_min) / self.cell_size_m).astype(np.int64)
        row = np.floor((self.y_max - y) / self.cell_size_m).astype(np.int64)
        return row, col

    def window(self, bounds: Bounds) -> tuple[slice, slice]:
        """Rows and columns of the cells that touch `bounds`, clipped to the grid."""
        c = self.cell_size_m
        i0 = min(self.nx, max(0, math.floor((bounds.x_min - self.x_min) / c)))
        i1 = min(self.nx, math.ceil((bounds.x_max - self.x_min) / c))
        j0 = min(self.ny, max(0, math.floor((self.y_max - bounds.y_max) / c)))
        j1 = min(self.ny, math.ceil((self.y_max - bounds.y_min) / c))
        return slice(j0, max(j0, j1)), slice(i0, max(i0, i1))

    def subgrid(self, window: tuple[slice, slice]) -> Grid:
        """The grid of a window given by `window`."""
        rows, cols = window
        c = self.cell_size_m
        return Grid(
            self.x_min + cols.start * c,
            self.y_max - rows.start * c,
            c,
            cols.stop - cols.start,
            rows.stop - rows.start,
        )


def sample_bilinear(
    values: NDArray[np.floating], grid: Grid, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Values at points, bilinear between cell centres and constant beyond the outermost centres.

    Parameters
    ----------
    values : array, shape (ny, nx)
        NaN spreads to the points that it touches.
    grid : Grid
        Place of `values`.
    x, y : array, shape (n,)
        Map coordinates, metres.

    Returns
    -------
    array, shape (n,)
    """
    x, y = np.asarray(x), np.asarray(y)
    found = np.empty(x.shape)
    for start in range(0, len(x), _BLOCK):  # a dozen arrays on the way: a block of them stays in the cache
        block = slice(start, start + _BLOCK)
        found[block] = _sampled(values, grid, x[block], y[block])
    return found


_BLOCK = 1 << 16
"""Points that are looked up at a time."""


def _sampled(
    values: NDArray[np.floating], grid: Grid, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.floating]:
    u = np.clip((x - grid.x_min) / grid.cell_size_m - 0.5, 0, grid.nx - 1)
    v = np.clip((grid.y_max - y) / grid.cell_size_m - 0.5, 0, grid.ny - 1)
    i = np.minimum(u.astype(np.int64), grid.nx - 2).clip(0)
    j = np.minimum(v.astype(np.int64), grid.ny - 2).clip(0)
    i1, j1 = np.minimum(i + 1, grid.nx - 1), np.minimum(j + 1, grid.ny - 1)
    fu, fv = u - i, v - j
    north = values[j, i] * (1 - fu) + values[j, i1] * fu
    south = values[j1, i] * (1 - fu) + values[j1, i1] * fu
    return np.asarray(north * (1 - fv) + south * fv)
