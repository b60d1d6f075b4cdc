"""The bar of the clock: play, drag, jump from event to event, follow the present."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QComboBox, QSizePolicy, QSlider, QVBoxLayout, QWidget

from twin.scene.live_stations import age_text
from twin.viewer.icons import icon
from twin.viewer.parts import icon_button, label, quietly, row
from twin.viewer.timing import (
    SPEEDS,
    advanced,
    at_share,
    in_zone_of,
    next_event,
    share_of,
    solar_offset,
    span_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from twin.scene.layers import SceneLayer
    from twin.scene.workspace import Workspace
    from twin.viewer.following import Freshness
    from twin.viewer.parts import Room
    from twin.viewer.timing import Event

_TICK_MS = 100
_STEPS = 1000


class Track(QSlider):
    """A slider with marks where something happens."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(0, _STEPS)
        self.marks: list[tuple[float, QColor]] = []

    def paintEvent(self, event: Any) -> None:
        """The slider, and the marks over it."""
        super().paintEvent(event)
        painter = QPainter(self)
        for share, colour in self.marks:
            x = 7 + share * (self.width() - 14)
            painter.fillRect(QRectF(x - 1, self.height() / 2 - 8, 2, 5), colour)


class ClockBar(QWidget):
    """One clock for everything: sensors, flood and sun follow it.

    Signals
    -------
    rested, moving
        The clock stands where it was put, and the sun may follow; or it is dragged or playing, and the sun waits.
    """

    rested = Signal()
    moving = Signal()

    def __init__(self, room: Room) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.room, self.t = room, room.texts
        self.layers: Sequence[SceneLayer] = ()
        self.events: Sequence[Event] = ()
        theme = room.theme
        self.play = icon_button("play", self.t("clock.play"), self.toggle, theme)
        self.back = icon_button("previous", self.t("clock.previous"), lambda: self.jump(back=True), theme)
        self.ahead = icon_button("next", self.t("clock.next"), self.jump, theme)
        self.live = icon_button("live", self.t("clock.live"), self._toggle_live, theme, checks=True)
        self.live.setText(self.t("clock.live"))
        self.live.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.badge = label("", "muted", wraps=False)
        self.badge.hide()
        self.source = ""
        self._feed: Freshness | None = None
        self.track = Track()
        self.track.setObjectName("time")
        self.track.setAccessibleName(self.t("clock.time"))
        self.track.valueChanged.connect(self._drag)
        self.track.sliderReleased.connect(self.rested)
        self.when = label("", wraps=False)
        self.when.setMinimumWidth(176)
        self.speed = QComboBox()
        for value in SPEEDS:
            self.speed.addItem(speed_text(value), value)
        self.speed.setToolTip(self.t("clock.speed"))
        self.speed.activated.connect(self._take_speed)
        self.ends = (label("", "muted", wraps=False), label("", "muted", wraps=False))
        self.off = icon_button("close", self.t("clock.off"), self._no_time, theme)
        self.track.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 6, 12, 6)
        box.addLayout(
            row(
                self.back, self.play, self.ahead, self.when, self.ends[0], self.track, self.ends[1],
                self.speed, self.live, self.badge, self.off, stretch=5,
            )
        )  # fmt: skip
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._ticked = 0.0
        room.desk.changed.connect(self.follow)
        room.desk.opened.connect(self._opened)
        self.follow(None, room.desk.state)

    @property
    def is_playing(self) -> bool:
        """Whether the clock runs."""
        return self._timer.isActive()

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Ends of the slider."""
        return span_of(self.room.desk.state.clock, self.layers, now=self._now())

    def set_layers(self, layers: Sequence[SceneLayer], events: Sequence[Event]) -> None:
        """The layers over time of the city, and what happens in them."""
        self.layers, self.events = layers, events
        self.follow(None, self.room.desk.state)

    def _opened(self) -> None:
        self.stop()
        self.layers, self.events = (), ()
        self.follow(None, self.room.desk.state)

    def _now(self) -> datetime:
        scene = self.room.picture.scene
        longitude = scene.pack.meta.longitude_deg if scene is not None else None
        return in_zone_of(solar_offset(longitude), datetime.now(UTC)).replace(microsecond=0)

    def follow(self, _before: Workspace | None, after: Workspace) -> None:
        """Show the time of the state."""
        clock, span = after.clock, self.span
        with quietly(self.track, self.speed, self.live):
            self.live.setChecked(clock.is_live)
            if clock.time is not None:
                self.track.setValue(round(share_of(clock.time, span) * _STEPS))
            index = self.speed.findData(abs(clock.speed))
            self.speed.setCurrentIndex(max(index, 0))
        shown = clock.time.strftime("%Y-%m-%d  %H:%M:%S  UTC%z") if clock.time else self.t("clock.none")
        self.when.setText(shown.replace("+0000", ""))
        same_day = span[0].date() == span[1].date()
        for end, moment in zip(self.ends, span, strict=True):
            end.setText(moment.strftime("%H:%M" if same_day else "%m-%d %H:%M"))
        self.off.setEnabled(clock.time is not None)
        for part in (self.back, self.ahead):
            part.setEnabled(bool(self.events))
        theme = self.room.theme
        self.track.marks = [
            (share_of(e.time, span), QColor(theme.alarm if e.is_alarm else theme.muted)) for e in self.events
        ]
        self.track.update()

    def show_source(self, text: str) -> None:
        """Tell where observations come from."""
        self.source = text
        self.badge.setToolTip(text)
        self.show_feed(self._feed)

    def show_feed(self, found: Freshness | None) -> None:
        """Tell whether observations come in, and how old the newest is; nothing where the clock is not live."""
        self._feed = found
        self.badge.setVisible(found is not None or bool(self.source))
        if found is None:
            self.badge.setText(self.source)
            self.badge.setStyleSheet("")
            return
        age = found.age_s()
        text = self.t("clock.online" if found.is_online else "clock.offline")
        told = self.t("clock.no_data") if age is None else self.t("clock.newest", age=age_text(age))
        self.badge.setText(" · ".join(part for part in (f"● {text}", told, self.source) if part))
        theme = self.room.theme
        self.badge.setStyleSheet(f"color: {theme.good if found.is_online else theme.warn}")

    def toggle(self) -> None:
        """Run, or rest."""
        if self.is_playing:
            self.stop()
            return
        clock, span = self.room.desk.state.clock, self.span
        if clock.time is None or clock.time >= span[1]:
            self.set_time(span[0])
        self._ticked = time.monotonic()
        self.moving.emit()
        self._timer.start()
        self.play.setIcon(icon("pause", self.room.theme.ink))

    def stop(self) -> None:
        """Rest where the clock is."""
        if self.is_playing:
            self._timer.stop()
            self.rested.emit()
        self.play.setIcon(icon("play", self.room.theme.ink))

    def set_time(self, moment: datetime) -> None:
        """Show another moment."""
        clock = replace(self.room.desk.state.clock, time=moment, is_live=False)
        self.room.desk.edit(self.t("step.time"), clock=clock, key="time")

    def jump(self, *, back: bool = False) -> None:
        """Go to the next event, or the one before."""
        event = next_event(self.events, self.room.desk.state.clock.time, back=back)
        if event is not None:
            self.set_time(event.time)
            self.room.say(event.text)
            self.rested.emit()

    def _drag(self, value: int) -> None:
        if self.track.isSliderDown():
            self.moving.emit()
        self.set_time(at_share(value / _STEPS, self.span))
        if not self.track.isSliderDown():
            self.rested.emit()

    def _take_speed(self, index: int) -> None:
        clock = replace(self.room.desk.state.clock, speed=float(self.speed.itemData(index)))
        self.room.desk.keep(clock=clock)

    def _toggle_live(self) -> None:
        clock = self.room.desk.state.clock
        is_live = self.live.isChecked()
        moment = self._now() if is_live else clock.time
        self.room.desk.edit(self.t("step.live"), clock=replace(clock, is_live=is_live, time=moment))
        if is_live:
            self._ticked = time.monotonic()
            self._timer.start()
        else:
            self.stop()

    def _no_time(self) -> None:
        self.stop()
        clock = replace(self.room.desk.state.clock, time=None, is_live=False)
        self.room.desk.edit(self.t("step.time"), clock=clock)
        self.rested.emit()

    def _tick(self) -> None:
        now = time.monotonic()
        passed, self._ticked = now - self._ticked, now
        clock = self.room.desk.state.clock
        if clock.is_live:
            if self._now().second != (clock.time.second if clock.time else -1):
                self.room.desk.keep(clock=replace(clock, time=self._now()))
            return
        moved, goes_on = advanced(clock, passed, self.span)
        self.room.desk.keep(clock=moved)
        if not goes_on:
            self.stop()


def speed_text(speed: float) -> str:
    """How fast a clock runs, in words that fit a small box.

    Examples
    --------
    >>> speed_text(1.0), speed_text(60.0), speed_text(3600.0)
    ('1 s/s', '1 min/s', '1 h/s')
    """
    if speed >= 3600:
        return f"{speed / 3600:g} h/s"
    return f"{speed / 60:g} min/s" if speed >= 60 else f"{speed:g} s/s"
