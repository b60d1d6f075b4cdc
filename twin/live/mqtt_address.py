"""Where a broker is, and who we are to it: an address without secrets, and credentials from elsewhere."""

from __future__ import annotations

import os
import ssl
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from twin.core.errors import ConfigError, InputNotFoundError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

USERNAME, PASSWORD = "TWIN_MQTT_USERNAME", "TWIN_MQTT_PASSWORD"
_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker.

    Parameters
    ----------
    host : str
    port : int
    tls : bool
        Whether the connection is encrypted, and the broker proves who it is.
    """

    host: str
    port: int
    tls: bool = False

    def __str__(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{shown}:{self.port}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Name and password for a broker; the password never shows."""

    username: str
    password: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, ...)"


def parse_broker(url: str) -> BrokerAddress:
    """The broker that an address names.

    Raises
    ------
    UsageError
        If it is no such address, or holds a name or password, which others on the machine could read.

    Examples
    --------
    >>> parse_broker("mqtts://broker.example.org")
    BrokerAddress(host='broker.example.org', port=8883, tls=True)
    >>> parse_broker("mqtt://me:secret@broker")
    Traceback (most recent call last):
    twin.core.errors.UsageError: --mqtt: the address holds a name or password, which everyone on this machine can
    read; leave it out and set TWIN_MQTT_USERNAME and TWIN_MQTT_PASSWORD, or give --credentials FILE
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise UsageError(
            "--mqtt",
            "the address holds a name or password, which everyone on this machine can read",
            f"leave it out and set {USERNAME} and {PASSWORD}, or give --credentials FILE",
        )
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise UsageError(
            "--mqtt", f"{url!r} is no address of a broker", "give one such as mqtt://localhost:1883"
        )
    return BrokerAddress(parts.hostname, port or _PORTS[parts.scheme], parts.scheme == "mqtts")


def find_credentials(file: Path | None = None) -> Credentials | None:
    """Credentials from a file, or from the environment; None where there are none.

    Parameters
    ----------
    file : Path, optional
        TOML with ``username`` and ``password``.

    Raises
    ------
    ConfigError, InputNotFoundError
        If the file does not hold them; the message never shows what it holds.
    """
    if file is None:
        name = os.environ.get(USERNAME)
        return Credentials(name, os.environ.get(PASSWORD)) if name else None
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputNotFoundError(file, "not found", "correct the path") from error
    except (OSError, ValueError) as error:
        raise ConfigError(
            file, "cannot be read as TOML", 'write username = "..." and password = "..."'
        ) from error
    name, password = told.get("username"), told.get("password")
    if not isinstance(name, str) or not (password is None or isinstance(password, str)):
        raise ConfigError(file, "holds no username", 'write username = "..." and password = "..."')
    return Credentials(name, password)


def tls_context(ca: Path | None) -> ssl.SSLContext:
    """How a broker proves who it is: by the system's authorities, or by those of a file. There is no way around.

    Raises
    ------
    ConfigError, InputNotFoundError
        If the file holds no certificate.
    """
    if ca is not None and not ca.is_file():
        raise InputNotFoundError(ca, "not found", "name a file with the authority's certificate (PEM)")
    try:
        return ssl.create_default_context(cafile=None if ca is None else str(ca))
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(ca or "TLS", f"holds no certificate ({error})", "give it as PEM") from error
