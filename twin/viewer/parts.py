"""Building blocks of panels: one look, one rhythm of margins."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, QSize, Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from twin.viewer.icons import icon
from twin.viewer.note import Note
from twin.viewer.theme import GAP, MARGIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.core.translations import Texts
    from twin.scene.workspace import Workspace
    from twin.viewer.desk import Desk
    from twin.viewer.picture import Picture
    from twin.viewer.sight import Sight
    from twin.viewer.steering import Steering
    from twin.viewer.tasks import Tasks
    from twin.viewer.theme import Theme

_LONG_WORD = 24
"""Letters of a word from which it may break."""


@dataclass(frozen=True)
class Room:
    """What panels share: the state, the picture, hands and eyes, texts and colours.

    Parameters
    ----------
    say : callable
        Shows a sentence in the status bar.
    complain : callable
        Shows an error.
    """

    desk: Desk
    picture: Picture
    sight: Sight
    steering: Steering
    tasks: Tasks
    texts: Texts
    theme: Theme
    say: Callable[[str], None]
    complain: Callable[[Exception], None]


class Panel(QWidget):
    """One page of a dock: a heading, and rows below it.

    Subclasses fill it in their constructors and follow the state in `follow`.
    """

    def __init__(self, room: Room, heading: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.room = room
        self.t = room.texts
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        self.box.setSpacing(GAP)
        if heading:
            self.box.addWidget(label(heading, "heading"))
        room.desk.changed.connect(self.follow)
        room.desk.opened.connect(self._opened)

    def _opened(self) -> None:
        self.follow(None, self.room.desk.state)

    def follow(self, before: Workspace | None, after: Workspace) -> None:
        """Show another state; `before` is None where another city or workspace was opened."""


def label(text: str, kind: str = "", *, wraps: bool = True) -> QLabel:
    """A text in one of the looks of the theme: heading, section, muted, warn, alarm, figure."""
    made = QLabel(breakable(text) if wraps else text)
    made.setTextFormat(Qt.TextFormat.PlainText)  # names of others are never markup
    made.setWordWrap(wraps)
    if kind:
        made.setObjectName(kind)
    return made


def breakable(text: str) -> str:
    """The text with places, that are not seen, where its long words may break: names of files would widen a panel.

    Examples
    --------
    >>> breakable("roof type"), len(breakable("a" * 50)) > 50
    ('roof type', True)
    """
    return " ".join(_broken(word) if len(word) > _LONG_WORD else word for word in text.split(" "))


def _broken(word: str) -> str:
    return "\u200b".join(word[i : i + _LONG_WORD // 2] for i in range(0, len(word), _LONG_WORD // 2))


def row(*parts: QWidget | None, stretch: int = -1) -> QHBoxLayout:
    """Widgets side by side; None takes what room is left."""
    line = QHBoxLayout()
    line.setSpacing(GAP)
    for i, part in enumerate(parts):
        if part is None:
            line.addStretch(1)
        else:
            line.addWidget(part, 1 if i == stretch else 0)
    return line


def line() -> QFrame:
    """A hairline between parts of a panel."""
    made = QFrame()
    made.setObjectName("line")
    made.setFixedHeight(1)
    return made


def button(text: str, act: Callable[[], object], *, kind: str = "", checks: bool = False) -> QPushButton:
    """A button with a text."""
    made = QPushButton(text)
    made.setCheckable(checks)
    made.clicked.connect(lambda _on=False: act())
    if kind:
        made.setObjectName(kind)
    return made


def icon_button(
    name: str, tip: str, act: Callable[[], object], theme: Theme, *, checks: bool = False
) -> QToolButton:
    """A button with an icon; the tip is also what a screen reader says."""
    made = QToolButton()
    made.setIcon(icon(name, theme.ink, faint=theme.line))
    made.setIconSize(QSize(18, 18))
    made.setToolTip(tip)
    made.setAccessibleName(tip)
    made.setCheckable(checks)
    made.setAutoRaise(True)
    made.clicked.connect(lambda _on=False: act())
    return made


def slider(low: int, high: int, act: Callable[[int], object], *, name: str = "") -> QSlider:
    """A level slider that tells every move."""
    made = QSlider(Qt.Orientation.Horizontal)
    made.setRange(low, high)
    made.valueChanged.connect(act)
    made.setObjectName(name)
    return made


class quietly:  # noqa: N801 - reads as a word: ``with quietly(box):``
    """While the block runs, widgets take new values without telling."""

    def __init__(self, *widgets: QObject) -> None:
        self._widgets = widgets

    def __enter__(self) -> None:
        for widget in self._widgets:
            widget.blockSignals(True)

    def __exit__(self, *_: object) -> None:
        for widget in self._widgets:
            widget.blockSignals(False)


def scrolled(page: QWidget) -> QScrollArea:
    """A page that scrolls up and down where the window is low."""
    area = QScrollArea()
    area.setObjectName("pages")
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(page)
    return area


def reveal(widget: QWidget) -> None:
    """Scroll the page of a widget so that it is seen, or its upper part where it is higher than the page."""
    area: Any = widget.parentWidget()
    while area is not None and not isinstance(area, QScrollArea):
        area = area.parentWidget()
    if area is None:
        return
    QCoreApplication.sendPostedEvents(
        None, QEvent.Type.LayoutRequest.value
    )  # the page has its height after them
    top = widget.mapTo(area.widget(), QPoint(0, 0)).y()
    bar, height = area.verticalScrollBar(), area.viewport().height()
    low = top + min(widget.height(), height) - height
    bar.setValue(min(max(bar.value(), low), top))


def clear(box: QLayout) -> None:
    """Take everything out of a layout, and let go of what held it there: nobody else owns what was taken out."""
    while box.count():
        item: Any = box.takeAt(0)
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif item.layout() is not None:
            clear(item.layout())
        shiboken6.delete(item)


def fact_rows(box: QVBoxLayout, facts: list[tuple[str, str]]) -> None:
    """Names on the left, values on the right, which can be copied."""
    for name, value in facts:
        left = label(name, "muted")
        left.setMinimumWidth(124)
        left.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        box.addLayout(row(left, _value(value), stretch=1))


def _value(text: str) -> QWidget:
    """A value that can be copied as it is, also where it has to break."""
    if any(len(word) > _LONG_WORD for word in text.split()):
        note = Note(text)
        note.setAlignment(Qt.AlignmentFlag.AlignRight)
        return note
    made = label(text)
    made.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return made


def swatch(rgb: tuple[int, int, int]) -> QFrame:
    """A small square of a colour."""
    made = QFrame()
    made.setObjectName("swatch")
    made.setFixedSize(18, 12)
    made.setStyleSheet("background: rgb({}, {}, {}); border-radius: 3px;".format(*rgb))
    return made


def fresh_name(stem: str, taken: Any) -> str:
    """A name that is not taken: the stem with the first free number.

    Examples
    --------
    >>> fresh_name("View", ["View 1"])
    'View 2'
    """
    names = set(taken)
    return next(f"{stem} {i}" for i in itertools.count(1) if f"{stem} {i}" not in names)
