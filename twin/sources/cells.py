"""Cells of a table as typed columns: whole numbers, numbers with either decimal mark, dates, and texts as written."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from twin.sources.footprint_ids import exact_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from twin.core.notices import Notices

_MISSING = {"", "na", "n/a", "nan", "null", "none", "-"}
_WHOLE = re.compile(r"[-+]?(0|[1-9]\d*)")
_POINT = re.compile(r"[-+]?\d*\.?\d+([eE][-+]?\d+)?|[-+]?\d+\.")
_COMMA = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")
_COMMA_GROUPED = re.compile(r"[-+]?\d{1,3}(\.\d{3})+,\d+")
_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{3})+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[-+]\d{2}:?\d{2})?)?")

DecimalMark = Literal[".", ","]


def column_names(cells: Sequence[Any]) -> list[str]:
    """Names as written, numbered where they are empty or repeated."""
    names: list[str] = []
    for i, cell in enumerate(cells, 1):
        plain = str(cell).strip() if cell is not None else ""
        wanted = plain or f"column {i}"
        name, n = wanted, 2
        while name in names:
            name, n = f"{wanted} {n}", n + 1
        names.append(name)
    return names


def decimal_mark(columns: list[list[str]], delimiter: str) -> DecimalMark | None:
    """The decimal mark of the whole file, None where its numbers leave it open."""
    if delimiter == ",":
        return "."
    marks: Counter[DecimalMark] = Counter()
    for column in columns:
        cells = [c for c in map(str.strip, column) if c.lower() not in _MISSING]
        if not cells:
            continue
        if all(_COMMA.fullmatch(c) or _COMMA_GROUPED.fullmatch(c) or _WHOLE.fullmatch(c) for c in cells):
            marks[","] += any("," in c and not _GROUPED.fullmatch(c) for c in cells)
        elif all(_POINT.fullmatch(c) or _GROUPED.fullmatch(c) for c in cells):
            marks["."] += any("." in c for c in cells)
    if marks[","] and not marks["."]:
        return ","
    return "." if marks["."] and not marks[","] else None


def typed_texts(
    column: list[str], mark: DecimalMark | None, name: str, path: Path, notices: Notices
) -> pd.Series:
    """A column of texts as whole numbers, numbers, dates, or as it stands.

    Parameters
    ----------
    column : list of str
        As in the file.
    mark : {".", ","} or None
        The decimal mark; None where the file leaves it open.
    name, path
        Column and file, for messages.
    notices : Notices
        Is told where a comma may be either a decimal mark or a group of thousands.
    """
    cells = [None if c.strip().lower() in _MISSING else c.strip() for c in column]
    there = [c for c in cells if c is not None]
    if there and all(map(_WHOLE.fullmatch, there)):
        return _whole_numbers(cells)
    if there and all(map(_GROUPED.fullmatch, there)) and mark is None:
        notices.add(
            "ambiguous-numbers",
            f"{path}: numbers of column {name} such as {there[0]!r} have either a decimal comma or groups of thousands"
            "; they stay text",
            subject=name,
        )
        return pd.Series(cells, dtype=object)
    numbers = [None if c is None else _number(c, mark) for c in cells]
    if there and not any(n is None and c is not None for n, c in zip(numbers, cells, strict=True)):
        return pd.Series([np.nan if n is None else n for n in numbers], dtype=np.float64)
    if there and all(map(_DATE.fullmatch, there)):
        return pd.to_datetime(pd.Series(cells, dtype=object), format="ISO8601", errors="coerce", utc=True)
    # As written, blanks and all: it may be an id.
    return pd.Series([None if c is None else raw for c, raw in zip(cells, column, strict=True)], dtype=object)


def _whole_numbers(cells: list[str | None]) -> pd.Series:
    values = [None if c is None else int(c) for c in cells]
    if all(v is None or abs(v) < 2**63 for v in values):
        return pd.Series(pd.array(values, dtype="Int64"))
    return pd.Series(cells, dtype=object)


def _number(cell: str, mark: DecimalMark | None) -> float | None:
    """The number of a cell, None where it is none, or where leading zeros say that it is an id."""
    if re.match(r"[-+]?0\d", cell):
        return None
    if _POINT.fullmatch(cell) and mark != ",":
        return float(cell)
    if mark == "." and _GROUPED.fullmatch(cell):
        return float(cell.replace(",", ""))
    if mark == "," and (number := comma_number(cell)):
        return float(number)
    return None


def comma_number(cell: str) -> str | None:
    """A number with a decimal comma, or a whole one, as it is written with a point; None where it is none.

    >>> comma_number("1.234,5"), comma_number("-7"), comma_number("12.5")
    ('1234.5', '-7', None)
    """
    if _COMMA.fullmatch(cell) or _COMMA_GROUPED.fullmatch(cell) or _WHOLE.fullmatch(cell):
        return cell.replace(".", "").replace(",", ".")
    return None


def is_point_number(cell: str) -> bool:
    """Whether a cell is a number with a decimal point, or would be one with groups of thousands."""
    return _POINT.fullmatch(cell) is not None or re.fullmatch(r"[-+]?\d{1,3}(\.\d{3})+", cell) is not None


def typed_values(values: list[Any]) -> pd.Series:
    """A column of a sheet, whose cells have types already; mixed ones become texts."""
    values = [None if isinstance(v, str) and v.strip().lower() in _MISSING else v for v in values]
    kinds = {type(v) for v in values if v is not None}
    if kinds and kinds <= {int, float}:
        if all(v is None or (float(v).is_integer() and abs(v) < 2**53) for v in values):
            return pd.Series(pd.array([None if v is None else int(v) for v in values], dtype="Int64"))
        return pd.Series([np.nan if v is None else float(v) for v in values], dtype=np.float64)
    if kinds == {bool}:
        return pd.Series(pd.array(values, dtype="boolean"))
    if kinds and all(hasattr(v, "isoformat") for v in values if v is not None):
        texts = [None if v is None else v.isoformat() for v in values]
        return pd.to_datetime(pd.Series(texts, dtype=object), format="ISO8601", errors="coerce", utc=True)
    return pd.Series([None if v is None else exact_text(v) for v in values], dtype=object)
