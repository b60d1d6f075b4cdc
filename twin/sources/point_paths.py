"""From what a user names, paths, folders and globs, to point cloud files."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from twin.core.errors import InputError, InputNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable

SUFFIXES = (".las", ".laz")


def find_point_files(paths: str | Path | Iterable[str | Path]) -> list[Path]:
    """The files that paths, folders and globs stand for.

    Parameters
    ----------
    paths : path or iterable of paths
        A name that exists is taken as it is, even if it holds ``*`` or ``[``. A folder stands for the ``.las``
        and ``.laz`` files in it, a glob for those that it matches; both in the order of their names.

    Returns
    -------
    list of Path
        In the order given, each file once.

    Raises
    ------
    InputNotFoundError
        If a name leads nowhere or a glob matches nothing.
    InputError
        If a folder or a glob holds no point cloud, or nothing was named.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    if not given:
        raise InputError("points", "no LAS or LAZ file was named", "name files, folders or globs")
    found = [file for path in given for file in _expanded(Path(path))]
    once: dict[Path, Path] = {}
    for file in found:
        once.setdefault(file.resolve(), file)
    return list(once.values())


def _expanded(path: Path) -> list[Path]:
    if path.is_dir():
        return _only_clouds(path, path.iterdir())
    if path.exists():
        return [path]
    if path.is_symlink():
        raise InputNotFoundError(path, "not found: a link to nowhere", "mend or remove the link")
    if glob.has_magic(str(path)):
        # Path.glob would not take an absolute pattern.
        matches = [Path(name) for name in glob.glob(str(path), recursive=True)]  # noqa: PTH207
        if matches:
            return _only_clouds(path, matches)
    raise InputNotFoundError(path, "not found", "check the name")


def _only_clouds(path: Path, candidates: Iterable[Path]) -> list[Path]:
    clouds = sorted(c for c in candidates if c.suffix.lower() in SUFFIXES and not c.is_dir())
    if not clouds:
        raise InputError(path, "no LAS or LAZ file in it", "name a folder or glob that holds some")
    return clouds
