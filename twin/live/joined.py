"""What a store and a memory know together, of one datastream or of all.

A memory holds what came since it began, the store what was kept; neither holds the other's. Of two observations with
one phenomenon time that with the later result time counts, else that of the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.live.model import History, scattered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.live.model import Columns, Snapshot


def joined_history(kept: History, recent: History) -> History:
    """Both histories of one datastream, in the order of phenomenon time.

    Examples
    --------
    >>> import numpy as np
    >>> def some(*rows):
    ...     t, v = np.array(rows, float).T
    ...     return History("d", t.astype(int), t.astype(int), v, {}, np.zeros(len(t), np.uint8), np.zeros((len(t), 4)))
    >>> joined_history(some((1, 5.0), (2, 6.0)), some((2, 7.0), (3, 8.0))).results
    [5.0, 7.0, 8.0]
    """
    columns = _stacked(_columns(kept), _columns(recent))
    is_recent = np.arange(len(columns[0])) >= len(kept)
    order = np.lexsort((is_recent, columns[1], columns[0]))
    time = columns[0][order]
    is_last = np.append(time[1:] != time[:-1], True)[: len(time)]
    return History(kept.datastream, *_taken(columns, order[is_last]))


def joined_snapshot(kept: Snapshot, recent: Snapshot) -> Snapshot:
    """The newest of both as of one moment, of the datastreams of `recent` in their order."""
    n, place = len(recent.datastreams), {name: i for i, name in enumerate(kept.datastreams)}
    older = np.array([place.get(name, -1) for name in recent.datastreams], np.int64)
    mine = np.flatnonzero(older >= 0)
    older = older[mine]
    is_newer = (kept.time[older] > recent.time[mine]) | (
        (kept.time[older] == recent.time[mine]) & (kept.result_time[older] > recent.result_time[mine])
    )
    chosen = np.arange(n)
    chosen[mine[is_newer]] = n + older[is_newer]
    columns = _taken(_stacked(_columns(recent), _columns(kept)), chosen)
    return scattered(recent.moment, recent.datastreams, np.arange(n), columns)


def _columns(table: History | Snapshot) -> Columns:
    return table.time, table.result_time, table.number, dict(table.other), table.quality, table.position


def _stacked(first: Columns, second: Columns) -> Columns:
    """The rows of one table after those of the other."""
    n = len(first[0])
    other = {**first[3], **{n + i: value for i, value in second[3].items()}}
    time, produced, number, quality, position = (
        np.concatenate([first[k], second[k]]) for k in (0, 1, 2, 4, 5)
    )
    return time, produced, number, other, quality, position


def _taken(columns: Columns, rows: NDArray[np.int64]) -> Columns:
    """Some rows of a table, in an order."""
    time, produced, number, other, quality, position = columns
    moved = {i: other[k] for i, k in enumerate(rows.tolist()) if k in other} if other else {}
    return time[rows], produced[rows], number[rows], moved, quality[rows], position[rows]
