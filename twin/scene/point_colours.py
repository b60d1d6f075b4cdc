"""Colours of survey points: by class, by height, by the strength of the echo; with a legend each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from twin.core.points import Classification
from twin.scene.colour import Legend, LegendEntry, colour_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.point_layer import SurveyPoints

PointColour = Literal["class", "height", "intensity"]
POINT_COLOURS: tuple[PointColour, ...] = ("class", "height", "intensity")
_GREY = (150, 148, 144)
_CLASSES = {
    Classification.GROUND: ("Ground", (170, 146, 110)),
    Classification.LOW_VEGETATION: ("Low vegetation", (150, 180, 110)),
    Classification.MEDIUM_VEGETATION: ("Medium vegetation", (116, 160, 84)),
    Classification.HIGH_VEGETATION: ("High vegetation", (78, 132, 66)),
    Classification.BUILDING: ("Building", (206, 110, 82)),
    Classification.WATER: ("Water", (88, 140, 190)),
    Classification.BRIDGE_DECK: ("Bridge deck", (150, 132, 160)),
    Classification.CIVIL_STRUCTURE: ("Structure", (126, 118, 168)),
}
_OTHER = "Other points"
_TITLE = "Survey points"
_OUTER_SHARE = 0.01
"""Share of points beyond each end of a scale: a bird and a well do not decide the colours of a city."""
_STEPS = 5
_DARKEST, _LIGHTEST = 40, 250


def point_colours(points: SurveyPoints, by: PointColour = "class") -> tuple[NDArray[np.uint8], Legend]:
    """Colours of points, shape (n, 3), and their legend.

    Parameters
    ----------
    points : SurveyPoints
    by : str
        ``class``, ``height`` above the vertical datum, or ``intensity`` of the echo.
    """
    if by == "height":
        return _by_height(points)
    return _by_intensity(points) if by == "intensity" else _by_class(points)


def _by_class(points: SurveyPoints) -> tuple[NDArray[np.uint8], Legend]:
    table = np.tile(np.array(_GREY, np.uint8), (256, 1))
    for kind, (_, rgb) in _CLASSES.items():
        table[kind] = rgb
    there = set(np.unique(points.classification).tolist())
    entries = [LegendEntry(name, rgb, "point") for kind, (name, rgb) in _CLASSES.items() if kind in there]
    if there - set(_CLASSES):
        entries.append(LegendEntry(_OTHER, _GREY, "point"))
    return table[points.classification], Legend(_TITLE, tuple(entries))


def _by_height(points: SurveyPoints) -> tuple[NDArray[np.uint8], Legend]:
    z = points.xyz[:, 2]
    low, high = _ends(z)
    shades = colour_map("viridis")
    rgb = shades[_places(z, low, high, len(shades))]
    heights = np.linspace(low, high, _STEPS) + points.origin[2]
    rows = np.linspace(0, len(shades) - 1, _STEPS).astype(np.int64)
    entries = tuple(
        LegendEntry(f"{height:.1f}", _rgb(shades[row]), "point")
        for height, row in zip(heights, rows, strict=True)
    )
    return rgb, Legend("Survey points, elevation in m", entries[::-1])


def _by_intensity(points: SurveyPoints) -> tuple[NDArray[np.uint8], Legend]:
    given = points.intensity
    strength = np.zeros(len(points), np.uint16) if given is None else given
    low, high = _ends(strength)
    greys = np.linspace(_DARKEST, _LIGHTEST, 256).astype(np.uint8)
    shades = np.repeat(greys[:, None], 3, axis=1)
    rgb = shades[_places(strength, low, high, 256)]
    entries = tuple(
        LegendEntry(f"{low + share * (high - low):.0f}", _rgb(shades[round(share * 255)]), "point")
        for share in (1.0, 0.5, 0.0)
    )
    return rgb, Legend("Survey points, intensity", entries)


def _ends(values: NDArray[Any]) -> tuple[float, float]:
    """Where a scale begins and ends; apart even where all values are one."""
    if not len(values):
        return 0.0, 1.0
    low, high = (float(v) for v in np.quantile(values[:200_000], (_OUTER_SHARE, 1 - _OUTER_SHARE)))
    return low, max(high, low + 1.0)


def _places(values: NDArray[Any], low: float, high: float, n: int) -> NDArray[np.int64]:
    share = (values.astype(np.float32) - np.float32(low)) / np.float32(high - low)
    return np.rint(np.clip(share, 0, 1) * (n - 1)).astype(np.int64)


def _rgb(shade: NDArray[np.uint8]) -> tuple[int, int, int]:
    r, g, b = (int(v) for v in shade)
    return r, g, b
