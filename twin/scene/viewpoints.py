"""Places in the streets from which a city shows well, found by looking around with rays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.scene.bake import scene_occluders
from twin.scene.sun import studio_sun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.light import Occluders
    from twin.scene.pack import ScenePack

EYE_M = 1.75
N_CANDIDATES = 300
N_DIRECTIONS = 48
_REACH_M = 80.0
_KEPT = 3
_STEPS_M = (3.0, 6.0, 10.0, 15.0, 22.0, 30.0)
_FAN = 5
"""Directions to each side of the middle that a picture shows, of `N_DIRECTIONS` around."""
_TALL_M = 25.0
_FRAMED_M = 60.0
_HOUSES_M = 50.0
_ROADS = ("road", "path", "paved")


def street_views(pack: ScenePack) -> tuple[tuple[float, float, float, float], ...]:
    """Eye (x, y, z, local metres) and direction (degrees clockwise from north) of good views, best first.

    An eye stands on a road, free of walls and trees. A view is good when it goes far and ends at something, with
    walls on both sides, which is what a street is; when houses are seen, and the sun is on them and on the way; when
    no wall fills the picture up to its upper edge; and when near and far things, trees and water are seen together.
    Empty where no terrain carries a road.
    """
    eyes = _candidates(pack)
    if not len(eyes):
        return ()
    occluders = scene_occluders(pack)
    azimuth = np.arange(N_DIRECTIONS) * 2 * np.pi / N_DIRECTIONS
    level = np.column_stack([np.sin(azimuth), np.cos(azimuth), np.full(N_DIRECTIONS, 0.02)])
    solid, any_thing = _free_distances(occluders, eyes, level)
    raised = level + np.array([0.0, 0.0, np.tan(np.radians(18))])
    tall, overhead = _free_distances(occluders, eyes, raised)
    score = view_scores(solid, any_thing, overhead) * _variety(solid, any_thing) * _frame(tall, overhead)
    score *= (1 + 0.5 * _water_ahead(pack, eyes, azimuth)) * _sun_ahead(pack, occluders, eyes, level)
    score *= _sun_on_walls(pack, occluders, eyes, level) * _from_the_light(azimuth, pack.meta.sun_deg)
    best = np.unravel_index(np.argsort(-score, axis=None, kind="stable"), score.shape)
    views: list[tuple[float, float, float, float]] = []
    for eye, direction in zip(*best, strict=True):
        if len(views) == _KEPT or score[eye, direction] <= 0:
            break
        x, y, z = (float(v) for v in eyes[eye])
        if all(np.hypot(x - v[0], y - v[1]) > 15 for v in views):
            views.append((x, y, z, float(np.degrees(azimuth[direction]))))
    return tuple(views)


def _candidates(pack: ScenePack) -> NDArray[np.float32]:
    """Places on roads, evenly over their area, at the height of the eyes; always the same for the same pack."""
    codes = [i for i, name in enumerate(pack.meta.covers) if name in _ROADS]
    points, chosen = pack["terrain_points"], []
    for tile in pack.meta.terrain_tiles:
        triangles = pack["terrain_triangles"][slice(*tile.cells)] + tile.points[0]
        chosen.append(triangles[np.isin(pack["terrain_cover"][triangles[:, 0]], codes)])
    triangles = np.concatenate([np.empty((0, 3), np.int32), *chosen])
    if not len(triangles):
        return np.empty((0, 3), np.float32)
    a, b, c = (points[triangles[:, i]] for i in range(3))
    cumulative = np.cumsum(_plan_area(a, b, c))
    wanted = (np.arange(N_CANDIDATES) + 0.5) / N_CANDIDATES * cumulative[-1]
    picked = np.unique(np.searchsorted(cumulative, wanted))
    middle = (a[picked] + b[picked] + c[picked]) / 3
    return (middle + np.array([0, 0, EYE_M], np.float32)).astype(np.float32)


def _plan_area(a: NDArray[np.float32], b: NDArray[np.float32], c: NDArray[np.float32]) -> NDArray[np.float32]:
    u, v = b - a, c - a
    return np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / 2


def _free_distances(
    occluders: Occluders, eyes: NDArray[np.float32], directions: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far one sees from each eye, past trees and up to the first thing of any kind; shape (eyes, directions)."""
    origins = np.repeat(eyes, len(directions), axis=0)
    rays = np.tile(directions.astype(np.float32), (len(eyes), 1))
    solid = occluders.solid.distances(origins, rays)
    leaves = occluders.leaves.distances(origins, rays)
    shape = (len(eyes), len(directions))
    return solid.reshape(shape), np.minimum(solid, leaves).reshape(shape)


def _sun_ahead(
    pack: ScenePack, occluders: Occluders, eyes: NDArray[np.float32], directions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Less for a way ahead that lies in shadow, 0.3 to 1, shape (eyes, directions)."""
    low = eyes - np.array([0, 0, EYE_M - 0.3], np.float32)
    towards = np.array(studio_sun(pack.meta.sun_deg).direction, np.float32)
    lit = np.zeros((len(eyes), len(directions)))
    for step_m in _STEPS_M:
        places = (low[:, None] + step_m * directions.astype(np.float32)[None]).reshape(-1, 3)
        rays = np.tile(towards, (len(places), 1))
        free = ~(occluders.solid.occluded(places, rays) | occluders.leaves.occluded(places, rays))
        lit += free.reshape(lit.shape)
    return np.asarray(0.3 + 0.7 * lit / len(_STEPS_M))


def _water_ahead(
    pack: ScenePack, eyes: NDArray[np.float32], azimuth: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How much water lies before each eye in each direction, 0 to 1, shape (eyes, directions)."""
    water = [pack["terrain_points"][slice(*t.points)] for t in pack.meta.terrain_tiles if t.group == "water"]
    seen = np.zeros((len(eyes), len(azimuth)))
    if not water:
        return seen
    points = np.unique(np.rint(np.concatenate(water)[:, :2] / 4), axis=0) * 4
    for i, eye in enumerate(eyes):
        away = points - eye[:2]
        distance = np.hypot(away[:, 0], away[:, 1])
        near = (distance > 3) & (distance < 60)
        bearing = np.arctan2(away[near, 0], away[near, 1])
        off = np.abs((bearing[:, None] - azimuth[None, :] + np.pi) % (2 * np.pi) - np.pi)
        seen[i] = (off < np.radians(28)).sum(axis=0)
    return np.asarray(seen / max(float(seen.max()), 1.0))


def _sun_on_walls(
    pack: ScenePack, occluders: Occluders, eyes: NDArray[np.float32], level: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Less where the walls in the picture lie in shade, 0.25 to 1, shape (eyes, directions)."""
    up = (level + np.array([0.0, 0.0, np.tan(np.radians(6))])).astype(np.float32)
    distance, _ = _free_distances(occluders, eyes, up)
    there = np.isfinite(distance) & (distance < _REACH_M)
    # A little before the wall: a wall that turns away from the sun then stands in its own light.
    reach = np.where(there, np.maximum(distance - 0.05, 0.0), 0.0).astype(np.float32)
    places = (eyes[:, None] + reach[..., None] * up).reshape(-1, 3)
    towards = np.tile(np.array(studio_sun(pack.meta.sun_deg).direction, np.float32), (len(places), 1))
    lit = there & ~occluders.solid.occluded(places, towards).reshape(there.shape)
    share = fan_mean(lit) / np.maximum(fan_mean(there), 1e-9)
    return np.asarray(np.where(fan_mean(there) > 0, 0.25 + 0.75 * share, 0.6)) * _houses(distance)


def _houses(distance: NDArray[np.float32]) -> NDArray[np.float64]:
    """Little for a way along which hardly a wall is seen, 0.1 to 1, by free distances a little above level."""
    seen = fan_mean(distance < _HOUSES_M)
    return np.asarray(0.1 + 0.9 * np.clip(seen / 0.3, 0, 1))


def _from_the_light(azimuth: NDArray[np.float64], sun_deg: float) -> NDArray[np.float64]:
    """Half for looking into the sun, 1 for looking away, where the sun lies full on things; shape (directions,)."""
    return np.asarray(0.75 - 0.25 * np.cos(azimuth - np.radians(sun_deg)))


def _variety(solid: NDArray[np.float32], any_thing: NDArray[np.float32]) -> NDArray[np.float64]:
    """More where near and far things stand side by side, and for some trees, 0.4 to 1.4; shape (eyes, directions)."""
    depth = np.log(np.clip(any_thing, 3.0, _REACH_M))
    spread = np.sqrt(np.maximum(fan_mean(depth**2) - fan_mean(depth) ** 2, 0))
    trees = fan_mean((any_thing < np.minimum(solid, 60.0)) & (any_thing > 8.0))
    return np.asarray(0.4 + 0.6 * np.clip(spread / 0.8, 0, 1) + 0.4 * np.clip(trees / 0.4, 0, 1))


def _frame(tall: NDArray[np.float32], overhead: NDArray[np.float32]) -> NDArray[np.float64]:
    """Less where near walls reach far up in the picture, and where nothing does, 0.04 to 1."""
    free = np.clip((fan_mean(tall > _TALL_M) - 0.3) / 0.6, 0, 1)
    filled = np.clip(fan_mean(overhead < _FRAMED_M) / 0.35, 0, 1)
    return np.asarray((0.1 + 0.9 * free) * (0.4 + 0.6 * filled))


def fan_mean(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Mean over the directions that a picture shows, shape (eyes, directions).

    Examples
    --------
    >>> fan_mean(np.eye(1, 48))[0, :7].round(3).tolist()
    [0.091, 0.091, 0.091, 0.091, 0.091, 0.091, 0.0]
    """
    numbers = np.asarray(values, dtype=np.float64)
    turned = [np.roll(numbers, turn, axis=1) for turn in range(-_FAN, _FAN + 1)]
    return np.asarray(np.mean(turned, axis=0))


def view_scores(
    solid: NDArray[np.float32], any_thing: NDArray[np.float32], overhead: NDArray[np.float32]
) -> NDArray[np.float64]:
    """How good the view from each eye in each direction is; 0 where the eye stands too close to something.

    Parameters
    ----------
    solid, any_thing : array, shape (eyes, directions)
        Free distance to walls and ground, and to anything, metres; infinite where the view leaves the city.
    overhead : array, shape (eyes, directions)
        The same for looking up a little: crowns there would fill the picture.
    """
    n = solid.shape[1]
    ends = np.isfinite(solid)
    ahead = np.clip(np.where(ends, any_thing, 0.4 * np.minimum(any_thing, _REACH_M)), 0, _REACH_M) / _REACH_M
    side = n // 4
    walls = np.zeros(solid.shape)
    for turn in (side - 2, side, side + 2, -side + 2, -side, -side - 2):
        distance = np.roll(solid, -turn, axis=1)
        walls += np.where((distance > 2.0) & (distance < 30), 1 / 6, 0)
    # What stands just ahead, to the left or right of the middle, blocks the picture.
    closest = np.minimum(any_thing, overhead)
    near = np.min([np.roll(closest, turn, axis=1) for turn in range(-3, 4)], axis=0)
    beside = np.min([np.roll(closest, turn, axis=1) for turn in range(-6, 7)], axis=0)
    clear = np.clip((near - 5) / 12, 0, 1) * np.clip((beside - 3) / 6, 0, 1)
    open_place = any_thing.min(axis=1, keepdims=True) > 1.8
    return np.asarray(np.where(open_place, ahead * (0.25 + 0.75 * walls) * clear, 0.0))
