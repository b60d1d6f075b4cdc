"""The inspector: all that is known of what was clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QVBoxLayout, QWidget

from twin.scene.picking import Kind
from twin.scene.workspace import Pick, hidden_layers
from twin.viewer.facts import FactGroup, Facts, facts_of
from twin.viewer.panels.plot import Plot
from twin.viewer.panels.selecting import SelectionBox
from twin.viewer.parts import Panel, clear, fact_rows, label, line
from twin.viewer.station_facts import station_facts
from twin.viewer.water_facts import duration_text, metres_text, water_at

if TYPE_CHECKING:
    from datetime import datetime

    from twin.core.translations import Texts
    from twin.scene.flood_layer import FloodLayer
    from twin.scene.picking import Hit
    from twin.scene.workspace import Workspace
    from twin.viewer.moving import Moving
    from twin.viewer.parts import Room
    from twin.viewer.station_facts import Series

_FOLLOW_MS = 400
"""What is read out follows the clock in steps that can be read."""


class InspectPanel(Panel):
    """Reads out the thing that was clicked last, and what can be done with all that are chosen."""

    def __init__(self, room: Room, moving: Moving) -> None:
        super().__init__(room, "")
        self.moving = moving
        self.content = QWidget()
        self.rows = QVBoxLayout(self.content)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.box.addWidget(self.content)
        self.extra = QVBoxLayout()
        self.box.addLayout(self.extra)
        self.selection = SelectionBox(room)
        self.box.addWidget(self.selection)
        self.box.addStretch(1)
        self._soon = QTimer(self, singleShot=True, interval=_FOLLOW_MS)
        self._soon.timeout.connect(lambda: self.inspect(self.hit, is_quiet=True))
        self.facts: Facts | None = None
        self.hit: Hit | None = None
        self._empty()

    def follow(self, before: Workspace | None, after: Workspace) -> None:
        """Forget what was clicked where another city is there."""
        if before is None:
            self.hit = None
            self._empty()
        elif before.selection and not after.selection:
            self._empty()
        elif before.clock.time != after.clock.time and self._changes_with_time and not self._soon.isActive():
            self._soon.start()

    @property
    def _changes_with_time(self) -> bool:
        """Whether what is read out is another at another moment."""
        return self.hit is not None and (self.hit.kind == Kind.MARKER or self.moving.flood is not None)

    def click(self, hit: Hit | None, *, add: bool) -> None:
        """Choose what was hit, or nothing; `add` keeps what was chosen, and lets go what is hit again."""
        desk = self.room.desk
        before = desk.state.selection
        if hit is None or hit.kind not in {Kind.BUILDING, Kind.MARKER}:
            if not add:
                desk.edit(self.t("step.select"), selection=())
        else:
            pick = Pick("buildings" if hit.kind == Kind.BUILDING else "sensors", hit.id)
            others = tuple(p for p in before if p != pick)
            chosen = ((*others, pick) if pick not in before else others) if add else (pick,)
            desk.edit(self.t("step.select"), selection=chosen)
        self.inspect(hit)

    def hover(self, hit: Hit | None) -> None:
        """Nothing: the status bar tells it."""

    def finish(self) -> None:
        """Nothing is under way."""

    def cancel(self) -> None:
        """Let go of everything."""
        self.room.desk.edit(self.t("step.select"), selection=())
        self.inspect(None)

    def inspect(self, hit: Hit | None, *, is_quiet: bool = False) -> None:
        """Read out a thing; quietly where the clock moves on below it."""
        self.hit = hit
        city = self.room.desk.city
        if hit is None or city is None:
            self._empty()
            return
        texts, when, sensors = self.t, self.room.desk.state.clock.time, self.moving.sensors
        flood = self.moving.flood
        hidden = hidden_layers(self.room.desk.state)

        def work(_told: object) -> tuple[Facts, tuple[Series, ...]]:
            if hit.kind == Kind.MARKER and sensors is not None:
                return station_facts(sensors, hit.id, when, texts)
            return with_water(facts_of(city, hit, texts, hidden=hidden), hit, flood, when, texts), ()

        self.room.tasks.run("facts", work, self._show, is_quiet=is_quiet)

    def inspect_building(self, building: str, place: tuple[float, float, float]) -> None:
        """Read out a building that was found and not clicked."""
        from twin.scene.picking import Hit

        self.inspect(Hit(Kind.BUILDING, building, place, 0.0))

    def inspect_station(self, thing: str, place: tuple[float, float, float]) -> None:
        """Read out a station that was found and not clicked."""
        from twin.scene.picking import Hit

        self.inspect(Hit(Kind.MARKER, thing, place, 0.0))

    def _empty(self) -> None:
        self.hit = None
        self.facts = None
        clear(self.rows)
        clear(self.extra)
        self.rows.addWidget(label(self.t("panel.inspect"), "heading"))
        self.rows.addWidget(label(self.t("inspect.hint"), "muted"))

    def _show(self, found: tuple[Facts, tuple[Series, ...]]) -> None:
        facts, series = found
        self.facts = facts
        clear(self.rows)
        self.rows.addWidget(label(facts.title, "heading"))
        if facts.subtitle:
            self.rows.addWidget(label(facts.subtitle, "muted"))
        for group in facts.groups:
            self.rows.addWidget(line())
            self.rows.addWidget(label(self.t(group.key), "section"))
            fact_rows(self.rows, list(group.rows))
        for one in series:
            if len(one.values) > 1:
                self.rows.addWidget(label(f"{one.name}  {one.unit}", "section"))
                self.rows.addWidget(Plot(one, self.room.theme))


def with_water(
    facts: Facts, hit: Hit, flood: FloodLayer | None, when: datetime | None, texts: Texts
) -> Facts:
    """The facts, and what a flood does at the place."""
    if flood is None:
        return facts
    here = water_at(flood, hit.position[0], hit.position[1], when)
    rows = (
        (texts("water.depth"), f"{metres_text(here.depth_m)} m"),
        (texts("water.greatest"), f"{metres_text(here.greatest_m)} m"),
        (texts("water.arrival"), duration_text(here.arrival_s)),
    )
    return Facts(
        facts.title, facts.subtitle, (*facts.groups[:1], FactGroup("facts.water", rows), *facts.groups[1:])
    )
