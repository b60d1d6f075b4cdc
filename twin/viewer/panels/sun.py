"""The sun: a day and an hour, and how long it shines where."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import QDate, Signal
from PySide6.QtWidgets import QCheckBox, QDateEdit

from twin.scene.workspace import SunHoursState
from twin.scene.workspace_plan import shows_plan
from twin.viewer.parts import Panel, button, label, line, quietly, row, slider
from twin.viewer.timing import in_zone_of, solar_offset

if TYPE_CHECKING:
    from twin.scene.workspace import Workspace
    from twin.viewer.panels.clock import ClockBar
    from twin.viewer.parts import Room
    from twin.viewer.sunshine import Sunshine

_STEP_MIN = 10
_NOON_H = 12


class SunPanel(Panel):
    """Puts the clock by day and hour, and lays hours of sun on the city.

    Signals
    -------
    kept
        The city holds the hours as layers now.
    """

    kept = Signal()

    def __init__(self, room: Room, sunshine: Sunshine, clock: ClockBar) -> None:
        super().__init__(room, room.texts("panel.sun"))
        self.sunshine, self.clock = sunshine, clock
        self.day = QDateEdit()
        self.day.setCalendarPopup(True)
        self.day.setDisplayFormat("yyyy-MM-dd")
        self.day.setDate(QDate.currentDate())
        self.day.dateChanged.connect(lambda _d: self._put())
        self.box.addLayout(row(label(self.t("sun.day"), "muted"), self.day, stretch=1))
        self.hour = slider(0, 24 * 60 // _STEP_MIN - 1, lambda _v: self._put(), name="hour")
        self.hour.setAccessibleName(self.t("sun.hour"))
        self.hour.sliderPressed.connect(clock.moving)
        self.hour.sliderReleased.connect(clock.rested)
        self.told = label("", "figure")
        self.where = label("", "muted")
        self.box.addWidget(self.told)
        self.box.addWidget(self.hour)
        self.box.addWidget(self.where)
        days = row(
            button(self.t("sun.march"), lambda: self._season(3)),
            button(self.t("sun.june"), lambda: self._season(6)),
            button(self.t("sun.december"), lambda: self._season(12)),
        )
        self.box.addLayout(days)
        self.box.addWidget(line())
        self.box.addWidget(label(self.t("sun.hours"), "section"))
        self.box.addWidget(label(self.t("sun.hours_hint"), "muted"))
        self.walls = QCheckBox(self.t("sun.walls"))
        self.walls.setChecked(True)
        self.box.addWidget(self.walls)
        self.compute = button(self.t("sun.compute"), self.compute_hours, kind="primary")
        self.off = button(self.t("sun.off"), self.hide_hours)
        self.keep = button(self.t("sun.keep"), self.keep_hours)
        self.box.addLayout(row(self.compute, self.off))
        self.box.addWidget(self.keep)
        self.mean = label("")
        self.box.addWidget(self.mean)
        self.box.addStretch(1)
        sunshine.changed.connect(self._tell_hours)
        self.follow(None, room.desk.state)

    def follow(self, before: Workspace | None, after: Workspace) -> None:
        """Show the time of the state, and where the sun stands then."""
        if before is None and after.sun_hours is not None:
            with quietly(self.day, self.walls):
                day = after.sun_hours.day
                self.day.setDate(QDate(day.year, day.month, day.day))
                self.walls.setChecked(after.sun_hours.on_walls)
        self._tell_hours()
        moment = after.clock.time
        with quietly(self.day, self.hour):
            if moment is not None:
                self.day.setDate(QDate(moment.year, moment.month, moment.day))
                self.hour.setValue((moment.hour * 60 + moment.minute) // _STEP_MIN)
        self.told.setText(moment.strftime("%H:%M") if moment else "–")
        scene = self.room.picture.scene
        if moment is None or scene is None:
            self.where.setText(self.t("sun.none"))
            return
        sun = scene.at(moment).sun
        if sun.elevation_deg > 0:
            self.where.setText(
                self.t("sun.where", height=f"{sun.elevation_deg:.0f}", azimuth=f"{sun.azimuth_deg:.0f}")
            )
        else:
            self.where.setText(self.t("sun.set"))

    @property
    def date(self) -> date:
        """The day that is chosen."""
        chosen = self.day.date()
        return date(chosen.year(), chosen.month(), chosen.day())

    def compute_hours(self) -> None:
        """Lay the sun of the whole day on the city."""
        wanted = SunHoursState(self.date, self.walls.isChecked())
        self.room.desk.edit(self.t("sun.hours"), sun_hours=wanted)

    def hide_hours(self) -> None:
        """Take the hours away."""
        self.room.desk.edit(self.t("sun.off"), sun_hours=None)

    def keep_hours(self) -> None:
        """Put the hours of the day into the city, as layers of their own."""
        city = self.room.desk.city
        if city is None:
            return
        name = self.t("sun.layer", day=self.date.isoformat())
        arguments = [
            "sun",
            str(city.path),
            "--name",
            name,
            "--date",
            self.date.isoformat(),
            "--force",
            "--json",
        ]
        if self.walls.isChecked():
            arguments.append("--surfaces")

        def done(_answer: str) -> None:
            self.room.say(self.t("sun.kept", name=name))
            self.kept.emit()

        self.room.tasks.run_verb("sun_keep", arguments, done)

    def _tell_hours(self) -> None:
        """Say what is shown, or that it is being computed."""
        import numpy as np

        found, state = self.sunshine.found, self.room.desk.state
        text = ""
        if found is not None:
            mean = float(np.nanmean(found.ground_h))
            text = self.t("sun.mean", hours=f"{mean:.1f}", day=f"{found.track.day_length_h:.1f}")
            if shows_plan(state):
                text = f"{self.t('plan.plan')}: {text}"
        elif self.sunshine.is_computing:
            text = self.t("sun.computing")
        self.mean.setText(text)
        self.compute.setEnabled(not self.sunshine.is_computing)
        self.off.setEnabled(state.sun_hours is not None)
        self.keep.setEnabled(found is not None and not shows_plan(state))

    def _season(self, month: int) -> None:
        with quietly(self.day):
            self.day.setDate(QDate(self.date.year, month, 21))
        if self.room.desk.state.clock.time is None:
            with quietly(self.hour):
                self.hour.setValue(_NOON_H * 60 // _STEP_MIN)
        self._put()

    def _put(self) -> None:
        scene = self.room.picture.scene
        longitude = scene.pack.meta.longitude_deg if scene is not None else None
        now = self.room.desk.state.clock.time
        zone = now.utcoffset() if now is not None else solar_offset(longitude)
        midnight = datetime.combine(self.date, datetime.min.time())
        moment = in_zone_of(zone or timedelta(0), _with_offset(midnight, zone or timedelta(0)))
        if self.hour.isSliderDown():
            self.clock.moving.emit()
        self.clock.set_time(moment + timedelta(minutes=self.hour.value() * _STEP_MIN))
        if not self.hour.isSliderDown():
            self.clock.rested.emit()


def _with_offset(plain: datetime, offset: timedelta) -> datetime:
    from datetime import timezone

    return plain.replace(tzinfo=timezone(offset))
