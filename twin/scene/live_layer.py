"""Observations of a city as a layer over time: each station by its foremost property, as of any moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from twin.core.errors import UsageError
from twin.live.model import MICROSECONDS
from twin.scene.layers import LayerView, MarkerState
from twin.scene.live_looks import look_of
from twin.scene.live_stations import stations_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.live.model import Catalogue, History, Snapshot
    from twin.scene.colour import Legend
    from twin.scene.live_bound import SensedBuildings
    from twin.scene.live_roads import SensedRoads
    from twin.scene.live_stations import Stations

_SPREAD_MOMENTS = 9
"""From how many moments of the time of all observations the ends of a colour map come."""


class Observations(Protocol):
    """Where observations come from: a store, a memory, a feed."""

    def catalogue(self) -> Catalogue:
        """Things and datastreams."""

    def latest(self, moment: int | None = None) -> Snapshot:
        """The newest observations at a moment, microseconds UTC; of all there are without."""

    def history(self, datastream: str, start: int | None = None, end: int | None = None) -> History:
        """Those of one datastream in a time."""

    def span(self) -> tuple[int, int] | None:
        """First and last moment."""


@dataclass(frozen=True)
class LiveLayer:
    """Observations in a scene.

    Parameters
    ----------
    observations : Observations
    properties : tuple of str
        Observed properties to show; without any the three that matter most of those that the stations have.
    name : str
        As ``--layer`` asks for it.
    building_property : str, optional
        Property that colours the buildings which its datastreams are bound to, such as ``power``; the first of
        `properties` that is observed at a building if not given.
    alarming : callable, optional
        Gives the ids of datastreams that have an alarm at a moment, microseconds UTC.
    height_at : callable, optional
        Gives the ground's elevation at eastings and northings, for places without one.
    roads : callable, optional
        Gives the roads of the city, a GeoDataFrame, that things colour as `twin.scene.live_roads` tells; None for
        none.

    Examples
    --------
    >>> import twin
    >>> city = twin.open_city("town.twin")  # doctest: +SKIP
    >>> twin.Scene(city, [city_layer(city, properties=("pm2_5",))]).snapshot("air.png")  # doctest: +SKIP
    """

    observations: Observations
    properties: tuple[str, ...] = ()
    name: str = "live"
    building_property: str | None = None
    alarming: Callable[[int], set[str]] | None = None
    height_at: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]] | None = None
    roads: Callable[[], Any] | None = None
    _prepared: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """First and last observation."""
        found = self.observations.span()
        return None if found is None else (moment_of_us(found[0]), moment_of_us(found[1]))

    def at(self, when: datetime | None) -> LayerView:
        """Every station as it was at a moment; the newest observations where none is asked for.

        Raises
        ------
        UsageError
            If properties are asked for that nothing observes.
        """
        moment = None if when is None else round(when.timestamp() * MICROSECONDS)
        snapshot = self.observations.latest(moment)
        state = self._states(snapshot)
        shown, buildings, roads = self._stations(), self._buildings(), self._roads()
        if self.properties and not (shown.streams or buildings or roads):
            asked = " or ".join(self.properties)
            raise UsageError("layers", f"no station observes {asked}", "see `twin live latest`")
        return LayerView(
            markers=shown.view(self, snapshot, state) if shown.streams else None,
            building_rgb=buildings.colours(snapshot, state) if buildings else {},
            drape=roads.picture(snapshot, state) if roads else None,
            legends=_legends(shown, buildings, roads),
            remarks=(*_remarks(self.name, state[shown.index]), *_dropped(self.name, self.observations)),
        )

    def _stations(self) -> Stations:
        if "stations" not in self._prepared:
            bound = self._buildings()
            own = {} if bound is None else {bound.bound.colouring.look.name: bound.bound.colouring.spread}
            self._prepared["stations"] = stations_of(
                self.observations.catalogue(), self.properties, self.height_at, spreads=own
            )
        found: Stations = self._prepared["stations"]
        return found

    def _buildings(self) -> SensedBuildings | None:
        """Buildings that sensors colour.

        Raises
        ------
        UsageError
            If a property was asked for them that no building has.
        """
        if "buildings" not in self._prepared:
            from twin.scene.live_bound import sensed_buildings

            wanted = (self.building_property,) if self.building_property else self.properties
            found = sensed_buildings(self.observations.catalogue(), wanted, self._spread)
            if found is None and self.building_property:
                what = f"no building has a {self.building_property!r}"
                raise UsageError("building_property", what, "see `twin live latest`")
            self._prepared["buildings"] = found
        bound: SensedBuildings | None = self._prepared["buildings"]
        return bound

    def _roads(self) -> SensedRoads | None:
        """Roads that sensors colour."""
        if "roads" not in self._prepared:
            from twin.scene.live_roads import sensed_roads

            frame = self.roads() if self.roads is not None else None
            self._prepared["roads"] = (
                None
                if frame is None or not len(frame)
                else sensed_roads(frame, self.observations.catalogue(), self.properties, self._spread)
            )
        found: SensedRoads | None = self._prepared["roads"]
        return found

    def _spread(self, observed: str, index: NDArray[np.int64]) -> tuple[float, float]:
        """Ends of a colour map: of the whole time, so that a film keeps its colours."""
        if full := look_of(observed).full:
            return 0.0, full
        first, last = self.observations.span() or (0, 0)
        moments = np.linspace(first, last, _SPREAD_MOMENTS).astype(np.int64).tolist()
        values = np.concatenate([self.observations.latest(m).number[index] for m in moments])
        known = values[np.isfinite(values)]
        low, high = np.percentile(known, [5, 95]) if len(known) else (0.0, 1.0)
        return float(low), float(high)

    def _states(self, snapshot: Snapshot) -> NDArray[np.uint8]:
        from twin.live.freshness import max_ages_s, states

        if "ages" not in self._prepared:
            self._prepared["ages"] = max_ages_s(self.observations.catalogue())
        return states(snapshot, self._prepared["ages"])

    def alarms_at(self, moment: int) -> set[str]:
        """Datastreams with an alarm."""
        return self.alarming(moment) if self.alarming is not None else set()


def moment_of_us(moment: int) -> datetime:
    """A moment of the live room as a datetime in UTC."""
    return datetime.fromtimestamp(moment / MICROSECONDS, UTC)


def _legends(
    shown: Stations, buildings: SensedBuildings | None, roads: SensedRoads | None
) -> tuple[Legend, ...]:
    """Of stations, then of what they colour; a property that both show is told once."""
    areas = [b.bound.colouring.legend_of("area", "at buildings") for b in (buildings,) if b]
    lines = [r.bound.colouring.legend_of("line", "on roads") for r in (roads,) if r]
    told = {s.bound.colouring.look.name for s in (buildings, roads) if s is not None}
    marks = [c.legend for name, c in shown.colourings.items() if name not in told]
    return tuple(marks + areas + lines)


def _remarks(name: str, state: NDArray[np.uint8]) -> tuple[str, ...]:
    """How many stations cannot be trusted."""
    words = {MarkerState.STALE: "old", MarkerState.MISSING: "without data", MarkerState.INVALID: "invalid"}
    counts = [(int((state == kind).sum()), word) for kind, word in words.items()]
    told = ", ".join(f"{n} {word}" for n, word in counts if n)
    return (f"{name}: of {len(state)} sensors {told}",) if told else ()


def _dropped(name: str, observations: Observations) -> tuple[str, ...]:
    """How many messages a feed had no room for."""
    n = getattr(getattr(observations, "counts", None), "dropped", 0)
    return (f"{name}: {n:,} messages came faster than they could be taken in, and were dropped",) if n else ()


@dataclass(frozen=True)
class StoredObservations:
    """Observations of a city's store, opened for every question, so that nothing holds the file."""

    city: Path
    _kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def catalogue(self) -> Catalogue:
        """Things and datastreams, read once."""
        if "catalogue" not in self._kept:
            from twin.live.store import open_store

            with open_store(self.city) as store:
                self._kept["catalogue"] = store.catalogue()
        found: Catalogue = self._kept["catalogue"]
        return found

    def latest(self, moment: int | None = None) -> Snapshot:
        """The newest observations at a moment."""
        from twin.live.store import open_store

        with open_store(self.city) as store:
            return store.latest(moment)

    def history(self, datastream: str, start: int | None = None, end: int | None = None) -> History:
        """Those of one datastream."""
        from twin.live.store import open_store

        with open_store(self.city) as store:
            return store.history(datastream, start, end)

    def stamp(self) -> Any:
        """Another one once something was written."""
        from twin.live.schema import store_stamp

        return store_stamp(self.city)

    def span(self) -> tuple[int, int] | None:
        """First and last moment; asked anew where something was written since, for a clock asks at every step."""
        from twin.live.store import open_store

        stamp = self.stamp()
        if "span" not in self._kept or self._kept["span"][0] != stamp:
            with open_store(self.city) as store:
                self._kept["span"] = stamp, store.span()
        found: tuple[int, int] | None = self._kept["span"][1]
        return found


def city_layer(
    city: City, *, properties: tuple[str, ...] = (), name: str = "live", building_property: str | None = None
) -> LiveLayer:
    """The observations that a city keeps, with its alarms.

    Parameters
    ----------
    city : City
    properties, name, building_property
        As in `LiveLayer`.
    """
    return layer_of(
        StoredObservations(city.path),
        city,
        properties=properties,
        name=name,
        building_property=building_property,
    )


def layer_of(
    observations: Observations,
    city: City | None,
    *,
    properties: tuple[str, ...] = (),
    name: str = "live",
    building_property: str | None = None,
) -> LiveLayer:
    """Observations from anywhere on a city: on its ground, its roads and buildings, with its alarms."""
    if city is None:
        return LiveLayer(observations, properties, name, building_property)
    layers = city.manifest.layers

    def roads() -> Any:
        return city.layer("roads")

    from twin.live.alarm_log import AlarmReader
    from twin.scene.added_layers import terrain_heights

    return LiveLayer(
        observations,
        properties,
        name,
        building_property,
        AlarmReader(city.path).active,
        terrain_heights(city),
        roads if "roads" in layers else None,
    )
