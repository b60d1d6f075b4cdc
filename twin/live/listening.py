"""Listening to a broker for a while without keeping anything."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from twin.live.mqtt import MqttSource, unreached
from twin.live.sniffing import Sniffed

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.live.mqtt import ConnectionState, Subscription


def listen(
    wanted: Subscription, *, seconds: float, on_change: Callable[[ConnectionState], None] | None = None
) -> Sniffed:
    """The shapes of what a broker sends within some seconds.

    Raises
    ------
    ConfigError
        If the broker refuses us, or its certificate is not to be trusted.
    InputError
        If the broker is never reached.
    """
    heard, source, told = Sniffed(), MqttSource(wanted).start(), None
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            for message in source.arrivals.take():
                heard.hear(message)
            if source.refusal is not None:
                raise source.refusal
            state = source.state
            if on_change is not None and (state.is_online, state.reason) != told:
                told = state.is_online, state.reason
                on_change(state)
            time.sleep(0.05)
    finally:
        source.stop()
    if source.state.n_connects == 0:
        raise unreached(wanted.broker, source.state.reason, seconds)
    for message in source.arrivals.take():
        heard.hear(message)
    return heard
