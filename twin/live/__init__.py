"""Live observations: what stands where, what it measures, and every value with its time.

Examples
--------
>>> from twin.live import Catalogue, Datastream, Place, Thing
>>> gauge = Thing("river-1", "Bridge gauge", place=Place("point", (192318.0, 280870.2, 3.6)))
>>> level = Datastream("river-1:level", "river-1", "Level", "water_level", unit="m", zero_m=-1.0)
>>> Catalogue((gauge,), (level,)).datastream("river-1:level").drives_water
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.live.counts import Counts
    from twin.live.feed import Feed, connect, open_feed
    from twin.live.freshness import State, states
    from twin.live.memory import Memory
    from twin.live.model import (
        Batch,
        Catalogue,
        Datastream,
        History,
        Observation,
        Place,
        Quality,
        Snapshot,
        Thing,
    )
    from twin.live.store import Store, open_store

_PLACES = {
    "Batch": "model",
    "Catalogue": "model",
    "Counts": "counts",
    "Datastream": "model",
    "History": "model",
    "Memory": "memory",
    "Observation": "model",
    "Place": "model",
    "Quality": "model",
    "Feed": "feed",
    "Snapshot": "model",
    "State": "freshness",
    "Store": "store",
    "Thing": "model",
    "connect": "feed",
    "open_feed": "feed",
    "open_store": "store",
    "states": "freshness",
}

__all__ = [
    "Batch",
    "Catalogue",
    "Counts",
    "Datastream",
    "Feed",
    "History",
    "Memory",
    "Observation",
    "Place",
    "Quality",
    "Snapshot",
    "State",
    "Store",
    "Thing",
    "connect",
    "open_feed",
    "open_store",
    "states",
]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(f"twin.live.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'twin.live' has no attribute {name!r}")
