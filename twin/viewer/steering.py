"""Mouse and keys over the picture: they move the camera, or go to the tool that is in hand."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, QTimer, Signal

from twin.viewer import navigation as nav

if TYPE_CHECKING:
    from twin.scene.camera import Camera
    from twin.scene.picking import Hit
    from twin.viewer.picture import Picture
    from twin.viewer.sight import Sight

CLICK_PX = 4.0
FLIGHT_S = 0.9
_TICK_MS = 15
_WALK_M_S = 4.0
_DIRECTIONS = {
    Qt.Key.Key_W: (0, 1, 0),
    Qt.Key.Key_Up: (0, 1, 0),
    Qt.Key.Key_S: (0, -1, 0),
    Qt.Key.Key_Down: (0, -1, 0),
    Qt.Key.Key_A: (-1, 0, 0),
    Qt.Key.Key_Left: (-1, 0, 0),
    Qt.Key.Key_D: (1, 0, 0),
    Qt.Key.Key_Right: (1, 0, 0),
    Qt.Key.Key_E: (0, 0, 1),
    Qt.Key.Key_PageUp: (0, 0, 1),
    Qt.Key.Key_Q: (0, 0, -1),
    Qt.Key.Key_PageDown: (0, 0, -1),
}


class Tool(Protocol):
    """What clicks in the picture do."""

    def click(self, hit: Hit | None, *, add: bool) -> None:
        """A place was clicked; `add` if it shall come to what is chosen already."""

    def hover(self, hit: Hit | None) -> None:
        """The mouse rests over a place."""

    def finish(self) -> None:
        """Enter, a double click or one with the right button."""

    def cancel(self) -> None:
        """Escape."""


class Steering(QObject):
    """Turns events of the canvas into cameras and clicks.

    Signals
    -------
    hovered : Hit or None
        What lies under the mouse.
    boxed : QRectF
        A rectangle was drawn, in pixels of the picture.
    """

    hovered = Signal(object)
    boxed = Signal(object, bool)
    mode_changed = Signal(bool)

    def __init__(self, picture: Picture, sight: Sight, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.picture, self.sight = picture, sight
        self.canvas = picture.canvas
        self.own_tool: Tool | None = None
        self.lent: Tool | None = None
        self._served: Tool | None = None
        self.draws_boxes = False
        self.is_walking: bool = False
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._button = Qt.MouseButton.NoButton
        self._pivot: tuple[float, float, float] | None = None
        self._keys: set[int] = set()
        self._ticked = 0.0
        self._flight: tuple[Camera, Camera, float, float] | None = None
        self._ticks = QTimer(self, interval=_TICK_MS)
        self._ticks.timeout.connect(self._tick)
        self._hover = QTimer(self, singleShot=True, interval=30)
        self._hover.timeout.connect(self._tell_hover)
        self.canvas.installEventFilter(self)

    @property
    def tool(self) -> Tool | None:
        """What clicks go to: what the hand was lent to, else its own."""
        return self.lent or self.own_tool

    def lend(self, tool: Tool | None) -> None:
        """Let clicks go to another tool for a while; None takes the hand back."""
        if self.lent is not None and tool is not None and self.lent is not tool:
            lent, self.lent = self.lent, None
            lent.cancel()
        self.lent = tool
        if tool is not None:
            self.canvas.setFocus()  # Escape and Enter are for the tool from now on
        shape = Qt.CursorShape.CrossCursor if tool is not None else Qt.CursorShape.ArrowCursor
        self.canvas.setCursor(shape)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the events that steer."""
        if self.canvas.camera is None:
            return False
        handlers: dict[QEvent.Type, Any] = {
            QEvent.Type.MouseButtonPress: self._press,
            QEvent.Type.MouseMove: self._move,
            QEvent.Type.MouseButtonRelease: self._release,
            QEvent.Type.MouseButtonDblClick: self._double,
            QEvent.Type.Wheel: self._wheel,
            QEvent.Type.KeyPress: self._key,
            QEvent.Type.KeyRelease: self._key_up,
            QEvent.Type.FocusOut: self._forget_keys,
        }
        handler = handlers.get(event.type())
        return bool(handler(event)) if handler else False

    def fly_to(self, camera: Camera, *, seconds: float = FLIGHT_S) -> None:
        """Travel to another camera; any hand on mouse or keys ends the flight."""
        start = self.canvas.camera
        if start is None or seconds <= 0:
            self.picture.look(camera)
            return
        self._flight = (start, camera, time.monotonic(), seconds)
        self._ticks.start()

    @property
    def is_flying(self) -> bool:
        """Whether a flight is under way."""
        return self._flight is not None

    def walk(self, *, on: bool) -> None:
        """Stand on the ground, or take off again."""
        camera = self.canvas.camera
        if camera is None or on == self.is_walking:
            return
        self.is_walking = on
        if on:
            place = camera.target if self.sight.is_ready else camera.eye
            here = self.sight.step_out(place, nav.angles(np.subtract(camera.target, camera.eye))[0])
            if here is None:
                self.is_walking = False
            else:
                self.fly_to(here)
        else:
            risen = nav.look_at(camera, camera.eye, distance_m=180.0)
            self.fly_to(risen)
        self.mode_changed.emit(self.is_walking)

    def look_from(self, camera: Camera) -> None:
        """Fly to a camera and end a walk."""
        if self.is_walking:
            self.is_walking = False
            self.mode_changed.emit(False)
        self.fly_to(camera)

    def _press(self, event: Any) -> bool:
        self._flight = None
        self._pressed = self._last = event.position()
        self._button = event.button()
        self._served = self.lent
        hit = self._hit(event.position())
        self._pivot = None if hit is None else self._local(hit)
        return True

    def _move(self, event: Any) -> bool:
        if self._pressed is None:
            self._last = event.position()
            self._hover.start()
            return True
        delta = event.position() - self._last
        far = (event.position() - self._pressed).manhattanLength() > CLICK_PX
        if self._wants_box(event):
            self.canvas.band = QRectF(self._pressed, event.position()).normalized()
            self.canvas.update()
        elif far or (event.position() - self._last).manhattanLength() > CLICK_PX:
            self._drag(event, delta)
        self._last = event.position()
        return True

    def _wants_box(self, event: Any) -> bool:
        if self._button != Qt.MouseButton.LeftButton:
            return False
        return self.draws_boxes or bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)

    def _drag(self, event: Any, delta: QPointF) -> None:
        camera = self.canvas.camera
        if camera is None:
            return
        ratio = self.canvas.devicePixelRatioF()
        pans = self._button != Qt.MouseButton.LeftButton or bool(
            event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        )
        if self.is_walking:
            self.picture.look(nav.look_around(camera, -delta.x() * 4, -delta.y() * 4))
        elif pans or camera.parallel_height_m is not None:
            pivot = self._pivot or camera.target
            depth = float((np.subtract(pivot, camera.eye)) @ camera.axes[2])
            height = self.canvas.size_px[1]
            moved = nav.pan(camera, delta.x() * ratio, delta.y() * ratio, height, depth_m=max(depth, 1.0))
            self.picture.look(moved)
        else:
            self.picture.look(nav.orbit(camera, delta.x(), delta.y(), self._pivot or camera.target))

    def _release(self, event: Any) -> bool:
        start, self._pressed = self._pressed, None
        if start is None:
            return True
        band, self.canvas.band = self.canvas.band, None
        if band is not None:
            self.canvas.update()
            if band.width() > CLICK_PX and band.height() > CLICK_PX:
                ratio = self.canvas.devicePixelRatioF()
                box = QRectF(band.topLeft() * ratio, band.size() * ratio)
                self.boxed.emit(box, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
                return True
        still = (event.position() - start).manhattanLength() <= CLICK_PX
        if still and event.button() == Qt.MouseButton.LeftButton and self.tool is not None:
            adds = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            self.tool.click(self._meant(event.position()), add=adds)
        elif still and event.button() == Qt.MouseButton.RightButton and self.tool is not None:
            self.tool.finish()
        return True

    def _double(self, event: Any) -> bool:
        if self._served is not None:
            # The first of the two clicks gave the place, and may have been all that the tool wanted.
            if self.lent is self._served:
                self.lent.finish()
            return True
        hit = self._hit(event.position())
        if hit is None or self.canvas.camera is None or self.is_walking:
            return True
        camera, place = self.canvas.camera, self._local(hit)
        self.fly_to(nav.zoom(camera, 0.4, place))
        return True

    def _wheel(self, event: Any) -> bool:
        camera = self.canvas.camera
        if camera is None:
            return False
        self._flight = None
        steps = event.angleDelta().y() / 120
        if self.is_walking:
            self._stroll((0, steps, 0), 1.2)
            return True
        hit = self._hit(event.position())
        place = self._local(hit) if hit is not None else self.sight.on_plane(camera, event.position())
        self.picture.look(nav.zoom(camera, 0.84**steps, place))
        return True

    def _key(self, event: Any) -> bool:
        key = event.key()
        if key in _DIRECTIONS and not event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        ):
            self._flight = None
            if not event.isAutoRepeat():
                self._keys.add(key)
                self._ticked = time.monotonic()
                self._ticks.start()
            return True
        if self.tool is not None and key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.tool.finish()
            return True
        if self.tool is not None and key == Qt.Key.Key_Escape:
            self.tool.cancel()
            return True
        return False

    def _key_up(self, event: Any) -> bool:
        if event.isAutoRepeat():
            return event.key() in self._keys
        self._keys.discard(event.key())
        return False

    def _forget_keys(self, _event: Any) -> bool:
        self._keys.clear()
        return False

    def _tick(self) -> None:
        if self._flight is not None:
            start, end, begun, seconds = self._flight
            share = (time.monotonic() - begun) / seconds
            if share >= 1:
                self._flight = None
            self.picture.look(nav.between(start, end, share))
        elif self._keys:
            now = time.monotonic()
            passed, self._ticked = min(now - self._ticked, 0.25), now
            self._travel(passed)
        else:
            self._ticks.stop()

    def _travel(self, seconds: float) -> None:
        steps = np.sum([_DIRECTIONS[Qt.Key(k)] for k in self._keys], axis=0)
        camera = self.canvas.camera
        if camera is None:
            return
        right, ahead, up = (float(v) for v in steps)
        if self.is_walking:
            self._stroll((right, ahead, 0.0), _WALK_M_S * seconds)
        elif camera.parallel_height_m is not None:
            metres = 0.6 * camera.parallel_height_m * seconds
            self.picture.look(nav.moved(camera, np.array([right, ahead, 0.0]) * metres))
        else:
            self.picture.look(nav.fly(camera, (right, ahead, up), self._speed(camera) * seconds))

    def _speed(self, camera: Camera) -> float:
        """Metres a second: the higher above the ground the faster."""
        ground = self.sight.ground(camera.eye[0], camera.eye[1])
        above = camera.eye[2] - ground if math.isfinite(ground) else math.dist(camera.eye, camera.target)
        return float(np.clip(abs(above) * 0.9, 8.0, 3000.0))

    def _stroll(self, steps: tuple[float, float, float], metres: float) -> None:
        camera = self.canvas.camera
        if camera is not None:
            self.picture.look(nav.walk(camera, steps, metres, self.sight.ground, free=self.sight.free_way))

    def _hit(self, place: QPointF) -> Hit | None:
        return self.sight.under(self.canvas.camera, self.canvas.pixel(place))

    def _meant(self, place: QPointF) -> Hit | None:
        """What a click asks about: features of added layers too, unless a tool has the hand, which needs surfaces."""
        hit = self._hit(place)
        if self.tool is not self.own_tool:
            return hit
        return self.sight.feature(self.canvas.camera, self.canvas.pixel(place), hit) or hit

    def _local(self, hit: Hit) -> tuple[float, float, float]:
        return self.sight.local(hit.position)

    def _tell_hover(self) -> None:
        hit = self._hit(self._last)
        self.hovered.emit(hit)
        if self.tool is not None:
            self.tool.hover(hit)
