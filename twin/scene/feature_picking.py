"""Which point, line or area of a layer that a user added lies under a pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.scene.camera import project
from twin.scene.picking import Hit, Kind, to_segments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.camera import Camera
    from twin.scene.pack import OverlayEntry, ScenePack

_POINT_REACH_PX, _LINE_REACH_PX = 9.0, 6.0
_BEHIND_M = 3.0
"""A line may lie this deep behind what a ray meets and still be meant: it lies on the ground, which is uneven."""
_NEAREST_M = 0.1
_COVERED = 64
"""From here on an area is seen on a texel of the ground."""
_GROUND = (Kind.TERRAIN, Kind.WATER, Kind.BRIDGE)


def pick_feature(
    pack: ScenePack, camera: Camera, size: tuple[int, int], xy: tuple[float, float], hit: Hit | None
) -> Hit | None:
    """The feature of an added layer that is meant by a pixel; None where that is what a ray meets.

    Points are drawn over everything and go first; lines do unless something stands before them; areas lie on the
    ground, the last one on top.

    Parameters
    ----------
    pack : ScenePack
    camera : Camera
    size : tuple of int
        Width and height of the picture, pixels.
    xy : tuple of float
        Column and row from the upper left corner.
    hit : Hit or None
        What a ray through the pixel meets first.
    """
    if hit is not None and hit.kind == Kind.MARKER:
        return None
    pixel = np.asarray(xy, dtype=np.float64)
    point = _point(pack, camera, size, pixel)
    if point is not None:
        return point
    line = _line(pack, camera, size, pixel)
    if line is not None and (hit is None or line.distance_m < hit.distance_m + _BEHIND_M):
        return line
    return _area(pack, hit) if hit is not None and hit.kind in _GROUND else None


def _point(pack: ScenePack, camera: Camera, size: tuple[int, int], pixel: NDArray[np.float64]) -> Hit | None:
    places = pack["overlay_points"].astype(np.float64)
    if not len(places):
        return None
    seen = project(camera, places, size)
    gap = np.hypot(*(seen[:, :2] - pixel).T)
    gap[(seen[:, 2] < _NEAREST_M) | (gap > _POINT_REACH_PX)] = np.inf
    best = int(np.lexsort((seen[:, 2], gap))[0])
    return _feature(pack, camera, places[best], best, "points") if np.isfinite(gap[best]) else None


def _line(pack: ScenePack, camera: Camera, size: tuple[int, int], pixel: NDArray[np.float64]) -> Hit | None:
    vertices, starts = pack["overlay_lines"].astype(np.float64), pack["overlay_line_starts"]
    if len(vertices) < 2:
        return None
    seen = project(camera, vertices, size)
    gap, share = to_segments(pixel, seen[:-1, :2], seen[1:, :2])
    gap[(seen[:-1, 2] < _NEAREST_M) | (seen[1:, 2] < _NEAREST_M) | (gap > _LINE_REACH_PX)] = np.inf
    gap[starts[1:-1] - 1] = np.inf  # from the end of one line to the start of the next
    best = int(np.argmin(gap))
    if not np.isfinite(gap[best]):
        return None
    place = vertices[best] + share[best] * (vertices[best + 1] - vertices[best])
    number = int(np.searchsorted(starts, best, side="right")) - 1
    return _feature(pack, camera, place, number, "lines")


def _area(pack: ScenePack, hit: Hit) -> Hit | None:
    plan = pack.meta.plan
    x, y = (hit.position[i] - pack.meta.origin[i] for i in (0, 1))
    row, column = int((plan.y_max - y) / plan.texel_m), int((x - plan.x_min) / plan.texel_m)
    for i, entry in reversed(list(enumerate(pack.meta.overlays))):
        if entry.areas and 0 <= row < plan.rows and 0 <= column < plan.columns:
            mask = pack[f"overlay_area_{i}"]
            if mask[row, column] >= _COVERED:
                return Hit(Kind.FEATURE, entry.name, hit.position, hit.distance_m)
    return None


def _feature(
    pack: ScenePack, camera: Camera, place: NDArray[np.float64], number: int, form: str
) -> Hit | None:
    """A point or line by its number among those of all layers."""

    def span(entry: OverlayEntry) -> tuple[int, int]:
        return entry.points if form == "points" else entry.lines

    for entry in pack.meta.overlays:
        first, last = span(entry)
        if first <= number < last:
            x, y, z = (float(v) for v in place + np.asarray(pack.meta.origin))
            distance = float(np.linalg.norm(place - camera.eye))
            return Hit(Kind.FEATURE, entry.name, (x, y, z), distance, form[:-1], part=number - first)
    return None
