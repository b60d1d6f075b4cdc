"""Builds that run in processes of their own, to be interrupted, killed and watched."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.fault_harness import environment
from tests.faults.small_city import SITE, SmallInputs, small_cloud, write_small
from twin.core.grid import Bounds

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
MORE_M = 90.0
SIGNALS = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "terminated")}
"""Exit code and the word that says why."""
AT_ONCE_S = 2.0

_ORPHAN = re.compile(
    r'^Traceback \(most recent call last\):\n  File "[^"\n]*forkserver\.py".*\n(?: .*\n)*EOFError: .*\n',
    re.MULTILINE,
)


def our_words(said: str, code: int) -> str:
    """Messages of a build, without what Python says of a worker that begins when the build has just been killed.

    The worker waits for what it is to do, and finds the end of the pipe: no line of ours runs in it yet.
    """
    return _ORPHAN.sub("", said) if code == -signal.SIGKILL else said


def write_larger(folder: Path) -> SmallInputs:
    """A survey that takes a second or two, so that there are moments to interrupt it at."""
    site = Bounds(SITE.x_min - MORE_M, SITE.y_min - MORE_M, SITE.x_max + MORE_M, SITE.y_max + MORE_M)
    return write_small(folder, small_cloud(site, density=10))


class Running:
    """A build in another process, leader of its own group, whose messages are read while it runs."""

    def __init__(self, arguments: list[str], module: str = "twin.cli.main") -> None:
        command = [sys.executable, "-m", module, *arguments]
        if (
            signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        ):  # in a job of a shell's background; children inherit it
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            command,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.said = ""

    def wait_for(self, words: str) -> None:
        """Read on until a line holds some words."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line
            if words in line:
                return
        raise AssertionError(f"{words!r} was never said: {self.said}")

    def end(self, timeout: float = 60) -> int:
        """Exit code, all messages read."""
        _, rest = self.process.communicate(timeout=timeout)
        self.said += rest
        code = self.process.returncode
        assert "Traceback" not in our_words(self.said, code), self.said
        return code

    def stop(self, number: int, *, within_s: float) -> int:
        """Send a signal; the exit code, which must come soon."""
        self.process.send_signal(number)
        sent = time.monotonic()
        code = self.end()
        assert time.monotonic() - sent < within_s, self.said
        return code
