"""What people put over a city: measured lines and areas, notes at their places; alike in window and picture.

Everything lies flat over the picture as patches, as titles and legends do. A line is drawn by the distance of each
pixel from it, in small tiles along its way: smooth at any density, and quick enough for every frame of a window.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from twin.scene.camera import project
from twin.scene.furniture import Patch, disc, panel, text_patch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from twin.scene.camera import Camera
    from twin.scene.furniture import Sheet
    from twin.scene.style import Rgb

    Place = tuple[float, float, float]
    Segment = tuple[float, float, float, float]

LINE, RIM, DOT = 2.5, 1.2, 11.0
_RIM_ALPHA, _FILL_ALPHA = 0.82, 60
_TILE = 64
_NEAR_M = 0.1
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Sketch:
    """One thing over the picture.

    Parameters
    ----------
    places : tuple of (x, y, z)
        Map coordinates; a single one is a pin.
    rgb : tuple of int
    text : str
        Beside the last place; hostile text is drawn as text.
    is_area : bool
        Whether the line is closed and what it encloses is tinted.
    """

    places: tuple[Place, ...]
    rgb: Rgb
    text: str = ""
    is_area: bool = False


def sketch_patches(
    sheet: Sheet, camera: Camera, origin: Sequence[float], sketches: Iterable[Sketch]
) -> tuple[list[Patch], list[Patch]]:
    """Sketches as patches for a picture from a camera: figures, areas lowest, and the texts that lie over them.

    Parameters
    ----------
    sheet : Sheet
    camera : Camera
        In local metres.
    origin : sequence of float
        Of local coordinates.
    sketches : iterable of Sketch
    """
    layers: tuple[list[Patch], ...] = ([], [], [], [])
    for sketch in sketches:
        local = np.asarray(sketch.places, np.float64).reshape(-1, 3) - np.asarray(origin, np.float64)
        found = project(camera, local, sheet.size)
        closed = sketch.is_area and len(local) > 2
        if closed:
            layers[0].extend(_fill(sheet, camera, local, sketch.rgb))
        segments = _segments(sheet, camera, local, closed=closed)
        layers[1].extend(line_patches(sheet, segments, sketch.rgb))
        layers[2].extend(_dots(sheet, found, sketch.rgb))
        layers[3].extend(_text(sheet, found[-1], sketch.text))
    *figures, texts = layers
    return [patch for layer in figures for patch in layer], texts


def _segments(sheet: Sheet, camera: Camera, local: NDArray[Any], *, closed: bool) -> list[Segment]:
    """Lines between places in pixels, as far as they lie before the eye and near the picture."""
    rows = [*local, local[0]] if closed else list(local)
    found = []
    for a, b in itertools.pairwise(rows):
        ends = _before_the_eye(camera, np.array([a, b]))
        if ends is None:
            continue
        (x0, y0, _), (x1, y1, _) = project(camera, ends, sheet.size).tolist()
        cut = _within((x0, y0, x1, y1), sheet.size, 4 * (LINE + RIM) * sheet.unit)
        if cut is not None:
            found.append(cut)
    return found


def _before_the_eye(camera: Camera, ends: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The part of a line that lies before the eye."""
    depth = (ends - camera.eye) @ camera.axes[2]
    if (depth <= _NEAR_M).all():
        return None
    if (depth > _NEAR_M).all():
        return ends
    share = (_NEAR_M * 1.01 - depth[0]) / (depth[1] - depth[0])
    cut = ends[0] + share * (ends[1] - ends[0])
    return np.array([cut, ends[1]]) if depth[0] <= _NEAR_M else np.array([ends[0], cut])


def _within(line: Segment, size: tuple[int, int], rim: float) -> Segment | None:
    """The part of a line within the picture and a rim around it (Liang and Barsky 1984)."""
    x0, y0, x1, y1 = line
    low, high = 0.0, 1.0
    for start, way, least, most in ((x0, x1 - x0, -rim, size[0] + rim), (y0, y1 - y0, -rim, size[1] + rim)):
        if abs(way) < 1e-9:
            if not least <= start <= most:
                return None
            continue
        shares = sorted(((least - start) / way, (most - start) / way))
        low, high = max(low, shares[0]), min(high, shares[1])
    if low > high:
        return None
    dx, dy = x1 - x0, y1 - y0
    return x0 + low * dx, y0 + low * dy, x0 + high * dx, y0 + high * dy


def line_patches(sheet: Sheet, segments: Sequence[Segment], rgb: Rgb) -> list[Patch]:
    """Segments in pixels as smooth lines with a light rim, in tiles."""
    half = LINE / 2 * sheet.unit
    reach = half + RIM * sheet.unit + 1.0
    near: dict[tuple[int, int], list[Segment]] = {}
    for segment in segments:
        for tile in _tiles(segment, reach):
            near.setdefault(tile, []).append(segment)
    return [
        Patch(column * _TILE, row * _TILE, _tile_image((column, row), found, half, reach, rgb))
        for (column, row), found in near.items()
    ]


def _tiles(segment: Segment, reach: float) -> set[tuple[int, int]]:
    """Columns and rows of the tiles that a line of some width may touch."""
    x0, y0, x1, y1 = segment
    n = max(2, math.ceil(math.hypot(x1 - x0, y1 - y0) / (_TILE / 4)))
    share = np.linspace(0, 1, n)
    wide = reach + _TILE / 8
    found: set[tuple[int, int]] = set()
    for dx, dy in itertools.product((-wide, wide), repeat=2):
        columns = np.floor((x0 + share * (x1 - x0) + dx) / _TILE).astype(int)
        rows = np.floor((y0 + share * (y1 - y0) + dy) / _TILE).astype(int)
        found.update(zip(columns.tolist(), rows.tolist(), strict=True))
    return found


def _tile_image(
    tile: tuple[int, int], segments: Sequence[Segment], half: float, reach: float, rgb: Rgb
) -> Image.Image:
    steps = np.arange(_TILE) + 0.5
    x = (tile[0] * _TILE + steps)[None, :]
    y = (tile[1] * _TILE + steps)[:, None]
    away = np.full((_TILE, _TILE), np.inf)
    for x0, y0, x1, y1 in segments:
        dx, dy = x1 - x0, y1 - y0
        square = max(dx * dx + dy * dy, 1e-12)
        share = np.clip(((x - x0) * dx + (y - y0) * dy) / square, 0, 1)
        np.minimum(away, np.hypot(x - x0 - share * dx, y - y0 - share * dy), out=away)
    core = np.clip(half + 0.5 - away, 0, 1)
    rim = np.clip(reach - 0.5 - away, 0, 1) * _RIM_ALPHA * (1 - core)
    alpha = core + rim
    image = np.zeros((_TILE, _TILE, 4), np.uint8)
    share = (core / np.maximum(alpha, 1e-9))[..., None]
    image[..., :3] = np.rint(share * np.array(rgb) + (1 - share) * 255)
    image[..., 3] = np.rint(255 * alpha)
    return Image.fromarray(image)


def _fill(sheet: Sheet, camera: Camera, local: NDArray[Any], rgb: Rgb) -> list[Patch]:
    """What a closed line encloses, tinted, as far as it lies before the eye."""
    corners: list[Any] = []
    for a, b in itertools.pairwise([*local, local[0]]):
        ends = _before_the_eye(camera, np.array([a, b]))
        if ends is not None:
            corners.extend(ends)
    if len(corners) < 3:
        return []
    found = project(camera, np.array(corners), sheet.size)[:, :2]
    x0, y0 = (max(0, math.floor(v)) for v in found.min(axis=0))
    x1, y1 = (
        min(most, math.ceil(v) + 1) for most, v in zip(sheet.size, found.max(axis=0).tolist(), strict=True)
    )
    if x0 >= x1 or y0 >= y1:
        return []
    mask = Image.new("L", (x1 - x0, y1 - y0))
    ImageDraw.Draw(mask).polygon([(x - x0, y - y0) for x, y in found.tolist()], fill=_FILL_ALPHA)
    image = Image.new("RGBA", mask.size, (*rgb, 0))
    image.putalpha(mask)
    return [Patch(x0, y0, image)]


def _dots(sheet: Sheet, found: NDArray[Any], rgb: Rgb) -> list[Patch]:
    mark = disc(sheet, DOT, rgb)
    return [
        Patch(round(x - mark.width / 2), round(y - mark.height / 2), mark)
        for x, y, depth in found.tolist()
        if depth > _NEAR_M and 0 <= x < sheet.size[0] and 0 <= y < sheet.size[1]
    ]


def _text(sheet: Sheet, place: NDArray[Any], text: str) -> list[Patch]:
    """A text on a small panel above a place."""
    x, y, depth = (float(v) for v in place)
    if not text or depth <= _NEAR_M or not (0 <= x < sheet.size[0] and 0 <= y < sheet.size[1]):
        return []
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    words = text_patch(sheet, shown, size=13, bold=True).image
    pad = sheet.px(5)
    image = panel(sheet, words.width + 2 * pad, words.height + pad)
    image.alpha_composite(words, (pad, pad // 2))
    left = min(max(2, round(x - image.width / 2)), max(2, sheet.size[0] - image.width - 2))
    return [Patch(left, max(2, round(y - sheet.px(DOT) - image.height)), image)]
