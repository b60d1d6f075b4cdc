"""What datastreams say of the buildings and roads that they are bound to: found once, looked up for each moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.scene.layers import MarkerState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from twin.live.model import Catalogue, Datastream, Snapshot, Thing
    from twin.scene.live_looks import Colouring
    from twin.scene.style import Rgb

    Spread = Callable[[str, NDArray[np.int64]], tuple[float, float]]

STALE_RGB: Rgb = (150, 150, 150)
"""Of objects whose newest value is old; as that of marks."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Objects of a city with the datastreams that speak of them.

    Parameters
    ----------
    index : array of int64, shape (k,)
        Place of each datastream in the catalogue.
    slot : array of int64, shape (k,)
        The object that it speaks of.
    n : int
        How many objects there are.
    colouring : Colouring
        Of the datastreams, in this order.
    """

    index: NDArray[np.int64]
    slot: NDArray[np.int64]
    n: int
    colouring: Colouring

    def colours(
        self, snapshot: Snapshot, state: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Colour, shape (n, 3), and state, shape (n,), of each object by the newest of its observations.

        What is stale is grey; where there is no value the state is missing and the colour means nothing.
        """
        values, time = snapshot.number[self.index], snapshot.time[self.index]
        order = np.argsort(time, kind="stable")
        newest = np.zeros(self.n, np.int64)
        newest[self.slot[order]] = order
        rgb = self.colouring.rgb(values)[newest]
        told = np.where(np.isfinite(values), state[self.index], MarkerState.MISSING)[newest]
        rgb[told == MarkerState.STALE] = STALE_RGB
        return rgb, told.astype(np.uint8)


@dataclass(frozen=True, slots=True)
class SensedBuildings:
    """Buildings with their datastreams.

    Parameters
    ----------
    ids : tuple of str
    bound : Bound
    """

    ids: tuple[str, ...]
    bound: Bound

    def colours(self, snapshot: Snapshot, state: NDArray[np.uint8]) -> Mapping[str, Rgb]:
        """Colours of those with a value: grey where it is old or cannot be true."""
        rgb, told = self.bound.colours(snapshot, state)
        rgb[told == MarkerState.INVALID] = STALE_RGB
        rows = rgb.tolist()
        return {self.ids[i]: tuple(rows[i]) for i in np.flatnonzero(told != MarkerState.MISSING).tolist()}


def building_of(thing: Thing) -> str:
    """Id of the building that a thing hangs on or in; empty where it does in none."""
    return thing.place.target if thing.place.kind == "building" else thing.place.building


def streams_of(
    catalogue: Catalogue, things: Mapping[str, Thing], properties: Sequence[str]
) -> list[tuple[int, Datastream]]:
    """Datastreams with numbers of some things, of the first of the properties that any of them observes."""
    for name in properties:
        found = [
            (i, s)
            for i, s in enumerate(catalogue.datastreams)
            if s.observed_property == name and s.thing in things and s.result_type in {"number", "any"}
        ]
        if found:
            return found
    return []


def sensed_buildings(
    catalogue: Catalogue, properties: Sequence[str], spread: Spread
) -> SensedBuildings | None:
    """Buildings that are coloured by one of some properties; None where nothing is bound to one.

    Parameters
    ----------
    catalogue : Catalogue
    properties : sequence of str
        The first that a thing bound to a building observes counts.
    spread : callable
        Gives the ends of the colour map of a property without bands, from the places of its datastreams.
    """
    things = {t.id: t for t in catalogue.things if building_of(t)}
    rows = streams_of(catalogue, things, properties)
    if not rows:
        return None
    ids = [building_of(things[s.thing]) for _, s in rows]
    names = list(dict.fromkeys(ids))
    place = {name: i for i, name in enumerate(names)}
    index = np.array([i for i, _ in rows], np.int64)
    bound = Bound(
        index,
        np.array([place[name] for name in ids], np.int64),
        len(names),
        colouring_of([s for _, s in rows], index, spread),
    )
    return SensedBuildings(tuple(names), bound)


def colouring_of(streams: list[Datastream], index: NDArray[np.int64], spread: Spread) -> Colouring:
    """Colours of datastreams of one property, with the ends of a colour map where it has no bands."""
    from twin.scene.live_looks import Colouring

    name = streams[0].observed_property
    plain = Colouring(name, streams)
    return plain if plain.has_classes else Colouring(name, streams, spread(name, index))
