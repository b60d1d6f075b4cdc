"""Layers of the user laid over the ground: areas as masks, pictures resampled, lines and points as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from twin.scene.pack import OverlayEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.scene.model import Lines, Overlay, Picture
    from twin.scene.pack import Plan

_FILL = 130
_RIM = 235
_RIM_M = 0.5


def drape_overlays(
    arrays: dict[str, NDArray[Any]], overlays: Sequence[Overlay], plan: Plan, origin: NDArray[np.float64]
) -> tuple[OverlayEntry, ...]:
    """Add what overlays show to the arrays of a pack; how the legend names them.

    Adds ``overlay_area_I`` (u1, over the plan, 0 to 255) and ``overlay_picture_I`` (u1 RGBA, over the plan) for
    each overlay ``I`` that has them, and ``overlay_lines``, ``overlay_line_starts``, ``overlay_points`` for all.
    """
    entries = []
    lines, starts, points = _Rows(), [0], _Rows()
    for i, overlay in enumerate(overlays):
        first_line, first_point = len(starts) - 1, points.n
        if overlay.areas:
            arrays[f"overlay_area_{i}"] = area_mask(overlay.areas, plan, origin)
        if overlay.picture is not None:
            arrays[f"overlay_picture_{i}"] = resample(overlay.picture, plan, origin)
        if overlay.lines is not None:
            starts += _shifted_starts(overlay.lines, lines.n)
            lines.add(overlay.lines.vertices - origin)
        if overlay.points is not None:
            points.add(overlay.points - origin)
        entries.append(
            OverlayEntry(
                overlay.name,
                overlay.colour or (overlay.mesh.main_colour if overlay.mesh is not None else None),
                (first_line, len(starts) - 1),
                (first_point, points.n),
                overlay.mesh is not None,
                bool(overlay.areas),
                overlay.picture is not None,
                overlay.classes,
                overlay.place,
            )
        )
    arrays["overlay_lines"], arrays["overlay_points"] = lines.array, points.array
    arrays["overlay_line_starts"] = np.asarray(starts, np.int32)
    return tuple(entries)


class _Rows:
    """Rows of coordinates that arrive in pieces."""

    def __init__(self) -> None:
        self.parts: list[NDArray[np.float32]] = []
        self.n = 0

    def add(self, rows: NDArray[np.float64]) -> None:
        self.parts.append(np.asarray(rows, np.float32))
        self.n += len(rows)

    @property
    def array(self) -> NDArray[np.float32]:
        return np.concatenate([np.empty((0, 3), np.float32), *self.parts])


def _shifted_starts(lines: Lines, first: int) -> list[int]:
    return [int(s) + first for s in lines.starts[1:]]


def area_mask(
    areas: Sequence[tuple[NDArray[np.float64], ...]], plan: Plan, origin: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """How strongly areas cover each texel of the plan, with a firmer rim; smooth at their borders.

    Parameters
    ----------
    areas : sequence
        Polygons as (outer ring, hole, ...), map coordinates.

    Returns
    -------
    array, shape (rows, columns)
        uint8.
    """
    fine = 2
    canvas = np.zeros((plan.rows * fine, plan.columns * fine), np.uint8)
    width = max(1, round(_RIM_M / plan.texel_m * fine))
    for rings in areas:
        pixels = [_to_pixels(ring, plan, origin) * fine for ring in rings]
        outer = np.concatenate(pixels)
        x0, y0 = np.clip(np.floor(outer.min(axis=0)).astype(int) - width, 0, None)
        x1, y1 = np.ceil(outer.max(axis=0)).astype(int) + width
        window = canvas[y0:y1, x0:x1]
        if not window.size:
            continue
        stamp = Image.new("L", (window.shape[1], window.shape[0]))
        draw = ImageDraw.Draw(stamp)
        shifted = [[(float(x - x0), float(y - y0)) for x, y in ring] for ring in pixels]
        for k, ring in enumerate(shifted):
            draw.polygon(ring, fill=0 if k else _FILL)
        for ring in shifted:
            draw.line([*ring, ring[0]], fill=_RIM, width=width)
        np.maximum(window, np.asarray(stamp), out=window)
    smooth = Image.fromarray(canvas).reduce(fine)
    return np.asarray(smooth)


def _to_pixels(ring: NDArray[np.float64], plan: Plan, origin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Column and row, with fractions, from the north-west corner of the plan."""
    local = np.asarray(ring)[:, :2] - origin[:2]
    return np.column_stack([local[:, 0] - plan.x_min, plan.y_max - local[:, 1]]) / plan.texel_m


def resample(picture: Picture, plan: Plan, origin: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A picture on the texels of the plan, shape (rows, columns, 4); clear where it does not reach."""
    ny, nx = picture.rgba.shape[:2]
    west, north = picture.bounds.x_min - origin[0], picture.bounds.y_max - origin[1]
    dx, dy = picture.bounds.width / nx, picture.bounds.height / ny
    across, down = plan.texel_m / dx, plan.texel_m / dy
    offset = ((plan.x_min - west) / dx, (north - plan.y_max) / dy)
    source = Image.fromarray(np.ascontiguousarray(picture.rgba))
    shrink = max(1, int(min(across, down)))
    if shrink > 1:
        # Averaged first: taking one pixel of many would make a finer picture flicker.
        source = source.reduce(shrink)
    matrix = (across / shrink, 0.0, offset[0] / shrink, 0.0, down / shrink, offset[1] / shrink)
    bent = source.transform(
        (plan.columns, plan.rows), Image.Transform.AFFINE, matrix, resample=Image.Resampling.BILINEAR
    )
    return np.asarray(bent)


def compose_overlay(
    layers: Sequence[tuple[NDArray[np.uint8], tuple[int, int, int] | None]],
) -> NDArray[np.uint8] | None:
    """Areas and pictures one over the other as a single RGBA picture, or None without any.

    Parameters
    ----------
    layers : sequence
        A mask of shape (rows, columns) with its colour, or a picture of shape (rows, columns, 4) and None.
    """
    if not layers:
        return None
    shape = layers[0][0].shape[:2]
    under = Image.new("RGBA", (shape[1], shape[0]))
    for values, colour in layers:
        if colour is None:
            over = Image.fromarray(np.ascontiguousarray(values))
        else:
            over = Image.new("RGBA", under.size, (*colour, 0))
            over.putalpha(Image.fromarray(np.ascontiguousarray(values)))
        under = Image.alpha_composite(under, over)
    return np.asarray(under)
