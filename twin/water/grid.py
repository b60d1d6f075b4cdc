"""The ground as the compiled code wants it: padded, above a datum near it, in the number type of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.water.sides import extend_beds
from twin.water.tiles import TILE_COLUMNS, TILE_ROWS

if TYPE_CHECKING:
    from numpy.typing import NDArray

WALL_M = 10_000.0
"""Cells that water cannot enter stand this far above the rest."""


@dataclass(frozen=True, slots=True)
class Terrain:
    """Bed, roughness and sides of a computation.

    Parameters
    ----------
    z : array, shape (ny + 2, nx + 2)
        Bed above `datum_m`, m; in the rim it goes on.
    n2 : array, shape (ny + 2, nx + 2) or (1, nx + 2)
        Square of Manning's n.
    sides : array of int, shape (4,)
        Kind of each side.
    tile : array of int, shape (2,)
        Rows and columns of a tile.
    """

    z: NDArray[Any]
    n2: NDArray[Any]
    sides: NDArray[np.int64]
    tile: NDArray[np.int64]
    datum_m: float
    cell_size_m: float


def make_terrain(
    z: NDArray[np.float64], n: NDArray[np.float64], sides: list[int], *, cell_size_m: float, dtype: Any
) -> Terrain:
    """Pad and lower the bed, and raise what is blocked."""
    finite = np.isfinite(z)
    datum = float(z[finite].min())
    bed = np.zeros((z.shape[0] + 2, z.shape[1] + 2), dtype)
    bed[1:-1, 1:-1] = np.where(finite, z - datum, z[finite].max() - datum + WALL_M)
    kinds = np.array(sides)
    extend_beds(bed, kinds)
    rough = np.pad(n * n, ((0, 0), (1, 1)) if n.shape[0] == 1 and z.shape[0] != 1 else 1, mode="edge")
    tile = np.array([TILE_ROWS, TILE_COLUMNS])
    return Terrain(bed, rough.astype(dtype), kinds, tile, datum, float(cell_size_m))
