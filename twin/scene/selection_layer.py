"""What is chosen, as a layer: buildings in a colour that catches the eye."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.scene.layers import LayerView

if TYPE_CHECKING:
    from datetime import datetime

    from twin.scene.style import Rgb
    from twin.scene.workspace import Workspace

CHOSEN: Rgb = (255, 176, 32)


@dataclass(frozen=True, slots=True)
class SelectionLayer:
    """Buildings that are chosen; the same at every moment.

    Parameters
    ----------
    buildings : tuple of str
        Their ids.
    rgb : tuple of int
    """

    buildings: tuple[str, ...]
    rgb: Rgb = CHOSEN

    @property
    def name(self) -> str:
        """Of the layer."""
        return "selection"

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """None: it knows no time."""
        return None

    def at(self, when: datetime | None) -> LayerView:
        """The chosen buildings in their colour."""
        return LayerView(building_rgb=dict.fromkeys(self.buildings, self.rgb))


def selection_layers(workspace: Workspace) -> tuple[SelectionLayer, ...]:
    """What is chosen in a workspace; nothing where nothing is."""
    chosen = tuple(pick.id for pick in workspace.selection if pick.layer == "buildings")
    return (SelectionLayer(chosen),) if chosen else ()
