"""One writer for each city: a lock that the operating system releases when its holder dies."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from typing import TYPE_CHECKING

from twin.core.errors import BusyError
from twin.core.files import (
    begin_operation,
    guard_storage,
    make_folder,
    mark_unfinished,
    remove_unfinished,
    storage_error,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from twin.core.notices import Notices

LOCK = ".lock"
HOLDER = ".lock.json"


@contextlib.contextmanager
def writer_lock(folder: Path, *, notices: Notices) -> Iterator[None]:
    """Hold the folder's only writer's place while the block runs.

    A holder file left by a dead process is taken over with a notice: the lock itself went with the process.

    Raises
    ------
    BusyError
        At once, naming process, host and start time of the holder.
    """
    from filelock import FileLock, Timeout

    make_folder(folder)
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise BusyError(
            folder, f"is being written by {_holder(folder)}", "wait for it, or stop it"
        ) from error
    except OSError as error:
        raise storage_error(folder / LOCK, error) from error
    try:
        if (folder / HOLDER).exists():
            notices.add(
                "stale-lock", f"{folder}: took over the lock of {_holder(folder)}, which no longer runs"
            )
        _announce(folder)
        yield
    finally:
        remove_unfinished(folder / HOLDER)
        remove_unfinished(
            folder / LOCK
        )  # while it is held: whoever opened it before finds it gone and opens it anew
        lock.release()
        if sys.platform == "win32":  # where an open file cannot be removed, and one that others hold neither
            remove_unfinished(folder / LOCK)


def _announce(folder: Path) -> None:
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "started": started})
    mark_unfinished(folder / HOLDER)
    with guard_storage(folder / HOLDER):
        begin_operation(folder / HOLDER)
        (folder / HOLDER).write_text(text, encoding="utf-8")


def is_being_written(folder: Path) -> bool:
    """Whether a process that still runs holds the folder's only writer's place; nothing is locked to find out."""
    try:
        info = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
        pid, host = int(info["pid"]), str(info["host"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if host != socket.gethostname() or sys.platform == "win32":  # where a signal cannot be sent to ask
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs as somebody else
    return True


def _holder(folder: Path) -> str:
    try:
        info = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
        return f"process {info['pid']} on {info['host']} since {info['started']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
