"""Brokers for tests: mosquitto where it is installed, the embedded one otherwise."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt

from twin.live.broker import embedded_broker, free_port

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class Mosquitto:
    """A broker of its own in a folder, to be started and stopped."""

    def __init__(self, folder: Path, *, more: str = "allow_anonymous true\n", port: int = 0) -> None:
        assert MOSQUITTO is not None
        self.port, self._may_move = port or free_port(), not port
        self._config, self._more = folder / "mosquitto.conf", more
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Mosquitto:
        """Start it; on another port where somebody took the free one meanwhile, whom tests would talk to else."""
        assert MOSQUITTO is not None
        for _ in range(20):
            told = f"listener {self.port} 127.0.0.1\nmax_queued_messages 0\n{self._more}"
            self._config.write_text(told, encoding="utf-8")
            self._process = subprocess.Popen(
                [MOSQUITTO, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            wait_for_port(self.port, self._process)
            time.sleep(0.05)  # who finds the port taken ends at once, but not before another answers there
            if self._process.poll() is None:
                self._may_move = False  # clients know it now
                return self
            if self._may_move:
                self.port = free_port()
            time.sleep(0.05)
        raise AssertionError(f"mosquitto does not start on port {self.port}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


def wait_for_port(port: int, process: subprocess.Popen[bytes] | None = None) -> None:
    """Until somebody listens there, or the process that was to has ended."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if process is not None and process.poll() is not None:
            return
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"nobody listens on port {port}")


@contextlib.contextmanager
def any_broker(folder: Path) -> Iterator[int]:
    """A running broker; its port."""
    if MOSQUITTO is None:
        with embedded_broker() as port:
            yield port
        return
    broker = Mosquitto(folder).start()
    try:
        yield broker.port
    finally:
        broker.stop()


@contextlib.contextmanager
def publisher(port: int) -> Iterator[mqtt.Client]:
    """A client that publishes, its network in a thread."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def publish(
    client: mqtt.Client, topic: str, payload: str | bytes, *, qos: int = 1, retain: bool = False
) -> None:
    """Publish one message and wait until the broker has it."""
    info = client.publish(topic, payload, qos=qos, retain=retain)
    assert info.rc == 0
    info.wait_for_publish(30)
    assert info.is_published()
