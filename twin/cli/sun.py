"""``twin sun``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import force_option, json_option, tell, tell_json, tell_notices

if TYPE_CHECKING:
    from twin.energy.hours import SunHours

EXAMPLES = """\b
Examples:
  twin sun town.twin december.tif --date 2026-12-21
  twin sun town.twin --name "sun in december" --date 2026-12-21 --surfaces
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@click.argument("out", required=False, type=click.Path(path_type=Path))
@click.option("--date", required=True, help="The day, such as 2026-12-21.")
@click.option("--name", help="Keep the hours in the city, as a layer of this name.")
@click.option("--every", "every_min", type=int, default=15, show_default=True, help="Minutes between suns.")
@click.option("--surfaces", is_flag=True, help="Roofs and walls too: a table with hours for each building.")
@click.option("--trees", is_flag=True, help="Trees throw shadow, as if their crowns were dense.")
@click.option("--cell-size", "cell_size_m", type=float, help="Side of a cell, metres; the terrain's own.")
@force_option
@json_option
def command(city: Path, out: Path | None, name: str | None, as_json: bool, force: bool, **given: Any) -> int:
    """Compute the hours of direct sun in CITY on a day, as a GeoTIFF or as a layer of the city."""
    from twin.city.model import open_city
    from twin.core.errors import OutputExistsError, UsageError
    from twin.core.notices import Notices
    from twin.energy.hours import store_sun_hours, sun_hours, write_sun_hours

    if (out is None) == (name is None):
        raise UsageError("OUT", "where the hours shall go is not clear", "give either OUT.tif or --name NAME")
    opened, notices = open_city(city), Notices()
    if out is not None and out.exists() and not force:
        raise OutputExistsError(out, "exists already and was kept", "pass --force to replace it")
    if name in opened.manifest.layers and not force:
        raise OutputExistsError(
            city / str(name), "the layer exists and was kept", "pass --force or another name"
        )
    try:
        found = sun_hours(opened, **given)
        if out is not None:
            write_sun_hours(found, out, crs=opened.manifest.crs_wkt, force=force)
        else:
            store_sun_hours(opened, found, name=str(name), force=force, notices=notices)
    finally:
        tell_notices(notices)
    _tell(found, str(out or name), as_json)
    return 0


def _tell(found: SunHours, where: str, as_json: bool) -> None:
    import numpy as np

    figures: dict[str, Any] = {
        "output": where,
        "date": found.track.day.isoformat(),
        "day_length_h": round(found.track.day_length_h, 2),
        "ground_mean_h": round(float(np.nanmean(found.ground_h)), 2),
        "ground_under_2h_m2": round(float((found.ground_h < 2).sum()) * found.grid.cell_size_m**2, 1),
    }
    if found.buildings is not None:
        for column in ("roof_sun_h", "wall_sun_h"):
            values = found.buildings[column].dropna()
            figures[f"{column.replace('_h', '')}_mean_h"] = (
                round(float(values.mean()), 2) if len(values) else None
            )
    if as_json:
        tell_json(figures)
        return
    tell(f"{where}: the sun is up for {figures['day_length_h']} h on {figures['date']}")
    tell(f"  seen from above  {figures['ground_mean_h']} h in the mean")
    tell(f"  below 2 h        {figures['ground_under_2h_m2']:.0f} m2")
    if found.buildings is not None:
        tell(f"  roofs, walls     {figures['roof_sun_mean_h']} h, {figures['wall_sun_mean_h']} h in the mean")
