"""History sent to a broker by the clock of the scene, so that other programs see it as if it came in now."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twin.core.errors import ConfigError, InputNotFoundError, UsageError
from twin.live.counts import Counts
from twin.live.decode import specs_of
from twin.live.lines import bounded_lines
from twin.live.mqtt import new_client, tls_error
from twin.live.rejected import CAUSES, RejectedError
from twin.live.replay import Clock, check_speed, reader_of
from twin.live.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from twin.core.notices import Notices
    from twin.live.mqtt import Subscription

MOST_UNDERWAY = 2_000
"""Messages that the broker has not confirmed yet; then the next one waits."""
CONFIRM_S = 30.0


@dataclass(slots=True)
class Published:
    """What became of the lines of a file: the counts' `stored` are those that the broker confirmed."""

    counts: Counts = field(default_factory=Counts)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """In plain values; what the broker did not confirm is dropped."""
        counts = self.counts.as_json()
        return {"received": counts["received"], "published": counts["stored"], **{
            k: counts[k] for k in ("rejected", "rejected_by_cause", "dropped")
        }}  # fmt: skip


def publish(
    city: Path,
    path: Path,
    wanted: Subscription,
    *,
    speed: float,
    until: threading.Event | None = None,
    notices: Notices,
) -> Published:
    """Send a file of observations to a broker, each to ``v1.1/Datastreams(ID)/Observations`` as it stands in its line.

    Parameters
    ----------
    city : Path
        Its things say which lines are sound; nothing in it is changed.
    path : Path
        JSON lines of SensorThings Observations.
    wanted : Subscription
        The broker; its topics are not used.
    speed : float
        Seconds of the scene in a second; 0 waits for nothing.
    until : threading.Event, optional
        Ends it when it is set.

    Raises
    ------
    ConfigError
        If the broker cannot be reached, or refuses us.
    """
    pace, stop = Clock(check_speed(speed)), until or threading.Event()
    if not path.is_file():
        raise InputNotFoundError(path, "not found" if not path.exists() else "is a folder", "name a file")
    with open_store(city) as store:
        specs = specs_of(store.catalogue().datastreams)
    reader = reader_of(city, path, specs, notices)
    done = Published()
    with _Sender(wanted) as sender:
        for number, line in bounded_lines(path):
            found = reader.read(line)
            if isinstance(found, RejectedError):
                _reject(done, f"{path.name}: line {number}", found)
                continue
            if stop.wait(pace.wait_s(found.phenomenon_time)):
                break
            assert isinstance(line, bytes)  # noqa: S101 - what is no line was rejected
            sender.send(f"v1.1/Datastreams({found.datastream})/Observations", line)
        done.counts.stored, done.counts.dropped = sender.finish()
    for cause, messages in done.examples.items():
        n = done.counts.rejected_by_cause[cause]
        notices.add(cause, f"{'; '.join(messages)} ({n} in all); left out: {CAUSES[cause]}")
    return done


def _reject(done: Published, where: str, reason: RejectedError) -> None:
    done.counts.reject(reason.cause)
    known = done.examples.setdefault(reason.cause, [])
    if len(known) < 3:
        known.append(f"{where}: {reason}")


class _Sender:
    """A connection that sends, and counts what the broker confirms."""

    def __init__(self, wanted: Subscription) -> None:
        self.wanted, self.client = wanted, new_client(wanted)
        self.sent = self.confirmed = 0
        self._changed = threading.Condition()
        self._online = threading.Event()
        self._refused = ""
        self.client.on_connect = self._on_connect
        self.client.on_publish = self._on_publish

    def __enter__(self) -> _Sender:
        broker = self.wanted.broker
        try:
            self.client.connect(broker.host, broker.port, keepalive=30)
        except ssl.SSLError as error:
            raise tls_error(broker, error) from error
        except (OSError, ValueError) as error:
            raise ConfigError(str(broker), f"cannot be reached ({error})", "start the broker") from error
        self.client.loop_start()
        if not self._online.wait(10.0) or self._refused:
            self.client.loop_stop()
            what = self._refused or "does not answer"
            raise ConfigError(str(broker), what, "check the broker, and --credentials FILE")
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def send(self, topic: str, payload: bytes) -> None:
        """Send one, as soon as not too many are underway.

        Raises
        ------
        UsageError
            If the datastream's id can be no part of a topic.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.sent - self.confirmed < MOST_UNDERWAY, CONFIRM_S)
        try:
            info = self.client.publish(topic, payload, qos=self.wanted.qos)
        except ValueError as error:
            raise UsageError(
                "--mqtt", f"no topic can hold the datastream's id ({error})", "rename it"
            ) from error
        self.sent += 1
        if info.rc not in {0, 4}:  # 4: not connected now; it waits for the next connection
            raise ConfigError(str(self.wanted.broker), f"sending failed ({info.rc})", "check the broker")

    def finish(self) -> tuple[int, int]:
        """Wait for the broker; how many it confirmed, and how many it did not."""
        with self._changed:
            self._changed.wait_for(lambda: self.confirmed >= self.sent, CONFIRM_S)
            return self.confirmed, self.sent - self.confirmed

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if code.is_failure:
            self._refused = f"refused us ({str(code).lower()})"
        self._online.set()

    def _on_publish(self, _client: Any, _data: Any, _mid: Any, _code: Any, _properties: Any) -> None:
        with self._changed:
            self.confirmed += 1
            self._changed.notify_all()
