"""What a layer shows at a moment, as plain arrays in map coordinates: floods, observations, fields between stations.

A scene asks every layer for its view of one moment and draws the views together; film, viewer and page step through
moments the same way, so that a frame of each equals the snapshot of that moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from twin.core.grid import Grid
    from twin.scene.colour import Legend
    from twin.scene.model import Lines, Picture
    from twin.scene.style import Rgb


class MarkerState(IntEnum):
    """How far the value of a marker can be trusted."""

    FRESH = 0
    STALE = 1
    MISSING = 2
    INVALID = 3


@dataclass(frozen=True, slots=True)
class WaterView:
    """Flood water on a grid at one moment.

    Parameters
    ----------
    grid : Grid
        Row 0 in the north.
    bed_m : array of float32, shape (ny, nx)
        Elevation of what the water stands on, metres; NaN where there can be none.
    depth_m : array of float32, shape (ny, nx)
        Metres; 0 where it is dry.
    velocity : tuple of two arrays of float32, shape (ny, nx), optional
        To the east and to the north, m/s.
    value : array of float32, shape (ny, nx), optional
        What the colour tells instead of the depth, such as d·v or a hazard class; NaN draws natural water there.
    breaks : tuple of float
        Upper borders of the classes of depth or `value`, ascending; the last class is open.
    colours : tuple of RGB
        One more than `breaks`; empty draws natural water.
    has_arrows : bool
        Whether arrows show where it flows, as far as there is a velocity.
    """

    grid: Grid
    bed_m: NDArray[np.float32]
    depth_m: NDArray[np.float32]
    velocity: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
    value: NDArray[np.float32] | None = None
    breaks: tuple[float, ...] = ()
    colours: tuple[Rgb, ...] = ()
    has_arrows: bool = False

    def __post_init__(self) -> None:
        for name in ("bed_m", "depth_m"):
            if getattr(self, name).shape != self.grid.shape:
                raise ValueError(f"{name} must have the grid's shape {self.grid.shape}")
        if self.colours and len(self.colours) != len(self.breaks) + 1:
            raise ValueError("one colour more than breaks")


@dataclass(frozen=True, slots=True)
class MarkerView:
    """Values at places: stations, vehicles, notes.

    Parameters
    ----------
    ids : tuple of str
        What a click names.
    position : array, shape (n, 3)
        Easting, northing, elevation, metres.
    rgb : array, shape (n, 3)
        uint8.
    state : array, shape (n,)
        `MarkerState`, uint8.
    height_m : array, shape (n,), optional
        Height of a column above the place; flat marks without.
    text : sequence of str, optional
        Value with unit, and age where it is stale; hostile text is drawn as text.
    history : sequence, optional
        Per marker an array of shape (k, 2) of seconds before the moment and value, or None; gaps are NaN.
    is_alarm : array of bool, shape (n,), optional
        Which catch the eye.
    heading_deg : array, shape (n,), optional
        Clockwise from grid north, for what moves.
    """

    ids: tuple[str, ...]
    position: NDArray[np.float64]
    rgb: NDArray[np.uint8]
    state: NDArray[np.uint8]
    height_m: NDArray[np.float64] | None = None
    text: Sequence[str] = ()
    history: Sequence[NDArray[np.float64] | None] = ()
    is_alarm: NDArray[np.bool_] | None = None
    heading_deg: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        n = len(self.ids)
        if not n == len(self.position) == len(self.rgb) == len(self.state):
            raise ValueError("one place, colour and state per marker")


@dataclass(frozen=True, slots=True)
class LineView:
    """Lines with a colour each, such as roads by state; lifted to where they shall be seen.

    Parameters
    ----------
    lines : Lines
    rgb : array, shape (n_lines, 3)
        uint8.
    width_m : float
        As wide as they are drawn on the ground.
    """

    lines: Lines
    rgb: NDArray[np.uint8]
    width_m: float = 4.0


@dataclass(frozen=True, slots=True)
class LayerView:
    """Everything that a layer shows at one moment; each part may be missing.

    Parameters
    ----------
    building_rgb : mapping
        Id of a building to its colour; others keep theirs.
    drape : Picture, optional
        Laid over the ground, such as a field between stations.
    face_rgba : array, shape (rows, columns, 4), optional
        Colours of roofs and walls texel by texel, laid out as the light atlas of the scene's pack; clear where a
        face keeps its own. uint8.
    legends : tuple of Legend
    remarks : tuple of str
        Told in the picture: ``preview``, ``no data since 14:10``.
    """

    water: WaterView | None = None
    markers: MarkerView | None = None
    lines: LineView | None = None
    building_rgb: Mapping[str, Rgb] = field(default_factory=dict)
    drape: Picture | None = None
    face_rgba: NDArray[np.uint8] | None = None
    legends: tuple[Legend, ...] = ()
    remarks: tuple[str, ...] = ()


class SceneLayer(Protocol):
    """Something of a city that has a state at each moment."""

    @property
    def name(self) -> str:
        """As in the legend, and as ``--layer`` asks for it."""

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """First and last moment that it knows of, with offsets; None if it does not change."""

    def at(self, when: datetime | None) -> LayerView:
        """What it shows at a moment; its last state where none is asked for."""
