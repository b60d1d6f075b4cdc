"""``twin flood``: levels, computations and files of others become floods of a city."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import force_option, json_option, progress, tell, tell_json, tell_notices
from twin.cli.flood_exposure import (
    check_standards,
    exposure_figures,
    exposure_options,
    finish,
    tell_exposure,
)
from twin.cli.flood_residual import residual_command
from twin.core.errors import UsageError

if TYPE_CHECKING:
    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.water.flood import Flood
    from twin.water.model import Solution
    from twin.water.simulation import Setup

EXAMPLES = """\b
Examples:
  twin flood level town.twin --eta 2.4 --name high_tide
  twin flood level --help
"""
LEVEL_EXAMPLES = """\b
Examples:
  twin flood level town.twin --eta 2.4 --name high_tide
  twin flood level town.twin --eta 2.4 --source 192400,280900 --name dyke_breach
  twin flood level town.twin --gauge 192200,281000,2.9 --gauge 192600,280800,2.4 --name river
  twin flood level town.twin --gauge river-1:water_level --time 2026-08-28T15:10:00+09:00 --name now
"""

_OF_EXPOSURE = {"standard", "hazard", "no_exposure"}
city_argument = click.argument("city", type=click.Path(path_type=Path))
name_option = click.option("--name", required=True, help="Name of the flood in the city.")
cell_option = click.option(
    "--cell-size", type=float, help="Side of the cells, m; those of the terrain if not given."
)


@click.group(epilog=EXAMPLES)
def command() -> None:
    """Floods of a city: a level, a computation, or files of others."""


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
    city: City, name: str, notices: Notices, *, exposed: dict[str, Any] | None = None, as_json: bool
) -> int:
    """What became of a flood, for people or machines."""
    layer = city.manifest.layers[name]
    if as_json:
        facts = {"name": name, **layer.options, "counts": dict(layer.counts), "exposure": exposed or {}}
        tell_json({**facts, "notices": notices.as_json()})
        return 0
    counts = layer.counts
    label = ", a preview" if layer.options.get("is_preview") else ""
    wet, depth = counts["m2 wet"], counts["m greatest depth"]
    tell(f"{name}: {layer.options['kind']}{label}; {wet:,.0f} m2 wet, greatest depth {depth:.2f} m")
    tell_exposure(exposed or {})
    return 0


@command.command("level", epilog=LEVEL_EXAMPLES)
@city_argument
@click.option("--eta", type=float, help="Elevation of the water's surface, m, in the city's vertical datum.")
@click.option(
    "--gauge",
    "gauges",
    multiple=True,
    help="Datastream of a gauge of the city, or X,Y,LEVEL, instead of --eta; several stand down the river.",
)
@click.option(
    "--time", help="Moment of gauges of the city, ISO 8601 with its offset, or `end`.  [default: now]"
)
@click.option("--source", help="X,Y that the water comes from; the city's rivers and sea if not given.")
@cell_option
@exposure_options
@name_option
@force_option
@json_option
def level_command(city: Path, name: str, force: bool, as_json: bool, **given: Any) -> int:
    """Fill CITY up to a level, only where it is connected to river, sea or a point: a preview."""
    from twin.city.model import open_city
    from twin.cli.flood_live import gauges_of
    from twin.core.notices import Notices
    from twin.water.flood_store import check_name, store_flood
    from twin.water.levels import level

    if (given["eta"] is None) == (not given["gauges"]):
        raise UsageError(
            "--eta", "one of --eta and --gauge says how high the water stands", "give one of them"
        )
    source = parse_numbers(given["source"], 2, "--source", "X,Y") if given["source"] else None
    notices = Notices()
    opened = open_city(city)
    check_name(opened, name, force=force)
    check_standards(given)
    eta, stations = gauges_of(opened, given["gauges"], given["time"])
    try:
        flood = level(
            opened,
            eta_m=eta if given["gauges"] else given["eta"],
            source=source,
            name=name,
            cell_size_m=given["cell_size"],
            notices=notices,
        )
        stored = store_flood(
            opened,
            flood,
            run={"parameters": {**flood.attributes, **({"gauges": stations} if stations else {})}},
            force=force,
            notices=notices,
        )
        exposed = finish(stored, flood, given, notices)
    finally:
        tell_notices(notices)
    return tell_flood(stored, name, notices, exposed=exposed, as_json=as_json)


SIMULATE_EXAMPLES = """\b
Examples:
  twin flood simulate town.twin --rain 60 --hours 1 --name cloudburst
  twin flood simulate town.twin --rain storm.csv --tide harbour.csv --hours 6 --name typhoon
  twin flood simulate town.twin --rain 'rain-*:rain_rate' --tide tide-1:water_level --hours 6 --name as_measured
  twin flood simulate town.twin --inflow river.csv --hours 12 --method accurate --cell-size 2 --name river
"""


@command.command("simulate", epilog=SIMULATE_EXAMPLES)
@city_argument
@click.option(
    "--rain", help="mm/h, a table over time (each value holds until the next), or stations of the city."
)
@click.option(
    "--inflow",
    type=click.Path(path_type=Path),
    help="Table of time, x, y, m3/s: water that comes in at points.",
)
@click.option(
    "--tide",
    help="Level in m, a table of it over time, or a gauge of the city: what rivers and sea have at the edge of the "
    "terrain.",
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
@click.option(
    "--every", type=float, help="Seconds between the moments that are kept; a 24th of all if not given."
)
@click.option(
    "--manning-n", type=float, help="One roughness for all ground, s/m^(1/3), instead of that of the map."
)
@click.option("--cfl", type=float, help="Part of the longest stable step, up to 1.")
@click.option("--threads", type=click.IntRange(min=1), help="As many as cores if not given.")
@exposure_options
@name_option
@force_option
@json_option
def simulate_command(city: Path, name: str, force: bool, as_json: bool, **given: Any) -> int:
    """Compute a flood of CITY by rain, rivers and tide."""
    from twin.city.model import open_city
    from twin.cli.flood_live import forcing_of
    from twin.core.notices import Notices
    from twin.water.flood_store import check_name, read_flood
    from twin.water.simulation import Request, prepare

    opened = open_city(city)
    check_name(opened, name, force=force)
    check_standards(given)
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
    )
    try:
        setup = prepare(opened, request, notices=notices)
        stored, flood = _compute(opened, setup, given["threads"], name=name, force=force, notices=notices)
        exposed = finish(stored, flood, given, notices)
    finally:
        tell_notices(notices)
    return tell_flood(stored, name, notices, exposed=exposed, as_json=as_json)


def _compute(
    city: City, setup: Setup, threads: int | None, *, name: str, force: bool, notices: Notices
) -> tuple[City, Flood]:
    """Run and keep a computation; of one that broke off, what was computed until then."""
    from twin.city.plan import sources_of
    from twin.water.flood_store import store_flood
    from twin.water.model import UnstableError
    from twin.water.simulation import flood_of_solution, run

    files = [Path(setup.files[k]) for k in sorted(setup.files)]
    inputs = [source for file in files for source in sources_of(file)]
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


IMPORT_EXAMPLES = """\b
Examples:
  twin flood import town.twin depth_20260828T0300.tif depth_20260828T0310.tif --kind depth --name model
  twin flood import town.twin sfincs_map.nc --kind level --name sfincs
  twin flood import town.twin steps.json --kind level --height-offset -0.42 --name forecast
  twin flood import town.twin hazard_map.gpkg --kind extent --name hundred_years
"""


@command.command("import", epilog=IMPORT_EXAMPLES)
@city_argument
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--kind",
    required=True,
    type=click.Choice(["depth", "level", "extent"]),
    help="Depth above the ground, elevation of the water's surface, or polygons of where there is water.",
)
@click.option("--crs", help="CRS of the files, where they name none.")
@click.option("--variable", help="Variable of a NetCDF file; found by its name if not given.")
@click.option("--start", help="Moment of the first raster, UTC; told by the files' names if not given.")
@click.option("--every", type=float, help="Seconds from raster to raster.")
@click.option("--height-offset", type=float, help="Metres to add to levels of another datum.")
@click.option(
    "--cell-size", type=float, help="Side of the cells, m; 1, or that of the terrain, if not given."
)
@exposure_options
@name_option
@force_option
@json_option
def import_command(
    city: Path, files: tuple[Path, ...], name: str, force: bool, as_json: bool, **given: Any
) -> int:
    """Take FILES (rasters over time, NetCDF, polygons) of others as a flood of CITY."""
    from twin.city.model import open_city
    from twin.city.plan import sources_of
    from twin.core.notices import Notices
    from twin.sources.layer_paths import split_layer
    from twin.water.flood_store import check_name, store_flood
    from twin.water.foreign import import_flood

    opened = open_city(city)
    check_name(opened, name, force=force)
    check_standards(given)
    notices = Notices()
    try:
        foreign = import_flood(
            opened,
            files,
            kind=given["kind"],
            name=name,
            crs=given["crs"],
            variable=given["variable"],
            start=given["start"],
            every_s=given["every"],
            height_offset_m=given["height_offset"],
            cell_size_m=given["cell_size"],
            notices=notices,
        )
        inputs = [s for f in foreign.files for s in sources_of(split_layer(f)[0])]
        stored = store_flood(
            opened,
            foreign.flood,
            run={"parameters": {k: v for k, v in given.items() if v is not None and k not in _OF_EXPOSURE}},
            inputs=inputs,
            tables=foreign.tables,
            force=force,
            notices=notices,
        )
        exposed = finish(stored, foreign.flood, given, notices)
    finally:
        tell_notices(notices)
    return tell_flood(stored, name, notices, exposed=exposed, as_json=as_json)


EXPOSURE_EXAMPLES = """\b
Examples:
  twin flood exposure town.twin --name typhoon
  twin flood exposure town.twin --name typhoon --standard small-car-2011 --hazard fd2320-2008
"""


@command.command("exposure", epilog=EXPOSURE_EXAMPLES)
@city_argument
@click.option("--name", required=True, help="The flood.")
@click.option("--standard", help="When roads close: korea-2024, small-car-2011, ..., or a .toml file.")
@click.option("--hazard", help="Classes of danger: aidr-2017, fd2320-2008, or a .toml file.")
@json_option
def exposure_command(city: Path, name: str, as_json: bool, **given: Any) -> int:
    """What a flood of CITY does to roads and buildings, anew, such as by another standard."""
    from twin.city.model import open_city
    from twin.core.notices import Notices
    from twin.water.exposure import expose
    from twin.water.flood_store import read_flood

    notices = Notices()
    opened = open_city(city)
    chosen = {k: v for k, v in given.items() if v is not None}
    try:
        stored = expose(opened, read_flood(opened, name), notices=notices, **chosen)
    finally:
        tell_notices(notices)
    figures = exposure_figures(stored, name)
    if as_json:
        tell_json({"name": name, **stored.manifest.layers[name].options, "exposure": figures})
    else:
        tell(name)
        tell_exposure(figures)
    return 0


command.add_command(residual_command)
