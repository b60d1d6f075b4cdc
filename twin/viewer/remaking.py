"""Another language or theme: everything that speaks or has colours is made anew, a little in each event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtWidgets import QApplication

from twin.core.translations import load_texts
from twin.viewer import actions, theme
from twin.viewer.parts import Room
from twin.viewer.qt_texts import speak
from twin.viewer.window_docks import PANELS, build_pages, build_panels, clear_docks, lay_docks
from twin.viewer.work import TURN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twin.viewer.window import TwinWindow


class Remaking:
    """Makes the pages, menus and panels of a window for the language and theme of its state.

    Hundreds of widgets take a third of a second; in one event the window would stand still for as long. Whoever asks
    the window for a panel meanwhile has the rest made at once.

    Parameters
    ----------
    window : TwinWindow
    """

    def __init__(self, window: TwinWindow) -> None:
        self.window = window
        self._steps: Iterator[None] | None = None
        self._fronts: dict[str, int] = {}
        self._soon = QTimer(window, interval=0)
        self._soon.timeout.connect(self._some)

    @property
    def is_running(self) -> bool:
        """Whether panels are missing."""
        return self._steps is not None

    def begin(self) -> None:
        """Give everything another language and theme: at once where nobody sees it, else in steps."""
        window = self.window
        self._speak()
        window.steering.lend(None)
        window.steering.own_tool, window.canvas.sketches = None, []
        there = window.__dict__
        if "clock" in there:
            window.clock.stop()
        self._fronts |= {side: there[side].currentIndex() for side in ("left", "right") if side in there}
        for name in PANELS & there.keys():
            if there[name].parent() is None:  # made for a theme that was given up before it was shown
                there[name].deleteLater()
            delattr(window, name)
        self._steps = self._all()
        TURN.hold()
        if window.isVisible():
            window.setUpdatesEnabled(False)
            window.canvas.hold()
            self._soon.start()
        else:
            self.finish()

    def finish(self) -> None:
        """Make what is missing now."""
        while self._steps is not None:
            self._some()

    def _speak(self) -> None:
        window, state = self.window, self.window.desk.state
        speak(state.language)
        window.texts, window.theme = load_texts(state.language), theme.theme_for(state.style)
        window.canvas.backdrop = window.canvas.backdrop.__class__(window.theme.window)
        window.room = Room(
            window.desk, window.picture, window.sight, window.steering, window.tasks, window.texts, window.theme,
            window.say, window.complain,
        )  # fmt: skip
        window.status.speak(window.texts, window.theme)

    def _some(self) -> None:
        if self._steps is not None and next(self._steps, self) is self:
            self._steps = None
            self._soon.stop()
            for side, index in self._fronts.items():
                getattr(self.window, side).setCurrentIndex(index)
            self._fronts = {}
            self.window.show_page()
            self.window.setUpdatesEnabled(True)
            # Qt asks for painting once, and what it asked for while updates were off is lost: a button that was just
            # pressed is enough, and the window would never be painted again.
            QCoreApplication.postEvent(self.window, QEvent(QEvent.Type.UpdateRequest))
            self.window.canvas.let_go()
            QTimer.singleShot(0, TURN.let_go)  # once all of it is painted

    def _all(self) -> Iterator[None]:
        window = self.window
        yield from clear_docks(window)
        yield from theme.apply(QApplication.instance(), window.theme)
        yield
        build_pages(window)
        window.pages.setCurrentWidget(window.canvas if window.desk.city is not None else window.start)
        yield
        yield from actions.fill(window)
        window.search.chosen.connect(window.visit)
        window.show_places()
        window.show_title()
        yield
        yield from build_panels(window)
        window.steering.own_tool = window.inspect
        yield from lay_docks(window)
