"""Bridge decks at their height, as closed slabs that meet the ground at their ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import shapely

from twin.core.mesh import TriangleMesh
from twin.core.points import Classification
from twin.reconstruct.cover import Cover
from twin.reconstruct.deck_fit import DeckShape, deck_coordinates, fit_deck, principal_frame
from twin.reconstruct.delaunay import points, triangles, triangulate
from twin.reconstruct.surface_sample import sample_surface

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.core.points import PointCloud
    from twin.reconstruct.surface_points import LandHeights

THICKNESS_M = 0.6
SPACING_M = 1.5
"""Distance of the deck's vertices."""
STEPS_PER_M = 10_000
"""Their coordinates are whole multiples of 0.1 mm from the middle of the deck."""
RAILING_M = 0.3
"""Points nearer to the deck's rim are left to the railing, where enough others are there."""
MIN_POINTS = 12
ENDS_MEET_M = 0.4
"""The deck's rim is drawn to the ground where it is no further from it than this."""
BLEND_M = 2.0
"""Over this distance from the rim the deck comes back to its own height."""
SHORE_M = 0.3
"""How far from the land a point of the rim may be and still stand on it."""
TOUCH_M = 0.02
"""Maps whose lines are no further apart than this touch."""
MIN_CONTACT = 0.25
"""Part of a deck's rim that must touch water, so that water flows under it."""
CLUTTER_CELL_M, CLUTTER_QUANTILE = 1.0, 0.25
"""Without a class for bridges, of each cell this quantile is the deck: above it are cars and crowns."""
DECK_CLASSES = (Classification.BRIDGE_DECK, Classification.CIVIL_STRUCTURE)
NEVER_DECK = (
    *(Classification.LOW_VEGETATION, Classification.MEDIUM_VEGETATION, Classification.HIGH_VEGETATION),
    *(Classification.BUILDING, Classification.LOW_NOISE, Classification.WATER, Classification.HIGH_NOISE),
)


@dataclass(frozen=True, slots=True)
class Bridge:
    """A deck as a closed slab.

    Parameters
    ----------
    feature : int
        Row of the deck polygon.
    polygon : Polygon
        Its plan.
    mesh : TriangleMesh
        Closed, facing outwards.
    top : array, shape (m,)
        Which triangles are the way over it; bool.
    shape : DeckShape
        Height of the top before its ends were drawn to the ground.
    source : {"points", "terrain"}
        What the height was taken from.
    n_points : int
        Points that it rests on.
    rmse_m : float
        Their distance from it, root mean square, metres; NaN without points.
    """

    feature: int
    polygon: Any
    mesh: TriangleMesh
    top: NDArray[np.bool_]
    shape: DeckShape
    source: Literal["points", "terrain"]
    n_points: int
    rmse_m: float


def build_bridges(
    decks: NDArray[Any],
    cloud: PointCloud,
    *,
    land: LandHeights,
    water: NDArray[Any],
    thickness_m: float = THICKNESS_M,
) -> list[Bridge]:
    """A slab for each part of each deck polygon.

    The height comes from points of the bridge classes, else from the low points of others that could be a deck;
    where there are too few, from the ground at the deck's ends.

    Parameters
    ----------
    decks : array, shape (n,)
        Valid polygons or multipolygons, map coordinates.
    cloud : PointCloud
        The survey around them.
    land : LandHeights
        The ground around them, without the water.
    water : array, shape (k,)
        Water polygons, best with what `water_under_decks` adds.
    thickness_m : float
        Of the slab.

    Returns
    -------
    list of Bridge
        Parts too small to triangulate are left out.
    """
    parts, feature = shapely.get_parts(decks, return_index=True)
    bridges = []
    for polygon, row in zip(parts, feature, strict=True):
        if polygon.area < SPACING_M**2 / 4:
            continue
        shape, source, n_points, rmse = _deck_shape(polygon, _within(polygon, cloud), land, water)
        mesh, top = _slab(polygon, shape, land, water, thickness_m)
        bridges.append(Bridge(int(row), polygon, mesh, top, shape, source, n_points, rmse))
    return bridges


def water_under_decks(decks: NDArray[Any], water: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The water that a map leaves out under bridges: what lies between the water on a deck's two sides.

    Parameters
    ----------
    decks, water : array, shape (n,) and (k,)
        Valid polygons or multipolygons, map coordinates.

    Returns
    -------
    polygons : array, shape (m,)
        Additional water.
    row : array, shape (m,)
        The water polygon that each continues.

    Examples
    --------
    >>> canal = np.array([shapely.box(0, 0, 10, 6), shapely.box(14, 0, 30, 6)])
    >>> extra, row = water_under_decks(np.array([shapely.box(10, -1, 14, 7)]), canal)
    >>> [round(shape.area) for shape in extra], row
    ([24], array([0]))
    """
    tree = shapely.STRtree(water)
    extra: list[Any] = []
    row: list[int] = []
    for deck in decks:
        near = np.sort(tree.query(deck, predicate="dwithin", distance=TOUCH_M))
        contact = [deck.boundary.intersection(w.buffer(TOUCH_M)) for w in water[near]]
        if sum(c.length for c in contact) < MIN_CONTACT * deck.length:
            continue
        between = shapely.union_all(contact).convex_hull.intersection(deck)
        missing = between.difference(shapely.union_all(water[near])).buffer(-TOUCH_M).buffer(TOUCH_M)
        missing = shapely.intersection(missing, between)
        if missing.area > 1.0:
            extra.append(missing)
            row.append(int(near[int(np.argmax([c.length for c in contact]))]))
    polygons = np.empty(len(extra), dtype=object)
    polygons[:] = extra
    return polygons, np.array(row, dtype=np.int64)


def land_in_decks(
    mesh: TriangleMesh,
    cover: NDArray[np.uint8],
    decks: Sequence[tuple[Any, TriangleMesh]],
    *,
    thickness_m: float = THICKNESS_M,
) -> NDArray[np.bool_]:
    """Which triangles of the ground lie inside a slab or just above it, where the two would flicker.

    Parameters
    ----------
    mesh : TriangleMesh
        The ground, with the outlines of the decks among its lines.
    cover : array, shape (m,)
        `Cover` of its triangles.
    decks : sequence of (Polygon, TriangleMesh)
        Plan and upper side of each deck.
    thickness_m : float
        Of the slabs.

    Returns
    -------
    array, shape (m,)
        Land that may be left out: the slab hides that it is missing.
    """
    corners = mesh.vertices[mesh.triangles]
    middle = corners.mean(axis=1)
    land = ~np.isin(cover, (Cover.WATER, Cover.QUAY))
    hidden = np.zeros(len(corners), dtype=np.bool_)
    for polygon, top in decks:
        own = np.flatnonzero(_box_mask(polygon, middle) & land)
        own = own[shapely.contains_xy(polygon, middle[own, 0], middle[own, 1])]
        # Corners on the outline are drawn inwards a little, so that they find the deck above them.
        x, y, z = (0.99 * corners[own] + 0.01 * middle[own, None]).transpose(2, 0, 1)
        above = z - sample_surface(top, x.ravel(), y.ravel()).reshape(z.shape)
        hidden[own[((above > -thickness_m) & (above < ENDS_MEET_M)).all(axis=1)]] = True
    return hidden


def _box_mask(polygon: Any, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    x0, y0, x1, y1 = polygon.bounds
    return (xy[:, 0] >= x0) & (xy[:, 0] <= x1) & (xy[:, 1] >= y0) & (xy[:, 1] <= y1)


def _within(polygon: Any, cloud: PointCloud) -> PointCloud:
    """The points over a polygon, in an order of their own, so that sums come out the same for any file order."""
    near = cloud.select(np.flatnonzero(_box_mask(polygon, cloud.xyz)))
    inside = near.select(shapely.contains_xy(polygon, near.xyz[:, 0], near.xyz[:, 1]))
    return inside.select(np.lexsort(inside.xyz.T))


def _deck_shape(
    polygon: Any, inside: PointCloud, land: LandHeights, water: NDArray[Any]
) -> tuple[DeckShape, Literal["points", "terrain"], int, float]:
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(polygon))[:4]
    origin, along, length, _ = principal_frame(corners)
    xyz = _deck_points(polygon, inside)
    source: Literal["points", "terrain"] = "points"
    if len(xyz) < MIN_POINTS:
        source, xyz = "terrain", _ground_at_ends(polygon, land, water)
    shape, used = fit_deck(xyz, origin=origin, along=along, length_m=length)
    if source == "terrain":
        return shape, source, 0, float("nan")
    off = (xyz[:, 2] - shape.at(xyz[:, :2]))[used]
    return shape, source, int(used.sum()), float(np.sqrt(np.mean(off**2)))


def _deck_points(polygon: Any, inside: PointCloud) -> NDArray[np.float64]:
    """Points that can be the way over the bridge."""
    bridge = inside.select(np.isin(inside.classification, DECK_CLASSES))
    if len(bridge) >= MIN_POINTS:
        inner = shapely.contains_xy(polygon.buffer(-RAILING_M), bridge.xyz[:, 0], bridge.xyz[:, 1])
        return bridge.xyz[inner] if np.count_nonzero(inner) >= MIN_POINTS else bridge.xyz
    other = inside.select(~np.isin(inside.classification, NEVER_DECK)).xyz
    cell = np.floor(other[:, :2] / CLUTTER_CELL_M).astype(np.int64)
    order = np.lexsort((other[:, 2], cell[:, 1], cell[:, 0]))
    _, first, count = np.unique(cell[order], axis=0, return_index=True, return_counts=True)
    return other[order[first + (CLUTTER_QUANTILE * (count - 1)).astype(np.int64)]]


def _ground_at_ends(polygon: Any, land: LandHeights, water: NDArray[Any]) -> NDArray[np.float64]:
    """The ground where the rim stands on land; all around the rim if it never does."""
    rim = shapely.get_coordinates(shapely.segmentize(polygon.exterior, SPACING_M / 2))
    dry = _is_ashore(rim, water)
    xy = rim[dry] if dry.any() else rim
    return np.column_stack([xy, land.at(xy)])


def _is_ashore(xy: NDArray[np.float64], water: NDArray[Any]) -> NDArray[np.bool_]:
    """Which points are on land or at most `SHORE_M` off it."""
    where = shapely.points(xy)
    tree = shapely.STRtree(water)
    near = water[np.unique(tree.query(shapely.box(*shapely.total_bounds(where)).buffer(SHORE_M)))]
    offshore = shapely.union_all(near).buffer(-SHORE_M)
    return ~shapely.intersects_xy(offshore, xy[:, 0], xy[:, 1])


def _slab(
    polygon: Any, shape: DeckShape, land: LandHeights, water: NDArray[Any], thickness_m: float
) -> tuple[TriangleMesh, NDArray[np.bool_]]:
    """Top, bottom and rim of a deck; the top's triangles come first."""
    xy, corners, rim = _triangulated(polygon, shape)
    z = _drawn_to_ground(xy, np.unique(rim), shape.at(xy), land, water)
    n = len(xy)
    vertices = np.concatenate([np.column_stack([xy, z]), np.column_stack([xy, z - thickness_m])])
    a, b = rim.T
    sides = np.concatenate([np.column_stack([a + n, b + n, b]), np.column_stack([a + n, b, a])])
    faces = np.concatenate([corners, corners[:, ::-1] + n, sides]).astype(np.int32)
    top = np.arange(len(faces)) < len(corners)
    return TriangleMesh(vertices, faces), top


def _triangulated(
    polygon: Any, shape: DeckShape
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32]]:
    """Vertices, triangles and directed rim of a polygon with points all over it.

    Whole steps of a fine grid, in which thin triangles beside a straight rim are told inside from outside exactly.
    """
    origin = np.asarray(shape.origin)
    rings = [
        np.rint((shapely.get_coordinates(ring)[:-1] - origin) * STEPS_PER_M)
        for ring in shapely.get_rings(shapely.segmentize(polygon, SPACING_M))
    ]
    inner = np.rint((_inner_points(polygon, shape) - origin) * STEPS_PER_M)
    vertices, index = np.unique(np.concatenate([*rings, inner]), axis=0, return_inverse=True)
    ring_index = np.split(index[: sum(map(len, rings))], np.cumsum([len(r) for r in rings])[:-1])
    edges = np.concatenate([np.column_stack([i, np.roll(i, -1)]) for i in ring_index])
    triangulation = triangulate(vertices, edges[edges[:, 0] != edges[:, 1]])
    xy = points(triangulation)
    corners, neighbours = triangles(triangulation)
    inside = shapely.contains_xy(shapely.Polygon(rings[0], rings[1:]), *xy[corners].mean(axis=1).T)
    t, side = np.nonzero(inside[:, None] & ((neighbours < 0) | ~inside[neighbours]))
    directed = np.column_stack([corners[t, side], corners[t, (side + 1) % 3]])
    return xy / STEPS_PER_M + origin, corners[inside], directed


def _inner_points(polygon: Any, shape: DeckShape) -> NDArray[np.float64]:
    """Points `SPACING_M` apart in the frame of the deck, not too near to its rim."""
    s, t = deck_coordinates(shapely.get_coordinates(polygon), shape.origin, shape.along)
    s, t = (np.arange(v.min() + SPACING_M, v.max(), SPACING_M) for v in (s, t))
    s, t = (v.ravel() for v in np.meshgrid(s, t))
    along = np.asarray(shape.along)
    xy = np.asarray(shape.origin) + s[:, None] * along + t[:, None] * np.array([-along[1], along[0]])
    return xy[shapely.contains_xy(polygon.buffer(-SPACING_M / 3), xy[:, 0], xy[:, 1])]


def _drawn_to_ground(
    xy: NDArray[np.float64],
    rim: NDArray[np.int32],
    z: NDArray[np.float64],
    land: LandHeights,
    water: NDArray[Any],
) -> NDArray[np.float64]:
    """Heights with the ends of the deck let into the ground, where both are nearly as high."""
    lift = land.at(xy[rim]) - z[rim]
    ends = _is_ashore(xy[rim], water) & (np.abs(lift) <= ENDS_MEET_M)
    if not ends.any():
        return z
    far = np.hypot(*(xy[:, None] - xy[rim[ends]][None]).transpose(2, 0, 1))
    nearest = far.argmin(axis=1)
    share = np.maximum(0.0, 1 - far[np.arange(len(xy)), nearest] / BLEND_M)
    return z + share * lift[ends][nearest]
