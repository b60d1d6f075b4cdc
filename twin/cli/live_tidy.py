"""``twin live tidy``."""

from __future__ import annotations

from pathlib import Path

import click

from twin.cli.console import json_option, tell, tell_json, tell_notices
from twin.core.errors import InputNotFoundError

EXAMPLES = """\b
Examples:
  twin live tidy town.twin
  twin live tidy town.twin --rules retention.toml --json
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@click.option(
    "--rules", type=click.Path(path_type=Path), help="live/retention.toml of the city if not given."
)
@json_option
def command(city: Path, rules: Path | None, as_json: bool) -> int:
    """Remove and thin old observations of CITY by rules; what they leave takes less room."""
    from twin.core.notices import Notices
    from twin.live.retention import FILE, read_retention, tidy
    from twin.live.schema import FOLDER
    from twin.live.store import open_store
    from twin.live.times import now_us

    with open_store(city):
        pass  # a city without observations is told before a lock makes a folder
    path = rules or city / FOLDER / FILE
    if rules is None and not path.exists():
        raise InputNotFoundError(
            path, "the city has no rules of retention", "write them, or give --rules FILE"
        )
    chosen = read_retention(path)
    notices = Notices()
    try:
        with open_store(city, write=True, notices=notices) as store:
            done = tidy(store, chosen, now_us=now_us())
            store.compact()
    finally:
        tell_notices(notices)
    if as_json:
        tell_json({"removed": done.removed, "thinned": done.thinned})
    else:
        tell(f"{done.removed:,} observations were too old, {done.thinned:,} gave way to one of their window")
    return 0
