"""Ground with fewer triangles, for pages of large cities: as near to the city's ground as so few allow.

Vertices are drawn into a neighbour, many at a time, the cheapest kinds first. What a collapse costs is told by quadrics
of the planes around, so that a bound on the distance to the ground as it was is known all the way. Edges between two
covers, and those along houses and shores, are lines that shrink only along themselves.

References
----------
Garland & Heckbert (1997), Surface simplification using quadric error metrics, SIGGRAPH '97.
Luby (1986), A simple parallel algorithm for the maximal independent set problem, SIAM J. Comput. 15, 1036-1053.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS_M = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
"""Bounds, one after the other until the ground is small enough; beyond the last one it would be another ground.

They hold for the root of the sum of squared distances to all planes around, of which there are many: nineteen of
twenty places of the thinned ground lie within a tenth of them.
"""
_RIM_WEIGHT = 16.0
"""Beside houses and shores the ground keeps to a quarter of the bound, or there were slots below walls."""
_LEAST_GAIN = 0.02
_TRIES = 3
_MIN_SHAPE = 0.02
"""Twice the area over the square of the longest side: thinner triangles are not made."""


@dataclass(frozen=True, slots=True)
class Thinned:
    """Ground after thinning.

    Parameters
    ----------
    triangles : array, shape (m, 3)
        Over the points that were given, of which not all are named any more.
    kept : array, shape (m,)
        Which of the given triangles each one is.
    """

    triangles: NDArray[np.int64]
    kept: NDArray[np.int64]


def thin_ground(
    points: NDArray[np.float64],
    triangles: NDArray[np.int64],
    cover: NDArray[np.integer],
    *,
    budget: int,
) -> Thinned:
    """Ground with at most `budget` triangles, or with as few as the last bound gives.

    Parameters
    ----------
    points : array, shape (n, 3)
        Metres, each place once.
    triangles : array, shape (m, 3)
        Seen from above each counter-clockwise, none upright.
    cover : array, shape (m,)
        Kind of ground of each triangle.
    budget : int

    Examples
    --------
    >>> grid = np.array([(x, y, 0.0) for y in range(9) for x in range(9)])
    >>> cells = [(9 * j + i, 9 * j + i + 1, 9 * j + i + 10, 9 * j + i + 9) for j in range(8) for i in range(8)]
    >>> flat = np.array([t for a, b, c, d in cells for t in ((a, b, c), (a, c, d))])
    >>> made = thin_ground(grid, flat, np.zeros(128, np.uint8), budget=20)
    >>> len(made.triangles) <= 20
    True
    """
    kept = np.arange(len(triangles))
    if len(triangles) <= budget:
        return Thinned(triangles, kept)
    quadrics, round_ = _quadrics(points, triangles, cover), 0
    for bound in STEPS_M:
        while len(triangles) > budget:
            n = len(triangles)
            into = _round(points, triangles, cover[kept], quadrics, most=bound**2, seed=round_)
            triangles, whole = _collapsed(triangles, into)
            kept, round_ = kept[whole], round_ + 1
            if n - len(triangles) < _LEAST_GAIN * n:
                break
        if len(triangles) <= budget:
            break
    return Thinned(triangles, kept)


@dataclass(frozen=True, slots=True)
class _Edges:
    """Each edge once: its ends, whether two covers or nothing meet there, and whether it is one of the rim."""

    ends: NDArray[np.int64]
    is_line: NDArray[np.bool_]
    is_rim: NDArray[np.bool_]
    is_odd: NDArray[np.bool_]
    """More than two triangles meet here."""
    side: NDArray[np.int64]
    """A triangle of each edge."""


def _edges(triangles: NDArray[np.int64], cover: NDArray[np.integer], n_points: int) -> _Edges:
    a, b = triangles.ravel(), np.roll(triangles, -1, axis=1).ravel()
    key = np.minimum(a, b) * n_points + np.maximum(a, b)
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    n = np.diff(np.append(starts, len(key)))
    side = order // 3
    second = side[np.minimum(starts + 1, len(side) - 1)]
    is_rim = n == 1
    is_line = is_rim | (cover[side[starts]] != cover[second])
    ends = np.column_stack([key[starts] // n_points, key[starts] % n_points])
    return _Edges(ends, is_line, is_rim, n > 2, side[starts])


def _planes(
    normals: NDArray[np.float64], points: NDArray[np.float64], weight: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Quadrics of planes through points: the ten numbers of a symmetric matrix of four rows, shape (k, 10)."""
    a = np.column_stack([normals, -np.einsum("ij,ij->i", normals, points)])
    i, j = np.triu_indices(4)
    return np.asarray(a[:, i] * a[:, j] * np.reshape(weight, (-1, 1)))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)[:, None]


def _quadrics(
    points: NDArray[np.float64], triangles: NDArray[np.int64], cover: NDArray[np.integer]
) -> NDArray[np.float64]:
    """For each point the planes of its triangles, and upright ones through the lines that it lies on."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    normals = _unit(np.cross(b - a, c - a))
    edges = _edges(triangles, cover, len(points))
    ends, is_rim = edges.ends[edges.is_line], edges.is_rim[edges.is_line]
    along = points[ends[:, 1]] - points[ends[:, 0]]
    across = _unit(np.column_stack([along[:, 1], -along[:, 0], np.zeros(len(along))]))
    faces, lines = _planes(normals, a, 1.0), _planes(across, points[ends[:, 0]], 1.0)
    lines[is_rim] *= _RIM_WEIGHT
    out = np.empty((len(points), 10))
    for k in range(10):
        out[:, k] = np.bincount(triangles.ravel(), np.repeat(faces[:, k], 3), len(points))
        out[:, k] += np.bincount(ends.ravel(), np.repeat(lines[:, k], 2), len(points))
    return out


def _error(quadrics: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of squared distances from points to the planes of their quadrics."""
    x = np.column_stack([at, np.ones(len(at))])
    i, j = np.triu_indices(4)
    twice = np.where(i == j, 1.0, 2.0)
    return np.einsum("ij,ij->i", quadrics, x[:, i] * x[:, j] * twice)


def _round(
    points: NDArray[np.float64],
    triangles: NDArray[np.int64],
    cover: NDArray[np.integer],
    quadrics: NDArray[np.float64],
    *,
    most: float,
    seed: int,
) -> NDArray[np.int64]:
    """Where each point goes in one round: itself, or a neighbour; no two that go are neighbours. Adds up `quadrics`."""
    n = len(points)
    edges = _edges(triangles, cover, n)
    lines = np.bincount(edges.ends[edges.is_line].ravel(), minlength=n)
    rim = np.bincount(edges.ends[edges.is_rim].ravel(), minlength=n) > 0
    odd = np.bincount(edges.ends[edges.is_odd].ravel(), minlength=n) > 0
    source, target = edges.ends.ravel(), edges.ends[:, ::-1].ravel()
    along = np.repeat(edges.is_line, 2)
    may = ~odd[source] & ((lines[source] == 0) | ((lines[source] == 2) & along))
    source, target = source[may], target[may]
    cost = _error(quadrics[source] + quadrics[target], points[target]) * np.where(
        rim[source], _RIM_WEIGHT, 1.0
    )
    cheap = cost <= most
    goal = _best_goals(points, triangles, source[cheap], target[cheap], cost[cheap])
    chosen = _independent(edges.ends, goal, seed)
    into = np.arange(n)
    into[chosen] = goal[chosen]
    for k in range(10):
        quadrics[:, k] += np.bincount(goal[chosen], quadrics[chosen, k], n)
    return into


def _best_goals(
    points: NDArray[np.float64],
    triangles: NDArray[np.int64],
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    cost: NDArray[np.float64],
) -> NDArray[np.int64]:
    """The cheapest neighbour into which each point can go without a triangle turning over, -1 for none."""
    goal = np.full(len(points), -1)
    order = np.lexsort((target, cost, source))
    source, target = source[order], target[order]
    for _ in range(_TRIES):
        first = np.concatenate([[True], source[1:] != source[:-1]]) if len(source) else np.zeros(0, bool)
        tried = np.full(len(points), -1)
        tried[source[first]] = target[first]
        bad = _turned_over(points, triangles, tried)
        good = (tried >= 0) & ~bad
        goal[good] = tried[good]
        left = ~first & bad[source]
        source, target = source[left], target[left]
    return goal


def _turned_over(
    points: NDArray[np.float64], triangles: NDArray[np.int64], goal: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether a triangle around a point would turn over, or become a sliver, if the point went to its goal."""
    bad = np.zeros(len(points), np.bool_)
    for k in range(3):
        moved, a, b = triangles[:, k], triangles[:, (k + 1) % 3], triangles[:, (k + 2) % 3]
        to = goal[moved]
        rows = np.flatnonzero((to >= 0) & (to != a) & (to != b))
        p, q, r = (points[i[rows], :2] for i in (to, a, b))
        u, v, w = q - p, r - p, r - q
        area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
        longest = np.max([np.einsum("ij,ij->i", s, s) for s in (u, v, w)], axis=0)
        bad[moved[rows[area < _MIN_SHAPE * longest]]] = True
    return bad


def _independent(ends: NDArray[np.int64], goal: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Points with a goal of which no two are neighbours: each has a lower lot than all its neighbours with a goal."""
    n = len(goal)
    lot = np.random.default_rng(seed).permutation(n)
    lot[goal < 0] = n
    lowest = np.full(n, n)
    np.minimum.at(lowest, ends[:, 0], lot[ends[:, 1]])
    np.minimum.at(lowest, ends[:, 1], lot[ends[:, 0]])
    return np.flatnonzero((goal >= 0) & (lot < lowest))


def _collapsed(
    triangles: NDArray[np.int64], into: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    moved = into[triangles]
    a, b, c = moved.T
    whole = np.flatnonzero((a != b) & (b != c) & (c != a))
    return moved[whole], whole


def deviation_m(points: NDArray[np.float64], triangles: NDArray[np.int64], gone: NDArray[np.int64]) -> float:
    """How far nineteen of twenty points of the ground as it was lie above or below the one that is left, metres.

    Parameters
    ----------
    points, triangles : array
        As `thin_ground` takes and gives them.
    gone : array, shape (k,)
        Points to look at; some thousand tell enough.
    """
    import pyvista as pv

    level = points * (1, 1, 0)
    ground = pv.PolyData.from_regular_faces(level, triangles)
    ground["z"] = points[:, 2]
    found = pv.PolyData(level[gone]).sample(ground)
    is_over = found["vtkValidPointMask"] > 0
    if not is_over.any():
        return 0.0
    return float(np.quantile(np.abs(found["z"] - points[gone, 2])[is_over], 0.95))
