"""The state of all alarms in plain values, kept so that the next run goes on where the last one ended."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

from twin.core.files import guard_storage
from twin.live.alarm_engine import Engine
from twin.live.alarm_live import LiveEngine
from twin.live.alarm_log import alarm_id

if TYPE_CHECKING:
    from pathlib import Path

AnyEngine = Engine | LiveEngine
_PLAIN = (
    "is_firing",
    "is_without_data",
    "is_flapping",
    "value",
    "last_time",
    "turn_due",
    "silence_due",
    "settle_due",
    "told_at",
)


def freeze(engine: AnyEngine) -> dict[str, Any]:
    """The state of an engine, in plain values; what still waits to be judged stays in the store."""
    machines = {
        alarm_id(machine.rule.name, stream): {
            **{name: getattr(machine, name) for name in _PLAIN},
            "changes": list(machine.changes),
            "window": [list(pair) for pair in machine.window],
        }
        for machine, stream in engine.machines
    }
    state = {"judged_before": engine.judged_before, "machines": machines}
    return {**state, "is_live": True} if isinstance(engine, LiveEngine) else state


def thaw(engine: AnyEngine, state: dict[str, Any]) -> None:
    """Put an engine of the same rules into a state that `freeze` gave."""
    for machine, stream in engine.machines:
        kept = state["machines"].get(alarm_id(machine.rule.name, stream))
        if kept is None:  # a datastream that is new is waited for from now on
            machine.begin(state["judged_before"])
            continue
        for name in _PLAIN:
            setattr(machine, name, kept.get(name, getattr(machine, name)))
        machine.changes = deque(kept["changes"])
        machine.window = deque((time, value) for time, value in kept["window"])
    engine.resume(state["judged_before"])


def read_state(path: Path, key: str) -> dict[str, Any] | None:
    """The state that a run left, if it is whole and belongs to these rules."""
    with guard_storage(path):
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        state = json.loads(text) if text else None
    except ValueError:
        return None
    return state if isinstance(state, dict) and state.get("key") == key else None
