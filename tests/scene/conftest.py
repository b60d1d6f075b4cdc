"""A village of three houses, a road, a canal and two trees, small enough to be drawn in a test."""

from __future__ import annotations

import numpy as np
import pytest

from twin.core.grid import Bounds
from twin.core.mesh import Solid, Surface, TriangleMesh
from twin.reconstruct.cover import Cover
from twin.reconstruct.skirt import block_skirt
from twin.scene.facets import facets_from_solids
from twin.scene.model import Label, SceneContent, Terrain, TreeKind, Trees

ORIGIN = (84_000, 447_000, 0)
AFTERNOON = "2026-07-01T17:00+02:00"


def box_solid(x0, y0, x1, y1, z0, z1):
    """A closed block with a flat roof, local coordinates moved to the map."""
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float64)
    low, high = np.column_stack([corners, np.full(4, z0)]), np.column_stack([corners, np.full(4, z1)])
    faces = [[3, 2, 1, 0], [4, 5, 6, 7], *([i, (i + 1) % 4, (i + 1) % 4 + 4, i + 4] for i in range(4))]
    return _solid(np.concatenate([low, high]), faces, [Surface.GROUND, Surface.ROOF, *[Surface.WALL] * 4])


def gable_solid(x0, y0, x1, y1, z0, eave, ridge):
    """A block with a gable roof whose ridge runs along x."""
    y = (y0 + y1) / 2
    points = np.array(
        [
            *[(x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0)],
            *[(x0, y0, eave), (x1, y0, eave), (x1, y1, eave), (x0, y1, eave)],
            *[(x0, y, ridge), (x1, y, ridge)],
        ],
        dtype=np.float64,
    )
    faces = [
        [3, 2, 1, 0],
        [4, 5, 9, 8],
        [6, 7, 8, 9],
        [0, 1, 5, 4],
        [1, 2, 6, 9, 5],
        [2, 3, 7, 6],
        [3, 0, 4, 8, 7],
    ]
    return _solid(points, faces, [Surface.GROUND, Surface.ROOF, Surface.ROOF, *[Surface.WALL] * 4])


def _solid(points, faces, kinds):
    corners = np.concatenate(faces).astype(np.int32)
    rings = np.concatenate([[0], np.cumsum([len(f) for f in faces])]).astype(np.int32)
    return Solid(
        points + np.array(ORIGIN, dtype=np.float64),
        corners,
        rings,
        np.arange(len(faces) + 1, dtype=np.int32),
        np.array(kinds, dtype=np.uint8),
    )


def flat_terrain(half=30.0, step=5.0):
    """A square of ground with a canal in the north and a road through the middle, on a block of earth."""
    n = round(2 * half / step)
    axis = np.linspace(-half, half, n + 1)
    x, y = np.meshgrid(axis, axis)
    vertices = np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)]) + np.array(ORIGIN, dtype=np.float64)
    cell = (np.arange(n)[:, None] * (n + 1) + np.arange(n)).ravel()
    quads = [
        np.column_stack([cell, cell + 1, cell + n + 2]),
        np.column_stack([cell, cell + n + 2, cell + n + 1]),
    ]
    triangles = np.concatenate(quads).astype(np.int32)
    middle = vertices[triangles].mean(axis=1) - ORIGIN
    cover = np.full(len(triangles), Cover.GREEN, np.uint8)
    cover[middle[:, 1] > 15] = Cover.WATER
    cover[np.abs(middle[:, 1]) < 5] = Cover.ROAD
    x0, y0 = ORIGIN[0] - half, ORIGIN[1] - half
    skirt = block_skirt(
        TriangleMesh(vertices, triangles), bounds=Bounds(x0, y0, x0 + 2 * half, y0 + 2 * half), base_m=-4.0
    )
    return Terrain(
        np.concatenate([vertices, skirt.vertices]),
        np.concatenate([triangles, skirt.triangles + len(vertices)]).astype(np.int32),
        np.concatenate([cover, np.full(len(skirt.triangles), Cover.SKIRT)]).astype(np.uint8),
    )


def village_content(**changes):
    """The village; any field can be replaced."""
    solids = [
        box_solid(-22, -20, -12, -10, -0.3, 9),
        box_solid(-4, -20, 6, -10, -0.3, 14),
        gable_solid(10, -20, 24, -10, -0.3, 6, 10),
    ]
    foot = np.array([(-20.0, 10, 0), (15, 10, 0)]) + np.array(ORIGIN, dtype=np.float64)
    kinds = np.array([TreeKind.BROADLEAF, TreeKind.CONIFER], np.uint8)
    fields = {
        "name": "Village",
        "crs": "EPSG:28992",
        "origin": ORIGIN,
        "buildings": facets_from_solids(solids, [0, 1, 2]),
        "building_ids": ("a", "b", "c"),
        "terrain": flat_terrain(),
        "trees": Trees(foot, np.array([8.0, 9.0]), np.array([2.5, 2.0]), kinds),
        "labels": (Label("Canal", (ORIGIN[0] - 10.0, ORIGIN[1] + 22.0, 0.0), "water"),),
        "attribution": ("Survey of the village",),
    }
    return SceneContent(**{**fields, **changes})


@pytest.fixture(scope="session")
def make_village():
    """The function that makes a village."""
    return village_content


@pytest.fixture(scope="session")
def village():
    """The village as it is."""
    return village_content()


@pytest.fixture(scope="session")
def village_scene(village):
    """The village as a scene with the sun in the south-west, at 45 degrees."""
    from twin.scene.scene import Scene

    return Scene(village, time=AFTERNOON)


@pytest.fixture(scope="session")
def lit(village_scene):
    """Scenes of the village that differ in other things than light, without baking it again."""
    from twin.scene.scene import Scene

    def make(content, **options):
        scene = Scene(content, **{"time": AFTERNOON, **options})
        assert scene.pack.meta.geometry_key == village_scene.pack.meta.geometry_key
        scene._light = village_scene.light
        return scene

    return make


@pytest.fixture(scope="session")
def solids():
    """Makers of simple solids by name."""
    return {"box": box_solid, "gable": gable_solid}
