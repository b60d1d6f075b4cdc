"""Compiled steps of choosing a plane for each face of a divided footprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numba
import numpy as np

from twin.reconstruct.order import rising_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Graph: TypeAlias = tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]
    """Inner edges with the faces beside them, (m, 4); their length; heights of planes at both ends, (m, 2, k)."""

    Costs: TypeAlias = tuple[float, float, float, float]

_LEVEL_M = 0.05


@numba.njit(cache=True, nogil=True)
def misfit(r: float, tolerance: float) -> float:
    """What a point a distance off its plane costs: 1 beyond the tolerance, and more the further it is."""
    r = abs(r)
    return min(1.0, (r / tolerance) ** 2) + 0.7 * min(r, 3.0)


@numba.njit(cache=True, nogil=True)
def data_costs(
    xyz: NDArray[np.float64],
    face: NDArray[np.int64],
    planes: NDArray[np.float64],
    n_faces: int,
    tolerance_and_density: tuple[float, float],
) -> NDArray[np.float64]:
    """Cost in m2 of each plane on each face by the points there, shape (n_faces, n_planes)."""
    tolerance, density = tolerance_and_density
    cost = np.zeros((n_faces, len(planes)))
    for i in range(len(xyz)):
        if face[i] >= 0:
            for k in range(len(planes)):
                r = xyz[i, 2] - planes[k, 0] * xyz[i, 0] - planes[k, 1] * xyz[i, 1] - planes[k, 2]
                cost[face[i], k] += misfit(r, tolerance) / density
    return cost


@numba.njit(cache=True, nogil=True)
def add_range_costs(
    cost: NDArray[np.float64],
    partition: tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]],
    areas: NDArray[np.float64],
    planes: NDArray[np.float64],
    ranges: NDArray[np.float64],
) -> None:
    """Add what it costs a plane to leave the heights of its own points, lowest and highest by row of `ranges`."""
    vertices, corners, ring_starts, face_starts = partition
    for f in range(len(areas)):
        for k in range(len(planes)):
            excess = 0.0
            for c in range(ring_starts[face_starts[f]], ring_starts[face_starts[f + 1]]):
                v = vertices[corners[c]]
                z = planes[k, 0] * v[0] + planes[k, 1] * v[1] + planes[k, 2]
                excess = max(excess, z - ranges[k, 1], ranges[k, 0] - z)
            if excess > 0.0:
                cost[f, k] += areas[f] * min(5.0, excess)


@numba.njit(cache=True, nogil=True)
def edge_cost(graph: Graph, e: int, a: int, b: int, costs: Costs) -> float:
    """Cost of an edge between planes: by length, more where there is a step."""
    if a == b:
        return 0.0
    z = graph[2]
    step = (abs(z[e, 0, a] - z[e, 0, b]) + abs(z[e, 1, a] - z[e, 1, b])) / 2
    if step <= _LEVEL_M:
        return graph[1][e] * costs[0]
    return graph[1][e] * (costs[1] + costs[2] * min(step, 3.0))


@numba.njit(cache=True, nogil=True)
def edges_by_face(edges: NDArray[np.int32], n_faces: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Compressed rows: which edges each face has."""
    starts = np.zeros(n_faces + 1, np.int64)
    for e in range(len(edges)):
        starts[edges[e, 2] + 1] += 1
        starts[edges[e, 3] + 1] += 1
    for f in range(n_faces):
        starts[f + 1] += starts[f]
    at, own = starts[:-1].copy(), np.empty(2 * len(edges), np.int64)
    for e in range(len(edges)):
        for f in (edges[e, 2], edges[e, 3]):
            own[at[f]] = e
            at[f] += 1
    return starts, own


@numba.njit(cache=True, nogil=True)
def components(edges: NDArray[np.int32], label: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Number of the connected set of faces with one label that each face belongs to, and how many sets there are."""
    parent = np.arange(len(label))
    for e in range(len(edges)):
        a, b = edges[e, 2], edges[e, 3]
        if label[a] == label[b]:
            while parent[a] != a:
                a = parent[a]
            while parent[b] != b:
                b = parent[b]
            if a != b:
                parent[max(a, b)] = min(a, b)
    number, n = np.empty(len(label), np.int64), 0
    for f in range(len(label)):
        root = f
        while parent[root] != root:
            root = parent[root]
        if root == f:
            number[f] = n
            n += 1
        else:
            number[f] = number[root]
    return number, n


@numba.njit(cache=True, nogil=True)
def energy(data: NDArray[np.float64], graph: Graph, label: NDArray[np.int64], costs: Costs) -> float:
    """Cost of a choice as a whole."""
    total = costs[3] * components(graph[0], label)[1]
    for f in range(len(label)):
        total += data[f, label[f]]
    for e in range(len(graph[0])):
        total += edge_cost(graph, e, label[graph[0][e, 2]], label[graph[0][e, 3]], costs)
    return total


@numba.njit(cache=True, nogil=True)
def improve(data: NDArray[np.float64], graph: Graph, label: NDArray[np.int64], costs: Costs) -> None:
    """Change planes of single faces and of whole parts as long as the cost falls, in place."""
    rows = edges_by_face(graph[0], len(label))
    for _ in range(50):
        changed = _improve_faces(data, graph, rows, label, costs)
        changed = _improve_parts(data, graph, label, costs) or changed
        if not changed:
            return


@numba.njit(cache=True, nogil=True)
def _improve_faces(
    data: NDArray[np.float64],
    graph: Graph,
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    label: NDArray[np.int64],
    costs: Costs,
) -> bool:
    """Give single faces the plane of a neighbour; whether any changed."""
    edges = graph[0]
    changed = False
    for _ in range(20):
        any_change = False
        for f in range(len(label)):
            old = label[f]
            best, gain = _best_for_face(data, graph, rows, label, (f, costs))
            if best == old:
                continue
            before = components(edges, label)[1]
            label[f] = best
            if gain + costs[3] * (components(edges, label)[1] - before) > -1e-9:
                label[f] = old
            else:
                any_change = True
        changed = changed or any_change
        if not any_change:
            break
    return changed


@numba.njit(cache=True, nogil=True)
def _best_for_face(
    data: NDArray[np.float64],
    graph: Graph,
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    label: NDArray[np.int64],
    face_and_costs: tuple[int, Costs],
) -> tuple[int, float]:
    """The plane among those of a face's neighbours that lowers the cost most, but for the number of parts."""
    (f, costs), edges, (starts, own) = face_and_costs, graph[0], rows
    best, best_gain = label[f], -1e-9
    for q in range(starts[f], starts[f + 1]):
        new = label[edges[own[q], 2] + edges[own[q], 3] - f]
        if new == best or new == label[f]:
            continue
        gain = data[f, new] - data[f, label[f]]
        for p in range(starts[f], starts[f + 1]):
            h = edges[own[p], 2] + edges[own[p], 3] - f
            gain += edge_cost(graph, own[p], new, label[h], costs)
            gain -= edge_cost(graph, own[p], label[f], label[h], costs)
        if gain < best_gain:
            best, best_gain = new, gain
    return best, best_gain


@numba.njit(cache=True, nogil=True)
def _improve_parts(data: NDArray[np.float64], graph: Graph, label: NDArray[np.int64], costs: Costs) -> bool:
    """Give whole parts the plane of a neighbour, the best change first; whether there was any."""
    changed = False
    while True:
        part, n = components(graph[0], label)
        gain, touches = _gains_of_parts(data, graph, label, part, (n, costs))
        best, best_part, best_label = -1e-9, -1, -1
        for a in range(n):
            for k in range(data.shape[1]):
                if touches[a, k] > 0 and gain[a, k] - costs[3] * touches[a, k] < best:
                    best, best_part, best_label = gain[a, k] - costs[3] * touches[a, k], a, k
        if best_part < 0:
            return changed
        for f in range(len(label)):
            if part[f] == best_part:
                label[f] = best_label
        changed = True


@numba.njit(cache=True, nogil=True)
def _gains_of_parts(
    data: NDArray[np.float64],
    graph: Graph,
    label: NDArray[np.int64],
    part: NDArray[np.int64],
    number_and_costs: tuple[int, Costs],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What each plane would change in the cost of each part, and how many neighbours of the part have it, (n, k)."""
    (n, costs), edges, n_planes = number_and_costs, graph[0], data.shape[1]
    gain, touches = np.zeros((n, n_planes)), np.zeros((n, n_planes), np.int64)
    seen = np.full((n, n), False)
    for f in range(len(label)):
        for k in range(n_planes):
            gain[part[f], k] += data[f, k] - data[f, label[f]]
    for e in range(len(edges)):
        f, g = edges[e, 2], edges[e, 3]
        a, b = part[f], part[g]
        if a == b:
            continue
        now = edge_cost(graph, e, label[f], label[g], costs)
        for k in range(n_planes):
            gain[a, k] += edge_cost(graph, e, k, label[g], costs) - now
            gain[b, k] += edge_cost(graph, e, k, label[f], costs) - now
        if not seen[a, b]:
            seen[a, b] = seen[b, a] = True
            touches[a, label[g]] += 1
            touches[b, label[f]] += 1
    return gain, touches


@numba.njit(cache=True, nogil=True)
def cheapest(data: NDArray[np.float64]) -> NDArray[np.int64]:
    """The plane of least cost for each face."""
    found = np.zeros(len(data), np.int64)
    for f in range(len(data)):
        for k in range(data.shape[1]):
            if data[f, k] < data[f, found[f]]:
                found[f] = k
    return found


@numba.njit(cache=True, nogil=True)
def height_ranges(xyz: NDArray[np.float64], label: NDArray[np.int64], n_planes: int) -> NDArray[np.float64]:
    """Lowest and highest point of each plane, shape (n_planes, 2)."""
    ranges = np.empty((n_planes, 2))
    ranges[:, 0], ranges[:, 1] = np.inf, -np.inf
    for i in range(len(xyz)):
        if label[i] >= 0:
            ranges[label[i], 0] = min(ranges[label[i], 0], xyz[i, 2])
            ranges[label[i], 1] = max(ranges[label[i], 1], xyz[i, 2])
    return ranges


@numba.njit(cache=True, nogil=True)
def order_by_place(xyz: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices that sort points by x, then y, then z."""
    order = rising_order(xyz[:, 2].copy())
    order = order[rising_order(xyz[order, 1].copy())]
    return order[rising_order(xyz[order, 0].copy())]
