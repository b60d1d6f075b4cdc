"""``twin info``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from twin.cli.console import json_option, tell, tell_json

EXAMPLES = """\b
Examples:
  twin info town.twin
  twin info town.twin --json
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@json_option
def command(city: Path, as_json: bool) -> int:
    """What CITY holds and where each part came from."""
    from twin.city.info import describe_city
    from twin.city.model import open_city

    facts = describe_city(open_city(city))
    if as_json:
        tell_json(facts)
    else:
        for line in _lines(facts):
            tell(line)
    return 0


def _lines(facts: dict[str, Any]) -> list[str]:
    x0, y0, z0, x1, y1, z1 = facts["bounds"]
    lines = [
        f"{facts['name']}  ({facts['crs']})",
        f"  extent     {x1 - x0:.0f} x {y1 - y0:.0f} m, elevation {z0:.1f} to {z1:.1f} m",
        f"  buildings  {facts['buildings']} ({', '.join(f'{n} {s}' for s, n in facts['states'].items())})",
    ]
    if facts["height_m"]:
        low, middle, high = (facts["height_m"][k] for k in ("min", "median", "max"))
        lines.append(f"  heights    {low:.1f} to {high:.1f} m, median {middle:.1f} m")
    for name, layer in facts["layers"].items():
        counts = ", ".join(f"{v:g} {k}" for k, v in layer["counts"].items())
        sources = ", ".join(s["name"] for s in layer["inputs"]) or "made here"
        contents = counts or str(layer["files"]) + " file(s)"
        lines.append(f"  {name:<10} {layer['kind']}; {contents}; from {sources}")
    lines += [f"  note: {n['messages'][0]}{_more(n)}" for n in facts["notices"]]
    return lines


def _more(notice: dict[str, Any]) -> str:
    return f" (and {notice['count'] - 1} more like it)" if notice["count"] > 1 else ""
