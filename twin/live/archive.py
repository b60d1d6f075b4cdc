"""The whole history of a city as Parquet, for DuckDB, pandas and whatever comes after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.core.errors import UsageError
from twin.core.files import atomic_path
from twin.live.model import NO_TIME, Quality
from twin.live.schema import guard_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from twin.live.store import Store

_ROWS = 200_000
_QUERY = """
SELECT d.id, d.thing, d.observed_property, d.unit, o.time, o.result_time,
       CASE WHEN typeof(o.result) != 'text' THEN o.result END, CASE WHEN typeof(o.result) = 'text' THEN o.result END,
       o.quality, o.x, o.y, o.z, o.heading
FROM observation o JOIN datastream d ON d.number = o.stream
WHERE o.stream = ? AND o.time BETWEEN ? AND ? ORDER BY o.time
"""


def write_archive(
    store: Store,
    path: Path,
    *,
    datastreams: Sequence[str] | None = None,
    start: int | None = None,
    end: int | None = None,
    force: bool = False,
) -> int:
    """Write observations as a Parquet file, in the order of datastream and time; how many there are.

    Columns: ``datastream``, ``thing``, ``observed_property``, ``unit``, ``phenomenon_time`` and ``result_time``
    (microseconds UTC), ``result`` (truths are 0 and 1), ``result_text``, ``quality``, ``x``, ``y``, ``z``, ``heading``.

    Parameters
    ----------
    datastreams : sequence of str, optional
        Ids; all if not given.
    start, end : int, optional
        First and last phenomenon time, microseconds UTC.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    UsageError
        If a datastream is not known.
    OutputExistsError, StorageError
        If the file is there, or cannot be written.
    """
    import pyarrow.parquet as pq

    numbers = store.numbers
    unknown = next((d for d in datastreams or () if d not in numbers), None)
    if unknown is not None:
        raise UsageError(unknown, "is no datastream of this city", "see `twin live latest`")
    chosen = [numbers[d] for d in (numbers if datastreams is None else datastreams)]
    span = (NO_TIME if start is None else start, -NO_TIME - 1 if end is None else end)
    n = 0
    with (
        atomic_path(path, force=force) as temporary,
        guard_database(store.path),
        pq.ParquetWriter(temporary, _schema(), compression="zstd") as writer,
    ):
        for table in _tables(store, chosen, span):
            writer.write_table(table)
            n += table.num_rows
    return n


def _schema() -> Any:
    import pyarrow as pa

    words, time = pa.dictionary(pa.int32(), pa.string()), pa.timestamp("us", tz="UTC")
    texts = [(name, words) for name in ("datastream", "thing", "observed_property", "unit")]
    numbers = [(name, pa.float64()) for name in ("x", "y", "z", "heading")]
    results = [("result", pa.float64()), ("result_text", pa.string()), ("quality", words)]
    return pa.schema([*texts, ("phenomenon_time", time), ("result_time", time), *results, *numbers])


def _tables(store: Store, numbers: list[int], span: tuple[int, int]) -> Iterator[Any]:
    """Rows of many datastreams, so that each piece is worth its header."""
    rows: list[tuple[Any, ...]] = []
    for number in numbers:
        cursor = store.connection.execute(_QUERY, (number, *span))
        while part := cursor.fetchmany(_ROWS - len(rows)):
            rows.extend(part)
            if len(rows) >= _ROWS:
                yield _table(rows)
                rows = []
    if rows:
        yield _table(rows)


def _table(rows: list[tuple[Any, ...]]) -> Any:
    import pyarrow as pa

    columns = [list(c) for c in zip(*rows, strict=True)]
    columns[8] = [Quality(q).name.lower() for q in columns[8]]
    schema = _schema()
    arrays = [_array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


def _array(values: list[Any], kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return pa.array(values, kind.value_type).dictionary_encode()
    return pa.array(values, kind)
