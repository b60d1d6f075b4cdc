"""What is seen from a place, as a layer of a scene: the ground that is hidden lies in the dark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.scene.colour import Legend, LegendEntry
from twin.scene.layers import LayerView, MarkerState, MarkerView
from twin.scene.model import Picture

if TYPE_CHECKING:
    from datetime import datetime

    from twin.scene.sight import Viewshed

SEEN, HIDDEN, EYE = (255, 206, 84), (52, 58, 84), (190, 40, 60)
_MOST_CELLS = 4096


@dataclass(frozen=True, slots=True)
class SeenLayer:
    """A viewshed; it does not change with time.

    Parameters
    ----------
    found : Viewshed
    name : str
    """

    found: Viewshed
    name: str = "seen"

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """None: it is one state."""
        return None

    def at(self, when: datetime | None) -> LayerView:
        """What is seen and hidden, and where the eye is."""
        step = max(1, -(-max(self.found.seen.shape) // _MOST_CELLS))
        seen = self.found.seen[::step, ::step]
        rgba = np.zeros((*seen.shape, 4), np.uint8)
        rgba[seen == 1] = (*SEEN, 190)
        rgba[seen == 0] = (*HIDDEN, 130)
        eye = MarkerView(
            ("eye",),
            np.array([self.found.eye]),
            np.array([EYE], np.uint8),
            np.array([MarkerState.FRESH], np.uint8),
        )
        entries = (LegendEntry("seen", SEEN), LegendEntry("hidden", HIDDEN), LegendEntry("eye", EYE, "point"))
        return LayerView(
            drape=Picture(rgba, self.found.grid.bounds), markers=eye, legends=(Legend("Seen", entries),)
        )
