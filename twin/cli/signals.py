"""Ctrl-C and SIGTERM: the work stops within two seconds, in words, wherever it is.

The first signal raises an exception in the main thread, so that everything is put away on its way out. That does not
always do: numba crashes where one is raised while it chooses compiled code, what Python collects swallows it, and
while a library computes no handler runs at all. Since a city on disk survives the death of its builder at any moment,
the process is then simply ended, by the handler itself or by a thread that the signal wakes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin.core.errors import EXIT_INTERRUPTED, EXIT_TERMINATED
from twin.core.files import remove_unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

GRACE_S = 1.0
"""How long the exception has to bring the work to its end."""
_SHOW_CURSOR = "\x1b[?25h"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C. Of a class of its own: Python ends by the signal if a plain one has passed through compiled text."""


class Terminated(BaseException):
    """SIGTERM."""


@dataclass(frozen=True, slots=True)
class Stop:
    """What a signal means.

    Parameters
    ----------
    word : str
        How it is told.
    exit_code : int
        What the process ends with.
    raised : type
        The exception that carries it.
    """

    word: str
    exit_code: int
    raised: type[BaseException]

    @property
    def message(self) -> str:
        """The line that is said."""
        return f"{self.word}; finished work is kept, the same command goes on from there"


INTERRUPTED = Stop("interrupted", EXIT_INTERRUPTED, Interrupted)
TERMINATED = Stop("terminated", EXIT_TERMINATED, Terminated)
_STOPS = {int(signal.SIGINT): INTERRUPTED, int(signal.SIGTERM): TERMINATED}


class _State:
    """The signal that arrived, and whether its message was claimed."""

    received: Stop | None = None
    claimed = threading.Lock()


def received() -> Stop | None:
    """The signal that arrived, if any."""
    return _State.received


def claim() -> bool:
    """Whether the caller is the first who wants to tell how the work ended; nobody else will."""
    return _State.claimed.acquire(blocking=False)


def watch_signals() -> None:
    """Handle both signals from now on; one that the parent wants ignored stays ignored."""
    for number in _STOPS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _handle)
    sys.unraisablehook = _end_or_show
    if sys.platform != "win32":  # where pipes cannot be left unblocked; there the handler must do
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        threading.Thread(target=_end_after_grace, args=(reading,), daemon=True).start()


@contextlib.contextmanager
def ends_gently() -> Iterator[threading.Event]:
    """For work that has no end of its own: the first signal sets the event and the block ends itself, in its own time.

    The second ends the process at once. Outside the main thread, where no handler can be set, signals are as before.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def handle(number: int, _: FrameType | None) -> None:
        stop = _STOPS[number]
        if asked.is_set():
            os._exit(stop.exit_code)
        claim()  # nobody else shall end the process or tell of it
        _State.received = stop
        asked.set()

    before = {number: signal.getsignal(number) for number in _STOPS}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, handle)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def end_with_input(asked: threading.Event) -> None:
    """Ask for the end once standard input ends: whoever started this process is gone then, however it ended."""

    def wait() -> None:
        with contextlib.suppress(OSError, ValueError):
            while os.read(0, 4096):
                pass
        asked.set()

    threading.Thread(target=wait, name="input", daemon=True).start()


def leave_signals() -> None:
    """Nothing is left to interrupt: both signals are ignored, and nobody else tells how the work ended."""
    claim()
    for number in _STOPS:
        signal.signal(number, signal.SIG_IGN)


def _handle(number: int, frame: FrameType | None) -> None:
    if _State.received is not None:  # the first one is being obeyed
        return
    _State.received = stop = _STOPS[number]
    if _is_inside_numba(frame):
        _end_now(stop)
    raise stop.raised


def _is_inside_numba(frame: FrameType | None) -> bool:
    """Whether any caller is numba's: its dispatcher, written in C, does not survive an exception of ours."""
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] in {"numba", "llvmlite"}:
            return True
        frame = frame.f_back
    return False


def _end_after_grace(reading: int) -> None:
    """Wait for one of the signals; end the process if the exception has not done so in time."""
    while True:
        (number,) = os.read(reading, 1)
        if number in _STOPS and signal.getsignal(number) != signal.SIG_IGN:
            break
    time.sleep(GRACE_S)
    _end_now(_STOPS[number])


def _end_or_show(unraisable: Any) -> None:
    """Our own exceptions are not shown where Python could only swallow them: they end the process."""
    if isinstance(unraisable.exc_value, (Interrupted, Terminated)) and _State.received is not None:
        _end_now(_State.received)
    sys.__unraisablehook__(unraisable)


def _end_now(stop: Stop) -> None:
    """End the process without unwinding; workers end by themselves when it is gone."""
    if not claim():  # it ends already
        return
    remove_unfinished()
    shown = _SHOW_CURSOR if sys.stderr.isatty() else ""
    os.write(2, f"{shown}{stop.message}\n".encode())
    os._exit(stop.exit_code)
