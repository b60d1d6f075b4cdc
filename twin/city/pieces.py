"""Connected pieces of a raster on disk, found strip by strip: memory is that of a strip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.files import guard_storage

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.grid import Grid

_SQUARE = np.ones((3, 3), dtype=int)


@dataclass(frozen=True, slots=True)
class Piece:
    """One connected piece.

    Parameters
    ----------
    number : int
        In the order of the first cell, row by row from the north-west.
    labels : tuple of int
        Its numbers in ``pieces.npy``; one for each strip's part of it.
    rows, cols : tuple of int
        First and one past the last.
    """

    number: int
    labels: tuple[int, ...]
    rows: tuple[int, int]
    cols: tuple[int, int]

    @property
    def n_window_cells(self) -> int:
        """Cells of the rectangle around it."""
        return (self.rows[1] - self.rows[0]) * (self.cols[1] - self.cols[0])

    def window(self, grid: Grid, margin: int) -> tuple[slice, slice]:
        """The rectangle around it and a margin, clipped to a grid."""
        return (
            slice(max(0, self.rows[0] - margin), min(grid.ny, self.rows[1] + margin)),
            slice(max(0, self.cols[0] - margin), min(grid.nx, self.cols[1] + margin)),
        )


def label_pieces(folder: Path, grid: Grid, footprints: NDArray[Any], *, strip_cells: int) -> list[Piece]:
    """Pieces of what ``tops.npy`` holds outside footprints; their labels are left in ``pieces.npy``.

    Parameters
    ----------
    folder : Path
        Holds ``tops.npy``: float32, shape of the grid, -inf where nothing stands.
    grid : Grid
    footprints : array of polygons
    strip_cells : int
        How many cells are worked on at once.
    """
    tops = np.load(folder / "tops.npy", mmap_mode="r")
    step = max(1, strip_cells // grid.nx)
    parts: list[Piece] = []
    pairs: list[NDArray[np.int64]] = []
    with guard_storage(folder / "pieces.npy"):
        labels = np.lib.format.open_memmap(folder / "pieces.npy", mode="w+", dtype=np.int32, shape=grid.shape)
        for first in range(0, grid.ny, step):
            rows = slice(first, min(grid.ny, first + step))
            strip, found = _label_strip(tops, grid, footprints, rows, n_before=len(parts))
            parts += found
            labels[rows] = strip
            if first:
                pairs.append(_touching(np.array(labels[first - 1]), strip[0]))
        labels.flush()
    return _united(parts, pairs)


def _label_strip(
    tops: NDArray[np.float32], grid: Grid, footprints: NDArray[Any], rows: slice, *, n_before: int
) -> tuple[NDArray[np.int32], list[Piece]]:
    """Labels of a strip, and its part of each piece."""
    import shapely
    from scipy import ndimage

    from twin.reconstruct.derived_outlines import REACH_CELLS, derivable_cells
    from twin.reconstruct.raster_marks import cells_within

    reach = slice(max(0, rows.start - REACH_CELLS), min(grid.ny, rows.stop + REACH_CELLS))
    around = grid.subgrid((reach, slice(0, grid.nx)))
    b = around.bounds
    near = np.sort(shapely.STRtree(footprints).query(shapely.box(b.x_min, b.y_min, b.x_max, b.y_max)))
    built = cells_within(footprints[near], around)
    mask = derivable_cells(np.isfinite(tops[reach]), built, cell_size_m=grid.cell_size_m)
    strip, _ = ndimage.label(mask[rows.start - reach.start : rows.stop - reach.start], _SQUARE)
    found = [
        Piece(k, (k,), (r.start + rows.start, r.stop + rows.start), (c.start, c.stop))
        for k, (r, c) in enumerate(ndimage.find_objects(strip), start=n_before + 1)
    ]
    return np.where(strip > 0, strip + n_before, 0).astype(np.int32), found


def _touching(above: NDArray[np.int32], below: NDArray[np.int32]) -> NDArray[np.int64]:
    """Labels of two rows that touch, diagonally too."""
    shifts = (
        (slice(None), slice(None)),
        (slice(1, None), slice(None, -1)),
        (slice(None, -1), slice(1, None)),
    )
    pairs = np.concatenate([np.column_stack([above[a], below[b]]) for a, b in shifts]).astype(np.int64)
    return np.unique(pairs[(pairs > 0).all(axis=1)], axis=0)


def _united(parts: list[Piece], pairs: list[NDArray[np.int64]]) -> list[Piece]:
    """Pieces from their parts in the strips, in the order of their first part."""
    from scipy import sparse
    from scipy.sparse import csgraph

    if not parts:
        return []
    joints = np.concatenate([np.empty((0, 2), np.int64), *pairs]) - 1
    graph = sparse.coo_matrix((np.ones(len(joints)), joints.T), shape=(len(parts), len(parts)))
    _, group = csgraph.connected_components(graph, directed=False)
    members: dict[int, list[Piece]] = {}
    for part, g in zip(parts, group.tolist(), strict=True):
        members.setdefault(g, []).append(part)
    return [
        Piece(
            own[0].number,
            tuple(p.number for p in own),
            (min(p.rows[0] for p in own), max(p.rows[1] for p in own)),
            (min(p.cols[0] for p in own), max(p.cols[1] for p in own)),
        )
        for own in members.values()
    ]
