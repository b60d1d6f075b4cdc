"""Attributes of features as a plain frame, their types and texts intact."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pyarrow as pa

FID = "__fid__"
"""Column under which the feature numbers of a file come along."""
_WITH_GAPS = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def plain_frame(table: Any) -> pd.DataFrame:
    """An Arrow table as a frame: whole numbers stay whole beside gaps, lists become JSON texts."""
    from pyarrow import types as kinds

    columns: dict[str, Any] = {}
    for stored_name, column in zip(table.column_names, table.columns, strict=True):
        name = f"{stored_name}_attribute" if stored_name in {"geometry", FID} else stored_name
        if kinds.is_nested(column.type):
            texts = (None if v is None else json.dumps(v, ensure_ascii=False) for v in column.to_pylist())
            columns[name] = pd.Series(list(texts), dtype="object")
        elif kinds.is_string(column.type) or kinds.is_large_string(column.type):
            columns[name] = _sound_texts(column).to_pandas()
        elif column.null_count:
            columns[name] = column.to_pandas(types_mapper=_WITH_GAPS.get)
        else:
            columns[name] = column.to_pandas()
    return pd.DataFrame(columns, index=pd.RangeIndex(len(table)))


def _sound_texts(column: Any) -> Any:
    """The texts with what is no UTF-8 replaced; a full field of a Shapefile may end in half a character."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        raw = column.cast(pa.binary()).to_pylist()
        texts = (None if b is None else b.decode("utf-8", errors="replace").rstrip("\ufffd") for b in raw)
        return pa.array(list(texts), pa.string())
    return column
