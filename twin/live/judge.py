"""Observations of a city judged as they come in, the log kept, and taken up again where a process ended."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import ConfigError
from twin.core.files import canonical_json, write_text
from twin.core.visible_text import visible_text
from twin.live.alarm_engine import Engine, Watch
from twin.live.alarm_live import LiveEngine, are_of_now
from twin.live.alarm_log import LOG, Log, event_row
from twin.live.alarm_rules import FILE, lacks_unit, read_rules, watched
from twin.live.alarm_state import freeze, read_state, thaw
from twin.live.freshness import max_ages_s
from twin.live.model import Catalogue, Quality
from twin.live.times import now_us

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from twin.core.notices import Notices
    from twin.live.alarm_engine import AlarmEvent
    from twin.live.alarm_rules import Rules
    from twin.live.alarm_state import AnyEngine
    from twin.live.intake import Intake
    from twin.live.model import Batch
    from twin.live.store import Store

STATE = "live/alarms.state.json"
_CHUNK = 20_000


class Judge:
    """Rules of a city at work; from `judging`, `judging_live` and `judging_stored`.

    Parameters
    ----------
    rules : Rules
    engine : Engine or LiveEngine
    log : Log
    catalogue : Catalogue
    notices : Notices
        Is told of a rule whose unit does not fit a datastream that comes later.
    may_be_live : bool
        Whether datastreams have clocks of their own from the first observation of now on. What comes before, such as
        a replay through a broker, has one for all.
    """

    def __init__(
        self,
        rules: Rules,
        engine: AnyEngine,
        log: Log,
        catalogue: Catalogue,
        notices: Notices,
        *,
        may_be_live: bool = False,
    ) -> None:
        self.may_be_live = may_be_live
        self.rules, self.engine, self.log, self.catalogue = rules, engine, log, catalogue
        self._notices = notices

    def take(self, batch: Batch) -> None:
        """Judge observations; those of bad quality and those that are no numbers say nothing."""
        if (
            self.may_be_live
            and isinstance(self.engine, Engine)
            and are_of_now(batch.phenomenon_time, now_us())
        ):
            live = LiveEngine((), lateness_s=self.engine.lateness_s)
            live.take_over(self.engine)
            self.engine = live
        self._tell(self.engine.take(_judged(batch)))

    def learn(self, catalogue: Catalogue) -> None:
        """Watch what has come into the catalogue since."""
        new = tuple(d for d in catalogue.datastreams if d.id not in self.catalogue)
        self.catalogue = catalogue
        if not new:
            return
        things = {d.thing: catalogue.thing(d.thing) for d in new}
        part = Catalogue(tuple(things.values()), new)
        for rule in self.rules.rules:
            try:
                self.engine.watch(_watches(replace(self.rules, rules=(rule,)), part, self._notices))
            except ConfigError as error:
                self._notices.add("alarm-unit", f"{error}; what came later is not watched by it")

    def keep_time(self, wall_us: int) -> None:
        """The wall clock has come to a moment although nothing arrived: data that is missing is then missed.

        What is not of now has a clock of its own, and is left to it.
        """
        if isinstance(self.engine, LiveEngine):
            self._tell(self.engine.advance(wall_us))

    def catch_up(self, store: Store, start_us: int) -> None:
        """Judge what a store holds from a moment on, in the order of time, however it came in.

        Live each datastream goes on after its own last value.
        """
        if isinstance(self.engine, LiveEngine):
            for name in self.engine.datastreams:
                self._tell(self.engine.take(_after(store, name, self.engine.judged(name))))
            return
        for observations in _since(store, self.engine, start_us):
            self._tell(self.engine.take(observations))

    def finish(self) -> None:
        """Judge what is still waiting."""
        self._tell(self.engine.finish())

    def _tell(self, events: Iterable[AlarmEvent]) -> None:
        self.log.add(event_row(event, self.catalogue) for event in events)


@dataclass(slots=True)
class Judged:
    """What judging has come to.

    Parameters
    ----------
    judge : Judge, optional
        None where the city has no rules, or nothing is to be judged.
    first_us : int, optional
        Earliest phenomenon time of what came in.
    """

    judge: Judge | None = None
    first_us: int | None = None

    @property
    def n_events(self) -> int | None:
        """How many events the log has more; None where nothing was judged."""
        return None if self.judge is None else self.judge.log.n_added

    def keep_time(self, now_us: int) -> None:
        """As `Judge.keep_time`."""
        if self.judge is not None:
            self.judge.keep_time(now_us)

    def note(self, batch: Batch) -> None:
        """Remember where the earliest of a batch lies."""
        first = int(min(batch.phenomenon_time))
        self.first_us = first if self.first_us is None else min(first, self.first_us)


@contextlib.contextmanager
def judging(
    city: Path,
    store: Store,
    intake: Intake,
    *,
    rules: Path | None = None,
    from_us: int | None = None,
    is_on: bool = True,
    notices: Notices,
) -> Iterator[Judged]:
    """Judge what is replayed into an intake by the rules of the city while the block runs: its times are the clock.

    Parameters
    ----------
    city : Path
    store : Store
        Open for writing: only who writes observations judges them.
    intake : Intake
        Whose batches are judged once they are kept; the caller flushes it within the block.
    rules : Path, optional
        Instead of ``live/alarms.toml`` of the city.
    from_us : int, optional
        First phenomenon time of a replay. Where it lies before what is judged already, history is judged anew from
        there; events that stand in the log are not told twice.
    is_on : bool
        Whether anything is judged at all.
    notices : Notices
        Is told which rules watch nothing, and how much came too late to be judged.

    Raises
    ------
    ConfigError
        If the rules have a mistake.
    """
    with (
        _open_judge(city, store, rules, from_us, is_on=is_on, notices=notices) as judge,
        _at_intake(judge, intake),
    ):
        yield Judged(judge)
    _tell_late(judge, notices)


@contextlib.contextmanager
def judging_live(
    city: Path,
    store: Store,
    intake: Intake,
    *,
    rules: Path | None = None,
    is_on: bool = True,
    notices: Notices,
) -> Iterator[Judged]:
    """Judge what comes into an intake now, each datastream by its own clock; parameters and errors as of `judging`."""
    with (
        _open_judge(city, store, rules, None, may_be_live=True, is_on=is_on, notices=notices) as judge,
        _at_intake(judge, intake),
    ):
        yield Judged(judge)
    _tell_late(judge, notices)


@contextlib.contextmanager
def _at_intake(judge: Judge | None, intake: Intake) -> Iterator[None]:
    if judge is not None:
        intake.after, intake.learned = judge.take, judge.learn
    try:
        yield
    finally:
        intake.after = intake.learned = None


def _tell_late(judge: Judge | None, notices: Notices) -> None:
    if judge is not None and judge.engine.n_late:
        what = (
            f"{judge.engine.n_late} observations came after their time was judged; they are kept, not judged"
        )
        notices.add("late-for-alarms", what)


@contextlib.contextmanager
def judging_stored(
    city: Path,
    store: Store,
    intake: Intake,
    *,
    rules: Path | None = None,
    is_on: bool = True,
    notices: Notices,
) -> Iterator[Judged]:
    """Judge at the end of the block what came into an intake in it: files and servers give it in any order.

    What the store holds from the earliest of it on is judged in the order of time, so that the log is the same for
    every order of files, columns and datastreams. Parameters and errors are those of `judging`.
    """
    done = Judged()
    intake.after = done.note
    try:
        yield done
        intake.flush()
    finally:
        intake.after = None
    if done.first_us is None:
        return
    with _open_judge(city, store, rules, done.first_us, is_on=is_on, notices=notices) as judge:
        done.judge = judge
        if judge is not None and judge.engine.latest < done.first_us:
            judge.catch_up(store, done.first_us)


def _judged(batch: Batch) -> Iterator[tuple[str, int, int, float]]:
    columns = (batch.datastreams, batch.phenomenon_time, batch.result_time, batch.results, batch.quality)
    for stream, time, result_time, result, quality in zip(*columns, strict=True):
        is_value = not isinstance(result, str) and result is not None and quality < Quality.INVALID
        yield stream, int(time), int(result_time), float(result) if is_value else math.nan  # type: ignore[arg-type]


@contextlib.contextmanager
def _open_judge(
    city: Path,
    store: Store,
    rules: Path | None,
    from_us: int | None,
    *,
    may_be_live: bool = False,
    is_on: bool,
    notices: Notices,
) -> Iterator[Judge | None]:
    """The rules of a city at work while the block runs; None where the city has none, or nothing is to be judged."""
    path = rules or city / FILE
    if not is_on or (rules is None and not path.exists()):
        yield None
        return
    found = read_rules(path)
    catalogue = store.catalogue()
    key = _key(found)
    before = read_state(city / STATE, key)
    engine_of = LiveEngine if may_be_live and before and before.get("is_live") else Engine
    engine = engine_of(_all_watches(found, catalogue, notices), lateness_s=found.lateness_s)
    judge = Judge(found, engine, Log(city / LOG), catalogue, notices, may_be_live=may_be_live)
    if before and (from_us is None or from_us >= before["judged_before"]):
        thaw(judge.engine, before)
        judge.catch_up(store, before["judged_before"])
    try:
        yield judge
    except BaseException as stop:
        if not isinstance(stop, Exception):  # Ctrl-C is the usual end of an ingest
            _end(judge, city / STATE, key, before)
        raise
    _end(judge, city / STATE, key, before)


def _end(judge: Judge, path: Path, key: str, before: dict[str, Any] | None) -> None:
    """Judge what waits and keep the state, unless that is of an earlier time than the one kept.

    It is the state before the last minute was judged: what is yet to come for that minute is then not too late. Live,
    where datastreams are not of one minute, it is the state after all.
    """
    state = freeze(judge.engine)
    judge.finish()
    if isinstance(judge.engine, LiveEngine):
        state = freeze(judge.engine)
    if not before or state["judged_before"] >= before["judged_before"]:
        write_text(path, canonical_json({"key": key, **state}))


def _all_watches(rules: Rules, catalogue: Catalogue, notices: Notices) -> list[Watch]:
    watches = _watches(rules, catalogue, notices)
    busy = {watch.rule.name for watch in watches}
    for rule in rules.rules:
        if rule.name not in busy:
            notices.add("idle-rule", f"rule {rule.name}: fits no datastream of the city", subject=rule.name)
    return watches


def _watches(rules: Rules, catalogue: Catalogue, notices: Notices) -> list[Watch]:
    for rule in rules.rules:
        without = [
            d.id
            for d in catalogue.datastreams
            if lacks_unit(rule, d) and rule.fits(d, catalogue.thing(d.thing))
        ]
        if without:
            what = (
                f"{len(without)} datastreams without a unit ({visible_text(without[0], max_chars=40)}, ...)"
            )
            notices.add("alarm-unit", f"rule {rule.name}: tells {rule.unit}, and does not watch {what}")
    ages = dict(zip((d.id for d in catalogue.datastreams), max_ages_s(catalogue).tolist(), strict=True))
    return [Watch(rule, stream.id, ages[stream.id]) for rule, stream in watched(rules, catalogue)]


def _key(rules: Rules) -> str:
    """Digest of the rules that a kept state belongs to; datastreams may come and go."""
    plain = [rules.lateness_s, *(asdict(rule) for rule in rules.rules)]
    return hashlib.sha256(json.dumps(plain, default=dict).encode()).hexdigest()[:20]


def _since(store: Store, engine: Engine, start_us: int) -> Iterator[list[tuple[str, int, int, float]]]:
    """What the store holds of the watched datastreams from a moment on, in the order of time and datastream.

    Others tell only how far time has come, and where it began.
    """
    first, last = store.ends(start_us)
    if first is None or last is None:
        return
    yield [("", first, 0, math.nan)]
    names = sorted(engine.datastreams)
    parts = [store.history(name, start_us) for name in names]
    time = np.concatenate([np.empty(0, np.int64), *(p.time for p in parts)])
    value = np.concatenate(
        [np.empty(0), *(np.where(p.quality < Quality.INVALID, p.number, np.nan) for p in parts)]
    )
    result_time = np.concatenate([np.empty(0, np.int64), *(p.result_time for p in parts)])
    stream = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
    order = np.lexsort((stream, time))
    for i in range(0, len(order), _CHUNK):
        rows = order[i : i + _CHUNK]
        columns = (time[rows].tolist(), result_time[rows].tolist(), value[rows].tolist())
        yield list(zip([names[k] for k in stream[rows].tolist()], *columns, strict=True))
    yield [("", last, 0, math.nan)]


def _after(store: Store, name: str, time_us: int) -> list[tuple[str, int, int, float]]:
    """What the store holds of a datastream after a moment, in the order of time."""
    part = store.history(name, time_us + 1)
    value = np.where(part.quality < Quality.INVALID, part.number, np.nan)
    return list(
        zip([name] * len(part), part.time.tolist(), part.result_time.tolist(), value.tolist(), strict=True)
    )
