"""Messages to observations: each becomes one that is sound, or is rejected with its cause."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from twin.core.visible_text import visible_text
from twin.live.model import Observation, Quality, Result
from twin.live.moments import iso_utc
from twin.live.rejected import RejectedError
from twin.live.times import parse_time_us
from twin.live.units import extremes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from twin.live.model import Datastream

    Locate = Callable[[Any, Any], tuple[float, float, float, float] | None]

MAX_TEXT_CHARS = 4_096
"""Of a result that is a text: batches and memories hold thousands of them."""
_LARGEST = 1.7976931348623157e308
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_QUALITIES = {
    "good": Quality.GOOD, "approved": Quality.GOOD, "valid": Quality.GOOD,
    "provisional": Quality.PROVISIONAL, "estimated": Quality.PROVISIONAL,
    "suspect": Quality.SUSPECT, "questionable": Quality.SUSPECT, "doubtful": Quality.SUSPECT,
    "bad": Quality.INVALID, "invalid": Quality.INVALID, "missing": Quality.INVALID, "poor": Quality.INVALID,
}  # fmt: skip


class Spec(NamedTuple):
    """What the results of a datastream must be; from `specs_of`."""

    result_type: str
    scale: float
    offset: float
    least: float
    greatest: float
    valid_least: float
    valid_greatest: float


def spec_of(stream: Datastream) -> Spec:
    """What the results of a datastream must be."""
    valid = stream.valid_range or (-math.inf, math.inf)
    return Spec(stream.result_type, stream.scale, stream.offset, *extremes(stream.unit), *valid)


def specs_of(streams: Iterable[Datastream]) -> dict[str, Spec]:
    """The same for many, by id."""
    return {s.id: spec_of(s) for s in streams}


def parse_json(text: str | bytes) -> Any:
    """A JSON document of any depth that is sane.

    Raises
    ------
    RejectedError
        As ``json`` or ``nesting``.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise RejectedError("nesting", "is nested too deeply") from error
    except (ValueError, OverflowError) as error:  # the latter: numbers with more digits than any float
        raise RejectedError("json", f"is no JSON ({visible_text(str(error), max_chars=80)})") from error


def decode_observation(
    data: Any,
    specs: Mapping[str, Spec],
    *,
    latest_us: int,
    datastream: str = "",
    otherwise: str = "",
    received_us: int | None = None,
    locate: Locate | None = None,
) -> Observation:
    """An observation from its SensorThings JSON.

    Parameters
    ----------
    data : parsed JSON
    specs : mapping
        Of the known datastreams.
    latest_us : int
        Times after this one are in the future.
    datastream : str
        Known from elsewhere, such as the topic; what the message says of it does not count then.
    otherwise : str
        Of a message that names none.
    received_us : int, optional
        Stands for times that the message leaves out.
    locate : callable, optional
        Takes a GeoJSON point to the city's coordinates, for what moves.

    Raises
    ------
    RejectedError
    """
    if type(data) is not dict:
        raise RejectedError("json", "is no object with a result")
    stream = datastream or _stream_of(data, otherwise)
    spec = specs.get(stream)
    if spec is None:
        raise RejectedError("unknown_datastream", f"datastream {_shown(stream)} is not known")
    if "result" not in data:
        raise RejectedError("result", "has no result")
    time, produced = _times(data, received_us)
    if time > latest_us:
        raise RejectedError("future", f"time {iso_utc(time)} lies in the future")
    result, quality = checked_result(data["result"], spec)
    told = data.get("resultQuality")
    if told is not None:
        quality = max(quality, quality_of(told))
    position = None
    if locate is not None and "FeatureOfInterest" in data:
        position = _position(data, locate)
    return Observation(stream, time, produced, result, quality, position)


def _stream_of(data: dict[str, Any], otherwise: str) -> str:
    named = data.get("Datastream", data.get("datastream", data.get("Datastream@iot.id")))
    if type(named) is dict:
        named = named.get("@iot.id")
    if named is None and otherwise:
        return otherwise
    if named is None or isinstance(named, (dict, list, bool)):
        raise RejectedError("unknown_datastream", "names no datastream")
    return clean_text(str(named))


def _times(data: dict[str, Any], received_us: int | None) -> tuple[int, int]:
    """Phenomenon and result time; each stands for the other where it is missing."""
    given, made = data.get("phenomenonTime"), data.get("resultTime")
    produced = parse_time_us(made) if made is not None else None
    if given is not None:
        time = parse_time_us(given)
    elif produced is not None:
        time = produced
    elif received_us is not None:
        time = received_us
    else:
        raise RejectedError("time", "has no time")
    return time, time if produced is None else produced


def checked_result(value: Any, spec: Spec) -> tuple[Result, Quality]:
    """A result in the datastream's unit, and whether it can be true.

    Raises
    ------
    RejectedError
        As ``finite``, ``number``, ``range`` or ``limit``.

    Examples
    --------
    >>> from twin.live.model import Datastream
    >>> feet = spec_of(Datastream("level", "gauge", unit="m", scale=0.3048, valid_range=(-1.0, 6.0)))
    >>> checked_result(10, feet), checked_result("100", feet)
    ((3.048, <Quality.GOOD: 0>), (30.48, <Quality.INVALID: 3>))
    """
    if value is None:
        return None, Quality.GOOD
    kind = type(value)
    if kind is not float and kind is not int:
        if spec.result_type != "number":
            return _other_result(value, spec)
        value = _number_of(value)
    elif spec.result_type == "truth" and value in {0, 1}:
        return bool(value), Quality.GOOD
    try:
        number = value * spec.scale + spec.offset
    except OverflowError as error:
        raise RejectedError("range", "result with hundreds of digits is out of range") from error
    if not -math.inf < number < math.inf:
        raise RejectedError("finite", f"result {value} is not finite")
    if not spec.least <= number <= spec.greatest:
        raise RejectedError(
            "range", f"result {number:.6g} is out of range ({spec.least:g} to {spec.greatest:g})"
        )
    if not spec.valid_least <= number <= spec.valid_greatest:
        return number, Quality.INVALID
    return float(number), Quality.GOOD


def _number_of(value: Any) -> float:
    """A number that came as text with a decimal point; no truth, and no decimal comma, which may group thousands."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    raise RejectedError("number", f"result {_shown(value)} is no number")


def _other_result(value: Any, spec: Spec) -> tuple[Result, Quality]:
    if isinstance(value, bool) and spec.result_type in {"truth", "any"}:
        return value, Quality.GOOD
    if isinstance(value, str) and spec.result_type in {"text", "any"}:
        if len(value) > MAX_TEXT_CHARS:
            raise RejectedError(
                "limit", f"result has {len(value):,} characters, the limit is {MAX_TEXT_CHARS:,}"
            )
        return clean_text(value), Quality.GOOD
    if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
        return value.strip().lower() == "true", Quality.GOOD
    raise RejectedError("number", f"result {_shown(value)} is no {spec.result_type}")


def quality_of(told: Any) -> Quality:
    """The flag for a quality in words, or in whole numbers as `Quality` counts; suspect if it is not known."""
    if isinstance(told, int) and 0 <= told <= max(Quality):
        return Quality(told)
    text = told.get("code", "") if isinstance(told, dict) else told
    return _QUALITIES.get(str(text).strip().lower(), Quality.SUSPECT)


def _position(data: dict[str, Any], locate: Locate) -> tuple[float, float, float, float] | None:
    place = data["FeatureOfInterest"]
    feature = place.get("feature") if isinstance(place, dict) else None
    if feature is None:
        return None
    told = data.get("parameters")
    at = locate(feature, told.get("heading") if isinstance(told, dict) else None)
    if at is None:
        raise RejectedError("position", f"position {_shown(feature)} is none on earth")
    return at


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether a parsed value is a number that a float can hold; truths are none.

    >>> is_number(1), is_number(True), is_number(10**400), is_number(float("nan"))
    (True, False, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def clean_text(text: str) -> str:
    """Text that can be written as UTF-8: halves of characters, which JSON may hold, are replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _shown(value: Any) -> str:
    return visible_text(str(value) if isinstance(value, str | int) else repr(value), max_chars=40)
