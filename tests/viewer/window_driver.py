"""Hands on a window: waits for it, clicks and types into it, keeps pictures of it."""

from __future__ import annotations

import time

import numpy as np

PATIENCE_S = 60.0


class Driver:
    """Drives a window by the events that a user makes."""

    def __init__(self, app, window, pictures):
        self.app, self.window, self.pictures = app, window, pictures

    def turn(self):
        """One turn of the events, after which what was given up is gone, as in a loop that runs."""
        from PySide6.QtCore import QEvent

        self.app.processEvents()
        self.app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    def until(self, true, *, seconds=PATIENCE_S):
        """Let events pass until something is so."""
        ends = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < ends, "it did not come to pass"
            self.turn()
            time.sleep(0.002)

    def pass_time(self, seconds):
        """Let events pass for a while."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.turn()
            time.sleep(0.002)

    def ready(self):
        """Wait until the scene is there with its light, and rays can be cast."""
        w = self.window
        self.until(
            lambda: w.picture.is_lit and w.sight.is_ready and not w.tasks.names and not w.picture.is_busy
        )
        return self

    def pixel_of(self, place):
        """Where a place in local metres appears, in the canvas's coordinates."""
        from PySide6.QtCore import QPoint

        from twin.scene.camera import project

        canvas = self.window.canvas
        x, y, _ = project(canvas.camera, np.array([place]), canvas.size_px)[0]
        ratio = canvas.devicePixelRatioF()
        return QPoint(round(x / ratio), round(y / ratio))

    def roof_of(self, building):
        """A place on a building, local metres, that is seen from where the camera is."""
        from twin.scene.picking import Kind, pick

        window = self.window
        pack = window.picture.scene.pack
        index = list(pack["building_ids"]).index(building)
        points = pack["facet_points"][pack["facet_owner"] == index]
        for place in points + (points.mean(axis=0) - points) * 0.3:
            pixel = self.pixel_of(place)
            at = (pixel.x(), pixel.y())
            hit = pick(window.sight.picker, window.canvas.camera, window.canvas.size_px, at)
            if hit is not None and hit.kind == Kind.BUILDING and hit.id == building:
                return place
        raise AssertionError(f"{building} is hidden")

    def tallest(self):
        """The tallest building that is built."""
        frame = self.window.desk.city.buildings
        return str(frame[frame["state"] == "built"].sort_values("height_m")["id"].iloc[-1])

    def click(self, point, *, button=None, modifier=None):
        """A real click into the canvas."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        left, plain = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QTest.mouseClick(self.window.canvas, button or left, modifier or plain, point)
        self.turn()

    def double_click(self, point):
        """The four events of a real one."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        canvas, left = self.window.canvas, Qt.MouseButton.LeftButton
        QTest.mouseClick(canvas, left, Qt.KeyboardModifier.NoModifier, point)
        QTest.mouseDClick(canvas, left, Qt.KeyboardModifier.NoModifier, point)
        self.turn()

    def drag(self, start, end, *, button=None, modifier=None, steps=6):
        """Press, move in steps, let go."""
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        canvas = self.window.canvas
        button, modifier = button or Qt.MouseButton.LeftButton, modifier or Qt.KeyboardModifier.NoModifier
        QTest.mousePress(canvas, button, modifier, start)
        for i in range(1, steps + 1):
            x = start.x() + (end.x() - start.x()) * i // steps
            y = start.y() + (end.y() - start.y()) * i // steps
            move(canvas, QPoint(x, y), button, modifier)
            self.turn()
        QTest.mouseRelease(canvas, button, modifier, end)
        self.turn()

    def shot(self, name, widget=None):
        """Keep a picture of the window, or of a part of it; its pixels, shape (height, width, 3)."""
        self.window.canvas.settle()
        self.turn()
        image = (widget or self.window).grab().toImage()
        self.pictures.mkdir(exist_ok=True)
        image.save(str(self.pictures / f"{name}.png"))
        return pixels(image)


def pixels(image):
    """The pixels of Qt's picture, shape (height, width, 3)."""
    from PySide6.QtGui import QImage

    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def move(widget, at, button, modifier):
    """A move of the mouse with a button held, for which QTest has no call."""
    from PySide6.QtCore import QEvent, QPointF
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    place = QPointF(widget.mapToGlobal(at))
    event = QMouseEvent(QEvent.Type.MouseMove, QPointF(at), place, button, button, modifier)
    QApplication.sendEvent(widget, event)
