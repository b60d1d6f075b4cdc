"""Tasks on a Dask cluster: the same plain functions, run wherever its workers are."""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from twin.core.errors import ExtraMissingError, TileError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from twin.core.progress import Progress
    from twin.core.tasks import Task

T = TypeVar("T")
TIMEOUT_S = 10
AHEAD = 4
"""Tasks of each worker thread that are begun before the oldest result is taken."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running Dask scheduler.

    Parameters
    ----------
    address : str
        Such as ``tcp://10.0.0.7:8786``. Its workers need this version of twin, and see input files and the city's
        folder under the same paths.
    """

    address: str


def run_on_cluster(
    function: Callable[..., T], tasks: Sequence[Task], *, cluster: Cluster, progress: Progress
) -> Iterator[T]:
    """Results of ``function(*task.arguments)`` in the order of the tasks.

    The scheduler tries a task again on another worker when one dies.

    Raises
    ------
    ExtraMissingError
        If the scale extra is not installed.
    UsageError
        If no scheduler answers, it has no workers, or they run another twin.
    TileError
        After all other tasks have ended, naming each task whose workers died every time.
    """
    with _client(cluster) as client:
        worker_died = import_module("distributed").KilledWorker
        n_threads = sum(client.nthreads().values())
        begun = ((task, client.submit(function, *task.arguments, pure=False)) for task in tasks)
        waiting = deque(islice(begun, AHEAD * n_threads))
        given_up: list[str] = []
        try:
            while waiting:
                task, future = waiting.popleft()
                waiting.extend(islice(begun, 1))
                progress.advance()
                try:
                    yield future.result()
                except worker_died:
                    given_up.append(task.name)
        finally:
            client.cancel([future for _, future in waiting])
    if given_up:
        names = ", ".join(given_up[:5])
        what = f"given up ({len(given_up)} of {len(tasks)} tiles; their workers died each time)"
        raise TileError(names, what, "give the workers more memory and run again; finished tiles are kept")


@contextlib.contextmanager
def _client(cluster: Cluster) -> Iterator[Any]:
    """A connection to the scheduler, whose workers are fit for the tasks."""
    where = f"--scheduler {cluster.address}"
    try:
        client_of = import_module("distributed").Client
    except ImportError:
        raise ExtraMissingError(where, "Dask is not installed", 'pip install "twin[scale]"') from None
    try:
        client = client_of(cluster.address, timeout=TIMEOUT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            where, f"no Dask scheduler answers ({told})", "start one, or correct the address"
        ) from None
    with client:
        _require_workers(client, where)
        yield client


def _require_workers(client: Any, where: str) -> None:
    import twin

    found = client.run(_version, on_error="return")
    if not found:
        raise UsageError(
            where, "the scheduler has no workers", f"start some: dask worker {where.rsplit(maxsplit=1)[-1]}"
        )
    other = {worker: told for worker, told in found.items() if told != twin.__version__}
    if other:
        worker, told = min(other.items())
        what = f"{len(other)} of {len(found)} workers do not run twin {twin.__version__} ({worker}: {told})"
        raise UsageError(where, what, "install the same version on all of them")


def _version() -> str:
    import twin

    return twin.__version__
