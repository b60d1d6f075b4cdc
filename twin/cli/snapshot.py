"""``twin snapshot``."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import force_option, json_option, parse_size, progress, tell, tell_json, tell_notices

if TYPE_CHECKING:
    from twin.core.notices import Notices

DEFAULT_SIZE = "1920x1080"
EXAMPLES = """\b
Examples:
  twin snapshot town.twin town.png
  twin snapshot town.twin street.png --view street --size 3840x2160
  twin snapshot town.twin heights.png --color-by height_m --style dark
  twin snapshot town.twin storm.png --layer typhoon --layer live --time 2026-08-28T15:00+09:00
  twin snapshot town.twin town.png --lang ko --title "우리 동네"
  twin snapshot town.twin plan.png --workspace plan.workspace.json
  twin snapshot town.twin --batch shots.toml
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", required=False, type=click.Path(path_type=Path))
@click.argument("out", required=False, type=click.Path(path_type=Path))
@click.option(
    "--batch",
    type=click.Path(path_type=Path),
    help="Draw all pictures of a TOML file instead of OUT: views x times x layers, with a sidecar each.",
)
@click.option(
    "--view",
    help="overview, street, top, north, east, south, west, axis, or a camera file.  [default: overview]",
)
@click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    help="Camera, moment, layers, colours and style of a saved workspace; other options go before it.",
)
@click.option("--time", help="Moment of the picture, ISO 8601: sun, floods and sensors as then.")
@click.option("--size", help="Width x height in pixels, to 7680x4320.  [default: 1920x1080]")
@click.option(
    "--layer",
    "layers",
    multiple=True,
    help="Show only these layers (repeatable): added ones, floods (typhoon, typhoon:natural, typhoon:velocity, "
    "typhoon:hazard, typhoon:arrival), and observations (live, live:pm2_5).",
)
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
@click.option(
    "--lang",
    "--language",
    "language",
    help="Language of legend, scale and remarks: en, ko or fi.  [default: en, or the workspace's]",
)
@click.option(
    "--sidecar", is_flag=True, help="Write OUT.json too: data, camera, moment and versions of the picture."
)
@force_option
@json_option
def command(
    city: Path | None, out: Path | None, batch: Path | None, as_json: bool, force: bool, **given: Any
) -> int:
    """Draw CITY as the picture OUT, or as all pictures of a batch."""
    # Imports make many objects and no garbage, and this process ends with the picture: looking for cyclic garbage
    # again and again costs a twentieth of a cold picture and finds nothing.
    gc.disable()
    # Threads for products of matrices no larger than n x 3 by 3 x 3 cost more than they bring.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from twin.core.notices import Notices

    notices = Notices()
    try:
        if batch is not None:
            answer, lines = _batch(city, out, batch, force=force, given=given, notices=notices)
        else:
            answer, lines = _one(city, out, force=force, given=given, notices=notices)
    finally:
        gc.enable()
        tell_notices(notices)
    if as_json:
        tell_json(answer)
    else:
        for line in lines:
            tell(line)
    return 0


def _one(
    city: Path | None, out: Path | None, *, force: bool, given: dict[str, Any], notices: Notices
) -> tuple[dict[str, Any], list[str]]:
    from twin.city.model import open_city
    from twin.core.errors import UsageError
    from twin.outputs.snapshot import write_snapshot

    if city is None or out is None:
        raise UsageError("twin snapshot", "needs CITY and OUT, or --batch", "see `twin snapshot --help`")
    size = parse_size(given.pop("size") or DEFAULT_SIZE)
    written = write_snapshot(open_city(city), out, size=size, force=force, notices=notices, **given)
    return {"output": str(written), "bytes": written.stat().st_size}, [str(written)]


def _batch(
    city: Path | None, out: Path | None, batch: Path, *, force: bool, given: dict[str, Any], notices: Notices
) -> tuple[dict[str, Any], list[str]]:
    from twin.city.model import open_city
    from twin.core.errors import UsageError
    from twin.outputs.batch import write_batch
    from twin.outputs.batch_file import read_batch, require_city

    alone = [f"--{k.removesuffix('s').replace('_', '-')}" for k, v in given.items() if v] + (
        ["OUT"] if out else []
    )
    if alone:
        raise UsageError("--batch", f"cannot go with {', '.join(alone)}", f"write it into {batch}")
    wanted = read_batch(batch)
    with progress() as listener:
        found = write_batch(
            open_city(require_city(wanted, city)), wanted, force=force, notices=notices, progress=listener
        )
    summary = f"{wanted.out}: {len(found['drawn'])} pictures drawn, {len(found['kept'])} there already"
    return found, [summary, *found["contact_sheets"]]
