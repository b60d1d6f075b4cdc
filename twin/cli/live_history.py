"""``twin live history``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from twin.cli.console import force_option, json_option, tell, tell_json
from twin.cli.live_options import city_argument, result_text, zone_option

EXAMPLES = """\b
Examples:
  twin live history town.twin river-1:water_level --from 2026-08-28T03:00:00Z --to 2026-08-28T09:00:00Z
  twin live history town.twin river-1:water_level --zone Asia/Seoul -o level.csv
  twin live history town.twin air-1:pm2_5 -o pm.parquet
"""


@click.command(epilog=EXAMPLES)
@city_argument
@click.argument("datastream")
@click.option("--from", "start", help="First moment, ISO 8601 with its offset.")
@click.option("--to", "end", help="Last moment.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Write a .csv or .parquet file instead.")
@zone_option
@force_option
@json_option
def command(city: Path, datastream: str, out: Path | None, as_json: bool, **given: Any) -> int:
    """What DATASTREAM of CITY told over time."""
    from twin.core.visible_text import visible_text
    from twin.live.asked import history_rows, write_history
    from twin.live.moments import parse_utc, zone_of
    from twin.live.store import open_store

    start, end = (
        parse_utc(given[k], where=o) if given[k] else None for k, o in (("start", "--from"), ("end", "--to"))
    )
    zone = zone_of(given["zone"]) if given["zone"] else None
    with open_store(city) as store:
        history = store.history(datastream, start, end)
        stream = store.catalogue().datastream(datastream)
    if out is not None:
        write_history(history, stream, out, zone=zone, force=given["force"])
        if as_json:
            tell_json({"out": str(out), "rows": len(history)})
        else:
            tell(f"{out}: {len(history):,} observations of {visible_text(datastream)}")
        return 0
    rows = history_rows(history, stream, zone=zone)
    if as_json:
        tell_json(rows)
        return 0
    for row in rows:
        value = f"{result_text(row['result']):>16} {visible_text(row['unit'], max_chars=12)}"
        tell(f"{row['phenomenon_time']:>26} {value} {row['quality']}")
    return 0
