"""Lines with a width on the ground, and arrows on flowing water, as coloured triangles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.scene.treeforms import place_hash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from twin.scene.layers import LineView, WaterView

PALE, DARK = (250, 252, 255), (34, 42, 74)
"""Colours of arrows, whichever is seen on the water below."""
MOST_ARROWS = 600
_ACROSS = 44
"""Arrows that fit along the longer side of the grid: more would be too small to be seen."""
SLOWEST_M_S, FASTEST_M_S = 0.05, 1.5
SHALLOWEST_M = 0.08
_LIFT_M = 0.12
_PERIOD_S = 600.0
"""Seconds of the scene in which an arrow travels its way and begins anew."""


@dataclass(frozen=True, slots=True)
class Ribbons:
    """Triangles with a colour at each corner.

    Parameters
    ----------
    points : array of float32, shape (n, 3)
        Local metres.
    triangles : array of int32, shape (m, 3)
    rgba : array of uint8, shape (n, 4)
    """

    points: NDArray[np.float32]
    triangles: NDArray[np.int32]
    rgba: NDArray[np.uint8]


def line_ribbons(view: LineView, origin: Sequence[float]) -> Ribbons:
    """Every line as wide as it is told, level across; what bends has its corners filled.

    Examples
    --------
    >>> from twin.scene.layers import LineView
    >>> from twin.scene.model import Lines
    >>> lines = Lines(np.array([[0.0, 0, 5], [10, 0, 5]]), np.array([0, 2], np.int32))
    >>> ribbon = line_ribbons(LineView(lines, np.array([[255, 0, 0]], np.uint8), width_m=4.0), (0, 0, 0))
    >>> ribbon.points[:, 1].tolist()
    [2.0, -2.0, 2.0, -2.0]
    """
    vertices = view.lines.vertices - np.asarray(origin, np.float64)
    starts = view.lines.starts
    owner = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    first = np.arange(len(vertices) - 1)
    first = first[owner[first] == owner[first + 1]] if len(first) else first
    along = vertices[first + 1, :2] - vertices[first, :2]
    length = np.linalg.norm(along, axis=1)
    first, along, length = first[length > 0], along[length > 0], length[length > 0]
    if not len(first):
        return nothing()
    side = np.column_stack([-along[:, 1], along[:, 0]]) / length[:, None] * view.width_m / 2
    across = np.column_stack([side, np.zeros(len(side))])
    corners = np.stack(
        [
            vertices[first] + across,
            vertices[first] - across,
            vertices[first + 1] + across,
            vertices[first + 1] - across,
        ],
        axis=1,
    )
    n = len(first)
    quad = np.arange(n)[:, None] * 4
    triangles = [quad + np.array([0, 1, 3]), quad + np.array([0, 3, 2])]
    # Where one stretch follows another the outer corner between them is open.
    joined = np.flatnonzero(first[1:] == first[:-1] + 1)
    for near, far in ((2, 0), (3, 1)):
        corner = np.column_stack(
            [quad[joined, 0] + near, quad[joined, 0] + 5 - near, quad[joined + 1, 0] + far]
        )
        triangles.append(corner)
    rgba = np.column_stack([view.rgb, np.full(len(view.rgb), 255, np.uint8)])[owner[first]]
    return Ribbons(
        corners.reshape(-1, 3).astype(np.float32),
        np.concatenate(triangles).astype(np.int32),
        np.repeat(rgba, 4, axis=0),
    )


def flow_arrows(view: WaterView, origin: Sequence[float], when: datetime | None) -> Ribbons:
    """Arrows where water flows, as long as it is fast; they travel with time, and are the same for the same moment.

    They stand near the points of a lattice as fine as some 600 of them allow, each at a place that a hash decides.
    """
    if view.velocity is None:
        return nothing()
    rows, cols, spacing = _seeds(view)
    if not len(rows):
        return nothing()
    u, v = (part[rows, cols].astype(np.float64) for part in view.velocity)
    speed = np.hypot(u, v)
    ahead = np.column_stack([u, v]) / speed[:, None]
    chance = (place_hash(cols.astype(np.float64), rows.astype(np.float64)) >> np.uint64(40)) / float(1 << 24)
    seconds = 0.0 if when is None else when.timestamp() % 86_400
    phase = (chance + seconds * np.clip(speed, SLOWEST_M_S, FASTEST_M_S) / FASTEST_M_S / _PERIOD_S) % 1.0
    size = spacing * (0.6 + 0.6 * np.clip(speed / FASTEST_M_S, 0, 1))
    middle = np.column_stack([view.grid.x_centres[cols], view.grid.y_centres[rows]])
    middle = middle + ahead * ((phase - 0.5) * 0.8 * spacing)[:, None]
    level = (view.bed_m + view.depth_m)[rows, cols] + _LIFT_M
    fade = np.clip(4 * np.minimum(phase, 1 - phase), 0, 1)
    place = np.column_stack([middle, level]) - np.asarray(origin, np.float64)
    return _arrows(place, ahead, size, fade, _contrasting(view, rows, cols))


def _contrasting(view: WaterView, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Pale where the water's class is dark, and the other way round; shape (n, 3)."""
    if not view.colours:
        return np.tile(np.array(PALE, np.uint8), (len(rows), 1))
    value = np.nan_to_num((view.depth_m if view.value is None else view.value)[rows, cols])
    below = np.asarray(view.colours)[np.searchsorted(np.asarray(view.breaks), value, side="right")]
    is_light = below @ np.array([0.299, 0.587, 0.114]) > 140
    return np.where(is_light[:, None], DARK, PALE).astype(np.uint8)


def _seeds(view: WaterView) -> tuple[NDArray[np.int64], NDArray[np.int64], float]:
    """Cells where an arrow starts from, and the spacing of the lattice, metres."""
    assert view.velocity is not None  # noqa: S101 - asked before
    speed = np.hypot(*view.velocity)
    flows = (view.depth_m >= SHALLOWEST_M) & (speed >= SLOWEST_M_S) & np.isfinite(view.bed_m)
    n = int(flows.sum())
    ny, nx = view.grid.shape
    step = max(3, math.ceil(math.sqrt(n / MOST_ARROWS)), math.ceil(max(ny, nx) / _ACROSS))
    mesh = np.meshgrid(np.arange(0, ny, step), np.arange(0, nx, step), indexing="ij")
    first_row, first_col = (part.ravel().astype(np.int64) for part in mesh)
    chance = place_hash(first_col.astype(np.float64), first_row.astype(np.float64))
    down, right = ((chance >> np.uint64(k)) % np.uint64(step) for k in (20, 40))
    j = np.minimum(first_row + down.astype(np.int64), ny - 1)
    i = np.minimum(first_col + right.astype(np.int64), nx - 1)
    chosen = flows[j, i]
    return j[chosen], i[chosen], step * view.grid.cell_size_m


def _arrows(
    place: NDArray[np.float64],
    ahead: NDArray[np.float64],
    size: NDArray[np.float64],
    fade: NDArray[np.float64],
    rgb: NDArray[np.uint8],
) -> Ribbons:
    """A tapered shaft and a head for each place."""
    # Along and across, in shares of the size: tail, shaft, barbs, tip.
    form = np.array(
        [(-0.5, 0.03), (-0.5, -0.03), (0.2, 0.08), (0.2, -0.08), (0.1, 0.24), (0.1, -0.24), (0.5, 0.0)]
    )
    across = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    flat = (
        ahead[:, None] * (form[:, 0] * size[:, None])[..., None]
        + across[:, None] * (form[:, 1] * size[:, None])[..., None]
    )
    points = np.repeat(place[:, None], len(form), axis=1)
    points[..., :2] += flat
    n = len(place)
    shape = np.array([(0, 1, 3), (0, 3, 2), (4, 5, 6)])
    triangles = (np.arange(n)[:, None, None] * len(form) + shape).reshape(-1, 3)
    rgba = np.empty((n, len(form), 4), np.uint8)
    rgba[..., :3] = rgb[:, None]
    rgba[..., 3] = np.rint(225 * fade[:, None] * np.array([0.15, 0.15, 1, 1, 1, 1, 1]))
    return Ribbons(points.reshape(-1, 3).astype(np.float32), triangles.astype(np.int32), rgba.reshape(-1, 4))


def nothing() -> Ribbons:
    """No ribbons."""
    return Ribbons(np.empty((0, 3), np.float32), np.empty((0, 3), np.int32), np.empty((0, 4), np.uint8))
