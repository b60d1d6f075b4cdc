"""The district's things as an OGC SensorThings 1.1 server would give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.crs import horizontal, parse_crs
from twin.demo import skeleton as sk
from twin.demo.stations import PROPERTIES

if TYPE_CHECKING:
    from twin.demo.stations import Station


STAGES = ("interest", "caution", "alert", "serious")
_STAGES_M = {
    "river_gauge": (1.4, 1.8, 2.2, 2.8),
    "canal_gauge": (0.9, 1.2, 1.4, 1.7),
    "tide_gauge": (0.7, 0.85, 1.2, 1.6),
}
"""Elevations at which the stages of each kind of gauge begin."""


def stream_id(station: Station, key: str) -> str:
    """Identifier of one of a thing's datastreams."""
    return f"{station.id}:{key}"


def things_json(stations: list[Station]) -> dict[str, Any]:
    """An OGC SensorThings 1.1 answer: Things with their Locations and Datastreams expanded."""
    import pyproj

    to_degrees = pyproj.Transformer.from_crs(horizontal(parse_crs(sk.CRS)), "EPSG:4979", always_xy=True)
    return {"@iot.count": len(stations), "value": [_thing(s, to_degrees) for s in stations]}


def _thing(station: Station, to_degrees: Any) -> dict[str, Any]:
    easting, northing = sk.to_world(np.array([station.uvz[:2]]))[0].round(3).tolist()
    lon, lat = to_degrees.transform(easting, northing)
    place = {"easting": easting, "northing": northing, "elevation_m": station.uvz[2], "crs": sk.CRS}
    bound = {
        "building": station.building,
        "storey": station.storey,
        "room": station.room,
        "road": station.road,
    }
    return {
        "@iot.id": station.id,
        "name": station.name.en,
        "description": station.kind.replace("_", " "),
        "properties": {
            "name_ko": station.name.ko,
            "name_en": station.name.en,
            "kind": station.kind,
            **place,
            **{k: v for k, v in bound.items() if v},
        },
        "Locations": [
            {
                "@iot.id": f"{station.id}:place",
                "name": station.name.en,
                "description": "",
                "encodingType": "application/geo+json",
                "location": {"type": "Point", "coordinates": [round(lon, 8), round(lat, 8), station.uvz[2]]},
            }
        ],
        "Datastreams": [_datastream(station, key) for key in station.properties],
    }


def _zero(station: Station) -> dict[str, Any]:
    """Elevation of a gauge's zero, and its own stages above it."""
    if station.zero_m is None:
        return {}
    levels = [round(eta - station.zero_m, 3) for eta in _STAGES_M[station.kind]]
    return {"zero_m": station.zero_m, "stages": dict(zip(STAGES, levels, strict=True))}


def _datastream(station: Station, key: str) -> dict[str, Any]:
    prop = PROPERTIES[key]
    zero = _zero(station)
    return {
        "@iot.id": stream_id(station, key),
        "name": f"{station.name.en}: {prop.name}",
        "description": prop.name,
        "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        "unitOfMeasurement": {"name": prop.unit, "symbol": prop.unit, "definition": f"ucum:{prop.ucum}"},
        "properties": {"every_s": prop.every_s, "max_age_s": 3 * prop.every_s, **zero},
        "ObservedProperty": {
            "@iot.id": key,
            "name": prop.name,
            "definition": f"urn:twin:observed-property:{key}",
            "description": "",
        },
    }
