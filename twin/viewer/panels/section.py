"""The section plane in the hand: put, moved along its normal, turned over, taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from twin.scene.section import Plane, vertical_plane
from twin.scene.workspace import Section
from twin.scene.workspace_section import plane_of
from twin.viewer.parts import button, label, quietly, row, slider

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.picking import Hit
    from twin.scene.workspace import Workspace
    from twin.viewer.parts import Room

_STEPS = 500


class SectionBox(QWidget):
    """Buttons and a slider for the plane that cuts the city open."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self.room, self.t = room, room.texts
        self.first: tuple[float, float] | None = None
        self.here = button(self.t("section.here"), self.put_here)
        self.places = button(self.t("section.places"), self.begin, checks=True)
        self.turn = button(self.t("section.turn"), self.turn_over)
        self.off = button(self.t("section.off"), self.take_away)
        self.place = slider(-_STEPS, _STEPS, self._move, name="section-place")
        self.place.setAccessibleName(self.t("section.move"))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(label(self.t("section.title"), "section"))
        box.addLayout(row(self.here, self.places))
        box.addLayout(row(label(self.t("section.move"), "muted"), self.place, stretch=1))
        box.addLayout(row(self.turn, self.off))
        room.desk.changed.connect(self.follow)
        room.desk.opened.connect(self._opened)
        self.follow(None, room.desk.state)

    def _opened(self) -> None:
        self.follow(None, self.room.desk.state)

    def follow(self, _before: Workspace | None, after: Workspace) -> None:
        """Show where the plane of the state stands."""
        plane = plane_of(after)
        for part in (self.turn, self.off, self.place):
            part.setEnabled(plane is not None)
        if plane is not None and self.room.desk.city is not None:
            middle, reach = self._extent()
            away = float((np.array(plane.point[:2]) - middle) @ plane.axes[2][:2])
            with quietly(self.place):
                self.place.setValue(round(away / reach * _STEPS))

    def _extent(self) -> tuple[NDArray[np.float64], float]:
        """Middle of the city on the map, and metres from there to a corner."""
        city = self.room.desk.city
        if city is None:
            raise RuntimeError("a plane needs a city")
        b = city.bounds
        middle = np.array([(b.x_min + b.x_max) / 2, (b.y_min + b.y_max) / 2])
        return middle, float(np.hypot(b.width, b.height)) / 2

    def put_here(self) -> None:
        """Put the plane through what one looks at, across the line of sight."""
        camera, o = self.room.picture.canvas.camera, self.room.desk.origin()
        if camera is None:
            return
        target, eye = np.add(camera.target, o), np.add(camera.eye, o)
        toward = eye[:2] - target[:2]
        if np.hypot(*toward) < 1e-3:  # from straight above: what lies in the south goes
            toward = np.array([0.0, -1.0])
        self._put(Plane(_point(target), (float(toward[0]), float(toward[1]), 0.0)))

    def begin(self) -> None:
        """Let the next two clicks say where the plane stands, or lay the tool down."""
        if self.room.steering.lent is self:
            self.cancel()
            return
        self.first = None
        self.room.steering.lend(self)
        self.places.setChecked(True)
        self.room.say(self.t("section.hint"))

    def click(self, hit: Hit | None, *, add: bool) -> None:
        """One of the two places."""
        if hit is None:
            return
        place = (hit.position[0], hit.position[1])
        if self.first is None:
            self.first = place
        elif np.hypot(place[0] - self.first[0], place[1] - self.first[1]) > 0.01:
            plane = vertical_plane(self.first, place, elevation_m=round(hit.position[2], 2))
            camera, o = self.room.picture.canvas.camera, self.room.desk.origin()
            if camera is not None and plane.to_plane(np.add(camera.eye, o))[2] < 0:
                plane = _turned(plane)
            self._put(plane)
            self.cancel()

    def hover(self, hit: Hit | None) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Two places are needed: the tool is laid down."""
        self.cancel()

    def cancel(self) -> None:
        """Lay the tool down."""
        self.first = None
        self.places.setChecked(False)
        if self.room.steering.lent is self:
            self.room.steering.lend(None)

    def turn_over(self) -> None:
        """Leave out the other side."""
        plane = plane_of(self.room.desk.state)
        if plane is not None:
            self._put(_turned(plane))

    def take_away(self) -> None:
        """Show the whole city again."""
        self.room.desk.edit(self.t("section.off"), section=None)

    def _move(self, value: int) -> None:
        plane = plane_of(self.room.desk.state)
        if plane is None:
            return
        middle, reach = self._extent()
        normal = plane.axes[2]
        away = value / _STEPS * reach - float((np.array(plane.point[:2]) - middle) @ normal[:2])
        moved = np.asarray(plane.point) + away * normal
        self._put(Plane(_point(moved), plane.normal), key="section")

    def _put(self, plane: Plane, *, key: str = "") -> None:
        x, y, z = (round(float(v), 6) for v in plane.axes[2])
        wanted = Section(_point(plane.point), (x, y, z))
        self.room.desk.edit(self.t("section.title"), key=key, section=wanted)


def _turned(plane: Plane) -> Plane:
    a, b, c = plane.normal
    return Plane(plane.point, (-a, -b, -c))


def _point(place: object) -> tuple[float, float, float]:
    x, y, z = (round(float(v), 2) for v in np.asarray(place, np.float64))
    return x, y, z
