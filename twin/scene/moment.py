"""What all layers of a scene show at one moment, put together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from twin.scene.colour import Legend
    from twin.scene.layers import LayerView, LineView, MarkerView, SceneLayer, WaterView
    from twin.scene.model import Picture

MAX_SIDE = 4096
"""Pixels along a side of what lies on the ground."""
_ANY = [0] + [255] * 255


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
    def drape(self) -> Picture | None:
        """All that lies on the ground as one picture."""
        pictures = [picture for _, picture in self.drapes]
        if len(pictures) < 2:
            return pictures[0] if pictures else None
        return together(pictures)

    @property
    def face_rgba(self) -> NDArray[np.uint8] | None:
        """Colours of faces by the topmost layer that has some."""
        given = [view.face_rgba for _, view in self.views if view.face_rgba is not None]
        return given[-1] if given else None

    @property
    def legends(self) -> list[Legend]:
        """Legends from top to bottom, each once; marks in the classes of an area are explained by the area's."""
        found = list(dict.fromkeys(legend for _, view in self.views for legend in view.legends))
        areas = {_classes(legend) for legend in found if legend.entries and legend.entries[0].kind == "area"}
        return [
            legend
            for legend in found
            if _classes(legend) not in areas or not legend.entries or legend.entries[0].kind == "area"
        ]

    @property
    def remarks(self) -> tuple[str, ...]:
        """What has to be told in the picture, each once."""
        return tuple(dict.fromkeys(remark for _, view in self.views for remark in view.remarks))


def _classes(legend: Legend) -> tuple[tuple[str, tuple[int, int, int]], ...]:
    return tuple((entry.text, entry.rgb) for entry in legend.entries)


def together(pictures: Sequence[Picture]) -> Picture:
    """Pictures as one, in the finest pixels among them that fit a texture.

    At each place the more opaque of two is seen over the other, and of equal ones the later: a closed road is not
    hidden by a field laid over the ground later, nor a measured flow by the tint of a road that is open.
    """
    from PIL import Image, ImageChops

    from twin.scene.model import Picture

    bounds = pictures[0].bounds
    for picture in pictures[1:]:
        bounds = bounds.union(picture.bounds)
    pixel = min(p.bounds.width / p.rgba.shape[1] for p in pictures)
    pixel = max(pixel, max(bounds.width, bounds.height) / MAX_SIDE)
    size = max(1, round(bounds.width / pixel)), max(1, round(bounds.height / pixel))
    under = Image.new("RGBA", size)
    for picture in pictures:
        b, (ny, nx) = picture.bounds, picture.rgba.shape[:2]
        dx, dy = b.width / nx, b.height / ny
        matrix = (
            pixel / dx,
            0.0,
            (bounds.x_min - b.x_min) / dx,
            0.0,
            pixel / dy,
            (b.y_max - bounds.y_max) / dy,
        )
        over = Image.fromarray(np.ascontiguousarray(picture.rgba)).transform(
            size, Image.Transform.AFFINE, matrix, resample=Image.Resampling.BILINEAR
        )
        weaker = ImageChops.lighter(over.getchannel("A"), under.getchannel("A"))
        is_under = ImageChops.subtract(weaker, over.getchannel("A")).point(_ANY)
        low, high = Image.composite(over, under, is_under), Image.composite(under, over, is_under)
        under = Image.alpha_composite(low, high)
    return Picture(np.asarray(under), bounds)


def moment_of_layers(layers: Sequence[SceneLayer], when: datetime | None) -> Moment:
    """Ask every layer for what it shows."""
    return Moment(when, tuple((layer.name, layer.at(when)) for layer in layers))


def building_overlay(moment: Moment, ids: NDArray[np.str_]) -> NDArray[np.uint8] | None:
    """Colours that layers give to buildings, shape (n, 4) with 0 as alpha where none does; None where none does any."""
    given = [view.building_rgb for _, view in moment.views if view.building_rgb]
    if not given:
        return None
    rgba = np.zeros((len(ids), 4), np.uint8)
    for colours in given:
        rows = _rows(tuple(colours), ids)
        values = np.fromiter(chain.from_iterable(colours.values()), np.uint8, 3 * len(colours)).reshape(-1, 3)
        known = rows >= 0
        rgba[rows[known], :3] = values[known]
        rgba[rows[known], 3] = 255
    return rgba


_LAST_ROWS: list[tuple[tuple[str, ...], NDArray[np.str_], NDArray[np.int64]]] = []
"""Where the ids of the last layer were found: a layer names the same buildings moment after moment."""


def _rows(names: tuple[str, ...], ids: NDArray[np.str_]) -> NDArray[np.int64]:
    """Row of each name among the ids, -1 where it is not there."""
    for kept, kept_ids, rows in _LAST_ROWS:
        if kept_ids is ids and kept == names:
            return rows
    place = {name: i for i, name in enumerate(ids.tolist())}
    rows = np.fromiter((place.get(name, -1) for name in names), np.int64, len(names))
    _LAST_ROWS[:] = [(names, ids, rows), *_LAST_ROWS[:3]]
    return rows
