"""``twin live ingest``."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import progress, tell_json, tell_notices
from twin.cli.live_mqtt_options import mqtt_options, subscription, tell_connection
from twin.cli.live_options import no_alarms_option, notes_option, rules_option
from twin.cli.signals import end_with_input, ends_gently, received
from twin.core.errors import TwinError, UsageError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from twin.core.notices import Notices
    from twin.live.ingest import Ended

EXAMPLES = """\b
Examples:
  twin live ingest town.twin --mqtt mqtt://localhost:1883 --topic 'v1.1/#'
  twin live ingest town.twin --mqtt mqtts://mqtt.hsl.fi:8883 --topic '/hfp/v2/journey/ongoing/vp/tram/#' --seconds 60
  twin live ingest town.twin --mqtt mqtt://localhost --topic 'city/#' --map map.toml
  twin live ingest town.twin --ngsi-ld https://hub.example.org --type AirQualityObserved
  twin live ingest town.twin storm.jsonl
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--mqtt", "url", help="mqtt://HOST:PORT or mqtts://HOST:PORT.")
@click.option("--ngsi-ld", "ngsi", help="Address of an NGSI-LD server, or of its entities.")
@click.option("--type", "kind", help="Type of the entities, such as AirQualityObserved.")
@click.option(
    "--every", type=click.FloatRange(min=1), default=60.0, show_default=True, help="Seconds between rounds."
)
@click.option(
    "--seconds", type=click.FloatRange(min=0), help="How long; until Ctrl-C, or one round, if not given."
)
@click.option(
    "--map", "mapping", type=click.Path(path_type=Path), help="Rules for messages that are no SensorThings."
)
@click.option("--crs", help="CRS of a new city.")
@click.option(
    "--attached", is_flag=True, help="End when standard input ends: with the program that started this one."
)
@mqtt_options
@rules_option
@no_alarms_option
@notes_option
def command(
    city: Path,
    files: tuple[Path, ...],
    url: str | None,
    ngsi: str | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Keep in CITY what a broker or an NGSI-LD server gives (or the observations of FILES), until it is ended."""
    from twin.core.notices import Notices
    from twin.live.ingest import Ended
    from twin.live.mqtt import unreached
    from twin.live.mqtt_address import parse_broker

    if (url is not None) + (ngsi is not None) + bool(files) != 1:
        raise UsageError("--mqtt", "one source is needed", "give --mqtt URL, --ngsi-ld URL or files")
    notices = Notices()
    ended = Ended()
    try:
        told = (
            _files(city, files, given, notices) if files else _told(city, (url, ngsi), given, ended, notices)
        )
    finally:
        tell_notices(notices)
    tell_json({**told, **({"notices": notices.as_json()} if as_json else {})})
    if stop := received():
        return stop.exit_code
    if url is not None and not ended.n_connects and given["seconds"] is not None:
        raise unreached(parse_broker(url), ended.reason, given["seconds"])
    return 0


def _files(city: Path, files: tuple[Path, ...], given: dict[str, Any], notices: Notices) -> dict[str, Any]:
    from twin.live.import_plans import ImportOptions
    from twin.live.importing import import_files

    with progress() as listener:
        options = ImportOptions(crs=given["crs"], alarms=given["alarms"], alarm_rules=given["alarm_rules"])
        done = import_files(city, files, options, notices=notices, progress=listener)
    return done.as_json()


def _told(
    city: Path, source: tuple[str | None, str | None], given: dict[str, Any], ended: Ended, notices: Notices
) -> dict[str, Any]:
    """What became of a live source; Ctrl-C is its usual end, after which what has come is kept and told.

    Where it fails midway, such as on a full disk, what became of the observations until then is told as well.
    """
    from twin.live.ingest import ingest_ngsi

    url, ngsi = source
    with _told_also_on_failure(ended), ends_gently() as until:
        if given["attached"]:
            end_with_input(until)
        if url is not None:
            _mqtt(city, url, given, ended=ended, until=until, notices=notices)
        elif ngsi is not None:
            ingest_ngsi(
                city,
                ngsi,
                kind=given["kind"],
                seconds=given["seconds"],
                every_s=given["every"],
                crs=given["crs"],
                alarms=given["alarms"],
                alarm_rules=given["alarm_rules"],
                until=until,
                ended=ended,
                notices=notices,
            )
    return ended.as_json()


@contextmanager
def _told_also_on_failure(ended: Ended) -> Iterator[None]:
    try:
        yield
    except TwinError:
        if ended.counts.received:
            tell_json(ended.as_json())
        raise


def _mqtt(
    city: Path, url: str, given: dict[str, Any], *, ended: Ended, until: threading.Event, notices: Notices
) -> None:
    from twin.live.ingest import ingest_mqtt
    from twin.live.mapping import read_mapping
    from twin.live.mqtt import client_id_of

    mapping = given["mapping"]
    wanted = subscription(
        url,
        given["topics"],
        given["qos"],
        credentials=given["credentials"],
        ca=given["ca"],
        client_id=client_id_of(city),
    )
    ingest_mqtt(
        city,
        wanted,
        seconds=given["seconds"],
        rules=read_mapping(mapping, notices=notices) if mapping is not None else (),
        crs=given["crs"],
        alarms=given["alarms"],
        alarm_rules=given["alarm_rules"],
        on_change=tell_connection,
        until=until,
        ended=ended,
        notices=notices,
    )
