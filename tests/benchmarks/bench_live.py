"""Live observations: rates of store and MQTT, answers as of a moment, memory over time; against bare libraries.

python tests/benchmarks/bench_live.py [SECONDS] [--memory-minutes M]

Rates over MQTT need mosquitto. A publisher, the broker, and who listens share the machine's cores.
"""

from __future__ import annotations

import argparse
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from tests.live.brokers import MOSQUITTO, Mosquitto
from twin.core.notices import Notices
from twin.live.folder import find_site, record
from twin.live.memory import Memory
from twin.live.model import Batch, Catalogue, Datastream, Thing
from twin.live.store import open_store

STREAMS = 1000
START = 1_772_323_200_000_000  # 2026-03-01, microseconds UTC
PUBLISHER = """
import sys, time
import paho.mqtt.client as mqtt
port, n, qos, streams, rate = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="publisher", clean_session=False)
client.max_inflight_messages_set(1000)
client.reconnect_delay_set(1, 2)
client.connect("127.0.0.1", port)
client.loop_start()
acked = 0
def count(*_):
    global acked
    acked += 1
client.on_publish = count
topics = [f"v1.1/Datastreams(s{i})/Observations" for i in range(streams)]
began = time.time()
for k in range(n):
    ms = k // streams
    when = b"2026-03-01T%02d:%02d:%02d.%03dZ" % (ms // 3600000, ms // 60000 % 60, ms // 1000 % 60, ms % 1000)
    payload = b'{"phenomenonTime":"%s","resultTime":"%s","result":%d.5}' % (when, when, k % 1000)
    told = client.publish(topics[k % streams], payload, qos=qos)
    assert told.rc == 0 or (told.rc == 4 and qos), told.rc  # 4: not connected; it waits in the client and is sent later
    ahead = began + k / rate - time.time()
    if ahead > 0.005:
        time.sleep(ahead)
    while qos and k - acked > 4000:
        time.sleep(0.01)
while acked < n:
    time.sleep(0.05)
print(time.time() - began)
client.disconnect()
client.loop_stop()
"""
LISTENER = """
import json, sys, threading, time
import paho.mqtt.client as mqtt
port, n = int(sys.argv[1]), int(sys.argv[2])
seen = 0
def take(client, data, message):
    global seen
    json.loads(message.payload)
    seen += 1
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.on_connect = lambda c, *_: c.subscribe("v1.1/#")
client.on_message = take
client.connect("127.0.0.1", port)
client.loop_start()
print("ready", flush=True)
before, last = -1, time.time()
while seen < n and time.time() - last < 5:
    if seen != before:
        before, last = seen, time.time()
    time.sleep(0.2)
print(seen, time.process_time())
"""


def known(n: int) -> Catalogue:
    return Catalogue((Thing("t"),), tuple(Datastream(f"s{i}", "t") for i in range(n)))


def rows(n: int, streams: int, first: int = 0) -> Batch:
    ids = [f"s{i % streams}" for i in range(n)]
    times = [START + (first + k) // streams * 1_000_000 for k in range(n)]
    return Batch(ids, times, times, [float(k % 97) for k in range(n)], [0] * n)


def best_ms(run: Callable[[], object], n: int = 15) -> tuple[float, float]:
    """Least time and least CPU of some runs, milliseconds: on a machine with other work the two differ."""
    spans, work = [], []
    for _ in range(n):
        began, used = time.perf_counter(), time.process_time()
        run()
        spans.append(time.perf_counter() - began)
        work.append(time.process_time() - used)
    return min(spans) * 1000, min(work) * 1000


def line(what: str, asked: str, measured: str, ratio: str = "") -> None:
    print(f"| {what} | {asked} | {measured} | {ratio} |", flush=True)


def store_figures(folder: Path) -> None:
    """Durable rows a second, and the latest of 10,000 datastreams."""
    n, batch = 500_000, 10_000
    batches = [rows(batch, 10_000, first=k) for k in range(0, n, batch)]
    with open_store(folder / "s", write=True) as store:
        store.put_catalogue(known(10_000))
        began, used = time.perf_counter(), time.process_time()
        kept = sum(store.append(b).stored for b in batches)
        spent, cpu = time.perf_counter() - began, time.process_time() - used
        plain = sqlite3.connect(":memory:", isolation_level=None)
        plain.execute("CREATE TABLE o (s, t, r, v, q)")
        used = time.process_time()
        for b in batches:
            columns = (b.datastreams, b.phenomenon_time, b.result_time, b.results, b.quality)
            plain.executemany("INSERT INTO o VALUES (?,?,?,?,?)", zip(*columns, strict=True))
        bare = time.process_time() - used
        line(
            "rows a second, durable, in batches of 10,000",
            "50,000",
            f"{kept / spent:,.0f} ({kept / cpu:,.0f} per CPU second)",
            f"{cpu / bare:.1f} x the CPU of SQLite in memory without a key",
        )
        moment = START + 20_500_000
        reading = best_ms(lambda: store.latest(moment))
        floor = best_ms(lambda: store.connection.execute("SELECT * FROM observation LIMIT 10000").fetchall())
        line(
            "latest of 10,000 datastreams as of a time, SQLite",
            "60 ms",
            f"{reading[0]:.0f} ms ({reading[1]:.0f} of CPU)",
            f"{reading[1] / floor[1]:.1f} x reading 10,000 rows in order",
        )
    memory = Memory(known(10_000))
    for b in batches:
        memory.put(b)
    fast = best_ms(lambda: memory.as_of(moment))
    copy = best_ms(lambda: np.full((10_000, 8), np.nan).copy())
    line(
        "the same, in memory",
        "5 ms",
        f"{fast[0]:.2f} ms",
        f"{fast[0] / copy[0]:.1f} x writing its columns",
    )


def city_of(folder: Path, streams: int) -> Path:
    city = folder / "c.twin"
    site = find_site(city, crs="EPSG:3879", near=None, notices=Notices())
    with open_store(city, write=True) as store:
        store.put_catalogue(known(streams))
    record(site, known(streams), (), notices=Notices())
    return city


def publish(port: int, n: int, qos: int, rate: float) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", PUBLISHER, str(port), str(n), str(qos), str(STREAMS), str(rate)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def ingest(city: Path, port: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "twin", "live", "ingest", str(city)]
    child = subprocess.Popen(
        [*words, "--mqtt", f"mqtt://127.0.0.1:{port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    while "online" not in child.stderr.readline():
        assert child.poll() is None
    return child


def ended(child: subprocess.Popen[str]) -> dict[str, int]:
    """The counts of an ingest that has nothing left to do."""
    process = psutil.Process(child.pid)
    while True:
        before = sum(process.cpu_times()[:2])
        time.sleep(2)
        if sum(process.cpu_times()[:2]) - before < 0.1:
            break
    child.send_signal(signal.SIGTERM)  # a child of a background shell ignores SIGINT
    counts: dict[str, int] = json.loads(child.communicate()[0])
    return counts


def qos_0(folder: Path, seconds: float, rate: float) -> None:
    """At a fixed rate: what a bare subscriber gets, and what is kept."""
    broker = Mosquitto(folder).start()
    n = int(seconds * rate)
    bare = subprocess.Popen(
        [sys.executable, "-c", LISTENER, str(broker.port), str(n)], stdout=subprocess.PIPE, text=True
    )
    assert bare.stdout is not None
    bare.stdout.readline()
    publish(broker.port, n, 0, rate).wait()
    seen, cpu_bare = bare.communicate()[0].split()
    city = city_of(folder, STREAMS)
    child = ingest(city, broker.port)
    process = psutil.Process(child.pid)
    began = sum(process.cpu_times()[:2])
    sender = publish(broker.port, n, 0, rate)
    span = float(sender.communicate()[0])
    while True:
        cpu = sum(process.cpu_times()[:2]) - began
        time.sleep(2)
        if sum(process.cpu_times()[:2]) - began - cpu < 0.1:
            break
    counts = ended(child)
    broker.stop()
    line(
        f"MQTT QoS 0, {n:,} messages at {n / span:,.0f} a second",
        "10,000/s kept, every one accounted for",
        ", ".join(f"{k} {counts[k]:,}" for k in ("received", "stored", "dropped", "rejected")),
        f"{cpu / float(cpu_bare):.1f} x the CPU of a bare paho subscriber with JSON, which saw {int(seen):,}",
    )


def qos_1(folder: Path, seconds: float, rate: float) -> None:
    """None lost, with the broker stopped and started in the midst of it."""
    store = folder / "broker"
    store.mkdir()
    more = f"allow_anonymous true\npersistence true\npersistence_location {store}/\nmax_inflight_messages 0\n"
    if store.owner() == "root":
        more += "user root\n"
    broker = Mosquitto(folder, more=more).start()
    n = int(seconds * rate)
    city = city_of(folder, STREAMS)
    child = ingest(city, broker.port)
    sender = publish(broker.port, n, 1, rate)
    time.sleep(seconds / 2)
    broker.stop()
    time.sleep(2)
    broker.start()
    span = float(sender.communicate()[0])
    counts = ended(child)
    broker.stop()
    line(
        f"MQTT QoS 1, {n:,} messages at {n / span:,.0f} a second, broker stopped for 2 s",
        "1,500/s, none lost",
        f"stored {counts['stored']:,} of {n:,}; {counts['duplicates']} came twice; {counts['connects']} connections",
    )


def memory_over(folder: Path, minutes: float, rate: float) -> None:
    """Resident memory of an ingest at full rate."""
    broker = Mosquitto(folder).start()
    seconds = minutes * 60
    city = city_of(folder, STREAMS)
    child = ingest(city, broker.port)
    process, samples = psutil.Process(child.pid), []
    sender = publish(broker.port, int(seconds * rate), 0, rate)
    threading.Thread(target=sender.wait, daemon=True).start()
    while sender.poll() is None:
        samples.append(process.memory_info().rss / 2**20)
        time.sleep(1)
    counts = ended(child)
    broker.stop()
    after = np.array(samples[len(samples) // 5 :])
    parts = np.array([part.mean() for part in np.array_split(after, 8)])
    line(
        f"memory over {minutes:g} minutes at {counts['received'] / seconds:,.0f} messages a second",
        "flat within 5 %",
        f"means of eighths after the first fifth {parts.min():.1f} to {parts.max():.1f} MiB "
        f"({100 * np.ptp(parts) / parts.min():.1f} %), first {parts[0]:.1f}, last {parts[-1]:.1f}; "
        f"single seconds {after.min():.0f} to {after.max():.0f} MiB, for what waits while others have the processor",
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="?", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=10_000)
    parser.add_argument("--memory-minutes", type=float, default=1.0)
    given = parser.parse_args()
    print("| what | asked for | measured | against |\n|---|---|---|---|")
    parts: list[Callable[[Path], None]] = [store_figures]
    if MOSQUITTO is not None:
        parts += [
            lambda f: qos_0(f, given.seconds, given.rate),
            lambda f: qos_1(f, given.seconds, 1_600),
            lambda f: memory_over(f, given.memory_minutes, given.rate),
        ]
    for part in parts:
        with tempfile.TemporaryDirectory() as folder:
            part(Path(folder))


if __name__ == "__main__":
    main()
