"""``twin demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import json_option, progress, tell, tell_json, tell_notices

if TYPE_CHECKING:
    from twin.core.notices import Notices
    from twin.core.progress import Progress
    from twin.demo.district import DistrictFiles

EXAMPLES = """\b
Examples:
  twin demo
  twin demo busan --buildings 200 --density 12 --seed 7
  twin demo inputs --unclassified --inputs-only
"""
PICTURES = {"overview.png": "overview", "street.png": "street", "top.png": "top"}
PICTURE_SIZE = (1920, 1080)


@click.command(epilog=EXAMPLES)
@click.argument("folder", metavar="[DIR]", default="district", type=click.Path(path_type=Path))
@click.option("--buildings", type=click.IntRange(1), default=60, help="How many, about.  [default: 60]")
@click.option(
    "--density", type=click.FloatRange(0.5, 60), default=8.0, help="Laser points per m2.  [default: 8]"
)
@click.option("--unclassified", is_flag=True, help="Deliver the points without classes.")
@click.option("--seed", type=int, default=1, help="Another number makes another district.  [default: 1]")
@click.option("--inputs-only", is_flag=True, help="Stop before building.")
@click.option(
    "--workers", type=click.IntRange(1), default=None, help="Processes.  [default: one for each core]"
)
@json_option
def command(folder: Path, as_json: bool, inputs_only: bool, workers: int | None, **given: Any) -> int:
    """Make a district in DIR, fly a simulated laser survey over it, build the city and draw it."""
    from twin.core.notices import Notices
    from twin.core.tasks import default_workers

    workers = workers or default_workers()
    notices = Notices()
    try:
        with progress() as listener:
            files = _generate(folder, given, workers, listener)
            answer: dict[str, Any] = {"folder": str(folder), "inputs": [str(p) for p in files.paths()]}
            if not inputs_only:
                answer |= _build(files, folder, workers, notices, listener)
    finally:
        tell_notices(notices)
    if as_json:
        tell_json({**answer, "notices": notices.as_json()})
    else:
        for line in _lines(answer):
            tell(line)
    return 0


def _generate(folder: Path, given: dict[str, Any], workers: int, listener: Progress) -> DistrictFiles:
    from twin.demo.district import generate_district

    return generate_district(
        folder,
        n_buildings=given["buildings"],
        density=given["density"],
        unclassified=given["unclassified"],
        seed=given["seed"],
        workers=workers,
        progress=listener,
    )


def _build(
    files: DistrictFiles, folder: Path, workers: int, notices: Notices, listener: Progress
) -> dict[str, Any]:
    from twin.api import build_with
    from twin.city.model import open_city
    from twin.city.options import BuildOptions
    from twin.outputs.snapshot import write_snapshot

    options = BuildOptions(
        points=tuple(str(p) for p in files.survey),
        output=folder / "district.twin",
        footprints=files.footprints,
        vectors={
            "roads": files.roads,
            "water": files.water,
            "bridges": files.bridges,
            "landcover": files.landcover,
        },
        id_field="id",
        name=files.name,
        attribution="twin demo district (procedural)",
        licence="CC0-1.0",
        workers=workers,
    )
    summary = build_with(options, notices=notices, progress=listener)
    listener.stage("drawing", len(PICTURES))
    city, pictures = open_city(options.output), []
    for name, view in PICTURES.items():
        pictures.append(
            str(
                write_snapshot(city, folder / name, size=PICTURE_SIZE, view=view, force=True, notices=notices)
            )
        )
        listener.advance()
    return {**summary, "pictures": pictures}


def _lines(answer: dict[str, Any]) -> list[str]:
    if "city" not in answer:
        return [f"{answer['folder']}: {len(answer['inputs'])} input files", "next: twin build --help"]
    states = ", ".join(f"{n} {state}" for state, n in answer["states"].items())
    return [
        f"{answer['city']}: {answer['buildings']} buildings ({states})",
        *(f"picture: {p}" for p in answer["pictures"]),
        f"next: twin info {answer['city']}",
        f"      twin snapshot {answer['city']} heights.png --color-by height_m",
        f"      twin export {answer['city']} district.glb",
    ]
