"""``twin live sniff``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from twin.cli.console import force_option, tell
from twin.cli.live_mqtt_options import mqtt_options, subscription, tell_connection

EXAMPLES = """\b
Examples:
  twin live sniff --mqtt mqtt://localhost:1883 --topic 'city/#' --seconds 30 -o map.toml
  twin live sniff --mqtt mqtts://broker.example.org --credentials broker.toml --topic '#'
"""


@click.command(epilog=EXAMPLES)
@click.option("--mqtt", "url", required=True, help="mqtt://HOST:PORT or mqtts://HOST:PORT.")
@click.option("--seconds", type=float, default=30.0, show_default=True, help="How long.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The mapping file; shown if not given.")
@mqtt_options
@force_option
def command(url: str, seconds: float, output: Path | None, force: bool, **given: Any) -> int:
    """Listen to a broker for a while and draft a mapping file of what it sends; nothing is stored."""
    from twin.core.errors import OutputExistsError
    from twin.core.files import write_text
    from twin.live.listening import listen

    if output is not None and output.exists() and not force:
        raise OutputExistsError(output, "exists already and was kept", "pass --force to replace it")
    wanted = subscription(url, given.pop("topics"), given.pop("qos"), **given)
    heard = listen(wanted, seconds=seconds, on_change=tell_connection)
    if output is None:
        tell(heard.draft().rstrip("\n"))
    else:
        write_text(output, heard.draft(), force=force)
        tell(f"{output}: {heard.n_messages} messages, {len(heard.groups)} shapes")
    return 0
