"""``twin live alarms``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import json_option, tell, tell_json
from twin.cli.live_options import city_argument
from twin.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from twin.live.alarm_log import Alarm

EXAMPLES = """\b
Examples:
  twin live alarms town.twin
  twin live alarms town.twin --time 2026-08-28T15:00:00+09:00 --json
  twin live alarms town.twin --ack river-high@river-1:water_level
  twin live alarms town.twin --shelve river-high@river-1:water_level --until 2026-08-29T00:00:00Z
"""


@click.command(epilog=EXAMPLES)
@city_argument
@click.option("--time", help="Moment, ISO 8601 with its offset.  [default: the end of the log]")
@click.option("--ack", metavar="ID", help="Note that an alarm was seen.")
@click.option("--shelve", metavar="ID", help="Put an alarm aside, with --until.")
@click.option("--until", help="Moment, ISO 8601 with its offset.")
@click.option("--all", "show_all", is_flag=True, help="Those that have recovered too.")
@json_option
def command(city: Path, as_json: bool, **given: Any) -> int:
    """Alarms of CITY that ask for attention, and who has seen them."""
    from twin.city.folder import open_manifest
    from twin.live.alarm_log import acknowledge, alarms, shelve
    from twin.live.moments import iso_utc, parse_utc
    from twin.live.times import now_us

    open_manifest(city)
    if bool(given["shelve"]) != bool(given["until"]):
        raise UsageError("--shelve", "goes with --until", "give both")
    if given["ack"]:
        acknowledge(city, given["ack"], at=iso_utc(now_us()))
    if given["shelve"]:
        until = iso_utc(parse_utc(given["until"], where="--until"))
        shelve(city, given["shelve"], until=until, at=iso_utc(now_us()))
    at = parse_utc(given["time"], where="--time") if given["time"] else None
    found = [a for a in alarms(city, at_us=at) if a.is_active or given["show_all"]]
    if as_json:
        tell_json([alarm.as_json() for alarm in found])
        return 0
    for alarm in found:
        tell(_line(alarm))
    if not found:
        tell("no alarms")
    return 0


def _line(alarm: Alarm) -> str:
    from twin.core.visible_text import visible_text

    value = "-" if alarm.value is None else f"{alarm.value:g} {alarm.unit}"
    marks = [
        m
        for m, is_so in (
            ("seen", alarm.is_acknowledged),
            (f"shelved until {alarm.shelved_until}", alarm.shelved_until),
        )
        if is_so
    ]
    text = f"{alarm.severity:8} {alarm.state:9} {visible_text(alarm.id, max_chars=60)}"
    told = f"{text}: {visible_text(alarm.thing, max_chars=60)}, {visible_text(value)}, since {alarm.since}"
    return told + (f" ({', '.join(marks)})" if marks else "")
