"""``twin snapshot``."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import click

from twin.cli.console import force_option, json_option, parse_size, tell, tell_json, tell_notices

EXAMPLES = """\b
Examples:
  twin snapshot town.twin town.png
  twin snapshot town.twin street.png --view street --size 3840x2160
  twin snapshot town.twin heights.png --color-by height_m --style dark
  twin snapshot town.twin plan.png --workspace plan.workspace.json
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--view",
    help="overview, street, top, north, east, south, west, axis, or a camera file.  [default: overview]",
)
@click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    help="Camera, moment, layers, colours and style of a saved workspace; other options go before it.",
)
@click.option("--time", help="Moment of the picture, ISO 8601: the sun stands accordingly.")
@click.option(
    "--size", default="1920x1080", help="Width x height in pixels, to 7680x4320.  [default: 1920x1080]"
)
@click.option("--layer", "layers", multiple=True, help="Show only these layers (repeatable).")
@click.option(
    "--color-by",
    help="Colour buildings by a column of the city's table (height_m, roof_type, state, rmse_m, volume_m3, ...; "
    "`twin info CITY` counts the common ones), of the footprints' file or of a joined table; with breaks as "
    "height_m:5,10,20 or a colour map (viridis, cividis, magma, rdbu, errors, okabe_ito) as height_m:magma.",
)
@click.option(
    "--style",
    help="light, dark, states (what became of every building), quality (error of the roofs), or a .toml file.  "
    "[default: light]",
)
@click.option("--title", help="Title in the picture; the city's name if not given.")
@force_option
@json_option
def command(city: Path, out: Path, size: str, as_json: bool, force: bool, **given: Any) -> int:
    """Draw CITY as the picture OUT."""
    # Imports make many objects and no garbage, and this process ends with the picture: looking for cyclic garbage
    # again and again costs a twentieth of a cold picture and finds nothing.
    gc.disable()
    # Threads for products of matrices no larger than n x 3 by 3 x 3 cost more than they bring.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from twin.city.model import open_city
    from twin.core.notices import Notices
    from twin.outputs.snapshot import write_snapshot

    notices = Notices()
    try:
        written = write_snapshot(
            open_city(city), out, size=parse_size(size), force=force, notices=notices, **given
        )
    finally:
        gc.enable()
        tell_notices(notices)
    if as_json:
        tell_json({"output": str(written), "bytes": written.stat().st_size})
    else:
        tell(str(written))
    return 0
