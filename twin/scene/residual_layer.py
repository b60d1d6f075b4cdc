"""Gauges beside a flood: a mark at each with its level, that of the model, and how far the two are apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from twin.coupling.residuals import residuals
from twin.live.store import open_store
from twin.scene.colour import Legend, LegendEntry
from twin.scene.layers import LayerView, MarkerState, MarkerView

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.coupling.residuals import Residual
    from twin.scene.style import Rgb
    from twin.water.flood import Flood

BORDERS_M = (0.05, 0.15, 0.30)
COLOURS: tuple[Rgb, ...] = ((44, 123, 182), (171, 217, 233), (253, 174, 97), (215, 25, 28))
"""By how far model and gauge are apart; the last is open."""
NOWHERE: Rgb = (150, 150, 150)


@dataclass(frozen=True)
class ResidualLayer:
    """How far a flood is from what the gauges of a city told.

    Parameters
    ----------
    city : Path
        Its folder, with observations.
    flood : Flood
        One that knows its time.
    """

    city: Path
    flood: Flood
    _kept: list[tuple[Residual, tuple[float, float, float]]] = field(
        default_factory=list, repr=False, compare=False
    )

    @property
    def name(self) -> str:
        """As ``--layer`` asks for it."""
        return f"residual:{self.flood.name}"

    @property
    def span(self) -> tuple[datetime, datetime]:
        """That of the flood."""
        first, last = (
            datetime.fromtimestamp(int(t.astype(np.int64)), UTC) for t in self.flood.times[[0, -1]]
        )
        return first, last

    def at(self, when: datetime | None) -> LayerView:
        """The gauges at a moment; at the end of the flood where none is asked for."""
        gauges = self._gauges()
        if not gauges:
            return LayerView(remarks=(f"{self.flood.name}: no gauge with a known zero near its water",))
        moment = when or self.span[1]
        time = np.datetime64(int(moment.timestamp()), "s")
        steps = [self.flood.step_at(time)] * len(gauges)
        apart = np.array([g.residual_m[s] for (g, _), s in zip(gauges, steps, strict=True)])
        known = [np.isfinite(g.observed_m[s]) for (g, _), s in zip(gauges, steps, strict=True)]
        markers = MarkerView(
            tuple(g.datastream for g, _ in gauges),
            np.array([place for _, place in gauges]),
            _colours(apart),
            np.where(known, MarkerState.FRESH, MarkerState.MISSING).astype(np.uint8),
            text=tuple(g.text_at(time) for g, _ in gauges),
        )
        return LayerView(markers=markers, legends=(_LEGEND,))

    def _gauges(self) -> list[tuple[Residual, tuple[float, float, float]]]:
        if not self._kept:
            with open_store(self.city) as store:
                catalogue = store.catalogue()
                for found in residuals(store, self.flood):
                    place = catalogue.thing(catalogue.datastream(found.datastream).thing).place.position
                    assert place is not None  # noqa: S101 - a residual has a place
                    height = float(np.nanmax([place[2], np.nanmax(found.observed_m, initial=-np.inf)]))
                    self._kept.append((found, (place[0], place[1], height)))
        return self._kept


def _colours(apart_m: NDArray[np.float64]) -> NDArray[np.uint8]:
    palette = np.array([*COLOURS, NOWHERE], np.uint8)
    place = np.searchsorted(BORDERS_M, np.abs(np.nan_to_num(apart_m)), side="right")
    return palette[np.where(np.isfinite(apart_m), place, len(COLOURS))]


_TEXTS = ("up to 5 cm", "up to 15 cm", "up to 30 cm", "more")
_LEGEND = Legend(
    "Model and gauge apart",
    tuple(LegendEntry(t, rgb, "point") for t, rgb in zip(_TEXTS, COLOURS, strict=True)),
)
