"""``twin add``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from twin.cli.console import force_option, json_option, tell, tell_json, tell_notices

EXAMPLES = """\b
Examples:
  twin add town.twin cycle_paths.gpkg
  twin add town.twin 가로등.shp --encoding cp949 --as street_lights
  twin add town.twin energy.csv --join BUILDING_ID=id
  twin add town.twin "base_map.gpkg|layername=trees"
  twin add town.twin noise.tif statue.glb
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--as", "name", help="Name of the layer; the file's name if not given.")
@click.option("--crs", help="CRS of the files, where they name none.")
@click.option("--encoding", help="Encoding of the text, such as cp949.")
@click.option("--join", help="COLUMN=id joins a table to the buildings by that column.")
@click.option("--at", help="X,Y[,Z] in the city's CRS: where a model without coordinates stands.")
@click.option(
    "--height-offset",
    type=float,
    help="Metres to add to elevations of another datum, where no geoid grid is at hand.",
)
@force_option
@json_option
def command(city: Path, files: tuple[Path, ...], as_json: bool, **given: Any) -> int:
    """Put FILES (vectors, rasters, models, tables) into CITY as layers of their own, without a rebuild."""
    from twin.city.add import add_files
    from twin.core.notices import Notices

    notices = Notices()
    try:
        added = add_files(city, files, notices=notices, **given)
    finally:
        tell_notices(notices)
    if as_json:
        tell_json({"added": added, "notices": notices.as_json()})
    else:
        for layer in added:
            counts = ", ".join(f"{n:g} {what}" for what, n in layer["counts"].items())
            tell(f"{layer['name']}: {layer['kind']}, {counts}")
    return 0
