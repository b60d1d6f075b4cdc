"""Numbers out of texts that people wrote: units, decimal commas, a word before."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.notices import Notices

_UNITS_M = {"": 1.0, "m": 1.0, "meter": 1.0, "metre": 1.0, "meters": 1.0, "metres": 1.0, "cm": 0.01, "mm": 0.001,
            "ft": 0.3048, "feet": 0.3048, "foot": 0.3048, "'": 0.3048, "미터": 1.0}  # fmt: skip
_NUMBER = re.compile(r"(?<![\d.,\w])([-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)\s*([^\W\d]*|')(?![\d.,]*\d)")


def parse_length(text: str) -> float | None:
    """Metres that a text means, None where it means no one number.

    Examples
    --------
    >>> parse_length("ca. 7,5 m"), parse_length("-3"), parse_length("12 ft"), parse_length("2-3 m")
    (7.5, -3.0, 3.6576, None)
    >>> parse_length(""), parse_length("NaN"), parse_length("1.2.3"), parse_length("7 storeys")
    (None, None, None, None)
    """
    found = _NUMBER.findall(text)
    if len(found) != 1 or len(re.findall(r"\d+(?:[.,]\d+)*", text)) != 1:
        return None
    number, unit = found[0]
    factor = _UNITS_M.get(unit.lower())
    value = float(number.replace(",", "."))
    return round(value * factor, 6) if factor is not None and math.isfinite(value) else None


def heights_from_column(
    values: pd.Series, *, ids: list[str], where: str | Path, notices: Notices
) -> NDArray[np.float64]:
    """Heights of an attribute column in metres, NaN where it holds none that can be.

    Parameters
    ----------
    values : Series, shape (n,)
        Numbers, or texts such as ``"ca. 7,5 m"``.
    ids : list of str
        Names of the rows, for messages.
    notices : Notices
        Is told of every value that is negative or means no number; missing ones pass in silence.

    Returns
    -------
    array, shape (n,)
    """
    out = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
            continue
        metres = parse_length(value) if isinstance(value, str) else float(value)
        if metres is None or metres < 0 or not math.isfinite(metres):
            notices.add(
                "height-not-understood",
                f"{where}: height {str(value)!r} of footprint {ids[i]} is not a height in metres and was left out",
                subject=ids[i],
            )
        else:
            out[i] = metres
    return out
