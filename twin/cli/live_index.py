"""``twin live index``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from twin.cli.console import json_option, tell, tell_json
from twin.cli.live_options import city_argument, moment_of, time_option

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = """\b
Examples:
  twin live index town.twin --time 2026-08-28T12:00:00Z --language ko
  twin live index town.twin --bands who-2021 --time end --json
"""


@click.command(epilog=EXAMPLES)
@city_argument
@click.option("--bands", default="korea-cai", show_default=True, help="Table of bands, or a .toml file.")
@time_option
@click.option(
    "--language", type=click.Choice(["en", "ko", "fi"]), default="en", show_default=True, help="Of the bands."
)
@json_option
def command(city: Path, bands: str, time: str | None, language: str, as_json: bool) -> int:
    """What an index, or another table of bands, says of every station of CITY."""
    from twin.core.visible_text import visible_text
    from twin.live.bands import read_bands
    from twin.live.city_index import index_rows
    from twin.live.store import open_store

    table = read_bands(bands)
    with open_store(city) as store:
        rows = index_rows(store, table, at_us=moment_of(store, time), language=language)
    if as_json:
        tell_json(rows)
        return 0
    for row in rows:
        index = "" if row["index"] is None else f" {row['index']:.0f}"
        told = f"{row['label']}{index} ({row['main']})" if row["label"] else "cannot be told"
        missing = f", without {', '.join(row['missing'])}" if row["missing"] else ""
        if not row["label"] and not missing:
            missing = ", too few values for a mean"
        tell(f"{visible_text(row['name'] or row['thing'], max_chars=40):40} {told}{missing}")
    if not rows:
        tell(f"no station measures what {table.title} asks for")
    return 0
