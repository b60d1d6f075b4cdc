"""``twin view``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from twin.core.errors import UsageError

EXAMPLES = """\b
Examples:
  twin view town.twin
  twin view town.twin --workspace plan.workspace.json
  twin view town.twin --mqtt mqtt://localhost:1883
  twin view --language fi
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", required=False, type=click.Path(path_type=Path))
@click.option("--workspace", type=click.Path(path_type=Path), help="Go on from this workspace file.")
@click.option("--mqtt", "url", help="Listen to this broker while the window is open: mqtt://HOST:PORT.")
@click.option("--topic", "topics", multiple=True, help="Filter of the broker's messages.  [default: v1.1/#]")
@click.option(
    "--credentials", type=click.Path(path_type=Path), help="TOML with username and password of the broker."
)
@click.option("--ca", type=click.Path(path_type=Path), help="Certificate of the broker's authority (PEM).")
@click.option(
    "--map", "mapping", type=click.Path(path_type=Path), help="Rules for messages that are no SensorThings."
)
@click.option("--language", help="en, ko or fi; as last time, or the system's, if not given.")
def command(city: Path | None, workspace: Path | None, language: str | None, **given: Any) -> int:
    """Open the desktop window on CITY, or on its start page: look around, ask, measure, plan."""
    from twin.viewer.launch import view

    broker = _broker(**given)
    if broker is not None and city is None and workspace is None:
        raise UsageError("--mqtt", "needs a city to keep observations in", "name CITY or --workspace")
    return view(city, workspace=workspace, language=language, broker=broker)


def _broker(url: str | None, topics: tuple[str, ...], **files: Path | None) -> Any:
    """What the window listens to; None without a broker.

    Raises
    ------
    UsageError
        If the address can be none, or something is asked of a broker that is not named.
    """
    from twin.live.mqtt_address import parse_broker

    if url is None:
        if topics or any(files.values()):
            raise UsageError("--mqtt", "is missing", "name the broker that the other options are for")
        return None
    parse_broker(url)
    from twin.viewer.needs import require_desktop

    require_desktop()
    from twin.viewer.feed import Broker

    return Broker(url, topics, **files)
