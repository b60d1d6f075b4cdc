"""What a file is, told by its first bytes: an allow-list, so that no library may choose a reader by itself.

GDAL picks its driver by content, and some of its drivers are little programs: a virtual data set named
``terrain.tif`` reads any other file of the machine. So the content is judged here first, by name and bytes both, and
everything that is not on the list is refused with a word on what to do instead.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from twin.core.errors import InputError, InputNotFoundError, UnsafeInputError
from twin.sources.formats import (
    AS_CITYJSON,
    AS_GLB,
    AS_GPKG,
    FOREIGN_MAGIC,
    FOREIGN_SUFFIXES,
    GEOJSON_TYPES,
    MAGIC,
    SUFFIXES,
    Format,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    OSError,
)
"""What the standard library raises on damaged archives; a wrong offset ends in an `OSError`."""
HEAD_BYTES = 65_536
"""How much of a file is looked at; a document type is refused anywhere in it."""


_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s"{}\[\]:,]+')


def sniff(path: str | Path) -> Format:
    r"""The format of a file.

    Parameters
    ----------
    path : path
        A file on this machine.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    UnsafeInputError
        If the file could read others or run code: a virtual data set, a document type, a pickle.
    InputError
        If it is empty, a web page, or of a kind that is not read; the remedy tells how to convert it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "heights.csv"
    ...     _ = path.write_text("id,height\n1,7.5\n")
    ...     print(sniff(path))
    CSV
    """
    path = Path(path)
    head = _read_head(path)
    _refuse_code(path, head)
    _refuse_indirection(path, head)
    for judge in (_by_magic, _by_text):
        found = judge(path, head)
        if found is not None:
            return found
    raise _unknown(path, head)


def require_format(path: str | Path, allowed: Collection[Format], *, kind: str) -> Format:
    """The format of a file that must be one of `allowed`.

    Parameters
    ----------
    path : path
        A file on this machine.
    allowed : collection of Format
        What may come.
    kind : str
        What the file is wanted for, such as ``"a vector file"``.

    Raises
    ------
    InputError
        If the file is something else; and everything that `sniff` raises.
    """
    found = sniff(path)
    if found not in allowed:
        names = ", ".join(sorted(f.value for f in allowed))
        raise InputError(path, f"is a file of the format {found.value}, not {kind}", f"give one of: {names}")
    return found


def _read_head(path: Path) -> bytes:
    if path.is_dir():
        raise InputError(path, "is a folder, not a file", "name the file inside it")
    if not path.exists():
        link = " (a link to a file that is gone)" if path.is_symlink() else ""
        raise InputNotFoundError(path, f"file not found{link}", "check the path")
    if not path.is_file():
        raise InputError(path, "is not a regular file", "copy the data into a file")
    try:
        with path.open("rb") as handle:
            head = handle.read(HEAD_BYTES)
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "check its permissions") from error
    if not head:
        raise InputError(path, "is empty (0 bytes)", "fetch or export it again")
    return head


def _refuse_code(path: Path, head: bytes) -> None:
    pickled = (len(head) > 1 and head[0] == 0x80 and head[1] in range(2, 6)) or path.suffix.lower() in {
        ".pkl",
        ".pickle",
    }
    if pickled:
        raise UnsafeInputError(
            path,
            "is a Python pickle, which runs code when it is read",
            "save the data in an open format (GeoParquet, GeoTIFF, CSV)",
        )
    if head.startswith(b"\x93NUMPY"):
        _refuse_numpy(path, [head[:1024]])


def _refuse_numpy(path: Path, headers: list[bytes]) -> None:
    """Arrays of numbers are harmless but have no place; arrays of objects are pickles."""
    if any(re.search(rb"'descr':\s*[^,]*O", h) for h in headers):
        raise UnsafeInputError(
            path,
            "holds an object array, which is a Python pickle and runs code when it is read",
            "save the data in an open format (GeoParquet, GeoTIFF, CSV)",
        )
    raise InputError(
        path, "is a numpy file without a place on the map", "write it as a GeoTIFF or as a CSV table"
    )


def _refuse_indirection(path: Path, head: bytes) -> None:
    """Refuse what GDAL would take for a description of other files, wherever in the head it stands."""
    text = _as_text(head)
    # GDAL looks for these marks up to the first NUL.
    lower = text.lower() if text is not None else head.split(b"\0")[0].decode("latin-1").lower()
    claimed = SUFFIXES.get(path.suffix.lower())
    named = f", not a {claimed.value}" if claimed else ""
    for mark in ("<vrtdataset", "<ogrvrtdatasource", "<vrtrasterband", "<gdaltileindexdataset"):
        if mark in lower:
            raise UnsafeInputError(
                path,
                f"is a GDAL virtual data set (VRT), which reads other files{named}",
                "give the data itself, for example made with gdal_translate or ogr2ogr",
            )
    if '"gdal_streamed_alg"' in lower:
        raise UnsafeInputError(
            path, f"is a GDAL pipeline, which reads other files{named}", "run it and give its result"
        )
    if text is not None and "<!doctype" in lower:
        _refuse_doctype(path, lower)


def _refuse_doctype(path: Path, lower: str) -> None:
    if "<!doctype html" in lower:
        raise _web_page(path)
    raise UnsafeInputError(
        path,
        "holds a DOCTYPE, by which an XML file can read other files or grow without bound",
        "remove the <!DOCTYPE ...> declaration",
    )


def _web_page(path: Path) -> InputError:
    claimed = SUFFIXES.get(path.suffix.lower())
    named = f" and no {claimed.value}" if claimed else ""
    return InputError(path, f"is a web page (HTML){named}; the download failed", "log in and fetch it again")


def _as_text(head: bytes) -> str | None:
    """The head as text, or None for binary data."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", errors="replace")
    if b"\0" in head:
        return None
    return head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")


def _by_magic(path: Path, head: bytes) -> Format | None:
    if head.startswith(b"SQLite format 3\0"):
        return _sqlite_kind(path, head)
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(path)
    if head[257:262] == b"ustar":
        return Format.TAR
    for magic, found in MAGIC:
        if head.startswith(magic):
            return _not_sidecar(path, found)
    for magic, name, advice in FOREIGN_MAGIC:
        if head.startswith(magic):
            raise InputError(path, f"is {name}, which is not read", advice.format(name=path.name))
    return Format.STL if _is_binary_stl(path, head) else None


def _not_sidecar(path: Path, found: Format) -> Format:
    """An index begins like its Shapefile."""
    if found is Format.SHAPEFILE and path.suffix.lower() == ".shx":
        raise InputError(path, "is the index of a Shapefile", f"name {path.with_suffix('.shp').name} instead")
    return found


def _sqlite_kind(path: Path, head: bytes) -> Format:
    is_gpkg = head[68:72] in {b"GPKG", b"GP10", b"GP11"} or path.suffix.lower() == ".gpkg"
    return Format.GPKG if is_gpkg else Format.SQLITE


def _zip_kind(path: Path) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            headers = [_member_head(archive, n) for n in names[:1000] if n.endswith(".npy")]
    except ARCHIVE_ERRORS as error:
        raise InputError(path, f"is a damaged zip archive ({error})", "fetch or export it again") from error
    if headers:
        _refuse_numpy(path, headers)
    return Format.XLSX if "xl/workbook.xml" in names else Format.ZIP


def _member_head(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        return member.read(1024)


def _is_binary_stl(path: Path, head: bytes) -> bool:
    """80 bytes of comment, a count, and 50 bytes for each triangle."""
    if len(head) < 84 or path.suffix.lower() != ".stl":
        return False
    (n_triangles,) = struct.unpack_from("<I", head, 80)
    return b"\0" in head or path.stat().st_size == 84 + 50 * n_triangles


def _by_text(path: Path, head: bytes) -> Format | None:
    text = _as_text(head)
    if text is None:
        return None
    stripped = text.lstrip(" \t\r\n\x1e")
    if stripped.startswith("{"):
        return _json_kind(path, stripped)
    if stripped.startswith("<"):
        raise _xml_refused(path, stripped)
    if re.match(r"(?i)(ncols|nrows|xll(corner|center))\s", stripped):
        return Format.ASCII_GRID
    return _text_by_suffix(path, stripped)


def _text_by_suffix(path: Path, text: str) -> Format | None:
    suffix = path.suffix.lower()
    judges: dict[str, Callable[[], bool]] = {
        ".stl": lambda: text.lower().startswith("solid"),
        ".obj": lambda: re.search(r"(?m)^\s*(v|f|o|g|mtllib|usemtl)\s", text) is not None,
        **dict.fromkeys((".csv", ".tsv", ".txt"), lambda: True),
    }
    if suffix in judges and judges[suffix]():
        return Format.CSV if suffix in {".csv", ".tsv", ".txt"} else Format(suffix[1:].upper())
    return None


def top_level(text: str) -> dict[str, str]:
    """The keys of a JSON object's first level with their values where these are strings, as far as `text` goes.

    Examples
    --------
    >>> top_level('{"type": "FeatureCollection", "features": [{"type": "Feature"')
    {'type': 'FeatureCollection', 'features': ''}
    """
    keys: dict[str, str] = {}
    depth, key, waiting, previous = 0, "", False, ""
    for match in _JSON_TOKEN.finditer(text):
        piece = match.group()
        if depth == 1 and piece == ":" and previous.startswith('"') and not waiting:
            key, waiting = previous[1:-1], True
            keys.setdefault(key, "")
        elif depth == 1 and waiting:
            keys[key] = piece[1:-1] if piece.startswith('"') else ""
            waiting = False
        depth += (piece in {"{", "["}) - (piece in {"}", "]"})
        if depth == 0:
            break
        previous = piece
    return keys


def _json_kind(path: Path, text: str) -> Format:
    keys = top_level(text)
    kind = keys.get("type", "")
    if kind == "CityJSON" or "CityObjects" in keys:
        return Format.CITYJSON_SEQ if _is_sequence(path, text) else Format.CITYJSON
    if kind == "CityJSONFeature":
        return Format.CITYJSON_SEQ
    if kind in GEOJSON_TYPES or (not kind and "features" in keys):
        return Format.GEOJSON
    if "asset" in keys and {"meshes", "buffers", "scenes", "nodes"} & keys.keys():
        return Format.GLTF
    if path.suffix.lower() == ".gltf":
        return Format.GLTF
    if kind == "Topology" or "geometryType" in keys:
        name = "TopoJSON" if kind == "Topology" else "Esri JSON"
        raise InputError(path, f"is {name}, which is not read", AS_GPKG.format(name=path.name))
    if path.suffix.lower() == ".geojson":
        return Format.GEOJSON
    what = f"of type {kind!r}" if kind else "without a type"
    raise InputError(
        path, f"is a JSON object {what}; neither GeoJSON nor CityJSON nor glTF", "check the file"
    )


def _is_sequence(path: Path, text: str) -> bool:
    """CityJSONSeq has its header object alone on the first line, and features after it."""
    first, _, rest = text.partition("\n")
    return path.suffix.lower() == ".jsonl" or (
        first.rstrip().endswith("}")
        and "CityJSONFeature" in rest[:HEAD_BYTES]
        and rest.lstrip().startswith("{")
    )


def _xml_refused(path: Path, text: str) -> InputError:
    lower = text[:4096].lower()
    if "<html" in lower:
        return _web_page(path)
    if "citymodel" in lower or "citygml" in lower:
        return InputError(path, "is CityGML", AS_CITYJSON.format(name=path.name))
    if "<collada" in lower:
        return InputError(path, "is a COLLADA model, which is not read", AS_GLB)
    if "<gml:" in lower or "opengis.net/gml" in lower:
        return InputError(path, "is GML, which is not read", AS_GPKG.format(name=path.name))
    advice = FOREIGN_SUFFIXES.get(path.suffix.lower(), "convert it to a format that is read")
    return InputError(path, "is an XML file of a kind that is not read", advice.format(name=path.name))


def _unknown(path: Path, head: bytes) -> InputError:
    suffix = path.suffix.lower()
    if suffix in FOREIGN_SUFFIXES:
        return InputError(
            path, f"is a {suffix} file, which is not read", FOREIGN_SUFFIXES[suffix].format(name=path.name)
        )
    if suffix in {".dbf", ".shx", ".prj", ".cpg"}:
        return InputError(path, "is a part of a Shapefile", f"name {path.with_suffix('.shp').name} instead")
    claimed = SUFFIXES.get(suffix)
    begins = f"it begins with {head[:8]!r}"
    if claimed:
        return InputError(
            path, f"is not a {claimed.value} though its name says so ({begins})", "fetch it again"
        )
    return InputError(path, f"is of an unknown format ({begins})", "convert it to a format that is read")
