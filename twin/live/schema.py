"""The SQLite file ``live/observations.sqlite``: its tables, how it is opened, and what damage means.

`observation` is keyed by datastream and phenomenon time, so that one seek finds the newest as of a moment and a
repeated message meets its first copy. Whoever writes it is alone (a lock beside the file); readers see whole batches.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from twin.core.errors import InputError, StorageError, TwinError
from twin.core.files import begin_operation, file_stamp, guard_storage, make_folder, tells_full_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "live"
DATABASE = "observations.sqlite"
FORMAT = 1
CHECKED_BYTES = 32 * 2**20
_SOUND: dict[Path, tuple[int, int, int]] = {}
"""Files whose pages were looked at, as they were then: inode, size and time of the last change."""
_MEND = "move the file away and import again, or restore a copy"
_APPLICATION = 0x7477696E  # "twin"

_TABLES = """
CREATE TABLE thing (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL,
    kind TEXT NOT NULL, x REAL, y REAL, z REAL, target TEXT NOT NULL, building TEXT NOT NULL, storey INTEGER,
    properties TEXT NOT NULL
);
CREATE TABLE datastream (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, thing TEXT NOT NULL REFERENCES thing(id),
    name TEXT NOT NULL, observed_property TEXT NOT NULL, unit TEXT NOT NULL, symbol TEXT NOT NULL,
    every_s REAL, max_age_s REAL, zero_m REAL, valid_min REAL, valid_max REAL,
    scale REAL NOT NULL, "offset" REAL NOT NULL, result_type TEXT NOT NULL, properties TEXT NOT NULL
);
CREATE TABLE observation (
    stream INTEGER NOT NULL, time INTEGER NOT NULL, result_time INTEGER NOT NULL, result, quality INTEGER NOT NULL,
    x REAL, y REAL, z REAL, heading REAL,
    PRIMARY KEY (stream, time)
) WITHOUT ROWID;
"""
_THINNING = """
CREATE TABLE IF NOT EXISTS thinned (stream INTEGER PRIMARY KEY, window INTEGER NOT NULL, until INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS summary (
    stream INTEGER NOT NULL, time INTEGER NOT NULL, counted BLOB, PRIMARY KEY (stream, time)
) WITHOUT ROWID;
"""
"""How far each datastream is thinned, and which observations stand for others (see `twin.live.thinning`)."""


def database_path(city: Path) -> Path:
    """Where the observations of a city lie."""
    return city / FOLDER / DATABASE


def store_stamp(city: Path) -> tuple[tuple[int, int, int] | None, ...]:
    """What is another where observations of a city were written: of the file, and of the log that SQLite writes
    ahead.
    """
    path = database_path(city)
    found: list[tuple[int, int, int] | None] = []
    for part in (path, path.with_name(f"{path.name}-wal")):
        try:
            found.append(file_stamp(part))
        except OSError:
            found.append(None)
    return tuple(found)


def connect_writer(path: Path) -> sqlite3.Connection:
    """A connection that writes; the file and its tables are made if need be.

    Every commit is handed to the disk (``synchronous=FULL``): batches make that one sync a second.

    Raises
    ------
    StorageError
        If the file cannot be written, is no such database, is damaged, or was written by a newer version.
    """
    make_folder(path.parent)
    with guard_database(path):
        begin_operation(path)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30.0)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA cache_size=-8192")
            _make_tables(path, connection)
            _check_pages(path, connection)
        except BaseException:
            connection.close()
            raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads, while another process may write.

    Raises
    ------
    InputError
        If there is no such file.
    StorageError
        As in `connect_writer`.
    """
    if not path.exists():
        raise InputError(
            path, "there are no observations in this city", "bring some in with `twin live import`"
        )
    with guard_database(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{_reading(path)}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=30.0,
        )
        try:
            connection.execute("PRAGMA query_only=ON")
            connection.execute("PRAGMA cache_size=-32768")
            connection.execute("PRAGMA mmap_size=1073741824")
            _check_format(path, connection)
            _check_pages(path, connection)
        except BaseException:
            connection.close()
            raise
    return connection


def _reading(path: Path) -> str:
    """How a file is opened: one in a folder that cannot be written, such as on a disc, has no writer either."""
    return "mode=ro" if os.access(path.parent, os.W_OK) else "mode=ro&immutable=1"


def _check_pages(path: Path, connection: sqlite3.Connection) -> None:
    """Find overwritten pages at once where that takes no time; in a large file they are found when they are read."""
    stamp = _, size_bytes, _ = file_stamp(path)
    if size_bytes > CHECKED_BYTES or _SOUND.get(path) == stamp:
        return
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise StorageError(path, f"the history is corrupt ({found})", _MEND)
    _SOUND[path] = stamp


def _make_tables(path: Path, connection: sqlite3.Connection) -> None:
    with transaction(connection):
        (n_tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if n_tables:
            _check_format(path, connection)
        else:
            _execute_all(connection, _TABLES)
            connection.execute(f"PRAGMA application_id={_APPLICATION}")
            connection.execute(f"PRAGMA user_version={FORMAT}")
        _execute_all(connection, _THINNING)


def _execute_all(connection: sqlite3.Connection, statements: str) -> None:
    for statement in filter(str.strip, statements.split(";")):
        connection.execute(statement)


def _check_format(path: Path, connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        raise StorageError(path, "is not a database of observations", "move it away and import again")
    if version > FORMAT:
        what = f"has format {version}, written by a newer twin; this one reads up to format {FORMAT}"
        raise StorageError(path, what, "upgrade twin")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing of what the block writes."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # what broke the block may have ended it already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextlib.contextmanager
def guard_database(path: Path) -> Iterator[None]:
    """Turn SQLite's errors inside the block into `StorageError` with path, cause and remedy."""
    try:
        with guard_storage(path):
            yield
    except sqlite3.Error as error:
        raise _database_error(path, error) from error


def _database_error(path: Path, error: sqlite3.Error) -> TwinError:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or "malformed" in str(error):
        return StorageError(path, f"the history is corrupt ({error})", _MEND)
    if name.startswith("SQLITE_FULL"):
        return StorageError(path, "disk full", "free some space and run again")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return StorageError(path, f"cannot be opened ({error})", "check the folder and its permissions")
    cause = error.__cause__
    if isinstance(cause, OSError) and tells_full_disk(cause):
        return StorageError(path, "disk full", "free some space and run again")
    return StorageError(path, f"reading or writing failed ({error})", "check the disk and run again")
