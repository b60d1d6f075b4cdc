"""Bridges: over the river, over the canals, and where one avenue passes above another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.demo import names
from twin.demo import skeleton as sk
from twin.demo.blocks import row_name
from twin.demo.ground import CREST_M, KERB_M, UNDERPASS_HALF_WIDTH_M, far_side, land_at
from twin.demo.terrain import river_bridge_columns, underpass_nodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.demo.names import Name
    from twin.demo.skeleton import Skeleton
    from twin.demo.terrain import Terrain

    Float = NDArray[np.float64]

DECK_THICKNESS_M = 0.9
RIVER_DECK_HALF_WIDTH_M = 8.5


@dataclass(frozen=True, slots=True)
class Bridge:
    """A deck along an axis.

    Parameters
    ----------
    id : str
        Unique in the district.
    kind : str
        river, canal or overpass.
    name : Name
        In Korean and English.
    axis : array, shape (n, 3)
        u, v and elevation of the deck's surface along its middle, metres.
    half_width_m : float
        Across the axis.
    """

    id: str
    kind: str
    name: Name
    axis: Float
    half_width_m: float

    @property
    def ring(self) -> Float:
        """Outline of the deck, u and v, counter-clockwise, shape (2 n, 2)."""
        left, right = edges_of(self)
        return np.concatenate([right[:, :2], left[::-1, :2]])


def edges_of(bridge: Bridge) -> tuple[Float, Float]:
    """Left and right edge of the deck, shape (n, 3) each."""
    along = bridge.axis[-1, :2] - bridge.axis[0, :2]
    along = along / math.hypot(*along)
    across = np.array([-along[1], along[0], 0.0]) * bridge.half_width_m
    return bridge.axis + across, bridge.axis - across


def bridges_of(skeleton: Skeleton, terrain: Terrain) -> list[Bridge]:
    """Every bridge of the district."""
    return [
        *_river_bridges(skeleton),
        *_canal_bridges(skeleton, terrain),
        *_overpasses(skeleton, terrain),
    ]


def bridge_triangles(bridge: Bridge) -> Float:
    """Top and sides of a deck, shape (n, 3, 3)."""
    left, right = edges_of(bridge)
    down = np.array([0.0, 0.0, DECK_THICKNESS_M])
    strips = [(right, left), (right - down, right), (left, left - down)]
    triangles = []
    for a, b in strips:
        triangles += [np.stack([a[:-1], a[1:], b[1:]], 1), np.stack([a[:-1], b[1:], b[:-1]], 1)]
    return np.concatenate(triangles)


def deck_z(bridge: Bridge, uv: Float) -> Float:
    """Elevation of the deck's surface at places on it, shape (n,)."""
    start = bridge.axis[0, :2]
    along = (bridge.axis[-1, :2] - start) / math.hypot(*(bridge.axis[-1, :2] - start))
    stations = (bridge.axis[:, :2] - start) @ along
    return np.interp((uv - start) @ along, stations, bridge.axis[:, 2])


def _river_bridges(skeleton: Skeleton) -> list[Bridge]:
    bridges = []
    for i in river_bridge_columns(skeleton):
        u, v = skeleton.node(i, 0)
        start, end = v - 4.5, v - far_side(u) + 4.5
        t = np.linspace(0.0, 1.0, 13)
        z = CREST_M + KERB_M + 1.5 * np.sin(math.pi * t) ** 2
        axis = np.column_stack([np.full(13, u), start + (end - start) * t, z])
        name = (
            names.RIVER_BRIDGE
            if i == 1
            else names.Name(f"{names.RIVER_BRIDGE.ko} {i}", f"{names.RIVER_BRIDGE.en} {i}")
        )
        bridges.append(Bridge(f"ED-BR-R{i:03d}", "river", name, axis, RIVER_DECK_HALF_WIDTH_M))
    return bridges


def _canal_bridges(skeleton: Skeleton, terrain: Terrain) -> list[Bridge]:
    bridges = []
    for i, kind in enumerate(skeleton.columns):
        if kind != sk.CANAL:
            continue
        for j in range(1, skeleton.ny + 1):
            half = sk.CANAL_HALF_WIDTH_M + 1.0
            axis = _flat_axis(skeleton, terrain, (i, j), half)
            width = skeleton.rows[j].corridor_m - 0.5
            bridges.append(
                Bridge(f"ED-BR-C{i:03d}{j:03d}", "canal", names.canal_bridge(i // 8, j), axis, width)
            )
    return bridges


def _overpasses(skeleton: Skeleton, terrain: Terrain) -> list[Bridge]:
    return [
        Bridge(
            f"ED-BR-O{i:03d}{j:03d}",
            "overpass",
            names.Name(f"{row_name(skeleton, j).ko} 육교", f"{row_name(skeleton, j).en} Overpass"),
            _flat_axis(skeleton, terrain, (i, j), UNDERPASS_HALF_WIDTH_M + 1.0),
            skeleton.rows[j].corridor_m - 0.5,
        )
        for i, j in underpass_nodes(skeleton)
    ]


def _flat_axis(skeleton: Skeleton, terrain: Terrain, at: tuple[int, int], half_m: float) -> Float:
    """A deck along a row of streets that continues the street's surface on either side."""
    i, j = at
    node = skeleton.node(i, j)
    along = skeleton.node(i + 1, j) - skeleton.node(i - 1, j)
    along = along / math.hypot(*along)
    ends = np.array([node - along * half_m, node + along * half_m])
    z = np.array([land_at(u, v, terrain) + KERB_M for u, v in ends])
    t = np.linspace(0.0, 1.0, 5)[:, None]
    axis = np.column_stack([ends[0] + (ends[1] - ends[0]) * t, z[0] + (z[1] - z[0]) * t[:, 0]])
    axis[:, 2] += 0.12 * np.sin(math.pi * t[:, 0])
    return axis
