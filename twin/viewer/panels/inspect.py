"""The inspector: all that is known of what was clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from twin.scene.picking import Kind
from twin.scene.workspace import Pick
from twin.viewer.facts import facts_of
from twin.viewer.panels.selecting import SelectionBox
from twin.viewer.parts import Panel, clear, fact_rows, label, line

if TYPE_CHECKING:
    from twin.scene.picking import Hit
    from twin.scene.workspace import Workspace
    from twin.viewer.facts import Facts
    from twin.viewer.parts import Room


class InspectPanel(Panel):
    """Reads out the thing that was clicked last, and what can be done with all that are chosen."""

    def __init__(self, room: Room) -> None:
        super().__init__(room, "")
        self.content = QWidget()
        self.rows = QVBoxLayout(self.content)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.box.addWidget(self.content)
        self.extra = QVBoxLayout()
        self.box.addLayout(self.extra)
        self.selection = SelectionBox(room)
        self.box.addWidget(self.selection)
        self.box.addStretch(1)
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

    def inspect(self, hit: Hit | None) -> None:
        """Read out a thing."""
        self.hit = hit
        city = self.room.desk.city
        if hit is None or city is None:
            self._empty()
            return
        texts = self.t
        self.room.tasks.run("facts", lambda _told: facts_of(city, hit, texts), self._show)

    def inspect_building(self, building: str, place: tuple[float, float, float]) -> None:
        """Read out a building that was found and not clicked."""
        from twin.scene.picking import Hit

        self.inspect(Hit(Kind.BUILDING, building, place, 0.0))

    def _empty(self) -> None:
        self.facts = None
        clear(self.rows)
        clear(self.extra)
        self.rows.addWidget(label(self.t("panel.inspect"), "heading"))
        self.rows.addWidget(label(self.t("inspect.hint"), "muted"))

    def _show(self, facts: Facts) -> None:
        self.facts = facts
        clear(self.rows)
        self.rows.addWidget(label(facts.title, "heading"))
        if facts.subtitle:
            self.rows.addWidget(label(facts.subtitle, "muted"))
        for group in facts.groups:
            self.rows.addWidget(line())
            self.rows.addWidget(label(self.t(group.key), "section"))
            fact_rows(self.rows, list(group.rows))
