"""How a city looks: colours and light from a file, so that a style is data and not code."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.assets import asset_names, asset_path
from twin.core.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

Rgb = tuple[int, int, int]
_WHOLE = ("light", "dark")
"""Styles that have every key; others are built on one of them."""
_TEXTS = ("name", "color_by")


@dataclass(frozen=True, slots=True)
class Style:
    """A style as it was read.

    Parameters
    ----------
    name : str
    colours : mapping
        ``section.key`` to one colour or several, RGB 0 to 255.
    numbers : mapping
        ``section.key`` to a number.
    color_by : str
        Attribute that colours buildings where none is asked for, as `--color-by` takes it; empty for none.
    """

    name: str
    colours: Mapping[str, tuple[Rgb, ...]]
    numbers: Mapping[str, float]
    color_by: str = ""

    @property
    def categories(self) -> dict[str, Rgb]:
        """Colours of categories of an attribute by their names."""
        section = "category."
        return {k.removeprefix(section): v[0] for k, v in self.colours.items() if k.startswith(section)}

    def rgb(self, key: str) -> Rgb:
        """The colour of a key, or the first of its colours."""
        return self.colours[key][0]

    def unit(self, key: str) -> tuple[float, float, float]:
        """The same as fractions, for shaders."""
        r, g, b = self.rgb(key)
        return r / 255, g / 255, b / 255


def style_names() -> tuple[str, ...]:
    """Names of the styles that twin ships."""
    return tuple(name.removesuffix(".toml") for name in asset_names("styles") if name.endswith(".toml"))


def load_style(name: str) -> Style:
    """A style by the name of a shipped one, or by the path of a file of the same form.

    A file may leave keys out; they are taken from the style that its ``base`` names, from the light one without.

    Raises
    ------
    UsageError
        If there is no such style.
    ConfigError
        If the file is no TOML, or has a key or colour that no style has.

    Examples
    --------
    >>> load_style("light").rgb("text.halo")
    (251, 248, 243)
    """
    if name in style_names():
        return _read(asset_path(f"styles/{name}.toml"), default_base="")
    path = Path(name)
    if path.suffix.lower() == ".toml" and path.is_file():
        return _read(path, default_base="light")
    raise UsageError(
        "--style", f"there is no style {name!r}", f"choose one of {', '.join(style_names())} or a .toml file"
    )


def _read(path: Path, *, default_base: str) -> Style:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ConfigError(path, f"is no style file ({why})", "compare it with a shipped style") from error
    base = _base(path, data.pop("base", default_base))
    colours = dict(base.colours) if base else {}
    numbers = dict(base.numbers) if base else {}
    for section, table in data.items():
        if section in _TEXTS:
            if not isinstance(table, str):
                raise ConfigError(f"{path}: {section}", "must be a text", f'write {section} = "..."')
            continue
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {section}", "must be a section", f"write [{section}]")
        for key, value in table.items():
            _take(path, f"{section}.{key}", value, colours, numbers, strict=base is not None)
    return Style(data.get("name", path.stem), colours, numbers, data.get("color_by", ""))


def _base(path: Path, name: Any) -> Style | None:
    if not name:
        return None
    if name not in _WHOLE:
        raise ConfigError(
            f"{path}: base", f"{name!r} is no whole style", f"choose one of {', '.join(_WHOLE)}"
        )
    return load_style(name)


def _take(
    path: Path,
    key: str,
    value: Any,
    colours: dict[str, tuple[Rgb, ...]],
    numbers: dict[str, float],
    *,
    strict: bool,
) -> None:
    if strict and key not in colours and key not in numbers and not key.startswith("category."):
        raise ConfigError(f"{path}: {key}", "is not a key of a style", "compare it with a shipped style")
    if isinstance(value, int | float) and not isinstance(value, bool):
        numbers[key] = _finite(path, key, value)
        return
    texts = value if isinstance(value, list) else [value]
    try:
        colours[key] = tuple(parse_colour(text) for text in texts)
    except ValueError as error:
        raise ConfigError(f"{path}: {key}", str(error), 'write a colour as "#rrggbb"') from None
    if not texts:
        raise ConfigError(f"{path}: {key}", "has no colour", 'write at least one, as "#rrggbb"')


def _finite(path: Path, key: str, value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ConfigError(f"{path}: {key}", "is no finite number", "compare it with a shipped style")
    return number


def parse_colour(text: Any) -> Rgb:
    """RGB of ``#rrggbb``.

    Examples
    --------
    >>> parse_colour("#ff8000")
    (255, 128, 0)
    """
    digits = text.removeprefix("#") if isinstance(text, str) else ""
    if len(digits) != 6 or not all(c in "0123456789abcdefABCDEF" for c in digits):
        raise ValueError(f"{text!r} is no colour")
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
