"""Fonts of this machine that can write a text, whatever its script."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twin.core.notices import Notices
    from twin.scene.style import Rgb

_REGULAR = (
    "NotoSans-Regular.ttf",
    "OpenSans-Regular.ttf",
    "Inter-Regular.ttf",
    "segoeui.ttf",
    "Arial.ttf",
    "arial.ttf",
    "HelveticaNeue.ttc",
    "NotoSansCJK-Regular.ttc",
    "LiberationSans-Regular.ttf",
    "DejaVuSans.ttf",
)
_BOLD = (
    "NotoSans-Bold.ttf",
    "OpenSans-Bold.ttf",
    "Inter-Bold.ttf",
    "segoeuib.ttf",
    "Arial Bold.ttf",
    "arialbd.ttf",
    "NotoSansCJK-Bold.ttc",
    "LiberationSans-Bold.ttf",
    "DejaVuSans-Bold.ttf",
)
# Korean first: index 1 of Noto's collection is its Korean face, which writes all of CJK.
_WIDE = (
    ("NotoSansCJK-{weight}.ttc", 1),
    ("NotoSansKR-{weight}.otf", 0),
    ("NotoSansCJKkr-{weight}.otf", 0),
    ("SourceHanSansK-{weight}.otf", 0),
    ("AppleSDGothicNeo.ttc", 0),
    ("malgun.ttf", 0),
    ("NanumGothic.ttf", 0),
    ("UnBatang.ttf", 0),
    ("PingFang.ttc", 0),
    ("msyh.ttc", 0),
    ("YuGothM.ttc", 0),
    ("wqy-zenhei.ttc", 0),
)
_OTHERS = (
    "Arial Unicode.ttf",
    "ArialUni.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "DejaVuSans.ttf",
    "FreeSans.ttf",
    "unifont.ttf",
    "NotoSansSymbols2-Regular.ttf",
)
_WIDE_FROM = 0x1100
_TRIED_PX = 16


def font_folders() -> tuple[Path, ...]:
    """Where fonts lie on this operating system."""
    home = Path.home()
    if sys.platform == "win32":
        windows, local = os.environ.get("WINDIR", r"C:\Windows"), os.environ.get("LOCALAPPDATA", "")
        return (Path(windows, "Fonts"), *([Path(local, "Microsoft", "Windows", "Fonts")] if local else []))
    if sys.platform == "darwin":
        return Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"
    shared = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
    return (*shared, home / ".local" / "share" / "fonts", home / ".fonts")


@cache
def _font_files() -> dict[str, Path]:
    """Every font file by its name; where two share a name, the first by path."""
    found: dict[str, Path] = {}
    for folder in font_folders():
        if not folder.is_dir():
            continue
        for place, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                if name.lower().endswith((".ttf", ".otf", ".ttc")):
                    found.setdefault(name, Path(place, name))
    return found


@lru_cache(maxsize=256)
def _open(path: Path, index: int, size: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(path, size, index=index)
    except OSError:
        return None


def _candidates(size: int, *, bold: bool, wide: bool) -> Iterator[ImageFont.FreeTypeFont]:
    """Fonts in order of preference, opened one by one."""
    files = _font_files()
    weight = "Bold" if bold else "Regular"
    narrow_names = [(n, int("CJK" in n)) for n in (*(_BOLD if bold else ()), *_REGULAR)]
    wide_names = [(n.format(weight=weight), i) for n, i in _WIDE]
    others = [(n, 0) for n in _OTHERS]
    ordered = wide_names + narrow_names + others if wide else narrow_names + others + wide_names
    for name, index in ordered:
        font = _open(files[name], index, size) if name in files else None
        if font:
            yield font


@lru_cache(maxsize=64)
def _plain(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    """The font for Latin text; Pillow's own where the machine has none."""
    first = next(_candidates(size, bold=bold, wide=False), None)
    if first:
        return first
    built_in = ImageFont.load_default(size)
    if not isinstance(built_in, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return built_in


@lru_cache(maxsize=256)
def _small(font: ImageFont.FreeTypeFont) -> ImageFont.FreeTypeFont:
    """The same face in a size that is quick to try out, the same one for a file in any size."""
    if isinstance(font.path, str | Path):
        return _open(Path(font.path), font.index, _TRIED_PX) or font
    return font.font_variant(size=_TRIED_PX)


@lru_cache(maxsize=64)
def _unknown(small: ImageFont.FreeTypeFont) -> tuple[tuple[int, int], bytes]:
    """The box that a face shows for what it cannot write."""
    shape = small.getmask("\U0010fffe")
    return shape.size, bytes(shape)


def _writes(font: ImageFont.FreeTypeFont, character: str) -> bool:
    """Whether a font has a shape of its own for a character, and not its box for unknown ones."""
    return character.isspace() or _face_writes(_small(font), character)


@lru_cache(maxsize=8192)
def _face_writes(small: ImageFont.FreeTypeFont, character: str) -> bool:
    shape = small.getmask(character)
    return (shape.size, bytes(shape)) != _unknown(small) and shape.getbbox() is not None


@lru_cache(maxsize=4096)
def _font_for(character: str, size: int, bold: bool) -> ImageFont.FreeTypeFont | None:
    plain = _plain(size, bold)
    if _writes(plain, character):
        return plain
    wide = ord(character) >= _WIDE_FROM
    return next((f for f in _candidates(size, bold=bold, wide=wide) if _writes(f, character)), None)


@dataclass(frozen=True, slots=True)
class Run:
    """Characters that one font writes."""

    text: str
    font: ImageFont.FreeTypeFont


def split_runs(
    text: str, size: int, *, bold: bool = False, notices: Notices | None = None
) -> tuple[Run, ...]:
    """A text cut where the font must change.

    Parameters
    ----------
    text : str
    size : int
        Height of the letters, pixels.
    bold : bool
        Weight, where the machine has it.
    notices : Notices, optional
        Told of characters that no font here writes, and what to install.
    """
    runs: list[Run] = []
    for character in text:
        if not character.isprintable() and character != " ":
            continue
        font = _font_for(character, size, bold)
        if font is None:
            _tell_missing(character, notices)
            font = _plain(size, bold)
        elif runs and character.isspace():
            font = runs[-1].font
        if runs and runs[-1].font is font:
            runs[-1] = Run(runs[-1].text + character, font)
        else:
            runs.append(Run(character, font))
    return tuple(runs)


def _tell_missing(character: str, notices: Notices | None) -> None:
    if notices is None:
        return
    wide = (
        0x1100 <= ord(character) <= 0x11FF
        or 0x2E80 <= ord(character) <= 0xD7FF
        or 0xF900 <= ord(character) <= 0xFAFF
    )
    package = "fonts-noto-cjk" if wide else "fonts-noto-core"
    message = f"no font here writes {character!r} (U+{ord(character):04X}); install one (Debian: {package})"
    notices.add("font-missing", message, subject=character)


def can_write(text: str) -> bool:
    """Whether this machine has a font for every character.

    Examples
    --------
    >>> can_write("Delft")
    True
    """
    return all(_font_for(c, 16, False) is not None for c in text if c.isprintable())


def font_for(text: str) -> Path | None:
    """The file of a font that writes a whole text, or None.

    Examples
    --------
    >>> font_for("\U0010fffd") is None
    True
    """
    wide = any(ord(c) >= _WIDE_FROM for c in text)
    for font in _candidates(16, bold=False, wide=wide):
        if all(_writes(font, c) for c in text):
            return Path(str(font.path))
    return None


def text_size(runs: tuple[Run, ...]) -> tuple[int, int]:
    """Width and height of a line of text, pixels; the height is the same for any letters of these fonts."""
    width = sum(run.font.getlength(run.text) for run in runs)
    heights = [sum(run.font.getmetrics()) for run in runs]
    return round(width), max(heights, default=0)


def draw_text(
    image: Image.Image,
    corner: tuple[float, float],
    runs: tuple[Run, ...],
    colour: Rgb,
    *,
    halo: Rgb | None = None,
    halo_px: int = 0,
) -> None:
    """Write a line with its upper left corner at `corner`, on a common base line, with a halo if asked for."""
    draw = ImageDraw.Draw(image)
    ascent = max((run.font.getmetrics()[0] for run in runs), default=0)
    for outline in (True, False):
        x = corner[0]
        if outline and (halo is None or not halo_px):
            continue
        for run in runs:
            place = (x, corner[1] + ascent)
            if outline and halo is not None:
                draw.text(
                    place,
                    run.text,
                    fill=halo,
                    font=run.font,
                    anchor="ls",
                    stroke_width=halo_px,
                    stroke_fill=halo,
                )
            else:
                draw.text(place, run.text, fill=colour, font=run.font, anchor="ls")
            x += run.font.getlength(run.text)
