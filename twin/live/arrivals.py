"""Messages between the thread that receives and the one that keeps: bounded, and what does not fit is counted."""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple

CAPACITY = 10_000


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
    """

    topic: str
    payload: bytes
    is_retained: bool
    received_us: int


class Arrivals:
    """A queue whose `put` never waits: when it is full the oldest message gives way, for the newest value wins.

    Examples
    --------
    >>> arrivals = Arrivals(capacity=2)
    >>> for k in range(3):
    ...     arrivals.put(Message("level", b"%d" % k, False, k))
    >>> [m.payload for m in arrivals.take()], arrivals.dropped
    ([b'1', b'2'], 1)
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._queue: deque[Message] = deque()
        self._lock = threading.Lock()
        self.dropped = 0
        self.received = 0

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, message: Message) -> None:
        """Add a message."""
        with self._lock:
            self.received += 1
            if len(self._queue) >= self._capacity:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append(message)

    def take(self) -> list[Message]:
        """All messages that wait, oldest first; the queue is empty then."""
        with self._lock:
            waiting, self._queue = self._queue, deque()
        return list(waiting)
