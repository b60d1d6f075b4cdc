"""A flood as a layer over time: water between its moments, roads by state, buildings by what stands at their walls."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from twin.core.errors import UsageError
from twin.scene.flood_colours import (
    Classes,
    Colouring,
    arrival_classes,
    depth_classes,
    hazard_classes_of,
    require_colouring,
    velocity_classes,
)
from twin.scene.layers import LayerView, WaterView

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.scene.colour import Legend
    from twin.scene.flood_city import BuildingLook, RoadLook
    from twin.scene.model import Picture
    from twin.water.flood import Flood

Part = Literal["water", "roads", "buildings", "flow"]
PARTS: tuple[Part, ...] = ("water", "roads", "buildings", "flow")
_KEPT_STEPS = 6
_LIKE_ROADS = ("hazard", "arrival")
_OVER_ALL = {
    "depth": "greatest depth at each place",
    "velocity": "greatest speed at each place",
    "hazard": "greatest hazard at each place",
    "arrival": "first arrival of the water",
}
"""What a picture of no single moment shows."""


@dataclass(frozen=True)
class FloodLayer:
    """A flood in a scene.

    Parameters
    ----------
    flood : Flood
    colouring : {"depth", "natural", "velocity", "hazard", "arrival"}
        What the colour of the water tells; natural water tells nothing but where it is.
    standard : str or path, optional
        Of hazard classes, as `twin.water.standards.hazard_standard` takes it.
    city : City, optional
        Whose roads and buildings are coloured, and whose rivers are drawn as water and not as flood.
    shows : tuple of {"water", "roads", "buildings", "flow"}
        What is drawn of it; roads by their state, buildings by the depth at their walls, arrows where water flows.
        Water that is coloured by its speed has arrows in any case. Beside hazard and arrival no states of roads are
        drawn: they have the same yellow, orange and red.
    road_standard : str or path, optional
        When roads close, as `twin.water.standards.road_standard` takes it.

    Raises
    ------
    UsageError
        If there is no such colouring or standard, or the flood lacks what it tells.

    Examples
    --------
    >>> import twin
    >>> city = twin.open_city("town.twin")  # doctest: +SKIP
    >>> layer = FloodLayer(twin.water.read_flood(city, "typhoon"), colouring="hazard")  # doctest: +SKIP
    >>> twin.Scene(city, [layer]).snapshot("hazard.png")  # doctest: +SKIP
    """

    flood: Flood
    colouring: Colouring = "depth"
    standard: str | Path | None = None
    city: City | None = None
    shows: tuple[Part, ...] = ("water", "roads")
    road_standard: str | Path | None = None
    _steps: dict[int, tuple[Any, Any]] = field(default_factory=dict, repr=False, compare=False)
    _last: dict[str, tuple[Any, Any]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_colouring(self.colouring)
        if unknown := set(self.shows) - set(PARTS):
            raise UsageError(
                "shows", f"a flood has no {', '.join(sorted(unknown))}", f"choose {', '.join(PARTS)}"
            )
        self._require_values()

    @property
    def name(self) -> str:
        """Name of the flood."""
        return self.flood.name

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """First and last moment; None for a level, which knows no time."""
        if self.flood.n_steps < 2:
            return None
        return moment_of(self.flood.times[0]), moment_of(self.flood.times[-1])

    def at(self, when: datetime | None) -> LayerView:
        """The water of a moment, between two steps of the flood; the greatest depths where no moment is asked for.

        The view of the last moment is kept: asked for again, because something else changed, it is the same object.
        """
        asked = (when, None if when is None else when.utcoffset())
        last = self._last.get("view")
        if last is None or last[0] != asked:
            last = self._last["view"] = asked, self._view(when)
        view: LayerView = last[1]
        return view

    def _view(self, when: datetime | None) -> LayerView:
        depth, velocity = self._fields(when)
        roads = self._shown_roads
        buildings = self.buildings if "buildings" in self.shows else None
        return LayerView(
            water=self._water(when, depth, velocity) if "water" in self.shows else None,
            building_rgb=buildings.colours(depth) if buildings else {},
            drape=self._road_picture(roads, self._road_step(when)) if roads else None,
            legends=self._legends(),
            remarks=self._remarks(when),
        )

    def _road_picture(self, roads: RoadLook, step: int | None) -> Picture:
        """The roads of a step; that of the last step is kept, since it lasts for many moments."""
        last = self._last.get("roads")
        if last is None or last[0] != step:
            last = self._last["roads"] = step, roads.picture(step)
        picture: Picture = last[1]
        return picture

    def _water(self, when: datetime | None, depth: NDArray[np.float32], velocity: Any) -> WaterView:
        flood, classes = self.flood, self.classes
        if classes is None:
            flow = self._flow(when, velocity) if "flow" in self.shows else velocity
            return WaterView(flood.grid, flood.bed_m, depth, flow, has_arrows="flow" in self.shows)
        value = self._value(when, depth, velocity)
        river = self.river
        if river is not None and self.colouring != "velocity":
            value = np.where(river, np.float32(np.nan), depth if value is None else value)
        has_arrows = "flow" in self.shows or self.colouring == "velocity"
        flow = self._flow(when, velocity) if has_arrows else velocity
        return WaterView(
            flood.grid, flood.bed_m, depth, flow, value, classes.breaks, classes.colours, has_arrows
        )

    def _flow(self, when: datetime | None, velocity: Any) -> Any:
        """What arrows show: the velocity of the moment, or that of the greatest speed where there is no moment."""
        return self._fastest if when is None and velocity is None else velocity

    @cached_property
    def _fastest(self) -> Any:
        from twin.scene.flood_flow import fastest_flow

        return fastest_flow(self.flood)

    @property
    def _shown_roads(self) -> RoadLook | None:
        """Roads that are coloured by their state; none beside water in the same colours."""
        return self.roads if "roads" in self.shows and self.colouring not in _LIKE_ROADS else None

    def _legends(self) -> tuple[Legend, ...]:
        classes = self.classes if "water" in self.shows else None
        found = [classes.legend] if classes else []
        if (roads := self._shown_roads) is not None:
            found.append(roads.legend)
        if "buildings" in self.shows and self.buildings is not None:
            found.append(self.buildings.classes.legend)
        return tuple(found)

    def _road_step(self, when: datetime | None) -> int | None:
        """The moment whose states of roads hold; None for the worst."""
        if when is None and self.flood.n_steps > 1:
            return None
        return self._between(when)[0]

    @cached_property
    def roads(self) -> RoadLook | None:
        """Roads of the city in this flood; None where there is no city or no road."""
        from twin.scene.flood_city import road_look

        return None if self.city is None else road_look(self.city, self.flood, self.road_standard)

    @cached_property
    def buildings(self) -> BuildingLook | None:
        """Buildings of the city in this flood; None where there is no city."""
        from twin.scene.flood_city import building_look

        return None if self.city is None else building_look(self.city, self.flood)

    @cached_property
    def river(self) -> NDArray[np.bool_] | None:
        """Cells that are water on any day."""
        from twin.scene.flood_city import lasting_water

        return None if self.city is None else lasting_water(self.city, self.flood.grid)

    @property
    def classes(self) -> Classes | None:
        """Classes of what the colour tells; None for natural water."""
        if self.colouring == "depth":
            return depth_classes()
        if self.colouring == "velocity":
            return velocity_classes()
        if self.colouring == "hazard":
            return hazard_classes_of(self._hazard())
        if self.colouring == "arrival":
            return arrival_classes(float((self.flood.times[-1] - self.flood.times[0]).astype(np.int64)))
        return None

    def _hazard(self) -> Any:
        from twin.water.standards import DEFAULT_HAZARD, hazard_standard

        return hazard_standard(self.standard or DEFAULT_HAZARD)

    def _require_values(self) -> None:
        flood = self.flood
        lacks = {
            "velocity": flood.max_velocity_m_s is None,
            "arrival": flood.arrival_s is None,
            "hazard": False,
        }
        if lacks.get(self.colouring, False):
            raise UsageError(
                "colouring", f"the flood {flood.name!r} tells no {self.colouring}", "choose depth or natural"
            )
        if self.colouring == "hazard":
            self._hazard()

    def _fields(
        self, when: datetime | None
    ) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], NDArray[np.float32]] | None]:
        """Depth and velocity of a moment."""
        if when is None and self.flood.n_steps > 1:
            return np.nan_to_num(self.flood.max_depth_m), None
        first, share = self._between(when)
        depth, flow = self._step(first)
        if share == 0:
            return depth, flow
        later, later_flow = self._step(first + 1)
        mixed = _mixed(depth, later, share)
        if flow is None or later_flow is None:
            return mixed, None
        east, north = (_mixed(a, b, share) for a, b in zip(flow, later_flow, strict=True))
        return mixed, (east, north)

    def _between(self, when: datetime | None) -> tuple[int, float]:
        """The step at or before a moment, and how far from it to the next one."""
        times = self.flood.times.astype(np.int64)
        if when is None or len(times) == 1:
            return len(times) - 1, 0.0
        seconds = when.timestamp()
        if seconds <= times[0] or seconds >= times[-1]:
            return (0 if seconds <= times[0] else len(times) - 1), 0.0
        step = int(np.searchsorted(times, seconds, side="right")) - 1
        return step, float((seconds - times[step]) / (times[step + 1] - times[step]))

    def _step(
        self, step: int
    ) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], NDArray[np.float32]] | None]:
        """Fields of one step; the last few are kept, since a film asks for each some dozen times."""
        if step not in self._steps:
            while len(self._steps) >= _KEPT_STEPS:
                self._steps.pop(next(iter(self._steps)), None)
            flow = self.flood.velocity(step)
            depth = np.nan_to_num(np.asarray(self.flood.depth_m(step), np.float32))
            self._steps[step] = (
                depth,
                None if flow is None else (np.nan_to_num(flow[0]), np.nan_to_num(flow[1])),
            )
        depth, flow = self._steps[step]
        return depth, flow

    def _value(
        self, when: datetime | None, depth: NDArray[np.float32], velocity: Any
    ) -> NDArray[np.float32] | None:
        """What the colour tells, where it is not the depth."""
        flood = self.flood
        if self.colouring == "arrival" and flood.arrival_s is not None:
            return np.nan_to_num(flood.arrival_s)
        if self.colouring not in {"velocity", "hazard"}:
            return None
        if velocity is not None:
            speed = np.hypot(*velocity)
        elif when is None and flood.max_velocity_m_s is not None:
            speed = np.nan_to_num(flood.max_velocity_m_s)
        else:
            speed = np.zeros_like(depth)
        if self.colouring == "velocity":
            return np.asarray(speed, np.float32)
        return self._danger(when, depth, speed)

    def _danger(
        self, when: datetime | None, depth: NDArray[np.float32], speed: NDArray[Any]
    ) -> NDArray[np.float32]:
        from twin.water.standards import hazard_classes, limit_classes

        rule, product = self._hazard(), self.flood.max_depth_velocity_m2_s
        if when is None and rule.limits and product is not None:
            # The greatest speed may have been that of a film: depth and product of the whole time decide.
            found = limit_classes(rule, depth, np.zeros_like(depth), np.nan_to_num(product))
        else:
            found = hazard_classes(rule, depth, speed)
        return found.astype(np.float32)

    def _remarks(self, when: datetime | None) -> tuple[str, ...]:
        if self.flood.is_preview:
            return (f"{self.name}: preview, knows neither time nor volume",)
        span = self.span
        if span is None:
            return ()
        if when is None:
            return (f"{self.name}: {_OVER_ALL.get(self.colouring, _OVER_ALL['depth'])}",)
        if not span[0] <= when <= span[1]:
            end, shown = ("begins", span[0]) if when < span[0] else ("ends", span[1])
            return (
                f"{self.name} {end} {shown.astimezone(when.tzinfo):%Y-%m-%d %H:%M}: shown as it was then",
            )
        return ()


def _mixed(before: NDArray[np.float32], after: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Between two fields, `share` of the way."""
    return before + np.float32(share) * (after - before)


def moment_of(time: np.datetime64) -> datetime:
    """A moment of a flood as a datetime in UTC."""
    return datetime.fromtimestamp(int(time.astype("datetime64[s]").astype(np.int64)), UTC)
