"""The compiled steps of extrusion: corners on vertical lines, lines that too many walls share, faces of the solid."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numba
import numpy as np

from twin.core.mesh import Surface
from twin.reconstruct.halfedges import (
    around_vertices,
    left_faces,
    next_half_edges,
    origins,
    ring_areas,
    trace_rings,
)
from twin.reconstruct.order import rising_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Around: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
    Levels: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]
    Faces: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]

_GROUND, _WALL, _ROOF, _INNER = (
    int(s) for s in (Surface.GROUND, Surface.WALL, Surface.ROOF, Surface.INNER_WALL)
)


@numba.njit(cache=True, nogil=True)
def stack_levels(
    vertices: NDArray[np.float64],
    edges: NDArray[np.int32],
    around: Around,
    planes: NDArray[np.float64],
    ground_and_tolerance: tuple[float, NDArray[np.float64]],
) -> Levels:
    """Corners on the vertical line over every vertex, and which of them each roof uses.

    Heights that follow one another on a line within the tolerance of its vertex, shape (n_vertices,), are one.

    Returns
    -------
    at : array, shape (n_corners,)
        Vertex of the partition under each corner.
    z : array, shape (n_corners,)
        Elevation, metres; rising along each line.
    top : array, shape (2 n_edges,)
        Corner at which the roof of the sector left of each half-edge meets the line over its first vertex; for the
        outside the corner on the ground.
    starts : array, shape (n_vertices + 1,)
        Vertex ``v`` owns the corners ``starts[v]:starts[v + 1]``.
    """
    first, outgoing = around
    ground, tolerance = ground_and_tolerance
    faces = left_faces(edges)
    at, z = np.empty(len(outgoing), np.int64), np.empty(len(outgoing), np.float64)
    top = np.empty(len(outgoing), np.int64)
    starts = np.zeros(len(vertices) + 1, np.int64)
    n = 0
    for v in range(len(vertices)):
        sectors = outgoing[first[v] : first[v + 1]]
        heights = np.empty(len(sectors), np.float64)
        for k in range(len(sectors)):
            f = faces[sectors[k]]
            heights[k] = ground
            if f >= 0:
                heights[k] = planes[f, 0] * vertices[v, 0] + planes[f, 1] * vertices[v, 1] + planes[f, 2]
        order = rising_order(heights)
        lowest, before = ground, -np.inf
        for k in order:
            if heights[k] - before > tolerance[v]:
                at[n], lowest = v, heights[k]
                n += 1
            # The middle between the lowest and the highest that fell together, on the 0.1 mm grid.
            z[n - 1] = np.rint((lowest + heights[k]) / 2 * 1e4) / 1e4
            top[sectors[k]], before = n - 1, heights[k]
        starts[v + 1] = n
    return at[:n], z[:n], top, starts


@numba.njit(cache=True, nogil=True)
def find_pinch(around: Around, levels: Levels) -> tuple[int, int]:
    """A vertex, and the corner over which its line is shared by more than two walls; (-1, -1) if there is none."""
    first, outgoing = around
    top, starts = levels[2], levels[3]
    for v in range(len(first) - 1):
        for level in range(starts[v], starts[v + 1] - 1):
            rises = 0
            before = top[outgoing[first[v + 1] - 1]] > level
            for k in range(first[v], first[v + 1]):
                solid = top[outgoing[k]] > level
                if solid and not before:
                    rises += 1
                before = solid
            if rises > 1:
                return v, level
    return -1, -1


@numba.njit(cache=True, nogil=True)
def raise_faces(
    vertices: NDArray[np.float64], edges: NDArray[np.int32], around: Around, levels: Levels
) -> Faces:
    """Roofs, walls and floor over one connected part, as compressed rows over the corners of the vertical lines.

    Returns
    -------
    corners, ring_starts, face_starts, surface : array
        As `twin.core.mesh.Solid` has them.
    """
    top, starts = levels[2], levels[3]
    following = next_half_edges(around[0], around[1])
    tails = origins(edges)
    halves, rings = trace_rings(edges, following, len(vertices))
    outline = edges[edges[:, 3] < 0].copy()
    outline[:, 2] = 0
    below = around_vertices(vertices, outline)
    floor, floor_rings = trace_rings(outline, next_half_edges(below[0], below[1]), len(vertices))
    n_walls = _count_wall_corners(edges, following, top)
    corners = np.empty(len(halves) + n_walls + len(floor), np.int32)
    ring_starts = np.zeros(len(rings) + len(floor_rings) + 2 * len(edges), np.int32)
    face_starts = np.zeros(len(ring_starts), np.int32)
    surface = np.empty(len(ring_starts), np.uint8)
    counts = np.zeros(3, np.int64)  # corners, rings and faces so far
    rows = (corners, ring_starts, face_starts, surface)

    _add_faces(rows, counts, (vertices, tails, left_faces(edges)), (halves, rings), (top, _ROOF))
    _add_walls(rows, counts, edges, following, top)
    tails = origins(outline)
    ground = np.empty(len(tails), np.int64)
    for h in range(len(tails)):
        ground[h] = starts[tails[h]]
    _add_faces(rows, counts, (vertices, tails, left_faces(outline)), (floor, floor_rings), (ground, _GROUND))
    return (
        corners[: counts[0]],
        ring_starts[: counts[1] + 1],
        face_starts[: counts[2] + 1],
        surface[: counts[2]],
    )


@numba.njit(cache=True, nogil=True)
def _add_faces(
    rows: Faces,
    counts: NDArray[np.int64],
    plan: tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]],
    traced: tuple[NDArray[np.int64], NDArray[np.int64]],
    target: tuple[NDArray[np.int64], int],
) -> None:
    """Faces of one kind from traced rings of half-edges, each outer ring with the holes of its face.

    The target gives the corner for each half-edge, and the kind: floors are seen from below, so their rings turn round.
    """
    vertices, tails, left = plan
    halves, starts = traced
    corner_of, kind = target
    n = len(starts) - 1
    around = np.empty(len(halves), np.int64)
    for k in range(len(halves)):
        around[k] = tails[halves[k]]
    areas = ring_areas(vertices, around, starts)
    face = np.empty(n, np.float64)
    for r in range(n):
        face[r] = left[halves[starts[r]]]
    for r in rising_order(face):
        if areas[r] <= 0:
            continue
        rows[3][counts[2]] = kind
        counts[2] += 1
        for s in range(-1, n):  # the outer ring, then what lies within it
            if s == -1 or (face[s] == face[r] and areas[s] <= 0):
                ring = halves[starts[r] : starts[r + 1]] if s == -1 else halves[starts[s] : starts[s + 1]]
                for k in range(len(ring)):
                    h = ring[len(ring) - 1 - k] if kind == _GROUND else ring[k]
                    rows[0][counts[0] + k] = corner_of[h]
                _close_ring(rows, counts, len(ring))


@numba.njit(cache=True, nogil=True)
def _close_ring(rows: Faces, counts: NDArray[np.int64], length: int) -> None:
    """Count a ring that was just written as one more of the last face."""
    counts[0] += length
    counts[1] += 1
    rows[1][counts[1]] = counts[0]
    rows[2][counts[2]] = counts[1]


@numba.njit(cache=True, nogil=True)
def _count_wall_corners(
    edges: NDArray[np.int32], following: NDArray[np.int64], top: NDArray[np.int64]
) -> int:
    n = 0
    for e in range(len(edges)):
        a = abs(top[2 * e] - top[following[2 * e + 1]])
        b = abs(top[2 * e + 1] - top[following[2 * e]])
        n += a + b + 2
    return n


@numba.njit(cache=True, nogil=True)
def _add_walls(
    rows: Faces,
    counts: NDArray[np.int64],
    edges: NDArray[np.int32],
    following: NDArray[np.int64],
    top: NDArray[np.int64],
) -> None:
    """The wall over every edge, from the lower to the higher of its two roofs, seen from the lower one."""
    for e in range(len(edges)):
        h = 2 * e
        if top[following[h + 1]] > top[h] or top[h + 1] > top[following[h]]:
            h = 2 * e + 1  # the right side is higher: look at the edge from the other side
        a_high, b_high = top[h], top[following[h]]
        a_low, b_low = top[following[h ^ 1]], top[h ^ 1]
        if a_high == a_low and b_high == b_low:
            continue
        n = counts[0]
        rows[0][n] = a_low
        for k in range(b_low, b_high + 1):
            n += 1
            rows[0][n] = k
        for k in range(a_high, a_low, -1):
            n += 1
            rows[0][n] = k
        rows[3][counts[2]] = _WALL if edges[e, 3] < 0 else _INNER
        counts[2] += 1
        _close_ring(rows, counts, n + 1 - counts[0])
