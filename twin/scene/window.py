"""A plain window on a stage, for scripts; the desktop viewer has its own."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from twin.core.errors import GraphicsError
from twin.scene.camera import Camera
from twin.scene.stage import aim

if TYPE_CHECKING:
    from twin.scene.stage import Stage


def show_stage(stage: Stage, camera: Camera, size: tuple[int, int]) -> None:
    """Open a PyVista window and return when it is closed.

    Raises
    ------
    GraphicsError
        If there is no screen.
    """
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        raise GraphicsError("screen", "there is none (DISPLAY is not set)", "write a picture with `snapshot`")
    plotter_of(stage, camera, size).show()


def plotter_of(stage: Stage, camera: Camera, size: tuple[int, int], *, notebook: bool = False) -> Any:
    """A PyVista plotter that shows a stage, for windows and for notebooks."""
    import pyvista as pv

    for actor, width_px, _ in stage.lines:
        actor.GetProperty().SetLineWidth(width_px)
    plotter = pv.Plotter(
        window_size=list(size), title=stage.pack.meta.name, notebook=notebook, off_screen=notebook or None
    )
    plotter.set_background(stage.style.unit("sky.horizon"))
    for actor in stage.actors:
        plotter.renderer.AddActor(actor)
    plotter.camera_position = [camera.eye, camera.target, tuple(camera.axes[1])]
    plotter.camera.view_angle = camera.view_angle_deg
    if camera.parallel_height_m is not None:
        plotter.enable_parallel_projection()
        plotter.camera.parallel_scale = camera.parallel_height_m / 2
    follow(stage, plotter.renderer)
    return plotter


def follow(stage: Stage, renderer: Any) -> None:
    """Tell the shaders of a stage where the camera of a renderer stands, before every frame."""

    def tell(*_: Any) -> None:
        aim(stage, camera_of(renderer), renderer.GetSize()[1] or 1)

    renderer.AddObserver("StartEvent", tell)


def camera_of(renderer: Any) -> Camera:
    """The camera of a VTK renderer as ours."""
    view = renderer.GetActiveCamera()
    parallel = 2 * view.GetParallelScale() if view.GetParallelProjection() else None
    return Camera(view.GetPosition(), view.GetFocalPoint(), view.GetViewAngle(), parallel)
