"""Furniture that tells of the ground: how long a metre is in the picture, and where north lies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from twin.scene.camera import metres_per_pixel
from twin.scene.furniture import Patch, Sheet, text_patch
from twin.scene.wording import worded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.camera import Camera

_SMOOTH = 4
_LEAST_TILT = 0.6


def nice_length(longest_m: float) -> float:
    """The longest of 1, 2 or 5 times a power of ten that is not longer.

    Examples
    --------
    >>> [nice_length(x) for x in (1.0, 7.9, 340.0)]
    [1.0, 5.0, 200.0]
    """
    power = 10.0 ** math.floor(math.log10(longest_m))
    return max(f * power for f in (1.0, 2.0, 5.0) if f * power <= longest_m * (1 + 1e-9))


def scale_patch(sheet: Sheet, camera: Camera, *, language: str = "en") -> Patch:
    """A scale bar in the lower left corner; with perspective it holds at the middle of the picture, and says so."""
    per_pixel = metres_per_pixel(camera, sheet.size[1])
    length = nice_length(per_pixel * 220 * sheet.unit)
    bar_px = round(length / per_pixel)
    unit, factor = ("km", 1000.0) if length >= 2000 else ("m", 1.0)
    texts = [f"{0}", f"{length / 2 / factor:g}", f"{length / factor:g} {unit}"]
    labels = [text_patch(sheet, t, size=14, halo=2) for t in texts]
    note = (
        None
        if camera.parallel_height_m
        else text_patch(
            sheet, worded("at the middle of the picture", language), size=12, colour="text.muted", halo=2
        )
    )
    side, bar = sheet.px(40), sheet.px(6)
    top = labels[0].image.height
    height = top + bar + sheet.px(6) + (note.image.height if note else 0)
    width = bar_px + 2 * side
    if note:
        width = max(width, side + note.image.width)
    image = Image.new("RGBA", (width, height), (*sheet.style.rgb("text.halo"), 0))
    for i, label in enumerate(labels):
        x = side + round(bar_px * i / 2) - label.image.width // 2
        image.alpha_composite(label.image, (max(0, x), 0))
    ink, paper = sheet.style.rgb("text.colour"), sheet.style.rgb("text.halo")
    draw = ImageDraw.Draw(image)
    draw.rectangle((side - 1, top, side + bar_px, top + bar + 1), fill=(*ink, 255))
    draw.rectangle((side + bar_px // 2, top + 1, side + bar_px - 1, top + bar), fill=(*paper, 255))
    if note:
        image.alpha_composite(note.image, (side - sheet.px(2), top + bar + sheet.px(4)))
    return Patch(sheet.px(34) - side, sheet.size[1] - sheet.px(28) - height, image)


def north_patch(sheet: Sheet, camera: Camera, *, convergence_deg: float) -> Patch:
    """A compass rose in the upper right corner, lying on the ground as the camera sees it; it shows true north.

    Parameters
    ----------
    convergence_deg : float
        Angle of grid north clockwise from true north.
    """
    radius = 34 * sheet.unit * _SMOOTH
    half = math.ceil(radius * 1.55)
    image = Image.new("RGBA", (2 * half, 2 * half), (*sheet.style.rgb("text.halo"), 0))
    draw = ImageDraw.Draw(image)
    flat = _ground_axes(camera, convergence_deg)
    ink, paper = sheet.style.rgb("text.colour"), sheet.style.rgb("text.halo")

    def at(east: float, north: float) -> tuple[float, float]:
        x, y = flat @ (east, north)
        return half + radius * x, half - radius * y

    circle = [at(math.sin(a), math.cos(a)) for a in np.linspace(0, 2 * math.pi, 72)]
    draw.polygon(circle, fill=(*sheet.style.rgb("text.panel"), 150))
    draw.line(circle, fill=(*ink, 200), width=max(1, round(1.4 * sheet.unit * _SMOOTH)))
    draw.polygon([at(0, 0.86), at(0.30, -0.52), at(0, -0.26)], fill=(*ink, 255))
    draw.polygon([at(0, 0.86), at(-0.30, -0.52), at(0, -0.26)], fill=(*paper, 255))
    outline = [at(0, 0.86), at(0.30, -0.52), at(0, -0.26), at(-0.30, -0.52), at(0, 0.86)]
    draw.line(outline, fill=(*ink, 255), width=max(1, round(1.1 * sheet.unit * _SMOOTH)), joint="curve")
    letter = text_patch(sheet, "N", size=16, bold=True, halo=2)
    image = image.reduce(_SMOOTH)
    x, y = (v / _SMOOTH for v in at(0, 1.33))
    image.alpha_composite(
        letter.image,
        (
            min(max(0, round(x - letter.image.width / 2)), image.width - letter.image.width),
            min(max(0, round(y - letter.image.height / 2)), image.height - letter.image.height),
        ),
    )
    return Patch(sheet.size[0] - sheet.px(22) - image.width, sheet.px(16), image)


def _ground_axes(camera: Camera, convergence_deg: float) -> NDArray[np.float64]:
    """Matrix from true east and north on the ground to right and up in the picture, without perspective."""
    right, up, _ = camera.axes
    turn = math.radians(-convergence_deg)
    east = np.array([math.cos(turn), -math.sin(turn), 0.0])
    north = np.array([math.sin(turn), math.cos(turn), 0.0])
    axes = np.array([[east @ right, north @ right], [east @ up, north @ up]])
    # From the height of the eyes the rose would be a line: tilt it up so far that it can be read.
    squeeze = float(np.linalg.norm(axes[1]))
    if squeeze < _LEAST_TILT:
        axes[1] *= _LEAST_TILT / max(squeeze, 1e-6)
    return axes
