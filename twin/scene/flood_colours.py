"""Colours of flood water: classes with their borders, as the legend tells them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from twin.core.errors import UsageError
from twin.scene.colour import Legend, LegendEntry

if TYPE_CHECKING:
    from twin.scene.style import Rgb
    from twin.water.standards import HazardStandard

Colouring = Literal["depth", "natural", "velocity", "hazard", "arrival"]
COLOURINGS: tuple[Colouring, ...] = ("depth", "natural", "velocity", "hazard", "arrival")

_BLUES: tuple[Rgb, ...] = (
    (188, 220, 240), (133, 188, 226), (80, 150, 206), (45, 108, 178), (35, 68, 142), (46, 30, 98),
)  # fmt: skip
_SPEEDS: tuple[Rgb, ...] = ((191, 211, 230), (158, 180, 216), (140, 140, 196), (136, 86, 167), (110, 16, 110))
_HAZARDS: tuple[Rgb, ...] = (
    (126, 178, 213), (255, 221, 110), (250, 168, 72), (233, 98, 63), (193, 42, 66), (104, 16, 72),
)  # fmt: skip
_HOURS: tuple[Rgb, ...] = ((122, 4, 60), (196, 48, 68), (240, 124, 74), (250, 194, 120), (250, 236, 196))


@dataclass(frozen=True, slots=True)
class Classes:
    """Classes of a quantity.

    Parameters
    ----------
    title : str
        With the unit, as in the legend.
    breaks : tuple of float
        Upper borders, ascending; the last class is open.
    colours : tuple of RGB
        One more.
    texts : tuple of str
        What the legend calls each.
    """

    title: str
    breaks: tuple[float, ...]
    colours: tuple[Rgb, ...]
    texts: tuple[str, ...]

    @property
    def legend(self) -> Legend:
        """The legend of all classes."""
        pairs = zip(self.texts, self.colours, strict=True)
        return Legend(self.title, tuple(LegendEntry(text, rgb) for text, rgb in pairs))


def require_colouring(name: str) -> None:
    """Refuse a colouring that there is not.

    Raises
    ------
    UsageError
    """
    if name not in COLOURINGS:
        raise UsageError(
            "colouring", f"floods cannot be coloured by {name!r}", f"choose {', '.join(COLOURINGS)}"
        )


def depth_classes() -> Classes:
    """Depth in metres: to the ankle, a kerb, a wheel, a knee, a hip, a storey.

    Examples
    --------
    >>> depth_classes().texts[0], depth_classes().texts[-1]
    ('up to 0.15', 'over 2')
    """
    breaks = (0.15, 0.3, 0.5, 1.0, 2.0)
    return Classes("Water depth, m", breaks, _BLUES, _ranges(breaks))


def wall_classes() -> Classes:
    """Depth at the walls of a building, in metres; apart from the blues of the water."""
    breaks = (0.3, 0.5, 1.0, 2.0)
    return Classes("Water at walls, m", breaks, _HAZARDS[1:], _ranges(breaks))


def velocity_classes() -> Classes:
    """Speed in metres per second."""
    breaks = (0.25, 0.5, 1.0, 2.0)
    return Classes("Water speed, m/s", breaks, _SPEEDS, _ranges(breaks))


def arrival_classes(last_s: float) -> Classes:
    """Time until the water comes, in even steps up to the last one; hours or minutes."""
    unit, factor = ("h", 3600.0) if last_s >= 2 * 3600 else ("min", 60.0)
    step = max(last_s / factor / 5, 1e-3)
    nice = next((s for s in (1, 2, 3, 5, 10, 15, 20, 30, 60) if s >= step), step)
    breaks = tuple(nice * k * factor for k in range(1, 5))
    return Classes(f"Water arrives after, {unit}", breaks, _HOURS, _ranges(tuple(b / factor for b in breaks)))


def hazard_classes_of(standard: HazardStandard) -> Classes:
    """Classes of danger; their values are 1, 2, ..."""
    n = len(standard.classes)
    colours = tuple(_HAZARDS[round(k * (len(_HAZARDS) - 1) / max(n - 1, 1))] for k in range(n))
    told = standard.legends or ("",) * n
    rows = zip(standard.classes, standard.meanings, told, strict=True)
    texts = tuple(legend or f"{name} {_short(meaning)}".strip() for name, meaning, legend in rows)
    return Classes(f"Flood hazard ({standard.name})", tuple(k + 0.5 for k in range(1, n)), colours, texts)


def _short(meaning: str) -> str:
    """A meaning cut to what a legend has room for."""
    return meaning if len(meaning) <= 34 else f"{meaning[:33].rstrip(' ,;')}…"


def _ranges(breaks: tuple[float, ...]) -> tuple[str, ...]:
    inner = [f"{a:g} to {b:g}" for a, b in pairwise(breaks)]
    return (f"up to {breaks[0]:g}", *inner, f"over {breaks[-1]:g}")
