"""A city as one GLB file: glTF 2.0 in its binary form.

Coordinates are metres from a whole-metre local origin, which the asset's `extras` tell together with the CRS. A node
turns the z axis up into glTF's y. Every vertex knows its building (EXT_mesh_features), and a table holds the buildings'
attributes (EXT_structural_metadata); a program that knows neither still shows the city.

References
----------
Khronos Group (2021), glTF 2.0 specification, ISO/IEC 12113:2022.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import LimitError, StorageError
from twin.core.files import atomic_path
from twin.outputs.columns import typed_column
from twin.outputs.flat_mesh import all_parts
from twin.outputs.gltf_buffer import GltfBuffer
from twin.outputs.gltf_meshes import Materials, building_chunks, part_mesh
from twin.outputs.gltf_metadata import structural_metadata
from twin.outputs.verify import require_same

if TYPE_CHECKING:
    from pathlib import Path

    from twin.outputs.export_content import ExportContent
    from twin.outputs.placement import Placement

_Z_UP_TO_Y_UP = [1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1]
_MAX_BYTES = 2**32 - 1
_MAX_FEATURES = 2**24
"""Feature numbers are floats of 24 bits, since a vertex attribute has no 32-bit integers."""
_HEADER = struct.Struct("<4sII")
_CHUNK = struct.Struct("<I4s")


@dataclass(frozen=True, slots=True)
class GlbCounts:
    """What a GLB holds, as read back from it.

    Parameters
    ----------
    n_features : int
        Rows of the building table.
    n_triangles : int
        Of all primitives.
    n_bytes : int
        Of the file.
    """

    n_features: int
    n_triangles: int
    n_bytes: int


def write_glb(
    path: Path | str, content: ExportContent, *, place: Placement | None = None, force: bool = False
) -> GlbCounts:
    """Write a city as GLB, read it back, and only then give it its name.

    Parameters
    ----------
    path : path
        Where the file shall lie.
    content : ExportContent
        The city.
    place : Placement, optional
        Puts the model on a table; true size at its local origin without.
    force : bool
        Whether an existing file may be replaced.

    Returns
    -------
    GlbCounts
        As read back.

    Raises
    ------
    OutputExistsError
        If the file exists and `force` is false.
    LimitError
        If the city is larger than a GLB can be (4 GiB, or 16.7 million buildings).
    StorageError
        If the disk is full or fails, or the file does not read back as it was written.
    """
    document, buffer = encode_gltf(content, place=place)
    n_triangles = len(content.buildings.triangles) + sum(len(p.mesh.triangles) for p in all_parts(content))
    with atomic_path(path, force=force) as temporary:
        _write_chunks(temporary, document, buffer, path)
        counts = read_glb_counts(temporary)
        written = {"buildings": len(content.building_ids), "triangles": n_triangles}
        require_same(path, written, {"buildings": counts.n_features, "triangles": counts.n_triangles})
    return counts


def encode_gltf(
    content: ExportContent, *, place: Placement | None = None
) -> tuple[dict[str, Any], GltfBuffer]:
    """The JSON and the binary side of a city.

    Raises
    ------
    LimitError
        If there are more buildings than feature numbers.
    """
    if len(content.building_ids) > _MAX_FEATURES:
        what = f"{len(content.building_ids):,} buildings, a GLB can number {_MAX_FEATURES:,}"
        raise LimitError(content.name, what, "export a part of the city, or CityJSONSeq")
    buffer, materials = GltfBuffer(), Materials(content.colours)
    with_table = bool(content.building_ids)
    chunks = list(building_chunks(content, buffer, materials, with_table=with_table))
    meshes = [*chunks, *(part_mesh(p, content.origin, buffer, materials) for p in all_parts(content))]
    extensions: dict[str, Any] = {}
    if with_table:
        extensions["EXT_structural_metadata"] = structural_metadata(_columns(content), buffer)
    document: dict[str, Any] = {
        "asset": _asset(content, place),
        **_nodes(content, meshes, len(chunks), place),
    }
    used = [*(["EXT_mesh_features"] if chunks else []), *extensions]
    if used:
        document["extensionsUsed"] = used
    if extensions:
        document["extensions"] = extensions
    lists = {
        "meshes": meshes,
        "materials": materials.as_json,
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
    }
    document |= {key: value for key, value in lists.items() if value}
    if buffer.n_bytes:
        document["buffers"] = [{"byteLength": buffer.n_bytes}]
    return document, buffer


def _asset(content: ExportContent, place: Placement | None) -> dict[str, Any]:
    asset: dict[str, Any] = {"version": "2.0", "generator": "twin"}
    if content.attribution:
        asset["copyright"] = "; ".join(content.attribution)
    asset["extras"] = {
        "crs": content.crs,
        "origin": list(content.origin),
        "name": content.name,
        "unit": "metre",
    }
    if place is not None:
        asset["extras"] |= {"scale": place.factor, "middle": list(place.origin)}
    return asset


def _nodes(
    content: ExportContent, meshes: list[dict[str, Any]], n_chunks: int, place: Placement | None
) -> dict[str, Any]:
    """A root that turns z up, a node that gathers the chunks of buildings, and one node for each mesh."""
    nodes: list[dict[str, Any]] = [{"name": content.name, "matrix": _root_matrix(content, place)}]
    leaves = [{"name": mesh["name"], "mesh": i} for i, mesh in enumerate(meshes)]
    if n_chunks:
        nodes.append({"name": "buildings", "children": list(range(2, 2 + n_chunks))})
    first_part = len(nodes) + n_chunks
    children = [*([1] if n_chunks else []), *range(first_part, first_part + len(meshes) - n_chunks)]
    if children:
        nodes[0]["children"] = children
    return {"scene": 0, "scenes": [{"name": content.name, "nodes": [0]}], "nodes": nodes + leaves}


def _root_matrix(content: ExportContent, place: Placement | None) -> list[float]:
    """Column by column: z up to y up, and onto the table."""
    turn = np.array(_Z_UP_TO_Y_UP, dtype=np.float64).reshape(4, 4).T
    if place is None:
        return list(_Z_UP_TO_Y_UP)
    move = np.eye(4)
    move[:3, :3] *= place.factor
    move[:3, 3] = (np.asarray(content.origin) - np.asarray(place.origin)) * place.factor
    return [float(v) for v in (turn @ move).T.ravel()]


def _columns(content: ExportContent) -> list[Any]:
    ids = typed_column("id", list(content.building_ids))
    others = [typed_column(name, values) for name, values in content.attributes.items() if name != "id"]
    return [ids, *others]


def _write_chunks(temporary: Path, document: dict[str, Any], buffer: GltfBuffer, path: Path | str) -> None:
    told = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = told.encode("utf-8", errors="replace")
    text += b" " * (-len(text) % 4)
    n_bytes = _HEADER.size + _CHUNK.size + len(text) + (_CHUNK.size + buffer.n_bytes if buffer.n_bytes else 0)
    if n_bytes > _MAX_BYTES:
        what = f"{n_bytes / 2**30:.1f} GiB, a GLB can hold 4"
        raise LimitError(path, what, "export a part of the city, or CityJSONSeq")
    with temporary.open("wb") as out:
        out.write(_HEADER.pack(b"glTF", 2, n_bytes))
        out.write(_CHUNK.pack(len(text), b"JSON"))
        out.write(text)
        if buffer.n_bytes:
            out.write(_CHUNK.pack(buffer.n_bytes, b"BIN\0"))
            out.writelines(buffer.chunks)


def read_glb_counts(path: Path) -> GlbCounts:
    """What a GLB holds, with every length checked against the file.

    Raises
    ------
    StorageError
        If a length or an accessor reaches past the end of the file.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        magic, version, told = _HEADER.unpack(handle.read(_HEADER.size).ljust(_HEADER.size, b"\0"))
        n_text, kind = _CHUNK.unpack(handle.read(_CHUNK.size).ljust(_CHUNK.size, b"\0"))
        if (magic, version, kind) != (b"glTF", 2, b"JSON") or told != size or n_text > size:
            raise StorageError(
                path, f"{told} bytes were written but {size} lie on the disk", "check the disk"
            )
        document = json.loads(handle.read(n_text))
        rest = handle.read(_CHUNK.size)
        n_binary = _CHUNK.unpack(rest)[0] if rest else 0
        if handle.tell() + n_binary != size:
            raise StorageError(path, "the binary part is cut off", "check the disk and run again")
    views, accessors = document.get("bufferViews", []), document.get("accessors", [])
    ends = np.array([v["byteOffset"] + v["byteLength"] for v in views] or [0])
    if int(ends.max()) > n_binary:
        raise StorageError(path, "a view reaches past the end of the file", "check the disk and run again")
    primitives = [p for mesh in document.get("meshes", []) for p in mesh["primitives"]]
    tables = document.get("extensions", {}).get("EXT_structural_metadata", {}).get("propertyTables", [])
    n_triangles = sum(accessors[p["indices"]]["count"] for p in primitives) // 3
    return GlbCounts(sum(t["count"] for t in tables), n_triangles, size)
