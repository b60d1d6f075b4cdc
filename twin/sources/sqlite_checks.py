"""What a SQLite data set promises, checked before GDAL opens it: its size, and that its tables are its own."""

from __future__ import annotations

import re
import sqlite3
import struct
from contextlib import closing
from typing import TYPE_CHECKING

from twin.core.errors import InputError, UnsafeInputError

if TYPE_CHECKING:
    from pathlib import Path

# Index structures keep to their own file; every other virtual table may be a window on another one.
_INNOCENT_MODULES = {"rtree", "fts3", "fts4", "fts5", "virtualspatialindex", "virtualelementary"}
_INNOCENT_PREFIX = "virtualknn"
_MODULE = re.compile(r"(?is)\bcreate\s+virtual\s+table\b.*?\busing\s+[\"'\[`]?(\w+)")


def check_sqlite(path: Path) -> None:
    """Refuse a damaged SQLite file, and one whose tables reach for other files.

    Raises
    ------
    InputError
        If the file is shorter than its header says, or its list of tables cannot be read.
    UnsafeInputError
        If it holds a virtual table such as ``VirtualShape`` or ``VirtualOGR``.
    """
    _check_length(path)
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as connection:
            rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the second while the first words its message
        raise InputError(path, f"is corrupt ({error})", "fetch or export it again") from error
    for name, sql in rows:
        _refuse_foreign_table(path, str(name), str(sql))


def _check_length(path: Path) -> None:
    """The header counts the pages; the count is valid where the two change counters agree."""
    with path.open("rb") as handle:
        head = handle.read(100)
    if len(head) < 100:
        raise InputError(path, f"is corrupt: {len(head)} bytes, a SQLite header has 100", "fetch it again")
    page_bytes = struct.unpack_from(">H", head, 16)[0]
    page_bytes = 65536 if page_bytes == 1 else page_bytes
    changes, n_pages = struct.unpack_from(">2I", head, 24)
    (valid_for,) = struct.unpack_from(">I", head, 92)
    promised, there = n_pages * page_bytes, path.stat().st_size
    if changes == valid_for and there < promised:
        raise InputError(
            path,
            f"is corrupt: its header promises {promised} bytes, the file holds {there} (truncated download?)",
            "fetch or export it again",
        )


def _refuse_foreign_table(path: Path, name: str, sql: str) -> None:
    match = _MODULE.search(sql)
    if match is None:
        return
    module = match.group(1).lower()
    if module not in _INNOCENT_MODULES and not module.startswith(_INNOCENT_PREFIX):
        raise UnsafeInputError(
            path,
            f"table {name!r} is a virtual table ({match.group(1)}), which can read other files",
            "copy the layer that is meant into a GeoPackage of its own",
        )
