"""What long work tells while it runs; the command line draws it, scripts may ignore it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A listener to stages of work."""

    def stage(self, name: str, total: int) -> None:
        """A stage of `total` steps begins; the one before is over."""

    def advance(self, steps: int = 1) -> None:
        """Steps of the present stage are done."""


class Silent:
    """A listener that says nothing."""

    def stage(self, name: str, total: int) -> None:
        """Nothing."""

    def advance(self, steps: int = 1) -> None:
        """Nothing."""
