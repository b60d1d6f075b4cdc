"""A workspace as a scene: which layers, moment, style and camera its pictures have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.scene.camera import Camera
from twin.scene.model import SceneContent
from twin.scene.shot import Shot
from twin.scene.store import NO_LAYERS
from twin.scene.workspace import Viewpoint, hidden_layers
from twin.scene.workspace_paths import own_file
from twin.scene.workspace_plan import building_lod

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.scene.workspace import Workspace

_SHOWN_KINDS = frozenset({"vector", "raster", "picture", "ortho", "model"})


@dataclass(frozen=True, slots=True)
class SceneArguments:
    """What a `Scene` is made with."""

    layers: tuple[str, ...]
    time: datetime | None
    style: str
    lod: str | None = None


def scene_arguments(
    source: City | SceneContent, workspace: Workspace, *, file: Path | None, notices: Notices
) -> SceneArguments:
    """What the scene of a workspace is made with; what this city does not have is told."""
    _tell_other_city(source, workspace, notices)
    style = workspace.style
    if style.endswith(".toml") and file is not None:
        style = str(own_file(style, file))
    return SceneArguments(
        shown_layers(source, workspace), workspace.clock.time, style, building_lod(workspace)
    )


def shown_layers(source: City | SceneContent, workspace: Workspace) -> tuple[str, ...]:
    """Names of the added layers that are shown, as `Scene` takes them: none at all means all."""
    added = _added_layers(source)
    hidden = hidden_layers(workspace)
    shown = tuple(name for name in added if name not in hidden)
    if len(shown) == len(added):
        return ()
    return shown or NO_LAYERS


def shot_of(workspace: Workspace, origin: Sequence[int]) -> Shot:
    """Camera, colours and furniture of a workspace."""
    view: str | Camera = workspace.view
    if workspace.camera is not None:
        view = local_camera(workspace.camera, origin)
    return Shot(view, workspace.color_by, workspace.furniture, workspace.layers)


def local_camera(place: Viewpoint, origin: Sequence[int]) -> Camera:
    """A viewpoint in map coordinates as a camera of a scene with this origin."""
    eye, target = ((p[0] - origin[0], p[1] - origin[1], p[2] - origin[2]) for p in (place.eye, place.target))
    return Camera(eye, target, place.view_angle_deg, place.parallel_height_m)


def viewpoint_of(camera: Camera, origin: Sequence[int]) -> Viewpoint:
    """A camera of a scene as a viewpoint in map coordinates, to the millimetre.

    Examples
    --------
    >>> viewpoint_of(Camera((0.0, -10.0, 5.0), (0.0, 0.0, 0.0)), (84000, 447000, 0)).eye
    (84000.0, 446990.0, 5.0)
    """
    eye, target = (
        (round(p[0] + origin[0], 3), round(p[1] + origin[1], 3), round(p[2] + origin[2], 3))
        for p in (camera.eye, camera.target)
    )
    return Viewpoint(eye, target, camera.view_angle_deg, camera.parallel_height_m)


def _added_layers(source: City | SceneContent) -> list[str]:
    if isinstance(source, SceneContent):
        return [overlay.name for overlay in source.overlays]
    return [name for name, layer in source.manifest.layers.items() if layer.kind in _SHOWN_KINDS]


def _tell_other_city(source: City | SceneContent, workspace: Workspace, notices: Notices) -> None:
    """Say where the workspace was made with another city, or with an earlier build of it."""
    made = workspace.city
    crs, key = (
        (source.crs, "")
        if isinstance(source, SceneContent)
        else (source.manifest.crs, source.manifest.build_key)
    )
    if made.crs and made.crs != crs:
        notices.add("workspace-crs", f"the workspace's places are in {made.crs}, the city is in {crs}")
    elif made.build_key and key and made.build_key != key:
        notices.add("workspace-build", "the city was built anew since the workspace was saved")
