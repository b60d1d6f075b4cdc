"""Alarms of what comes in live: late gateways, hourly stations, wrong clocks and silence, each by its own clock."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.live.small_store import CATALOGUE, MIN, T0
from twin.core.notices import Notices
from twin.live import alarm_live, judge
from twin.live.alarm_engine import Engine, Watch
from twin.live.alarm_live import LiveEngine
from twin.live.alarm_log import LOG, alarms, read_lines
from twin.live.alarm_rules import FILE, Rule
from twin.live.intake import Intake
from twin.live.judge import Judged, judging_live
from twin.live.model import Observation
from twin.live.store import open_store

HIGH = Rule("high", above=2.0, recover_below=1.5)
SILENT = Rule("silent", no_data_s=300)


class Live:
    """An engine with a wall clock that the test turns, in minutes."""

    def __init__(self, *watched: Watch, lateness_s: float = 60.0) -> None:
        self.now = 0.0
        self.engine = LiveEngine(watched, lateness_s=lateness_s, wall_us=lambda: int(self.now * MIN))
        self.told: list[tuple[float, str, str]] = []

    def at(self, minute: float, *values: tuple[str, float, float]) -> None:
        """Values (datastream, minute, value) come in at a minute; every second until then the clock is told."""
        while self.now < minute:
            self.now = min(minute, self.now + 0.25)
            self._note(self.engine.advance(int(self.now * MIN)))
        self._note(self.engine.take([(s, int(t * MIN), 0, v) for s, t, v in values]))

    def _note(self, events: list) -> None:  # type: ignore[type-arg]
        self.told += [(e.time / MIN, e.datastream, e.kind) for e in events]


def test_an_hourly_station_is_judged_beside_those_of_now() -> None:
    live = Live(Watch(HIGH, "hourly"), Watch(HIGH, "often"))
    for minute in range(1, 130):
        values = [("often", minute, 1.0)]
        if minute in {40, 112}:  # it comes 40 minutes late, or 52
            values.append(("hourly", minute // 60 * 60, 3.0 if minute == 40 else 1.0))
        live.at(minute, *values)
    assert live.told == [(0, "hourly", "fired"), (60, "hourly", "recovered")]
    assert live.engine.n_late == 0


def test_a_sensor_whose_clock_is_fast_silences_nobody_nor_itself() -> None:
    live = Live(Watch(HIGH, "fast"), Watch(HIGH, "right"), Watch(SILENT, "right"))
    live.at(1, ("fast", 1 + 1430, 1.0), ("right", 1, 1.0))
    live.at(2, ("fast", 2 + 1430, 1.0), ("right", 2, 3.0))
    live.at(3, ("fast", 3 + 1430, 3.0), ("right", 3, 3.0))
    live.at(4, ("fast", 4, 1.0), ("right", 4, 1.0))  # its clock is set
    live.at(6, ("right", 6, 1.0))
    assert live.told == [
        (2, "right", "fired"),
        (3, "fast", "fired"),
        (4, "fast", "recovered"),
        (4, "right", "recovered"),
    ]
    assert live.engine.n_late == 0


def test_what_a_gateway_kept_is_judged_when_it_comes() -> None:
    live = Live(Watch(HIGH, "a"), Watch(SILENT, "a"), Watch(HIGH, "b"))
    for minute in range(1, 6):
        live.at(minute, ("a", minute, 1.0), ("b", minute, 1.0))
    for minute in range(6, 60):
        live.at(minute, ("b", minute, 1.0))
    assert live.told == [(10, "a", "no_data")]
    for part in range(6, 60, 6):  # in parts, one a second
        kept = [("a", t, 3.0 if 20 <= t < 30 else 1.0) for t in range(part, part + 6)]
        live.at(60 + part / 360, *kept)
    live.at(61, ("a", 60, 1.0), ("a", 61, 1.0))
    live.at(63)
    assert live.told[1:] == [(10, "a", "data_back"), (20, "a", "fired"), (30, "a", "recovered")]
    assert live.engine.n_late == 0


def test_no_event_of_an_alarm_is_told_of_an_earlier_time_than_the_last() -> None:
    """Told as pending for two minutes while the gateway is away; what it kept says otherwise from the first on."""
    live = Live(Watch(replace(HIGH, pending_s=120), "a"))
    live.at(1, ("a", 1, 3.0))
    live.at(10)
    assert live.told == [(3, "a", "fired")]
    live.at(10, ("a", 2, 1.0))
    live.at(12)
    assert live.told[1:] == [(3, "a", "recovered")]


def test_an_engine_is_taken_over_with_what_waits() -> None:
    watched = Watch(SILENT, "never"), Watch(HIGH, "a"), Watch(SILENT, "nothing")
    live, before = Live(), Engine(watched, lateness_s=60)
    assert before.take([("a", t * MIN, 0, 3.0 if t > 1 else 1.0) for t in range(4)]) == []
    live.now = 4.0
    live.engine.take_over(before)
    live.at(4, ("a", 3.5, 1.0), ("nothing", 4, math.nan))
    live.at(14)
    assert live.told[:2] == [(2, "a", "fired"), (3.5, "a", "recovered")]
    assert live.told[2:] == [(5, "never", "no_data"), (5, "nothing", "no_data")]


def test_late_is_what_lies_before_newer_values_of_its_datastream() -> None:
    live = Live(Watch(HIGH, "a"))
    live.at(10, ("a", 9, 1.0), ("a", 10, 1.0), ("a", 9.5, 1.0), ("a", 2, 3.0))
    live.at(20, ("a", 10, 1.0), ("a", 9.5, 3.0))  # the first is a repetition
    assert live.told == []
    assert live.engine.n_late == 2


RULES = """
lateness_s = 60
[[rule]]
name = "high"
observed_property = "water_level"
above = 2.5
recover_below = 2.0
[[rule]]
name = "air"
observed_property = "pm2_5"
above = 50
"""


@pytest.fixture
def city(tmp_path: Path) -> Path:
    (tmp_path / "live").mkdir()
    (tmp_path / FILE).write_text(RULES, encoding="utf-8")
    return tmp_path


def ingest(city: Path, monkeypatch: pytest.MonkeyPatch, *arrived: tuple[float, str, float, float]) -> Notices:
    """Observations (minute of arrival, datastream, minute, value) kept and judged, one flush a minute."""
    now, notices = [T0 + int(arrived[0][0] * MIN)], Notices()
    for module in (alarm_live, judge):
        monkeypatch.setattr(module, "now_us", lambda: now[0])
    with open_store(city, write=True) as store:
        store.put_catalogue(CATALOGUE)
        intake = Intake(store, catalogue=CATALOGUE)
        with judging_live(city, store, intake, notices=notices) as judged:
            for minute, stream, time, value in arrived:
                now[0] = T0 + int(minute * MIN)
                time_us = T0 + int(time * MIN)
                intake.add(Observation(stream, time_us, time_us, value))
                intake.flush()
                keep_time(judged, now[0])
    return notices


def keep_time(judged: Judged, now_us: int) -> None:
    for second in range(0, 60, 10):
        judged.keep_time(now_us + second * 1_000_000)


def test_a_backlog_is_judged_and_what_came_too_late_is_told(
    city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    level, air = "river-1:level", "it's:pm2_5"
    rows = [(m, level, m, 1.0) for m in range(30)]
    rows += [(30 + m / 60, air, m, 80.0 if m == 10 else 20.0) for m in range(30)]
    notices = ingest(city, monkeypatch, *rows, (31, level, 31, 3.0), (33, level, 2, 9.0))
    told = [(r["event"], r["rule"], r["time"][14:16]) for r in read_lines(city / LOG)]
    assert told == [("fired", "air", "10"), ("recovered", "air", "11"), ("fired", "high", "31")]
    assert any("1 observations came after" in line for line in notices.lines())


def test_a_replay_through_a_broker_has_its_own_clock_until_something_is_of_now(
    city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = 3 * 24 * 60
    level, air = "river-1:level", "it's:pm2_5"
    rows = [(days + m / 60, level, m, 3.0 if m == 5 else 1.0) for m in range(10)]
    late = (days + 1, air, 2, 80.0)
    notices = ingest(
        city, monkeypatch, *rows, late, (days + 2, level, days + 2, 3.0), (days + 2, air, days - 60, 80.0)
    )
    told = [(r["event"], r["rule"], r["time"][14:16]) for r in read_lines(city / LOG)]
    assert told[:2] == [("fired", "high", "05"), ("recovered", "high", "06")]
    assert sorted(told[2:]) == [("fired", "air", "00"), ("fired", "high", "02")]
    assert any("1 observations came after" in line for line in notices.lines())


def test_a_run_goes_on_where_the_last_one_ended(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    level, air = "river-1:level", "it's:pm2_5"
    ingest(
        city, monkeypatch, *((m, level, m, 1.0) for m in range(10)), (10, level, 10, 3.0), (10, air, 1, 80.0)
    )
    assert [a.state for a in alarms(city)] == ["firing", "firing"]
    with open_store(city, write=True) as store:  # kept by a process that ended before it judged
        time_us = T0 + 2 * MIN
        intake = Intake(store, catalogue=CATALOGUE)
        intake.add(Observation(air, time_us, time_us, 20.0))
        intake.flush()
    ingest(city, monkeypatch, (100, level, 12, 1.0), (100, level, 100, 1.0))
    told = [(r["event"], r["rule"], r["time"][11:16]) for r in read_lines(city / LOG)]
    assert sorted(told[2:]) == [("recovered", "air", "03:02"), ("recovered", "high", "03:12")]
    before = (city / LOG).read_bytes()
    ingest(city, monkeypatch, (101, level, 101, 1.0))
    assert (city / LOG).read_bytes() == before
