"""Dialogs that are as high as what they tell, and no higher than the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from twin.viewer.parts import button, label, row

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from twin.core.translations import Texts


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


class TextDialog(Dialog):
    """Asks for a name, or for a text of several lines; nothing empty can be kept."""

    def __init__(  # noqa: PLR0917
        self,
        texts: Texts,
        title: str,
        text: str,
        keep: Callable[[str], object],
        parent: QWidget,
        lines: int = 1,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("text")
        # What is kept is told to a panel, which must not live as long as the window.
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setMinimumWidth(380)
        self._keep = keep
        self.field = QPlainTextEdit(text) if lines > 1 else QLineEdit(text)
        self.field.setAccessibleName(title)
        self.field.selectAll()
        if isinstance(self.field, QPlainTextEdit):
            self.field.setTabChangesFocus(True)
            self.field.setMinimumHeight(self.field.fontMetrics().lineSpacing() * (lines + 1))
        self.field.textChanged.connect(self._judge)
        self.take = button(texts("places.keep"), self._take, kind="primary")
        self.take.setDefault(True)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 18, 20, 18)
        box.addWidget(label(title, "section"))
        box.addWidget(self.field)
        box.addLayout(row(None, button(texts("places.leave"), self.reject), self.take))
        self.field.setFocus()
        self._judge()

    @property
    def text(self) -> str:
        """What was written, without blanks around it."""
        written = self.field.toPlainText() if isinstance(self.field, QPlainTextEdit) else self.field.text()
        return written.strip()

    def _judge(self) -> None:
        self.take.setEnabled(bool(self.text))

    def _take(self) -> None:
        text = self.text
        self.accept()
        self._keep(text)
