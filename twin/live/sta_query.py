"""Paths and query options of SensorThings, read from an address."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote, unquote_plus

from twin.core.visible_text import visible_text
from twin.live.sta_filter import FilterError, Tree, parse_filter
from twin.live.toml_tables import closest

MAX_TOP = 1000
DEFAULT_TOP = 100
MAX_SKIP = 50_000_000
MAX_EXPAND_DEPTH = 4
MAX_SEGMENTS = 8
OPTIONS = ("$filter", "$orderby", "$top", "$skip", "$count", "$select", "$expand")
_SEGMENT = re.compile(r"(?P<name>[A-Za-z]+)(?:\((?P<id>.*)\))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of a set of entities.

    Parameters
    ----------
    where : Tree, optional
    order : tuple of (path, is_descending)
    top : int, optional
        None where it is not asked for.
    skip : int
    count : bool, optional
    select : tuple of str
    expand : tuple of (navigation name, Options)
    asked : tuple of (key, value)
        As they came, for the link to the next page.
    """

    where: Tree | None = None
    order: tuple[tuple[str, bool], ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    select: tuple[str, ...] = ()
    expand: tuple[tuple[str, Options], ...] = ()
    asked: tuple[tuple[str, str], ...] = ()

    @property
    def page(self) -> int:
        """How many entities a page holds."""
        return min(DEFAULT_TOP if self.top is None else self.top, MAX_TOP)


def parse_path(path: str) -> list[tuple[str, str | None]]:
    """Segments of a path with their ids: ``Things('a')/Datastreams`` is Things with a, and Datastreams.

    Raises
    ------
    FilterError
        If a segment is none.

    Examples
    --------
    >>> parse_path("/Things('it''s')/Datastreams")
    [('Things', "it's"), ('Datastreams', None)]
    """
    parts = [p for p in _split(path, "/") if p]
    if len(parts) > MAX_SEGMENTS:
        raise FilterError("path", f"has {len(parts)} parts", f"use up to {MAX_SEGMENTS}")
    return [_segment(unquote(part)) for part in parts]


def _segment(text: str) -> tuple[str, str | None]:
    if text in {"$value", "$ref", "@iot.id"}:
        return text, None
    found = _SEGMENT.fullmatch(text)
    if not found:
        raise FilterError("path", f"{visible_text(text)!r} is no part of one", "see /v1.1/")
    ident = found["id"]
    if ident is None:
        return found["name"], None
    if len(ident) >= 2 and ident[0] == ident[-1] == "'":
        ident = ident[1:-1].replace("''", "'")
    return found["name"], ident


def parse_options(query: str) -> Options:
    """Options of an address after its question mark.

    Raises
    ------
    FilterError
        If one is not known or has no sense.
    """
    pairs = [part.partition("=") for part in query.split("&") if part]
    return _options([(unquote_plus(k), unquote_plus(v)) for k, _, v in pairs], 0)


def _options(pairs: list[tuple[str, str]], depth: int) -> Options:
    given: dict[str, str] = {}
    for key, value in pairs:
        if key not in OPTIONS:
            raise FilterError(visible_text(key), "is not known", closest(key, OPTIONS))
        if key in given:
            raise FilterError(key, "is given twice", "give it once")
        given[key] = value
    return Options(
        parse_filter(given["$filter"]) if "$filter" in given else None,
        _order(given.get("$orderby", "")),
        _whole("$top", given["$top"]) if "$top" in given else None,
        _whole("$skip", given.get("$skip", "0")),
        _truth(given.get("$count", "false")),
        tuple(p.strip() for p in given.get("$select", "").split(",") if p.strip()),
        _expand(given.get("$expand", ""), depth),
        tuple(pairs),
    )


def _whole(key: str, text: str) -> int:
    if not text.strip().isascii() or not text.strip().isdigit() or len(text) > 12 or int(text) > MAX_SKIP:
        raise FilterError(key, f"{visible_text(text, max_chars=40)!r} is no number", f"give 0 to {MAX_SKIP}")
    return int(text)


def _truth(text: str) -> bool:
    if text not in {"true", "false"}:
        raise FilterError("$count", f"{visible_text(text, max_chars=40)!r} is neither", "give true or false")
    return text == "true"


def _order(text: str) -> tuple[tuple[str, bool], ...]:
    order = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        path, *way = part.split()
        if way not in ([], ["asc"], ["desc"]):
            raise FilterError(
                "$orderby", f"{visible_text(part)!r} cannot be read", "give PROPERTY asc or desc"
            )
        order.append((path, way == ["desc"]))
    return tuple(order)


def _expand(text: str, depth: int) -> tuple[tuple[str, Options], ...]:
    """``Locations,Datastreams($expand=ObservedProperty;$top=3)``, and paths such as ``Things/Locations``."""
    if depth > MAX_EXPAND_DEPTH:
        raise FilterError("$expand", f"goes deeper than {MAX_EXPAND_DEPTH}", "ask for less")
    out: dict[str, Options] = {}
    for part in filter(None, (p.strip() for p in _split(text, ","))):
        name, bracket, inner = part.partition("(")
        if bracket and not inner.endswith(")"):
            raise FilterError("$expand", f"{visible_text(part)!r} lacks a bracket", "complete it")
        first, _, rest = name.strip().partition("/")
        pairs = [p.strip().partition("=") for p in _split(inner[:-1], ";") if p.strip()] if bracket else []
        options = _options([(k, v) for k, _, v in pairs], depth + 1)
        if rest:
            options = Options(expand=((rest, options),) if "/" not in rest else _expand(rest, depth + 1))
        out[first] = _joined(out.get(first), options)
    return tuple(out.items())


def _joined(before: Options | None, options: Options) -> Options:
    return options if before is None else replace(before, expand=before.expand + options.expand)


def _split(text: str, separator: str) -> list[str]:
    """Parts between separators that stand in no bracket and no quotes."""
    parts, depth, is_quoted, start = [], 0, False, 0
    for i, character in enumerate(text):
        if character == "'":
            is_quoted = not is_quoted
        elif not is_quoted and character in "()":
            depth += 1 if character == "(" else -1
        elif character == separator and not is_quoted and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]
