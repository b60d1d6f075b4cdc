"""Cameras as numbers, and the smooth way through some of them."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from twin.scene.camera import Camera

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from numpy.typing import NDArray

    Surface = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_TARGET_WEIGHT = 0.4
"""What looking elsewhere counts against moving: a turn on the spot takes time too."""
_ZOOM_WEIGHT = 0.7
STEPS = 64


def spline(cameras: Sequence[Camera]) -> tuple[Any, NDArray[np.float64]]:
    """A line through cameras, by the number of the camera, and the lengths of its steps, shape (n - 1, STEPS)."""
    from scipy.interpolate import CubicHermiteSpline

    values = _numbers(cameras)
    gap = np.array([max(_apart(a, b), 1e-6) ** 0.5 for a, b in itertools.pairwise(values)])
    knots = np.concatenate([[0.0], np.cumsum(gap)])
    spline = CubicHermiteSpline(knots, values, _tangents(values, gap))

    def line(number: float) -> NDArray[np.float64]:
        return np.asarray(spline(np.interp(number, np.arange(len(knots)), knots)))

    fine = np.interp(np.arange((len(knots) - 1) * STEPS + 1) / STEPS, np.arange(len(knots)), knots)
    points = spline(fine)
    steps = np.array([_apart(a, b) for a, b in itertools.pairwise(points)])
    return line, np.maximum(steps, 1e-9).reshape(-1, STEPS)


def _tangents(values: NDArray[np.float64], gap: NDArray[np.float64]) -> NDArray[np.float64]:
    slope = np.diff(values, axis=0) / gap[:, None]
    tangents = np.empty_like(values)
    if (
        len(values) > 2
        and np.allclose(values[0, :3], values[-1, :3])
        and np.allclose(eye_of(values[0]), eye_of(values[-1]))
    ):
        wrapped = _between(slope[-1], slope[0], gap[-1], gap[0])
        tangents[0] = tangents[-1] = wrapped
    else:
        tangents[0], tangents[-1] = slope[0], slope[-1]
    for i in range(1, len(values) - 1):
        tangents[i] = _between(slope[i - 1], slope[i], gap[i - 1], gap[i])
    return tangents


def _between(
    before: NDArray[np.float64], after: NDArray[np.float64], gap_before: float, gap_after: float
) -> NDArray[np.float64]:
    """Slope of the parabola through three neighbours at the middle one."""
    return np.asarray((before * gap_after + after * gap_before) / (gap_before + gap_after))


def _numbers(cameras: Sequence[Camera]) -> NDArray[np.float64]:
    """Cameras as rows: target, azimuth and elevation of the eye seen from there, and the logarithms of its distance,
    of the angle of view and of the height of a parallel view; halving takes as long as doubling.
    """
    rows = []
    for camera in cameras:
        east, north, up = np.subtract(camera.eye, camera.target)
        level = math.hypot(east, north)
        # Straight from above north is up: as if the eye stood in the south.
        azimuth = math.atan2(east, north) if level > 1e-6 * abs(up) else math.pi
        distance = math.dist(camera.eye, camera.target)
        parallel = camera.parallel_height_m or 2 * distance * math.tan(
            math.radians(camera.view_angle_deg) / 2
        )
        rows.append(
            [
                *camera.target,
                *(azimuth, math.atan2(up, level), math.log(distance)),
                *(
                    math.log(camera.view_angle_deg),
                    math.log(parallel),
                    float(camera.parallel_height_m is not None),
                ),
            ]
        )
    values = np.array(rows)
    values[:, 3] = np.unwrap(values[:, 3])
    return values


def _apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """How far two cameras are from each other, as shares of their distance from what they look at."""
    distance = math.exp((a[5] + b[5]) / 2)
    moved, turned = np.linalg.norm(eye_of(a) - eye_of(b)), np.linalg.norm(a[:3] - b[:3])
    return float((moved + _TARGET_WEIGHT * turned) / distance + _ZOOM_WEIGHT * abs(a[6] - b[6]))


def eye_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where a camera of such numbers stands, local metres."""
    azimuth, elevation, distance = values[3], values[4], math.exp(values[5])
    level = math.cos(elevation) * distance
    away = [level * math.sin(azimuth), level * math.cos(azimuth), math.sin(elevation) * distance]
    return np.asarray(values[:3] + np.array(away))


def camera_of(values: NDArray[np.float64], lift_m: float) -> Camera:
    """The camera of such numbers, so many metres higher."""
    angle = min(max(math.exp(values[6]), 1.0), 150.0)
    parallel = math.exp(values[7]) if values[8] > 0.5 else None
    return Camera(vector(eye_of(values) + np.array([0.0, 0.0, lift_m])), vector(values[:3]), angle, parallel)


def vector(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Three numbers as a plain tuple."""
    x, y, z = (float(v) for v in values)
    return x, y, z
