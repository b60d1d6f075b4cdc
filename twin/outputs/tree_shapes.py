"""Single trees as plain meshes, for formats that know no instances."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from twin.core.mesh import TriangleMesh
from twin.outputs.export_content import MeshPart

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.model import Trees

_CONIFER = 1
_N_SIDES = 8
_ROUND = ((0.0, 0.28), (0.62, 0.36), (1.0, 0.58), (0.74, 0.86), (0.0, 1.0))
_POINTED = ((0.0, 0.14), (1.0, 0.18), (0.55, 0.55), (0.0, 1.0))
_TRUNK = ((0.09, 0.0), (0.07, 0.4), (0.0, 0.42))
"""Profiles: radius over crown radius, height over tree height, from below."""


def tree_part(trees: Trees) -> MeshPart:
    """Crowns and trunks of all trees as one closed mesh each, about 70 triangles a tree."""
    pointed = np.asarray(trees.kind) == _CONIFER
    pieces = [
        _turned(_ROUND, trees, np.flatnonzero(~pointed), kind=0),
        _turned(_POINTED, trees, np.flatnonzero(pointed), kind=0),
        _turned(_TRUNK, trees, np.arange(len(trees.foot)), kind=1),
    ]
    shift = np.cumsum([0, *(len(v) for v, _, _ in pieces)])
    mesh = TriangleMesh(
        np.concatenate([v for v, _, _ in pieces]),
        np.concatenate([t + n for (_, t, _), n in zip(pieces, shift, strict=False)]).astype(np.int32),
    )
    return MeshPart("trees", mesh, np.concatenate([k for _, _, k in pieces]), ("crown", "trunk"), smooth=True)


def _turned(
    profile: tuple[tuple[float, float], ...], trees: Trees, which: NDArray[np.int64], *, kind: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.uint8]]:
    """A profile turned about the trunk of each tree that is asked for."""
    unit, triangles = _lathe(profile)
    size = np.column_stack([trees.radius_m, trees.radius_m, trees.height_m])[which]
    vertices = trees.foot[which][:, None, :] + unit[None] * size[:, None, :]
    first = np.arange(len(which))[:, None, None] * len(unit)
    all_triangles = (triangles[None] + first).reshape(-1, 3)
    return vertices.reshape(-1, 3), all_triangles, np.full(len(all_triangles), kind, dtype=np.uint8)


def _lathe(profile: tuple[tuple[float, float], ...]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices and triangles of a closed body of revolution; a ring of radius 0 is a single vertex."""
    angle = np.arange(_N_SIDES) * (2 * np.pi / _N_SIDES)
    vertices: list[tuple[float, float, float]] = []
    rings: list[list[int]] = []
    if profile[0][0] > 0:
        profile = ((0.0, profile[0][1]), *profile)
    for radius, height in profile:
        turns = angle if radius > 0 else angle[:1]
        rings.append(list(range(len(vertices), len(vertices) + len(turns))))
        vertices += [(radius * float(np.cos(a)), radius * float(np.sin(a)), height) for a in turns]
    triangles = []
    for low, high in itertools.pairwise(rings):
        for i in range(_N_SIDES):
            a, b = low[i % len(low)], low[(i + 1) % len(low)]
            c, d = high[i % len(high)], high[(i + 1) % len(high)]
            triangles += [t for t in ((a, b, d), (a, d, c)) if len(set(t)) == 3]
    return np.array(vertices), np.array(triangles, dtype=np.int64)
