"""A workspace as things to draw, made beside the interface: first something useful, then all of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from twin.core.notices import Notices
from twin.scene.bake import TABLE_TEXELS, Light, is_light_kept
from twin.scene.drawables import make_stage
from twin.scene.live_stage import LiveStage
from twin.scene.over_time import OverTime
from twin.scene.scene import Scene
from twin.scene.shot import Furniture
from twin.scene.store import is_pack_kept
from twin.scene.workspace_json import workspace_text
from twin.scene.workspace_layers import apply_looks
from twin.scene.workspace_plan import building_lod, planned_content, shows_plan, with_own_models
from twin.scene.workspace_scene import local_camera, shown_layers
from twin.viewer.elsewhere import light_elsewhere, prepare_elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from twin.city.model import City
    from twin.scene.camera import Camera
    from twin.scene.model import SceneContent
    from twin.scene.pack import ScenePack
    from twin.scene.workspace import Workspace
    from twin.viewer.work import Told


@dataclass(frozen=True, slots=True)
class Shown:
    """A scene ready to be drawn.

    Parameters
    ----------
    is_lit : bool
        Whether it has its light; else it is a first picture without shadows.
    """

    live: LiveStage
    is_lit: bool

    @property
    def scene(self) -> Scene:
        """What the stage shows."""
        return self.live.scene


def load_scene(
    city: City,
    workspace: Workspace,
    file: Path | None,
    *,
    told: Told,
    first: Callable[[Shown], None] | None = None,
) -> Shown:
    """The scene that a workspace shows; `first` is given one without shadows where light must be cast yet.

    Parameters
    ----------
    city : City
    workspace : Workspace
    file : Path, optional
        Where the workspace lies.
    told : Told
        Learns of stages; ends the work when asked.
    first : callable, optional

    Raises
    ------
    TwinError
        If the city cannot be read, or the workspace asks for what it does not have.
    """
    notices = Notices()
    workspace_text(workspace)  # what saves is imported here, before the interface keeps its first copy
    layers, lod = shown_layers(city, workspace), building_lod(workspace)
    if not is_pack_kept(city, layers, lod):  # a plan is seen from the streets of today
        told.stage("prepare", 0)
        prepare_elsewhere(city, layers, lod, told=told)
    if shows_plan(workspace):
        told.stage("plan", 0)
    told.stage("open", 0)
    source: City | SceneContent = city
    if shows_plan(workspace):
        source = planned_content(city, with_own_models(workspace, file), file=None, notices=notices)
    # The window cuts, measures and lays points and hours of sun into it by itself: nothing is loaded anew for them.
    whole = replace(workspace, section=None, survey=None, sun_hours=None, measurements=(), notes=())
    scene = Scene.from_workspace(source, whole, file=file, notices=notices)
    told.check()
    warm_up(scene, workspace)
    told.check()
    if not is_light_kept(scene.pack, scene.sun, scene.light_folder) and first is not None:
        first(Shown(_without_shadows(scene, workspace), is_lit=False))
    live = stage_of(scene_in_light(scene, told=told), workspace)
    return Shown(live, is_lit=True)


def stage_of(scene: Scene, workspace: Workspace) -> LiveStage:
    """A stage on which every part may change: floods may come, buildings be chosen, groups be faded."""
    painting, legend = scene.colouring.paint(workspace.color_by)
    stage = make_stage(
        scene.pack, scene.light, scene.style, scene.sun, painting=painting, over_time=OverTime()
    )
    live = LiveStage(scene, stage, legend)
    live.refresh()
    apply_looks(live, workspace.layers)
    return live


def _without_shadows(scene: Scene, workspace: Workspace) -> LiveStage:
    """The city alone in even light; water and marks come with the light."""
    painting, legend = scene.colouring.paint(workspace.color_by)
    light = plain_light(scene.pack)
    stage = make_stage(scene.pack, light, scene.style, scene.sun, painting=painting)
    return LiveStage(scene, stage, legend)


def scene_in_light(scene: Scene, *, told: Told) -> Scene:
    """The scene once its light is there, cast in a child process where it never was."""
    if not is_light_kept(scene.pack, scene.sun, scene.light_folder):
        told.stage("light", 0)
        light_elsewhere(scene, told=told)
    scene.cast_light(told.check)
    told.check()
    return scene


def plain_light(pack: ScenePack) -> Light:
    """Light without shadows, at once: an even sky."""
    rows, columns = pack.meta.atlas
    plan = pack.meta.plan
    even = np.array([150, 235, 0, 255], np.uint8)
    return Light(
        np.tile(even, (rows, columns, 1)),
        np.tile(even, (plan.rows, plan.columns, 1)),
        np.tile(even, (TABLE_TEXELS, TABLE_TEXELS, 1)),
        np.tile(even[:2], (len(pack["tree_form"]), 1)),
    )


def warm_up(scene: Scene, workspace: Workspace) -> None:
    """Write furniture once: what the first frame needs is there before it asks.

    Fonts are found, names written, the courses beside stations read that are seen from where one looks.
    """
    size = (1280, 800)
    place = workspace.camera
    camera = scene.camera("overview", size) if place is None else local_camera(place, scene.pack.meta.origin)
    scene.furniture(camera, size, None, Furniture())


def camera_of(workspace: Workspace, scene: Scene, size: tuple[int, int]) -> Camera:
    """Where a workspace looks from, in a picture of a width and height; a named view lies beside the legend."""
    if workspace.camera is not None:
        return local_camera(workspace.camera, scene.pack.meta.origin)
    return scene.camera(workspace.view, size, color_by=workspace.color_by, furniture=workspace.furniture)


def write_texts(
    shown: Shown, workspace: Workspace, camera: Camera | None, size: tuple[int, int], wanted: Furniture
) -> None:
    """Write names and legends once: they are kept, and the first frame need not wait for them.

    Parameters
    ----------
    camera : Camera, optional
        That of the picture, if it stays; else the workspace's.
    size : tuple of int
        Width and height of the picture, pixels.
    wanted : Furniture
    """
    scene = shown.scene
    scene.language = workspace.language
    scene.furniture(camera or camera_of(workspace, scene, size), size, shown.live.legend, wanted)
