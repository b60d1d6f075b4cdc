"""Heavy work beside the interface: in a thread or a child process, with progress, and an end when it is told to."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from twin.core.errors import EXIT_OK, TwinError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_STAGE_LINE = re.compile(r"^\[\s*[\d.]+ s\] (.*)$")
_TOLD_LINES = 60
_PATIENCE_MS = 4000
_LOOK_AGAIN_MS = 10
_TURNS = 2
"""Rounds of events before a thread begins: what the first one puts off to events of their own is done by then, too."""


class CancelledError(Exception):
    """The work was told to end."""


class Turn:
    """Lets threads begin once the interface has done what it is about to do.

    Beside a thread that is busy with Python, the interface waits for Python's lock after nearly every call of Qt, some
    tenth of a millisecond each time: what takes it 60 ms alone takes six times as long. One after the other both are
    done earlier.
    """

    LONGEST_S = 2.0
    """What the interface has to do at a time never takes longer; whoever forgets to let go blocks nothing for ever."""

    def __init__(self) -> None:
        self._until = 0.0

    def hold(self) -> None:
        """The interface has much to do: no thread begins meanwhile."""
        self._until = time.monotonic() + self.LONGEST_S

    def let_go(self) -> None:
        """It is done."""
        self._until = 0.0

    @property
    def is_held(self) -> bool:
        """Whether no thread shall begin."""
        return time.monotonic() < self._until


TURN = Turn()
"""Of the one thread of the interface."""


class Told:
    """What work in a thread tells, and by which it learns that it shall end; a `Progress`."""

    def __init__(self, job: ThreadJob) -> None:
        self._job = job
        self._name, self._total, self._done = "", 0, 0

    def stage(self, name: str, total: int) -> None:
        """A stage of `total` steps begins."""
        self.check()
        self._name, self._total, self._done = name, total, 0
        self._job.progressed.emit(name, 0, total)

    def advance(self, steps: int = 1) -> None:
        """Steps of the present stage are done."""
        self.check()
        self._done += steps
        self._job.progressed.emit(self._name, self._done, self._total)

    def partly(self, found: Any) -> None:
        """Hand over what there is already, before the result."""
        self.check()
        self._job.hand_over(found)

    def check(self) -> None:
        """End here if that was asked for.

        Raises
        ------
        CancelledError
            If it was.
        """
        if self._job.is_cancelled:
            raise CancelledError


class ThreadJob(QObject):
    """A function that runs in a thread; its result arrives as a signal in the thread of the interface.

    Parameters
    ----------
    work : callable
        Is given a `Told`.
    name : str
        Shown while it runs.
    """

    progressed = Signal(str, int, int)
    partial = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    ended = Signal()
    _left = Signal()
    _handed = Signal()

    def __init__(self, work: Callable[[Told], Any], *, name: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.name = name
        # The interface's thread tells of the end: told by this one, the first who hears of it could have the job
        # deleted before the next is told.
        self._left.connect(self._end)
        self.is_cancelled = self.is_over = False
        self._work = work
        self._thread = threading.Thread(target=self._run, name=name or "twin-job", daemon=True)
        self._n_turns = 0
        self._soon = QTimer(self, singleShot=True)
        self._soon.timeout.connect(self._begin)
        self._taken = threading.Event()
        self._handed.connect(self._show)

    def start(self) -> ThreadJob:
        """Begin as soon as the interface has handled what waits for it, see `Turn`; the job itself."""
        self._soon.start(0)
        self._n_turns = _TURNS
        return self

    def _begin(self) -> None:
        self._n_turns -= 1
        if TURN.is_held:
            self._soon.start(_LOOK_AGAIN_MS)
        elif self._n_turns > 0:
            self._soon.start(0)
        elif self.is_cancelled:
            self.is_over = True
            self._end()
        else:
            self._thread.start()

    def hand_over(self, found: Any) -> None:
        """From the thread of the work: tell of what there is already, and wait until the interface shows it."""
        self._taken.clear()
        self.partial.emit(found)
        self._handed.emit()
        self._taken.wait(Turn.LONGEST_S)

    def _show(self) -> None:
        self._taken.set()  # told after all who show it: signals keep their order

    def cancel(self) -> None:
        """Ask the work to end; its result, if it comes still, is dropped."""
        self.is_cancelled = True

    def wait(self, seconds: float) -> None:
        """Give the work a moment to end by itself."""
        if self._soon.isActive() and not self.is_cancelled:
            self._soon.stop()
            self._thread.start()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._do()
        finally:
            self.is_over = True
            self._tell(self._left)

    def _end(self) -> None:
        if self._thread.ident is not None:
            self._thread.join()  # it may still be in Qt, telling of its end; whoever hears of it may delete the job
        self.ended.emit()

    def _do(self) -> None:
        work = self._work
        del self._work  # it holds what it was made from, and the job may be kept for longer
        try:
            result = work(Told(self))
        except CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - whatever a thread meets is shown in the window, which stays alive
            if not self.is_cancelled:
                self._tell(self.failed, error)
            return
        if not self.is_cancelled:
            self._tell(self.finished, result)

    @staticmethod
    def _tell(sent: Any, *values: Any) -> None:
        try:
            sent.emit(*values)
        except RuntimeError:  # the window is gone already
            return


class ProcessJob(QObject):
    """One verb of twin in a process of its own: it may take all cores and memory, the window stays quick.

    Parameters
    ----------
    arguments : sequence of str
        As behind ``twin`` on the command line.
    module : str
        Another module that is run instead.
    """

    progressed = Signal(str, int, int)
    said = Signal(str)
    finished = Signal(object)
    failed = Signal(object)
    ended = Signal()

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        name: str = "",
        module: str = "twin",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.name = name
        self.is_cancelled = False
        self.lines: list[str] = []
        self._process = QProcess(self)
        self._process.setProcessEnvironment(_child_environment())
        self._process.setProgram(sys.executable)
        self._process.setArguments(["-m", module, *arguments])
        self._process.readyReadStandardError.connect(self._read)
        self._process.finished.connect(self._end)

    def start(self) -> ProcessJob:
        """Begin; the job itself."""
        self._process.start()
        return self

    def cancel(self) -> None:
        """As Ctrl-C: what was done is kept and resumed by the same build."""
        self.is_cancelled = True
        pid = self._process.processId()
        if pid and sys.platform != "win32":
            os.kill(pid, signal.SIGINT)
        else:
            self._process.kill()
        QTimer.singleShot(_PATIENCE_MS, self._process.kill)

    def wait(self, seconds: float) -> None:
        """Give the process a moment to end."""
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._process.waitForFinished(int(seconds * 1000))

    def end(self, seconds: float) -> None:
        """Have the process end now, by force where it does not do so by itself."""
        self.cancel()
        self.wait(seconds)
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._process.kill()
            self.wait(seconds)

    def _read(self) -> None:
        text = bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace")
        for line in text.splitlines():
            stage = _STAGE_LINE.match(line)
            if stage:
                self.progressed.emit(stage.group(1), 0, 0)
            elif line.strip():
                self.lines = [*self.lines, line.strip()][-_TOLD_LINES:]
                self.said.emit(line.strip())

    def _end(self, code: int, _status: Any) -> None:
        self._read()
        if self.is_cancelled:
            self.ended.emit()
            return
        if code == EXIT_OK:
            self.finished.emit(bytes(self._process.readAllStandardOutput().data()).decode("utf-8", "replace"))
        else:
            self.failed.emit(child_error(self.lines, code))
        self.ended.emit()


def _child_environment() -> QProcessEnvironment:
    environment = QProcessEnvironment.systemEnvironment()
    environment.insert("PYTHONPATH", os.pathsep.join(p for p in sys.path if p))
    environment.insert("PYTHONUTF8", "1")
    return environment


def child_error(lines: Sequence[str], code: int) -> TwinError:
    """What a verb said when it failed, as an error to show.

    Examples
    --------
    >>> print(child_error(["note: x", "error: a.laz: is empty; fetch it again"], 3))
    a.laz: is empty; fetch it again
    """
    said = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if not said:
        return TwinError("twin", f"ended with code {code}", "run it on the command line to see more")
    where, _, rest = said[-1].partition(": ")
    what, _, remedy = rest.partition("; ")
    return TwinError(where, what, remedy)
