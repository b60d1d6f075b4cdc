"""``twin live export``."""

from __future__ import annotations

from pathlib import Path

import click

from twin.cli.console import force_option, json_option, tell, tell_json

EXAMPLES = """\b
Examples:
  twin live export town.twin history.parquet
  twin live export town.twin storm.parquet --from 2026-08-28T03:00Z --to 2026-08-28T09:00Z
  twin live export town.twin river.parquet --datastream river-1:water_level
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--datastream", "datastreams", multiple=True, help="Only this one; more than once.")
@click.option("--from", "start", help="First moment, such as 2026-08-28T03:00Z.")
@click.option("--to", "end", help="Last moment.")
@force_option
@json_option
def command(
    city: Path, out: Path, *, datastreams: tuple[str, ...], start: str, end: str, force: bool, as_json: bool
) -> int:
    """Write the observations of CITY as OUT, a Parquet file for DuckDB, pandas and others."""
    from twin.live.archive import write_archive
    from twin.live.moments import parse_utc
    from twin.live.store import open_store

    first = parse_utc(start, where="--from") if start else None
    last = parse_utc(end, where="--to") if end else None
    with open_store(city) as store:
        n = write_archive(store, out, datastreams=datastreams or None, start=first, end=last, force=force)
    if as_json:
        tell_json({"out": str(out), "rows": n})
    else:
        tell(f"{out}: {n:,} observations")
    return 0
