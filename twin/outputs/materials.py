"""Colours of the parts of a city in 3D formats, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_RGB = {
    "roof": (176, 92, 72),
    "wall": (226, 217, 200),
    "floor": (150, 144, 134),
    "land": (206, 202, 186),
    "road": (128, 128, 132),
    "footway": (188, 182, 172),
    "parking": (150, 150, 152),
    "paved": (196, 192, 184),
    "yard": (212, 206, 188),
    "green": (134, 170, 104),
    "shrubs": (110, 150, 88),
    "bare": (198, 178, 144),
    "water": (96, 150, 190),
    "quay": (158, 148, 134),
    "bridge": (170, 166, 160),
    "trunk": (110, 84, 62),
    "crown": (92, 138, 74),
}
_OTHER = (180, 180, 186)
_SMOOTH = {"water": 0.15}


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
    """The material of a name; one that is not known is a light grey.

    Examples
    --------
    >>> material("water", {}).rgb, material("water", {"water": (0, 0, 255)}).rgb
    ((96, 150, 190), (0, 0, 255))
    """
    return Material(name, colours.get(name, _RGB.get(name, _OTHER)), _SMOOTH.get(name, 0.9))


def _linear(value: int) -> float:
    c = value / 255
    return round(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4, 6)
