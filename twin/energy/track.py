"""The sun's way over one day in steps: where it stands in each, and for how much of it the sun is up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from twin.core.errors import UsageError
from twin.energy.sun import Sun, check_year, sun_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.place import Place

MINUTES = 1440


@dataclass(frozen=True, slots=True)
class Track:
    """The sun over one day, night left out.

    Parameters
    ----------
    day : date
    suns : tuple of Sun
        Where it stands in the middle of the lit part of each step.
    hours : array, shape (n,)
        Hours of each step with the sun above the horizon.
    """

    day: date
    suns: tuple[Sun, ...]
    hours: NDArray[np.float64]

    @property
    def directions(self) -> NDArray[np.float64]:
        """Unit vectors towards the sun: east, north, up; shape (n, 3)."""
        return np.array([sun.direction for sun in self.suns]).reshape(-1, 3)

    @property
    def day_length_h(self) -> float:
        """Hours from sunrise to sunset of the sun's centre over a level horizon, without refraction."""
        return float(self.hours.sum())


def parse_day(text: str) -> date:
    """A day from ISO 8601 text.

    Raises
    ------
    UsageError
        If it is none, or lies centuries away.

    Examples
    --------
    >>> parse_day("2026-12-21").month
    12
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError("--date", f"{text!r} is no day", "write 2026-12-21") from None
    check_year(day.year, where="--date")
    return day


def sun_track(day: date, place: Place, *, every_min: int = 15) -> Track:
    """The sun over a day at a place, from midnight to midnight of its mean solar time.

    Parameters
    ----------
    day : date
        As the calendar counts at the place; its clock does not matter, since noon is when the sun stands highest.
    place : Place
    every_min : int
        Length of a step, minutes; a divisor of a day, 1 to 120.

    Raises
    ------
    UsageError
        If the steps do not divide the day, or the year is none for which the sun is told.

    Examples
    --------
    >>> from twin.core.place import Place
    >>> round(sun_track(date(2026, 3, 20), Place(52.0, 5.0)).day_length_h, 1)
    12.0
    """
    if not 1 <= every_min <= 120 or MINUTES % every_min:
        raise UsageError(
            "--every", f"{every_min} minutes do not divide a day", "give 5, 10, 15, 20, 30 or 60"
        )
    check_year(day.year, where="--date")
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(minutes=4 * place.longitude_deg)
    suns, hours = [], []
    for step in range(0, MINUTES, every_min):
        # The sun is looked for every minute, so that sunrise is not moved to the border of a step.
        moments = [start + timedelta(minutes=step + k + 0.5) for k in range(every_min)]
        lit = [when for when in moments if _sun(when, place).elevation_deg > 0]
        if lit:
            suns.append(_sun(lit[0] + (lit[-1] - lit[0]) / 2, place))
            hours.append(len(lit) / 60)
    return Track(day, tuple(suns), np.array(hours))


def _sun(when: datetime, place: Place) -> Sun:
    return sun_at(
        when,
        latitude_deg=place.latitude_deg,
        longitude_deg=place.longitude_deg,
        convergence_deg=place.convergence_deg,
    )
