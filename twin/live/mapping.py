"""Messages of any shape as observations, by rules of a file: which topics, and where in the JSON the values stand.

A rule of ``map.toml``::

    [[message]]
    topic = "city/{area}/air/{station}"     # {name} stands for one level, # for the rest
    thing = "air-{station}"                 # id of the thing; names of levels and {.path.in.payload} may stand in it
    time = "ts"                             # path to the time; when the message came in if not given
    time_format = "iso"                     # or s, ms: seconds or milliseconds since 1970
    x = "pos.lon"                           # place, if the thing moves or is not known yet
    y = "pos.lat"

    [[message.result]]
    path = "values.pm25"                    # empty: the payload itself is the result
    datastream = "pm2_5"                    # the datastream's id becomes THING:pm2_5
    property = "pm2_5"
    unit = "ug/m3"
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from twin.core.errors import ConfigError
from twin.live.decode import checked_result, clean_text
from twin.live.model import MICROSECONDS, Datastream, Observation, Place, Thing
from twin.live.moments import iso_utc
from twin.live.properties import LENGTHS_IN_M, property_key
from twin.live.rejected import RejectedError
from twin.live.times import parse_time_us
from twin.live.toml_tables import closest, known_keys, number, read_toml, words
from twin.live.units import find_unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from twin.core.notices import Notices
    from twin.live.arrivals import Message
    from twin.live.intake import Intake
    from twin.live.places import Locator

FORMATS = {"iso": 0, "s": MICROSECONDS, "ms": 1000}
_MESSAGE_KEYS = (
    "topic",
    "thing",
    "name",
    "time",
    "time_format",
    "x",
    "y",
    "z",
    "heading",
    "moving",
    "each",
    "result",
)
_RESULT_KEYS = ("path", "datastream", "property", "unit", "zero_m", "every_s", "max_age_s", "type")
_SECRETS = ("password", "passwd", "token", "secret", "api_key", "apikey")
_FIELD = re.compile(r"\{(\.?[^{}]+)\}")
MAX_ITEMS = 10_000


@dataclass(frozen=True, slots=True)
class ResultRule:
    """One datastream of a message; `path` leads to its result."""

    path: tuple[str, ...]
    datastream: str
    property: str
    unit: str = ""
    zero_m: float | None = None
    every_s: float | None = None
    max_age_s: float | None = None
    result_type: str = "number"


@dataclass(frozen=True, slots=True)
class MessageRule:
    """How messages of some topics are read; paths lead into the JSON of the payload."""

    pattern: re.Pattern[str]
    topic: str
    thing: str
    results: tuple[ResultRule, ...]
    name: str = ""
    time: tuple[str, ...] = ()
    time_unit_us: int = 0
    x: tuple[str, ...] = ()
    y: tuple[str, ...] = ()
    z: tuple[str, ...] = ()
    heading: tuple[str, ...] = ()
    is_moving: bool = False
    each: tuple[str, ...] = ()


class _Here(NamedTuple):
    """One item of a message with what its topic says."""

    message: Message
    levels: Mapping[str, str]
    item: Any


def read_mapping(path: Path, *, notices: Notices) -> tuple[MessageRule, ...]:
    """The rules of a mapping file, in their order.

    Raises
    ------
    ConfigError, InputNotFoundError
        With the key that is wrong, and the nearest known one.
    """
    document = read_toml(path)
    secret = next((k for k in _keys(document) if k.casefold() in _SECRETS), None)
    if secret is not None:
        notices.add(
            "secret-in-file",
            f"{path}: {secret} stands in the mapping, which others may read; it is not used. Set TWIN_MQTT_USERNAME and"
            " TWIN_MQTT_PASSWORD, or give --credentials FILE",
        )
    plain = {
        k: v for k, v in document.items() if k.casefold() not in {*_SECRETS, "username", "broker", "mqtt"}
    }
    known_keys(path, plain, ("message",))
    rules = plain.get("message")
    if not isinstance(rules, list) or not rules:
        raise ConfigError(
            f"{path}: message", "holds no rules", "write [[message]] with topic, thing and result"
        )
    return tuple(_message_rule(path, rule, f"message.{n}") for n, rule in enumerate(rules))


def _keys(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(k for v in value.values() for k in _keys(v))]
    return [k for v in value for k in _keys(v)] if isinstance(value, list) else []


def _message_rule(path: Path, rule: Any, place: str) -> MessageRule:
    known_keys(path, rule, _MESSAGE_KEYS, place=place)
    topic = words(path, rule, "topic", place=place)
    kind = words(path, rule, "time_format", place=place, default="iso")
    if kind not in FORMATS:
        raise ConfigError(f"{path}: {place}.time_format", f"is {kind!r}", closest(kind, FORMATS))
    results = rule.get("result")
    if not isinstance(results, list) or not results:
        raise ConfigError(
            f"{path}: {place}.result", "is missing", "write [[message.result]] with path and datastream"
        )

    def steps(key: str) -> tuple[str, ...]:
        return path_steps(words(path, rule, key, place=place, default=""))

    return MessageRule(
        topic_pattern(topic, where=f"{path}: {place}.topic"),
        topic,
        words(path, rule, "thing", place=place),
        tuple(_result_rule(path, r, f"{place}.result.{n}") for n, r in enumerate(results)),
        words(path, rule, "name", place=place, default=""),
        steps("time"),
        FORMATS[kind],
        *(steps("x"), steps("y"), steps("z"), steps("heading")),
        rule.get("moving") is True,
        steps("each"),
    )


def _result_rule(path: Path, rule: Any, place: str) -> ResultRule:
    known_keys(path, rule, _RESULT_KEYS, place=place)
    stream = words(path, rule, "datastream", place=place)
    numbers = {
        key: number(path, rule, key, place=place) if key in rule else None
        for key in ("zero_m", "every_s", "max_age_s")
    }
    kind = words(path, rule, "type", place=place, default="number")
    if kind not in {"number", "text", "truth", "any"}:
        raise ConfigError(f"{path}: {place}.type", f"is {kind!r}", "choose one of number, text, truth, any")
    return ResultRule(
        path_steps(words(path, rule, "path", place=place, default="")),
        stream,
        words(path, rule, "property", place=place, default=stream),
        words(path, rule, "unit", place=place, default=""),
        numbers["zero_m"],
        numbers["every_s"],
        numbers["max_age_s"],
        kind,
    )


def path_steps(text: str) -> tuple[str, ...]:
    """The keys that a path such as ``values.pm25`` or ``$.readings.0`` goes through.

    >>> path_steps("$.values.pm25"), path_steps("")
    (('values', 'pm25'), ())
    """
    return tuple(step for step in text.removeprefix("$").strip(".").split(".") if step)


def topic_pattern(topic: str, *, where: str) -> re.Pattern[str]:
    """What topics a filter with named levels means.

    Raises
    ------
    ConfigError
        If a name is none, or stands twice.

    >>> topic_pattern("city/{area}/+/{station}/#", where="map.toml").fullmatch("city/a/x/7/t").groupdict()
    {'area': 'a', 'station': '7'}
    """
    parts = []
    for level in topic.split("/"):
        name = re.fullmatch(r"\{([A-Za-z_]\w*)\}", level)
        if name:
            parts.append(rf"(?P<{name[1]}>[^/]+)")
        elif level == "+":
            parts.append("[^/]+")
        elif level == "#":
            parts.append(".*")
        else:
            parts.append(re.escape(level))
    try:
        return re.compile("/".join(parts))
    except re.error as error:
        raise ConfigError(
            where, f"{topic!r} is no pattern ({error})", "give each name once, as {station}"
        ) from error


def find(document: Any, steps: tuple[str, ...]) -> Any:
    """What stands at the end of a path; None where it does not lead."""
    for step in steps:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isascii() and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document


def take_mapped(
    rule: MessageRule,
    levels: Mapping[str, str],
    message: Message,
    document: Any,
    *,
    intake: Intake,
    locator: Locator,
    latest_us: int,
) -> int:
    """Take in what a message tells by a rule; how many observations that is.

    Raises
    ------
    RejectedError
        If its time, place or one of its results cannot be read; then nothing of it is taken.
    """
    items = find(document, rule.each) if rule.each else [document]
    if not isinstance(items, list) or len(items) > MAX_ITEMS:
        raise RejectedError("json", f"holds no list of at most {MAX_ITEMS:,} at {'.'.join(rule.each)!r}")
    found = [o for item in items for o in _item(rule, _Here(message, levels, item), intake, locator)]
    late = next((o for o in found if o.phenomenon_time > latest_us), None)
    if late is not None:
        raise RejectedError("future", f"time {iso_utc(late.phenomenon_time)} lies in the future")
    if not found:
        raise RejectedError("result", f"has none of the results of the rule for {rule.topic!r}")
    for observation in found:
        intake.add(observation)
    return len(found)


def _item(rule: MessageRule, here: _Here, intake: Intake, locator: Locator) -> list[Observation]:
    thing = _filled(rule.thing, here)
    time = _time(rule, here)
    position = _position(rule, here.item, locator)
    found = []
    for result in rule.results:
        value = find(here.item, result.path)
        if value is None and not _leads(here.item, result.path):
            continue
        stream = f"{thing}:{_filled(result.datastream, here)}"
        if not intake.knows(stream):
            name = _filled(rule.name, here) if rule.name else thing
            place = Place("moving") if rule.is_moving else Place("point", position and position[:3])
            intake.register(Thing(thing, name, place=place), (_describe(result, thing, stream),))
        kept, quality = checked_result(value, intake.specs[stream])
        at = position if rule.is_moving else None
        found.append(Observation(stream, time, time, kept, quality, at))
    return found


def _leads(document: Any, steps: tuple[str, ...]) -> bool:
    """Whether a path leads to a key that is there, if only to null."""
    if not steps:
        return True
    parent = find(document, steps[:-1])
    return isinstance(parent, dict) and steps[-1] in parent


def _filled(template: str, here: _Here) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        found = find(here.item, path_steps(name)) if name.startswith(".") else here.levels.get(name)
        if not isinstance(found, str | int) or isinstance(found, bool) or str(found) == "":
            raise RejectedError("thing", f"has no {name!r} for the id {template!r}")
        return clean_text(str(found)[:200])

    return _FIELD.sub(value, template)


def _time(rule: MessageRule, here: _Here) -> int:
    value = find(here.item, rule.time) if rule.time else None
    if value is None:
        if here.message.is_retained:
            raise RejectedError("time", "was kept by the broker and has no time of its own")
        return here.message.received_us
    if not rule.time_unit_us:
        return parse_time_us(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e14:
        raise RejectedError("time", f"time {str(value)[:40]!r} is no count since 1970")
    return int(value * rule.time_unit_us)


def _position(rule: MessageRule, item: Any, locator: Locator) -> tuple[float, float, float, float] | None:
    if not rule.x or not rule.y:
        return None
    x, y, z, heading = (
        _float(find(item, steps)) if steps else math.nan for steps in (rule.x, rule.y, rule.z, rule.heading)
    )
    if math.isnan(x) or math.isnan(y):
        return None
    at = locator(x, y, z)
    if at is None:
        raise RejectedError("position", f"position {x:g}, {y:g} is none on earth")
    return (*at, locator.grid_heading(at, heading))


def _float(value: Any) -> float:
    try:
        return (
            float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
        )
    except (ValueError, OverflowError):
        return math.nan


def _describe(result: ResultRule, thing: str, stream: str) -> Datastream:
    key = property_key(result.property)
    unit = find_unit(result.unit, length_in_m=key in LENGTHS_IN_M)
    return Datastream(
        stream,
        thing,
        stream.removeprefix(f"{thing}:"),
        key,
        unit.code,
        unit.symbol,
        result.every_s,
        result.max_age_s,
        result.zero_m,
        scale=unit.scale,
        offset=unit.offset,
        result_type=result.result_type,
    )
