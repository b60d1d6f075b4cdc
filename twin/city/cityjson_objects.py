"""CityJSON objects to buildings: parts gathered, attributes merged, templates put in place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.building_geometry import BuildingGeometry, ground_footprint
from twin.city.cityjson_closing import closed_solid
from twin.city.cityjson_decode import NESTING, Shape, decode_geometry
from twin.city.cityjson_vertices import VertexTable, read_vertices
from twin.core.errors import InputError
from twin.core.mesh import Solid, Surface

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.building_geometry import Rings
    from twin.city.cityjson_vertices import FileTransform
    from twin.core.notices import Notices

_LOD = re.compile(r"\d(\.\d)?")
_PART = "BuildingPart"


def require_table(value: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    """A member that is an object, or an empty one where it is missing.

    Raises
    ------
    InputError
        If it is something else.
    """
    told = value.get(key)
    if told is None:
        return {}
    if not isinstance(told, dict):
        raise InputError(where, f"{key} is a {type(told).__name__}, not an object", "check the writer")
    return told


@dataclass(slots=True)
class _Gathered:
    """Shapes and attributes of a building and its parts, while they are collected."""

    shapes: dict[str, list[Shape]] = field(default_factory=dict)
    part_attributes: list[dict[str, Any]] = field(default_factory=list)


class ObjectReader:
    """Reads the buildings of one document or of one feature after another."""

    def __init__(
        self,
        path: Path,
        transform: FileTransform | None,
        templates: dict[str, Any],
        notices: Notices,
        *,
        lods: frozenset[str] | None,
    ) -> None:
        self._path, self._transform, self._notices = path, transform, notices
        self._lods = lods
        self._templates = templates.get("templates") or []
        told = templates.get("vertices-templates")
        self._template_vertices = read_vertices(told or [], None, where=f"{path}: geometry-templates")

    def buildings(
        self, value: dict[str, Any], others: Counter[str], *, where: str
    ) -> Iterator[BuildingGeometry]:
        """Buildings among the objects of `value`; other types are counted in `others`."""
        objects = require_table(value, "CityObjects", where)
        for id_, item in objects.items():
            if not isinstance(item, dict):
                raise InputError(where, f"object {id_!r} is no JSON object", "check the writer")
        vertices = read_vertices(value.get("vertices"), self._transform, where=where)
        taken = {
            id_: _members(id_, objects) for id_, item in objects.items() if item.get("type") == "Building"
        }
        claimed = {member for members in taken.values() for member in members}
        for id_, item in objects.items():
            kind = str(item.get("type"))
            if kind == _PART and id_ not in claimed:
                taken[id_] = [id_]
            elif kind not in ("Building", _PART):
                others[kind] += 1
        for id_, members in taken.items():
            yield self._building(id_, members, objects, vertices)

    def _building(
        self, id_: str, members: list[str], objects: dict[str, Any], vertices: VertexTable
    ) -> BuildingGeometry:
        gathered = _Gathered()
        for member in members:
            where = f"{self._path}: object {member}"
            self._gather(objects[member], vertices, gathered, where=where, subject=member)
            if member != id_:
                gathered.part_attributes.append(require_table(objects[member], "attributes", where))
        attributes = self._attributes(objects[id_], gathered.part_attributes, id_)
        if not any(gathered.shapes.values()):
            what = f"{self._path}: building {id_} has no surfaces or solids"
            self._notices.add("no-geometry", what, subject=id_)
        return _assemble(id_, attributes, gathered.shapes, self._notices)

    def _gather(
        self,
        item: dict[str, Any],
        vertices: VertexTable,
        gathered: _Gathered,
        *,
        where: str,
        subject: str,
    ) -> None:
        geometries = item.get("geometry") or []
        if not isinstance(geometries, list) or not all(isinstance(g, dict) for g in geometries):
            raise InputError(where, "geometry is no list of objects", "check the writer of the file")
        for geometry in geometries:
            lod = self._lod(geometry, where)
            if self._lods is None or lod in self._lods or lod.startswith("0"):
                shapes = self._shapes(geometry, vertices, where=where, subject=subject)
                gathered.shapes.setdefault(lod, []).extend(shapes)

    def _shapes(
        self, geometry: dict[str, Any], vertices: VertexTable, *, where: str, subject: str
    ) -> list[Shape]:
        if geometry.get("type") == "GeometryInstance":
            geometry, vertices = self._instance(geometry, vertices, where)
        if geometry.get("type") not in NESTING:
            what = f"{where}: a geometry of type {geometry.get('type')!r} was left out"
            self._notices.add("geometry-type", what, subject=subject)
        return decode_geometry(geometry, vertices, where=where, subject=subject, notices=self._notices)

    def _lod(self, geometry: dict[str, Any], where: str) -> str:
        """The LoD of a geometry; an instance has that of its template."""
        number = geometry.get("template")
        if geometry.get("type") == "GeometryInstance" and isinstance(number, int):
            known = 0 <= number < len(self._templates) and isinstance(self._templates[number], dict)
            geometry = self._templates[number] if known else {"lod": "2"}
        return _lod_text(geometry.get("lod"), where)

    def _instance(
        self, geometry: dict[str, Any], vertices: VertexTable, where: str
    ) -> tuple[dict[str, Any], VertexTable]:
        """The template of an instance, and its vertices where the instance stands."""
        try:
            number, (anchor,) = geometry["template"], geometry["boundaries"]
            matrix = np.array(geometry["transformationMatrix"], dtype=np.float64).reshape(4, 4)
            if number < 0 or anchor < 0 or not np.isfinite(matrix).all():
                raise IndexError
            template, point = self._templates[number], vertices.xyz[anchor]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            what = "an instance does not name a template, a vertex and a matrix of 16 numbers that are there"
            raise InputError(where, what, "check the writer of the file") from error
        if not isinstance(template, dict):
            raise InputError(where, f"template {number} is no geometry", "check the writer of the file")
        own = self._template_vertices
        placed = np.column_stack([own.xyz, np.ones(len(own.xyz))]) @ matrix.T
        return template, VertexTable(placed[:, :3] + point, own.first)

    def _attributes(self, item: dict[str, Any], parts: list[dict[str, Any]], id_: str) -> dict[str, Any]:
        """A building's own attributes, and those of its parts that it lacks and they agree on."""
        where = f"{self._path}: object {id_}"
        attributes = dict(require_table(item, "attributes", where))
        names = {name: None for part in parts for name in part if name not in attributes}
        differing = []
        for name in names:
            values = [part[name] for part in parts if name in part]
            if all(v == values[0] for v in values):
                attributes[name] = values[0]
            else:
                differing.append(str(name))
        if differing:
            told = f"{where}: its parts differ in {', '.join(differing)}, which were left out"
            self._notices.add("part-attributes", told, subject=id_)
        address = item.get("address")
        if address and "address" not in attributes:
            attributes["address"] = _without_location(address)
        return attributes


def _members(id_: str, objects: dict[str, Any]) -> list[str]:
    """A building and the parts of it, and of its parts, that the file holds."""
    found, queue = [id_], [id_]
    while queue:
        item = objects[queue.pop(0)]
        children = item.get("children") or item.get("members") or []
        for child in children if isinstance(children, list) else []:
            known = isinstance(child, str) and child in objects and child not in found
            if known and objects[child].get("type") == _PART:
                found.append(child)
                queue.append(child)
    return found


def _without_location(address: Any) -> Any:
    """An address without the point that refers to the file's vertices."""
    rows = address if isinstance(address, list) else [address]
    kept = [{k: v for k, v in row.items() if k != "location"} for row in rows if isinstance(row, dict)]
    return kept if isinstance(address, list) else (kept[0] if kept else address)


def _lod_text(told: Any, where: str) -> str:
    text = f"{told:g}" if isinstance(told, int | float) else str(told)
    if not _LOD.fullmatch(text):
        raise InputError(where, f"a geometry's lod is {told!r}", "an lod is 0 to 4, or refined like 1.2")
    return text


def _assemble(
    id_: str, attributes: dict[str, Any], shapes: dict[str, list[Shape]], notices: Notices
) -> BuildingGeometry:
    solids: dict[str, tuple[Solid, ...]] = {}
    surfaces: dict[str, Solid] = {}
    values: dict[str, dict[str, NDArray[np.float64]]] = {}
    for lod, found in shapes.items():
        if lod.startswith("0") or not found:
            continue
        closed, left = _split(found)
        if left:
            n = sum(shape.faces.n_faces for shape in left)
            told = f"building {id_}: {n} faces at LoD {lod} do not close a solid and stay surfaces"
            notices.add("open-surfaces", told, subject=id_)
            surfaces[lod] = join_faces([shape.faces for shape in left])
        if closed:
            solids[lod] = tuple(shape.faces for shape in closed)
        columns = _join_values([*closed, *left])
        if columns:
            values[lod] = columns
    return BuildingGeometry(id_, attributes, _footprint(shapes), solids, surfaces, values)


def _split(shapes: list[Shape]) -> tuple[list[Shape], list[Shape]]:
    """Shapes that are solids, and those left; surfaces that tell a solid's corners again are in neither."""
    solids = [s for s in shapes if s.is_solid]
    closed, left = list(solids), []
    corners = {tuple(row) for s in solids for row in s.faces.vertices.tolist()}
    for shape in shapes:
        if shape.is_solid or (solids and corners.issuperset(map(tuple, shape.faces.vertices.tolist()))):
            continue
        solid = closed_solid(shape.faces)
        if solid is None:
            left.append(shape)
        else:
            closed.append(Shape(solid, True, shape.values))
    return closed, left


def join_faces(faces: list[Solid]) -> Solid:
    """Faces one after another as one object."""
    if len(faces) == 1:
        return faces[0]
    n_vertices = np.cumsum([0, *(len(f.vertices) for f in faces)])
    n_corners = np.cumsum([0, *(len(f.corners) for f in faces)])
    n_rings = np.cumsum([0, *(len(f.ring_starts) - 1 for f in faces)])
    return Solid(
        np.concatenate([f.vertices for f in faces]),
        np.concatenate([f.corners + n for f, n in zip(faces, n_vertices, strict=False)]).astype(np.int32),
        _join_starts([f.ring_starts for f in faces], n_corners),
        _join_starts([f.face_starts for f in faces], n_rings),
        np.concatenate([f.surface for f in faces]),
    )


def _join_starts(starts: list[NDArray[np.int32]], shifts: NDArray[np.int64]) -> NDArray[np.int32]:
    rows = [s[:-1] + n for s, n in zip(starts, shifts, strict=False)]
    return np.concatenate([*rows, shifts[-1:]]).astype(np.int32)


def _join_values(shapes: list[Shape]) -> dict[str, NDArray[np.float64]]:
    names = {name: None for shape in shapes for name in shape.values}
    return {
        name: np.concatenate([s.values.get(name, np.full(s.faces.n_faces, np.nan)) for s in shapes])
        for name in names
    }


def _footprint(shapes: dict[str, list[Shape]]) -> tuple[Rings, ...]:
    """LoD 0 as the file has it, else the outline of the ground faces of the finest LoD."""
    flat = [lod for lod in sorted(shapes) if lod.startswith("0") and shapes[lod]]
    if flat:
        return tuple(polygon for shape in shapes[flat[0]] for polygon in _polygons(shape.faces))
    upright = [lod for lod in sorted(shapes) if shapes[lod]]
    if not upright:
        return ()
    return ground_footprint(shape.faces for shape in shapes[upright[-1]])


def _polygons(faces: Solid) -> Iterator[Rings]:
    roofs = faces.surface == Surface.ROOF
    for f in range(faces.n_faces):
        if roofs.all() or not roofs[f]:
            yield tuple(faces.vertices[ring] for ring in faces.rings(f))
