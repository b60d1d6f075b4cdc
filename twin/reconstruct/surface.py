"""The terrain of a tile as one triangle mesh: map edges exact, buildings cut out, water flat, shores upright."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.reconstruct.arrangement import arrange_lines, pack
from twin.reconstruct.cover import Cover
from twin.reconstruct.delaunay import fixed_edges, is_fixed, points, triangles, triangulate
from twin.reconstruct.linework import UNITS_PER_M, extent, is_on_border, to_map
from twin.reconstruct.raster_marks import cells_near, mark_triangles, to_cells
from twin.reconstruct.regions import BUILDING, LabelFinder, label_triangles
from twin.reconstruct.shores import Sheets, assemble
from twin.reconstruct.surface_points import (
    LINE_REACH_CELLS,
    SMOOTHING_SHARE,
    border_points,
    edge_breaks,
    land_heights,
    refine,
    rounded,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Bounds, Grid
    from twin.core.mesh import TriangleMesh
    from twin.reconstruct.arrangement import Arrangement
    from twin.reconstruct.cover import CoverPolygons, WaterLevel
    from twin.reconstruct.regions import Labels
    from twin.reconstruct.surface_points import BorderPoints, LandHeights

TOLERANCE_M = 0.05
"""How far the surface may be from the DTM, away from lines of the map."""
TOUCH_M = 0.002
"""A border vertex this near to water has the water at its foot."""


@dataclass(frozen=True, slots=True)
class SurfaceMesh:
    """The ground of a tile.

    Parameters
    ----------
    mesh : TriangleMesh
        Counter-clockwise from above; quay walls stand upright and face the lower side.
    cover : array, shape (m,)
        `Cover` of each triangle, uint8.
    feature : array, shape (m,)
        Row of the cover polygon that a triangle belongs to, for a quay wall the water at its foot; -1 where
        there is none. int32.
    seat_low_m, seat_high_m : array, shape (n_footprints,)
        Lowest and highest ground along each footprint in this tile, metres; NaN where it meets no ground.
    """

    mesh: TriangleMesh
    cover: NDArray[np.uint8]
    feature: NDArray[np.int32]
    seat_low_m: NDArray[np.float64]
    seat_high_m: NDArray[np.float64]

    def __post_init__(self) -> None:
        if not len(self.cover) == len(self.feature) == len(self.mesh.triangles):
            raise ValueError("every triangle has one cover and one feature")


@dataclass(frozen=True, slots=True)
class _Net:
    """Vertices and given edges of a triangulation in the making, and what its triangles are."""

    xy: NDArray[np.float64]
    edges: NDArray[np.int64]
    corners: NDArray[np.int32]
    neighbours: NDArray[np.int32]
    fixed: NDArray[np.bool_]
    labels: Labels


def build_surface(
    dtm: NDArray[np.floating],
    grid: Grid,
    *,
    bounds: Bounds,
    cover: CoverPolygons,
    footprints: NDArray[Any],
    tolerance_m: float = TOLERANCE_M,
    water_level: WaterLevel | None = None,
) -> SurfaceMesh:
    """The terrain of a tile with its map and with holes where the buildings stand.

    Tiles side by side fit without a gap: the vertices on a shared border follow from the border alone.

    Parameters
    ----------
    dtm : array, shape (ny, nx)
        Elevation, metres, finite. It should reach `surface_points.HALO_CELLS` past `bounds` where the tile
        has a neighbour.
    grid : Grid
        Place of `dtm`.
    bounds : Bounds
        The tile, on whole millimetres.
    cover : CoverPolygons
        All map polygons that touch the tile, uncut.
    footprints : array, shape (k,)
        All valid building footprints that touch the tile, uncut.
    tolerance_m : float
        How far the surface may be from the DTM, away from lines of the map.
    water_level : callable, optional
        ``water_level(feature, x, y)`` gives the elevation of sloping water at points of cover polygons; without
        it each water lies flat at its ``level_m``.

    Returns
    -------
    SurfaceMesh

    Raises
    ------
    ValueError
        If the DTM has holes, does not fit its grid, or a tolerance is not positive.

    Examples
    --------
    >>> import shapely
    >>> from twin.core.grid import Bounds, Grid
    >>> from twin.reconstruct.cover import CoverPolygons
    >>> grid = Grid.covering(Bounds(0, 0, 20, 10), cell_size_m=1.0)
    >>> pond = CoverPolygons.of([shapely.box(12, 2, 18, 8)], [Cover.WATER], level_m=[-0.5])
    >>> surface = build_surface(
    ...     np.zeros(grid.shape), grid, bounds=grid.bounds, cover=pond, footprints=np.array([shapely.box(2, 2, 6, 8)])
    ... )
    >>> sorted({Cover(c).name for c in surface.cover}), surface.seat_low_m
    (['GROUND', 'QUAY', 'WATER'], array([0.]))
    """
    if not tolerance_m > 0:
        raise ValueError(f"tolerance_m must be positive, is {tolerance_m}")
    fit_m = (1 - SMOOTHING_SHARE) * tolerance_m
    levels = water_level or flat_levels(cover)
    land = land_heights(dtm, grid, cover.polygons[cover.cover == Cover.WATER], tolerance_m=tolerance_m)
    lines = arrange_lines(cover.polygons, footprints, bounds=bounds)
    sides = border_points(land, lines.crossings, bounds=bounds, tolerance_m=fit_m)
    finder = LabelFinder(cover, footprints)
    origin = (bounds.x_min, bounds.y_min)

    units, edges = _framed(lines, sides)
    net = _labelled(finder, to_map(units, bounds), edges, origin)
    z = _line_heights(net, land, sides, finder, levels, bounds=bounds)
    needed = _needed_cells(net, land)
    xy, z, edges = _broken(net, z, land, levels, tolerance_m=fit_m)
    triangulation = triangulate(xy - origin, edges)
    xy, z = refine(triangulation, xy, z, land=land, needed=needed, tolerance_m=fit_m, origin=origin)
    corners, neighbours = triangles(triangulation)
    fixed = is_fixed(corners, fixed_edges(triangulation))
    labels = label_triangles(finder, xy, corners, neighbours, fixed)
    sheets = Sheets(xy, z, corners, neighbours, fixed, labels.cover, labels.feature)
    return SurfaceMesh(*assemble(sheets, levels, finder, n_footprints=len(footprints)))


def flat_levels(cover: CoverPolygons) -> WaterLevel:
    """The level of each water polygon, the same everywhere on it."""

    def level(
        feature: NDArray[np.int32], x: NDArray[np.float64], _y: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return np.broadcast_to(cover.level_m[feature], np.shape(x)).astype(np.float64)

    return level


def _framed(lines: Arrangement, sides: list[BorderPoints]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The lines of the map inside a closed frame of border edges."""
    size = extent(lines.bounds)
    border = np.concatenate([s.units for s in sides] + [lines.units[is_on_border(lines.units, size)]])
    keys, place = np.unique(np.concatenate([pack(lines.units), pack(border)]), return_inverse=True)
    units = np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1)
    ends = units[place[: len(lines.units)][lines.edges]]
    along = ((ends[:, 0] == ends[:, 1]) & ((ends[:, 0] == 0) | (ends[:, 0] == size))).any(axis=1)
    frame = []
    for axis in (0, 1):
        for line in (0, size[axis]):
            on_side = np.flatnonzero(units[:, axis] == line)
            in_order = on_side[np.argsort(units[on_side, 1 - axis], kind="stable")]
            frame.append(np.column_stack([in_order[:-1], in_order[1:]]))
    inner = place[: len(lines.units)][lines.edges[~along]]
    return units, np.unique(np.sort(np.concatenate([inner, *frame]), axis=1), axis=0)


def _labelled(
    finder: LabelFinder, xy: NDArray[np.float64], edges: NDArray[np.int64], origin: tuple[float, float]
) -> _Net:
    """The net of the map's lines alone."""
    triangulation = triangulate(xy - origin, edges)
    made = points(triangulation)[len(xy) :] + origin
    xy, edges = np.concatenate([xy, made]), fixed_edges(triangulation)
    corners, neighbours = triangles(triangulation)
    fixed = is_fixed(corners, edges)
    labels = label_triangles(finder, xy, corners, neighbours, fixed)
    return _Net(xy, edges, corners, neighbours, fixed, labels)


def _line_heights(
    net: _Net,
    land: LandHeights,
    sides: list[BorderPoints],
    finder: LabelFinder,
    levels: WaterLevel,
    *,
    bounds: Bounds,
) -> NDArray[np.float64]:
    """Heights of the land at the vertices of the map's lines; at a shore never below the water."""
    z = land.at(net.xy)
    wet = np.flatnonzero(net.labels.cover == Cover.WATER)
    vertex, feature = net.corners[wet].reshape(-1), np.repeat(net.labels.feature[wet], 3)
    units = np.rint((net.xy - (bounds.x_min, bounds.y_min)) * UNITS_PER_M).astype(np.int64)
    border = np.flatnonzero(is_on_border(units, extent(bounds)))
    for side in sides:
        here = border[units[border, 1 - side.axis] == side.units[0, 1 - side.axis]]
        z[here] = side.height_at(units[here])
    touching, near = finder.water_near(net.xy[border], TOUCH_M)
    vertex = np.concatenate([vertex, border[touching]])
    feature = np.concatenate([feature, near.astype(np.int32)])
    np.maximum.at(z, vertex, rounded(levels(feature, net.xy[vertex, 0], net.xy[vertex, 1])))
    return z


def _is_land(labels: Labels) -> NDArray[np.bool_]:
    return (labels.cover != BUILDING) & (labels.cover != Cover.WATER)


def _needed_cells(net: _Net, land: LandHeights) -> NDArray[np.bool_]:
    """Cells of the DTM that the land must follow: on land, and not right at a line of the map."""
    needed = np.zeros(land.grid.shape, dtype=np.bool_)
    mark_triangles(to_cells(net.xy, land.grid), net.corners[_is_land(net.labels)], needed)
    return needed & ~land.water & ~cells_near(net.xy[net.edges], land.grid, reach_cells=LINE_REACH_CELLS)


def _broken(
    net: _Net, z: NDArray[np.float64], land: LandHeights, levels: WaterLevel, *, tolerance_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """The net's vertices and edges with breaks where the land along an edge bends."""
    t, side = np.nonzero(net.fixed & (net.neighbours >= 0) & _is_land(net.labels)[:, None])
    beyond = net.neighbours[t, side]
    shore = np.where(net.labels.cover[beyond] == Cover.WATER, net.labels.feature[beyond], -1)
    ends = np.sort(np.column_stack([net.corners[t, side], net.corners[t, (side + 1) % 3]]), axis=1)
    ends, first = np.unique(ends, axis=0, return_index=True)
    shore = shore[first]
    edge, xy = edge_breaks(land, net.xy[ends[:, 0]], net.xy[ends[:, 1]], tolerance_m=tolerance_m)
    height, water = land.at(xy), shore[edge]
    at_shore = np.flatnonzero(water >= 0)
    level = rounded(levels(water[at_shore], xy[at_shore, 0], xy[at_shore, 1]))
    height[at_shore] = np.maximum(height[at_shore], level)

    whole = net.edges[~np.isin(pack(net.edges), pack(ends[edge].astype(np.int64)))]
    made = len(net.xy) + np.arange(len(edge))
    return (
        np.concatenate([net.xy, xy]),
        np.concatenate([z, height]),
        np.concatenate([whole, _chained(ends, edge, made)]),
    )


def _chained(ends: NDArray[np.int32], edge: NDArray[np.int64], made: NDArray[np.int64]) -> NDArray[np.int64]:
    """Edges from one end over the breaks to the other, for edges that have any."""
    cut, first, n = np.unique(edge, return_index=True, return_counts=True)
    before = np.concatenate([ends[cut, 0], made])
    after = np.concatenate([made[first], np.empty(len(made), np.int64)])
    last = first + n - 1
    following = np.append(made[1:], -1)
    following[last] = ends[cut, 1]
    after[len(cut) :] = following
    return np.column_stack([before, after]).astype(np.int64)
