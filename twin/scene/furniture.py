"""What stands around a picture: title, legend, scale, north, sources. Drawn flat, so that a window shares it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from twin.core.visible_text import visible_text
from twin.scene.camera import project
from twin.scene.fonts import draw_text, split_runs, text_size

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from numpy.typing import NDArray

    from twin.core.notices import Notices
    from twin.scene.camera import Camera
    from twin.scene.colour import Legend, LegendEntry
    from twin.scene.style import Rgb, Style

_BELOW_ROSE = 132
_ABOVE_SOURCES = 46
_BETWEEN_PANELS = 10
_SMOOTH = 4
"""Shapes are drawn this much larger and averaged; Pillow's own edges are rough."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A small picture with its place in the large one.

    Parameters
    ----------
    x, y : int
        Upper left corner, pixels; may lie outside.
    image : PIL.Image
        RGBA.
    """

    x: int
    y: int
    image: Image.Image

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, upper, right and lower edge."""
        return self.x, self.y, self.x + self.image.width, self.y + self.image.height


@dataclass(frozen=True, slots=True)
class Sheet:
    """The picture that furniture is laid out for.

    Parameters
    ----------
    size : tuple of int
        Width and height, pixels.
    style : Style
    notices : Notices, optional
        Told of letters that cannot be written.
    scale : float
        Makes what is laid out smaller, where much has to fit.
    """

    size: tuple[int, int]
    style: Style
    notices: Notices | None = None
    scale: float = 1.0

    @property
    def unit(self) -> float:
        """Pixels per layout unit: 1 in a picture of 1600 x 900, more in larger ones.

        Smaller pictures are looked at from nearer, and letters do not shrink as fast as they do.
        """
        return self.scale * unit_of_size(self.size)

    def px(self, units: float) -> int:
        """Layout units as whole pixels, at least 1."""
        return max(1, round(units * self.unit))


def unit_of_size(size: tuple[float, float]) -> float:
    """Pixels per layout unit in a picture of this width and height.

    Examples
    --------
    >>> unit_of_size((3200, 1800)), round(unit_of_size((800, 450)), 2)
    (2.0, 0.66)
    """
    share = min(size[0] / 1600, size[1] / 900)
    return share if share >= 1 else max(0.4, share**0.6)


def compose(picture: NDArray[np.uint8], patches: Sequence[Patch]) -> NDArray[np.uint8]:
    """Lay patches over a picture, in place; what sticks out is cut off.

    Parameters
    ----------
    picture : array, shape (height, width, 3)
        uint8; changed.
    """
    height, width = picture.shape[:2]
    for patch in patches:
        x0, y0, x1, y1 = patch.box
        left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
        if left >= right or top >= bottom:
            continue
        under = Image.fromarray(picture[top:bottom, left:right])
        under.paste(patch.image, (x0 - left, y0 - top), patch.image)
        picture[top:bottom, left:right] = np.asarray(under)
    return picture


def text_patch(
    sheet: Sheet,
    text: str,
    *,
    size: float,
    colour: str = "text.colour",
    bold: bool = False,
    halo: float = 0.0,
) -> Patch:
    """A line of text as a patch at (0, 0); what does not show as itself is written out.

    Parameters
    ----------
    size, halo : float
        Height of the letters and width of the rim around them, layout units.
    colour : str
        Key of the style.
    """
    text = visible_text(text)
    if sheet.notices is not None and not text.isascii():
        split_runs(text, sheet.px(size), bold=bold, notices=sheet.notices)
    rim = sheet.px(halo) if halo else 0
    ink, paper = sheet.style.rgb(colour), sheet.style.rgb("text.halo")
    return Patch(0, 0, _written(text, sheet.px(size), bold, ink, paper, rim))


@lru_cache(maxsize=1024)
def _written(text: str, size_px: int, bold: bool, ink: Rgb, paper: Rgb, rim: int) -> Image.Image:  # noqa: PLR0917
    """A line of text, written once: a window lays the same names over frame after frame. Not to be drawn into."""
    runs = split_runs(text, size_px, bold=bold)
    width, height = text_size(runs)
    image = Image.new("RGBA", (width + 2 * rim + 2, height + 2 * rim + 2), (*paper, 0))
    draw_text(image, (rim + 1, rim + 1), runs, ink, halo=paper if rim else None, halo_px=rim)
    return image


def moved(patch: Patch, x: float, y: float) -> Patch:
    """The patch with its upper left corner elsewhere."""
    return Patch(round(x), round(y), patch.image)


class Drawn:
    """Pictures that were drawn last, by all that decides how they look: a window asks for the same ones again and
    again.

    Parameters
    ----------
    most : int
        Kept at most.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[tuple[Any, ...], tuple[Image.Image, Style]] = {}
        self._lock = Lock()

    def get(self, sheet: Sheet, asked: tuple[Hashable, ...], draw: Callable[[], Image.Image]) -> Image.Image:
        """The picture for what is asked, drawn if need be; not to be drawn into."""
        key = (id(sheet.style), sheet.size, sheet.scale, *asked)
        kept = self._kept.get(key)
        if kept is not None:
            return kept[0]
        told = 0 if sheet.notices is None else len(sheet.notices.items)
        made = draw()
        if sheet.notices is None or len(sheet.notices.items) == told:
            # What must be told is told with every picture.
            with self._lock:  # a window has texts written in threads, too
                while len(self._kept) >= self._most:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[key] = made, sheet.style
        return made


def panel(sheet: Sheet, width: int, height: int) -> Image.Image:
    """A rounded, half clear panel to write on."""
    alpha = round(255 * sheet.style.numbers["text.panel_alpha"])
    return _panel(width, height, sheet.px(7), alpha, sheet.style.rgb("text.panel")).copy()


@lru_cache(maxsize=64)
def _panel(width: int, height: int, radius: int, alpha: int, rgb: Rgb) -> Image.Image:
    mask = Image.new("L", (width * _SMOOTH, height * _SMOOTH))
    corners = (0, 0, mask.width - 1, mask.height - 1)
    ImageDraw.Draw(mask).rounded_rectangle(corners, radius * _SMOOTH, fill=alpha)
    image = Image.new("RGBA", (width, height), (*rgb, 0))
    image.putalpha(mask.reduce(_SMOOTH))
    return image


_LEGENDS = Drawn(32)


def title_patches(sheet: Sheet, title: str, subtitle: str) -> list[Patch]:
    """Title and subtitle in the upper left corner."""
    margin = sheet.px(34)
    y = float(sheet.px(26))
    patches = []
    for text, size, colour, bold in (
        (title, 34, "text.colour", True),
        (subtitle, 17, "text.muted", False),
    ):
        if text:
            patch = text_patch(sheet, text, size=size, colour=colour, bold=bold, halo=2.5)
            patches.append(moved(patch, margin - sheet.px(2.5), y))
            y += patch.image.height - sheet.px(7)
    return patches


def legend_patches(sheet: Sheet, panels: Sequence[Sequence[Legend]]) -> list[Patch]:
    """Panels of legends one below the other, below the compass rose, where the far side of a city leaves the picture
    empty, smaller where they would reach into the sources below; none for panels without entries.
    """
    shown = [[legend for legend in legends if legend.entries] for legends in panels]
    shown = [legends for legends in shown if legends]
    if not shown:
        return []
    top, margin = sheet.px(_BELOW_ROSE), sheet.px(28)
    sheet = _fitting(sheet, shown)
    patches = []
    for legends in shown:
        asked = tuple(legends)
        image = _LEGENDS.get(sheet, asked, partial(_legend_panel, sheet, asked))
        patches.append(Patch(sheet.size[0] - margin - image.width, top, image))
        top += image.height + sheet.px(_BETWEEN_PANELS)
    return patches


def _legend_panel(sheet: Sheet, legends: Sequence[Legend]) -> Image.Image:
    """Legends one above the other on a panel."""
    pad, row, swatch = sheet.px(14), sheet.px(21), sheet.px(20)
    lines: list[tuple[Patch, LegendEntry | None]] = []
    for legend in legends:
        if legend.title:
            lines.append((text_patch(sheet, legend.title, size=14.5, bold=True), None))
        lines += [(text_patch(sheet, entry.text, size=13), entry) for entry in legend.entries]
    width = 2 * pad + max(
        patch.image.width + (swatch + sheet.px(9) if entry else 0) for patch, entry in lines
    )
    gaps = sheet.px(8) * (len(legends) - 1)
    image = panel(sheet, width, 2 * pad + row * len(lines) + gaps - sheet.px(4))
    y = pad
    for i, (patch, entry) in enumerate(lines):
        if entry is None and i:
            y += sheet.px(8)
        x = pad
        if entry is not None:
            mark = _swatch(sheet, entry, (swatch, sheet.px(12)))
            image.alpha_composite(mark, (x, y + (row - sheet.px(4) - mark.height) // 2))
            x += swatch + sheet.px(9)
        image.alpha_composite(patch.image, (x, y + (row - sheet.px(4) - patch.image.height) // 2))
        y += row
    return image


def _fitting(sheet: Sheet, panels: Sequence[Sequence[Legend]]) -> Sheet:
    """The sheet in a scale in which all legends find room below the rose, down to half."""
    needed = float(_BETWEEN_PANELS * (len(panels) - 1))
    for legends in panels:
        rows = sum(len(legend.entries) + bool(legend.title) for legend in legends)
        needed += 24 + 21 * rows + 8 * (len(legends) - 1)
    room = sheet.size[1] / sheet.unit - _BELOW_ROSE - _ABOVE_SOURCES
    if needed <= room:
        return sheet
    # A little less, since rows are whole pixels.
    return replace(sheet, scale=sheet.scale * max(0.5, 0.96 * room / needed))


def _swatch(sheet: Sheet, entry: LegendEntry, size: tuple[int, int]) -> Image.Image:
    width, height = size[0] * _SMOOTH, size[1] * _SMOOTH
    image = Image.new("RGBA", (width, height), (*entry.rgb, 0))
    draw = ImageDraw.Draw(image)
    rim = tuple(round(c * 0.72) for c in entry.rgb)
    if entry.kind == "line":
        draw.line((0, height / 2, width, height / 2), fill=(*entry.rgb, 255), width=sheet.px(4) * _SMOOTH)
    elif entry.kind == "point":
        r = height * 0.42
        draw.ellipse(
            (width / 2 - r, height / 2 - r, width / 2 + r, height / 2 + r),
            fill=(*entry.rgb, 255),
            outline=(*rim, 255),
            width=_SMOOTH,
        )
    else:
        draw.rounded_rectangle(
            (0, 0, width - 1, height - 1),
            sheet.px(3) * _SMOOTH,
            fill=(*entry.rgb, 255),
            outline=(*rim, 255),
            width=_SMOOTH,
        )
    return image.reduce(_SMOOTH)


def attribution_patch(sheet: Sheet, lines: Sequence[str]) -> Patch | None:
    """Whom the data come from, small in the lower right corner."""
    text = " · ".join(line for line in lines if line)
    if not text:
        return None
    patch = text_patch(sheet, text, size=12.5, colour="text.muted", halo=2)
    widest = sheet.size[0] - sheet.px(60)
    while patch.image.width > widest and len(text) > 8:
        text = text[: min(int(len(text) * 0.9), len(text) - 2)].rstrip(" ·…") + "…"
        patch = text_patch(sheet, text, size=12.5, colour="text.muted", halo=2)
    return moved(
        patch,
        sheet.size[0] - sheet.px(28) - patch.image.width,
        sheet.size[1] - sheet.px(16) - patch.image.height,
    )


def point_patches(sheet: Sheet, camera: Camera, points: NDArray[np.floating], rgb: Rgb) -> list[Patch]:
    """A round mark for each point that lies in the picture, far ones first and a little smaller."""
    places = project(camera, points, sheet.size)
    inside = (places[:, 2] > 0.1) & (places[:, 0] > 0) & (places[:, 0] < sheet.size[0])
    inside &= (places[:, 1] > 0) & (places[:, 1] < sheet.size[1])
    places = places[inside]
    if not len(places):
        return []
    nearest = float(places[:, 2].min())
    patches = []
    for x, y, depth in places[np.argsort(-places[:, 2], kind="stable")]:
        size = 13 if camera.parallel_height_m else 9 + 5 * math.sqrt(nearest / depth)
        mark = disc(sheet, round(size * 2) / 2, rgb)
        patches.append(Patch(round(x - mark.width / 2), round(y - mark.height / 2), mark))
    return patches


def disc(sheet: Sheet, diameter: float, rgb: Rgb) -> Image.Image:
    """A round mark with a light rim."""
    side = sheet.px(diameter) + 4
    image = Image.new("RGBA", (side * _SMOOTH, side * _SMOOTH), (*sheet.style.rgb("text.halo"), 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((0, 0, image.width - 1, image.height - 1), fill=(*sheet.style.rgb("text.halo"), 235))
    rim = 2 * _SMOOTH
    draw.ellipse((rim, rim, image.width - 1 - rim, image.height - 1 - rim), fill=(*rgb, 255))
    return image.reduce(_SMOOTH)
