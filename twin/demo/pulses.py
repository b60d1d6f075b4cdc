"""From pulses to points: the kernel that follows every beam through crowns to roof, street or river.

Dice are hashes of strip, line and place in the line, so that a pulse has the same fate whichever tile asks for it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from twin.demo.chance import INLINED, mix, to_normal, to_unit
from twin.demo.rays import MAX_CROWNS, Ray, crowns_on_ray, first_triangle, ground_depth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.demo.targets import Targets
    from twin.demo.terrain import Terrain

    Float = NDArray[np.float64]
    Bytes = NDArray[np.uint8]

MAX_RETURNS = 5
SEPARATION_M = 0.8
"""Echoes closer than this along the beam run together."""
LOWEST_GROUND_M = -4.0
_WALL, _GLASS, _CAR, _BRIDGE = 1, 2, 3, 4
_BERM = 5
_GROUND_REFLECTANCE = np.array([0.42, 0.38, 0.24, 0.13, 0.45, 0.45, 0.03, 0.03, 0.03])
"""In the near infrared by kind of ground: grass is bright, asphalt dark, water black but for glints."""
_LEAF_REFLECTANCE = 0.45


class Sensor(NamedTuple):
    """What the kernel needs to know of aircraft, scanner and strip; lengths in metres, angles in radians."""

    seed: np.uint64
    strip: int
    v: float
    heading: float
    altitude: float
    half_angle: float
    pulses_per_line: int
    line_spacing: float
    range_noise: float
    pointing_noise: float
    offset_u: float
    offset_v: float
    offset_z: float
    outlier_chance: float


class Window(NamedTuple):
    """The tile that points are wanted for: its edges on the map, and how the local frame lies on it."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float
    origin_x: float
    origin_y: float
    cos: float
    sin: float


class Site(NamedTuple):
    """What stands in and around a tile."""

    targets: Targets
    terrain: Terrain


class Job(NamedTuple):
    """One strip over one tile."""

    sensor: Sensor
    window: Window


class Echoes(NamedTuple):
    """Room for points.

    Map coordinates (n, 3), ASPRS classes (n,), return number and number of returns (n, 2), the scan line of their pulse
    and its place there (n, 2), and the share of the beam that comes back (n,).
    """

    xyz: Float
    classes: Bytes
    numbers: Bytes
    pulses: NDArray[np.int32]
    shine: NDArray[np.float32]


class _Scratch(NamedTuple):
    """Room for one pulse: crowns on its way; depths, classes and brightness of its echoes."""

    found: Float
    depths: Float
    classes: Bytes
    shine: Float


@INLINED
def _die(state: np.uint64, k: int) -> float:
    return to_unit(mix(state, np.uint64(k)))


@INLINED
def _bell(state: np.uint64, k: int) -> float:
    return to_normal(mix(state, np.uint64(k)), mix(state, np.uint64(k + 7777)))


@njit(cache=True, nogil=True)
def _to_map(u: float, v: float, window: Window) -> tuple[float, float]:
    x = window.origin_x + window.cos * u - window.sin * v
    y = window.origin_y + window.sin * u + window.cos * v
    return x, y


@njit(cache=True, nogil=True)
def _may_reach(ray: Ray, window: Window) -> bool:
    """Whether a beam between its highest target and the lowest ground passes over the tile."""
    length = ray.top - LOWEST_GROUND_M
    x, y = _to_map(ray.u, ray.v, window)
    x2, y2 = _to_map(ray.u + ray.du * length, ray.v + ray.dv * length, window)
    return (
        max(x, x2) > window.x_min - 0.5
        and min(x, x2) < window.x_max + 0.5
        and max(y, y2) > window.y_min - 0.5
        and min(y, y2) < window.y_max + 0.5
    )


@INLINED
def _hard_target(ray: Ray, state: np.uint64, targets: Targets, terrain: Terrain) -> tuple[float, int, float]:
    """Depth of the last thing a beam can reach, its class and reflectance; class 0 where nothing comes back."""
    s, _, kind, is_water = ground_depth(ray, terrain)
    hit, which = first_triangle(ray, s, targets)
    if which >= 0:
        return _from_material(hit, which, state, targets)
    if is_water:
        tilt = math.sqrt(ray.du * ray.du + ray.dv * ray.dv)
        back = 0.03 + 0.55 * math.exp(-((tilt / 0.09) ** 2))
        return s, 9 if _die(state, 20) < back else 0, back
    return s, _ground_class(state, kind), _GROUND_REFLECTANCE[kind]


@njit(cache=True, nogil=True)
def _from_material(hit: float, which: int, state: np.uint64, targets: Targets) -> tuple[float, int, float]:
    material, chance = targets.material[which], _die(state, 21)
    if material == _WALL:
        return hit, 6 if chance < 0.35 else 0, 0.3
    if material == _CAR:
        return hit, 1 if chance < 0.92 else 0, 0.25
    if material == _BRIDGE:
        return hit, 17, 0.22
    if material == _GLASS and chance > 0.3:
        # Through the pane to the floor, which answers half the time and is neither roof nor ground.
        return targets.top - targets.below[which], 1 if chance > 0.65 else 0, 0.08
    # The height of its floor stands for the building: it is the same in every window.
    roofing = _die(np.uint64(int(targets.below[which] * 1000.0) + 4096), 1)
    return hit, 6 if chance < 0.995 else 0, 0.12 + 0.3 * roofing


@njit(cache=True, nogil=True)
def _ground_class(state: np.uint64, kind: int) -> int:
    grass = 0.22 if kind == _BERM else 0.05
    is_green = kind in (0, 1, 4, 5)
    if _die(state, 22) > 0.996:
        return 0
    return 3 if is_green and _die(state, 23) < grass else 2


@njit(cache=True, nogil=True)
def _leaf_returns(
    s_hard: float, n_crowns: int, state: np.uint64, targets: Targets, scratch: _Scratch
) -> tuple[int, float]:
    """Echoes from crowns on the way down, and the share of the beam that is left below them."""
    n, left, last = 0, 1.0, -1e9
    for k in range(n_crowns):
        crown = int(scratch.found[k, 2])
        density = targets.crowns[crown, 5]
        s, leaves = scratch.found[k, 0], min(scratch.found[k, 1], s_hard)
        for m in range(4):
            s -= math.log(1.0 - _die(state, 40 + 8 * k + m)) / density
            if s >= leaves or n >= MAX_RETURNS - 1 or left < 0.12:
                break
            rest = left * 0.8 * _die(state, 44 + 8 * k + m) ** 1.5
            if s - last > SEPARATION_M:
                scratch.depths[n], scratch.classes[n] = s, int(targets.crowns[crown, 6])
                scratch.shine[n] = _LEAF_REFLECTANCE * (left - rest)
                n, last = n + 1, s
            left = rest
    return n, left


@INLINED
def _pulse(ray: Ray, state: np.uint64, targets: Targets, terrain: Terrain, scratch: _Scratch) -> int:
    """Fill the depths and classes of a pulse's echoes; how many there are."""
    s_hard, kind, reflectance = _hard_target(ray, state, targets, terrain)
    n_crowns = crowns_on_ray(ray, s_hard, targets, scratch.found)
    n, left = 0, 1.0
    if n_crowns > 0:
        n, left = _leaf_returns(s_hard, n_crowns, state, targets, scratch)
    if kind != 0 and left >= 0.12 and (n == 0 or s_hard - scratch.depths[n - 1] > SEPARATION_M):
        scratch.depths[n], scratch.classes[n], scratch.shine[n] = s_hard, kind, reflectance * left
        n += 1
    return n


@njit(cache=True, nogil=True)
def _outlier(state: np.uint64, scratch: _Scratch, n: int, top: float) -> int:
    """Turn a pulse into a bird, a cloud or a double reflection."""
    base = scratch.depths[n - 1] if n else top
    scratch.shine[0] = 0.03
    if _die(state, 31) < 0.5:
        scratch.depths[0], scratch.classes[0] = base - 15.0 - 120.0 * _die(state, 32), 18
    else:
        scratch.depths[0], scratch.classes[0] = base + 0.8 + 9.0 * _die(state, 32) ** 2, 7
    return 1


@njit(cache=True, nogil=True)
def _disturbed(ray: Ray, s: float, kind: int, state: np.uint64, sensor: Sensor) -> tuple[float, float, float]:
    """Where an echo at a depth is put: with errors of range, pointing and strip; grass stands above the ground."""
    slant = 1.0 / math.sqrt(1.0 + ray.du * ray.du + ray.dv * ray.dv)
    along = sensor.range_noise * _bell(state, 0) * slant
    u = ray.u + ray.du * (s + along) + sensor.pointing_noise * _bell(state, 1) + sensor.offset_u
    v = ray.v + ray.dv * (s + along) + sensor.pointing_noise * _bell(state, 2) + sensor.offset_v
    z = ray.top - s - along + sensor.offset_z
    if kind == 3:
        z += 0.06 + 0.34 * _die(state, 3) ** 2
    return u, v, z


@njit(cache=True, nogil=True)
def _keep(
    pulse: tuple[Ray, np.uint64, int, int, int], job: Job, scratch: _Scratch, out: Echoes, at: int
) -> int:
    """Put a pulse's echoes that fall into the tile behind those already there; how many there are then."""
    ray, state, n, line, place = pulse
    window = job.window
    for e in range(n):
        own = mix(state, np.uint64(90 + e))
        u, v, z = _disturbed(ray, scratch.depths[e], scratch.classes[e], own, job.sensor)
        x, y = _to_map(u, v, window)
        if window.x_min <= x < window.x_max and window.y_min <= y < window.y_max:
            out.xyz[at, 0], out.xyz[at, 1], out.xyz[at, 2] = x, y, z
            out.classes[at], out.numbers[at, 0], out.numbers[at, 1] = scratch.classes[e], e + 1, n
            out.pulses[at, 0], out.pulses[at, 1] = line, place
            out.shine[at] = scratch.shine[e] * (0.85 + 0.3 * _die(own, 4))
            at += 1
    return at


@njit(cache=True, nogil=True)
def _beam(sensor: Sensor, line: int, place: int, state: np.uint64, top: float) -> Ray:
    """The beam of one pulse from the elevation `top` on."""
    step = 2.0 * sensor.half_angle / sensor.pulses_per_line
    # A quarter of a step of wander keeps a scanner's pattern without its regular grid.
    angle = -sensor.half_angle + (place + 0.5) * step + step * (_die(state, 1) - 0.5) * 0.5
    du, dv = sensor.heading * 0.03, math.tan(angle)
    u = (line + 0.5 * _die(state, 2)) * sensor.line_spacing - du * (top - 1.5)
    return Ray(u, sensor.v + dv * (sensor.altitude - top), top, du, dv)


@njit(cache=True, nogil=True)
def trace_lines(lines: tuple[int, int], places: tuple[int, int], job: Job, site: Site, out: Echoes) -> int:
    """Trace the pulses of some scan lines of one strip and keep the echoes that fall into a tile.

    Parameters
    ----------
    lines, places : tuple of two int
        Scan lines, counted from u = 0 in steps of the line spacing, and places along them; from and to.
    job : Job
        The strip and the tile.
    site : Site
        What stands there.
    out : Echoes
        Filled from the front; must have room for `MAX_RETURNS` echoes of every pulse.

    Returns
    -------
    int
        How many echoes were kept.
    """
    scratch = _Scratch(
        np.empty((MAX_CROWNS, 3)),
        np.empty(MAX_RETURNS),
        np.empty(MAX_RETURNS, np.uint8),
        np.empty(MAX_RETURNS),
    )
    strip_state = mix(job.sensor.seed, np.uint64(job.sensor.strip))
    # Taken apart once: each look into a tuple of arrays counts references.
    targets, terrain = site.targets, site.terrain
    top, kept = targets.top, 0
    for line in range(lines[0], lines[1]):
        line_state = mix(strip_state, np.uint64(line + 1048576))
        for place in range(places[0], places[1]):
            state = mix(line_state, np.uint64(place))
            ray = _beam(job.sensor, line, place, state, top)
            if not _may_reach(ray, job.window):
                continue
            n = _pulse(ray, state, targets, terrain, scratch)
            if _die(state, 30) < job.sensor.outlier_chance:
                n = _outlier(state, scratch, n, top)
            kept = _keep((ray, state, n, line, place), job, scratch, out, kept)
    return kept
