"""Solids over a divided footprint: a plane roof on each face, walls where heights differ, a floor below.

The division (`FootprintPartition`) is turned into edges with a face on either side. A vertex of it becomes a vertical
line with one corner for each height that a roof has there, and for the ground under the outline. Every wall takes up
all corners of the lines at its two ends, every roof one on each; so each directed edge of the solid has exactly one
opposite by construction, whatever the heights are, and nothing has to be glued together afterwards.

Made valid before that:

* Neighbours in one plane become one face.
* Where two planes cross along an edge, a vertex is put at the crossing.
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
from twin.reconstruct.footprint import round_to_grid
from twin.reconstruct.halfedges import around_vertices
from twin.reconstruct.partition import partition_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.reconstruct.partition import FootprintPartition

LEVEL_TOLERANCE_M = 0.005
"""Heights on one vertical line that are closer than this are one."""

_STAND_BACK_M = 0.01
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
    if np.any(planes[:, :2]):
        vertices, edges = _insert_crossings(vertices, edges, planes)
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
    for _ in range(limit):
        around = around_vertices(vertices, edges)
        levels = stack_levels(vertices, edges, around, planes, (ground_m, LEVEL_TOLERANCE_M))
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


def _insert_crossings(
    vertices: NDArray[np.float64], edges: NDArray[np.int32], planes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Split the edges along which the roofs on both sides change places."""
    inner = np.flatnonzero(edges[:, 3] >= 0)
    step = np.column_stack(
        [
            _heights(vertices, planes, edges[inner, end], edges[inner, 2])
            - _heights(vertices, planes, edges[inner, end], edges[inner, 3])
            for end in (0, 1)
        ]
    )
    crossing = (step[:, 0] * step[:, 1] < 0) & (np.abs(step).min(axis=1) > LEVEL_TOLERANCE_M)
    if not crossing.any():
        return vertices, edges
    split = inner[crossing]
    share = (step[crossing, 0] / (step[crossing, 0] - step[crossing, 1]))[:, None]
    a, b = edges[split, 0], edges[split, 1]
    middle = round_to_grid(vertices[a] * (1 - share) + vertices[b] * share)
    new = np.arange(len(vertices), len(vertices) + len(split), dtype=np.int32)
    first, second = edges[split].copy(), edges[split].copy()
    first[:, 1], second[:, 0] = new, new
    rest = np.delete(edges, split, axis=0)
    return np.concatenate([vertices, middle]), np.concatenate([rest, first, second])


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
    step = min(_STAND_BACK_M, 0.3 * length) * np.array([np.cos(towards), np.sin(towards)])
    new = len(vertices)
    edges = edges.copy()
    edges[moved >> 1, moved & 1] = new
    right, left = sectors[first - 1], sectors[(first + size) % k]
    sides = [edges[h >> 1, 2 + (h & 1)] for h in (left, right)]
    if sides[0] != sides[1]:
        link = [vertex, new, *sides] if sides[0] >= 0 else [new, vertex, *sides[::-1]]
        edges = np.concatenate([edges, np.array([link], np.int32)])
    return np.concatenate([vertices, round_to_grid(vertices[vertex] + step)[None]]), edges


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
