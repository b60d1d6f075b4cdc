"""The command line with tiles of 20 m and no job too small for processes, so that a small survey has many tiles.

Run as ``python -m tests.faults.small_tiles build ...``.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import twin.city.processes
import twin.city.tiling
from twin.city.object_tile import ObjectTile, ObjectWork, object_tile
from twin.city.tiling import tile_name

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE_M = 20.0
POINTS_PER_M2 = 8


def make_tiles_small(patch: Callable[[Any, str, Any], None] = setattr) -> None:
    """Tiles of 20 m, and processes for any job."""
    patch(twin.city.tiling, "TILE_SIDES_M", (SIDE_M,))
    patch(twin.city.tiling, "POINTS_PER_TILE", int(SIDE_M**2 * POINTS_PER_M2))
    patch(twin.city.processes, "SMALL_JOB_POINTS", 0)


@dataclass(frozen=True, slots=True)
class Deadly:
    """Which tile ends its process, and how often; kept in a file, since a worker has the environment of its server.

    Parameters
    ----------
    folder : Path
        Where the city lies; the folder ``visits`` in it has a file for every time that a tile was begun.
    """

    folder: Path

    def arm(self, tile: str, *, deaths: int = 99) -> None:
        """Make a tile deadly from now on."""
        (self.folder / "visits").mkdir(exist_ok=True)
        (self.folder / "deadly.json").write_text(json.dumps([tile, deaths]))

    def visit(self, tile: str) -> None:
        """Count a visit, which may be the last."""
        deadly, deaths = json.loads((self.folder / "deadly.json").read_text())
        tries = len(self.visits(tile))
        (self.folder / "visits" / f"{tile}.{tries}").touch()
        if tile == deadly and tries < deaths:
            os._exit(9)

    def visits(self, tile: str = "*") -> list[Path]:
        """A file for every visit."""
        return sorted((self.folder / "visits").glob(f"{tile}.*"))


def deadly_tile(work: ObjectWork) -> ObjectTile:
    """`object_tile`, but its process ends without a word at a deadly tile."""
    Deadly(work.base.folder.parents[3]).visit(tile_name(*work.tile))
    return object_tile(work)


if __name__ == "__main__":
    from twin.cli.main import main

    make_tiles_small()
    main()
