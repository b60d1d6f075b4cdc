"""Everything that has faces, gathered into one mesh: houses, bridges, masses, quays, models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from twin.core.mesh import Surface
from twin.reconstruct.cover import Cover
from twin.scene.model import FacetMesh
from twin.scene.pack import Material

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.scene.model import ColouredMesh, SceneContent, Terrain

_FLAT_COS = float(np.cos(np.radians(8)))
_UPRIGHT_COS = 0.2


@dataclass(frozen=True, slots=True)
class _Faces:
    """Faces of one kind of thing on their way into the pack."""

    mesh: FacetMesh
    material: NDArray[np.uint8]
    group: str
    rgb: NDArray[np.uint8] | None = None
    """Colour of each face, for models."""


@dataclass(frozen=True, slots=True)
class MergedFaces:
    """All faces as one mesh.

    Parameters
    ----------
    mesh : FacetMesh
        Near faces stand together within each group.
    material : array, shape (n_faces,)
        `Material`, uint8.
    group : tuple of str
        Group of each face: ``city``, ``ground``, ``model:I``.
    rgb : array, shape (n_faces, 3)
        Own colour of faces of models, uint8.
    """

    mesh: FacetMesh
    material: NDArray[np.uint8]
    group: tuple[str, ...]
    rgb: NDArray[np.uint8]


def merged_faces(content: SceneContent) -> MergedFaces:
    """Everything of the content that has faces."""
    return _merge(_faces(content))


def _faces(content: SceneContent) -> list[_Faces]:
    parts = [
        _building_faces(content.buildings),
        _plain_faces(content.bridges, Material.BRIDGE_DECK, Material.BRIDGE_SIDE),
        _plain_faces(content.context, Material.CONTEXT_ROOF, Material.CONTEXT_WALL),
    ]
    if content.terrain is not None:
        parts.append(_upright_faces(content.terrain))
    models = [(i, o.mesh) for i, o in enumerate(content.overlays) if o.mesh is not None]
    return parts + [_model_faces(mesh, f"model:{i}") for i, mesh in models]


def _building_faces(mesh: FacetMesh) -> _Faces:
    material = np.full(mesh.n_faces, Material.WALL, np.uint8)
    roof = np.flatnonzero(mesh.surface == Surface.ROOF)
    sloped = _sloped_roofs(mesh, roof)
    material[roof] = np.where(sloped[mesh.owner[roof]], Material.ROOF_SLOPED, Material.ROOF_FLAT)
    return _Faces(mesh, material, "city")


def _sloped_roofs(mesh: FacetMesh, roof: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Buildings most of whose roof slopes, shape (owners,): a roof is of one colour, also where it has a flat part."""
    if not len(roof):
        return np.zeros(0, np.bool_)
    a, b, c = (mesh.vertices[mesh.triangles[:, i]] for i in range(3))
    area = np.bincount(mesh.face, np.linalg.norm(np.cross(b - a, c - a), axis=1), mesh.n_faces)[roof]
    flat = face_normals(mesh)[roof, 2] > _FLAT_COS
    return np.asarray(np.bincount(mesh.owner[roof], np.where(flat, -area, area)) > 0)


def _plain_faces(mesh: FacetMesh, top: Material, side: Material) -> _Faces:
    material = np.where(face_normals(mesh)[:, 2] > 0.5, top, side).astype(np.uint8)
    return _Faces(replace(mesh, owner=np.full(mesh.n_faces, -1, np.int32)), material, "city")


def _upright_faces(terrain: Terrain) -> _Faces:
    """Quay walls and the cut faces of the block, too steep for a light map seen from above; not its underside."""
    up = _normals(terrain.vertices, terrain.triangles)[:, 2]
    chosen = is_upright(terrain) & (up > -0.5)
    triangles = terrain.triangles[chosen]
    mesh, cover = group_coplanar(terrain.vertices, triangles, terrain.cover[chosen])
    material = np.where(cover == Cover.SKIRT, Material.EARTH, Material.QUAY).astype(np.uint8)
    return _Faces(mesh, material, "ground")


def is_upright(terrain: Terrain) -> NDArray[np.bool_]:
    """Which triangles are too steep for a light map that is seen from above, shape (m,)."""
    if not len(terrain.triangles):
        return np.zeros(0, np.bool_)
    up = _normals(terrain.vertices, terrain.triangles)[:, 2]
    return (np.abs(up) < _UPRIGHT_COS) | (terrain.cover == Cover.SKIRT) | (terrain.cover == Cover.QUAY)


def _model_faces(model: ColouredMesh, group: str) -> _Faces:
    n = len(model.triangles)
    mesh = FacetMesh(
        model.vertices,
        model.triangles,
        np.arange(n, dtype=np.int32),
        np.full(n, Surface.WALL, np.uint8),
        np.full(n, -1, np.int32),
        np.empty((0, 2), np.int32),
    )
    return _Faces(mesh, np.full(n, Material.MODEL, np.uint8), group, model.rgb)


def _normals(vertices: NDArray[np.float64], triangles: NDArray[np.int32]) -> NDArray[np.float64]:
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    cross = np.cross(b - a, c - a)
    return cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-12)


def face_normals(mesh: FacetMesh) -> NDArray[np.float64]:
    """Unit normal of each face, the mean over its triangles by area; shape (n_faces, 3)."""
    a, b, c = (mesh.vertices[mesh.triangles[:, i]] for i in range(3))
    cross = np.cross(b - a, c - a)
    total = np.column_stack([np.bincount(mesh.face, part, mesh.n_faces) for part in cross.T])
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def group_coplanar(
    vertices: NDArray[np.float64], triangles: NDArray[np.int32], kind: NDArray[np.uint8]
) -> tuple[FacetMesh, NDArray[np.uint8]]:
    """Loose triangles gathered into plane faces: those of one plane and one kind make one face. With its kind."""
    normal = _normals(vertices, triangles)
    offset = np.einsum("ij,ij->i", normal, vertices[triangles].mean(axis=1) - vertices.mean(axis=0))
    plane = np.column_stack([np.rint(normal * 50), np.rint(offset * 20), kind]).astype(np.int64)
    planes, face = np.unique(plane, axis=0, return_inverse=True)
    order = np.argsort(face.ravel(), kind="stable")
    mesh = FacetMesh(
        vertices,
        triangles[order].astype(np.int32),
        face.ravel()[order].astype(np.int32),
        np.full(len(planes), Surface.WALL, np.uint8),
        np.full(len(planes), -1, np.int32),
        np.empty((0, 2), np.int32),
    )
    return mesh, planes[:, -1].astype(np.uint8)


def _merge(parts: Sequence[_Faces]) -> MergedFaces:
    first_vertex = np.cumsum([0] + [len(p.mesh.vertices) for p in parts])
    first_face = np.cumsum([0] + [p.mesh.n_faces for p in parts])
    vertices = np.concatenate([p.mesh.vertices for p in parts])
    triangles = np.concatenate([p.mesh.triangles + a for p, a in zip(parts, first_vertex, strict=False)])
    face = np.concatenate([p.mesh.face + a for p, a in zip(parts, first_face, strict=False)])
    names = [p.group for p in parts for _ in range(p.mesh.n_faces)]
    ranks = {name: i for i, name in enumerate(dict.fromkeys(p.group for p in parts))}
    rank = np.array([ranks[name] for name in names], dtype=np.int64)
    owner = np.concatenate([p.mesh.owner for p in parts])
    grey = [np.full((p.mesh.n_faces, 3), 180, np.uint8) if p.rgb is None else p.rgb for p in parts]
    n = int(first_face[-1])
    order = np.lexsort((morton(_face_place(vertices, triangles, face, owner, n)), rank))
    new_number = np.empty(n, np.int64)
    new_number[order] = np.arange(n)
    by_face = np.argsort(new_number[face], kind="stable")
    edges = np.concatenate([p.mesh.edges + a for p, a in zip(parts, first_vertex, strict=False)])
    merged = FacetMesh(
        vertices,
        triangles[by_face].astype(np.int32),
        new_number[face][by_face].astype(np.int32),
        np.concatenate([p.mesh.surface for p in parts])[order],
        owner[order],
        edges.astype(np.int32),
    )
    material = np.concatenate([p.material for p in parts])[order]
    return MergedFaces(merged, material, tuple(names[i] for i in order), np.concatenate(grey)[order])


def _face_place(
    vertices: NDArray[np.float64],
    triangles: NDArray[np.int64],
    face: NDArray[np.int64],
    owner: NDArray[np.int32],
    n: int,
) -> NDArray[np.float64]:
    """A place in plan for each face; that of the whole building where there is one, so that it stays together."""
    centre = vertices[triangles].mean(axis=1)[:, :2]
    count = np.maximum(np.bincount(face, minlength=n), 1)
    place = np.column_stack([np.bincount(face, c, n) / count for c in centre.T])
    owned = owner >= 0
    if owned.any():
        count = np.maximum(np.bincount(owner[owned]), 1)
        mean = np.column_stack([np.bincount(owner[owned], c) / count for c in place[owned].T])
        place[owned] = mean[owner[owned]]
    return place


def morton(place: NDArray[np.float64]) -> NDArray[np.int64]:
    """Codes along a space-filling curve: near places get near numbers."""
    if not len(place):
        return np.empty(0, np.int64)
    low = place.min(axis=0)
    unit = ((place - low) / max(float((place.max(axis=0) - low).max()), 1e-9) * 65535).astype(np.int64)
    code = np.zeros(len(place), np.int64)
    for bit in range(16):
        code |= ((unit[:, 0] >> bit) & 1) << (2 * bit) | ((unit[:, 1] >> bit) & 1) << (2 * bit + 1)
    return code
