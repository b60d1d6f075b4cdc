"""The bones of the district: a net of streets at a river mouth, its classes, canal, bridges and underpasses.

Everything lives in a local frame: u along the river towards the sea, v inland from the levee, both in metres. The net
is a lattice of nodes with a bend and some jitter; streets run between neighbouring nodes and the quadrilaterals between
them are blocks. The lattice carries one ring of far nodes around it, so that avenues and the canal go on to the rim.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.demo.chance import stream, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

CRS = "EPSG:5187+5193"
"""KGD2002 / East Belt 2010 with heights above KVD1964: Busan."""
ORIGIN = (192_200.0, 280_900.0)
"""Where the local frame stands on the map: the mouth of the Nakdong River."""
TURN = math.radians(5.0)
"""How far the local u axis is turned from east towards north."""

WARD_BLOCKS = (4, 2)
"""Blocks of one ward, the unit in which roles, hills and low ground repeat."""
MARGIN_M = 24.0
"""How far the survey goes beyond the outermost streets."""
HALO_M = 400.0
LEVEE_INSET_M = 20.0
"""From the levee road's axis to the first lots: the crest and its landward slope."""
WATER_LEVEL_M = 0.35
"""River and canal on the day of the survey, near mid tide."""


class StreetKind(NamedTuple):
    """Cross-section of a street, distances from its axis in metres; a canal has a carriageway on either side."""

    name: str
    corridor_m: float
    carriage_from_m: float
    carriage_to_m: float


RESIDENTIAL = StreetKind("residential", 6.0, -1.0, 3.2)
AVENUE = StreetKind("avenue", 12.5, -1.0, 8.0)
LEVEE_ROAD = StreetKind("levee", 7.5, -1.0, 3.6)
CANAL = StreetKind("canal", 20.0, 13.0, 17.5)
CANAL_HALF_WIDTH_M = 8.0


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The net of streets.

    Parameters
    ----------
    seed : int
        Of the district.
    nx, ny : int
        Blocks along and away from the river.
    nodes : array, shape (nx + 3, ny + 3, 2)
        u and v of every node, the far ring included; node ``(i, j)`` of the net is ``nodes[i + 1, j + 1]``.
    columns, rows : tuple of StreetKind
        Kind of each line of streets that leads inland (nx + 1) and along the river (ny + 1).
    """

    seed: int
    nx: int
    ny: int
    nodes: NDArray[np.float64]
    columns: tuple[StreetKind, ...]
    rows: tuple[StreetKind, ...]

    def __post_init__(self) -> None:
        if self.nodes.shape != (self.nx + 3, self.ny + 3, 2):
            raise ValueError(
                f"nodes must have shape {(self.nx + 3, self.ny + 3, 2)}, have {self.nodes.shape}"
            )

    @property
    def u_max(self) -> float:
        """The last column's largest u, metres."""
        return float(self.nodes[-2, 1:-1, 0].max())

    @property
    def v_max(self) -> float:
        """The last row's largest v, metres."""
        return float(self.nodes[1:-1, -2, 1].max())

    def node(self, i: int, j: int) -> NDArray[np.float64]:
        """Place of a node, u and v; -1 and n + 1 are the far ring."""
        return self.nodes[i + 1, j + 1]


def to_world(uv: NDArray[np.float64]) -> NDArray[np.float64]:
    """Easting and northing of local points, shape (n, 2); further columns pass through."""
    cos, sin = math.cos(TURN), math.sin(TURN)
    world = np.array(uv, dtype=np.float64)
    world[:, 0] = ORIGIN[0] + cos * uv[:, 0] - sin * uv[:, 1]
    world[:, 1] = ORIGIN[1] + sin * uv[:, 0] + cos * uv[:, 1]
    return world


def to_local(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Local u and v of map points, shape (n, 2); further columns pass through."""
    cos, sin = math.cos(TURN), math.sin(TURN)
    local = np.array(xy, dtype=np.float64)
    x, y = xy[:, 0] - ORIGIN[0], xy[:, 1] - ORIGIN[1]
    local[:, 0] = cos * x + sin * y
    local[:, 1] = -sin * x + cos * y
    return local


def make_skeleton(seed: int, *, nx: int, ny: int) -> Skeleton:
    """A net of `nx` by `ny` blocks.

    A larger net keeps the streets of a smaller one of the same seed and adds to them.
    """
    columns = tuple(_column_kind(i) for i in range(nx + 1))
    rows = tuple(_row_kind(j) for j in range(ny + 1))
    u = _positions(seed, "block-width", columns, (80.0, 104.0), first_inset_m=0.0)
    v = _positions(seed, "block-depth", rows, (54.0, 67.0), first_inset_m=LEVEE_INSET_M)
    nodes = np.empty((nx + 3, ny + 3, 2))
    nodes[:, :, 0] = np.concatenate([[u[0] - HALO_M], u, [u[-1] + HALO_M]])[:, None]
    nodes[:, :, 1] = np.concatenate([[v[0] - HALO_M], v, [v[-1] + HALO_M]])[None, :]
    _bend(nodes)
    _jitter(seed, nodes, columns, rows)
    return Skeleton(seed, nx, ny, nodes, columns, rows)


def _column_kind(i: int) -> StreetKind:
    if i % 8 == 3:
        return CANAL
    return AVENUE if i % 5 == 1 else RESIDENTIAL


def _row_kind(j: int) -> StreetKind:
    if j == 0:
        return LEVEE_ROAD
    return AVENUE if j % 4 == 2 else RESIDENTIAL


def _positions(
    seed: int,
    purpose: str,
    kinds: tuple[StreetKind, ...],
    usable_m: tuple[float, float],
    *,
    first_inset_m: float,
) -> NDArray[np.float64]:
    """Where the lines of the lattice stand, so that blocks keep their usable width between any streets."""
    low, high = usable_m
    at = [0.0]
    for k in range(len(kinds) - 1):
        near = max(kinds[k].corridor_m, first_inset_m) if k == 0 else kinds[k].corridor_m
        usable = low + (high - low) * unit(seed, purpose, k)
        at.append(at[-1] + near + usable + kinds[k + 1].corridor_m)
    return np.array(at)


def _bend(nodes: NDArray[np.float64]) -> None:
    """Sweep the lattice a little, except along the straight levee."""
    u, v = nodes[..., 0].copy(), nodes[..., 1].copy()
    inland = np.clip(v / 120.0, 0.0, 1.0)
    nodes[..., 0] = u + 9.0 * np.sin(v / 190.0) * inland
    nodes[..., 1] = v + 9.0 * np.sin(u / 150.0 + 0.6) * inland


def _jitter(
    seed: int, nodes: NDArray[np.float64], columns: tuple[StreetKind, ...], rows: tuple[StreetKind, ...]
) -> None:
    """Shift residential crossings by up to 4 m; the lines of larger streets stay as they are."""
    for i, column in enumerate(columns):
        for j, row in enumerate(rows):
            shift = stream(seed, "node", i, j).uniform(-4.0, 4.0, 2)
            if column == RESIDENTIAL and row != LEVEE_ROAD:
                nodes[i + 1, j + 1, 0] += shift[0]
            if row == RESIDENTIAL:
                nodes[i + 1, j + 1, 1] += shift[1]
