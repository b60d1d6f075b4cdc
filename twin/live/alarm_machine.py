"""One alarm of one datastream over time: pending, firing, recovering, without data, flapping.

A machine is stepped by values and by moments that it asked to be called at, both in the order of phenomenon time; what
it tells depends on them alone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from twin.live.alarm_rules import Rule

SECOND_US = 1_000_000
NEVER = 2**63 - 1
COVERAGE = 0.75


class Event(NamedTuple):
    """What a machine tells: when, what, and the value at that time (None where there is none)."""

    time: int
    kind: str
    value: float | None


@dataclass(slots=True)
class Machine:
    """The state of one rule on one datastream; times in microseconds UTC, `NEVER` where nothing is due."""

    rule: Rule
    hold_us: int = NEVER
    """How long a value stands for what comes after it; then a pending change is given up."""
    is_firing: bool = False
    is_without_data: bool = False
    is_flapping: bool = False
    value: float | None = None
    last_time: int | None = None
    turn_due: int = NEVER
    """When a pending change becomes one."""
    silence_due: int = NEVER
    settle_due: int = NEVER
    told_at: int = -NEVER
    """Time of the last event: no later one is told of an earlier time."""
    changes: deque[int] = field(default_factory=deque)
    window: deque[tuple[int, float]] = field(default_factory=deque)

    @property
    def due(self) -> int:
        """The next moment at which something happens by itself."""
        return min(self.turn_due, self.silence_due, self.settle_due)

    def begin(self, time: int) -> None:
        """Start to wait for data, where there has been none yet."""
        if self.last_time is None and self.rule.no_data_s < NEVER / SECOND_US:
            self.silence_due = time + _us(self.rule.no_data_s + self.rule.no_data_pending_s)

    def take(self, time: int, value: float) -> list[Event]:
        """A value; what it leads to."""
        told = []
        self.last_time = time
        if self.rule.no_data_s < NEVER / SECOND_US:
            self.silence_due = time + _us(self.rule.no_data_s + self.rule.no_data_pending_s)
        if self.is_without_data:
            self.is_without_data = False
            told.append(Event(time, "data_back", value))
        judged = self._judged(time, value)
        if judged is not None and self.rule.has_threshold:
            self.value = judged
            told += self._weigh(time)
        return told

    def elapse(self, time: int) -> list[Event]:
        """The moment `due` has come; what happens by itself."""
        if time >= self.turn_due:
            if self.last_time is not None and time - self.last_time > self.hold_us:
                self.turn_due = NEVER
                return []
            return self._turn(time)
        if time >= self.settle_due:
            return self._settle(time)
        self.silence_due = NEVER
        self.turn_due = NEVER  # a value that is no longer told cannot go on pending
        self.window.clear()
        self.is_without_data = True
        return [Event(time, "no_data", self.value)]

    def _judged(self, time: int, value: float) -> float | None:
        """The value that is compared: itself, or the mean of the window where it is covered."""
        if not self.rule.mean_s:
            return value
        self.window.append((time, value))
        span = _us(self.rule.mean_s)
        while self.window[0][0] <= time - span:
            self.window.popleft()
        n = len(self.window)
        if n < 2:
            return None
        held = (time - self.window[0][0]) * n / (n - 1)
        return sum(v for _, v in self.window) / n if held >= COVERAGE * span else None

    def _weigh(self, time: int) -> list[Event]:
        wants_change = self._recovers() if self.is_firing else self._fires()
        if not wants_change:
            self.turn_due = NEVER
            return []
        if self.turn_due == NEVER:
            wait = self.rule.recover_pending_s if self.is_firing else self.rule.pending_s
            self.turn_due = time + _us(wait)
        return self._turn(time) if time >= self.turn_due else []

    def _fires(self) -> bool:
        return self.value is not None and (self.value >= self.rule.above or self.value <= self.rule.below)

    def _recovers(self) -> bool:
        rule, value = self.rule, self.value
        if value is None:
            return False
        low = value < rule.above and value <= rule.recover_below
        return low and value > rule.below and value >= rule.recover_above

    def _turn(self, time: int) -> list[Event]:
        self.turn_due = NEVER
        self.is_firing = not self.is_firing
        if self._starts_to_flap(time):
            self.is_flapping = True
            self.settle_due = time + _us(self.rule.flap_window_s)
            return [Event(time, "flapping", self.value)]
        if self.is_flapping:
            self.settle_due = time + _us(self.rule.flap_window_s)
            return []
        return [Event(time, "fired" if self.is_firing else "recovered", self.value)]

    def _starts_to_flap(self, time: int) -> bool:
        if not self.rule.flap_changes or self.is_flapping:
            return False
        self.changes.append(time)
        while self.changes[0] <= time - _us(self.rule.flap_window_s):
            self.changes.popleft()
        return len(self.changes) >= self.rule.flap_changes

    def _settle(self, time: int) -> list[Event]:
        self.settle_due = NEVER
        self.is_flapping = False
        self.changes.clear()
        return [Event(time, "settled_firing" if self.is_firing else "settled", self.value)]


def _us(seconds: float) -> int:
    return round(seconds * SECOND_US)
