"""Where things are: coordinates of any CRS into the city's, and what lies too far away to be meant."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.crs import horizontal, make_transform, parse_crs
from twin.core.errors import CrsError
from twin.core.notices import Notices
from twin.core.place import place_on_earth
from twin.live.decode import is_number

if TYPE_CHECKING:
    from pyproj import CRS

    from twin.core.crs import PointTransform
    from twin.core.grid import Bounds

WGS84 = "EPSG:4326"
FAR_M = 50_000.0
"""Things within this distance of the city may be meant, such as a gauge up the river; farther ones have no place."""
Xyz = tuple[float, float, float]
Moved = tuple[float, float, float, float]
_CONVERGENCE_M = 2_000.0
"""Within this the convergence of a map is taken as one: it differs by hundredths of a degree."""


@dataclass(frozen=True)
class Locator:
    """Brings places of one CRS into the city's.

    Parameters
    ----------
    city_crs : CRS
    extent : Bounds, optional
        Of the city; None while it has none.
    source_crs : CRS, optional
        Of the places; longitude and latitude by WGS 84 if not given.
    where : str
        Their source, for messages.
    """

    city_crs: CRS
    extent: Bounds | None
    source_crs: CRS | None = None
    where: str = "things"

    @cached_property
    def _way(self) -> PointTransform:
        # Elevations of things are taken as they stand: few sources say from which zero they count.
        source = horizontal(self.source_crs or parse_crs(WGS84))
        return make_transform(source, horizontal(self.city_crs), where=self.where, notices=Notices())

    def __call__(self, x: float, y: float, z: float = math.nan) -> Xyz | None:
        """A place in the city's coordinates; None where it is none on earth."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return None
        if self.source_crs is None and (not (-180 <= x <= 180 and -90 <= y <= 90) or x == y == 0):
            return None  # 0, 0 is what a device writes that has no place yet
        try:
            found = self._way(np.array([[x, y, 0.0]]))[0]
        except CrsError:
            return None
        return (float(found[0]), float(found[1]), z if math.isfinite(z) else math.nan)

    def geojson(self, value: Any) -> Xyz | None:
        """The place of a GeoJSON geometry or feature; of lines and areas the middle of their extent."""
        if isinstance(value, dict) and value.get("type") == "Feature":
            value = value.get("geometry")
        if not isinstance(value, dict):
            return None
        rows = _positions(value.get("coordinates"))
        if not rows:
            return None
        low = [min(r[i] for r in rows) for i in (0, 1)]
        high = [max(r[i] for r in rows) for i in (0, 1)]
        z = rows[0][2] if len(rows[0]) > 2 else math.nan
        return self((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, z)

    def moved(self, value: Any, heading: Any) -> Moved | None:
        """Where a GeoJSON geometry or feature says that something is, and where it is heading on the map."""
        at = self.geojson(value)
        return None if at is None else (*at, self.grid_heading(at, heading))

    def grid_heading(self, place: Xyz, heading: Any) -> float:
        """A heading clockwise from true north as the map has it, clockwise from grid north, degrees; NaN for none.

        Devices know true north; the map's differs from it by its convergence, within a degree or two of a zone.

        Examples
        --------
        >>> to_map = Locator(parse_crs("EPSG:3879"), None)
        >>> place = to_map(24.0, 60.2)  # a degree west of the central meridian, where grid north lies to the west
        >>> round(to_map.grid_heading(place, 0.0), 2)
        0.87
        """
        if not is_number(heading) or not math.isfinite(heading):
            return math.nan
        key = int(place[0] // _CONVERGENCE_M), int(place[1] // _CONVERGENCE_M)
        if key not in self._convergence:
            here = place_on_earth(self.city_crs.to_wkt(), place[0], place[1])
            self._convergence[key] = here.convergence_deg if here is not None else 0.0
        return (float(heading) - self._convergence[key]) % 360

    @cached_property
    def _convergence(self) -> dict[tuple[int, int], float]:
        return {}

    def distance_m(self, place: Xyz) -> float:
        """How far outside of the city a place lies; 0 inside, and everywhere while the city has no extent."""
        if self.extent is None:
            return 0.0
        dx = max(self.extent.x_min - place[0], 0.0, place[0] - self.extent.x_max)
        dy = max(self.extent.y_min - place[1], 0.0, place[1] - self.extent.y_max)
        return math.hypot(dx, dy)


def _positions(value: Any) -> list[list[float]]:
    """Positions of GeoJSON coordinates of any nesting."""
    stack, found = [value], []
    while stack:
        item = stack.pop()
        if not isinstance(item, list) or not item:
            continue
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in item):
            if len(item) > 1 and all(abs(v) < 1e12 for v in item[:3]):
                found.append([float(v) for v in item[:3]])
        else:
            stack.extend(item)
    return found


def settled(place: Xyz | None, locator: Locator, *, name: str, subject: str, notices: Notices) -> Xyz | None:
    """A place that the city can use: what lies far outside is told, and has none.

    Parameters
    ----------
    place : tuple or None
        From a `Locator`.
    name, subject : str
        Of the thing, for the message.
    """
    if place is None:
        what = (
            "its location is 0, 0 or outside the earth; it is kept without a place (was latitude put first?)"
        )
        notices.add("outside", f"{name}: {what}", subject=subject)
        return None
    away = locator.distance_m(place)
    if away == 0:
        return place
    then = "its place is kept" if away <= FAR_M else "it is kept without a place (was latitude put first?)"
    notices.add(
        "outside",
        f"{name}: its location lies {away / 1000:,.1f} km outside the city; {then}",
        subject=subject,
    )
    return place if away <= FAR_M else None
