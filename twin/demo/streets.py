"""What stands along streets and banks: trees in lines, parked and moving cars, bushes and reeds by the water."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.demo import skeleton as sk
from twin.demo.ground import bank_offset, far_side
from twin.demo.terrain import river_bridge_columns, underpass_nodes
from twin.demo.yard import line_of_trees, park_car, plant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.demo.skeleton import Skeleton, StreetKind
    from twin.demo.yard import Yard

    Float = NDArray[np.float64]


_BEYOND_M = 80.0
"""Banks are planted this far beyond the outermost streets."""


def furnish_streets(yard: Yard) -> None:
    """Trees and cars along the riverward and the upstream street of a cell, and along its stretch of the river."""
    skeleton, i, j = yard.skeleton, yard.i, yard.j
    if i < skeleton.nx:
        _row_street(yard)
    if j < skeleton.ny:
        _column_street(yard)
    if j == 0:
        _river_bank(yard)
    _field_rows(yard)


def _row_street(yard: Yard) -> None:
    skeleton, i, j = yard.skeleton, yard.i, yard.j
    ends = skeleton.columns[i].corridor_m, skeleton.columns[i + 1].corridor_m
    start, end, inward = _between(skeleton.node(i, j), skeleton.node(i + 1, j), ends)
    kind = skeleton.rows[j]
    if kind == sk.LEVEE_ROAD:
        line_of_trees(yard, start + 5.6 * inward, end + 5.6 * inward, spacing_m=9.0, height_m=(6.0, 8.0))
        return
    _dress(yard, start, end, inward, kind)


def _column_street(yard: Yard) -> None:
    skeleton, i, j = yard.skeleton, yard.i, yard.j
    first = 24.0 if j == 0 else skeleton.rows[j].corridor_m
    ends = first, skeleton.rows[j + 1].corridor_m
    start, end, inward = _between(skeleton.node(i, j), skeleton.node(i, j + 1), ends)
    kind = skeleton.columns[i]
    if kind == sk.CANAL:
        for side in (-10.4, 10.4):
            line_of_trees(
                yard, start + side * inward, end + side * inward, spacing_m=7.5, height_m=(6.0, 9.0)
            )
        return
    if {(i, j), (i, j + 1)} & set(underpass_nodes(skeleton)):
        _avenue_trees(yard, start, end, inward)
        return
    _dress(yard, start, end, inward, kind)


def _between(start: Float, end: Float, cut_m: tuple[float, float]) -> tuple[Float, Float, Float]:
    """A street's axis without its crossings, and the unit vector to its left."""
    along = (end - start) / np.hypot(*(end - start))
    return start + along * (cut_m[0] + 4.0), end - along * (cut_m[1] + 4.0), np.array([-along[1], along[0]])


def _dress(yard: Yard, start: Float, end: Float, inward: Float, kind: StreetKind) -> None:
    if kind == sk.AVENUE:
        _avenue_trees(yard, start, end, inward)
        _traffic(yard, start, end, inward)
        return
    side = 4.9 if yard.rng.random() < 0.5 else -4.9
    if yard.rng.random() < 0.9:
        line_of_trees(yard, start + side * inward, end + side * inward, spacing_m=11.0, height_m=(4.5, 7.0))
    _parked(yard, start, end, inward, -np.sign(side) * 2.2)


def _avenue_trees(yard: Yard, start: Float, end: Float, inward: Float) -> None:
    for side in (-9.6, 9.6):
        line_of_trees(yard, start + side * inward, end + side * inward, spacing_m=8.5, height_m=(8.0, 12.0))


def _parked(yard: Yard, start: Float, end: Float, inward: Float, side: float) -> None:
    """Cars at one kerb."""
    length = float(np.hypot(*(end - start)))
    along = (end - start) / length
    for t in np.arange(2.0, length - 2.0, 6.2):
        if yard.rng.random() < 0.4:
            park_car(yard, start + along * float(t + yard.rng.uniform(-0.3, 0.3)) + side * inward, along)


def _traffic(yard: Yard, start: Float, end: Float, inward: Float) -> None:
    """Cars on the move: four lanes, on the right."""
    length = float(np.hypot(*(end - start)))
    along = (end - start) / length
    for lane in (-6.0, -2.5, 2.5, 6.0):
        for _ in range(int(yard.rng.integers(0, 3))):
            park_car(yard, start + along * yard.rng.uniform(0.0, length) + lane * inward, along)


def _river_bank(yard: Yard) -> None:
    """Willows on the berm, reeds at the water's edge, trees behind the far levee."""
    skeleton, i, rng = yard.skeleton, yard.i, yard.rng
    u0 = skeleton.node(i, 0)[0] - (_BEYOND_M if i == 0 else 0.0)
    u1 = skeleton.node(i + 1, 0)[0] if i < skeleton.nx else u0 + _BEYOND_M
    for u in rng.uniform(u0, u1, int((u1 - u0) / 16.0)):
        if _under_bridge(skeleton, u):
            continue
        plant(yard, np.array([u, -bank_offset(u) + rng.uniform(3.0, 8.0)]), height_m=(4.0, 9.0), species=4)
    for u in rng.uniform(u0, u1, int(u1 - u0)):
        place = -bank_offset(u) + rng.exponential(1.2) + 0.2
        yard.shrubs.append((u, place, 0.0, rng.uniform(0.3, 0.9), rng.uniform(0.7, 1.8)))
    for u in rng.uniform(u0, u1, int((u1 - u0) / 11.0)):
        plant(yard, np.array([u, -far_side(u) - rng.uniform(10.0, 17.0)]), height_m=(5.0, 11.0))


def _field_rows(yard: Yard) -> None:
    """Rows of trees between the fields around the district, and beyond the far levee."""
    skeleton, i, j = yard.skeleton, yard.i, yard.j
    starts = []
    if j == skeleton.ny and i < skeleton.nx:
        starts.append(((skeleton.node(i, j) + skeleton.node(i + 1, j)) / 2 + [0.0, 24.0], [4.0, 90.0]))
    if i == 0 and j < skeleton.ny:
        starts.append(((skeleton.node(0, j) + skeleton.node(0, j + 1)) / 2 - [14.0, 0.0], [-70.0, 3.0]))
    if i == skeleton.nx and j < skeleton.ny:
        starts.append(((skeleton.node(i, j) + skeleton.node(i, j + 1)) / 2 + [14.0, 0.0], [70.0, -2.0]))
    if j == 0:
        u = float(skeleton.node(i, 0)[0]) + 40.0
        starts.append((np.array([u, -far_side(u) - 12.0]), [8.0, -80.0]))
    for start, step in starts:
        if yard.rng.random() < 0.8:
            line_of_trees(yard, start, start + np.array(step), spacing_m=6.0, height_m=(5.0, 9.0))


def _under_bridge(skeleton: Skeleton, u: float) -> bool:
    """Whether the river is bridged there, or a crown would reach the deck."""
    return any(abs(u - skeleton.node(i, 0)[0]) < 15.0 for i in river_bridge_columns(skeleton))
