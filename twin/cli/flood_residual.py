"""``twin flood residual``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import json_option, tell, tell_json

if TYPE_CHECKING:
    from twin.coupling.residuals import Residual

EXAMPLES = """\b
Examples:
  twin flood residual town.twin --name typhoon --gauge river-1:water_level
  twin flood residual town.twin --name typhoon --gauge river-1:water_level --json
"""


@click.command("residual", epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="The flood.")
@click.option("--gauge", required=True, help="Datastream of a gauge of the city, with a known zero.")
@json_option
def residual_command(city: Path, name: str, gauge: str, as_json: bool) -> int:
    """How far a flood of CITY is from what a gauge told, over time."""
    from twin.city.model import open_city
    from twin.coupling.residuals import gauge_residual
    from twin.live.store import open_store
    from twin.water.flood_store import read_flood

    opened = open_city(city)
    with open_store(city) as store:
        found = gauge_residual(store, read_flood(opened, name), gauge)
    rows = [_row(found, i) for i in range(len(found.times))]
    if as_json:
        summary = {"rmse_m": _rounded(found.rmse_m), "bias_m": _rounded(found.bias_m)}
        tell_json(
            {"name": name, "gauge": gauge, **summary, "distance_m": round(found.distance_m, 1), "steps": rows}
        )
        return 0
    for i, row in enumerate(rows):
        tell(f"{row['time']}  {found.text_at(found.times[i])}")
    both = f"bias {found.bias_m:+.3f} m, RMSE {found.rmse_m:.3f} m"
    met = both if math.isfinite(found.rmse_m) else "no moment with water in model and gauge"
    tell(f"{met}; water {found.distance_m:.0f} m from the gauge")
    return 0


def _row(found: Residual, i: int) -> dict[str, Any]:
    values = {
        "gauge_m": found.observed_m[i],
        "model_m": found.modelled_m[i],
        "residual_m": found.residual_m[i],
    }
    return {"time": f"{found.times[i]}Z", **{k: _rounded(float(v)) for k, v in values.items()}}


def _rounded(value: float) -> float | None:
    return None if value != value else round(value, 4)  # noqa: PLR0124 - NaN differs from itself
