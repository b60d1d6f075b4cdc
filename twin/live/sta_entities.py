"""Things, datastreams and observations of a city as SensorThings 1.1 tells them, and the ways between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from twin.live.model import NO_TIME, Quality
from twin.live.moments import iso_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twin.live.model import Catalogue, Datastream, Thing

Entity = dict[str, Any]
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
OBSERVATION = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Observation"
SETS = (
    "Things",
    "Locations",
    "Datastreams",
    "Sensors",
    "ObservedProperties",
    "Observations",
    "FeaturesOfInterest",
)
WAYS: dict[str, dict[str, tuple[str, bool]]] = {
    "Things": {"Locations": ("Locations", True), "Datastreams": ("Datastreams", True)},
    "Locations": {"Things": ("Things", True)},
    "Datastreams": {
        "Thing": ("Things", False),
        "Sensor": ("Sensors", False),
        "ObservedProperty": ("ObservedProperties", False),
        "Observations": ("Observations", True),
    },
    "Sensors": {"Datastreams": ("Datastreams", True)},
    "ObservedProperties": {"Datastreams": ("Datastreams", True)},
    "Observations": {
        "Datastream": ("Datastreams", False),
        "FeatureOfInterest": ("FeaturesOfInterest", False),
    },
    "FeaturesOfInterest": {},
}
"""For each set the names of its ways, where they lead, and whether to many."""


@dataclass(frozen=True)
class World:
    """What is served, besides the observations.

    Parameters
    ----------
    catalogue : Catalogue
    to_degrees : callable
        Longitude and latitude of an easting and a northing.
    """

    catalogue: Catalogue
    to_degrees: Callable[[float, float], tuple[float, float]]

    @cached_property
    def properties(self) -> dict[str, list[Datastream]]:
        """Observed properties with their datastreams, sorted."""
        found: dict[str, list[Datastream]] = {}
        for stream in self.catalogue.datastreams:
            found.setdefault(stream.observed_property or "unknown", []).append(stream)
        return dict(sorted(found.items()))

    @cached_property
    def streams_of(self) -> dict[str, list[Datastream]]:
        """Datastreams of each thing."""
        found: dict[str, list[Datastream]] = {}
        for stream in self.catalogue.datastreams:
            found.setdefault(stream.thing, []).append(stream)
        return found

    @cached_property
    def entities(self) -> dict[str, dict[str, Entity]]:
        """Every set but the observations, by id."""
        things, streams = self.catalogue.things, self.catalogue.datastreams
        return {
            "Things": {t.id: _thing(t) for t in things},
            "Locations": {t.id: self._location(t) for t in things if t.place.position is not None},
            "FeaturesOfInterest": {t.id: self._feature(t) for t in things},
            "Sensors": {t.id: _sensor(t) for t in things},
            "Datastreams": {d.id: _datastream(d) for d in streams},
            "ObservedProperties": {name: _observed_property(name) for name in self.properties},
        }

    def follow(self, kind: str, ident: str, way: str) -> list[str]:
        """Ids at the end of a way from an entity; not for observations.

        Raises
        ------
        KeyError
            If there is no such way.
        """
        if kind in {"Things", "Locations", "Sensors"}:
            if way == "Datastreams":
                return [d.id for d in self.streams_of.get(ident, [])]
            return [ident] if ident in self.entities[WAYS[kind][way][0]] else []
        if kind == "ObservedProperties":
            return [d.id for d in self.properties[ident]]
        stream = self.catalogue.datastream(ident)
        ends = {
            "Thing": stream.thing,
            "Sensor": stream.thing,
            "ObservedProperty": stream.observed_property or "unknown",
        }
        return [ends[way]]

    def _location(self, thing: Thing) -> Entity:
        return {
            "@iot.id": thing.id,
            "name": thing.name or thing.id,
            "description": "",
            "encodingType": "application/geo+json",
            "location": self._point(thing),
        }

    def _feature(self, thing: Thing) -> Entity:
        entity = self._location(thing)
        return {**{k: v for k, v in entity.items() if k != "location"}, "feature": entity["location"]}

    def _point(self, thing: Thing) -> dict[str, Any] | None:
        position = thing.place.position
        if position is None:
            return None
        lon, lat = self.to_degrees(position[0], position[1])
        height = [] if position[2] != position[2] else [round(position[2], 3)]
        return {"type": "Point", "coordinates": [round(lon, 8), round(lat, 8), *height]}


def _thing(thing: Thing) -> Entity:
    bound = {"kind": thing.place.kind, "target": thing.place.target, "building": thing.place.building}
    storey = {} if thing.place.storey is None else {"storey": thing.place.storey}
    binding = {k: v for k, v in {**bound, **storey}.items() if v not in {"", "point"}}
    return {
        "@iot.id": thing.id,
        "name": thing.name or thing.id,
        "description": thing.description,
        "properties": {**thing.properties, **({"bound_to": binding} if binding else {})},
    }


def _sensor(thing: Thing) -> Entity:
    return {
        "@iot.id": thing.id,
        "name": thing.name or thing.id,
        "description": thing.description,
        "encodingType": "text/plain",
        "metadata": "",
    }


def _datastream(stream: Datastream) -> Entity:
    own = {"every_s": stream.every_s, "max_age_s": stream.max_age_s, "zero_m": stream.zero_m}
    return {
        "@iot.id": stream.id,
        "name": stream.name or stream.id,
        "description": stream.name,
        "observationType": MEASUREMENT if stream.result_type == "number" else OBSERVATION,
        "unitOfMeasurement": {
            "name": stream.symbol or stream.unit,
            "symbol": stream.symbol or stream.unit,
            "definition": f"ucum:{stream.unit}" if stream.unit else "",
        },
        "properties": {**stream.properties, **{k: v for k, v in own.items() if v is not None}},
    }


def _observed_property(name: str) -> Entity:
    return {
        "@iot.id": name,
        "name": name,
        "definition": f"urn:twin:observed-property:{name}",
        "description": "",
    }


def observation(stream: str, row: Sequence[Any]) -> Entity:
    """An observation from a row of the store: time, result time, result, quality, x, y, z, heading."""
    time, result_time, result, quality, x, y, z, heading = row
    entity: Entity = {
        "@iot.id": f"{stream}@{time}",
        "phenomenonTime": iso_utc(time),
        "resultTime": None if result_time in {None, NO_TIME} else iso_utc(result_time),
        "result": bool(result) if isinstance(result, int) else result,
        "resultQuality": Quality(quality).name.lower(),
    }
    if x is not None:
        place = {"easting": x, "northing": y, "elevation_m": z, "heading_deg": heading}
        entity["parameters"] = {k: v for k, v in place.items() if v is not None}
    return entity


def observation_key(ident: str) -> tuple[str, int] | None:
    """Datastream and time of an observation's id; None if it is none.

    >>> observation_key("river-1:water_level@1787799600000000")
    ('river-1:water_level', 1787799600000000)
    """
    stream, _, time = ident.rpartition("@")
    if not stream or not time.lstrip("-").isascii() or not time.lstrip("-").isdigit() or len(time) > 19:
        return None
    return stream, int(time)
