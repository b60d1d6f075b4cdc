"""A read-only SensorThings 1.1 server on loopback: GET and HEAD, small limits, nothing that a client sends is kept."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sqlite3
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from twin.core.errors import TwinError, UsageError
from twin.core.visible_text import visible_text
from twin.live.schema import database_path, guard_database
from twin.live.sta_answers import VERSION, Answers, NotFoundError
from twin.live.sta_entities import World
from twin.live.sta_filter import FilterError
from twin.live.store import open_store

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from twin.live.store import Store

LOOPBACK = "127.0.0.1"
MAX_CONNECTIONS = 1500
MAX_READERS = 4
MAX_TARGET_CHARS = 8000
MAX_HEADER_BYTES = 32_000
REQUEST_SECONDS = 10.0
"""From the first byte that is waited for to the last of a request's head."""
KEEP_SECONDS = 2.0
"""How old the list of things may be."""
_IDS = re.compile(r"\('(?:[^']|'')*'\)")
"""Ids in a path, which may hold anything: they are looked up, never opened."""
_LOCAL_NAMES = {"localhost", "127.0.0.1", "[::1]"}


class _Input(io.RawIOBase):
    """What a client sends, until a moment by which the head of a request must be whole, and up to its greatest size."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.renew()

    def renew(self) -> None:
        """A new request may begin."""
        self.until, self.left = time.monotonic() + REQUEST_SECONDS, MAX_HEADER_BYTES + MAX_TARGET_CHARS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        rest = self.until - time.monotonic()
        if rest <= 0:
            raise TimeoutError("the request took too long")
        self.connection.settimeout(rest)
        n = self.connection.recv_into(buffer)
        self.left -= n
        return n if self.left > 0 else 0


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server: Server
    rbufsize = 0

    def setup(self) -> None:
        """Limit how long and how much a client may send."""
        super().setup()
        self.input = _Input(self.connection)
        self.rfile = io.BufferedReader(self.input, 4096)

    def handle_one_request(self) -> None:
        """One request, with its own time."""
        self.input.renew()
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().handle_one_request()
            return
        self.close_connection = True

    def version_string(self) -> str:
        """What serves, without its version."""
        return "twin"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the standard library's
        """Nothing: a city's tools ask every second."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """An error as JSON; the connection ends with it."""
        self.close_connection = True
        self.request_version, self.command = self.protocol_version, self.command or "GET"
        with contextlib.suppress(OSError):
            self._send(
                int(code), {"code": int(code), "type": "error", "message": message or HTTPStatus(code).phrase}
            )

    def do_GET(self) -> None:
        """Answer a request."""
        refusal = self._refusal()
        if refusal is not None:
            self.send_error(*refusal)
            return
        self._send(*self._answered())

    do_HEAD = do_GET  # noqa: N815 - the name is the standard library's

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # POST, DELETE, whatever: what is served is only read
            return self._refuse
        raise AttributeError(name)

    def _refuse(self) -> None:
        self.send_error(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD are answered")

    def _refusal(self) -> tuple[int, str] | None:
        """Status and reason where a request is not answered."""
        if len(self.path) > MAX_TARGET_CHARS:
            return HTTPStatus.REQUEST_URI_TOO_LONG, "the address is too long"
        if self.input.left <= 0:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head of the request is too long"
        if not self._is_for_us():
            return HTTPStatus.FORBIDDEN, "this address is not served here"
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            return HTTPStatus.BAD_REQUEST, "a request to read has no body"
        return None

    def _is_for_us(self) -> bool:
        """Whether the client means this host: pages of elsewhere must not reach it by a name of theirs."""
        host = self.headers.get("Host", "").strip().lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return name in {*_LOCAL_NAMES, ""} or name == str(self.server.server_address[0])

    def _answered(self) -> tuple[int, Any]:
        path, _, query = self.path.partition("?")
        bare = _IDS.sub("()", unquote(path))
        parts = bare.split("/")
        if ".." in parts or "\\" in bare or "\0" in bare:
            return HTTPStatus.BAD_REQUEST, _problem(400, "the path leaves the service")
        if parts[1:] == [""]:
            return HTTPStatus.OK, {
                "value": [{"name": "SensorThings 1.1", "url": f"{self.server.root}/{VERSION}"}]
            }
        if parts[1] != VERSION:
            return HTTPStatus.NOT_FOUND, _problem(404, f"there is nothing here; see /{VERSION}")
        try:
            with self.server.answers() as answers:
                return HTTPStatus.OK, answers.answer(path.split("/", 2)[2] if len(parts) > 2 else "", query)
        except NotFoundError as error:
            return HTTPStatus.NOT_FOUND, _problem(404, str(error))
        except FilterError as error:
            return HTTPStatus.BAD_REQUEST, _problem(400, str(error))
        except UsageError as error:
            return HTTPStatus.BAD_REQUEST, _problem(400, str(error))
        except TwinError as error:
            return HTTPStatus.SERVICE_UNAVAILABLE, _problem(503, error.what)

    def _send(self, code: int, answer: Any) -> None:
        is_text = isinstance(answer, str)
        body = (answer if is_text else json.dumps(answer, ensure_ascii=False, allow_nan=False)).encode()
        self.connection.settimeout(REQUEST_SECONDS)
        self.send_response(code)
        kind = "text/plain" if is_text else "application/json"
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "default-src 'none'")
        self.send_header("Cache-Control", "no-store")
        if code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _problem(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "type": "error", "message": visible_text(message, max_chars=500)}


class Server(ThreadingHTTPServer):
    """The service of one city; from `serve_city`."""

    daemon_threads = True
    request_queue_size = 256
    block_on_close = False

    def __init__(
        self, city: Path, to_degrees: Callable[[float, float], tuple[float, float]], port: int
    ) -> None:
        self.city, self._to_degrees = city, to_degrees
        self._kept: tuple[float, World | None] = (0.0, None)
        self._room = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._reading = threading.BoundedSemaphore(MAX_READERS)
        self._readers: list[tuple[int, contextlib.ExitStack, Store]] = []
        super().__init__((LOOPBACK, port), Handler)

    @property
    def root(self) -> str:
        """Address without the version."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    @contextlib.contextmanager
    def answers(self) -> Iterator[Answers]:
        """What answers a request, with a connection to the store that no other request has meanwhile."""
        with self._reading:
            reader = self._reader()
            try:
                with one_state(reader[2]):
                    yield Answers(self._world(reader[2]), reader[2], f"{self.root}/{VERSION}")
            except BaseException:
                reader[1].close()
                raise
            self._readers.append(reader)

    def _reader(self) -> tuple[int, contextlib.ExitStack, Store]:
        """An opened store that was used before, unless its file is another one now; a new one else."""
        path = database_path(self.city)
        number = path.stat().st_ino if path.exists() else -1
        while self._readers:
            reader = self._readers.pop()
            if reader[0] == number:
                return reader
            reader[1].close()
        ending = contextlib.ExitStack()
        return number, ending, ending.enter_context(open_store(self.city))

    def server_close(self) -> None:
        """Let go of the port and of the store."""
        super().server_close()
        while self._readers:
            self._readers.pop()[1].close()

    def _world(self, store: Store) -> World:
        """Things and datastreams, read anew every few seconds, and at once where there are more of them."""
        read_at, world = self._kept
        is_old = world is None or time.monotonic() - read_at > KEEP_SECONDS
        if world is None or is_old or len(world.catalogue.datastreams) != store.n_datastreams():
            world = World(store.catalogue(), self._to_degrees)
            self._kept = time.monotonic(), world
        return world

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection while there is room, else close it."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a connection and make room."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A broken connection is the client's own matter."""


@contextlib.contextmanager
def one_state(store: Store) -> Iterator[None]:
    """The store as it is now for all that the block reads, whatever a writer adds meanwhile."""
    with guard_database(store.path):
        store.connection.execute("BEGIN")
    try:
        yield
    finally:
        with contextlib.suppress(sqlite3.Error):  # what broke the block may have ended it already
            store.connection.execute("ROLLBACK")


@contextlib.contextmanager
def serve_city(city: Path, *, port: int = 0) -> Iterator[Server]:
    """A server of a city's observations on loopback, answering in threads while the block runs.

    Parameters
    ----------
    city : Path
        Its folder, with ``live/``.
    port : int
        0 takes any that is free.

    Raises
    ------
    InputError
        If the city has no observations.
    UsageError
        If the port is taken.
    """
    with open_store(city) as store:
        store.catalogue()
    try:
        server = Server(city, way_to_degrees(city), port)
    except (OSError, OverflowError) as error:
        raise UsageError(
            "--port", f"{port} cannot be used ({error})", "choose another, or 0 for any"
        ) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def way_to_degrees(city: Path) -> Callable[[float, float], tuple[float, float]]:
    """From the city's CRS to longitude and latitude, WGS 84."""
    import pyproj

    from twin.city.folder import open_manifest
    from twin.core.crs import horizontal, parse_crs

    crs = horizontal(parse_crs(open_manifest(city).crs_wkt, where="twin.json"))
    transformer = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)

    def to_degrees(easting: float, northing: float) -> tuple[float, float]:
        lon, lat = transformer.transform(easting, northing)
        return float(lon), float(lat)

    return to_degrees
