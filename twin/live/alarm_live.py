"""Alarms from observations as they come in live: each datastream is judged by a clock of its own.

The clock of a datastream stands at its newest phenomenon time and goes on with the wall clock until a newer one comes.
So a station that tells of the last hour, a gateway that sends what it kept, and a sensor whose clock is wrong are
judged by what they tell, and none makes another late. Late is only what lies before newer values of the same
datastream.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from twin.live.alarm_engine import Steps
from twin.live.alarm_machine import NEVER, SECOND_US
from twin.live.times import now_us

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from twin.live.alarm_engine import AlarmEvent, Engine, Watch
    from twin.live.alarm_machine import Machine

OF_NOW_US = 86_400_000_000
"""Observations that are at most a day old are of now; a replay through a broker is not."""
_EVERY_US = 500_000


class _Course:
    """The machines of one datastream, by its clock."""

    def __init__(self, steps: Steps, lateness_us: int) -> None:
        self.steps = steps
        self._first, self._stream = steps.machines[0]
        self.newest = self.judged
        self.n_late = 0
        self._lateness_us = lateness_us
        self._clock_us, self._set_at_us = -NEVER, 0

    def set_clock(self, time: int, wall_us: int) -> None:
        self._clock_us, self._set_at_us = time, wall_us

    def put(self, time: int, result_time: int, value: float, wall_us: int) -> None:
        """Have a value wait; one from ahead of the wall clock is of now."""
        if time > wall_us + self._lateness_us:
            time = wall_us
        judged = self.judged
        if time < judged or time < self.newest - self._lateness_us:
            self.n_late += 1
        elif time > judged:
            if time > self.newest:
                self.newest = self._clock_us = time
                self._set_at_us = wall_us
            self.steps.put(self._stream, time, result_time, value)

    def advance(self, wall_us: int) -> list[AlarmEvent]:
        before = self._clock_us + max(0, wall_us - self._set_at_us) - self._lateness_us
        return self.steps.run(before) if self.steps.next_at < before else []

    @property
    def judged(self) -> int:
        """Phenomenon time of the newest value that is judged."""
        last = self._first.last_time
        return -NEVER if last is None else last


class LiveEngine:
    """Machines of all watched datastreams, for observations of now; used as `Engine` is.

    Parameters
    ----------
    watched : sequence of Watch
    lateness_s : float
        How late an observation may come after newer ones of its datastream, and how long it waits for such.
    wall_us : callable
        The wall clock, microseconds UTC.

    Examples
    --------
    >>> from twin.live.alarm_engine import Watch
    >>> from twin.live.alarm_rules import Rule
    >>> high = Rule("high", above=2.0)
    >>> engine = LiveEngine([Watch(high, "hourly"), Watch(high, "ahead")], lateness_s=0, wall_us=lambda: 9_000_000)
    >>> told = engine.take([("ahead", 99_000_000, 0, 3.0), ("hourly", 1_000_000, 0, 3.0)]) + engine.finish()
    >>> [(e.datastream, e.time) for e in told], engine.n_late
    ([('hourly', 1000000), ('ahead', 9000000)], 0)
    """

    def __init__(
        self, watched: Sequence[Watch], *, lateness_s: float, wall_us: Callable[[], int] | None = None
    ) -> None:
        self._courses: dict[str, _Course] = {}
        self._lateness_us = round(lateness_s * SECOND_US)
        self._wall_us = wall_us or now_us
        self._latest = -NEVER
        self._n_late = 0
        self._advanced_at = -NEVER
        self.judged_before = -NEVER
        """Phenomenon time before which most is judged; each datastream goes on after its own last value."""
        self.watch(watched)

    @property
    def machines(self) -> list[tuple[Machine, str]]:
        """Machines, each with the datastream that it watches."""
        return [pair for course in self._courses.values() for pair in course.steps.machines]

    @property
    def datastreams(self) -> tuple[str, ...]:
        """Ids of those that are watched."""
        return tuple(self._courses)

    @property
    def latest(self) -> int:
        """Newest phenomenon time of all observations that do not lie ahead of the wall clock, microseconds UTC."""
        return self._latest

    @property
    def n_late(self) -> int:
        """How many observations came after newer ones of their datastream were judged."""
        return self._n_late + sum(course.n_late for course in self._courses.values())

    def watch(self, watched: Iterable[Watch]) -> None:
        """Watch more datastreams; those that come once it has begun are waited for from their first value on."""
        for watch in watched:
            known = self._courses.get(watch.datastream)
            steps = Steps() if known is None else known.steps
            steps.watch([watch])
            if known is None:
                self._courses[watch.datastream] = _Course(steps, self._lateness_us)

    def judged(self, datastream: str) -> int:
        """Phenomenon time up to which a datastream is judged, microseconds."""
        judged = self._courses[datastream].judged
        return self.judged_before if judged == -NEVER else judged

    def take(self, observations: Iterable[tuple[str, int, int, float]]) -> list[AlarmEvent]:
        """More observations; the events that they lead to, of each datastream in the order of time."""
        wall_us, touched = self._wall_us(), {}
        latest = self._latest
        for stream, time, result_time, value in observations:
            if latest < time <= wall_us:
                latest = time
            course = self._courses.get(stream)
            if course is not None and not math.isnan(value):
                course.put(time, result_time, value, wall_us)
                touched[stream] = course
        self._latest = latest
        self._note_judged(wall_us)
        return _in_order(course.advance(wall_us) for course in touched.values())

    def advance(self, wall_us: int) -> list[AlarmEvent]:
        """The wall clock has come to a moment; what is due by then happens although nothing arrives.

        Twice a second is enough.
        """
        if 0 <= wall_us - self._advanced_at < _EVERY_US:
            return []
        self._advanced_at = wall_us
        self._note_judged(wall_us)
        return _in_order(course.advance(wall_us) for course in self._courses.values())

    def finish(self) -> list[AlarmEvent]:
        """Judge everything that arrived, of each datastream up to its newest value."""
        return _in_order(course.steps.run(course.newest + 1) for course in self._courses.values())

    def resume(self, judged_before: int) -> None:
        """Go on in a state that was put into the machines: each clock goes on from where its datastream stood."""
        self.judged_before, wall_us = judged_before, self._wall_us()
        for course in self._courses.values():
            stood = judged_before if course.judged == -NEVER else course.judged
            course.newest = course.judged
            course.set_clock(min(stood, wall_us), wall_us)
            course.steps.set_timers()

    def take_over(self, engine: Engine) -> None:
        """Go on with the machines of an engine, and with what waits to be judged, now that observations are of now.

        Datastreams without any value are waited for from now on.
        """
        wall_us = self._wall_us()
        parts: dict[str, Steps] = defaultdict(Steps)
        for machine, stream in engine.machines:
            parts[stream].adopt(machine, stream)
        self._courses = {name: _Course(steps, self._lateness_us) for name, steps in parts.items()}
        for course in self._courses.values():
            course.set_clock(wall_us if course.judged == -NEVER else course.judged, wall_us)
            if course.steps.next_at == NEVER:
                course.steps.begin(wall_us)
        for stream, time, result_time, value in engine.waiting:
            self._courses[stream].put(time, result_time, value, wall_us)
        self._n_late, self._latest = engine.n_late, min(engine.latest, wall_us)

    def _note_judged(self, wall_us: int) -> None:
        self.judged_before = max(self.judged_before, wall_us - self._lateness_us)


def _in_order(told: Iterable[list[AlarmEvent]]) -> list[AlarmEvent]:
    return sorted((event for events in told for event in events), key=lambda e: e.time)


def are_of_now(times: Iterable[int], wall_us: int) -> bool:
    """Whether any of some phenomenon times is of now, microseconds UTC."""
    return any(abs(wall_us - time) < OF_NOW_US for time in times)
