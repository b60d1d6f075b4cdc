"""What became of the observations that came in: every one of them is in exactly one count."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counts:
    """A tally of one ingest, import or replay.

    Parameters
    ----------
    stored : int
        New in the store: no other with the same datastream and phenomenon time was there.
    duplicates : int
        Had been there before, whether or not they corrected it.
    rejected_by_cause : Counter of str
        Refused, by a short stable cause.
    dropped : int
        Came in faster than they could be kept, or a full or failing disk did not take them.

    Examples
    --------
    >>> counts = Counts(stored=2)
    >>> counts.reject("time")
    >>> counts.received, counts.as_json()["rejected_by_cause"]
    (3, {'time': 1})
    """

    stored: int = 0
    duplicates: int = 0
    rejected_by_cause: Counter[str] = field(default_factory=Counter)
    dropped: int = 0

    @property
    def rejected(self) -> int:
        """How many were refused."""
        return self.rejected_by_cause.total()

    @property
    def received(self) -> int:
        """How many came in: the sum of all others."""
        return self.stored + self.duplicates + self.rejected + self.dropped

    def reject(self, cause: str, n: int = 1) -> None:
        """Count `n` more as refused."""
        self.rejected_by_cause[cause] += n

    def add(self, other: Counts) -> None:
        """Take over what another tally holds."""
        self.stored += other.stored
        self.duplicates += other.duplicates
        self.rejected_by_cause.update(other.rejected_by_cause)
        self.dropped += other.dropped

    def as_json(self) -> dict[str, Any]:
        """In plain values."""
        return {
            "received": self.received,
            "stored": self.stored,
            "duplicates": self.duplicates,
            "rejected": self.rejected,
            "rejected_by_cause": dict(sorted(self.rejected_by_cause.items())),
            "dropped": self.dropped,
        }
