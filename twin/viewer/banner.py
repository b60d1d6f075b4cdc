"""A line over the picture that offers something and can be waved away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from twin.viewer.note import Note
from twin.viewer.parts import label

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QObject

_TOP_PX = 96
_WIDEST_PX = 720


class Banner(QFrame):
    """Shown over the middle of a window; one offer, or one long message, at a time."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("banner")
        self.text = label("", wraps=False)
        self.note = Note("", "alarm")
        self.take, self.leave = QPushButton(), QPushButton("✕")
        self.take.setObjectName("primary")
        self.leave.clicked.connect(self.hide)
        self.take.clicked.connect(self._take)
        box = QHBoxLayout(self)
        box.setContentsMargins(14, 8, 8, 8)
        for part in (self.text, self.note, self.take, self.leave):
            box.addWidget(part)
        self._act: Callable[[], object] | None = None
        window.installEventFilter(self)
        self.hide()

    def offer(self, text: str, button: str, act: Callable[[], object]) -> None:
        """Offer something."""
        self.text.setText(text)
        self.take.setText(button)
        self._act = act
        self._appear(offers=True)

    def tell(self, text: str) -> None:
        """Tell something long that can be read at leisure and copied; an offer that is made stays."""
        if self._act is not None and self.isVisible():
            return
        self._act = None
        self.note.setFixedWidth(min(_WIDEST_PX, self.parentWidget().width() - 2 * _TOP_PX))
        self.note.tell(text)
        self._appear(offers=False)

    def _appear(self, *, offers: bool) -> None:
        for part in (self.text, self.take):
            part.setVisible(offers)
        self.note.setVisible(not offers)
        self.show()
        self._place()
        self.raise_()

    def eventFilter(self, watched: QObject, event: Any) -> bool:
        """Stay in the middle of the window."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def _place(self) -> None:
        self.adjustSize()
        parent = self.parentWidget()
        if parent is not None:
            self.move((parent.width() - self.width()) // 2, _TOP_PX)

    def _take(self) -> None:
        self.hide()
        if self._act is not None:
            self._act()
