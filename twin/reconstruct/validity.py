"""Whether solids are valid after ISO 19107, told in the numbered codes that val3dity made customary.

An own check in compiled code: every building is checked in the process that made it, at some ten thousand a minute,
and foreign models as they are read. Tolerances default to val3dity's: corners within 1 mm are one, a polygon may leave
its least-squares plane by 1 cm, and no triangle of it may be turned from that plane by more than 20 degrees. As there,
polygons are checked first, then how they hang together, and only then whether they meet elsewhere: one defect would
only provoke the others.

Where the customary words leave room: 307 is a shell whose faces disagree about outside, 405 one that agrees and is
inside out; 305 means parts that do not share so much as a vertex; what touches itself in an edge or vertex is 303.

References
----------
ISO 19107:2019; Ledoux (2013), On the validation of solids represented with the international standards for geographic
information, Computer-Aided Civil and Infrastructure Engineering 28(9), 693-706.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numba
import numpy as np

from twin.core.mesh import Solid
from twin.reconstruct.triangle_contact import has_self_contact, lowest_height
from twin.reconstruct.triangulate import triangulate, triangulate_faces
from twin.reconstruct.validity_faces import check_face, length_of, newell_normal, snap_vertices, unit_vector
from twin.reconstruct.validity_shells import check_topology, signed_volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Rows: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]
    Mesh: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32]]

NAMES = {
    101: "TOO_FEW_POINTS",
    102: "CONSECUTIVE_POINTS_SAME",
    104: "RING_SELF_INTERSECTION",
    201: "INTERSECTION_RINGS",
    202: "DUPLICATED_RINGS",
    203: "NON_PLANAR_POLYGON_DISTANCE_PLANE",
    204: "NON_PLANAR_POLYGON_NORMALS_DEVIATION",
    205: "POLYGON_INTERIOR_DISCONNECTED",
    206: "INNER_RING_OUTSIDE",
    207: "INNER_RINGS_NESTED",
    208: "ORIENTATION_RINGS_SAME",
    301: "TOO_FEW_POLYGONS",
    302: "SHELL_NOT_CLOSED",
    303: "NON_MANIFOLD_CASE",
    305: "MULTIPLE_CONNECTED_COMPONENTS",
    306: "SHELL_SELF_INTERSECTION",
    307: "POLYGON_WRONG_ORIENTATION",
    401: "INTERSECTION_SHELLS",
    402: "DUPLICATED_SHELLS",
    403: "INNER_SHELL_OUTSIDE",
    404: "SOLID_INTERIOR_DISCONNECTED",
    405: "WRONG_ORIENTATION_SHELL",
}
"""Code to name, as val3dity calls them."""

_N_CODES = 410


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How exact a solid has to be.

    Parameters
    ----------
    snap_m : float
        Corners this near to each other are one.
    plane_distance_m : float
        A corner may lie this far off the polygon's least-squares plane.
    plane_angle_deg : float
        A triangle of a polygon may be turned this far from its plane.
    """

    snap_m: float = 0.001
    plane_distance_m: float = 0.01
    plane_angle_deg: float = 20.0


DEFAULT_TOLERANCES = Tolerances()


def check_solid(solid: Solid, *, tolerances: Tolerances = DEFAULT_TOLERANCES) -> tuple[int, ...]:
    """Codes of the defects of a solid with one shell, in rising order; empty where it is valid.

    Parameters
    ----------
    solid : Solid
        Vertices need not be shared: those within the snapping distance count as one.
    tolerances : Tolerances
        val3dity's own unless said otherwise.

    Examples
    --------
    >>> import shapely
    >>> from twin.reconstruct.extrude import extrude, flat_planes
    >>> from twin.reconstruct.footprint import localize_footprint
    >>> from twin.reconstruct.partition import whole_footprint
    >>> part = whole_footprint(localize_footprint(shapely.box(0, 0, 4, 3)))
    >>> (house,) = extrude(part, flat_planes(np.array([5.0])), ground_m=0.0)
    >>> check_solid(house)
    ()
    """
    vertices, rows = _near_zero(solid), (solid.corners, solid.ring_starts, solid.face_starts)
    hits, names, mesh = _check_polygons(vertices, rows, _limits(tolerances))
    if not hits.any():
        hits = _check_shell(vertices, (names, solid.ring_starts, solid.face_starts), mesh, tolerances.snap_m)
    return tuple(int(code) for code in np.flatnonzero(hits))


def check_faces(solid: Solid, *, tolerances: Tolerances = DEFAULT_TOLERANCES) -> tuple[int, ...]:
    """Codes of the defects of single polygons only (101 to 208): for surfaces that need not close."""
    rows = (solid.corners, solid.ring_starts, solid.face_starts)
    hits = _check_polygons(_near_zero(solid), rows, _limits(tolerances))[0]
    return tuple(int(code) for code in np.flatnonzero(hits))


def check_shells(shells: Sequence[Solid], *, tolerances: Tolerances = DEFAULT_TOLERANCES) -> tuple[int, ...]:
    """Codes of a solid with cavities: its outer shell first, then inner ones, which look into the cavities.

    How shells lie to one another (401 to 404) is looked at where each of them is sound.
    """
    from twin.reconstruct.validity_solids import check_arrangement

    found = set(check_solid(shells[0], tolerances=tolerances))
    for inner in shells[1:]:
        codes = set(check_solid(inner, tolerances=tolerances))
        found |= codes ^ {405} if codes <= {405} else codes
    if not found and len(shells) > 1:
        origin = shells[0].vertices.min(axis=0)
        meshes = [(s.vertices - origin)[triangulate(s)[0]] for s in shells]
        found = check_arrangement(meshes)
    return tuple(sorted(found))


def check_rings(
    polygons: Sequence[Sequence[NDArray[np.float64]]], *, tolerances: Tolerances = DEFAULT_TOLERANCES
) -> tuple[int, ...]:
    """Codes of a shell given as polygons, each its outer ring and then its holes, rings of shape (k, 3) not closed."""
    return check_solid(solid_of_rings(polygons), tolerances=tolerances)


def solid_of_rings(polygons: Sequence[Sequence[NDArray[np.float64]]]) -> Solid:
    """Polygons of space as a `Solid` without shared vertices and with the surface kinds left at 0."""
    rings = [np.asarray(ring, dtype=np.float64).reshape(-1, 3) for polygon in polygons for ring in polygon]
    vertices = np.concatenate(rings) if rings else np.empty((0, 3))
    return Solid(
        vertices=vertices,
        corners=np.arange(len(vertices), dtype=np.int32),
        ring_starts=np.cumsum([0, *map(len, rings)]).astype(np.int32),
        face_starts=np.cumsum([0, *map(len, polygons)]).astype(np.int32),
        surface=np.zeros(len(polygons), np.uint8),
    )


def _near_zero(solid: Solid) -> NDArray[np.float64]:
    """Vertices from their lowest corner, so that differences lose nothing to the size of map coordinates."""
    if not np.isfinite(solid.vertices).all():
        raise ValueError("a vertex is not finite")
    return solid.vertices - solid.vertices.min(axis=0) if len(solid.vertices) else solid.vertices


def _limits(tolerances: Tolerances) -> tuple[float, float, float]:
    return (
        float(tolerances.snap_m),
        float(tolerances.plane_distance_m),
        float(np.cos(np.radians(tolerances.plane_angle_deg))),
    )


@numba.njit(cache=True, nogil=True)
def _check_polygons(
    vertices: NDArray[np.float64], rows: Rows, limits: tuple[float, float, float]
) -> tuple[NDArray[np.bool_], NDArray[np.int32], Mesh]:
    """Codes 101 to 208; with them the snapped corners and, where all polygons are sound, their triangles."""
    corners, ring_starts, face_starts = rows
    hits = np.zeros(_N_CODES, np.bool_)
    snapped = snap_vertices(vertices, limits[0])
    names, points = np.empty(len(corners), np.int32), np.empty((len(corners), 3))
    for c in range(len(corners)):
        names[c] = snapped[corners[c]]
        for i in range(3):
            points[c, i] = vertices[names[c], i]
    mesh = np.empty((0, 3), np.int32), np.empty(0, np.int32)
    bad = False
    for f in range(len(face_starts) - 1):
        rings = ring_starts[face_starts[f] : face_starts[f + 1] + 1]
        if len(rings) < 2:
            hits[101] = bad = True
            continue
        first, last = rings[0], rings[-1]
        own = rings.copy()
        for r in range(len(own)):
            own[r] -= first
        bad |= check_face(points[first:last], names[first:last], own, limits[1], hits)
    if not bad:
        mesh = triangulate_faces(vertices, names, ring_starts, face_starts)
        hits[204] = _is_folded(vertices, mesh, (points, ring_starts, face_starts), limits)
    return hits, names, mesh


@numba.njit(cache=True, nogil=True)
def _check_shell(vertices: NDArray[np.float64], rows: Rows, mesh: Mesh, snap_m: float) -> NDArray[np.bool_]:
    """Codes 301 to 307 and 405 of a shell of sound polygons."""
    hits = np.zeros(_N_CODES, np.bool_)
    if not check_topology(rows, mesh, len(vertices), hits):
        if has_self_contact(vertices, mesh[0], mesh[1], snap_m):
            hits[306] = True
        elif signed_volume(vertices, mesh[0]) <= 0.0:
            hits[405] = True
    return hits


@numba.njit(cache=True, nogil=True)
def _is_folded(
    vertices: NDArray[np.float64],
    mesh: Mesh,
    rows: tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32]],
    limits: tuple[float, float, float],
) -> bool:
    """Whether a triangle of some polygon is turned away from the polygon's own normal.

    One so low that a corner moved within the snapping distance could turn it as far has no direction to speak of.
    """
    triangles, face = mesh
    points, ring_starts, face_starts = rows
    least_cosine = limits[2]
    least_height = 2 * limits[0] * least_cosine / np.sqrt(max(1e-12, 1 - least_cosine * least_cosine))
    known, normal, corners = -1, np.zeros(3), np.empty((3, 3))
    for t in range(len(triangles)):
        if face[t] != known:
            known = face[t]
            first = face_starts[known]
            normal = newell_normal(points[ring_starts[first] : ring_starts[first + 1]])
            normal = unit_vector(normal)
        for i in range(3):
            for j in range(3):
                corners[i, j] = vertices[triangles[t, i], j]
        own = newell_normal(corners)
        if lowest_height(vertices, triangles[t]) < least_height:
            continue
        if own[0] * normal[0] + own[1] * normal[1] + own[2] * normal[2] < least_cosine * length_of(own):
            return True
    return False
