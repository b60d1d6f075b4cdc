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


MOST_NAMES = 4


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


def _buildings(facts: dict[str, Any]) -> str:
    states = ", ".join(f"{n} {s}" for s, n in facts["states"].items())
    return f"{facts['buildings']} ({states})" if states else "none"


def _lines(facts: dict[str, Any]) -> list[str]:
    x0, y0, z0, x1, y1, z1 = facts["bounds"]
    lines = [
        f"{facts['name']}  ({facts['crs']})",
        f"  extent     {x1 - x0:.0f} x {y1 - y0:.0f} m, elevation {z0:.1f} to {z1:.1f} m",
        f"  buildings  {_buildings(facts)}",
    ]
    if facts["height_m"]:
        low, middle, high = (facts["height_m"][k] for k in ("min", "median", "max"))
        lines.append(f"  heights    {low:.1f} to {high:.1f} m, median {middle:.1f} m")
    lines += _quality_lines(facts["quality"])
    points = facts["unexplained"]
    if points.get("building_points"):
        share = points["outside_footprints"] / points["building_points"]
        lines.append(
            f"  unexplained {points['outside_footprints']} of {points['building_points']} building points"
            f" ({share:.0%}) lie outside every footprint"
        )
    for name, layer in facts["layers"].items():
        counts = ", ".join(f"{v:g} {k}" for k, v in layer["counts"].items())
        sources = _names([s["name"] for s in layer["inputs"]]) or "made here"
        contents = counts or str(layer["files"]) + " file(s)"
        lines.append(f"  {name:<10} {layer['kind']}; {contents}; from {sources}")
    lines += [f"  note: {n['messages'][0]}{_more(n)}" for n in facts["notices"]]
    return lines


def _names(names: list[str]) -> str:
    """The first of many, and how many more there are."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES + 1 else ""
    return ", ".join(names[:MOST_NAMES] if more else names) + more


def _quality_lines(quality: dict[str, Any]) -> list[str]:
    """Errors of the roofs, median and 90th percentile over the buildings."""
    lines = [
        f"  LoD {lod}    RMSE {s['median']:.3f} m, 90 % of the buildings under {s['p90']:.3f} m"
        for lod, s in quality.get("rmse_m", {}).items()
        if s["buildings"]
    ]
    held = quality.get("rmse_holdout_m", {"buildings": 0})
    if held["buildings"]:
        lines.append(
            f"  held out   RMSE {held['median']:.3f} m, 90 % under {held['p90']:.3f} m"
            f" ({quality['holdout_share']:.0%} of the buildings have one)"
        )
    return lines


def _more(notice: dict[str, Any]) -> str:
    return f" (and {notice['count'] - 1} more like it)" if notice["count"] > 1 else ""
