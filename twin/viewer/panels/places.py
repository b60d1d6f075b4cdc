"""Places to come back to: bookmarks, notes that are pinned to the city, tours of cameras."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QVBoxLayout

from twin.scene.workspace import Bookmark, Note, Tour, TourStop
from twin.scene.workspace_scene import local_camera, viewpoint_of
from twin.viewer.dialog import TextDialog
from twin.viewer.parts import Panel, button, clear, fresh_name, icon_button, label, line, row

if TYPE_CHECKING:
    from twin.scene.picking import Hit
    from twin.scene.workspace import Viewpoint, Workspace
    from twin.viewer.parts import Room

_TICK_MS = 30
_HOLD_S, _TRAVEL_S = 1.2, 3.0
_NOTE_LINES = 5


class PlacesPanel(Panel):
    """Lists bookmarks, notes and tours, and goes there."""

    def __init__(self, room: Room) -> None:
        super().__init__(room, room.texts("panel.places"))
        self.bookmarks, self.notes, self.tours = QVBoxLayout(), QVBoxLayout(), QVBoxLayout()
        for key, act, rows in (
            ("bookmark", self.add_bookmark, self.bookmarks),
            ("note", self._ask_note, self.notes),
            ("tour", self.add_tour, self.tours),
        ):
            add = icon_button(key, self.t(f"places.add_{key}"), act, room.theme)
            add.setObjectName(f"add-{key}")
            self.box.addLayout(row(label(self.t(f"places.{key}s"), "section"), None, add))
            self.box.addLayout(rows)
            self.box.addWidget(line())
        self.stop = button(self.t("places.stop"), self.stop_tour)
        self.stop.hide()
        self.box.addWidget(self.stop)
        self.box.addStretch(1)
        self._way: list[TourStop] = []
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._next_stop)
        self.follow(None, room.desk.state)

    def follow(self, before: Workspace | None, after: Workspace) -> None:
        """List what the state has."""
        if before is None or before.bookmarks != after.bookmarks:
            self._fill(
                self.bookmarks,
                [(b.name, partial(self.go, b), "bookmarks", b) for b in after.bookmarks],
            )
        if before is None or before.notes != after.notes:
            self._fill(
                self.notes,
                [(n.text, partial(self.visit, n), "notes", n) for n in after.notes],
            )
        if before is None or before.tours != after.tours:
            self._fill(
                self.tours,
                [(t.name, partial(self.play, t), "tours", t) for t in after.tours],
            )

    def _fill(
        self, rows: QVBoxLayout, entries: list[tuple[str, partial[None], str, Bookmark | Note | Tour]]
    ) -> None:
        clear(rows)
        if not entries:
            rows.addWidget(label(self.t("places.none"), "muted"))
        for text, go, part, item in entries:
            shown = text if len(text) < 42 else f"{text[:40]}…"
            entry = button(shown, go)
            entry.setStyleSheet("text-align: left;")
            entry.setToolTip(text)
            edit = icon_button(
                "edit", self.t("places.edit"), partial(self.ask_change, part, item), self.room.theme
            )
            drop = icon_button(
                "delete", self.t("places.delete"), partial(self._drop, part, item), self.room.theme
            )
            rows.addLayout(row(entry, edit, drop, stretch=0))

    def _here(self) -> Viewpoint | None:
        camera = self.room.picture.canvas.camera
        return None if camera is None else viewpoint_of(camera, self.room.desk.origin())

    def add_bookmark(self) -> None:
        """Remember where one looks from, and when."""
        place, desk = self._here(), self.room.desk
        if place is None:
            return
        name = fresh_name(self.t("places.view"), [b.name for b in desk.state.bookmarks])
        made = Bookmark(name, place, desk.state.clock.time)
        desk.edit(self.t("places.add_bookmark"), bookmarks=(*desk.state.bookmarks, made))

    def go(self, bookmark: Bookmark) -> None:
        """Fly to a bookmark, and put the clock as it was."""
        self.room.steering.look_from(local_camera(bookmark.camera, self.room.desk.origin()))
        clock = self.room.desk.state.clock
        if bookmark.time is not None and bookmark.time != clock.time:
            self.room.desk.edit(self.t("step.time"), clock=replace(clock, time=bookmark.time))

    def _ask_note(self) -> None:
        self.room.say(self.t("places.note_where"))
        self.room.steering.lend(self)

    def click(self, hit: Hit | None, *, add: bool) -> None:
        """A place for a note."""
        if hit is None:
            return
        self.cancel()
        self.room.say("")
        title = self.t("places.add_note")
        TextDialog(
            self.t, title, "", lambda text: self.add_note(text, hit), self.window(), _NOTE_LINES
        ).open()

    def add_note(self, text: str, hit: Hit) -> None:
        """Pin a text to a place."""
        desk = self.room.desk
        name = fresh_name("note", [n.id for n in desk.state.notes])
        building = hit.id if hit.kind.name == "BUILDING" else ""
        written = datetime.now(UTC).replace(microsecond=0)
        made = Note(name, text.strip(), hit.position, written=written, building=building)
        desk.edit(self.t("places.add_note"), notes=(*desk.state.notes, made))

    def hover(self, hit: Hit | None) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing more to come."""
        self.cancel()

    def cancel(self) -> None:
        """Give the hand back."""
        if self.room.steering.lent is self:
            self.room.steering.lend(None)

    def visit(self, note: Note) -> None:
        """Fly to a note."""
        from twin.viewer.navigation import look_at

        camera, o = self.room.picture.canvas.camera, self.room.desk.origin()
        if camera is not None:
            x, y, z = (p - q for p, q in zip(note.position, o, strict=True))
            self.room.steering.look_from(look_at(camera, (x, y, z), distance_m=120.0))
        self.room.say(note.text)

    def add_tour(self) -> None:
        """A tour of all bookmarks, in their order."""
        desk = self.room.desk
        if len(desk.state.bookmarks) < 2:
            self.room.say(self.t("places.tour_needs"))
            return
        stops = tuple(TourStop(b.camera, hold_s=_HOLD_S, time=b.time) for b in desk.state.bookmarks)
        name = fresh_name(self.t("places.tour"), [t.name for t in desk.state.tours])
        desk.edit(self.t("places.add_tour"), tours=(*desk.state.tours, Tour(name, stops)))

    def play(self, tour: Tour) -> None:
        """Fly past the cameras of a tour."""
        self._way = list(tour.stops)
        self.stop.show()
        self._next_stop()

    def stop_tour(self) -> None:
        """Stay where one is."""
        self._way = []
        self._timer.stop()
        self.stop.hide()

    def _next_stop(self) -> None:
        if not self._way:
            self.stop_tour()
            return
        stop = self._way.pop(0)
        seconds = _TRAVEL_S if stop.travel_s is None else stop.travel_s
        self.room.steering.fly_to(local_camera(stop.camera, self.room.desk.origin()), seconds=seconds)
        self._timer.start(round((seconds + stop.hold_s) * 1000))

    def ask_change(self, part: str, item: Bookmark | Note | Tour) -> None:
        """Ask for another name of a bookmark or tour, or another text of a note."""
        text, lines = (item.text, _NOTE_LINES) if isinstance(item, Note) else (item.name, 1)

        def keep(text: str) -> None:
            changed = replace(item, text=text) if isinstance(item, Note) else replace(item, name=text)
            state = self.room.desk.state
            items = tuple(changed if other is item else other for other in getattr(state, part))
            self.room.desk.change(self.t("places.edit"), replace(state, **{part: items}))  # type: ignore[arg-type]

        TextDialog(self.t, self.t("places.edit"), text, keep, self.window(), lines).open()

    def _drop(self, part: str, gone: object) -> None:
        kept = tuple(
            item for item in getattr(self.room.desk.state, part) if item is not gone and item != gone
        )
        self.room.desk.change(self.t("places.delete"), replace(self.room.desk.state, **{part: kept}))  # type: ignore[arg-type]
