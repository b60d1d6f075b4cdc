"""Hours of sun as a layer of a scene: on the ground and, texel by texel, on roofs and walls, with a legend."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.colour import Legend, LegendEntry, colour_map
from twin.scene.layers import LayerView
from twin.scene.model import Picture

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from twin.energy.hours import SunHours
    from twin.scene.pack import ScenePack

SHORT_DAY_BREAKS = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
LONG_DAY_BREAKS = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0)
_LONG_DAY_H = 10.0
_MAP, _DARKEST, _LIGHTEST = "magma", 0.12, 0.97
_GROUND_ALPHA, _FACE_ALPHA = 215, 235
_MOST_CELLS = 4096
_APART_M = 2.0
"""Points are moved this far along their normals before the nearest is sought: no wall takes the hours of another."""


@dataclass(frozen=True)
class SunHoursLayer:
    """Hours of direct sun on a day; it does not change with time.

    Parameters
    ----------
    found : SunHours
    pack : ScenePack, optional
        Of the scene that it is shown in; given, and with hours on faces in `found`, roofs and walls are coloured too.
    name : str

    Examples
    --------
    >>> import twin
    >>> city = twin.open_city("town.twin")  # doctest: +SKIP
    >>> found = twin.energy.sun_hours(city, date="2026-12-21", surfaces=True)  # doctest: +SKIP
    >>> layer = SunHoursLayer(found, twin.Scene(city).pack)  # doctest: +SKIP
    >>> twin.Scene(city, layers=[layer]).snapshot("sun.png")  # doctest: +SKIP
    """

    found: SunHours
    pack: ScenePack | None = None
    name: str = "sun hours"
    _view: list[LayerView] = field(default_factory=list, repr=False, compare=False)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """None: a day's hours are one state."""
        return None

    def at(self, when: datetime | None) -> LayerView:
        """The hours, whatever the moment."""
        if not self._view:
            self._view.append(self._made())
        return self._view[0]

    def _made(self) -> LayerView:
        breaks = sun_breaks(self.found)
        colours = class_colours(len(breaks) + 1)
        on_faces = None
        if self.pack is not None and self.found.faces is not None:
            hours = texel_hours(self.found, self.pack)
            on_faces = coloured(hours, breaks, colours, alpha=_FACE_ALPHA)
        step = max(1, -(-max(self.found.ground_h.shape) // _MOST_CELLS))
        ground = coloured(self.found.ground_h[::step, ::step], breaks, colours, alpha=_GROUND_ALPHA)
        legend = Legend(f"Direct sun on {self.found.track.day}, h", _entries(breaks, colours))
        return LayerView(drape=Picture(ground, self.found.grid.bounds), face_rgba=on_faces, legends=(legend,))


def sun_breaks(found: SunHours) -> tuple[float, ...]:
    """Borders of classes of hours that suit the length of the day."""
    return LONG_DAY_BREAKS if found.track.day_length_h > _LONG_DAY_H else SHORT_DAY_BREAKS


def class_colours(n: int) -> NDArray[np.uint8]:
    """Dark for little sun to light for much, shape (n, 3)."""
    shades = colour_map(_MAP)
    places = np.linspace(_DARKEST, _LIGHTEST, n) * (len(shades) - 1)
    return shades[np.rint(places).astype(np.int64)]


def _entries(breaks: tuple[float, ...], colours: NDArray[np.uint8]) -> tuple[LegendEntry, ...]:
    texts = [f"under {breaks[0]:g}", *(f"{a:g} – {b:g}" for a, b in pairwise(breaks))]
    texts.append(f"over {breaks[-1]:g}")
    rgb = [(int(r), int(g), int(b)) for r, g, b in colours]
    return tuple(LegendEntry(t, c) for t, c in zip(texts, rgb, strict=True))[::-1]


def coloured(
    hours: NDArray[np.floating], breaks: tuple[float, ...], colours: NDArray[np.uint8], *, alpha: int
) -> NDArray[np.uint8]:
    """Hours as colours of their classes, shape (..., 4); clear where they are NaN."""
    known = np.isfinite(hours)
    rgba = np.zeros((*hours.shape, 4), np.uint8)
    rgba[..., :3] = colours[np.searchsorted(breaks, np.where(known, hours, 0.0), side="right")]
    rgba[..., 3] = np.where(known, alpha, 0)
    return rgba


def texel_hours(found: SunHours, pack: ScenePack) -> NDArray[np.float32]:
    """Hours on the light atlas of a scene, from the nearest points that were asked; NaN where there is no building.

    Parameters
    ----------
    found : SunHours
        With hours on faces.
    pack : ScenePack

    Returns
    -------
    array of float32, shape (rows, columns)
        As `PackMeta.atlas` lays them out, carried two texels beyond the rim of each face.
    """
    from scipy.spatial import cKDTree

    from twin.scene.bake import facet_texels
    from twin.scene.light_smoothing import grow_into_gaps

    out = np.full(pack.meta.atlas, np.nan, np.float32)
    faces: Any = found.faces
    known = np.flatnonzero(np.isfinite(faces.sample_hours))
    index, place, normal = facet_texels(pack)
    if not len(known) or not len(index):
        return out
    samples = faces.samples
    # Samples count from the surroundings' origin, the scene from its own.
    shift = _origin(found) - np.asarray(pack.meta.origin, np.float64)
    points = samples.position[known] + shift + _APART_M * samples.normal[samples.face[known]]
    near, which = cKDTree(points).query(
        place + _APART_M * normal, k=1, distance_upper_bound=_APART_M, workers=-1
    )
    hit = np.isfinite(near)
    out.ravel()[index[hit]] = faces.sample_hours[known[which[hit]]]
    filled = np.isfinite(out)
    grown = grow_into_gaps(np.where(filled, out, 0.0)[..., None].astype(np.float32), filled, 2)[..., 0]
    reach = grow_into_gaps(filled[..., None].astype(np.float32), filled, 2)[..., 0] > 0
    return np.where(reach, grown, np.float32(np.nan))


def _origin(found: SunHours) -> NDArray[np.float64]:
    return np.array([np.floor(found.grid.x_min), np.floor(found.grid.y_max), 0.0])
