"""``twin live ingest``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from twin.cli.console import json_option, progress, tell_json, tell_notices
from twin.cli.live_mqtt_options import mqtt_options, subscription, tell_connection
from twin.core.errors import UsageError

EXAMPLES = """\b
Examples:
  twin live ingest town.twin --mqtt mqtt://localhost:1883 --topic 'v1.1/#'
  twin live ingest town.twin --mqtt mqtts://mqtt.hsl.fi:8883 --topic '/hfp/v2/journey/ongoing/vp/tram/#' --seconds 60
  twin live ingest town.twin --mqtt mqtt://localhost --topic 'city/#' --map map.toml
  twin live ingest town.twin storm.jsonl
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--mqtt", "url", help="mqtt://HOST:PORT or mqtts://HOST:PORT.")
@click.option("--seconds", type=click.FloatRange(min=0), help="How long; until Ctrl-C if not given.")
@click.option(
    "--map", "mapping", type=click.Path(path_type=Path), help="Rules for messages that are no SensorThings."
)
@click.option("--crs", help="CRS of a new city.")
@mqtt_options
@json_option
def command(
    city: Path, files: tuple[Path, ...], url: str | None, mapping: Path | None, as_json: bool, **given: Any
) -> int:
    """Keep in CITY what a broker sends (or the observations of FILES), until it is ended."""
    from twin.core.notices import Notices

    if (url is not None) + bool(files) != 1:
        raise UsageError("--mqtt", "one source is needed", "give --mqtt URL or files")
    notices = Notices()
    try:
        counts = (
            _files(city, files, given, notices) if url is None else _mqtt(city, url, mapping, given, notices)
        )
    finally:
        tell_notices(notices)
    tell_json({**counts, **({"notices": notices.as_json()} if as_json else {})})
    return 0


def _files(city: Path, files: tuple[Path, ...], given: dict[str, Any], notices: Any) -> dict[str, Any]:
    from twin.live.importing import ImportOptions, import_files

    with progress() as listener:
        done = import_files(city, files, ImportOptions(crs=given["crs"]), notices=notices, progress=listener)
    return done.counts.as_json()


def _mqtt(city: Path, url: str, mapping: Path | None, given: dict[str, Any], notices: Any) -> dict[str, Any]:
    from twin.live.ingest import Ended, ingest_mqtt
    from twin.live.mapping import read_mapping
    from twin.live.mqtt import client_id_of

    wanted = subscription(
        url,
        given["topics"],
        given["qos"],
        credentials=given["credentials"],
        ca=given["ca"],
        client_id=client_id_of(city),
    )
    rules = read_mapping(mapping, notices=notices) if mapping is not None else ()
    ended = Ended()
    try:
        ingest_mqtt(
            city,
            wanted,
            seconds=given["seconds"],
            rules=rules,
            crs=given["crs"],
            on_change=tell_connection,
            ended=ended,
            notices=notices,
        )
    except BaseException:  # Ctrl-C is the usual end: what was kept is told all the same
        if ended.counts.received:
            tell_json(ended.as_json())
        raise
    return ended.as_json()
