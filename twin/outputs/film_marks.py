"""What a film lays over its pictures: captions, titles, a logo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image, UnidentifiedImageError

from twin.core.errors import InputError, InputNotFoundError, LimitError
from twin.scene.furniture import Patch, panel, text_patch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from twin.outputs.captions import Shown
    from twin.scene.furniture import Sheet

_MAX_LOGO_PIXELS = 16_000_000
_LOGO_HEIGHT, _LOGO_WIDTH = 64, 280
_WIDEST = 0.66
"""Share of the picture's width that a caption may take."""
_LOOKS = {"caption": (25.0, 17.0, False), "title": (58.0, 34.0, True)}
"""Size of the letters, padding of the panel, and whether they are bold, layout units."""


def caption_patches(sheet: Sheet, shown: Sequence[Shown]) -> list[Patch]:
    """Captions at the foot of the picture, titles in its middle, lines broken where they grow too wide."""
    patches = []
    for caption in shown:
        size, pad, bold = _LOOKS[caption.kind]
        lines = [
            text_patch(sheet, line, size=size, bold=bold)
            for line in broken(sheet, caption.text, size, bold=bold)
        ]
        image = _stacked(sheet, lines, pad)
        image.putalpha(image.getchannel("A").point([round(v * caption.alpha) for v in range(256)]))
        x = (sheet.size[0] - image.width) // 2
        middle = 0.44 * sheet.size[1] - image.height / 2
        y = middle if caption.kind == "title" else sheet.size[1] - sheet.px(58) - image.height
        patches.append(Patch(x, round(y), image))
    return patches


def broken(sheet: Sheet, text: str, size: float, *, bold: bool) -> list[str]:
    """A text in lines that fit; broken at spaces, and within words that are wider than a line."""
    widest = _WIDEST * sheet.size[0]
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if not line or _width(sheet, longer, size, bold) <= widest:
                line = longer
            else:
                lines.append(line)
                line = word
            while _width(sheet, line, size, bold) > widest and len(line) > 1:
                cut = _longest_start(sheet, line, size, widest, bold)
                lines.append(line[:cut])
                line = line[cut:]
        lines.append(line)
    return lines


def _longest_start(sheet: Sheet, word: str, size: float, widest: float, bold: bool) -> int:
    low, high = 1, len(word)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if _width(sheet, word[:middle], size, bold) <= widest else (low, middle - 1)
        )
    return low


def _width(sheet: Sheet, text: str, size: float, bold: bool) -> int:
    return text_patch(sheet, text, size=size, bold=bold).image.width


def _stacked(sheet: Sheet, lines: Sequence[Patch], pad: float) -> Image.Image:
    edge = sheet.px(pad)
    width = max(line.image.width for line in lines) + 2 * edge
    height = sum(line.image.height for line in lines) + 2 * round(edge * 0.7)
    image = panel(sheet, width, height)
    y = round(edge * 0.7)
    for line in lines:
        image.alpha_composite(line.image, ((width - line.image.width) // 2, y))
        y += line.image.height
    return image


def read_logo(path: Path) -> Image.Image:
    """A logo as RGBA.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    LimitError
        If it promises more pixels than any logo has.
    InputError
        If it is no PNG, or a damaged one.
    """
    if not path.is_file():
        raise InputNotFoundError(path, "there is no such picture", "check the path")
    try:
        with Image.open(path, formats=["PNG"]) as image:
            if image.width * image.height > _MAX_LOGO_PIXELS:
                what = f"asks for {image.width} x {image.height} pixels, the limit is {_MAX_LOGO_PIXELS:,}"
                raise LimitError(path, what, "make it smaller")
            return image.convert("RGBA")
    except LimitError:
        raise
    except Image.DecompressionBombError as error:
        raise LimitError(
            path, "asks for too many pixels, the limit is 16,000,000", "make it smaller"
        ) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise InputError(path, f"is no PNG picture ({str(error)[:120]})", "save it as PNG") from error


def logo_patch(sheet: Sheet, logo: Image.Image) -> Patch:
    """A logo in the lower right corner, above the sources."""
    most: tuple[Any, Any] = (sheet.px(_LOGO_WIDTH), sheet.px(_LOGO_HEIGHT))
    share = min(most[0] / logo.width, most[1] / logo.height)
    size = max(1, round(logo.width * share)), max(1, round(logo.height * share))
    small = logo.resize(size, Image.Resampling.LANCZOS)
    return Patch(sheet.size[0] - sheet.px(28) - size[0], sheet.size[1] - sheet.px(48) - size[1], small)
