"""What a broker sends, listened to for a while, as the draft of a mapping file; nothing is stored."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twin.core.visible_text import visible_text
from twin.live.decode import parse_json
from twin.live.hfp import PREFIX
from twin.live.lines import check_message
from twin.live.messages import is_sensorthings
from twin.live.properties import property_key
from twin.live.rejected import RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twin.live.arrivals import Message

MAX_GROUPS, MAX_TOPICS, MAX_PATHS = 200, 2_000, 100
_TIME = re.compile(
    r"(?i)^(ts|tst|time|timestamp|date_?time|observed_?at|phenomenon_?time|measured_?at|dateobserved)$"
)
_X = re.compile(r"(?i)^(lon|lng|long|longitude|x)$")
_Y = re.compile(r"(?i)^(lat|latitude|y)$")
_Z = re.compile(r"(?i)^(alt|altitude|elevation|z)$")
_HEADING = re.compile(r"(?i)^(hdg|heading|bearing|course)$")


@dataclass(slots=True)
class _Group:
    """Messages whose topics have as many levels and whose payloads look alike."""

    topics: dict[str, None] = field(default_factory=dict)
    leaves: dict[str, Any] = field(default_factory=dict)
    n: int = 0


@dataclass(slots=True)
class Sniffed:
    """What was heard; `hear` every message, then `draft`."""

    groups: dict[tuple[int, str, tuple[str, ...]], _Group] = field(default_factory=dict)
    n_sensorthings: int = 0
    n_hfp: int = 0
    n_other: int = 0

    @property
    def n_messages(self) -> int:
        """How many messages were heard."""
        return self.n_sensorthings + self.n_hfp + self.n_other + sum(g.n for g in self.groups.values())

    def hear(self, message: Message) -> None:
        """Take note of a message's shape."""
        if is_sensorthings(message.topic):
            self.n_sensorthings += 1
            return
        if message.topic.startswith(PREFIX):
            self.n_hfp += 1
            return
        try:
            check_message(message)
            leaves = dict(_leaves(parse_json(message.payload)))
        except RejectedError:
            self.n_other += 1
            return
        levels = message.topic.split("/")
        key = (len(levels), levels[0], tuple(sorted(leaves)))
        if key not in self.groups and len(self.groups) >= MAX_GROUPS:
            self.n_other += 1
            return
        group = self.groups.setdefault(key, _Group())
        group.n += 1
        if len(group.topics) < MAX_TOPICS:
            group.topics[message.topic] = None
        group.leaves = group.leaves or leaves

    def draft(self) -> str:
        """A mapping file to look through and correct."""
        head = [
            f"# Drafted from {self.n_messages} messages; look it through: units and names are guesses.",
            f"# SensorThings: {self.n_sensorthings}, vehicles (HFP): {self.n_hfp}; both are understood without a rule.",
            f"# Neither JSON nor a number: {self.n_other}.",
        ]
        rules = [_rule(g) for _, g in sorted(self.groups.items(), key=lambda item: -item[1].n)]
        return "\n".join([*head, *(r for r in rules if r)]) + "\n"


def _leaves(document: Any, path: str = "", depth: int = 0) -> Iterable[tuple[str, Any]]:
    """Values of a payload by their paths."""
    if isinstance(document, dict) and depth < 6:
        for key, value in list(document.items())[:MAX_PATHS]:
            if "." not in key:
                yield from _leaves(value, f"{path}.{key}" if path else key, depth + 1)
    elif not isinstance(document, list | dict):
        yield path, document


def _rule(group: _Group) -> str:
    topic, names = _pattern(list(group.topics))
    leaves = group.leaves
    special = {
        name: next((p for p in leaves if pattern.match(p.rpartition(".")[2])), None)
        for name, pattern in (("time", _TIME), ("x", _X), ("y", _Y), ("z", _Z), ("heading", _HEADING))
    }
    taken = {p for p in special.values() if p}
    results = [
        p for p, v in leaves.items() if p not in taken and isinstance(v, int | float) and not _is_id(p)
    ]
    if not results:
        return ""
    thing = "-".join(f"{{{n}}}" for n in names) or _quoted_id(topic)
    example = visible_text(json.dumps(leaves, ensure_ascii=False), max_chars=160)
    lines = ["", f"# {group.n} messages, such as {example}", "[[message]]", f"topic = {_toml(topic)}"]
    lines.append(f"thing = {_toml(thing)}")
    if special["time"]:
        lines.append(f"time = {_toml(special['time'])}")
        value = leaves[special["time"]]
        if isinstance(value, int | float):
            lines.append(f'time_format = "{"ms" if value > 1e11 else "s"}"')
    lines += [f"{key} = {_toml(special[key] or '')}" for key in ("x", "y", "z", "heading") if special[key]]
    if special["x"] and special["heading"]:
        lines.append("moving = true")
    for path in results[:MAX_PATHS]:
        name = path.rpartition(".")[2] or topic.rpartition("/")[2].strip("{}") or "value"
        parent = path.split(".")[-2] if path.count(".") and name.lower() in {"value", "v"} else name
        lines += ["", "[[message.result]]", f"path = {_toml(path)}", f"datastream = {_toml(parent)}"]
        lines += [f"property = {_toml(property_key(parent) or parent)}", 'unit = ""']
    return "\n".join(lines)


def _is_id(path: str) -> bool:
    name = path.rpartition(".")[2].lower()
    return name in {"id", "seq", "sequence", "counter", "msgid"} or name.endswith("_id")


def _pattern(topics: list[str]) -> tuple[str, list[str]]:
    """A topic with a name for each level that differs, and those names."""
    columns = list(zip(*(t.split("/") for t in topics), strict=True))
    parts, names = [], []
    for n, column in enumerate(columns):
        if len(set(column)) == 1 and not (len(topics) == 1 and n == len(columns) - 1 and len(columns) > 1):
            parts.append(column[0])
        else:
            names.append(f"level{n + 1}")
            parts.append(f"{{level{n + 1}}}")
    return "/".join(parts), names


def _quoted_id(topic: str) -> str:
    return re.sub(r"\W+", "-", topic).strip("-") or "thing"


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)
