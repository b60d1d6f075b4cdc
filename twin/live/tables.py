"""Observations as tables: CSV read line by line, and Parquet in pieces; one row is one observation."""

from __future__ import annotations

import csv
import math
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from twin.core.errors import InputError
from twin.live.decode import checked_result, quality_of
from twin.live.local_time import LocalTimes
from twin.live.model import Observation
from twin.live.moments import iso_utc, zone_of
from twin.live.rejected import RejectedError
from twin.live.roles import OBSERVATION, find_columns
from twin.live.times import parse_time_us
from twin.sources.cells import comma_number, decimal_mark, is_point_number
from twin.sources.tables import delimiter_of
from twin.sources.text import codec_name, guess_encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from twin.live.intake import Intake

_HEAD_BYTES = 65_536
_MISSING = {"", "na", "n/a", "nan", "null", "none", "-"}


class RowContext(NamedTuple):
    """What all rows of a table have in common.

    Parameters
    ----------
    datastream : str
        Of rows that name none.
    local : LocalTimes or None
        Of times that name no zone.
    latest_us : int
        Times after this one are in the future.
    decimal_comma : bool
        Whether numbers have one.
    """

    datastream: str
    local: LocalTimes | None
    latest_us: int
    decimal_comma: bool = False


class TableText(NamedTuple):
    """How a CSV is written."""

    encoding: str
    delimiter: str
    columns: list[str]
    decimal_comma: bool


def read_head(path: Path, encoding: str | None) -> TableText:
    """Encoding, separator, column names and decimal mark of a CSV, from its first lines.

    Raises
    ------
    InputError
        If it is empty or no text.
    """
    with path.open("rb") as handle:
        head = handle.read(_HEAD_BYTES)
    lines = head.splitlines(keepends=True)
    whole = lines if len(head) < _HEAD_BYTES or len(lines) < 2 else lines[:-1]
    codec = codec_name(encoding) if encoding else guess_encoding(whole) or "cp1252"
    codec = "utf-8-sig" if codec == "utf-8" else codec
    try:
        text = b"".join(whole).decode(codec)
    except UnicodeDecodeError as error:
        raise InputError(path, f"is not in {codec} ({error})", "name its encoding with --encoding") from error
    delimiter = delimiter_of(text)
    rows = [r for r in csv.reader(text.splitlines(), delimiter=delimiter) if any(c.strip() for c in r)]
    if not rows:
        raise InputError(path, "holds no rows", "give a table with a line of column names")
    names = [c.strip() for c in rows[0]]
    columns = [[r[i] if i < len(r) else "" for r in rows[1:]] for i in range(len(names))]
    return TableText(codec, delimiter, names, decimal_mark(columns, delimiter) == ",")


def is_observations(columns: list[str], told: Mapping[str, str], *, where: str) -> bool:
    """Whether a table has the columns of observations."""
    found = find_columns(columns, OBSERVATION, told, where=where)
    return {"time", "result"} <= found.keys()


def take_csv(
    path: Path,
    intake: Intake,
    *,
    told: Mapping[str, str],
    datastream: str,
    encoding: str | None,
    zone: str | None,
    latest_us: int,
) -> int:
    """Take in the observations of a CSV; how many rows it had.

    Parameters
    ----------
    told : mapping
        Role to column, where the names do not tell.
    datastream : str
        Of all rows, where no column names it.
    zone : str, optional
        Of times that name none.
    """
    head = read_head(path, encoding)
    context = RowContext(datastream, _local(zone), latest_us, head.decimal_comma)
    at = find_columns(head.columns, OBSERVATION, told, where=str(path))
    index = {role: head.columns.index(column) for role, column in at.items()}
    n = 0
    with path.open(encoding=head.encoding, errors="replace", newline="") as handle:
        rows = csv.reader(handle, delimiter=head.delimiter)
        try:
            next(rows)
            for row in rows:
                if not any(cell.strip() for cell in row):
                    continue
                n += 1
                cells = {role: row[i].strip() if i < len(row) else "" for role, i in index.items()}
                take_row(cells, f"{path.name}: line {rows.line_num}", intake, context)
        except csv.Error as error:
            raise InputError(
                path, f"line {rows.line_num}: is no row of a table ({error})", "export it again"
            ) from error
    _note_twice(intake, path, context)
    return n


def take_parquet(
    path: Path, intake: Intake, *, told: Mapping[str, str], datastream: str, zone: str | None, latest_us: int
) -> int:
    """Take in the observations of a Parquet file; how many rows it had. Parameters as in `take_csv`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    context = RowContext(datastream, _local(zone), latest_us)
    try:
        with pq.ParquetFile(path) as file:
            at = find_columns(file.schema_arrow.names, OBSERVATION, told, where=str(path))
            n = 0
            for batch in file.iter_batches(columns=list(at.values()), batch_size=65_536):
                columns = {role: batch.column(column).to_pylist() for role, column in at.items()}
                for cells in _rows_of(columns):
                    n += 1
                    take_row(cells, f"{path.name}: row {n}", intake, context)
            _note_twice(intake, path, context)
            return n
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            path, f"is a damaged Parquet file ({str(error)[:120]})", "export it again"
        ) from error


def _local(zone: str | None) -> LocalTimes | None:
    return LocalTimes(zone_of(zone)) if zone else None


def _note_twice(intake: Intake, path: Path, context: RowContext) -> None:
    if context.local is not None and context.local.n_twice:
        intake.n_twice[path.name] += context.local.n_twice


def _rows_of(columns: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    roles = list(columns)
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(roles, values, strict=True))


def take_row(cells: Mapping[str, Any], where: str, intake: Intake, context: RowContext) -> None:
    """Take one row in, or count why not."""
    try:
        intake.add(_observation(cells, intake, context))
    except RejectedError as reason:
        intake.reject(where, reason)


def _observation(cells: Mapping[str, Any], intake: Intake, context: RowContext) -> Observation:
    stream = str(cells.get("datastream") or context.datastream)
    spec = intake.specs.get(stream)
    if spec is None:
        raise RejectedError("unknown_datastream", f"datastream {stream[:40]!r} is not known")
    time = time_of(cells.get("time"), partial(context.local.moment, stream) if context.local else None)
    if time > context.latest_us:
        raise RejectedError("future", f"time {iso_utc(time)} lies in the future")
    made = cells.get("result_time")
    value = cells.get("result")
    if isinstance(value, str) and value.lower() in _MISSING and spec.result_type != "text":
        value = None
    if isinstance(value, float) and math.isnan(value):
        value = None
    if context.decimal_comma and isinstance(value, str) and spec.result_type != "text":
        value = _with_point(value)
    result, quality = checked_result(value, spec)
    told = cells.get("quality")
    if told not in {None, ""}:
        quality = max(quality, quality_of(int(told) if _is_count(str(told)) else told))
    produced = time
    if made:
        produced = time_of(made, partial(context.local.produced, after_us=time) if context.local else None)
    return Observation(stream, time, produced, result, quality)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 4


def _with_point(text: str) -> str:
    """A cell of a table of decimal commas, with a point; what has one already may be in either way, and is refused."""
    number = comma_number(text)
    if number is None and "." in text and is_point_number(text):
        raise RejectedError("number", f"result {text[:40]!r} has a point in a table of decimal commas")
    return text if number is None else number


def time_of(value: Any, local: Callable[[datetime], datetime] | None) -> int:
    """Microseconds of a cell: a text or a moment; `local` gives those their offset that name no zone."""
    if isinstance(value, datetime):
        value = value.isoformat()
    elif isinstance(value, str):
        value = value.replace("/", "-").strip() if value[4:5] == "/" else value.strip()
    if local is not None and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return parse_time_us(value)
        value = (moment if moment.tzinfo else local(moment)).isoformat()
    return parse_time_us(value)


def take_lines(rows: Iterable[tuple[str, Mapping[str, Any]]], intake: Intake, *, latest_us: int) -> int:
    """Take in rows that name everything themselves, each with where it stands; how many there were."""
    n, context = 0, RowContext("", None, latest_us)
    for where, cells in rows:
        n += 1
        take_row(cells, where, intake, context)
    return n
