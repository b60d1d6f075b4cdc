"""The help page: what mouse and keys do, and every short cut."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QFrame, QTextBrowser, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QAction

    from twin.core.translations import Texts
    from twin.viewer.theme import Theme

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
_MARGIN_PX = 16


class HelpDialog(QDialog):
    """Everything that hands can do, in two columns."""

    def __init__(
        self, texts: Texts, theme: Theme, entries: Mapping[str, QAction], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("help")
        self.setWindowTitle(texts("help.title"))
        self.resize(560, 640)
        hands = [(texts(f"hand.{h}"), texts(f"hand_does.{h}")) for h in HANDS]
        keys = [(a.shortcut().toString(), a.text()) for a in entries.values() if not a.shortcut().isEmpty()]
        # One page of text: a label for each cell takes a tenth of a second.
        self.page = QTextBrowser()
        self.page.setObjectName("page")
        self.page.setFrameShape(QFrame.Shape.NoFrame)
        self.page.setStyleSheet(f"background: {theme.panel}; color: {theme.ink}")
        self.page.document().setDocumentMargin(_MARGIN_PX)
        self.page.setHtml(
            _section(texts("help.hands"), hands, theme) + "<hr>" + _section(texts("help.keys"), keys, theme)
        )
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.page)


def _section(heading: str, rows: list[tuple[str, str]], theme: Theme) -> str:
    """A heading, and two columns below it."""
    cells = "".join(
        f'<tr><td width="44%" style="color: {theme.muted}">{escape(left)}</td><td>{escape(right)}</td></tr>'
        for left, right in rows
    )
    return f'<h3>{escape(heading)}</h3><table width="100%" cellpadding="3">{cells}</table>'
