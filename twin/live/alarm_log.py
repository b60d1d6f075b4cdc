"""The log of alarms, one event a line, and what people did about them.

The log follows from observations and rules alone: events stand once each, with times of the scene and none of the wall
clock. Acknowledging and shelving are kept beside it, with the time at which somebody did so.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from twin.core.errors import StorageError, UsageError
from twin.core.files import append_bytes, guard_storage, make_folder, write_bytes
from twin.core.visible_text import visible_text
from twin.live.moments import iso_utc, parse_utc
from twin.live.toml_tables import closest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from twin.live.alarm_engine import AlarmEvent
    from twin.live.model import Catalogue

LOG = "live/alarms.jsonl"
ACTIONS = "live/alarm_actions.jsonl"
_UNDER = {
    "fired": "firing",
    "settled_firing": "firing",
    "flapping": "flapping",
    "recovered": "recovered",
    "settled": "recovered",
}
"""What an alarm is after an event; after others it stays what it was."""
_BY_THE_CLOCK = {"settled", "settled_firing"}
"""Events that no value leads to: they say nothing of whether there is data."""


def alarm_id(rule: str, datastream: str) -> str:
    """What an alarm is called: the same for every time that it fires.

    >>> alarm_id("river-high", "river-1:water_level")
    'river-high@river-1:water_level'
    """
    return f"{rule}@{datastream}"


def event_row(event: AlarmEvent, catalogue: Catalogue) -> dict[str, Any]:
    """An event as it stands in the log."""
    stream = catalogue.datastream(event.datastream)
    row: dict[str, Any] = {
        "time": iso_utc(event.time),
        "event": event.kind,
        "id": alarm_id(event.rule.name, event.datastream),
        "rule": event.rule.name,
        "severity": event.rule.severity,
        "datastream": event.datastream,
        "thing": visible_text(catalogue.thing(stream.thing).name or stream.thing),
        "observed_property": stream.observed_property,
        "value": event.value,
        "unit": stream.unit,
    }
    if event.rule.text:
        row["text"] = {k: visible_text(v) for k, v in sorted(event.rule.text.items())}
    return row


class Log:
    """The log of a city, to which events are added that do not stand in it yet.

    Parameters
    ----------
    path : Path
        ``alarms.jsonl``; a line that a crash cut off is taken away.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        make_folder(path.parent)
        _cut_torn_line(path)
        self._known = {_key(row) for row in read_lines(path)}
        self.n_added = 0

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append those events that are new."""
        fresh = [row for row in rows if _key(row) not in self._known]
        if not fresh:
            return
        self._known.update(map(_key, fresh))
        append_bytes(self.path, b"".join(_line(row) for row in fresh))
        self.n_added += len(fresh)


def _key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(row.get("time")), str(row.get("event")), str(row.get("id"))


def _line(row: Mapping[str, Any]) -> bytes:
    return (json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n").encode()


def _cut_torn_line(path: Path) -> None:
    with guard_storage(path):
        data = path.read_bytes() if path.exists() else b""
    if data and not data.endswith(b"\n"):
        write_bytes(path, data[: data.rfind(b"\n") + 1])


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON lines file of ours; none where there is no file.

    Raises
    ------
    StorageError
        If a whole line is no object.
    """
    with guard_storage(path):
        data = path.read_bytes() if path.exists() else b""
    rows = []
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            if number == data.count(b"\n") + 1:  # cut off by a crash
                break
            raise StorageError(path, f"line {number} is damaged", "correct it, or move the file away")
        rows.append(row)
    return rows


@dataclass(frozen=True, slots=True)
class Alarm:
    """The newest state of one alarm.

    Parameters
    ----------
    id, rule, severity, datastream, thing, observed_property, unit : str
        As in the log.
    under : str
        firing, flapping or recovered, by its values.
    is_without_data : bool
        Whether its datastream is silent.
    since : str
        When that state began, ISO 8601 in UTC.
    value : float or None
    is_acknowledged : bool
        Whether somebody has seen this very firing.
    shelved_until : str
        Empty where it is not shelved.
    """

    id: str
    rule: str
    severity: str
    datastream: str
    thing: str
    observed_property: str
    unit: str
    under: str
    is_without_data: bool
    since: str
    value: float | None
    text: Mapping[str, str]
    is_acknowledged: bool = False
    shelved_until: str = ""

    @property
    def state(self) -> str:
        """One word for it: firing, flapping, no_data or recovered."""
        return "no_data" if self.is_without_data else self.under

    @property
    def is_active(self) -> bool:
        """Whether it asks for attention."""
        return self.state != "recovered"

    def as_json(self) -> dict[str, Any]:
        """In plain values."""
        shown = {
            name: getattr(self, name)
            for name in ("id", "state", "severity", "since", "value", "unit", "rule", "datastream", "thing")
        }
        if self.text:
            shown["text"] = dict(self.text)
        return {
            **shown,
            "observed_property": self.observed_property,
            "acknowledged": self.is_acknowledged,
            "shelved_until": self.shelved_until or None,
        }


def alarms(city: Path, *, at_us: int | None = None) -> list[Alarm]:
    """The newest state of every alarm of a city at a moment of the scene, the latest first.

    Parameters
    ----------
    city : Path
    at_us : int, optional
        Microseconds, UTC; the end of the log if not given.
    """
    return AlarmReader(city).at(at_us)


class AlarmReader:
    """The alarms of a city at any moment; its log is read again only when it has changed.

    Parameters
    ----------
    city : Path
    """

    def __init__(self, city: Path) -> None:
        self._city = city
        self._seen: tuple[tuple[int, int], ...] = ()
        self._states: dict[str, tuple[list[int], list[Alarm]]] = {}
        self._actions: list[dict[str, Any]] = []
        self._end = 0

    def at(self, at_us: int | None = None) -> list[Alarm]:
        """The newest state of every alarm at a moment, the latest first; at the end of the log if none is given."""
        self._refresh()
        now = self._end if at_us is None else at_us
        shown = [_with_actions(alarm, self._actions, now) for alarm in self._newest(now)]
        return sorted(sorted(shown, key=lambda a: a.id), key=lambda a: parse_utc(a.since), reverse=True)

    def active(self, at_us: int) -> set[str]:
        """Datastreams with an alarm that asks for attention at a moment."""
        self._refresh()
        return {alarm.datastream for alarm in self._newest(at_us) if alarm.is_active}

    def _newest(self, at_us: int) -> Iterator[Alarm]:
        for times, states in self._states.values():
            n = bisect_right(times, at_us)
            if n:
                yield states[n - 1]

    def _refresh(self) -> None:
        paths = self._city / LOG, self._city / ACTIONS
        seen = tuple(_version(path) for path in paths)
        if seen == self._seen:
            return
        rows = sorted(
            ((parse_utc(str(row["time"])), row) for row in read_lines(paths[0])), key=lambda r: r[0]
        )
        self._states = {}
        for time, row in rows:
            times, states = self._states.setdefault(str(row["id"]), ([], []))
            states.append(_next(states[-1] if states else None, row))
            times.append(time)
        self._end = rows[-1][0] if rows else 0
        self._actions, self._seen = read_lines(paths[1]), seen


def _version(path: Path) -> tuple[int, int]:
    """What changes when a file does; zeros where there is none."""
    with guard_storage(path):
        try:
            found = path.stat()
        except FileNotFoundError:
            return 0, 0
    return found.st_mtime_ns, found.st_size


def _next(before: Alarm | None, row: Mapping[str, Any]) -> Alarm:
    event = str(row["event"])
    under = _UNDER.get(event, before.under if before else "recovered")
    names = ("id", "rule", "severity", "datastream", "thing", "observed_property", "unit")
    ident, rule, severity, stream, thing, observed, unit = (str(row[name]) for name in names)
    is_silent = before is not None and before.is_without_data and event in _BY_THE_CLOCK
    return Alarm(
        ident,
        rule,
        severity,
        stream,
        thing,
        observed,
        unit,
        under=under,
        is_without_data=event == "no_data" or is_silent,
        since=before.since if is_silent and before else str(row["time"]),
        value=row.get("value"),
        text=row.get("text", {}),
    )


def _with_actions(alarm: Alarm, actions: Iterable[Mapping[str, Any]], now_us: int) -> Alarm:
    mine = [a for a in actions if a.get("id") == alarm.id]
    seen = any(a.get("action") == "acknowledge" and a.get("since") == alarm.since for a in mine)
    shelved = [str(a.get("until", "")) for a in mine if a.get("action") == "shelve"]
    until = shelved[-1] if shelved and parse_utc(shelved[-1]) > now_us else ""
    return replace(alarm, is_acknowledged=seen, shelved_until=until)


def acknowledge(city: Path, ident: str, *, at: str) -> Alarm:
    """Note that somebody has seen an alarm; when it fires anew that counts no more.

    Parameters
    ----------
    city : Path
    ident : str
        As in the log.
    at : str
        Time of the wall clock, ISO 8601.

    Raises
    ------
    UsageError
        If the log has no such alarm, or the time is none.
    """
    alarm = _known(city, ident)
    parse_utc(at, where="at")
    _act(city, {"at": at, "action": "acknowledge", "id": ident, "since": alarm.since})
    return _known(city, ident)


def shelve(city: Path, ident: str, *, until: str, at: str) -> Alarm:
    """Put an alarm aside until a moment of the scene; it is still judged and logged.

    Raises
    ------
    UsageError
        If the log has no such alarm, or one of the times is none.
    """
    _known(city, ident)
    parse_utc(at, where="at")
    parse_utc(until, where="until")
    _act(city, {"at": at, "action": "shelve", "id": ident, "until": until})
    return _known(city, ident)


def _known(city: Path, ident: str) -> Alarm:
    found = {alarm.id: alarm for alarm in alarms(city)}
    if ident not in found:
        remedy = closest(ident, found) if found else "see `twin live alarms`"
        raise UsageError(visible_text(ident), "is no alarm of this city", remedy)
    return found[ident]


def _act(city: Path, action: Mapping[str, Any]) -> None:
    make_folder((city / ACTIONS).parent)
    _cut_torn_line(city / ACTIONS)
    append_bytes(city / ACTIONS, _line(action))
