"""A district as a whole: how many blocks it needs, which buildings it keeps, and what lies within a window of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import UsageError
from twin.core.grid import Bounds
from twin.demo import skeleton as sk
from twin.demo.blocks import plan_cell
from twin.demo.ground import far_side
from twin.demo.terrain import make_terrain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from twin.demo.plan import Building, CellPlan
    from twin.demo.skeleton import Skeleton
    from twin.demo.terrain import Terrain

MAX_BUILDINGS = 200_000
BUILDINGS_PER_BLOCK = 13.0
"""What a block holds on average; only a first guess for the size of the net."""
ASPECT = 1.6
WHOLE_WARD_FROM = 40
"""From this many buildings on a district has all blocks of the first ward: hospital, school, market, towers, ..."""
EVERY_KIND_FROM = 400
"""From this many on it has every kind of roof."""
BEYOND_FAR_LEVEE_M = 20.0
REACH_M = 30.0
"""No tree, car or roof of a cell stands out farther than this from its corners,"""
FIELD_REACH_M = 130.0
"""but for rows of trees in the fields."""


def corners_of(bounds: Bounds) -> NDArray[np.float64]:
    """Corners of a rectangle, counter-clockwise, shape (4, 2)."""
    x0, y0, x1, y1 = bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Everything that decides what the district looks like; small, and the same in every process.

    Seed and number of buildings decide all the rest, so layouts are told apart by them: what was kept for one is found
    again with the copy that another task brings along.

    Parameters
    ----------
    seed, n_buildings : int
        What was asked for.
    skeleton : Skeleton
        The net of streets.
    terrain : Terrain
        The ground.
    min_rank : float
        Buildings of lower rank are left out, so that their number is exact.
    area : Bounds
        What is surveyed and mapped: a rectangle of the map around streets, river and far levee, whole metres.
    """

    seed: int
    n_buildings: int
    skeleton: Skeleton
    terrain: Terrain
    min_rank: float
    area: Bounds

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layout) and (self.seed, self.n_buildings) == (other.seed, other.n_buildings)

    def __hash__(self) -> int:
        return hash((self.seed, self.n_buildings))

    @property
    def bounds(self) -> Bounds:
        """The smallest rectangle of the local frame around the area, metres."""
        local = sk.to_local(corners_of(self.area))
        return Bounds(*local.min(0).tolist(), *local.max(0).tolist())

    @property
    def outline(self) -> Any:
        """The area as a polygon of the local frame."""
        import shapely

        return shapely.Polygon(sk.to_local(corners_of(self.area)))

    @property
    def cells(self) -> Iterator[tuple[int, int]]:
        """Every cell of the net, the streets beyond the last blocks included, row by row."""
        s = self.skeleton
        return ((i, j) for j in range(s.ny + 1) for i in range(s.nx + 1))


def make_layout(n_buildings: int, *, seed: int) -> Layout:
    """The layout of a district with exactly `n_buildings` buildings.

    Raises
    ------
    UsageError
        If the number is below 1 or beyond what the generator is made for.
    """
    if not 1 <= n_buildings <= MAX_BUILDINGS:
        raise UsageError(
            "--buildings", f"{n_buildings} is outside 1 to {MAX_BUILDINGS}", "choose a number in that range"
        )
    if seed < 0:
        raise UsageError("--seed", f"{seed} is negative", "choose a whole number from 0 on")
    least = sk.WARD_BLOCKS if n_buildings >= WHOLE_WARD_FROM else (1, 1)
    known: dict[tuple[int, int], list[float]] = {}
    blocks = max(1.0, 0.8 * n_buildings / BUILDINGS_PER_BLOCK)
    while True:
        nx = max(least[0], round(math.sqrt(blocks * ASPECT)))
        ny = max(least[1], math.ceil(blocks / nx))
        skeleton = sk.make_skeleton(seed, nx=nx, ny=ny)
        terrain = make_terrain(skeleton)
        ranks = _ranks(skeleton, terrain, known)
        if len(ranks) >= n_buildings:
            break
        blocks = max(blocks + 1.0, 1.02 * blocks * n_buildings / max(len(ranks), 1))
    surplus = len(ranks) - n_buildings
    min_rank = float(np.partition(ranks, surplus)[surplus])
    return Layout(seed, n_buildings, skeleton, terrain, min_rank, _area(skeleton))


def _area(skeleton: Skeleton) -> Bounds:
    u = np.linspace(0.0, skeleton.u_max, 50)
    south = max(far_side(float(x)) for x in u) + BEYOND_FAR_LEVEE_M
    west = float(skeleton.nodes[1, 1:-1, 0].min())
    m = sk.MARGIN_M
    corners = sk.to_world(corners_of(Bounds(west - m, -south, skeleton.u_max + m, skeleton.v_max + m)))
    return Bounds(*np.floor(corners.min(0)).tolist(), *np.ceil(corners.max(0)).tolist())


def _ranks(
    skeleton: Skeleton, terrain: Terrain, known: dict[tuple[int, int], list[float]]
) -> NDArray[np.float64]:
    """Rank of every building that the net could hold; `known` keeps those of blocks seen in a smaller net."""
    ranks: list[float] = []
    for cell in np.ndindex(skeleton.nx, skeleton.ny):
        if cell not in known:
            known[cell] = [building.rank for building in plan_cell(skeleton, terrain, *cell).buildings]
        ranks += known[cell]
    return np.array(ranks)


@lru_cache(maxsize=64)
def cell_plan(layout: Layout, i: int, j: int) -> CellPlan:
    """What stands in a cell of this district."""
    plan = plan_cell(layout.skeleton, layout.terrain, i, j)
    kept = tuple(building for building in plan.buildings if building.rank >= layout.min_rank)
    trees, shrubs, cars = (_within(layout, rows) for rows in (plan.trees, plan.shrubs, plan.cars))
    return replace(plan, buildings=kept, trees=trees, shrubs=shrubs, cars=cars)


def _within(layout: Layout, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows whose place lies in the area."""
    world = sk.to_world(rows[:, :2])
    return rows[layout.area.contains(world[:, 0], world[:, 1])]


def buildings_of(layout: Layout) -> Iterator[Building]:
    """Every building, cell by cell."""
    for i, j in layout.cells:
        yield from cell_plan(layout, i, j).buildings


def cells_near(layout: Layout, window: Bounds) -> list[tuple[int, int]]:
    """Cells whose contents may reach into a window of the local frame, row by row."""
    nodes = layout.skeleton.nodes[1:-1, 1:-1]
    wide = np.pad(nodes, ((0, 1), (0, 1), (0, 0)), mode="edge")
    corners = np.stack([wide[:-1, :-1], wide[1:, :-1], wide[:-1, 1:], wide[1:, 1:]])
    low, high = corners.min(0) - REACH_M, corners.max(0) + REACH_M
    low[:, 0, 1] = layout.bounds.y_min - REACH_M
    # The outermost cells hold what stands in the fields around.
    low[0, :, 0] -= FIELD_REACH_M
    high[-1, :, 0] += FIELD_REACH_M
    high[:, -1, 1] += FIELD_REACH_M
    near = (low < [window.x_max, window.y_max]).all(-1) & (high > [window.x_min, window.y_min]).all(-1)
    return [(int(i), int(j)) for j, i in np.argwhere(near.T)]
