"""Boundaries of polygons as segments on a millimetre grid, cut to a tile.

Inside, coordinates are whole millimetres from the tile's south-west corner. Whole numbers make the place where
a line crosses a tile's border the same for both tiles that share it, to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Bounds

UNITS_PER_M = 1000
"""Steps of the coordinate grid per metre."""


def to_units(xy: NDArray[np.float64], bounds: Bounds) -> NDArray[np.int64]:
    """Map coordinates as whole millimetres from the south-west corner of `bounds`; shape (n, 2)."""
    corner = np.rint(np.array([bounds.x_min, bounds.y_min]) * UNITS_PER_M)
    return np.rint(np.asarray(xy, dtype=np.float64) * UNITS_PER_M).astype(np.int64) - corner.astype(np.int64)


def to_map(units: NDArray[np.int64], bounds: Bounds) -> NDArray[np.float64]:
    """The way back from `to_units`: the same number for the same place, whatever the tile."""
    corner = np.rint(np.array([bounds.x_min, bounds.y_min]) * UNITS_PER_M).astype(np.int64)
    return (units + corner) / UNITS_PER_M


def extent(bounds: Bounds) -> NDArray[np.int64]:
    """Width and height of a tile in units, shape (2,)."""
    return to_units(np.array([[bounds.x_max, bounds.y_max]]), bounds)[0]


def boundary_segments(polygons: NDArray[Any], bounds: Bounds) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every piece of every ring within a tile, once, and where rings meet the tile's border.

    Parameters
    ----------
    polygons : array, shape (n,)
        Polygons or multipolygons in map coordinates.
    bounds : Bounds
        The tile.

    Returns
    -------
    segments : array, shape (n_segments, 2, 2)
        Ends in units, int64, cut at the border; they may cross each other.
    crossings : array, shape (k, 2)
        Every point at which a ring crosses, touches or runs along the border, also from outside: the tile on
        the other side has the same.
    """
    rings = shapely.get_rings(shapely.get_parts(polygons))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    points = to_units(xy, bounds)
    joined = ring[1:] == ring[:-1]
    size = extent(bounds)
    segments = _touching(np.stack([points[:-1][joined], points[1:][joined]], axis=1), size)
    inside = is_inside(segments, size).all(axis=1)
    pieces = np.concatenate([segments[inside], _cut_at_border(unique_segments(segments[~inside]), size)])
    ends = pieces.reshape(-1, 2)
    crossings = np.unique(ends[is_inside(ends, size) & is_on_border(ends, size)], axis=0)
    return unique_segments(pieces[is_inside(pieces, size).all(axis=1)]), crossings


def is_inside(units: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which points lie in the tile, its border included; the last axis holds x and y."""
    return np.asarray(((units >= 0) & (units <= size)).all(axis=-1))


def is_on_border(units: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the points of a tile lie on its border; the last axis holds x and y."""
    return np.asarray(((units == 0) | (units == size)).any(axis=-1))


def unique_segments(segments: NDArray[np.int64]) -> NDArray[np.int64]:
    """The segments without direction, doubles and points, in a fixed order; shape (n, 2, 2)."""
    a, b = segments[:, 0], segments[:, 1]
    swap = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    directed = np.where(swap[:, None, None], segments[:, ::-1], segments)
    proper = directed[(directed[:, 0] != directed[:, 1]).any(axis=1)]
    if not len(proper):
        return np.empty((0, 2, 2), dtype=np.int64)
    return np.unique(proper.reshape(-1, 4), axis=0).reshape(-1, 2, 2)


def _touching(segments: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.int64]:
    """The segments whose box touches the tile."""
    low, high = segments.min(axis=1), segments.max(axis=1)
    return segments[((low <= size) & (high >= 0)).all(axis=1)]


def _cut_at_border(segments: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.int64]:
    """Segments split where they cross the four lines of the tile's border.

    Every crossing is reckoned from the whole segment with its ends in one order and rounded in whole numbers,
    so that the tile on the other side finds the same point.
    """
    a, b = segments[:, 0], segments[:, 1]
    points, places = [a, b], [np.zeros(len(a)), np.ones(len(a))]
    for axis in (0, 1):
        for line in (0, int(size[axis])):
            crossing, place = _crossing(a, b, axis, line)
            points.append(crossing)
            places.append(place)
    order = np.argsort(np.stack(places, axis=1), axis=1, kind="stable")
    along = np.take_along_axis(np.stack(points, axis=1), order[:, :, None], axis=1)
    return np.stack([along[:, :-1], along[:, 1:]], axis=2).reshape(-1, 2, 2)


def _crossing(
    a: NDArray[np.int64], b: NDArray[np.int64], axis: int, line: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where segments cross the line on which a coordinate is `line`; the start where they do not."""
    other = 1 - axis
    run = b[:, axis] - a[:, axis]
    crosses = (line - a[:, axis]) * (line - b[:, axis]) < 0
    den = np.where(crosses, run, 1)
    num = np.where(crosses, line - a[:, axis], 0)
    sign = np.sign(den)
    rise = (b[:, other] - a[:, other]) * num * sign
    point = a.copy()
    point[crosses, axis] = line
    point[:, other] += (2 * rise + np.abs(den)) // (2 * np.abs(den))
    return point, num / den
