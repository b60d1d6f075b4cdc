"""Work that is under way, as the status bar shows it: a name, how far it is, and a way to end it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from shiboken6 import isValid

from twin.core.memory import give_back_memory
from twin.viewer.work import ProcessJob, ThreadJob

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twin.viewer.work import Told

_SAME_MS, _TURN_MS = 3000, 20_000
"""So long a task waits for one of its name that was told to end, and tasks for the one whose turn it is."""
_TIDY_MS = 2000
"""So long after work memory that it has freed is given back."""


class Tasks(QObject):
    """Starts work beside the interface and keeps it until it ends.

    Signals
    -------
    began, ended : ThreadJob or ProcessJob
    """

    began = Signal(object)
    ended = Signal(object)

    def __init__(self, complain: Callable[[Exception], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._complain = complain
        self._jobs: dict[str, ThreadJob | ProcessJob] = {}
        self._waiting: list[ThreadJob] = []
        self._in_turn: ThreadJob | None = None
        self._is_held = False
        self._last: dict[str, ThreadJob] = {}  # those told to end among them, until they have ended
        self._tidying = QTimer(self, interval=_TIDY_MS, singleShot=True)
        self._tidying.timeout.connect(self._tidy)

    def run(
        self,
        name: str,
        work: Callable[[Told], Any],
        done: Callable[[Any], object],
        *,
        failed: Callable[[Exception], object] | None = None,
        is_quiet: bool = False,
        in_turn: bool = False,
    ) -> ThreadJob:
        """Do work in a thread; a task of the same name that runs still is told to end, and this begins when it has, or
        soon if it does not: a drive may never answer.

        Parameters
        ----------
        name : str
        work : callable
            Is given a `Told`.
        done, failed : callable
            Given the result, or what went wrong.
        is_quiet : bool
            Not shown in the status bar.
        in_turn : bool
            Nobody waits for it, as for what comes with a city: such tasks run one after the other, and not before
            there is a picture. All at once they would keep the interface and each other waiting for Python's lock.
        """
        before = self._last.get(name)
        self._last[name] = job = ThreadJob(work, name=name, parent=self)
        self._watch(name, job, done, failed)
        if not is_quiet:
            self.began.emit(job)
        begin = self._beginning(job, in_turn=in_turn)
        if before is None:
            begin()
        else:
            before.ended.connect(begin)
            QTimer.singleShot(_SAME_MS, job, begin)
        return job

    def hold(self) -> None:
        """Let no task begin in its turn: a picture is being made."""
        self._is_held = True

    def go_on(self) -> None:
        """Let tasks run in their turn."""
        self._is_held = False
        self._next()

    def _beginning(self, job: ThreadJob, *, in_turn: bool) -> Callable[[], None]:
        """What has a job begin, once however often it is called."""
        left = [job]

        def begin() -> None:
            if not left:
                return
            left.clear()
            if in_turn and not job.is_cancelled:
                self._waiting.append(job)
                self._next()
            else:
                job.start()

        return begin

    def _next(self) -> None:
        """Begin what waits, unless something runs in its turn."""
        if self._in_turn is None and self._waiting and not self._is_held:
            self._in_turn = job = self._waiting.pop(0).start()
            QTimer.singleShot(_TURN_MS, job, lambda: self._leave(job))

    def _leave(self, job: ThreadJob | ProcessJob) -> None:
        """A job has had its turn."""
        if job is self._in_turn:
            self._in_turn = None
            self._next()

    def run_verb(
        self,
        name: str,
        arguments: Sequence[str],
        done: Callable[[str], object],
        *,
        failed: Callable[[Exception], object] | None = None,
        module: str = "twin",
    ) -> ProcessJob:
        """Run a verb of twin in a process; its standard output is the result."""
        job = ProcessJob(arguments, name=name, module=module, parent=self)
        self._watch(name, job, done, failed)
        self.began.emit(job)
        return job.start()

    def cancel(self, name: str) -> None:
        """Tell the task of a name to end."""
        job = self._jobs.pop(name, None)
        if job is not None:
            job.cancel()
            self._leave(job)
        if isinstance(job, ThreadJob) and job in self._waiting:
            self._waiting.remove(job)
            job.start()  # which ends at once

    def cancel_all(self, *, wait_s: float = 2.0) -> None:
        """Tell all tasks to end, and give them a moment."""
        jobs = list(self._jobs.values())
        for name in list(self._jobs):
            self.cancel(name)
        for job in jobs:
            job.wait(wait_s)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tasks that run."""
        return tuple(self._jobs)

    def _watch(
        self,
        name: str,
        job: ThreadJob | ProcessJob,
        done: Callable[[Any], object],
        failed: Callable[[Exception], object] | None,
    ) -> None:
        self.cancel(name)
        self._jobs[name] = job
        job.finished.connect(
            lambda result: done(result) if self._jobs.get(name) is job and not is_gone(done) else None
        )
        job.failed.connect(failed or self._complain)
        job.ended.connect(lambda: self._end(name, job))

    def _end(self, name: str, job: ThreadJob | ProcessJob) -> None:
        if self._jobs.get(name) is job:
            del self._jobs[name]
        if self._last.get(name) is job:
            del self._last[name]
        self.ended.emit(job)
        job.deleteLater()
        self._leave(job)
        if not self._tidying.isActive():  # some work comes again and again
            self._tidying.start()

    @staticmethod
    def _tidy() -> None:
        # With much to give it takes some ten milliseconds, in which the window shall not stand still.
        threading.Thread(target=give_back_memory, name="twin-memory", daemon=True).start()


def is_gone(done: Callable[..., object]) -> bool:
    """Whether what is to be called belongs to a panel that was made anew in another language or theme meanwhile."""
    owner = getattr(done, "__self__", None)
    return isinstance(owner, QObject) and not isValid(owner)
