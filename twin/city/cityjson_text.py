"""CityJSON files to parsed JSON: limits before reading, strict numbers, and causes that a user understands."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from twin.core.errors import InputError, InputNotFoundError, UnsafeInputError
from twin.core.limits import check_limit, limits

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSIONS = ("1.0", "1.1", "2.0")
_DOCTYPE_BYTES = 1 << 16
_CONVERT = "convert it first: citygml-tools to-cityjson FILE"


class _NotFiniteError(ValueError):
    """A number that is none, met while parsing."""


def parts(path: Path | str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON objects of a file with the place of each: one document, or the lines of a CityJSONSeq.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    InputError
        If the file is empty, a folder, not UTF-8, not JSON, XML, or has a number that is not finite.
    UnsafeInputError
        If it is XML with a DOCTYPE.
    LimitError
        If a document or a line is longer than ``max_json_bytes``; parsed JSON takes about ten times its text.
    """
    path = Path(path)
    _require_file(path)
    if _is_sequence(path):
        yield from _lines(path)
        return
    _check_length(str(path), path.stat().st_size)
    yield str(path), _parse(path.read_bytes(), str(path))


def _check_length(where: str, n_bytes: int) -> None:
    check_limit(where, "bytes of JSON", n_bytes, limits().max_json_bytes, name="max_json_bytes")


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise InputError(path, "is a folder, not a CityJSON file", "name the file in it")
    if not path.exists():
        raise InputNotFoundError(path, "not found", "check the path")
    with path.open("rb") as handle:
        head = handle.read(_DOCTYPE_BYTES)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise InputError(path, "empty" if not head else "holds only spaces", "fetch it again")
    if b"<!DOCTYPE" in head.upper() and text[:1] == b"<":
        raise UnsafeInputError(path, "XML with a DOCTYPE, which can reach outside the file", "remove it")
    if text[:1] == b"<":
        raise InputError(path, "is XML (CityGML?), not CityJSON", _CONVERT)
    if text[:1] != b"{":
        raise InputError(path, f"is not CityJSON: it begins with {text[:12]!r}", "check what was downloaded")


def _is_sequence(path: Path) -> bool:
    """Whether the first line is a JSON object by itself and something follows it."""
    if path.suffix.lower() in {".jsonl", ".ndjson"}:
        return True
    with path.open("rb") as handle:
        first = handle.readline(limits().max_json_bytes)
        rest = handle.read(_DOCTYPE_BYTES)
    if not rest.strip() or not first.rstrip().endswith(b"}"):
        return False
    try:
        return isinstance(json.loads(first.decode("utf-8-sig")), dict)
    except (ValueError, RecursionError):
        return False


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    longest = limits().max_json_bytes
    with path.open("rb") as handle:
        number = 0
        while line := handle.readline(longest + 1):
            number += 1
            if len(line) > longest:
                _check_length(f"{path}, line {number}", len(line))
            if line.strip():
                yield f"{path}, line {number}", _parse(line, f"{path}, line {number}")


def _parse(data: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise InputError(where, f"is not UTF-8 (byte {error.start})", "save it as UTF-8") from error
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        what = f"JSON is broken at {line}column {error.colno}: {error.msg}"
        raise InputError(where, what, "cut off while it was fetched? Fetch it again") from error
    except RecursionError as error:
        raise InputError(where, "JSON is nested too deeply", "this is no CityJSON") from error
    except _NotFiniteError as error:
        raise InputError(where, f"{error} is not a finite number", "write null or leave it out") from error
    except ValueError as error:
        raise InputError(
            where, f"JSON holds a number that is too long ({error})", "check the writer"
        ) from error
    if not isinstance(value, dict):
        raise InputError(where, f"is a JSON {type(value).__name__}, not an object", "this is no CityJSON")
    return value


def _refuse(text: str) -> NoReturn:
    raise _NotFiniteError(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NotFiniteError(text if len(text) < 40 else f"{text[:40]}...")
    return value


def require_cityjson(value: dict[str, Any], where: str) -> str:
    """The version of a CityJSON document or of the first line of a sequence.

    Raises
    ------
    InputError
        If it is no CityJSON, or of a version that is not read; names the version.
    """
    if value.get("type") != "CityJSON":
        told = value.get("type", "no type")
        raise InputError(
            where, f"is not CityJSON: its type is {told!r}", "a document begins with type CityJSON"
        )
    version = str(value.get("version", "missing"))
    if version[:3] in VERSIONS:
        return version[:3]
    newer = version[:1].isdigit() and version[:3] > VERSIONS[-1]
    remedy = "update twin" if newer else "upgrade it: cjio FILE upgrade save OUT"
    raise InputError(where, f"CityJSON version {version}; {', '.join(VERSIONS)} are read", remedy)
