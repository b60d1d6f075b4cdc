"""``twin flood``: levels, computations and files of others become floods of a city."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from twin.cli.console import json_option, tell, tell_json, tell_notices
from twin.cli.flood_common import (
    city_argument,
    making_options,
    open_for_flood,
    parse_numbers,
    tell_flood,
)
from twin.cli.flood_exposure import exposure_figures, finish, tell_exposure
from twin.cli.flood_residual import residual_command
from twin.cli.flood_simulate import simulate_command
from twin.core.errors import UsageError

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
cell_option = click.option(
    "--cell-size", type=float, help="Side of the cells, m; those of the terrain if not given."
)


@click.group(epilog=EXAMPLES)
def command() -> None:
    """Floods of a city: a level, a computation, or files of others."""


command.add_command(simulate_command, "simulate")


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
@making_options
def level_command(city: Path, name: str, force: bool, as_json: bool, **given: Any) -> int:
    """Fill CITY up to a level, only where it is connected to river, sea or a point: a preview."""
    from twin.cli.flood_live import gauges_of
    from twin.core.notices import Notices
    from twin.water.flood_store import store_flood
    from twin.water.levels import level

    if (given["eta"] is None) == (not given["gauges"]):
        raise UsageError(
            "--eta", "one of --eta and --gauge says how high the water stands", "give one of them"
        )
    source = parse_numbers(given["source"], 2, "--source", "X,Y") if given["source"] else None
    notices = Notices()
    opened = open_for_flood(city, name, given, force=force)
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
@making_options
def import_command(
    city: Path, files: tuple[Path, ...], name: str, force: bool, as_json: bool, **given: Any
) -> int:
    """Take FILES (rasters over time, NetCDF, polygons) of others as a flood of CITY."""
    from twin.city.plan import sources_of
    from twin.core.notices import Notices
    from twin.sources.layer_paths import split_layer
    from twin.water.flood_store import store_flood
    from twin.water.foreign import import_flood

    opened = open_for_flood(city, name, given, force=force)
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
