"""The window: the picture in the middle, docks around it, one state on the desk."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QEvent, QSize, QTimer
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QFileDialog,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
)

from twin.core.errors import TwinError
from twin.scene.workspace import Workspace, hidden_layers
from twin.scene.workspace_layers import SENSORS
from twin.scene.workspace_sketches import workspace_sketches
from twin.viewer import actions
from twin.viewer.ahead import read_ahead
from twin.viewer.banner import Banner
from twin.viewer.basis import Basis
from twin.viewer.canvas import SceneWidget
from twin.viewer.cloud import Cloud
from twin.viewer.collecting import Collector
from twin.viewer.cutting import Cutting
from twin.viewer.desk import Desk
from twin.viewer.feed import Feed, FeedState
from twin.viewer.following import Following
from twin.viewer.moving import Moving
from twin.viewer.opening import Opening
from twin.viewer.panels.search import Place, building_places, label_places, station_places
from twin.viewer.panels.start import dropped_paths
from twin.viewer.panels.status import StatusBar
from twin.viewer.picture import Picture, with_camera
from twin.viewer.remaking import Remaking
from twin.viewer.session import (
    Autosave,
    load_settings,
    portable,
    save_settings,
    state_folder,
    with_recent,
)
from twin.viewer.sight import Sight
from twin.viewer.steering import Steering
from twin.viewer.sunshine import Sunshine
from twin.viewer.tasks import Tasks
from twin.viewer.window_docks import PANELS, show_panel, size_docks

if TYPE_CHECKING:
    from PySide6.QtGui import QAction
    from PySide6.QtWidgets import QTabWidget

    from twin.core.translations import Texts
    from twin.scene.picking import Hit
    from twin.scene.scene import Scene
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
    from twin.viewer.parts import Room
    from twin.viewer.theme import Theme

AUTOSAVE_MS = 5000
_CAMERA_MS = 400
_IDLE_LOOKS = 4
_FIRST_SIZE = QSize(1440, 900)
_TITLE_BAR = QSize(0, 32)


class TwinWindow(QMainWindow):
    """The desktop window.

    Parameters
    ----------
    workspace : Workspace
        What it shows first; language and style are taken from it.
    """

    texts: Texts
    theme: Theme
    room: Room
    start: StartPage
    search: SearchBox
    layers: LayersPanel
    inspect: InspectPanel
    colour: ColourPanel
    clock: ClockBar
    water: WaterPanel
    places: PlacesPanel
    sun: SunPanel
    plan: PlanPanel
    measure: MeasurePanel
    left: QTabWidget
    right: QTabWidget

    def __init__(self, workspace: Workspace | None = None) -> None:
        super().__init__()
        self.setObjectName("twin")
        self.setAcceptDrops(True)
        self.folder = state_folder()
        self.settings = load_settings(self.folder)
        self._take_place()
        self.desk: Desk = Desk(self)
        self.desk.open(None, workspace or Workspace())
        self.canvas = SceneWidget()
        self.picture = Picture(self.desk, self.canvas, self)
        self.sight = Sight(self.canvas, self)
        self.sight.marks = lambda: self.picture.marks
        self.tasks = Tasks(self.complain, self)
        self.steering: Steering = Steering(self.picture, self.sight, self)
        self.moving = Moving(self.desk, self.picture, self.tasks, self)
        self.basis = Basis(self.desk, self.tasks, self)
        self.sunshine = Sunshine(self.desk, self.picture, self.basis, self.moving, self)
        self.sunshine.failed.connect(self.complain)
        self.cutting = Cutting(self.desk, self.picture, self.sight, self.basis, self)
        self.following = Following(self.desk, self.moving, self.tasks, self)
        self.following.told.connect(self._feed_told)
        self.feed = Feed(self.desk, self)
        self.feed.changed.connect(self._feed_changed)
        self.feed.failed.connect(self.complain)
        self.opening: Opening = Opening(self)
        self.cloud: Cloud = Cloud(self)
        self.autosave = Autosave(self.folder)
        self.banner = Banner(self)
        self.pages = QStackedWidget()
        self.setCentralWidget(self.pages)
        self.status = StatusBar()
        self.setStatusBar(self.status)
        self.entries: dict[str, QAction] = {}
        self.was_open: bool | None = None
        self._places: list[Place] = []
        self._reads_ahead = True
        self.remaking = Remaking(self)
        self.collector = Collector(self, is_working=lambda: bool(self.tasks.names) or self.picture.is_busy)
        self.collector.start()
        self._follow_state()
        self.remaking.begin()
        self._timers()

    def _take_place(self) -> None:
        """Stand where the last window stood, or be as large as all panels like it and the screen allows."""
        if not self.restoreGeometry(QByteArray.fromBase64(self.settings.geometry.encode())):
            room = self.screen().availableGeometry().size() - _TITLE_BAR
            self.resize(_FIRST_SIZE.boundedTo(room))

    def _timers(self) -> None:
        self._save_soon = QTimer(self, interval=AUTOSAVE_MS)
        self._save_soon.timeout.connect(self.keep_safe)
        self._save_soon.start()
        self._camera_soon = QTimer(self, singleShot=True, interval=_CAMERA_MS)
        self._camera_soon.timeout.connect(self._keep_camera)

    def _follow_state(self) -> None:
        """Connect what lives as long as the window; panels are made anew in another language or theme."""
        self.desk.changed.connect(self._changed)
        self.desk.opened.connect(self._opened)
        self.picture.loaded.connect(self._loaded)
        self.picture.failed.connect(self.complain)
        self.picture.loading.connect(self.tasks.hold)
        self.picture.loaded.connect(lambda _scene: self.tasks.go_on())
        self.picture.failed.connect(lambda _error: self.tasks.go_on())
        self.picture.began.connect(self.status.watch)
        self.picture.moved.connect(lambda _camera: self._camera_soon.start())
        self.tasks.began.connect(self.status.watch)
        self.moving.changed.connect(self._layers_moved)
        self.canvas.drawn.connect(self.status.show_frame)
        self.steering.hovered.connect(self._hovered)
        self.steering.boxed.connect(self._boxed)

    def __getattr__(self, name: str) -> Any:
        """A panel that is asked for while it is made anew: it is there then."""
        if name in PANELS and "remaking" in vars(self) and self.remaking.is_running:
            self.remaking.finish()
            return getattr(self, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def show_panel(self, name: str) -> None:
        """Bring a panel of the right dock to the front."""
        self.remaking.finish()
        show_panel(self, name)

    def show_page(self) -> None:
        """The canvas with its docks where a city is open, else the page to begin with."""
        self.remaking.finish()
        is_open = self.desk.city is not None
        self.pages.setCurrentWidget(self.canvas if is_open else self.start)
        for dock in self.findChildren(QDockWidget):
            dock.setVisible(is_open)
        size_docks(self)
        if not is_open:
            cities = [Path(c) for c in self.settings.recent]
            self.start.show_recent(cities)

    def show_title(self) -> None:
        """City, file and whether there is something to save, in the title."""
        parts = [f"{self.desk.city.name}[*]" if self.desk.city is not None else "", "twin"]
        if self.desk.file is not None:
            parts.insert(0, self.desk.file.name)
        self.setWindowTitle(" – ".join(part for part in parts if part))
        self.setWindowModified(self.desk.is_changed)

    def _changed(self, before: Workspace, after: Workspace) -> None:
        self.collector.touch()
        if (before.language, before.style) != (after.language, after.style):
            self.remaking.begin()
            self.settings = replace(self.settings, language=after.language, style=after.style)
            save_settings(self.folder, self.settings)
        if before.notes != after.notes:
            self.sketch()
        actions.follow(self)
        self.show_title()
        self.sight.hide(hidden_layers(after))

    def _opened(self) -> None:
        if self.desk.city is not None:
            self.settings = with_recent(self.settings, self.desk.city.path.resolve())
            save_settings(self.folder, self.settings)
        else:
            self.tasks.go_on()  # no picture will come
        self._places = []
        self.show_places()
        self.sight.forget()
        self.sketch()
        self.show_title()
        self.show_page()
        self.canvas.setFocus()
        # In an event of its own: every action is told to all that show it.
        QTimer.singleShot(0, self, lambda: actions.follow(self))

    def _loaded(self, scene: Scene) -> None:
        self.collector.opened()
        self.sight.watch(scene)
        if self._reads_ahead and self.picture.is_lit:
            self._reads_ahead = False
            self.tasks.run(
                "ahead", read_ahead, lambda _none: self.collector.has_modules(), is_quiet=True, in_turn=True
            )
        if not self._places and self.desk.city is not None:
            city = self.desk.city

            def work(_told: object) -> list[Place]:
                return [*building_places(city), *label_places(scene)]

            self.tasks.run("search", work, self._found_places, in_turn=True)

    def _layers_moved(self) -> None:
        self.clock.set_layers(self.moving.layers, self.moving.events)
        self.list_over_time()
        self.show_places()

    def show_places(self) -> None:
        """Give the search what can be found."""
        self.search.set_places([*self._places, *station_places(self.moving.stations)])

    def list_over_time(self) -> None:
        """List what changes with time among the layers."""
        shown = [SENSORS] if self.moving.sensors is not None else []
        shown += ["flood"] if self.moving.flood is not None else []
        self.layers.add_over_time(tuple(shown))

    def _found_places(self, places: list[Place]) -> None:
        self._places = places
        self.show_places()

    def visit(self, place: Place) -> None:
        """Fly to a place; a building or a station is chosen as well."""
        from twin.scene.workspace import Pick
        from twin.viewer.navigation import look_at

        camera = self.canvas.camera
        if camera is None:
            return
        o = self.desk.origin()
        local = (place.position[0] - o[0], place.position[1] - o[1], place.position[2] - o[2])
        self.steering.look_from(look_at(camera, local, distance_m=6 * place.size_m))
        if place.kind == "building":
            self.desk.edit(self.texts("step.select"), selection=(Pick("buildings", place.id),))
            self.inspect.inspect_building(place.id, place.position)
        elif place.kind == "station":
            self.desk.edit(self.texts("step.select"), selection=(Pick("sensors", place.id),))
            self.inspect.inspect_station(place.id, place.position)
        self.canvas.setFocus()

    def _hovered(self, hit: Hit | None) -> None:
        self.status.show_place(hit, self.desk.city)

    def _boxed(self, box: Any, add: bool) -> None:
        from twin.scene.selecting import buildings_seen_in_rectangle

        picker, camera = self.sight.picker, self.canvas.camera
        if picker is None or camera is None:
            return
        size, edges = self.canvas.size_px, (box.left(), box.top(), box.right(), box.bottom())
        self.tasks.run(
            "rectangle",
            lambda _told: buildings_seen_in_rectangle(picker, camera, size, edges),
            lambda names: self.inspect.selection.choose(names, add=add),
        )

    def _feed_told(self, found: Any) -> None:
        self.clock.show_feed(found)  # of the bar that is there now

    def _feed_changed(self, state: FeedState) -> None:
        """Whoever listens to a broker wants to see what comes."""
        self.clock.show_source(self.feed.told(self.texts))
        if state not in {FeedState.OFF, FeedState.OFFLINE} and not self.desk.state.clock.is_live:
            self.clock.live.click()

    def sketch(self) -> None:
        """What was measured and the notes go over the picture as they do in a snapshot."""
        self.picture.show_sketches(workspace_sketches(self.desk.state, self.measure.found))

    def hold_sun(self) -> None:
        """The clock moves: let the sun stand until it rests."""
        self.picture.holds_sun = True

    def _keep_camera(self) -> None:
        if self.canvas.camera is not None and self.picture.scene is not None and not self.steering.is_flying:
            self.desk.keep_camera(self.canvas.camera)

    def present_workspace(self) -> Workspace:
        """The workspace with the camera that the window has now."""
        return with_camera(self.desk.state, self.picture)

    def keep_safe(self) -> None:
        """Put a copy of what would be lost where a crash cannot reach it."""
        if self.desk.city is not None and self.desk.is_changed and "autosave" not in self.tasks.names:
            write = self.autosave.writer(self.desk.state)
            if write is not None:
                self.tasks.run("autosave", lambda _told: write(), lambda _is_safe: None, is_quiet=True)

    def say(self, text: str) -> None:
        """A sentence in the status bar."""
        self.status.showMessage(text, 6000)

    def complain(self, error: Exception) -> None:
        """Show an error in words; one of ours tells what to do."""
        is_ours = isinstance(error, TwinError)
        text = str(error) if is_ours else f"{type(error).__name__}: {error}"
        if not self.status.show_error(text):
            self.banner.tell(text)
        if not is_ours:
            import traceback

            traceback.print_exception(error)

    def save(self, path: Path | None = None) -> bool:
        """Save the workspace; whether it lies on the disk."""
        from twin.scene.workspace_json import write_workspace

        target = path or self.desk.file
        if target is None:
            return self.save_as()
        try:
            write_workspace(portable(self.present_workspace(), target), target)
        except TwinError as error:
            self.complain(error)
            return False
        self.desk.file, self.desk.saved = target, self.desk.state
        self.autosave.drop()
        self.say(self.texts("window.saved", name=target.name))
        self.show_title()
        return True

    def save_as(self) -> bool:
        """Ask where, then save."""
        name = f"{self.desk.city.name if self.desk.city else 'city'}.workspace.json"
        path, _ = QFileDialog.getSaveFileName(self, self.texts("action.save"), name, "*.workspace.json")
        return self.save(Path(path)) if path else False

    def dragEnterEvent(self, event: Any) -> None:
        """Files are welcome anywhere."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        """Open a city, add a layer, or begin a new city with what was dropped."""
        self.opening.take(dropped_paths(event))

    def closeEvent(self, event: Any) -> None:
        """Ask about what was not saved; then let go of everything."""
        if self.desk.city is not None and self.desk.is_changed and not self._may_close():
            event.ignore()
            return
        geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        # Another window may have remembered a city since.
        save_settings(self.folder, replace(load_settings(self.folder), geometry=geometry))
        self.release()
        event.accept()

    def _may_close(self) -> bool:
        button = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self, "twin", self.texts("window.unsaved"), button.Save | button.Discard | button.Cancel
        )
        return self.save() if answer == button.Save else answer == button.Discard

    def settle(self, *, seconds: float = 120.0) -> bool:
        """Let events pass until everything is loaded and drawn as finely as it gets; whether it was in time."""
        ends = time.monotonic() + seconds
        app: Any = QApplication.instance()
        idle = 0
        while time.monotonic() < ends:
            app.processEvents()
            app.sendPostedEvents(
                None, QEvent.Type.DeferredDelete.value
            )  # a loop that runs does this by itself
            time.sleep(0.005)
            busy = self.tasks.names or self.picture.is_busy or self.steering.is_flying
            busy = busy or self.remaking.is_running
            is_there = self.desk.city is None or (self.picture.is_lit and self.sight.is_ready)
            idle = idle + 1 if is_there and not busy else 0
            if idle >= _IDLE_LOOKS:  # what a thread found may wait among the events still
                self.canvas.settle()
                return True
        return False

    def release(self) -> None:
        """End all work and give back what draws; the window is of no more use."""
        for timer in (self._save_soon, self._camera_soon):
            timer.stop()
        self.remaking.finish()
        self.clock.stop()
        self.feed.stop()
        self.tasks.cancel_all()
        self.sight.forget()
        self.picture.close()
        self.autosave.drop()
        self.collector.stop()
