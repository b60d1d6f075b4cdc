"""Footprints as reconstruction needs them: local coordinates on a fine grid, sound, no two corners too close."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import shapely

from twin.reconstruct.order import rising_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID_M = 1e-4
"""Coordinates are whole multiples of this: 1 mm was measured to break solids, 0.1 mm not (roofer's notes)."""

MIN_CORNER_DISTANCE_M = 0.002
"""Validators merge corners within 1 mm; twice that keeps ours apart."""

COARSE_GRID_M = 0.01
"""Footprints with corners closer than that are drawn again on this grid."""

MIN_AREA_M2 = 1.0
MIN_WIDTH_M = 0.25
MAX_EXTENT_M = 5000.0
MAX_CORNERS = 2000
SIMPLIFY_M = 0.01


@dataclass(frozen=True, slots=True)
class LocalFootprint:
    """A sound footprint in metres from a whole-metre origin, so that a city's place on the map changes nothing.

    Parameters
    ----------
    origin : (float, float)
        Easting and northing of the local zero, whole metres.
    polygon : shapely Polygon or MultiPolygon
        Whole multiples of `GRID_M`; outer rings counter-clockwise.
    """

    origin: tuple[float, float]
    polygon: Any

    @property
    def area_m2(self) -> float:
        """Area without courtyards."""
        return float(self.polygon.area)

    def on_map(self) -> Any:
        """The polygon in map coordinates."""
        return shapely.transform(self.polygon, lambda xy: round_to_grid(xy) + self.origin)

    def localize(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of the map, shape (n, 2), in local coordinates on the grid."""
        return round_to_grid(xy - np.asarray(self.origin))


def round_to_grid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coordinates at the nearest whole multiples of 0.1 mm."""
    return np.rint(values * 1e4) / 1e4


def localize_footprint(geometry: Any) -> LocalFootprint:
    """A footprint of the map made ready for reconstruction.

    Parameters
    ----------
    geometry : shapely Polygon or MultiPolygon
        Map coordinates, metres; heights are dropped, self-intersections resolved.

    Raises
    ------
    ValueError
        If no building can stand on it: not a polygon, empty, not finite, smaller than 1 m2, thinner than 0.25 m, or
        wider than 5 km. The message gives the measured value.

    Examples
    --------
    >>> footprint = localize_footprint(shapely.box(84_960.2, 447_490.0, 84_970.2, 447_496.0))
    >>> footprint.origin, footprint.polygon.bounds, footprint.area_m2
    ((84960.0, 447490.0), (0.2, 0.0, 10.2, 6.0), 60.0)
    """
    _refuse_unusable(geometry)
    x_min, y_min = (math.floor(round(v * 1e4) / 1e4) for v in geometry.bounds[:2])
    origin = (float(x_min), float(y_min))
    local = shapely.transform(shapely.force_2d(geometry), lambda xy: round_to_grid(xy - np.asarray(origin)))
    polygon = _orient(_well_spaced(_sound(local)))
    width = 2 * polygon.area / max(polygon.length, 1e-9)
    if polygon.area < MIN_AREA_M2 or width < MIN_WIDTH_M:
        raise ValueError(
            f"covers {polygon.area:.2f} m2 at a mean width of {width:.2f} m, too small to build on"
        )
    return LocalFootprint(origin, polygon)


def _refuse_unusable(geometry: Any) -> None:
    if geometry is None or geometry.is_empty:
        raise ValueError("has no geometry")
    if geometry.geom_type not in {"Polygon", "MultiPolygon"}:
        raise ValueError(f"is a {geometry.geom_type}, not a polygon")
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise ValueError("has a corner that is not finite")
    x0, y0, x1, y1 = geometry.bounds
    if max(x1 - x0, y1 - y0) > MAX_EXTENT_M:
        raise ValueError(f"has an extent of {max(x1 - x0, y1 - y0):.0f} m, a corner gone astray")


def _sound(polygon: Any) -> Any:
    if shapely.is_valid(polygon):
        return polygon
    mended = shapely.set_precision(shapely.make_valid(polygon), GRID_M)
    return shapely.multipolygons([p for p in shapely.get_parts(mended) if p.geom_type == "Polygon"])


def _well_spaced(polygon: Any) -> Any:
    """The polygon, drawn again on a coarser grid where two of its corners are nearly one."""
    if shapely.get_num_coordinates(polygon) > MAX_CORNERS:
        polygon = shapely.set_precision(polygon.simplify(SIMPLIFY_M), GRID_M)
    if has_close_corners(shapely.get_coordinates(polygon), MIN_CORNER_DISTANCE_M):
        polygon = _sound(shapely.set_precision(polygon, COARSE_GRID_M))
    return polygon


@numba.njit(cache=True, nogil=True)
def has_close_corners(xy: NDArray[np.float64], distance: float) -> bool:
    """Whether two points lie nearer to each other than a distance without being the same."""
    order = rising_order(xy[:, 0].copy())
    for i in range(len(order)):
        for j in range(i + 1, len(order)):
            dx = xy[order[j], 0] - xy[order[i], 0]
            if dx >= distance:
                break
            dy = xy[order[j], 1] - xy[order[i], 1]
            if 0.0 < dx * dx + dy * dy < distance * distance:
                return True
    return False


def _orient(polygon: Any) -> Any:
    """Outer rings counter-clockwise from a fixed corner, parts from west to east; a lone part as a Polygon."""
    fixed = shapely.orient_polygons(shapely.normalize(polygon))
    parts = [p for p in shapely.get_parts(fixed) if p.area > 0]
    if len(parts) == 1:
        return parts[0]
    return shapely.multipolygons(sorted(parts, key=lambda p: p.bounds))
