"""Subscriptions with a broker: it comes late, goes away, falls silent, refuses us, or is somebody else."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.live.brokers import MOSQUITTO, Mosquitto, any_broker, publish, publisher, wait_for_port
from twin.cli.main import run
from twin.core.errors import ConfigError, StorageError, UsageError
from twin.core.notices import Notices
from twin.live.alarm_log import alarms
from twin.live.broker import free_port
from twin.live.counts import Counts
from twin.live.feed import connect, open_feed
from twin.live.freshness import State
from twin.live.ingest import Ended, ingest_mqtt
from twin.live.model import Batch, Observation, batch_of
from twin.live.mqtt import MqttSource, Subscription
from twin.live.mqtt_address import BrokerAddress, find_credentials, parse_broker
from twin.live.store import Store, open_store
from twin.live.times import now_us

needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
TOPIC = "v1.1/Datastreams({})/Observations"


def payload(result: float, when: datetime | None = None) -> str:
    moment = when or datetime.now(UTC)
    return json.dumps({"phenomenonTime": moment.isoformat(), "result": result})


def wait(until: Callable[[], object], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    folder = tmp_path / "c.twin"
    streams = [{"@iot.id": f"s{i}", "properties": {"max_age_s": 60}} for i in range(3)]
    things = {"value": [{"@iot.id": "gauge", "Datastreams": streams}]}
    (tmp_path / "things.json").write_text(json.dumps(things), encoding="utf-8")
    assert run(["live", "import", str(folder), str(tmp_path / "things.json"), "--crs", "EPSG:3879"]) == 0
    return folder


def subscription(port: int, **more: object) -> Subscription:
    return Subscription(BrokerAddress("127.0.0.1", port), ("v1.1/#",), **more)  # type: ignore[arg-type]


def test_an_ingest_keeps_what_comes_and_counts_it(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = datetime.now(UTC) - timedelta(days=365)
    with any_broker(tmp_path) as port, publisher(port) as client:
        publish(client, TOPIC.format("s1"), payload(9.0, old), retain=True)
        sender = threading.Timer(1.0, lambda: _send(client))
        sender.start()
        capsys.readouterr()
        url = f"mqtt://127.0.0.1:{port}"
        assert run(["live", "ingest", str(city), "--mqtt", url, "--seconds", "3.5"]) == 0
        sender.join()
    said = capsys.readouterr()
    counts = json.loads(said.out)
    assert (counts["stored"], counts["duplicates"], counts["dropped"]) == (101, 1, 0)
    assert counts["rejected_by_cause"] == {"json": 1, "unknown_datastream": 1}
    assert counts["received"] == counts["messages"] == 104
    assert "broker online" in said.err
    with open_feed(city) as feed:
        now = feed.as_of(now_us())
        assert now.results == [99.0, 9.0, None]
        assert [State(s) for s in feed.states(now)] == [State.FRESH, State.STALE, State.MISSING]


def test_counts_are_told_where_the_disk_fills_midway(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Store.append

    def full(store: Store, batch: Batch) -> Counts:
        if 99.0 in batch.results:
            raise StorageError(city, "no space left on the disk", "free some")
        return kept(store, batch)

    monkeypatch.setattr(Store, "append", full)
    with any_broker(tmp_path) as port, publisher(port) as client:
        publish(client, TOPIC.format("s1"), payload(9.0), retain=True)
        sender = threading.Timer(2.5, lambda: publish(client, TOPIC.format("s0"), payload(99.0)))
        sender.start()
        capsys.readouterr()
        url = f"mqtt://127.0.0.1:{port}"
        assert run(["live", "ingest", str(city), "--mqtt", url, "--seconds", "20"]) == 5
        sender.join()
    said = capsys.readouterr()
    counts = json.loads(said.out)
    assert (counts["received"], counts["stored"], counts["dropped"]) == (2, 1, 1)
    assert "no space left" in said.err


def _send(client: object) -> None:
    start = datetime.now(UTC) - timedelta(seconds=1)
    for k in range(100):
        publish(client, TOPIC.format("s0"), payload(float(k), start + timedelta(milliseconds=k)))  # type: ignore[arg-type]
    publish(client, TOPIC.format("s0"), payload(99.0, start + timedelta(milliseconds=99)))  # type: ignore[arg-type]
    publish(client, TOPIC.format("s0"), "{")  # type: ignore[arg-type]
    publish(client, TOPIC.format("nobody"), payload(1.0))  # type: ignore[arg-type]


def test_a_feed_is_kept_fresh_and_stores(city: Path, tmp_path: Path) -> None:
    with any_broker(tmp_path) as port, publisher(port) as client:
        with connect(city, f"mqtt://127.0.0.1:{port}", store=True) as feed:
            wait(lambda: feed.connection and feed.connection.is_online)
            publish(client, TOPIC.format("s2"), payload(5.0))
            wait(lambda: feed.as_of().results[2] == 5.0)
            assert State(feed.states(feed.as_of())[2]) == State.FRESH
            assert feed.history("s2").results == [5.0]
            assert feed.span() is not None
            assert [d.id for d in feed.catalogue().datastreams] == ["s0", "s1", "s2"]
            publish(client, TOPIC.format("s2"), payload(6.0))
        assert feed.counts.stored == 2
    with open_feed(city) as kept:
        assert kept.history("s2").results == [5.0, 6.0]
        assert kept.as_of().results[2] == 6.0


def test_a_feed_that_stores_judges(city: Path, tmp_path: Path) -> None:
    rules = '[[rule]]\nname = "high"\ndatastream = "s2"\nabove = 5.0\n'
    (city / "live" / "alarms.toml").write_text(rules, encoding="utf-8")
    with any_broker(tmp_path) as port, publisher(port) as client:
        for stores, judges in ((True, False), (False, True), (True, True)):
            with connect(city, f"mqtt://127.0.0.1:{port}", store=stores, alarms=judges) as feed:
                wait(lambda: feed.connection and feed.connection.is_online)
                publish(client, TOPIC.format("s2"), payload(6.0))
                wait(lambda: feed.counts.received)
            assert [a.state for a in alarms(city)] == (["firing"] if stores and judges else [])


def test_rt16_a_broker_that_is_down_at_the_start_is_waited_for(city: Path) -> None:
    with open_store(city, write=True) as store:
        store.append(batch_of([Observation("s0", now_us() - 3_600_000_000, 0, 2.5)]))
    with connect(city, f"mqtt://127.0.0.1:{free_port()}") as feed:
        wait(lambda: feed.connection and "refused" in feed.connection.reason)
        assert str(feed.connection).startswith("offline for")
        now = feed.as_of()
        assert now.results[0] == 2.5
        assert now.age_s[0] == pytest.approx(3600, abs=60)
        assert State(feed.states(now)[0]) == State.STALE
        assert feed.failure is None


@pytest.mark.parametrize("verb", [["ingest", "CITY"], ["sniff"]], ids=["ingest", "sniff"])
def test_a_broker_that_is_never_reached_in_the_time_given_is_an_error(
    city: Path, verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(city) if w == "CITY" else w for w in verb]
    code = run(["live", *words, "--mqtt", f"mqtt://127.0.0.1:{free_port()}", "--seconds", "0.5"])
    told = capsys.readouterr()
    assert code == 3
    assert "never reached in 0.5 s" in told.err
    assert "refused" in told.err
    if verb[0] == "ingest":
        assert json.loads(told.out)["connects"] == 0


def test_rt16_tries_again_after_one_two_four_up_to_120_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    source = MqttSource(subscription(1883))
    stop = SimpleNamespace(wait=waits.append, is_set=lambda: len(waits) == 10)
    monkeypatch.setattr(source, "_stop", stop)
    monkeypatch.setattr(source, "_session", lambda: "connection refused")
    source._run()
    wanted = [1, 2, 4, 8, 16, 32, 64, 120, 120, 120]
    assert waits == pytest.approx(wanted, rel=0.2)
    assert any(abs(w - x) > 0.001 for w, x in zip(waits, wanted, strict=True))  # clients do not return as one
    assert not source.state.is_online


@needs_mosquitto
def test_rt17_after_the_broker_was_away_everything_goes_on(city: Path, tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path).start()
    with connect(city, f"mqtt://127.0.0.1:{broker.port}", store=True) as feed:
        wait(lambda: feed.connection and feed.connection.is_online)
        when = datetime.now(UTC)
        with publisher(broker.port) as client:
            publish(client, TOPIC.format("s0"), payload(1.0, when))
            wait(lambda: feed.as_of().results[0] == 1.0)
        broker.stop()
        wait(lambda: feed.connection and not feed.connection.is_online)
        broker.start()
        wait(lambda: feed.connection and feed.connection.n_connects == 2)
        with publisher(broker.port) as client:
            publish(client, TOPIC.format("s0"), payload(1.0, when))
            publish(client, TOPIC.format("s0"), payload(2.0))
            wait(lambda: feed.as_of().results[0] == 2.0)
    assert (feed.counts.stored, feed.counts.duplicates, feed.counts.dropped) == (2, 1, 0)
    broker.stop()


@needs_mosquitto
def test_qos_1_nothing_is_lost_while_we_are_away(city: Path, tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path).start()
    wanted = subscription(broker.port, client_id="twin-test")
    ended = Ended()
    ingest_mqtt(city, wanted, seconds=1.0, ended=ended, notices=Notices())
    assert ended.n_connects == 1
    with publisher(broker.port) as client:
        for k in range(50):
            publish(client, TOPIC.format("s0"), payload(float(k)))
    ended = ingest_mqtt(city, wanted, seconds=1.5, notices=Notices())
    assert ended.counts.stored == 50
    broker.stop()


@needs_mosquitto
def test_rt18_a_connection_that_falls_silent_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twin.live.mqtt.KEEPALIVE_S", 1)
    broker = Mosquitto(tmp_path).start()
    with Stalling(broker.port) as proxy:
        source = MqttSource(subscription(proxy.port)).start()
        try:
            wait(lambda: source.state.is_online)
            proxy.stalls.set()
            wait(lambda: not source.state.is_online, seconds=6.0)
        finally:
            source.stop()
    broker.stop()


class Stalling:
    """A proxy that lets bytes through until it is told to stall, with both connections left open."""

    def __init__(self, port: int) -> None:
        self.stalls = threading.Event()
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []

    def __enter__(self) -> Stalling:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._listener, *self._open):
            one.close()

    def _accept(self) -> None:
        try:
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open += [near, far]
                for a, b in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(a, b), daemon=True).start()
        except OSError:
            return

    def _copy(self, a: socket.socket, b: socket.socket) -> None:
        try:
            while data := a.recv(4096):
                if not self.stalls.is_set():
                    b.sendall(data)
        except OSError:
            return


@pytest.mark.slow
def test_ctrl_c_tells_the_counts_and_kill_9_loses_a_second_at_most(city: Path, tmp_path: Path) -> None:
    with any_broker(tmp_path) as port, publisher(port) as client:
        words = [
            sys.executable,
            "-m",
            "twin",
            "live",
            "ingest",
            str(city),
            "--mqtt",
            f"mqtt://127.0.0.1:{port}",
        ]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            _until_online(child)
            publish(client, TOPIC.format("s0"), payload(1.0))
            time.sleep(0.5)
            child.send_signal(signal.SIGINT)
            out, _ = child.communicate(timeout=20)
        assert (child.returncode, json.loads(out)["stored"]) == (130, 1)
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            _until_online(child)
            for k in range(60):
                publish(client, TOPIC.format("s1"), payload(float(k)))
                time.sleep(0.05)
            child.send_signal(signal.SIGKILL)
            child.communicate()
    with open_store(city, write=True) as store:
        kept = store.history("s1").results
    assert kept == [float(k) for k in range(len(kept))]
    assert len(kept) >= 20  # those of the last second and a bit may be gone


def _until_online(child: subprocess.Popen[str]) -> None:
    assert child.stderr is not None
    watch = threading.Timer(60.0, child.kill)  # a line that never comes would hold the test for ever
    watch.start()
    while "online" not in child.stderr.readline():
        assert child.poll() is None
    watch.cancel()


@needs_mosquitto
def test_a_broker_that_refuses_us_ends_it(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broker = Mosquitto(tmp_path, more="allow_anonymous false\n").start()
    code = run(["live", "ingest", str(city), "--mqtt", f"mqtt://127.0.0.1:{broker.port}", "--seconds", "9"])
    broker.stop()
    assert code == 2
    assert "TWIN_MQTT_PASSWORD" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_rt25_a_certificate_that_nobody_vouches_for_is_refused(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
    ]
    words += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    threading.Thread(target=_greet, args=(listener, context), daemon=True).start()
    wait_for_port(port)
    capsys.readouterr()
    arguments = ["live", "ingest", str(city), "--mqtt", f"mqtts://localhost:{port}", "--seconds", "9"]
    assert run(arguments) == 2
    assert "certificate" in capsys.readouterr().err
    trusted = Subscription(BrokerAddress("localhost", port, tls=True), ("v1.1/#",), ca=certificate)
    source = MqttSource(trusted).start()
    wait(lambda: source.state.reason != "not yet connected")
    source.stop()
    assert source.refusal is None  # the handshake went well; this server then speaks no MQTT
    listener.close()


def _greet(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            raw, _ = listener.accept()
        except OSError:
            return
        try:
            with context.wrap_socket(raw, server_side=True) as wrapped:
                wrapped.recv(100)
        except OSError:
            raw.close()


def test_a_password_in_the_address_is_refused(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["live", "ingest", str(city), "--mqtt", "mqtt://me:hunter2@127.0.0.1"]) == 2
    said = capsys.readouterr().err
    assert "TWIN_MQTT_PASSWORD" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "mqtt://h:99999", "localhost:1883", "mqtt://h/path"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        parse_broker(url)


def test_credentials_come_from_file_or_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_credentials() is None
    monkeypatch.setenv("TWIN_MQTT_USERNAME", "me")
    monkeypatch.setenv("TWIN_MQTT_PASSWORD", "hunter2")
    found = find_credentials()
    assert found is not None
    assert (found.password, "hunter2" in repr(found)) == ("hunter2", False)
    (tmp_path / "b.toml").write_text('username = "you"\npassword = "x"\n', encoding="utf-8")
    assert find_credentials(tmp_path / "b.toml").username == "you"  # type: ignore[union-attr]
    (tmp_path / "b.toml").write_text("username = hunter2", encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        find_credentials(tmp_path / "b.toml")
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("topic", ["", "a/#/b", "a\0b"])
def test_what_is_no_topic_is_refused(topic: str) -> None:
    with pytest.raises(UsageError):
        Subscription(BrokerAddress("h", 1), (topic,))


def test_a_feed_is_a_layer_of_a_scene(city: Path, tmp_path: Path) -> None:
    from twin.scene.as_layer import as_layer

    with open_store(city, write=True) as store:
        store.append(batch_of([Observation("s0", 60_000_000, 0, 2.5)]))
    with open_feed(city) as feed:
        layer = as_layer(feed)
        assert layer.span == (datetime.fromtimestamp(60, UTC),) * 2
        assert layer.at(None) is not None


def test_the_benchmark_ends_a_child_that_ignores_ctrl_c() -> None:
    """As children of a background shell do."""
    from tests.benchmarks.bench_live import ended

    words = [
        "import signal, sys",
        "signal.signal(signal.SIGINT, signal.SIG_IGN)",
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('{\"stored\": 1}')))",
        "signal.alarm(10)",
        "signal.pause()",
    ]
    with subprocess.Popen(
        [sys.executable, "-c", "; ".join(words)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert ended(child) == {"stored": 1}
