"""From a cell of the street net to everything that stands in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.demo import civic, names
from twin.demo import skeleton as sk
from twin.demo.homes import detached_houses, first_card, row_houses
from twin.demo.roles import Role, role_of
from twin.demo.streets import furnish_streets
from twin.demo.yard import Frame, Yard

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.demo.names import Name
    from twin.demo.plan import CellPlan
    from twin.demo.skeleton import Skeleton
    from twin.demo.terrain import Terrain

    Float = NDArray[np.float64]

_CIVIC: dict[Role, Callable[[Yard, Frame], None]] = {
    Role.SCHOOL: civic.school,
    Role.HOSPITAL: civic.hospital,
    Role.MARKET: civic.market,
    Role.TOWERS: civic.towers,
    Role.SLABS: civic.slabs,
    Role.COURTYARD: civic.courtyard,
    Role.OFFICES: civic.offices,
    Role.WORKS: civic.works,
    Role.PARK: civic.park,
}
_BASE_SURFACE = {
    Role.DETACHED: "garden",
    Role.ROWS: "garden",
    Role.MARKET: "square",
    Role.COURTYARD: "paved",
    Role.OFFICES: "grass",
    Role.WORKS: "paved",
}


def plan_cell(skeleton: Skeleton, terrain: Terrain, i: int, j: int) -> CellPlan:
    """The block ``(i, j)`` with its streets; beyond the last block (``i == nx`` or ``j == ny``) streets only."""
    yard = Yard(skeleton, terrain, i, j)
    if i < skeleton.nx and j < skeleton.ny:
        _fill_block(yard)
    furnish_streets(yard)
    return yard.plan()


def column_id(i: int, j: int) -> str:
    """Segment of a street that leads inland, from one node to the next."""
    return f"ED-S-C{i:03d}{j:03d}"


def column_name(skeleton: Skeleton, i: int) -> Name:
    """Name of a street that leads inland."""
    kind = skeleton.columns[i]
    if kind == sk.CANAL:
        return names.quay(i // 8)
    return names.avenue(i // 5) if kind == sk.AVENUE else names.street(2 * i)


def row_name(skeleton: Skeleton, j: int) -> Name:
    """Name of a street along the river."""
    kind = skeleton.rows[j]
    if kind == sk.LEVEE_ROAD:
        return names.LEVEE_ROAD
    return names.avenue(j // 4 + 1) if kind == sk.AVENUE else names.street(2 * j + 1)


def lot_of(skeleton: Skeleton, i: int, j: int) -> Float:
    """Corners of the buildable part of a block, from its riverward upstream corner counter-clockwise, shape (4, 2)."""
    corners = np.array(
        [skeleton.node(i, j), skeleton.node(i + 1, j), skeleton.node(i + 1, j + 1), skeleton.node(i, j + 1)]
    )
    insets = [
        sk.LEVEE_INSET_M if j == 0 else skeleton.rows[j].corridor_m,
        skeleton.columns[i + 1].corridor_m,
        skeleton.rows[j + 1].corridor_m,
        skeleton.columns[i].corridor_m,
    ]
    return inset(corners, np.array(insets) + 0.3)


def inset(corners: Float, distances_m: Float) -> Float:
    """A convex polygon with each side moved inwards; side k runs from corner k to the next."""
    along = np.roll(corners, -1, 0) - corners
    inward = np.column_stack([-along[:, 1], along[:, 0]]) / np.hypot(along[:, 0], along[:, 1])[:, None]
    offset = (inward * corners).sum(1) + distances_m
    moved = [np.linalg.solve(inward[[k - 1, k]], offset[[k - 1, k]]) for k in range(len(corners))]
    return np.array(moved)


def frame_on(lot: Float, street: Name) -> Frame:
    """The largest rectangle on a quadrilateral's first side that reaches as deep as its shallower end."""
    along = (lot[1] - lot[0]) / np.hypot(*(lot[1] - lot[0]))
    inward = np.array([-along[1], along[0]])
    x, y = (lot - lot[0]) @ along, (lot - lot[0]) @ inward
    depth = float(min(y[2], y[3]))
    left, right = max(0.0, x[3] * depth / y[3]), min(x[1], x[1] + (x[2] - x[1]) * depth / y[2])
    return Frame(lot[0] + left * along, along, float(right - left), depth, street)


def _fill_block(yard: Yard) -> None:
    skeleton, i, j = yard.skeleton, yard.i, yard.j
    role, lot = role_of(skeleton.seed, i, j), lot_of(skeleton, i, j)
    yard.surfaces.append((_BASE_SURFACE.get(role, "grass"), inset(lot, np.full(4, -0.3))))
    if role in _CIVIC:
        _CIVIC[role](yard, frame_on(lot, row_name(skeleton, j)))
        return
    for side, frame in enumerate(_two_fronts(skeleton, lot, j)):
        if role is Role.ROWS:
            row_houses(yard, frame)
        else:
            detached_houses(yard, frame, first_card=first_card(yard) + 3 * side)


def _two_fronts(skeleton: Skeleton, lot: Float, j: int) -> tuple[Frame, Frame]:
    """The halves of a block, each looking onto its own street."""
    west, east = (lot[0] + lot[3]) / 2, (lot[1] + lot[2]) / 2
    return (
        frame_on(np.array([lot[0], lot[1], east, west]), row_name(skeleton, j)),
        frame_on(np.array([lot[2], lot[3], west, east]), row_name(skeleton, j + 1)),
    )
