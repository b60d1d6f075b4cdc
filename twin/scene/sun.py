"""Which sun a picture takes: one chosen for its looks, or the real one on a place for which light is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.core.errors import UsageError
from twin.energy.sun import Sun, sun_at

if TYPE_CHECKING:
    from datetime import datetime

    from twin.scene.pack import ScenePack


def studio_sun(azimuth_deg: float) -> Sun:
    """The light when no time is asked for: at 40 degrees, where shadows are as long as things are high, nearly."""
    return Sun(azimuth_deg, 40.0)


def snapped(sun: Sun) -> Sun:
    """The sun on the nearest quarter of a degree, half its disc: light is kept for such places.

    Examples
    --------
    >>> snapped(Sun(238.1, 40.13)).azimuth_deg
    238.0
    """
    azimuth, elevation = round(sun.azimuth_deg * 4) % 1440 / 4, round(sun.elevation_deg * 4) / 4
    return Sun(azimuth, elevation, sun.when)


def sun_of(pack: ScenePack, when: datetime) -> Sun:
    """The sun over a city at a moment.

    Raises
    ------
    UsageError
        If the city is tied to no place on Earth.
    """
    meta = pack.meta
    if meta.latitude_deg is None or meta.longitude_deg is None:
        raise UsageError(
            "--time", f"{meta.crs} is tied to no place on Earth, so the sun has none", "leave it out"
        )
    return sun_at(
        when,
        latitude_deg=meta.latitude_deg,
        longitude_deg=meta.longitude_deg,
        convergence_deg=meta.convergence_deg,
    )
