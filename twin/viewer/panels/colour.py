"""Colour of the buildings: one click on an attribute, then classes, their borders and their colours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QListWidget, QListWidgetItem, QSpinBox, QVBoxLayout

from twin.core.errors import UsageError
from twin.scene.colour import METHODS, ColourBy
from twin.scene.units import unit_of
from twin.scene.wording import worded_legends
from twin.viewer.facts import attribute_name
from twin.viewer.parts import Panel, button, clear, label, line, quietly, row, swatch

if TYPE_CHECKING:
    from twin.scene.workspace import Workspace
    from twin.viewer.parts import Room

MAPS = ("viridis", "cividis", "magma", "rdbu", "okabe_ito")
_FIRST = (
    "height_m",
    "roof_type",
    "state",
    "volume_m3",
    "footprint_area_m2",
    "rmse_m",
    "use",
    "year",
    "storeys",
)
_HIDDEN = ("geometry", "id", "shift_gain", "codes")


class ColourPanel(Panel):
    """Colours buildings by what is known of them."""

    def __init__(self, room: Room) -> None:
        super().__init__(room, room.texts("panel.colour"))
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.t("colour.search"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._narrow)
        self.box.addWidget(self.search)
        self.attributes = QListWidget()
        self.attributes.setObjectName("attributes")
        self.attributes.itemClicked.connect(self._take_attribute)
        self.box.addWidget(self.attributes, 1)
        self.method, self.count = QComboBox(), QSpinBox()
        self.method.addItems([self.t(f"method.{name}") for name in METHODS])
        self.method.activated.connect(lambda _i: self._take_classes())
        self.count.setRange(2, 12)
        self.count.valueChanged.connect(lambda _v: self._take_classes())
        self.box.addLayout(row(self.method, self.count, stretch=0))
        self.breaks = QLineEdit()
        self.breaks.setPlaceholderText(self.t("colour.breaks"))
        self.breaks.returnPressed.connect(self._take_breaks)
        self.box.addWidget(self.breaks)
        self.maps = QComboBox()
        self.maps.addItems(MAPS)
        self.maps.activated.connect(lambda _i: self._take_classes())
        self.off = button(self.t("colour.off"), self.clear)
        self.box.addLayout(row(self.maps, self.off, stretch=0))
        self.box.addWidget(line())
        self.legend = QVBoxLayout()
        self.legend.setSpacing(4)
        self.box.addLayout(self.legend)
        room.picture.loaded.connect(self._loaded)
        self.follow(None, room.desk.state)

    def follow(self, before: Workspace | None, after: Workspace) -> None:
        """List the attributes of another city; show the classes of the state."""
        if before is None:
            self.attributes.clear()
            city = self.room.desk.city
            if city is not None:
                self.room.tasks.run("attributes", lambda _told: columns_of(city), self._list, in_turn=True)
        by = after.color_by
        with quietly(self.method, self.count, self.maps, self.breaks):
            for part in (self.method, self.count, self.maps, self.breaks, self.off):
                part.setEnabled(by is not None)
            if by is not None:
                self.method.setCurrentIndex(METHODS.index(by.method))
                self.count.setValue(by.n_classes)
                self.maps.setCurrentText(by.colour_map or MAPS[0])
                self.breaks.setText(", ".join(f"{b:g}" for b in by.breaks))
            self.breaks.setVisible(by is not None and by.method == "given")
        self._mark(by.attribute if by is not None else "")
        self._show_legend()

    def colour_by(self, attribute: str) -> None:
        """Colour by an attribute, with the classes that were chosen before."""
        old = self.room.desk.state.color_by
        by = ColourBy(attribute)
        if old is not None and old.method != "given":
            by = replace(by, method=old.method, n_classes=old.n_classes)
        self._take(by)

    def clear(self) -> None:
        """Their own colours again."""
        self.room.desk.edit(self.t("step.colour_off"), color_by=None)

    def _take(self, by: ColourBy) -> None:
        name = attribute_name(by.attribute, self.t)
        self.room.desk.edit(self.t("step.colour", name=name), color_by=by, key=f"colour-{by.attribute}")

    def _take_attribute(self, item: QListWidgetItem) -> None:
        self.colour_by(item.data(Qt.ItemDataRole.UserRole))

    def _take_classes(self) -> None:
        by = self.room.desk.state.color_by
        if by is None:
            return
        method = METHODS[self.method.currentIndex()]
        breaks: tuple[float, ...] = ()
        if method == "given":
            breaks = by.breaks or self._present_breaks(by)
            if not breaks:
                return
        self._take(
            replace(by, method=method, n_classes=self.count.value(), breaks=breaks, colour_map=self._map())
        )

    def _map(self) -> str | None:
        name = self.maps.currentText()
        return None if name == MAPS[0] else name

    def _present_breaks(self, by: ColourBy) -> tuple[float, ...]:
        """The borders that are drawn now, to be changed by hand."""
        import numpy as np

        from twin.scene.classes import class_breaks

        city = self.room.desk.city
        if city is None or by.attribute not in city.buildings:
            return ()
        values = city.buildings[by.attribute]
        if values.dtype.kind not in "fiu":
            return ()
        numbers = values.to_numpy(np.float64)
        found = class_breaks(numbers[np.isfinite(numbers)], replace(by, method="natural", breaks=()))
        return tuple(round(float(b), 3) for b in found)

    def _take_breaks(self) -> None:
        by = self.room.desk.state.color_by
        if by is None:
            return
        try:
            breaks = tuple(
                float(part) for part in self.breaks.text().replace(";", ",").split(",") if part.strip()
            )
            self._take(replace(by, method="given", breaks=breaks, n_classes=max(2, min(12, len(breaks) + 1))))
        except (ValueError, UsageError) as error:
            self.room.complain(UsageError(self.t("panel.colour"), self.t("colour.bad_breaks"), str(error)))

    def _list(self, columns: list[str]) -> None:
        self.attributes.clear()
        for name in columns:
            unit = unit_of(name)
            item = QListWidgetItem(f"{attribute_name(name, self.t)}{f'  ({unit})' if unit else ''}")
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setToolTip(name)
            self.attributes.addItem(item)
        by = self.room.desk.state.color_by
        self._mark(by.attribute if by is not None else "")

    def _mark(self, attribute: str) -> None:
        for i in range(self.attributes.count()):
            item = self.attributes.item(i)
            if item.data(Qt.ItemDataRole.UserRole) == attribute:
                self.attributes.setCurrentItem(item)
                return
        self.attributes.clearSelection()

    def _narrow(self, text: str) -> None:
        for i in range(self.attributes.count()):
            item = self.attributes.item(i)
            found = text.lower() in f"{item.text()} {item.toolTip()}".lower()
            item.setHidden(not found)

    def _loaded(self, _scene: object) -> None:
        self._show_legend()

    def _show_legend(self) -> None:
        clear(self.legend)
        legend = self.room.picture.legend
        if legend is None or self.room.desk.state.color_by is None:
            self.legend.addWidget(label(self.t("colour.hint"), "muted"))
            return
        (legend,) = worded_legends([legend], self.room.desk.state.language)
        self.legend.addWidget(label(legend.title, "section"))
        for entry in legend.entries:
            self.legend.addLayout(row(swatch(entry.rgb), label(entry.text), stretch=1))


def columns_of(city: Any) -> list[str]:
    """Attributes that can colour buildings, the usual ones first."""
    frame = city.buildings
    there = [str(c) for c in frame.columns if c not in _HIDDEN and frame[c].notna().any()]
    first = [name for name in _FIRST if name in there]
    plain = [name for name in there if name not in first and "_lod" not in name]
    return [*first, *plain, *(name for name in there if "_lod" in name and name not in first)]
