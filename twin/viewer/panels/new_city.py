"""A new city: drop survey and footprints, see what they are, build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QFrame, QLineEdit, QProgressBar, QVBoxLayout, QWidget

from twin.scene.units import grouped_text
from twin.viewer.dialog import Dialog
from twin.viewer.note import Note
from twin.viewer.panels.start import dropped_paths
from twin.viewer.parts import button, clear, fact_rows, label, line, row, scrolled
from twin.viewer.survey import MAP_ROLES, sort_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.viewer.parts import Room

_CHECK_MS = 500
_POINTS = "Point clouds (*.las *.laz *.copc.laz)"
_VECTORS = "Vectors (*.gpkg *.shp *.geojson *.json *.fgb *.parquet *.gml *.kml)"


class NewCityDialog(Dialog):
    """Collects the inputs of a build, shows what they are, and watches the build.

    Signals
    -------
    built : Path
        The city folder.
    """

    built = Signal(object)

    def __init__(self, room: Room, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.room, self.t = room, room.texts
        self.setObjectName("new-city")
        self.setWindowTitle(self.t("new.title"))
        self.setAcceptDrops(True)
        self.setMinimumWidth(700)
        self.files: dict[str, list[Path]] = {}
        self.output = QLineEdit(str(Path.home() / "city.twin"))
        self.crs, self.id_field = QLineEdit(), QLineEdit()
        self.crs.setPlaceholderText(self.t("new.crs_hint"))
        self.id_field.setPlaceholderText(self.t("new.id_hint"))
        for field in (self.crs, self.id_field, self.output):
            field.editingFinished.connect(self._check_soon)
        page = QWidget()
        self.facts, self.inputs = QVBoxLayout(page), QVBoxLayout()
        self.facts.setContentsMargins(0, 0, 14, 0)
        self.told = scrolled(page)
        self.told.setObjectName("told")  # in the colour of the dialog, not in that of panels
        self.build = button(self.t("new.build"), self._build, kind="primary")
        self.build.setEnabled(False)
        self.stop = button(self.t("task.cancel"), self._stop)
        self.bar, self.stage = QProgressBar(), label("", "muted")
        self._arrange()
        self._soon = QTimer(self, singleShot=True, interval=_CHECK_MS)
        self._soon.timeout.connect(self.check)
        self._show_inputs()
        self._idle()

    def _arrange(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 18, 20, 18)
        box.setSpacing(9)
        box.addWidget(label(self.t("new.title"), "heading"))
        drop = QFrame()
        drop.setObjectName("drop")
        inner = QVBoxLayout(drop)
        inner.setContentsMargins(18, 18, 18, 18)
        hint = label(self.t("new.drop"), "muted")
        hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inner.addWidget(hint)
        inner.addLayout(
            row(
                None,
                button(self.t("new.points"), self._ask_points),
                button(self.t("new.footprints"), self._ask_footprints),
                None,
            )
        )
        box.addWidget(drop)
        box.addLayout(self.inputs)
        box.addLayout(row(label(self.t("new.crs")), self.crs, label(self.t("new.id")), self.id_field))
        choose = button("…", self._ask_output)
        box.addLayout(row(label(self.t("new.output")), self.output, choose, stretch=1))
        box.addWidget(line())
        box.addWidget(self.told, 1)
        box.addWidget(self.bar)
        box.addLayout(row(self.stage, self.stop, self.build, stretch=0))

    def take(self, paths: Sequence[Path]) -> None:
        """Add files, each to its part."""
        for role, found in sort_files(paths).items():
            known = self.files.setdefault(role, [])
            if role == "points":
                known += [p for p in found if p not in known]
            else:
                self.files[role] = found[-1:]
        self._show_inputs()
        self._check_soon()

    def arguments(self) -> list[str]:
        """The build as behind ``twin build``."""
        given = [str(p) for p in self.files.get("points", [])]
        for role in ("footprints", *MAP_ROLES):
            if self.files.get(role):
                given += [f"--{role}", str(self.files[role][-1])]
        for name, field in (("--crs", self.crs), ("--id-field", self.id_field)):
            if field.text().strip():
                given += [name, field.text().strip()]
        return [*given, "--output", self.output.text().strip()]

    def check(self) -> None:
        """Look the inputs over, and show what they are."""
        if not self.files.get("points"):
            return
        clear(self.facts)
        self.facts.addWidget(label(self.t("new.checking"), "muted"))
        self._fit_soon()
        self.build.setEnabled(False)
        self.room.tasks.run_verb(
            "survey", self.arguments(), self._show_facts, failed=self._show_error, module="twin.viewer.survey"
        )

    def _show_facts(self, text: str) -> None:
        found: dict[str, Any] = json.loads(text)
        clear(self.facts)
        share = found["n_covered"] / max(found["n_footprints"], 1)
        rows = [
            (self.t("facts.crs"), found["crs"]),
            (
                self.t("new.survey"),
                self.t("new.survey_value", files=found["n_files"], points=grouped_text(found["n_points"])),
            ),
            (self.t("new.extent"), f"{grouped_text(found['width_m'])} × {grouped_text(found['height_m'])} m"),
        ]
        if found["n_footprints"]:
            covered = self.t(
                "new.overlap_value",
                n=grouped_text(found["n_covered"]),
                all=grouped_text(found["n_footprints"]),
                share=f"{share:.0%}",
            )
            rows.append((self.t("new.overlap"), covered))
        fact_rows(self.facts, rows)
        for note in found["notes"][:4]:
            self.facts.addWidget(Note(note, "warn"))
        self._fit_soon()
        if found["n_footprints"] and not found["n_covered"]:
            self.facts.addWidget(label(self.t("new.no_overlap"), "alarm"))
            return
        if not found["n_footprints"]:
            self.facts.addWidget(label(self.t("new.no_footprints"), "warn"))
        self.build.setEnabled(bool(found["n_footprints"]))

    def _show_error(self, error: Exception) -> None:
        clear(self.facts)
        self.facts.addWidget(Note(str(error), "alarm"))
        self._fit_soon()
        self._idle()
        self.build.setEnabled(False)

    def _build(self) -> None:
        self.build.setEnabled(False)
        self.stop.setVisible(True)
        self.bar.setVisible(True)
        self.bar.setRange(0, 0)
        arguments = ["build", *self.arguments(), "--json"]
        job = self.room.tasks.run_verb("build", arguments, self._finished, failed=self._show_error)
        job.progressed.connect(lambda name, _done, _total: self.stage.setText(name))
        job.ended.connect(self._idle)

    def _finished(self, _summary: str) -> None:
        self.built.emit(Path(self.output.text().strip()))
        self.accept()

    def _stop(self) -> None:
        self.room.tasks.cancel("build")
        self.stage.setText(self.t("new.stopped"))

    def _idle(self) -> None:
        self.bar.setVisible(False)
        self.stop.setVisible(False)
        if self.files.get("points"):
            self.build.setEnabled(True)

    def _show_inputs(self) -> None:
        clear(self.inputs)
        rows = []
        for role, found in self.files.items():
            names = ", ".join(p.name for p in found[:3]) + (f" … ({len(found)})" if len(found) > 3 else "")
            rows.append((self.t(f"new.{role}"), names))
        fact_rows(self.inputs, rows)

    def needed_height(self) -> int:
        """What is told about the files scrolls, and wants to be seen whole."""
        told = self.facts.totalHeightForWidth(self.told.viewport().width()) if self.facts.count() else 0
        return super().needed_height() - self.told.sizeHint().height() + told

    def _fit_soon(self) -> None:
        """Once what is told has its size."""
        QTimer.singleShot(0, self, self.fit)

    def _check_soon(self) -> None:
        self._soon.start()

    def _ask_points(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, self.t("new.points"), "", _POINTS)
        self.take([Path(p) for p in paths])

    def _ask_footprints(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, self.t("new.footprints"), "", _VECTORS)
        if path:
            self.files["footprints"] = [Path(path)]
            self._show_inputs()
            self._check_soon()

    def _ask_output(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, self.t("new.output"), self.output.text(), "*.twin")
        if path:
            self.output.setText(path)
            self._check_soon()

    def dragEnterEvent(self, event: Any) -> None:
        """Files are welcome."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        """Take what was dropped."""
        self.take(dropped_paths(event))

    def reject(self) -> None:
        """Close; a build under way is told to stop, and goes on from there the next time."""
        for name in ("survey", "build"):
            self.room.tasks.cancel(name)
        super().reject()
