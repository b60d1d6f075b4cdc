"""Water: a flood of the city, or a level moved by hand; what it closes, and the way round."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QDoubleSpinBox

from twin.scene.workspace import FloodState
from twin.viewer.parts import Panel, button, label, line, quietly, row, slider
from twin.viewer.sketch import Pencil
from twin.viewer.water_facts import (
    closed_roads,
    duration_text,
    metres_text,
    road_tables,
    water_at,
    way_between,
)

if TYPE_CHECKING:
    from typing import Any

    from PySide6.QtGui import QPainter

    from twin.scene.camera import Camera
    from twin.scene.flood_layer import FloodLayer
    from twin.scene.picking import Hit
    from twin.scene.workspace import Workspace
    from twin.viewer.moving import Moving
    from twin.viewer.parts import Room
    from twin.viewer.water_facts import ClosedRoads
    from twin.water.way_round import Way

QUANTITIES = ("depth", "natural", "hazard", "velocity", "arrival")
_STEP_M = 0.05
_ROADS_SHOWN = 8


class WaterPanel(Panel):
    """Chooses the water that is shown, and tells what it does."""

    def __init__(self, room: Room, moving: Moving) -> None:
        super().__init__(room, room.texts("panel.water"))
        self.moving = moving
        self.floods = QComboBox()
        self.floods.setObjectName("floods")
        self.floods.activated.connect(self._choose)
        self.box.addLayout(row(label(self.t("water.flood"), "muted"), self.floods, stretch=1))
        self.quantity = QComboBox()
        self.quantity.addItems([self.t(f"quantity.{name}") for name in QUANTITIES])
        self.quantity.activated.connect(self._take_quantity)
        self.box.addLayout(row(label(self.t("water.quantity"), "muted"), self.quantity, stretch=1))
        self.box.addWidget(line())
        self.box.addWidget(label(self.t("water.by_hand"), "section"))
        self.level = slider(0, 1, self._slide, name="level")
        self.level.setAccessibleName(self.t("water.level"))
        self.spin = QDoubleSpinBox()
        self.spin.setObjectName("eta")
        self.spin.setDecimals(2)
        self.spin.setSingleStep(_STEP_M)
        self.spin.setSuffix(" m")
        self.spin.valueChanged.connect(self.set_level)
        self.box.addLayout(row(self.level, self.spin, stretch=0))
        self.source = button(self.t("water.source"), self._ask_source, checks=True)
        self.box.addWidget(self.source)
        self.box.addWidget(label(self.t("water.preview"), "muted"))
        self.box.addWidget(line())
        self.box.addWidget(label(self.t("water.here"), "section"))
        self.here = label(self.t("water.move"), "muted")
        self.here.setObjectName("muted")
        self.box.addWidget(self.here)
        self.box.addWidget(line())
        self.box.addWidget(label(self.t("water.roads"), "section"))
        self.closed = label("–")
        self.box.addWidget(self.closed)
        self.way = button(self.t("water.way"), self._ask_way, checks=True)
        self.box.addWidget(self.way)
        self.way_told = label("")
        self.box.addWidget(self.way_told)
        self.box.addStretch(1)
        self.tables: dict[str, Any] = {}
        self._closed_roads = closed_roads({})
        self.route: Way | None = None
        self._ends: list[tuple[float, float]] = []
        self._asks = ""
        self._hit: Hit | None = None
        self._layer: FloodLayer | None = None
        moving.changed.connect(self._flood_changed)
        room.steering.hovered.connect(self._hovered)
        room.picture.loaded.connect(self._loaded)
        self.follow(None, room.desk.state)

    def follow(self, before: Workspace | None, after: Workspace) -> None:
        """Show the flood of the state."""
        if before is None:
            self._list()
            self._set_range()
            self._layer, self.tables, self.route = None, {}, None
        flood = after.flood
        with quietly(self.floods, self.quantity, self.level, self.spin):
            by_hand = flood is not None and flood.eta_m is not None
            index = 0 if flood is None else 1 if by_hand else self.floods.findData(flood.name)
            self.floods.setCurrentIndex(max(index, 0))
            if flood is not None and flood.quantity in QUANTITIES:
                self.quantity.setCurrentIndex(QUANTITIES.index(flood.quantity))
            if flood is not None and flood.eta_m is not None:
                self.spin.setValue(flood.eta_m)
                self.level.setValue(round(flood.eta_m / _STEP_M))
        self.quantity.setEnabled(flood is not None)
        if before is not None and before.clock.time != after.clock.time:
            self._show_closed()
            self._tell_here()

    def set_level(self, eta_m: float) -> None:
        """Let the water stand at an elevation."""
        state = self.room.desk.state.flood
        keep = state if state is not None and state.eta_m is not None else None
        wanted = replace(keep, eta_m=round(eta_m, 3)) if keep else FloodState(eta_m=round(eta_m, 3))
        self.room.desk.edit(self.t("step.level", eta=f"{eta_m:.2f}"), flood=wanted, key="level")

    def _list(self) -> None:
        from twin.water.flood_store import floods

        with quietly(self.floods):
            self.floods.clear()
            self.floods.addItem(self.t("water.none"), None)
            self.floods.addItem(self.t("water.by_hand"), "")
            city = self.room.desk.city
            for name in floods(city) if city is not None else ():
                self.floods.addItem(name, name)

    def _loaded(self, _scene: object) -> None:
        self._set_range()

    def _set_range(self) -> None:
        scene = self.room.picture.scene
        if scene is None:
            return
        meta = scene.pack.meta
        low = meta.block[4] + meta.origin[2]
        high = min(meta.block[5], meta.block[4] + 40.0) + meta.origin[2]
        with quietly(self.level, self.spin):
            self.spin.setRange(low, high)
            self.level.setRange(round(low / _STEP_M), round(high / _STEP_M))
        self.follow(self.room.desk.state, self.room.desk.state)

    def _choose(self, index: int) -> None:
        name = self.floods.itemData(index)
        desk = self.room.desk
        if name is None:
            desk.edit(self.t("step.no_flood"), flood=None)
        elif not name:
            self.set_level(self._river_level())
        else:
            quantity = QUANTITIES[self.quantity.currentIndex()]
            desk.edit(self.t("step.flood", name=name), flood=FloodState(name, quantity))

    def _river_level(self) -> float:
        """A little over the water that is drawn, where one begins to move the hand."""
        live = self.room.picture.live
        if live is None or live.stage.water_level < -1e6:
            return self.spin.minimum() + 1.0
        return round(live.stage.water_level + live.scene.pack.meta.origin[2] + 0.5, 2)

    def _slide(self, value: int) -> None:
        self.set_level(value * _STEP_M)

    def _take_quantity(self, index: int) -> None:
        flood = self.room.desk.state.flood
        if flood is not None:
            changed = replace(flood, quantity=QUANTITIES[index])
            self.room.desk.edit(self.t("step.quantity"), flood=changed)

    def _flood_changed(self) -> None:
        layer, city = self.moving.flood, self.room.desk.city
        if layer is self._layer:
            return  # something else has changed, such as hours of sun: roads and the way round stay
        self._layer = layer
        self._tell_here()
        self.tables, self.route = {}, None
        if layer is None or city is None or layer.city is None:
            self._show_closed()
            return
        flood = layer.flood

        def work(_told: object) -> tuple[dict[str, Any], ClosedRoads]:
            tables = road_tables(city, flood)
            return tables, closed_roads(tables)

        self.room.tasks.run("roads", work, self._take_roads)

    def _take_roads(self, found: tuple[dict[str, Any], ClosedRoads]) -> None:
        self.tables, self._closed_roads = found
        self._show_closed()

    def _show_closed(self) -> None:
        names = self._closed_roads.at(self.room.desk.state.clock.time) if self.tables else ()
        more = f" … (+{len(names) - _ROADS_SHOWN})" if len(names) > _ROADS_SHOWN else ""
        self.closed.setText(", ".join(names[:_ROADS_SHOWN]) + more if names else "–")
        self.way.setEnabled(bool(self.tables))

    def _hovered(self, hit: Hit | None) -> None:
        self._hit = hit
        self._tell_here()

    def _tell_here(self) -> None:
        """How deep the water is where the cursor stands: it may rise while the hand is still."""
        layer, hit = self.moving.flood, self._hit
        if hit is None or layer is None:
            self.here.setText(self.t("water.move"))
            return
        x, y, _ = hit.position
        found = water_at(layer, x, y, self.room.desk.state.clock.time)
        self.here.setText(
            self.t(
                "water.told",
                depth=metres_text(found.depth_m),
                most=metres_text(found.greatest_m),
                arrival=duration_text(found.arrival_s),
            )
        )

    def _ask_source(self) -> None:
        self._take_hand("source", self.source)

    def _ask_way(self) -> None:
        self._ends, self.route = [], None
        self.way_told.setText(self.t("water.way_from"))
        self._take_hand("way", self.way)

    def _take_hand(self, what: str, asked: Any) -> None:
        """The next clicks in the picture are places for this panel."""
        self._asks = what if asked.isChecked() else ""
        self.room.steering.lend(self if self._asks else None)

    def click(self, hit: Hit | None, *, add: bool) -> None:
        """A place was clicked for the source of the water, or for an end of the way."""
        if hit is None:
            return
        x, y, _ = hit.position
        if self._asks == "source":
            state = self.room.desk.state.flood or FloodState(eta_m=self.spin.value())
            eta = state.eta_m if state.eta_m is not None else self.spin.value()
            changed = FloodState(quantity=state.quantity, eta_m=eta, source=(round(x, 2), round(y, 2)))
            self.room.desk.edit(self.t("step.source"), flood=changed)
            self.cancel()
        elif self._asks == "way":
            self._ends.append((x, y))
            self.way_told.setText(self.t("water.way_to"))
            if len(self._ends) == 2:
                self._find_way()
                self.cancel()

    def hover(self, hit: Hit | None) -> None:
        """Told by the status bar and by this panel already."""

    def finish(self) -> None:
        """Nothing more to come."""
        self.cancel()

    def cancel(self) -> None:
        """Give the hand back."""
        self._asks = ""
        for asked in (self.source, self.way):
            asked.setChecked(False)
        self.room.steering.lend(None)

    def _find_way(self) -> None:
        city, tables, (a, b) = self.room.desk.city, self.tables, self._ends
        when = self.room.desk.state.clock.time
        if city is not None and tables:
            self.room.tasks.run("way", lambda _told: way_between(city, tables, a, b, when), self._show_way)

    def _show_way(self, way: Way) -> None:
        self.route = way
        if not way.reached:
            self.way_told.setText(self.t("water.no_way"))
        else:
            self.way_told.setText(
                self.t(
                    "water.way_found",
                    length=f"{way.length_m:.0f}", minutes=f"{way.seconds / 60:.1f}",
                    dry=f"{way.dry_length_m:.0f}", dry_minutes=f"{way.dry_seconds / 60:.1f}",
                )
            )  # fmt: skip
        self.room.picture.canvas.update()

    def _road_level(self, x: float, y: float) -> float:
        o = self.room.desk.origin()
        z = self.room.sight.ground(x - o[0], y - o[1])
        return z + o[2] + 0.5 if z == z else self.spin.minimum() + 1.5  # noqa: PLR0124 - NaN

    def draw(self, painter: QPainter, camera: Camera, size: tuple[int, int]) -> None:
        """The way round over the picture, and its ends."""
        if self.route is None or not self.route.reached:
            return
        import shapely

        pencil = Pencil(painter, camera, size, self.room.desk.origin(), self.room.theme)
        places = [
            (x, y, self._road_level(x, y)) for x, y in shapely.get_coordinates(self.route.line).tolist()
        ]
        pencil.line(places, "#1d9d5a", width=4.0)
        pencil.dots([places[0], places[-1]], "#1d9d5a")
