"""One texture for the light on thousands of plane faces: each face gets a rectangle of texels in an atlas.

With light in a texture and not in vertices, shadows on a wall are as fine as its texels however few its corners,
and the mesh keeps the triangles that the reconstruction gave it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.model import FacetMesh

MAX_SIDE = 8192
"""Widest texture that every OpenGL of the last decade takes."""


@dataclass(frozen=True, slots=True)
class Charted:
    """A facet mesh whose corners are no longer shared between faces, with a place in the atlas for each.

    Parameters
    ----------
    points : array, shape (n, 3)
        Local metres, float32.
    texel : array, shape (n, 2)
        Place in the atlas, in texels from the centre of texel (0, 0): x, y; float32.
    triangles : array, shape (m, 3)
        int32.
    point_face : array, shape (n,)
        Face of each point, int32.
    shape : tuple of int
        Rows and columns of the atlas.
    texel_size_m : float
        Largest side of a texel on a face, metres.
    """

    points: NDArray[np.float32]
    texel: NDArray[np.float32]
    triangles: NDArray[np.int32]
    point_face: NDArray[np.int32]
    shape: tuple[int, int]
    texel_size_m: float


def chart_faces(mesh: FacetMesh, local: NDArray[np.float64], *, texel_size_m: float, budget: int) -> Charted:
    """Lay every face of a mesh into an atlas.

    Parameters
    ----------
    mesh : FacetMesh
        At least one face.
    local : array, shape (n, 3)
        Its vertices in local metres.
    texel_size_m : float
        Wished side of a texel; grows until the atlas keeps to `budget`.
    budget : int
        Texels that the atlas may have. Every face takes at least 2 x 2, so many faces may pass it; the
        texture's greatest side is never passed.

    Returns
    -------
    Charted
    """
    vertex, triangles, point_face = _unshare(mesh)
    points = local[vertex]
    u_axis, v_axis = _face_axes(mesh, points, triangles, point_face)
    starts = np.searchsorted(point_face, np.arange(mesh.n_faces))
    u = np.einsum("ij,ij->i", points, u_axis[point_face])
    v = np.einsum("ij,ij->i", points, v_axis[point_face])
    low = np.column_stack([np.minimum.reduceat(c, starts) for c in (u, v)])
    extent = np.column_stack([np.maximum.reduceat(c, starts) for c in (u, v)]) - low
    size = max(texel_size_m, float(np.sqrt(np.prod(extent, axis=1).sum() / budget)))
    while True:
        texels = np.maximum(np.ceil(extent / size).astype(np.int64) + 1, 2)
        corner, shape = pack_shelves(np.minimum(texels, MAX_SIDE))
        fits = shape[0] <= MAX_SIDE and shape[0] * shape[1] <= 1.4 * budget
        if fits or texels.max() <= 2:
            break
        size *= 1.2
    scale = (np.minimum(texels, MAX_SIDE) - 1) / np.maximum(extent, 1e-6)
    texel = corner[point_face] + (np.column_stack([u, v]) - low[point_face]) * scale[point_face]
    return Charted(
        points.astype(np.float32),
        texel.astype(np.float32),
        triangles,
        point_face.astype(np.int32),
        shape,
        size,
    )


def _unshare(mesh: FacetMesh) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Vertex of each new point, triangles over new points, and face of each point (ascending)."""
    n = len(mesh.vertices)
    key = mesh.face[:, None].astype(np.int64) * n + mesh.triangles
    unique, inverse = np.unique(key.ravel(), return_inverse=True)
    return unique % n, inverse.reshape(-1, 3).astype(np.int32), unique // n


def _face_axes(
    mesh: FacetMesh,
    points: NDArray[np.float64],
    triangles: NDArray[np.int32],
    point_face: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two unit axes in the plane of each face, the first level, or along the longest rim of a level face."""
    a, b, c = (points[triangles[:, i]] for i in range(3))
    cross = np.cross(b - a, c - a)
    total = np.column_stack([np.bincount(mesh.face, part, mesh.n_faces) for part in cross.T]).astype(
        np.float64
    )
    normal = _unit(total, np.array([0.0, 0.0, 1.0]))
    ends = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    pair = np.sort(ends, axis=1).astype(np.int64)
    _, index, count = np.unique(pair[:, 0] * len(points) + pair[:, 1], return_index=True, return_counts=True)
    rim = ends[index[count == 1]]
    edge = points[rim[:, 1]] - points[rim[:, 0]]
    face = point_face[rim[:, 0]]
    order = np.lexsort((np.linalg.norm(edge, axis=1), face))
    longest = np.zeros_like(normal)
    longest[face[order]] = edge[order]
    longest -= normal * np.einsum("ij,ij->i", longest, normal)[:, None]
    level = np.column_stack([-normal[:, 1], normal[:, 0], np.zeros(len(normal))])
    leaning = np.abs(normal[:, 2:]) < 0.95
    along: NDArray[np.float64] = np.where(leaning, level, longest)
    u_axis = _unit(along, _unit(level, np.array([1.0, 0.0, 0.0])))
    return u_axis, np.cross(normal, u_axis)


def _unit(vectors: NDArray[np.float64], otherwise: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    good = length > 1e-9
    return np.where(good, vectors / np.where(good, length, 1), otherwise)


def pack_shelves(sizes: NDArray[np.int64]) -> tuple[NDArray[np.int64], tuple[int, int]]:
    """Corners of rectangles laid in rows, tallest first, and the rows and columns that they take.

    Parameters
    ----------
    sizes : array, shape (n, 2)
        Width and height of each, in texels.

    Examples
    --------
    >>> import numpy as np
    >>> corner, shape = pack_shelves(np.array([[2, 2], [60, 3], [64, 2]]))
    >>> corner.tolist(), shape
    ([[0, 5], [0, 0], [0, 3]], (7, 64))
    """
    area = int((sizes[:, 0] * sizes[:, 1]).sum())
    width = 64
    while width < MAX_SIDE and (width * width < area or width < sizes[:, 0].max()):
        width *= 2
    order = np.lexsort((-sizes[:, 0], -sizes[:, 1]))
    ends = np.cumsum(sizes[order, 0])
    corner = np.empty_like(sizes)
    first, y = 0, 0
    while first < len(order):
        before = int(ends[first - 1]) if first else 0
        last = max(int(np.searchsorted(ends, before + width, side="right")), first + 1)
        row = order[first:last]
        corner[row, 0] = ends[first:last] - sizes[row, 0] - before
        corner[row, 1] = y
        y += int(sizes[order[first], 1])
        first = last
    return corner, (y, width)
