"""Which of the points over a footprint lie on its roof.

A classified survey says so itself (class 6). Without classes a point counts that is well above the ground and not part
of something the beam went through: leaves, wires, glass. Such a thing shows by earlier returns of several: where they
make up a fifth of what is around, no more than 1.5 m higher or lower, all of that belongs to it; a single one of them
on a roof does not matter, and the roof below a crown is not lost with it. On Delft with its classes ignored this keeps
93.8 % of the roof points and 13.9 % of the others above the same footprints. (Roughness was tried as well: at the
price of 6 % of the roof points it tells a fifth of the tops of trees, so it is not used.)

In both cases some of these points are no roof: facades, balconies, and what the beam met through a skylight or in a
narrow court. They lie under the roof beside them, and are told by that: more than 1 m under another point within 0.5 m.
They stay among the points (published heights are percentiles of all of them) but shapes are fitted to the rest, the
*top*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np

from twin.core.points import Classification, PointCloud
from twin.reconstruct.footprint import LocalFootprint, round_to_grid
from twin.reconstruct.partition import locate_by_edges, partition_edges, whole_footprint
from twin.reconstruct.vegetation import seen_through

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOF_CLASSES = (int(Classification.BUILDING),)

MIN_HEIGHT_M = 1.5
"""A roof point of an unclassified survey is this high above the ground, a wall's height less what one stoops under."""

UNDER_M = 1.0
"""Points this far under another one nearby are not the top."""

BESIDE_M = 0.5
CANOPY_SHARE = 0.2
"""Where this share of the points around was seen through, all of them belong to a tree or the like."""

EDGE_M = 0.5
"""Nearer to the outline a point may be of the eaves or of the facade: fits are judged further inside."""

_NEVER_ROOF = (
    Classification.GROUND,
    Classification.LOW_VEGETATION,
    Classification.MEDIUM_VEGETATION,
    Classification.HIGH_VEGETATION,
    Classification.LOW_NOISE,
    Classification.WATER,
    Classification.HIGH_NOISE,
)


@dataclass(frozen=True, slots=True)
class RoofPoints:
    """Points over one footprint, in its local coordinates.

    Parameters
    ----------
    xyz : array, shape (n, 3)
        Metres, on the 0.1 mm grid; elevation as in the survey.
    is_top : array, shape (n,)
        Whether nothing lies well above it right beside.
    edge_distance_m : array, shape (n,)
        Distance from the footprint's outline, metres.
    """

    xyz: NDArray[np.float64]
    is_top: NDArray[np.bool_]
    edge_distance_m: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.xyz)

    @property
    def top(self) -> NDArray[np.float64]:
        """The points that shapes are fitted to, shape (m, 3)."""
        return self.xyz[self.is_top]


def select_roof_points(
    footprint: LocalFootprint,
    points: PointCloud,
    *,
    ground_m: float,
    roof_classes: tuple[int, ...] = ROOF_CLASSES,
) -> RoofPoints:
    """The roof points of a footprint among those of its surroundings.

    Parameters
    ----------
    footprint : LocalFootprint
        The building.
    points : PointCloud
        Any points; those elsewhere are left out.
    ground_m : float
        Elevation of the ground at the building, metres; used where there are no roof classes.
    roof_classes : tuple of int
        Classes that the survey gives to roofs; empty where it has none, then roofs are told by height and return.
    """
    edges, vertices = _outline(footprint)
    xyz = round_to_grid(points.xyz - np.array([*footprint.origin, 0.0]))
    wanted = _has_class(points, roof_classes) if roof_classes else _could_be_roof(points, ground_m)
    near = np.flatnonzero(wanted & _in_box(xyz, vertices))
    xyz, cloud = xyz[near], points.select(near)
    inside = locate_by_edges(vertices, edges, np.ascontiguousarray(xyz[:, :2])) >= 0
    xyz = xyz[inside]
    if not roof_classes:
        through = _is_seen_through(cloud.select(inside))
        xyz = xyz[seen_through(xyz, through) < CANOPY_SHARE]
    distance = distance_to_edges(vertices, edges, np.ascontiguousarray(xyz[:, :2]))
    return RoofPoints(xyz, ~is_under_another(xyz, BESIDE_M, UNDER_M), distance)


def _outline(footprint: LocalFootprint) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    whole = whole_footprint(footprint)
    return partition_edges(whole.corners, whole.ring_starts, whole.face_starts), whole.vertices


def _in_box(xyz: NDArray[np.float64], vertices: NDArray[np.float64]) -> NDArray[np.bool_]:
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return np.asarray(((xyz[:, :2] >= low) & (xyz[:, :2] <= high)).all(axis=1))


def _has_class(points: PointCloud, classes: tuple[int, ...]) -> NDArray[np.bool_]:
    wanted = np.zeros(256, np.bool_)
    wanted[list(classes)] = True
    return wanted[points.classification]


def _could_be_roof(points: PointCloud, ground_m: float) -> NDArray[np.bool_]:
    never = _has_class(points, tuple(int(c) for c in _NEVER_ROOF))
    return np.asarray(~never & (points.xyz[:, 2] > ground_m + MIN_HEIGHT_M))


def _is_seen_through(points: PointCloud) -> NDArray[np.bool_]:
    """Whether the beam went on behind a point; where the file does not tell, no point is."""
    return np.asarray(points.return_number < points.n_returns)


@numba.njit(cache=True, nogil=True)
def distance_to_edges(
    vertices: NDArray[np.float64], edges: NDArray[np.int32], xy: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distance of each point from the nearest edge, shape (n,)."""
    nearest = np.full(len(xy), np.inf)
    for e in range(len(edges)):
        ax, ay = vertices[edges[e, 0], 0], vertices[edges[e, 0], 1]
        ux, uy = vertices[edges[e, 1], 0] - ax, vertices[edges[e, 1], 1] - ay
        squared = ux * ux + uy * uy
        for i in range(len(xy)):
            px, py = xy[i, 0] - ax, xy[i, 1] - ay
            share = min(1.0, max(0.0, (px * ux + py * uy) / squared))
            d = (px - share * ux) ** 2 + (py - share * uy) ** 2
            nearest[i] = min(nearest[i], d)
    return np.sqrt(nearest)


@numba.njit(cache=True, nogil=True)
def into_cells(
    xyz: NDArray[np.float64], cell_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Points sorted into square cells with a margin of one empty cell around.

    Returns
    -------
    starts, members : array
        Cell ``c`` holds the points ``members[starts[c]:starts[c + 1]]``.
    cell : array, shape (n + 1,)
        Cell of each point; at the end the number of cells in a row.
    """
    n = len(xyz)
    cell = np.zeros(n + 1, np.int64)
    x0 = y0 = np.inf
    x1 = y1 = -np.inf
    for i in range(n):
        x0, x1 = min(x0, xyz[i, 0]), max(x1, xyz[i, 0])
        y0, y1 = min(y0, xyz[i, 1]), max(y1, xyz[i, 1])
    nx = int((x1 - x0) / cell_m) + 3 if n else 1
    ny = int((y1 - y0) / cell_m) + 3 if n else 1
    starts = np.zeros(nx * ny + 1, np.int64)
    for i in range(n):
        cell[i] = (int((xyz[i, 1] - y0) / cell_m) + 1) * nx + int((xyz[i, 0] - x0) / cell_m) + 1
        starts[cell[i] + 1] += 1
    for c in range(nx * ny):
        starts[c + 1] += starts[c]
    filled, members = starts[:-1].copy(), np.empty(n, np.int64)
    for i in range(n):
        members[filled[cell[i]]] = i
        filled[cell[i]] += 1
    cell[n] = nx
    return starts, members, cell


@numba.njit(cache=True, nogil=True)
def is_under_another(xyz: NDArray[np.float64], beside_m: float, under_m: float) -> NDArray[np.bool_]:
    """Whether a point has another one within a horizontal distance that is higher by more than a height, shape (n,)."""
    starts, members, cell = into_cells(xyz, beside_m)
    row = cell[len(xyz)]
    under = np.zeros(len(xyz), np.bool_)
    for i in range(len(xyz)):
        for dy in (-row, 0, row):
            for k in range(starts[cell[i] + dy - 1], starts[cell[i] + dy + 2]):
                j = members[k]
                if xyz[j, 2] - xyz[i, 2] >= under_m and not under[i]:
                    dx, dz = xyz[j, 0] - xyz[i, 0], xyz[j, 1] - xyz[i, 1]
                    under[i] = dx * dx + dz * dz <= beside_m * beside_m
    return under
