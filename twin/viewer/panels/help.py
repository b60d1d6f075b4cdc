"""The help page: what mouse and keys do, and every short cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QGridLayout, QVBoxLayout, QWidget

from twin.viewer.parts import label, line, scrolled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QAction

    from twin.core.translations import Texts

HANDS = (
    "orbit",
    "pan",
    "zoom",
    "approach",
    "fly",
    "rise",
    "pick",
    "several",
    "box",
    "box_more",
    "finish",
    "cancel",
)


class HelpDialog(QDialog):
    """Everything that hands can do, in two columns."""

    def __init__(self, texts: Texts, entries: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("help")
        self.setWindowTitle(texts("help.title"))
        self.resize(560, 640)
        page = QWidget()
        page.setObjectName("page")
        grid = QGridLayout(page)
        grid.setContentsMargins(20, 16, 20, 16)
        grid.setHorizontalSpacing(28)
        grid.addWidget(label(texts("help.hands"), "heading"), 0, 0, 1, 2)
        rows = [(texts(f"hand.{h}"), texts(f"hand_does.{h}")) for h in HANDS]
        at = self._add(grid, rows, 1)
        grid.addWidget(line(), at, 0, 1, 2)
        grid.addWidget(label(texts("help.keys"), "heading"), at + 1, 0, 1, 2)
        keys = [(a.shortcut().toString(), a.text()) for a in entries.values() if not a.shortcut().isEmpty()]
        self._add(grid, keys, at + 2)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(scrolled(page))

    @staticmethod
    def _add(grid: QGridLayout, rows: list[tuple[str, str]], at: int) -> int:
        for i, (left, right) in enumerate(rows):
            grid.addWidget(label(left, "muted"), at + i, 0)
            grid.addWidget(label(right), at + i, 1)
        return at + len(rows)
