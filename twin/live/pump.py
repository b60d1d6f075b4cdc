"""From a running source to store and memory: what arrived is decoded at once and kept with its second."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twin.live.messages import Decoder
    from twin.live.mqtt import MqttSource

BATCH_S = 1.0
TURN_S = 0.05


@dataclass(slots=True)
class Pump:
    """One turn after the other; one thread uses it.

    Parameters
    ----------
    source : MqttSource
    decoder : Decoder
    batch_s : float
        How long observations wait for their batch at most, seconds; a memory without store needs no batches.
    """

    source: MqttSource
    decoder: Decoder
    batch_s: float = BATCH_S
    kept_at_s: float = 0.0
    n_dropped: int = 0
    """Of the messages that found no room, those that are counted."""

    def turn(self) -> int:
        """Decode what has arrived, and keep it if its time has come; how many messages that was.

        Raises
        ------
        TwinError
            If the subscription can never work, or the store fails.
        """
        messages = self.source.arrivals.take()
        for message in messages:
            self.decoder.take(message)
        intake = self.decoder.intake
        self._count_dropped()
        if time.monotonic() - self.kept_at_s >= self.batch_s:
            intake.flush()
            self.kept_at_s = time.monotonic()
        if self.source.refusal is not None:
            raise self.source.refusal
        return len(messages)

    def run_for(self, seconds: float | None) -> None:
        """Turn until the time is over; for ever where none is given."""
        end = None if seconds is None else time.monotonic() + seconds
        while end is None or time.monotonic() < end:
            if self.turn() == 0:
                time.sleep(TURN_S if end is None else max(0.0, min(TURN_S, end - time.monotonic())))

    def finish(self) -> None:
        """Stop the source, and keep what it still brought."""
        self.source.stop()
        try:
            for message in self.source.arrivals.take():
                self.decoder.take(message)
            self.decoder.intake.flush()
        finally:
            self._count_dropped()

    def _count_dropped(self) -> None:
        n = self.source.arrivals.dropped
        self.decoder.intake.counts.dropped += n - self.n_dropped
        self.n_dropped = n
