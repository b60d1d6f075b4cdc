"""``twin check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import json_option, tell, tell_json, tell_notices
from twin.core.errors import EXIT_INVALID_BUILDINGS, EXIT_OK

if TYPE_CHECKING:
    from twin.demo.comparison import Comparison

EXAMPLES = """\b
Examples:
  twin check town.twin
  twin check lod2.city.json --json
  twin check district/district.twin --truth district/truth
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", metavar="CITY|FILE", type=click.Path(path_type=Path))
@click.option(
    "--truth",
    type=click.Path(path_type=Path),
    default=None,
    metavar="DIR",
    help="Compare a demo district, or a model of it, with what it really is: its truth folder.",
)
@json_option
def command(city: Path, truth: Path | None, as_json: bool) -> int:
    """Validity and quality of every building of a city or a CityJSON file; exit code 1 where one is invalid."""
    from twin.city.check import check
    from twin.core.notices import Notices

    notices = Notices()
    report = check(city, notices=notices)
    found = None if truth is None else _compare(city, truth)
    tell_notices(notices)
    if as_json:
        tell_json(report if found is None else {**report, "truth": found.as_json()})
    else:
        for line in [*_lines(report), *([] if found is None else ["", *found.lines()])]:
            tell(line)
    return EXIT_INVALID_BUILDINGS if report["invalid"] or report["damaged"] else EXIT_OK


def _compare(city: Path, truth: Path) -> Comparison:
    from twin.demo.comparison import compare

    return compare(city, truth)


def _lines(report: dict[str, Any]) -> list[str]:
    lines = [f"{report['path']}: {report['buildings']} buildings, {report['solids']} solids"]
    for lod, figures in report["lods"].items():
        quality = "".join(f", {k} {v:.3f} m" for k, v in figures["quality"].items())
        lines.append(f"  LoD {lod}: {figures['valid']} of {figures['solids']} solids valid{quality}")
    lines += [f"  {n} {state}" for state, n in report["states"].items()]
    for item in report["invalid"][:20]:
        lines.append(f"  invalid: {item['id']} LoD {item['lod']} codes {', '.join(map(str, item['codes']))}")
    if len(report["invalid"]) > 20:
        lines.append(f"  ... and {len(report['invalid']) - 20} more (--json lists all)")
    lines += [f"  damaged: {path} {wrong}" for path, wrong in report["damaged"].items()]
    return lines
