"""The picture in the window: quick frames while something moves, a still as fine as a snapshot once it rests."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QWidget

from twin.viewer.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from twin.scene.camera import Camera
    from twin.scene.furniture import Patch
    from twin.scene.stage import Stage

REST_MS = 160
"""After so long without a change the still is drawn."""
WANTED_MS = 45.0
"""A frame may take so long while something moves; slower ones get fewer pixels."""
_LEAST_SHARE = 0.5


class SceneWidget(QWidget):
    """Shows frames, furniture and sketches; hands events on to whoever steers.

    Signals
    -------
    drawn : float
        A frame was drawn, in so many milliseconds.
    rested : array
        The still is there, shape (height, width, 3).
    resized
        The picture has another size; named views may want to be fitted anew.
    """

    drawn = Signal(float)
    rested = Signal(object)
    resized = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("canvas")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(320, 240)
        self.backdrop = QColor("#e8ebee")
        self.frames: Frames | None = None
        self.camera: Camera | None = None
        self.patches: Sequence[Patch] = ()
        self._made: list[tuple[Any, QImage]] = []
        self.sketches: list[Callable[[QPainter, Camera, tuple[int, int]], None]] = []
        self.band: QRectF | None = None
        self.placeholder: Callable[[QPainter, QRectF], None] | None = None
        self._image: QImage | None = None
        self._still: Iterator[Any] | None = None
        self._is_held = False
        self._share = 1.0
        self._frame_ms = 0.0
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._draw)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._refine)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the picture in pixels of the screen."""
        ratio = self.devicePixelRatioF()
        return max(16, round(self.width() * ratio)), max(16, round(self.height() * ratio))

    def pixel(self, place: QPointF) -> tuple[float, float]:
        """A place in the widget as column and row of the picture."""
        ratio = self.devicePixelRatioF()
        return place.x() * ratio, place.y() * ratio

    def show_stage(self, stage: Stage | None) -> None:
        """Draw another stage from now on, or none; the one before is let go."""
        self._still = None
        if stage is None:
            if self.frames is not None:
                self.frames.close()
            self.frames = self._image = None
            self.patches, self._made = (), []
            self.update()
        elif self.frames is None:
            self.frames = Frames(stage)
        else:
            self.frames.show(stage)
        self.refresh()

    def look(self, camera: Camera) -> None:
        """Look from somewhere else."""
        self.camera = camera
        self.refresh()

    def refresh(self) -> None:
        """Draw anew as soon as events allow it."""
        self._still = None
        self._rest.stop()
        if not self._is_held:
            self._soon.start()

    def hold(self) -> None:
        """Keep the picture that is there while panels beside it come and go: each would give it another size."""
        self._is_held, self._still = True, None
        self._soon.stop()
        self._rest.stop()

    def let_go(self) -> None:
        """Draw again, in the size that it has now."""
        self._is_held = False
        self.resized.emit()
        self.refresh()

    def set_patches(self, patches: Sequence[Patch]) -> None:
        """Furniture to lay over the frame."""
        self.patches = patches
        self.update()

    def settle(self) -> None:
        """Draw everything that is due now, to the still; for tests and for pictures of the window."""
        self._soon.stop()
        self._draw()
        self._rest.stop()
        self._refine()
        while self._still is not None:
            self._step()

    def _draw(self) -> None:
        if self.frames is None or self.camera is None:
            self.update()
            return
        begun = time.perf_counter()
        self._image = as_image(self.frames.draw(self.camera, self.size_px, share=self._share))
        self._frame_ms = (time.perf_counter() - begun) * 1000
        self._share = next_share(self._share, self._frame_ms)
        self.drawn.emit(self._frame_ms)
        self.update()
        self._rest.start()

    def _refine(self) -> None:
        if self.frames is not None and self.camera is not None:
            self._still = self.frames.still(self.camera, self.size_px)
            QTimer.singleShot(0, self._step)

    def _step(self) -> None:
        if self._still is None:
            return
        picture = next(self._still)
        if picture is None:
            QTimer.singleShot(0, self._step)
            return
        self._still = None
        self._image = as_image(picture)
        self.rested.emit(picture)
        self.update()

    def resizeEvent(self, event: Any) -> None:
        """Another size needs another frame."""
        super().resizeEvent(event)
        if not self._is_held:
            self.resized.emit()
            self.refresh()

    def paintEvent(self, event: Any) -> None:
        """The newest frame, what lies flat over it, and sketches of the tools."""
        painter = QPainter(self)
        area = QRectF(self.rect())
        if self._image is None or self.frames is None:
            painter.fillRect(area, self.backdrop)
            if self.placeholder is not None:
                self.placeholder(painter, area)
            return
        painter.setRenderHint(
            QPainter.RenderHint.SmoothPixmapTransform, self._image.width() != self.size_px[0]
        )
        painter.drawImage(area, self._image)
        ratio = self.devicePixelRatioF()
        painter.scale(1 / ratio, 1 / ratio)
        for patch, made in zip(self.patches, self._patch_images(), strict=True):
            painter.drawImage(patch.x, patch.y, made)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.camera is not None:
            for sketch in self.sketches:
                painter.save()
                sketch(painter, self.camera, self.size_px)
                painter.restore()
        painter.resetTransform()
        if self.band is not None:
            painter.setPen(self.palette().highlight().color())
            fill = self.palette().highlight().color()
            fill.setAlpha(40)
            painter.fillRect(self.band, fill)
            painter.drawRect(self.band)

    def _patch_images(self) -> list[QImage]:
        """Patches as Qt's pictures; those of the paint before are taken over where they are the same."""
        # The images are held beside what was made of them, so that no other has their id.
        known = {id(image): made for image, made in self._made}
        self._made = [(p.image, known.get(id(p.image)) or patch_image(p)) for p in self.patches]
        return [made for _, made in self._made]


def next_share(share: float, took_ms: float) -> float:
    """Share of the sides that the next moving frame gets, so that it takes about as long as wanted.

    Examples
    --------
    >>> next_share(1.0, 10.0), round(next_share(1.0, 180.0), 2)
    (1.0, 0.5)
    """
    fitting = share * math.sqrt(WANTED_MS / max(took_ms, 1.0))
    return min(1.0, max(_LEAST_SHARE, fitting)) if fitting < 1 or share < 1 else 1.0


def as_image(picture: NDArray[np.uint8]) -> QImage:
    """An array of shape (height, width, 3) as Qt's picture, with pixels of its own."""
    height, width = picture.shape[:2]
    data = np.ascontiguousarray(picture)
    return QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def patch_image(patch: Patch) -> QImage:
    """A patch of furniture as Qt's picture."""
    width, height = patch.image.size
    return QImage(
        patch.image.tobytes("raw", "RGBA"), width, height, 4 * width, QImage.Format.Format_RGBA8888
    ).copy()
