"""Where the sun stands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from twin.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Sun:
    """A place in the sky.

    Parameters
    ----------
    azimuth_deg : float
        Clockwise from grid north of the city's CRS.
    elevation_deg : float
        Above the horizon; negative at night.
    when : datetime, optional
        The time that it belongs to; None for a light that was chosen for its looks.
    """

    azimuth_deg: float
    elevation_deg: float
    when: datetime | None = None

    @property
    def direction(self) -> tuple[float, float, float]:
        """Unit vector towards the sun: east, north, up."""
        azimuth, elevation = math.radians(self.azimuth_deg), math.radians(self.elevation_deg)
        level = math.cos(elevation)
        return level * math.sin(azimuth), level * math.cos(azimuth), math.sin(elevation)


def degrees_between(one: Sun, other: Sun) -> float:
    """Angle between two places of the sun.

    Examples
    --------
    >>> pairs = (Sun(10.0, 0.0), Sun(350.0, 0.0)), (Sun(0.0, 90.0), Sun(180.0, 89.0))
    >>> [round(degrees_between(*pair), 6) for pair in pairs]
    [20.0, 1.0]
    """
    ours, theirs = one.direction, other.direction
    # Of small angles the chord tells more than the cosine.
    return 2 * math.degrees(math.asin(min(1.0, math.dist(ours, theirs) / 2)))


def check_year(year: int, *, where: str) -> None:
    """Refuse years that the formulas are not made for.

    Raises
    ------
    UsageError
        Outside of 1800 to 2200.
    """
    if not 1800 <= year <= 2200:
        what = f"lies in the year {year}; where the sun stood is told from 1800 to 2200"
        raise UsageError(where, what, "choose a year of these")


def parse_time(text: str) -> datetime:
    """A point in time from ISO 8601 text.

    Raises
    ------
    UsageError
        If it is no time, has no offset from UTC, without which the sun's place is unknown, or lies centuries away.

    Examples
    --------
    >>> parse_time("2026-07-01T14:00+03:00").utctimetuple().tm_hour
    11
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError("--time", f"{text!r} is no time", "write 2026-07-01T14:00+03:00") from None
    if when.tzinfo is None:
        whole = text if len(text) > len("2026-07-01") else f"{text}T12:00"
        raise UsageError("--time", f"{text!r} has no offset from UTC", f"write {whole}+00:00, or your own")
    check_year(when.year, where="--time")
    return when


def sun_at(when: datetime, *, latitude_deg: float, longitude_deg: float, convergence_deg: float = 0.0) -> Sun:
    """The sun's place seen from a point of the Earth, without refraction; good to some hundredths of a degree.

    Parameters
    ----------
    when : datetime
        With its offset from UTC.
    latitude_deg, longitude_deg : float
        North and east positive.
    convergence_deg : float
        Angle of grid north clockwise from true north.

    References
    ----------
    Meeus (1998), Astronomical Algorithms, chapters 13, 22 and 25, in the form that NOAA's solar calculator uses.

    Examples
    --------
    >>> sun = sun_at(parse_time("2026-06-21T12:00+00:00"), latitude_deg=52.0, longitude_deg=0.0)
    >>> round(sun.elevation_deg), round(sun.azimuth_deg)
    (61, 179)
    """
    if when.tzinfo is None:
        raise ValueError("a time without an offset from UTC has no sun")
    utc = when.astimezone(UTC)
    days = utc.toordinal() - 730_120.5 + (utc.hour * 3600 + utc.minute * 60 + utc.second) / 86_400
    declination, equation_min = _declination_and_equation_of_time(days / 36_525)
    minutes = utc.hour * 60 + utc.minute + utc.second / 60
    hour_angle = math.radians((minutes + equation_min + 4 * longitude_deg) / 4 - 180)
    latitude = math.radians(latitude_deg)
    sin_elevation = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(
        declination
    ) * math.cos(hour_angle)
    azimuth = math.atan2(
        -math.sin(hour_angle) * math.cos(declination),
        math.cos(latitude) * math.sin(declination)
        - math.sin(latitude) * math.cos(declination) * math.cos(hour_angle),
    )
    elevation = math.degrees(math.asin(min(1.0, max(-1.0, sin_elevation))))
    return Sun((math.degrees(azimuth) - convergence_deg) % 360, elevation, when)


def _declination_and_equation_of_time(century: float) -> tuple[float, float]:
    """Declination in radians and equation of time in minutes, `century` in Julian centuries from J2000."""
    t = century
    mean_longitude = math.radians((280.46646 + t * (36000.76983 + 0.0003032 * t)) % 360)
    anomaly = math.radians(357.52911 + t * (35999.05029 - 0.0001537 * t))
    eccentricity = 0.016708634 - t * (0.000042037 + 0.0000001267 * t)
    centre = (
        math.sin(anomaly) * (1.914602 - t * (0.004817 + 0.000014 * t))
        + math.sin(2 * anomaly) * (0.019993 - 0.000101 * t)
        + math.sin(3 * anomaly) * 0.000289
    )
    node = math.radians(125.04 - 1934.136 * t)
    longitude = mean_longitude + math.radians(centre - 0.00569 - 0.00478 * math.sin(node))
    obliquity = 23 + (26 + (21.448 - t * (46.815 + t * (0.00059 - t * 0.001813))) / 60) / 60
    tilt = math.radians(obliquity + 0.00256 * math.cos(node))
    y = math.tan(tilt / 2) ** 2
    equation = (
        y * math.sin(2 * mean_longitude)
        - 2 * eccentricity * math.sin(anomaly)
        + 4 * eccentricity * y * math.sin(anomaly) * math.cos(2 * mean_longitude)
        - 0.5 * y * y * math.sin(4 * mean_longitude)
        - 1.25 * eccentricity * eccentricity * math.sin(2 * anomaly)
    )
    return math.asin(math.sin(tilt) * math.sin(longitude)), 4 * math.degrees(equation)
