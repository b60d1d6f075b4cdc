"""Hours of sun of one June day every 15 minutes on 1000 x 1000 cells with their buildings: ground, then all."""

from __future__ import annotations

import sys
import time
from datetime import date

import numpy as np
from box_city import SPACING_M, box_mesh

from twin.core.grid import Grid
from twin.core.place import Place
from twin.energy.hours import sun_hours_of
from twin.energy.standing import Faces, Surroundings

ORIGIN = np.array([155_000.0, 463_000.0, 0.0])


def world(cells: int, cell_size_m: float) -> Surroundings:
    """Boxes side by side over a rolling plain."""
    side = cells * cell_size_m
    n = int(side / SPACING_M) ** 2
    mesh = box_mesh(n)
    grid = Grid(ORIGIN[0], ORIGIN[1] + side, cell_size_m, cells, cells)
    x, y = np.meshgrid(grid.x_centres - ORIGIN[0], grid.y_centres - ORIGIN[1])
    ground = (2 * np.sin(x / 90) * np.cos(y / 70)).astype(np.float32)
    faces = Faces(mesh.vertices + ORIGIN, mesh.triangles, mesh.face, mesh.surface, mesh.owner)
    ring = np.array([(0, 0, -2), (side, 0, -2), (side, side, -2), (0, side, -2)]) + ORIGIN
    plain = ring[[[0, 1, 2], [0, 2, 3]]]
    ids = tuple(f"b{i}" for i in range(n))
    return Surroundings(grid, ground, faces, ids, np.empty((0, 3, 3)), None, plain, Place(60.19, 24.97))


def main() -> None:
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    sun_hours_of(world(50, 1.0), date(2026, 6, 21), surfaces=True)  # compiled code is kept from here on
    for size in (0.5, 1.0):
        around = world(cells, size)
        for surfaces in (False, True):
            started = time.perf_counter()
            found = sun_hours_of(around, date(2026, 6, 21), surfaces=surfaces)
            took = time.perf_counter() - started
            what = f"{len(found.faces.samples.face)} points on faces" if found.faces else "ground"
            print(
                f"{cells} x {cells} cells of {size} m, {len(around.building_ids)} buildings, "
                f"{len(found.track.suns)} suns: {what} {took:.2f} s"
            )


if __name__ == "__main__":
    main()
