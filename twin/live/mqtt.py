"""A subscription to an MQTT broker in a thread of its own, which comes back whenever the broker does."""

from __future__ import annotations

import hashlib
import random
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin.core.errors import ConfigError, ExtraMissingError, InputError, TwinError, UsageError
from twin.live.arrivals import Arrivals, Message
from twin.live.mqtt_address import tls_context
from twin.live.times import now_us

if TYPE_CHECKING:
    from pathlib import Path

    from twin.live.mqtt_address import BrokerAddress, Credentials

KEEPALIVE_S = 30
"""After a minute of silence at most a half-open connection is noticed."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 120.0
_CONNECT_S, _TURN_S = 5.0, 0.25


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """How a subscription stands.

    Parameters
    ----------
    is_online : bool
    since_s : float
        When that began, by the monotonic clock.
    reason : str
        Why it is offline.
    n_connects : int
        How often it has come online.
    """

    is_online: bool
    since_s: float
    reason: str = ""
    n_connects: int = 0

    @property
    def age_s(self) -> float:
        """How long it has been so, seconds; clocks that are set do not matter."""
        return time.monotonic() - self.since_s

    def __str__(self) -> str:
        word = "online" if self.is_online else "offline"
        why = f" ({self.reason})" if self.reason and not self.is_online else ""
        return f"{word} for {self.age_s:.0f} s{why}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is asked of a broker.

    Parameters
    ----------
    broker : BrokerAddress
    topics : tuple of str
        Filters, such as ``v1.1/#``.
    qos : int
        0 or 1; with 1 the broker keeps for us what comes while we are away.
    client_id : str
        Fixed, so that the broker knows us again; a new one each time where it is empty.
    credentials : Credentials, optional
    ca : Path, optional
        Certificates of authorities, instead of the system's.
    """

    broker: BrokerAddress
    topics: tuple[str, ...]
    qos: int = 1
    client_id: str = ""
    credentials: Credentials | None = None
    ca: Path | None = None

    def __post_init__(self) -> None:
        if self.qos not in {0, 1}:
            raise UsageError("--qos", f"{self.qos} is no level that is taken", "give 0 or 1")
        for topic in self.topics or ("",):
            if not topic or "\0" in topic or "#" in topic[:-1] or len(topic.encode()) > 65_535:
                raise UsageError("--topic", f"{topic!r} is no filter of topics", "give one such as 'v1.1/#'")


def unreached(broker: BrokerAddress, reason: str, seconds: float) -> InputError:
    """A broker that was not to be had for as long as it was waited for."""
    return InputError(
        str(broker),
        f"the broker was never reached in {seconds:g} s ({reason or 'no answer'}); nothing came",
        "check host and port, and that a broker runs there",
    )


def client_id_of(city: Path) -> str:
    """The name by which a broker knows the ingest of a city again.

    >>> from pathlib import Path
    >>> len(client_id_of(Path("town.twin")))
    23
    """
    return "twin-" + hashlib.sha256(str(city.resolve()).encode()).hexdigest()[:18]


class MqttSource:
    """A running subscription: fills `arrivals` and keeps `state`; from `start` to `stop`.

    Parameters
    ----------
    wanted : Subscription
    arrivals : Arrivals, optional
    """

    def __init__(self, wanted: Subscription, *, arrivals: Arrivals | None = None) -> None:
        self.wanted = wanted
        self.arrivals = arrivals or Arrivals()
        self.state = ConnectionState(is_online=False, since_s=time.monotonic(), reason="not yet connected")
        self.refusal: TwinError | None = None
        """Why it will never work as it is asked for; told before the first connection only."""
        self._stop = threading.Event()
        self._told = ""
        self._client = new_client(wanted)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._thread = threading.Thread(target=self._run, name="twin-mqtt", daemon=True)

    def start(self) -> MqttSource:
        """Begin; does not wait for the broker."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End within a second; what waits in `arrivals` stays there."""
        self._stop.set()
        self._thread.join(timeout=_CONNECT_S + 2.0)

    def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self._stop.is_set() and self.refusal is None:
            n = self.state.n_connects
            reason = self._session()
            if self._stop.is_set():
                break
            self._set_offline(reason)
            if self.state.n_connects > n:
                wait_s = FIRST_WAIT_S
            self._stop.wait(wait_s * random.uniform(0.8, 1.2))  # noqa: S311 - keeps clients from returning as one
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        self._leave()

    def _session(self) -> str:
        """Connect and receive until it ends; why it did."""
        from paho.mqtt.client import MQTTErrorCode, error_string

        broker, self._told = self.wanted.broker, ""
        try:
            self._client.connect(broker.host, broker.port, keepalive=KEEPALIVE_S)
            while not self._stop.is_set():
                code = self._client.loop(timeout=_TURN_S)
                if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    return self._told or error_string(code).rstrip(".").lower()
        except ssl.SSLError as error:
            return self._refuse(tls_error(broker, error))
        except (OSError, ValueError) as error:
            return str(error) or type(error).__name__
        return ""

    def _refuse(self, error: TwinError) -> str:
        """A mistake of the user ends the subscription, unless it has worked before."""
        if self.state.n_connects == 0:
            self.refusal = error
        return error.what

    def _leave(self) -> None:
        from paho.mqtt.client import MQTTErrorCode

        if self.state.is_online and self._client.disconnect() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._client.loop(timeout=_TURN_S)  # the word of farewell goes out
        self._set_offline("ended" if self.state.is_online else self.state.reason)

    def _set_offline(self, reason: str) -> None:
        was = self.state
        since = time.monotonic() if was.is_online else was.since_s
        self.state = ConnectionState(is_online=False, since_s=since, reason=reason, n_connects=was.n_connects)

    def _on_connect(self, client: Any, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        broker = self.wanted.broker
        if code.is_failure:
            what = f"the broker refused us ({str(code).lower()})"
            remedy = "set TWIN_MQTT_USERNAME and TWIN_MQTT_PASSWORD, or give --credentials FILE"
            self._told = what
            if code.value in {0x84, 0x85, 0x86, 0x87}:
                self._refuse(ConfigError(str(broker), what, remedy))
            return
        for topic in self.wanted.topics:  # anew at every connection: a broker may have forgotten us
            result, _ = client.subscribe(topic, qos=self.wanted.qos)
            if result != 0:
                self._told = f"subscribing failed ({result})"
                client.disconnect()
                return
        self.state = ConnectionState(True, time.monotonic(), "", self.state.n_connects + 1)

    def _on_subscribe(self, _client: Any, _data: Any, _mid: Any, codes: Any, _properties: Any) -> None:
        refused = [c for c in codes if c.is_failure]
        if refused:
            what = f"the broker refused the subscription ({str(refused[0]).lower()})"
            remedy = "ask for another --topic, or for the right to read it"
            self.refusal = ConfigError(str(self.wanted.broker), what, remedy)

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "\ufffd"
        self.arrivals.put(Message(topic, message.payload, message.retain, now_us()))


def new_client(wanted: Subscription) -> Any:
    """A client of the kept library, with our name, credentials and certificates, not yet connected.

    Raises
    ------
    ExtraMissingError
        If the library is not installed.
    """
    try:
        from paho.mqtt.client import Client, MQTTv311
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError as error:
        raise ExtraMissingError(
            "MQTT", "needs the package paho-mqtt", "install it with: pip install 'twin[live]'"
        ) from error
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=wanted.client_id,
        clean_session=not (wanted.client_id and wanted.qos),
        protocol=MQTTv311,
        reconnect_on_failure=False,
    )
    client.connect_timeout = _CONNECT_S
    if wanted.credentials is not None:
        client.username_pw_set(wanted.credentials.username, wanted.credentials.password)
    if wanted.broker.tls:
        client.tls_set_context(tls_context(wanted.ca))
    return client


def tls_error(broker: BrokerAddress, error: ssl.SSLError) -> ConfigError:
    """What is wrong with an encrypted connection, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigError(
            str(broker),
            f"the broker's certificate is not to be trusted ({error.verify_message})",
            "give its authority's certificate with --ca FILE, or have the broker's renewed",
        )
    return ConfigError(
        str(broker), f"no encrypted connection comes about ({error.reason or error})", "check port and scheme"
    )
