"""Dialogs that are as high as what they tell, and no higher than the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QDialog

if TYPE_CHECKING:
    from typing import Any


class Dialog(QDialog):
    """A dialog whose lines may wrap: Qt does not count them when it gives a dialog its size."""

    def needed_height(self) -> int:
        """Height at which nothing is cut off, at the width that there is."""
        layout: Any = self.layout()
        return int(layout.totalHeightForWidth(self.width()))

    def event(self, event: Any) -> bool:
        """Grow with what is told."""
        done = super().event(event)
        if event.type() in {QEvent.Type.LayoutRequest, QEvent.Type.Show}:
            self.fit()
        return done

    def fit(self) -> None:
        """High enough, where the screen is; what would lie below its edge moves up."""
        screen = self.screen().availableGeometry()
        frame = self.frameGeometry().height() - self.height()
        height = min(self.needed_height(), screen.height() - frame)
        if self.height() < height:
            self.resize(self.width(), height)
        over = self.frameGeometry().bottom() - screen.bottom()
        if over > 0:
            self.move(self.x(), max(screen.top(), self.y() - over))
