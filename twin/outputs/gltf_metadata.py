"""Attributes of buildings as the property table of a glTF.

References
----------
EXT_structural_metadata and the 3D Metadata Specification, binary table format (Cesium, OGC 22-025r4).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.outputs.columns import Column, ColumnKind, unique_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.outputs.gltf_buffer import GltfBuffer

CLASS = "building"
_TRUTH = "truth"
_UNKNOWN = 2
_MISSING_TEXTS = ("", "null", "n/a", "(missing)", "\u0000")
_LEAST_REAL = -1.7976931348623157e308


def structural_metadata(columns: Sequence[Column], buffer: GltfBuffer) -> dict[str, Any]:
    """The extension object for one table, whose values are appended to `buffer`.

    A missing value is told by a `noData` that no sound value equals. Truth values cannot have one, so a column of them
    with gaps becomes an enumeration of false, true and unknown.
    """
    ids = property_ids([c.name for c in columns])
    properties, values = {}, {}
    enums: dict[str, Any] = {}
    for id_, column in zip(ids, columns, strict=True):
        told, placed = _encode(column, buffer)
        properties[id_] = {"name": column.name, **told}
        if placed:
            values[id_] = placed
        if told["type"] == "ENUM":
            enums[_TRUTH] = _truth_enum()
    schema: dict[str, Any] = {"id": "twin", "classes": {CLASS: {"properties": properties}}}
    if enums:
        schema["enums"] = enums
    table = {"name": "buildings", "class": CLASS, "count": len(columns[0].values), "properties": values}
    return {"schema": schema, "propertyTables": [table]}


def property_ids(names: Sequence[str]) -> list[str]:
    """Identifiers as glTF allows them, one for each name.

    Examples
    --------
    >>> property_ids(["height_m", "roof type", "1st", "지붕", "roof-type"])
    ['height_m', 'roof_type', '_1st', '__', 'roof_type_2']
    """
    plain = [re.sub(r"[^0-9A-Za-z_]", "_", name) or "_" for name in names]
    return unique_names([f"_{p}" if p[0].isdigit() else p for p in plain])


def _truth_enum() -> dict[str, Any]:
    names = ("false", "true", "unknown")
    values = [{"name": name, "value": i} for i, name in enumerate(names)]
    return {"name": "truth value or unknown", "valueType": "UINT8", "values": values}


def _encode(column: Column, buffer: GltfBuffer) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the schema says of a column, and where its values lie; nowhere if it has none."""
    if column.kind is ColumnKind.TEXT:
        told, arrays = _encode_text(column)
    elif column.kind is ColumnKind.BOOLEAN:
        told, arrays = _encode_boolean(column)
    else:
        told, arrays = _encode_number(column)
    if column.missing.all():
        return told, {}
    placed: dict[str, Any] = {key: buffer.add_view(array) for key, array in arrays.items()}
    if "stringOffsets" in placed:
        placed["stringOffsetType"] = "UINT32"
    return told, placed


def _encode_boolean(column: Column) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    if not column.missing.any():
        bits = np.packbits(column.values.astype(bool), bitorder="little")
        return {"type": "BOOLEAN", "required": True}, {"values": bits}
    codes = np.where(column.missing, _UNKNOWN, column.values.astype(np.uint8)).astype(np.uint8)
    return {"type": "ENUM", "enumType": _TRUTH, "noData": "unknown"}, {"values": codes}


def _encode_number(column: Column) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    sound = column.values[~column.missing]
    if column.kind is ColumnKind.REAL:
        kind, least = "FLOAT64", _LEAST_REAL
        values = column.values.astype("<f8")
    else:
        width = 32 if not len(sound) or (sound.min() > -(2**31) and sound.max() < 2**31) else 64
        kind, values = f"INT{width}", column.values.astype(f"<i{width // 8}")
        least = -(2**31) if width == 32 else _free_integer(sound)
    told: dict[str, Any] = {"type": "SCALAR", "componentType": kind}
    if not column.missing.any():
        return {**told, "required": True}, {"values": values}
    values[column.missing] = least
    return {**told, "noData": least}, {"values": values}


def _free_integer(sound: NDArray[np.int64]) -> int:
    """A 64-bit number that JSON readers hold exactly and that the column does not use."""
    return next(-(2**53) + 1 + i for i in range(len(sound) + 1) if -(2**53) + 1 + i not in sound)


def _encode_text(column: Column) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    told: dict[str, Any] = {"type": "STRING"}
    empty = ""
    if column.missing.any():
        used = set(column.values[~column.missing])
        empty = next(
            (t for t in _MISSING_TEXTS if t not in used), "\u0000" * (1 + max(map(len, used), default=0))
        )
        told["noData"] = empty
    else:
        told["required"] = True
    coded = [t.encode("utf-8") for t in np.where(column.missing, empty, column.values).tolist()]
    offsets = np.zeros(len(coded) + 1, dtype="<u4")
    np.cumsum([len(c) for c in coded], out=offsets[1:])
    return told, {"values": np.frombuffer(b"".join(coded), dtype=np.uint8), "stringOffsets": offsets}
