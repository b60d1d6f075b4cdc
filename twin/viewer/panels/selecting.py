"""What is chosen: how many, chosen by a condition, taken along as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QLineEdit, QVBoxLayout, QWidget

from twin.core.errors import TwinError
from twin.outputs.selection import SUFFIXES, export_selection
from twin.scene.workspace import Pick
from twin.viewer.parts import button, label, line, row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twin.scene.workspace import Workspace
    from twin.viewer.parts import Room


class SelectionBox(QWidget):
    """The lower part of the inspector."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self.room, self.t = room, room.texts
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(line())
        box.addWidget(label(self.t("select.title"), "section"))
        self.count = label("")
        box.addWidget(self.count)
        self.query = QLineEdit()
        self.query.setObjectName("query")
        self.query.setPlaceholderText('height_m > 20 and roof_type == "flat"')
        self.query.setToolTip(self.t("select.query_tip"))
        self.query.returnPressed.connect(self.choose_by_condition)
        box.addWidget(self.query)
        self.export = button(self.t("select.export"), self._ask_export)
        self.drop = button(self.t("select.clear"), lambda: self.choose(()))
        box.addLayout(
            row(button(self.t("select.by_query"), self.choose_by_condition), self.export, self.drop)
        )
        room.desk.changed.connect(self._follow)
        room.desk.opened.connect(self._opened)
        self._follow(None, room.desk.state)

    def _opened(self) -> None:
        self._follow(None, self.room.desk.state)

    def _follow(self, _before: Workspace | None, after: Workspace) -> None:
        n = sum(pick.layer == "buildings" for pick in after.selection)
        self.count.setText(self.t("select.count", n=n))
        self.export.setEnabled(n > 0)
        self.drop.setEnabled(bool(after.selection))

    def choose(self, buildings: Iterable[str], *, add: bool = False) -> None:
        """Choose buildings by their ids, beside those that are chosen already if `add`."""
        kept = self.room.desk.state.selection if add else ()
        picks = dict.fromkeys((*kept, *(Pick("buildings", name) for name in buildings)))
        self.room.desk.edit(self.t("step.select"), selection=tuple(picks))

    def choose_by_condition(self) -> None:
        """Choose all buildings that fulfil the condition that is written."""
        city, text = self.room.desk.city, self.query.text().strip()
        if city is None or not text:
            return

        def work(_told: object) -> list[str]:
            from twin.scene.where import select

            frame = city.buildings
            return [str(name) for name in frame["id"][select(frame, text)]]

        self.room.tasks.run("query", work, self._chosen)

    def _chosen(self, names: list[str]) -> None:
        self.choose(names)
        self.room.say(self.t("select.count", n=len(names)))

    def _ask_export(self) -> None:
        kinds = ";;".join(f"{name} (*{suffix})" for suffix, name in SUFFIXES.items())
        path, _ = QFileDialog.getSaveFileName(self, self.t("select.export"), "selection.gpkg", kinds)
        if path:
            self.take(Path(path))

    def take(self, path: Path) -> None:
        """Write what is chosen into a file."""
        city = self.room.desk.city
        names = tuple(p.id for p in self.room.desk.state.selection if p.layer == "buildings")
        if city is None or not names:
            return

        def done(count: int) -> None:
            self.room.say(self.t("select.written", n=count, name=path.name))

        def failed(error: Exception) -> None:
            self.room.complain(error)

        try:
            self.room.tasks.run(
                "take", lambda _told: export_selection(city, names, path, force=True), done, failed=failed
            )
        except TwinError as error:
            self.room.complain(error)
