"""What the verbs of ``twin flood`` share: arguments, what is looked at before any work, and what is told at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import force_option, json_option, tell, tell_json
from twin.cli.flood_exposure import check_standards, exposure_options, tell_exposure
from twin.core.errors import UsageError

if TYPE_CHECKING:
    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.water.flood import Flood

city_argument = click.argument("city", type=click.Path(path_type=Path))
_name_option = click.option("--name", required=True, help="Name of the flood in the city.")


def making_options(verb: Any) -> Any:
    """Options of every verb that makes a flood, the last of its help."""
    for option in (json_option, force_option, _name_option, exposure_options):
        verb = option(verb)
    return verb


def open_for_flood(city: Path, name: str, given: dict[str, Any], *, force: bool) -> City:
    """The city, after what can be refused before any work: the flood's name and the standards.

    Raises
    ------
    TwinError
        One of its leaves.
    """
    from twin.city.model import open_city
    from twin.water.flood_store import check_name

    opened = open_city(city)
    check_name(opened, name, force=force)
    check_standards(given)
    return opened


def parse_numbers(text: str, n: int, option: str, form: str) -> Any:
    """A tuple of numbers with commas between.

    Raises
    ------
    UsageError
        If there are more or fewer, or others than finite numbers.

    >>> parse_numbers("192400,280900.5", 2, "--source", "X,Y")
    (192400.0, 280900.5)
    """
    import math

    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != n or not all(map(math.isfinite, numbers)):
        raise UsageError(option, f"{text!r} is not {form}", "give metres in the city's CRS")
    return numbers


def tell_flood(
    city: City,
    name: str,
    notices: Notices,
    *,
    exposed: dict[str, Any] | None = None,
    computed: Flood | None = None,
    as_json: bool,
) -> int:
    """What became of a flood, for people or machines; of a computed one also its balance of water and its steps."""
    layer = city.manifest.layers[name]
    if as_json:
        facts = {"name": name, **layer.options, "counts": dict(layer.counts), "exposure": exposed or {}}
        if computed is not None:
            facts |= {k: computed.attributes[k] for k in ("mass_balance", "steps", "limits")}
        tell_json({**facts, "notices": notices.as_json()})
        return 0
    counts = layer.counts
    label = ", a preview" if layer.options.get("is_preview") else ""
    wet, depth = counts["m2 wet"], counts["m greatest depth"]
    tell(f"{name}: {layer.options['kind']}{label}; {wet:,.0f} m2 wet, greatest depth {depth:.2f} m")
    for line in [] if computed is None else balance_lines(computed):
        tell(line)
    tell_exposure(exposed or {})
    return 0


def balance_lines(flood: Flood) -> list[str]:
    """The balance of the water of a computed flood, and which cell set its shortest step."""
    balance, steps = flood.attributes["mass_balance"], flood.attributes["steps"]
    came = f"{balance['in_m3']:,.1f} m3 in, {balance['out_m3']:,.1f} out"
    seeped = f" ({balance['infiltrated_m3']:,.1f} into the ground)" if balance["infiltrated_m3"] else ""
    lines = [
        f"  water      {came}{seeped}, {balance['at_end_m3']:,.1f} at the end, error {balance['error_m3']:.2g} m3"
    ]
    limits = [one for one in flood.attributes["limits"] if one["dt_s"] > 0]
    if limits:
        least = min(limits, key=lambda one: one["dt_s"])
        x, y = flood.grid.x_centres[int(least["col"])], flood.grid.y_centres[int(least["row"])]
        mean = (limits[-1]["time_s"] - flood.attributes["limits"][0]["time_s"]) / max(steps, 1)
        lines.append(
            f"  steps      {steps:,} of {mean:.2g} s; the cell at {x:.1f}, {y:.1f} allows no longer ones"
        )
    return lines
