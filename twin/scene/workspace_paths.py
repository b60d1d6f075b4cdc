"""Files that a workspace names: relative to its own file, and never outside its folder without a word."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from twin.core.errors import InputNotFoundError, UnsafeInputError
from twin.core.files import atomic_path

if TYPE_CHECKING:
    from twin.core.notices import Notices
    from twin.scene.workspace import CityRef


def relative_text(target: Path, file: Path) -> str:
    """A path as the workspace at `file` writes it: seen from its folder, with forward slashes.

    Examples
    --------
    >>> relative_text(Path("plans/town.twin"), Path("plans/today.json"))
    'town.twin'
    """
    try:
        return Path(os.path.relpath(target.absolute(), file.absolute().parent)).as_posix()
    except ValueError:  # another drive
        return target.absolute().as_posix()


def city_folder(city: CityRef, file: Path, *, notices: Notices) -> Path:
    """The folder of the city that the workspace at `file` names; one outside its folder is told.

    Raises
    ------
    InputNotFoundError
        If it names none.
    UnsafeInputError
        If it names an address, or another machine.
    """
    if not city.path:
        raise InputNotFoundError(file, "names no city", "give the city's folder yourself")
    _require_local(city.path, file)
    folder = file.absolute().parent / city.path
    if not _lies_below(folder, file.absolute().parent):
        notices.add(
            "workspace-city", f"{file.name} opens {folder.resolve()}, which lies outside its own folder"
        )
    return folder


def own_file(text: str, file: Path) -> Path:
    """A file that the workspace at `file` brings along: a model, a style.

    Raises
    ------
    UnsafeInputError
        If it lies outside the workspace's folder, also by a link.
    InputNotFoundError
        If it is not there.
    """
    _require_local(text, file)
    path = file.absolute().parent / text
    if not _lies_below(path, file.absolute().parent):
        raise UnsafeInputError(
            file, f"names {text!r}, which lies outside its folder", "put the file beside the workspace"
        )
    if not path.is_file():
        raise InputNotFoundError(path, f"{file.name} names this file, which is not there", "bring it along")
    return path


def beside(text: str, file: Path) -> str:
    """The absolute path of a file that the workspace at `file` names; whether it is there is not asked.

    Raises
    ------
    UnsafeInputError
        If it is an address, or lies on another machine.
    """
    _require_local(text, file)
    return (file.absolute().parent / text).as_posix()


def told_file(text: str, file: Path | None, *, notices: Notices) -> Path:
    """A file that is read where it lies, such as a survey; one outside the folder of the workspace is told.

    Raises
    ------
    UnsafeInputError
        If it is an address, or lies on another machine.
    InputNotFoundError
        If it is not there.
    """
    path = Path(text if file is None else beside(text, file))
    if not path.is_file():
        raise InputNotFoundError(path, "this survey file is not there", "put it there again, or name another")
    if file is not None and not _lies_below(path, file.absolute().parent):
        notices.add(
            "workspace-file", f"{file.name} reads {path.resolve()}, which lies outside its own folder"
        )
    return path


def adopt_file(source: Path, file: Path) -> str:
    """Copy a file into the folder that belongs to the workspace at `file`; how the workspace writes its path.

    Raises
    ------
    StorageError
        If it cannot be copied.
    """
    folder = file.absolute().parent
    if _lies_below(source, folder):
        return relative_text(source, file)
    kept = folder / f"{file.stem}.files" / source.name
    if not (kept.is_file() and kept.read_bytes() == source.read_bytes()):
        kept = _free_name(kept)
        with atomic_path(kept) as temporary:
            shutil.copyfile(source, temporary)
    return relative_text(kept, file)


def _free_name(path: Path) -> Path:
    n = 1
    free = path
    while free.exists():
        n += 1
        free = path.with_name(f"{path.stem}-{n}{path.suffix}")
    return free


def _require_local(text: str, file: Path) -> None:
    """Refuse addresses and shares of other machines: to look for such a file would already call on them."""
    if "://" in text or PureWindowsPath(text).drive.startswith("\\\\") or "\0" in text:
        raise UnsafeInputError(file, f"names {text[:80]!r}, which is no local file", "name a local one")


def _lies_below(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
