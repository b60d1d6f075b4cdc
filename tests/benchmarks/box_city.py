"""A city of boxes on a plain, for measurements of size: streets of plots, each with one box of its own height."""

from __future__ import annotations

import math

import numpy as np

from twin.core.mesh import Surface
from twin.reconstruct.cover import Cover
from twin.scene.model import FacetMesh, SceneContent, Terrain

SPACING_M = 22.0
_QUADS = np.array([[4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]])
_KINDS = np.array([Surface.ROOF, *[Surface.WALL] * 4], np.uint8)


def box_places(n: int, *, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """South-west corner, (n, 2), and size, (n, 3), of boxes; metres."""
    rng = np.random.default_rng(seed)
    side = math.ceil(math.sqrt(n))
    at = np.stack(np.divmod(np.arange(n), side), axis=1)[:, ::-1] * SPACING_M
    size = np.column_stack([rng.uniform(8, 16, (n, 2)), rng.gamma(3.0, 4.0, n) + 3])
    return at + rng.uniform(0, 4, (n, 2)), size


def box_mesh(n: int, *, seed: int = 1) -> FacetMesh:
    """Roofs and walls of n boxes."""
    corner, size = box_places(n, seed=seed)
    unit = np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)])
    vertices = np.column_stack([corner, np.zeros(n)])[:, None] + unit * size[:, None]
    first = (np.arange(n) * 8)[:, None, None]
    quads = (first + _QUADS).reshape(-1, 4)
    triangles = np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
    ring = np.array([(4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)])
    return FacetMesh(
        vertices.reshape(-1, 3),
        triangles.astype(np.int32),
        np.repeat(np.arange(5 * n, dtype=np.int32), 2),
        np.tile(_KINDS, n),
        np.repeat(np.arange(n, dtype=np.int32), 5),
        (first + ring).reshape(-1, 2).astype(np.int32),
    )


def box_content(
    n: int, *, seed: int = 1, origin: tuple[int, int, int] = (84_000, 447_000, 0)
) -> SceneContent:
    """The boxes on a plain as a scene."""
    mesh = box_mesh(n, seed=seed)
    moved = mesh.vertices + origin
    side = math.ceil(math.sqrt(n)) * SPACING_M
    x, y = np.meshgrid(np.linspace(-20, side + 20, 33), np.linspace(-20, side + 20, 33))
    ground = np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)]) + origin
    cell = (np.arange(32)[:, None] * 33 + np.arange(32)).ravel()
    pairs = [np.column_stack([cell, cell + 1, cell + 34]), np.column_stack([cell, cell + 34, cell + 33])]
    plain = Terrain(
        ground, np.concatenate(pairs).astype(np.int32), np.full(2 * len(cell), Cover.GREEN, np.uint8)
    )
    return SceneContent(
        name=f"{n} boxes",
        crs="EPSG:28992",
        origin=origin,
        buildings=FacetMesh(moved, mesh.triangles, mesh.face, mesh.surface, mesh.owner, mesh.edges),
        building_ids=tuple(f"b{i}" for i in range(n)),
        terrain=plain,
    )
