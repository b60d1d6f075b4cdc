"""An OGC SensorThings 1.1 answer with Things, Locations and Datastreams as a catalogue."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from twin.core.errors import InputError, UnsafeInputError
from twin.core.visible_text import visible_text
from twin.live.decode import clean_text, is_number
from twin.live.model import Catalogue, Datastream, Place, Thing
from twin.live.places import settled
from twin.live.properties import LENGTHS_IN_M, property_key
from twin.live.units import find_unit, unit_texts

if TYPE_CHECKING:
    from twin.core.notices import Notices
    from twin.live.places import Locator, Xyz

_TYPES = {
    "OM_Measurement": "number",
    "OM_CountObservation": "number",
    "OM_TruthObservation": "truth",
    "OM_CategoryObservation": "text",
    "OM_Observation": "any",
}
_MOVING = {"moving", "vehicle", "robot", "bus", "tram", "ship", "drone"}
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")


def read_things(answer: Any, *, where: str, locator: Locator, notices: Notices) -> Catalogue:
    """The catalogue of ``Things?$expand=Locations,Datastreams($expand=ObservedProperty)``.

    Parameters
    ----------
    answer : parsed JSON
        The page with ``value``, or one Thing.
    where : str
        File or address, for messages.
    locator : Locator
        Takes longitude and latitude into the city.
    notices : Notices
        Is told of things without a place or far outside, and of units that are not known.

    Raises
    ------
    InputError
        If it is no such answer, or two things or datastreams share an id.
    UnsafeInputError
        If its next page lies on another host than itself.
    """
    rows = _rows(answer, where)
    check_next_link(answer, where=where, notices=notices)
    things: list[Thing] = []
    streams: list[Datastream] = []
    for row in rows:
        thing = _thing(row, where, locator, notices)
        things.append(thing)
        listed = row.get("Datastreams")
        entries = listed if isinstance(listed, list) else []
        streams.extend(_datastream(entry, thing, where, notices) for entry in entries)
    _refuse_shared(where, "things", [t.id for t in things])
    _refuse_shared(where, "datastreams", [s.id for s in streams])
    return Catalogue(tuple(things), tuple(streams))


def _rows(answer: Any, where: str) -> list[dict[str, Any]]:
    if isinstance(answer, dict) and "value" not in answer and "@iot.id" in answer:
        answer = {"value": [answer]}
    rows = answer.get("value") if isinstance(answer, dict) else answer
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise InputError(
            where,
            "is no list of SensorThings Things",
            "give the answer to Things?$expand=Locations,Datastreams($expand=ObservedProperty)",
        )
    return rows


def check_next_link(answer: Any, *, where: str, notices: Notices) -> None:
    """Tell that a file is only the first page; refuse one whose next page lies elsewhere.

    Raises
    ------
    UnsafeInputError
        If ``@iot.nextLink`` leads to another host than the entries' own links.
    """
    link = answer.get("@iot.nextLink") if isinstance(answer, dict) else None
    if link is None:
        return
    host = urlsplit(link).hostname if isinstance(link, str) else ""
    own = {
        urlsplit(r["@iot.selfLink"]).hostname
        for r in answer["value"]
        if isinstance(r.get("@iot.selfLink"), str)
    }
    if own != {host}:
        raise UnsafeInputError(
            where,
            f"@iot.nextLink leads to another host ({visible_text(str(link), max_chars=80)})",
            "remove it from the file, or ask the server itself with --sensorthings URL",
        )
    notices.add(
        "first-page", f"{where}: is the first page only; ask the server itself with --sensorthings URL"
    )


def _refuse_shared(where: str, kind: str, ids: list[str]) -> None:
    for name, n in Counter(ids).most_common(1):
        if n > 1:
            raise InputError(
                where, f"{n} {kind} share the @iot.id {visible_text(name)!r}", "give each an id of its own"
            )


def _id(row: Any, kind: str, where: str) -> str:
    value = row.get("@iot.id") if isinstance(row, dict) else None
    if value is None or isinstance(value, bool | dict | list) or str(value) == "":
        raise InputError(where, f"a {kind} has no @iot.id", "give each an id of its own")
    return clean_text(str(value))


def _text(value: Any) -> str:
    return clean_text(value) if isinstance(value, str) else ""


def _thing(row: dict[str, Any], where: str, locator: Locator, notices: Notices) -> Thing:
    ident = _id(row, "thing", where)
    name = _text(row.get("name"))
    given = row.get("properties")
    properties = clean_properties(given)
    shown = f"{where}: {visible_text(name or ident)}"
    position = _position(row, locator, shown=shown, subject=ident, notices=notices)
    return Thing(ident, name, _text(row.get("description")), place_of(properties, position), properties)


def clean_properties(given: Any, *, is_nested: bool = False) -> dict[str, Any]:
    """Properties of a source in plain values that can be written; a table among them, such as stages, by one level."""
    if not isinstance(given, dict):
        return {}
    kept: dict[str, Any] = {}
    for key, value in given.items():
        if isinstance(value, str):
            kept[clean_text(key)] = clean_text(value)
        elif isinstance(value, dict) and not is_nested:
            kept[clean_text(key)] = clean_properties(value, is_nested=True)
        elif (
            value is None
            or isinstance(value, bool | int)
            or (isinstance(value, float) and math.isfinite(value))
        ):
            kept[clean_text(key)] = value
    return kept


def _position(
    row: dict[str, Any], locator: Locator, *, shown: str, subject: str, notices: Notices
) -> Xyz | None:
    locations = row.get("Locations")
    first = locations[0] if isinstance(locations, list) and locations else None
    value = first.get("location") if isinstance(first, dict) else None
    if value is None:
        notices.add("no-location", f"{shown}: has no location; it is kept without a place", subject=subject)
        return None
    return settled(locator.geojson(value), locator, name=shown, subject=subject, notices=notices)


def place_of(properties: dict[str, Any], position: Xyz | None) -> Place:
    """What a thing is bound to, by its properties building, storey, room, road and cell."""
    told = {
        k: str(properties[k]) for k in ("building", "room", "storey", "road", "cell") if properties.get(k)
    }
    building = told.get("building", "")
    storey = int(told["storey"]) if re.fullmatch(r"-?\d{1,3}", told.get("storey", "")) else None
    for kind in ("room", "storey", "building", "road", "cell"):
        if kind in told:
            return Place(kind, position, told[kind], building if kind != "building" else "", storey)
    moves = properties.get("moving") is True or str(properties.get("kind", "")).lower() in _MOVING
    return Place("moving" if moves else "point", position)


def _datastream(entry: Any, thing: Thing, where: str, notices: Notices) -> Datastream:
    ident = _id(entry, "datastream", where)
    observed = entry.get("ObservedProperty")
    names = (
        [str(observed.get(k) or "") for k in ("definition", "name", "@iot.id")]
        if isinstance(observed, dict)
        else []
    )
    key = property_key(*names, _text(entry.get("name")))
    unit = find_unit(*unit_texts(entry.get("unitOfMeasurement")), length_in_m=key in LENGTHS_IN_M)
    if not unit.is_known:
        notices.add(
            "unknown-unit",
            f"{where}: {visible_text(ident)}: the unit {visible_text(unit.symbol)!r} is not known; its results are"
            " kept and shown as they come",
            subject=ident,
        )
    properties = clean_properties(entry.get("properties"))
    valid = (_number(properties.get("valid_min")), _number(properties.get("valid_max")))
    return Datastream(
        ident,
        thing.id,
        _text(entry.get("name")),
        clean_text(key),
        unit.code,
        clean_text(unit.symbol),
        _seconds(properties.get("every_s")),
        _seconds(properties.get("max_age_s")),
        _number(properties.get("zero_m")),
        (-math.inf if valid[0] is None else valid[0], math.inf if valid[1] is None else valid[1])
        if valid != (None, None)
        else None,
        unit.scale,
        unit.offset,
        _TYPES.get(str(entry.get("observationType", "")).rpartition("/")[2], "number"),
        properties,
    )


def _number(value: Any) -> float | None:
    return float(value) if is_number(value) else None


def _seconds(value: Any) -> float | None:
    """A positive number of seconds, also as an ISO 8601 duration such as PT1H."""
    number = _number(value)
    if isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        number = sum(float(part or 0) * n for part, n in zip(match.groups(), (3600, 60, 1), strict=True))
    return number if number is not None and number > 0 else None
