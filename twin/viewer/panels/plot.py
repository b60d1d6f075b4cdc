"""A small plot of the last hours: a line with gaps where nothing was observed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from twin.scene.units import number_text
from twin.viewer.station_facts import HOURS

if TYPE_CHECKING:
    from twin.viewer.station_facts import Series
    from twin.viewer.theme import Theme

_LEFT, _BOTTOM, _TOP = 44, 18, 8
_GAP_SHARE = 4.0


class Plot(QWidget):
    """Values over the hours before the moment that is shown."""

    def __init__(self, series: Series, theme: Theme) -> None:
        super().__init__()
        self.series, self.theme = series, theme
        self.setMinimumHeight(110)
        self.setAccessibleName(series.name)

    def paintEvent(self, event: Any) -> None:
        """Axes, then the line."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(_LEFT, _TOP, self.width() - _LEFT - 6, self.height() - _TOP - _BOTTOM)
        known = np.isfinite(self.series.values)
        painter.setPen(QColor(self.theme.muted))
        painter.drawText(QRectF(area.left(), self.height() - _BOTTOM, area.width(), _BOTTOM), f"−{HOURS:g} h")
        right = QRectF(area.left(), self.height() - _BOTTOM, area.width(), _BOTTOM)
        painter.drawText(right, Qt.AlignmentFlag.AlignRight, "0 h")
        if not known.any():
            return
        low, high = (float(f(self.series.values[known])) for f in (np.min, np.max))
        room = max(high - low, 1e-9)
        for value, y in ((high, area.top()), (low, area.bottom())):
            painter.setPen(QPen(QColor(self.theme.line), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(QColor(self.theme.muted))
            box = QRectF(0, y - 8, _LEFT - 5, 16)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, flags, number_text(value))
        painter.setPen(QPen(QColor(self.theme.accent), 2))
        x = area.left() + (self.series.hours + HOURS) / HOURS * area.width()
        rows = area.bottom() - (self.series.values - low) / room * area.height()
        for i, j in self._steps():
            painter.drawLine(QPointF(x[i], rows[i]), QPointF(x[j], rows[j]))

    def _steps(self) -> list[tuple[int, int]]:
        """Neighbours to join: known ones, no farther apart than a few of the usual intervals."""
        known = np.flatnonzero(np.isfinite(self.series.values))
        if len(known) < 2:
            return []
        gaps = np.diff(self.series.hours[known])
        usual = float(np.median(gaps))
        near = gaps <= max(_GAP_SHARE * usual, 1e-6)
        return [(int(known[k]), int(known[k + 1])) for k in np.flatnonzero(near)]
