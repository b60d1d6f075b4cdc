"""Colours of the parts of a city in 3D formats, by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_RGB = {
    "roof": (184, 100, 74),
    "wall": (239, 230, 216),
    "floor": (168, 158, 151),
    "ground": (213, 211, 180),
    "road": (169, 166, 163),
    "path": (207, 200, 189),
    "water": (119, 160, 183),
    "green": (169, 189, 131),
    "bare": (205, 191, 159),
    "paved": (214, 205, 191),
    "rail": (179, 172, 160),
    "quay": (168, 151, 138),
    "skirt": (207, 195, 180),
    "bridges": (188, 179, 169),
    "unmapped": (224, 220, 214),
    "crown": (127, 154, 88),
    "trunk": (122, 100, 83),
}
"""The light style's colours in their middle tone; terrain kinds as `twin.reconstruct.cover.Cover` names them."""
_OTHER = (180, 180, 186)
_ROUGHNESS = {"water": 0.15}
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True)
class Material:
    """How a part of a city reflects light.

    Parameters
    ----------
    name : str
        What it is.
    rgb : tuple of three int
        sRGB, 0 to 255.
    roughness : float
        0 a mirror, 1 chalk.
    """

    name: str
    rgb: tuple[int, int, int]
    roughness: float

    @property
    def linear_rgb(self) -> tuple[float, float, float]:
        """The colour in linear light, 0 to 1, as glTF wants it (IEC 61966-2-1)."""
        return (_linear(self.rgb[0]), _linear(self.rgb[1]), _linear(self.rgb[2]))


def material(name: str, colours: Mapping[str, tuple[int, int, int]]) -> Material:
    """The material of a name; ``#rrggbb`` is its own colour, and a name that is not known is a light grey.

    Examples
    --------
    >>> material("water", {}).rgb, material("water", {"water": (0, 0, 255)}).rgb
    ((119, 160, 183), (0, 0, 255))
    >>> material("#ff8000", {}).rgb
    (255, 128, 0)
    """
    usual = _RGB.get(name, _OTHER)
    if _HEX.fullmatch(name):
        usual = (int(name[1:3], 16), int(name[3:5], 16), int(name[5:7], 16))
    return Material(name, colours.get(name, usual), _ROUGHNESS.get(name, 0.9))


def _linear(value: int) -> float:
    c = value / 255
    return round(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4, 6)
