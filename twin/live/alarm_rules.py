"""Rules of alarms: which datastreams they watch, when they fire and when they recover; read from TOML."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from twin.core.errors import ConfigError, UsageError
from twin.live.concentrations import convert
from twin.live.toml_tables import closest, known_keys, read_toml, seconds, words
from twin.live.toml_tables import number as read_number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from twin.live.model import Catalogue, Datastream, Thing

FILE = "live/alarms.toml"
SEVERITIES = ("info", "interest", "caution", "alert", "serious")
DEFAULT_LATENESS_S = 60.0
MIN_FLAPS = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """When one kind of alarm fires and recovers.

    Parameters
    ----------
    name : str
        Unique among the rules.
    severity : str
        One of `SEVERITIES`.
    datastream, thing, observed_property : str
        Patterns with ``*`` and ``?``; all of them must fit.
    unit : str
        Of the thresholds; that of the datastreams if not given.
    above, below : float
        Fires at or beyond; infinite where it does not. Given both, outside of the two.
    recover_below, recover_above : float
        Recovers at or beyond, seen from the alarm; the thresholds themselves if not given.
    pending_s, recover_pending_s : float
        How long the condition has to last before the alarm fires, or recovers.
    mean_s : float
        Seconds of the mean that is judged; 0 for single values. Told only where three quarters are covered.
    no_data_s, no_data_pending_s : float
        Without a value for so long (and then so much longer) the alarm of missing data fires; infinite for never.
    flap_changes : int
        So many changes within `flap_window_s` are flapping: told once, then silence until it is settled for as long.
    flap_window_s : float
    stage : str
        Name of the step of a datastream's own property `stages` that serves as `above`.
    margin : float
        How far below its stage the alarm recovers, in the datastream's unit.
    text : mapping
        What is told, by language.
    """

    name: str
    severity: str = "caution"
    datastream: str = "*"
    thing: str = "*"
    observed_property: str = "*"
    unit: str = ""
    above: float = math.inf
    below: float = -math.inf
    recover_below: float = math.inf
    recover_above: float = -math.inf
    pending_s: float = 0.0
    recover_pending_s: float = 0.0
    mean_s: float = 0.0
    no_data_s: float = math.inf
    no_data_pending_s: float = 0.0
    flap_changes: int = 0
    flap_window_s: float = 0.0
    stage: str = ""
    margin: float = 0.0
    text: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity: {self.severity!r} is none; {closest(self.severity, SEVERITIES)}")
        if not (self.has_threshold or self.stage or math.isfinite(self.no_data_s)):
            raise ValueError("above: nothing to watch for; give above, below, stage or no_data_s")
        if self.margin < 0 or (self.margin and not self.stage):
            raise ValueError("margin: is for rules by stage, 0 or more; else give recover_below")
        if self.stage and self.has_threshold:
            raise ValueError("stage: takes the place of above and below; give one of them")
        if self.recover_below > self.above and math.isfinite(self.recover_below):
            raise ValueError(f"recover_below: {self.recover_below:g} lies above the threshold {self.above:g}")
        if self.recover_above < self.below and math.isfinite(self.recover_above):
            raise ValueError(f"recover_above: {self.recover_above:g} lies below the threshold {self.below:g}")
        if not self.below < self.above:
            raise ValueError(
                f"below: {self.below:g} does not lie below {self.above:g}, so it would always fire"
            )
        if self.flap_changes and (self.flap_changes < MIN_FLAPS or self.flap_window_s <= 0):
            raise ValueError("flapping: give changes of 2 or more and a positive window_s")

    @property
    def has_threshold(self) -> bool:
        """Whether values are judged."""
        return math.isfinite(self.above) or math.isfinite(self.below)

    def fits(self, datastream: Datastream, thing: Thing) -> bool:
        """Whether a datastream is watched by this rule."""
        return (
            fnmatchcase(datastream.id, self.datastream)
            and fnmatchcase(thing.id, self.thing)
            and fnmatchcase(datastream.observed_property, self.observed_property)
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a file.

    Parameters
    ----------
    rules : tuple of Rule
    lateness_s : float
        How late an observation may come behind the latest of all and still be judged in its turn.
    """

    rules: tuple[Rule, ...]
    lateness_s: float = DEFAULT_LATENESS_S


_KNOWN = {f.name for f in fields(Rule)} - {"flap_changes", "flap_window_s"} | {"flapping"}
_THRESHOLDS = ("above", "below", "recover_below", "recover_above")
_SECONDS = ("pending_s", "recover_pending_s", "mean_s", "no_data_s", "no_data_pending_s")
_WORDS = ("severity", "datastream", "thing", "observed_property", "unit", "stage")


def read_rules(path: Path) -> Rules:
    """The rules of a file.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    ConfigError
        If it has a mistake; names the key, and the nearest known one.
    """
    data = read_toml(path)
    known_keys(path, data, {"lateness_s", "rule"})
    entries = data.get("rule")
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"{path}: rule", "there is none", "write [[rule]] with name and threshold")
    rules = tuple(_rule(path, f"rule.{i}", entry) for i, entry in enumerate(entries, start=1))
    names = [r.name for r in rules]
    twice = next((n for i, n in enumerate(names) if n in names[:i]), None)
    if twice is not None:
        raise ConfigError(f"{path}: rule", f"two are called {twice!r}", "give each its own name")
    return Rules(rules, seconds(path, data, "lateness_s", default=DEFAULT_LATENESS_S))


def _rule(path: Path, place: str, entry: Any) -> Rule:
    known_keys(path, entry, _KNOWN, place=place)
    given: dict[str, Any] = {"name": words(path, entry, "name", place=place)}
    given |= {k: read_number(path, entry, k, place=place) for k in (*_THRESHOLDS, "margin") if k in entry}
    given |= {k: seconds(path, entry, k, place=place) for k in _SECONDS if k in entry}
    given |= {k: words(path, entry, k, place=place) for k in _WORDS if k in entry}
    given |= _flapping(path, place, entry.get("flapping"))
    given["text"] = _text(path, place, entry.get("text", {}))
    try:
        return Rule(**given)
    except ValueError as error:
        key, _, what = str(error).partition(": ")
        raise ConfigError(f"{path}: {place}.{key}", what, "correct the rule") from error


def _flapping(path: Path, place: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    place = f"{place}.flapping"
    known_keys(path, value, {"changes", "window_s"}, place=place)
    return {
        "flap_changes": int(read_number(path, value, "changes", place=place)),
        "flap_window_s": seconds(path, value, "window_s", place=place),
    }


def _text(path: Path, place: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise ConfigError(f"{path}: {place}.text", f"is {value!r}"[:80], 'write { en = "...", ko = "..." }')
    return value


def watched(rules: Rules, catalogue: Catalogue) -> list[tuple[Rule, Datastream]]:
    """Which rule watches which datastream, in the order of rules and catalogue; thresholds in the datastream's unit.

    A rule by stage watches those datastreams alone that have that stage, and one with a unit none without.

    Raises
    ------
    ConfigError
        If a rule's unit fits a datastream that it watches in no way.
    """
    return [
        (mine, stream)
        for rule in rules.rules
        for stream in catalogue.datastreams
        if rule.fits(stream, catalogue.thing(stream.thing))
        and (mine := _for_stream(rule, stream)) is not None
    ]


def _for_stream(rule: Rule, stream: Datastream) -> Rule | None:
    if rule.stage:
        level = stage_of(stream, rule.stage)
        return (
            None
            if level is None
            else replace(rule, stage="", margin=0.0, above=level, recover_below=level - rule.margin)
        )
    if not rule.unit or not rule.has_threshold:
        return rule
    if lacks_unit(rule, stream):
        return None
    given = {k: getattr(rule, k) for k in _THRESHOLDS if math.isfinite(getattr(rule, k))}
    try:
        found = convert(
            list(given.values()), unit=rule.unit, to=stream.unit, gas=stream.observed_property
        ).tolist()
    except UsageError as error:
        raise ConfigError(
            f"rule {rule.name}: unit", error.what, f"{stream.id} has {stream.unit!r}"
        ) from error
    return replace(rule, **dict(zip(given, found, strict=True)))


def lacks_unit(rule: Rule, stream: Datastream) -> bool:
    """Whether a rule tells its thresholds in a unit while nobody knows that of a datastream."""
    return bool(rule.unit) and rule.has_threshold and not stream.unit


def stage_of(stream: Datastream, stage: str) -> float | None:
    """The level of a stage among a datastream's own properties, in its unit; None where it has none.

    Examples
    --------
    >>> from twin.live.model import Datastream
    >>> stage_of(Datastream("g", "t", properties={"stages": {"alert": 2.5}}), "alert")
    2.5
    """
    stages = stream.properties.get("stages")
    value = stages.get(stage) if isinstance(stages, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
