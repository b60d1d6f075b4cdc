"""A window that draws one picture after another, for films and batches; a single picture uses one once."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

from twin.scene.graphics import offscreen_window
from twin.scene.means import averager
from twin.scene.mirror import may_show, water_corners
from twin.scene.render import (
    MIRROR_PIXEL_M,
    depth_range,
    piece_projection,
    pieces,
    point_camera,
    read_samples,
    samples_a_side,
    set_line_widths,
)
from twin.scene.stage import (
    aim,
    hide_what_is_not_seen,
    place_mirror_image,
    show_mirror_image,
    turn_over,
    water_pixel_m,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from twin.scene.camera import Camera
    from twin.scene.stage import Stage

_LARGE_PICTURE = 10_000_000
"""Pixels, more than 4K has."""


class Canvas:
    """A window in which pictures of one size are drawn one after the other: what the card holds is kept.

    Drawn two or three times as large and averaged, piece by piece: every edge is smooth, water and lines keep
    their place, and no more than four million samples are in work at a time. OpenGL takes 35 bytes
    for each sample, and the system longer to hand that memory out than the card to fill it.

    Parameters
    ----------
    size : tuple of int
        Width and height, pixels.
    many : bool
        Whether many pictures are to be drawn.

    Raises
    ------
    GraphicsError
        If this machine cannot draw.
    """

    def __init__(self, size: tuple[int, int], *, many: bool = False) -> None:
        self.size = size
        self._fine = samples_a_side(size)
        self._average = averager(self._fine, many=many)
        # What water mirrors is told less finely than what stands on land, in the largest pictures by half again.
        self._mirror_step = 2 if size[0] * size[1] <= _LARGE_PICTURE else 4
        self._piece = pieces(size)
        self._window = offscreen_window((self._piece[0] * self._fine, self._piece[1] * self._fine))
        self._whole = Layer(self._window)
        self._read = vtkUnsignedCharArray(), vtkUnsignedCharArray()
        self._mirror: Layer | None = None

    def __enter__(self) -> Canvas:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give window and memory of the card back."""
        for layer in (self._whole, self._mirror):
            if layer is not None:
                layer.renderer.RemoveAllViewProps()
        self._window.Finalize()

    def draw(self, stage: Stage, camera: Camera) -> NDArray[np.uint8]:
        """A picture of the stage, shape (height, width, 3), uint8."""
        (width, height), (w, h, _) = self.size, self._piece
        self._whole.show(stage.actors)
        set_line_widths(stage, self._fine * max(1.0, math.sqrt(height / 1080)))
        self._whole.renderer.SetBackground(*stage.style.unit("sky.horizon"))
        aim(stage, camera, height)
        hide_what_is_not_seen(stage, camera, self.size)
        show_mirror_image(stage, None, (1.0, 1.0))
        out = np.empty((height, width, 3), np.uint8)
        depth = depth_range(stage, camera)
        # While the card draws a piece, Python is free: the piece before it is averaged then.
        with ThreadPoolExecutor(1) as aside:
            averaging: Future[None] | None = None
            for i, (x, y) in enumerate(self._mirrored(stage, camera, depth)):
                self._render(self._whole, camera, piece_projection(camera, self.size, (x, y, w, h), depth))
                samples = read_samples(self._window, into=self._read[i % 2])
                if averaging is not None:
                    averaging.result()
                averaging = aside.submit(self._average, samples, out[y : y + h, x : x + w])
        return out

    def _mirrored(
        self, stage: Stage, camera: Camera, depth: tuple[float, float]
    ) -> Iterator[tuple[int, int]]:
        """Column and row of each piece, when its water has what it mirrors: that is drawn for many pieces at once.

        Each drawing costs all the geometry; with half as many samples across and down as the picture has, the mirror
        image of four pieces fits into the window.
        """
        w, h, corners = self._piece
        # From far away nobody sees what water mirrors.
        mirrors = water_pixel_m(stage, camera, self.size[1]) < MIRROR_PIXEL_M
        water = water_corners(stage.pack) if mirrors else None
        for block in _blocks(corners, self._mirror_step * w, self._mirror_step * h):
            wet = [
                (x, y)
                for x, y in block
                if water is not None
                and may_show(water, camera, piece_projection(camera, self.size, (x, y, w, h), depth))
            ]
            left, top, width, height = area = _around(wet, w, h)
            if wet:
                image = self._mirror_image(stage, camera, area, depth)
                show_mirror_image(stage, image, (1 / (width * self._fine), 1 / (height * self._fine)))
                aim(stage, camera, self.size[1])
            for x, y in block:
                if (x, y) in wet:
                    place_mirror_image(stage, ((x - left) / width, (top + height - h - y) / height))
                yield x, y

    def _render(self, layer: Layer, camera: Camera, projection: NDArray[np.float64]) -> None:
        """Draw one of the two layers alone."""
        for other in (self._whole, self._mirror):
            if other is not None:
                other.renderer.SetDraw(other is layer)
        point_camera(layer.renderer.GetActiveCamera(), camera, projection)
        self._window.Render()

    def _mirror_image(
        self,
        stage: Stage,
        camera: Camera,
        area: tuple[int, int, int, int],
        depth: tuple[float, float],
    ) -> NDArray[np.uint8]:
        """What the water in an area of the picture mirrors, drawn less finely in a part of the window."""
        if self._mirror is None:
            self._mirror = Layer(self._window)
            self._mirror.renderer.SetBackground(0, 0, 0)
            self._mirror.renderer.SetBackgroundAlpha(0.0)
        width, height = (side * self._fine // self._mirror_step for side in area[2:])
        whole = self._window.GetSize()
        self._mirror.renderer.SetViewport(0, 0, width / whole[0], height / whole[1])
        self._mirror.show(stage.mirrored)
        turn_over(stage, camera.eye)
        self._render(self._mirror, camera, piece_projection(camera, self.size, area, depth))
        pixels = vtkUnsignedCharArray()
        self._window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
        turn_over(stage, None)
        return vtk_to_numpy(pixels).reshape(height, width, 4)


def _around(corners: list[tuple[int, int]], w: int, h: int) -> tuple[int, int, int, int]:
    """Column, row, width and height of the rectangle around pieces of w x h; all zero around none."""
    if not corners:
        return 0, 0, 0, 0
    columns, rows = zip(*corners, strict=True)
    return min(columns), min(rows), max(columns) + w - min(columns), max(rows) + h - min(rows)


def _blocks(corners: list[tuple[int, int]], width: int, height: int) -> list[list[tuple[int, int]]]:
    """The pieces of a picture by blocks of this width and height.

    Examples
    --------
    >>> _blocks([(0, 0), (10, 0), (20, 0), (0, 5), (10, 5), (20, 5)], 20, 10)
    [[(0, 0), (10, 0), (0, 5), (10, 5)], [(20, 0), (20, 5)]]
    """
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for x, y in corners:
        found.setdefault((y // height, x // width), []).append((x, y))
    return list(found.values())


class Layer:
    """A renderer that stays in its window: taking it out would give back all that the card holds of its actors."""

    def __init__(self, window: Any) -> None:
        from vtkmodules.vtkRenderingCore import vtkRenderer

        self.renderer = vtkRenderer()
        # Translucent lines are simply laid over what is there: no peeling, and no buffers for mixing in any order.
        self.renderer.SetUseDepthPeeling(False)
        self.renderer.SetUseOIT(False)
        window.AddRenderer(self.renderer)
        self._shown: list[Any] = []

    def show(self, actors: Sequence[Any]) -> None:
        """Draw these actors, in this order, from now on; the card keeps what it holds of those that stay."""
        if len(actors) == len(self._shown) and all(a is b for a, b in zip(actors, self._shown, strict=True)):
            return
        wanted = {id(actor) for actor in actors}
        kept = [actor for actor in self._shown if id(actor) in wanted]
        # They are drawn in the order in which they were added.
        if not all(a is b for a, b in zip(kept, actors, strict=False)):
            kept = []
        if kept:
            for gone in self._shown:
                if id(gone) not in wanted:
                    self.renderer.RemoveViewProp(gone)
        else:
            self.renderer.RemoveAllViewProps()
        for actor in actors[len(kept) :]:
            self.renderer.AddActor(actor)
        self._shown = list(actors)
