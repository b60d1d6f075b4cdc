"""The last observations of every datastream in memory, asked as of a moment by scene and alarms.

Each datastream has a row of ascending times. A new observation goes to its end; a late one is put in its place; when
the row is full its older half is dropped. So memory has a bound, and "as of" is one binary search a datastream.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.live.memory_kernels import find_as_of, put_all
from twin.live.model import NO_TIME, History, scattered, split_results
from twin.live.times import now_us

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.live.model import Batch, Catalogue, Columns, Snapshot

TOTAL = 2_000_000
"""Observations that are kept of all datastreams together, about."""
MIN_KEEP, MAX_KEEP = 64, 4096
MAX_TEXTS = 65_536
_TEXT, _TRUTH = 0x40, 0x80
_QUALITY = 0x0F


@dataclass(slots=True)
class _Rows:
    """A row of observations for each datastream, of those that move with a second row of places."""

    time: NDArray[np.int64]
    result_time: NDArray[np.int64]
    number: NDArray[np.float64]
    flags: NDArray[np.uint8]
    position: NDArray[np.float64]
    slot: NDArray[np.int64]
    count: NDArray[np.int64]

    @staticmethod
    def empty(n: int, moving: list[int], width: int) -> _Rows:
        slot = np.full(n, -1, np.int64)
        slot[moving] = np.arange(len(moving))
        times = np.empty((n, width), np.int64), np.empty((n, width), np.int64)
        results = np.empty((n, width)), np.empty((n, width), np.uint8)
        return _Rows(*times, *results, np.empty((len(moving), width, 4)), slot, np.zeros(n, np.int64))

    def position_at(self, i: NDArray[np.int64], k: NDArray[np.int64]) -> NDArray[np.float64]:
        """Places of observation `k` of row `i`, shape (n, 4); NaN where nothing moves."""
        out = np.full((len(i), 4), np.nan)
        slot = self.slot[i]
        out[slot >= 0] = self.position[slot[slot >= 0], k[slot >= 0]]
        return out

    def take(self, i: int, other: _Rows, j: int) -> None:
        """Fill row `i` with what row `j` of another holds, as much as fits."""
        end = int(other.count[j])
        n = min(end, self.time.shape[1])
        for name in ("time", "result_time", "number", "flags"):
            getattr(self, name)[i, :n] = getattr(other, name)[j, end - n : end]
        if self.slot[i] >= 0 and other.slot[j] >= 0:
            self.position[self.slot[i], :n] = other.position[other.slot[j], end - n : end]
        self.count[i] = n


class Memory:
    """The last observations of the datastreams of a catalogue; safe to use from several threads.

    Parameters
    ----------
    catalogue : Catalogue
        Its order is that of the snapshots.
    keep : int, optional
        Observations of each datastream that are kept at least, once there are so many; between 64 and 4096, by
        the number of datastreams, if not given.

    Examples
    --------
    >>> from twin.live.model import Catalogue, Datastream, Observation, Thing, batch_of
    >>> memory = Memory(Catalogue((Thing("gauge"),), (Datastream("level", "gauge"),)))
    >>> memory.put(batch_of([Observation("level", t * 60_000_000, t * 60_000_000, t / 2) for t in (1, 3, 2)]))
    >>> memory.as_of(150_000_000).results
    [1.0]
    """

    def __init__(self, catalogue: Catalogue, *, keep: int | None = None) -> None:
        self._lock = threading.Lock()
        self._fixed_keep = keep
        self._texts: dict[str, int] = {}
        self._index: dict[str, int] = {}
        self._since = now_us()
        self._set_shape(catalogue)
        self._rows = self._empty()

    @property
    def datastreams(self) -> tuple[str, ...]:
        """Ids in the order of the snapshots."""
        return self._names

    def __contains__(self, datastream: str) -> bool:
        return datastream in self._index

    def put(self, batch: Batch) -> None:
        """Take observations in; those of unknown datastreams are passed over.

        Of two with one phenomenon time that with the later result time stays, as in the store.
        """
        with self._lock:
            index, rows = self._index, self._rows
            at = np.array([index.get(s, -1) for s in batch.datastreams], np.int64)
            number, flags = self._coded(batch)
            put_all(
                *(rows.time, rows.result_time, rows.number, rows.flags, rows.position, rows.slot, rows.count),
                *(at, np.array(batch.phenomenon_time, np.int64), np.array(batch.result_time, np.int64)),
                *(number, flags, _positions(batch)),
            )

    def as_of(self, moment: int) -> Snapshot:
        """The newest observation of every datastream at a moment, microseconds UTC."""
        with self._lock:
            rows = self._rows
            k = np.empty(len(self._names), np.int64)
            find_as_of(rows.time, rows.count, int(moment), k)
            found = np.flatnonzero(k >= 0)
            at = found, k[found]
            columns = self._columns(at, rows.position_at(*at))
        return scattered(int(moment), self._names, found, columns)

    def history(self, datastream: str, start: int | None = None, end: int | None = None) -> History:
        """What is kept of one datastream from `start` up to and with `end`; KeyError if it is not known."""
        with self._lock:
            i, rows = self._index[datastream], self._rows
            row = rows.time[i, : rows.count[i]]
            first = 0 if start is None else int(np.searchsorted(row, start, "left"))
            last = len(row) if end is None else int(np.searchsorted(row, end, "right"))
            k = np.arange(first, max(first, last))
            at = np.full(len(k), i), k
            return History(datastream, *self._columns(at, rows.position_at(*at)))

    def _columns(
        self, at: tuple[NDArray[np.int64], NDArray[np.int64]], position: NDArray[np.float64]
    ) -> Columns:
        """Copies of what stands in the rows at places."""
        rows = self._rows
        number, flags = rows.number[at], rows.flags[at]
        other = self._decoded(number, flags)
        quality = (flags & _QUALITY).astype(np.uint8)
        return rows.time[at], rows.result_time[at], number, other, quality, position

    def reaches(self, moment: int) -> bool:
        """Whether everything that came since this memory began and counts at a moment is still kept."""
        with self._lock:
            rows = self._rows
            full = rows.count >= rows.time.shape[1] // 2  # older ones may have been dropped
            return moment >= max(self._since, int(rows.time[full, 0].max(initial=NO_TIME)))

    def span(self) -> tuple[int, int] | None:
        """First and last phenomenon time that is kept, microseconds UTC; None if nothing is."""
        with self._lock:
            rows, has = self._rows, self._rows.count > 0
            if not has.any():
                return None
            return int(rows.time[has, 0].min()), int(rows.time[has, rows.count[has] - 1].max())

    def extend(self, catalogue: Catalogue) -> None:
        """Make room for the datastreams of a catalogue that has grown; what is kept stays."""
        with self._lock:
            names, rows = self._names, self._rows
            self._set_shape(catalogue)
            if self._names == names:
                return
            self._rows = self._empty()
            for j, name in enumerate(names):
                if name in self._index:
                    self._rows.take(self._index[name], rows, j)

    def _set_shape(self, catalogue: Catalogue) -> None:
        self._names = tuple(d.id for d in catalogue.datastreams)
        self._index = {name: i for i, name in enumerate(self._names)}
        moving = {t.id for t in catalogue.things if t.place.kind == "moving"}
        self._moving = [i for i, d in enumerate(catalogue.datastreams) if d.thing in moving]

    def _empty(self) -> _Rows:
        n = len(self._names)
        keep = self._fixed_keep or min(MAX_KEEP, max(MIN_KEEP, TOTAL // max(1, n)))
        return _Rows.empty(n, self._moving, 2 * keep)

    def _coded(self, batch: Batch) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Results as numbers; texts by their number in the list of texts, which a flag tells."""
        number, other = split_results(batch.results)
        flags = np.array(batch.quality, np.uint8)
        for i, value in other.items():
            if isinstance(value, bool):
                flags[i] |= _TRUTH
            else:
                flags[i] |= _TEXT
                number[i] = self._code(value)
        return number, flags

    def _code(self, text: str) -> int:
        code = self._texts.get(text)
        if code is None:
            if len(self._texts) >= MAX_TEXTS:
                self._forget_texts()
            code = self._texts[text] = len(self._texts)
        return code

    def _forget_texts(self) -> None:
        """Keep only the texts that some row still holds; where all do, the oldest rows lose theirs."""
        names = list(self._texts)
        rows = self._rows
        live = np.arange(rows.time.shape[1])[None, :] < rows.count[:, None]
        held = live & ((rows.flags & _TEXT) > 0) & (rows.number >= 0)
        codes = np.unique(rows.number[held].astype(np.int64))[-MAX_TEXTS // 2 :]
        table = np.full(len(names), -1.0)
        table[codes] = np.arange(len(codes))
        rows.number[held] = table[rows.number[held].astype(np.int64)]
        self._texts = {names[c]: k for k, c in enumerate(codes)}

    def _decoded(self, number: NDArray[np.float64], flags: NDArray[np.uint8]) -> dict[int, str | bool]:
        """Results that are no numbers; their places in `number` become NaN or 0 and 1."""
        other: dict[int, str | bool] = {}
        for i in np.flatnonzero(flags & _TRUTH).tolist():
            other[i] = bool(number[i])
        texts = np.flatnonzero(flags & _TEXT).tolist()
        if texts:
            names = list(self._texts)
            other.update({i: names[int(number[i])] if number[i] >= 0 else "" for i in texts})
            number[texts] = np.nan
        return other


def _positions(batch: Batch) -> NDArray[np.float64]:
    if not batch.positions:
        return np.empty((0, 4))
    nowhere = (np.nan,) * 4
    return np.array([p or nowhere for p in batch.positions], np.float64)
