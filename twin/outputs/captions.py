"""Titles and captions of a film in several languages, from a file."""

from __future__ import annotations

import csv
import math
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twin.core.errors import ConfigError, InputNotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_BYTES = 1_048_576
FADE_S = 0.4
_KINDS = ("caption", "title")
_TIMES = {"from", "to"}


@dataclass(frozen=True, slots=True)
class Caption:
    """A text for some seconds of a film.

    Parameters
    ----------
    start_s, end_s : float
        Seconds of the film.
    text : mapping
        By language.
    kind : str
        ``caption`` stands at the foot of the picture, ``title`` large in its middle.
    """

    start_s: float
    end_s: float
    text: Mapping[str, str] = field(default_factory=dict)
    kind: str = "caption"

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s < math.inf:
            raise ValueError(
                f"must begin at 0 s or later and end after it began, is {self.start_s} to {self.end_s}"
            )
        if self.kind not in _KINDS:
            raise ValueError(f"kind must be one of {', '.join(_KINDS)}, is {self.kind!r}")


@dataclass(frozen=True, slots=True)
class Shown:
    """A caption at a moment: its text and how far it is faded in, 0 to 1."""

    text: str
    kind: str
    alpha: float


def read_captions(path: Path) -> tuple[Caption, ...]:
    """Captions of a TOML or CSV file, by their start.

    TOML has ``[[caption]]`` tables, CSV one row each; the keys are ``from`` and ``to`` (seconds of the film), ``kind``
    (``caption`` or ``title``), and one text for each language by its code.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    ConfigError
        If it is damaged, or a caption cannot be meant.
    """
    if not path.is_file():
        raise InputNotFoundError(path, "there is no such file of captions", "check the path")
    with path.open("rb") as handle:
        raw = handle.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ConfigError(path, f"is over {MAX_BYTES >> 20} MiB long", "captions take some kilobytes")
    try:
        text = raw.decode("utf-8-sig")
        rows = _csv_rows(text) if path.suffix.lower() == ".csv" else _toml_rows(text)
    except (ValueError, csv.Error, RecursionError) as error:
        raise ConfigError(
            path, f"is no file of captions ({str(error)[:160]})", "write TOML or CSV in UTF-8"
        ) from error
    return tuple(sorted((_caption(path, i, row) for i, row in enumerate(rows, 1)), key=lambda c: c.start_s))


def _toml_rows(text: str) -> list[dict[str, Any]]:
    data = tomllib.loads(text)
    rows = data.pop("caption", [])
    if data or not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise ValueError(f"knows [[caption]] alone{', not ' + ', '.join(data) if data else ''}")
    return rows


def _csv_rows(text: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(text.splitlines(), strict=True)
    names = reader.fieldnames or []
    if not set(names) >= _TIMES:
        raise ValueError("the first row must name the columns from, to and the languages")
    rows = []
    for row in reader:
        if None in row or None in row.values():
            raise ValueError(f"line {reader.line_num} has another number of cells than the first")
        rows.append({k: float(v) if k in _TIMES else v for k, v in row.items() if v or k in _TIMES})
    return rows


def _caption(path: Path, number: int, row: dict[str, Any]) -> Caption:
    place = f"{path}: caption {number}"
    times = [row.get(key) for key in ("from", "to")]
    if not all(isinstance(t, int | float) and not isinstance(t, bool) and math.isfinite(t) for t in times):
        raise ConfigError(place, f"needs from and to in seconds, has {times}", "write from = 1.5, to = 4.0")
    texts = {k: v for k, v in row.items() if k not in {*_TIMES, "kind"}}
    if not texts or not all(isinstance(v, str) and k.isalpha() and len(k) == 2 for k, v in texts.items()):
        raise ConfigError(place, "needs texts by language, such as en, ko, fi", "write en = '...'")
    try:
        return Caption(float(times[0] or 0), float(times[1] or 0), texts, row.get("kind", "caption"))
    except ValueError as error:
        raise ConfigError(place, str(error), "correct it") from error


def require_language(captions: tuple[Caption, ...], language: str) -> None:
    """Refuse a language that no caption has.

    Raises
    ------
    UsageError
        With the languages that are there.
    """
    there = sorted({code for caption in captions for code in caption.text})
    if captions and language not in there:
        raise UsageError("--lang", f"no caption is in {language!r}", f"choose one of {', '.join(there)}")


def shown_at(captions: tuple[Caption, ...], second: float, language: str) -> tuple[Shown, ...]:
    """What is to be read at a moment, with its fade.

    Examples
    --------
    >>> shown_at((Caption(1.0, 3.0, {"en": "Rain"}),), 1.1, "en")[0].alpha
    0.25
    """
    found = []
    for caption in captions:
        text = caption.text.get(language, "")
        if text and caption.start_s <= second < caption.end_s:
            nearest = min(second - caption.start_s, caption.end_s - second)
            found.append(Shown(text, caption.kind, round(min(1.0, nearest / FADE_S), 3)))
    return tuple(found)
