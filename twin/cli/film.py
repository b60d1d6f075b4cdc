"""``twin film``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import force_option, json_option, parse_size, progress, tell, tell_json, tell_notices

if TYPE_CHECKING:
    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.outputs.film_plan import FilmPlan

EXAMPLES = """\b
Examples:
  twin film town.twin town.mp4 --orbit
  twin film town.twin flight.mp4 --tour flight.toml --captions words.toml --lang ko
  twin film town.twin day.gif --time-range 2026-06-21T05:00+03:00/2026-06-21T22:00+03:00 --size 640x360
  twin film town.twin storm.mp4 --layer typhoon --time-range all --still-sun --seconds 15
"""
_DEFAULT_SIZE = {"mp4": "1920x1080", "gif": "800x450", "series": "1920x1080"}


@click.command(epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--orbit", "orbits", is_flag=True, help="Turn once around the city, or around what --view looks at."
)
@click.option(
    "--tour", help="Fly past cameras: a .toml or .json file, or a tour of the workspace by its name."
)
@click.option("--time-range", help="Let time pass: A/B in ISO 8601, or `all` that the layers know.")
@click.option(
    "--seconds", type=float, help="How long the film is.  [default: 20 for an orbit, 12 for a time range]"
)
@click.option("--fps", type=float, help="Pictures a second.  [default: 30; a GIF 12.5]")
@click.option("--size", help="Width x height in pixels.  [default: 1920x1080; a GIF 800x450]")
@click.option("--view", help="Where the camera stands, as for `twin snapshot`.  [default: overview]")
@click.option("--layer", "layers", multiple=True, help="Show only these layers and floods (repeatable).")
@click.option(
    "--still-sun", is_flag=True, help="Leave the sun where it stands in the middle of the time range."
)
@click.option("--color-by", help="Colour buildings by an attribute, as for `twin snapshot`.")
@click.option("--style", help="light, dark, states, quality, or a .toml file.  [default: light]")
@click.option("--captions", type=click.Path(path_type=Path), help="TOML or CSV with titles and captions.")
@click.option(
    "--lang",
    "--language",
    "language",
    help="Language of the captions, and of legend, scale and remarks where it is en, ko or fi.  [default: en]",
)
@click.option("--title", help="Title in the picture; the city's name if not given.")
@click.option("--logo", type=click.Path(path_type=Path), help="A PNG for the lower right corner.")
@click.option(
    "--workspace", type=click.Path(path_type=Path), help="Camera, moment, layers, style of a workspace."
)
@click.option(
    "--resume/--no-resume", default=True, help="Go on where an interrupted run of the same film stopped."
)
@force_option
@json_option
def command(city: Path, out: Path, as_json: bool, force: bool, resume: bool, **given: Any) -> int:
    """Draw CITY as the film OUT: .mp4, .gif, a folder of pictures, or a series such as frames/%04d.png."""
    from twin.city.model import open_city
    from twin.core.notices import Notices
    from twin.outputs.film import film_kind, require_free, write_film

    require_free(out, force=force)
    notices = Notices()
    try:
        with progress() as listener:
            listener.stage("opening the city", 1)
            plan = _plan(open_city(city), film_kind(out), given, notices)
            found = write_film(plan, out, force=force, resume=resume, notices=notices, progress=listener)
    finally:
        tell_notices(notices)
    if as_json:
        tell_json(found)
    else:
        tell(f"{out}: {found['frames']} pictures, {found['seconds']:g} s at {found['fps']:g} a second")
    return 0


def _plan(city: City, kind: str, given: dict[str, Any], notices: Notices) -> FilmPlan:
    """Everything that is asked for, checked before anything is drawn."""
    from twin.core.translations import LANGUAGES
    from twin.outputs.film import GIF_FPS
    from twin.outputs.film_plan import DEFAULT_LANGUAGE, FilmOptions, parse_time_range, plan_film
    from twin.outputs.snapshot import source_key, wanted_scene
    from twin.scene.shot import check_size
    from twin.scene.tour_files import find_tour
    from twin.scene.workspace_json import read_workspace

    size = parse_size(given["size"] or _DEFAULT_SIZE[kind])
    check_size(size)
    workspace = given["workspace"]
    scene = wanted_scene(
        city,
        workspace=workspace,
        layers=given["layers"],
        style=given["style"],
        title=given["title"],
        language=given["language"] if given["language"] in LANGUAGES else None,
        notices=notices,
    )
    known = read_workspace(workspace).tours if workspace else ()
    options = FilmOptions(
        size=size,
        fps=given["fps"] if given["fps"] is not None else (GIF_FPS if kind == "gif" else 30.0),
        seconds=given["seconds"],
        orbits=given["orbits"],
        tour=find_tour(given["tour"], known, scene=scene, size=size) if given["tour"] else None,
        view=given["view"],
        time_range=parse_time_range(given["time_range"], scene.span) if given["time_range"] else None,
        still_sun=given["still_sun"],
        captions=given["captions"],
        language=given["language"] or DEFAULT_LANGUAGE,
        logo=given["logo"],
        color_by=given["color_by"],
    )
    return plan_film(scene, options, source_key=source_key(city))
