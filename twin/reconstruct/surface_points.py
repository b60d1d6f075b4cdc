"""Which terrain points a triangle surface needs to stay within a tolerance of the DTM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import shapely
from scipy import ndimage

from twin.core.grid import sample_bilinear
from twin.reconstruct.delaunay import insert, triangles
from twin.reconstruct.linework import UNITS_PER_M, extent, to_map
from twin.reconstruct.polyline import thin_profiles
from twin.reconstruct.raster_marks import cells_near, cells_within, row_span, to_cells

if TYPE_CHECKING:
    import pythoncdt
    from numpy.typing import NDArray

    from twin.core.grid import Bounds, Grid

SMOOTHING_SHARE = 0.4
"""Part of the tolerance that takes noise out of the DTM; the rest is left to the triangles."""
SMOOTHING_ROUNDS = 4
SMOOTHING_RADIUS_CELLS = 2
FILL_ROUNDS = 4
"""How many cells the heights of the land are carried out over the water."""
SHORE_REACH_CELLS = 0.6
"""Cells nearer to a shore than this saw the water too; their height is taken from the land behind."""
LINE_REACH_CELLS = 0.3
"""No terrain point is set nearer to a line of the map than this."""
HALO_CELLS = SMOOTHING_ROUNDS * SMOOTHING_RADIUS_CELLS + FILL_ROUNDS + 2
"""Cells of DTM needed around a tile so that its border comes out the same as its neighbour's."""
HEIGHT_STEPS_PER_M = 10_000
"""Heights are kept to 0.1 mm, which makes equal what two tiles computed at the same place."""


@dataclass(frozen=True, slots=True)
class LandHeights:
    """The height of the land everywhere, also a little way out over the water.

    Parameters
    ----------
    values : array, shape (ny, nx)
        Metres, float64.
    water : array, shape (ny, nx)
        Cells in the water or too near to it to be trusted; bool.
    grid : Grid
        Their place.
    """

    values: NDArray[np.float64]
    water: NDArray[np.bool_]
    grid: Grid

    def at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Heights at map coordinates, to 0.1 mm; shape (n,)."""
        return rounded(sample_bilinear(self.values, self.grid, xy[:, 0], xy[:, 1]))


def rounded(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heights to 0.1 mm."""
    return np.rint(z * HEIGHT_STEPS_PER_M) / HEIGHT_STEPS_PER_M


def land_heights(
    dtm: NDArray[np.floating], grid: Grid, water: NDArray[Any], *, tolerance_m: float
) -> LandHeights:
    """The DTM without its noise and without the water, ready to give heights to the land's corners.

    Noise is taken out within `SMOOTHING_SHARE` of the tolerance, so that steps stay where they are. At shores a
    DTM cell mixes land with water; there the land behind is carried outwards, so that shores have no saw teeth.

    Parameters
    ----------
    dtm : array, shape (ny, nx)
        Elevation, metres, finite everywhere.
    grid : Grid
        Its place.
    water : array, shape (n,)
        Water polygons, map coordinates.
    tolerance_m : float
        What the surface may be off in all.

    Returns
    -------
    LandHeights

    Raises
    ------
    ValueError
        If shapes differ or a height is not finite.
    """
    if dtm.shape != grid.shape:
        raise ValueError(f"dtm has shape {dtm.shape}, its grid {grid.shape}")
    if not np.isfinite(dtm).all():
        raise ValueError(
            f"{np.count_nonzero(~np.isfinite(dtm))} cells of the dtm are not finite; fill them first"
        )
    wet = cells_within(water, grid) | cells_near(_ring_segments(water), grid, reach_cells=SHORE_REACH_CELLS)
    smooth = _smoothed(dtm.astype(np.float64), ~wet, amplitude_m=SMOOTHING_SHARE * tolerance_m)
    return LandHeights(_carried_over(smooth, ~wet), wet, grid)


def _ring_segments(polygons: NDArray[Any]) -> NDArray[np.float64]:
    xy, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(polygons)), return_index=True)
    joined = ring[1:] == ring[:-1]
    return np.stack([xy[:-1][joined], xy[1:][joined]], axis=1)


def _smoothed(z: NDArray[np.float64], land: NDArray[np.bool_], *, amplitude_m: float) -> NDArray[np.float64]:
    """The smoothest heights near `z` on land: mean of the neighbours, held within an amplitude, repeated."""
    if not land.any():
        return z
    weight = land.astype(np.float64)
    around = np.maximum(_gauss(weight), 1e-9)
    smooth = z
    for _ in range(SMOOTHING_ROUNDS):
        mean = np.where(land, _gauss(smooth * weight) / around, z)
        smooth = np.clip(mean, z - amplitude_m, z + amplitude_m)
    return smooth


def _gauss(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(ndimage.gaussian_filter(z, 1.0, mode="nearest", radius=SMOOTHING_RADIUS_CELLS))


def _carried_over(z: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Heights of known cells carried outwards, a cell each round, as the mean of the neighbours."""
    z, known = z.copy(), known.copy()
    ones = np.ones((3, 3))
    for _ in range(FILL_ROUNDS):
        n = ndimage.convolve(known.astype(np.float64), ones, mode="nearest")
        total = ndimage.convolve(np.where(known, z, 0.0), ones, mode="nearest")
        fresh = ~known & (n > 0)
        z[fresh] = total[fresh] / n[fresh]
        known |= fresh
    return z


@dataclass(frozen=True, slots=True)
class BorderPoints:
    """Vertices along one side of a tile, decided by that side alone.

    Parameters
    ----------
    units : array, shape (n, 2)
        From corner to corner, int64 millimetres from the tile's south-west corner.
    z : array, shape (n,)
        Heights of the land, metres.
    axis : int
        The coordinate that changes along the side.
    """

    units: NDArray[np.int64]
    z: NDArray[np.float64]
    axis: int

    def height_at(self, units: NDArray[np.int64]) -> NDArray[np.float64]:
        """Heights of other points on this side, on the straight line between its vertices."""
        return rounded(np.interp(units[:, self.axis], self.units[:, self.axis], self.z))


def border_points(
    land: LandHeights, crossings: NDArray[np.int64], *, bounds: Bounds, tolerance_m: float
) -> list[BorderPoints]:
    """Vertices on the south, north, west and east side of a tile, the same as its neighbours choose.

    Parameters
    ----------
    land : LandHeights
        Reaching `HALO_CELLS` past the tile where it has a neighbour.
    crossings : array, shape (k, 2)
        Where lines of the map meet the border; they become vertices.
    bounds : Bounds
        The tile.
    tolerance_m : float
        Vertical distance that the border may have from the terrain.

    Returns
    -------
    list of BorderPoints
    """
    size = extent(bounds)
    step = max(1, round(land.grid.cell_size_m / 2 * UNITS_PER_M))
    sides = []
    for axis in (0, 1):
        for line in (0, int(size[1 - axis])):
            on_side = crossings[crossings[:, 1 - axis] == line]
            forced = np.unique(np.concatenate([on_side[:, axis], [0, size[axis]]]))
            t = np.unique(np.concatenate([forced, np.arange(0, size[axis], step)]))
            units = np.empty((len(t), 2), dtype=np.int64)
            units[:, axis], units[:, 1 - axis] = t, line
            keep = _profile_kept(land, to_map(units, bounds), t, forced, tolerance_m)
            sides.append(BorderPoints(units[keep], land.at(to_map(units[keep], bounds)), axis))
    return sides


def _profile_kept(
    land: LandHeights,
    xy: NDArray[np.float64],
    t: NDArray[np.int64],
    forced: NDArray[np.int64],
    tolerance_m: float,
) -> NDArray[np.int64]:
    """Indices of the forced points and of those that the profile between them needs."""
    is_forced = np.isin(t, forced)
    use = np.flatnonzero(is_forced | ~_is_wet(land, xy))
    ends = np.flatnonzero(is_forced[use])
    # Each stretch between forced points is a profile of its own; they share their ends.
    sizes = np.diff(ends) + 1
    starts = np.concatenate([[0], np.cumsum(sizes)])
    index = np.arange(starts[-1]) - np.repeat(starts[:-1] - ends[:-1], sizes)
    keep = thin_profiles(
        t[use][index] / UNITS_PER_M, land.at(xy[use])[index], starts, tolerance_m=tolerance_m
    )
    return np.unique(use[index[keep]])


def _is_wet(land: LandHeights, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a bilinear height would use a cell of the water."""
    return sample_bilinear(land.water.astype(np.float64), land.grid, xy[:, 0], xy[:, 1]) > 0


def edge_breaks(
    land: LandHeights, start: NDArray[np.float64], end: NDArray[np.float64], *, tolerance_m: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where straight edges must be broken to follow the terrain.

    Parameters
    ----------
    land : LandHeights
        Heights.
    start, end : array, shape (n, 2)
        Ends of the edges, map coordinates.
    tolerance_m : float
        Vertical distance that an edge may have from the terrain.

    Returns
    -------
    edge : array, shape (k,)
        Index of the edge of each break, rising.
    xy : array, shape (k, 2)
        The breaks, in order along each edge, half a cell or more from its ends.
    """
    length = np.hypot(*(end - start).T)
    n_pieces = np.maximum(1, (length / (land.grid.cell_size_m / 2)).astype(np.int64))
    starts = np.concatenate([[0], np.cumsum(n_pieces + 1)])
    edge = np.repeat(np.arange(len(start)), n_pieces + 1)
    share = (np.arange(starts[-1]) - starts[:-1][edge]) / n_pieces[edge]
    xy = start[edge] + share[:, None] * (end - start)[edge]
    keep = thin_profiles(share * length[edge], land.at(xy), starts, tolerance_m=tolerance_m)
    keep[starts[:-1]] = keep[starts[1:] - 1] = False
    return edge[keep], xy[keep]


def refine(
    triangulation: pythoncdt.Triangulation,
    xy: NDArray[np.float64],
    z: NDArray[np.float64],
    *,
    land: LandHeights,
    needed: NDArray[np.bool_],
    tolerance_m: float,
    origin: tuple[float, float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Add terrain points until no needed cell is further from the surface than the tolerance.

    Every round adds the worst cell of each triangle, so that the number of rounds stays small.

    Parameters
    ----------
    triangulation : pythoncdt.Triangulation
        Of `xy` less `origin`; grows.
    xy : array, shape (n, 2)
        Vertices so far, map coordinates.
    z : array, shape (n,)
        Their heights, metres.
    land : LandHeights
        What to follow.
    needed : array, shape (ny, nx)
        Cells that count, and where points may be set.
    tolerance_m : float
        Greatest vertical distance left.
    origin : (float, float)
        Map coordinates of the triangulation's zero.

    Returns
    -------
    xy, z : array, shape (n + k, 2) and (n + k,)
        With the new vertices behind the old.

    References
    ----------
    Garland & Heckbert (1995), Fast polygonal approximation of terrains and height fields, CMU-CS-95-181.
    """
    grid, free = land.grid, needed.copy()
    while True:
        corners, _ = triangles(triangulation)
        worst = np.unique(
            _worst_cells(np.column_stack([to_cells(xy, grid), z]), corners, land.values, free, tolerance_m)
        )
        worst = worst[worst >= 0]
        if not len(worst):
            return xy, z
        row, col = np.divmod(worst, grid.nx)
        free[row, col] = False
        new = np.column_stack([grid.x_centres[col], grid.y_centres[row]])
        insert(triangulation, new - origin)
        xy = np.concatenate([xy, new])
        z = np.concatenate([z, rounded(land.values[row, col])])


@numba.njit(cache=True, nogil=True)
def _worst_cells(
    uvz: NDArray[np.float64],
    corners: NDArray[np.int32],
    values: NDArray[np.float64],
    free: NDArray[np.bool_],
    tolerance: float,
) -> NDArray[np.int64]:
    """The free cell that is furthest from each triangle, as a flat index; -1 where all are near enough."""
    ny, nx = values.shape
    worst = np.full(len(corners), -1, np.int64)
    for t in range(len(corners)):
        a, b, c = corners[t, 0], corners[t, 1], corners[t, 2]
        bu, bv = uvz[b, 0] - uvz[a, 0], uvz[b, 1] - uvz[a, 1]
        cu, cv = uvz[c, 0] - uvz[a, 0], uvz[c, 1] - uvz[a, 1]
        det = bu * cv - cu * bv
        if abs(det) < 1e-9:
            continue
        slope_u = ((uvz[b, 2] - uvz[a, 2]) * cv - (uvz[c, 2] - uvz[a, 2]) * bv) / det
        slope_v = ((uvz[c, 2] - uvz[a, 2]) * bu - (uvz[b, 2] - uvz[a, 2]) * cu) / det
        error = tolerance
        j0 = max(0, int(np.ceil(min(uvz[a, 1], uvz[b, 1], uvz[c, 1]))))
        j1 = min(ny - 1, int(np.floor(max(uvz[a, 1], uvz[b, 1], uvz[c, 1]))))
        for j in range(j0, j1 + 1):
            i0, i1 = row_span(uvz, a, b, c, j)
            for i in range(max(0, i0), min(nx - 1, i1) + 1):
                if not free[j, i]:
                    continue
                plane = uvz[a, 2] + slope_u * (i - uvz[a, 0]) + slope_v * (j - uvz[a, 1])
                if abs(plane - values[j, i]) > error:
                    error, worst[t] = abs(plane - values[j, i]), j * nx + i
    return worst
