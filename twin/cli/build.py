"""``twin build``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from twin.cli.console import json_option, progress, tell, tell_json, tell_notices
from twin.core.errors import UsageError

EXAMPLES = """\b
Examples:
  twin build survey/*.laz --footprints houses.gpkg --crs EPSG:7415 -o town.twin
  twin build twin.toml
  twin build --buildings lod2.city.json --dtm dtm.tif --crs EPSG:25832+7837 -o town.twin
"""


def _file(*names: str, text: str) -> Any:
    return click.option(*names, type=click.Path(path_type=Path), help=text)


@click.command(epilog=EXAMPLES)
@click.argument("points", nargs=-1)
@_file(
    "--footprints",
    text="Building outlines (GeoPackage, GeoJSON, Shapefile, FlatGeobuf, GeoParquet, SpatiaLite).",
)
@_file("--buildings", text="Given solids (CityJSON) that are taken instead of reconstructing.")
@_file("-o", "--output", text="The city folder, NAME.twin.")
@_file("--roads", text="Road surfaces or centre lines.")
@_file("--water", text="Water surfaces.")
@_file("--bridges", text="Bridge decks.")
@_file("--landcover", text="Land cover.")
@_file("--dtm", text="Terrain raster instead of ground points.")
@_file("--dsm", text="Surface raster.")
@_file("--ortho", text="Orthophoto to drape.")
@click.option("--id-field", help="Column of the footprints that names a building.")
@click.option(
    "--crs", help="CRS of the city, such as EPSG:7415 or EPSG:3879+3900; assumed for inputs that name none."
)
@click.option("--lod", default=None, help="Finest level of detail: 1.2, 1.3, 2.0 or 2.2.  [default: 2.2]")
@click.option("--detail", type=float, default=None, help="From simple (0) to detailed (1).  [default: 0.5]")
@click.option(
    "--cell-size", type=float, default=None, help="Cell of terrain rasters, metres.  [default: 0.5]"
)
@click.option(
    "--height-offset", type=float, help="Metres to add to elevations where no geoid grid is at hand."
)
@click.option(
    "--derive-footprints",
    is_flag=True,
    help="Outline, from the points, the buildings that no footprint tells of, and build them too.",
)
@click.option("--height-field", help="Column of the footprints with heights, taken where points tell none.")
@click.option("--align", is_flag=True, help="Move footprints that are displaced against the points.")
@click.option(
    "--workers", type=click.IntRange(1), default=None, help="Processes.  [default: one for each core]"
)
@click.option("--scheduler", help="Address of a Dask scheduler whose workers do the tiles, tcp://HOST:8786.")
@click.option("--keep-going", is_flag=True, help="Leave damaged point files out, and say which.")
@click.option("--attribution", default="", help="Whose data it is; shown in every picture.")
@json_option
def command(points: tuple[str, ...], as_json: bool, workers: int | None, **given: Any) -> int:
    """Build a city folder from POINTS (LAS, LAZ, COPC; files, folders, globs) or from a twin.toml."""
    from twin.api import build_with
    from twin.core.notices import Notices
    from twin.core.tasks import default_workers

    options = _options(points, given, workers or default_workers())
    notices = Notices()
    try:
        with progress() as listener:
            summary = build_with(options, notices=notices, progress=listener)
    finally:
        tell_notices(notices)
    if as_json:
        tell_json({**summary, "notices": notices.as_json()})
    else:
        for line in _lines(summary):
            tell(line)
    return 0


def _options(points: tuple[str, ...], given: dict[str, Any], workers: int) -> Any:
    from twin.city.options import MAP_KINDS, RASTER_KINDS, BuildOptions, read_options

    if len(points) == 1 and points[0].lower().endswith(".toml"):
        extra = [k for k, v in given.items() if v and k not in {"output", "scheduler"}]
        if extra:
            raise UsageError(
                f"--{extra[0].replace('_', '-')}", "stands beside a twin.toml", "write it into the file"
            )
        own = {"output": given["output"], "scheduler": given["scheduler"]}
        return read_options(Path(points[0]), workers=workers, **own)
    if given["output"] is None:
        raise UsageError("--output", "is missing", "name the city folder: -o NAME.twin")
    chosen = {k: v for k, v in given.items() if v is not None and k not in {*MAP_KINDS, *RASTER_KINDS}}
    renamed = {"cell_size": "cell_size_m", "height_offset": "height_offset_m"}
    return BuildOptions(
        points=points,
        workers=workers,
        vectors={k: given[k] for k in MAP_KINDS if given[k]},
        rasters={k: given[k] for k in RASTER_KINDS if given[k]},
        **{renamed.get(k, k): v for k, v in chosen.items()},
    )


def _lines(summary: dict[str, Any]) -> list[str]:
    states = ", ".join(f"{n} {state}" for state, n in summary["states"].items())
    fresh = " (unchanged: the same inputs and options as last time)" if summary["unchanged"] else ""
    lines = [f"{summary['city']}: {summary['buildings']} buildings{f' ({states})' if states else ''}{fresh}"]
    if summary.get("unmapped"):
        lines.append(
            f"{summary['unmapped']} more stand in the points without a footprint; drawn as plain masses"
        )
    lines.append(f"next: twin snapshot {summary['city']} picture.png")
    return lines
