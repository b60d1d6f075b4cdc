"""The survey as it is delivered: tiles on the map, each traced by itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from twin.core.grid import Bounds
from twin.core.points import PointCloud
from twin.demo import pulses
from twin.demo import skeleton as sk
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
TILE_SIDES_M = (1000.0, 500.0, 250.0, 125.0)


def tile_side(density: float) -> float:
    """Side of a tile that holds some two million points, metres.

    Examples
    --------
    >>> tile_side(8.0), tile_side(30.0)
    (500.0, 250.0)
    """
    return next(
        (side for side in TILE_SIDES_M if side * side * density * 1.2 <= POINTS_PER_TILE), TILE_SIDES_M[-1]
    )


def tiles_of(layout: Layout, density: float) -> Iterator[tuple[str, Bounds]]:
    """Name and map bounds of every tile that the survey's area touches, from the south-west."""
    side, area = tile_side(density), layout.area
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


def survey_tile(layout: Layout, flight: Flight, tile: Bounds) -> tuple[PointCloud, NDArray[np.uint8]]:
    """Every echo that falls into a map tile with its true class, and the strip that it comes from."""
    mapped = shared_bounds(tile, layout.area)
    if mapped is None:
        return PointCloud.empty(), np.empty(0, np.uint8)
    area = local_window(mapped)
    targets, _ = gather_targets(layout, area.buffered(_reach(flight.settings)))
    site = pulses.Site(targets, layout.terrain)
    window = _window(mapped)
    clouds, sources = [PointCloud.empty()], []
    for strip in flight.strips:
        places = _places(flight, strip, area=area, top=targets.top)
        if places[0] == places[1]:
            continue
        sensor = _sensor(layout.seed, flight, strip)
        traced = list(_trace(pulses.Job(sensor, window), places, area, site))
        clouds += traced
        sources.append(np.full(sum(map(len, traced)), strip.number, np.uint8))
    return PointCloud.concatenate(clouds), np.concatenate(sources)


def _reach(settings: SurveySettings) -> float:
    """How far sideways a beam travels between the tallest tower and the river bed."""
    return 90.0 * math.tan(math.radians(settings.half_angle_deg)) + 2.0


def _window(tile: Bounds) -> pulses.Window:
    edges = tile.x_min, tile.y_min, tile.x_max, tile.y_max
    return pulses.Window(*edges, sk.ORIGIN[0], sk.ORIGIN[1], math.cos(sk.TURN), math.sin(sk.TURN))


def _trace(job: pulses.Job, places: tuple[int, int], area: Bounds, site: pulses.Site) -> Iterator[PointCloud]:
    """The echoes of one strip, some scan lines at a time."""
    first = math.floor((area.x_min - 6.0) / job.sensor.line_spacing)
    last = math.ceil((area.x_max + 6.0) / job.sensor.line_spacing)
    room = LINES_PER_BATCH * (places[1] - places[0]) * pulses.MAX_RETURNS
    out = pulses.Echoes(np.empty((room, 3)), np.empty(room, np.uint8), np.empty((room, 2), np.uint8))
    for line in range(first, last, LINES_PER_BATCH):
        lines = line, min(line + LINES_PER_BATCH, last)
        n = pulses.trace_lines(lines, places, job, site, out)
        numbers = out.numbers[:n].copy()
        yield PointCloud(out.xyz[:n].copy(), out.classes[:n].copy(), numbers[:, 0], numbers[:, 1])


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
