"""What verbs that ask the standing city share: they open it, and tell figures to machines or in sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from twin.cli.console import tell, tell_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

OUTSIDE = "unknown, as it leaves the terrain"


def tell_figures(
    figures: Mapping[str, Any], sentences: Callable[[Mapping[str, Any]], Sequence[str]], *, as_json: bool
) -> None:
    """Figures as they are for machines, or as sentences."""
    if as_json:
        tell_json(dict(figures))
        return
    for sentence in sentences(figures):
        tell(sentence)


def coordinates(text: str) -> list[float] | None:
    """Numbers between commas; None where one is none, or not finite.

    Examples
    --------
    >>> coordinates("84000, 447000.5"), coordinates("84000;447000")
    ([84000.0, 447000.5], None)
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def with_unit(value: float | None, unit: str, *, digits: int = 2) -> str:
    """A figure with its unit and thousands apart; what is not known is said so.

    Examples
    --------
    >>> with_unit(1234.5, "m2", digits=1), with_unit(None, "m")
    ('1,234.5 m2', 'unknown, as it leaves the terrain')
    """
    return OUTSIDE if value is None else f"{value:,.{digits}f} {unit}"
