"""What all layers of a scene show at one moment, put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from twin.scene.colour import Legend
    from twin.scene.layers import LayerView, LineView, MarkerView, SceneLayer, WaterView
    from twin.scene.model import Picture


@dataclass(frozen=True, slots=True)
class Moment:
    """The views of all layers, lowest first.

    Parameters
    ----------
    when : datetime, optional
        None where no moment was asked for.
    views : tuple of (name, LayerView)
    """

    when: datetime | None
    views: tuple[tuple[str, LayerView], ...] = ()

    @property
    def waters(self) -> tuple[tuple[str, WaterView], ...]:
        """Waters by the names of their layers."""
        return tuple((name, view.water) for name, view in self.views if view.water is not None)

    @property
    def markers(self) -> tuple[tuple[str, MarkerView], ...]:
        """Markers by the names of their layers."""
        return tuple((name, view.markers) for name, view in self.views if view.markers is not None)

    @property
    def lines(self) -> tuple[tuple[str, LineView], ...]:
        """Lines by the names of their layers."""
        return tuple((name, view.lines) for name, view in self.views if view.lines is not None)

    @property
    def drapes(self) -> tuple[tuple[str, Picture], ...]:
        """What lies on the ground, by the names of the layers."""
        return tuple((name, view.drape) for name, view in self.views if view.drape is not None)

    @property
    def legends(self) -> list[Legend]:
        """Legends from top to bottom, each once."""
        return list(dict.fromkeys(legend for _, view in self.views for legend in view.legends))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What has to be told in the picture, each once."""
        return tuple(dict.fromkeys(remark for _, view in self.views for remark in view.remarks))


def moment_of_layers(layers: Sequence[SceneLayer], when: datetime | None) -> Moment:
    """Ask every layer for what it shows."""
    return Moment(when, tuple((layer.name, layer.at(when)) for layer in layers))


def building_overlay(moment: Moment, ids: NDArray[np.str_]) -> NDArray[np.uint8] | None:
    """Colours that layers give to buildings, shape (n, 4) with 0 as alpha where none does; None where none does any."""
    given = [view.building_rgb for _, view in moment.views if view.building_rgb]
    if not given:
        return None
    place = {name: i for i, name in enumerate(ids.tolist())}
    rgba = np.zeros((len(ids), 4), np.uint8)
    for colours in given:
        known = [(place[name], rgb) for name, rgb in colours.items() if name in place]
        if known:
            rows, values = zip(*known, strict=True)
            rgba[list(rows), :3] = np.asarray(values, np.uint8)
            rgba[list(rows), 3] = 255
    return rgba
