"""Workspaces as files: JSON in UTF-8 that is the same text for the same value, read strictly."""

from __future__ import annotations

import difflib
import functools
import json
import math
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.errors import InputError, InputNotFoundError, LimitError, StorageError, TwinError
from twin.core.files import canonical_json, guard_storage, write_text
from twin.scene import workspace_parts
from twin.scene.colour import ColourBy
from twin.scene.shot import Furniture
from twin.scene.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import ValidationError

KIND = "twin workspace"
FORMAT = 1
MAX_BYTES = 8 * 2**20
_MENDED = "correct it, or save the workspace again"

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From each earlier format to the next: a function of the parsed document. Formats are never read in two ways; a change
that an older reader would misread raises `FORMAT` and adds its step here."""


def workspace_text(workspace: Workspace) -> str:
    """The workspace as it stands in its file."""
    plain = _adapter().dump_python(workspace, mode="json")
    return canonical_json({"kind": KIND, "format": FORMAT, **plain})


def write_workspace(workspace: Workspace, path: str | Path, *, force: bool = True) -> None:
    """Write a workspace atomically.

    Raises
    ------
    OutputExistsError
        If the file exists and `force` is false.
    StorageError
        If it cannot be written.
    """
    write_text(path, workspace_text(workspace), force=force)


def read_workspace(path: str | Path) -> Workspace:
    """The workspace of a file.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    LimitError
        If it is larger than any workspace.
    InputError
        If it is damaged, has a key that no workspace has, or a value that cannot be meant.
    StorageError
        If a newer version wrote it.
    """
    path = Path(path)
    with guard_storage(path):
        if not path.is_file():
            raise InputNotFoundError(path, "there is no such workspace", "check the path")
        with path.open("rb") as handle:
            raw = handle.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise LimitError(
            path, f"is over {MAX_BYTES >> 20} MiB long", "no workspace is as large; check the file"
        )
    return parse_workspace(raw, where=path)


def parse_workspace(raw: bytes | str, *, where: str | Path = "workspace") -> Workspace:
    """The workspace of a text. Raises as `read_workspace`."""
    from pydantic import ValidationError

    data = _document(raw, where)
    try:
        return _adapter().validate_json(json.dumps(_migrated(data, where)))
    except ValidationError as error:
        raise _reader_error(error, where) from error


def read_part(kind: Any, data: Any, *, where: str | Path) -> Any:
    """One part of a workspace, such as a `Tour`, from parsed JSON or TOML.

    Raises
    ------
    InputError
        If it has an unknown key or a value that cannot be meant.
    """
    from pydantic import TypeAdapter, ValidationError

    _adapter()
    try:
        return TypeAdapter(kind).validate_json(json.dumps(data, default=_iso, allow_nan=False))
    except ValidationError as error:
        raise _reader_error(error, where) from error
    except (ValueError, RecursionError) as error:
        raise InputError(where, f"holds what no workspace can ({str(error)[:120]})", _MENDED) from error


def _iso(value: Any) -> str:
    if isinstance(value, datetime):  # TOML knows times of its own
        return value.isoformat()
    raise ValueError(f"{type(value).__name__} is no value of a workspace")


def _document(raw: bytes | str, where: str | Path) -> dict[str, Any]:
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
        data = json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        raise InputError(where, f"is no workspace ({why})", _MENDED) from error
    if not isinstance(data, dict) or data.get("kind") != KIND:
        raise InputError(where, f'is no workspace (no "kind": "{KIND}")', "name a file that twin saved")
    return data


def _migrated(data: dict[str, Any], where: str | Path) -> dict[str, Any]:
    """The document in the present format, without the keys that only tell what it is."""
    found = data.get("format")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise InputError(f"{where}: format", f"must be a whole number from 1 on, is {found!r}", _MENDED)
    if found > FORMAT:
        what = f"has format {found}, written by a newer twin; this one reads up to format {FORMAT}"
        raise StorageError(where, what, "upgrade twin")
    for older in range(found, FORMAT):
        data = MIGRATIONS[older](data)
    return {k: v for k, v in data.items() if k not in {"kind", "format"}}


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [k for k, _ in pairs]
        raise ValueError(f"{next(k for k in names if names.count(k) > 1)!r} stands twice")
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text)


@functools.cache
def _adapter() -> Any:
    from pydantic import ConfigDict, TypeAdapter

    strict = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    for kind in _kinds().values():
        kind.__pydantic_config__ = strict
    return TypeAdapter(Workspace)


@functools.cache
def _kinds() -> Mapping[str, Any]:
    """Every dataclass that a workspace is made of, by name."""
    parts = {k: v for k, v in vars(workspace_parts).items() if is_dataclass(v)}
    return {**parts, "ColourBy": ColourBy, "Furniture": Furniture, "Workspace": Workspace}


def _reader_error(error: ValidationError, where: str | Path) -> TwinError:
    """The first mistake in our words: where in the document it stands, and what may have been meant."""
    first = error.errors()[0]
    place = ".".join(str(p) for p in first["loc"])
    if first["type"] == "unexpected_keyword_argument":
        kinds = [Workspace] if len(first["loc"]) == 1 else _kinds().values()
        known = sorted({f.name for kind in kinds for f in fields(kind)})
        close = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return InputError(f"{where}: {place}", f"unknown key{hint}", "correct the key")
    message = str(first["msg"]).removeprefix("Value error, ")
    shown = (
        "" if first["type"] in {"value_error", "missing_argument"} else f" (is {str(first['input'])[:60]!r})"
    )
    return InputError(f"{where}: {place}" if place else where, f"{message}{shown}", _MENDED)
