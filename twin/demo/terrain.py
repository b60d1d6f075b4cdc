"""The ground's description as arrays, ready for the kernels of `twin.demo.ground`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.demo import skeleton as sk
from twin.demo.chance import stream
from twin.demo.roles import Role, role_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.demo.skeleton import Skeleton, StreetKind

WARD_PITCH_M = (440.0, 185.0)
NO_STREET = -1.0


class Terrain(NamedTuple):
    """What the ground kernel reads; lattice indices count the far ring, so they are one more than the net's.

    `column_streets` and `row_streets` hold corridor, carriageway from and to, unit vector and length of the street
    that leaves each node inland and along the river; the corridor is negative where there is none. `mounds` holds
    u, v, height and radius of two per ward: a hill and a hollow. `ponds` holds u, v, half axes and water level per
    cell, zeros where there is none.
    """

    seed: np.uint64
    nodes: NDArray[np.float64]
    column_streets: NDArray[np.float64]
    row_streets: NDArray[np.float64]
    is_canal: NDArray[np.bool_]
    is_underpass: NDArray[np.bool_]
    mounds: NDArray[np.float64]
    ponds: NDArray[np.float64]


def make_terrain(skeleton: Skeleton) -> Terrain:
    """The terrain of a net of streets."""
    terrain = Terrain(
        np.uint64(skeleton.seed & 0xFFFFFFFF),
        skeleton.nodes,
        _column_streets(skeleton),
        _row_streets(skeleton),
        np.array([False, *(kind == sk.CANAL for kind in skeleton.columns), False]),
        _underpasses(skeleton),
        _mounds(skeleton),
        np.zeros((skeleton.nx + 1, skeleton.ny + 1, 5)),
    )
    _dig_ponds(skeleton, terrain)
    return terrain


def river_bridge_columns(skeleton: Skeleton) -> list[int]:
    """Avenues that go on over the river."""
    return [i for i, kind in enumerate(skeleton.columns) if kind == sk.AVENUE and i % 10 == 1]


def underpass_nodes(skeleton: Skeleton) -> list[tuple[int, int]]:
    """Crossings where an avenue that leads inland dives under another."""
    return [
        (i, 2)
        for i, kind in enumerate(skeleton.columns)
        if kind == sk.AVENUE and i % 10 == 1 and skeleton.ny >= 2
    ]


def _column_streets(skeleton: Skeleton) -> NDArray[np.float64]:
    streets = _streets(skeleton.nodes[:, 1:] - skeleton.nodes[:, :-1])
    for i, kind in enumerate(skeleton.columns):
        last = skeleton.ny + 1 + (kind != sk.RESIDENTIAL)
        streets[i + 1, 1:last, :3] = _section(kind)
    return streets


def _row_streets(skeleton: Skeleton) -> NDArray[np.float64]:
    streets = _streets(skeleton.nodes[1:] - skeleton.nodes[:-1])
    for j, kind in enumerate(skeleton.rows):
        reach = int(kind != sk.RESIDENTIAL)
        streets[1 - reach : skeleton.nx + 1 + reach, j + 1, :3] = _section(kind)
    return streets


def _streets(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Direction and length of each lattice edge, without a street on it yet."""
    length = np.hypot(steps[..., 0], steps[..., 1])[..., None]
    return np.concatenate([np.full((*steps.shape[:2], 3), NO_STREET), steps / length, length], axis=-1)


def _section(kind: StreetKind) -> tuple[float, float, float]:
    return kind.corridor_m, kind.carriage_from_m, kind.carriage_to_m


def _underpasses(skeleton: Skeleton) -> NDArray[np.bool_]:
    flags = np.zeros((skeleton.nx + 3, skeleton.ny + 3), bool)
    for i, j in underpass_nodes(skeleton):
        flags[i + 1, j + 1] = True
    return flags


def _mounds(skeleton: Skeleton) -> NDArray[np.float64]:
    """A hill and a hollow per ward, for one ward more on every side than the net covers."""
    n_u = int(skeleton.u_max // WARD_PITCH_M[0]) + 3
    n_v = int(skeleton.v_max // WARD_PITCH_M[1]) + 3
    mounds = np.empty((n_u, n_v, 2, 4))
    for a in range(n_u):
        for b in range(n_v):
            mounds[a, b] = _ward_mounds(skeleton.seed, a - 1, b - 1)
    return mounds


def _ward_mounds(seed: int, a: int, b: int) -> NDArray[np.float64]:
    rng = stream(seed, "mounds", a, b)
    corner = np.array([a * WARD_PITCH_M[0], b * WARD_PITCH_M[1]])
    hill = corner + np.array([60.0, 205.0]) + rng.uniform(-25, 25, 2)
    hollow = corner + np.array([290.0, 80.0]) + rng.uniform(-20, 20, 2)
    height = rng.uniform(2.0, 9.0) * (rng.random() < 0.6)
    if (a, b) == (0, 0):
        height = 6.0
    if b < 0:
        height = 0.0
    return np.array([[*hill, height, 165.0], [*hollow, -0.75, 95.0]])


def _dig_ponds(skeleton: Skeleton, terrain: Terrain) -> None:
    from twin.demo.ground import land_at

    for i in range(skeleton.nx):
        for j in range(skeleton.ny):
            if role_of(skeleton.seed, i, j) is Role.PARK:
                rng = stream(skeleton.seed, "pond", i, j)
                u, v = skeleton.nodes[i + 1 : i + 3, j + 1 : j + 3].mean((0, 1)) + rng.uniform(-5, 5, 2)
                axes = rng.uniform(11.0, 15.0), rng.uniform(7.0, 9.0)
                terrain.ponds[i, j] = (u, v, *axes, land_at(u, v, terrain) - 0.35)
