"""Tours of cameras from files: TOML or JSON with the stops that a workspace's tour has."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.errors import InputError, InputNotFoundError, UsageError
from twin.core.files import guard_storage
from twin.scene.workspace import Tour
from twin.scene.workspace_json import read_part
from twin.scene.workspace_scene import viewpoint_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.scene.scene import Scene

_MAX_BYTES = 4 * 2**20
SUFFIXES = (".toml", ".json")


def find_tour(wanted: str, known: Sequence[Tour], *, scene: Scene, size: tuple[int, int]) -> Tour:
    """The tour of a file, or one of these by its name.

    Parameters
    ----------
    wanted : str
        Path that ends in ``.toml`` or ``.json``, or a name.
    known : sequence of Tour
        Those of the workspace.
    scene : Scene
        Whose named views the file may use.
    size : tuple of int
        Of the picture: named views are fitted to it.

    Raises
    ------
    UsageError
        If no tour has that name.
    InputError, InputNotFoundError
        If the file is damaged or not there.
    """
    if Path(wanted).suffix.lower() in SUFFIXES:
        return read_tour(Path(wanted), scene=scene, size=size)
    for tour in known:
        if tour.name == wanted:
            return tour
    names = ", ".join(t.name for t in known)
    remedy = f"choose one of {names}, or a .toml or .json file" if names else "name a .toml or .json file"
    raise UsageError("--tour", f"there is no tour {wanted!r}", remedy)


def read_tour(path: Path, *, scene: Scene, size: tuple[int, int]) -> Tour:
    """The tour of a file: ``name``, ``is_closed`` and ``[[stops]]``, each with a ``camera`` or the name of a ``view``.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    InputError
        If it is damaged, or a stop cannot be meant.
    """
    data = _table(path)
    stops = data.get("stops", [])
    if not isinstance(stops, list) or not all(isinstance(s, dict) for s in stops):
        raise InputError(f"{path}: stops", "must be a list of tables", "write [[stops]] with view or camera")
    data["stops"] = [_with_camera(stop, scene, size) for stop in stops]
    tour: Tour = read_part(Tour, {"name": path.stem, **data}, where=path)
    return tour


def _with_camera(stop: dict[str, Any], scene: Scene, size: tuple[int, int]) -> dict[str, Any]:
    if not isinstance(stop.get("view"), str) or "camera" in stop:
        return stop
    place = viewpoint_of(scene.camera(stop["view"], size), scene.pack.meta.origin)
    camera = {"eye": place.eye, "target": place.target, "view_angle_deg": place.view_angle_deg}
    if place.parallel_height_m is not None:
        camera["parallel_height_m"] = place.parallel_height_m
    return {**{k: v for k, v in stop.items() if k != "view"}, "camera": camera}


def _table(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputNotFoundError(path, "there is no such tour", "check the path")
    with guard_storage(path), path.open("rb") as handle:
        raw = handle.read(_MAX_BYTES + 1)
    if len(raw) > _MAX_BYTES:
        raise InputError(path, f"is over {_MAX_BYTES >> 20} MiB long", "a tour takes some kilobytes")
    try:
        text = raw.decode("utf-8-sig")
        data = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:160]
        raise InputError(path, f"is no tour ({why})", "write TOML or JSON with stops") from error
    if not isinstance(data, dict):
        raise InputError(path, "is no tour (no table)", "write TOML or JSON with stops")
    return data
