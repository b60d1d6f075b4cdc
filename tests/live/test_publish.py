"""A storm sent through a broker raises the same alarms as one read from its file."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from tests.live.brokers import any_broker
from tests.live.test_replay import day_of_storm, fresh
from twin.cli.main import run
from twin.core.errors import ConfigError, UsageError
from twin.core.notices import Notices
from twin.live.alarm_log import LOG
from twin.live.broker import free_port
from twin.live.ingest import Ended, ingest_mqtt
from twin.live.judge import STATE
from twin.live.mqtt import Subscription
from twin.live.mqtt_address import BrokerAddress
from twin.live.publish import publish
from twin.live.replay import replay


def subscription(port: int, client_id: str = "") -> Subscription:
    return Subscription(BrokerAddress("127.0.0.1", port), ("v1.1/#",), 1, client_id)


def test_the_log_of_an_ingest_is_that_of_a_replay(tmp_path: Path) -> None:
    path = day_of_storm(tmp_path / "day.jsonl")
    whole = path.read_text(encoding="utf-8").splitlines()[:600]
    path.write_text("\n".join([*whole[:300], "{", *whole[300:]]), encoding="utf-8")
    read, sent = fresh(tmp_path, "read"), fresh(tmp_path, "sent")
    replay(read, path, speed=0.0, notices=Notices())
    with any_broker(tmp_path) as port:
        ended = Ended()
        online = threading.Event()
        taking = threading.Thread(
            target=ingest_mqtt,
            args=(sent, subscription(port, "ingest")),
            kwargs={
                "seconds": 4.0,
                "ended": ended,
                "on_change": lambda state: state.is_online and online.set(),
                "notices": Notices(),
            },
        )
        taking.start()
        assert online.wait(15)
        time.sleep(0.3)  # the subscription follows the connection
        notices = Notices()
        told = publish(read, path, subscription(port), speed=0.0, notices=notices).as_json()
        taking.join()
    assert told == {
        "received": 601,
        "published": 600,
        "rejected": 1,
        "rejected_by_cause": {"json": 1},
        "dropped": 0,
    }
    assert "line 301" in notices.lines()[0]
    assert ended.counts.received == 600
    assert (sent / LOG).read_bytes() == (read / LOG).read_bytes()
    assert len((sent / LOG).read_bytes().splitlines()) >= 2
    assert json.loads((sent / STATE).read_text(encoding="utf-8")) == json.loads(
        (read / STATE).read_text(encoding="utf-8")
    )


def test_no_broker_and_no_password_in_the_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    city, path = fresh(tmp_path, "city"), day_of_storm(tmp_path / "day.jsonl")
    with pytest.raises(ConfigError, match="cannot be reached"):
        publish(city, path, subscription(free_port()), speed=0.0, notices=Notices())
    with pytest.raises(UsageError, match="--speed"):
        publish(city, path, subscription(1), speed=-1.0, notices=Notices())
    assert run(["live", "replay", str(city), str(path), "--mqtt", "mqtt://me:secret@localhost"]) == 2
    assert "secret" not in capsys.readouterr().err
    assert (
        run(["live", "replay", str(city), str(path), "--mqtt", "mqtt://localhost", "--rules", "x.toml"]) == 2
    )
