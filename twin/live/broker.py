"""An MQTT broker inside this process, for demos and tests where no other is at hand; it keeps nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

from twin.core.errors import BusyError, ExtraMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_S = 15.0


@contextlib.contextmanager
def embedded_broker(port: int = 0) -> Iterator[int]:
    """Run a broker on loopback while the block runs; its port.

    Parameters
    ----------
    port : int
        A free one is found if it is 0.

    Raises
    ------
    ExtraMissingError
        If the package amqtt is not installed.
    BusyError
        If the port is taken.
    """
    try:
        from amqtt.broker import Broker
        from amqtt.errors import AMQTTError
    except ImportError as error:
        raise ExtraMissingError(
            "broker", "needs the package amqtt", "install it with: pip install 'twin[live]'"
        ) from error
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    chosen = port or free_port()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="twin-broker", daemon=True)
    thread.start()
    try:
        try:
            broker = asyncio.run_coroutine_threadsafe(_started(Broker, chosen, loop), loop).result(_START_S)
        except (AMQTTError, OSError) as error:
            raise BusyError(
                f"port {chosen}", f"no broker can listen there ({error})", "choose another"
            ) from error
        try:
            yield chosen
        finally:
            with contextlib.suppress(
                TimeoutError, RuntimeError, OSError
            ):  # clients may have gone without a word
                asyncio.run_coroutine_threadsafe(broker.shutdown(), loop).result(_START_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_START_S)
        if not loop.is_running():
            loop.close()


async def _started(make: Any, port: int, loop: asyncio.AbstractEventLoop) -> Any:
    settings = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}", "max_connections": 100}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    broker = make(settings, loop=loop)
    await broker.start()
    return broker


def free_port() -> int:
    """A port on loopback that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
