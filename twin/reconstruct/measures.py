"""Sizes of solids: volume, areas by kind of surface, walls that neighbours share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from twin.core.mesh import Solid, Surface

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def volume_m3(solid: Solid) -> float:
    """Volume of a closed solid by the divergence theorem, m3; negative if it is inside out.

    Examples
    --------
    >>> import shapely
    >>> from twin.reconstruct.extrude import extrude, flat_planes
    >>> from twin.reconstruct.footprint import localize_footprint
    >>> from twin.reconstruct.partition import whole_footprint
    >>> part = whole_footprint(localize_footprint(shapely.box(0, 0, 4, 3)))
    >>> (house,) = extrude(part, flat_planes(np.array([5.0])), ground_m=0.0)
    >>> volume_m3(house), {kind.name: area for kind, area in surface_areas(house).items()}
    (60.0, {'GROUND': 12.0, 'WALL': 70.0, 'ROOF': 12.0, 'INNER_WALL': 0.0})
    """
    if not solid.n_faces:
        return 0.0
    near = _near(solid)
    vectors = area_vectors(near, solid.corners, solid.ring_starts, solid.face_starts)
    first = near[solid.corners[solid.ring_starts[solid.face_starts[:-1]]]]
    return float((first * vectors).sum() / 3)


def surface_areas(solid: Solid) -> dict[Surface, float]:
    """Area of the faces of each kind, holes taken off, m2."""
    vectors = area_vectors(_near(solid), solid.corners, solid.ring_starts, solid.face_starts)
    areas = np.linalg.norm(vectors, axis=1)
    return {kind: float(areas[solid.surface == kind].sum()) for kind in Surface}


def roof_angles(solids: Sequence[Solid]) -> dict[str, NDArray[np.float64]]:
    """Slope and azimuth of each roof face of some solids, one after the other; NaN on all other faces.

    Returns
    -------
    dict
        ``slope_deg`` against the level, and ``azimuth_deg`` of the way down, clockwise from north; NaN where it is
        level. Both to a hundredth of a degree.
    """
    vectors = [area_vectors(_near(s), s.corners, s.ring_starts, s.face_starts) for s in solids]
    x, y, z = np.concatenate(vectors).T
    roof = np.concatenate([s.surface for s in solids]) == Surface.ROOF
    slope = np.round(np.degrees(np.arctan2(np.hypot(x, y), z)), 2)
    azimuth = np.round(np.degrees(np.arctan2(x, y)) % 360.0, 2) % 360.0
    return {
        "slope_deg": np.where(roof, slope, np.nan),
        "azimuth_deg": np.where(roof & (slope > 0), azimuth, np.nan),
    }


def _near(solid: Solid) -> NDArray[np.float64]:
    """Vertices counted from the first, to 0.1 micrometres.

    On the map a coordinate has noise of a nanometre that depends on the place; without it a solid has the same
    sizes wherever it stands.
    """
    return np.round(solid.vertices - solid.vertices[:1], 7)


@numba.njit(cache=True, nogil=True)
def area_vectors(
    vertices: NDArray[np.float64],
    corners: NDArray[np.int32],
    ring_starts: NDArray[np.int32],
    face_starts: NDArray[np.int32],
) -> NDArray[np.float64]:
    """Outward normal of each face with the face's area as its length, m2, shape (n_faces, 3)."""
    vectors = np.zeros((len(face_starts) - 1, 3))
    for f in range(len(vectors)):
        for r in range(face_starts[f], face_starts[f + 1]):
            o = vertices[corners[ring_starts[r]]]
            for c in range(ring_starts[r] + 1, ring_starts[r + 1] - 1):
                p, q = vertices[corners[c]], vertices[corners[c + 1]]
                px, py, pz = p[0] - o[0], p[1] - o[1], p[2] - o[2]
                qx, qy, qz = q[0] - o[0], q[1] - o[1], q[2] - o[2]
                vectors[f, 0] += (py * qz - pz * qy) / 2
                vectors[f, 1] += (pz * qx - px * qz) / 2
                vectors[f, 2] += (px * qy - py * qx) / 2
    return vectors
