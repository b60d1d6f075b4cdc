"""Tables of TOML read by hand, each mistake named with file, key and the nearest known word."""

from __future__ import annotations

import difflib
import math
import tomllib
from typing import TYPE_CHECKING, Any

from twin.core.errors import ConfigError, InputNotFoundError
from twin.core.files import guard_storage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def read_toml(path: Path) -> dict[str, Any]:
    """The document.

    Raises
    ------
    InputNotFoundError, ConfigError
    """
    if not path.is_file():
        raise InputNotFoundError(path, "not found", "correct the path")
    try:
        with guard_storage(path):
            return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(path, f"is no TOML ({error})", "correct that line") from error


def closest(word: str, known: Iterable[str]) -> str:
    """A remedy: the nearest known word, or all of them.

    >>> closest("pendng_s", ["pending_s", "severity"])
    "did you mean 'pending_s'?"
    """
    words = list(known)
    near = difflib.get_close_matches(word, words, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(words)}"


def known_keys(path: Path, table: Any, known: Iterable[str], *, place: str = "") -> None:
    """Refuse what is no table, and keys that nobody reads.

    Raises
    ------
    ConfigError
    """
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: {place}", f"is {table!r}"[:80], "write a table")
    allowed = sorted(known)
    for key in table:
        if key not in allowed:
            raise ConfigError(_at(path, place, key), "is not known", closest(key, allowed))


def words(
    path: Path, table: Mapping[str, Any], key: str, *, place: str = "", default: str | None = None
) -> str:
    """A text that is not empty.

    Raises
    ------
    ConfigError
    """
    value = table.get(key, default)
    if not isinstance(value, str) or (not value.strip() and value != default):
        raise ConfigError(_at(path, place, key), _found(value), "write a text")
    return value


def number(
    path: Path, table: Mapping[str, Any], key: str, *, place: str = "", default: float | None = None
) -> float:
    """A finite number.

    Raises
    ------
    ConfigError
    """
    if key not in table and default is not None:
        return default
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(_at(path, place, key), _found(value), "write a number")
    return float(value)


def seconds(
    path: Path, table: Mapping[str, Any], key: str, *, place: str = "", default: float | None = None
) -> float:
    """A number of seconds, 0 or more.

    Raises
    ------
    ConfigError
    """
    value = number(path, table, key, place=place, default=default)
    if value < 0:
        raise ConfigError(_at(path, place, key), f"is {value:g}", "write seconds, 0 or more")
    return value


def numbers(path: Path, table: Mapping[str, Any], key: str, *, place: str = "") -> tuple[float, ...]:
    """A list of finite numbers.

    Raises
    ------
    ConfigError
    """
    value = table.get(key)
    if not isinstance(value, list):
        raise ConfigError(_at(path, place, key), _found(value), "write a list of numbers")
    here = f"{place}.{key}" if place else key
    return tuple(number(path, {str(i): v}, str(i), place=here) for i, v in enumerate(value))


def _at(path: Path, place: str, key: str) -> str:
    return f"{path}: {place}.{key}" if place else f"{path}: {key}"


def _found(value: Any) -> str:
    return "is missing" if value is None else f"is {value!r}"[:80]
