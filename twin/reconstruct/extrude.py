"""Solids over a divided footprint: a plane roof on each face, walls where heights differ, a floor below.

The division (`FootprintPartition`) is turned into edges with a face on either side. A vertex of it becomes a vertical
line with one corner for each height that a roof has there, and for the ground under the outline. Every wall takes up
all corners of the lines at its two ends, every roof one on each; so each directed edge of the solid has exactly one
opposite by construction, whatever the heights are, and nothing has to be glued together afterwards.

Made valid before that:

* Neighbours in one plane become one face.
* Where two planes cross along an edge, a vertex is put at the crossing; nearer than 2 mm to another vertex, where
  validators would take both for one, the planes meet at the nearer end of the edge instead.
* Heights within 5 mm of each other on one vertical line are one; this bends a roof by 2.5 mm at most, under the 1 cm to
  which validators hold planes.
* A vertical line that four walls would share (high, low, high, low roofs around a vertex; a courtyard that touches the
  outline) is not the boundary of a solid. One of the high or low groups is drawn back from the vertex by 1 cm: two
  lines then stand where one was. Raising or lowering a whole roof instead would cost more than those few cm2, and
  an exact contact is an accident of drawing. A group is chosen that leaves the outline alone, and of those the one
  nearest to a right angle.

References
----------
ISO 19107:2019, Spatial schema (solids and their boundaries).
Ledoux (2018), val3dity: validation of 3D GIS primitives, Open Geospatial Data, Software and Standards 3:1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.core.mesh import Solid
from twin.reconstruct.extrude_kernels import find_pinch, raise_faces, stack_levels
from twin.reconstruct.footprint import GRID_M, MIN_CORNER_DISTANCE_M, round_to_grid
from twin.reconstruct.halfedges import around_vertices
from twin.reconstruct.partition import partition_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.reconstruct.partition import FootprintPartition

LEVEL_TOLERANCE_M = 0.005
"""Heights on one vertical line that are closer than this are one."""

_STAND_BACK_M = 0.01
_LEAST_STAND_BACK_M = 0.0012
"""Over the 1 mm within which validators take two vertices for one."""

_MAX_SPLITS_PER_VERTEX = 4


def flat_planes(heights_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Horizontal planes at given elevations, shape (n_faces, 3).

    Examples
    --------
    >>> flat_planes(np.array([3.0, 4.5])).tolist()
    [[0.0, 0.0, 3.0], [0.0, 0.0, 4.5]]
    """
    planes = np.zeros((len(heights_m), 3))
    planes[:, 2] = heights_m
    return planes


def extrude(
    partition: FootprintPartition, planes: NDArray[np.float64], *, ground_m: float
) -> tuple[Solid, ...]:
    """Closed solids between the ground and a plane roof on every face of a footprint.

    Parameters
    ----------
    partition : FootprintPartition
        Faces that share their edges exactly.
    planes : array, shape (n_faces, 3)
        ``(a, b, c)`` of each face: the roof is at ``z = a x + b y + c`` metres, ``x`` and ``y`` from the partition's
        origin.
    ground_m : float
        Elevation of the floor, metres.

    Returns
    -------
    tuple of Solid
        One for each connected part of the footprint, in map coordinates. Roofs come first, then walls, then the floor.

    Raises
    ------
    ValueError
        If a roof does not stay above the ground, or faces overlap.

    Examples
    --------
    >>> import shapely
    >>> from twin.reconstruct.footprint import localize_footprint
    >>> from twin.reconstruct.partition import whole_footprint
    >>> part = whole_footprint(localize_footprint(shapely.box(10, 10, 14, 12)))
    >>> (house,) = extrude(part, flat_planes(np.array([5.0])), ground_m=2.0)
    >>> house.n_faces, house.surface.tolist()
    (6, [2, 1, 1, 1, 1, 0])
    """
    edges = partition_edges(partition.corners, partition.ring_starts, partition.face_starts)
    if len(edges) and edges[:, 0].min() < 0:
        raise ValueError("faces of the partition overlap: an edge has two faces on the same side")
    vertices = partition.vertices
    _refuse_sunken(vertices, edges, planes, ground_m)
    edges = _join_coplanar(vertices, edges, planes)
    origin = np.array([*partition.origin, 0.0])
    return tuple(
        _extrude_connected(vertices, part, planes, ground_m=ground_m, origin=origin)
        for part in _connected_parts(edges)
    )


def _extrude_connected(
    vertices: NDArray[np.float64],
    edges: NDArray[np.int32],
    planes: NDArray[np.float64],
    *,
    ground_m: float,
    origin: NDArray[np.float64],
) -> Solid:
    limit = _MAX_SPLITS_PER_VERTEX * (2 + len(vertices))
    tolerance, sloped = np.empty(0), bool(np.any(planes[:, :2]))
    for _ in range(limit):
        tolerance = _padded(tolerance, len(vertices))
        if sloped:  # standing back moves edges, so roofs may cross along them that did not before
            vertices, edges, tolerance = _insert_crossings(vertices, edges, planes, tolerance)
        around = around_vertices(vertices, edges)
        levels = stack_levels(vertices, edges, around, planes, (ground_m, tolerance))
        vertex, level = find_pinch(around, levels)
        if vertex < 0:
            break
        sectors = around[1][around[0][vertex] : around[0][vertex + 1]]
        solid = levels[2][sectors] > level
        vertices, edges = _stand_back(vertices, edges, vertex, sectors, solid)
    else:
        raise ValueError("parts that touch in a vertex could not be told apart")
    corners, ring_starts, face_starts, surface = raise_faces(vertices, edges, around, levels)
    used, corners = np.unique(corners, return_inverse=True)
    xyz = np.column_stack([vertices[levels[0]], levels[1]])[used] + origin
    return Solid(
        vertices=xyz,
        corners=corners.astype(np.int32),
        ring_starts=ring_starts,
        face_starts=face_starts,
        surface=surface,
    )


def _heights(
    vertices: NDArray[np.float64], planes: NDArray[np.float64], at: NDArray[np.int32], face: NDArray[np.int32]
) -> NDArray[np.float64]:
    plane, xy = planes[face], vertices[at]
    return np.asarray(plane[:, 0] * xy[:, 0] + plane[:, 1] * xy[:, 1] + plane[:, 2])


def _refuse_sunken(
    vertices: NDArray[np.float64], edges: NDArray[np.int32], planes: NDArray[np.float64], ground_m: float
) -> None:
    if len(planes) == 0 or not np.isfinite(planes).all() or not np.isfinite(ground_m):
        raise ValueError("every face needs a finite roof plane, and the ground a finite elevation")
    for side in (2, 3):
        faced = edges[edges[:, side] >= 0]
        for end in (0, 1):
            low = _heights(vertices, planes, faced[:, end], faced[:, side]).min(initial=np.inf)
            if low <= ground_m + LEVEL_TOLERANCE_M:
                raise ValueError(f"a roof comes down to {low:.3f} m, the ground lies at {ground_m:.3f} m")


def _join_coplanar(
    vertices: NDArray[np.float64], edges: NDArray[np.int32], planes: NDArray[np.float64]
) -> NDArray[np.int32]:
    """Edges without those between faces of one plane; the joined faces go by their lowest index."""
    inner = edges[edges[:, 3] >= 0]
    if not len(inner):
        return edges
    extent = np.abs(vertices).max()
    apart = np.abs(planes[inner[:, 2]] - planes[inner[:, 3]]) @ np.array([extent, extent, 1.0])
    pairs = inner[apart < LEVEL_TOLERANCE_M / 2][:, 2:]
    if not len(pairs):
        return edges
    name = _lowest_labels(len(planes), pairs)
    joined = edges.copy()
    joined[:, 2] = name[edges[:, 2]]
    joined[:, 3] = np.where(edges[:, 3] >= 0, name[edges[:, 3]], -1)
    return joined[joined[:, 2] != joined[:, 3]]


def _lowest_labels(n: int, pairs: NDArray[np.int32]) -> NDArray[np.int32]:
    """For each of `n` things the lowest one that it is linked to."""
    label = np.arange(n, dtype=np.int32)
    while True:
        low = np.minimum(label[pairs[:, 0]], label[pairs[:, 1]])
        before = label.copy()
        np.minimum.at(label, pairs[:, 0], low)
        np.minimum.at(label, pairs[:, 1], low)
        label = label[label]
        if np.array_equal(before, label):
            return label


def _connected_parts(edges: NDArray[np.int32]) -> list[NDArray[np.int32]]:
    """The edges of each set of faces that hang together over edges, not over vertices."""
    faces = int(edges[:, 2:].max(initial=-1)) + 1
    inner = edges[edges[:, 3] >= 0]
    label = _lowest_labels(faces, inner[:, 2:])[edges[:, 2]]
    return [edges[label == k] for k in np.unique(label)]


def _padded(tolerance: NDArray[np.float64], n_vertices: int) -> NDArray[np.float64]:
    return np.concatenate([tolerance, np.full(n_vertices - len(tolerance), LEVEL_TOLERANCE_M)])


def _insert_crossings(
    vertices: NDArray[np.float64],
    edges: NDArray[np.int32],
    planes: NDArray[np.float64],
    tolerance: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.float64]]:
    """Split the edges along which the roofs on both sides change places.

    Where they do so too close to another vertex for one of their own, they meet at the end where they differ least:
    its tolerance is raised.
    """
    inner = np.flatnonzero(edges[:, 3] >= 0)
    ends = edges[inner, :2]
    left, right = edges[inner, 2], edges[inner, 3]
    step = np.column_stack(
        [
            _heights(vertices, planes, ends[:, k], left) - _heights(vertices, planes, ends[:, k], right)
            for k in (0, 1)
        ]
    )
    crossing = (step[:, 0] * step[:, 1] < 0) & (np.abs(step) > tolerance[ends]).all(axis=1)
    if not crossing.any():
        return vertices, edges, tolerance
    step, ends, split = np.abs(step[crossing]), ends[crossing], inner[crossing]
    share = (step[:, 0] / step.sum(axis=1))[:, None]
    middle = round_to_grid(vertices[ends[:, 0]] * (1 - share) + vertices[ends[:, 1]] * share)
    at_end = _too_close(vertices, middle) & (step == step.min(axis=1, keepdims=True))
    tolerance = tolerance.copy()
    np.maximum.at(tolerance, ends[at_end], step[at_end] + GRID_M)
    free = ~at_end.any(axis=1)
    return (
        np.concatenate([vertices, middle[free]]),
        _split_edges(edges, split[free], len(vertices)),
        _padded(tolerance, len(vertices) + int(free.sum())),
    )


def _too_close(vertices: NDArray[np.float64], middle: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether new vertices would fall together with another one, old or new; shape (n, 1)."""
    others = np.concatenate([vertices, middle])
    near = np.hypot(*(middle[:, None] - others).transpose(2, 0, 1)) < MIN_CORNER_DISTANCE_M
    near[np.arange(len(middle)), len(vertices) + np.arange(len(middle))] = False
    return near.any(axis=1, keepdims=True)


def _split_edges(edges: NDArray[np.int32], split: NDArray[np.int64], first_new: int) -> NDArray[np.int32]:
    """Edges with some of them cut in two at new vertices, which are numbered on."""
    new = np.arange(first_new, first_new + len(split), dtype=np.int32)
    first, second = edges[split].copy(), edges[split].copy()
    first[:, 1], second[:, 0] = new, new
    return np.concatenate([np.delete(edges, split, axis=0), first, second])


def _stand_back(
    vertices: NDArray[np.float64],
    edges: NDArray[np.int32],
    vertex: int,
    sectors: NDArray[np.int64],
    solid: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Draw one group of sectors back from a vertex where several solid ones meet; see the module's notes."""
    k = len(sectors)
    tip = vertices[edges[sectors >> 1, 1 - (sectors & 1)]] - vertices[vertex]
    angle = np.arctan2(tip[:, 1], tip[:, 0])
    outside = edges[sectors >> 1, 2 + (sectors & 1)] < 0
    first, size = min(
        (run for run in _runs(solid) if not _has_outside(run, outside)),
        key=lambda run: _cost_of_moving(run, outside, angle),
    )
    width = (angle[(first + size) % k] - angle[first]) % (2 * np.pi)
    towards = angle[first] + width / 2
    moved = sectors[(first + np.arange(size + 1)) % k]
    length = np.hypot(*tip.T)[(first + np.arange(size + 1)) % k].min()
    share = max(0.3, min(0.6, _LEAST_STAND_BACK_M / length))
    step = min(_STAND_BACK_M, share * length) * np.array([np.cos(towards), np.sin(towards)])
    place = _free_place(vertices, vertices[vertex], step)
    new = len(vertices)
    edges = edges.copy()
    edges[moved >> 1, moved & 1] = new
    right, left = sectors[first - 1], sectors[(first + size) % k]
    sides = [edges[h >> 1, 2 + (h & 1)] for h in (left, right)]
    if sides[0] != sides[1]:
        link = [vertex, new, *sides] if sides[0] >= 0 else [new, vertex, *sides[::-1]]
        edges = np.concatenate([edges, np.array([link], np.int32)])
    return np.concatenate([vertices, place[None]]), edges


def _free_place(
    vertices: NDArray[np.float64], start: NDArray[np.float64], step: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where a step leads, or half or a quarter of it should another vertex stand there."""
    places = [round_to_grid(start + share * step) for share in (1.0, 0.5, 0.25)]
    room = [np.hypot(*(vertices - place).T).min() for place in places]
    return next((p for p, r in zip(places, room, strict=True) if r >= MIN_CORNER_DISTANCE_M), places[0])


def _runs(solid: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First sector and length of each stretch around a vertex that is solid, or not, throughout."""
    k = len(solid)
    starts = [i for i in range(k) if solid[i] != solid[i - 1]]
    return [(s, (starts[(n + 1) % len(starts)] - s - 1) % k + 1) for n, s in enumerate(starts)]


def _has_outside(run: tuple[int, int], outside: NDArray[np.bool_]) -> bool:
    return any(outside[(run[0] + i) % len(outside)] for i in range(run[1]))


def _cost_of_moving(
    run: tuple[int, int], outside: NDArray[np.bool_], angle: NDArray[np.float64]
) -> tuple[int, float, int]:
    """Edges of the outline that would move, then how far from a right angle, then the place for a tie."""
    first, size = run
    k = len(angle)
    on_outline = int(outside[first - 1]) + int(outside[(first + size) % k])
    width = (angle[(first + size) % k] - angle[first]) % (2 * np.pi)
    return on_outline, round(abs(width - np.pi / 2), 6), first
