"""CityJSON geometries to solids and open surfaces, with every index checked."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import InputError
from twin.core.mesh import Solid, Surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.city.cityjson_vertices import VertexTable
    from twin.core.notices import Notices

NESTING = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}
"""How many lists stand around the list of faces."""
_KINDS = {
    "GroundSurface": Surface.GROUND,
    "OuterCeilingSurface": Surface.GROUND,
    "RoofSurface": Surface.ROOF,
    "OuterFloorSurface": Surface.ROOF,
}
_UPRIGHT = 0.1
"""Vertical component of a unit normal below which a face without a meaning counts as wall: 6 degrees."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Faces of one geometry, and whether their file calls them a solid.

    Parameters
    ----------
    faces : Solid
        Corners and kinds.
    is_solid : bool
        False for the faces of a surface.
    values : dict
        Numbers told of each face, NaN where none is.
    """

    faces: Solid
    is_solid: bool
    values: dict[str, NDArray[np.float64]]


def decode_geometry(
    geometry: dict[str, Any], vertices: VertexTable, *, where: str, subject: str, notices: Notices
) -> list[Shape]:
    """The shapes of one CityJSON geometry; points, lines and unknown types give none.

    Parameters
    ----------
    geometry : dict
        A parsed member of ``geometry`` or of ``templates``.
    vertices : VertexTable
        What its boundaries refer to.
    where, subject : str
        File and object, and the object's id, for messages.
    notices : Notices
        Told of cavities and broken faces that were left out.

    Raises
    ------
    InputError
        If a boundary is not nested as its type wants, or refers to a vertex that is not there.
    """
    kind = geometry.get("type")
    if kind not in NESTING:
        return []
    depth = NESTING[kind]
    told = geometry.get("semantics")
    semantics = told if isinstance(told, dict) else {}
    solids = _at_depth(geometry.get("boundaries"), semantics.get("values"), depth, where=where)
    shapes = []
    for shells, values in solids:
        if len(shells) > 1:
            notices.add("cavity", f"{where}: {len(shells) - 1} inner shells were left out", subject=subject)
        if not shells:
            continue
        faces, kept, n_faces = _decode_shell(shells[0], vertices, where)
        if len(kept) < n_faces:
            lost = f"{where}: {n_faces - len(kept)} faces of fewer than 3 corners were left out"
            notices.add("broken-face", lost, subject=subject)
        if not kept:
            continue
        meanings = _surfaces_of_faces(semantics, values, n_faces)
        if None in meanings:
            told = f"{where}: {meanings.count(None)} faces name no surface of the list; their slope decided"
            notices.add("semantics", told, subject=subject)
        chosen = [meanings[f] or {} for f in kept]
        faces = dataclasses.replace(faces, surface=_kinds(chosen, faces))
        shapes.append(Shape(faces, depth > 0, _numbers(chosen)))
    return shapes


def _at_depth(boundaries: Any, values: Any, depth: int, *, where: str) -> list[tuple[list[Any], Any]]:
    """Pairs of the shells of a solid and the meanings of its outer shell; a surface is one shell."""
    if not isinstance(boundaries, list):
        raise InputError(where, "a geometry has no list of boundaries", "check the writer of the file")
    if depth == 0:
        return [([boundaries], values)]
    solids = [boundaries] if depth == 1 else boundaries
    meanings = [values] if depth == 1 else values
    if not isinstance(meanings, list):
        meanings = []
    rows = itertools.zip_longest(solids, meanings[: len(solids)])
    return [(_list(shells, where), v[0] if isinstance(v, list) and v else None) for shells, v in rows]


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(
            where, "boundaries are not nested as their type wants", "check the writer of the file"
        )
    return value


def _decode_shell(shell: Any, vertices: VertexTable, where: str) -> tuple[Solid, list[int], int]:
    """Faces of a shell without their kinds, which faces of the file these are, and how many the file has."""
    corners, ring_starts, face_starts = _flatten(shell, where)
    n = len(vertices.xyz)
    if len(corners) and not 0 <= int(corners.min()) <= int(corners.max()) < n:
        wrong = int(corners.max() if corners.max() >= n else corners.min())
        what = f"refers to vertex {wrong}, but there are {n} vertices, counted from 0"
        raise InputError(where, what, "the file was cut or edited by hand; fetch it again")
    corners = vertices.first[corners]
    faces, kept = _clean_rings(corners.tolist(), ring_starts, face_starts)
    return _assemble(vertices.xyz, faces), kept, len(face_starts) - 1


def _flatten(shell: Any, where: str) -> tuple[NDArray[np.int64], list[int], list[int]]:
    """Corners, ring starts and face starts of nested lists."""
    try:
        rings = [ring for face in shell for ring in face]
        face_starts = [0, *itertools.accumulate(len(face) for face in shell)]
        ring_starts = [0, *itertools.accumulate(map(len, rings))]
        corners = np.array(list(itertools.chain.from_iterable(rings)))
    except (TypeError, ValueError, OverflowError) as error:
        what = "boundaries are not nested as their type wants"
        raise InputError(where, what, "check the writer of the file") from error
    if (len(corners) and corners.dtype.kind != "i") or corners.ndim != 1:
        raise InputError(where, "a vertex index is not a whole number", "check the writer of the file")
    return corners.astype(np.int64), ring_starts, face_starts


def _clean_rings(
    corners: list[int], ring_starts: list[int], face_starts: list[int]
) -> tuple[list[list[list[int]]], list[int]]:
    """Faces of rings without a corner twice in a row, and which faces kept an outer ring."""
    faces, kept = [], []
    for f, (first, last) in enumerate(itertools.pairwise(face_starts)):
        rings = [_open_ring(corners[ring_starts[r] : ring_starts[r + 1]]) for r in range(first, last)]
        if rings and len(rings[0]) >= 3:
            faces.append([ring for ring in rings if len(ring) >= 3])
            kept.append(f)
    return faces, kept


def _open_ring(ring: list[int]) -> list[int]:
    return [v for i, v in enumerate(ring) if v != ring[i - 1]]


def _assemble(points: NDArray[np.float64], faces: list[list[list[int]]]) -> Solid:
    rings = [ring for face in faces for ring in face]
    flat = np.array(list(itertools.chain.from_iterable(rings)), dtype=np.int64)
    used, corners = np.unique(flat, return_inverse=True)
    return Solid(
        points[used],
        corners.astype(np.int32),
        np.array([0, *itertools.accumulate(map(len, rings))], dtype=np.int32),
        np.array([0, *itertools.accumulate(map(len, faces))], dtype=np.int32),
        np.zeros(len(faces), dtype=np.uint8),
    )


def _surfaces_of_faces(semantics: dict[str, Any], meanings: Any, n_faces: int) -> list[dict[str, Any] | None]:
    """The semantic surface of each face: empty where the file tells none, None where what it tells is not there."""
    surfaces = semantics.get("surfaces")
    if not isinstance(surfaces, list) or not isinstance(meanings, list):
        return [{}] * n_faces
    found: list[dict[str, Any] | None] = []
    for i in meanings[:n_faces]:
        known = isinstance(i, int) and 0 <= i < len(surfaces) and isinstance(surfaces[i], dict)
        found.append({} if i is None else surfaces[i] if known else None)
    return found + [None] * (n_faces - len(found))


def _kinds(surfaces: list[dict[str, Any]], solid: Solid) -> NDArray[np.uint8]:
    kinds = [_kind(s) for s in surfaces]
    for f, kind in enumerate(kinds):
        if kind is None:
            kinds[f] = kind_by_slope(solid, f)
    return np.array(kinds, dtype=np.uint8)


def _kind(surface: dict[str, Any]) -> Surface | None:
    name = surface.get("type")
    if name == "WallSurface":
        return Surface.INNER_WALL if surface.get("on_footprint_edge") is False else Surface.WALL
    return _KINDS.get(name) if isinstance(name, str) else None


def kind_by_slope(solid: Solid, face: int) -> Surface:
    """What a face without a meaning must be: upright a wall, facing down ground, else roof."""
    normal = newell_normal(solid.vertices[solid.rings(face)[0]])
    length = float(np.linalg.norm(normal))
    upward = normal[2] / length if length else 0.0
    if abs(upward) <= _UPRIGHT:
        return Surface.WALL
    return Surface.ROOF if upward > 0 else Surface.GROUND


def newell_normal(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normal of a ring, as long as twice its area, by Newell's method."""
    p = ring - ring[0]
    q = np.concatenate([p[1:], p[:1]])
    x, y, z = p.T
    u, v, w = q.T
    return np.array([y @ w - z @ v, z @ u - x @ w, x @ v - y @ u])


def _numbers(surfaces: list[dict[str, Any]]) -> dict[str, NDArray[np.float64]]:
    """Numbers that the semantic surfaces carry, by name."""
    names = {k: None for s in surfaces for k, v in s.items() if _is_number(v)}
    return {k: np.array([s[k] if _is_number(s.get(k)) else np.nan for s in surfaces]) for k in names}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
