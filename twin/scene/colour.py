"""Buildings coloured by an attribute: classes, colours and the legend that explains them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping  # noqa: TC003 - the reader of workspaces looks annotations up when it runs
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from twin.core.assets import asset_names, asset_path
from twin.core.errors import UsageError
from twin.scene.attributes import values_of
from twin.scene.classes import class_breaks, class_texts
from twin.scene.style import Rgb  # noqa: TC001 - as above
from twin.scene.units import heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.scene.attributes import Values

Method = Literal["natural", "quantile", "equal", "given"]
METHODS: tuple[Method, ...] = ("natural", "quantile", "equal", "given")
MAX_CATEGORIES = 12
MOST_COLOURS = 256
_AT_ONCE = 65_536
"""Numbers that are cut into classes together: few enough to stay in the processor's cache, which halves the time."""
_FURTHER: tuple[Rgb, ...] = ((112, 66, 40), (250, 188, 190), (150, 205, 80), (72, 36, 130))
_CODE = re.compile("[a-z]+(?:_[a-z]+)+")


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A swatch and what it stands for; lines and points are drawn as such. `words` are pairs of language and text."""

    text: str
    rgb: Rgb
    kind: Literal["area", "line", "point"] = "area"
    words: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Legend:
    """A heading, its unit, and entries from top to bottom."""

    title: str
    entries: tuple[LegendEntry, ...]


@dataclass(frozen=True, slots=True)
class ColourBy:
    """How to colour buildings.

    Parameters
    ----------
    attribute : str
        Column of the buildings or of a table joined to them.
    colour_map : str, optional
        A shipped one; by default viridis for numbers and Okabe and Ito's colours for categories.
    method : str
        How numbers are cut into classes.
    n_classes : int
        At least 2.
    breaks : tuple of float
        Borders between classes, ascending, for ``given``; values outside fall into the outer classes.
    categories : mapping
        Colours of categories by name, for an attribute that is no number; others get the map's.
    """

    attribute: str
    colour_map: str | None = None
    method: Method = "natural"
    n_classes: int = 5
    breaks: tuple[float, ...] = ()
    categories: Mapping[str, Rgb] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UsageError(
                "color_by", f"{self.method!r} is no way to make classes", f"choose {', '.join(METHODS)}"
            )
        if not 2 <= self.n_classes <= 12:
            raise UsageError("color_by", f"{self.n_classes} classes", "ask for 2 to 12")
        if self.method == "given" and (not self.breaks or bool(np.any(np.diff(self.breaks) <= 0))):
            raise UsageError("color_by", "given classes need ascending breaks", "pass breaks=(5, 10, 20)")


@lru_cache(maxsize=32)
def colour_map(name: str) -> NDArray[np.uint8]:
    """The colours of a shipped map, shape (n, 3), lowest value first; read once, and not to be written to.

    Raises
    ------
    UsageError
        If there is no such map.

    Examples
    --------
    >>> colour_map("viridis")[0].tolist()
    [68, 1, 84]
    """
    known = [n.removesuffix(".csv") for n in asset_names("colormaps") if n.endswith(".csv")]
    if name not in known:
        raise UsageError("color_by", f"there is no colour map {name!r}", f"choose one of {', '.join(known)}")
    lines = asset_path(f"colormaps/{name}.csv").read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines if line and not line.startswith("#")]
    table = np.asarray(rows, dtype=np.uint8)
    table.setflags(write=False)
    return table


@dataclass(frozen=True, slots=True)
class Painting:
    """Colours of buildings: few, and which of them each building has.

    Parameters
    ----------
    index : array of uint8, shape (n,)
    palette : array of uint8, shape (at most 256, 3)

    Raises
    ------
    ValueError
        If there are more colours than the index can tell.
    """

    index: NDArray[np.uint8]
    palette: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.index.dtype != np.uint8 or len(self.palette) > MOST_COLOURS:
            raise ValueError(f"a painting has at most {MOST_COLOURS} colours, found by one byte each")

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """Colour of each building, shape (n, 3)."""
        return self.palette[self.index]


def colour_buildings(
    values: Sequence[Any], by: ColourBy, *, unit: str, missing: Rgb
) -> tuple[NDArray[np.uint8], Legend]:
    """Colour of each building and the legend, as `paint_buildings` finds them.

    Parameters
    ----------
    values : sequence, length n
        None or NaN where nothing is known.
    by : ColourBy
    unit : str
    missing : tuple of int
        Colour of buildings of which nothing is known.

    Returns
    -------
    rgb : array, shape (n, 3)
        uint8.
    legend : Legend

    Raises
    ------
    UsageError
        If the attribute is empty everywhere.
    """
    painting, legend = paint_buildings(values_of(values), by, unit=unit, missing=missing)
    return painting.rgb, legend


def paint_buildings(values: Values, by: ColourBy, *, unit: str, missing: Rgb) -> tuple[Painting, Legend]:
    """Which colour each building has, and the legend.

    Numbers are cut into classes; anything else, and whole numbers of few kinds, become categories.

    Raises
    ------
    UsageError
        If the attribute is empty everywhere.
    """
    if not values.known.any():
        raise UsageError(
            "--color-by", f"{by.attribute!r} is empty for every building", "choose another attribute"
        )
    if values.numbers is not None and (by.method == "given" or values.kinds is None):
        index, texts = _numeric_classes(values.numbers, by)
        table = _spaced(colour_map(by.colour_map or "viridis"), len(texts))
    else:
        index, texts = _categories(*(values.kinds or (np.empty(0, np.int64), ())))
        table = _categorical(by.colour_map, len(texts))
        for i, text in enumerate(texts):
            table[i] = by.categories.get(text, table[i])
    entries = [LegendEntry(category_text(t), _rgb(c)) for t, c in zip(texts, table, strict=True)]
    whole = index
    if not values.known.all():
        whole = np.full(len(values.known), len(texts), np.uint8)
        whole[values.known] = index
        entries.append(LegendEntry("no data", missing))
    palette = np.concatenate([table, np.array([missing], np.uint8)])
    return Painting(whole, palette), Legend(heading(by.attribute, unit), tuple(entries))


def category_text(name: str) -> str:
    """What a legend calls a category: codes as words, anything else as it is.

    Examples
    --------
    >>> category_text("half_hip"), category_text("Town_hall"), category_text("12 others")
    ('half hip', 'Town_hall', '12 others')
    """
    return name.replace("_", " ") if _CODE.fullmatch(name) else name


def _numeric_classes(values: NDArray[np.float64], by: ColourBy) -> tuple[NDArray[np.uint8], list[str]]:
    breaks = class_breaks(values, by)
    is_open = by.method == "given"
    ends_matter = not (is_open and len(breaks))
    lowest, highest = (float(values.min()), float(values.max())) if ends_matter else (-math.inf, math.inf)
    return _breaks_below(values, breaks), class_texts(breaks, lowest, highest, open_ends=is_open)


def _breaks_below(values: NDArray[np.float64], breaks: NDArray[np.float64]) -> NDArray[np.uint8]:
    """How many breaks each value reaches, shape (n,)."""
    index = np.zeros(len(values), np.uint8)
    reached = np.empty(min(len(values), _AT_ONCE), np.bool_)
    for first in range(0, len(values), _AT_ONCE):
        some, which = values[first : first + _AT_ONCE], index[first : first + _AT_ONCE]
        more = reached[: len(some)]
        for border in breaks:
            np.greater_equal(some, border, out=more)
            np.add(which, more.view(np.uint8), out=which)
    return index


def _categories(kind: NDArray[np.int64], names: Sequence[str]) -> tuple[NDArray[np.uint8], list[str]]:
    """Class of each value, and names: most frequent first, the rare ones together."""
    counts = np.bincount(kind, minlength=len(names))
    order = np.lexsort((np.array(names, dtype=str), -counts))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    shown = [names[i] for i in order]
    if len(shown) > MAX_CATEGORIES:
        shown = [*shown[: MAX_CATEGORIES - 1], f"{len(shown) - MAX_CATEGORIES + 1} others"]
    return np.minimum(rank, len(shown) - 1).astype(np.uint8)[kind], shown


def class_colours(name: str, n: int) -> NDArray[np.uint8]:
    """Colours of `n` classes from a shipped map, shape (n, 3), lowest class first."""
    return _spaced(colour_map(name), n)


def _spaced(table: NDArray[np.uint8], n: int) -> NDArray[np.uint8]:
    return table[np.rint(np.linspace(0, len(table) - 1, n)).astype(int) if n > 1 else [len(table) // 2]]


def _categorical(name: str | None, n: int) -> NDArray[np.uint8]:
    """Colours that are told apart: those of Okabe and Ito, and a few that differ from them and from each other."""
    if name is not None:
        return _spaced(colour_map(name), n)
    return np.concatenate([colour_map("okabe_ito"), np.array(_FURTHER, np.uint8)])[:n]


def _rgb(colour: NDArray[np.uint8]) -> Rgb:
    r, g, b = (int(c) for c in colour)
    return r, g, b


def parse_colour_by(text: str) -> ColourBy:
    """`--color-by` as it is written: an attribute, with ``:map``, ``:5,10,20`` for breaks, or both behind it.

    Raises
    ------
    UsageError
        If breaks are no ascending numbers.

    Examples
    --------
    >>> parse_colour_by("height_m:5,10,20").breaks
    (5.0, 10.0, 20.0)
    >>> parse_colour_by("rmse_m:magma:0.5,1").colour_map
    'magma'
    """
    maps = {n.removesuffix(".csv") for n in asset_names("colormaps")}
    attribute = text
    breaks: tuple[float, ...] = ()
    colour_map: str | None = None
    while ":" in attribute:  # a column may have a colon in its name
        front, _, last = attribute.rpartition(":")
        if last in maps and colour_map is None:
            colour_map = last
        elif not breaks and (found := _numbers(last)):
            breaks = found
        else:
            break
        attribute = front
    if not breaks:
        return ColourBy(attribute, colour_map=colour_map)
    n_classes = max(2, len(breaks) + 1)
    return ColourBy(attribute, colour_map=colour_map, method="given", n_classes=n_classes, breaks=breaks)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        return ()
