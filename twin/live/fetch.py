"""JSON over HTTP from a server that need not be friendly: bounded in pages, bytes and seconds, and held to its host."""

from __future__ import annotations

import email.utils
import os
import queue
import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from twin.core.errors import ExtraMissingError, UsageError
from twin.core.visible_text import visible_text
from twin.live.decode import parse_json
from twin.live.rejected import RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

TOKEN = "TWIN_HTTP_TOKEN"  # noqa: S105 - the name of a variable
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much a server may take.

    Parameters
    ----------
    page_bytes, total_bytes : int
        Unpacked.
    pages : int
    page_s, total_s : float
        Seconds for one page, and for all with waiting.
    tries : int
        How often a page is asked for before it is given up.
    """

    page_bytes: int = 32 * _MIB
    total_bytes: int = 1024 * _MIB
    pages: int = 10_000
    page_s: float = 60.0
    total_s: float = 3600.0
    tries: int = 5


class FetchError(Exception):
    """A page that could not be had; what came before it counts.

    Parameters
    ----------
    what : str
        What the server did, as the rest of a sentence.
    is_final : bool
        Whether it is of no use to ask the server for anything else.
    """

    def __init__(self, what: str, *, is_final: bool = False) -> None:
        self.is_final = is_final
        super().__init__(what)


@dataclass(slots=True)
class Fetcher:
    """Asks one server; ends with `close`.

    Parameters
    ----------
    base : str
        ``http://`` or ``https://``; its host is the only one that is ever asked.
    limits : FetchLimits
    pause : callable
        Waits for seconds.

    Raises
    ------
    UsageError
        If the address is none, or holds a name or password.
    ExtraMissingError
        If httpx is not installed.
    """

    base: str
    limits: FetchLimits = field(default_factory=FetchLimits)
    pause: Callable[[float], None] = time.sleep
    n_bytes: int = 0
    n_pages: int = 0
    _end_s: float = 0.0
    _client: httpx.Client | None = None
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(self.base, "is no address of a server", "give one such as https://host/v1.1")
        if parts.username is not None or parts.password is not None:
            raise UsageError(
                "URL", "the address holds a name or password", f"leave it out and set {TOKEN} to a token"
            )
        self._end_s = time.monotonic() + self.limits.total_s

    def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            self._client.close()

    def page(self, url: str) -> tuple[Any, Mapping[str, str]]:
        """A JSON document and the headers that came with it.

        Raises
        ------
        FetchError
            If it lies on another host, was had before, is over a limit, or does not come.
        """
        url = self._checked(urljoin(self.base, url))
        if url in self._seen:
            raise FetchError("its next page is one that was had before")
        self._seen.add(url)
        if self.n_pages >= self.limits.pages:
            raise FetchError(f"has more than {self.limits.pages:,} pages", is_final=True)
        self.n_pages += 1
        data, headers = self._with_patience(url)
        self.n_bytes += len(data)
        if self.n_bytes > self.limits.total_bytes:
            raise FetchError(
                f"sends more than {self.limits.total_bytes / _MIB:.0f} MiB in all", is_final=True
            )
        try:
            return parse_json(data), headers
        except RejectedError as error:
            raise FetchError(f"its answer {error}") from error

    def _checked(self, url: str) -> str:
        home, there = urlsplit(self.base), urlsplit(url)
        shown = visible_text(url, max_chars=80)
        if there.scheme not in {"http", "https"} or (home.scheme == "https" and there.scheme != "https"):
            raise FetchError(f"leads to {shown}, which is not {home.scheme}")
        if (there.hostname, _port(there)) != (home.hostname, _port(home)):
            raise FetchError(f"leads to another host ({shown})")
        return url

    def _with_patience(self, url: str) -> tuple[bytes, Mapping[str, str]]:
        wait_s, reason = 1.0, ""
        for attempt in range(self.limits.tries):
            if attempt:
                self._wait(wait_s, reason)
            try:
                status, data, headers = self._within(url)
            except _UnreachableError as error:
                reason, wait_s = str(error), min(2 * wait_s, 60.0) * random.uniform(0.8, 1.2)  # noqa: S311
                continue
            if status not in _AGAIN:
                if status != 200:
                    raise FetchError(f"answers {status}")
                return data, headers
            reason = f"answers {status}"
            told = retry_after_s(headers.get("retry-after"))
            wait_s = told if told is not None else min(2 * wait_s, 60.0) * random.uniform(0.8, 1.2)  # noqa: S311
        raise FetchError(f"{reason}, also when asked {self.limits.tries} times", is_final=True)

    def _wait(self, seconds: float, reason: str) -> None:
        if time.monotonic() + seconds > self._end_s:
            raise FetchError(f"{reason}, and asks for more time than there is", is_final=True)
        self.pause(seconds)

    def _within(self, url: str) -> tuple[int, bytes, Mapping[str, str]]:
        """One request, given up when its time is over, however slowly its bytes drip."""
        left = min(self.limits.page_s, self._end_s - time.monotonic())
        if left <= 0:
            raise FetchError(f"takes more than {self.limits.total_s:g} s in all", is_final=True)
        client = self._client = self._client or _new_client()
        answers: queue.Queue[Any] = queue.Queue()

        def ask() -> None:
            try:
                answers.put(_request(client, url, self))
            except (FetchError, _UnreachableError) as error:
                answers.put(error)

        threading.Thread(target=ask, name="twin-fetch", daemon=True).start()
        try:
            answer = answers.get(timeout=left)
        except queue.Empty:
            self._client = None
            client.close()
            raise FetchError(f"takes more than {left:.3g} s for a page") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def checked_redirect(self, url: str) -> str:
        """The address that a server sends us on to, if it is its own."""
        return self._checked(url)


class _UnreachableError(Exception):
    """A connection that did not come about or broke."""


def _new_client() -> httpx.Client:
    try:
        import httpx
    except ImportError as error:
        raise ExtraMissingError(
            "HTTP", "needs the package httpx", "install it with: pip install 'twin[live]'"
        ) from error
    headers = {"Accept": "application/json, application/ld+json", "User-Agent": "twin"}
    token = os.environ.get(TOKEN)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return httpx.Client(timeout=15.0, follow_redirects=False, headers=headers)


def _request(client: httpx.Client, url: str, fetcher: Fetcher) -> tuple[int, bytes, Mapping[str, str]]:
    import httpx

    try:
        for _ in range(5):
            with client.stream("GET", url) as answer:
                if answer.is_redirect:
                    url = fetcher.checked_redirect(urljoin(url, answer.headers.get("location", "")))
                    continue
                return answer.status_code, _body(answer, fetcher.limits.page_bytes), answer.headers
    except (
        httpx.TransportError,
        httpx.DecodingError,
        OSError,
        RuntimeError,
    ) as error:  # the last: closed meanwhile
        raise _UnreachableError(f"cannot be reached ({str(error)[:100] or type(error).__name__})") from error
    except httpx.InvalidURL as error:
        raise FetchError(f"leads to no address ({error})") from error
    raise FetchError("sends us on and on")


def _body(answer: httpx.Response, most: int) -> bytes:
    """The unpacked bytes of an answer, as long as they are not too many."""
    promised = answer.headers.get("content-length", "")
    if promised.isascii() and promised.isdigit() and int(promised) > most:
        raise FetchError(f"promises {int(promised):,} bytes for a page, the limit is {most:,}")
    parts, n = [], 0
    for part in answer.iter_bytes():
        n += len(part)
        if n > most:
            raise FetchError(f"sends more than {most:,} bytes for a page")
        parts.append(part)
    return b"".join(parts)


def _port(parts: Any) -> int | None:
    try:
        return parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return -1


def retry_after_s(text: str | None) -> float | None:
    """Seconds that a server asks to wait, as a count or as a date.

    >>> retry_after_s("7"), retry_after_s("soon"), retry_after_s("²"), retry_after_s(None)
    (7.0, None, None, None)
    """
    if text is None:
        return None
    if text.isascii() and text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
