"""``twin export``."""

from __future__ import annotations

from pathlib import Path

import click

from twin.cli.console import force_option, json_option, tell, tell_json

EXAMPLES = """\b
Examples:
  twin export town.twin town.city.json
  twin export town.twin town.gpkg
  twin export town.twin town.glb --force
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@force_option
@json_option
def command(city: Path, out: Path, force: bool, as_json: bool) -> int:
    """Write CITY as OUT: .city.json .city.jsonl .gpkg .glb .obj .stl .ply, chosen by its suffix."""
    from twin.city.model import exporter_for, open_city

    exporter_for(out)  # an unknown suffix is told before anything is read
    written = open_city(city).export(out, force=force)
    size = written.stat().st_size
    if as_json:
        tell_json({"output": str(written), "bytes": size})
    else:
        tell(f"{written} ({size / 1e6:.1f} MB)")
    return 0
