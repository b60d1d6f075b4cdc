"""``twin live import``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import progress, tell_json, tell_notices
from twin.cli.live_options import no_alarms_option, notes_option, rules_option
from twin.core.errors import UsageError

if TYPE_CHECKING:
    from twin.core.notices import Notices
    from twin.live.importing import Imported

EXAMPLES = """\b
Examples:
  twin live import town.twin things.json storm.jsonl
  twin live import town.twin --sensorthings https://frost.example.org/v1.1 --since 2026-07-01T00:00Z
  twin live import sensors.twin things.json --crs EPSG:5187+5193
  twin live import town.twin 측정소.csv --encoding cp949 --crs EPSG:5181 --column x=X좌표 --column y=Y좌표
  twin live import town.twin readings.csv --zone Asia/Seoul --column datastream=sensor
  twin live import town.twin bikes.geojson --value available_bikes --time 2026-07-01T08:00+02:00
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--sensorthings", "server", help="Address of a SensorThings 1.1 server, instead of files.")
@click.option(
    "--since", help="Only its observations from then on; from the newest that is kept if not given."
)
@click.option("--crs", help="CRS of a new city, and of stations whose file names none.")
@click.option("--column", "columns", multiple=True, help="ROLE=COLUMN: which column of a table is what.")
@click.option(
    "--value", "values", multiple=True, help="COLUMN or COLUMN=UNIT of a list of stations with results."
)
@click.option("--time", help="When those results were true, such as 2026-07-01T08:00+02:00.")
@click.option("--datastream", default="", help="Datastream of observations that name none.")
@click.option("--encoding", help="Encoding of the text, such as cp949.")
@click.option("--zone", help="Zone of times in tables that name none, such as Asia/Seoul.")
@rules_option
@no_alarms_option
@notes_option
def command(
    city: Path,
    files: tuple[Path, ...],
    server: str | None,
    since: str | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Take FILES (things, stations, observations) into CITY, or into a new folder of observations only."""
    from twin.core.notices import Notices

    if (server is not None) == bool(files):
        raise UsageError("FILES", "one source is needed", "give files, or --sensorthings URL")
    notices = Notices()
    try:
        if server is not None:
            done = _from_server(city, server, since, given, notices)
        else:
            done = _from_files(city, files, given, notices)
    finally:
        tell_notices(notices)
    tell_json({**done.as_json(), **({"notices": notices.as_json()} if as_json else {})})
    return 0


def _from_files(city: Path, files: tuple[Path, ...], given: dict[str, Any], notices: Notices) -> Imported:
    from twin.live.import_plans import ImportOptions
    from twin.live.importing import import_files
    from twin.live.roles import parse_columns

    options = ImportOptions(**{**given, "columns": parse_columns(given["columns"])})
    with progress() as listener:
        return import_files(city, files, options, notices=notices, progress=listener)


def _from_server(
    city: Path, url: str, since: str | None, given: dict[str, Any], notices: Notices
) -> Imported:
    from twin.live.moments import parse_utc
    from twin.live.sensorthings import import_sensorthings

    since_us = parse_utc(since, where="--since") if since else None
    return import_sensorthings(
        city,
        url,
        since_us=since_us,
        crs=given["crs"],
        alarms=given["alarms"],
        alarm_rules=given["alarm_rules"],
        notices=notices,
    )
