"""A building's roof as a planar partition: faces that meet edge to edge, one plane each, and nothing left over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from shapely import Polygon

    from twin.demo.roofs import Part

    Float = NDArray[np.float64]

GRID_M = 1e-6
"""Lines are noded on this grid in the building's frame."""
SAME_CORNER_M = 2e-4
"""Corners closer than this are one: where a crease meets a wall, noding finds it twice, a grid step apart."""


@dataclass(frozen=True, slots=True)
class Partition:
    """Faces over shared corners.

    Parameters
    ----------
    xy : array, shape (n, 2)
        Corners in the building's frame, metres.
    faces : tuple
        Each face a tuple of rings (outer first, counter-clockwise; holes clockwise), each an index array, not closed.
    planes : array, shape (f, 3)
        Roof plane of each face: ``z = a x + b y + c``.
    is_inside : array, shape (f,)
        Whether the face lies over the walls; the others are eaves.
    is_glass : array, shape (f,)
        Whether the laser mostly sees through.
    """

    xy: Float
    faces: tuple[tuple[NDArray[np.int64], ...], ...]
    planes: Float
    is_inside: NDArray[np.bool_]
    is_glass: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if not len(self.faces) == len(self.planes) == len(self.is_inside) == len(self.is_glass):
            raise ValueError("every face has a plane and flags")


def partition_roof(parts: Sequence[Part]) -> tuple[Partition, Polygon]:
    """The roof of a building made of `parts`, and its outline.

    Returns
    -------
    Partition
        Faces inside the walls and eaves outside of them.
    Polygon
        Outline of the walls, in the building's frame.
    """
    cells = [cell for k, part in enumerate(parts) for cell in _cells(part, k)]
    outline = outline_of(parts)
    lines = [*(ring for ring, _, _ in cells), *_creases(cells)]
    noded = _united([*(shapely.LineString(np.vstack([r, r[:1]])) for r in lines), outline.boundary])
    pieces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    at = shapely.get_coordinates(shapely.point_on_surface(pieces))
    planes, is_glass, is_roof = _winners(parts, at)
    inside = shapely.contains_xy(outline, at)
    labels = _labels(planes, inside, is_glass)
    return merge_pieces(
        pieces[is_roof], labels[is_roof], planes[is_roof], inside[is_roof], is_glass[is_roof]
    ), outline


def outline_of(parts: Sequence[Part]) -> Polygon:
    """Outline of a building's walls, in its own frame."""
    walls = [shapely.Polygon(part.wall) for part in parts if part.wall is not None]
    return _united(walls)


def _united(geometries: list[Any]) -> Any:
    """The union, noded on the grid."""
    # GEOS divides by the length of edges that vanish on the grid; its result is sound.
    with np.errstate(divide="ignore", invalid="ignore"):
        return shapely.union_all(geometries, grid_size=GRID_M)


def merge_pieces(
    pieces: NDArray[Any],
    labels: NDArray[np.int64],
    planes: Float,
    is_inside: NDArray[np.bool_],
    is_glass: NDArray[np.bool_],
) -> Partition:
    """The partition in which connected pieces of the same label have become one face."""
    polygons, first = [], []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        merged = pieces[members[0]] if len(members) == 1 else shapely.coverage_union_all(pieces[members])
        for polygon in shapely.get_parts(merged):
            polygons.append(polygon)
            first.append(members[0])
    xy, faces = _index(polygons)
    return Partition(xy, faces, planes[first], is_inside[first], is_glass[first])


def _cells(part: Part, number: int) -> Iterable[tuple[Float, Float, int]]:
    """Where each plane of a part is its lowest: ring, plane and the part's number."""
    for k, plane in enumerate(part.planes):
        ring = part.ring
        for m, other in enumerate(part.planes):
            if m != k and len(ring):
                ring = clip(ring, other - plane)
        if len(ring) >= 3:
            yield ring, plane, number


def clip(ring: Float, line: Float) -> Float:
    """The part of a convex ring where ``a x + b y + c >= 0`` (Sutherland & Hodgman 1974), without slivers."""
    value = ring @ line[:2] + line[2]
    if (value >= -1e-9).all():
        return ring
    corners: list[Float] = []
    for k in range(len(ring)):
        here, there = value[k - 1], value[k]
        if (here >= 0) != (there >= 0):
            corners.append(ring[k - 1] + (ring[k] - ring[k - 1]) * (here / (here - there)))
        if there >= 0:
            corners.append(ring[k])
    clipped = np.array(corners).reshape(-1, 2)
    return clipped if len(clipped) >= 3 and _area(clipped) > 1e-6 else np.empty((0, 2))


def _area(ring: Float) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _creases(cells: list[tuple[Float, Float, int]]) -> Iterable[Float]:
    """Where the planes of two overlapping parts cross: valleys, and the lines where dormers leave a slope."""
    for k, (ring, plane, part) in enumerate(cells):
        for other_ring, other_plane, other_part in cells[k + 1 :]:
            if part == other_part or np.allclose(plane, other_plane, atol=1e-9):
                continue
            shared = _overlap(ring, other_ring)
            if len(shared) < 3:
                continue
            value = shared @ (plane - other_plane)[:2] + (plane - other_plane)[2]
            if value.min() < -1e-9 and value.max() > 1e-9:
                yield _crossing(shared, value)


def _overlap(ring: Float, other: Float) -> Float:
    if (ring.min(0) >= other.max(0)).any() or (other.min(0) >= ring.max(0)).any():
        return np.empty((0, 2))
    for k in range(len(other)):
        (x, y), (x2, y2) = other[k - 1], other[k]
        ring = clip(ring, np.array([y - y2, x2 - x, x * y2 - x2 * y]))
        if len(ring) < 3:
            break
    return ring


def _crossing(ring: Float, value: Float) -> Float:
    """The two ends of the line on which a linear function vanishes inside a convex ring."""
    ends = []
    for k in range(len(ring)):
        here, there = value[k - 1], value[k]
        if (here >= 0) != (there >= 0):
            ends.append(ring[k - 1] + (ring[k] - ring[k - 1]) * (here / (here - there)))
    return np.array(ends[:2])


def _winners(parts: Sequence[Part], at: Float) -> tuple[Float, NDArray[np.bool_], NDArray[np.bool_]]:
    """Plane of the highest part at each place, whether it is glass, and whether there is any."""
    best = np.full(len(at), -np.inf)
    planes, is_glass = np.zeros((len(at), 3)), np.zeros(len(at), bool)
    for part in parts:
        heights = at @ part.planes[:, :2].T + part.planes[:, 2]
        lowest = heights.argmin(1)
        z = heights[np.arange(len(at)), lowest]
        wins = part.covers(at[:, 0], at[:, 1]) & (z > best + 1e-9)
        best[wins], planes[wins], is_glass[wins] = z[wins], part.planes[lowest[wins]], part.is_glass
    return planes, is_glass, np.isfinite(best)


def _labels(planes: Float, inside: NDArray[np.bool_], is_glass: NDArray[np.bool_]) -> NDArray[np.int64]:
    key = np.column_stack([np.round(planes, 7), inside, is_glass])
    return np.unique(key, axis=0, return_inverse=True)[1].reshape(-1)


def _index(polygons: list[Polygon]) -> tuple[Float, tuple[tuple[NDArray[np.int64], ...], ...]]:
    """Polygons as rings over shared corners, without corners that lie on a straight edge for everyone."""
    polygons = [shapely.orient_polygons(p) for p in polygons]
    rings = [[shapely.get_coordinates(r)[:-1] for r in (p.exterior, *p.interiors)] for p in polygons]
    everything = np.concatenate([r for face in rings for r in face])
    xy, index = _same_corners(everything)
    splits = np.split(index, np.cumsum([len(r) for face in rings for r in face])[:-1])
    at = iter(splits)
    faces = [[_without_repeats(next(at)) for _ in face] for face in rings]
    needed = _needed(xy, faces)
    return _compact(xy, [[ring[needed[ring]] for ring in face] for face in faces], needed)


def _same_corners(points: Float) -> tuple[Float, NDArray[np.int64]]:
    """Corners without those that stand for the same place, and which of them each point is."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    unique, index = np.unique(points, axis=0, return_inverse=True)
    pairs = cKDTree(unique).query_pairs(SAME_CORNER_M, output_type="ndarray")
    n = len(unique)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    label = connected_components(graph, directed=False)[1]
    first = np.full(label.max() + 1, n)
    np.minimum.at(first, label, np.arange(n))
    return np.asarray(unique[first], dtype=np.float64), np.asarray(label[index.reshape(-1)], dtype=np.int64)


def _without_repeats(ring: NDArray[np.int64]) -> NDArray[np.int64]:
    return ring[ring != np.roll(ring, 1)]


def _needed(xy: Float, faces: list[list[NDArray[np.int64]]]) -> NDArray[np.bool_]:
    """Which corners turn, or are where more than two edges meet."""
    pairs = np.concatenate([np.column_stack([r, np.roll(r, -1)]) for face in faces for r in face])
    edges = np.unique(np.sort(pairs, axis=1), axis=0)
    degree = np.bincount(edges.ravel(), minlength=len(xy))
    needed = degree != 2
    ends = np.concatenate([edges, edges[:, ::-1]])
    ends = ends[np.lexsort((ends[:, 1], ends[:, 0]))]
    starts = np.searchsorted(ends[:, 0], np.arange(len(xy)))
    for v in np.flatnonzero(degree == 2):
        a, b = xy[ends[starts[v], 1]] - xy[v], xy[ends[starts[v] + 1, 1]] - xy[v]
        cross = abs(a[0] * b[1] - a[1] * b[0])
        needed[v] = cross > 1.5 * SAME_CORNER_M * np.hypot(*(a - b))
    return needed


def _compact(
    xy: Float, faces: list[list[NDArray[np.int64]]], needed: NDArray[np.bool_]
) -> tuple[Float, tuple[tuple[NDArray[np.int64], ...], ...]]:
    renumber = np.cumsum(needed) - 1
    return xy[needed], tuple(tuple(renumber[ring] for ring in face) for face in faces)
