"""``twin live latest``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from twin.cli.console import json_option, tell, tell_json
from twin.cli.live_options import city_argument, moment_of, result_text, time_option, zone_option

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = """\b
Examples:
  twin live latest town.twin
  twin live latest town.twin --time 2026-08-28T15:00:00+09:00 --zone Asia/Seoul
  twin live latest town.twin --time end --json
"""


@click.command(epilog=EXAMPLES)
@city_argument
@time_option
@zone_option
@json_option
def command(city: Path, time: str | None, zone: str | None, as_json: bool) -> int:
    """The latest result of every datastream of CITY, its age, and whether it is fresh."""
    from twin.core.visible_text import visible_text
    from twin.live.asked import latest_rows
    from twin.live.moments import zone_of
    from twin.live.store import open_store

    with open_store(city) as store:
        moment = moment_of(store, time)
        rows = latest_rows(store, moment, zone=zone_of(zone) if zone else None)
    if as_json:
        tell_json(rows)
        return 0
    for row in rows:
        value = f"{result_text(row['result'])} {visible_text(row['unit'], max_chars=12)}"
        age = "" if row["age_s"] is None else f"{row['age_s']:,.0f} s"
        ident = visible_text(row["datastream"], max_chars=40)
        tell(f"{row['state']:8} {ident:40} {value:>22} {row['phenomenon_time'] or '-':>26} {age:>12}")
    return 0
