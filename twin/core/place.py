"""Where on Earth a point of a map lies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A point of the Earth as the sky is seen from it.

    Parameters
    ----------
    latitude_deg, longitude_deg : float
        North and east positive.
    convergence_deg : float
        Angle of the map's grid north clockwise from true north.
    """

    latitude_deg: float
    longitude_deg: float
    convergence_deg: float = 0.0


def place_on_earth(crs: str, x: float, y: float) -> Place | None:
    """The place of a point of a map, or None for a CRS that is tied to nowhere.

    Parameters
    ----------
    crs : str
        Name or WKT; a vertical part is left out.
    x, y : float
        Easting and northing.

    Examples
    --------
    >>> place = place_on_earth("EPSG:28992", 84_000.0, 447_000.0)
    >>> round(place.latitude_deg, 2), round(place.longitude_deg, 2), round(place.convergence_deg, 1)
    (52.01, 4.35, -0.8)
    """
    import math

    import pyproj

    try:
        system = pyproj.CRS.from_user_input(crs)
        plane = pyproj.CRS.from_wkt(system.to_2d().to_wkt())
        to_sphere = pyproj.Transformer.from_crs(plane, plane.geodetic_crs, always_xy=True)
        longitude, latitude = to_sphere.transform(x, y)
        convergence = pyproj.Proj(plane).get_factors(longitude, latitude).meridian_convergence
    except (pyproj.exceptions.ProjError, AttributeError, TypeError):
        return None
    if not all(map(math.isfinite, (latitude, longitude, convergence))):
        return None
    return Place(float(latitude), float(longitude), float(convergence))
