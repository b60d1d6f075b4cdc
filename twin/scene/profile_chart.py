"""Profiles drawn: ground as earth, buildings as blocks, water on top, with axes in metres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from twin.scene.fonts import draw_text, split_runs, text_size
from twin.scene.furniture_ground import nice_length
from twin.scene.style import load_style

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.profile import Profile
    from twin.scene.style import Rgb, Style

_FINE = 3
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.075, 0.025, 0.12, 0.15
_EARTH, _EARTH_LINE = (196, 182, 158), (122, 106, 78)
_HOUSE, _HOUSE_LINE = (168, 176, 190), (84, 94, 114)
_WATER, _WATER_LINE = (118, 172, 220), (38, 104, 170)
_TREES = (150, 178, 138)


def draw_profile(
    profile: Profile, *, size: tuple[int, int], title: str = "", style: Style | None = None
) -> NDArray[np.uint8]:
    """The chart of a profile, shape (height, width, 3), uint8; drawn three times as large and averaged."""
    chosen = style or load_style("light")
    plot = _Plot(profile, size)
    image = Image.new("RGB", (size[0] * _FINE, size[1] * _FINE), chosen.rgb("text.halo"))
    draw = ImageDraw.Draw(image)
    ink = chosen.rgb("text.colour")
    plot.grid(draw, _mix(ink, chosen.rgb("text.halo"), 0.16))
    if profile.seen_m is not None:
        plot.fill(draw, profile.seen_m, profile.ground_m, _TREES)
    plot.fill(draw, profile.building_m, profile.ground_m, _HOUSE)
    if profile.water_m is not None:
        plot.fill(draw, profile.water_m, profile.ground_m, _WATER)
        plot.line(draw, profile.water_m, _WATER_LINE)
    plot.fill(draw, profile.ground_m, np.full(len(profile.ground_m), plot.low), _EARTH)
    plot.line(draw, profile.ground_m, _EARTH_LINE)
    plot.line(draw, profile.building_m, _HOUSE_LINE)
    small = image.reduce(_FINE).convert("RGBA")
    plot.write(small, title, ink)
    return np.asarray(small.convert("RGB"))


def _mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    r, g, blue = (round(x * share + y * (1 - share)) for x, y in zip(a, b, strict=True))
    return r, g, blue


class _Plot:
    """Where metres lie in the picture."""

    def __init__(self, profile: Profile, size: tuple[int, int]) -> None:
        self.along = profile.along_m
        self.size = size
        parts = [profile.ground_m, profile.building_m, profile.seen_m, profile.water_m]
        heights = np.concatenate([p[np.isfinite(p)] for p in parts if p is not None] or [np.zeros(1)])
        low, high = (float(heights.min()), float(heights.max())) if len(heights) else (0.0, 1.0)
        extent = max(high - low, 4.0)
        self.step = nice_length(extent / 3)
        self.low, self.high = low - 0.12 * extent, low + 1.04 * extent
        self.total = max(float(self.along[-1]), 1e-6)

    def x(self, along: NDArray[np.float64]) -> NDArray[np.float64]:
        return (_LEFT + (1 - _LEFT - _RIGHT) * np.asarray(along) / self.total) * self.size[0]

    def y(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        share = (np.asarray(z) - self.low) / (self.high - self.low)
        return (1 - _BOTTOM - (1 - _TOP - _BOTTOM) * share) * self.size[1]

    def fill(
        self, draw: ImageDraw.ImageDraw, upper: NDArray[np.float64], lower: NDArray[np.float64], rgb: Rgb
    ) -> None:
        """Fill between two lines wherever both are known and the upper one is above."""
        for part in _stretches(np.isfinite(upper) & np.isfinite(lower) & (upper > lower - 1e-9)):
            x = self.x(self.along[part])
            top, bottom = self.y(upper[part]), self.y(lower[part])
            ring = np.concatenate([np.column_stack([x, top]), np.column_stack([x, bottom])[::-1]]) * _FINE
            if len(ring) >= 4:
                draw.polygon([tuple(p) for p in ring], fill=rgb)

    def line(self, draw: ImageDraw.ImageDraw, z: NDArray[np.float64], rgb: Rgb) -> None:
        for part in _stretches(np.isfinite(z)):
            points = np.column_stack([self.x(self.along[part]), self.y(z[part])]) * _FINE
            if len(points) > 1:
                draw.line([tuple(p) for p in points], fill=rgb, width=round(1.6 * _FINE), joint="curve")

    def ticks(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Ways and elevations that the axes name."""
        step, lowest = nice_length(self.total / 5), np.ceil(self.low / self.step) * self.step
        return np.arange(0, self.total + 1e-6, step), np.arange(lowest, self.high + 1e-6, self.step)

    def grid(self, draw: ImageDraw.ImageDraw, rgb: Rgb) -> None:
        left, right = self.x(np.array([0, self.total])) * _FINE
        upper, lower = self.y(np.array([self.high, self.low])) * _FINE
        ways, heights = self.ticks()
        for y in self.y(heights) * _FINE:
            draw.line([(left, y), (right, y)], fill=rgb, width=_FINE)
        for x in self.x(ways) * _FINE:
            draw.line([(x, upper), (x, lower)], fill=rgb, width=_FINE)

    def write(self, image: Image.Image, title: str, ink: Rgb) -> None:
        letters = max(10, round(self.size[1] / 30))
        ways, heights = self.ticks()
        bottom = self.y(np.array([self.low]))[0]
        for way, x in zip(ways, self.x(ways), strict=True):
            _put(image, f"{way:g} m", (x, bottom + 0.6 * letters), letters, ink, align=0.5)
        for height, y in zip(heights, self.y(heights), strict=True):
            _put(
                image,
                f"{height + 0.0:g} m",  # no minus before 0
                (self.x(np.zeros(1))[0] - 0.6 * letters, y - 0.8 * letters),
                letters,
                ink,
                align=1.0,
            )
        if title:
            _put(image, title, (self.x(np.zeros(1))[0], 0.7 * letters), round(1.35 * letters), ink, bold=True)


def _put(
    image: Image.Image,
    text: str,
    at: tuple[float, float],
    letters: int,
    ink: Rgb,
    *,
    align: float = 0.0,
    bold: bool = False,
) -> None:
    """Write a line of text; `align` is the share of its width that stands left of the place."""
    runs = split_runs(text, letters, bold=bold)
    width, _ = text_size(runs)
    draw_text(image, (round(at[0] - align * width), round(at[1])), runs, ink)


def _stretches(mask: NDArray[np.bool_]) -> list[slice]:
    """Stretches of consecutive true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
