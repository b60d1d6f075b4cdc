"""``twin live replay``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from twin.cli.console import json_option, tell_json, tell_notices
from twin.cli.live_options import city_argument

EXAMPLES = """\b
Examples:
  twin live replay town.twin storm.jsonl --speed 60
  twin live replay town.twin storm.jsonl --speed 0 --rules my_alarms.toml
"""


@click.command(epilog=EXAMPLES)
@city_argument
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--speed", type=float, default=1.0, show_default=True, help="Seconds that pass in one; 0 for all at once."
)
@click.option(
    "--rules",
    type=click.Path(path_type=Path),
    help="Rules of alarms instead of live/alarms.toml of the city.",
)
@json_option
def command(city: Path, file: Path, speed: float, rules: Path | None, as_json: bool) -> int:
    """Feed the observations of FILE (JSON lines) into CITY by the clock of the scene, and judge them."""
    from twin.core.notices import Notices
    from twin.live.replay import replay

    notices = Notices()
    try:
        done = replay(city, file, speed=speed, rules=rules, notices=notices)
    finally:
        tell_notices(notices)
    answer: dict[str, Any] = done.counts.as_json()
    if done.n_alarm_events is not None:
        answer["alarm_events"] = done.n_alarm_events
    tell_json({**answer, **({"notices": notices.as_json()} if as_json else {})})
    return 0
