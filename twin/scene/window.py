"""A plain window on a stage, for scripts; the desktop viewer has its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    import pyvista as pv

    plotter = pv.Plotter(window_size=list(size), title=stage.pack.meta.name)
    plotter.set_background(stage.style.unit("sky.horizon"))
    for actor in stage.actors:
        plotter.renderer.AddActor(actor)
    view = plotter.renderer.GetActiveCamera()
    view.SetPosition(*camera.eye)
    view.SetFocalPoint(*camera.target)
    view.SetViewUp(*camera.axes[1])
    view.SetViewAngle(camera.view_angle_deg)
    follow(stage, plotter.renderer)
    plotter.renderer.ResetCameraClippingRange()
    plotter.show()


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
