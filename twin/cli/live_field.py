"""``twin live field``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from twin.cli.console import force_option, json_option, tell, tell_json, tell_notices
from twin.cli.live_options import city_argument, moment_of, time_option

EXAMPLES = """\b
Examples:
  twin live field town.twin --property pm2_5 --time 2026-08-28T12:00:00Z -o pm.tif
  twin live field town.twin --property sound_level --method idw --cell-size 20 --time end -o noise.tif
"""


@click.command(epilog=EXAMPLES)
@city_argument
@click.option("--property", "observed_property", required=True, help="Observed property, such as pm2_5.")
@time_option
@click.option("--method", type=click.Choice(["kriging", "idw"]), default="kriging", show_default=True)
@click.option("--cell-size", type=float, default=10.0, show_default=True, help="Side of the cells, m.")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="GeoTIFF of the values.")
@click.option(
    "--deviation", type=click.Path(path_type=Path), help="GeoTIFF of the standard deviation of their error."
)
@force_option
@json_option
def command(city: Path, out: Path, deviation: Path | None, as_json: bool, **given: Any) -> int:
    """Values between the stations of CITY as a raster, only where they are more than a guess."""
    from twin.core.notices import Notices
    from twin.live.city_field import city_field, write_field
    from twin.live.moments import iso_utc
    from twin.live.store import open_store

    notices = Notices()
    try:
        with open_store(city) as store:
            moment = moment_of(store, given["time"])
            found = city_field(
                city,
                store,
                given["observed_property"],
                at_us=moment,
                method=given["method"],
                cell_size_m=given["cell_size"],
                notices=notices,
            )
        write_field(found, city, out, deviation=deviation, force=given["force"])
    finally:
        tell_notices(notices)
    field = found.field
    answer = {
        "out": str(out),
        "time": iso_utc(moment),
        "unit": found.unit,
        "method": field.method,
        "stations": field.n_stations,
        "left_out": found.left_out,
        "share_known": round(field.share_known, 4),
        "reach_m": round(field.reach_m, 1),
        "rmse_left_out": None
        if field.rmse_left_out != field.rmse_left_out
        else round(field.rmse_left_out, 4),
    }
    if as_json:
        tell_json({**answer, "notices": notices.as_json()})
    else:
        error = answer["rmse_left_out"]
        tell(
            f"{out}: {given['observed_property']} of {field.n_stations} stations at {answer['time']}, {field.method}, "
            f"told in {100 * field.share_known:.0f} % of the city, within {field.reach_m:.0f} m of a station; "
            f"error at stations left out {'-' if error is None else error} {found.unit}"
        )
    return 0
