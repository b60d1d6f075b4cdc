"""Triangle meshes and polyhedra as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TriangleMesh:
    """Triangles over shared vertices, counter-clockwise seen from outside (terrain: from above).

    Parameters
    ----------
    vertices : array, shape (n, 3)
        Metres, float64, in map coordinates unless said otherwise.
    triangles : array, shape (m, 3)
        Vertex indices, int32.
    """

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int32]

    def __post_init__(self) -> None:
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 3:
            raise ValueError(f"vertices must have shape (n, 3), have {self.vertices.shape}")
        if self.triangles.ndim != 2 or self.triangles.shape[1] != 3:
            raise ValueError(f"triangles must have shape (m, 3), have {self.triangles.shape}")
        if len(self.triangles) and int(self.triangles.max()) >= len(self.vertices):
            raise ValueError("a triangle refers to a vertex that is not there")


class Surface(IntEnum):
    """What a face of a building is, after CityGML; the numbers lie in files, so they stay."""

    GROUND = 0
    WALL = 1
    """Wall over an edge of the footprint."""
    ROOF = 2
    INNER_WALL = 3
    """Wall between two roof parts of one building."""


@dataclass(frozen=True, slots=True)
class Solid:
    """The boundary of one building as polygons with holes, in compressed rows.

    Face ``f`` owns the rings ``face_starts[f]:face_starts[f + 1]``, the first of them its outer ring;
    ring ``r`` owns the corners ``corners[ring_starts[r]:ring_starts[r + 1]]``, not closed. Outer rings run
    counter-clockwise seen from outside the solid.

    Parameters
    ----------
    vertices : array, shape (n, 3)
        Metres, float64, map coordinates.
    corners : array, shape (k,)
        Vertex index of each corner, int32.
    ring_starts : array, shape (n_rings + 1,)
        int32, from 0 to k.
    face_starts : array, shape (n_faces + 1,)
        int32, from 0 to n_rings.
    surface : array, shape (n_faces,)
        `Surface` of each face, uint8.
    """

    vertices: NDArray[np.float64]
    corners: NDArray[np.int32]
    ring_starts: NDArray[np.int32]
    face_starts: NDArray[np.int32]
    surface: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 3:
            raise ValueError(f"vertices must have shape (n, 3), have {self.vertices.shape}")
        if self.ring_starts[-1] != len(self.corners) or self.face_starts[-1] != len(self.ring_starts) - 1:
            raise ValueError("starts must end where the rows that they count end")
        if len(self.surface) != len(self.face_starts) - 1:
            raise ValueError("one surface kind per face")
        if len(self.corners) and not 0 <= self.corners.min() <= self.corners.max() < len(self.vertices):
            raise ValueError("a corner refers to a vertex that is not there")

    @property
    def n_faces(self) -> int:
        """Number of faces."""
        return len(self.surface)

    def rings(self, face: int) -> list[NDArray[np.int32]]:
        """Vertex indices of each ring of a face, the outer ring first."""
        first, last = self.face_starts[face], self.face_starts[face + 1]
        return [self.corners[self.ring_starts[r] : self.ring_starts[r + 1]] for r in range(first, last)]
