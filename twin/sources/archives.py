"""Archives unpacked with every promise checked: size, ratio, number of members, and that nothing lands outside."""

from __future__ import annotations

import contextlib
import errno
import re
import stat
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from twin.core.errors import InputError, LimitError, TwinError, UnsafeInputError
from twin.core.files import storage_error
from twin.core.limits import check_limit, limits
from twin.sources.layer_paths import with_layer
from twin.sources.sniff import ARCHIVE_ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_MEMBERS = 1000
MAX_RATIO = 200
"""Unpacked bytes for each packed one; columns of blanks in a .dbf reach a hundred."""
_RATIO_MATTERS_ABOVE_BYTES = 2**24
_CHUNK_BYTES = 2**20
_READABLE = (".shp", ".gpkg", ".geojson", ".json", ".fgb", ".parquet", ".sqlite")


@dataclass(frozen=True, slots=True)
class _Member:
    """One file of an archive: its name as written, its promised size, and how to open it."""

    name: str
    n_bytes: int
    open: Callable[[], IO[bytes]]


@contextlib.contextmanager
def unpacked(path: Path, *, wanted: str | None = None) -> Iterator[Path]:
    """The one data set of a zip or tar archive, unpacked into a folder that goes away afterwards.

    Parameters
    ----------
    path : path
        A zip or tar archive that holds a Shapefile or one other vector file.
    wanted : str, optional
        Which data set, by its name without suffix, where there are several.

    Yields
    ------
    path
        The ``.shp`` or other file.

    Raises
    ------
    UnsafeInputError
        If a member's name leads outside the folder, or is a link.
    LimitError
        If it unpacks to more than is allowed.
    InputError
        If it is damaged, locked by a password, or holds no vector file or several.
    """
    with tempfile.TemporaryDirectory(prefix="twin-unpacked-") as folder:
        _unpack(path, Path(folder))
        yield _data_set(path, Path(folder), wanted)


def _unpack(path: Path, folder: Path) -> None:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                _write_members(path, _zip_members(path, archive), folder)
        else:
            with tarfile.open(path, mode="r:") as archive:
                _write_members(path, _tar_members(path, archive), folder)
    except TwinError:
        raise
    except (*ARCHIVE_ERRORS, tarfile.TarError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise storage_error(folder, error) from error
        remedy = "unpack it" if "password" in str(error) else "fetch or export it again"
        raise InputError(path, f"is a damaged or locked archive ({error})", remedy) from error


def _zip_members(path: Path, archive: zipfile.ZipFile) -> list[_Member]:
    members = []
    for info in archive.infolist():
        _refuse_outside(path, info.filename)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise _link(path, info.filename)
        if not info.is_dir():
            members.append(_Member(info.filename, info.file_size, partial(archive.open, info)))
    return members


def _tar_members(path: Path, archive: tarfile.TarFile) -> list[_Member]:
    members = []
    for info in archive:
        _refuse_outside(path, info.name)
        if info.issym() or info.islnk():
            raise _link(path, info.name)
        if info.isfile():
            members.append(_Member(info.name, info.size, partial(_open_tar_member, archive, info)))
        check_limit(path, "members", len(members), MAX_MEMBERS)
    return members


def _open_tar_member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    opened = archive.extractfile(info)
    if opened is None:
        raise tarfile.ReadError(f"{info.name} is not a file")
    return opened


def _link(path: Path, name: str) -> UnsafeInputError:
    return UnsafeInputError(path, f"member {name!r} is a link", "pack the files themselves")


def _refuse_outside(path: Path, name: str) -> None:
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or re.match(r"[A-Za-z]:", name) or "\0" in name:
        raise UnsafeInputError(
            path, f"member {name!r} leads outside the archive", "pack it again with plain names"
        )


def _write_members(path: Path, members: list[_Member], folder: Path) -> None:
    check_limit(path, "members", len(members), MAX_MEMBERS)
    promised, packed = sum(m.n_bytes for m in members), path.stat().st_size
    allowed = limits().max_unpacked_bytes
    check_limit(path, "bytes when unpacked", promised, allowed, name="max_unpacked_bytes")
    if promised > max(_RATIO_MATTERS_ABOVE_BYTES, MAX_RATIO * packed):
        raise LimitError(
            path,
            f"unpacks {packed:,} bytes to {promised:,}, the limit is {MAX_RATIO} times",
            "unpack it yourself if you trust it",
        )
    left = allowed
    for member in members:
        left -= _write_member(path, member, folder, left)


def _write_member(path: Path, member: _Member, folder: Path, allowed: int) -> int:
    """Bytes written; counted while writing, since the promised size may be a lie."""
    target = folder / PurePosixPath(member.name.replace("\\", "/"))
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with member.open() as source, target.open("wb") as sink:
        while chunk := source.read(_CHUNK_BYTES):
            written += len(chunk)
            check_limit(path, "bytes when unpacked", written, min(allowed, member.n_bytes))
            sink.write(chunk)
    return written


def _data_set(path: Path, folder: Path, wanted: str | None) -> Path:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and "__MACOSX" not in p.parts)
    found = [p for p in files if p.suffix.lower() in _READABLE]
    names = ", ".join(p.relative_to(folder).as_posix() for p in (found or files)[:5])
    if not found:
        raise InputError(
            path, f"holds no vector file (but {names or 'nothing'})", "pack a Shapefile or a GeoPackage"
        )
    chosen = [p for p in found if p.stem == wanted] if len(found) > 1 else found
    if len(chosen) != 1:
        remedy = f"name one of them: {with_layer(path, found[0].stem)}"
        raise InputError(path, f"holds {len(found)} data sets ({names})", remedy)
    return chosen[0]
