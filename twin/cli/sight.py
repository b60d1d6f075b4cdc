"""``twin sight``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import force_option, json_option
from twin.cli.standing_verbs import coordinates, tell_figures, with_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.energy.standing import Surroundings

EXAMPLES = """\b
Examples:
  twin sight town.twin --eye 84050,447020 seen.tif
  twin sight town.twin --eye 84050,447020,12 --to 84200,447100,3
"""


@click.command(epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@click.argument("out", required=False, type=click.Path(path_type=Path))
@click.option("--eye", required=True, help="Easting, northing and height above what is there (1.6 m).")
@click.option("--to", "target", help="Easting, northing and height above the ground (0) of one place to see.")
@click.option("--target-height", default=0.0, show_default=True, help="Of what shall be seen everywhere, m.")
@click.option("--reach", type=float, help="How far is looked, m; over the whole city if not given.")
@click.option("--curvature", is_flag=True, help="Count the curve of the Earth and the bending of light.")
@click.option("--trees", is_flag=True, help="Trees are in the way.")
@force_option
@json_option
def command(city: Path, out: Path | None, eye: str, target: str | None, as_json: bool, **given: Any) -> int:
    """Tell what is seen in CITY from a place: everywhere, as OUT (.tif, .parquet), or one place with --to."""
    from twin.city.model import open_city
    from twin.core.errors import UsageError
    from twin.energy.standing import surroundings

    if (out is None) == (target is None):
        raise UsageError("OUT", "what is asked for is not clear", "give either OUT or --to X,Y[,H]")
    place = parse_place(eye, "--eye", 1.6)
    aim = parse_place(target, "--to", 0.0) if target is not None else None
    opened = open_city(city)
    around = surroundings(opened, trees=given["trees"])
    if aim is not None:
        figures = _one_place(around, place, aim)
    else:
        figures = _everywhere(around, place, Path(str(out)), opened.manifest.crs_wkt, given)
    tell_figures(figures, sentences, as_json=as_json)
    return 0


def sentences(figures: Mapping[str, Any]) -> list[str]:
    """What is seen, in words.

    Examples
    --------
    >>> sentences({"visible": False, "distance_m": 52.5, "blocked_by": "ground", "blocked_at": [1.0, 2.0, 3.0]})
    ['not seen, 52.50 m away: the ground at 1.00, 2.00, elevation 3.00 m is in the way']
    >>> sentences({"output": "seen.tif", "seen_m2": 1200.0, "eye_elevation_m": 7.5})
    ['1,200.0 m2 are seen from an elevation of 7.50 m; written to seen.tif']
    """
    if "output" in figures:
        seen = with_unit(figures["seen_m2"], "m2", digits=1)
        eye = with_unit(figures["eye_elevation_m"], "m")
        return [f"{seen} are seen from an elevation of {eye}; written to {figures['output']}"]
    away = with_unit(figures["distance_m"], "m")
    if figures["visible"]:
        return [f"seen, {away} away"]
    if "blocked_at" not in figures:
        return [f"not seen, {away} away"]
    x, y, z = figures["blocked_at"]
    what = _in_the_way(str(figures["blocked_by"]))
    return [f"not seen, {away} away: {what} at {x:.2f}, {y:.2f}, elevation {z:.2f} m is in the way"]


def _in_the_way(name: str) -> str:
    """The ground by its kind, a building by its id, what is neither in words."""
    return {"ground": "the ground", "other": "a bridge or another structure"}.get(name, f"building {name}")


def parse_place(text: str, option: str, height_m: float) -> tuple[float, float, float]:
    """Easting, northing and height from ``X,Y`` or ``X,Y,H``.

    Raises
    ------
    UsageError
        If it is neither.
    """
    from twin.core.errors import UsageError

    numbers = coordinates(text) or []
    if len(numbers) not in {2, 3}:
        raise UsageError(option, f"{text!r} is not X,Y or X,Y,H", "give metres in the city's CRS")
    return numbers[0], numbers[1], numbers[2] if len(numbers) == 3 else height_m


def _one_place(
    around: Surroundings, eye: tuple[float, float, float], aim: tuple[float, float, float]
) -> dict[str, Any]:
    import numpy as np

    from twin.core.errors import UsageError
    from twin.energy.standing import first_surface
    from twin.scene.measure import Ground, ground_of
    from twin.scene.sight import line_of_sight

    top = Ground(around.grid, first_surface(around))
    heights = top.at(np.array([eye]))[0] + eye[2], ground_of(around).at(np.array([aim]))[0] + aim[2]
    if not np.isfinite(heights).all():
        raise UsageError("sight", "eye or target lies outside the city", "choose places in it")
    found = line_of_sight(around, (*eye[:2], float(heights[0])), (*aim[:2], float(heights[1])))
    figures: dict[str, Any] = {"visible": found.visible, "distance_m": round(found.distance_m, 2)}
    if found.blocked_at is not None:
        figures |= {"blocked_by": found.by, "blocked_at": [round(v, 2) for v in found.blocked_at]}
    return figures


def _everywhere(
    around: Surroundings, eye: tuple[float, float, float], out: Path, crs: str, given: dict[str, Any]
) -> dict[str, Any]:
    from twin.core.errors import OutputExistsError
    from twin.scene.sight import viewshed, write_viewshed

    if out.exists() and not given["force"]:
        raise OutputExistsError(out, "exists already and was kept", "pass --force to replace it")
    found = viewshed(
        around,
        eye[:2],
        eye_height_m=eye[2],
        target_height_m=given["target_height"],
        reach_m=given["reach"],
        curvature=given["curvature"],
    )
    write_viewshed(found, out, crs=crs, force=given["force"])
    return {"output": str(out), "seen_m2": round(found.seen_m2, 1), "eye_elevation_m": round(found.eye[2], 2)}
