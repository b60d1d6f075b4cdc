"""A turn around the city, which stands beside its legend all the way."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from twin.scene.camera import Camera, Margins, fit
from twin.scene.flight import Flight, Leg
from twin.scene.flight_path import vector
from twin.scene.framing import clear_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.scene.framing import Taken
    from twin.scene.pack import ScenePack

_ELEVATION_DEG = 27.0
_ANGLE_DEG = 28.0
_MARGINS = Margins(left=0.05, right=0.06, top=0.08, bottom=0.08)
_SINKS = (0.5, 0.35)
"""How low the city may lie where that gives its legend room above it."""
_STEP_DEG = 5


def orbit_flight(
    pack: ScenePack,
    *,
    seconds: float,
    aspect: float,
    around: Camera | None = None,
    start_deg: float | None = None,
    taken: Sequence[Taken] = (),
) -> Flight:
    """One turn around the city at an even pace: the end meets the start, so that it can be shown over and over.

    Parameters
    ----------
    pack : ScenePack
    seconds : float
    aspect : float
        Width over height of the picture.
    around : Camera, optional
        Turns about what this camera looks at; without it, the whole city stays in the picture all the way.
    start_deg : float, optional
        Where the camera stands first, clockwise from north; the side of the overview if not given.
    taken : sequence of Taken
        Places of legends, below which no part of the city comes where it is shown as a whole.
    """
    if around is not None:
        return _turn(around, np.array(around.target), seconds)
    points = np.asarray(pack["fit_points"], np.float64)
    pivot = (points.min(axis=0) + points.max(axis=0)) / 2
    azimuth = pack.meta.overview_deg if start_deg is None else start_deg
    return _turn(_turntable(points, pivot, aspect, azimuth, taken), pivot, seconds)


def _turn(first: Camera, pivot: NDArray[np.float64], seconds: float) -> Flight:
    """Eye and target once around the plumb line through the pivot, against the clock."""

    def way(second: float) -> Camera:
        turn = -2 * math.pi * (second % seconds) / seconds
        eye, target = (vector(pivot + _turned(np.array(p) - pivot, turn)) for p in (first.eye, first.target))
        return replace(first, eye=eye, target=target)

    return Flight(seconds, (Leg(0.0, way),))


def _turned(points: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    c, s = math.cos(angle), math.sin(angle)
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([c * x - s * y, s * x + c * y, z], axis=-1)


def _turntable(
    points: NDArray[np.float64],
    pivot: NDArray[np.float64],
    aspect: float,
    azimuth_deg: float,
    taken: Sequence[Taken],
) -> Camera:
    """The nearest camera that keeps all points in the picture, beside what is taken, wherever on its circle it stands.

    That is the camera which sees the body that the points sweep as they turn before it.
    """
    steps = np.radians(np.arange(0, 360, _STEP_DEG))
    swept = np.concatenate([pivot + _turned(points - pivot, step) for step in steps])

    def camera(right: float, sink: float) -> Camera:
        return fit(
            swept,
            azimuth_deg=azimuth_deg,
            elevation_deg=_ELEVATION_DEG,
            aspect=aspect,
            view_angle_deg=_ANGLE_DEG,
            margins=replace(_MARGINS, right=right),
            sink=sink,
        )

    if not taken:
        return camera(_MARGINS.right, _SINKS[0])
    return clear_of(camera, swept, taken, least=_MARGINS.right, aspect=aspect, sinks=_SINKS)
