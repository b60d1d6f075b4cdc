"""A laser survey as it is flown: strips, scan lines, pulses, and what can go wrong with them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.core.errors import UsageError
from twin.demo.chance import stream

if TYPE_CHECKING:
    from twin.core.grid import Bounds

DENSITY_RANGE = (0.5, 60.0)


@dataclass(frozen=True, slots=True)
class SurveySettings:
    """How the district is surveyed.

    Parameters
    ----------
    density : float
        Pulses per square metre of flat ground, averaged over single and overlapping strips.
    is_classified : bool
        Whether the delivered points carry their classes, or class 1 throughout.
    altitude_m, half_angle_deg : float
        Of the aircraft above the datum, and of the scan to either side.
    overlap : float
        Share of a swath that the next strip flies over again.
    range_noise_m, pointing_noise_m : float
        Standard deviations along the beam and across it.
    strip_offset_m : float
        Standard deviation of a strip's constant error in height; half as much again sideways.
    outliers_per_million : float
        Birds, clouds and double reflections among the pulses.
    """

    density: float = 8.0
    is_classified: bool = True
    altitude_m: float = 520.0
    half_angle_deg: float = 20.0
    overlap: float = 0.3
    range_noise_m: float = 0.02
    pointing_noise_m: float = 0.05
    strip_offset_m: float = 0.02
    outliers_per_million: float = 25.0

    def __post_init__(self) -> None:
        low, high = DENSITY_RANGE
        if not low <= self.density <= high:
            raise UsageError(
                "--density", f"{self.density:g} is outside {low:g} to {high:g} per m2", "choose one inside"
            )
        if not 0.0 <= self.overlap < 0.9:
            raise UsageError("overlap", f"{self.overlap:g} is outside 0 to 0.9", "choose a share inside")

    @property
    def swath_m(self) -> float:
        """Width that one strip sees at the datum."""
        return 2 * self.altitude_m * math.tan(math.radians(self.half_angle_deg))


@dataclass(frozen=True, slots=True)
class Strip:
    """One pass of the aircraft along u.

    Parameters
    ----------
    number : int
        From 1, as point source ids go.
    v : float
        Where it is flown, metres.
    heading : int
        1 with u, -1 against it.
    offset_m : tuple of three float
        Its constant error in u, v and height.
    """

    number: int
    v: float
    heading: int
    offset_m: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Flight:
    """All strips of a survey.

    Parameters
    ----------
    settings : SurveySettings
        How it is flown.
    strips : tuple of Strip
        From the river inland.
    line_spacing_m : float
        Distance between scan lines; pulses along a line stand as far apart on average.
    pulses_per_line : int
        Pulses of one scan line.
    """

    settings: SurveySettings
    strips: tuple[Strip, ...]
    line_spacing_m: float
    pulses_per_line: int


def fly(settings: SurveySettings, bounds: Bounds, *, seed: int) -> Flight:
    """The strips that cover an area of the local frame, laid symmetrically over it; two at least."""
    swath = settings.swath_m
    spacing = swath * (1.0 - settings.overlap)
    n = max(2, math.ceil((bounds.height - swath) / spacing) + 1)
    first = (bounds.y_min + bounds.y_max) / 2 - spacing * (n - 1) / 2
    strips = tuple(_strip(settings, k, first + k * spacing, seed) for k in range(n))
    seen = sum(
        max(0.0, min(strip.v + swath / 2, bounds.y_max) - max(strip.v - swath / 2, bounds.y_min))
        for strip in strips
    )
    line_spacing = math.sqrt(seen / bounds.height / settings.density)
    return Flight(settings, strips, line_spacing, round(swath / line_spacing))


def _strip(settings: SurveySettings, k: int, v: float, seed: int) -> Strip:
    u_error, v_error, z_error = stream(seed, "strip", k).normal(0.0, 1.0, 3) * settings.strip_offset_m
    offset = round(1.5 * u_error, 4), round(1.5 * v_error, 4), round(z_error, 4)
    return Strip(k + 1, v, 1 if k % 2 == 0 else -1, offset)
