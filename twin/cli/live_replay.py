"""``twin live replay``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import tell_json, tell_notices
from twin.cli.live_options import city_argument, notes_option
from twin.cli.signals import ends_gently, received

if TYPE_CHECKING:
    from twin.core.notices import Notices

EXAMPLES = """\b
Examples:
  twin live replay town.twin storm.jsonl --speed 60
  twin live replay town.twin storm.jsonl --speed 0 --rules my_alarms.toml
  twin live replay town.twin storm.jsonl --speed 60 --mqtt mqtt://localhost:1883
"""


@click.command(epilog=EXAMPLES)
@city_argument
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--speed", type=float, default=1.0, show_default=True, help="Seconds that pass in one; 0 for all at once."
)
@click.option(
    "--rules",
    type=click.Path(path_type=Path),
    help="Rules of alarms instead of live/alarms.toml of the city.",
)
@click.option("--mqtt", "url", help="Publish to this broker, mqtt://HOST:PORT, instead of keeping in CITY.")
@click.option(
    "--credentials",
    type=click.Path(path_type=Path),
    help="TOML with username and password; TWIN_MQTT_USERNAME and TWIN_MQTT_PASSWORD if not given.",
)
@click.option("--ca", type=click.Path(path_type=Path), help="Certificate of the broker's authority (PEM).")
@notes_option
def command(city: Path, file: Path, url: str | None, as_json: bool, **given: Any) -> int:
    """Feed the observations of FILE (JSON lines) into CITY by the clock of the scene, and judge them."""
    from twin.core.notices import Notices

    notices = Notices()
    try:
        with ends_gently() as until:
            given["until"] = until
            answer = (
                _published(city, file, url, given, notices) if url else _replayed(city, file, given, notices)
            )
    finally:
        tell_notices(notices)
    tell_json({**answer, **({"notices": notices.as_json()} if as_json else {})})
    stop = received()
    return stop.exit_code if stop else 0


def _published(city: Path, file: Path, url: str, given: dict[str, Any], notices: Notices) -> dict[str, Any]:
    from twin.cli.live_mqtt_options import subscription
    from twin.core.errors import UsageError
    from twin.live.publish import publish

    if given["rules"]:
        raise UsageError("--rules", "judges what is kept; --mqtt keeps nothing", "give one of them")
    wanted = subscription(url, ("v1.1/#",), 1, credentials=given["credentials"], ca=given["ca"])
    done = publish(city, file, wanted, speed=given["speed"], until=given["until"], notices=notices)
    return done.as_json()


def _replayed(city: Path, file: Path, given: dict[str, Any], notices: Notices) -> dict[str, Any]:
    from twin.live.replay import replay

    done = replay(
        city, file, speed=given["speed"], rules=given["rules"], until=given["until"], notices=notices
    )
    answer: dict[str, Any] = done.counts.as_json()
    if done.n_alarm_events is not None:
        answer["alarm_events"] = done.n_alarm_events
    return answer
