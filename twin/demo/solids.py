"""Closed solids over a partition: roofs as they are (LoD 2.2), flattened by part (1.3) and as a whole (1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.core.mesh import Solid, Surface
from twin.demo.partition import Partition, merge_pieces

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from shapely import Polygon

    Float = NDArray[np.float64]
    Index = NDArray[np.int64]

SAME_HEIGHT_M = 2e-3
"""Roof corners closer than this are one: the grid of the plan (0.1 mm) under the steepest mansard."""
STEP_M = 3.0
"""Roof parts that differ by less are one in LoD 1.3, as 3DBAG has it."""
HEIGHT_PERCENTILE = 70.0


@dataclass(frozen=True, slots=True)
class _Columns:
    """The heights at which something meets above each corner: sorted rows, and which of them a face uses."""

    heights: dict[int, list[float]]

    def level(self, corner: int, z: float) -> int:
        """Number of the height nearest to z at a corner."""
        levels = self.heights[corner]
        return min(range(len(levels)), key=lambda k: abs(levels[k] - z))


def solid_over(partition: Partition) -> Solid:
    """The solid between the floor (z = 0) and the roof faces that lie over the walls.

    Raises
    ------
    ValueError
        If the partition has no face over walls.
    """
    faces = [
        (face, plane)
        for face, plane, inside in zip(partition.faces, partition.planes, partition.is_inside, strict=True)
        if inside
    ]
    if not faces:
        raise ValueError("a solid needs a roof over its walls")
    xy, faces = _split_crossings(partition.xy, faces)
    return _assemble(xy, faces)


def _z(xy: Float, ring: Index, plane: Float) -> Float:
    return xy[ring] @ plane[:2] + plane[2]


def _edges(faces: list[tuple[tuple[Index, ...], Float]]) -> dict[tuple[int, int], int]:
    """Which face has each directed edge."""
    owner = {}
    for f, (rings, _) in enumerate(faces):
        for ring in rings:
            for a, b in zip(ring.tolist(), np.roll(ring, -1).tolist(), strict=True):
                owner[a, b] = f
    return owner


def _split_crossings(
    xy: Float, faces: list[tuple[tuple[Index, ...], Float]]
) -> tuple[Float, list[tuple[tuple[Index, ...], Float]]]:
    """Put a corner where the roofs on both sides of an edge change places, as between touching sheds."""
    owner, points = _edges(faces), [xy]
    inserted: dict[tuple[int, int], int] = {}
    for (a, b), f in owner.items():
        g = owner.get((b, a))
        if g is None or a > b:
            continue
        step = (faces[f][1] - faces[g][1]) @ np.array([xy[[a, b], 0], xy[[a, b], 1], [1.0, 1.0]])
        if step[0] * step[1] < 0 and np.abs(step).min() > SAME_HEIGHT_M:
            inserted[a, b] = inserted[b, a] = len(xy) + len(points) - 1
            points.append(xy[[a]] + (xy[[b]] - xy[[a]]) * step[0] / (step[0] - step[1]))
    if not inserted:
        return xy, faces
    return np.concatenate(points), [
        (tuple(_with_corners(ring, inserted) for ring in rings), plane) for rings, plane in faces
    ]


def _with_corners(ring: Index, inserted: dict[tuple[int, int], int]) -> Index:
    corners: list[int] = []
    for a, b in zip(ring.tolist(), np.roll(ring, -1).tolist(), strict=True):
        corners.append(a)
        if (a, b) in inserted:
            corners.append(inserted[a, b])
    return np.array(corners)


def _assemble(xy: Float, faces: list[tuple[tuple[Index, ...], Float]]) -> Solid:
    owner = _edges(faces)
    columns = _columns(xy, faces)
    rows = _Rows()

    def levels(f: int | None, corner: int) -> int:
        return 0 if f is None else columns.level(corner, float(xy[corner] @ faces[f][1][:2] + faces[f][1][2]))

    rows.add([[(v, 0) for v in ring] for ring in _floor(xy, owner)], Surface.GROUND)
    for (a, b), f in owner.items():
        g = owner.get((b, a))
        low, high = (levels(g, a), levels(g, b)), (levels(f, a), levels(f, b))
        if high[0] > low[0] or high[1] > low[1]:
            up = [(b, k) for k in range(low[1], high[1] + 1)]
            down = [(a, k) for k in range(high[0], low[0] - 1, -1)]
            rows.add([up + down], Surface.WALL if g is None else Surface.INNER_WALL)
    for f, (rings, _) in enumerate(faces):
        rows.add([[(v, levels(f, v)) for v in ring.tolist()] for ring in rings], Surface.ROOF)
    return rows.solid(lambda corner, level: (*xy[corner], columns.heights[corner][level]))


def _columns(xy: Float, faces: list[tuple[tuple[Index, ...], Float]]) -> _Columns:
    found: dict[int, list[float]] = {}
    for rings, plane in faces:
        for ring in rings:
            for v, z in zip(ring.tolist(), _z(xy, ring, plane).tolist(), strict=True):
                found.setdefault(v, []).append(z)
    # The floor is level 0 everywhere; corners inside the outline have it too and never use it.
    return _Columns({v: [0.0, *_apart(sorted(z))] for v, z in found.items()})


def _apart(heights: list[float]) -> list[float]:
    """Sorted heights with those that are one and the same averaged."""
    groups: list[list[float]] = []
    for z in heights:
        if groups and z - groups[-1][-1] < SAME_HEIGHT_M:
            groups[-1].append(z)
        else:
            groups.append([z])
    return [sum(group) / len(group) for group in groups]


def _floor(xy: Float, owner: dict[tuple[int, int], int]) -> list[list[int]]:
    """Rings of the outline as seen from below, the outer one first."""
    following = {b: a for a, b in owner if (b, a) not in owner}
    rings = []
    while following:
        start, v = next(iter(following.items()))
        ring = [start]
        del following[start]
        while v != start:
            ring.append(v)
            v = following.pop(v)
        rings.append(ring)
    return sorted(rings, key=lambda ring: _signed_area(xy[ring]))


def _signed_area(ring: Float) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


class _Rows:
    """Faces as they are added; corners are told apart by corner and level."""

    def __init__(self) -> None:
        self._index: dict[tuple[int, int], int] = {}
        self._corners: list[int] = []
        self._rings, self._faces = [0], [0]
        self._surface: list[int] = []

    def add(self, rings: list[list[tuple[int, int]]], surface: Surface) -> None:
        """One more face."""
        for ring in rings:
            self._corners += [self._index.setdefault(key, len(self._index)) for key in ring]
            self._rings.append(len(self._corners))
        self._faces.append(len(self._rings) - 1)
        self._surface.append(surface)

    def solid(self, place: Callable[[int, int], tuple[float, ...]]) -> Solid:
        """All of them as a solid."""
        return Solid(
            np.array([place(*key) for key in self._index]),
            np.array(self._corners, np.int32),
            np.array(self._rings, np.int32),
            np.array(self._faces, np.int32),
            np.array(self._surface, np.uint8),
        )


def flattened(
    partition: Partition, outline: Polygon, roof_z: Callable[[Float], Float], *, step_m: float
) -> Partition:
    """The partition with level roofs: parts whose steps are lower than `step_m` share their 70th percentile height.

    Parameters
    ----------
    partition : Partition
        The roof as it is.
    outline : Polygon
        Outline of the walls.
    roof_z : callable
        Roof height at places of shape (n, 2).
    step_m : float
        Steps from this on divide; infinity gives one height for the whole building.
    """
    inside = np.flatnonzero(partition.is_inside)
    labels = _level_groups(partition, inside, step_m)
    polygons = np.array([_polygon(partition, int(f)) for f in inside])
    at = roof_samples(outline)
    z = roof_z(at)
    planes = np.zeros((len(inside), 3))
    for label in np.unique(labels):
        mine = labels == label
        covered = shapely.contains_xy(shapely.coverage_union_all(polygons[mine]), at)
        heights = (
            z[covered]
            if covered.any()
            else roof_z(shapely.get_coordinates(polygons[mine][0].point_on_surface()))
        )
        planes[mine, 2] = np.percentile(heights, HEIGHT_PERCENTILE)
    n = len(inside)
    return merge_pieces(polygons, labels, planes, np.ones(n, bool), np.zeros(n, bool))


def _polygon(partition: Partition, face: int) -> Polygon:
    outer, *holes = (partition.xy[ring] for ring in partition.faces[face])
    return shapely.Polygon(outer, holes)


def roof_samples(outline: Polygon) -> Float:
    """Places on a grid of half a metre inside an outline; its inner point where it is smaller than that."""
    x0, y0, x1, y1 = outline.bounds
    x, y = np.meshgrid(np.arange(x0 + 0.25, x1, 0.5), np.arange(y0 + 0.25, y1, 0.5))
    at = np.column_stack([x.ravel(), y.ravel()])
    at = at[shapely.contains_xy(outline, at)]
    return at if len(at) else np.asarray(shapely.get_coordinates(outline.point_on_surface()))


def _level_groups(partition: Partition, inside: Index, step_m: float) -> Index:
    """Label of each face inside: faces joined over edges whose mean step is low share one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    faces: list[Any] = [(partition.faces[f], partition.planes[f]) for f in inside]
    owner = _edges(faces)
    pairs = []
    for (a, b), f in owner.items():
        g = owner.get((b, a))
        if g is None:
            continue
        middle = partition.xy[[a, b]].mean(0)
        step = middle @ (faces[f][1] - faces[g][1])[:2] + faces[f][1][2] - faces[g][1][2]
        if abs(step) < step_m:
            pairs.append((f, g))
    rows = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(rows)), (rows[:, 0], rows[:, 1])), shape=(len(inside), len(inside)))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
