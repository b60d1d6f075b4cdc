"""Stations of a scene: each thing by its foremost datastream, with value, course and age in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.visible_text import visible_text
from twin.live.model import MICROSECONDS
from twin.scene.layers import MarkerState, MarkerView
from twin.scene.live_looks import Colouring, rank_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from twin.live.model import Catalogue, Datastream, Snapshot, Thing
    from twin.scene.live_layer import LiveLayer, Observations

    HeightAt = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]

_HISTORY_H = 6.0
_MOST_SPARK = 240
_MOST_PROPERTIES = 3
_LONGEST_NAME = 32
_PLACES = ("point", "moving", "road", "building", "cell")


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
        stamp = getattr(source, "stamp", None)
        self._stamp = stamp() if stamp is not None else None
        self._read: dict[int, NDArray[np.float64] | None] = {}

    def __len__(self) -> int:
        return len(self._stations.streams)

    def __getitem__(self, i: Any) -> Any:
        if i not in self._read:
            self._read[i] = self._course(i)
        return self._read[i]

    def read_ahead(self, before: Sequence[Any]) -> None:
        """Read what was asked for at the moment before: its labels are likely drawn again, by a thread that waits.

        Of the same moment it is taken over, unless something was written since.
        """
        if not isinstance(before, _Histories):
            return
        if before._is_of(self):
            self._read = before._read | self._read
        for i in tuple(before._read):
            if i < len(self):
                self[i]

    def _is_of(self, other: _Histories) -> bool:
        """Whether courses are those of another moment of a layer."""
        same = self._stations is other._stations and self._moment == other._moment
        return same and self._stamp is not None and self._stamp == other._stamp

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


def stations_of(
    catalogue: Catalogue,
    properties: tuple[str, ...],
    height_at: HeightAt | None,
    *,
    spreads: Mapping[str, tuple[float, float] | None],
) -> Stations:
    """The things to show and the datastream of each.

    Parameters
    ----------
    catalogue : Catalogue
    properties : tuple of str
        Observed properties to show, the foremost first; without any the three that matter most.
    height_at : callable, optional
        Gives the ground's elevation at eastings and northings.
    spreads : mapping
        Ends of the colour maps of properties without bands; those that are left out are plain.
    """
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
    rows = list(best.values())
    shown = tuple(things[s.thing] for _, _, s in rows)
    streams = tuple(s for _, _, s in rows)
    used = [p for p in wanted if any(s.observed_property == p for s in streams)]
    colourings = {
        p: Colouring(p, [s for s in streams if s.observed_property == p], spreads.get(p)) for p in used
    }
    index = np.array([i for _, i, _ in rows], np.int64)
    moves = np.array([t.place.kind == "moving" for t in shown], np.bool_)
    return Stations(shown, streams, index, positions_of(shown, height_at), moves, colourings)


def _has_place(thing: Thing) -> bool:
    return thing.place.position is not None or thing.place.kind == "moving"


def _foremost(properties: list[str]) -> tuple[str, ...]:
    """The known properties that matter most, else whatever there is most of."""
    counts = {p: properties.count(p) for p in dict.fromkeys(properties)}
    order = sorted(counts, key=lambda p: (rank_of(p), -counts[p], p))
    return tuple(order[:_MOST_PROPERTIES])


def positions_of(things: tuple[Thing, ...], height_at: HeightAt | None) -> NDArray[np.float64]:
    """Where things stand, shape (n, 3); on the ground where their own place tells no elevation."""
    places = [t.place.position or (np.nan, np.nan, np.nan) for t in things]
    position = np.array(places, np.float64).reshape(-1, 3)
    lost = np.isnan(position[:, 2]) & np.isfinite(position[:, 0])
    if lost.any():
        ground = 0.0 if height_at is None else height_at(position[lost, 0], position[lost, 1])
        position[lost, 2] = np.nan_to_num(ground)
    return position
