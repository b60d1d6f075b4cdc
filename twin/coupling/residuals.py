"""How far a flood is from what a gauge told: level of the model less level of the gauge, over time."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.core.errors import InputError, UsageError
from twin.core.visible_text import visible_text
from twin.coupling.gauges import gauge_of
from twin.live.model import MICROSECONDS, Quality
from twin.water.flood import UNTIMED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.live.store import Store
    from twin.water.flood import Flood

    Float = NDArray[np.float64]

SEARCH_M = 60.0
"""How far from a gauge its water may lie: gauges hang on bridges and quays."""
WET_M = 0.02


@dataclass(frozen=True, slots=True)
class Residual:
    """Levels of model and gauge at the moments of a flood.

    Parameters
    ----------
    datastream : str
    times : array of datetime64[s], shape (t,)
        UTC.
    modelled_m, observed_m : array, shape (t,)
        Elevation of the water's surface, m; NaN where the model is dry or the gauge told nothing.
    cell : tuple of int
        Row and column of the water that stands for the gauge.
    distance_m : float
        From the gauge to it.
    """

    datastream: str
    times: NDArray[np.datetime64]
    modelled_m: Float
    observed_m: Float
    cell: tuple[int, int]
    distance_m: float

    @property
    def residual_m(self) -> Float:
        """Model less gauge, m."""
        return self.modelled_m - self.observed_m

    @property
    def rmse_m(self) -> float:
        """Root of the mean square; NaN where the two never meet."""
        known = self.residual_m[np.isfinite(self.residual_m)]
        return float(np.sqrt(np.mean(known**2))) if known.size else float("nan")

    @property
    def bias_m(self) -> float:
        """Mean; NaN where the two never meet."""
        known = self.residual_m[np.isfinite(self.residual_m)]
        return float(known.mean()) if known.size else float("nan")

    def text_at(self, time: np.datetime64) -> str:
        """What a mark at the gauge tells at a moment: level and residual.

        Examples
        --------
        >>> t = np.array(["2026-08-28T03:00:00"], "datetime64[s]")
        >>> Residual("g", t, np.array([2.30]), np.array([2.45]), (0, 0), 0.0).text_at(t[0])
        'gauge 2.45 m, model 2.30 m (-0.15 m)'
        """
        seconds = np.asarray(time, "datetime64[s]").astype(np.int64)
        i = max(0, int(np.searchsorted(self.times.astype(np.int64), seconds, side="right")) - 1)
        gauge, model = self.observed_m[i], self.modelled_m[i]
        shown = [f"gauge {gauge:.2f} m" if np.isfinite(gauge) else "gauge without data"]
        shown.append(f"model {model:.2f} m" if np.isfinite(model) else "model dry")
        both = f" ({model - gauge:+.2f} m)" if np.isfinite(model - gauge) else ""
        return ", ".join(shown) + both


def gauge_residual(store: Store, flood: Flood, datastream: str) -> Residual:
    """Level of a flood less that of a gauge at every moment of the flood.

    The water that stands for the gauge is the nearest cell that is ever wet, up to 60 m away. The gauge's level at a
    moment is interpolated between its values, where these are no further apart than they hold.

    Parameters
    ----------
    store : Store
    flood : Flood
    datastream : str

    Raises
    ------
    UsageError, InputError
        If the flood has no time, or it is no gauge with a known zero, has no place, or no water of the flood is near.
    """
    if flood.times[0] == UNTIMED:
        raise UsageError(flood.name, "knows no time, a gauge does", "take a computed or an imported flood")
    catalogue = store.catalogue()
    stream = gauge_of(catalogue, datastream)
    position = catalogue.thing(stream.thing).place.position
    if position is None:
        raise UsageError(visible_text(datastream), "has no place", "import its thing with a location")
    cell, distance = _water_near(flood, position[0], position[1], datastream)
    depths = np.array([flood.depth_m(step)[cell] for step in range(flood.n_steps)], np.float64)
    modelled = np.where(depths > WET_M, depths + float(flood.bed_m[cell]), np.nan)
    history = store.history(datastream)
    keep = (history.quality < Quality.INVALID) & np.isfinite(history.number)
    hold_us = round((stream.max_age_s or 3 * (stream.every_s or 3600.0)) * MICROSECONDS)
    times_us = flood.times.astype(np.int64) * MICROSECONDS
    observed = _interpolated(
        history.time[keep], history.number[keep] + (stream.zero_m or 0.0), hold_us, times_us
    )
    return Residual(datastream, flood.times, modelled, observed, cell, distance)


def _water_near(flood: Flood, x: float, y: float, datastream: str) -> tuple[tuple[int, int], float]:
    grid = flood.grid
    rows, cols = np.nonzero(np.nan_to_num(flood.max_depth_m) > WET_M)
    distance = np.hypot(grid.x_centres[cols] - x, grid.y_centres[rows] - y)
    if not distance.size or distance.min() > SEARCH_M:
        what = f"the flood has no water within {SEARCH_M:.0f} m of it"
        raise InputError(visible_text(datastream), what, "choose a gauge in the flooded part")
    i = int(np.argmin(distance))
    return (int(rows[i]), int(cols[i])), float(distance[i])


def _interpolated(times: NDArray[np.int64], values: Float, hold_us: int, at: NDArray[np.int64]) -> Float:
    """Values between those that are no further apart than they hold; NaN in gaps, before and long after."""
    if not times.size:
        return np.full(len(at), np.nan)
    found = np.interp(at, times, values)
    after = np.searchsorted(times, at, side="left").clip(None, len(times) - 1)
    before = (np.searchsorted(times, at, side="right") - 1).clip(0)
    is_between = (at >= times[0]) & (at <= times[-1]) & (times[after] - times[before] <= hold_us)
    is_held = (at > times[-1]) & (at - times[-1] <= hold_us)
    return np.where(is_between | is_held, found, np.nan)


def residuals(store: Store, flood: Flood) -> list[Residual]:
    """Those of every gauge that can be compared: with a known zero, a place, and water of the flood near it."""
    found = []
    for stream in store.catalogue().datastreams:
        if stream.drives_water:
            with contextlib.suppress(InputError, UsageError):
                found.append(gauge_residual(store, flood, stream.id))
    return found
