"""Observations of a city as a layer over time: each station by its foremost property, as of any moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from twin.core.errors import UsageError
from twin.core.visible_text import visible_text
from twin.live.model import MICROSECONDS
from twin.scene.layers import LayerView, MarkerState, MarkerView
from twin.scene.live_looks import Colouring, rank_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.live.model import Catalogue, Datastream, History, Snapshot, Thing
    from twin.scene.style import Rgb

_HISTORY_H = 6.0
_MOST_SPARK = 240
_MOST_PROPERTIES = 3
_LONGEST_NAME = 32
_PLACES = ("point", "moving", "road", "building", "cell")


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
        Property that colours the buildings which its datastreams are bound to, such as ``power``.
    alarming : callable, optional
        Gives the ids of datastreams that have an alarm at a moment, microseconds UTC.
    height_at : callable, optional
        Gives the ground's elevation at eastings and northings, for places without one.

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
    _prepared: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """First and last observation."""
        found = self.observations.span()
        return None if found is None else (moment_of_us(found[0]), moment_of_us(found[1]))

    def at(self, when: datetime | None) -> LayerView:
        """Every station as it was at a moment; the newest observations where none is asked for."""
        moment = None if when is None else round(when.timestamp() * MICROSECONDS)
        snapshot = self.observations.latest(moment)
        shown = self._stations()
        state = self._states(snapshot)
        markers = shown.view(self, snapshot, state)
        buildings, colouring = self._building_colours(snapshot)
        legends = [c.legend for c in shown.colourings.values()]
        if colouring is not None:
            legends.append(colouring.legend)
        return LayerView(
            markers=markers if shown.streams else None,
            building_rgb=buildings,
            legends=tuple(legends),
            remarks=_remarks(self.name, state[shown.index]) if shown.streams else (),
        )

    def _stations(self) -> Stations:
        if "stations" not in self._prepared:
            self._prepared["stations"] = _stations(
                self.observations.catalogue(), self.properties, self.height_at
            )
        found: Stations = self._prepared["stations"]
        return found

    def _states(self, snapshot: Snapshot) -> NDArray[np.uint8]:
        from twin.live.freshness import max_ages_s, states

        if "ages" not in self._prepared:
            self._prepared["ages"] = max_ages_s(self.observations.catalogue())
        return states(snapshot, self._prepared["ages"])

    def alarms_at(self, moment: int) -> set[str]:
        """Datastreams with an alarm."""
        return self.alarming(moment) if self.alarming is not None else set()

    def _building_colours(self, snapshot: Snapshot) -> tuple[Mapping[str, Rgb], Colouring | None]:
        """Colours of buildings by the datastreams that are bound to them."""
        if self.building_property is None:
            return {}, None
        if "buildings" not in self._prepared:
            self._prepared["buildings"] = self._bound(snapshot)
        index, ids, colouring = self._prepared["buildings"]
        values = snapshot.number[index]
        rgb = colouring.rgb(values).tolist()
        known = np.flatnonzero(np.isfinite(values)).tolist()
        return {ids[k]: tuple(rgb[k]) for k in known}, colouring

    def _bound(self, snapshot: Snapshot) -> tuple[NDArray[np.int64], list[str], Colouring]:
        catalogue = self.observations.catalogue()
        things = {t.id: t for t in catalogue.things}
        rows = [
            (i, stream, things[stream.thing].place)
            for i, stream in enumerate(catalogue.datastreams)
            if stream.observed_property == self.building_property
        ]
        rows = [row for row in rows if row[2].kind == "building" or row[2].building]
        if not rows:
            raise UsageError(
                "building_property", f"no building has a {self.building_property!r}", "see `twin live latest`"
            )
        index = np.array([i for i, _, _ in rows])
        values = snapshot.number[index]
        known = values[np.isfinite(values)]
        spread = tuple(np.percentile(known, [5, 95])) if len(known) else (0.0, 1.0)
        ids = [place.target if place.kind == "building" else place.building for _, _, place in rows]
        name = str(self.building_property)
        return index, ids, Colouring(name, [s for _, s, _ in rows], (float(spread[0]), float(spread[1])))


@dataclass(frozen=True, slots=True)
class Stations:
    """Things that are shown, each by one datastream.

    Parameters
    ----------
    things, streams : tuple
    index : array, shape (n,)
        Place of each stream in the catalogue.
    position : array, shape (n, 3)
        Where things stand that do not move.
    moves : array of bool, shape (n,)
    colourings : mapping of str to Colouring
        By property.
    """

    things: tuple[Thing, ...]
    streams: tuple[Datastream, ...]
    index: NDArray[np.int64]
    position: NDArray[np.float64]
    moves: NDArray[np.bool_]
    colourings: Mapping[str, Colouring]

    def view(self, layer: LiveLayer, snapshot: Snapshot, state: NDArray[np.uint8]) -> MarkerView:
        """The stations at a moment."""
        n = len(self.streams)
        values = snapshot.number[self.index]
        rgb, height = np.zeros((n, 3), np.uint8), np.full(n, np.nan)
        properties = np.array([s.observed_property for s in self.streams], object)
        for name, colouring in self.colourings.items():
            chosen = np.flatnonzero(properties == name)
            rgb[chosen] = colouring.rgb(values[chosen])
            height[chosen] = colouring.heights_m(values[chosen])
        height[self.moves] = np.nan
        position, heading = self._places(snapshot)
        alarmed = layer.alarms_at(snapshot.moment)
        own = state[self.index].copy()
        own[np.isnan(position[:, 0])] = MarkerState.MISSING
        return MarkerView(
            tuple(t.id for t in self.things),
            position,
            rgb,
            own,
            height,
            _Texts(self, snapshot, own, frozenset(alarmed)),
            _Histories(self, layer.observations, snapshot.moment),
            np.array([s.id in alarmed for s in self.streams], np.bool_),
            heading,
        )

    def _places(self, snapshot: Snapshot) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where things are, and where those that move are heading."""
        heading = np.full(len(self.streams), np.nan)
        if not self.moves.any():
            return self.position, heading
        moved = snapshot.position[self.index]
        position = self.position.copy()
        known = self.moves & np.isfinite(moved[:, 0])
        position[known, :2] = moved[known, :2]
        lifted = known & np.isfinite(moved[:, 2])
        position[lifted, 2] = moved[lifted, 2]
        heading[known] = np.where(np.isfinite(moved[known, 3]), moved[known, 3], np.nan)
        return position, heading


class _Texts(Sequence[str]):
    """Values in words, made when they are asked for: few of many stations have a label."""

    def __init__(
        self, stations: Stations, snapshot: Snapshot, state: NDArray[np.uint8], alarmed: frozenset[str]
    ) -> None:
        self._stations, self._snapshot, self._state, self._alarmed = stations, snapshot, state, alarmed

    def __len__(self) -> int:
        return len(self._stations.streams)

    def __getitem__(self, i: Any) -> Any:
        stream = self._stations.streams[i]
        value, state = self._snapshot.number[self._stations.index[i]], self._state[i]
        name = f"{visible_text(self._stations.things[i].name, max_chars=_LONGEST_NAME)} "
        name = name if stream.id in self._alarmed else ""
        if state == MarkerState.MISSING or not np.isfinite(value):
            return f"{name}no data"
        text = self._stations.colourings[stream.observed_property].text(float(value))
        if state == MarkerState.INVALID:
            return f"{name}{text}?"
        if state == MarkerState.STALE:
            return f"{name}{text} · {age_text(self._snapshot.age_s[self._stations.index[i]])} old"
        return f"{name}{text}"


class _Histories(Sequence[Any]):
    """The course of each value before the moment, read when it is first asked for: every frame asks again."""

    def __init__(self, stations: Stations, source: Observations, moment: int) -> None:
        self._stations, self._source, self._moment = stations, source, moment
        self._read: dict[int, NDArray[np.float64] | None] = {}

    def __len__(self) -> int:
        return len(self._stations.streams)

    def __getitem__(self, i: Any) -> Any:
        if i not in self._read:
            self._read[i] = self._course(i)
        return self._read[i]

    def _course(self, i: int) -> NDArray[np.float64] | None:
        start = self._moment - round(_HISTORY_H * 3600 * MICROSECONDS)
        found = self._source.history(self._stations.streams[i].id, start, self._moment)
        if len(found.time) < 2:
            return None
        value = np.where(found.quality >= MarkerState.INVALID, np.nan, found.number)
        step = max(1, -(-len(value) // _MOST_SPARK))
        seconds = (found.time - self._moment) / MICROSECONDS
        course: NDArray[np.float64] = np.column_stack([seconds, value])[::-1][::step][::-1]
        return course


def age_text(seconds: float) -> str:
    """An age in the unit that fits it.

    Examples
    --------
    >>> [age_text(s) for s in (40, 900, 7300, 200_000)]
    ['40 s', '15 min', '2 h', '2 d']
    """
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def moment_of_us(moment: int) -> datetime:
    """A moment of the live room as a datetime in UTC."""
    return datetime.fromtimestamp(moment / MICROSECONDS, UTC)


def _remarks(name: str, state: NDArray[np.uint8]) -> tuple[str, ...]:
    """How many stations cannot be trusted."""
    words = {MarkerState.STALE: "old", MarkerState.MISSING: "without data", MarkerState.INVALID: "invalid"}
    counts = [(int((state == kind).sum()), word) for kind, word in words.items()]
    told = ", ".join(f"{n} {word}" for n, word in counts if n)
    return (f"{name}: of {len(state)} sensors {told}",) if told else ()


def _stations(catalogue: Catalogue, properties: tuple[str, ...], height_at: Any) -> Stations:
    """The things to show and the datastream of each."""
    things = {t.id: t for t in catalogue.things if t.place.kind in _PLACES}
    numeric = [
        (i, s) for i, s in enumerate(catalogue.datastreams) if s.thing in things and s.result_type == "number"
    ]
    numeric = [(i, s) for i, s in numeric if _has_place(things[s.thing])]
    wanted = properties or _foremost([s.observed_property for _, s in numeric])
    best: dict[str, tuple[int, int, Datastream]] = {}
    for i, stream in numeric:
        if stream.observed_property not in wanted:
            continue
        place = wanted.index(stream.observed_property)
        if stream.thing not in best or place < best[stream.thing][0]:
            best[stream.thing] = (place, i, stream)
    if properties and not best:
        raise UsageError("layers", f"no station observes {' or '.join(properties)}", "see `twin live latest`")
    rows = list(best.values())
    shown = tuple(things[s.thing] for _, _, s in rows)
    streams = tuple(s for _, _, s in rows)
    used = [p for p in wanted if any(s.observed_property == p for s in streams)]
    colourings = {p: Colouring(p, [s for s in streams if s.observed_property == p]) for p in used}
    index = np.array([i for _, i, _ in rows], np.int64)
    moves = np.array([t.place.kind == "moving" for t in shown], np.bool_)
    return Stations(shown, streams, index, _positions(shown, height_at), moves, colourings)


def _has_place(thing: Thing) -> bool:
    return thing.place.position is not None or thing.place.kind == "moving"


def _foremost(properties: list[str]) -> tuple[str, ...]:
    """The known properties that matter most, else whatever there is most of."""
    counts = {p: properties.count(p) for p in dict.fromkeys(properties)}
    order = sorted(counts, key=lambda p: (rank_of(p), -counts[p], p))
    return tuple(order[:_MOST_PROPERTIES])


def _positions(things: tuple[Thing, ...], height_at: Any) -> NDArray[np.float64]:
    places = [t.place.position or (np.nan, np.nan, np.nan) for t in things]
    position = np.array(places, np.float64).reshape(-1, 3)
    lost = np.isnan(position[:, 2]) & np.isfinite(position[:, 0])
    if lost.any():
        ground = 0.0 if height_at is None else height_at(position[lost, 0], position[lost, 1])
        position[lost, 2] = np.nan_to_num(ground)
    return position


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

    def span(self) -> tuple[int, int] | None:
        """First and last moment."""
        from twin.live.store import open_store

        with open_store(self.city) as store:
            return store.span()


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
    from twin.scene.added_layers import terrain_heights

    def alarming(moment: int) -> set[str]:
        from twin.live.alarm_log import alarms

        return {alarm.datastream for alarm in alarms(city.path, at_us=moment) if alarm.is_active}

    heights = terrain_heights(city) if "terrain" in city.manifest.layers else None
    return LiveLayer(StoredObservations(city.path), properties, name, building_property, alarming, heights)
