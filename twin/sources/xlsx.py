"""Sheets of an Office table, read without formulas and links."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import pandas as pd

from twin.core.errors import ExtraMissingError, InputError, TwinError, UsageError
from twin.core.limits import check_limit, limits
from twin.sources.cells import column_names, typed_values
from twin.sources.layer_paths import with_layer
from twin.sources.sniff import ARCHIVE_ERRORS

if TYPE_CHECKING:
    from pathlib import Path


def read_xlsx(path: Path, *, sheet: str | None) -> pd.DataFrame:
    """The rows of one sheet under the names of its first one.

    Raises
    ------
    ExtraMissingError, InputError, UsageError, LimitError
        As in `tables.read_table`.
    """
    rows = _rows(path, sheet)
    rows = [row for row in rows if any(cell is not None and str(cell).strip() for cell in row)]
    if not rows:
        raise InputError(path, "holds no rows", "give a sheet with a line of column names")
    width = max(i + 1 for row in rows for i, cell in enumerate(row) if cell is not None)
    names = column_names([*rows[0], *[None] * width][:width])
    body = [[*row, *[None] * width][:width] for row in rows[1:]]
    columns = {name: typed_values([row[i] for row in body]) for i, name in enumerate(names)}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(body)))


def _rows(path: Path, sheet: str | None) -> list[list[Any]]:
    try:
        import openpyxl
    except ImportError as error:
        raise ExtraMissingError(
            path, "XLSX needs the package openpyxl", "install it with: pip install openpyxl"
        ) from error
    _check_unpacked(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        try:
            page = book[_sheet_name(path, book, sheet)]
            page.reset_dimensions()  # a sheet may claim all of its seventeen thousand million cells
            return [list(row) for row in page.iter_rows(values_only=True)]
        finally:
            book.close()
    except TwinError:
        raise
    except (*ARCHIVE_ERRORS, KeyError, TypeError, SyntaxError, IndexError, AttributeError) as error:
        raise InputError(path, f"is a damaged XLSX ({error})", "save it again") from error


def _check_unpacked(path: Path) -> None:
    """The promised size of the archive's members; openpyxl unpacks them as they are read."""
    with zipfile.ZipFile(path) as archive:
        promised = sum(info.file_size for info in archive.infolist())
    check_limit(path, "bytes when unpacked", promised, limits().max_table_bytes, name="max_table_bytes")


def _sheet_name(path: Path, book: Any, wanted: str | None) -> str:
    names = [s.title for s in book.worksheets]
    shown = ", ".join(names)
    if wanted is not None:
        if wanted not in names:
            raise UsageError(path, f"has no sheet {wanted!r}", f"its sheets are: {shown}")
        return wanted
    filled = [s.title for s in book.worksheets if (s.max_row or 2) > 1]
    if len(filled) > 1:
        raise UsageError(
            path,
            f"holds {len(filled)} sheets: {', '.join(filled)}",
            f"name the one that is meant: {with_layer(path, filled[0])}",
        )
    return filled[0] if filled else names[0]
