"""Measures: places are clicked in the picture, figures appear here and beside them, and data can be saved."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from twin.core.errors import TwinError
from twin.scene.figures import PLACES, Figures, measure
from twin.scene.workspace import Measurement
from twin.scene.workspace_extras import seen_layers
from twin.scene.workspace_layers import VIEWSHED
from twin.scene.workspace_sketches import AREAS, measurement_rgb
from twin.viewer.canvas import as_image
from twin.viewer.icons import icon
from twin.viewer.panels.section import SectionBox
from twin.viewer.parts import (
    Panel,
    button,
    clear,
    fact_rows,
    fresh_name,
    icon_button,
    label,
    line,
    reveal,
    row,
)
from twin.viewer.sketch import Pencil
from twin.viewer.theme import GAP

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QPainter

    from twin.energy.standing import Surroundings
    from twin.scene.camera import Camera
    from twin.scene.picking import Hit
    from twin.scene.sight import Viewshed
    from twin.scene.workspace import Workspace
    from twin.viewer.basis import Basis
    from twin.viewer.moving import Moving
    from twin.viewer.parts import Room
    from twin.viewer.sketch import Place

KINDS = tuple(PLACES)
_PROFILE_PX = (560, 230)


class MeasurePanel(Panel):
    """The tools that measure, and what they found.

    Signals
    -------
    changed
        Something else was found, or is gone.
    """

    changed = Signal()

    def __init__(self, room: Room, basis: Basis, moving: Moving) -> None:
        super().__init__(room, room.texts("panel.measure"))
        self.basis, self.moving = basis, moving
        self.kind = ""
        self.points: list[Place] = []
        self.found: dict[str, Figures] = {}
        self.charts: dict[str, QPixmap] = {}
        self.entries: dict[str, QWidget] = {}
        self._seen: Viewshed | None = None
        self._hovered: Place | None = None
        self.buttons: dict[str, QToolButton] = {}
        grid = QGridLayout()
        for i, kind in enumerate(KINDS):
            tool = icon_button(
                kind, self.t(f"measure.{kind}"), partial(self.begin, kind), room.theme, checks=True
            )
            tool.setObjectName(f"measure-{kind}")
            tool.setText(self.t(f"measure.{kind}"))
            tool.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            tool.setIconSize(QSize(18, 18))
            tool.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            grid.addWidget(tool, i // 2, i % 2)
            self.buttons[kind] = tool
        self.box.addLayout(grid)
        self.hint = label(self.t("measure.hint"), "muted")
        self.box.addWidget(self.hint)
        self.section = SectionBox(room)
        self.box.addWidget(self.section)
        self.list = QVBoxLayout()
        self.box.addLayout(self.list)
        self.box.addStretch(1)
        self.follow(None, room.desk.state)

    def begin(self, kind: str) -> None:
        """Take a tool into the hand, or lay it down."""
        if self.kind == kind:
            self.cancel()
            return
        self.kind, self.points = kind, []
        self._mark()
        self.hint.setText(self.t(f"measure.{kind}_hint"))
        self.room.steering.lend(self)

    def click(self, hit: Hit | None, *, add: bool) -> None:
        """One place more."""
        if hit is None or not self.kind:
            return
        self.points.append(hit.position)
        most = PLACES[self.kind][1]
        if most is not None and len(self.points) >= most:
            self.finish()
        self.room.picture.canvas.update()

    def hover(self, hit: Hit | None) -> None:
        """Show where the next place would be."""
        self._hovered = None if hit is None else hit.position
        if self.points:
            self.room.picture.canvas.update()

    def finish(self) -> None:
        """These are all places: measure."""
        if not self.kind or len(self.points) < PLACES[self.kind][0]:
            return
        desk = self.room.desk
        name = fresh_name(self.kind, [m.id for m in desk.state.measurements])
        made = Measurement(name, self.kind, tuple(self.points))  # type: ignore[arg-type]
        self.points = []
        desk.edit(
            self.t("step.measure", kind=self.t(f"measure.{self.kind}")),
            measurements=(*desk.state.measurements, made),
        )
        if PLACES[self.kind][1] is not None:
            self.cancel()

    def cancel(self) -> None:
        """Lay the tool down."""
        self.kind, self.points, self._hovered = "", [], None
        self._mark()
        self.hint.setText(self.t("measure.hint"))
        if self.room.steering.lent is self:
            self.room.steering.lend(None)
        self.room.picture.canvas.update()

    def _mark(self) -> None:
        for kind, tool in self.buttons.items():
            tool.setChecked(kind == self.kind)
            tool.setIcon(icon(kind, self.room.theme.on_accent if kind == self.kind else self.room.theme.ink))

    def follow(self, before: Workspace | None, after: Workspace) -> None:
        """Measure what is new, forget what is gone."""
        if before is None:
            self.found = {}
        elif before.measurements == after.measurements:
            return
        ids = {m.id for m in after.measurements}
        self.found = {k: v for k, v in self.found.items() if k in ids}
        self.charts = {k: v for k, v in self.charts.items() if k in ids}
        for asked in after.measurements:
            if asked.id not in self.found:
                self._measure(asked)
        self._show()

    def _measure(self, asked: Measurement) -> None:
        texts, style = self.t, self.room.theme.name

        def work(around: Surroundings, _told: object) -> tuple[Figures, NDArray[np.uint8] | None]:
            figures = measure(around, asked, texts)
            return figures, _chart(figures, style) if asked.kind == "profile" else None

        def done(found: tuple[Figures, NDArray[np.uint8] | None]) -> None:
            figures, chart = found
            self.found[asked.id] = figures
            if chart is not None:
                self.charts[asked.id] = QPixmap.fromImage(as_image(chart))
                self.charts[asked.id].setDevicePixelRatio(2.0)
            self._show()
            if self.isVisible():
                QTimer.singleShot(0, self, partial(self._reveal, asked.id))

        self.basis.run(f"measure {asked.id}", work, done)

    def _reveal(self, name: str) -> None:
        if (entry := self.entries.get(name)) is not None:
            reveal(entry)

    def _show(self) -> None:
        """List what was measured, and show in the picture what is seen from the place that was asked about last."""
        state = self.room.desk.state
        layer = next(iter(seen_layers(state, self.found)), None)
        seen = None if layer is None else layer.found
        if seen is not self._seen:
            self._seen = seen
            self.moving.show_other(layer, VIEWSHED)
        self._list()
        self.changed.emit()

    def _list(self) -> None:
        clear(self.list)
        self.entries = {}
        for asked in reversed(self.room.desk.state.measurements):
            self.list.addWidget(self._entry(asked))

    def _entry(self, asked: Measurement) -> QWidget:
        """What was measured, in rows."""
        entry = self.entries[asked.id] = QWidget()
        box = QVBoxLayout(entry)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(GAP)
        box.addWidget(line())
        drop = icon_button("delete", self.t("measure.delete"), partial(self._drop, asked.id), self.room.theme)
        box.addLayout(row(label(asked.label or asked.id, "section"), None, drop))
        figures = self.found.get(asked.id)
        if figures is None:
            box.addWidget(label("…", "muted"))
            return entry
        fact_rows(box, list(figures.rows))
        if asked.kind == "profile":
            shown = QLabel()
            shown.setPixmap(self.charts[asked.id])
            box.addWidget(shown)
        if asked.kind in {"profile", "viewshed"}:
            box.addWidget(button(self.t("measure.save"), partial(self._ask_save, asked)))
        return entry

    def _drop(self, name: str) -> None:
        desk = self.room.desk
        kept = tuple(m for m in desk.state.measurements if m.id != name)
        desk.edit(self.t("measure.delete"), measurements=kept)

    def _ask_save(self, asked: Measurement) -> None:
        kinds = (
            "CSV (*.csv);;PNG (*.png)"
            if asked.kind == "profile"
            else "GeoTIFF (*.tif);;GeoParquet (*.parquet)"
        )
        suffix = "csv" if asked.kind == "profile" else "tif"
        path, _ = QFileDialog.getSaveFileName(self, self.t("measure.save"), f"{asked.id}.{suffix}", kinds)
        if path:
            self.save(asked, Path(path))

    def save(self, asked: Measurement, path: Path) -> None:
        """Write the data of a measurement."""
        from twin.scene.profile import write_profile
        from twin.scene.sight import write_viewshed

        data, city = self.found[asked.id].data, self.room.desk.city
        if city is None:
            return
        try:
            if asked.kind == "profile":
                write_profile(data, path, title=asked.label or asked.id, force=True)
            else:
                write_viewshed(data, path, crs=city.manifest.crs_wkt, force=True)
        except TwinError as error:
            self.room.complain(error)
            return
        self.room.say(self.t("window.saved", name=path.name))

    def draw(self, painter: QPainter, camera: Camera, size: tuple[int, int]) -> None:
        """The line that is in the hand; what was measured is drawn with the picture."""
        if not self.points:
            return
        pencil = Pencil(painter, camera, size, self.room.desk.origin(), self.room.theme)
        places = [*self.points, *([self._hovered] if self._hovered is not None else [])]
        colour = "#{:02x}{:02x}{:02x}".format(*measurement_rgb(self.kind))
        if self.kind in AREAS:
            pencil.area(places, colour)
        pencil.line(places, colour, closed=self.kind in AREAS and len(places) > 2)
        pencil.dots(places, colour)


def _chart(figures: Figures, style: str) -> NDArray[np.uint8]:
    """The picture of a profile."""
    from twin.scene.profile import profile_picture
    from twin.scene.style import load_style

    return profile_picture(figures.data, size=_PROFILE_PX, style=load_style(style))
