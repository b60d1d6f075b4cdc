"""The pages and docks of the window: all panels, made for its language and theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import shiboken6
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDockWidget, QTabWidget, QWidget

from twin.viewer.icons import icon
from twin.viewer.panels.clock import ClockBar
from twin.viewer.panels.colour import ColourPanel
from twin.viewer.panels.inspect import InspectPanel
from twin.viewer.panels.layers import LayersPanel
from twin.viewer.panels.measure import MeasurePanel
from twin.viewer.panels.places import PlacesPanel
from twin.viewer.panels.plan import PlanPanel
from twin.viewer.panels.search import SearchBox
from twin.viewer.panels.start import StartPage
from twin.viewer.panels.sun import SunPanel
from twin.viewer.panels.water import WaterPanel
from twin.viewer.parts import scrolled
from twin.viewer.theme import PANEL_WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twin.viewer.window import TwinWindow

PANELS = frozenset(
    ("layers", "places", "inspect", "colour", "water", "sun", "measure", "plan", "clock", "left", "right")
)
"""What of the window is made anew in another language or theme."""


def build_pages(window: TwinWindow) -> None:
    """The page to begin with, and the canvas; made anew, the canvas stays."""
    while window.pages.count():
        page: Any = window.pages.widget(0)
        window.pages.removeWidget(page)
        if page is not window.canvas:
            page.deleteLater()
    window.start = StartPage(window.texts, window.theme)
    window.start.open_city.connect(window.opening.ask)
    window.start.new_city.connect(window.opening.ask_new)
    window.start.chosen.connect(window.opening.open)
    window.start.dropped.connect(window.opening.take)
    window.pages.addWidget(window.start)
    window.pages.addWidget(window.canvas)
    window.search = SearchBox(window.texts)


def clear_docks(window: TwinWindow) -> Iterator[None]:
    """Take all panels away, one by one: another theme would polish them, too.

    The docks stay: for each that is taken away Qt keeps the handle between it and its neighbours.
    """
    for dock in window.findChildren(QDockWidget):
        tabs: Any = dock.widget()
        while isinstance(tabs, QTabWidget) and tabs.count():
            # The one in front last: in its place another would be shown.
            last = tabs.count() - 1
            _drop(tabs.widget(last if last != tabs.currentIndex() else 0))
            yield
        _drop(tabs)
        yield


def _drop(widget: QWidget | None) -> None:
    if widget is not None:
        shiboken6.delete(widget)  # taken out first, it would be polished once more as a window of its own


def build_panels(window: TwinWindow) -> Iterator[None]:
    """All panels; `lay_docks` shows them."""
    window.layers = LayersPanel(window.room)
    yield
    window.inspect, window.colour = InspectPanel(window.room, window.moving), ColourPanel(window.room)
    yield
    window.clock = ClockBar(window.room)
    window.clock.set_layers(window.moving.layers, window.moving.events)
    window.clock.show_source(window.feed.told(window.texts))
    window.list_over_time()
    window.water, window.places = WaterPanel(window.room, window.moving), PlacesPanel(window.room)
    yield
    window.sun = SunPanel(window.room, window.sunshine, window.clock)
    window.sun.kept.connect(window.opening.reload)
    window.plan = PlanPanel(window.room, window.basis)
    window.measure = MeasurePanel(window.room, window.basis, window.moving)
    window.measure.changed.connect(window.sketch)
    window.canvas.sketches = [window.measure.draw, window.water.draw]
    window.clock.rested.connect(window.picture.settle_time)
    window.clock.moving.connect(window.hold_sun)
    yield


def lay_docks(window: TwinWindow) -> Iterator[None]:
    """Put the panels into their docks: what shows them costs as much as what makes them."""
    area = Qt.DockWidgetArea
    window.left = _tabs(window, ("layers", window.layers), ("places", window.places))
    _dock(window, "left", window.left, area.LeftDockWidgetArea)
    yield
    window.right = _tabs(
        window, ("inspect", window.inspect), ("colour", window.colour), ("water", window.water)
    )
    yield
    _add_pages(window, window.right, ("sun", window.sun), ("measure", window.measure), ("plan", window.plan))
    yield
    _dock(window, "right", window.right, area.RightDockWidgetArea)
    yield
    _dock(window, "clock", window.clock, area.BottomDockWidgetArea)
    size_docks(window)


def _tabs(window: TwinWindow, *pages: tuple[str, QWidget]) -> QTabWidget:
    tabs = QTabWidget()
    tabs.setDocumentMode(True)
    tabs.tabBar().setDrawBase(False)  # its line is white, whatever the theme
    tabs.setUsesScrollButtons(False)
    tabs.setIconSize(QSize(18, 18))
    _add_pages(window, tabs, *pages)
    return tabs


def _add_pages(window: TwinWindow, tabs: QTabWidget, *pages: tuple[str, QWidget]) -> None:
    for name, page in pages:
        tip = window.texts(f"panel.{name}")
        index = tabs.addTab(scrolled(page), icon(name, window.theme.ink), "")
        tabs.setTabToolTip(index, tip)
        tabs.tabBar().setAccessibleTabName(index, tip)
    tabs.tabBar().setVisible(tabs.count() > 1)


def _dock(window: TwinWindow, name: str, content: QWidget, area: Any) -> None:
    found: Any = window.findChild(QDockWidget, f"dock-{name}")
    dock = found or QDockWidget(window)
    dock.setWindowTitle(window.texts(f"dock.{name}"))
    dock.setWidget(content)
    if found is None:
        dock.setObjectName(f"dock-{name}")
        dock.setTitleBarWidget(QWidget())
        if name != "clock":
            dock.setMinimumWidth(PANEL_WIDTH)
        window.addDockWidget(area, dock)


def size_docks(window: TwinWindow) -> None:
    """Give the docks at the sides the width that their panels need."""
    if window.desk.city is None:
        return
    sides = [d for d in window.findChildren(QDockWidget) if d.objectName() in {"dock-left", "dock-right"}]
    window.resizeDocks(
        sides,
        [PANEL_WIDTH if d.objectName() == "dock-left" else 340 for d in sides],
        Qt.Orientation.Horizontal,
    )


def show_panel(window: TwinWindow, name: str) -> None:
    """Bring a panel of the right dock to the front."""
    page = getattr(window, name)
    for i in range(window.right.count()):
        area: Any = window.right.widget(i)
        if area.isAncestorOf(page):
            window.right.setCurrentIndex(i)
