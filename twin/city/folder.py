"""Opening a city folder: ours or not, whole or damaged, old or new."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from twin.city.manifest import BUILT_LAYERS, MANIFEST, Manifest, damaged_files, read_manifest
from twin.core.commit import JOURNAL, recover
from twin.core.errors import BusyError, StorageError
from twin.core.files import file_stamp, guard_storage
from twin.core.lock import LOCK, writer_lock
from twin.core.notices import Notices

if TYPE_CHECKING:
    from pathlib import Path

WORK = ".build"
"""Folder inside the city for what an unfinished build has done so far."""

LAYERS = "layers"
"""Folder inside the city for what users added."""

_OURS = {MANIFEST, JOURNAL, WORK, LOCK, ".lock.json"}
_WAIT_S = 10.0


def is_ours(folder: Path) -> bool:
    """Whether a folder is a city, an unfinished one, or empty and free to become one."""
    with guard_storage(folder):
        if not folder.exists():
            return True
        if not folder.is_dir():
            return False
        names = {p.name for p in folder.iterdir()}
    return not names or bool(names & _OURS)


def require_ours(folder: Path) -> None:
    """Refuse to build into somebody's folder.

    Raises
    ------
    StorageError
        If the folder holds files and none of them says that it is a city.
    """
    if is_ours(folder):
        return
    what = "is a file" if not folder.is_dir() else f"is not a twin build (holds {_some_names(folder)})"
    raise StorageError(folder, what, "choose a new folder, such as kalasatama.twin")


def _some_names(folder: Path) -> str:
    names = sorted(p.name for p in folder.iterdir())
    return ", ".join(repr(n) for n in names[:3]) + (", ..." if len(names) > 3 else "")


def settle(folder: Path) -> None:
    """Complete a commit that a crash cut off; wait for one that is under way.

    Raises
    ------
    BusyError
        If a builder is still moving its files after ten seconds.
    """
    deadline = time.monotonic() + _WAIT_S
    while (folder / JOURNAL).exists():
        try:
            with writer_lock(folder, notices=Notices()):
                recover(folder)
        except BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def open_manifest(folder: Path) -> Manifest:
    """The manifest of a whole city.

    Raises
    ------
    StorageError
        If the folder is no city, its manifest is damaged, or a file is missing or has another size.
    """
    manifest = open_manifest_as_is(folder)
    damage = damaged_files(folder, manifest, by_checksum=False)
    for path, wrong in damage.items():
        raise StorageError(folder / path, wrong, "run the same `twin build` again to mend the city")
    return manifest


def manifest_mark(folder: Path) -> tuple[int, int, int] | None:
    """What is another with each commit to a city: the stamp of its manifest's file.

    None while a commit is under way or was cut off, and where there is no city: then only its manifest tells.
    """
    try:
        found = file_stamp(folder / MANIFEST)
        return None if (folder / JOURNAL).exists() else found
    except OSError:
        return None


def open_manifest_as_is(folder: Path) -> Manifest:
    """The manifest of a city whose files may be damaged."""
    settle(folder)
    return read_manifest(folder)


def previous_manifest(folder: Path, notices: Notices) -> Manifest | None:
    """The manifest that a new build starts from; damage is told, since the build mends it.

    Raises
    ------
    StorageError
        If the city was written by a newer version.
    """
    if not (folder / MANIFEST).exists():
        return None
    try:
        manifest = read_manifest(folder)
    except StorageError as error:
        if "newer" in error.what:
            raise
        notices.add("damaged-city", f"{error.where}: {error.what}; building it anew{_unlisted(folder)}")
        return None
    return _without_damage(folder, manifest, notices)


def _unlisted(folder: Path) -> str:
    """What only the lost manifest knew of: the layers that users added."""
    names = sorted(p.name for p in (folder / LAYERS).glob("*") if not p.name.startswith("."))
    return f"; add its layers again with `twin add`: {', '.join(names)}" if names else ""


def _without_damage(folder: Path, manifest: Manifest, notices: Notices) -> Manifest:
    """The manifest without added layers that are damaged, and without its key where anything is."""
    damage = damaged_files(folder, manifest, by_checksum=True)
    lost = {
        name
        for name, layer in manifest.layers.items()
        if name not in BUILT_LAYERS and any(f.path in damage for f in layer.files)
    }
    added = {f.path for name in lost for f in manifest.layers[name].files}
    for path, wrong in damage.items():
        then = "left out; add it again with `twin add`" if path in added else "building it anew"
        notices.add("damaged-city", f"{folder / path}: {wrong}; {then}", subject=path)
    if not damage:
        return manifest
    sound = {name: layer for name, layer in manifest.layers.items() if name not in lost}
    return replace(manifest, layers=sound, build_key="")
