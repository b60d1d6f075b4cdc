"""Where a survey is cut into tiles."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twin.core.errors import LimitError
from twin.core.grid import Bounds

POINTS_PER_TILE = 2_000_000
TILE_SIDES_M = (100.0, 150.0, 250.0, 400.0, 600.0, 1000.0)
MAX_TILES = 200_000
ONE_TILE_SHARE = 1.25
"""A survey that one tile can hold is not cut, if the tile's side is no more than this share of the wanted one."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """Square tiles over the plane, numbered from a corner.

    Parameters
    ----------
    x0, y0 : float
        South-west corner of tile (0, 0), metres.
    side_m : float
        Side of a tile, metres.
    """

    x0: float
    y0: float
    side_m: float

    def bounds(self, ix: int, iy: int) -> Bounds:
        """The rectangle of a tile."""
        x, y = self.x0 + ix * self.side_m, self.y0 + iy * self.side_m
        return Bounds(x, y, x + self.side_m, y + self.side_m)

    def index(self, x: float, y: float) -> tuple[int, int]:
        """Which tile a place belongs to."""
        return math.floor((x - self.x0) / self.side_m), math.floor((y - self.y0) / self.side_m)

    def touching(self, area: Bounds) -> list[tuple[int, int]]:
        """Numbers of all tiles that share more than an edge with a rectangle, row by row."""
        first_x, first_y = self.index(area.x_min, area.y_min)
        last_x = max(first_x, math.ceil((area.x_max - self.x0) / self.side_m) - 1)
        last_y = max(first_y, math.ceil((area.y_max - self.y0) / self.side_m) - 1)
        n = (last_x - first_x + 1) * (last_y - first_y + 1)
        if n > MAX_TILES:
            raise LimitError(
                "survey", f"{n} tiles of {self.side_m:g} m (limit {MAX_TILES})", "build parts of it"
            )
        return [(ix, iy) for iy in range(first_y, last_y + 1) for ix in range(first_x, last_x + 1)]


def tile_name(ix: int, iy: int) -> str:
    """File name part of a tile.

    >>> tile_name(3, -1)
    'x3_y-1'
    """
    return f"x{ix}_y{iy}"


def choose_tiling(bounds: Bounds, *, n_points: int, cell_size_m: float) -> Tiling:
    """Tiles that hold about two million points each, anchored at the survey's own corner.

    The side depends on the survey alone, never on workers or memory, so that results do not either.

    Examples
    --------
    >>> choose_tiling(Bounds(84808, 447412, 85072, 447641), n_points=850_000, cell_size_m=0.5).side_m
    400.0
    """
    area = max(1.0, bounds.width * bounds.height)
    wanted = math.sqrt(POINTS_PER_TILE / max(1e-6, n_points / area))
    side = max((s for s in TILE_SIDES_M if s <= wanted), default=TILE_SIDES_M[0])
    fits = max(bounds.width, bounds.height) + 20
    side = min((s for s in TILE_SIDES_M if fits <= s <= ONE_TILE_SHARE * wanted), default=side)
    corner = 10.0 * max(1.0, cell_size_m)
    x0 = math.floor(bounds.x_min / corner) * corner
    y0 = math.floor(bounds.y_min / corner) * corner
    return Tiling(x0, y0, side)
