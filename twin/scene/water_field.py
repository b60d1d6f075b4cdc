"""Depth, speed and colour of flood water as a small picture that a shader looks up between the centres of cells."""

# ruff: noqa: PLR0917 - compiled: arrays one by one

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.layers import WaterView
    from twin.scene.style import Rgb
    from twin.scene.water_surface import WaterNodes

RAMP_SIZE = 256
DEEPEST_M = 4.0
"""Depth at which the green channel is full; it holds the square root, so that shallow water is told finely."""
FASTEST_M_S = 3.0
_WET = 1
_SOFT = 0.12
"""Share of a class at its upper border over which its colour passes into the next."""


def water_field(view: WaterView, nodes: WaterNodes) -> NDArray[np.uint8]:
    """A picture of the water, shape (ny, nx, 4), uint8: class, root of the depth, speed, and 255 where a class is told.

    The red channel tells how far through the classes the value lies, in even steps for each class, so that their
    borders stay where they are when it is interpolated.
    """
    field = np.empty((*view.grid.shape, 4), np.uint8)
    breaks = np.asarray(view.breaks, np.float32)
    speed = np.hypot(*view.velocity).astype(np.float32) if view.velocity is not None else _NONE
    value = np.asarray(view.value, np.float32) if view.value is not None else _NONE
    _fill_field(nodes.state, nodes.depth_m, value, speed, breaks, field)
    return field


_NONE = np.zeros((0, 0), np.float32)


@njit(cache=True, nogil=True)
def _fill_field(state, depth, value, speed, breaks, field):  # type: ignore[no-untyped-def]
    ny, nx = field.shape[:2]
    for j in range(ny):
        for i in range(nx):
            h = max(depth[j + 1, i + 1], np.float32(0.0))
            shown = h
            if value.size:
                shown = value[j, i]
                if state[j + 1, i + 1] != _WET:
                    # Beside the water its value goes on, or the shore would have the colour of dry ground.
                    shown = np.float32(0.0)
                    for v in range(max(j - 1, 0), min(j + 2, ny)):
                        for u in range(max(i - 1, 0), min(i + 2, nx)):
                            if state[v + 1, u + 1] == _WET and not np.isnan(value[v, u]):
                                shown = max(shown, value[v, u])
            told = _share_told(value, j, i)
            if np.isnan(shown):
                # Towards natural water the class of the depth goes on, so that none in between is seen.
                shown = h
            field[j, i, 0] = np.uint8(255.0 * _class_place(breaks, shown) + 0.5)
            field[j, i, 1] = np.uint8(255.0 * np.sqrt(min(h / DEEPEST_M, np.float32(1.0))) + 0.5)
            swift = speed[j, i] if speed.size and state[j + 1, i + 1] == _WET else np.float32(0.0)
            field[j, i, 2] = np.uint8(255.0 * min(swift / FASTEST_M_S, np.float32(1.0)) + 0.5)
            field[j, i, 3] = np.uint8(255.0 * told + 0.5)


@njit(cache=True, nogil=True)
def _share_told(value, j, i):  # type: ignore[no-untyped-def]
    """Share of a cell and its neighbours where a class is told: the border of a river is no saw."""
    if not value.size:
        return 1.0
    n, told = 0, 0
    for v in range(max(j - 1, 0), min(j + 2, value.shape[0])):
        for u in range(max(i - 1, 0), min(i + 2, value.shape[1])):
            n += 1
            told += not np.isnan(value[v, u])
    return told / n


@njit(cache=True, nogil=True)
def _class_place(breaks, value):  # type: ignore[no-untyped-def]
    """How far through the classes a value lies, 0 to 1; the open class at the top is as wide as the one below it."""
    n = breaks.size
    if not n:
        return 0.0
    low = 0.0 if breaks[0] > 0 else breaks[0] - 1.0
    for k in range(n):
        high = breaks[k]
        if value < high:
            return (k + max(0.0, (value - low) / (high - low))) / (n + 1)
        low = high
    width = breaks[n - 1] - (breaks[n - 2] if n > 1 else 0.0)
    return (n + min((value - breaks[n - 1]) / max(width, 1e-6), 1.0)) / (n + 1)


def ramp(colours: tuple[Rgb, ...]) -> NDArray[np.uint8]:
    """Colours of classes side by side, each passing into the next at its end; shape (1, 256, 4)."""
    palette = np.asarray(colours, np.float64)
    n = len(palette)
    place = (np.arange(RAMP_SIZE) + 0.5) / RAMP_SIZE * n
    here = np.minimum(place.astype(int), n - 1)
    along = place - here
    # Half of the passage lies on each side of the border.
    share = np.clip((along - 1 + _SOFT / 2) / _SOFT, 0, 0.5)
    back = np.clip((_SOFT / 2 - along) / _SOFT, 0, 0.5)
    after, before = palette[np.minimum(here + 1, n - 1)], palette[np.maximum(here - 1, 0)]
    mixed = palette[here] * (1 - share - back)[:, None] + after * share[:, None] + before * back[:, None]
    rgba = np.full((1, RAMP_SIZE, 4), 255, np.uint8)
    rgba[0, :, :3] = np.rint(mixed)
    return rgba
