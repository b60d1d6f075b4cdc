"""Whether two inputs cover the same ground, and if not, which mistake would explain it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from twin.core.errors import OverlapError
from twin.core.grid import Bounds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def check_overlap(
    bounds_a: Bounds,
    bounds_b: Bounds,
    where_a: str | Path,
    where_b: str | Path,
    *,
    explanations: Mapping[str, Bounds] | None = None,
) -> None:
    """Refuse two inputs that do not share ground.

    Parameters
    ----------
    bounds_a, bounds_b : Bounds
        What each covers, in the city's CRS; the first is the one that is suspected.
    where_a, where_b : path or str
        Their files or options.
    explanations : mapping of str to Bounds, optional
        Sentences on what may be wrong with the first, each with the bounds that it would then have. That the axes
        are exchanged is always tried.

    Raises
    ------
    OverlapError
        With both places, their distance, and the first explanation that would make them overlap.

    Examples
    --------
    >>> survey = Bounds(84_800, 447_400, 85_100, 447_700)
    >>> check_overlap(Bounds(447_450, 84_850, 447_500, 84_900), survey, "pand.gpkg", "survey")
    Traceback (most recent call last):
    twin.core.errors.OverlapError: pand.gpkg: does not overlap survey: x 447450 to 447500, y 84850 to 84900
    against x 84800 to 85100, y 447400 to 447700, 512546 m apart; the axes seem exchanged (axis order): write
    easting (or longitude) first
    """
    if _touches(bounds_a, bounds_b):
        return
    tried = {
        **(explanations or {}),
        "the axes seem exchanged (axis order): write easting (or longitude) first": swapped(bounds_a),
    }
    remedy = next(
        (sentence for sentence, bounds in tried.items() if _touches(bounds, bounds_b)),
        "check that both are of the same place and name their CRS rightly",
    )
    raise OverlapError(
        where_a,
        f"does not overlap {where_b}: {_place(bounds_a)} against {_place(bounds_b)}, "
        f"{distance(bounds_a, bounds_b):.0f} m apart",
        remedy,
    )


def swapped(bounds: Bounds) -> Bounds:
    """The bounds with x and y exchanged."""
    return Bounds(bounds.y_min, bounds.x_min, bounds.y_max, bounds.x_max)


def distance(a: Bounds, b: Bounds) -> float:
    """The shortest way between two rectangles, metres; 0 where they touch."""
    dx = max(0.0, a.x_min - b.x_max, b.x_min - a.x_max)
    dy = max(0.0, a.y_min - b.y_max, b.y_min - a.y_max)
    return math.hypot(dx, dy)


def _touches(a: Bounds, b: Bounds) -> bool:
    """Whether they share ground; a single point or a straight line on the edge counts, having no area."""
    return a.x_min <= b.x_max and b.x_min <= a.x_max and a.y_min <= b.y_max and b.y_min <= a.y_max


def _place(bounds: Bounds) -> str:
    return f"x {bounds.x_min:.0f} to {bounds.x_max:.0f}, y {bounds.y_min:.0f} to {bounds.y_max:.0f}"
