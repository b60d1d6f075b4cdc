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
_LEAST_SINGLE = -3.4028234663852886e38
_MOST_KINDS = 64
_LEAST_USE = 4
"""A text is worth a number of its own where it comes so often, on the mean."""
_MISSING_KINDS = ("null", "n/a", "(missing)", *(f"(missing {i})" for i in range(_MOST_KINDS)))


def structural_metadata(columns: Sequence[Column], buffer: GltfBuffer) -> dict[str, Any]:
    """The extension object for one table, whose values are appended to `buffer`.

    A missing value is told by a `noData` that no sound value equals. Truth values cannot have one, so a column of them
    with gaps becomes an enumeration of false, true and unknown.
    """
    ids = property_ids([c.name for c in columns])
    properties, values = {}, {}
    enums: dict[str, Any] = {}
    for id_, column in zip(ids, columns, strict=True):
        enum = _kinds_of(column)
        told, placed = _encode(column, buffer) if enum is None else _encode_kinds(id_, column, enum, buffer)
        properties[id_] = {"name": column.name, **told}
        if placed:
            values[id_] = placed
        if enum is not None:
            enums[id_] = _enumeration(column.name, enum)
        elif told["type"] == "ENUM":
            enums[_TRUTH] = _enumeration("truth value or unknown", ("false", "true", "unknown"))
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


def _enumeration(name: str, names: Sequence[str]) -> dict[str, Any]:
    values = [{"name": text, "value": i} for i, text in enumerate(names)]
    return {"name": name, "valueType": "UINT8", "values": values}


def _kinds_of(column: Column) -> tuple[str, ...] | None:
    """Texts of a column that has few of them, what stands for none last; None for other columns.

    A number for each building then takes a byte where the text would take ten.
    """
    if column.kind is not ColumnKind.TEXT or column.missing.all():
        return None
    if len(set(column.values[:1000].tolist())) > _MOST_KINDS + 1:
        return None  # such as ids: no need to look at all of them
    has_gaps = bool(column.missing.any())
    kinds = tuple(sorted(set((column.values[~column.missing] if has_gaps else column.values).tolist())))
    if len(kinds) > _MOST_KINDS or len(column.values) < _LEAST_USE * len(kinds):
        return None
    if "" in kinds or not has_gaps:
        return None if "" in kinds else kinds
    return (*kinds, next(t for t in _MISSING_KINDS if t not in kinds))


def _encode_kinds(
    id_: str, column: Column, kinds: tuple[str, ...], buffer: GltfBuffer
) -> tuple[dict[str, Any], dict[str, Any]]:
    number = {text: i for i, text in enumerate(kinds)}
    has_gaps = bool(column.missing.any())
    texts = (np.where(column.missing, kinds[-1], column.values) if has_gaps else column.values).tolist()
    codes = np.fromiter(map(number.__getitem__, texts), np.uint8, len(texts))
    told: dict[str, Any] = {"type": "ENUM", "enumType": id_}
    told |= {"noData": kinds[-1]} if has_gaps else {"required": True}
    return told, {"values": buffer.add_view(codes)}


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
        with np.errstate(over="ignore"):
            is_single = bool((sound.astype("<f4") == sound).all())
        kind, least = ("FLOAT32", _LEAST_SINGLE) if is_single else ("FLOAT64", _LEAST_REAL)
        values = np.where(column.missing, 0.0, column.values).astype("<f4" if is_single else "<f8")
    else:
        low, high = (int(sound.min()), int(sound.max())) if len(sound) else (0, 0)
        width = next((w for w in (8, 16, 32) if low > -(2 ** (w - 1)) and high < 2 ** (w - 1)), 64)
        kind, values = f"INT{width}", np.where(column.missing, 0, column.values).astype(f"<i{width // 8}")
        least = -(2 ** (width - 1)) if width < 64 else _free_integer(sound)
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
