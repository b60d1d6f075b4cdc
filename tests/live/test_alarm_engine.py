"""Alarms fire, recover, pend, miss data and flap by phenomenon time; nothing else counts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.live.alarm_engine import AlarmEvent, Engine, Watch
from twin.live.alarm_rules import Rule
from twin.live.alarm_state import freeze, thaw

MIN = 60_000_000
HIGH = Rule("high", above=2.0, recover_below=1.5)


def run(
    rule: Rule, values: list[tuple[float, float]], *, hold_s: float = math.inf, end_min: float | None = None
) -> list[tuple[float, str]]:
    """Minutes and kinds of what a rule tells of values (minute, value) of one datastream."""
    engine = Engine([Watch(rule, "a", hold_s)], lateness_s=0)
    told = engine.take([("a", int(t * MIN), 0, v) for t, v in values])
    if end_min is not None:
        told += engine.advance(int(end_min * MIN))
    return [(e.time / MIN, e.kind) for e in told + engine.finish()]


def test_fires_at_its_threshold_and_recovers_at_the_other() -> None:
    values = [(0, 1.9), (1, 2.0), (2, 1.6), (3, 1.5), (4, 1.9), (5, 5.0)]
    assert run(HIGH, values) == [(1, "fired"), (3, "recovered"), (5, "fired")]


def test_low_values_and_ranges() -> None:
    cold = Rule("cold", below=0.0, recover_above=1.0)
    assert run(cold, [(0, 0.5), (1, 0.0), (2, 0.9), (3, 1.0)]) == [(1, "fired"), (3, "recovered")]
    range_ = Rule("range", below=0.0, above=10.0)
    assert run(range_, [(0, 5), (1, 11), (2, -1), (3, 5)]) == [(1, "fired"), (3, "recovered")]


def test_pending_lasts_and_a_single_peak_does_not() -> None:
    rule = replace(HIGH, pending_s=120, recover_pending_s=180)
    assert run(rule, [(0, 3), (1, 1), (2, 3), (3, 3), (4, 3), (5, 3)]) == [(4, "fired")]
    values = [(0, 3), (1, 3), (2, 3), (3, 1), (4, 3), (5, 1), (6, 1), (7, 1), (8, 1)]
    assert run(rule, values) == [(2, "fired"), (8, "recovered")]


def test_pending_ends_between_values_at_its_own_moment() -> None:
    rule = replace(HIGH, pending_s=90)
    assert run(rule, [(0, 3), (1, 3), (2, 3)]) == [(1.5, "fired")]


def test_a_value_that_is_stale_pends_no_more() -> None:
    rule = replace(HIGH, pending_s=300)
    assert run(rule, [(0, 3)], end_min=60) == [(5, "fired")]
    assert run(rule, [(0, 3)], hold_s=180, end_min=60) == []


def test_no_data_and_back() -> None:
    rule = Rule("silent", no_data_s=180, no_data_pending_s=60)
    assert run(rule, [(0, 1), (1, 1), (9, 1), (10, 1)]) == [(5, "no_data"), (9, "data_back")]
    assert run(rule, [(0, math.nan), (1, math.nan), (9, math.nan)]) == [(4, "no_data")]


def test_a_datastream_that_never_came_is_missed() -> None:
    engine = Engine([Watch(Rule("silent", no_data_s=300), "never")], lateness_s=0)
    told = engine.take([("other", t * MIN, 0, 1.0) for t in range(20)]) + engine.finish()
    assert [(e.time // MIN, e.kind, e.value) for e in told] == [(5, "no_data", None)]


def test_flapping_is_told_once_and_settles() -> None:
    rule = replace(HIGH, flap_changes=4, flap_window_s=600)
    swings = [(t, 3.0 if t % 2 else 1.0) for t in range(12)]
    told = run(rule, swings, end_min=60)
    assert told == [(1, "fired"), (2, "recovered"), (3, "fired"), (4, "flapping"), (21, "settled_firing")]


def test_means_wait_for_cover() -> None:
    rule = Rule("mean", above=2.0, mean_s=600)
    values = [(t, 4.0 if t >= 10 else 1.0) for t in range(20)]
    assert run(rule, values) == [(13, "fired")]  # 4 of 10 minutes at 4, 6 at 1: 2.2
    assert run(rule, [(0, 9.0), (1, 9.0)]) == []


def events(engine: Engine, parts: list[list[tuple[str, int, int, float]]]) -> list[AlarmEvent]:
    told = [e for part in parts for e in engine.take(part)]
    return told + engine.finish()


WATCHES = [
    Watch(replace(HIGH, pending_s=60, flap_changes=5, flap_window_s=1200), "a", 200.0),
    Watch(Rule("silent", no_data_s=240), "a"),
    Watch(Rule("low", below=0.5, mean_s=300), "b"),
    Watch(Rule("silent", no_data_s=100), "c"),
]


def storm(seed: int) -> list[tuple[str, int, int, float]]:
    """Five hours of three datastreams with gaps, noise and repetitions."""
    rng = np.random.default_rng(seed)
    rows = [
        (stream, int(t * MIN), int(t * MIN) + 1, float(np.round(1.8 + rng.normal(0, 0.8), 2)))
        for stream in "abc"
        for t in range(300)
        if rng.random() > 0.15
    ]
    return sorted([*rows, *rows[::17]], key=lambda r: r[1])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 5), st.integers(1, 400), st.integers(0, 2**20))
def test_batches_and_order_within_the_lateness_change_nothing(seed: int, size: int, order: int) -> None:
    rows = storm(seed)
    wanted = events(Engine(WATCHES, lateness_s=300), [rows])
    assert len(wanted) > 10
    random = np.random.default_rng(order)
    shuffled = sorted(rows, key=lambda r: r[1] + random.uniform(0, 299e6))
    parts = [shuffled[i : i + size] for i in range(0, len(shuffled), size)]
    engine = Engine(WATCHES, lateness_s=300)
    assert events(engine, parts) == wanted
    assert engine.n_late == 0


@pytest.mark.parametrize("cut", [100, 333, 700])
def test_a_run_taken_up_again_tells_the_same(cut: int) -> None:
    rows = storm(3)
    at = rows[cut][1]
    first, second = [r for r in rows if r[1] < at], [r for r in rows if r[1] >= at]
    whole = events(Engine(WATCHES, lateness_s=0), [first, second])
    engine = Engine(WATCHES, lateness_s=0)
    told = events(engine, [first])
    again = Engine(WATCHES, lateness_s=0)
    thaw(again, freeze(engine))
    assert told + events(again, [second]) == whole


def test_what_comes_too_late_is_counted_and_changes_nothing() -> None:
    engine = Engine([Watch(HIGH, "a")], lateness_s=60)
    engine.take([("a", 0, 0, 1.0), ("a", 10 * MIN, 0, 1.0), ("a", 2 * MIN, 0, 9.0)])
    assert engine.finish() == []
    assert engine.n_late == 1


def test_the_latest_result_time_wins() -> None:
    engine = Engine([Watch(HIGH, "a")], lateness_s=60)
    told = engine.take([("a", 0, 5, 1.0), ("a", 0, 3, 9.0)]) + engine.finish()
    assert told == []
