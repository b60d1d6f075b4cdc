"""What can be asked of an export beside its format; each format takes some of it and refuses the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from twin.core.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from twin.core.notices import Notices

OPTION_OF = {
    "title": "--title",
    "language": "--lang",
    "theme": "--theme",
    "flood": "--flood",
    "layers": "--layer",
    "start": "--from",
    "end": "--to",
    "scale": "--scale",
    "size_m": "--size-m",
    "around": "--around",
    "for_print": "--print",
}
"""Field to the option of the command line that sets it."""
_PAGE = frozenset({"title", "language", "theme", "flood", "layers", "start", "end"})
_MODEL = frozenset({"scale", "size_m", "around"})
TAKEN = {
    ".html": _PAGE,
    ".usdz": _MODEL,
    ".glb": _MODEL,
    ".stl": _MODEL | {"for_print"},
    ".3mf": _MODEL | {"for_print"},
}
"""Suffix to the fields that it takes; others take none."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What an export shall hold, and how large.

    Parameters
    ----------
    title : str, optional
        Of a page; the city's name without it.
    language : str
        That a page opens in: ``en``, ``ko`` or ``fi``.
    theme : str
        Of a page: ``light``, ``dark`` or ``auto``.
    flood : str, optional
        Name of the flood that a page shows over time; the only one of the city without.
    layers : tuple of str
        Layers of a page, as `twin.Scene` takes them; without any all added ones, the flood, and observations.
    start, end : datetime, optional
        First and last moment of a page.
    scale : float, optional
        The model is this many times smaller than the city.
    size_m : float, optional
        Longest side of the model on the table, metres; instead of `scale`.
    around : tuple of three float, optional
        Easting, northing and radius, metres: only what stands there.
    for_print : bool
        Whether the model is one closed body on a base plate.

    Raises
    ------
    UsageError
        If a number makes no sense, or scale and size are both given.
    """

    title: str | None = None
    language: str = "en"
    theme: str = "light"
    flood: str | None = None
    layers: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    scale: float | None = None
    size_m: float | None = None
    around: tuple[float, float, float] | None = None
    for_print: bool = False

    def __post_init__(self) -> None:
        if self.scale is not None and self.size_m is not None:
            raise UsageError("--scale, --size-m", "both set the size", "give one of them")
        for value, option, least, most in (
            (self.scale, "--scale", 1.0, 1e6),
            (self.size_m, "--size-m", 0.01, 1e4),
        ):
            if value is not None and not least <= value <= most:
                raise UsageError(option, f"{value:g} makes no model", f"give {least:g} to {most:g}")
        if self.around is not None and (
            not all(map(math.isfinite, self.around)) or not 1 <= self.around[2] <= 1e5
        ):
            raise UsageError("--around", "needs easting, northing and a radius of 1 m or more", "as X,Y,R")

    @property
    def given(self) -> frozenset[str]:
        """Names of the fields that differ from what they are by default."""
        return frozenset(f.name for f in fields(self) if getattr(self, f.name) != f.default)


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """One export: where to, and what.

    Parameters
    ----------
    path : Path
    force : bool
        Whether an existing file may be replaced.
    options : ExportOptions
    notices : Notices
        Is told what was left out or is more than others may take.
    """

    path: Path
    force: bool
    options: ExportOptions
    notices: Notices


def require_taken(options: ExportOptions, suffix: str) -> None:
    """Refuse what a format cannot do.

    Raises
    ------
    UsageError
        If something was asked for that files of the suffix do not hold.

    Examples
    --------
    >>> require_taken(ExportOptions(flood="typhoon"), ".stl")
    Traceback (most recent call last):
    twin.core.errors.UsageError: --flood: means nothing for .stl; leave it out, or write .html
    """
    for name in sorted(options.given - TAKEN.get(suffix, frozenset())):
        able = " ".join(s for s, taken in TAKEN.items() if name in taken)
        raise UsageError(OPTION_OF[name], f"means nothing for {suffix}", f"leave it out, or write {able}")
