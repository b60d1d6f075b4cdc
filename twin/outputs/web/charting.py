"""Where points lie in the light map, found from their places alone; the page reckons alike (``assets/web/charts.js``).

A scene lays each face into a rectangle of texels by two axes in its plane (`twin.scene.charts`). The page has the
corners of the face, in whole steps, and so the plane, the axes and the rectangle, but for three things: which edge a
level face is laid along, since equal edges change places with the last digit; whole texels where the rounded face is
just wider or narrower; and faces so thin that rounding turns their plane. These are told.

Both sides do the same operations in the same order on doubles, and sizes are never taken from a number that stands on
the edge between two: a rectangle of another size would shift the light of all faces after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.charts import MAX_SIDE, pack_shelves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.outputs.web.codec import Bundle

TOLERANCE_TEXELS = 0.25
"""Farther from where the scene has a point the page never sees it."""
PER_TEXEL = 4
"""Points of faces that are told as they are: to a quarter of a texel."""
SHY = 0.01
"""Sizes of round metres are whole texels; this much is taken off before rounding up, so that no last digit decides."""
_ASIDE = 1000.0
"""How much worse an edge is for each texel that it leads aside from the first axis."""


@dataclass(frozen=True, slots=True)
class PlacedFaces:
    """Faces as the page has them.

    Parameters
    ----------
    places : array, shape (n, 3)
        Corner that each point stands on, whole steps.
    face : array, shape (n,)
        Face of each point.
    triangles : array, shape (m, 3)
        Over the points; those of one face stand together.
    n_faces : int
    texel_steps : float
        Largest side of a texel on a face, in steps.
    """

    places: NDArray[np.int64]
    face: NDArray[np.int64]
    triangles: NDArray[np.int64]
    n_faces: int
    texel_steps: float


@dataclass(frozen=True, slots=True)
class Charts:
    """What the page cannot reckon by itself.

    Parameters
    ----------
    axis : array, shape (n_faces,)
        0 where the first axis is level; else 1 + the number of an edge among those of the face's triangles.
    wider : array, shape (n_faces, 2)
        Texels by which the rectangle is wider and higher than the page would think.
    odd : array, shape (k,)
        Faces whose points are told as they are, ascending.
    odd_texels : array, shape (number of their points, 2)
        Place within the face's rectangle in parts of a texel, in the order of the points.
    sizes : array, shape (n_faces, 2)
        Width and height of the rectangles in texels, as the page will have them.
    """

    axis: NDArray[np.int64]
    wider: NDArray[np.int64]
    odd: NDArray[np.int64]
    odd_texels: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def add_to(self, bundle: Bundle) -> dict[str, Any]:
        """Take it into a block; where it lies."""
        return {
            "axes": bundle.add(self.axis, codec="plain"),
            "wider": bundle.add(self.wider, codec="signed"),
            "odd": bundle.add(self.odd),
            "oddTexels": bundle.add(self.odd_texels),
            "perTexel": PER_TEXEL,
            "shy": SHY,
        }


def charts(faces: PlacedFaces, texel: NDArray[np.float64]) -> Charts:
    """What is to be told so that the page finds each point within `TOLERANCE_TEXELS` of where it is.

    Parameters
    ----------
    faces : PlacedFaces
    texel : array, shape (n, 2)
        Place of each point in the light map, as the scene has it.
    """
    if not faces.n_faces:
        none = np.empty((0, 2), np.int64)
        return Charts(none[:, 0], none, none[:, 0], none, none)
    low, high = _limits(texel, faces)
    within = texel - np.rint(low)[faces.face]
    # A rectangle has two texels a side at least, however thin the face.
    sizes = np.clip(np.rint(high - low).astype(np.int64) + 1, 2, MAX_SIDE)
    axis = np.zeros(faces.n_faces, np.int64)
    far = _far_off(faces, axis, sizes, within)
    axis[far] = 1 + _best_edges(faces, within)[far]
    odd = np.flatnonzero(_far_off(faces, axis, sizes, within))
    axis[odd] = 0
    wider = sizes - expected_sizes(_extent(faces, axis), faces.texel_steps)
    told = np.isin(faces.face, odd)
    return Charts(axis, wider, odd, np.rint(within[told] * PER_TEXEL).astype(np.int64), sizes)


def texel_places(faces: PlacedFaces, told: Charts) -> NDArray[np.float64]:
    """Place of each point in the light map, shape (n, 2), as the page finds it."""
    if not faces.n_faces:
        return np.empty((0, 2))
    sizes = expected_sizes(_extent(faces, told.axis), faces.texel_steps) + told.wider
    within = _within(faces, told.axis, sizes)
    within[np.isin(faces.face, told.odd)] = told.odd_texels / PER_TEXEL
    return np.asarray(pack_shelves(sizes)[0][faces.face] + within)


def expected_sizes(extent: NDArray[np.float64], texel_steps: float) -> NDArray[np.int64]:
    """Texels of rectangles, shape (n_faces, 2), that the page thinks of by itself."""
    return np.clip(np.ceil(extent / texel_steps - SHY) + 1, 2, MAX_SIDE).astype(np.int64)


def _far_off(
    faces: PlacedFaces, axis: NDArray[np.int64], sizes: NDArray[np.int64], within: NDArray[np.float64]
) -> NDArray[np.bool_]:
    off = np.abs(_within(faces, axis, sizes) - within).max(axis=1)
    worst = np.zeros(faces.n_faces)
    np.maximum.at(worst, faces.face, off)
    return worst > TOLERANCE_TEXELS


def _within(faces: PlacedFaces, axis: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Place of each point within the rectangle of its face."""
    flat = _projected(faces, axis)
    low, high = _limits(flat, faces)
    scale = (sizes - 1) / np.maximum(high - low, 1e-4)
    return np.asarray((flat - low[faces.face]) * scale[faces.face])


def _extent(faces: PlacedFaces, axis: NDArray[np.int64]) -> NDArray[np.float64]:
    low, high = _limits(_projected(faces, axis), faces)
    return high - low


def _limits(
    values: NDArray[np.float64], faces: PlacedFaces
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low = np.full((faces.n_faces, 2), np.inf)
    high = np.full((faces.n_faces, 2), -np.inf)
    np.minimum.at(low, faces.face, values)
    np.maximum.at(high, faces.face, values)
    return low, high


def _projected(faces: PlacedFaces, axis: NDArray[np.int64]) -> NDArray[np.float64]:
    """Points along the two axes of their faces, steps from the first corner of the first triangle."""
    first, of_triangle = _first_triangles(faces)
    u, v = _axes(faces, axis, first, of_triangle)
    start = faces.places[faces.triangles[first, 0]]
    away = (faces.places - start[faces.face]).astype(np.float64)
    return np.column_stack([_dot(away, u[faces.face]), _dot(away, v[faces.face])])


def _first_triangles(faces: PlacedFaces) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First triangle of each face, and the face of each triangle."""
    of_triangle = faces.face[faces.triangles[:, 0]]
    first = np.zeros(faces.n_faces, np.int64)
    back = np.arange(len(of_triangle))[::-1]
    first[of_triangle[back]] = back
    return first, of_triangle


def _axes(
    faces: PlacedFaces,
    axis: NDArray[np.int64],
    first: NDArray[np.int64],
    of_triangle: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b, c = (faces.places[faces.triangles[:, i]].astype(np.float64) for i in range(3))
    parts = [np.bincount(of_triangle, part, faces.n_faces) for part in _cross(b - a, c - a).T]
    total = np.column_stack(parts).astype(np.float64)
    normal = _unit(total, (0.0, 0.0, 1.0))
    edge = np.maximum(axis - 1, 0)
    corners = faces.triangles[first + edge // 3]
    rows = np.arange(faces.n_faces)
    start, end = corners[rows, edge % 3], corners[rows, (edge + 1) % 3]
    along = (faces.places[end] - faces.places[start]).astype(np.float64)
    along -= normal * _dot(along, normal)[:, None]
    level = np.column_stack([-normal[:, 1], normal[:, 0], np.zeros(len(normal))])
    chosen: NDArray[np.float64] = np.where(axis[:, None] > 0, along, level)
    u = _unit(chosen, (1.0, 0.0, 0.0))
    return u, _cross(normal, u)


def _best_edges(faces: PlacedFaces, within: NDArray[np.float64]) -> NDArray[np.int64]:
    """The edge of each face's triangles that leads farthest along the first axis and least aside."""
    first, of_triangle = _first_triangles(faces)
    start, end = faces.triangles.ravel(), np.roll(faces.triangles, -1, axis=1).ravel()
    ahead = within[end] - within[start]
    score = ahead[:, 0] - _ASIDE * np.abs(ahead[:, 1])
    face = np.repeat(of_triangle, 3)
    order = np.lexsort((-np.arange(len(score)), score, face))
    best = np.zeros(faces.n_faces, np.int64)
    best[face[order]] = order
    return best - 3 * first


def _dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2]


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    (ax, ay, az), (bx, by, bz) = a.T, b.T
    return np.column_stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def _unit(vectors: NDArray[np.float64], otherwise: tuple[float, ...]) -> NDArray[np.float64]:
    length = np.sqrt(_dot(vectors, vectors))[:, None]
    good = length > 1e-9
    return np.where(good, vectors / np.where(good, length, 1), otherwise)
