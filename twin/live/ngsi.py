"""NGSI-LD entities over HTTP, as Korea's City Data Hub and other platforms serve them, as things and observations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from twin.core.visible_text import visible_text
from twin.live.decode import checked_result, clean_text, is_number
from twin.live.fetch import FetchError
from twin.live.model import MICROSECONDS, Datastream, Observation, Place, Thing
from twin.live.moments import iso_utc
from twin.live.places import settled
from twin.live.properties import LENGTHS_IN_M, property_key
from twin.live.rejected import RejectedError
from twin.live.things import clean_properties, place_of
from twin.live.times import LIVE_AHEAD_S, now_us, parse_time_us
from twin.live.units import find_unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twin.core.notices import Notices
    from twin.live.fetch import Fetcher
    from twin.live.intake import Intake
    from twin.live.places import Locator, Xyz

PAGE = 100
_UNITS = {  # UN/CEFACT codes that platforms use
    "MTR": "m", "CMT": "cm", "MMT": "mm", "CEL": "Cel", "FAH": "degF", "KEL": "K", "P1": "%", "GQ": "ug/m3",
    "GP": "mg/m3", "59": "[ppm]", "61": "[ppb]", "A97": "hPa", "PAL": "Pa", "KPA": "kPa", "MTS": "m/s", "KMH": "km/h",
    "DD": "deg", "2N": "dB", "LUX": "lx", "WTT": "W", "KWT": "kW", "KWH": "kW.h", "MQS": "m3/s", "MQH": "m3/h",
    "SEC": "s", "MIN": "min", "HUR": "h", "C62": "1", "FOT": "ft", "VLT": "V", "AMP": "A",
}  # fmt: skip
_NOT_MEASURED = {"id", "type", "@context", "location", "name", "description", "address", "source", "owner",
                 "dateObserved", "observedAt", "createdAt", "modifiedAt", "dataProvider", "alternateName"}  # fmt: skip
_MOVING = {"vehicle", "vehiclemodel", "robot", "drone", "uav"}


@dataclass(slots=True)
class EntityReader:
    """Takes entities in, each of whose measured properties is a datastream.

    Parameters
    ----------
    intake : Intake
    locator : Locator
    where : str
        The server, for messages.
    """

    intake: Intake
    locator: Locator
    where: str
    notices: Notices
    things: dict[str, Thing] = field(default_factory=dict)

    def take(self, entity: Any) -> None:
        """Take one entity in: each of its measured properties is a datastream."""
        try:
            thing = self._thing(entity)
        except RejectedError as reason:
            self.intake.reject(self.where, reason)
            return
        position = self._position(entity) if thing.place.kind == "moving" else None
        for name, value in entity.items():
            if name not in _NOT_MEASURED and _is_measured(value):
                try:
                    self.intake.add(self._observation(thing, entity, name, value, position))
                except RejectedError as reason:
                    self.intake.reject(
                        f"{self.where}: {visible_text(thing.id)}: {visible_text(name)}", reason
                    )

    def _thing(self, entity: Any) -> Thing:
        ident = entity.get("id") if isinstance(entity, dict) else None
        if not isinstance(ident, str) or not ident:
            raise RejectedError("thing", "an entity has no id")
        ident = clean_text(ident)
        if ident not in self.things:
            self.things[ident] = self._described(ident, entity)
        return self.things[ident]

    def _described(self, ident: str, entity: dict[str, Any]) -> Thing:
        kind = str(entity.get("type", ""))
        name = clean_text(str(_value(entity.get("name")) or ident))
        properties = clean_properties(
            {k: _value(v) for k, v in entity.items() if k in _BOUND} | {"type": kind}
        )
        if kind.lower() in _MOVING:
            return Thing(ident, name, kind, Place("moving"), properties)
        place: Xyz | None = None
        shown = f"{self.where}: {visible_text(name)}"
        location = _value(entity.get("location"))
        if location is None:
            self.notices.add(
                "no-location", f"{shown}: has no location; it is kept without a place", subject=ident
            )
        else:
            at = self.locator.geojson(location)
            place = settled(at, self.locator, name=shown, subject=ident, notices=self.notices)
        return Thing(ident, name, kind, place_of(properties, place), properties)

    def _position(self, entity: dict[str, Any]) -> tuple[float, float, float, float] | None:
        return self.locator.moved(_value(entity.get("location")), _value(entity.get("heading")))

    def _observation(
        self, thing: Thing, entity: dict[str, Any], name: str, value: Any, position: Any
    ) -> Observation:
        stream = f"{thing.id}:{clean_text(name)}"
        if not self.intake.knows(stream):
            self.intake.register(thing, (_describe(stream, thing, name, value),))
        time = _time(entity, value)
        if time > now_us() + int(LIVE_AHEAD_S * MICROSECONDS):
            raise RejectedError("future", f"time {iso_utc(time)} lies in the future")
        result, quality = checked_result(_value(value), self.intake.specs[stream])
        return Observation(stream, time, time, result, quality, position)


_BOUND = ("building", "room", "storey", "road")


def _value(attribute: Any) -> Any:
    """The value of a property, written at length or plainly."""
    if isinstance(attribute, dict) and "value" in attribute:
        return attribute["value"]
    return attribute


def _is_measured(attribute: Any) -> bool:
    value = _value(attribute)
    return isinstance(value, int | float) or (
        value is None and isinstance(attribute, dict) and "observedAt" in attribute
    )


def _time(entity: dict[str, Any], attribute: Any) -> int:
    told = attribute.get("observedAt") if isinstance(attribute, dict) else None
    for candidate in (told, *(entity.get(k) for k in ("dateObserved", "observedAt", "modifiedAt"))):
        value = _value(candidate)
        if isinstance(value, dict):  # {"@type": "DateTime", "@value": ...}
            value = value.get("@value")
        if value is not None:
            return parse_time_us(value)
    raise RejectedError("time", "has no time")


def _describe(stream: str, thing: Thing, name: str, attribute: Any) -> Datastream:
    code = str(attribute.get("unitCode", "")) if isinstance(attribute, dict) else ""
    key = property_key(name)
    unit = find_unit(_UNITS.get(code, code), length_in_m=key in LENGTHS_IN_M)
    truth = isinstance(_value(attribute), bool)
    return Datastream(
        stream,
        thing.id,
        name,
        key,
        unit.code,
        unit.symbol,
        scale=unit.scale,
        offset=unit.offset,
        result_type="truth" if truth else "number",
    )


def entity_pages(asked: Fetcher, kind: str | None) -> Iterator[Any]:
    """All entities that a server gives, of one type if told, page after page.

    Raises
    ------
    FetchError
        As `Fetcher.page`, or if a page is no list.
    """
    path = urlsplit(asked.base).path.rstrip("/")
    root = (
        ""
        if path.endswith("/entities")
        else ("entities" if path.endswith("/ngsi-ld/v1") else "ngsi-ld/v1/entities")
    )
    wanted = f"type={quote(kind, safe='')}&" if kind else ""
    offset = 0
    while True:
        link = f"{root}?{wanted}limit={PAGE}&offset={offset}"
        rows, _ = asked.page(link if root else f"{asked.base.rstrip('/')}{link}")
        if not isinstance(rows, list):
            raise FetchError("its answer is no list of entities")
        yield from rows
        if len(rows) < PAGE:
            return
        offset += len(rows)


def first_place_of(entities: list[Any]) -> tuple[float, float] | None:
    """Longitude and latitude of the first entity that stands at a point."""
    for entity in entities:
        location = _value(entity.get("location")) if isinstance(entity, dict) else None
        pair = location.get("coordinates") if isinstance(location, dict) else None
        if isinstance(pair, list) and len(pair) > 1 and all(map(is_number, pair[:2])):
            return float(pair[0]), float(pair[1])
    return None
