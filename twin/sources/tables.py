"""Tables without geometry: CSV as people write it, and XLSX; columns typed, ids intact, joined to buildings by id."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from twin.core.errors import InputError, UsageError
from twin.core.limits import check_limit, limits
from twin.sources.cells import column_names, decimal_mark, typed_texts
from twin.sources.footprint_ids import exact_text
from twin.sources.formats import TABLE_FORMATS, Format
from twin.sources.sniff import require_format
from twin.sources.text import codec_name, guess_encoding
from twin.sources.xlsx import read_xlsx

if TYPE_CHECKING:
    from twin.core.notices import Notices

_DELIMITERS = (";", "\t", ",", "|")
_SNIFFED_LINES = 50


@dataclass(frozen=True, slots=True)
class JoinReport:
    """How a join went.

    Parameters
    ----------
    n_matched : int
        Rows of the table that found their building.
    unmatched : tuple of str
        Keys of the table that are no building's id.
    n_without : int
        Buildings that no row speaks of.
    """

    n_matched: int
    unmatched: tuple[str, ...]
    n_without: int


def read_table(
    path: str | Path, *, encoding: str | None = None, sheet: str | None = None, notices: Notices
) -> pd.DataFrame:
    r"""A table with typed columns.

    Whole numbers become ``Int64``, other numbers float (also with decimal commas), ISO dates dates; everything else
    stays text, and so do numbers with leading zeros, which are ids.

    Parameters
    ----------
    path : path
        CSV (comma, semicolon, tab or bar; UTF-8, UTF-16 with its mark, or CP949), or XLSX.
    encoding : str, optional
        Of a CSV, against what its bytes say.
    sheet : str, optional
        Of an XLSX; needed where there are several.
    notices : Notices
        Is told what was guessed.

    Raises
    ------
    InputError
        If it is damaged, has no columns, or rows of different length.
    UsageError
        If `sheet` or `encoding` names none, or several sheets leave the choice open.
    ExtraMissingError
        If XLSX is given and `openpyxl` is not installed.
    LimitError
        If it is too large.

    Examples
    --------
    >>> import tempfile
    >>> from twin.core.notices import Notices
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "heights.csv"
    ...     _ = path.write_text("id;height;built\n007;7,5;1998-05-01\n012;;2001-01-01\n")
    ...     table = read_table(path, notices=Notices())
    >>> table["id"].tolist(), table["height"].tolist(), table["built"].dt.year.tolist()
    (['007', '012'], [7.5, nan], [1998, 2001])
    """
    path = Path(path)
    kind = require_format(path, TABLE_FORMATS, kind="a table")
    check_limit(path, "bytes", path.stat().st_size, limits().max_table_bytes, name="max_table_bytes")
    if kind is Format.XLSX:
        return read_xlsx(path, sheet=sheet)
    if sheet is not None:
        raise UsageError(path, "is a CSV, which has no sheets", "leave |layername= out")
    text = _decoded(path, encoding, notices)
    delimiter = delimiter_of(text)
    names, rows = _header_and_rows(path, list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)))
    columns = [[row[i] for row in rows] for i in range(len(names))]
    mark = decimal_mark(columns, delimiter)
    typed = {
        name: typed_texts(column, mark, name, path, notices)
        for name, column in zip(names, columns, strict=True)
    }
    return pd.DataFrame(typed, index=pd.RangeIndex(len(rows)))


def join_by_id(
    buildings: pd.DataFrame, table: pd.DataFrame, *, column: str, where: str | Path, notices: Notices
) -> tuple[pd.DataFrame, JoinReport]:
    """The columns of a table for each building, in the order of the buildings.

    Parameters
    ----------
    buildings : DataFrame
        With the column ``id``, exact texts.
    table : DataFrame
        From `read_table`.
    column : str
        The column of the table that holds ids of buildings.
    where : path or str
        The table, for messages.
    notices : Notices
        Is told of rows without a building.

    Returns
    -------
    joined : DataFrame, one row for each building
        ``id`` and the table's other columns, empty where no row speaks of a building.
    report : JoinReport
        Counts.

    Raises
    ------
    UsageError
        If the table has no such column.
    InputError
        If two rows speak of one building, or none matches any.
    """
    if column not in table.columns:
        raise UsageError(
            where, f"has no column {column!r}", f"its columns are: {', '.join(map(str, table.columns))}"
        )
    keys = pd.Series([exact_text(v) for v in table[column]], dtype=object)
    _refuse_repeated(keys, column, where)
    ids = buildings["id"].astype(object)
    known = keys.isin(set(ids))
    unmatched = tuple(str(k) for k in keys[~known & keys.notna()])
    report = JoinReport(int(known.sum()), unmatched, int((~ids.isin(set(keys[known]))).sum()))
    if report.n_matched == 0:
        raise InputError(
            where,
            f"none of its {len(table)} rows matches a building: {column} holds {', '.join(map(repr, unmatched[:3]))}, "
            f"ids look like {', '.join(map(repr, ids[:3]))}",
            "name the column that holds the ids with --join COLUMN=id",
        )
    if unmatched:
        notices.add(
            "rows-without-building",
            f"{where}: {len(unmatched)} of {len(table)} rows match no building, "
            f"such as {', '.join(map(repr, unmatched[:3]))}; {report.n_matched} do",
            subject=str(where),
        )
    values = table.drop(columns=column).rename(columns=_beside_id)
    values = values.assign(id=keys)[known.to_numpy()].set_index("id")
    return values.reindex(pd.Index(ids, name="id")).reset_index(), report


def _beside_id(name: str) -> str:
    return "table_id" if str(name).lower() == "id" else name


def _refuse_repeated(keys: pd.Series, column: str, where: str | Path) -> None:
    repeated = [k for k, n in Counter(k for k in keys if k is not None).items() if n > 1]
    if repeated:
        raise InputError(
            where,
            f"column {column} names {len(repeated)} buildings more than once, such as {repeated[0]!r}",
            "keep one row for each building",
        )


def _decoded(path: Path, encoding: str | None, notices: Notices) -> str:
    data = path.read_bytes()
    if encoding is not None:
        codec = codec_name(encoding)
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        codec = "utf-16"
    else:
        codec = guess_encoding([data]) or _told_as_latin(path, notices)
    if codec == "cp949" and encoding is None:
        notices.add(
            "encoding-guessed", f"{path}: was read as CP949; --encoding overrides this", subject=str(path)
        )
    try:
        return data.decode("utf-8-sig" if codec == "utf-8" else codec)
    except UnicodeDecodeError as error:
        raise InputError(path, f"is not in {codec} ({error})", "name its encoding with --encoding") from error


def _told_as_latin(path: Path, notices: Notices) -> str:
    notices.add(
        "encoding-guessed",
        f"{path}: is neither UTF-8 nor Korean and was read as CP1252; --encoding overrides this",
        subject=str(path),
    )
    return "cp1252"


def delimiter_of(text: str) -> str:
    """The sign that splits the first lines into the same number of fields, at least two; else a comma."""
    lines = io.StringIO(text, newline="").readlines()[:_SNIFFED_LINES]
    best, most = ",", 1
    for delimiter in _DELIMITERS:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        if counts and counts[0] > most and counts.count(counts[0]) >= 0.9 * len(counts):
            best, most = delimiter, counts[0]
    return best


def _header_and_rows(path: Path, rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        raise InputError(path, "holds no rows", "give a table with a line of column names")
    names = column_names(rows[0])
    body = []
    for number, row in enumerate(rows[1:], 2):
        cells = row[: len(names)] if not any(cell.strip() for cell in row[len(names) :]) else row
        if len(cells) > len(names):
            raise InputError(
                path,
                f"row {number} has {len(row)} fields, the line of names has {len(names)}",
                "put quotes around texts that hold the separator",
            )
        body.append([*cells, *[""] * (len(names) - len(cells))])
    return names, body
