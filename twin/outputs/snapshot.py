"""A still picture of a city, as the command line asks for it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from twin.core.errors import OutputExistsError, UsageError
from twin.core.files import sha256

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.scene.scene import Scene


def write_snapshot(
    city: City,
    out: Path,
    *,
    size: tuple[int, int] = (1920, 1080),
    view: str | None = None,
    time: str | None = None,
    layers: Sequence[str] = (),
    color_by: str | None = None,
    style: str | None = None,
    title: str | None = None,
    language: str | None = None,
    workspace: Path | None = None,
    sidecar: bool = False,
    force: bool = False,
    notices: Notices,
) -> Path:
    """Draw a city into a PNG file; the file.

    Parameters
    ----------
    city : City
    out : Path
        Ends in ``.png``.
    size : tuple of int
        Width and height, pixels.
    view : str, optional
        A named view or a camera file; the overview if not given.
    time : str, optional
        ISO 8601 with its offset; decides where the sun stands.
    layers : sequence of str
        Added layers to show; empty shows all.
    color_by : str, optional
        Attribute that colours buildings, with ``:map`` or ``:5,10,20`` behind it if wanted.
    style : str, optional
        ``light`` (if not given), ``dark``, ``states``, ``quality`` or a style file.
    title : str, optional
        The city's name if not given; an empty one writes none.
    language : str, optional
        Of legend, scale and remarks: ``en``, ``ko`` or ``fi``; English, or the workspace's, if not given.
    workspace : Path, optional
        File of a workspace that tells what the other arguments do not.
    sidecar : bool
        Write what the picture was made from beside it, as ``OUT.json``.
    force : bool
        Whether an existing file may be replaced.
    notices : Notices

    Raises
    ------
    OutputExistsError
        If the file is there and `force` is false; asked before anything is drawn.
    UsageError
        If the suffix is not ``.png``, or an option cannot be meant.
    GraphicsError
        If this machine cannot draw.
    LimitError
        If the picture would be too large.
    """
    from twin.scene.shot import check_size

    if out.suffix.lower() != ".png":
        raise UsageError(out, "pictures are written as PNG", f"call it {out.with_suffix('.png').name}")
    if out.exists() and not force:
        raise OutputExistsError(out, "exists already and was kept", "pass --force to replace it")
    check_size(size)
    scene = wanted_scene(
        city,
        workspace=workspace,
        layers=layers,
        time=time,
        style=style,
        title=title,
        language=language,
        notices=notices,
    )
    camera = scene.camera(view, size, color_by=color_by)
    scene.snapshot(out, size=size, view=camera, color_by=color_by, force=force)
    if sidecar:
        from twin.outputs.sidecar import describe, write_sidecar

        furniture = scene.shot.furniture
        told = describe(city, scene, camera, size=size, color_by=color_by, furniture=furniture)
        write_sidecar(out, told, sha256=sha256(out))
    return out


def wanted_scene(
    city: City,
    *,
    workspace: Path | None = None,
    layers: Sequence[str] = (),
    time: str | None = None,
    style: str | None = None,
    title: str | None = None,
    language: str | None = None,
    notices: Notices,
) -> Scene:
    """The scene of a workspace, if one is named, with what was asked for besides. Parameters as in `write_snapshot`."""
    from twin.core.translations import load_texts

    words = None if language is None else load_texts(language).language
    scene = _wanted_scene(
        city, workspace=workspace, layers=layers, time=time, style=style, title=title, notices=notices
    )
    scene.language = words or scene.language
    return scene


def _wanted_scene(
    city: City,
    *,
    workspace: Path | None,
    layers: Sequence[str],
    time: str | None,
    style: str | None,
    title: str | None,
    notices: Notices,
) -> Scene:
    from twin.energy.sun import parse_time
    from twin.scene.scene import Scene
    from twin.scene.shot import Furniture
    from twin.scene.workspace_json import read_workspace

    if workspace is None:
        scene = Scene(city, layers, time=time, style=style or "light", notices=notices)
        scene.shot = replace(scene.shot, furniture=Furniture(title=title))
        return scene
    wanted = read_workspace(workspace)
    if time is not None:
        wanted = replace(wanted, clock=replace(wanted.clock, time=parse_time(time)))
    if style is not None:
        wanted = replace(wanted, style=style)
    if title is not None:
        wanted = replace(wanted, furniture=replace(wanted.furniture, title=title))
    file = (
        workspace if style is None else None
    )  # a style that was asked for is seen from here, not from there
    return Scene.from_workspace(city, wanted, layers=layers, file=file, notices=notices)


def source_key(city: City) -> str:
    """Digest of all that a city's pictures are made from: its manifest, which has the digest of every file."""
    from twin.city.manifest import manifest_text

    return hashlib.sha256(manifest_text(city.manifest).encode()).hexdigest()
