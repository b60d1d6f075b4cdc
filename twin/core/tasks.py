"""Plain functions over many inputs: here, or in processes that may die without taking the rest along."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from twin.core.cluster import Cluster, run_on_cluster
from twin.core.errors import TileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from twin.core.progress import Progress

T = TypeVar("T")
Workers: TypeAlias = int | Cluster
"""How many processes of this machine, or a cluster instead."""
AHEAD = 4
"""Tasks of each worker that are begun before the oldest result is taken: enough to keep it busy, while the results
that wait, and the arguments, stay few however many tasks there are."""
TRIES = 3
"""How often a task is begun before it is given up; a dying worker is most often short of memory."""


@dataclass(frozen=True, slots=True)
class Task:
    """One call of a tile function: a name for messages, and its arguments."""

    name: str
    arguments: tuple[Any, ...]


def default_workers() -> int:
    """As many processes as there are cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_tasks(
    function: Callable[..., T], tasks: Sequence[Task], *, workers: Workers, progress: Progress
) -> Iterator[T]:
    """Results of ``function(*task.arguments)`` in the order of the tasks.

    One worker, or one task, runs in this process. A worker that dies is replaced and its task tried again, three
    times in all; the other tasks go on. On a cluster its scheduler sees to that.

    Raises
    ------
    TileError
        After all other tasks have ended, naming each task that was given up.
    """
    if isinstance(workers, Cluster):
        yield from run_on_cluster(function, tasks, cluster=workers, progress=progress)
        return
    if workers <= 1 or len(tasks) <= 1:
        for task in tasks:
            yield function(*task.arguments)
            progress.advance()
        return
    yield from _run_in_processes(function, tasks, workers, progress)


def _run_in_processes(
    function: Callable[..., T], tasks: Sequence[Task], workers: int, progress: Progress
) -> Iterator[T]:
    from multiprocessing import active_children

    from pebble import ProcessPool

    given_up: list[str] = []
    others = set(active_children())
    n_workers = min(workers, len(tasks))
    with _held_back():  # an exception amid their start would leave workers that nobody knows of
        pool = ProcessPool(max_workers=n_workers, initializer=_begin_worker, context=_context())
        begun = ((task, pool.schedule(function, args=task.arguments)) for task in tasks)
        waiting = deque(islice(begun, AHEAD * n_workers))
    try:
        while waiting:
            task, future = waiting.popleft()
            result = _result(pool, function, task, future)
            waiting.extend(islice(begun, 1))
            progress.advance()
            if result is None:
                given_up.append(task.name)
            else:
                yield result[0]
        pool.close()
        pool.join()
    except BaseException:
        pool.stop()
        for worker in set(active_children()) - others:  # at once, also those that are still starting
            worker.kill()
        pool.join(timeout=1)
        raise
    if given_up:
        names = ", ".join(given_up[:5])
        raise TileError(
            names,
            f"given up after {TRIES} tries ({len(given_up)} of {len(tasks)} tiles; the worker died each time)",
            "run again to retry them, with --workers 1 if memory is short; finished tiles are kept",
        )


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait for the end of the block, where this thread is the one that handles them."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    stops = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda n, _: arrived.append(n)) for number in stops}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if arrived:
            signal.raise_signal(arrived[0])


def _result(pool: Any, function: Callable[..., T], task: Task, future: Any) -> tuple[T] | None:
    """The task's result, or None when its worker died every time."""
    from pebble import ProcessExpired

    for attempt in range(TRIES):
        try:
            return (future.result(),)
        except ProcessExpired:
            if attempt + 1 < TRIES:
                future = pool.schedule(function, args=task.arguments)
    return None


def _context() -> Any:
    """Fresh processes on every platform: a forked copy would inherit threads and locks of numerical libraries."""
    import multiprocessing

    if "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["twin.core.tasks"])
        _start_server_deaf_to_ctrl_c()
        return context
    return multiprocessing.get_context("spawn")


def _start_server_deaf_to_ctrl_c() -> None:
    """Start the process that forks workers, with Ctrl-C blocked in it and so in all of them from their first breath.

    A terminal sends it to the whole group, and a worker that still imports would answer with a traceback.
    """
    import signal
    from multiprocessing import forkserver, resource_tracker

    resource_tracker.ensure_running()  # first, since it unblocks what it finds blocked
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, which stops its workers; keep numerical libraries to one thread each."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["NUMBA_NUM_THREADS"] = "1"
