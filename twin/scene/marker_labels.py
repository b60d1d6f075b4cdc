"""Values beside their markers, with the course of the last hours: alarms first, then the nearest, none over another."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from twin.scene.camera import project
from twin.scene.furniture import Drawn, Patch, panel, text_patch
from twin.scene.labels import boxes, first_free
from twin.scene.layers import MarkerState
from twin.scene.marker_actor import heads, marker_table
from twin.scene.stage import mark_radius_px

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from twin.scene.camera import Camera
    from twin.scene.furniture import Sheet
    from twin.scene.labels import Box
    from twin.scene.layers import MarkerView
    from twin.scene.style import Rgb

_MOST = 14
_SPARK = (58.0, 20.0)
_FINE = 4
_ALARM_SIZE = 2.0
"""How much larger than its mark the ring of an alarm is."""
_LONGEST = 60
_GAP_FACTOR = 3.0
"""A pause longer than this many usual intervals is a gap in the line."""
ALARM_RGB = (219, 18, 36)
_DRAWN = Drawn(200)


def marker_label_patches(
    sheet: Sheet,
    camera: Camera,
    view: MarkerView,
    origin: Sequence[float],
    *,
    taken: Iterable[Box] = (),
    stands: NDArray[np.bool_] | None = None,
    most: int = _MOST,
) -> list[Patch]:
    """Labels of the markers that find room, with sparklines where there is a history.

    Parameters
    ----------
    sheet, camera
        The picture.
    view : MarkerView
    origin : sequence of float
        Local origin of the scene.
    taken : iterable of box
        What must not be covered.
    stands : array of bool, shape (n,), optional
        Which of them a section has left.
    most : int
        Labels at most: more would hide the city.
    """
    if not view.text:
        return []
    places = project(camera, heads(view) - np.asarray(origin, np.float64), sheet.size)
    # The marks themselves are not covered either, those of alarms least of all.
    radius = mark_radius_px(sheet.size[1])
    shown = _in_sight(places, sheet.size) if stands is None else _in_sight(places, sheet.size) & stands
    used = [
        *taken,
        *(_mark_box(places[i], radius, _is_alarm(view, i)) for i in np.flatnonzero(shown).tolist()),
    ]
    colours = marker_table(view).reshape(-1, 4)[:, :3]
    patches: list[Patch] = []
    for i in _order(view, places, shown):
        if len(patches) >= most:
            break
        label = _label(sheet, view, i, _rgb(colours[i]))
        x, y = places[i, 0], places[i, 1] - radius
        room = radius * (_ALARM_SIZE if _is_alarm(view, i) else 1.0)
        found = first_free(label, _tries(label, (x, y), room), sheet.size, used)
        if found is not None:
            used += boxes([found])
            patches.append(found)
    return patches


def _in_sight(places: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    x, y, depth = places.T
    return (depth > 0.1) & (x >= 0) & (x < size[0]) & (y >= 0) & (y < size[1])


def _is_alarm(view: MarkerView, i: int) -> bool:
    return view.is_alarm is not None and bool(view.is_alarm[i])


def _order(view: MarkerView, places: NDArray[np.float64], shown: NDArray[np.bool_]) -> list[int]:
    """Alarms, then what can be trusted, the nearest first; their order settles the rest."""
    there = [i for i in np.flatnonzero(shown).tolist() if view.text[i]]
    rank = {MarkerState.FRESH: 0, MarkerState.STALE: 1, MarkerState.INVALID: 2, MarkerState.MISSING: 3}
    return sorted(
        there,
        key=lambda i: (not _is_alarm(view, i), rank[MarkerState(int(view.state[i]))], places[i, 2], i),
    )


def _mark_box(place: NDArray[np.float64], radius: float, is_alarm: bool) -> Box:
    r = radius * (_ALARM_SIZE if is_alarm else 1.0)
    x, y = place[0], place[1] - radius
    return round(x - r), round(y - r), round(x + r), round(y + r)


def _tries(label: Patch, place: tuple[float, float], radius: float) -> list[tuple[float, float]]:
    """Upper left corners to try: right of the mark, left, above and below it."""
    w, h = label.image.size
    x, y, away = *place, 1.15 * radius + 3
    return [
        (x + away, y - h / 2),
        (x - away - w, y - h / 2),
        (x - w / 2, y - away - h),
        (x + away * 0.6, y - away * 0.6 - h),
        (x - away * 0.6 - w, y - away * 0.6 - h),
        (x - w / 2, y + away),
    ]


def _label(sheet: Sheet, view: MarkerView, i: int, rgb: Rgb) -> Patch:
    """Text and course of a marker; drawn once, since every frame asks for the same ones again."""
    course = view.history[i] if view.history else None
    muted = bool(view.state[i] != MarkerState.FRESH)
    told = None if course is None else course.tobytes()
    asked = (view.text[i], muted, rgb, _is_alarm(view, i), told)
    return Patch(0, 0, _DRAWN.get(sheet, asked, partial(_drawn_label, sheet, view, i, rgb)))


def _drawn_label(sheet: Sheet, view: MarkerView, i: int, rgb: Rgb) -> Image.Image:
    """Text, and the course of the value right of it, on a small panel; with a red rim for an alarm."""
    muted = view.state[i] != MarkerState.FRESH
    text = view.text[i] if len(view.text[i]) <= _LONGEST else view.text[i][: _LONGEST - 1] + "…"
    words = text_patch(sheet, text, size=13, bold=not muted, colour="text.muted" if muted else "text.colour")
    line = sparkline(sheet, view.history[i], rgb) if view.history and view.history[i] is not None else None
    pad = sheet.px(5)
    gap = pad if line else 0
    width = words.image.width + 2 * pad + (line.width + gap if line else 0)
    height = max(words.image.height, line.height if line else 0) + pad
    image = panel(sheet, width, height)
    image.alpha_composite(words.image, (pad, (height - words.image.height) // 2))
    if line:
        image.alpha_composite(line, (width - line.width - pad, (height - line.height) // 2))
    if _is_alarm(view, i):
        ImageDraw.Draw(image).rounded_rectangle(
            (0, 0, width - 1, height - 1), sheet.px(5), outline=(*ALARM_RGB, 255), width=sheet.px(2)
        )
    return image


def sparkline(sheet: Sheet, history: NDArray[np.float64] | None, rgb: Rgb) -> Image.Image | None:
    """The course of a value as a small line with a dot at its end; None for fewer than two values.

    Parameters
    ----------
    history : array, shape (k, 2), optional
        Seconds before the moment, ascending to 0, and value; gaps are NaN or long pauses.
    """
    if history is None or np.isfinite(history[:, 1]).sum() < 2:
        return None
    width, height = (sheet.px(s) for s in _SPARK)
    image = Image.new("RGBA", (width * _FINE, height * _FINE), (*rgb, 0))
    draw = ImageDraw.Draw(image)
    points = _spark_points(history, width * _FINE, height * _FINE, 3 * _FINE)
    ink = (*sheet.style.rgb("text.muted"), 255)
    for stretch in _stretches(history):
        ends = [(float(x), float(y)) for x, y in points[stretch]]
        if len(ends) > 1:
            draw.line(ends, fill=ink, width=max(1, round(1.4 * sheet.unit * _FINE)), joint="curve")
        else:
            _dot(draw, ends[0], sheet.unit * _FINE, ink)
    last = np.flatnonzero(np.isfinite(history[:, 1]))[-1]
    _dot(draw, (float(points[last, 0]), float(points[last, 1])), 2.6 * sheet.unit * _FINE, (*rgb, 255))
    return image.reduce(_FINE)


def _dot(draw: ImageDraw.ImageDraw, at: tuple[float, float], r: float, fill: tuple[int, ...]) -> None:
    draw.ellipse((at[0] - r, at[1] - r, at[0] + r, at[1] + r), fill=fill)


def _spark_points(history: NDArray[np.float64], width: int, height: int, rim: int) -> NDArray[np.float64]:
    seconds, value = history[:, 0], history[:, 1]
    low, high = np.nanmin(value), np.nanmax(value)
    span = max(float(seconds[-1] - seconds[0]), 1e-9)
    x = rim + (seconds - seconds[0]) / span * (width - 2 * rim)
    share = (value - low) / (high - low) if high > low else np.full_like(value, 0.5)
    return np.column_stack([x, height - rim - share * (height - 2 * rim)])


def _stretches(history: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Indices of values without a gap between them."""
    known = np.flatnonzero(np.isfinite(history[:, 1]))
    steps = np.diff(history[:, 0])
    usual = float(np.median(steps)) if len(steps) else 0.0
    pause = np.diff(history[known, 0]) > max(_GAP_FACTOR * usual, 1e-9)
    missing = np.diff(known) > 1
    return [s for s in np.split(known, np.flatnonzero(pause | missing) + 1) if len(s)]


def _rgb(colour: NDArray[np.uint8]) -> Rgb:
    r, g, b = (int(c) for c in colour)
    return r, g, b
