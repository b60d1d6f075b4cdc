"""``twin export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import force_option, json_option, tell, tell_json, tell_notices
from twin.core.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

EXAMPLES = """\b
Examples:
  twin export town.twin town.city.json
  twin export town.twin town.gpkg
  twin export town.twin town.glb --force
  twin export town.twin town.html --flood typhoon --lang ko
  twin export town.twin table.usdz --size-m 0.6
  twin export town.twin plate.3mf --print --scale 1:2000 --around 192400,280900,150
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--title", help="Title of a page; the city's name if not given.")
@click.option(
    "--lang", "--language", "language", default="en", help="Language a page opens in: en, ko or fi."
)
@click.option("--theme", default="light", help="Colours of a page: light, dark, or auto.")
@click.option("--flood", help="Flood of the city that a page shows over time; its only one if not given.")
@click.option(
    "--layer", "layers", multiple=True, help="Show only these layers in a page, such as live:pm2_5."
)
@click.option("--from", "start", help="First moment of a page, ISO 8601.")
@click.option("--to", "end", help="Last moment of a page.")
@click.option("--scale", help="Size of a model, such as 1:500; true size if not given.")
@click.option("--size-m", type=float, help="Longest side of a model, metres, instead of --scale.")
@click.option("--around", help="X,Y,R: only what stands within R metres of a place.")
@click.option("--print", "for_print", is_flag=True, help="One closed body on a base plate, for a 3D printer.")
@force_option
@json_option
def command(city: Path, out: Path, force: bool, as_json: bool, **given: Any) -> int:
    """Write CITY as OUT, chosen by its suffix.

    .city.json .city.jsonl .gpkg hold the model with its attributes; .html is a page to look around in that works
    without a network; .glb .usdz .obj .ply .stl .3mf are 3D models.
    """
    from twin.city.export_options import require_taken
    from twin.city.model import exporter_for, open_city, suffix_of
    from twin.core.notices import Notices

    exporter_for(out)  # an unknown suffix is told before anything is read
    options = export_options(**given)
    require_taken(options, suffix_of(out))
    notices = Notices()
    written = open_city(city).export(out, force=force, options=options, notices=notices)
    size = written.stat().st_size
    if as_json:
        tell_json({"output": str(written), "bytes": size})
    else:
        tell(f"{written} ({size / 1e6:.1f} MB)")
    tell_notices(notices)
    return 0


def export_options(
    *, start: str | None, end: str | None, scale: str | None, around: str | None, **plain: Any
) -> Any:
    """The options of the command line as `twin.city.export_options.ExportOptions`.

    Raises
    ------
    UsageError
        If one cannot be read.
    """
    from twin.city.export_options import ExportOptions

    return ExportOptions(
        start=_moment("--from", start),
        end=_moment("--to", end),
        scale=parse_scale(scale) if scale is not None else None,
        around=_place(around) if around is not None else None,
        **plain,
    )


def _moment(option: str, text: str | None) -> datetime | None:
    from twin.energy.sun import parse_time

    if text is None:
        return None
    try:
        return parse_time(text)
    except UsageError as error:
        raise UsageError(option, f"{text!r} is no moment", "write it as 2026-07-01T14:00+09:00") from error


def parse_scale(text: str) -> float:
    """How many times smaller: ``1:500`` or ``500``.

    Raises
    ------
    UsageError
        If it is no scale.

    Examples
    --------
    >>> parse_scale("1:500"), parse_scale("1000")
    (500.0, 1000.0)
    """
    first, colon, second = text.partition(":")
    try:
        one, many = (float(first), float(second)) if colon else (1.0, float(first))
        if not many / one > 0:
            raise ValueError(text)
        return many / one
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError("--scale", f"{text!r} is no scale", "write it as 1:500") from error


def _place(text: str) -> tuple[float, float, float]:
    try:
        x, y, radius = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError("--around", f"{text!r} is no place", "write it as X,Y,R in metres") from error
    return x, y, radius
