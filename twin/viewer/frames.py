"""Frames of a stage, one after another: quick ones while something moves, as fine as a snapshot once it rests.

The window that VTK draws into is never on the screen. Its pixels are handed to Qt, so that no native window lies in
the user interface: panels may overlap it, any display density and any window system will do, and the way to the
screen is the way to a snapshot.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

from twin.scene.canvas import Layer
from twin.scene.graphics import offscreen_window
from twin.scene.render import (
    MIRROR_PIXEL_M,
    depth_range,
    piece_projection,
    point_camera,
    samples_a_side,
    set_line_widths,
)
from twin.scene.stage import aim, hide_what_is_not_seen, show_mirror_image, turn_over, water_pixel_m

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from twin.scene.camera import Camera
    from twin.scene.stage import Stage


class Frames:
    """A window out of sight that stays open while a stage is looked at.

    Parameters
    ----------
    stage : Stage
        What is drawn first; `close` lets it go.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._window = offscreen_window((64, 64))
        self._whole = Layer(self._window)
        self._reflected: Layer | None = None
        self._pixels = vtkUnsignedCharArray()
        self._mirrors = False

    def show(self, stage: Stage) -> None:
        """Draw another stage from now on; the one before is let go."""
        self.stage = stage
        self._mirrors = False
        if self._reflected is not None:
            self._reflected.show([])

    def close(self) -> None:
        """Give the graphics card back what it holds."""
        for layer in (self._whole, self._reflected):
            if layer is not None:
                layer.renderer.RemoveAllViewProps()
        self._window.Finalize()

    def draw(self, camera: Camera, size: tuple[int, int], *, share: float = 1.0) -> NDArray[np.uint8]:
        """One quick frame, row 0 on top; of a smaller size of the same shape where `share` is below 1."""
        drawn = coarse_size(size, share) if share < 1 else size
        self._prepare(camera, drawn, moving=True)
        if self._mirrors:
            show_mirror_image(self.stage, None, (1.0, 1.0))
            self._mirrors = False
        return self._shot(camera, size, (0.0, 0.0), drawn)

    def still(self, camera: Camera, size: tuple[int, int]) -> Iterator[NDArray[np.uint8] | None]:
        """The same as fine as a snapshot: None after each of its parts but the last, which gives the picture.

        Each part is a frame moved by a share of a pixel; together they are what a snapshot averages.
        """
        fine = samples_a_side(size)
        total = np.zeros((size[1], size[0], 3), np.uint16)
        steps = [(i + 0.5) / fine - 0.5 for i in range(fine)]
        count = fine * fine
        for n in range(count):
            self._prepare(camera, size)
            if n == 0:
                self._mirror(camera, size)
            total += self._shot(camera, size, (steps[n % fine], steps[n // fine]), size)
            if n + 1 < count:
                yield None
        yield ((total + count // 2) // count).astype(np.uint8)

    def _prepare(self, camera: Camera, drawn: tuple[int, int], *, moving: bool = False) -> None:
        if self._window.GetSize() != drawn:
            self._window.SetSize(*drawn)
        self._whole.show(self.stage.actors)
        if self.stage.points is not None:
            self.stage.points.show(moving=moving)
        self._whole.renderer.SetBackground(*self.stage.style.unit("sky.horizon"))
        set_line_widths(self.stage, max(1.0, math.sqrt(drawn[1] / 1080)))
        aim(self.stage, camera, drawn[1])
        hide_what_is_not_seen(self.stage, camera, drawn)

    def _mirror(self, camera: Camera, size: tuple[int, int]) -> None:
        """Draw what water mirrors, where that can be seen."""
        if water_pixel_m(self.stage, camera, size[1]) >= MIRROR_PIXEL_M:
            return
        if self._reflected is None:
            self._reflected = Layer(self._window)
            self._reflected.renderer.SetBackground(0, 0, 0)
            self._reflected.renderer.SetBackgroundAlpha(0.0)
        self._reflected.show(self.stage.mirrored)
        turn_over(self.stage, camera.eye)
        self._render(self._reflected, camera, size, (0.0, 0.0))
        self._window.GetRGBACharPixelData(0, 0, size[0] - 1, size[1] - 1, 0, self._pixels, 0)
        image = vtk_to_numpy(self._pixels).reshape(size[1], size[0], 4).copy()
        turn_over(self.stage, None)
        show_mirror_image(self.stage, image, (1 / size[0], 1 / size[1]))
        aim(self.stage, camera, size[1])
        self._mirrors = True

    def _shot(
        self, camera: Camera, size: tuple[int, int], offset: tuple[float, float], drawn: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """Pixels of the whole picture, moved by a share of a pixel."""
        self._render(self._whole, camera, size, offset)
        self._window.GetPixelData(0, 0, drawn[0] - 1, drawn[1] - 1, 0, self._pixels, 0)
        flipped = vtk_to_numpy(self._pixels).reshape(drawn[1], drawn[0], 3)[::-1]
        return np.ascontiguousarray(flipped)

    def _render(
        self, layer: Layer, camera: Camera, size: tuple[int, int], offset: tuple[float, float]
    ) -> None:
        """Draw one of the two layers alone; both stay in the window, or the card would forget them."""
        for other in (self._whole, self._reflected):
            if other is not None:
                other.renderer.SetDraw(other is layer)
        projection = piece_projection(camera, size, (*offset, *size), depth_range(self.stage, camera))
        point_camera(layer.renderer.GetActiveCamera(), camera, projection)
        self._window.Render()


def coarse_size(size: tuple[int, int], share: float) -> tuple[int, int]:
    """A smaller size of the same shape, at least 16 pixels a side.

    Examples
    --------
    >>> coarse_size((1280, 800), 0.5)
    (640, 400)
    """
    width, height = (max(16, round(side * share)) for side in size)
    return width, height
