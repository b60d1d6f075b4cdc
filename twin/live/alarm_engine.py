"""Alarms from observations: judged by phenomenon time, so that the log does not depend on how they arrived.

Observations wait until the latest phenomenon time of all has passed theirs by the allowed lateness; then they are
judged in the order of time and datastream, and what is due between them happens at its own moment. Batches, the speed
of a replay, the wall clock and the order of arrival within the lateness change nothing.
`twin.live.alarm_live` judges what comes in live, each datastream by a clock of its own.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, NamedTuple

from twin.live.alarm_machine import NEVER, SECOND_US, Machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from twin.live.alarm_machine import Event
    from twin.live.alarm_rules import Rule


class AlarmEvent(NamedTuple):
    """One event of one alarm, with its rule and datastream."""

    time: int
    kind: str
    rule: Rule
    datastream: str
    value: float | None


class Watch(NamedTuple):
    """A rule with a datastream that it watches: thresholds in its unit, and how long its values hold, s."""

    rule: Rule
    datastream: str
    hold_s: float = math.inf


class Steps:
    """Machines and what waits for them: values, and moments at which something is due; taken in the order of time."""

    def __init__(self) -> None:
        self.machines: list[tuple[Machine, str]] = []
        self.of_stream: dict[str, list[int]] = {}
        self._waiting: list[tuple[int, str]] = []
        self._values: dict[tuple[int, str], tuple[int, float]] = {}
        self._timers: list[tuple[int, int]] = []
        self._set_for: list[int] = []

    def watch(self, watched: Iterable[Watch]) -> None:
        """Watch more datastreams."""
        for watch in watched:
            self.adopt(Machine(watch.rule, _hold_us(watch.hold_s)), watch.datastream)

    def adopt(self, machine: Machine, stream: str) -> None:
        """Go on with a machine as it is."""
        self.of_stream.setdefault(stream, []).append(len(self.machines))
        self.machines.append((machine, stream))
        self._set_for.append(NEVER)
        self._set_timer(len(self.machines) - 1)

    @property
    def waiting(self) -> list[tuple[str, int, int, float]]:
        """Values that wait: datastream, phenomenon and result time, value."""
        return [(stream, time, *value) for (time, stream), value in self._values.items()]

    def put(self, stream: str, time: int, result_time: int, value: float) -> None:
        """Have a value wait; of several of one time that with the latest result time stays."""
        key = (time, stream)
        before = self._values.get(key)
        if before is None:
            heapq.heappush(self._waiting, key)
        if before is None or (result_time, value) > before:
            self._values[key] = (result_time, value)

    def begin(self, time: int) -> None:
        """Datastreams without a value are waited for from a moment on."""
        for number, (machine, _) in enumerate(self.machines):
            machine.begin(time)
            self._set_timer(number)

    def set_timers(self) -> None:
        """Have all machines called when something is due; after their state was put in from outside."""
        for number in range(len(self.machines)):
            self._set_timer(number)

    @property
    def next_at(self) -> int:
        """Moment of what comes next, microseconds; `NEVER` where nothing waits."""
        value_at = self._waiting[0][0] if self._waiting else NEVER
        return min(value_at, self._timers[0][0]) if self._timers else value_at

    def run(self, before: int) -> list[AlarmEvent]:
        """Take everything that lies before a moment."""
        told: list[AlarmEvent] = []
        while True:
            value_at = self._waiting[0][0] if self._waiting else NEVER
            timer_at = self._timers[0][0] if self._timers else NEVER
            if min(value_at, timer_at) >= before:
                return told
            told += self._next_value() if value_at <= timer_at else self._next_timer()

    def _next_value(self) -> list[AlarmEvent]:
        key = heapq.heappop(self._waiting)
        time, stream = key
        _, value = self._values.pop(key)
        told = []
        for number in self.of_stream[stream]:
            told += self._told(number, self.machines[number][0].take(time, value))
            self._set_timer(number)
        return told

    def _next_timer(self) -> list[AlarmEvent]:
        time, number = heapq.heappop(self._timers)
        machine = self.machines[number][0]
        if machine.due != time or self._set_for[number] != time:
            return []
        self._set_for[number] = NEVER
        told = self._told(number, machine.elapse(time))
        self._set_timer(number)
        return told

    def _set_timer(self, number: int) -> None:
        """Have a machine called when something is due; a value in between moves that, the old entry is then idle."""
        due = self.machines[number][0].due
        if due != NEVER and due != self._set_for[number]:
            heapq.heappush(self._timers, (due, number))
            self._set_for[number] = due

    def _told(self, number: int, events: list[Event]) -> list[AlarmEvent]:
        machine, stream = self.machines[number]
        if (
            events
        ):  # a value that comes long after others were missed tells of them now, not before they were missed
            machine.told_at = max(machine.told_at, events[-1].time)
        return [
            AlarmEvent(max(e.time, machine.told_at), e.kind, machine.rule, stream, e.value) for e in events
        ]


class Engine:
    """Machines of all watched datastreams.

    Parameters
    ----------
    watched : sequence of Watch
    lateness_s : float
        How late an observation may come.

    Examples
    --------
    >>> from twin.live.alarm_rules import Rule
    >>> engine = Engine([Watch(Rule("high", above=2.0, recover_below=1.5), "gauge")], lateness_s=0)
    >>> minute = 60_000_000
    >>> values = [(0, 1.0), (1, 2.1), (2, 1.8), (3, 1.4)]
    >>> told = engine.take([("gauge", t * minute, 0, v) for t, v in values]) + engine.finish()
    >>> [(e.time // minute, e.kind, e.value) for e in told]
    [(1, 'fired', 2.1), (3, 'recovered', 1.4)]
    """

    def __init__(self, watched: Sequence[Watch], *, lateness_s: float) -> None:
        self._steps = Steps()
        self.lateness_s = lateness_s
        self._lateness_us = round(lateness_s * SECOND_US)
        self._latest = -NEVER
        self._earliest = NEVER
        self.has_begun = False
        self.judged_before = -NEVER
        """Phenomenon time before which everything is judged, microseconds; what comes for it now is too late."""
        self.n_late = 0
        self.watch(watched)

    @property
    def machines(self) -> list[tuple[Machine, str]]:
        """Machines, each with the datastream that it watches."""
        return self._steps.machines

    @property
    def waiting(self) -> list[tuple[str, int, int, float]]:
        """Values that are not judged yet: datastream, phenomenon and result time, value."""
        return self._steps.waiting

    @property
    def datastreams(self) -> tuple[str, ...]:
        """Ids of those that are watched."""
        return tuple(self._steps.of_stream)

    @property
    def latest(self) -> int:
        """Newest phenomenon time of all observations, microseconds UTC."""
        return self._latest

    def watch(self, watched: Iterable[Watch]) -> None:
        """Watch more datastreams; those that come once it has begun are waited for from their first value on."""
        self._steps.watch(watched)

    def take(self, observations: Iterable[tuple[str, int, int, float]]) -> list[AlarmEvent]:
        """More observations; the events that they lead to.

        Parameters
        ----------
        observations : iterable of (datastream, phenomenon time, result time, value)
            Microseconds UTC; a value that is none (NaN) says nothing, but the clock goes on.
        """
        for stream, time, result_time, value in observations:
            self._latest, self._earliest = max(self._latest, time), min(self._earliest, time)
            if stream not in self._steps.of_stream or math.isnan(value):
                continue
            if time < max(self.judged_before, self._latest - self._lateness_us):
                self.n_late += 1
            else:
                self._steps.put(stream, time, result_time, value)
        return self._judge(self._latest - self._lateness_us)

    def advance(self, now_us: int) -> list[AlarmEvent]:
        """The clock says so: what is due by then happens although nothing arrives."""
        self._latest = max(self._latest, now_us)
        return self._judge(self._latest - self._lateness_us)

    def finish(self) -> list[AlarmEvent]:
        """Judge everything that arrived, up to the latest phenomenon time."""
        return self._judge(self._latest + 1) if self._latest > -NEVER else []

    def resume(self, judged_before: int) -> None:
        """Go on after a moment before which everything is judged; the machines are as they were then."""
        self.judged_before, self.has_begun = judged_before, True
        self._latest = judged_before - 1
        self._steps.set_timers()

    def _judge(self, before: int) -> list[AlarmEvent]:
        if before <= self.judged_before:
            return []
        if not self.has_begun and self._earliest < before:
            self.has_begun = (
                True  # those that are silent from the start are waited for from the first of all on
            )
            self._steps.begin(self._earliest)
        told = self._steps.run(before)
        self.judged_before = before
        return told


def _hold_us(hold_s: float) -> int:
    return NEVER if math.isinf(hold_s) else round(hold_s * SECOND_US)
