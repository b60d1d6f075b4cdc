"""Rules of retention kept by the one that writes observations, while it writes: in small steps between its batches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from twin.live.retention import Tidied, rules_of, tidying

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from twin.live.store import Store

EVERY_S = 60.0
"""From the end of one round over all datastreams to the next."""
AT_ONCE = 2_000
"""Observations that one step takes: some milliseconds."""
SHARE = 0.1
"""Part of the time that tidying may take from writing."""


class Tidier:
    """Removes and thins what its rules name, through the connection of the writer, so that there stays one writer.

    Parameters
    ----------
    store : Store
        Opened to write; None keeps nothing, and so tidies nothing.
    city : Path
        Whose ``live/retention.toml`` holds the rules; they are read once.
    every_s : float

    Raises
    ------
    ConfigError
        If the rules have a mistake.
    """

    def __init__(self, store: Store | None, city: Path, *, every_s: float = EVERY_S) -> None:
        self._store, self._every_s = store, every_s
        self._rules = rules_of(city) if store is not None else ()
        self._round: Iterator[None] | None = None
        self._due_s = 0.0
        self.done = Tidied()

    def work(self, now_us: int) -> None:
        """Do a step if it is time for one, and rest for nine times as long as it took.

        Parameters
        ----------
        now_us : int
            The moment that ages count from, microseconds UTC.
        """
        if self._store is None or not self._rules or time.monotonic() < self._due_s:
            return
        began = time.monotonic()
        if self._round is None:
            self._round = tidying(self._store, self._rules, now_us=now_us, done=self.done, at_once=AT_ONCE)
        is_over = next(self._round, self._round) is self._round
        ended = time.monotonic()
        if is_over:
            self._round = None
        self._due_s = ended + (self._every_s if is_over else (ended - began) * (1 / SHARE - 1))

    def as_json(self) -> dict[str, int]:
        """What it has done, in plain values; nothing where there are no rules."""
        return {"removed": self.done.removed, "thinned": self.done.thinned} if self._rules else {}
