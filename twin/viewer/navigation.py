"""Where a camera goes when a hand moves it: each move takes a camera and gives another, in local metres."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from twin.scene.camera import Camera, metres_per_pixel

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.scene.camera import Vector

EYE_HEIGHT_M = 1.7
NEAREST_M = 0.5
FARTHEST_M = 60_000.0
WALK_ANGLE_DEG = 60.0
_FULL_TURN_PX = 900.0
"""Pixels of a mouse's way that turn a camera once around."""
_LOWEST_DEG, _HIGHEST_DEG = -8.0, 89.0
_STEEPEST_LOOK_DEG = 80.0


def _vector(values: NDArray[np.floating]) -> Vector:
    x, y, z = (float(v) for v in values)
    return x, y, z


def direction(azimuth_deg: float, elevation_deg: float) -> NDArray[np.float64]:
    """Unit vector clockwise from north and above the horizon.

    Examples
    --------
    >>> direction(90.0, 0.0).round(6).tolist()
    [1.0, 0.0, 0.0]
    """
    a, e = math.radians(azimuth_deg), math.radians(elevation_deg)
    return np.array([math.cos(e) * math.sin(a), math.cos(e) * math.cos(a), math.sin(e)])


def angles(vector: NDArray[np.floating]) -> tuple[float, float]:
    """Azimuth clockwise from north, 0 to 360, and elevation of a direction, degrees."""
    x, y, z = (float(v) for v in vector)
    return math.degrees(math.atan2(x, y)) % 360, math.degrees(math.atan2(z, math.hypot(x, y)))


def orbit(camera: Camera, dx: float, dy: float, pivot: Vector) -> Camera:
    """Turn around a point by a mouse's way in pixels; a map without perspective keeps looking down."""
    if camera.parallel_height_m is not None:
        return camera
    offset = np.subtract(camera.eye, camera.target)
    azimuth, elevation = angles(offset)
    turned = azimuth - dx * 360 / _FULL_TURN_PX
    raised = float(np.clip(elevation + dy * 360 / _FULL_TURN_PX, _LOWEST_DEG, _HIGHEST_DEG))
    turn = _turn(azimuth, elevation, turned, raised)
    centre = np.asarray(pivot)
    return replace(
        camera,
        eye=_vector(centre + turn @ np.subtract(camera.eye, centre)),
        target=_vector(centre + turn @ np.subtract(camera.target, centre)),
    )


def _turn(azimuth: float, elevation: float, to_azimuth: float, to_elevation: float) -> NDArray[np.float64]:
    """Rotation that takes one direction and its level right-hand side to another's."""
    before, after = _frame(azimuth, elevation), _frame(to_azimuth, to_elevation)
    return after.T @ before


def _frame(azimuth: float, elevation: float) -> NDArray[np.float64]:
    out = direction(azimuth, elevation)
    side = direction(azimuth + 90, 0.0)
    return np.stack([out, side, np.cross(out, side)])


def pan(camera: Camera, dx: float, dy: float, height_px: int, *, depth_m: float) -> Camera:
    """Move along the picture so that what lies at a depth follows the mouse."""
    metres = metres_per_pixel(camera, height_px, depth_m)
    right, up, _ = camera.axes
    return moved(camera, (-dx * right + dy * up) * metres)


def pan_on_ground(camera: Camera, start: Vector, end: Vector) -> Camera:
    """Move level so that the ground taken at `start` lies under the mouse, which now meets it at `end`."""
    return moved(camera, np.array([start[0] - end[0], start[1] - end[1], 0.0]))


def moved(camera: Camera, by: NDArray[np.floating]) -> Camera:
    """The camera somewhere else, looking the same way."""
    return replace(camera, eye=_vector(camera.eye + by), target=_vector(camera.target + by))


def zoom(camera: Camera, factor: float, towards: Vector) -> Camera:
    """Nearer (factor below 1) or farther, such that a point keeps its place in the picture."""
    point = np.asarray(towards, np.float64)
    if camera.parallel_height_m is not None:
        height = float(np.clip(camera.parallel_height_m * factor, 1.0, FARTHEST_M))
        share = height / camera.parallel_height_m
        shift = (1 - share) * (point - camera.target)
        shift[2] = 0.0
        return replace(moved(camera, shift), parallel_height_m=height)
    distance = float(np.linalg.norm(point - camera.eye))
    share = float(np.clip(distance * factor, NEAREST_M, FARTHEST_M)) / max(distance, 1e-9)
    return replace(
        camera,
        eye=_vector(point + (np.asarray(camera.eye) - point) * share),
        target=_vector(point + (np.asarray(camera.target) - point) * share),
    )


def look_around(camera: Camera, dx: float, dy: float) -> Camera:
    """Turn the head where one stands."""
    azimuth, elevation = angles(np.subtract(camera.target, camera.eye))
    reach = math.dist(camera.eye, camera.target)
    degrees = camera.view_angle_deg / 700
    pitch = float(np.clip(elevation - dy * degrees, -_STEEPEST_LOOK_DEG, _STEEPEST_LOOK_DEG))
    ahead = direction(azimuth + dx * degrees, pitch)
    return replace(camera, target=_vector(np.asarray(camera.eye) + reach * ahead))


def fly(camera: Camera, steps: tuple[float, float, float], metres: float) -> Camera:
    """Move by (right, forward, up) steps of a length; forward is where one looks."""
    right, _, forward = camera.axes
    sideways, ahead, up = steps
    return moved(camera, metres * (sideways * right + ahead * forward + up * np.array([0.0, 0.0, 1.0])))


def walk(
    camera: Camera,
    steps: tuple[float, float, float],
    metres: float,
    ground: Callable[[float, float], float],
    *,
    free: Callable[[Vector, float, float], tuple[float, float]] | None = None,
) -> Camera:
    """Move level by (right, forward) steps, with the eyes at their height above the ground; NaN ground stops.

    Parameters
    ----------
    camera : Camera
    steps : tuple of float
    metres : float
        Of one step.
    ground : callable
        Elevation of the ground at (x, y).
    free : callable, optional
        Azimuth and metres that are left of a way from an eye, where walls stand in it.
    """
    azimuth, _ = angles(np.subtract(camera.target, camera.eye))
    level = metres * (steps[0] * direction(azimuth + 90, 0.0) + steps[1] * direction(azimuth, 0.0))
    length = float(np.hypot(level[0], level[1]))
    if free is not None and length > 0:
        towards, left = free(camera.eye, angles(level)[0], length)
        level = left * direction(towards, 0.0)
    return stand(moved(camera, level), ground) or camera


def stand(camera: Camera, ground: Callable[[float, float], float]) -> Camera | None:
    """The camera at the height of the eyes above the ground where it is; None where there is no ground."""
    z = ground(camera.eye[0], camera.eye[1])
    if not math.isfinite(z):
        return None
    ahead = np.subtract(camera.target, camera.eye)
    eye = np.array([camera.eye[0], camera.eye[1], z + EYE_HEIGHT_M])
    return Camera(_vector(eye), _vector(eye + ahead), WALK_ANGLE_DEG)


def from_above(camera: Camera) -> Camera:
    """A map of what the camera looks at, north up, as wide as it was seen."""
    height = camera.parallel_height_m or 2 * math.dist(camera.eye, camera.target) * math.tan(
        math.radians(camera.view_angle_deg) / 2
    )
    x, y, z = camera.target
    return Camera((x, y, z + max(height, 100.0)), (x, y, z), parallel_height_m=height)


def from_aside(camera: Camera, *, view_angle_deg: float, elevation_deg: float = 40.0) -> Camera:
    """From a map back into perspective, seen from the south."""
    height = camera.parallel_height_m or 100.0
    distance = height / 2 / math.tan(math.radians(view_angle_deg) / 2)
    eye = np.asarray(camera.target) + distance * direction(180.0, elevation_deg)
    return Camera(_vector(eye), camera.target, view_angle_deg)


def look_at(
    camera: Camera,
    place: Vector,
    *,
    distance_m: float,
    elevation_deg: float = 35.0,
    view_angle_deg: float = 28.0,
) -> Camera:
    """A camera that shows a place from the side from which one looks already."""
    azimuth, _ = angles(np.subtract(camera.eye, camera.target))
    if camera.parallel_height_m is not None:
        azimuth = 180.0
    return Camera(
        _vector(np.asarray(place) + distance_m * direction(azimuth, elevation_deg)), place, view_angle_deg
    )


def between(start: Camera, end: Camera, share: float) -> Camera:
    """A camera on the way from one to another, 0 to 1: eased, and lifted on long ways so that one sees where to."""
    s = float(np.clip(share, 0, 1))
    if s >= 1:
        return end
    ease = s * s * s * (s * (6 * s - 15) + 10)
    if end.parallel_height_m is not None or start.parallel_height_m is not None:
        return _between_maps(start, end, ease)
    way = math.dist(start.target, end.target)
    near = max(math.dist(start.eye, start.target), math.dist(end.eye, end.target))
    lift = max(0.0, 0.35 * (way - 2 * near)) * 4 * ease * (1 - ease)
    mixed = [_mix(getattr(start, k), getattr(end, k), ease) for k in ("eye", "target")]
    eye, target = mixed[0] + (0, 0, lift), mixed[1]
    if np.linalg.norm(eye - target) < NEAREST_M:
        return end
    angle = (1 - ease) * start.view_angle_deg + ease * end.view_angle_deg
    return Camera(_vector(eye), _vector(target), angle)


def _mix(a: Vector, b: Vector, share: float) -> NDArray[np.float64]:
    return np.asarray(a) * (1 - share) + np.asarray(b) * share


def _between_maps(start: Camera, end: Camera, ease: float) -> Camera:
    """Between two maps their extents grow evenly; from or to perspective it is a cut."""
    if start.parallel_height_m is None or end.parallel_height_m is None:
        return end
    height = math.exp((1 - ease) * math.log(start.parallel_height_m) + ease * math.log(end.parallel_height_m))
    eye, target = _mix(start.eye, end.eye, ease), _mix(start.target, end.target, ease)
    return Camera(_vector(eye), _vector(target), parallel_height_m=height)
