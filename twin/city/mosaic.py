"""Rasters of the whole city while it is being built: on disk, written and read by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.files import begin_operation, guard_storage, make_folder
from twin.core.grid import Grid
from twin.core.limits import check_limit, limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.grid import Bounds

STRIP_CELLS = 1_000_000
BANDS: dict[str, Any] = {"dtm": np.float32, "dsm": np.float32, "filled": np.bool_}


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Terrain, surface and the mask of filled cells, as files that are mapped into memory.

    Parameters
    ----------
    folder : Path
        Where the files lie.
    grid : Grid
        The place of all of them.
    """

    folder: Path
    grid: Grid

    def band(self, name: str, *, write: bool = False) -> NDArray[Any]:
        """One raster, shape (ny, nx), mapped from disk."""
        mapped: NDArray[Any] = np.load(self.folder / f"{name}.npy", mmap_mode="r+" if write else "r")
        return mapped

    def strips(self) -> Iterator[slice]:
        """Rows in portions of about a million cells, so that work on a whole raster takes little memory."""
        step = max(1, STRIP_CELLS // self.grid.nx)
        for first in range(0, self.grid.ny, step):
            yield slice(first, min(self.grid.ny, first + step))

    def range_of(self, name: str) -> tuple[float, float]:
        """Lowest and highest finite value of a raster."""
        low, high = np.inf, -np.inf
        for rows in self.strips():
            part = self.band(name)[rows]
            low = min(low, float(np.fmin.reduce(part, axis=None)))
            high = max(high, float(np.fmax.reduce(part, axis=None)))
        return low, high

    def window(self, name: str, area: Bounds) -> tuple[NDArray[Any], Grid]:
        """The part of a raster that touches a rectangle, in memory, and its grid.

        The array is empty, and its grid means nothing, where the rectangle stays clear of the city.
        """
        rows, cols = self.grid.window(area)
        if rows.start == rows.stop or cols.start == cols.stop:
            nowhere = Grid(area.x_min, area.y_max, self.grid.cell_size_m, 1, 1)
            return np.empty((0, 0), BANDS[name]), nowhere
        return np.array(self.band(name)[rows, cols]), self.grid.subgrid((rows, cols))


def create_mosaic(folder: Path, bounds: Bounds, *, cell_size_m: float) -> Mosaic:
    """Empty rasters over a city.

    Raises
    ------
    LimitError
        If the cells are too fine for the extent.
    """
    n_cells = int(bounds.width * bounds.height / cell_size_m**2)
    check_limit("terrain", "cells", n_cells, limits().max_raster_cells, name="max_raster_cells")
    grid = Grid.covering(bounds, cell_size_m=cell_size_m)
    make_folder(folder)
    mosaic = Mosaic(folder, grid)
    for name, dtype in BANDS.items():
        _write_empty(mosaic, folder / f"{name}.npy", np.dtype(dtype))
    return mosaic


def _write_empty(mosaic: Mosaic, path: Path, dtype: np.dtype[Any]) -> None:
    """A raster of nothing, written out: a disk that is full says so now.

    Into a file with holes, as mapping makes it, the disk takes bytes only when they are set, and ends the process
    with a bus error where it has no room.
    """
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": mosaic.grid.shape,
    }
    empty = np.nan if dtype.kind == "f" else False
    with guard_storage(path):
        begin_operation(path)
        with path.open("wb") as handle:
            np.lib.format.write_array_header_1_0(handle, header)
            for rows in mosaic.strips():
                n_rows = rows.stop - rows.start
                handle.write(np.full((n_rows, mosaic.grid.nx), empty, dtype).data)
