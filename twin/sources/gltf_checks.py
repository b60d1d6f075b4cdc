"""A glTF held against its own promises before any of it is loaded: sizes, counts, and that nothing lies elsewhere."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from twin.core.errors import InputError, LimitError, UnsafeInputError
from twin.core.limits import check_limit, limits
from twin.sources.formats import Format
from twin.sources.model_files import check_image, neighbour

if TYPE_CHECKING:
    from pathlib import Path

_REMEDY = "export it again"
_COMPONENT_BYTES = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}
_COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_JSON_CHUNK, _BIN_CHUNK = 0x4E4F534A, 0x004E4942
_DEEPEST = 200
# Geometry that only a decoder of its own makes sense of.
_UNREAD = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_mesh_quantization")
MAX_ELEMENTS = 100_000_000
"""Vertices or indices of one accessor."""


@dataclass(frozen=True, slots=True)
class Gltf:
    """The JSON of a glTF and the bytes of its buffers.

    Parameters
    ----------
    path : Path
        The file.
    tree : dict
        Its JSON.
    buffers : list of bytes
        One for each entry of ``buffers``.
    """

    path: Path
    tree: dict[str, Any]
    buffers: list[bytes]


def check_gltf(path: Path, kind: Format) -> Gltf:
    """Open a GLB or glTF and refuse what does not hold.

    Raises
    ------
    InputError
        If it is truncated, no JSON, or compressed in a way that is not read.
    UnsafeInputError
        If a buffer or picture is fetched from an address or lies outside the file's folder.
    LimitError
        If an accessor counts more than its buffer holds, or a picture has too many pixels.
    """
    text, binary = _chunks(path) if kind is Format.GLB else (_whole(path), None)
    tree = _tree(path, text)
    _refuse_unread(path, tree)
    checked = Gltf(path, tree, [])
    for i, entry in enumerate(_entries(checked, "buffers")):
        checked.buffers.append(_buffer(checked, i, entry, binary))
    try:
        _check_views(checked)
        for i, accessor in enumerate(_entries(checked, "accessors")):
            _check_accessor(checked, i, accessor)
        _check_images(checked)
        _check_nodes(checked)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, InputError | UnsafeInputError):
            raise
        raise InputError(path, f"is no sound glTF ({type(error).__name__}: {error})", _REMEDY) from error
    return checked


def _whole(path: Path) -> bytes:
    check_limit(path, "bytes of JSON", path.stat().st_size, limits().max_json_bytes, name="max_json_bytes")
    return path.read_bytes()


def _chunks(path: Path) -> tuple[bytes, bytes | None]:
    """The JSON and the binary part of a GLB."""
    data = path.read_bytes()
    if len(data) < 20:
        raise InputError(path, f"is truncated: {len(data)} bytes", "fetch or export it again")
    _, version, promised = struct.unpack_from("<4sII", data)
    if version != 2:
        raise InputError(path, f"is glTF of version {version}; 2 is read", "export it as glTF 2.0")
    if promised > len(data):
        raise InputError(
            path,
            f"is truncated: its header promises {promised} bytes, the file holds {len(data)}",
            "fetch it again",
        )
    parts: dict[int, bytes] = {}
    at = 12
    while at + 8 <= promised:
        n_bytes, kind = struct.unpack_from("<II", data, at)
        if at + 8 + n_bytes > promised:
            raise InputError(path, f"is truncated: a chunk of {n_bytes} bytes at byte {at}", "fetch it again")
        parts.setdefault(kind, data[at + 8 : at + 8 + n_bytes])
        at += 8 + n_bytes
    if _JSON_CHUNK not in parts:
        raise InputError(path, "holds no JSON", _REMEDY)
    return parts[_JSON_CHUNK], parts.get(_BIN_CHUNK)


def _tree(path: Path, text: bytes) -> dict[str, Any]:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(path, f"holds no valid JSON ({error})", "fetch or export it again") from error
    if not isinstance(tree, dict):
        raise InputError(path, "is no glTF: its JSON is not an object", _REMEDY)
    return tree


def _entries(gltf: Gltf, name: str) -> list[dict[str, Any]]:
    entries = gltf.tree.get(name) or []
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise InputError(gltf.path, f"is no sound glTF: {name} is not a list of objects", _REMEDY)
    return entries


def _refuse_unread(path: Path, tree: dict[str, Any]) -> None:
    required = tree.get("extensionsRequired") or []
    unread = [name for name in _UNREAD if name in required]
    if unread:
        raise InputError(path, f"is compressed by {', '.join(unread)}", "export it without compression")


def _buffer(gltf: Gltf, number: int, entry: dict[str, Any], binary: bytes | None) -> bytes:
    uri = entry.get("uri")
    if uri is None:
        data = binary or b""
    elif str(uri).startswith("data:"):
        data = _data_uri(gltf.path, str(uri))
    else:
        data = neighbour(gltf.path, unquote(str(uri))).read_bytes()
    promised = entry.get("byteLength")
    if not isinstance(promised, int) or not 0 <= promised <= len(data):
        raise InputError(
            gltf.path,
            f"is truncated: buffer {number} promises {promised} bytes, {len(data)} are there",
            "fetch or export it again, with all of its files",
        )
    return data


def _data_uri(path: Path, uri: str) -> bytes:
    head, _, body = uri.partition(",")
    try:
        return base64.b64decode(body, validate=True) if head.endswith(";base64") else unquote(body).encode()
    except (binascii.Error, ValueError) as error:
        raise InputError(path, f"holds a damaged data address ({error})", _REMEDY) from error


def _check_views(gltf: Gltf) -> None:
    for i, view in enumerate(_entries(gltf, "bufferViews")):
        start, n_bytes = view.get("byteOffset", 0), view["byteLength"]
        there = len(gltf.buffers[view["buffer"]])
        if min(start, n_bytes) < 0 or start + n_bytes > there:
            raise InputError(
                gltf.path, f"buffer view {i} ends at byte {start + n_bytes} of {there} (truncated?)", _REMEDY
            )


def _check_accessor(gltf: Gltf, number: int, accessor: dict[str, Any]) -> None:
    count = accessor["count"]
    if not isinstance(count, int) or count < 0:
        raise InputError(gltf.path, f"accessor {number} counts {count!r} elements", _REMEDY)
    element = _COMPONENT_BYTES[accessor["componentType"]] * _COMPONENTS[accessor["type"]]
    check_limit(gltf.path, f"elements in accessor {number}", count, MAX_ELEMENTS)
    if "bufferView" not in accessor:
        return
    view = gltf.tree["bufferViews"][accessor["bufferView"]]
    stride = view.get("byteStride") or element
    wanted = accessor.get("byteOffset", 0) + (max(count, 1) - 1) * stride + element * (count > 0)
    if wanted > view["byteLength"]:
        raise LimitError(
            gltf.path,
            f"accessor {number} counts {count:,} elements ({wanted:,} bytes), its buffer view holds "
            f"{view['byteLength']:,}",
            _REMEDY,
        )


def _check_images(gltf: Gltf) -> None:
    for i, image in enumerate(_entries(gltf, "images")):
        where, uri = f"image {i}", image.get("uri")
        if uri is None:
            view = gltf.tree["bufferViews"][image["bufferView"]]
            start = view.get("byteOffset", 0)
            data = gltf.buffers[view["buffer"]][start : start + view["byteLength"]]
        elif str(uri).startswith("data:"):
            data = _data_uri(gltf.path, str(uri))
        else:
            data = neighbour(gltf.path, unquote(str(uri))).read_bytes()
        check_image(gltf.path, data, name=where)


def _check_nodes(gltf: Gltf) -> None:
    """A forest: no node is its own ancestor, none has two parents, and none lies too deep."""
    children = [list(node.get("children") or []) for node in _entries(gltf, "nodes")]
    listed = [child for group in children for child in group]
    if len(listed) != len(set(listed)):
        raise InputError(gltf.path, "has a node with two parents", _REMEDY)
    level = [i for i in range(len(children)) if i not in set(listed)]
    seen = len(level)
    for _ in range(_DEEPEST):
        level = [child for node in level for child in children[node]]
        seen += len(level)
        if not level:
            break
    if seen < len(children) or level:
        raise InputError(gltf.path, "has nodes that are their own ancestors or lie too deep", _REMEDY)
