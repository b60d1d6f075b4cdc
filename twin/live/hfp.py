"""Vehicle positions of Helsinki's public transport (HSL high-frequency positioning) as moving things.

Topics read ``/hfp/v2/journey/ongoing/vp/tram/0040/00412/...``; payloads ``{"VP": {"veh": 412, "lat": ..., ...}}``.
Values that are null are kept as none; a message without a place says nothing of where the vehicle is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.live.decode import checked_result, is_number
from twin.live.model import Datastream, Observation, Place, Thing
from twin.live.moments import iso_utc
from twin.live.rejected import RejectedError
from twin.live.times import parse_time_us

if TYPE_CHECKING:
    from twin.live.intake import Intake
    from twin.live.places import Locator

PREFIX = "/hfp/v2/"
_MAX_AGE_S = 60.0
_MAX_CHARS = 200
_STREAMS = (
    ("speed", "spd", "vehicle_speed", "m/s", "m/s"),
    ("delay", "dl", "delay", "s", "s"),
    ("occupancy", "occu", "vehicle_occupancy", "%", "%"),
)


def is_hfp(document: Any) -> bool:
    """Whether a payload is one of HFP: one event with a vehicle."""
    if not isinstance(document, dict) or len(document) != 1:
        return False
    (event,) = document.values()
    return isinstance(event, dict) and {"veh", "tst"} <= event.keys()


def take_hfp(topic: str, document: Any, intake: Intake, locator: Locator, *, latest_us: int) -> int:
    """Take in what one message tells; how many observations that is.

    Raises
    ------
    RejectedError
        If it names no vehicle, or its time or place cannot be read.
    """
    if not is_hfp(document):
        raise RejectedError("json", "is no event of a vehicle")
    (event,) = document.values()
    vehicle = _vehicle(event)
    time = parse_time_us(event["tst"])
    if time > latest_us:
        raise RejectedError("future", f"time {iso_utc(time)} lies in the future")
    if not intake.knows(f"{vehicle}:speed"):
        intake.register(*_describe(vehicle, topic, event))
    position = _position(event, locator)
    found = []
    for name, field, *_ in _STREAMS:
        if name == "speed" or field in event:
            stream = f"{vehicle}:{name}"
            result, quality = checked_result(event.get(field), intake.specs[stream])
            found.append(
                Observation(stream, time, time, result, quality, position if name == "speed" else None)
            )
    for observation in found:
        intake.add(observation)
    return len(found)


def _vehicle(event: dict[str, Any]) -> str:
    operator, number = event.get("oper"), event.get("veh")
    if not all(isinstance(v, int) and not isinstance(v, bool) for v in (operator, number)):
        raise RejectedError("thing", f"vehicle {str((operator, number))[:40]} has no number")
    return f"hfp:{operator}-{number}"


def _describe(vehicle: str, topic: str, event: dict[str, Any]) -> tuple[Thing, tuple[Datastream, ...]]:
    mode = (
        topic[len(PREFIX) :].split("/")[3] if topic.startswith(PREFIX) and topic.count("/") > 6 else "vehicle"
    )
    mode = mode[:_MAX_CHARS]
    properties = {"mode": mode, "route": str(event.get("route") or event.get("desi") or "")[:_MAX_CHARS]}
    thing = Thing(vehicle, f"{mode} {vehicle[4:]}", mode, Place("moving"), properties)
    streams = tuple(
        Datastream(f"{vehicle}:{name}", vehicle, name, key, unit, symbol, every_s=1.0, max_age_s=_MAX_AGE_S)
        for name, _, key, unit, symbol in _STREAMS
    )
    return thing, streams


def _position(event: dict[str, Any], locator: Locator) -> tuple[float, float, float, float] | None:
    x, y, heading = event.get("long"), event.get("lat"), event.get("hdg")
    if x is None or y is None:
        return None
    if not (is_number(x) and is_number(y)):
        raise RejectedError("position", f"position {str((x, y))[:40]} is none on earth")
    at = locator(float(x), float(y))
    if at is None:
        raise RejectedError("position", f"position {x}, {y} is none on earth")
    return (*at, locator.grid_heading(at, heading))
