"""Readers of parsed JSON: each gives a value of one kind or says where in the document another one stands.

A reader takes a value and its place, such as ``layers.roads.files.0.size``, and returns the value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Reader = Callable[[Any, str], Any]


def text(value: Any, place: str) -> str:
    """A string.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if not isinstance(value, str):
        raise _other_kind(place, "a text", value)
    return value


def whole(value: Any, place: str) -> int:
    """A whole number.

    Raises
    ------
    ValueError
        If it is anything else; 2.0 is none.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise _other_kind(place, "a whole number", value)
    return value


def number(value: Any, place: str) -> int | float:
    """A finite number, whole or not.

    Raises
    ------
    ValueError
        If it is anything else; Python's JSON reads ``NaN``, which no standard knows.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _other_kind(place, "a finite number", value)
    return value


def table(value: Any, place: str) -> dict[str, Any]:
    """An object with any content.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if not isinstance(value, dict):
        raise _other_kind(place or "the document", "an object", value)
    return value


def table_of(read: Reader) -> Reader:
    """A reader of objects whose values `read` takes."""

    def reader(value: Any, place: str) -> dict[str, Any]:
        return {key: read(entry, _at(place, key)) for key, entry in table(value, place).items()}

    return reader


def row_of(read: Reader, *, n: int | None = None) -> Reader:
    """A reader of arrays, of `n` values if told, each of which `read` takes; gives a tuple."""

    def reader(value: Any, place: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or (n is not None and len(value) != n):
            raise _other_kind(place, f"an array of {n}" if n else "an array", value)
        return tuple(read(entry, _at(place, str(i))) for i, entry in enumerate(value))

    return reader


def fields(value: Any, place: str, known: Mapping[str, Reader], *, needed: frozenset[str]) -> dict[str, Any]:
    """The members of an object, each by its own reader.

    Raises
    ------
    ValueError
        If one is needed and missing, or not known, or of another kind.

    Examples
    --------
    >>> fields({"name": "a.laz", "size": 3}, "inputs.0", {"name": text, "size": whole}, needed=frozenset())
    {'name': 'a.laz', 'size': 3}
    """
    given = table(value, place)
    for key in sorted(needed - given.keys()):
        raise ValueError(f"{_at(place, key)}: is missing")
    for key in given.keys() - known.keys():
        raise ValueError(f"{_at(place, key)}: is not known")
    return {key: known[key](entry, _at(place, key)) for key, entry in given.items()}


def _at(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _other_kind(place: str, wanted: str, value: Any) -> ValueError:
    found = "nothing" if value is None else f"{type(value).__name__} {value!r}"[:60]
    return ValueError(f"{place}: must be {wanted}, is {found}")
