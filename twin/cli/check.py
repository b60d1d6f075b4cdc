"""``twin check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import json_option, tell, tell_json, tell_notices
from twin.core.errors import EXIT_INVALID_BUILDINGS, EXIT_OK, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twin.core.notices import Notices
    from twin.demo.comparison import Comparison

EXAMPLES = """\b
Examples:
  twin check town.twin
  twin check town.twin --id 0503100000012345
  twin check lod2.city.json --json
  twin check lod2.city.json --val3dity /usr/local/bin/val3dity
  twin check district/district.twin --truth district/truth
"""

MOST_LINES = 20


@click.command(epilog=EXAMPLES)
@click.argument("city", metavar="CITY|FILE", type=click.Path(path_type=Path))
@click.option("--id", "id_", default=None, metavar="ID", help="Only this building, and everything about it.")
@click.option(
    "--val3dity",
    default=None,
    metavar="PATH",
    help="Also ask your val3dity program, and show where the two differ.",
)
@click.option(
    "--truth",
    type=click.Path(path_type=Path),
    default=None,
    metavar="DIR",
    help="Compare a demo district, or a model of it, with what it really is: its truth folder.",
)
@json_option
def command(city: Path, id_: str | None, val3dity: str | None, truth: Path | None, as_json: bool) -> int:
    """Validity and quality of every building of a city or a CityJSON file; exit code 1 where one is invalid."""
    from twin.core.notices import Notices

    notices = Notices()
    if id_ is not None:
        if val3dity is not None or truth is not None:
            raise UsageError("--id", "tells of one building alone", "leave out --val3dity and --truth")
        return _one(city, id_, notices, as_json=as_json)
    from twin.city.check import check

    report = check(city, notices=notices, val3dity=val3dity)
    found = None if truth is None else _compare(city, truth)
    tell_notices(notices)
    if as_json:
        tell_json(report if found is None else {**report, "truth": found.as_json()})
    else:
        for line in [*_lines(report), *([] if found is None else ["", *found.lines()])]:
            tell(line)
    second = report.get("val3dity", {})
    wrong = (report["invalid"], report["damaged"], second.get("invalid"), second.get("file_codes"))
    return EXIT_INVALID_BUILDINGS if any(wrong) else EXIT_OK


def _one(city: Path, id_: str, notices: Notices, *, as_json: bool) -> int:
    from twin.city.check_building import check_building
    from twin.cli.check_lines import building_lines

    report = check_building(city, id_, notices=notices)
    tell_notices(notices)
    if as_json:
        tell_json(report)
    else:
        for line in building_lines(report):
            tell(line)
    return EXIT_INVALID_BUILDINGS if any(any(lod["codes"]) for lod in report["lods"].values()) else EXIT_OK


def _compare(city: Path, truth: Path) -> Comparison:
    from twin.demo.comparison import compare

    return compare(city, truth)


def _lines(report: dict[str, Any]) -> Iterator[str]:
    from twin.cli.check_lines import quality_lines, val3dity_lines

    if not report["buildings"]:
        yield f"{report['path']}: holds no buildings, so there is nothing to check"
    else:
        yield f"{report['path']}: {report['buildings']} buildings, {report['solids']} solids"
    for lod, figures in report["lods"].items():
        yield f"  LoD {lod}: {figures['valid']} of {figures['solids']} solids valid"
    yield from (f"  {n} {state}" for state, n in report["states"].items())
    yield from quality_lines(report["quality"])
    for item in report["invalid"][:MOST_LINES]:
        yield f"  invalid: {item['id']} LoD {item['lod']} codes {', '.join(map(str, item['codes']))}"
    if len(report["invalid"]) > MOST_LINES:
        yield f"  ... and {len(report['invalid']) - MOST_LINES} more (--json lists all)"
    yield from (f"  damaged: {path} {wrong}" for path, wrong in report["damaged"].items())
    yield from val3dity_lines(report.get("val3dity"), most=MOST_LINES)
