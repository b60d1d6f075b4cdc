"""``twin live serve``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from twin.cli.console import tell
from twin.cli.live_options import city_argument

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = """\b
Examples:
  twin live serve town.twin --port 8080
  twin live serve town.twin --port 0 --seconds 60
\b
Then, from this machine:
  http://127.0.0.1:8080/v1.1/Things?$expand=Locations,Datastreams($expand=ObservedProperty)
  http://127.0.0.1:8080/v1.1/Datastreams('river-1:water_level')/Observations?$orderby=phenomenonTime desc&$top=10
  .../Observations?$filter=phenomenonTime ge 2026-08-28T03:00:00Z and result gt 2.5&$count=true
"""


@click.command(epilog=EXAMPLES)
@city_argument
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes any that is free."
)
@click.option("--seconds", type=click.FloatRange(0.0), help="End after so long; on Ctrl-C if not given.")
def command(city: Path, port: int, seconds: float | None) -> int:
    """Offer the observations of CITY as a read-only OGC SensorThings 1.1 service to programs on this machine."""
    import sys
    import time

    from twin.live.sta_answers import VERSION
    from twin.live.sta_server import serve_city

    with serve_city(city, port=port) as server:
        tell(f"{server.root}/{VERSION}")
        sys.stdout.flush()
        until = time.monotonic() + seconds if seconds is not None else float("inf")
        while time.monotonic() < until:
            time.sleep(min(0.5, max(0.0, until - time.monotonic())))
    return 0
