"""Buildings coloured by an attribute: classes, colours and the legend that explains them."""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Mapping  # noqa: TC003 - the reader of workspaces looks annotations up when it runs
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from twin.core.assets import asset_names, asset_path
from twin.core.errors import InputError, UsageError
from twin.scene.style import Rgb  # noqa: TC001 - as above
from twin.scene.units import heading, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Method = Literal["natural", "quantile", "equal", "given"]
METHODS: tuple[Method, ...] = ("natural", "quantile", "equal", "given")
MAX_CATEGORIES = 12
_JENKS_VALUES = 1500


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A swatch and what it stands for; lines and points are drawn as such."""

    text: str
    rgb: Rgb
    kind: Literal["area", "line", "point"] = "area"


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


def colour_map(name: str) -> NDArray[np.uint8]:
    """The colours of a shipped map, shape (n, 3), lowest value first.

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
    return np.asarray(rows, dtype=np.uint8)


def class_breaks(values: NDArray[np.float64], by: ColourBy) -> NDArray[np.float64]:
    """Borders between classes, ascending; fewer than asked for where values do not tell so many apart.

    Parameters
    ----------
    values : array, shape (n,)
        Finite.

    Returns
    -------
    array, shape (at most n_classes - 1,)
        A value equal to a break belongs to the class above it.

    Examples
    --------
    >>> class_breaks(np.arange(9.0), ColourBy("h", method="equal", n_classes=4)).tolist()
    [2.0, 4.0, 6.0]
    """
    if by.method == "given":
        return np.asarray(by.breaks, dtype=np.float64)
    distinct = np.unique(values)
    if len(distinct) < 2:
        return np.empty(0)
    if by.method == "equal":
        breaks = np.linspace(distinct[0], distinct[-1], by.n_classes + 1)[1:-1]
    elif by.method == "quantile":
        breaks = np.quantile(values, np.linspace(0, 1, by.n_classes + 1)[1:-1])
    else:
        breaks = np.array([_roundest(distinct, b) for b in natural_breaks(values, by.n_classes)])
    return np.unique(breaks[(breaks > distinct[0]) & (breaks <= distinct[-1])])


def _roundest(distinct: NDArray[np.float64], middle: float) -> float:
    """The number with the fewest figures in the inner part of the gap around `middle`: no value changes its class."""
    above = int(np.searchsorted(distinct, middle, side="right"))
    low, high = float(distinct[above - 1]), float(distinct[above])
    inner_low, inner_high = low + 0.2 * (high - low), high - 0.2 * (high - low)
    power = math.floor(math.log10(max(abs(low), abs(high), 1e-300)))
    for exponent in range(power, power - 8, -1):
        for factor in (1.0, 0.5):
            step = factor * 10.0**exponent
            nearest = round(round(middle / step) * step, max(0, 1 - exponent))
            if inner_low <= nearest <= inner_high:
                return nearest
    return middle


def natural_breaks(values: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
    """Borders that leave the least squared deviation within classes, halfway between the classes.

    Exact by dynamic programming over sorted values; more than 1,500 are first represented by as many quantiles.

    References
    ----------
    Fisher (1958), On grouping for maximum homogeneity, J. Am. Stat. Assoc. 53, 789-798.
    Jenks (1967), The data model concept in statistical mapping, Int. Yearb. Cartogr. 7, 186-190.

    Examples
    --------
    >>> natural_breaks(np.array([1.0, 2, 3, 10, 11, 12, 50]), 3).tolist()
    [6.5, 31.0]
    """
    if len(values) > _JENKS_VALUES:
        values = np.quantile(values, np.linspace(0, 1, _JENKS_VALUES))
    distinct, weight = np.unique(values, return_counts=True)
    n = len(distinct)
    # Values of any size: squares of the tiniest would vanish.
    scaled = (distinct - distinct[0]) / max(float(distinct[-1] - distinct[0]), 1e-300) - 0.5
    count, total, squares = (
        np.concatenate([[0.0], np.cumsum(weight * scaled**power)]) for power in (0, 1, 2)
    )
    i, j = np.arange(n)[:, None], np.arange(1, n + 1)[None, :]
    members = np.maximum(count[j] - count[i], 1)
    # Deviation within a class that holds the distinct values i to j - 1.
    within = np.where(j > i, squares[j] - squares[i] - (total[j] - total[i]) ** 2 / members, np.inf)
    cost, cuts = within[0], []
    for _ in range(1, min(n_classes, n)):
        options = np.concatenate([[np.inf], cost[:-1]])[:, None] + within
        cuts.append(np.argmin(options, axis=0))
        cost = options[cuts[-1], np.arange(n)]
    breaks, last = [], n
    for first in reversed(cuts):
        last = int(first[last - 1])
        middle = (distinct[last - 1] + distinct[last]) / 2
        breaks.append(middle if middle > distinct[last - 1] else distinct[last])
    return np.asarray(breaks[::-1])


def read_attribute(
    tables: Sequence[tuple[str, str, dict[str, str]]], name: str, ids: NDArray[np.str_]
) -> tuple[Any, str]:
    """Values of an attribute for each building, and its unit.

    Parameters
    ----------
    tables : sequence
        Parquet file, column of ids, and units by column; the first table that has the attribute is taken.
    name : str
    ids : array, shape (n,)

    Returns
    -------
    values : list, length n
        None where a building has no row or the cell is empty.
    unit : str

    Raises
    ------
    UsageError
        If no table has such a column; names those that sound like it.
    InputError
        If a table cannot be read.
    """
    import pyarrow as pa
    from pyarrow import parquet

    seen: list[str] = []
    for path, id_column, units in tables:
        try:
            columns = parquet.read_schema(path).names
            seen += [c for c in columns if c not in {id_column, "geometry"}]
            if name not in columns or id_column not in columns:
                continue
            table = parquet.read_table(path, columns=list(dict.fromkeys([id_column, name])))
        except (OSError, pa.ArrowException) as error:
            raise InputError(path, f"cannot be read ({error})", "rebuild the city") from error
        by_id = dict(zip(map(str, table[id_column].to_pylist()), table[name].to_pylist(), strict=True))
        return [by_id.get(str(i)) for i in ids], units.get(name, unit_of(name))
    near = difflib.get_close_matches(name, seen, n=3) or seen[:8]
    remedy = f"choose one of {', '.join(near)}" if near else "the city has no attributes"
    raise UsageError("--color-by", f"no building has an attribute {name!r}", remedy)


def colour_buildings(
    values: Sequence[Any], by: ColourBy, *, unit: str, missing: Rgb
) -> tuple[NDArray[np.uint8], Legend]:
    """Colour of each building and the legend.

    Numbers are cut into classes; anything else, and whole numbers of few kinds, become categories.

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
    known = np.array([not _is_missing(v) for v in values], dtype=np.bool_)
    if not known.any():
        raise UsageError(
            "--color-by", f"{by.attribute!r} is empty for every building", "choose another attribute"
        )
    present = [v for v, k in zip(values, known, strict=True) if k]
    if _is_numeric(present) and (by.method == "given" or not _are_codes(present)):
        index, texts = _numeric_classes(np.asarray(present, dtype=np.float64), by)
        table = _spaced(colour_map(by.colour_map or "viridis"), len(texts))
    else:
        index, texts = _categories(present)
        table = _categorical(by.colour_map, len(texts))
        for i, text in enumerate(texts):
            table[i] = by.categories.get(text, table[i])
    rgb = np.tile(np.asarray(missing, np.uint8), (len(values), 1))
    rgb[known] = table[index]
    entries = [LegendEntry(t, _rgb(c)) for t, c in zip(texts, table, strict=True)]
    if not known.all():
        entries.append(LegendEntry("no data", missing))
    return rgb, Legend(heading(by.attribute, unit), tuple(entries))


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _is_numeric(values: Sequence[Any]) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _are_codes(values: Sequence[Any]) -> bool:
    """Whole numbers of so few kinds that they are names rather than amounts."""
    return all(isinstance(v, int) for v in values) and len(set(values)) <= 6


def _numeric_classes(values: NDArray[np.float64], by: ColourBy) -> tuple[NDArray[np.int64], list[str]]:
    breaks = class_breaks(values, by)
    index = np.searchsorted(breaks, values, side="right")
    if by.method == "given":
        return index, _class_texts(breaks, float(values.min()), float(values.max()), open_ends=True)
    return index, _class_texts(breaks, float(values.min()), float(values.max()), open_ends=False)


def _class_texts(breaks: NDArray[np.float64], low: float, high: float, *, open_ends: bool) -> list[str]:
    if not len(breaks):
        return [_number(low)] if low == high else [f"{_number(low)} – {_number(high)}"]
    first = f"< {_number(breaks[0])}" if open_ends else f"{_number(low)} – {_number(breaks[0])}"
    last = f"≥ {_number(breaks[-1])}" if open_ends else f"{_number(breaks[-1])} – {_number(high)}"
    middle = [f"{_number(a)} – {_number(b)}" for a, b in itertools.pairwise(breaks)]
    return [first, *middle, last]


def _number(value: float) -> str:
    """As short as three figures allow, with a thin space between thousands."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{round(value, digits):,.{min(digits, 6)}f}".replace(",", "\u2009")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _categories(values: Sequence[Any]) -> tuple[NDArray[np.int64], list[str]]:
    """Class of each value, and names: most frequent first, the rare ones together."""
    texts = [_category_text(v) for v in values]
    names, inverse, counts = np.unique(texts, return_inverse=True, return_counts=True)
    order = np.lexsort((names, -counts))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    shown = [str(names[i]) for i in order]
    if len(shown) > MAX_CATEGORIES:
        shown = [*shown[: MAX_CATEGORIES - 1], f"{len(shown) - MAX_CATEGORIES + 1} others"]
    return np.minimum(rank[inverse.ravel()], len(shown) - 1), shown


def _category_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _spaced(table: NDArray[np.uint8], n: int) -> NDArray[np.uint8]:
    return table[np.rint(np.linspace(0, len(table) - 1, n)).astype(int) if n > 1 else [len(table) // 2]]


def _categorical(name: str | None, n: int) -> NDArray[np.uint8]:
    """Colours that are told apart; past eight the same ones return paler."""
    if name is not None:
        return _spaced(colour_map(name), n)
    base = colour_map("okabe_ito").astype(np.float64)
    rounds = [base, base + (255 - base) * 0.55]
    return np.rint(np.concatenate(rounds)[:n]).astype(np.uint8)


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
