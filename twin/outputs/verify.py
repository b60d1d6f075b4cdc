"""Exports are believed only when they have been read back: writers report success on a full disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.core.errors import OutputExistsError, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def require_same(path: Path | str, written: Mapping[str, int], read: Mapping[str, int]) -> None:
    """Compare what was written with what reading the file back has found.

    Parameters
    ----------
    path : path
        Final name of the file, for the message.
    written, read : mapping
        Counts by what is counted, such as ``{"triangles": 12}``.

    Raises
    ------
    StorageError
        If a count differs; names it with both figures.

    Examples
    --------
    >>> require_same("town.ply", {"triangles": 12}, {"triangles": 11})
    Traceback (most recent call last):
    twin.core.errors.StorageError: town.ply: 12 triangles were written but 11 read back;
    check the disk and run again
    """
    for what, count in written.items():
        if read.get(what) != count:
            told = f"{count} {what} were written but {read.get(what, 0)} read back"
            raise StorageError(path, told, "check the disk and run again")


def refuse_existing(*paths: Path) -> None:
    """Keep what is there, before any of several files of one export is written.

    Raises
    ------
    OutputExistsError
        If one of the files exists.
    """
    for path in paths:
        if path.exists():
            raise OutputExistsError(path, "exists already and was kept", "pass --force to replace it")
