"""A model's roof seen on a fine grid inside a footprint: what the comparison with the truth stands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.core.mesh import Surface

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from twin.core.mesh import Solid

    Float = NDArray[np.float64]

CELL_M = 0.25
INSET_M = 0.3
STEEP_NZ = 0.05
"""Faces steeper than this are walls, whatever a model calls them."""
SAME_PLANE_DEG = 1.5
SAME_PLANE_M = 0.03


@dataclass(frozen=True, slots=True)
class RoofFace:
    """One roof face in plan with its plane ``z = a x + b y + c``.

    Coordinates are metres from a corner near the building.
    """

    outline: Any
    plane: Float


def roof_faces(solids: Iterable[Solid], origin: Float) -> list[RoofFace]:
    """Roof faces of a building; faces named otherwise do not count, nor do upright ones."""
    faces = []
    for solid in solids:
        for f in np.flatnonzero(solid.surface == Surface.ROOF):
            rings = [solid.vertices[ring] - origin for ring in solid.rings(int(f))]
            normal = sum(
                np.cross(p, np.roll(p, -1, 0)).sum(0) for p in (ring - rings[0].mean(0) for ring in rings)
            )
            length = float(np.linalg.norm(normal))
            if length < 1e-9 or abs(normal[2]) / length < STEEP_NZ:
                continue
            outline = shapely.Polygon(rings[0][:, :2], [ring[:, :2] for ring in rings[1:]])
            slope = -normal[:2] / normal[2]
            middle = np.concatenate(rings).mean(0)
            plane = np.array([*slope, middle[2] - slope @ middle[:2]])
            faces.append(RoofFace(shapely.make_valid(outline), plane))
    return faces


def cells_inside(outline: Any, origin: Float) -> Float:
    """Centres of a quarter-metre grid inside an outline less 0.3 m, shape (n, 2), metres from `origin`.

    The grid is fixed to the map, so that the same outline has the same cells in every run. A building too thin for the
    inset has its whole inside.
    """
    inner = shapely.buffer(outline, -INSET_M)
    if inner.is_empty:
        inner = outline
    x0, y0, x1, y1 = inner.bounds
    x = np.arange(np.floor(x0 / CELL_M), np.ceil(x1 / CELL_M)) * CELL_M + CELL_M / 2
    y = np.arange(np.floor(y0 / CELL_M), np.ceil(y1 / CELL_M)) * CELL_M + CELL_M / 2
    grid = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    shapely.prepare(inner)
    return np.asarray(grid[shapely.contains_xy(inner, grid)] - origin[:2])


def roof_height(faces: list[RoofFace], at: Float) -> Float:
    """Height of the highest face over each place, NaN where there is none, shape (n,)."""
    best = np.full(len(at), -np.inf)
    for face in faces:
        x0, y0, x1, y1 = face.outline.bounds
        near = np.flatnonzero((at[:, 0] >= x0) & (at[:, 0] <= x1) & (at[:, 1] >= y0) & (at[:, 1] <= y1))
        under = near[shapely.intersects_xy(face.outline, at[near])]
        best[under] = np.maximum(best[under], at[under] @ face.plane[:2] + face.plane[2])
    return np.where(np.isfinite(best), best, np.nan)


def count_faces(faces: list[RoofFace]) -> int:
    """Number of roof faces after neighbours in one plane were merged."""
    root = list(range(len(faces)))

    def find(k: int) -> int:
        while root[k] != k:
            k = root[k] = root[root[k]]
        return k

    for a in range(len(faces)):
        for b in range(a + 1, len(faces)):
            if find(a) != find(b) and _one_plane(faces[a], faces[b]):
                root[find(b)] = find(a)
    return sum(find(k) == k for k in range(len(faces)))


def _one_plane(a: RoofFace, b: RoofFace) -> bool:
    """Whether two faces touch along an edge and continue one another."""
    normals = [np.array([-f.plane[0], -f.plane[1], 1.0]) for f in (a, b)]
    cosine = normals[0] @ normals[1] / (np.linalg.norm(normals[0]) * np.linalg.norm(normals[1]))
    if cosine < np.cos(np.radians(SAME_PLANE_DEG)):
        return False
    if shapely.distance(a.outline, b.outline) > 1e-3:
        return False
    shared = shapely.intersection(shapely.buffer(a.outline.boundary, 2e-3), b.outline.boundary)
    if shared.length < 0.05:
        return False
    at = np.array(shapely.get_coordinates(shared.centroid)[0])
    return abs(float(at @ (a.plane - b.plane)[:2] + (a.plane - b.plane)[2])) < SAME_PLANE_M
