"""What of a workspace changes with time, and how its groups look: floods, and what is switched off or faded."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from twin.core.errors import TwinError
from twin.scene.selection_layer import selection_layers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.scene.flood_colours import Colouring
    from twin.scene.layers import SceneLayer
    from twin.scene.live_stage import LiveStage
    from twin.scene.workspace import FloodState, LayerState, Workspace
    from twin.water.flood import Flood
    from twin.water.ground import Site

SENSORS = "markers"
"""Name of the layer of all sensors, and of the group that draws their marks."""
SUN_HOURS, VIEWSHED = "sun hours", "viewshed"
"""Names of the layers of a day's sun and of what is seen from a place; they lie below floods and sensors."""
LABELS = "labels"
"""Name by which names in the picture are faded."""
LEVEL = "level"
"""Name of the flood that a level set by hand makes."""
_LIKE = {"edges": "buildings"}


def moving_layers(city: City, workspace: Workspace, *, notices: Notices) -> tuple[SceneLayer, ...]:
    """Layers with a state at each moment that a workspace shows; one that this city does not have is told."""
    found: list[SceneLayer] = []
    if workspace.flood is not None:
        try:
            found.append(flood_layer(city, workspace.flood, notices=notices))
        except TwinError as error:
            notices.add("workspace-flood", f"the workspace's flood is not shown: {error}")
    shown = any(state.name == SENSORS and state.is_visible for state in workspace.layers)
    if shown and has_observations(city):
        from twin.scene.live_layer import city_layer

        found.append(city_layer(city))
    return (*found, *selection_layers(workspace))


def has_observations(city: City) -> bool:
    """Whether a city keeps observations."""
    return any(layer.kind == "observations" for layer in city.manifest.layers.values())


def flood_layer(
    city: City, state: FloodState, *, ground: Site | None = None, notices: Notices | None = None
) -> SceneLayer:
    """The flood of a workspace as a layer: one of the city's, or water up to a level set by hand.

    Parameters
    ----------
    city : City
    state : FloodState
    ground : Site, optional
        From `twin.water.site`, so that many levels cost little.
    notices : Notices, optional

    Raises
    ------
    TwinError
        If the city has no such flood, or the flood does not tell such a quantity.
    """
    from twin.scene.flood_layer import FloodLayer

    flood = flood_of_state(city, state, ground=ground, notices=notices)
    return FloodLayer(flood, cast("Colouring", state.quantity), city=city)


def flood_of_state(
    city: City, state: FloodState, *, ground: Site | None = None, notices: Notices | None = None
) -> Flood:
    """The water itself. Parameters and errors as `flood_layer`."""
    from twin.water.flood_store import read_flood
    from twin.water.levels import level

    if state.eta_m is None:
        return read_flood(city, state.name)
    return level(
        city, eta_m=state.eta_m, source=state.source, name=state.name or LEVEL, ground=ground, notices=notices
    )


def apply_looks(live: LiveStage, states: Iterable[LayerState]) -> None:
    """Switch and fade what a workspace names; all else is shown as it comes. Edges look as their buildings do."""
    looks = tuple(states)
    named = {state.name: state for state in looks}
    live.scene = live.scene.with_looks(looks)
    for group in live.groups:
        state = named.get(_LIKE.get(group, group))
        live.set_visible(group, state is None or state.is_visible)
        live.set_opacity(group, 1.0 if state is None else state.opacity)


def strength(looks: Iterable[LayerState], name: str) -> float:
    """How strongly a layer is drawn, 0 to 1; one that is not named fully."""
    return next((state.opacity * state.is_visible for state in looks if state.name == name), 1.0)
