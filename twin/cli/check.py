"""``twin check``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from twin.cli.console import json_option, tell, tell_json, tell_notices
from twin.core.errors import EXIT_INVALID_BUILDINGS, EXIT_OK

EXAMPLES = """\b
Examples:
  twin check town.twin
  twin check lod2.city.json --json
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", metavar="CITY|FILE", type=click.Path(path_type=Path))
@json_option
def command(city: Path, as_json: bool) -> int:
    """Validity and quality of every building of a city or a CityJSON file; exit code 1 where one is invalid."""
    from twin.city.check import check
    from twin.core.notices import Notices

    notices = Notices()
    report = check(city, notices=notices)
    tell_notices(notices)
    if as_json:
        tell_json(report)
    else:
        for line in _lines(report):
            tell(line)
    return EXIT_INVALID_BUILDINGS if report["invalid"] or report["damaged"] else EXIT_OK


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
