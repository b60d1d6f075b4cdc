"""Replays keep everything once, judge it the same at every speed, and wait by the clock of the scene."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.live.small_store import MIN, T0, small_city
from twin.core.errors import ConfigError, InputError, InputNotFoundError, UsageError
from twin.core.notices import Notices
from twin.live import replay as module
from twin.live.alarm_log import LOG, read_lines
from twin.live.alarm_rules import FILE
from twin.live.moments import iso_utc
from twin.live.replay import Clock, replay
from twin.live.store import open_store

RULES = """
lateness_s = 600
[[rule]]
name = "high"
observed_property = "water_level"
above = 2.5
recover_below = 2.0
pending_s = 120
recover_pending_s = 120
flapping = { changes = 3, window_s = 3600 }
[[rule]]
name = "silent"
observed_property = "pm2_5"
no_data_s = 1200
"""


def day_of_storm(path: Path, *, seed: int = 4, is_shuffled: bool = False) -> Path:
    """24 hours of two datastreams with waves, gaps and repeated messages; late ones come up to ten minutes late."""
    rng = np.random.default_rng(seed)
    rows = []
    for t in range(1440):
        if rng.random() < 0.95:
            rows.append((t, "river-1:level", round(1.8 + np.sin(t / 90) + rng.normal(0, 0.4), 3)))
        if t % 5 == 0 and not 500 < t < 560:
            rows.append((t, "it's:pm2_5", round(20 + rng.normal(0, 3), 2)))
    rows += rows[::50]
    delay = rng.uniform(0, 9.9, len(rows)) if is_shuffled else np.zeros(len(rows))
    order = np.argsort([t + d for (t, _, _), d in zip(rows, delay, strict=True)], kind="stable")
    with path.open("w", encoding="utf-8") as out:
        for i in order:
            t, stream, value = rows[i]
            time = iso_utc(T0 + t * MIN)
            line = {
                "phenomenonTime": time,
                "resultTime": time,
                "result": value,
                "Datastream": {"@iot.id": stream},
            }
            out.write(json.dumps(line) + "\n")
    return path


def fresh(tmp_path: Path, name: str) -> Path:
    city = small_city(tmp_path / name, n_minutes=0)
    (city / FILE).write_text(RULES, encoding="utf-8")
    return city


def test_a_day_replayed_at_a_thousand_times_twice_gives_one_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall clock is a stub that waiting moves on, so that 86 s of waiting take no time."""
    wall = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: wall[0])
    until = SimpleNamespace(wait=lambda s: wall.__setitem__(0, wall[0] + s))
    path = day_of_storm(tmp_path / "day.jsonl")
    logs = []
    for name in ("one", "two"):
        city = fresh(tmp_path, name)
        wall[0] = 100.0
        done = replay(city, path, speed=1000.0, until=until, notices=Notices())  # type: ignore[arg-type]
        assert wall[0] - 100.0 == pytest.approx(1439 * 60 / 1000, rel=1e-6)
        assert done.counts.received == done.counts.stored + done.counts.duplicates
        logs.append((city / LOG).read_bytes())
    assert logs[0] == logs[1]
    kinds = {row["event"] for row in read_lines(tmp_path / "one" / LOG)}
    assert {"fired", "recovered", "no_data", "data_back", "flapping"} <= kinds


@pytest.mark.parametrize("batch", [1, 7, 5000])
def test_batches_and_late_messages_change_neither_log_nor_store(
    tmp_path: Path, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean, late = fresh(tmp_path, "clean"), fresh(tmp_path, "late")
    replay(clean, day_of_storm(tmp_path / "clean.jsonl"), speed=0.0, notices=Notices())
    monkeypatch.setattr(module, "BATCH", batch)
    path = day_of_storm(tmp_path / "late.jsonl", is_shuffled=True)
    if batch == 1:  # a part is enough for one commit a message
        path.write_text("".join(path.open(encoding="utf-8").readlines()[:150]), encoding="utf-8")
        replay(late, path, speed=0.0, notices=Notices())
        replay(late, day_of_storm(path, is_shuffled=True), speed=0.0, notices=Notices())
    else:
        replay(late, path, speed=0.0, notices=Notices())
    if batch != 1:
        assert (late / LOG).read_bytes() == (clean / LOG).read_bytes()
    with open_store(clean) as a, open_store(late) as b:
        for name in ("river-1:level", "it's:pm2_5"):
            assert a.history(name).results == b.history(name).results


def test_rules_of_a_file_take_the_place_of_those_of_the_city(tmp_path: Path) -> None:
    city, path = fresh(tmp_path, "city"), day_of_storm(tmp_path / "day.jsonl")
    (tmp_path / "mine.toml").write_text('[[rule]]\nname = "mine"\nabove = 1e6\n', encoding="utf-8")
    assert replay(city, path, speed=0.0, rules=tmp_path / "mine.toml", notices=Notices()).n_alarm_events == 0
    (tmp_path / "mine.toml").write_text('[[rule]]\nname = "mine"\nabve = 1\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="did you mean 'above'"):
        replay(city, path, speed=0.0, rules=tmp_path / "mine.toml", notices=Notices())
    (city / FILE).unlink()
    assert replay(city, path, speed=0.0, notices=Notices()).n_alarm_events is None


def test_what_cannot_be_replayed(tmp_path: Path) -> None:
    city, path = fresh(tmp_path, "city"), day_of_storm(tmp_path / "day.jsonl")
    with pytest.raises(InputNotFoundError):
        replay(city, tmp_path / "none.jsonl", notices=Notices())
    with pytest.raises(UsageError, match="--speed"):
        replay(city, path, speed=-1.0, notices=Notices())
    with pytest.raises(InputError):
        replay(tmp_path / "empty", path, speed=0.0, notices=Notices())
    assert not (tmp_path / "empty").exists()


def test_the_clock_runs_as_fast_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = [50.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: wall[0])
    clock = Clock(60.0)
    assert clock.wait_s(T0) == 0
    assert clock.wait_s(T0 + 60 * MIN) == 60.0
    wall[0] += 45
    assert clock.wait_s(T0 + 60 * MIN) == 15.0
    assert clock.wait_s(T0 + 30 * MIN) == 0


def test_a_replay_that_is_ended_keeps_and_tells_what_it_fed(tmp_path: Path) -> None:
    city, path = fresh(tmp_path, "ended"), day_of_storm(tmp_path / "day.jsonl")
    waits = iter(range(10_000))
    until = SimpleNamespace(wait=lambda _: next(waits) == 700)
    done = replay(city, path, speed=0.0, until=until, notices=Notices())  # type: ignore[arg-type]
    assert done.counts.received == done.counts.stored + done.counts.duplicates == 700
    assert done.n_alarm_events
    with open_store(city) as store:
        assert store.count() == done.counts.stored + 2  # of a gate, from before
    clean = fresh(tmp_path, "clean")
    for there in (city, clean):
        replay(there, path, speed=0.0, notices=Notices())
    assert (city / LOG).read_bytes() == (clean / LOG).read_bytes()


@pytest.mark.slow
def test_a_replay_that_is_killed_and_begun_again_ends_in_the_same_log(tmp_path: Path) -> None:
    import os
    import subprocess
    import sys
    import time

    path = day_of_storm(tmp_path / "day.jsonl")
    clean, killed = fresh(tmp_path, "clean"), fresh(tmp_path, "killed")
    replay(clean, path, speed=0.0, notices=Notices())
    command = [sys.executable, "-m", "twin", "live", "replay", str(killed), str(path), "--speed", "7000"]
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": root}, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until and not (killed / LOG).exists():
        time.sleep(0.05)
    time.sleep(0.7)
    assert process.poll() is None, "it was to be killed on its way"
    process.kill()
    process.wait()
    with open_store(killed) as store:
        kept = store.count()
    done = replay(killed, path, speed=0.0, notices=Notices())
    assert done.counts.duplicates >= kept > 0
    assert (killed / LOG).read_bytes() == (clean / LOG).read_bytes()
