"""Files that are either whole or not there: temporary name, sync, rename; and journalled commits of many.

Every change of the file system that must survive a crash goes through `begin_operation`, which counts; tests make the
n-th operation fail or kill the process there (``TWIN_FAULT=kill@n`` or ``TWIN_FAULT=EIO@n``).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.errors import OutputExistsError, StorageError, TwinError, UsageError
from twin.core.memory import memory_error, tells_exhausted_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPORARY_MARK = ".twin-tmp"
_PROBE_BYTES = 2**20
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_FAILING = {
    *(errno.EIO, errno.ENXIO, errno.EMFILE, errno.ENFILE, errno.EROFS, errno.EACCES, errno.EPERM),
    *(getattr(errno, name, errno.EIO) for name in ("ESTALE", "ETIMEDOUT", "ENODEV", "EREMOTEIO")),
}


_unfinished: set[Path] = set()
"""Files that shall not outlive their work, however it ends."""


class _Counter:
    """How many file operations this process has begun."""

    n = 0


def begin_operation(path: Path) -> None:
    """Count one file operation, and fail here if the environment asks for it."""
    _Counter.n += 1
    fault = os.environ.get("TWIN_FAULT", "")
    kind, _, n = fault.partition("@")
    if not n or _Counter.n != int(n):
        return
    if kind == "kill":
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    raise OSError(getattr(errno, kind, errno.EIO), os.strerror(getattr(errno, kind, errno.EIO)), str(path))


def storage_error(path: Path | str, error: OSError) -> TwinError:
    """Our error for one of the operating system's, with path, cause and remedy."""
    if tells_exhausted_memory(error):
        return memory_error(path, error)
    if tells_full_disk(error) or (error.errno in {None, errno.EIO} and _is_full(Path(path).parent)):
        return StorageError(
            path, f"disk full ({_free_text(Path(path))} free)", "free some space and run again"
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StorageError(path, "no permission to write", "choose another folder or change its permissions")
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:
        return StorageError(path, "a file stands where a folder is needed", "choose another output")
    if error.errno == errno.ENAMETOOLONG:
        return StorageError(path, "the name is too long for this file system", "choose a shorter output")
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return StorageError(
            path, "too many files are open", "raise the limit (`ulimit -n`), or use --workers 1"
        )
    return StorageError(
        path, f"reading or writing failed ({error.strerror or error})", "check the disk and run again"
    )


def tells_failing_disk(error: OSError) -> bool:
    """Whether the operating system itself failed, so that neither the input nor this program is to blame."""
    return error.errno in _FULL | _FAILING


def odd_name_error(error: UnicodeEncodeError) -> UsageError | None:
    r"""Our error for a file name whose bytes are no UTF-8; None where something else could not be encoded.

    Examples
    --------
    >>> try:
    ...     _ = '{"name": "B\udcfcro.laz"}'.encode()
    ... except UnicodeEncodeError as error:
    ...     print(odd_name_error(error))
    B\xfcro.laz: the name holds bytes that are not UTF-8; rename the file or folder
    """
    if not "\udc80" <= error.object[error.start] <= "\udcff":  # what Python makes of such bytes
        return None
    before, after = error.object[: error.start], error.object[error.start :]
    name = re.split(r'["\n]', before)[-1] + re.split(r'["\n]', after)[0]
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return UsageError(shown, "the name holds bytes that are not UTF-8", "rename the file or folder")


def require_utf8_name(path: Path) -> None:
    """Refuse an output by a name that the libraries which write it cannot be told.

    Raises
    ------
    UsageError
        If the path holds bytes that are not UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise odd_name_error(error) or error from error


def tells_full_disk(error: OSError) -> bool:
    """Whether the operating system says that nothing more fits."""
    return error.errno in _FULL


def says_full_disk(text: str) -> bool:
    """Whether another program's or library's message speaks of a full disk.

    Examples
    --------
    >>> says_full_disk("write failed: No space left on device"), says_full_disk("no such file")
    (True, False)
    """
    return any(words in text for words in ("No space left", "File too large", "Disk quota"))


def _is_full(folder: Path) -> bool:
    """Whether nothing more can be written: libraries tell that writing failed, but not why."""
    probe = folder / f".{os.getpid()}{TEMPORARY_MARK}-probe"
    try:
        probe.write_bytes(bytes(_PROBE_BYTES))
    except OSError as error:
        return tells_full_disk(error)
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
    return False


def _free_text(path: Path) -> str:
    for folder in (path, *path.parents):
        with contextlib.suppress(OSError):
            return f"{shutil.disk_usage(folder).free / 1e6:.1f} MB"
    return "unknown"


@contextlib.contextmanager
def guard_storage(path: Path | str) -> Iterator[None]:
    """Turn the operating system's errors inside the block into `StorageError` for `path`."""
    try:
        yield
    except OSError as error:
        if isinstance(error, TwinError):
            raise
        raise storage_error(path, error) from error


def make_folder(path: Path) -> Path:
    """The folder, made with its parents if need be.

    Raises
    ------
    StorageError
        If it cannot be made.
    """
    with guard_storage(path):
        begin_operation(path)
        path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def atomic_path(final: Path | str, *, force: bool = True) -> Iterator[Path]:
    """A temporary path beside `final` that takes its name when the block ends well.

    The temporary name keeps the suffixes, since writers choose formats by them. When the block fails, the
    temporary file is removed and what stood under the final name is untouched.

    Parameters
    ----------
    final : path
        Where the file shall lie.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    OutputExistsError
        If the file exists and `force` is false.
    StorageError
        If the disk is full, not writable, or fails.
    """
    final = Path(final)
    if final.exists() and not force:
        raise OutputExistsError(final, "exists already and was kept", "pass --force to replace it")
    make_folder(final.parent)
    temporary = final.with_name(
        f".{os.getpid()}{TEMPORARY_MARK}-{final.name}"[:200] + "".join(final.suffixes[-2:])
    )
    mark_unfinished(temporary)
    try:
        with guard_storage(final):
            begin_operation(temporary)
            yield temporary
            sync_file(temporary)
            begin_operation(final)
            temporary.replace(final)
            begin_operation(final)
            sync_folder(final.parent)
    finally:
        remove_unfinished(temporary)


def mark_unfinished(path: Path) -> None:
    """Have a file removed by `remove_unfinished` if the process ends before it does so itself."""
    _unfinished.add(path)


def remove_unfinished(*paths: Path) -> None:
    """Remove files that end with their work; all that are left where the process must end at once."""
    for path in paths or tuple(_unfinished):
        _unfinished.discard(path)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    """Hand a file's bytes to the disk."""
    begin_operation(path)
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def sync_folder(path: Path) -> None:
    """Hand a folder's names to the disk, where the platform knows how."""
    if sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def append_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write on at the end of a file that counts as whole only once something else says so.

    Raises
    ------
    StorageError
        If the disk is full, not writable, or fails.
    """
    with guard_storage(path):
        begin_operation(path)
        with path.open("ab") as handle:
            handle.write(data)


def file_stamp(path: Path) -> tuple[int, int, int]:
    """What is another where a file was written or replaced: its number, bytes, and time of change (ns).

    Raises
    ------
    OSError
        If there is no such file, or it cannot be asked.
    """
    state = path.stat()
    return state.st_ino, state.st_size, state.st_mtime_ns


def remove_file(path: Path) -> None:
    """Delete a file of ours, if it is there."""
    with guard_storage(path):
        begin_operation(path)
        path.unlink(missing_ok=True)


def write_bytes(path: Path | str, data: bytes, *, force: bool = True) -> None:
    """Write a small file atomically."""
    with atomic_path(path, force=force) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path | str, text: str, *, force: bool = True) -> None:
    """Write a text atomically: UTF-8, line feeds on every platform."""
    write_bytes(path, text.encode("utf-8"), force=force)


def canonical_json(value: Any) -> str:
    """JSON that is the same text for the same value: sorted keys, no NaN, a line feed at the end."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def require_free_space(folder: Path, needed_bytes: int) -> None:
    """Refuse before work begins when the disk cannot hold the result.

    Raises
    ------
    StorageError
        With the bytes needed and the bytes there.
    """
    there = next(p for p in (folder, *folder.resolve().parents) if p.exists())
    free = shutil.disk_usage(there).free
    if free < needed_bytes:
        raise StorageError(
            folder,
            f"needs about {needed_bytes / 1e6:.0f} MB of disk, has {free / 1e6:.0f} MB",
            "free some space or choose another output",
        )


def remove_leftovers(folder: Path) -> int:
    """Delete temporary files that killed runs left; how many there were."""
    leftovers = [p for p in folder.rglob(f".*{TEMPORARY_MARK}-*") if p.is_file()]
    for path in leftovers:
        remove_file(path)
    return len(leftovers)


def remove_tree(folder: Path) -> None:
    """Delete a folder of ours, if it is there."""
    with guard_storage(folder):
        begin_operation(folder)
        if folder.exists():
            shutil.rmtree(folder)
