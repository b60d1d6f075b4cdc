"""A plane for each face of a divided footprint: points against simplicity, chosen for the roof as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.reconstruct.partition import face_areas, locate, partition_edges
from twin.reconstruct.roof_choice_kernels import (
    add_range_costs,
    cheapest,
    components,
    data_costs,
    energy,
    height_ranges,
    improve,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.reconstruct.partition import FootprintPartition
    from twin.reconstruct.roof_choice_kernels import Graph
    from twin.reconstruct.roof_lines import PlaneMap
    from twin.reconstruct.roof_planes import RoofPlanes

BEYOND_M = 1.0
"""A plane may leave the heights of its points by this much."""

_NEAREST_COUNTS = 0.1
"""A cell whose nearest point lies in another plane than that of its face costs this share of its area."""


_HIDDEN_COUNTS, _HIGH_M = 0.12, 3.0
"""Share of its area that a place without points costs at most, with a plane so high above the lowest one."""


@dataclass(frozen=True, slots=True)
class ChoiceRule:
    """What simplicity is worth, in m2 of roof that does not fit.

    Parameters
    ----------
    crease_m, step_m, storey_m : float
        Per metre of border between two planes that meet; where they are apart; and for each metre that they are.
    face_m2 : float
        For each face of the roof.
    """

    crease_m: float = 0.06
    step_m: float = 0.1
    storey_m: float = 0.03
    face_m2: float = 0.6


def choose_planes(
    partition: FootprintPartition,
    xyz: NDArray[np.float64],
    found: RoofPlanes,
    plane_map: PlaneMap,
    *,
    rule: ChoiceRule,
    density: float,
    whole: Sequence[tuple[NDArray[np.bool_], int]] = (),
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The plane of each face, and the number of the connected part with one plane that it belongs to.

    Single changes do not lead everywhere: it starts from the cheapest plane of each face, from that of the nearest
    points, and with each of some sets of faces given one plane as a whole.
    """
    areas = face_areas(partition)
    face = locate(partition, xyz[:, :2])
    data = data_costs(xyz, face, found.planes, partition.n_faces, (found.tolerance_m, density))
    votes = _votes(partition, plane_map, plane_map.near, len(found.planes))
    data += _NEAREST_COUNTS * plane_map.frame[2] ** 2 * (votes.sum(axis=1, keepdims=True) - votes)
    data += _hidden_costs(partition, plane_map, found)
    ranges = plane_ranges(xyz, found) + np.array([-BEYOND_M, BEYOND_M])
    rows = (partition.vertices, partition.corners, partition.ring_starts, partition.face_starts)
    add_range_costs(data, rows, areas, found.planes, ranges)
    graph = _graph(partition, found.planes)
    costs = (rule.crease_m, rule.step_m, rule.storey_m, rule.face_m2)
    best, least = np.zeros(partition.n_faces, np.int64), np.inf
    everywhere = _votes(partition, plane_map, plane_map.inside, len(found.planes))
    starts = [cheapest(data), everywhere.argmax(axis=1)]
    starts += [np.where(faces, k, starts[0]) for faces, k in whole]
    for start in starts:
        label = start.astype(np.int64)
        improve(data, graph, label, costs)
        cost = energy(data, graph, label, costs)
        if cost < least - 1e-9:
            best, least = label, cost
    return best, components(graph[0], best)[0]


def plane_ranges(xyz: NDArray[np.float64], found: RoofPlanes) -> NDArray[np.float64]:
    """Lowest and highest point of each plane, shape (m, 2); a plane without points is level, at its own height."""
    ranges = height_ranges(xyz, found.label, len(found.planes))
    empty = ~np.isfinite(ranges[:, 0])
    ranges[empty] = found.planes[empty, 2:]
    return np.asarray(ranges)


def _hidden_costs(
    partition: FootprintPartition, plane_map: PlaneMap, found: RoofPlanes
) -> NDArray[np.float64]:
    """Cost of each plane on what no point tells of: high roofs hide low ones from the scanner, not the reverse."""
    x0, y0, cell, _, _ = plane_map.frame
    r, c = np.nonzero(plane_map.inside & ~plane_map.near)
    at = np.column_stack([x0 + (c + 0.5) * cell, y0 + (r + 0.5) * cell])
    face = locate(partition, at)
    z = at @ found.planes[:, :2].T + found.planes[:, 2]
    above = np.minimum(z - z.min(axis=1, keepdims=True), _HIGH_M) / _HIGH_M
    cost = np.zeros((partition.n_faces, len(found.planes)))
    np.add.at(cost, face[face >= 0], _HIDDEN_COUNTS * cell**2 * above[face >= 0])
    return cost


def _graph(partition: FootprintPartition, planes: NDArray[np.float64]) -> Graph:
    edges = partition_edges(partition.corners, partition.ring_starts, partition.face_starts)
    edges = edges[edges[:, 3] >= 0]
    ends = partition.vertices[edges[:, :2]]
    length = np.hypot(*(ends[:, 0] - ends[:, 1]).T)
    return edges, length, ends @ planes[:, :2].T + planes[:, 2]


def _votes(
    partition: FootprintPartition, plane_map: PlaneMap, count: NDArray[np.bool_], n_planes: int
) -> NDArray[np.float64]:
    """Cells of each plane in each face, of those that count, shape (n_faces, n_planes)."""
    x0, y0, cell, _, _ = plane_map.frame
    r, c = np.nonzero(count & (plane_map.labels >= 0))
    face = locate(partition, np.column_stack([x0 + (c + 0.5) * cell, y0 + (r + 0.5) * cell]))
    votes = np.zeros((partition.n_faces, n_planes))
    np.add.at(votes, (face[face >= 0], plane_map.labels[r, c][face >= 0]), 1.0)
    return votes
