"""Single trees from a point cloud: place, height and crown."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.core.grid import Grid, sample_bilinear
from twin.core.points import Classification
from twin.reconstruct.crowns import EMPTY, close_pits, delineate, highest_of_cells, roughness, smooth
from twin.reconstruct.raster_marks import cells_within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Bounds
    from twin.core.points import PointCloud

CELL_SIZE_M = 0.5
POINTS_PER_CELL = 1.5
CELL_STEP_M = 0.25
LARGEST_CELL_M = 2.0
TREE_HALO_M = 30.0
"""Points and ground are needed this far around a tile so that its trees are the same as its neighbours' say."""
LOWEST_TREE_M = 2.5
LOWEST_CROWN_M = 1.5
"""Lower points are shrubs, cars and trunks."""
SMOOTHING_M = 0.6
SMALLEST_RADIUS_M = 0.7
FEWEST_POINTS = 6
THINNEST_M = 0.8
"""The points of posts, walls and wires lie in a thinner strip of the plan."""
SLIMMEST = 3.0
"""Length over width from which a thing is a wall, a wire or a jib; over roofs, where these are likelier, half that."""
CLEARANCE_M = 1.0
"""What overhangs a building must stand this far above its roof; lower things are part of it."""
FACADE_M = 0.7
"""Points this near to a footprint are eaves and facade."""
MOST_OVER_ROOF = 0.67
"""A crown with a greater part of its plan over buildings is something on a roof."""
SINGLE, MULTIPLE = 0.15, 0.5
"""Of the points of solid things less than the one part stem from pulses with several returns, of crowns the other."""
NO_RETURNS = 0.02
"""With a lower share the survey knows no several returns, as from photographs, and the surface must tell."""
EVEN_M, RAGGED_M = 0.1, 0.3
"""Roofs and vehicles depart from planes by less than the one, crowns by the other."""
LEAST_CONFIDENCE = 0.5
_VEGETATION = (
    Classification.LOW_VEGETATION,
    Classification.MEDIUM_VEGETATION,
    Classification.HIGH_VEGETATION,
)
_CANDIDATES = (Classification.NEVER_CLASSIFIED, Classification.UNCLASSIFIED, *_VEGETATION)


@dataclass(frozen=True, slots=True)
class TreeTable:
    """Trees, one value each, from north to south and west to east.

    Parameters
    ----------
    x, y : array, shape (n,)
        Middle of the crown, map coordinates, metres.
    ground_m : array, shape (n,)
        Elevation of the ground there.
    height_m : array, shape (n,)
        Top above the ground.
    crown_radius_m : array, shape (n,)
        Of the circle as large as the crown in plan.
    crown_base_m : array, shape (n,)
        Where the crown begins, above the ground: the lower tenth of its points.
    confidence : array, shape (n,)
        0.5 to 1: how well the points speak for leaves and branches.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    ground_m: NDArray[np.float64]
    height_m: NDArray[np.float64]
    crown_radius_m: NDArray[np.float64]
    crown_base_m: NDArray[np.float64]
    confidence: NDArray[np.float64]

    def __post_init__(self) -> None:
        if len({len(getattr(self, f.name)) for f in fields(self)}) != 1:
            raise ValueError("every tree has one value of each kind")

    def __len__(self) -> int:
        return len(self.x)


def canopy_cell_size_m(points_per_m2: float) -> float:
    """Cell of the canopy raster for a survey's density: 0.5 m, more where that would leave most cells empty.

    Crowns fall to pieces in a raster with more holes than points: thinned to 1.7 points per m2, the crowns of a
    town shrank from 2.2 to 1.5 m in cells of 0.5 m, and keep 2.1 to 2.3 m in cells of 0.75 to 1 m.

    Parameters
    ----------
    points_per_m2 : float
        Of the whole survey, so that all tiles have the same cells.

    Examples
    --------
    >>> [canopy_cell_size_m(d) for d in (20.0, 3.5, 1.7, 0.9, 0.0)]
    [0.5, 0.75, 1.0, 1.25, 2.0]
    """
    if points_per_m2 * LARGEST_CELL_M**2 <= POINTS_PER_CELL:
        return LARGEST_CELL_M
    wanted = np.sqrt(POINTS_PER_CELL / points_per_m2)
    return float(max(CELL_SIZE_M, CELL_STEP_M * round(wanted / CELL_STEP_M)))


def find_trees(
    cloud: PointCloud,
    *,
    dtm: NDArray[np.floating],
    grid: Grid,
    keep_out: NDArray[Any] | None = None,
    bounds: Bounds | None = None,
    cell_size_m: float = CELL_SIZE_M,
) -> TreeTable:
    """The trees of a tile.

    Vegetation, and points of no class, are laid out as a canopy raster; its summits and the slopes that lead up
    to them are crowns. A crown counts if pulses went through it (in surveys that know no several returns: if its
    surface is ragged), if it is about as long as wide, and if it does not mostly cover buildings.

    Parameters
    ----------
    cloud : PointCloud
        Points of the tile and `TREE_HALO_M` around it, with classes. Classes 3 to 5 are vegetation, 0 and 1 may
        be, 6 keeps crowns off roofs and facades; all others are passed over.
    dtm : array, shape (ny, nx)
        Ground elevation, metres.
    grid : Grid
        Place of `dtm`.
    keep_out : array of polygons, optional
        Footprints of buildings, valid.
    bounds : Bounds, optional
        The tile; trees are returned whose summit lies in it. Without it all are.
    cell_size_m : float
        Of the canopy raster; a cell should hold one point or more.

    Returns
    -------
    TreeTable

    References
    ----------
    Popescu & Wynne, "Seeing the trees in the forest", Photogrammetric Engineering & Remote Sensing 70(5), 2004.

    Examples
    --------
    >>> from twin.core.grid import Bounds
    >>> from twin.core.points import PointCloud
    >>> ground = Grid.covering(Bounds(0, 0, 40, 40), cell_size_m=1.0)
    >>> rng = np.random.default_rng(0)
    >>> ball = rng.normal(size=(2000, 3))
    >>> ball *= 3 / np.linalg.norm(ball, axis=1)[:, None]
    >>> n = np.full(2000, 2, np.uint8)
    >>> trees = find_trees(
    ...     PointCloud(ball + (20, 20, 7), np.ones(2000, np.uint8), n, n), dtm=np.zeros(ground.shape), grid=ground
    ... )
    >>> len(trees), trees.height_m.round(1), trees.crown_radius_m.round()
    (1, array([10.]), array([3.]))
    """
    area = grid.bounds if bounds is None else bounds.buffered(TREE_HALO_M)
    raster = Grid.covering(area, cell_size_m=cell_size_m)
    roofs = _roofs(cloud, dtm, grid, raster)
    built = _built_cells(roofs, keep_out, raster)
    hits = _hits(cloud, dtm, grid, raster).off_buildings(roofs, built)
    top = np.full(raster.shape, EMPTY)
    high = hits.height_m >= LOWEST_TREE_M
    highest_of_cells(hits.cell[high], hits.height_m[high], top)
    canopy = close_pits(top)
    crown, summits = delineate(smooth(canopy, sigma_cells=SMOOTHING_M / cell_size_m), cell_size_m=cell_size_m)
    found = _measure(hits, _Canopy(raster, top, built, crown, summits))
    inside = np.ones(len(summits), dtype=bool)
    if bounds is not None:
        inside = bounds.contains(
            raster.x_centres[summits % raster.nx], raster.y_centres[summits // raster.nx]
        )
    return _table(found, np.flatnonzero(inside & found.is_tree), dtm, grid)


@dataclass(frozen=True, slots=True)
class _Hits:
    """Points that may be of crowns: plan in whole mm from the raster's corner, cell as flat index, and so on."""

    x_mm: NDArray[np.float64]
    y_mm: NDArray[np.float64]
    cell: NDArray[np.int64]
    height_m: NDArray[np.float32]
    multiple: NDArray[np.bool_]
    vegetation: NDArray[np.bool_]

    def select(self, keep: NDArray[np.bool_]) -> _Hits:
        return _Hits(*(getattr(self, f.name)[keep] for f in fields(self)))

    def off_buildings(self, roofs: NDArray[np.float32], built: NDArray[np.bool_]) -> _Hits:
        """Without what lies at or little above buildings; over a footprint without roof points all goes."""
        around = _dilated(roofs)
        least = np.where(built, np.where(around > 0, around + np.float32(CLEARANCE_M), np.inf), 0)
        return self.select(self.height_m >= least.ravel()[self.cell])


def _placed(
    cloud: PointCloud, keep: NDArray[np.bool_], dtm: NDArray[np.floating], grid: Grid, raster: Grid
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Index, cell and height above ground of the points to keep that are on the raster and above `LOWEST_CROWN_M`."""
    index = np.flatnonzero(keep)
    x, y, z = cloud.xyz[index].T
    row, col = raster.rows_cols(x, y)
    on = (row >= 0) & (row < raster.ny) & (col >= 0) & (col < raster.nx)
    index, row, col = index[on], row[on], col[on]
    # In whole millimetres, so that rounding in other origins of the same grid makes no difference.
    height = np.round(z[on] - sample_bilinear(dtm, grid, x[on], y[on]), 3).astype(np.float32)
    up = height >= LOWEST_CROWN_M
    return index[up], (row * raster.nx + col)[up], height[up]


def _hits(cloud: PointCloud, dtm: NDArray[np.floating], grid: Grid, raster: Grid) -> _Hits:
    index, cell, height = _placed(cloud, _is_any(cloud.classification, _CANDIDATES), dtm, grid, raster)
    vegetation = _is_any(cloud.classification[index], _VEGETATION)
    x_mm = np.round((cloud.xyz[index, 0] - raster.x_min) * 1000)
    y_mm = np.round((cloud.xyz[index, 1] - raster.y_max) * 1000)
    return _Hits(x_mm, y_mm, cell, height, cloud.n_returns[index] > 1, vegetation)


def _is_any(classes: NDArray[np.uint8], of: tuple[Classification, ...]) -> NDArray[np.bool_]:
    table = np.zeros(256, dtype=bool)
    table[list(of)] = True
    return table[classes]


def _roofs(cloud: PointCloud, dtm: NDArray[np.floating], grid: Grid, raster: Grid) -> NDArray[np.float32]:
    """Highest building point of each cell above ground, `EMPTY` where there is none."""
    _, cell, height = _placed(cloud, cloud.classification == Classification.BUILDING, dtm, grid, raster)
    roofs = np.full(raster.shape, EMPTY)
    highest_of_cells(cell, height, roofs)
    return roofs


def _built_cells(
    roofs: NDArray[np.float32], keep_out: NDArray[Any] | None, raster: Grid
) -> NDArray[np.bool_]:
    """Cells with or beside building points, in or near a footprint."""
    built = _dilated(roofs) > 0
    if keep_out is not None and len(keep_out):
        built |= cells_within(shapely.buffer(keep_out, FACADE_M, join_style="mitre"), raster)
    return built


def _dilated(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Greatest value of each cell and the four that share an edge with it."""
    out = values.copy()
    for to, of in (
        (np.s_[1:], np.s_[:-1]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:, 1:], np.s_[:, :-1]),
        (np.s_[:, :-1], np.s_[:, 1:]),
    ):
        out[to] = np.maximum(out[to], values[of])
    return out


@dataclass(frozen=True, slots=True)
class _Crowns:
    """What was measured of each crown."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    height_m: NDArray[np.float64]
    radius_m: NDArray[np.float64]
    base_m: NDArray[np.float64]
    confidence: NDArray[np.float64]
    is_tree: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Canopy:
    """Rasters of highest points, of cells at buildings and of crown numbers, and the crowns' summits."""

    raster: Grid
    top: NDArray[np.float32]
    built: NDArray[np.bool_]
    crown: NDArray[np.int32]
    summits: NDArray[np.int64]


def _measure(hits: _Hits, canopy: _Canopy) -> _Crowns:
    raster, crown, top, summits = canopy.raster, canopy.crown, canopy.top, canopy.summits
    n = len(summits)
    row, col = np.nonzero(crown >= 0)
    of_cell = crown[row, col]
    n_cells = np.maximum(np.bincount(of_cell, minlength=n), 1)
    summit_row, summit_col = summits // raster.nx, summits % raster.nx
    up, across, longest, shortest = _spread(row - summit_row[of_cell], col - summit_col[of_cell], of_cell, n)
    # A cell's own extent keeps single rows of cells from being endlessly slim.
    slimness = np.sqrt((longest + 1 / 12) / (shortest + 1 / 12))
    over_roof = np.bincount(of_cell[canopy.built[row, col]], minlength=n) / n_cells
    radius = np.sqrt(n_cells * raster.cell_size_m**2 / np.pi)
    height = np.zeros(n)
    np.maximum.at(height, of_cell, top[row, col])
    points = _of_points(hits, crown, n)
    # Where pulses do return several times, roofs with chimneys are told from crowns by that alone.
    ragged = np.where(points.multiple < NO_RETURNS, _raggedness(top, row, col, of_cell, n), 0)
    confidence = np.maximum(points.leaves, ragged)
    is_tree = (
        (confidence >= LEAST_CONFIDENCE)
        & (radius >= SMALLEST_RADIUS_M)
        & (points.n >= FEWEST_POINTS)
        & (points.width_m >= THINNEST_M)
        & (slimness * (1 + over_roof) <= SLIMMEST)
        & (over_roof <= MOST_OVER_ROOF)
    )
    x = raster.x_min + (summit_col + across + 0.5) * raster.cell_size_m
    y = raster.y_max - (summit_row + up + 0.5) * raster.cell_size_m
    return _Crowns(np.round(x, 2), np.round(y, 2), height, radius, points.base_m, confidence, is_tree)


def _spread(
    v: NDArray[np.number], u: NDArray[np.number], crown: NDArray[np.int32], n: int
) -> tuple[NDArray[np.float64], ...]:
    """Means of both coordinates by crown, and the greatest and least variance of any direction.

    Coordinates are whole numbers and near zero, so that their sums are exact in any order.
    """
    count = np.maximum(np.bincount(crown, minlength=n), 1)
    mean_v, mean_u = np.bincount(crown, v, n) / count, np.bincount(crown, u, n) / count
    vv = np.bincount(crown, v * v, n) / count - mean_v**2
    uu = np.bincount(crown, u * u, n) / count - mean_u**2
    uv = np.bincount(crown, u * v, n) / count - mean_u * mean_v
    half, turn = (uu + vv) / 2, np.hypot((uu - vv) / 2, uv)
    return mean_v, mean_u, half + turn, np.maximum(half - turn, 0)


@dataclass(frozen=True, slots=True)
class _Points:
    """What the points of each crown tell."""

    n: NDArray[np.int64]
    base_m: NDArray[np.float64]
    width_m: NDArray[np.float64]
    multiple: NDArray[np.float64]
    leaves: NDArray[np.float64]


def _of_points(hits: _Hits, crown: NDArray[np.int32], n: int) -> _Points:
    of_point = crown.ravel()[hits.cell]
    hits, of_point = hits.select(of_point >= 0), of_point[of_point >= 0]
    order = np.lexsort((hits.height_m, of_point))
    count = np.bincount(of_point, minlength=n)
    first = np.cumsum(count) - count
    base = np.zeros(n)
    has = count > 0
    base[has] = hits.height_m[order][(first + count // 10)[has]]
    multiple = np.bincount(of_point[hits.multiple], minlength=n) / np.maximum(count, 1)
    vegetation = np.bincount(of_point[hits.vegetation], minlength=n) / np.maximum(count, 1)
    leaves = np.maximum(np.clip((multiple - SINGLE) / (MULTIPLE - SINGLE), 0, 1), vegetation)
    return _Points(count, base, _width_m(hits, of_point, n), multiple, leaves)


def _width_m(hits: _Hits, crown: NDArray[np.int32], n: int) -> NDArray[np.float64]:
    """Across the narrowest direction of the plan, as of a disc with the same spread."""
    west, north = np.full(n, np.inf), np.full(n, np.inf)
    np.minimum.at(west, crown, hits.x_mm)
    np.minimum.at(north, crown, hits.y_mm)
    _, _, _, least = _spread(hits.y_mm - north[crown], hits.x_mm - west[crown], crown, n)
    return 4 * np.sqrt(least) / 1000


def _raggedness(
    top: NDArray[np.float32],
    row: NDArray[np.int64],
    col: NDArray[np.int64],
    crown: NDArray[np.int32],
    n: int,
) -> NDArray[np.float64]:
    """0 for crowns as even as a roof, 1 for ragged ones."""
    rough = roughness(top)[row, col]
    known = rough >= 0
    total = np.bincount(crown[known], np.round(rough[known].astype(np.float64), 3), n)
    mean = total / np.maximum(np.bincount(crown[known], minlength=n), 1)
    return np.clip((mean - EVEN_M) / (RAGGED_M - EVEN_M), 0, 1)


def _table(found: _Crowns, chosen: NDArray[np.int64], dtm: NDArray[np.floating], grid: Grid) -> TreeTable:
    x, y = found.x[chosen], found.y[chosen]
    ground = np.round(sample_bilinear(dtm, grid, x, y), 3)
    return TreeTable(
        x,
        y,
        ground,
        np.round(found.height_m[chosen], 2),
        np.round(found.radius_m[chosen], 2),
        np.round(found.base_m[chosen], 2),
        np.round(found.confidence[chosen], 2),
    )
