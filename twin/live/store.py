"""Observations on disk: appended in batches, asked by datastream and span, or as of a moment.

Of several messages with the same datastream and phenomenon time the one with the latest result time stays; of those
produced at the same time the better one, then the greater one. So repeated, late and shuffled messages end in the
same rows as a clean run.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import UsageError
from twin.core.lock import writer_lock
from twin.core.notices import Notices
from twin.live.counts import Counts
from twin.live.model import MICROSECONDS, NO_TIME, History, scattered, split_results
from twin.live.schema import (
    FOLDER,
    connect_reader,
    connect_writer,
    database_path,
    guard_database,
    transaction,
)
from twin.live.store_catalogue import read_catalogue, stream_numbers, write_catalogue
from twin.live.thinning import thin_again

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from twin.live.model import Batch, Catalogue, Columns, Result, Snapshot

_INSERT = "INSERT INTO observation VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING"
_CORRECT = """
UPDATE observation SET result_time=?3, result=?4, quality=?5, x=?6, y=?7, z=?8, heading=?9
WHERE stream=?1 AND time=?2 AND (result_time < ?3 OR (result_time = ?3 AND (
    quality > ?5 OR (quality = ?5 AND coalesce(result, -9e999) < coalesce(?4, -9e999)))))
AND NOT EXISTS (SELECT 1 FROM summary WHERE stream=?1 AND time=?2)
"""
_COLUMNS = "time, result_time, result, quality, x, y, z, heading"
_AS_OF = f"""
SELECT d.number, {", ".join("o." + c for c in _COLUMNS.split(", "))}
FROM datastream d NOT INDEXED CROSS JOIN observation o ON o.stream = d.number AND o.time = (
    SELECT time FROM observation WHERE stream = d.number AND time <= ? ORDER BY time DESC LIMIT 1)
"""  # noqa: S608 - from constants alone
# SQLite shall go through the datastreams by number and seek in each, whatever it thinks of the size of the tables.
_NOWHERE = (None, None, None, None)


@dataclass(frozen=True)
class Store:
    """An opened store; from `open_store`.

    Parameters
    ----------
    path : Path
        ``observations.sqlite``.
    connection : sqlite3.Connection
        Used by one thread at a time.
    """

    path: Path
    connection: sqlite3.Connection

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Each datastream's number in the table of observations, in the order of the catalogue."""
        return stream_numbers(self.connection)

    def _fresh_numbers(self) -> dict[str, int]:
        """`numbers`, with those that a writer has added since."""
        if self.n_datastreams() != max(self.numbers.values(), default=0):
            self.__dict__.pop("numbers")
        return self.numbers

    def __contains__(self, datastream: str) -> bool:
        return datastream in self._fresh_numbers()

    def catalogue(self) -> Catalogue:
        """Things and datastreams as they stand in the store now."""
        with guard_database(self.path):
            return read_catalogue(self.path, self.connection)

    def put_catalogue(self, catalogue: Catalogue) -> None:
        """Add things and datastreams; those with known ids are replaced, their observations stay."""
        with guard_database(self.path), transaction(self.connection):
            write_catalogue(self.connection, catalogue)
        self.__dict__.pop("numbers", None)

    def append(self, batch: Batch) -> Counts:
        """Keep observations, durably and all or none; how many were new and how many there already.

        Observations of datastreams that the store does not know are refused as ``unknown_datastream``.
        """
        rows, n_unknown = self._rows(batch)
        with guard_database(self.path), transaction(self.connection):
            n_new = self.connection.executemany(_INSERT, rows).rowcount if rows else 0
            if n_new < len(rows):
                self.connection.executemany(_CORRECT, rows)
            thin_again(self.connection, rows)
        counts = Counts(stored=n_new, duplicates=len(rows) - n_new)
        if n_unknown:
            counts.reject("unknown_datastream", n_unknown)
        return counts

    def _rows(self, batch: Batch) -> tuple[list[tuple[Any, ...]], int]:
        numbers = self.numbers
        places = batch.positions or (None,) * len(batch)
        rows = [
            (numbers[s], t, rt, r if type(r) is not int else float(r), q, *(p or _NOWHERE))
            for s, t, rt, r, q, p in zip(
                batch.datastreams,
                batch.phenomenon_time,
                batch.result_time,
                batch.results,
                batch.quality,
                places,
                strict=True,
            )
            if s in numbers
        ]
        return rows, len(batch) - len(rows)

    def history(self, datastream: str, start: int | None = None, end: int | None = None) -> History:
        """Observations of one datastream from `start` up to and with `end`, microseconds UTC.

        Raises
        ------
        UsageError
            If there is no such datastream.
        """
        number = self._fresh_numbers().get(datastream)
        if number is None:
            raise UsageError(datastream, "is no datastream of this city", "see `twin live latest`")
        span = (
            NO_TIME if start is None else int(start),
            -NO_TIME - 1 if end is None else int(end),
        )
        query = f"SELECT {_COLUMNS} FROM observation WHERE stream=? AND time BETWEEN ? AND ? ORDER BY time"  # noqa: S608
        with guard_database(self.path):
            rows = self.connection.execute(query, (number, *span)).fetchall()
        return History(datastream, *_columns(rows))

    def history_end(self, datastream: str) -> int | None:
        """Phenomenon time of the newest observation of a datastream, microseconds UTC; None if there is none."""
        query = "SELECT max(time) FROM observation WHERE stream=?"
        with guard_database(self.path):
            (last,) = self.connection.execute(query, (self._fresh_numbers().get(datastream, -1),)).fetchone()
        return None if last is None else int(last)

    def latest(self, moment: int | None = None) -> Snapshot:
        """The newest observation of every datastream at a moment; of all there is where none is given."""
        if moment is None:
            moment = (self.span() or (0, 0))[1]
        with guard_database(self.path):
            rows = self.connection.execute(_AS_OF, (int(moment),)).fetchall()
        numbers = self._fresh_numbers()
        names = tuple(numbers)
        index = {number: i for i, number in enumerate(numbers.values())}
        at = np.fromiter((index[row[0]] for row in rows), np.int64, len(rows))
        return scattered(int(moment), names, at, _columns([row[1:] for row in rows]))

    def span(self) -> tuple[int, int] | None:
        """First and last phenomenon time of all observations, microseconds UTC; None if there are none."""
        query = """
            SELECT min(a), max(b) FROM (SELECT
            (SELECT min(time) FROM observation WHERE stream = number) a,
            (SELECT max(time) FROM observation WHERE stream = number) b FROM datastream)"""
        with guard_database(self.path):
            first, last = self.connection.execute(query).fetchone()
        return None if first is None else (first, last)

    def ends(self, start: int) -> tuple[int | None, int | None]:
        """First and last phenomenon time of all observations from a moment on, microseconds UTC; None without any."""
        query = """
            SELECT min(a), max(b) FROM (SELECT
            (SELECT min(time) FROM observation WHERE stream = number AND time >= ?1) a,
            (SELECT max(time) FROM observation WHERE stream = number AND time >= ?1) b FROM datastream)"""
        with guard_database(self.path):
            first, last = self.connection.execute(query, (int(start),)).fetchone()
        return first, last

    def median_intervals_s(self, *, n: int = 33) -> dict[str, float]:
        """Median interval of the newest `n` observations of each datastream that has three or more, seconds."""
        query = "SELECT time FROM observation WHERE stream=? ORDER BY time DESC LIMIT ?"
        medians = {}
        with guard_database(self.path):
            for name, number in self._fresh_numbers().items():
                times = np.array(self.connection.execute(query, (number, n)).fetchall(), np.int64).ravel()
                if len(times) > 2:
                    medians[name] = float(np.median(-np.diff(times))) / MICROSECONDS
        return medians

    def n_datastreams(self) -> int:
        """How many datastreams there are; they are never removed."""
        with guard_database(self.path):
            (last,) = self.connection.execute("SELECT max(number) FROM datastream").fetchone()
        return int(last or 0)

    def compact(self) -> None:
        """Give back the room of what was removed, where it is a quarter of the file or more."""
        with guard_database(self.path):
            (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
            (free,) = self.connection.execute("PRAGMA freelist_count").fetchone()
            if 4 * free >= pages:
                self.connection.execute("VACUUM")

    def count(self) -> int:
        """How many observations there are."""
        with guard_database(self.path):
            return int(self.connection.execute("SELECT count(*) FROM observation").fetchone()[0])


def _columns(rows: Sequence[tuple[Any, ...]]) -> Columns:
    """Rows of `_COLUMNS` as the arrays of `History`."""
    if not rows:
        none = np.empty(0, np.int64)
        return none, none, np.empty(0), {}, np.empty(0, np.uint8), np.empty((0, 4))
    time, result_time, result, quality, *place = zip(*rows, strict=True)
    number, other = split_results([_restored(r) for r in result])
    return (
        np.array(time, np.int64),
        np.array(result_time, np.int64),
        number,
        other,
        np.array(quality, np.uint8),
        np.array(place, np.float64).T,
    )


def _restored(value: Any) -> Result:
    """A result as it was: truths lie in the file as whole numbers, numbers never."""
    return bool(value) if isinstance(value, int) else value


@contextlib.contextmanager
def open_store(city: Path | str, *, write: bool = False, notices: Notices | None = None) -> Iterator[Store]:
    """The observations of a city, while the block runs.

    Parameters
    ----------
    city : path
        The city's folder.
    write : bool
        Whether to be its one writer; readers need not wait for it.
    notices : Notices, optional
        Is told where the lock of a dead process was taken over.

    Raises
    ------
    BusyError
        If another process writes; names it.
    InputError
        If there is nothing to read.
    StorageError
        If the database is damaged, foreign or from a newer version.

    Examples
    --------
    >>> import tempfile
    >>> from twin.live.model import Catalogue, Datastream, Observation, Thing, batch_of
    >>> city = Path(tempfile.mkdtemp())
    >>> with open_store(city, write=True) as store:
    ...     store.put_catalogue(Catalogue((Thing("gauge"),), (Datastream("level", "gauge"),)))
    ...     counts = store.append(batch_of([Observation("level", 60_000_000, 60_000_000, 1.25)] * 2))
    ...     counts.stored, counts.duplicates, store.latest().results
    (1, 1, [1.25])
    """
    path = database_path(Path(city))
    if not write:
        connection = connect_reader(path)
        try:
            yield Store(path, connection)
        finally:
            connection.close()
        return
    with writer_lock(Path(city) / FOLDER, notices=notices or Notices()):
        connection = connect_writer(path)
        try:
            yield Store(path, connection)
        finally:
            connection.close()
