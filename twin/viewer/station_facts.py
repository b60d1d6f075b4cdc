"""What a station has told: its newest values, and those of the last hours for a plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.core.visible_text import visible_text
from twin.scene.units import number_text
from twin.viewer.facts import FactGroup, Facts

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from twin.core.translations import Texts
    from twin.scene.live_layer import LiveLayer

HOURS = 6.0
_HOUR_US = 3_600_000_000
_MOST_SERIES = 6


@dataclass(frozen=True)
class Series:
    """Observations of one datastream before a moment.

    Parameters
    ----------
    name, unit : str
    hours : array, shape (n,)
        Before the moment, negative.
    values : array, shape (n,)
        NaN where one is missing: drawn as a gap.
    """

    name: str
    unit: str
    hours: NDArray[np.float64]
    values: NDArray[np.float64]


def station_facts(
    layer: LiveLayer, thing: str, when: datetime | None, texts: Texts
) -> tuple[Facts, tuple[Series, ...]]:
    """A station as it was at a moment, and its last hours."""
    source = layer.observations
    catalogue = source.catalogue()
    found = catalogue.thing(thing)
    streams = [s for s in catalogue.datastreams if s.thing == thing][:_MOST_SERIES]
    span = source.span()
    end = round(when.timestamp() * 1e6) if when is not None else (span[1] if span is not None else 0)
    series = tuple(_series(layer, s.id, s.observed_property, s.symbol or s.unit, end) for s in streams)
    rows = tuple((visible_text(s.name), _newest(s)) for s in series)
    title = visible_text(found.name or thing)
    group = FactGroup("facts.observations", tuple(r for r in rows if r[1]))
    return Facts(title, texts("kind.MARKER"), (group,) if group.rows else ()), series


def _series(layer: LiveLayer, stream: str, name: str, unit: str, end: int) -> Series:
    history = layer.observations.history(stream, end - round(HOURS * _HOUR_US), end)
    return Series(name.replace("_", " "), unit, (history.time - end) / _HOUR_US, history.number)


def _newest(series: Series) -> str:
    known = np.flatnonzero(np.isfinite(series.values))
    if not len(known):
        return ""
    return f"{number_text(float(series.values[known[-1]]))} {visible_text(series.unit)}".strip()
