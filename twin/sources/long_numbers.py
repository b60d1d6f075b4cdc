"""Whole numbers too long for the library, brought back as the texts that the file holds.

Ids of nineteen digits and more fit no float; GDAL makes floats of them in GeoJSON and in Shapefiles.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from twin.core.limits import check_limit, limits
from twin.sources.formats import Format
from twin.sources.shapefile import number_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_EXACT_BELOW = 2.0**53


def restore_long_numbers(
    frame: pd.DataFrame, numbers: Sequence[int], *, path: Path, kind: Format, encoding: str | None
) -> pd.DataFrame:
    """The attributes with columns of long whole numbers as texts.

    Parameters
    ----------
    frame : DataFrame
        Attributes of every feature of the file, as GDAL reads them.
    numbers : sequence of int
        The feature numbers.
    path : Path
        The file.
    kind : Format
        Its format; only those that lose digits are looked into.
    encoding : str or None
        Of a Shapefile's column names.
    """
    long = [str(name) for name in frame.columns if _loses_digits(frame[name])]
    if not long or kind not in {Format.SHAPEFILE, Format.GEOJSON}:
        return frame
    if kind is Format.GEOJSON:
        texts = _geojson_texts(path, long, encoding)
    else:
        texts = _shapefile_texts(path, long, numbers, encoding)
    kept = {name: column for name, column in texts.items() if len(column) == len(frame)}
    return frame.assign(**{name: pd.Series(column, dtype=object) for name, column in kept.items()})


def _loses_digits(column: pd.Series) -> bool:
    """Whole numbers that fill a float, or that were cut at the ends of what 64 bits hold."""
    if pd.api.types.is_integer_dtype(column.dtype):
        ends = np.iinfo(np.int64)
        return bool(column.isin([ends.min, ends.max]).any())
    if not pd.api.types.is_float_dtype(column.dtype):
        return False
    values = column.to_numpy(np.float64, na_value=np.nan)
    values = values[np.isfinite(values)]
    return bool(len(values) and (np.abs(values) >= _EXACT_BELOW).any() and (values == np.trunc(values)).all())


def _shapefile_texts(
    path: Path, names: list[str], numbers: Sequence[int], encoding: str | None
) -> dict[str, list[str | None]]:
    found = {name: number_texts(path, name.encode(encoding or "utf-8", errors="replace")) for name in names}
    return {name: [rows[n] or None for n in numbers] for name, rows in found.items() if rows is not None}


def _geojson_texts(path: Path, names: list[str], encoding: str | None) -> dict[str, list[str | None]]:
    check_limit(path, "bytes", path.stat().st_size, limits().max_json_bytes, name="max_json_bytes")
    text = path.read_bytes().decode(encoding or "utf-8-sig")
    features = _features(text)
    return {name: [_text((f.get("properties") or {}).get(name)) for f in features] for name in names}


def _features(text: str) -> list[dict[str, Any]]:
    read = partial(json.loads, parse_float=str, parse_int=str)
    try:
        whole = read(text)
        return list(whole["features"]) if "features" in whole else [whole]
    except ValueError:  # one feature on each line
        lines = (line.strip("\x1e \t\r") for line in text.splitlines())
        return [read(line) for line in lines if line]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
