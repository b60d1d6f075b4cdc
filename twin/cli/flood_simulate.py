"""``twin flood simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import progress, tell_notices
from twin.cli.flood_common import city_argument, making_options, open_for_flood, tell_flood
from twin.cli.flood_exposure import finish

if TYPE_CHECKING:
    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.water.flood import Flood
    from twin.water.model import Solution
    from twin.water.simulation import Setup

SIMULATE_EXAMPLES = """\b
Examples:
  twin flood simulate town.twin --rain 60 --hours 1 --name cloudburst
  twin flood simulate town.twin --rain radar.nc --infiltration 10 --hours 3 --name storm
  twin flood simulate town.twin --rain storm.csv --tide harbour.csv --hours 6 --name typhoon
  twin flood simulate town.twin --rain 'rain-*:rain_rate' --tide tide-1:water_level --hours 6 --name as_measured
  twin flood simulate town.twin --inflow river.csv --hours 12 --method accurate --cell-size 2 --name river
"""


@click.command(epilog=SIMULATE_EXAMPLES)
@city_argument
@click.option(
    "--rain",
    help="mm/h; or a table of mm/h over time, a NetCDF file, a folder of GeoTIFFs (each holds until the next); or "
    "stations of the city.",
)
@click.option(
    "--inflow",
    type=click.Path(path_type=Path),
    help="Table of time, x, y, m3/s: water that comes in at points; negative is pumped away.",
)
@click.option(
    "--tide",
    help="Level in m, a table of it over time, or a gauge of the city: what rivers and sea have at the edge of the "
    "terrain. With x and y in the table, each water has the level of the gauge nearest to it.",
)
@click.option("--hours", type=float, required=True, help="How long.")
@click.option("--method", type=click.Choice(["fast", "accurate"]), default="fast", show_default=True)
@click.option("--start", help="First moment, UTC; that of the tables if not given.")
@click.option("--after", help="NAME of a flood of the city to go on from.")
@click.option(
    "--cell-size", type=float, help="Side of the cells, m; 1, or that of the terrain, if not given."
)
@click.option("--buildings", type=click.Choice(["blocked", "raised"]), default="blocked", show_default=True)
@click.option("--edges", type=click.Choice(["open", "closed"]), default="open", show_default=True)
@click.option(
    "--infiltration", type=float, default=0.0, show_default=True, help="mm/h that unsealed ground takes."
)
@click.option("--suction", type=float, default=0.0, help="Suction of dry soil, m (Green and Ampt).")
@click.option("--deficit", type=float, default=0.0, help="Part of dry soil that can fill, 0 to 1.")
@click.option(
    "--every", type=float, help="Seconds between the moments that are kept; a 24th of all if not given."
)
@click.option(
    "--manning-n", type=float, help="One roughness for all ground, s/m^(1/3), instead of that of the map."
)
@click.option("--cfl", type=float, help="Part of the longest stable step, up to 1.")
@click.option("--threads", type=click.IntRange(min=1), help="As many as cores if not given.")
@making_options
def simulate_command(city: Path, name: str, force: bool, as_json: bool, **given: Any) -> int:
    """Compute a flood of CITY by rain, rivers and tide."""
    from twin.cli.flood_live import forcing_of
    from twin.core.notices import Notices
    from twin.water.flood_store import read_flood
    from twin.water.request import Request
    from twin.water.simulation import prepare

    opened = open_for_flood(city, name, given, force=force)
    notices = Notices()
    after = read_flood(opened, given["after"]) if given["after"] else None
    when = {"start": given["start"], "hours": given["hours"]}

    def forcing(option: str, text: str | None) -> Any:
        return forcing_of(opened, text, option=option, notices=notices, **when)

    request = Request(
        hours=given["hours"],
        rain=forcing("--rain", given["rain"]),
        inflow=given["inflow"],
        tide=forcing("--tide", given["tide"]),
        method=given["method"],
        start=given["start"],
        after=after,
        cell_size_m=given["cell_size"],
        buildings=given["buildings"],
        edges=given["edges"],
        infiltration_mm_h=given["infiltration"],
        output_every_s=given["every"],
        manning_n=given["manning_n"],
        cfl=given["cfl"],
        suction_m=given["suction"],
        deficit=given["deficit"],
    )
    try:
        setup = prepare(opened, request, notices=notices)
        stored, flood = _compute(opened, setup, given["threads"], name=name, force=force, notices=notices)
        exposed = finish(stored, flood, given, notices)
    finally:
        tell_notices(notices)
    return tell_flood(stored, name, notices, exposed=exposed, computed=flood, as_json=as_json)


def _compute(
    city: City, setup: Setup, threads: int | None, *, name: str, force: bool, notices: Notices
) -> tuple[City, Flood]:
    """Run and keep a computation; of one that broke off, what was computed until then."""
    from twin.city.plan import sources_of
    from twin.water.computed import flood_of_solution
    from twin.water.flood_store import store_flood
    from twin.water.model import UnstableError
    from twin.water.simulation import run

    inputs = [source for file in setup.files for source in sources_of(file)]
    parameters = {"parameters": setup.parameters}

    def keep(solution: Solution) -> tuple[City, Flood]:
        flood = flood_of_solution(setup, solution, name=name)
        stored = store_flood(city, flood, run=parameters, inputs=inputs, force=force, notices=notices)
        return stored, flood

    try:
        with progress() as listener:
            solution = run(setup, threads=threads, progress=listener, notices=notices)
    except UnstableError as error:
        if error.result is not None and len(error.result.times_s):
            keep(error.result)
            notices.add("kept", f"{name}: what was computed until then is kept")
        raise
    return keep(solution)
