"""The survey as it is delivered: tiles on the map, each traced by itself."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.core.grid import Bounds
from twin.core.points import PointCloud
from twin.demo import pulses
from twin.demo import skeleton as sk
from twin.demo.geofiles import DAY
from twin.demo.layout import corners_of
from twin.demo.targets import gather_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from twin.demo.flight import Flight, Strip, SurveySettings
    from twin.demo.layout import Layout

    Float = NDArray[np.float64]

LINES_PER_BATCH = 64
POINTS_PER_TILE = 2_500_000
TILES_AT_LEAST = 8
TILE_SIDES_M = (1000.0, 500.0, 250.0, 125.0)
SPEED_M_S = 62.0
TAKE_OFF_S = 10 * 3600.0 - 9 * 3600.0
"""When the first strip is flown, seconds of the day in UTC: ten in the morning in Busan."""
STRIP_EVERY_S = 900.0
_GPS_DAY_ZERO, _LEAP_S, _ADJUSTED_S = date(1980, 1, 6), 18, 1e9
FULL_SCALE = 60_000.0
"""Intensity of a perfect mirror; what is recorded stays well below."""


class SurveyPoints(NamedTuple):
    """The echoes of a tile, and what the scanner notes of each; arrays of shape (n,).

    `strip` counts from 1. `gps_time` is adjusted standard GPS time, seconds. `scan_angle_deg` is negative to the left
    of the flight's direction, as LAS has it.
    """

    cloud: PointCloud
    strip: NDArray[np.uint8]
    gps_time: Float
    intensity: NDArray[np.uint16]
    scan_angle_deg: NDArray[np.float32]


def tile_side(density: float, area_m2: float = math.inf) -> float:
    """Side of a tile, metres: some two million points at most, and some eight tiles in a small area.

    Examples
    --------
    >>> tile_side(8.0), tile_side(30.0), tile_side(8.0, area_m2=1e6)
    (500.0, 250.0, 250.0)
    """
    largest = min(POINTS_PER_TILE / (1.2 * density), area_m2 / TILES_AT_LEAST)
    return next((side for side in TILE_SIDES_M if side * side <= largest), TILE_SIDES_M[-1])


def tiles_of(layout: Layout, density: float) -> Iterator[tuple[str, Bounds]]:
    """Name and map bounds of every tile that the survey's area touches, from the south-west."""
    area = layout.area
    side = tile_side(density, area.width * area.height)
    for a in range(math.floor(area.x_min / side), math.ceil(area.x_max / side)):
        for b in range(math.floor(area.y_min / side), math.ceil(area.y_max / side)):
            tile = Bounds(a * side, b * side, (a + 1) * side, (b + 1) * side)
            yield f"{round(tile.x_min)}_{round(tile.y_min)}", tile


def shared_bounds(a: Bounds, b: Bounds) -> Bounds | None:
    """What two rectangles have in common."""
    if not a.overlaps(b):
        return None
    return a.clipped(b)


def local_window(bounds: Bounds) -> Bounds:
    """The smallest rectangle of the local frame around a rectangle of the map."""
    local = sk.to_local(corners_of(bounds))
    return Bounds(*local.min(0).tolist(), *local.max(0).tolist())


def survey_tile(layout: Layout, flight: Flight, tile: Bounds) -> SurveyPoints:
    """Every echo that falls into a map tile with its true class, strip by strip."""
    mapped = shared_bounds(tile, layout.area)
    if mapped is None:
        return _together([])
    area = local_window(mapped)
    targets, _ = gather_targets(layout, area.buffered(_reach(flight.settings)))
    site = pulses.Site(targets, layout.terrain)
    window = _window(mapped)
    pieces: list[SurveyPoints] = []
    for strip in flight.strips:
        places = _places(flight, strip, area=area, top=targets.top)
        if places[0] == places[1]:
            continue
        job = pulses.Job(_sensor(layout.seed, flight, strip), window)
        pieces += _trace(job, places, area, site)
    return _together(pieces)


def _together(pieces: list[SurveyPoints]) -> SurveyPoints:
    none = SurveyPoints(
        PointCloud.empty(),
        np.empty(0, np.uint8),
        np.empty(0),
        np.empty(0, np.uint16),
        np.empty(0, np.float32),
    )
    everything = [none, *pieces]
    return SurveyPoints(
        PointCloud.concatenate([p.cloud for p in everything]),
        np.concatenate([p.strip for p in everything]),
        np.concatenate([p.gps_time for p in everything]),
        np.concatenate([p.intensity for p in everything]),
        np.concatenate([p.scan_angle_deg for p in everything]),
    )


def _reach(settings: SurveySettings) -> float:
    """How far sideways a beam travels between the tallest tower and the river bed."""
    return 90.0 * math.tan(math.radians(settings.half_angle_deg)) + 2.0


def _window(tile: Bounds) -> pulses.Window:
    edges = tile.x_min, tile.y_min, tile.x_max, tile.y_max
    return pulses.Window(*edges, sk.ORIGIN[0], sk.ORIGIN[1], math.cos(sk.TURN), math.sin(sk.TURN))


def _trace(
    job: pulses.Job, places: tuple[int, int], area: Bounds, site: pulses.Site
) -> Iterator[SurveyPoints]:
    """The echoes of one strip, some scan lines at a time."""
    first = math.floor((area.x_min - 6.0) / job.sensor.line_spacing)
    last = math.ceil((area.x_max + 6.0) / job.sensor.line_spacing)
    room = LINES_PER_BATCH * (places[1] - places[0]) * pulses.MAX_RETURNS
    out = pulses.Echoes(
        np.empty((room, 3)),
        np.empty(room, np.uint8),
        np.empty((room, 2), np.uint8),
        np.empty((room, 2), np.int32),
        np.empty(room, np.float32),
    )
    for line in range(first, last, LINES_PER_BATCH):
        lines = line, min(line + LINES_PER_BATCH, last)
        n = pulses.trace_lines(lines, places, job, site, out)
        yield _noted(out, n, job.sensor)


def _noted(echoes: pulses.Echoes, n: int, sensor: pulses.Sensor) -> SurveyPoints:
    """The first `n` echoes, with what the scanner notes of them."""
    line, place = echoes.pulses[:n].T
    share = (place + 0.5) / sensor.pulses_per_line
    left = sensor.heading * math.degrees(sensor.half_angle) * (2.0 * share - 1.0)
    day = (date.fromisoformat(DAY) - _GPS_DAY_ZERO).days * 86_400.0 + _LEAP_S - _ADJUSTED_S
    start = day + TAKE_OFF_S + sensor.strip * STRIP_EVERY_S
    time = start + (sensor.heading * line + share) * (sensor.line_spacing / SPEED_M_S)
    numbers = echoes.numbers[:n].copy()
    return SurveyPoints(
        PointCloud(echoes.xyz[:n].copy(), echoes.classes[:n].copy(), numbers[:, 0], numbers[:, 1]),
        np.full(n, sensor.strip, np.uint8),
        np.round(time, 6),
        np.minimum(echoes.shine[:n] * FULL_SCALE, 65_535.0).astype(np.uint16),
        (-left).astype(np.float32),
    )


def _places(flight: Flight, strip: Strip, *, area: Bounds, top: float) -> tuple[int, int]:
    """Places along a scan line whose beams can come over an area, from and to."""
    settings = flight.settings
    drops = settings.altitude_m - np.array([pulses.LOWEST_GROUND_M, top])
    angles = np.arctan(np.array([[area.y_min - 2.0], [area.y_max + 2.0]] - np.array(strip.v)) / drops)
    half = math.radians(settings.half_angle_deg)
    place = (angles + half) / (2 * half) * flight.pulses_per_line
    n = flight.pulses_per_line
    return int(np.clip(place.min() - 2, 0, n)), int(np.clip(place.max() + 2, 0, n))


def _sensor(seed: int, flight: Flight, strip: Strip) -> pulses.Sensor:
    settings = flight.settings
    return pulses.Sensor(
        np.uint64(seed),
        strip.number,
        strip.v,
        float(strip.heading),
        settings.altitude_m,
        math.radians(settings.half_angle_deg),
        flight.pulses_per_line,
        flight.line_spacing_m,
        settings.range_noise_m,
        settings.pointing_noise_m,
        *strip.offset_m,
        settings.outliers_per_million * 1e-6,
    )
