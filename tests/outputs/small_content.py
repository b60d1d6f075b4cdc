"""A small city for the tests of exports: boxes in rows, a piece of terrain, a bridge, trees."""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.core.mesh import TriangleMesh
from twin.outputs.export_content import BuildingMeshes, ExportContent, MeshPart
from twin.scene.model import Trees

ORIGIN = (84_000, 447_000, 0)
_ROUND = [t for i in range(4) for t in ([i, (i + 1) % 4, (i + 1) % 4 + 4], [i, (i + 1) % 4 + 4, i + 4])]
BOX_TRIANGLES = np.array([[0, 3, 2], [0, 2, 1], [4, 5, 6], [4, 6, 7], *_ROUND], dtype=np.int32)
BOX_SURFACES = np.array([0, 0, 2, 2, 1, 1, 1, 1, 1, 1, 3, 3], dtype=np.uint8)
HOSTILE_IDS = (
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "C:\\con",
    "서울 1",
    "",
    "a\nb\x00c",
)


def boxes(n: int) -> BuildingMeshes:
    """Boxes of 10 x 8 m in rows, the i-th of height i + 3."""
    i = np.arange(n)
    side = max(1, int(np.ceil(np.sqrt(n))))
    unit = np.array([[x, y, z] for z in (0, 1) for x, y in ((0, 0), (10, 0), (10, 8), (0, 8))], dtype=float)
    size = np.stack([np.ones(n), np.ones(n), i + 3.0], axis=1)
    place = np.stack([ORIGIN[0] + 15.0 * (i % side), ORIGIN[1] + 15.0 * (i // side), np.full(n, 0.5)], axis=1)
    return BuildingMeshes(
        (unit[None] * size[:, None] + place[:, None]).reshape(-1, 3),
        (BOX_TRIANGLES[None] + 8 * i[:, None, None]).reshape(-1, 3).astype(np.int32),
        np.repeat(i, 12).astype(np.int32),
        np.tile(BOX_SURFACES, n),
    )


def terrain() -> MeshPart:
    """A ramp of 4 x 4 quads of 20 m in three kinds."""
    x, y = np.meshgrid(np.arange(5) * 20.0, np.arange(5) * 20.0)
    vertices = np.column_stack([x.ravel() + ORIGIN[0], y.ravel() + ORIGIN[1], x.ravel() / 40])
    corner = (np.arange(4)[:, None] * 5 + np.arange(4)).ravel()
    quads = np.concatenate([[corner, corner + 1, corner + 6], [corner, corner + 6, corner + 5]], axis=1).T
    kind = (np.arange(len(quads)) % 3).astype(np.uint8)
    return MeshPart(
        "terrain", TriangleMesh(vertices, quads.astype(np.int32)), kind, ("ground", "road", "water"), True
    )


def trees() -> Trees:
    """A broadleaf, a conifer and a shrub."""
    foot = np.array([[84_005.0, 447_030, 0.1], [84_025, 447_030, 0.6], [84_045, 447_030, 1.1]])
    return Trees(foot, np.array([9.0, 14, 2]), np.array([3.0, 2.5, 1]), np.array([0, 1, 2], dtype=np.uint8))


def attributes(n: int) -> dict[str, Any]:
    """A column of each type, with gaps and without."""
    i = np.arange(n)
    return {
        "height_m": i + 3.0,
        "storeys": i // 3 + 1,
        "monument": i % 2 == 0,
        "state": ["built"] * n,
        "roof_type": ["flat" if k % 3 else None for k in range(n)],
        "year": [1900 + k if k % 2 else None for k in range(n)],
        "rmse_m": np.where(i % 4 == 0, np.nan, i / 8),
        "listed": [None if k % 5 == 0 else k % 2 == 0 for k in range(n)],
        "tags": [["a", k] for k in range(n)],
        "지붕 <b>&": ["기와"] * n,
        "nothing": [None] * n,
        "cadastre": [2**40 + k if k else None for k in range(n)],
    }


def small_content(n: int = 7, **changes: Any) -> ExportContent:
    """The whole city; fields may be replaced."""
    fields: dict[str, Any] = {
        "name": "Test 시티",
        "crs": "EPSG:7415",
        "origin": ORIGIN,
        "buildings": boxes(n),
        "building_ids": HOSTILE_IDS[:n] if n <= len(HOSTILE_IDS) else tuple(f"b{i}" for i in range(n)),
        "attributes": attributes(n),
        "parts": (terrain(),),
        "trees": trees(),
        "attribution": ("AHN3, CC0", "BGT"),
    }
    return ExportContent(**(fields | changes))
