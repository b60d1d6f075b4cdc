"""What changes with time in a window: a flood, a level set by hand, sensors; prepared beside the interface."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from twin.core.notices import Notices
from twin.core.visible_text import visible_text
from twin.scene.flood_layer import FloodLayer, moment_of
from twin.scene.workspace import LayerState, layer_state
from twin.scene.workspace_layers import (
    SENSORS,
    SUN_HOURS,
    VIEWSHED,
    flood_of_state,
    has_observations,
)
from twin.viewer.timing import Event

if TYPE_CHECKING:
    from twin.city.model import City
    from twin.core.translations import Texts
    from twin.scene.flood_colours import Colouring
    from twin.scene.layers import SceneLayer
    from twin.scene.live_layer import LiveLayer
    from twin.scene.workspace import FloodState, Workspace
    from twin.viewer.desk import Desk
    from twin.viewer.picture import Picture
    from twin.viewer.tasks import Tasks
    from twin.water.ground import Site

MOST_CELLS = 400_000
"""Cells of the ground on which a level follows the hand; the whole ground takes its place when the hand rests."""
_REST_MS = 300


class Moving(QObject):
    """Keeps the layers over time of the picture as the workspace has them.

    Signals
    -------
    changed
        Other layers are shown, or the water stands elsewhere.
    """

    changed = Signal()

    def __init__(self, desk: Desk, picture: Picture, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.desk, self.picture, self.tasks = desk, picture, tasks
        self.flood: FloodLayer | None = None
        self.sensors: LiveLayer | None = None
        self.others: tuple[SceneLayer, ...] = ()
        self.alarms: tuple[Event, ...] = ()
        self.stations: tuple[Station, ...] = ()
        self._flood_events: tuple[Event, ...] = ()
        self._sites: dict[str, Site] = {}
        self._wanted: FloodState | None = None
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._whole)
        desk.opened.connect(self._open)
        desk.changed.connect(self._change)

    @property
    def layers(self) -> tuple[SceneLayer, ...]:
        """All that are shown now, from the lowest."""
        state = self.desk.state
        found: list[SceneLayer] = [*self.others]
        if self.flood is not None:
            found.append(self.flood)
        if self.sensors is not None and layer_state(state, SENSORS).is_visible:
            found.append(self.sensors)
        return tuple(found)

    @property
    def events(self) -> tuple[Event, ...]:
        """Moments to jump to: alarms, and the peak of the flood."""
        return (*self.alarms, *self._flood_events) if self.flood is not None else self.alarms

    def show_other(self, layer: SceneLayer | None, name: str) -> None:
        """Lay another layer under the flood, such as hours of sun; None takes the one of that name away."""
        kept = tuple(la for la in self.others if la.name != name)
        found = kept if layer is None else (*kept, layer)
        if [id(la) for la in found] != [id(la) for la in self.others]:
            self.others = tuple(sorted(found, key=_rank))
            self._tell()

    def _open(self) -> None:
        self.flood = self.sensors = self._wanted = None
        self.others, self.alarms, self.stations, self._sites = (), (), (), {}
        city = self.desk.city
        if city is None:
            return
        if has_observations(city):
            self.read_anew()
        if self.desk.state.flood is not None:
            self._follow_flood(self.desk.state.flood, in_turn=True)

    def read_anew(self) -> None:
        """Read which stations the city has, and their alarms."""
        city = self.desk.city
        if city is not None:
            self.tasks.run("sensors", lambda _told: read_sensors(city), self._take_sensors, in_turn=True)

    def take_alarms(self, alarms: tuple[Event, ...]) -> None:
        """Mark other alarms on the clock."""
        self.alarms = alarms
        self._tell()

    def _take_sensors(self, found: Sensed) -> None:
        self.sensors, self.alarms, self.stations = found.layer, found.alarms, found.stations
        if not any(state.name == SENSORS for state in self.desk.state.layers):
            self.desk.begin_with(LayerState(SENSORS))
        self._tell()

    def _change(self, before: Workspace, after: Workspace) -> None:
        if before.flood != after.flood:
            self._follow_flood(after.flood)
        elif layer_state(before, SENSORS) != layer_state(after, SENSORS):
            self._tell()

    def _follow_flood(self, state: FloodState | None, *, in_turn: bool = False) -> None:
        self._wanted = state
        if state is None:
            self.tasks.cancel("flood")
            self.flood = None
            self._tell()
        elif state.eta_m is None:
            self._compute(state, site="", in_turn=in_turn)
        else:
            self._rest.start()
            if "flood" not in self.tasks.names:
                self._compute(state, site="coarse", in_turn=in_turn)

    def _whole(self) -> None:
        """The hand rests: the whole ground."""
        if self._wanted is not None and self._wanted.eta_m is not None:
            self._compute(self._wanted, site="whole")

    def _compute(self, state: FloodState, *, site: str, in_turn: bool = False) -> None:
        city = self.desk.city
        if city is None:
            return
        sites, texts = self._sites, self.desk.texts

        def work(_told: object) -> tuple[FloodLayer, tuple[Event, ...]]:
            ground = None
            if site:
                if site not in sites:
                    sites[site] = prepared_site(city, coarse=site == "coarse")
                ground = sites[site]
            flood = flood_of_state(city, state, ground=ground, notices=Notices())
            colouring = cast("Colouring", state.quantity)
            if site == "coarse":
                return FloodLayer(flood, colouring, city=None, shows=("water",)), ()
            made = FloodLayer(flood, colouring, city=city)
            made.at(None)
            return made, flood_events(made, texts)

        def done(found: tuple[FloodLayer, tuple[Event, ...]]) -> None:
            self.flood, self._flood_events = found
            self._tell()
            if self._wanted != state and self._wanted is not None and self._wanted.eta_m is not None:
                self._compute(self._wanted, site="coarse")

        self.tasks.run("flood", work, done, in_turn=in_turn)

    def _tell(self) -> None:
        self.picture.show_layers(self.layers)
        self.changed.emit()


def _rank(layer: SceneLayer) -> int:
    """Hours of sun lie lowest, then what is seen, then layers of others: as in a snapshot."""
    order = (SUN_HOURS, VIEWSHED)
    return order.index(layer.name) if layer.name in order else len(order)


def prepared_site(city: City, *, coarse: bool) -> Site:
    """The ground of a city for levels; with fewer, larger cells where it is to follow the hand."""
    from twin.water.ground import site

    if not coarse:
        return site(city, notices=Notices())
    bounds = city.bounds
    cell = max(1.0, (bounds.width * bounds.height / MOST_CELLS) ** 0.5)
    return site(city, cell_size_m=float(round(cell * 2) / 2), notices=Notices())


@dataclass(frozen=True, slots=True)
class Station:
    """A station as it is searched for; its position in map coordinates."""

    id: str
    name: str
    position: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Sensed:
    """The observations of a city as a layer, its alarms as events, and where its stations stand."""

    layer: LiveLayer
    alarms: tuple[Event, ...]
    stations: tuple[Station, ...]


def read_sensors(city: City) -> Sensed:
    """The observations of a city, for the eye."""
    from twin.scene.live_layer import city_layer

    layer = city_layer(city)
    return Sensed(layer, alarm_events(city), stations_of(layer))


def stations_of(layer: LiveLayer) -> tuple[Station, ...]:
    """Stations that have a place now, by their names."""
    view, catalogue = layer.at(None).markers, layer.observations.catalogue()
    if view is None:
        return ()
    names = {thing.id: visible_text(thing.name) for thing in catalogue.things}
    places = ((float(x), float(y), float(z)) for x, y, z in view.position)
    return tuple(Station(i, names.get(i) or i, p) for i, p in zip(view.ids, places, strict=True))


def alarm_events(city: City) -> tuple[Event, ...]:
    """When alarms of a city were raised."""
    from twin.live.alarm_log import LOG, read_lines

    rows = [row for row in read_lines(city.path / LOG) if row.get("event") == "fired"]
    return tuple(
        Event(
            datetime.fromisoformat(str(row["time"])),
            f"{row.get('thing', '')}: {row.get('rule', '')}",
            is_alarm=True,
        )
        for row in rows
    )


def flood_events(layer: FloodLayer, texts: Texts) -> tuple[Event, ...]:
    """First moment, peak of the volume, and last moment of a flood; nothing for one without time."""
    if layer.span is None:
        return ()
    flood = layer.flood
    volume = [float(np.nansum(flood.depth_m(step))) for step in range(flood.n_steps)]
    peak = moment_of(flood.times[int(np.argmax(volume))])
    marks = ((layer.span[0], "begins"), (peak, "peak"), (layer.span[1], "ends"))
    return tuple(Event(moment, f"{flood.name}: {texts(f'clock.{what}')}") for moment, what in marks)
