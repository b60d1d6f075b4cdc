"""How water runs over kinds of ground, from the table that the package ships."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.assets import asset_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

TABLE = "water/ground.toml"
COLUMNS = ("class", "part", "surface", "function", "surfacematerial", "type", "landuse", "kind", "highway")
"""Attributes of map layers that tell what lies on the ground, under the names that are common."""


@dataclass(frozen=True, slots=True)
class Surface:
    """A kind of ground.

    Parameters
    ----------
    name : str
    manning_n : float
        s/m^(1/3).
    is_sealed : bool
        Whether no rain seeps into it.
    words : tuple of str
        What maps call it.
    """

    name: str
    manning_n: float
    is_sealed: bool
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SurfaceTable:
    """All kinds, in the order in which they are tried.

    Parameters
    ----------
    surfaces : tuple of Surface
    other : Surface
        Where the map says nothing.
    water : Surface
    standing : tuple of str
        Words for waters that stand alone.
    source : str
        Where the figures are from.
    """

    surfaces: tuple[Surface, ...]
    other: Surface
    water: Surface
    standing: tuple[str, ...]
    source: str


@cache
def surface_table() -> SurfaceTable:
    """The table as shipped.

    Examples
    --------
    >>> surface_table().other.manning_n
    0.033
    """
    data = tomllib.loads(asset_path(TABLE).read_text(encoding="utf-8"))
    return SurfaceTable(
        tuple(_surface(s["name"], s) for s in data["surface"]),
        _surface("other", data["other"]),
        _surface("water", data["water"]),
        tuple(data["standing"]),
        f"{data['source']} ({data['edition']})",
    )


def _surface(name: str, entry: dict[str, Any]) -> Surface:
    words = tuple(entry.get("words", ()))
    return Surface(name, float(entry["manning_n"]), bool(entry["is_sealed"]), words)


def surfaces_of(frame: Any) -> NDArray[np.int64]:
    """Which kind each row of a map layer is, by the words in its attributes; -1 where they tell nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"class": ["path", "sea monster"], "surface": ["asphalt", None]})
    >>> [surface_table().surfaces[k].name if k >= 0 else None for k in surfaces_of(rows)]
    ['paved road', None]
    """
    texts = words_of(frame)
    found = np.full(len(texts), -1, np.int64)
    for k, surface in reversed(list(enumerate(surface_table().surfaces))):
        for word in surface.words:
            found[[word in text for text in texts]] = k
    return found


def words_of(frame: Any) -> list[str]:
    """What the attributes of each row say, in lower case."""
    there = [c for c in frame.columns if str(c).lower() in COLUMNS]
    columns = [[str(v).lower() if isinstance(v, str) else "" for v in frame[c]] for c in there]
    return [" | ".join(row) for row in zip(*columns, strict=True)] if columns else [""] * len(frame)


def is_standing(frame: Any) -> NDArray[np.bool_]:
    """Which waters stand alone, such as ponds."""
    words = surface_table().standing
    return np.array([any(w in text for w in words) for text in words_of(frame)], bool)
