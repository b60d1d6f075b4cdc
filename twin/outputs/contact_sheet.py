"""All pictures of a batch on one, small, with their names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PIL import Image

from twin.core.files import atomic_path
from twin.scene.furniture import Sheet, text_patch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from twin.scene.style import Style

_WIDTH, _HEIGHT, _GAP, _TEXT = 384, 216, 16, 30
_MOST_ROWS = 25
_MOST_COLUMNS = 8


def columns_of(n: int) -> int:
    """How many pictures stand side by side.

    Examples
    --------
    >>> [columns_of(n) for n in (1, 4, 9, 100)]
    [1, 2, 3, 8]
    """
    return min(_MOST_COLUMNS, max(1, math.ceil(math.sqrt(n))))


def write_contact_sheets(pictures: Sequence[Path], out: Path, style: Style) -> list[Path]:
    """Sheets with all pictures, in their order; more than one where they are many.

    Raises
    ------
    StorageError
        If one cannot be written.
    """
    columns = columns_of(len(pictures))
    each = columns * _MOST_ROWS
    parts = [pictures[i : i + each] for i in range(0, len(pictures), each)]
    paths = [out if i == 0 else out.with_name(f"{out.stem}-{i + 1}{out.suffix}") for i in range(len(parts))]
    for part, path in zip(parts, paths, strict=True):
        with atomic_path(path) as temporary:
            _sheet(part, columns, style).save(temporary, format="PNG", compress_level=6)
    return paths


def _sheet(pictures: Sequence[Path], columns: int, style: Style) -> Image.Image:
    rows = math.ceil(len(pictures) / columns)
    size = columns * (_WIDTH + _GAP) + _GAP, rows * (_HEIGHT + _TEXT + _GAP) + _GAP
    sheet = Image.new("RGB", size, style.rgb("sky.horizon"))
    for i, path in enumerate(pictures):
        x = _GAP + (i % columns) * (_WIDTH + _GAP)
        y = _GAP + (i // columns) * (_HEIGHT + _TEXT + _GAP)
        small = _thumbnail(path)
        sheet.paste(small, (x + (_WIDTH - small.width) // 2, y + (_HEIGHT - small.height) // 2))
        name = _name(path.stem, style)
        sheet.paste(name, (x, y + _HEIGHT + 4), name)
    return sheet


def _thumbnail(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.draft("RGB", (_WIDTH, _HEIGHT))
        return image.convert("RGB").resize(_fitting(image.size), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    share = min(_WIDTH / size[0], _HEIGHT / size[1])
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def _name(text: str, style: Style) -> Image.Image:
    """A name in a line that fits under its picture; the end of a long one tells it from others."""
    sheet = Sheet((1600, 900), style)
    image = text_patch(sheet, text, size=15).image
    while image.width > _WIDTH and len(text) > 4:
        text = f"…{text[2:]}" if text.startswith("…") else f"…{text[1:]}"
        image = text_patch(sheet, text, size=15).image
    return image
