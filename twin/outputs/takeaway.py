"""What a presenter hands to a visitor: one of everything that a city can be made into, in a folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from twin.city.export_options import TAKEN, ExportOptions
from twin.city.model import suffix_of
from twin.core.assets import asset_path
from twin.core.errors import ExtraMissingError, OutputExistsError
from twin.core.files import make_folder, write_text
from twin.outputs.batch import write_batch
from twin.outputs.batch_file import read_batch
from twin.outputs.film import write_film
from twin.outputs.film_plan import FilmOptions, plan_film
from twin.outputs.snapshot import source_key
from twin.outputs.takeaway_texts import NOTEBOOK, README, STILLS, notebook_text, readme_text, shots_text
from twin.scene.workspace import Tour, TourStop
from twin.scene.workspace_paths import relative_text
from twin.scene.workspace_scene import viewpoint_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.core.progress import Progress
    from twin.scene.scene import Scene

FILM_S, FILM_FPS, FILM_SIZE = 10.0, 15.0, (1280, 720)
GIF_S, GIF_FPS, GIF_SIZE = 6.0, 10.0, (640, 360)
STILL_SIZE = "1920x1080"
TABLE_M = 0.6
PRINT_SCALE = 4000.0


@dataclass(frozen=True, slots=True)
class Storm:
    """A flood of the city, and when it is greatest.

    Parameters
    ----------
    name : str
    start, peak, end : datetime
        With the offset that pictures shall tell.
    """

    name: str
    start: datetime
    peak: datetime
    end: datetime


def write_takeaway(
    city: City,
    folder: Path,
    *,
    flood: str | None = None,
    utc_offset_h: float = 0.0,
    views: Sequence[Path] = (),
    force: bool = False,
    notices: Notices,
    progress: Progress,
) -> list[str]:
    """Make film, GIF, page, models, print, stills and notebook; their names.

    What needs a package that is not installed is left out, and told with the command that brings it.

    Parameters
    ----------
    city : City
    folder : Path
    flood : str, optional
        Flood that film, page and stills show; without one the film turns around the city.
    utc_offset_h : float
        Offset of the times that pictures tell.
    views : sequence of Path
        Camera files for stills, besides the overview; the film approaches the last one.
    force : bool
        Whether files of an earlier takeaway may be replaced.
    notices : Notices
    progress : Progress

    Raises
    ------
    OutputExistsError
        If the folder holds a takeaway and `force` is false.
    TwinError
        If a part cannot be made.
    """
    if (folder / README).exists() and not force:
        raise OutputExistsError(
            folder, "holds a takeaway already, which was kept", "pass --force to replace it"
        )
    make_folder(folder)
    storm = storm_of(city, flood, utc_offset_h) if flood else None
    job = _Job(city, storm, tuple(views), notices, progress)
    parts: dict[str, Callable[[_Job, Path], None]] = {
        **dict.fromkeys(_models(storm), _model),
        "film.mp4": _film,
        "film.gif": _film,
        STILLS: _stills,
        NOTEBOOK: _notebook,
    }
    made = []
    for name, make in parts.items():
        try:
            make(job, folder / name)
            made.append(name)
        except ExtraMissingError as error:
            notices.add("takeaway", f"{name} was left out: {error}", subject=name)
    text = readme_text(made, city=city.manifest.name, attribution=" · ".join(_attribution(city)))
    write_text(folder / README, text)
    return [README, *made]


@dataclass(frozen=True, slots=True)
class _Job:
    """What every part is made from."""

    city: City
    storm: Storm | None
    views: tuple[Path, ...]
    notices: Notices
    progress: Progress


def _models(storm: Storm | None) -> dict[str, ExportOptions]:
    """Models that there is a writer for, and how they are asked for."""
    plate = ExportOptions(for_print=True, scale=PRINT_SCALE)
    page = (
        ExportOptions(flood=storm.name, start=storm.start, end=storm.end)
        if storm is not None
        else ExportOptions()
    )
    wanted = {
        "page.html": page,
        "city.glb": ExportOptions(),
        "table.usdz": ExportOptions(size_m=TABLE_M),
        "print.3mf": plate,
        "print.stl": plate,
    }
    return {
        name: options
        for name, options in wanted.items()
        if suffix_of(Path(name)) and options.given <= TAKEN.get(suffix_of(Path(name)), frozenset())
    }


def storm_of(city: City, flood: str, utc_offset_h: float = 0.0) -> Storm:
    """First and last moment of a flood, and the one at which most water stands on the city.

    Raises
    ------
    TwinError
        If the city has no such flood.
    """
    from twin.water.flood_store import read_flood

    found = read_flood(city, flood)
    volume = [
        float(found.depth_m(step).clip(min=0).sum(where=found.depth_m(step) > 0))
        for step in range(found.n_steps)
    ]
    zone = timezone(timedelta(hours=utc_offset_h))
    moments = [
        datetime.fromtimestamp(int(t), UTC).astimezone(zone)
        for t in found.times.astype("datetime64[s]").astype(int)
    ]
    return Storm(flood, moments[0], moments[max(range(len(volume)), key=volume.__getitem__)], moments[-1])


def _stills(job: _Job, folder: Path) -> None:
    make_folder(folder)
    file, storm = folder / "shots.toml", job.storm
    text = shots_text(
        city=relative_text(job.city.path, file),
        views=["overview", *(relative_text(view, file) for view in job.views), "top", "street"],
        times=[storm.peak.isoformat()] if storm else [""],
        layers=["", storm.name] if storm else [""],
        size=STILL_SIZE,
    )
    write_text(file, text)
    write_batch(job.city, read_batch(file), force=True, notices=job.notices, progress=job.progress)


def _film(job: _Job, path: Path) -> None:
    from twin.scene.scene import Scene

    is_gif, storm = path.suffix == ".gif", job.storm
    options = FilmOptions(
        size=GIF_SIZE if is_gif else FILM_SIZE,
        fps=GIF_FPS if is_gif else FILM_FPS,
        seconds=GIF_S if is_gif else FILM_S,
    )
    if storm is None:
        scene, options = Scene(job.city, notices=job.notices), replace(options, orbits=True)
    else:
        scene = Scene(job.city, [storm.name], notices=job.notices)
        captions = None if is_gif else asset_path("takeaway/captions.toml")
        options = replace(options, time_range=(storm.start, storm.end), still_sun=True, captions=captions)
        if job.views and not is_gif:
            options = replace(options, tour=_approach(scene, job.views[-1]))
    plan = plan_film(scene, options, source_key=source_key(job.city))
    write_film(plan, path, force=True, notices=job.notices, progress=job.progress)


def _approach(scene: Scene, view: Path) -> Tour:
    """From the overview slowly to a view, so that the water comes near when it stands highest."""
    places = [scene.camera(v, FILM_SIZE) for v in ("overview", view)]
    far, near = (viewpoint_of(place, scene.pack.meta.origin) for place in places)
    return Tour("approach", (TourStop(far, hold_s=2.0), TourStop(near, travel_s=6.5, hold_s=1.5)))


def _model(job: _Job, path: Path) -> None:
    job.progress.stage(path.name, 1)
    job.city.export(path, force=True, options=_models(job.storm)[path.name], notices=job.notices)
    job.progress.advance()


def _notebook(job: _Job, path: Path) -> None:
    text = notebook_text(
        city=relative_text(job.city.path, path),
        flood=job.storm.name if job.storm else None,
        moment=job.storm.peak.isoformat() if job.storm else None,
    )
    write_text(path, text)


def _attribution(city: City) -> list[str]:
    texts = (layer.provenance.attribution for layer in city.manifest.layers.values())
    return list(dict.fromkeys(text for text in texts if text))
