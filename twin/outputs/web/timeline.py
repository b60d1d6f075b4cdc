"""Layers over time for the page: what each shows at a number of moments, asked of them as any picture asks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import UsageError
from twin.core.visible_text import visible_text
from twin.outputs.web.looks import legend_values
from twin.outputs.web.pictures import webp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from twin.core.grid import Grid
    from twin.outputs.web.codec import Bundle
    from twin.scene.layers import LayerView, LineView, MarkerView, SceneLayer, WaterView
    from twin.scene.model import Picture

MAX_MOMENTS = 61
MAX_CELLS = 200_000
"""Cells that are wet at some time; more are joined in blocks."""
WET_M = 0.01
_DRAPE_QUALITY = 70
_MOST_DRAPE = 1536
_NO_BED = -(2**20)
_NATURAL = -1000
"""Thousandths that stand for water without a class, such as a river's."""


@dataclass(frozen=True, slots=True)
class Moments:
    """When the layers are asked.

    Parameters
    ----------
    times : tuple of datetime
        Ascending, with offsets; empty where nothing changes.
    """

    times: tuple[datetime, ...]


def choose_moments(
    layers: Sequence[SceneLayer], *, start: datetime | None = None, end: datetime | None = None
) -> Moments:
    """Evenly spaced moments from first to last that any layer knows of, or between the given ones.

    Where the layers have no moment in common, the first one decides: years between them would leave it one picture.

    Raises
    ------
    UsageError
        If the given times lie outside what the layers know, or run backwards.
    """
    spans = [layer.span for layer in layers if layer.span is not None]
    if not spans:
        if start is not None or end is not None:
            raise UsageError("--from, --to", "nothing in this page changes over time", "leave them out")
        return Moments(())
    meets = max(s[0] for s in spans) <= min(s[1] for s in spans)
    known = (min(s[0] for s in spans), max(s[1] for s in spans)) if meets else spans[0]
    first, last = start or known[0], end or known[1]
    if first > known[1] or last < known[0]:
        told = f"data run from {known[0].isoformat()} to {known[1].isoformat()}"
        raise UsageError("--from, --to", f"lie outside the data: {told}", "choose times within")
    if first > last:
        raise UsageError(
            "--from, --to", f"{first.isoformat()} is after {last.isoformat()}", "turn them round"
        )
    # In the zone that the first moment is told in, which the page shows.
    first, last = (t.astimezone(first.tzinfo) for t in (max(first, known[0]), min(last, known[1])))
    n = MAX_MOMENTS if last > first else 1
    return Moments(tuple(first + (last - first) * (i / max(n - 1, 1)) for i in range(n)))


def timeline(
    layers: Sequence[SceneLayer], moments: Moments, origin: Sequence[int], bundle: Bundle
) -> dict[str, Any]:
    """Moments and tracks for the page.

    Parameters
    ----------
    layers : sequence of SceneLayer
    moments : Moments
        Without any, each layer shows its last state.
    origin : sequence of int
        Local origin of the scene, metres.
    bundle : Bundle
        Takes the arrays in.
    """
    times: list[datetime | None] = list(moments.times) or [None]
    tracks = []
    for layer in layers:
        views = [layer.at(when) for when in times]
        tracks.append({"name": visible_text(layer.name), **_track(views, origin, bundle)})
    return {"times": [t.isoformat() for t in moments.times], "tracks": tracks}


def _track(views: list[LayerView], origin: Sequence[int], bundle: Bundle) -> dict[str, Any]:
    last = views[-1]
    track: dict[str, Any] = {
        "legends": [legend_values(legend) for legend in last.legends],
        "remarks": [[visible_text(r) for r in view.remarks] for view in views],
    }
    waters = [view.water for view in views]
    if any(w is not None for w in waters):
        track["water"] = water_track(waters, origin, bundle)
    if any(view.markers is not None for view in views):
        track["markers"] = _markers([view.markers for view in views], origin)
    if any(view.drape is not None for view in views):
        track["drape"] = drape_track([view.drape for view in views], origin, bundle)
    if any(view.lines is not None for view in views):
        track["lines"] = line_track([view.lines for view in views], origin, bundle)
    if any(view.building_rgb for view in views):
        track["buildings"] = [{k: list(v) for k, v in view.building_rgb.items()} for view in views]
    return track


def water_track(
    views: Sequence[WaterView | None], origin: Sequence[int], bundle: Bundle
) -> dict[str, Any] | None:
    """Depth at each moment in centimetres, of the cells alone that are ever wet and of those beside them.

    Returns
    -------
    dict or None
        None where it is always dry.
    """
    known = next(v for v in views if v is not None)
    factor = _factor(views)
    grid = known.grid
    cell = grid.cell_size_m * factor
    depths = [_joined(v.depth_m, factor) if v is not None else None for v in views]
    shape = (math.ceil(grid.ny / factor), math.ceil(grid.nx / factor))
    ever = np.zeros(shape, bool)
    for depth in depths:
        ever |= depth >= WET_M if depth is not None else False
    if not ever.any():
        return None
    kept = _with_rim(ever)
    bed = _joined(known.bed_m, factor, lowest=True)[kept]
    bed_cm = np.where(np.isfinite(bed), np.rint((bed - origin[2]) * 100), _NO_BED).astype(np.int64)
    frames, before = [], np.zeros(int(kept.sum()), np.int64)
    for depth in depths:
        now = np.zeros_like(before) if depth is None else _centimetres(depth[kept])
        frames.append(bundle.add(now - before, codec="signed"))
        before = now
    shades = _shades(views, factor, kept, bundle)
    return {
        "grid": _place(grid, cell, origin, shape),
        "kept": bundle.add(np.packbits(kept.ravel()), codec="plain"),
        "bed": bundle.add(bed_cm),
        "noBed": _NO_BED,
        "frames": frames,
        "breaks": list(known.breaks),
        "colours": [list(c) for c in known.colours],
        **shades,
    }


def drape_track(views: Sequence[Picture | None], origin: Sequence[int], bundle: Bundle) -> dict[str, Any]:
    """What lies on the ground at each moment: pictures, each once, and which of them a moment shows (-1 none)."""
    made: dict[bytes, int] = {}
    pictures: list[dict[str, Any]] = []
    frames = []
    for view in views:
        if view is None or not view.rgba[..., 3].any():
            frames.append(-1)
            continue
        data = webp(_at_most(view.rgba), _DRAPE_QUALITY)
        if data not in made:
            made[data] = len(pictures)
            b = view.bounds
            west, north = b.x_min - origin[0], b.y_max - origin[1]
            place = [west, north, b.x_max - b.x_min, b.y_max - b.y_min]
            pictures.append({"picture": bundle.add_bytes(data), "place": place})
        frames.append(made[data])
    return {"pictures": pictures, "frames": frames}


def _at_most(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture thinned by whole steps, so that no side is too long."""
    step = -(-max(rgba.shape[:2]) // _MOST_DRAPE)
    return np.ascontiguousarray(rgba[::step, ::step])


def line_track(
    views: Sequence[LineView | None], origin: Sequence[int], bundle: Bundle
) -> dict[str, Any] | None:
    """Lines that keep their places, such as roads, and the colour of each at each moment; None for other lines."""
    known = next(v for v in views if v is not None)
    n = len(known.lines.starts) - 1
    if any(v is not None and not np.array_equal(v.lines.starts, known.lines.starts) for v in views):
        return None
    none = np.zeros((n, 3), np.uint8)
    colours = np.concatenate([none if v is None else v.rgb for v in views]).astype(np.int64)
    kinds, code = np.unique(colours, axis=0, return_inverse=True)
    points = np.rint((known.lines.vertices - np.asarray(origin, np.float64)) * 100).astype(np.int64)
    return {
        "points": bundle.add(points),
        "starts": bundle.add(known.lines.starts),
        "width": known.width_m,
        "colours": kinds.tolist(),
        "shown": [v is not None for v in views],
        "codes": bundle.add(code.reshape(len(views), n).astype(np.int64)),
    }


def _centimetres(depth: NDArray[np.floating]) -> NDArray[np.int64]:
    return np.rint(np.where(depth >= WET_M, depth, 0.0) * 100).astype(np.int64)


def _factor(views: Sequence[WaterView | None]) -> int:
    """Cells that are joined to one along each side, so that a phone can draw the water."""
    ever = sum((v.depth_m >= WET_M for v in views if v is not None), start=np.zeros((), bool))
    return max(1, math.ceil(math.sqrt(int(np.count_nonzero(ever)) / MAX_CELLS)))


def _joined(values: NDArray[np.float32], factor: int, *, lowest: bool = False) -> NDArray[np.float64]:
    """Blocks of cells as one: the mean of what is known, or the lowest."""
    if factor == 1:
        return values.astype(np.float64)
    ny, nx = values.shape
    padded = np.full((-(-ny // factor) * factor, -(-nx // factor) * factor), np.nan)
    padded[:ny, :nx] = values
    blocks = padded.reshape(padded.shape[0] // factor, factor, -1, factor)
    known = np.isfinite(blocks)
    if lowest:
        low = np.where(known, blocks, np.inf).min(axis=(1, 3))
        return np.asarray(np.where(np.isfinite(low), low, np.nan))
    return np.asarray(np.where(known, blocks, 0).sum(axis=(1, 3)) / np.maximum(known.sum(axis=(1, 3)), 1))


def _with_rim(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The cells and their eight neighbours."""
    wide = np.pad(mask, 1)
    ny, nx = mask.shape
    grown = np.zeros_like(mask)
    for i in range(3):
        for j in range(3):
            grown |= wide[i : i + ny, j : j + nx]
    return grown


def _shades(
    views: Sequence[WaterView | None], factor: int, kept: NDArray[np.bool_], bundle: Bundle
) -> dict[str, Any]:
    """What colours the water where that is not its depth, in thousandths; a river has no class."""
    if not any(v is not None and v.value is not None for v in views):
        return {}
    frames, before = [], np.zeros(int(kept.sum()), np.int64)
    for view in views:
        value = None if view is None else view.value
        now = np.zeros_like(before)
        if value is not None:
            has_class = _joined(np.isfinite(value).astype(np.float32), factor)[kept] > 0
            told = np.rint(np.nan_to_num(_joined(value, factor)[kept]) * 1000).astype(np.int64)
            now = np.where(has_class, told, _NATURAL)
        frames.append(bundle.add(now - before, codec="signed"))
        before = now
    return {"values": frames}


def _place(grid: Grid, cell_m: float, origin: Sequence[int], shape: tuple[int, int]) -> dict[str, Any]:
    """Centre of the north-western cell in local metres, size and shape."""
    return {
        "x": grid.x_min - origin[0] + cell_m / 2,
        "y": grid.y_max - origin[1] - cell_m / 2,
        "cell": cell_m,
        "rows": shape[0],
        "columns": shape[1],
    }


def _markers(views: list[MarkerView | None], origin: Sequence[int]) -> dict[str, Any]:
    """Places, and text, colour and state at each moment; a marker that is not there at a moment is null there."""
    rows: dict[str, int] = {}
    places: list[list[float]] = []
    for view in views:
        if view is None:
            continue
        for name, position in zip(view.ids, view.position, strict=True):
            if name not in rows and bool(np.isfinite(position).all()):
                rows[name] = len(places)
                places.append([round(float(p - o), 2) for p, o in zip(position, origin, strict=True)])
    frames = [_marker_frame(view, rows) for view in views]
    return {
        "ids": [visible_text(name) for name in rows],
        "places": places,
        "frames": frames,
        "histories": _histories(views, rows),
    }


def _marker_frame(view: MarkerView | None, rows: dict[str, int]) -> list[Any]:
    frame: list[Any] = [None] * len(rows)
    if view is None:
        return frame
    for i, name in enumerate(view.ids):
        if name not in rows:
            continue  # a thing without a place
        alarm = bool(view.is_alarm[i]) if view.is_alarm is not None else False
        height = float(view.height_m[i]) if view.height_m is not None else 0.0
        text = visible_text(view.text[i]) if view.text else ""
        height = round(height, 2) if math.isfinite(height) else 0.0  # a station without a value has no column
        told = [text, view.rgb[i].tolist(), int(view.state[i]), height, int(alarm)]
        frame[rows[name]] = told
    return frame


def _histories(views: list[MarkerView | None], rows: dict[str, int]) -> list[Any]:
    """Seconds before the last moment and values of each marker, as far as told; gaps are null."""
    last = next((v for v in reversed(views) if v is not None), None)
    told: list[Any] = [None] * len(rows)
    if last is None or not last.history:
        return told
    for name, series in zip(last.ids, last.history, strict=True):
        if name in rows and series is not None and len(series):
            told[rows[name]] = [
                [round(float(t)), round(float(v), 4) if math.isfinite(v) else None] for t, v in series
            ]
    return told
