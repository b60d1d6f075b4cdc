"""Which parts of a grid have to be computed: tiles with water, tiles beside them, and those that water can enter."""

# ruff: noqa: PLR0917 - compiled: arrays one by one, and choices that become vector instructions (max() does not)
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

TILE_ROWS, TILE_COLUMNS = 32, 64
CHECK_EVERY = 16
"""Steps between two looks at the tiles; water moves one cell a step, so it stays within the tiles beside."""

_FAST: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "inline": "never"}


@njit(**_FAST)
def common_runs(active, row, other, width, nx, runs):  # type: ignore[no-untyped-def]
    """Columns of neighbouring tiles that are active in both tile rows, as ``[start, stop)`` cells; how many pairs."""
    n = 0
    for t in range(active.shape[1]):
        if not (active[row, t] and active[other, t]):
            continue
        start, stop = 1 + t * width, min(1 + (t + 1) * width, nx + 1)
        if n and runs[n - 1, 1] == start:
            runs[n - 1, 1] = stop
        else:
            runs[n, 0], runs[n, 1] = start, stop
            n += 1
    return n


@njit(**_FAST)
def runs_of(active, row, width, nx, runs):  # type: ignore[no-untyped-def]
    """Columns of neighbouring active tiles of a tile row as ``[start, stop)`` cells; how many pairs."""
    return common_runs(active, row, row, width, nx, runs)


@njit(**_FAST)
def wet_tiles(h, tile_rows, tile_columns, out):  # type: ignore[no-untyped-def]
    """Mark the tiles of a padded grid that hold any water."""
    ny, nx = h.shape[0] - 2, h.shape[1] - 2
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[r, c] = False
        for j in range(1 + r * tile_rows, min(1 + (r + 1) * tile_rows, ny + 1)):
            row = h[j]
            for c in range(out.shape[1]):
                if out[r, c]:
                    continue
                some = False
                for i in range(1 + c * tile_columns, min(1 + (c + 1) * tile_columns, nx + 1)):
                    some |= row[i] > 0
                out[r, c] = some


def grown(tiles: np.ndarray) -> np.ndarray:
    """The tiles and their eight neighbours.

    Examples
    --------
    >>> grown(np.eye(3, dtype=bool)).all()
    np.True_
    """
    wide = np.pad(tiles, 1)
    rows = wide[:-2] | wide[1:-1] | wide[2:]
    return rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]
