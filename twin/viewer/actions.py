"""Menus, tool bar and short cuts of the window: one table, from which the help page is written too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolBar, QToolButton, QWidget

from twin.core.translations import LANGUAGES
from twin.scene.camera import VIEWS
from twin.viewer.icons import icon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from twin.viewer.window import TwinWindow


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be done.

    Parameters
    ----------
    key : str
        ``action.key`` is its text.
    act : callable
        Is given the window.
    icon, shortcut : str
    needs_city : bool
    """

    key: str
    act: Callable[[TwinWindow], object]
    icon: str = ""
    shortcut: str = ""
    needs_city: bool = True


STYLES = {"light": "dark", "dark": "light"}


def _switch_theme(window: TwinWindow) -> None:
    """From light to dark or back, picture and panels."""
    style = STYLES.get(window.desk.state.style, "light")
    window.desk.edit(window.texts("step.style"), style=style)


def _find(window: TwinWindow) -> None:
    """Write into the search box."""
    window.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
    window.search.selectAll()


def _bookmark(window: TwinWindow) -> None:
    window.places.add_bookmark()


def _play(window: TwinWindow) -> None:
    window.clock.toggle()


def _earlier(window: TwinWindow) -> None:
    window.clock.jump(back=True)


def _later(window: TwinWindow) -> None:
    window.clock.jump()


def _full_screen(window: TwinWindow) -> None:
    """The whole screen, or the window again."""
    window.setWindowState(window.windowState() ^ Qt.WindowState.WindowFullScreen)


FILE = (
    Entry("new", lambda w: w.opening.ask_new(), "new", "Ctrl+N", needs_city=False),
    Entry("open", lambda w: w.opening.ask(), "open", "Ctrl+O", needs_city=False),
    Entry("add", lambda w: w.opening.ask_layer(), "add", "Ctrl+L"),
    Entry("connect", lambda w: w.opening.ask_broker(), "live", "Ctrl+B"),
    Entry("save", lambda w: w.save(), "save", "Ctrl+S"),
    Entry("save_as", lambda w: w.save_as(), "", "Ctrl+Shift+S"),
    Entry("picture", lambda w: w.opening.ask_picture(), "camera", "Ctrl+P"),
    Entry("quit", lambda w: w.close(), "", "Ctrl+Q", needs_city=False),
)
EDIT = (
    Entry("undo", lambda w: w.desk.undo(), "undo", "Ctrl+Z"),
    Entry("redo", lambda w: w.desk.redo(), "redo", "Ctrl+Shift+Z"),
)
VIEW = (
    Entry("home", lambda w: go_to_view(w, "overview"), "home", "Home"),
    Entry("from_above", lambda w: go_to_view(w, "top"), "top", "T"),
    Entry("walk", lambda w: w.steering.walk(on=not w.steering.is_walking), "walk", "G"),
    Entry("find", _find, "", "Ctrl+F"),
    Entry("bookmark", _bookmark, "", "B"),
    Entry("full_screen", _full_screen, "", "F11", needs_city=False),
    Entry("larger", lambda w: _scale_text(w, 1), "", "Ctrl++"),
    Entry("smaller", lambda w: _scale_text(w, -1), "", "Ctrl+-"),
)
TIME = (
    Entry("play", _play, "", "P"),
    Entry("earlier_event", _earlier, "", "Ctrl+Left"),
    Entry("later_event", _later, "", "Ctrl+Right"),
)
TEXT_SCALES = (0.7, 0.85, 1.0, 1.25, 1.5, 2.0, 2.5)


def _scale_text(window: TwinWindow, step: int) -> None:
    """Make the texts in the picture larger or smaller."""
    furniture = window.desk.state.furniture
    near = min(range(len(TEXT_SCALES)), key=lambda i: abs(TEXT_SCALES[i] - furniture.text_scale))
    scale = TEXT_SCALES[min(max(near + step, 0), len(TEXT_SCALES) - 1)]
    window.desk.edit(window.texts("step.text"), furniture=replace(furniture, text_scale=scale))


HELP = (
    Entry("theme", _switch_theme, "theme", "Ctrl+D", needs_city=False),
    Entry("help", lambda w: w.opening.show_help(), "help", "F1", needs_city=False),
)


def go_to_view(window: TwinWindow, name: str) -> None:
    """Fly to a named view."""
    camera = window.picture.named_view(name)
    if camera is not None:
        window.steering.look_from(camera)


def fill(window: TwinWindow) -> Iterator[None]:
    """Make menus and tool bar anew for the language and theme of the window, in steps."""
    for bar in window.findChildren(QToolBar):
        window.removeToolBar(bar)
        bar.deleteLater()
    for action in window.actions():
        window.removeAction(action)
        action.deleteLater()
    for old in window.menuBar().findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly):
        old.setParent(None)
        old.deleteLater()
    window.menuBar().clear()
    window.entries, window.was_open = {}, None
    yield
    t = window.texts
    for key, entries in (("file", FILE), ("edit", EDIT), ("view", VIEW), ("time", TIME)):
        menu = window.menuBar().addMenu(t(f"menu.{key}"))
        for entry in entries:
            menu.addAction(_action(window, entry))
        if key == "view":
            menu.addSeparator()
            _fill_views(window, menu)
    menu = window.menuBar().addMenu(t("menu.help"))
    for entry in HELP:
        menu.addAction(_action(window, entry))
    menu.addMenu(_languages(window, menu))
    yield
    _fill_bar(window)
    window.was_open = None
    follow(window)


def _action(window: TwinWindow, entry: Entry) -> QAction:
    action = QAction(window.texts(f"action.{entry.key}"), window)
    action.setObjectName(f"action-{entry.key}")
    if entry.icon:
        action.setIcon(icon(entry.icon, window.theme.ink, faint=window.theme.line))
    if entry.shortcut:
        action.setShortcut(QKeySequence(entry.shortcut))
        action.setToolTip(f"{window.texts(f'action.{entry.key}')}  ({entry.shortcut})")
    action.triggered.connect(lambda _on=False: entry.act(window))
    action.setProperty("needs_city", entry.needs_city)
    window.entries[entry.key] = action
    window.addAction(action)
    return action


def _fill_views(window: TwinWindow, menu: QMenu) -> None:
    for number, name in enumerate(VIEWS, start=1):
        entry = Entry(f"view_{name}", partial(go_to_view, name=name), "", f"Ctrl+{number}")
        menu.addAction(_action(window, entry))


def _languages(window: TwinWindow, owner: QWidget) -> QMenu:
    menu = QMenu(window.texts("menu.language"), owner)
    menu.setIcon(icon("language", window.theme.ink))
    for code, name in LANGUAGES.items():
        action = QAction(name, menu)
        menu.addAction(action)
        action.setObjectName(f"language-{code}")
        action.triggered.connect(partial(_speak, window, code))
    return menu


def _speak(window: TwinWindow, code: str, _on: bool = False) -> None:
    window.desk.edit(window.texts("step.language"), language=code)


def _fill_bar(window: TwinWindow) -> None:
    bar = QToolBar(window.texts("dock.tools"))
    bar.setObjectName("tools")
    bar.setMovable(False)
    bar.setIconSize(QSize(20, 20))
    groups = (("new", "open", "add", "save", "picture"), ("undo", "redo"), ("home", "from_above", "walk"))
    for group in groups:
        for key in group:
            bar.addAction(window.entries[key])
        bar.addSeparator()
    window.tool_area = bar
    spacer = QWidget()
    spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    bar.addWidget(spacer)
    bar.addWidget(window.search)
    bar.addSeparator()
    bar.addAction(window.entries["theme"])
    language = QToolButton()
    language.setIcon(icon("language", window.theme.ink))
    language.setToolTip(window.texts("menu.language"))
    language.setMenu(_languages(window, language))
    language.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    bar.addWidget(language)
    bar.addAction(window.entries["help"])
    window.addToolBar(Qt.ToolBarArea.TopToolBarArea, bar)


def follow(window: TwinWindow) -> None:
    """Enable what can be done now."""
    is_open = window.desk.city is not None
    if window.was_open != is_open:
        window.was_open = is_open
        for action in window.entries.values():
            action.setEnabled(is_open or not action.property("needs_city"))
    history = window.desk.history
    for key, can, name in (
        ("undo", history.can_undo, history.undo_label),
        ("redo", history.can_redo, history.redo_label),
    ):
        if key not in window.entries:
            continue  # made anew in a moment
        action = window.entries[key]
        action.setEnabled(is_open and can)
        text = window.texts(f"action.{key}")
        action.setText(f"{text}: {name}" if can else text)
    window.search.setEnabled(is_open)
