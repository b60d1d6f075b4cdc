"""Roofs as exact planes: each part is convex and its roof is the lowest of its planes; a building is the highest part.

All in a building's own frame: x along the street, y away from it, z above its floor, metres. A plane is ``(a, b, c)``
with ``z = a x + b y + c``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Float = NDArray[np.float64]

EAVE_OVERHANG_M = 0.45
GABLE_OVERHANG_M = 0.2
Plane = tuple[float, float, float]


class Rect(NamedTuple):
    """An upright rectangle in a building's frame."""

    x0: float
    y0: float
    x1: float
    y1: float

    def grown(self, dx: float, dy: float) -> Rect:
        """The rectangle with its sides moved outwards."""
        return Rect(self.x0 - dx, self.y0 - dy, self.x1 + dx, self.y1 + dy)

    @property
    def ring(self) -> Float:
        """Corners, counter-clockwise, shape (4, 2)."""
        return np.array([[self.x0, self.y0], [self.x1, self.y0], [self.x1, self.y1], [self.x0, self.y1]])

    @property
    def centre(self) -> tuple[float, float]:
        """The middle."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2


@dataclass(frozen=True, slots=True)
class Part:
    """One convex piece of a roof.

    Parameters
    ----------
    ring : array, shape (n, 2)
        Outline of the roof, eaves included, convex, counter-clockwise.
    planes : array, shape (p, 3)
        The roof is the lowest of them.
    wall : array, shape (n, 2), or None
        Outline of the walls that carry it, convex, counter-clockwise; None for what stands on another part.
    is_glass : bool
        Whether the laser mostly sees through.
    """

    ring: Float
    planes: Float
    wall: Float | None = None
    is_glass: bool = False

    def __post_init__(self) -> None:
        if self.planes.ndim != 2 or self.planes.shape[1] != 3:
            raise ValueError(f"planes must have shape (p, 3), have {self.planes.shape}")

    def z_at(self, x: Float, y: Float) -> Float:
        """Height of the roof above the floor, as if it went on for ever."""
        a, b, c = self.planes.T
        return (np.multiply.outer(x, a) + np.multiply.outer(y, b) + c).min(-1)

    def covers(self, x: Float, y: Float) -> NDArray[np.bool_]:
        """Which places lie under the roof, its rim included."""
        edges = np.roll(self.ring, -1, 0) - self.ring
        dx, dy = np.subtract.outer(x, self.ring[:, 0]), np.subtract.outer(y, self.ring[:, 1])
        return np.asarray((edges[:, 0] * dy - edges[:, 1] * dx >= -1e-9).all(-1), dtype=np.bool_)


def _part(wall: Rect, planes: Sequence[Plane], roof: Rect | None = None) -> Part:
    return Part((roof or wall).ring, np.array(planes, dtype=np.float64), wall.ring)


def flat(wall: Rect, height_m: float) -> Part:
    """A level roof."""
    return _part(wall, [(0.0, 0.0, height_m)])


def shed(wall: Rect, low_m: float, pitch: float, *, rises: str) -> Part:
    """One slope; `rises` is the side towards which it rises: ``+x``, ``-x``, ``+y`` or ``-y``."""
    plane = {
        "+x": (pitch, 0.0, low_m - pitch * wall.x0),
        "-x": (-pitch, 0.0, low_m + pitch * wall.x1),
        "+y": (0.0, pitch, low_m - pitch * wall.y0),
        "-y": (0.0, -pitch, low_m + pitch * wall.y1),
    }[rises]
    return _part(wall, [plane], wall.grown(0.25, 0.25))


def _slopes_y(wall: Rect, eave_m: float, pitch: float) -> list[Plane]:
    return [(0.0, pitch, eave_m - pitch * wall.y0), (0.0, -pitch, eave_m + pitch * wall.y1)]


def _slopes_x(wall: Rect, eave_m: float, pitch: float) -> list[Plane]:
    return [(pitch, 0.0, eave_m - pitch * wall.x0), (-pitch, 0.0, eave_m + pitch * wall.x1)]


def gable(wall: Rect, eave_m: float, pitch: float, *, ridge: str = "x", overhang: bool = True) -> Part:
    """Two slopes that meet in a ridge along ``x`` or ``y``."""
    eave, end = (EAVE_OVERHANG_M, GABLE_OVERHANG_M) if overhang else (0.0, 0.0)
    if ridge == "x":
        return _part(wall, _slopes_y(wall, eave_m, pitch), wall.grown(end, eave))
    return _part(wall, _slopes_x(wall, eave_m, pitch), wall.grown(eave, end))


def row_gable(wall: Rect, eave_m: float, pitch: float) -> Part:
    """A gable between neighbours: eaves to the street and the garden, none over the shared walls."""
    return _part(wall, _slopes_y(wall, eave_m, pitch), wall.grown(0.0, EAVE_OVERHANG_M))


def hip(wall: Rect, eave_m: float, pitch: float) -> Part:
    """Four slopes from one eave; over a square it is a pyramid."""
    planes = _slopes_y(wall, eave_m, pitch) + _slopes_x(wall, eave_m, pitch)
    return _part(wall, planes, wall.grown(EAVE_OVERHANG_M, EAVE_OVERHANG_M))


def half_hip(wall: Rect, eave_m: float, pitch: float, *, share: float) -> Part:
    """A gable along x whose ends are hipped above a share of the rise."""
    rise = pitch * (wall.y1 - wall.y0) / 2
    planes = _slopes_y(wall, eave_m, pitch) + _slopes_x(wall, eave_m + share * rise, pitch * 1.15)
    return _part(wall, planes, wall.grown(GABLE_OVERHANG_M, EAVE_OVERHANG_M))


def mansard(wall: Rect, eave_m: float, *, knee_in_m: float, knee_up_m: float, pitch: float) -> Part:
    """Steep slopes all round up to a knee, shallow ones above it."""
    steep = knee_up_m / knee_in_m
    upper = wall.grown(-knee_in_m, -knee_in_m)
    planes = _slopes_y(wall, eave_m, steep) + _slopes_x(wall, eave_m, steep)
    planes += _slopes_y(upper, eave_m + knee_up_m, pitch) + _slopes_x(upper, eave_m + knee_up_m, pitch)
    return _part(wall, planes, wall.grown(0.15, 0.15))


def barrel(wall: Rect, eave_m: float, rise_m: float, *, n: int = 8) -> Part:
    """A vault along x as `n` flat strips that touch an arc in their ends."""
    half = (wall.y1 - wall.y0) / 2
    radius = (half * half + rise_m * rise_m) / (2 * rise_m)
    turn = math.asin(half / radius)
    angles = np.linspace(-turn, turn, n + 1)
    y = wall.centre[1] + radius * np.sin(angles)
    z = eave_m + rise_m - radius * (1 - np.cos(angles))
    slope = np.diff(z) / np.diff(y)
    return _part(
        wall, [(0.0, float(b), float(c)) for b, c in zip(slope, z[:-1] - slope * y[:-1], strict=True)]
    )


def _polygon(centre: tuple[float, float], radius_m: float, n: int) -> Float:
    angles = 2 * np.pi * (np.arange(n) + 0.5) / n
    return np.column_stack([centre[0] + radius_m * np.cos(angles), centre[1] + radius_m * np.sin(angles)])


def drum(centre: tuple[float, float], radius_m: float, height_m: float, *, n: int = 24) -> Part:
    """A many-sided round body with a level roof."""
    ring = _polygon(centre, radius_m, n)
    return Part(ring, np.array([[0.0, 0.0, height_m]]), ring)


def cone(centre: tuple[float, float], radius_m: float, eave_m: float, pitch: float, *, n: int = 12) -> Part:
    """A many-sided round body under a tent of as many slopes."""
    angles = 2 * np.pi * np.arange(1, n + 1) / n
    inner = radius_m * math.cos(math.pi / n)
    normal = np.column_stack([np.cos(angles), np.sin(angles)])
    offset = eave_m + pitch * (inner + normal @ np.array(centre))
    planes = np.column_stack([-pitch * normal, offset])
    scale = (inner + EAVE_OVERHANG_M) / inner
    return Part(_polygon(centre, radius_m * scale, n), planes, _polygon(centre, radius_m, n))


def on_roof(part: Part, *, is_glass: bool = False) -> Part:
    """The same part standing on the roof of another: it has no walls of its own and no overhang."""
    ring = part.ring if part.wall is None else part.wall
    return Part(ring, part.planes, None, is_glass)


def box(rect: Rect, top_m: float, *, is_glass: bool = False) -> Part:
    """A box on a roof: a lift housing, a plant room, a skylight."""
    return on_roof(flat(rect, top_m), is_glass=is_glass)


def parapet(wall: Rect, top_m: float, *, width_m: float = 0.35) -> tuple[Part, ...]:
    """A raised rim along the walls."""
    x0, y0, x1, y1 = wall
    w = width_m
    sides = [
        Rect(x0, y0, x1, y0 + w),
        Rect(x0, y1 - w, x1, y1),
        Rect(x0, y0, x0 + w, y1),
        Rect(x1 - w, y0, x1, y1),
    ]
    return tuple(box(side, top_m) for side in sides)


def dormer(wall: Rect, eave_m: float, pitch: float, *, x_m: float, width_m: float, back: bool) -> Part:
    """A gabled dormer in a slope of a gable or hip along x, a little behind its eave."""
    setback, depth = 0.9, (wall.y1 - wall.y0) / 2 - 0.9
    top = eave_m + pitch * setback + 1.35
    if back:
        rect = Rect(x_m, wall.y1 - setback - depth, x_m + width_m, wall.y1 - setback)
    else:
        rect = Rect(x_m, wall.y0 + setback, x_m + width_m, wall.y0 + setback + depth)
    return on_roof(gable(rect, top, 0.55, ridge="y", overhang=False))


def flat_dormer(wall: Rect, eave_m: float, pitch: float, *, x_m: float, width_m: float) -> Part:
    """A wide dormer with a nearly level roof in the garden slope of a gable or hip along x."""
    top = eave_m + pitch * 0.9 + 1.5
    rect = Rect(x_m, wall.centre[1], x_m + width_m, wall.y1 - 0.9)
    return on_roof(shed(rect, top, 0.05, rises="-y"))
