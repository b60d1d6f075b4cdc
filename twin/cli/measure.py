"""``twin measure``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import force_option, json_option
from twin.cli.standing_verbs import coordinates, tell_figures, with_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from twin.city.model import City

EXAMPLES = """\b
Examples:
  twin measure town.twin --line "84000,447000 84200,447050" profile.png
  twin measure town.twin --area "84000,447000 84100,447000 84100,447080" --level 2.5
  twin measure town.twin --where "height_m > 20 and roof_type = 'flat'"
"""
_NAMES = {
    "buildings": "buildings",
    "plan_m": "on the map",
    "space_m": "through the air",
    "terrain_m": "over the ground",
    "volume_m3": "volume",
    "plan_m2": "on the map",
    "surface_m2": "of the ground",
    "above_level_m3": "ground above",
    "below_level_m3": "room below",
    "output": "profile",
}


@click.command(epilog=EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path))
@click.argument("out", required=False, type=click.Path(path_type=Path))
@click.option("--line", help='Places "X,Y X,Y ...": lengths, and the height profile as OUT (.png, .csv).')
@click.option("--area", help='Corners "X,Y X,Y X,Y ...": size on the map and of the ground.')
@click.option(
    "--level", type=float, help="Elevation: how much of the ground in the area lies above and below."
)
@click.option("--where", help="Buildings by their attributes: how many, how much volume and plan.")
@click.option("--flood", help="Water of this flood at its greatest depth in the profile.")
@force_option
@json_option
def command(city: Path, out: Path | None, as_json: bool, force: bool, **given: Any) -> int:
    """Measure in CITY along a line, in an area, or over buildings."""
    from twin.city.model import open_city
    from twin.core.errors import UsageError

    asked = [name for name in ("line", "area", "where") if given[name] is not None]
    if len(asked) != 1:
        raise UsageError("measure", "what is asked for is not clear", "give one of --line, --area, --where")
    if out is not None and asked != ["line"]:
        raise UsageError("OUT", "only a line has a profile", "leave it out, or give --line")
    opened = open_city(city)
    if asked == ["line"]:
        figures = _line(opened, parse_places(given["line"], "--line", 2), out, given["flood"], force)
    elif asked == ["area"]:
        figures = _area(opened, parse_places(given["area"], "--area", 3), given["level"])
    else:
        figures = _buildings(opened, given["where"])
    tell_figures(figures, sentences, as_json=as_json)
    return 0


def sentences(figures: Mapping[str, Any]) -> list[str]:
    """What was measured, in words.

    Examples
    --------
    >>> sentences({"plan_m2": 100.0, "surface_m2": 104.5})
    ['on the map      100.0 m2', 'of the ground   104.5 m2']
    """
    told = [(name, _told(key, figures[key])) for key, name in _NAMES.items() if key in figures]
    return [f"{name:16}{value}" for name, value in told]


def _told(key: str, value: Any) -> str:
    unit = key.rpartition("_")[2]
    if unit in {"m", "m2", "m3"}:
        return with_unit(value, unit, digits=2 if unit == "m" else 1)
    return f"{value:,}" if isinstance(value, int) else str(value)


def parse_places(text: str, option: str, least: int) -> NDArray[np.float64]:
    """Places on the map from ``X,Y X,Y ...``; shape (n, 2).

    Raises
    ------
    UsageError
        If there are too few, or one is none.
    """
    import numpy as np

    from twin.core.errors import UsageError

    rows = [coordinates(part) or [] for part in text.split()]
    even = len({len(row) for row in rows}) == 1
    places = np.array(rows, np.float64) if even else np.empty((0, 0))
    if places.ndim != 2 or places.shape[0] < least or places.shape[1] != 2:
        raise UsageError(
            option, f"{text[:60]!r} are not {least} or more places", 'write "X,Y X,Y ..." in metres'
        )
    return places


def _line(
    city: City, line: NDArray[np.float64], out: Path | None, flood: str | None, force: bool
) -> dict[str, Any]:
    import numpy as np

    from twin.energy.standing import surroundings
    from twin.scene.measure import ground_of, length
    from twin.scene.profile import height_profile, write_profile

    around = surroundings(city)
    ground = ground_of(around)
    heights = ground.at(line)
    found = length(np.column_stack([line, np.nan_to_num(heights)]), ground)
    figures: dict[str, Any] = {
        "plan_m": round(found.plan_m, 3),
        "space_m": round(found.space_m, 3) if np.isfinite(heights).all() else None,
        "terrain_m": round(found.terrain_m, 3) if found.terrain_m is not None else None,
    }
    if out is not None:
        water = None
        if flood is not None:
            from twin.water.flood_store import read_flood

            read = read_flood(city, flood)
            water = (read.grid, read.bed_m, np.nan_to_num(read.max_depth_m))
        write_profile(height_profile(around, line, water=water), out, title=city.name, force=force)
        figures["output"] = str(out)
    return figures


def _area(city: City, corners: NDArray[np.float64], level_m: float | None) -> dict[str, Any]:
    from twin.energy.standing import surroundings
    from twin.scene.measure import area, ground_of, volume

    ground = ground_of(surroundings(city))
    found = area(corners, ground)
    figures: dict[str, Any] = {
        "plan_m2": round(found.plan_m2, 2),
        "surface_m2": None if found.surface_m2 is None else round(found.surface_m2, 2),
    }
    if level_m is not None:
        over = volume(corners, level_m, ground)
        figures |= {"above_level_m3": round(over.above_m3, 1), "below_level_m3": round(over.below_m3, 1)}
    return figures


def _buildings(city: City, expression: str) -> dict[str, Any]:
    from twin.scene.measure import volume_of_buildings
    from twin.scene.where import select

    table = city.buildings
    chosen = table[select(table, expression)]
    return {
        "buildings": len(chosen),
        "volume_m3": round(volume_of_buildings(table, chosen["id"]), 1),
        "plan_m2": round(float(chosen.geometry.area.sum()), 1),
    }
