"""How survey points are shown: what their colours tell, and how many of them are drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from twin.scene.point_colours import POINT_COLOURS
from twin.scene.units import grouped_text
from twin.scene.workspace_points import shows_points
from twin.viewer.parts import label, quietly, row

if TYPE_CHECKING:
    from twin.scene.workspace import Workspace
    from twin.viewer.parts import Room

BUDGETS = (250_000, 1_000_000, 4_000_000, 16_000_000)


class PointsBox(QWidget):
    """Two lists below the tree of layers, there while survey points are shown."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self.room, self.t = room, room.texts
        self.colour, self.most = QComboBox(), QComboBox()
        self.colour.addItems([self.t(f"points.{by}") for by in POINT_COLOURS])
        self.colour.setAccessibleName(self.t("points.colour"))
        self.colour.activated.connect(self._take_colour)
        for n in BUDGETS:
            self.most.addItem(f"≤ {grouped_text(n)}", n)
        self.most.setAccessibleName(self.t("points.budget"))
        self.most.setToolTip(self.t("points.budget"))
        self.most.activated.connect(self._take_most)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(label(self.t("points.colour"), "muted"))
        box.addLayout(row(self.colour, self.most))
        room.desk.changed.connect(self.follow)
        room.desk.opened.connect(self._opened)
        self.follow(None, room.desk.state)

    def _opened(self) -> None:
        self.follow(None, self.room.desk.state)

    def follow(self, _before: Workspace | None, after: Workspace) -> None:
        """Show what the state has."""
        self.setVisible(shows_points(after))
        if after.survey is None:
            return
        with quietly(self.colour, self.most):
            self.colour.setCurrentIndex(POINT_COLOURS.index(after.survey.color_by))
            most = after.survey.most
            near = min(range(len(BUDGETS)), key=lambda i: abs(BUDGETS[i] - most))
            self.most.setCurrentIndex(near)

    def _take_colour(self, index: int) -> None:
        self._change(color_by=POINT_COLOURS[index])

    def _take_most(self, index: int) -> None:
        self._change(most=BUDGETS[index])

    def _change(self, **changes: object) -> None:
        desk = self.room.desk
        if desk.state.survey is not None:
            changed = replace(desk.state.survey, **changes)  # type: ignore[arg-type]
            desk.edit(self.t("step.points"), survey=changed)
