"""The first page: a new city, one that is there, or one of the last; or whatever is dropped on it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from twin.viewer.icons import icon
from twin.viewer.parts import button, clear, label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.core.translations import Texts
    from twin.viewer.theme import Theme


class StartPage(QWidget):
    """What one sees before a city is open.

    Signals
    -------
    new_city, open_city
        The buttons.
    chosen : Path
        One of the last cities.
    dropped : list of Path
    """

    new_city = Signal()
    open_city = Signal()
    chosen = Signal(object)
    dropped = Signal(object)

    def __init__(self, texts: Texts, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("start")
        self.setAcceptDrops(True)
        outer = QHBoxLayout(self)
        outer.addStretch(1)
        column = QWidget()
        column.setFixedWidth(560)
        outer.addWidget(column)
        outer.addStretch(1)
        box = QVBoxLayout(column)
        box.setSpacing(12)
        box.addStretch(2)
        title = label("twin", "heading")
        title.setStyleSheet("font-size: 40px; font-weight: 700;")
        box.addWidget(title)
        box.addWidget(label(texts("start.claim"), "muted"))
        box.addSpacing(14)
        cards = QHBoxLayout()
        for name, text, sent in (
            ("new", texts("start.new"), self.new_city),
            ("open", texts("start.open"), self.open_city),
        ):
            card = QPushButton(f"  {text}")
            card.setObjectName("card")
            card.setIcon(icon(name, theme.accent))
            card.setIconSize(QSize(28, 28))
            card.setMinimumHeight(72)
            card.clicked.connect(sent)
            cards.addWidget(card, 1)
        box.addLayout(cards)
        drop = QFrame()
        drop.setObjectName("drop")
        inner = QVBoxLayout(drop)
        inner.setContentsMargins(20, 22, 20, 22)
        hint = label(texts("start.drop"), "muted")
        hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inner.addWidget(hint)
        box.addWidget(drop)
        self._recent_title = label(texts("start.recent"), "section")
        box.addWidget(self._recent_title)
        self.recent = QVBoxLayout()
        self.recent.setSpacing(6)
        box.addLayout(self.recent)
        box.addStretch(3)

    def show_recent(self, cities: Sequence[Path]) -> None:
        """List the cities that were open last."""
        clear(self.recent)
        self._recent_title.setVisible(bool(cities))
        for path in cities:
            entry = button(f"{path.stem}     {path.parent}", partial(self.chosen.emit, path))
            entry.setStyleSheet("text-align: left;")
            self.recent.addWidget(entry)

    def dragEnterEvent(self, event: Any) -> None:
        """Files are welcome."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        """Hand on what was dropped."""
        self.dropped.emit(dropped_paths(event))


def dropped_paths(event: Any) -> list[Path]:
    """Local files of a drop."""
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
