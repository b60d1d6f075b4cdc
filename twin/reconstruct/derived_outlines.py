"""Outlines of buildings that have no footprint, drawn from the cells in which their points lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy import ndimage

from twin.reconstruct.mass_outlines import outline_parts
from twin.reconstruct.mass_parts import join_enclosed, part_cells
from twin.reconstruct.raster_marks import cells_within, polygon_of_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Grid

LEAST_AREA_M2 = 8.0
NARROWEST_M = 2.5
"""Narrower things are walls, wires, or what a displaced footprint leaves of its own building."""
SLIVER_M = 1.5
"""What footprints leave of an outline must somewhere be this wide."""
BESIDE_M, BESIDE_SHARE, BESIDE_WIDTH_M = 0.25, 0.25, 3.0
"""With this share of its outline this near to footprints it must be this wide."""
CORNERS_M = 1.5
"""Opening cuts corners of houses askew to the raster; they come back from this far around."""
UNDERLAP_M = 1.5
"""Outlines are drawn this far under footprints, then cut along them, so that walls meet."""
ENCLOSED_SHARE = 0.4
"""A part with this share of its sides at one neighbour is a storey or a tower of it, no building."""
SMOOTH_M = 0.25
"""Tops of three by three cells lie this close to a plane on roofs, root mean square; on crowns they do not."""
REACH_CELLS = 16
"""Whether a cell counts depends on cells no farther away."""

_SQUARE = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, slots=True)
class DerivedOutlines:
    """Outlines and how far to trust them.

    Parameters
    ----------
    polygons : array, shape (n,)
        Map coordinates; they overlap neither footprints nor one another.
    confidence : array, shape (n,)
        0 to 1, see `outline_confidence`.
    """

    polygons: NDArray[Any]
    confidence: NDArray[np.float64]

    def __post_init__(self) -> None:
        if len(self.polygons) != len(self.confidence):
            raise ValueError("every outline has one confidence")

    def __len__(self) -> int:
        return len(self.polygons)


def derivable_cells(
    has_points: NDArray[np.bool_], built: NDArray[np.bool_], *, cell_size_m: float
) -> NDArray[np.bool_]:
    """Cells of buildings without a footprint: with points around, outside footprints, of something wide enough.

    Parameters
    ----------
    has_points : array, shape (ny, nx)
        Whether building points lie in a cell.
    built : array, shape (ny, nx)
        Whether a footprint covers it.
    cell_size_m : float
        Side of a cell.

    Examples
    --------
    >>> house, nothing = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    >>> house[10:26, 10:30] = house[10:13, 30:38] = True  # and a wall of 1.5 m
    >>> cells = derivable_cells(house, nothing, cell_size_m=0.5)
    >>> bool(cells[10:26, 10:30].all()), bool(cells[:, 34:].any())
    (True, False)
    """
    closed = ndimage.binary_closing(np.pad(has_points & ~built, 1), _SQUARE)[1:-1, 1:-1] & ~built
    core = ndimage.binary_opening(closed, _disc(round(NARROWEST_M / cell_size_m)))
    back = max(1, round(CORNERS_M / cell_size_m))
    return np.asarray(ndimage.binary_dilation(core, iterations=back, mask=closed))


def _disc(width_cells: int) -> NDArray[np.bool_]:
    """Cells around a middle, in all as wide as told."""
    at = np.arange(width_cells) - (width_cells - 1) / 2
    return np.asarray(at[:, None] ** 2 + at**2 <= (width_cells / 2) ** 2)


def derive_outlines(
    top: NDArray[np.float64], mask: NDArray[np.bool_], grid: Grid, *, footprints: NDArray[Any]
) -> DerivedOutlines:
    """Outlines of the buildings that cells make up.

    The cells are parted where heights step by more than a slope, unless one part encloses the other; parts are
    outlined with straight walls in the directions that they have in common, and cut along the given footprints.

    Parameters
    ----------
    top : array, shape (ny, nx)
        Elevation of the uppermost building point of each cell, metres; NaN where there is none.
    mask : array, shape (ny, nx)
        Cells as `derivable_cells` tells them, none of them on the outer rim.
    grid : Grid
        Their place.
    footprints : array, shape (k,)
        Valid polygons of all given buildings that touch the grid.

    Examples
    --------
    >>> top = np.full((40, 40), np.nan)
    >>> top[8:28, 10:30] = 7.0
    >>> from twin.core.grid import Grid
    >>> grid = Grid(0.0, 20.0, 0.5, 40, 40)
    >>> found = derive_outlines(top, np.isfinite(top), grid, footprints=np.empty(0, object))
    >>> [round(p.area) for p in found.polygons], found.confidence
    ([100], array([1.]))
    """
    around = ndimage.maximum_filter(np.where(np.isfinite(top), top, -np.inf), footprint=_SQUARE)
    filled = np.where(mask, np.where(np.isfinite(top), top, around), 0.0)
    part, _ = part_cells(filled, mask, cell_size_m=grid.cell_size_m)
    part = join_enclosed(part, filled, share=ENCLOSED_SHARE)
    size = np.bincount(part.ravel())
    part = np.where(size[part] * grid.cell_size_m**2 >= LEAST_AREA_M2, part, 0).astype(np.int32)
    built = cells_within(footprints, grid)
    polygons, _ = outline_parts(_carried_under(part, built, UNDERLAP_M / grid.cell_size_m), grid)
    polygons = _outside(polygons, footprints)
    return DerivedOutlines(polygons, outline_confidence(polygons, top, mask, grid))


def _carried_under(
    part: NDArray[np.int32], built: NDArray[np.bool_], reach_cells: float
) -> NDArray[np.int32]:
    """Parts carried on a little way under the footprints that they touch."""
    if not part.any() or not built.any():
        return part
    distance, nearest = ndimage.distance_transform_edt(part == 0, return_indices=True)
    return np.where(built & (distance <= reach_cells), part[tuple(nearest)], part).astype(np.int32)


def _outside(polygons: NDArray[Any], footprints: NDArray[Any]) -> NDArray[Any]:
    """What of the polygons lies outside the footprints, and is no sliver."""
    cut = polygons.copy()
    mass, house = shapely.STRtree(footprints).query(cut, predicate="intersects")
    for i in np.unique(mass):
        cut[i] = shapely.difference(cut[i], shapely.union_all(footprints[np.sort(house[mass == i])]))
    pieces = shapely.get_parts(cut)
    return np.asarray(pieces[is_broad(pieces, footprints)])


def is_broad(pieces: NDArray[Any], footprints: NDArray[Any]) -> NDArray[np.bool_]:
    """Which pieces stay large enough without what of them is narrow; beside a footprint that takes more.

    What lies along a footprint and is narrow is a part of its building: eaves, a balcony, or a side of it where the
    footprint is displaced.

    Examples
    --------
    >>> is_broad(np.array([shapely.box(0, 0, 40, 2), shapely.box(0, 0, 40, 1)]), np.empty(0, object))
    array([ True, False])
    >>> is_broad(np.array([shapely.box(0, 0, 40, 2)]), np.array([shapely.box(0, 2, 40, 20)]))
    array([False])
    """
    narrow = np.full(len(pieces), SLIVER_M)
    piece, house = shapely.STRtree(footprints).query(pieces, predicate="dwithin", distance=BESIDE_M)
    for i in np.unique(piece):
        around = shapely.buffer(shapely.union_all(footprints[np.sort(house[piece == i])]), BESIDE_M)
        beside = shapely.length(shapely.intersection(shapely.boundary(pieces[i]), around))
        if beside >= BESIDE_SHARE * shapely.length(pieces[i]):
            narrow[i] = BESIDE_WIDTH_M
    opened = shapely.buffer(shapely.buffer(pieces, -narrow / 2), narrow / 2)
    return np.asarray(shapely.area(opened) >= LEAST_AREA_M2)


def outline_confidence(
    polygons: NDArray[Any], top: NDArray[np.float64], mask: NDArray[np.bool_], grid: Grid
) -> NDArray[np.float64]:
    """How well each outline stands for its points, 0 to 1.

    The product of two shares. How much of the outline and of the building cells at it is common to both (Jaccard's
    index: straight walls, holes in the points, and what belongs to no outline count against it); and how much of the
    common cells is smooth as roofs are, half of them counting as all, since ridges and edges never are.
    """
    cells = polygon_of_cells(polygons, grid)
    with_points = np.isfinite(top) & mask
    n = len(polygons)
    inside = np.bincount(cells.ravel() + 1, minlength=n + 1)[1:]
    common = np.bincount(cells[with_points] + 1, minlength=n + 1)[1:]
    distance, nearest = ndimage.distance_transform_edt(cells < 0, return_indices=True)
    beside = with_points & (cells < 0) & (distance <= 3)
    lost = np.bincount(cells[tuple(nearest)][beside] + 1, minlength=n + 1)[1:]
    smooth = np.bincount(cells[with_points & _is_smooth(top)] + 1, minlength=n + 1)[1:]
    share = common / np.maximum(inside + lost, 1)
    return np.asarray(share * np.minimum(1.0, 2.0 * smooth / np.maximum(common, 1)))


def _is_smooth(top: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Cells whose tops lie on a plane together with those around, where at least six of nine are known."""
    known = np.isfinite(top)
    z = np.where(known, top - np.nanmin(top, initial=np.inf), 0.0)
    v, u = np.mgrid[-1:2, -1:2].astype(np.float64)

    def total(values: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(ndimage.correlate(values, weight, mode="constant"))

    there = known.astype(np.float64)
    n = np.maximum(total(there, np.ones((3, 3))), 1.0)
    mean_u, mean_v, mean_z = (total(there, u) / n, total(there, v) / n, total(z, np.ones((3, 3))) / n)
    uu, vv = total(there, u * u) / n - mean_u**2, total(there, v * v) / n - mean_v**2
    uv = total(there, u * v) / n - mean_u * mean_v
    uz, vz = total(z, u) / n - mean_u * mean_z, total(z, v) / n - mean_v * mean_z
    zz = total(z * z, np.ones((3, 3))) / n - mean_z**2
    det = np.maximum(uu * vv - uv * uv, 1e-9)
    rest = zz - ((vv * uz - uv * vz) * uz + (uu * vz - uv * uz) * vz) / det
    return np.asarray(known & (n >= 6) & (rest <= SMOOTH_M**2))
