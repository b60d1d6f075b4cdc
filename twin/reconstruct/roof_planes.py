"""Planes of a roof, found in its points: grown, labelled anew as a whole, merged, and searched again for small ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.reconstruct.lod1_kernels import main_directions
from twin.reconstruct.partition import partition_edges, whole_footprint
from twin.reconstruct.roof_label_kernels import (
    free_outliers,
    gather_moments,
    relabel,
    touching,
    worth_of_planes,
)
from twin.reconstruct.roof_plane_kernels import (
    Labelled,
    find_small,
    fit_moments,
    grow_regions,
    local_planes,
    nearest_points,
)
from twin.reconstruct.roof_ridges import find_ridged

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.reconstruct.footprint import LocalFootprint

NEIGHBOURS = 10
ROUGH = (2.5, 6.0)
"""Times the tolerance up to which planes are looked for in what is left: terraces with furniture, planted roofs."""

LOCAL = 7
SMOOTHNESS = 0.6
_SWEEPS, _MOST_SWEEPS = 6, 40
_LEAST_TOLERANCE_M, _MOST_TOLERANCE_M = 0.1, 0.25
_FREE = np.zeros(2)
_LEVEL = np.full(2, np.nan)
_MOST_SMALL = 12
_HALF = 0.5
_FEW, _UNKNOWN_COST = 20, 2.5
"""Planes of so few points get an unknown more only if it lowers the squares, over the noise, by this much."""

_TURN_RAD = math.radians(8.0)
_BEND_M = 0.04
SAME_M = 0.06
"""Level planes that differ by no more are at one height."""


@dataclass(frozen=True, slots=True)
class PlaneRule:
    """What is worth a plane of its own.

    Parameters
    ----------
    area_m2 : float
        Least area.
    points : int
        Least number of points.
    """

    area_m2: float = 1.5
    points: int = 6

    def least(self, density: float) -> float:
        """Points that a plane must explain."""
        return max(float(self.points), 0.7 * self.area_m2 * density)


@dataclass(frozen=True, slots=True)
class RoofPlanes:
    """Planes and which points lie in them.

    Parameters
    ----------
    planes : array, shape (m, 3)
        ``z = a x + b y + c``, local coordinates.
    label : array, shape (n,)
        Plane of each point, -1 for none.
    tolerance_m : float
        Distance up to which a point may belong to a plane.
    normals : array, shape (k, 2)
        Main directions of the footprint.
    """

    planes: NDArray[np.float64]
    label: NDArray[np.int64]
    tolerance_m: float
    normals: NDArray[np.float64]


def outline_directions(footprint: LocalFootprint) -> NDArray[np.float64]:
    """Unit vectors along and square to the main directions of the outline, shape (k, 2)."""
    whole = whole_footprint(footprint)
    edges = partition_edges(whole.corners, whole.ring_starts, whole.face_starts)
    return np.asarray(main_directions(whole.vertices[edges[:, 1]] - whole.vertices[edges[:, 0]]))


def find_planes(
    footprint: LocalFootprint, xyz: NDArray[np.float64], *, rule: PlaneRule | None = None
) -> RoofPlanes:
    """The planes of a roof.

    Parameters
    ----------
    footprint : LocalFootprint
        Its main directions are those along which small planes are looked for.
    xyz : array, shape (n, 3)
        Points of the top, in an order of their own (sorted): the same points give the same planes.
    rule : PlaneRule
        What is worth a plane.
    """
    rule = rule or PlaneRule()
    density = len(xyz) / footprint.area_m2
    near = nearest_points(xyz, NEIGHBOURS, math.sqrt(2.0 * NEIGHBOURS / (math.pi * density)))
    local = local_planes(xyz, near, LOCAL)
    search = _Search(
        xyz, near, local, outline_directions(footprint), _tolerance(local[1]), rule.least(density)
    )
    label, planes = np.full(len(xyz), -1, np.int64), np.empty((0, 5))
    for more in (_grown(2.0), _mirrored, _grown(1.0), *map(_small, (1.0, 1.0, *ROUGH))):
        free_outliers(xyz, label, planes)
        new = more(search, label)
        if len(new):
            label, planes = _settle(search, label, np.concatenate([planes, new]))
    planes = regular_planes(gather_moments(xyz, label, planes), planes, search.normals, xyz, label)
    label, planes = _one_height(label, planes, np.bincount(label + 1, minlength=len(planes) + 1)[1:])
    return RoofPlanes(np.ascontiguousarray(planes[:, :3]), label, search.tolerance, search.normals)


@dataclass(frozen=True, slots=True)
class _Search:
    """What planes are looked for in: points, neighbours, local planes, directions; a tolerance; points worth a plane.

    Planes are rows of five while the search goes on: ``a, b, c``, tolerance, and what share of those points they need.
    """

    xyz: NDArray[np.float64]
    near: NDArray[np.int64]
    local: tuple[NDArray[np.float64], NDArray[np.float64]]
    normals: NDArray[np.float64]
    tolerance: float
    least: float

    @property
    def frame(self) -> NDArray[np.float64]:
        """The directions of the two longest kinds of edges, and square to them."""
        return self.normals[: min(4, len(self.normals))]


def _grown(share: float) -> Callable[[_Search, NDArray[np.int64]], NDArray[np.float64]]:
    """A search for regions with so many times the points that are worth a plane."""

    def search_grown(search: _Search, label: NDArray[np.int64]) -> NDArray[np.float64]:
        labelled = Labelled(search.xyz, search.near, label)
        return grow_regions(labelled, search.local, search.tolerance, round(share * search.least))

    return search_grown


def _small(rough: float) -> Callable[[_Search, NDArray[np.int64]], NDArray[np.float64]]:
    """A search for small planes in what is left, with a multiple of the tolerance; fewer points where less is free."""

    def search_small(search: _Search, label: NDArray[np.int64]) -> NDArray[np.float64]:
        least, frame = rough**0.5 * search.least, search.frame
        directions = np.concatenate([_LEVEL[None], frame, _FREE[None]])
        points = np.ceil([0.6 * least, *[0.6 * least + 1] * len(frame), least + 2]).astype(np.int64)
        labelled = Labelled(search.xyz, search.near, label)
        return find_small(labelled, directions, points, (rough * search.tolerance, _MOST_SMALL))

    return search_small


def _mirrored(search: _Search, label: NDArray[np.int64]) -> NDArray[np.float64]:
    """A search for dormers with two slopes in what is left."""
    labelled = Labelled(search.xyz, search.near, label)
    pairs = find_ridged(labelled, search.frame, search.tolerance, math.ceil(search.least))
    return np.column_stack([pairs, np.tile([search.tolerance, _HALF], (len(pairs), 1))])


def _one_height(
    label: NDArray[np.int64], planes: NDArray[np.float64], size: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Level planes at nearly one height made one, at the height of the one with most points."""
    kept: list[int] = []
    new = np.zeros(len(planes) + 1, np.int64)
    new[-1] = -1
    for k in np.argsort(-size, kind="stable"):
        level = not planes[k, :2].any()
        same = [
            j
            for j in kept
            if level and not planes[j, :2].any() and abs(planes[j, 2] - planes[k, 2]) <= SAME_M
        ]
        if not same:
            kept.append(int(k))
        new[k] = kept.index(same[0]) if same else len(kept) - 1
    return new[label], planes[kept]


def _tolerance(rms: NDArray[np.float64]) -> float:
    known = np.sort(rms[np.isfinite(rms)])
    if not len(known):
        return _LEAST_TOLERANCE_M
    return float(np.clip(4.0 * known[len(known) // 3], _LEAST_TOLERANCE_M, _MOST_TOLERANCE_M))


def _settle(
    search: _Search, label: NDArray[np.int64], planes: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels and planes in turns until they agree; planes that are not worth it are given up on the way."""
    xyz, near, tolerance = search.xyz, search.near, search.tolerance
    for _ in range(min(_SWEEPS + len(planes), _MOST_SWEEPS)):
        changed = relabel(Labelled(xyz, near, label), planes, tolerance, SMOOTHNESS)
        label, planes = _refit(search, label, planes)
        if not len(planes):
            break
        merged = _merge_alike(xyz, near, label, planes, least=search.least)
        label, planes = merged or (label, planes)
        touches = touching(near, label, len(planes)) > 0
        worth = worth_of_planes(xyz, label, planes, touches, tolerance) / planes[:, 4]
        poor = (worth < search.least / 2) | ((worth < search.least) & (worth == worth.min()))
        if poor.any():
            label, planes = _without(label, planes, poor)
        elif not changed and not merged:
            break
    return label, planes


def _refit(
    search: _Search, label: NDArray[np.int64], planes: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Planes fitted to their points, without those that have fewer than three."""
    sums = gather_moments(search.xyz, label, planes)
    few = sums[:, 0] < 3
    label, planes = _without(label, planes, few)
    for plane, own in zip(planes, sums[~few], strict=True):
        if own[0] < _FEW:
            _fit_few(search, own, plane)
        else:
            fit_moments(own, _FREE, plane)
    return label, planes


def _without(
    label: NDArray[np.int64], planes: NDArray[np.float64], dropped: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels and planes without some of the planes, whose points have none then."""
    kept = np.flatnonzero(~dropped)
    new = np.full(len(planes) + 1, -1, np.int64)
    new[kept] = np.arange(len(kept))
    return new[label], planes[kept]


def _fit_few(search: _Search, sums: NDArray[np.float64], plane: NDArray[np.float64]) -> None:
    """Fit a plane to few points with as many unknowns as they can carry, in place."""
    best, tried = np.inf, plane[:3].copy()
    for direction, unknowns in ((_LEVEL, 1), *((v, 2) for v in search.frame), (_FREE, 3)):
        left = fit_moments(sums, np.asarray(direction), tried) / (1 + tried[0] ** 2 + tried[1] ** 2)
        cost = left / (search.tolerance / 3) ** 2 + _UNKNOWN_COST * unknowns
        if cost < best:
            best = cost
            plane[:3] = tried


def _merge_alike(
    xyz: NDArray[np.float64],
    near: NDArray[np.int64],
    label: NDArray[np.int64],
    planes: NDArray[np.float64],
    *,
    least: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """The two touching planes that one explains best as one, if that costs less than a plane."""
    n = len(planes)
    sums = gather_moments(xyz, label, planes)
    touch = touching(near, label, n)
    best, pair, plane = least / 2, None, np.empty(3)
    for i in range(n):
        for j in range(i):
            if not touch[i, j]:
                continue
            apart = [
                fit_moments(s, _FREE, plane) / (1 + plane[0] ** 2 + plane[1] ** 2) for s in (sums[i], sums[j])
            ]
            left = fit_moments(sums[i] + sums[j], _FREE, plane) / (1 + plane[0] ** 2 + plane[1] ** 2)
            cost = (left - sum(apart)) / max(planes[i, 3], planes[j, 3]) ** 2
            if cost < best:
                best, pair = cost, (j, i)
    if pair is None:
        return None
    label = np.where(label == pair[1], pair[0], label)
    label[label > pair[1]] -= 1
    planes[pair[0], 3] = max(planes[pair[0], 3], planes[pair[1], 3])
    planes = np.delete(planes, pair[1], axis=0)
    fit_moments(sums[pair[0]] + sums[pair[1]], _FREE, planes[pair[0]])
    return label, planes


def regular_planes(
    sums: NDArray[np.float64],
    planes: NDArray[np.float64],
    normals: NDArray[np.float64],
    xyz: NDArray[np.float64],
    label: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Planes made level, or to rise along a main direction, where that bends them by no more than points allow."""
    planes = planes.copy()
    for k in range(len(planes)):
        own = xyz[label == k, :2]
        if len(own) < 3:
            continue
        for direction in (_LEVEL, *normals):
            changed = planes[k].copy()
            fit_moments(sums[k], np.asarray(direction), changed)
            if _bends_little(planes[k], changed, own):
                planes[k] = changed
                break
    return planes


def _bends_little(before: NDArray[np.float64], after: NDArray[np.float64], xy: NDArray[np.float64]) -> bool:
    step = xy @ (after - before)[:2] + (after - before)[2]
    limit = max(_BEND_M, 0.3 / math.sqrt(len(xy)))
    slope = np.hypot(*before[:2])
    turned = np.hypot(*(after - before)[:2])
    if np.isfinite(after).all() and not after[:2].any() and slope > 0.07:
        return False
    if slope > 0.0 and turned > max(math.tan(_TURN_RAD) * (1 + slope), 0.07):
        return False
    return bool(np.sqrt((step**2).mean()) <= limit)
