"""From a stage and a camera to pixels, in pieces, so that a picture of any size keeps to the same memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

from twin.scene.stage import turn_over

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.camera import Camera
    from twin.scene.stage import Stage

MAX_SIDE_PX = 16_384
_PIECE_PIXELS = 960 * 544
_SMALL_PICTURE = 1_000_000
MIRROR_PIXEL_M = 0.35


def render(stage: Stage, camera: Camera, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture of the stage.

    Parameters
    ----------
    stage : Stage
    camera : Camera
    size : tuple of int
        Width and height, pixels.

    Returns
    -------
    array, shape (height, width, 3)
        uint8.

    Raises
    ------
    GraphicsError
        If this machine cannot draw.
    """
    from twin.scene.canvas import Canvas

    with Canvas(size) as canvas:
        return canvas.draw(stage, camera)


def samples_a_side(size: tuple[int, int]) -> int:
    """How many samples across and down make a pixel of a picture."""
    return 3 if size[0] * size[1] <= _SMALL_PICTURE else 2


def set_line_widths(stage: Stage, scale: float) -> None:
    """Lines as wide as a picture of this many samples needs them."""
    for actor, width_px, _ in stage.lines:
        actor.GetProperty().SetLineWidth(width_px * scale)
    if stage.points is not None:
        stage.points.scale(scale)


def mirror_image(
    stage: Stage, window: Any, camera: Camera, projection: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], tuple[float, float]]:
    """What the water mirrors, drawn in a quarter of the window, and the scale from window pixels to the picture."""
    from vtkmodules.vtkRenderingCore import vtkRenderer

    renderer = vtkRenderer()
    renderer.SetViewport(0, 0, 0.5, 0.5)
    renderer.SetBackground(0, 0, 0)
    renderer.SetBackgroundAlpha(0.0)
    for actor in stage.mirrored:
        renderer.AddActor(actor)
    turn_over(stage, camera.eye)
    point_camera(renderer.GetActiveCamera(), camera, projection)
    window.AddRenderer(renderer)
    window.Render()
    width, height = (s // 2 for s in window.GetSize())
    pixels = vtkUnsignedCharArray()
    window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
    image = vtk_to_numpy(pixels).reshape(height, width, 4)
    window.RemoveRenderer(renderer)
    turn_over(stage, None)
    return image, (1 / (2 * width), 1 / (2 * height))


def pieces(size: tuple[int, int]) -> tuple[int, int, list[tuple[int, int]]]:
    """Width and height of the equal pieces of a picture, and column and row of each; the last may stick out."""
    width, height = size
    n = math.ceil(width * height / _PIECE_PIXELS)
    # As few as will do, and of those the squarest.
    ways = [(across, math.ceil(n / across)) for across in range(1, n + 1)]
    across, down = min(
        ways, key=lambda way: (way[0] * way[1], abs(math.log(width * way[1] / height / way[0])))
    )
    w, h = math.ceil(width / across), math.ceil(height / down)
    return w, h, [(x, y) for y in range(0, height, h) for x in range(0, width, w)]


def make_renderer(stage: Stage, line_scale: float) -> Any:
    """A renderer of all actors of a stage, with lines this many times as wide."""
    from vtkmodules.vtkRenderingCore import vtkRenderer

    renderer = vtkRenderer()
    renderer.SetBackground(*stage.style.unit("sky.horizon"))
    # Translucent lines are simply laid over what is there: no peeling, and no buffers for mixing in any order.
    renderer.SetUseDepthPeeling(False)
    renderer.SetUseOIT(False)
    for actor in stage.actors:
        renderer.AddActor(actor)
    for actor, width_px, _ in stage.lines:
        actor.GetProperty().SetLineWidth(width_px * line_scale)
    return renderer


def depth_range(stage: Stage, camera: Camera) -> tuple[float, float]:
    """Nearest and farthest depth that is drawn, metres: tight, since depth has few bits far away."""
    from twin.scene.camera import project

    block = stage.pack.meta.block
    corners = np.array([(block[i], block[j], z) for i in (0, 2) for j in (1, 3) for z in block[4:]])
    depth = project(camera, corners, (1, 1))[:, 2]
    reach = 32 * max(block[2] - block[0], block[3] - block[1], 100.0)
    near = max(0.25, 0.5 * float(depth.min())) if depth.min() > 0 else 0.25
    return near, reach + float(np.linalg.norm(np.subtract(camera.eye, corners.mean(axis=0))))


def point_camera(vtk_camera: Any, camera: Camera, projection: NDArray[np.float64]) -> None:
    """Aim VTK's camera at one piece of the picture, by a projection that shows just that piece."""
    vtk_camera.SetPosition(*camera.eye)
    vtk_camera.SetFocalPoint(*camera.target)
    vtk_camera.SetViewUp(*camera.axes[1])
    vtk_camera.SetExplicitProjectionTransformMatrix(_matrix(projection))
    vtk_camera.SetUseExplicitProjectionTransformMatrix(True)


def piece_projection(
    camera: Camera,
    size: tuple[int, int],
    piece: tuple[float, float, float, float],
    depth: tuple[float, float],
) -> NDArray[np.float64]:
    """Matrix from view coordinates to the clip coordinates of one piece of a picture, shape (4, 4)."""
    width, height = size
    x, y, w, h = piece
    near, far = depth
    whole = np.zeros((4, 4))
    if camera.parallel_height_m is not None:
        whole[1, 1] = 2 / camera.parallel_height_m
        whole[0, 0] = whole[1, 1] * height / width
        whole[2, 2], whole[2, 3], whole[3, 3] = -2 / (far - near), -(far + near) / (far - near), 1
    else:
        whole[1, 1] = 1 / math.tan(math.radians(camera.view_angle_deg) / 2)
        whole[0, 0] = whole[1, 1] * height / width
        whole[2, 2], whole[2, 3], whole[3, 2] = (
            -(far + near) / (far - near),
            -2 * far * near / (far - near),
            -1,
        )
    crop = np.eye(4)
    crop[0, 0], crop[1, 1] = width / w, height / h
    crop[0, 3] = -((2 * x + w) / width - 1) * crop[0, 0]
    crop[1, 3] = ((2 * y + h) / height - 1) * crop[1, 1]
    return crop @ whole


def _matrix(values: NDArray[np.float64]) -> Any:
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    matrix = vtkMatrix4x4()
    for i in range(4):
        for j in range(4):
            matrix.SetElement(i, j, float(values[i, j]))
    return matrix


def read_pixels(window: Any, fine: int) -> NDArray[np.uint8]:
    """Pixels of the window, averaged down, row 0 on top."""
    width, height = window.GetSize()
    pixels = vtkUnsignedCharArray()
    window.GetPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
    image = Image.fromarray(vtk_to_numpy(pixels).reshape(height, width, 3))
    return np.asarray(image.reduce(fine))[::-1]
