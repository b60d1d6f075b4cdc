"""``twin demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.console import json_option, progress, tell, tell_json, tell_notices
from twin.core.errors import UsageError

if TYPE_CHECKING:
    from twin.core.notices import Notices
    from twin.core.progress import Progress
    from twin.demo.district import DistrictFiles

EXAMPLES = """\b
Examples:
  twin demo
  twin demo busan --buildings 1000 --density 12 --seed 7
  twin demo inputs --buildings 20000 --unclassified --inputs-only
  twin demo busan --takeaway for-visitors
"""
PICTURE_SIZE = (1920, 1080)
KOREA_H = 9.0
"""Hours that the district's clocks are ahead of UTC."""
CITY = "district.twin"


@click.command(epilog=EXAMPLES)
@click.argument("folder", metavar="[DIR]", default="district", type=click.Path(path_type=Path))
@click.option("--buildings", type=click.IntRange(1), default=400, help="How many.  [default: 400]")
@click.option(
    "--density", type=click.FloatRange(0.5, 60), default=8.0, help="Laser points per m2.  [default: 8]"
)
@click.option("--unclassified", is_flag=True, help="Deliver the points without classes.")
@click.option("--seed", type=int, default=1, help="Another number makes another district.  [default: 1]")
@click.option("--inputs-only", is_flag=True, help="Stop before building.")
@click.option(
    "--takeaway",
    type=click.Path(path_type=Path),
    help="Make one of everything for a visitor in this folder: film, GIF, page, models, print, stills, notebook.",
)
@click.option(
    "--workers", type=click.IntRange(1), default=None, help="Processes.  [default: one for each core]"
)
@json_option
def command(
    folder: Path,
    as_json: bool,
    inputs_only: bool,
    takeaway: Path | None,
    workers: int | None,
    **given: Any,
) -> int:
    """Make a district in DIR, survey it by a simulated laser, build the city, compare it, replay a storm, draw it."""
    from twin.core.notices import Notices
    from twin.core.tasks import default_workers

    if takeaway is not None and inputs_only:
        raise UsageError("--takeaway", "needs a city, which --inputs-only does not build", "leave one out")
    workers = workers or default_workers()
    notices = Notices()
    try:
        with progress() as listener:
            files = _generate(folder, given, workers, listener)
            answer: dict[str, Any] = {"folder": str(folder), "inputs": [str(p) for p in files.paths()]}
            if not inputs_only:
                answer |= _build(files, folder, workers, notices, listener)
                answer["flood"] = _flood(files, folder / CITY, given, notices, listener)
            if takeaway is not None and not inputs_only:
                answer["takeaway"] = _take_away(files, Path(answer["city"]), takeaway, notices, listener)
    finally:
        tell_notices(notices)
    if as_json:
        tell_json({**{k: v for k, v in answer.items() if k != "table"}, "notices": notices.as_json()})
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
    from twin.city.options import BuildOptions
    from twin.demo.comparison import compare_model
    from twin.demo.live import bring_to_life

    options = BuildOptions(
        points=tuple(str(p) for p in files.survey),
        output=folder / CITY,
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
    listener.stage("comparing with the truth", 1)
    found = compare_model(options.output, files.truth)
    listener.advance()
    live = bring_to_life(options.output, files.things, files.storm, notices=notices, progress=listener)
    pictures = _draw(files, options.output, notices, listener)
    return {**summary, "truth": found.as_json(), "table": found.lines(), "live": live, "pictures": pictures}


def _flood(
    files: DistrictFiles, city: Path, given: dict[str, Any], notices: Notices, listener: Progress
) -> dict[str, Any] | None:
    """The typhoon over the district; None where it is too large for that."""
    from twin.city.model import open_city
    from twin.demo.layout import make_layout
    from twin.demo.typhoon import NAME, flood_district, outcome

    flooded = flood_district(open_city(city), files.typhoon, notices=notices, progress=listener)
    if NAME not in flooded.manifest.layers:
        return None
    return outcome(flooded, make_layout(given["buildings"], seed=given["seed"])).as_json()


def _draw(files: DistrictFiles, city: Path, notices: Notices, listener: Progress) -> list[str]:
    """Pictures from the named views and from the good places that the district knows."""
    from twin.city.model import open_city
    from twin.outputs.snapshot import write_snapshot

    places = {"overview": "overview", **{p.stem: str(p) for p in files.views}, "top": "top"}
    listener.stage("drawing", len(places))
    opened, pictures = open_city(city), []
    for name, view in places.items():
        out = files.folder / f"{name}.png"
        write_snapshot(opened, out, size=PICTURE_SIZE, view=view, force=True, notices=notices)
        pictures.append(str(out))
        listener.advance()
    return pictures


def _take_away(
    files: DistrictFiles, city: Path, folder: Path, notices: Notices, listener: Progress
) -> list[str]:
    """One of everything for a visitor, with the storm in it where the city has one."""
    from twin.city.model import open_city
    from twin.outputs.takeaway import write_takeaway

    opened = open_city(city)
    floods = [name for name, layer in opened.manifest.layers.items() if layer.kind == "flood"]
    made = write_takeaway(
        opened,
        folder,
        flood=floods[0] if floods else None,
        utc_offset_h=KOREA_H,
        views=files.views,
        force=True,
        notices=notices,
        progress=listener,
    )
    return [str(folder / name) for name in made]


def _lines(answer: dict[str, Any]) -> list[str]:
    folder, city = Path(answer["folder"]), answer.get("city")
    if city is None:
        survey, footprints = folder / "survey", folder / "footprints.gpkg"
        return [
            f"{folder}: {len(answer['inputs'])} input files, and the truth in {folder / 'truth'}",
            f"next: twin build {survey} --footprints {footprints} --id-field id -o {folder / 'mine.twin'}",
            f"      twin check {folder / 'mine.twin'} --truth {folder / 'truth'}",
        ]
    states = ", ".join(f"{n} {state}" for state, n in answer["states"].items())
    return [
        f"{city}: {answer['buildings']} footprints ({states})",
        "",
        *answer["table"],
        "",
        _live_line(answer["live"]),
        *_flood_lines(answer.get("flood")),
        *(f"picture: {p}" for p in answer["pictures"]),
        *(f"takeaway: {p}" for p in answer.get("takeaway", ())),
        f"next: twin info {city}",
        f"      twin snapshot {city} heights.png --color-by height_m --view {folder / 'views' / 'river.json'}",
        f"      twin export {city} {folder / 'district.glb'}",
        f"      twin check {city} --truth {folder / 'truth'} --json",
        f"      twin live alarms {city} --time 2026-08-28T06:20:00Z",
        f"      twin flood level {city} --gauge river-1:water_level --time 2026-08-28T06:20:00Z --name now",
    ]


def _live_line(live: dict[str, Any]) -> str:
    counts = f"{live['stored'] + live['duplicates']:,} observations of {live['things']} things"
    return f"live: {counts}, {live['alarm_events']} events of alarms"


def _flood_lines(flood: dict[str, Any] | None) -> list[str]:
    """The typhoon in two lines; moments in UTC."""
    if flood is None:
        return []
    roads, wet = (
        f"{flood[k]} of {flood[of]}" for k, of in (("roads_closed", "roads"), ("buildings_wet", "buildings"))
    )
    shut = [f"{u['name']} closes {_span(u)} ({u['depth_m']:.2f} m)" for u in flood["underpasses"]]
    if flood["hospital"]:
        shut.append(f"{flood['hospital']['name']} has no safe road to the north {_span(flood['hospital'])}")
    head = f"flood {flood['name']}: {flood['m2_wet']:,.0f} m2 wet, {roads} roads close, {wet} buildings wet"
    return [head, *(f"  {line}" for line in shut), ""]


def _span(shut: dict[str, Any]) -> str:
    until = "the end" if shut["until"] is None else shut["until"][11:16]
    return f"{shut['since'][11:16]} to {until} UTC"
