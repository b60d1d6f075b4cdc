"""What tools draw over the picture: lines between places, their figures, pins; crisp at any density."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPolygonF

from twin.scene.camera import project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.scene.camera import Camera
    from twin.viewer.theme import Theme

Place = tuple[float, float, float]
_NEAR_M = 0.1


class Pencil:
    """A painter that takes places on the map.

    Parameters
    ----------
    painter : QPainter
        In pixels of the picture.
    camera, size
        Of the picture.
    origin : tuple
        Of local coordinates.
    """

    def __init__(
        self, painter: QPainter, camera: Camera, size: tuple[int, int], origin: Sequence[float], theme: Theme
    ) -> None:
        self.painter, self.camera, self.size, self.theme = painter, camera, size, theme
        self._origin = np.asarray(origin, np.float64)
        self._unit = max(1.0, size[1] / 900)

    def pixels(self, places: Sequence[Place]) -> Any:
        """Columns, rows and depths of places."""
        return project(self.camera, np.asarray(places, np.float64) - self._origin, self.size)

    def line(self, places: Sequence[Place], colour: str, *, closed: bool = False, width: float = 2.5) -> None:
        """A line with a light rim through places; parts behind the eye are left out."""
        if len(places) < 2:
            return
        rows = [*places, places[0]] if closed else list(places)
        found = self.pixels(rows)
        for pen in (
            QPen(QColor(255, 255, 255, 210), (width + 2) * self._unit),
            QPen(QColor(colour), width * self._unit),
        ):
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            self.painter.setPen(pen)
            for a, b in itertools.pairwise(found):
                if a[2] > _NEAR_M and b[2] > _NEAR_M:
                    self.painter.drawLine(QPointF(a[0], a[1]), QPointF(b[0], b[1]))

    def area(self, places: Sequence[Place], colour: str) -> None:
        """A translucent area over places that all lie before the eye."""
        if len(places) < 3:
            return
        found = self.pixels(places)
        if (found[:, 2] <= _NEAR_M).any():
            return
        fill = QColor(colour)
        fill.setAlpha(60)
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(fill)
        self.painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y, _ in found]))
        self.painter.setBrush(Qt.BrushStyle.NoBrush)

    def dots(self, places: Sequence[Place], colour: str) -> None:
        """A dot at each place."""
        radius = 4.5 * self._unit
        for x, y, depth in self.pixels(places) if len(places) else ():
            if depth > _NEAR_M:
                self.painter.setPen(QPen(QColor("#ffffff"), 1.6 * self._unit))
                self.painter.setBrush(QColor(colour))
                self.painter.drawEllipse(QPointF(x, y), radius, radius)
        self.painter.setBrush(Qt.BrushStyle.NoBrush)

    def text(self, place: Place, text: str, *, lift: float = 12.0) -> None:
        """A text on a small panel above a place."""
        x, y, depth = self.pixels([place])[0]
        if depth <= _NEAR_M or not text:
            return
        font = QFont(self.painter.font())
        font.setPixelSize(round(13 * self._unit))
        font.setBold(True)
        self.painter.setFont(font)
        shown = text if len(text) <= 60 else f"{text[:59]}…"
        box = QRectF(self.painter.fontMetrics().boundingRect(shown))
        pad = 6 * self._unit
        panel = QRectF(
            x - box.width() / 2 - pad,
            y - lift * self._unit - box.height() - 2 * pad,
            box.width() + 2 * pad,
            box.height() + 1.2 * pad,
        )
        self.painter.setPen(Qt.PenStyle.NoPen)
        back = QColor(self.theme.panel)
        back.setAlpha(235)
        self.painter.setBrush(back)
        self.painter.drawRoundedRect(panel, 5 * self._unit, 5 * self._unit)
        self.painter.setBrush(Qt.BrushStyle.NoBrush)
        self.painter.setPen(QColor(self.theme.ink))
        self.painter.drawText(panel, Qt.AlignmentFlag.AlignCenter, shown)
