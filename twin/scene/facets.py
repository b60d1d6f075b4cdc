"""Solids to triangles and lines: what of a polyhedron is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.core.mesh import Surface
from twin.reconstruct.triangulate import join_solids, triangulate
from twin.scene.model import FacetMesh

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.core.mesh import Solid

CREASE_DEG = 20.0
"""Faces that meet at less than this angle read as one surface: no line between them."""


def facets_from_solids(solids: Sequence[Solid], owners: Sequence[int]) -> FacetMesh:
    """The faces that can be seen, as triangles, and the lines where they meet.

    Ground faces stay out, since nobody looks at a house from below. A line is drawn where two faces of a solid
    meet at more than 20 degrees, or where an open face ends.

    Parameters
    ----------
    solids : sequence of Solid
        Map coordinates.
    owners : sequence of int
        Index of the object that each solid belongs to.

    Returns
    -------
    FacetMesh

    Raises
    ------
    ValueError
        If there is not one owner per solid.

    Examples
    --------
    >>> import numpy as np
    >>> from twin.core.mesh import Solid
    >>> wall = Solid(np.array([[0, 0, 0], [4, 0, 0], [4, 0, 3], [0, 0, 3.0]]), np.arange(4, dtype=np.int32),
    ...              np.array([0, 4], np.int32), np.array([0, 1], np.int32), np.array([1], np.uint8))
    >>> facets_from_solids([wall], [0]).triangles.shape
    (2, 3)
    """
    if len(solids) != len(owners):
        raise ValueError(f"{len(solids)} solids need as many owners, not {len(owners)}")
    joined, solid_of_face = join_solids(solids)
    if not joined.n_faces:
        return FacetMesh.empty()
    triangles, face = triangulate(joined)
    kept = joined.surface != Surface.GROUND
    number = np.cumsum(kept) - 1
    drawn = kept[face]
    return FacetMesh(
        joined.vertices,
        triangles[drawn],
        number[face[drawn]].astype(np.int32),
        joined.surface[kept],
        np.asarray(owners, dtype=np.int32)[solid_of_face[kept]],
        _creases(joined).astype(np.int32),
    )


def _corner_face(solid: Solid) -> NDArray[np.int64]:
    """Face of each corner."""
    starts = solid.ring_starts[solid.face_starts]
    return np.repeat(np.arange(solid.n_faces), np.diff(starts))


def _following(solid: Solid) -> NDArray[np.int32]:
    """The corner after each corner along its ring."""
    shifted = np.roll(solid.corners, -1)
    filled = np.diff(solid.ring_starts) > 0
    shifted[solid.ring_starts[1:][filled] - 1] = solid.corners[solid.ring_starts[:-1][filled]]
    return shifted


def _face_normals(solid: Solid, face: NDArray[np.int64]) -> NDArray[np.float64]:
    """Unit normals after Newell, shape (n_faces, 3); zero for a face without area."""
    first = np.minimum(solid.ring_starts[solid.face_starts[:-1]], len(solid.corners) - 1)
    anchor = solid.vertices[solid.corners[first]]
    a = solid.vertices[solid.corners] - anchor[face]
    b = solid.vertices[_following(solid)] - anchor[face]
    cross = np.cross(a, b)
    normal = np.column_stack([np.bincount(face, part, solid.n_faces) for part in cross.T])
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return np.divide(normal, length, out=np.zeros_like(normal), where=length > 0)


def _creases(solid: Solid) -> NDArray[np.int64]:
    """Vertex pairs between faces that meet at an angle, and at the rim of open faces; never along the ground."""
    face = _corner_face(solid)
    normals = _face_normals(solid, face)
    ends = np.sort(np.column_stack([solid.corners, _following(solid)]).astype(np.int64), axis=1)
    key = ends[:, 0] * len(solid.vertices) + ends[:, 1]
    on_ground = solid.surface[face] == Surface.GROUND
    kept = ~np.isin(key, key[on_ground]) & (ends[:, 0] != ends[:, 1])
    ends, face, key = ends[kept], face[kept], key[kept]
    order = np.argsort(key, kind="stable")
    ends, face, key = ends[order], face[order], key[order]
    _, first, count = np.unique(key, return_index=True, return_counts=True)
    second = np.where(count > 1, first + 1, first)
    cosine = np.einsum("ij,ij->i", normals[face[first]], normals[face[second]])
    return ends[first[(count == 1) | (cosine < np.cos(np.radians(CREASE_DEG)))]]
