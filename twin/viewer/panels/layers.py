"""The tree of layers: switched by their boxes, faded by their sliders."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QComboBox, QHeaderView, QTreeWidget, QTreeWidgetItem

from twin.scene.units import grouped_text
from twin.scene.workspace import SurveyState, layer_state, with_layer
from twin.scene.workspace_layers import LABELS
from twin.scene.workspace_points import SURVEY, shows_points
from twin.viewer.layer_list import layer_groups
from twin.viewer.panels.points import PointsBox
from twin.viewer.parts import Panel, label, quietly, row, slider

if TYPE_CHECKING:
    from PySide6.QtWidgets import QSlider

    from twin.city.model import City
    from twin.scene.workspace import Workspace
    from twin.viewer.layer_list import Group
    from twin.viewer.parts import Room

LODS = ("2.2", "2.0", "1.3", "1.2")


def is_shown(state: Workspace, name: str) -> bool:
    """Whether a workspace shows a layer; survey points only where they were asked for."""
    if name == LABELS:
        return state.furniture.labels
    return shows_points(state) if name == SURVEY else layer_state(state, name).is_visible


def has_own_points(state: Workspace) -> bool:
    """Whether a workspace names point files of its own."""
    return state.survey is not None and bool(state.survey.files)


class LayersPanel(Panel):
    """Shows and fades what there is to see."""

    def __init__(self, room: Room) -> None:
        super().__init__(room, room.texts("panel.layers"))
        self.tree = QTreeWidget()
        self.tree.setObjectName("layers")
        self.tree.setColumnCount(2)
        self.tree.setHeaderHidden(True)
        self.tree.setIndentation(14)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        self.tree.header().resizeSection(1, 76)
        self.tree.header().setStretchLastSection(False)
        self.tree.itemChanged.connect(self._switch)
        self.box.addWidget(self.tree, 1)
        self.points = PointsBox(room)
        self.box.addWidget(self.points)
        self.lod = QComboBox()
        self.lod.addItems([f"LoD {lod}" for lod in LODS])
        self.lod.activated.connect(self._take_lod)
        self.box.addLayout(row(label(self.t("layers.lod"), "muted"), self.lod, stretch=1))
        self.sliders: dict[str, QSlider] = {}
        self._items: dict[str, QTreeWidgetItem] = {}
        self._parents: dict[str, QTreeWidgetItem] = {}
        self.over_time: tuple[str, ...] = ()
        # Dozens of rows take as long as all else that happens when a city opens or a flood is chosen: they have an
        # event of their own.
        self._filling = QTimer(self, singleShot=True, interval=0)
        self._filling.timeout.connect(lambda: self.follow(None, self.room.desk.state))
        self.follow(None, room.desk.state)

    def _opened(self) -> None:
        self._filling.start()

    def follow(self, before: Workspace | None, after: Workspace) -> None:
        """Fill the tree where another city is there; else move boxes and sliders to where the state has them."""
        if before is None or has_own_points(before) != has_own_points(after):
            self._fill()
        with quietly(self.tree, *self.sliders.values(), self.lod):
            for name, item in self._items.items():
                shown = is_shown(after, name)
                item.setCheckState(0, Qt.CheckState.Checked if shown else Qt.CheckState.Unchecked)
                if name in self.sliders:
                    self.sliders[name].setValue(round(layer_state(after, name).opacity * 100))
            lod = layer_state(after, "buildings").lod or LODS[0]
            self.lod.setCurrentIndex(LODS.index(lod) if lod in LODS else 0)

    def add_over_time(self, names: tuple[str, ...]) -> None:
        """List floods, sensors and the like as well."""
        if names != self.over_time:
            self.over_time = names
            self._filling.start()

    def _fill(self) -> None:
        """List what there is to see; rows that stay are kept, for each costs as much as all else that changes."""
        city = self.room.desk.city
        groups = self._groups(city) if city is not None else ()
        with quietly(self.tree):
            self._drop({name: group.key for group in groups for name in group.layers})
            for i, group in enumerate(groups):
                parent = self._parents.get(group.key) or self._head(i, group.key)
                for k, name in enumerate(group.layers):
                    if name not in self._items:
                        self._add(parent, k, name)
                    self._items[name].setToolTip(0, self._tip(name))

    def _drop(self, heading_of: dict[str, str]) -> None:
        """Take rows away that have no heading, or another one than before, and headings that have no row."""
        for name, item in tuple(self._items.items()):
            parent = item.parent()
            if parent is not None and self._parents.get(heading_of.get(name, "")) is not parent:
                del self._items[name], self.sliders[name]
                self.tree.removeItemWidget(item, 1)
                parent.removeChild(item)
        for key, parent in tuple(self._parents.items()):
            if not parent.childCount():
                self.tree.takeTopLevelItem(self.tree.indexOfTopLevelItem(parent))
                del self._parents[key]

    def _head(self, place: int, key: str) -> QTreeWidgetItem:
        self._parents[key] = parent = QTreeWidgetItem([self.t(f"group.{key}")])
        parent.setFlags(Qt.ItemFlag.ItemIsEnabled)
        self.tree.insertTopLevelItem(place, parent)
        parent.setExpanded(True)
        return parent

    def _groups(self, city: City) -> tuple[Group, ...]:
        has_points = has_own_points(self.room.desk.state)
        return layer_groups(city, over_time=self.over_time, has_points=has_points)

    def _add(self, parent: QTreeWidgetItem, place: int, name: str) -> None:
        item = QTreeWidgetItem([self.t.get(f"layer.{name}", name)])
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
        item.setData(0, Qt.ItemDataRole.UserRole, name)
        parent.insertChild(place, item)
        self._items[name] = item
        fade = slider(5, 100, partial(self._fade, name), name=f"fade-{name}")
        fade.setToolTip(self.t("layers.fade"))
        fade.setAccessibleName(f"{self.t('layers.fade')}: {item.text(0)}")
        self.tree.setItemWidget(item, 1, fade)
        self.sliders[name] = fade

    def _tip(self, name: str) -> str:
        city = self.room.desk.city
        layer = city.manifest.layers.get(name) if city is not None else None
        if layer is None:
            return ""
        counts = ", ".join(f"{key} {grouped_text(value)}" for key, value in layer.counts.items())
        sources = ", ".join(source.name for source in layer.provenance.inputs[:4])
        return "\n".join(text for text in (counts, sources, layer.provenance.attribution) if text)

    def _switch(self, item: QTreeWidgetItem, _column: int) -> None:
        name = item.data(0, Qt.ItemDataRole.UserRole)
        if name is None:
            return
        shown = item.checkState(0) == Qt.CheckState.Checked
        desk, text = self.room.desk, self.t("step.layer", name=item.text(0))
        if name == LABELS:
            desk.edit(text, furniture=replace(desk.state.furniture, labels=shown))
        elif name == SURVEY:
            survey = desk.state.survey or SurveyState()
            desk.change(text, with_layer(replace(desk.state, survey=survey), name, is_visible=shown))
        else:
            desk.change(text, with_layer(desk.state, name, is_visible=shown))

    def _fade(self, name: str, value: int) -> None:
        desk = self.room.desk
        changed = with_layer(desk.state, name, opacity=value / 100)
        desk.change(self.t("step.fade", name=self.t.get(f"layer.{name}", name)), changed, key=f"fade-{name}")

    def _take_lod(self, index: int) -> None:
        desk, lod = self.room.desk, LODS[index]
        desk.change(
            self.t("step.lod", lod=lod), with_layer(desk.state, "buildings", lod=None if not index else lod)
        )
