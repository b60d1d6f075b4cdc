"""Feeds that run: too much at once, slow readers, messages twice and in disorder, old ones, clocks that are set."""

from __future__ import annotations

import json
import random
import threading
import time
import tracemalloc
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.live.brokers import any_broker, publish, publisher
from tests.live.small_store import CATALOGUE, CRS, MIN, T0, small_city
from twin.core.crs import parse_crs
from twin.live.arrivals import CAPACITY, Arrivals, Message
from twin.live.feed import connect
from twin.live.freshness import State, max_ages_s, states
from twin.live.intake import Intake
from twin.live.memory import Memory
from twin.live.messages import Decoder
from twin.live.moments import iso_utc
from twin.live.places import Locator
from twin.live.pump import Pump
from twin.live.store import open_store
from twin.live.times import SteadyClock, now_us
from twin.scene.live_layer import LiveLayer

TOPIC = "v1.1/Datastreams(river-1:level)/Observations"


@dataclass
class Source:
    """What a pump takes from: arrivals that a test fills."""

    arrivals: Arrivals = field(default_factory=Arrivals)
    refusal: None = None

    def stop(self) -> None:
        """Nothing to stop."""


def level(time_us: int, value: float, *, retained: bool = False) -> Message:
    payload = {"phenomenonTime": iso_utc(time_us), "resultTime": iso_utc(time_us), "result": value}
    return Message(TOPIC, json.dumps(payload).encode(), retained, now_us())


def running(store: Any = None) -> tuple[Source, Pump, Memory]:
    source, memory = Source(), Memory(CATALOGUE)
    decoder = Decoder(Intake(store, memory, CATALOGUE), Locator(parse_crs(CRS), None), ())
    return source, Pump(source, decoder, batch_s=0.0), memory  # type: ignore[arg-type]


def test_rt19_more_than_can_be_taken_in_costs_no_memory_and_the_newest_wins() -> None:
    """A minute of 10,000 messages a second in one go: what the ten minutes of the row come to, apart from the time."""
    source, pump, memory = running()
    peaks, n = [], 60_000
    messages = [level(T0 + k * 1000, k / 1000) for k in range(n)]
    tracemalloc.start()
    for half in (messages[: n // 2], messages[n // 2 :]):
        for k, one in enumerate(half):
            source.arrivals.put(one)
            if k % 15_000 == 14_999:  # a turn that comes late finds more than there is room for
                pump.turn()
        peaks.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    counts = pump.decoder.intake.counts
    assert counts.dropped == n - 4 * CAPACITY
    assert counts.stored == 4 * CAPACITY
    assert source.arrivals.received == n
    assert memory.as_of(T0 + n * 1000).results[0] == (n - 1) / 1000
    assert peaks[1] - peaks[0] < 0.05 * peaks[0] + 200_000


def test_rt19_what_was_dropped_is_told_in_the_picture() -> None:
    _, pump, memory = running()
    pump.decoder.intake.counts.dropped = 1234
    feed = SimpleNamespace(
        catalogue=lambda: CATALOGUE,
        latest=memory.as_of,
        span=lambda: (T0, T0),
        counts=pump.decoder.intake.counts,
    )
    view = LiveLayer(feed).at(datetime.fromtimestamp(T0 / 1e6, UTC))  # type: ignore[arg-type]
    assert "live: 1,234 messages came faster" in view.remarks[-1]


def test_rt20_a_slow_picture_holds_nothing_up(tmp_path: Path) -> None:
    """While one is drawn for a second the input goes on, and the next picture has the newest value."""
    city = small_city(tmp_path / "c.twin", n_minutes=1)
    with (
        any_broker(tmp_path) as port,
        publisher(port) as client,
        connect(city, f"mqtt://127.0.0.1:{port}") as feed,
    ):
        end = time.monotonic() + 15
        while not (feed.connection and feed.connection.is_online) and time.monotonic() < end:
            time.sleep(0.02)
        layer = LiveLayer(feed)
        layer.at(None)
        sent = [datetime.now(UTC) - timedelta(milliseconds=200 - k) for k in range(200)]
        for k, moment in enumerate(sent):
            publish(client, TOPIC, json.dumps({"phenomenonTime": moment.isoformat(), "result": float(k)}))
        time.sleep(1.0)  # the picture is drawn
        assert feed.counts.received == 200
        assert layer.at(None).markers.text[0] == "199 m"  # type: ignore[union-attr]


def test_a_feed_that_keeps_nothing_tells_what_is_kept_and_what_came(tmp_path: Path) -> None:
    """Of before it began too: a message may be late, and of a datastream that the store does not know."""
    city = small_city(tmp_path / "c.twin", n_minutes=3)
    began = now_us()
    with any_broker(tmp_path) as port, publisher(port) as client:
        mapping = tmp_path / "map.toml"
        mapping.write_text(
            '[[message]]\ntopic = "new/{id}"\nthing = "new-{id}"\n[[message.result]]\ndatastream = "v"\n',
            encoding="utf-8",
        )
        address = f"mqtt://127.0.0.1:{port}"
        with connect(city, address, topic=("v1.1/#", "new/#"), mapping=mapping) as feed:
            end = time.monotonic() + 15
            while not (feed.connection and feed.connection.is_online) and time.monotonic() < end:
                time.sleep(0.02)
            times = (T0 - MIN, T0 + MIN, began - MIN, began)
            for k, moment in enumerate(times):
                told = {"phenomenonTime": iso_utc(moment), "resultTime": iso_utc(began), "result": 50.0 + k}
                publish(client, TOPIC, json.dumps(told))
            publish(client, "new/7", "4.5")
            while feed.counts.received < 5 and time.monotonic() < end:
                time.sleep(0.02)
            with open_store(city) as store:
                kept = store.history("river-1:level").results
            wanted = [50.0, kept[0], 51.0, kept[2], 52.0, 53.0]
            assert feed.history("river-1:level", end=began).results == wanted
            assert feed.history("river-1:level", start=T0, end=T0 + MIN).results == wanted[1:3]
            assert feed.history("new-7:v", start=0).results == [4.5]
            assert feed.as_of(T0 - MIN).results == [50.0, None, None, None, None]
            assert feed.as_of(T0).results == [kept[0], "open", 12.5, None, None]
            assert feed.as_of(began).results[0] == 53.0


def test_rt20_the_queue_is_bounded_and_putting_never_waits() -> None:
    arrivals = Arrivals()
    messages = [level(T0, float(k)) for k in range(3)]

    def put() -> None:
        for k in range(50_000):
            arrivals.put(messages[k % 3])

    thread = threading.Thread(target=put)
    thread.start()
    thread.join(20)  # nobody takes
    assert not thread.is_alive()
    assert len(arrivals) == CAPACITY
    assert arrivals.dropped == 50_000 - CAPACITY


def test_rt20_the_queue_is_bounded_in_bytes_and_all_are_accounted_for() -> None:
    """Of 60 messages of a megabyte as many wait as there is room for; larger ones leave only their size."""
    source, pump, _ = running()
    source.arrivals = Arrivals(max_bytes=16 * 2**20)
    padding = " " * 1_000_000
    for k in range(60):
        text = json.dumps({"phenomenonTime": iso_utc(T0 + k * MIN), "result": float(k)}) + padding
        source.arrivals.put(Message(TOPIC, text.encode(), False, now_us()))
        assert source.arrivals.n_bytes <= 16 * 2**20
        source.arrivals.put(Message(TOPIC, text.encode() + padding.encode(), False, now_us()))
    assert source.arrivals.dropped > 60
    pump.turn()
    counts = pump.decoder.intake.counts
    assert (counts.stored, dict(counts.rejected_by_cause)) == (16, {"limit": 17})
    assert counts.received == source.arrivals.received == 120
    assert (source.arrivals.n_bytes, len(source.arrivals)) == (0, 0)


def test_a_message_larger_than_the_queue_still_comes_in() -> None:
    arrivals = Arrivals(max_bytes=10)
    for k in range(3):
        arrivals.put(level(T0, float(k)))
    assert (len(arrivals.take()), arrivals.dropped) == (1, 2)


@pytest.mark.parametrize("seed", [1, 2])
def test_rt21_twice_and_in_disorder_is_the_clean_run(seed: int, tmp_path: Path) -> None:
    messages = [level(T0 + k * MIN, float(k % 17)) for k in range(300)]
    chance = random.Random(seed)
    disturbed = [*messages, *chance.sample(messages, 120)]
    chance.shuffle(disturbed)
    kept = []
    for name, order in (("clean", messages), ("disturbed", disturbed)):
        with open_store(tmp_path / name, write=True) as store:
            store.put_catalogue(CATALOGUE)
            source, pump, memory = running(store)
            for one in order:
                source.arrivals.put(one)
                if chance.random() < 0.1:
                    pump.turn()
            pump.finish()
            history = store.history("river-1:level")
            kept.append((history.time.tolist(), history.results, memory.as_of(T0 + 299 * MIN).results))
            counts = pump.decoder.intake.counts
            assert (counts.stored, counts.duplicates) == (300, len(order) - 300)
    assert kept[0] == kept[1]


def test_rt22_what_a_broker_kept_from_last_year_is_stale() -> None:
    source, pump, memory = running()
    now = now_us()
    source.arrivals.put(level(now - 365 * 86_400_000_000, 9.0, retained=True))
    pump.turn()
    found = memory.as_of(now)
    assert found.results[0] == 9.0
    assert State(states(found, max_ages_s(CATALOGUE))[0]) == State.STALE
    assert found.age_s[0] == pytest.approx(365 * 86_400)


def test_rt23_a_clock_that_is_set_back_makes_nothing_young(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SteadyClock()
    before = clock.now_us()
    real, wall = time.monotonic, time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: wall() - 3_600_000_000_000)
    monkeypatch.setattr(time, "monotonic", lambda: real() + 120.0)
    assert 120_000_000 <= clock.now_us() - before < 130_000_000
    monkeypatch.setattr(time, "time_ns", lambda: wall() + 7_200_000_000_000)
    assert clock.now_us() - before >= 7_200_000_000  # forward it is believed


def test_rt23_a_feed_tells_ages_by_the_clock_that_nobody_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = small_city(tmp_path / "c.twin", n_minutes=1)
    with open_store(city, write=True) as store:
        source, pump, _ = running(store)
        source.arrivals.put(level(now_us() - 60_000_000, 2.5))
        pump.finish()
    with connect(city, "mqtt://127.0.0.1:9") as feed:
        age = feed.as_of().age_s[0]
        wall = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: wall() - 3_600_000_000_000)
        later = feed.as_of()
        assert later.results[0] == 2.5
        assert age <= later.age_s[0] < age + 60


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),  # a leap second
        ("2026-10-25T03:30:00+03:00", "2026-10-25T00:30:00Z"),  # the hour that comes twice, first
        ("2026-10-25T03:30:00+02:00", "2026-10-25T01:30:00Z"),  # and second
    ],
)
def test_rt23_leap_seconds_and_summer_time_are_utc_inside(text: str, same: str) -> None:
    source, pump, memory = running()
    payload = json.dumps({"phenomenonTime": text, "result": 1.0}).encode()
    source.arrivals.put(Message(TOPIC, payload, False, now_us()))
    pump.turn()
    (moment,) = memory.history("river-1:level").time.tolist()
    assert np.datetime64(moment, "us") == np.datetime64(same[:-1], "us")
    assert pump.decoder.intake.counts.rejected == 0


def test_nothing_is_told_where_nothing_was_dropped() -> None:
    _, pump, memory = running()
    feed = SimpleNamespace(
        catalogue=lambda: CATALOGUE,
        latest=memory.as_of,
        span=lambda: (T0, T0),
        counts=pump.decoder.intake.counts,
    )
    remarks = LiveLayer(feed).at(datetime.fromtimestamp(T0 / 1e6, UTC)).remarks  # type: ignore[arg-type]
    assert not [r for r in remarks if "faster" in r]
