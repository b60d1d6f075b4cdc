"""Rows of a grid shared out among threads; the result does not depend on how many there are."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CELLS_PER_THREAD = 50_000
"""Below this, waiting for each other costs more than it brings."""


class Bands:
    """Bands of rows, each with its room to work in; a context that ends its threads.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the grid.
    threads : int, optional
        As many as cores if not given, fewer for small grids.
    n_work_rows : int
        Row buffers of each band.
    dtype : type
        Number type of the run.
    """

    def __init__(self, shape: tuple[int, int], threads: int | None, n_work_rows: int, dtype: Any) -> None:
        ny, nx = shape
        wanted = threads or min(os.cpu_count() or 1, max(1, ny * nx // CELLS_PER_THREAD))
        cuts = np.linspace(1, ny + 1, min(wanted, max(1, ny // 4)) + 1).astype(int)
        self.ranges = [(int(a), int(b)) for a, b in pairwise(cuts)]
        self.work: list[NDArray[Any]] = [np.zeros((n_work_rows, nx + 3), dtype) for _ in self.ranges]
        self._pool = ThreadPoolExecutor(len(self.ranges) - 1) if len(self.ranges) > 1 else None

    def run(self, band: Callable[[int, int, NDArray[Any]], float]) -> float:
        """Call for every band; the greatest answer."""
        parts = zip(self.ranges, self.work, strict=True)
        if self._pool is None:
            return float(np.max([band(*rows, work) for rows, work in parts]))
        (rows, work), *others = parts
        waiting = [self._pool.submit(band, *r, w) for r, w in others]
        answers = [band(*rows, work)]
        return float(np.max(answers + [w.result() for w in waiting]))

    def __enter__(self) -> Bands:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()
