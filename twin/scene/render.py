"""From a stage and a camera to pixels, in pieces, so that a picture of any size keeps to the same memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

    from twin.scene.camera import Camera
    from twin.scene.stage import Stage

MAX_SIDE_PX = 16_384
# Each piece costs the geometry once more, a tenth of a still of 8K with half as many samples; twice as many save
# little more and take 250 MB.
_PIECE_SAMPLES = 4_200_000
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


def pieces(size: tuple[int, int]) -> tuple[int, int, list[tuple[int, int]]]:
    """Width and height of the equal pieces of a picture, and column and row of each; the last may stick out."""
    width, height = size
    n = math.ceil(width * height * samples_a_side(size) ** 2 / _PIECE_SAMPLES)
    # As few as will do, and of those the squarest.
    ways = [(across, math.ceil(n / across)) for across in range(1, n + 1)]
    across, down = min(
        ways, key=lambda way: (way[0] * way[1], abs(math.log(width * way[1] / height / way[0])))
    )
    w, h = math.ceil(width / across), math.ceil(height / down)
    return w, h, [(x, y) for y in range(0, height, h) for x in range(0, width, w)]


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


def read_samples(window: Any, *, into: vtkUnsignedCharArray) -> NDArray[np.uint8]:
    """What a window shows, shape (rows, columns, 4), row 0 below; in the memory of `into`, until that is used again.

    Four bytes each, as the card has them and as Pillow works; three would be packed and unpacked on the way.
    """
    width, height = window.GetSize()
    window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, into, 0)
    return vtk_to_numpy(into).reshape(height, width, 4)
