"""What someone was looking at, as one plain value: saved, shared, undone, and drawn the same everywhere.

A change makes a new value, ``replace(workspace, style="dark")``; to undo is to return to the one before. Files are
read and written by `twin.scene.workspace_json`, drawn by `twin.scene.workspace_scene`.

Examples
--------
>>> today = Workspace(style="dark")
>>> later = replace(today, clock=Clock(speed=600.0))
>>> later.style, today == replace(later, clock=today.clock)
('dark', True)
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the reader of workspaces looks annotations up when it runs
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from twin.scene.colour import ColourBy  # noqa: TC001 - as above
from twin.scene.shot import Furniture
from twin.scene.workspace_parts import (
    Bookmark,
    CityRef,
    Clock,
    FloodState,
    Language,
    LayerState,
    Measurement,
    Note,
    Pick,
    Point,
    Proposal,
    Section,
    SunHoursState,
    SurveyState,
    Tour,
    TourStop,
    Viewpoint,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Bookmark",
    "CityRef",
    "Clock",
    "FloodState",
    "Language",
    "LayerState",
    "Measurement",
    "Note",
    "Pick",
    "Point",
    "Proposal",
    "Section",
    "SunHoursState",
    "SurveyState",
    "Tour",
    "TourStop",
    "Viewpoint",
    "Workspace",
    "layer_state",
    "replace",
    "with_layer",
]


@dataclass(frozen=True, slots=True)
class Workspace:
    """Everything that decides what is on the screen, and what someone put there.

    Parameters
    ----------
    city : CityRef
    view : str
        A named view, taken where no `camera` is given.
    camera : Viewpoint, optional
    clock : Clock
    layers : tuple of LayerState
        From the lowest to the topmost; layers that are not named are shown as they come.
    flood : FloodState, optional
    color_by : ColourBy, optional
        Attribute that colours the buildings, with its classes.
    style : str
        ``light``, ``dark``, another shipped one, or a style file seen from the workspace's file.
    language : str
        ``en``, ``ko`` or ``fi``.
    furniture : Furniture
    section : Section, optional
    survey : SurveyState, optional
        Survey points; none are shown without.
    sun_hours : SunHoursState, optional
        Hours of sun of a day as a layer.
    bookmarks, notes, tours, measurements, proposals : tuple
        Each with a name or id of its own.
    shows : str
        ``today`` or ``plan``: whether proposals stand, and hide what they replace.
    selection : tuple of Pick
    window : mapping
        What a window keeps for itself, such as open panels: texts, numbers, switches.

    Raises
    ------
    ValueError
        If two layers, bookmarks, notes, tours, measurements or proposals have one name.
    """

    city: CityRef = field(default_factory=CityRef)
    view: str = "overview"
    camera: Viewpoint | None = None
    clock: Clock = field(default_factory=Clock)
    layers: tuple[LayerState, ...] = ()
    flood: FloodState | None = None
    color_by: ColourBy | None = None
    style: str = "light"
    language: Language = "en"
    furniture: Furniture = field(default_factory=Furniture)
    section: Section | None = None
    survey: SurveyState | None = None
    sun_hours: SunHoursState | None = None
    bookmarks: tuple[Bookmark, ...] = ()
    notes: tuple[Note, ...] = ()
    tours: tuple[Tour, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    shows: Literal["today", "plan"] = "today"
    selection: tuple[Pick, ...] = ()
    window: Mapping[str, str | bool | int | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for part in ("layers", "bookmarks", "tours"):
            _check_distinct(part, (item.name for item in getattr(self, part)))
        for part in ("notes", "measurements", "proposals"):
            _check_distinct(part, (item.id for item in getattr(self, part)))


def layer_state(workspace: Workspace, name: str) -> LayerState:
    """How a layer is shown; one that is not named is visible and opaque."""
    return next((layer for layer in workspace.layers if layer.name == name), LayerState(name))


def hidden_layers(workspace: Workspace) -> tuple[str, ...]:
    """Names of the layers that are switched off."""
    return tuple(layer.name for layer in workspace.layers if not layer.is_visible)


def with_layer(workspace: Workspace, name: str, **changes: Any) -> Workspace:
    """The workspace with one layer shown otherwise; its place in the order stays, a new one comes on top.

    Examples
    --------
    >>> with_layer(Workspace(), "trees", opacity=0.5).layers[0].opacity
    0.5
    """
    changed = replace(layer_state(workspace, name), **changes)
    if not any(layer.name == name for layer in workspace.layers):
        return replace(workspace, layers=(*workspace.layers, changed))
    return replace(
        workspace, layers=tuple(changed if layer.name == name else layer for layer in workspace.layers)
    )


def _check_distinct(part: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{part} has two named {name!r}")
        seen.add(name)
