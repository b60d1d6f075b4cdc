"""Observations of a city judged as they come in, the log kept, and taken up again where a process ended."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from twin.core.files import canonical_json, guard_storage, write_text
from twin.live.alarm_engine import Engine, Watch
from twin.live.alarm_log import LOG, Log, alarm_id, event_row
from twin.live.alarm_rules import FILE, read_rules, watched
from twin.live.freshness import max_ages_s
from twin.live.model import Quality

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from twin.core.notices import Notices
    from twin.live.alarm_engine import AlarmEvent
    from twin.live.alarm_rules import Rules
    from twin.live.model import Batch, Catalogue
    from twin.live.store import Store

STATE = "live/alarms.state.json"
_CHUNK = 20_000
OF_NOW_US = 3_600_000_000
"""Observations that are at most an hour old are of now."""


class Judge:
    """Rules of a city at work; from `open_judge`.

    Parameters
    ----------
    engine : Engine
    log : Log
    catalogue : Catalogue
    """

    def __init__(self, engine: Engine, log: Log, catalogue: Catalogue) -> None:
        self.engine, self.log, self.catalogue = engine, log, catalogue
        self.is_of_now = False

    def take(self, batch: Batch) -> None:
        """Judge observations; those of bad quality and those that are no numbers say nothing."""
        self._tell(self.engine.take(_judged(batch)))

    def advance(self, now_us: int) -> None:
        """The clock has come to a moment although nothing arrived."""
        self._tell(self.engine.advance(now_us))

    def keep_time(self, now_us: int) -> None:
        """Let the wall clock go on in silence, once what comes in is of now: data that is missing is then missed.

        A replay through a broker has a clock of its own, and is left to it.
        """
        self.is_of_now = self.is_of_now or abs(now_us - self.engine.latest) < OF_NOW_US
        if self.is_of_now:
            self.advance(now_us)

    def finish(self) -> None:
        """Judge what is still waiting."""
        self._tell(self.engine.finish())

    def _tell(self, events: Iterable[AlarmEvent]) -> None:
        self.log.add(event_row(event, self.catalogue) for event in events)


def _judged(batch: Batch) -> Iterator[tuple[str, int, int, float]]:
    columns = (batch.datastreams, batch.phenomenon_time, batch.result_time, batch.results, batch.quality)
    for stream, time, result_time, result, quality in zip(*columns, strict=True):
        is_value = not isinstance(result, str) and result is not None and quality < Quality.INVALID
        yield stream, int(time), int(result_time), float(result) if is_value else math.nan  # type: ignore[arg-type]


@contextlib.contextmanager
def open_judge(
    city: Path, store: Store, *, rules: Path | None, from_us: int | None = None, notices: Notices
) -> Iterator[Judge | None]:
    """The rules of a city at work while the block runs; None where the city has none.

    Parameters
    ----------
    city : Path
    store : Store
        Open for writing: only who writes observations judges them.
    rules : Path, optional
        Instead of ``live/alarms.toml`` of the city.
    from_us : int, optional
        First phenomenon time of a replay. Where it lies before what is judged already, history is judged anew from
        there; events that stand in the log are not told twice.
    notices : Notices
        Is told which rules watch nothing.

    Raises
    ------
    ConfigError
        If the rules have a mistake.
    """
    path = rules or city / FILE
    if rules is None and not path.exists():
        yield None
        return
    found = read_rules(path)
    catalogue = store.catalogue()
    judge = Judge(_engine(found, catalogue, notices), Log(city / LOG), catalogue)
    key = _key(found)
    before = _read_state(city / STATE, key)
    if before and (from_us is None or from_us >= before["judged_before"]):
        thaw(judge.engine, before)
        for observations in _since(store, catalogue, before["judged_before"]):
            judge._tell(judge.engine.take(observations))
    try:
        yield judge
    except BaseException as stop:
        if not isinstance(stop, Exception):  # Ctrl-C is the usual end of an ingest
            _end(judge, city / STATE, key, before)
        raise
    _end(judge, city / STATE, key, before)


def _end(judge: Judge, path: Path, key: str, before: dict[str, Any] | None) -> None:
    """Judge what waits and keep the state, unless that is of an earlier time than the one kept.

    It is the state before the last minute was judged: what is yet to come for that minute is then not too late.
    """
    state = freeze(judge.engine)
    judge.finish()
    if not before or state["judged_before"] >= before["judged_before"]:
        write_text(path, canonical_json({"key": key, **state}))


def _engine(rules: Rules, catalogue: Catalogue, notices: Notices) -> Engine:
    pairs = watched(rules, catalogue)
    ages = dict(zip((d.id for d in catalogue.datastreams), max_ages_s(catalogue).tolist(), strict=True))
    busy = {rule.name for rule, _ in pairs}
    for rule in rules.rules:
        if rule.name not in busy:
            notices.add("idle-rule", f"rule {rule.name}: fits no datastream of the city", subject=rule.name)
    return Engine([Watch(r, d.id, ages[d.id]) for r, d in pairs], lateness_s=rules.lateness_s)


def _key(rules: Rules) -> str:
    """Digest of the rules that a kept state belongs to; datastreams may come and go."""
    plain = [rules.lateness_s, *(asdict(rule) for rule in rules.rules)]
    return hashlib.sha256(json.dumps(plain, default=dict).encode()).hexdigest()[:20]


_PLAIN = (
    "is_firing",
    "is_without_data",
    "is_flapping",
    "value",
    "last_time",
    "turn_due",
    "silence_due",
    "settle_due",
)


def freeze(engine: Engine) -> dict[str, Any]:
    """The state of an engine, in plain values; what still waits to be judged stays in the store."""
    machines = {
        alarm_id(machine.rule.name, stream): {
            **{name: getattr(machine, name) for name in _PLAIN},
            "changes": list(machine.changes),
            "window": [list(pair) for pair in machine.window],
        }
        for machine, stream in engine.machines
    }
    return {"judged_before": engine.judged_before, "machines": machines}


def thaw(engine: Engine, state: dict[str, Any]) -> None:
    """Put an engine of the same rules into a state that `freeze` gave."""
    for machine, stream in engine.machines:
        kept = state["machines"].get(alarm_id(machine.rule.name, stream))
        if kept is None:  # a datastream that is new is waited for from now on
            machine.begin(state["judged_before"])
            continue
        for name in _PLAIN:
            setattr(machine, name, kept[name])
        machine.changes = deque(kept["changes"])
        machine.window = deque((time, value) for time, value in kept["window"])
    engine.resume(state["judged_before"])


def _read_state(path: Path, key: str) -> dict[str, Any] | None:
    """The state that a run left, if it is whole and belongs to these rules."""
    with guard_storage(path):
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        state = json.loads(text) if text else None
    except ValueError:
        return None
    return state if isinstance(state, dict) and state.get("key") == key else None


def _since(store: Store, catalogue: Catalogue, start_us: int) -> Iterator[list[tuple[str, int, int, float]]]:
    """What the store holds from a moment on, in the order of time: it came in after the last judgement."""
    parts = [store.history(d.id, start_us) for d in catalogue.datastreams]
    rows = [
        (p.datastream, int(t), int(rt), math.nan if q >= Quality.INVALID else float(v))
        for p in parts
        for t, rt, v, q in zip(p.time, p.result_time, p.number, p.quality, strict=True)
    ]
    rows.sort(key=lambda row: (row[1], row[0]))
    for i in range(0, len(rows), _CHUNK):
        yield rows[i : i + _CHUNK]
