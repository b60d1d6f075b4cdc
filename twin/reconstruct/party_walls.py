"""Walls that neighbours share: their area on each building, which heat and paint do not reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from twin.core.mesh import Solid, Surface
from twin.reconstruct.measures import area_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

GAP_M = 0.25
"""Walls this far apart still stand against each other: what footprints leave open between neighbours."""

_OPPOSITE = -0.99
"""Cosine between the outward directions of two such walls, 8 degrees from opposite at most."""


def party_wall_areas(buildings: Sequence[Sequence[Solid]], *, gap_m: float = GAP_M) -> NDArray[np.float64]:
    """Area of each building's outer walls that stand against another building's, m2, shape (n_buildings,).

    Parameters
    ----------
    buildings : sequence of sequences of Solid
        The solids of every building at one LoD, in one coordinate system; neighbours must be among them.
    gap_m : float
        Widest gap across which walls are shared, metres.

    Examples
    --------
    >>> import shapely
    >>> from twin.reconstruct.extrude import extrude, flat_planes
    >>> from twin.reconstruct.footprint import localize_footprint
    >>> from twin.reconstruct.partition import whole_footprint
    >>> def house(x, height):
    ...     part = whole_footprint(localize_footprint(shapely.box(x, 0, x + 5, 8)))
    ...     return extrude(part, flat_planes(np.array([height])), ground_m=0.0)
    >>> party_wall_areas([house(0, 6.0), house(5, 9.0), house(20, 6.0)]).tolist()
    [48.0, 48.0, 0.0]
    """
    import shapely

    walls, owner = _walls(buildings)
    shared = np.zeros(len(buildings))
    if not len(walls):
        return shared
    lines = shapely.linestrings(walls[:, [0, 1, 4, 5]].reshape(-1, 2, 2))
    tree = shapely.STRtree(lines)
    one, two = tree.query(lines, predicate="dwithin", distance=gap_m)
    foreign = owner[one] != owner[two]
    pairs = np.column_stack([one[foreign], two[foreign]])
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    by_wall = shared_areas(walls - np.tile([*walls[0, :2], 0, 0], 2), pairs, gap_m)
    np.add.at(shared, owner, by_wall)
    return shared


def _walls(buildings: Sequence[Sequence[Solid]]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Outer walls as rows ``x, y, bottom, top`` at their left and at their right end, and their buildings."""
    rows, owner = [], []
    for b, solids in enumerate(buildings):
        for solid in solids:
            faces = np.flatnonzero(solid.surface == Surface.WALL)
            outward = area_vectors(solid.vertices, solid.corners, solid.ring_starts, solid.face_starts)[faces]
            rings = solid.face_starts[faces]
            rows.append(wall_rows(solid.vertices, solid.corners, solid.ring_starts, rings, outward))
            owner.append(np.full(len(faces), b))
    if not rows:
        return np.empty((0, 8)), np.empty(0, np.int64)
    return np.concatenate(rows), np.concatenate(owner)


@numba.njit(cache=True, nogil=True)
def wall_rows(
    vertices: NDArray[np.float64],
    corners: NDArray[np.int32],
    ring_starts: NDArray[np.int32],
    rings: NDArray[np.int32],
    outward: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Ends of upright faces: x, y, lowest and highest elevation of the left and the right one, seen from outside."""
    rows = np.empty((len(rings), 8))
    for w in range(len(rings)):
        ring = corners[ring_starts[rings[w]] : ring_starts[rings[w] + 1]]
        far = _farthest(vertices, ring, ring[0])
        a, b = vertices[_farthest(vertices, ring, far)], vertices[far]
        if (b[1] - a[1]) * outward[w, 0] < (b[0] - a[0]) * outward[w, 1]:
            a, b = b, a
        rows[w, 0], rows[w, 1], rows[w, 4], rows[w, 5] = a[0], a[1], b[0], b[1]
        for side in (0, 4):
            low, high = np.inf, -np.inf
            for v in ring:
                if abs(vertices[v, 0] - rows[w, side]) + abs(vertices[v, 1] - rows[w, side + 1]) < 1e-6:
                    low, high = min(low, vertices[v, 2]), max(high, vertices[v, 2])
            rows[w, side + 2], rows[w, side + 3] = low, high
    return rows


@numba.njit(cache=True, nogil=True)
def _farthest(vertices: NDArray[np.float64], ring: NDArray[np.int32], start: int) -> int:
    """The vertex of a ring that lies farthest from one of its vertices in plan."""
    far = start
    for v in ring:
        if _plan_distance(vertices[v], vertices[start]) > _plan_distance(vertices[far], vertices[start]):
            far = v
    return far


@numba.njit(cache=True, nogil=True)
def _plan_distance(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    return (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2


@numba.njit(cache=True, nogil=True)
def shared_areas(walls: NDArray[np.float64], pairs: NDArray[np.int64], gap_m: float) -> NDArray[np.float64]:
    """Area of each wall that other walls stand against, never more than its own, m2, shape (n_walls,)."""
    shared = np.zeros(len(walls))
    for k in range(len(pairs)):
        shared[pairs[k, 0]] += _overlap(walls[pairs[k, 0]], walls[pairs[k, 1]], gap_m)
    for w in range(len(walls)):
        row = walls[w]
        length = np.sqrt((row[4] - row[0]) ** 2 + (row[5] - row[1]) ** 2)
        shared[w] = min(shared[w], length * ((row[3] - row[2]) + (row[7] - row[6])) / 2)
    return shared


@numba.njit(cache=True, nogil=True)
def _overlap(one: NDArray[np.float64], two: NDArray[np.float64], gap_m: float) -> float:
    """Area over which the second wall stands against the first; both rise from straight edges to straight edges."""
    dx, dy = one[4] - one[0], one[5] - one[1]
    length = np.sqrt(dx * dx + dy * dy)
    ex, ey = two[4] - two[0], two[5] - two[1]
    other = np.sqrt(ex * ex + ey * ey)
    if length < 1e-6 or other < 1e-6 or (dx * ex + dy * ey) / (length * other) > _OPPOSITE:
        return 0.0
    dx, dy = dx / length, dy / length
    away_a = abs((two[0] - one[0]) * dy - (two[1] - one[1]) * dx)
    away_b = abs((two[4] - one[0]) * dy - (two[5] - one[1]) * dx)
    if min(away_a, away_b) > gap_m:
        return 0.0
    t_right = (two[0] - one[0]) * dx + (two[1] - one[1]) * dy
    t_left = (two[4] - one[0]) * dx + (two[5] - one[1]) * dy
    start, end = max(0.0, t_left), min(length, t_right)
    if end <= start:
        return 0.0
    area, n = 0.0, 16
    for i in range(n):  # by strips: exact where both tops are level, near enough where they cross
        t = start + (end - start) * (i + 0.5) / n
        u, v = t / length, (t_right - t) / (t_right - t_left)
        bottom = max(one[2] + (one[6] - one[2]) * u, two[2] + (two[6] - two[2]) * v)
        top = min(one[3] + (one[7] - one[3]) * u, two[3] + (two[7] - two[3]) * v)
        area += max(0.0, top - bottom) * (end - start) / n
    return area
