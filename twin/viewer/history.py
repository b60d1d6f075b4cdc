"""Undo and redo of plain values: every state that was is kept, none is taken apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

T = TypeVar("T")
MOST_STEPS = 500


@dataclass(frozen=True)
class History(Generic[T]):
    """States in their order, and which of them is present.

    Parameters
    ----------
    states : tuple of (label, state)
        The label names the step that led to the state.
    now : int
        Index of the present one.
    key : str
        What the last step changed bit by bit, such as a slider; a further step with the same key replaces it.

    Examples
    --------
    >>> h = History.of(1).step("two", 2).step("three", 3)
    >>> h.undo().state, h.undo().redo().state, h.undo().step("four", 4).can_redo
    (2, 3, False)
    """

    states: tuple[tuple[str, T], ...]
    now: int = 0
    key: str = ""

    @classmethod
    def of(cls, state: T) -> History[T]:
        """A history that begins."""
        return cls((("", state),))

    @property
    def state(self) -> T:
        """The present state."""
        return self.states[self.now][1]

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self.now > 0

    @property
    def can_redo(self) -> bool:
        """Whether a step was taken back."""
        return self.now + 1 < len(self.states)

    @property
    def undo_label(self) -> str:
        """The step that undo would take back; empty for none."""
        return self.states[self.now][0] if self.can_undo else ""

    @property
    def redo_label(self) -> str:
        """The step that redo would take again; empty for none."""
        return self.states[self.now + 1][0] if self.can_redo else ""

    def step(self, label: str, state: T, *, key: str = "") -> History[T]:
        """The history with one step more; what was taken back is forgotten, a step of the same key replaced."""
        if state == self.state:
            return self
        kept = self.states[: self.now + 1]
        if key and key == self.key and self.now > 0:
            kept = kept[:-1]
        kept = (*kept, (label, state))[-MOST_STEPS:]
        return History(kept, len(kept) - 1, key)

    def quietly(self, state: T) -> History[T]:
        """The history with another present state and no step, for what is not undone, such as the camera."""
        label = self.states[self.now][0]
        states = (*self.states[: self.now], (label, state), *self.states[self.now + 1 :])
        return replace(self, states=states)

    def undo(self) -> History[T]:
        """One step back, or the same."""
        return replace(self, now=self.now - 1, key="") if self.can_undo else self

    def redo(self) -> History[T]:
        """One step forward again, or the same."""
        return replace(self, now=self.now + 1, key="") if self.can_redo else self
