"""Messages between the thread that receives and the one that keeps: bounded, and what does not fit is counted."""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple

from twin.core.limits import limits

CAPACITY = 10_000
MAX_BYTES = 64 * 2**20
"""Of topics and payloads that wait together; a single message always finds room."""


class Message(NamedTuple):
    """One message as it came.

    Parameters
    ----------
    topic : str
    payload : bytes
    is_retained : bool
        Whether the broker had kept it from before.
    received_us : int
        When it came in, microseconds UTC.
    left_out : int
        Size of a payload that was not kept, since it is larger than a message may be; `payload` is empty then.
    """

    topic: str
    payload: bytes
    is_retained: bool
    received_us: int
    left_out: int = 0

    @property
    def n_bytes(self) -> int:
        """About what it takes while it waits."""
        return len(self.topic) + len(self.payload)


class Arrivals:
    """A queue whose `put` never waits: when it is full the oldest messages give way, for the newest value wins.

    Parameters
    ----------
    capacity, max_bytes : int
        How many messages wait at most, and how many bytes of them.

    Examples
    --------
    >>> arrivals = Arrivals(capacity=2)
    >>> for k in range(3):
    ...     arrivals.put(Message("level", b"%d" % k, False, k))
    >>> [m.payload for m in arrivals.take()], arrivals.dropped
    ([b'1', b'2'], 1)
    """

    def __init__(self, capacity: int = CAPACITY, *, max_bytes: int = MAX_BYTES) -> None:
        self._capacity, self._max_bytes = capacity, max_bytes
        self._max_message_bytes = limits().max_message_bytes
        self._queue: deque[Message] = deque()
        self._n_bytes = 0
        self._lock = threading.Lock()
        self.dropped = 0
        self.received = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def n_bytes(self) -> int:
        """How many bytes wait."""
        return self._n_bytes

    def put(self, message: Message) -> None:
        """Add a message; of one that is too large only that it came."""
        if len(message.payload) > self._max_message_bytes:
            message = message._replace(payload=b"", left_out=len(message.payload))
        with self._lock:
            self.received += 1
            self._n_bytes += message.n_bytes
            self._queue.append(message)
            while len(self._queue) > 1 and self._is_too_full():
                self._n_bytes -= self._queue.popleft().n_bytes
                self.dropped += 1

    def _is_too_full(self) -> bool:
        return len(self._queue) > self._capacity or self._n_bytes > self._max_bytes

    def take(self) -> list[Message]:
        """All messages that wait, oldest first; the queue is empty then."""
        with self._lock:
            waiting, self._queue, self._n_bytes = self._queue, deque(), 0
        return list(waiting)
