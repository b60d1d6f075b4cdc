"""Many pictures of a city in one warm process: each with what it was made from beside it, and all on one sheet."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from twin.core.errors import OutputExistsError
from twin.core.files import make_folder, sha256
from twin.core.pixels import parse_size
from twin.outputs.contact_sheet import write_contact_sheets
from twin.outputs.sidecar import describe, picture_key, sidecar_path, write_sidecar
from twin.outputs.snapshot import wanted_scene
from twin.scene.studio import Studio

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.core.progress import Progress
    from twin.outputs.batch_file import Batch, Shot
    from twin.scene.camera import Camera
    from twin.scene.scene import Scene

CONTACT_SHEET = "contact-sheet.png"


@dataclass(frozen=True, slots=True)
class Planned:
    """One picture before it is drawn: nothing about it can fail any more but drawing and writing."""

    path: Path
    scene: Scene
    camera: Camera
    size: tuple[int, int]
    color_by: str | None
    told: dict[str, Any]


def write_batch(
    city: City, batch: Batch, *, force: bool = False, notices: Notices, progress: Progress
) -> dict[str, Any]:
    """Draw all pictures of a batch; which were drawn, which were there already, and the contact sheets.

    Parameters
    ----------
    city : City
    batch : Batch
    force : bool
        Whether other pictures of the same names may be replaced.
    notices : Notices
    progress : Progress

    Raises
    ------
    OutputExistsError
        If another picture has one of the names and `force` is false; asked before anything is drawn.
    UsageError
        If a view, time, layer, attribute or style cannot be meant.
    """
    planned = plan_batch(city, batch, notices=notices)
    kept = {p.path for p in planned if _is_kept(p)}
    for one in planned:
        if one.path.exists() and one.path not in kept and not force:
            raise OutputExistsError(
                one.path,
                "exists already and was kept, of other data or of another look",
                "pass --force to replace it",
            )
    make_folder(batch.out)
    progress.stage("drawing", len(planned))
    progress.advance(len(kept))
    _draw([p for p in planned if p.path not in kept], progress)
    sheets: list[Path] = []
    if batch.contact_sheet:
        progress.stage("contact sheet", 1)
        sheets = write_contact_sheets(
            [p.path for p in planned], batch.out / CONTACT_SHEET, planned[0].scene.style
        )
        progress.advance()
    drawn = [str(p.path) for p in planned if p.path not in kept]
    return {"drawn": drawn, "kept": sorted(map(str, kept)), "contact_sheets": [str(p) for p in sheets]}


def plan_batch(city: City, batch: Batch, *, notices: Notices) -> list[Planned]:
    """Every picture with its scene and camera; scenes that differ in time alone share what they are made of."""
    scenes: dict[tuple[Any, ...], Scene] = {}
    return [_planned(city, batch, shot, scenes, notices) for shot in batch.shots]


def _planned(
    city: City, batch: Batch, shot: Shot, scenes: dict[tuple[Any, ...], Scene], notices: Notices
) -> Planned:
    size = parse_size(shot.size)
    key = (shot.layers, shot.style)
    if key not in scenes:
        scenes[key] = wanted_scene(
            city,
            workspace=batch.workspace,
            layers=shot.layers,
            style=shot.style or None,
            language=batch.language,
            notices=notices,
        )
    at = (*key, shot.time)
    if at not in scenes:
        scenes[at] = scenes[key].at(shot.time) if shot.time else scenes[key]
    scene, color_by = scenes[at], shot.color_by or None
    scene.colours(color_by)
    furniture = replace(scene.shot.furniture, **{k: v for k, v in batch.furniture.items() if v is not None})
    scene.shot = replace(scene.shot, furniture=furniture)
    camera = scene.camera(shot.view or None, size, color_by=color_by)
    told = describe(city, scene, camera, size=size, color_by=color_by, furniture=furniture)
    return Planned(batch.out / shot.name, scene, camera, size, color_by, told)


def _is_kept(planned: Planned) -> bool:
    """Whether the picture lies there already, made from the same and untouched since."""
    try:
        beside = json.loads(sidecar_path(planned.path).read_text(encoding="utf-8"))
        return bool(
            beside.get("key") == picture_key(planned.told) and beside.get("sha256") == sha256(planned.path)
        )
    except (OSError, ValueError, AttributeError):
        return False


def _draw(planned: list[Planned], progress: Progress) -> None:
    """Like after like, so that little has to be made anew; one picture is written while the next is drawn."""
    order = sorted(range(len(planned)), key=lambda i: (planned[i].size, *_sameness(planned[i]), i))
    studio: Studio | None = None
    written: Future[None] | None = None
    with ThreadPoolExecutor(1) as writer:
        try:
            for i in order:
                one = planned[i]
                if studio is None or studio.size != one.size:
                    if studio is not None:
                        studio.close()
                    studio = Studio(one.size, keeps_light=True)
                picture = studio.picture(one.scene, one.camera, color_by=one.color_by)
                if written is not None:
                    written.result()
                written = writer.submit(_write, one, picture)
                progress.advance()
            if written is not None:
                written.result()
        finally:
            if studio is not None:
                studio.close()


def _sameness(one: Planned) -> tuple[str, ...]:
    told = one.told
    return (
        str(told["style"]),
        str(told["layers"]),
        str(told["sun"]),
        str(told["time"]),
        str(told["color_by"]),
    )


def _write(one: Planned, picture: NDArray[Any]) -> None:
    from twin.scene.png import write_png

    write_png(one.path, picture, one.scene.pack.meta, one.camera, one.scene.sun, force=True)
    write_sidecar(one.path, one.told, sha256=sha256(one.path))
