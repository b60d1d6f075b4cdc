"""Flood water as a picture of one pixel per cell: its colour, and how much of it is seen of what lies below."""

# ruff: noqa: PLR0917 - compiled: arrays one by one

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.layers import WaterView
    from twin.scene.style import Rgb
    from twin.scene.water_nodes import WaterNodes

_STEPS = 4096
_DEEP_M = 4.0
_EDGE_M = 0.10
"""Depth over which water fades out at its shore."""
_SOFT = 0.12
"""Share of a class over which its colour passes into the next."""
_WET = 1
_NONE = np.zeros((0, 0), np.float32)


def water_field(view: WaterView, nodes: WaterNodes, *, shore: Rgb, deep: Rgb) -> NDArray[np.uint8]:
    """A picture of the water, shape (ny, nx, 4), uint8: colour, and 255 where nothing of the ground is seen.

    Parameters
    ----------
    view : WaterView
    nodes : WaterNodes
        Of the same moment.
    shore, deep : tuple of int
        Colours of natural water, shallow and deep.
    """
    breaks = np.asarray(view.breaks, np.float32)
    value = np.asarray(view.value, np.float32) if view.value is not None and view.colours else _NONE
    low, high = value_range(breaks)
    field = np.zeros((*view.grid.shape, 4), np.uint8)
    _fill_field(
        nodes.state, nodes.depth_m, value, np.float32(low), np.float32(high), class_table(view),
        natural_table(shore, deep), field,
    )  # fmt: skip
    return field


def class_table(view: WaterView) -> NDArray[np.uint8]:
    """Colour and cover by value in even steps over `value_range`, shape (4096, 4); empty for natural water."""
    if not view.colours:
        return np.zeros((0, 4), np.uint8)
    breaks = np.asarray(view.breaks, np.float32)
    place = class_place(breaks, _steps(*value_range(breaks)))
    return np.column_stack([ramp(view.colours, place), np.full(_STEPS, 255)]).astype(np.uint8)


def natural_table(shore: Rgb, deep: Rgb) -> NDArray[np.uint8]:
    """Colour and cover of natural water by depth in even steps up to 4 m, shape (4096, 4)."""
    depth = _steps(0.0, _DEEP_M).astype(np.float64)
    share = np.clip((depth - 0.05) / 1.45, 0, 1)
    share = share * share * (3 - 2 * share)
    rgb = np.asarray(shore) + share[:, None] * (np.asarray(deep) - np.asarray(shore))
    cover = 1 - np.exp(-2.6 * depth - 0.35)
    return np.rint(np.column_stack([rgb, 255 * cover])).astype(np.uint8)


def value_range(breaks: NDArray[np.float32]) -> tuple[float, float]:
    """Values between which classes are told apart; the open class at the top is as wide as the one below it."""
    if not len(breaks):
        return 0.0, 1.0
    width = float(breaks[-1] - (breaks[-2] if len(breaks) > 1 else 0.0))
    return 0.0 if breaks[0] > 0 else float(breaks[0]) - 1.0, float(breaks[-1]) + max(width, 1e-6)


def _steps(low: float, high: float) -> NDArray[np.float32]:
    return np.linspace(low, high, _STEPS, dtype=np.float32)


def class_place(breaks: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float64]:
    """How far through the classes values lie, 0 to 1, each class as wide as the others.

    Examples
    --------
    >>> values = np.array([0.5, 1.0, 2.0, 4.0, 99.0], np.float32)
    >>> class_place(np.array([1.0, 3.0], np.float32), values).round(3).tolist()
    [0.167, 0.333, 0.5, 0.833, 1.0]
    """
    low, high = value_range(breaks)
    edges = np.array([low, *breaks, high], np.float64)
    return np.asarray(np.interp(values, edges, np.linspace(0, 1, len(edges))))


def ramp(colours: tuple[Rgb, ...], place: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Colours at places among the classes, 0 to 1, each passing into the next at its border; shape (n, 3).

    Examples
    --------
    >>> ramp(((0, 0, 0), (200, 100, 50)), np.array([0.2, 0.5, 0.8])).tolist()
    [[0, 0, 0], [100, 50, 25], [200, 100, 50]]
    """
    palette = np.asarray(colours, np.float64)
    n = len(palette)
    here = np.minimum((place * n).astype(int), n - 1)
    along = place * n - here
    # Half of the passage lies on each side of the border.
    share = np.clip((along - 1 + _SOFT / 2) / _SOFT, 0, 0.5)
    back = np.clip((_SOFT / 2 - along) / _SOFT, 0, 0.5)
    after, before = palette[np.minimum(here + 1, n - 1)], palette[np.maximum(here - 1, 0)]
    mixed = palette[here] * (1 - share - back)[:, None] + after * share[:, None] + before * back[:, None]
    return np.rint(mixed).astype(np.uint8)


@njit(cache=True, nogil=True)
def _row(value, low, high):  # type: ignore[no-untyped-def]
    """Row of a table of even steps."""
    step = (value - low) / (high - low) * np.float32(_STEPS - 1)
    return int(min(max(step, np.float32(0.0)), np.float32(_STEPS - 1)) + np.float32(0.5))


@njit(cache=True, nogil=True)
def _fill_field(state, depth, value, low, high, classes, natural, field):  # type: ignore[no-untyped-def]
    ny, nx = field.shape[:2]
    for j in range(ny):
        for i in range(nx):
            kind = state[j + 1, i + 1]
            if kind == 0:
                continue
            h = max(depth[j + 1, i + 1], np.float32(0.0))
            shown, told = h, np.float32(1.0)
            if value.size:
                shown = value[j, i] if kind == _WET else _beside(state, value, j, i)
                told = _share_told(value, j, i)
                if np.isnan(shown):
                    # Towards natural water the class of the depth goes on, so that none in between is seen.
                    shown = h
            elif not classes.size:
                told = np.float32(0.0)
            edge = min(h / np.float32(_EDGE_M), np.float32(1.0))
            own = natural[_row(h, np.float32(0.0), np.float32(_DEEP_M))]
            if told == 0:
                for c in range(3):
                    field[j, i, c] = own[c]
                field[j, i, 3] = np.uint8(edge * own[3] + np.float32(0.5))
                continue
            by_class = classes[_row(shown, low, high)]
            for c in range(4):
                mixed = told * by_class[c] + (np.float32(1.0) - told) * own[c]
                field[j, i, c] = np.uint8((edge if c == 3 else np.float32(1.0)) * mixed + np.float32(0.5))


@njit(cache=True, nogil=True)
def _beside(state, value, j, i):  # type: ignore[no-untyped-def]
    """Greatest value of the wet cells around a dry one: so the shore does not have the colour of dry ground."""
    found = np.float32(0.0)
    for v in range(max(j - 1, 0), min(j + 2, value.shape[0])):
        for u in range(max(i - 1, 0), min(i + 2, value.shape[1])):
            if state[v + 1, u + 1] == _WET and not np.isnan(value[v, u]):
                found = max(found, value[v, u])
    return found


@njit(cache=True, nogil=True)
def _share_told(value, j, i):  # type: ignore[no-untyped-def]
    """Share of a cell and its neighbours where a class is told: the border of a river is no saw."""
    n, told = 0, 0
    for v in range(max(j - 1, 0), min(j + 2, value.shape[0])):
        for u in range(max(i - 1, 0), min(i + 2, value.shape[1])):
            n += 1
            told += not np.isnan(value[v, u])
    return np.float32(told / n)
