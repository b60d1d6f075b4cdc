"""Water levels of gauges as elevations in the city's datum, and the flood that they tell of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.core.errors import InputError, UsageError
from twin.core.notices import Notices
from twin.core.visible_text import visible_text
from twin.live.asked import states_at
from twin.live.freshness import State
from twin.live.model import NO_TIME
from twin.live.moments import iso_utc, parse_utc
from twin.live.store import open_store
from twin.live.toml_tables import closest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.city.model import City
    from twin.live.model import Catalogue, Datastream
    from twin.live.store import Store
    from twin.water.flood import Flood


@dataclass(frozen=True, slots=True)
class GaugeLevel:
    """What a gauge told, as an elevation.

    Parameters
    ----------
    datastream : str
    eta_m : float
        Elevation of the water's surface in the city's vertical datum, m: the result and the gauge's zero.
    position : tuple of float
        Easting and northing.
    time_us : int
        When it was so.
    age_s : float
        How long before the moment that was asked for.
    """

    datastream: str
    eta_m: float
    position: tuple[float, float]
    time_us: int
    age_s: float


def gauge_level(store: Store, datastream: str, *, at_us: int) -> GaugeLevel:
    """The level of a gauge at a moment.

    Raises
    ------
    UsageError
        If there is no such datastream, or it has no place.
    InputError
        If it does not tell elevations of water (its zero is not known), or nothing fresh at that moment.
    """
    catalogue = store.catalogue()
    stream = gauge_of(catalogue, datastream)
    snapshot, found = states_at(store, at_us)
    i = next(i for i, d in enumerate(catalogue.datastreams) if d.id == datastream)
    position = catalogue.thing(stream.thing).place.position
    if position is None:
        raise UsageError(visible_text(datastream), "has no place", "import its thing with a location")
    state = State(int(found[i]))
    if state != State.FRESH or int(snapshot.time[i]) == NO_TIME:
        age = float(snapshot.age_s[i])
        what = f"is {state.name.lower()} at {iso_utc(at_us)}" + (f", {age:,.0f} s old" if age < 1e12 else "")
        raise InputError(visible_text(datastream), what, "choose another moment or gauge")
    eta = float(snapshot.number[i]) + (stream.zero_m or 0.0)
    return GaugeLevel(
        datastream, eta, (position[0], position[1]), int(snapshot.time[i]), float(snapshot.age_s[i])
    )


def gauge_of(catalogue: Catalogue, datastream: str) -> Datastream:
    """A datastream that tells elevations of water.

    Raises
    ------
    UsageError
        If there is none of that name.
    InputError
        If it is no level, or its zero is not known.
    """
    if datastream not in catalogue:
        levels = [d.id for d in catalogue.datastreams if d.is_level]
        raise UsageError(
            "--gauge", f"there is no datastream {visible_text(datastream)!r}", closest(datastream, levels)
        )
    stream = catalogue.datastream(datastream)
    if not stream.is_level:
        what = f"tells {stream.observed_property} in {stream.unit or 'no unit'}, no level of water in m"
        raise InputError(visible_text(datastream), visible_text(what), "choose a gauge of water_level")
    if stream.zero_m is None:
        what = "the elevation of the gauge's zero is not known, so its level is shown but drives no water"
        remedy = (
            "give zero_m (m above the city's datum) among the datastream's properties and import it again"
        )
        raise InputError(visible_text(datastream), what, remedy)
    return stream


def flood_at_gauge(
    city: City,
    datastream: str | Sequence[str],
    *,
    at: str,
    source: tuple[float, float] | None = None,
    name: str = "gauge",
    cell_size_m: float | None = None,
    notices: Notices | None = None,
) -> Flood:
    """The flood that one gauge tells of at a moment, or several down the river.

    Parameters
    ----------
    city : City
    datastream : str or sequence of str
        Gauges in the order in which the river passes them.
    at : str
        Moment, ISO 8601 with its offset.
    source, name, cell_size_m, notices
        As in `twin.water.level`.

    Raises
    ------
    UsageError, InputError
        As in `gauge_level`.
    """
    from twin.water.levels import level

    told = Notices() if notices is None else notices
    names = [datastream] if isinstance(datastream, str) else list(datastream)
    with open_store(city.path) as store:
        gauges = [gauge_level(store, n, at_us=parse_utc(at, where="at")) for n in names]
    return level(city, eta_m=as_eta(gauges), source=source, name=name, cell_size_m=cell_size_m, notices=told)


def as_eta(gauges: Sequence[GaugeLevel]) -> float | list[tuple[float, float, float]]:
    """Levels of gauges as `twin.water.level` takes them: one number, or places with theirs."""
    return gauges[0].eta_m if len(gauges) == 1 else [(*g.position, g.eta_m) for g in gauges]
