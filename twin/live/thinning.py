"""One observation of each window stands for all of it, whatever came late, twice or not at all sound.

What is left of a window is the last observation that has a result and is not invalid, or, where there is none, the
last. By ``min``, ``max`` and ``mean`` it takes the number of the whole window, and `summary` says that it does: a
repeated message must not put its own number back. For means, `summary` also holds the times that were counted, so
that a late observation enters with its weight and a repeated one does not enter at all.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin.live.model import NO_TIME, Quality
from twin.live.schema import guard_database, transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from twin.live.store import Store


class _Windows(NamedTuple):
    """Rows of whole windows by time, the first row of each, and by row the times that a summary counts."""

    time: NDArray[np.int64]
    number: NDArray[np.float64]
    is_sound: NDArray[np.bool_]
    starts: NDArray[np.int64]
    marks: dict[int, NDArray[np.int64]]

    @property
    def counts(self) -> NDArray[np.bool_]:
        """Whether a row enters a summary."""
        return self.is_sound & ~np.isnan(self.number)


def thin(
    store: Store, stream: int, way: str, *, window_us: int, before_us: int, at_once: int
) -> Iterator[int]:
    """Leave one observation of each whole window before a moment, in pieces of whole windows; how many go each time.

    Parameters
    ----------
    store : Store
        Opened to write.
    stream : int
        Number of the datastream.
    way : str
        last, min, max or mean.
    window_us, before_us : int
        Microseconds, and microseconds UTC.
    at_once : int
        Observations of a piece, about.
    """
    end = before_us // window_us * window_us
    # Asked anew for every piece: what was appended since may have set it back.
    while (start := _thinned_until(store, stream, window_us)) < end:
        with guard_database(store.path), transaction(store.connection):
            rows = _next_windows(store, stream, (start, end), window_us, at_once)
            gone = _leave_one(store.connection, stream, way, window_us, rows)
            until = end if len(rows) < at_once else (rows[-1][0] // window_us + 1) * window_us
            store.connection.execute(
                "INSERT OR REPLACE INTO thinned VALUES (?,?,?)", (stream, window_us, until)
            )
        yield gone


def thin_again(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Have windows thinned anew in which observations arrived late.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a transaction that writes.
    rows : sequence of tuple
        Each begins with number of the datastream and phenomenon time.
    """
    (until,) = connection.execute("SELECT max(until) FROM thinned").fetchone()
    if until is None:
        return
    first: dict[int, int] = {}
    for stream, time, *_ in rows:
        if time < until and time < first.get(stream, until):
            first[stream] = time
    connection.executemany(
        "UPDATE thinned SET until=?2 WHERE stream=?1 AND until > ?2", sorted(first.items())
    )


def _thinned_until(store: Store, stream: int, window: int) -> int:
    """The moment before which all is thinned already, at the border of two windows."""
    query = "SELECT until FROM thinned WHERE stream=? AND window=?"
    with guard_database(store.path):
        found = store.connection.execute(query, (stream, window)).fetchone()
    return int(found[0]) // window * window if found else NO_TIME


def _next_windows(
    store: Store, stream: int, span: tuple[int, int], window: int, at_once: int
) -> list[tuple[int, Any, int]]:
    """Time, result and quality in the first windows of a span that hold so many together, the last of them whole."""
    query = "SELECT time, result, quality FROM observation WHERE stream=? AND time >= ? AND time < ? ORDER BY time"
    rows = store.connection.execute(f"{query} LIMIT {int(at_once)}", (stream, *span)).fetchall()
    if len(rows) == at_once:
        rest = rows[-1][0] + 1, min(span[1], (rows[-1][0] // window + 1) * window)
        rows += store.connection.execute(query, (stream, *rest)).fetchall()
    return rows


def _leave_one(
    connection: sqlite3.Connection, stream: int, way: str, window: int, rows: list[tuple[int, Any, int]]
) -> int:
    """Delete all observations but one of each window, which then stands for them; how many went."""
    if not rows:
        return 0
    found = _windows(rows, window, _marks(connection, stream, rows[0][0], rows[-1][0]))
    kept = _kept(found, way)
    if way != "last":
        _summarise(connection, stream, way, found, kept)
    gone = [(stream, t) for t in np.delete(found.time, kept).tolist()]
    connection.executemany("DELETE FROM observation WHERE stream=? AND time=?", gone)
    connection.executemany("DELETE FROM summary WHERE stream=? AND time=?", gone)
    return len(gone)


def _windows(rows: list[tuple[int, Any, int]], window: int, marks: dict[int, NDArray[np.int64]]) -> _Windows:
    times = np.array([r[0] for r in rows], np.int64)
    return _Windows(
        times,
        np.array([r[1] if isinstance(r[1], float) else np.nan for r in rows]),
        np.array([r[1] is not None and r[2] < Quality.INVALID for r in rows]),
        np.flatnonzero(np.append(True, times[1:] // window != times[:-1] // window)),
        {int(np.searchsorted(times, t)): counted for t, counted in marks.items()},
    )


def _kept(found: _Windows, way: str) -> NDArray[np.int64]:
    """The row of each window that stays: the last of the best."""
    rank = found.is_sound.astype(np.int8)
    if way != "last":  # a number of the window needs a number's row
        rank += found.counts
    sizes = np.diff(np.append(found.starts, len(rank)))
    order = np.lexsort(
        (rank, np.repeat(np.arange(len(sizes)), sizes))
    )  # stable: of equal ones the last is last
    return order[found.starts + sizes - 1]


def _summarise(
    connection: sqlite3.Connection, stream: int, way: str, found: _Windows, kept: NDArray[np.int64]
) -> None:
    """Write the least, greatest or mean number of each window that has several into the row that stays."""
    weight = _weights(found)
    values = _values(way, np.where(weight > 0, found.number, np.nan), weight, found.starts)
    own = np.split(np.arange(len(weight)), found.starts[1:])
    for row, value, members in zip(kept.tolist(), values, own, strict=True):
        counted = members[weight[members] > 0].tolist()
        if len(counted) < 2:
            continue
        key = (stream, int(found.time[row]))
        times = np.concatenate([found.marks.get(r, found.time[[r]]) for r in counted])
        packed = _packed(times) if way == "mean" else None
        connection.execute("UPDATE observation SET result=? WHERE stream=? AND time=?", (value, *key))
        connection.execute("INSERT OR REPLACE INTO summary VALUES (?,?,?)", (*key, packed))


def _weights(found: _Windows) -> NDArray[np.float64]:
    """For how many observations each row stands in a summary: none if it is unsound, or counted before."""
    before = np.concatenate([np.empty(0, np.int64), *found.marks.values()])
    is_again = np.isin(found.time, before)
    weight = np.ones(len(found.time))
    for row, counted in found.marks.items():
        weight[row], is_again[row] = max(1, len(counted)), False
    weight[~found.counts | is_again] = 0.0
    return weight


def _values(
    way: str, number: NDArray[np.float64], weight: NDArray[np.float64], starts: NDArray[np.int64]
) -> list[float]:
    """Least, greatest or weighted mean number of each window; what is NaN does not count."""
    if way == "mean":
        total = np.add.reduceat(np.nan_to_num(number) * weight, starts)
        return [float(v) for v in total / np.maximum(np.add.reduceat(weight, starts), 1.0)]
    return [float(v) for v in (np.fmin if way == "min" else np.fmax).reduceat(number, starts)]


def _marks(
    connection: sqlite3.Connection, stream: int, first: int, last: int
) -> dict[int, NDArray[np.int64]]:
    """Times of the observations that are summaries, each with the times that it counts; none for min and max."""
    query = "SELECT time, counted FROM summary WHERE stream=? AND time BETWEEN ? AND ?"
    rows = connection.execute(query, (stream, first, last)).fetchall()
    return {t: np.empty(0, np.int64) if c is None else _unpacked(c) for t, c in rows}


def _packed(times: NDArray[np.int64]) -> bytes:
    """Times as bytes: those of regular intervals become a few.

    >>> import numpy as np
    >>> _unpacked(_packed(np.array([5, 3, 9]))).tolist()
    [3, 5, 9]
    """
    return zlib.compress(np.diff(np.sort(times), prepend=0).astype("<i8").tobytes())


def _unpacked(packed: bytes) -> NDArray[np.int64]:
    return np.cumsum(np.frombuffer(zlib.decompress(packed), "<i8"), dtype=np.int64)
