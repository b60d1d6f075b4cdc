"""Attributes of buildings for the page: columns that it shows for one building, and classes that it colours by."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import UsageError
from twin.core.visible_text import visible_text
from twin.outputs.web.looks import legend_values
from twin.scene.colour import ColourBy, colour_buildings
from twin.scene.style import load_style
from twin.scene.units import unit_of
from twin.scene.wording import OWN_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from twin.outputs.web.codec import Bundle

MAX_COLOURINGS = 24
MAX_TEXT = 400
_MOST_DECIMALS = 3
_FINEST_SHARE = 1e-4
"""Of how far the values of a column lie apart: finer digits tell a reader nothing, such as litres of a house."""
_OF_A_LEVEL = re.compile(r"_lod\d\d$")
_FIRST = (
    "name", "name_ko", "name_en", "address_ko", "address_en", "address", "use", "function", "year",
    "construction_year", "storeys", "n_storeys", "height_m", "roof_type", "volume_m3", "state", "rmse_m",
)  # fmt: skip
"""Shown and offered first where they are there; then the other columns in their order."""


def attribute_columns(attributes: Mapping[str, Sequence[Any]], bundle: Bundle) -> list[dict[str, Any]]:
    """Columns with at least one value; numbers to three decimals or what tells them apart, all else as text.

    ``own`` tells whether the texts are words of twin itself, which the page says in its language.
    """
    columns = []
    for name in _ordered(attributes):
        column = _column(attributes[name], bundle)
        if column is not None:
            texts = set(column.get("texts", ()))
            own = name in OWN_WORDS or (bool(texts) and texts <= {"", "yes", "no"})
            columns.append({"name": visible_text(name), "unit": unit_of(name), "own": own, **column})
    return columns


def _ordered(attributes: Mapping[str, Sequence[Any]]) -> list[str]:
    """Names of the columns; a figure that the shape shown has is not told of every other level of detail again."""
    names = [n for n in attributes if n != "id" and _OF_A_LEVEL.sub("", n) not in attributes.keys() - {n}]
    first = [name for name in _FIRST if name in names]
    return first + [name for name in names if name not in first]


def _column(values: Sequence[Any], bundle: Bundle) -> dict[str, Any] | None:
    known = [not is_missing(v) for v in values]
    if not any(known):
        return None
    present = [v for v, k in zip(values, known, strict=True) if k]
    missing = None if all(known) else bundle.add(np.array(known, np.uint8), codec="plain")
    if all(_is_number(v) for v in present):
        numbers = np.array([float(v) if k else 0.0 for v, k in zip(values, known, strict=True)])
        decimals = _decimals(numbers)
        if decimals is not None:
            whole = np.rint(numbers * 10**decimals).astype(np.int64)
            return {"decimals": decimals, "known": missing, "values": bundle.add(whole, codec="signed")}
    texts = [plain_text(v) if k else "" for v, k in zip(values, known, strict=True)]
    names, code = np.unique(np.array(texts, dtype=object).astype(str), return_inverse=True)
    return {"texts": names.tolist(), "known": missing, "values": bundle.add(code.ravel(), codec="plain")}


def _decimals(numbers: NDArray[np.float64]) -> int | None:
    """Decimals that are kept; None where whole numbers of 31 bits do not reach.

    Examples
    --------
    >>> [_decimals(np.array(column)) for column in ([1875.0, 1991.0], [2.25, 7.5], [91.127, 910.618])]
    [0, 2, 1]
    """
    low, high = np.quantile(numbers, [0.05, 0.95])
    most = _MOST_DECIMALS
    while most and high - low > 0 and 10.0**-most < _FINEST_SHARE * (high - low):
        most -= 1
    for decimals in range(most + 1):
        scaled = numbers * 10**decimals
        if bool((np.abs(scaled) >= 2**30).any()):
            return None
        if decimals == most or bool((np.abs(scaled - np.rint(scaled)) < 1e-6).all()):
            return decimals
    return None


def is_missing(value: Any) -> bool:
    """Whether a cell is empty: None, NaN, not a time, or an empty text."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return bool(str(value) in {"", "<NA>", "NaT", "nan", "None"})


def _is_number(value: Any) -> bool:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return math.isfinite(float(value))


def plain_text(value: Any) -> str:
    """A cell as one line of bounded length."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return visible_text(" ".join(str(value).split(" ")), max_chars=MAX_TEXT)


def colourings(attributes: Mapping[str, Sequence[Any]], bundle: Bundle) -> list[dict[str, Any]]:
    """Ways to colour the buildings: class of each building, colours of the classes, and a legend."""
    missing = load_style("light").rgb("building.missing")
    made: list[dict[str, Any]] = []
    for name in _ordered(attributes):
        if len(made) < MAX_COLOURINGS and _tells_apart(attributes[name]):
            colouring = _colouring(name, attributes[name], missing, bundle)
            made += [colouring] if colouring else []
    return made


def _tells_apart(values: Sequence[Any]) -> bool:
    """Whether an attribute has at least two values, and is no name that each building has for itself."""
    present = [v for v in values if not is_missing(v)]
    kinds = len({plain_text(v) for v in present})
    return kinds > 1 and (all(_is_number(v) for v in present) or kinds <= max(12, len(present) // 4))


def _colouring(
    name: str, values: Sequence[Any], missing: tuple[int, int, int], bundle: Bundle
) -> dict[str, Any] | None:
    cells = [None if is_missing(v) else v for v in values]
    try:
        rgb, legend = colour_buildings(cells, ColourBy(name), unit=unit_of(name), missing=missing)
    except (UsageError, TypeError, ValueError):
        return None  # such as a column of lists, which no legend can tell
    colours, code = np.unique(rgb, axis=0, return_inverse=True)
    if len(colours) > 255:
        return None
    return {
        "name": visible_text(name),
        "legend": legend_values(legend),
        "colours": colours.tolist(),
        "classes": bundle.add(code.ravel(), codec="plain"),
    }
