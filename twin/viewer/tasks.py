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
    ) -> ThreadJob:
        """Do work in a thread; a task of the same name that runs still is told to end; quiet work is not shown."""
        job = ThreadJob(work, name=name, parent=self)
        self._watch(name, job, done, failed)
        if not is_quiet:
            self.began.emit(job)
        return job.start()

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
        self.ended.emit(job)
        job.deleteLater()
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
