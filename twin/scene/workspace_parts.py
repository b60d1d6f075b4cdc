"""The parts of a workspace: plain values with checks, places in map coordinates, times with their offset."""

from __future__ import annotations

import math
from collections.abc import (
    Mapping,  # noqa: TC003 - the reader of workspaces looks annotations up when it runs
)
from dataclasses import dataclass, field
from datetime import date, datetime  # noqa: TC003 - as above
from typing import Literal

Point = tuple[float, float, float]
"""Easting, northing, elevation in the city's CRS, metres."""
Language = Literal["en", "ko", "fi"]
MeasurementKind = Literal["distance", "height", "area", "volume", "profile", "sight", "viewshed"]

_FARTHEST_M = 1e8
_LONGEST_NAME = 200
_LONGEST_TEXT = 20_000
_FASTEST = 1e6
_MOST_POINTS = 200_000_000


@dataclass(frozen=True, slots=True)
class CityRef:
    """Which city a workspace was made with.

    Parameters
    ----------
    path : str
        Folder of the city with forward slashes, seen from the workspace's file; empty where nobody said.
    build_key : str
        Key of the build, as the manifest has it: another one means that the city was built anew since.
    crs : str
        Name of the CRS that all places are in.
    """

    path: str = ""
    build_key: str = ""
    crs: str = ""


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """An eye and what it looks at, map coordinates.

    Parameters
    ----------
    eye, target : tuple of float
        Easting, northing, elevation, metres; they must differ.
    view_angle_deg : float
        Height of the field of view, 1 to 150.
    parallel_height_m : float, optional
        Metres that the height of the picture shows; given, there is no perspective.
    """

    eye: Point
    target: Point
    view_angle_deg: float = 28.0
    parallel_height_m: float | None = None

    def __post_init__(self) -> None:
        _check_point("eye", self.eye)
        _check_point("target", self.target)
        if math.dist(self.eye, self.target) < 1e-6:
            raise ValueError("eye and target must differ")
        _check_range("view_angle_deg", self.view_angle_deg, 1, 150)
        if self.parallel_height_m is not None:
            _check_range("parallel_height_m", self.parallel_height_m, 1e-3, _FARTHEST_M)


@dataclass(frozen=True, slots=True)
class Clock:
    """The one clock of a workspace.

    Parameters
    ----------
    time : datetime, optional
        Moment that is shown, with its offset from UTC; None takes a flattering sun and the last state of each layer.
    start, end : datetime, optional
        Ends of the slider; both or none.
    speed : float
        Seconds of the city for each second of the watch; negative runs backwards.
    is_live : bool
        Whether the clock follows the present.
    """

    time: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    speed: float = 60.0
    is_live: bool = False

    def __post_init__(self) -> None:
        for name in ("time", "start", "end"):
            _check_moment(name, getattr(self, name))
        if (self.start is None) != (self.end is None):
            raise ValueError("start and end must both be given, or none")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("start must lie before end")
        _check_range("speed", self.speed, -_FASTEST, _FASTEST)


@dataclass(frozen=True, slots=True)
class LayerState:
    """How one layer is shown.

    Parameters
    ----------
    name : str
        ``terrain``, ``buildings``, ``trees``, ... or the name of an added layer, a flood, a group of sensors.
    is_visible : bool
    opacity : float
        0 to 1.
    lod : str, optional
        Level of detail of buildings; the finest without.
    """

    name: str
    is_visible: bool = True
    opacity: float = 1.0
    lod: str | None = None

    def __post_init__(self) -> None:
        _check_name("name", self.name)
        _check_range("opacity", self.opacity, 0, 1)


@dataclass(frozen=True, slots=True)
class FloodState:
    """Which water is shown.

    Parameters
    ----------
    name : str
        Flood of the city; empty for a level set by hand.
    quantity : str
        What its colours tell, such as ``depth``, ``hazard``, ``arrival``.
    eta_m : float, optional
        Level set by hand, elevation in metres.
    source : tuple of float, optional
        Easting and northing from where the water of that level comes.
    """

    name: str = ""
    quantity: str = "depth"
    eta_m: float | None = None
    source: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.name:
            _check_name("name", self.name)
        _check_name("quantity", self.quantity)
        if self.eta_m is not None:
            _check_range("eta_m", self.eta_m, -12_000, 9_000)
        if self.source is not None:
            _check_point("source", (*self.source, 0.0))


@dataclass(frozen=True, slots=True)
class SurveyState:
    """How survey points are shown.

    Parameters
    ----------
    color_by : str
        ``class``, ``height`` or ``intensity``.
    most : int
        Points at most, an even sample of all.
    files : tuple of str
        Point files to show; those that the city was built from, looked for beside it, if there are none.
    """

    color_by: Literal["class", "height", "intensity"] = "class"
    most: int = 1_000_000
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_range("most", self.most, 1_000, _MOST_POINTS)
        for name in self.files:
            _check_text("files", name)


@dataclass(frozen=True, slots=True)
class SunHoursState:
    """Hours of sun that lie on the city as colours.

    Parameters
    ----------
    day : date
    on_walls : bool
        Whether roofs and walls are coloured as well as the ground.
    """

    day: date
    on_walls: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """A plane that cuts the city open: what lies on the side of `normal` is left out."""

    point: Point
    normal: Point
    is_on: bool = True

    def __post_init__(self) -> None:
        _check_point("point", self.point)
        if not 1e-6 < math.hypot(*self.normal) < _FARTHEST_M:
            raise ValueError("normal must have a length")


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A place to return to, with the moment that was shown there if that matters."""

    name: str
    camera: Viewpoint
    time: datetime | None = None

    def __post_init__(self) -> None:
        _check_name("name", self.name)
        _check_moment("time", self.time)


@dataclass(frozen=True, slots=True)
class Note:
    """A text pinned to a place."""

    id: str
    text: str
    position: Point
    author: str = ""
    written: datetime | None = None
    building: str = ""

    def __post_init__(self) -> None:
        _check_name("id", self.id)
        _check_text("text", self.text)
        _check_text("author", self.author)
        _check_point("position", self.position)
        _check_moment("written", self.written)


@dataclass(frozen=True, slots=True)
class TourStop:
    """One camera of a tour.

    Parameters
    ----------
    camera : Viewpoint
    travel_s : float, optional
        Seconds from the stop before; by the length of the way without.
    hold_s : float
        Seconds at rest here.
    time : datetime, optional
        Moment that is shown here; between stops it passes evenly.
    caption : mapping
        Text by language.
    """

    camera: Viewpoint
    travel_s: float | None = None
    hold_s: float = 0.0
    time: datetime | None = None
    caption: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.travel_s is not None:
            _check_range("travel_s", self.travel_s, 0, 86_400)
        _check_range("hold_s", self.hold_s, 0, 86_400)
        _check_moment("time", self.time)
        for language, text in self.caption.items():
            _check_name("caption", language)
            _check_text(f"caption.{language}", text)


@dataclass(frozen=True, slots=True)
class Tour:
    """Cameras that a flight passes in their order; a closed one returns to the first."""

    name: str
    stops: tuple[TourStop, ...]
    is_closed: bool = False

    def __post_init__(self) -> None:
        _check_name("name", self.name)
        if len(self.stops) < 2:
            raise ValueError("a tour needs at least two stops")


@dataclass(frozen=True, slots=True)
class Measurement:
    """Places that something was measured between; the figures follow from them and the city."""

    id: str
    kind: MeasurementKind
    points: tuple[Point, ...]
    label: str = ""

    def __post_init__(self) -> None:
        _check_name("id", self.id)
        _check_text("label", self.label)
        if not self.points:
            raise ValueError("a measurement needs points")
        for point in self.points:
            _check_point("points", point)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A planned building that stands in the city of tomorrow.

    Parameters
    ----------
    id, name : str
    model : str
        File of the model, seen from the workspace's file and below its folder, or the name of an added layer.
    position : tuple of float
        Where the model's origin comes to stand.
    turn_deg : float
        Clockwise seen from above.
    units_m : float
        Metres of one unit of the model.
    hidden_buildings : tuple of str
        Ids of buildings that it replaces.
    """

    id: str
    name: str
    model: str
    position: Point
    turn_deg: float = 0.0
    units_m: float = 1.0
    hidden_buildings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key in ("id", "name"):
            _check_name(key, getattr(self, key))
        _check_text("model", self.model)
        _check_point("position", self.position)
        _check_range("turn_deg", self.turn_deg, -3600, 3600)
        _check_range("units_m", self.units_m, 1e-6, 1e6)


@dataclass(frozen=True, slots=True)
class Pick:
    """One thing of a layer that is selected: ``buildings`` and its id, ``sensors`` and the id of a thing."""

    layer: str
    id: str

    def __post_init__(self) -> None:
        _check_name("layer", self.layer)
        _check_text("id", self.id)


def _check_point(name: str, point: Point) -> None:
    if not all(math.isfinite(v) and abs(v) < _FARTHEST_M for v in point):
        raise ValueError(f"{name} must be metres in the city's CRS, is {point}")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # NaN is in no range
        raise ValueError(f"{name} must be {low:g} to {high:g}, is {value:g}")


def _check_moment(name: str, moment: datetime | None) -> None:
    if moment is not None and moment.utcoffset() is None:
        raise ValueError(f"{name} needs an offset from UTC, as in 2026-07-01T14:00+03:00")


def _check_name(name: str, text: str) -> None:
    if not text.strip():
        raise ValueError(f"{name} must not be empty")
    if len(text) > _LONGEST_NAME:
        raise ValueError(f"{name} has {len(text)} characters, {_LONGEST_NAME} are the most")
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise ValueError(f"{name} holds control characters")


def _check_text(name: str, text: str) -> None:
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"{name} has {len(text)} characters, {_LONGEST_TEXT} are the most")
    if any(ord(c) < 32 and c not in "\n\t" for c in text):
        raise ValueError(f"{name} holds control characters")
