"""A list of pictures as a TOML file: views, times, layers and looks, each with each."""

from __future__ import annotations

import difflib
import itertools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twin.core.errors import ConfigError, InputNotFoundError, LimitError, UsageError
from twin.core.files import guard_storage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_SHOTS = 20_000
_MAX_BYTES = 1_048_576
_FIELDS = ("index", "view", "time", "layers", "color_by", "style", "size")
_AXES = ("view", "time", "layers", "color_by", "style", "size")
_LONGEST_NAME = 150


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    city: str | None = None
    out: str = "."
    name: str | None = None
    views: list[str] = Field(default=[""], min_length=1)
    times: list[str] = Field(default=[""], min_length=1)
    layers: list[str | list[str]] = Field(default=[""], min_length=1)
    color_by: list[str] = Field(default=[""], min_length=1)
    styles: list[str] = Field(default=[""], min_length=1)
    sizes: list[str] = Field(default=["1920x1080"], min_length=1)
    title: str | None = None
    language: str | None = None
    workspace: str | None = None
    legend: bool = True
    scale: bool = True
    north: bool = True
    labels: bool = True
    contact_sheet: bool = True


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of a batch; an empty text asks for nothing: the workspace decides, or what is usual.

    Parameters
    ----------
    name : str
        Of the file, without a folder.
    """

    name: str
    view: str
    time: str
    layers: tuple[str, ...]
    color_by: str
    style: str
    size: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it was asked for.

    Parameters
    ----------
    file : Path
        That it was read from; paths in it are seen from there.
    city : Path, optional
    out : Path
        Folder of the pictures.
    shots : tuple of Shot
    furniture : mapping
        ``title`` and switches, as `twin.scene.scene.Furniture` takes them.
    """

    file: Path
    city: Path | None
    out: Path
    shots: tuple[Shot, ...]
    furniture: dict[str, Any]
    workspace: Path | None
    contact_sheet: bool
    language: str | None = None


def read_batch(path: Path) -> Batch:
    """The batch of a TOML file.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    ConfigError
        If it is damaged, has an unknown key, or gives two pictures one name.
    LimitError
        If it asks for more pictures than any batch has.
    """
    data = _validated(path, _table(path))
    base = path.absolute().parent
    switches = {k: getattr(data, k) for k in ("legend", "scale", "north", "labels")}
    return Batch(
        path,
        base / data.city if data.city else None,
        base / data.out,
        _shots(path, data, base),
        {"title": data.title, **switches},
        base / data.workspace if data.workspace else None,
        data.contact_sheet,
        data.language,
    )


def _shots(path: Path, data: _File, base: Path) -> tuple[Shot, ...]:
    axes: dict[str, list[Any]] = {
        "view": [_seen_from(base, v, (".json", ".toml")) for v in data.views],
        "time": data.times,
        "layers": [tuple([v] if isinstance(v, str) else v) if v else () for v in data.layers],
        "color_by": data.color_by,
        "style": [_seen_from(base, s, (".toml",)) for s in data.styles],
        "size": data.sizes,
    }
    n = 1
    for values in axes.values():
        n *= len(values)
    if n > MAX_SHOTS:
        raise LimitError(path, f"asks for {n:,} pictures, the limit is {MAX_SHOTS:,}", "split it")
    pattern = data.name or _usual_pattern(axes)
    _check_pattern(path, pattern)
    shots = tuple(_shot(pattern, i, dict(chosen)) for i, chosen in enumerate(_each_with_each(axes)))
    names: dict[str, Shot] = {}
    for shot in shots:
        other = names.setdefault(shot.name.casefold(), shot)  # some file systems know no upper case
        if other is not shot:
            what = f"{pattern!r} gives two pictures the name {shot.name!r}"
            raise ConfigError(f"{path}: name", what, f"use {{index}}, or one of {_braced(axes)}")
    return shots


def _each_with_each(axes: dict[str, list[Any]]) -> Iterator[list[tuple[str, Any]]]:
    for values in itertools.product(*axes.values()):
        yield list(zip(axes, values, strict=True))


def _usual_pattern(axes: dict[str, list[Any]]) -> str:
    """The view, and whatever has more than one value."""
    varied = [name for name in _AXES if name == "view" or len(axes[name]) > 1]
    return "_".join(f"{{{name}}}" for name in varied) + ".png"


def _braced(axes: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in axes)


def _check_pattern(path: Path, pattern: str) -> None:
    unknown = [f for f in re.findall(r"\{([^{}]*)\}", pattern) if f not in _FIELDS]
    where = f"{path}: name"
    if unknown:
        close = difflib.get_close_matches(unknown[0], _FIELDS, n=1)
        hint = f"; did you mean {{{close[0]}}}?" if close else ""
        raise ConfigError(
            where, f"there is no {{{unknown[0]}}}{hint}", f"use {_braced(dict.fromkeys(_FIELDS))}"
        )
    left = re.sub(r"\{\w+\}", "", pattern)
    if not pattern.lower().endswith(".png") or re.search(r'[{}/\\:*?"<>|\x00-\x1f]', left):
        raise ConfigError(where, f"{pattern!r} is no name of a file", "write such as {view}_{time}.png")


def _shot(pattern: str, index: int, chosen: dict[str, Any]) -> Shot:
    texts = {k: safe_text(_plain(k, v)) for k, v in chosen.items()}
    texts["index"] = f"{index:04d}"
    stem = re.sub(r"\{(\w+)\}", lambda found: texts[found[1]], pattern)[: -len(".png")]
    return Shot(f"{stem[:_LONGEST_NAME].strip(' .') or 'picture'}.png", **chosen)


def _plain(key: str, value: Any) -> str:
    if key == "layers":
        return "+".join(value) or "all"
    if key in {"view", "style"} and Path(value).suffix.lower() in {".json", ".toml"}:
        return Path(value).stem
    if key == "view" and not value:
        return "view"
    if key == "time":
        return re.sub(r"[-:]", "", value[:16]) + value[16:].replace(":", "") if value else "now"
    return str(value) or "plain"


def safe_text(text: str) -> str:
    """A text as part of a file's name: letters of any script stay, what file systems mind becomes a dash.

    Examples
    --------
    >>> safe_text("../a:b c"), safe_text("강")
    ('a-b-c', '강')
    """
    return re.sub(r"[^\w.+-]+", "-", text).strip("-.") or "x"


def _seen_from(base: Path, text: str, suffixes: tuple[str, ...]) -> str:
    return str(base / text) if Path(text).suffix.lower() in suffixes else text


def _table(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputNotFoundError(path, "there is no such batch", "check the path")
    with guard_storage(path), path.open("rb") as handle:
        raw = handle.read(_MAX_BYTES + 1)
    if len(raw) > _MAX_BYTES:
        raise ConfigError(path, "is over 1 MiB long", "a batch takes some lines")
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:160]
        raise ConfigError(path, f"is no TOML ({why})", "correct that line") from error


def _validated(path: Path, data: dict[str, Any]) -> _File:
    try:
        return _File.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(p) for p in first["loc"])
        if first["type"] == "extra_forbidden":
            close = difflib.get_close_matches(key, _File.model_fields, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f" (known: {', '.join(_File.model_fields)})"
            raise ConfigError(f"{path}: {key}", f"unknown key{hint}", "correct the key") from error
        shown = repr(first["input"])[:60]
        raise ConfigError(f"{path}: {key}", f"{first['msg']} (is {shown})", "correct the value") from error


def require_city(batch: Batch, city: Path | None) -> Path:
    """The city that is meant: that of the command line, else that of the file.

    Raises
    ------
    UsageError
        If neither names one.
    """
    found = city or batch.city
    if found is None:
        raise UsageError(batch.file, "names no city", 'write city = "town.twin", or name it before --batch')
    return found
