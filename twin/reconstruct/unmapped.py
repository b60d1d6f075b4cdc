"""Buildings that no footprint tells of, as plain blocks: context for pictures, never mixed with given buildings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy import ndimage

from twin.core.grid import Grid, sample_bilinear
from twin.reconstruct.derived_outlines import derivable_cells, is_broad
from twin.reconstruct.mass_outlines import outline_parts
from twin.reconstruct.mass_parts import PART_AREA_M2, part_cells, roof_heights
from twin.reconstruct.raster_marks import cells_within, polygon_of_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Bounds

CELL_SIZE_M = 0.5
LOWEST_M = 2.0
"""Lower things are no buildings."""
HALO_M = 12.0
"""Points, ground and footprints are needed this far around a tile, so that walls go on in the neighbour."""
OUTLINE_HALO_M = 8.0
"""Outlines are drawn this far around a tile and cut at its border; the rest of the halo feeds the raster's edge."""
UNDERLAP_CELLS = 3
"""Masses are drawn this far under footprints, then cut along them, so that walls meet."""
EAVES_CELLS = 2
"""Points this near to a footprint are the eaves of its building."""
_SQUARE = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, slots=True)
class ContextMasses:
    """Blocks derived from points alone.

    Parameters
    ----------
    polygons : array, shape (n,)
        Plan of each, map coordinates; they overlap neither footprints nor one another.
    roof_m, ground_m : array, shape (n,)
        Elevation of the flat top (70th percentile of the points) and of the lowest ground along its walls.
    n_points : array, shape (n,)
        Points over each.
    confidence : array, shape (n,)
        Part of its plan in which points lie, 0 to 1.
    n_unexplained : int
        Building points in the tile that lie at neither a footprint nor a block.
    """

    polygons: NDArray[Any]
    roof_m: NDArray[np.float64]
    ground_m: NDArray[np.float64]
    n_points: NDArray[np.int64]
    confidence: NDArray[np.float64]
    n_unexplained: int

    def __post_init__(self) -> None:
        sizes = {len(a) for a in (self.polygons, self.roof_m, self.ground_m, self.n_points, self.confidence)}
        if len(sizes) != 1:
            raise ValueError("every block has one value of each kind")

    def __len__(self) -> int:
        return len(self.polygons)


def context_masses(
    xyz: NDArray[np.float64],
    *,
    dtm: NDArray[np.floating],
    grid: Grid,
    footprints: NDArray[Any],
    bounds: Bounds,
    cell_size_m: float = CELL_SIZE_M,
) -> ContextMasses:
    """Blocks for what stands in the points outside all footprints.

    Cells with points are closed and opened by one cell, parted where the height steps, and outlined in the
    directions of their walls. Blocks end at the tile's border; the neighbour's go on there.

    Parameters
    ----------
    xyz : array, shape (n, 3)
        Building points of the tile and `HALO_M` around it: class 6, or `roof_candidates` of a cloud without classes.
    dtm : array, shape (ny, nx)
        Ground elevation, metres, finite.
    grid : Grid
        Place of `dtm`.
    footprints : array, shape (k,)
        Valid polygons of all mapped buildings that touch the tile and its halo.
    bounds : Bounds
        The tile.
    cell_size_m : float
        Of the raster; a cell should hold one point or more.

    Returns
    -------
    ContextMasses

    Examples
    --------
    >>> from twin.core.grid import Bounds
    >>> ground = Grid.covering(Bounds(0, 0, 30, 30), cell_size_m=1.0)
    >>> at = np.arange(10, 20, 0.25) + 0.1
    >>> x, y = (v.ravel() for v in np.meshgrid(at, at))
    >>> masses = context_masses(
    ...     np.column_stack([x, y, np.full(len(x), 7.0)]), dtm=np.ones(ground.shape), grid=ground,
    ...     footprints=np.empty(0, object), bounds=ground.bounds,
    ... )
    >>> [round(p.area) for p in masses.polygons], masses.roof_m, masses.ground_m
    ([100], array([7.]), array([1.]))
    """
    raster = Grid.covering(bounds.buffered(HALO_M), cell_size_m=cell_size_m)
    xyz = _candidates(xyz, dtm, grid, raster)
    built = cells_within(footprints, raster)
    top, mask = _massive_cells(xyz, raster, built)
    window = raster.window(bounds.buffered(OUTLINE_HALO_M))
    part, _ = part_cells(top[window], mask[window], cell_size_m=cell_size_m)
    part = _drop_small(part, min_cells=PART_AREA_M2 / cell_size_m**2)
    polygons, number = outline_parts(_under_footprints(part, built[window]), raster.subgrid(window))
    polygons, number = _cut_out(polygons, number, footprints, bounds)
    roof = roof_heights(part, top[window])[number]
    ground = _lowest_ground(polygons, dtm, grid)
    keep = roof - ground >= LOWEST_M
    polygons = polygons[keep]
    block = polygon_of_cells(polygons, raster)
    row, col = _own_cells(xyz, raster, bounds)
    return ContextMasses(
        polygons,
        roof[keep],
        ground[keep],
        np.bincount(block[row, col] + 1, minlength=len(polygons) + 1)[1:].astype(np.int64),
        _shares(block, row, col, len(polygons)),
        _n_unexplained(block, built, row, col),
    )


def _candidates(
    xyz: NDArray[np.float64], dtm: NDArray[np.floating], grid: Grid, raster: Grid
) -> NDArray[np.float64]:
    """The points on the raster that stand high enough above the ground."""
    b = raster.bounds
    x, y = xyz[:, 0], xyz[:, 1]
    near = xyz[(x > b.x_min) & (x < b.x_max) & (y > b.y_min) & (y < b.y_max)]
    return near[near[:, 2] - sample_bilinear(dtm, grid, near[:, 0], near[:, 1]) >= LOWEST_M]


def _massive_cells(
    xyz: NDArray[np.float64], raster: Grid, built: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Elevation of the uppermost point of the cells that belong to something wider than a wall, and these cells."""
    top = np.full(raster.shape, -np.inf)
    np.maximum.at(top, raster.rows_cols(xyz[:, 0], xyz[:, 1]), xyz[:, 2])
    mask = derivable_cells(np.isfinite(top), built, cell_size_m=raster.cell_size_m)
    around = ndimage.maximum_filter(top, footprint=_SQUARE)
    return np.where(mask, np.where(np.isfinite(top), top, around), 0.0), mask


def _drop_small(part: NDArray[np.int32], *, min_cells: float) -> NDArray[np.int32]:
    """The parts without those that stayed too small, their numbers kept."""
    return np.where(np.bincount(part.ravel())[part] >= min_cells, part, 0).astype(np.int32)


def _under_footprints(part: NDArray[np.int32], built: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Parts carried on a little way under the footprints that they touch."""
    if not part.any():
        return part
    distance, nearest = ndimage.distance_transform_edt(part == 0, return_indices=True)
    under = built & (distance <= UNDERLAP_CELLS)
    return np.where(under, part[tuple(nearest)], part).astype(np.int32)


def _cut_out(
    polygons: NDArray[Any], number: NDArray[np.int32], footprints: NDArray[Any], bounds: Bounds
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """What of the polygons lies outside the footprints, and is no sliver."""
    tile = shapely.box(bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max)
    cut = shapely.intersection(polygons, tile)
    mass, house = shapely.STRtree(footprints).query(cut, predicate="intersects")
    for i in np.unique(mass):
        cut[i] = shapely.difference(cut[i], shapely.union_all(footprints[np.sort(house[mass == i])]))
    pieces, index = shapely.get_parts(cut, return_index=True)
    wide = is_broad(pieces, footprints)
    return pieces[wide], number[index[wide]]


def _lowest_ground(polygons: NDArray[Any], dtm: NDArray[np.floating], grid: Grid) -> NDArray[np.float64]:
    """The lowest ground along the rim of each polygon, so that none of them floats."""
    xy, index = shapely.get_coordinates(shapely.segmentize(polygons, grid.cell_size_m), return_index=True)
    lowest = np.full(len(polygons), np.inf)
    np.minimum.at(lowest, index, sample_bilinear(dtm, grid, xy[:, 0], xy[:, 1]))
    return lowest


def _own_cells(
    xyz: NDArray[np.float64], raster: Grid, bounds: Bounds
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    own = bounds.contains(xyz[:, 0], xyz[:, 1])
    return raster.rows_cols(xyz[own, 0], xyz[own, 1])


def _shares(
    block: NDArray[np.int32], row: NDArray[np.int64], col: NDArray[np.int64], n_blocks: int
) -> NDArray[np.float64]:
    """Part of each block's cells in which points lie."""
    hit = np.zeros(block.shape, dtype=bool)
    hit[row, col] = True
    cells = np.bincount(block.ravel() + 1, minlength=n_blocks + 1)[1:]
    return np.bincount(block[hit] + 1, minlength=n_blocks + 1)[1:] / np.maximum(cells, 1)


def _n_unexplained(
    block: NDArray[np.int32], built: NDArray[np.bool_], row: NDArray[np.int64], col: NDArray[np.int64]
) -> int:
    """Points that neither stand at a block's wall or in it, nor at the eaves of a mapped building."""
    at_block = ndimage.binary_dilation(block >= 0, _SQUARE)
    at_house = ndimage.binary_dilation(built, _SQUARE, iterations=EAVES_CELLS)
    return int(np.count_nonzero(~(at_block | at_house)[row, col]))
