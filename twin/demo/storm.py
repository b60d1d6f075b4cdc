"""A scripted typhoon of six hours: what sky, sea, river, canal and streets do, minute by minute, and why.

The storm passes west of the district three hours and a quarter in. Its low pressure and its wind lift the sea near high
tide; rain upstream swells the river an hour later; the sluice closes, and the canal then rises by the district's own
rain. Everything else (traffic, air, meters) answers to these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.demo.chance import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.float64]

START = "2026-08-28T03:00:00Z"
"""Noon in Korea."""
MINUTES = 361
PASSAGE_H = 3.25
SLUICE_CLOSES_M = 1.2
PUMPED_M3_S = 0.056
"""What the pump of an underpass takes: 420 mm/h over its 480 m2 of floor."""
_RAIN_BANDS = ((0.7, 12.0, 0.25), (1.5, 28.0, 0.3), (2.5, 46.0, 0.35), (3.2, 62.0, 0.3), (4.3, 16.0, 0.4))
"""Hour, mm/h and width in hours of each band."""


@dataclass(frozen=True, slots=True)
class Storm:
    """The storm, one value a minute, shape (361,) each.

    Levels are elevations above the city's datum, depths are above the ground; `is_power_cut` is when the grid fails
    in parts of the district.
    """

    hours: Float
    rain_mm_h: Float
    wind_m_s: Float
    wind_from_deg: Float
    pressure_hpa: Float
    temperature_c: Float
    humidity: Float
    sunlight_w_m2: Float
    tide_m: Float
    river_m: Float
    canal_m: Float
    underpass_depth_m: Float
    traffic: Float
    is_power_cut: NDArray[np.bool_]


def make_storm(seed: int) -> Storm:
    """The storm of a district; its script is the same for all, its gusts and showers are not.

    Examples
    --------
    >>> storm = make_storm(1)
    >>> bool(storm.river_m.max() > 2.0), bool(storm.river_m.max() < 3.6)
    (True, True)
    """
    hours = np.arange(MINUTES) / 60.0
    rng = stream(seed, "storm")
    rain = _rain(hours, rng.normal(0.0, 1.0, MINUTES))
    near = np.exp(-(((hours - PASSAGE_H) / 1.3) ** 2))
    steady = 7.0 + 21.0 * near
    wind = np.maximum(steady + 1.2 * _smoothed(rng.normal(0, 1, MINUTES), 4), 0.5)
    pressure = 1002.0 - 40.0 * near - 3.0 * hours / 6.0
    tide = 0.35 + 0.55 * np.cos(2 * np.pi * (hours - 3.4) / 12.42)
    surge = 0.01 * (1004.0 - pressure) + 0.0006 * steady**2  # the sea does not answer to gusts
    river = tide + surge + 0.021 * _delayed(rain, lag_h=0.9)
    canal = _canal(river, rain)
    underpass = _underpass(rain)
    misery = np.clip(rain / 70.0 + np.maximum(wind - 12.0, 0.0) / 25.0, 0.0, 0.93)
    return Storm(
        hours,
        rain,
        wind,
        (70.0 + 170.0 / (1.0 + np.exp(-(hours - PASSAGE_H) / 0.5))) % 360.0,
        pressure,
        27.5 - 3.2 * near - 0.03 * rain,
        np.clip(0.78 + 0.2 * np.minimum(rain / 20.0, 1.0), 0.0, 1.0),
        np.maximum(620.0 * (1.0 - hours / 7.5), 0.0) * (1.0 - 0.93 * np.clip(rain / 8.0 + near, 0.0, 1.0)),
        tide,
        river,
        canal,
        underpass,
        1.0 - misery,
        (hours > 3.3) & (hours < 4.05),
    )


def _rain(hours: Float, noise: Float) -> Float:
    bands = sum(peak * np.exp(-(((hours - at) / width) ** 2)) for at, peak, width in _RAIN_BANDS)
    return np.maximum(np.asarray(bands) * (1.0 + 0.18 * _smoothed(noise, 3)), 0.0).round(3)


def _smoothed(values: Float, minutes: int) -> Float:
    kernel = np.ones(minutes) / np.sqrt(minutes)
    return np.convolve(values, kernel, mode="same")


def _delayed(rain: Float, *, lag_h: float) -> Float:
    """Rain as the river brings it: two linear reservoirs in a row (Nash 1957)."""
    k = lag_h / 2 * 60.0
    minutes = np.arange(MINUTES)
    response = minutes / k**2 * np.exp(-minutes / k)
    return np.convolve(rain, response)[:MINUTES]


def _canal(river: Float, rain: Float) -> Float:
    """Level of the canal: behind an open sluice the river's, behind a closed one what rain adds and pumps take."""
    level = np.empty(MINUTES)
    level[0] = river[0]
    for k in range(1, MINUTES):
        if river[k] < SLUICE_CLOSES_M or river[k] < level[k - 1]:
            level[k] = level[k - 1] + (river[k] - level[k - 1]) / 6.0
        else:
            level[k] = level[k - 1] + (8.0 * rain[k] - 95.0) / 1000.0 / 60.0
    return np.maximum(level, 0.1)


def _underpass(rain: Float) -> Float:
    """Depth of water at the bottom of the underpass: what runs in from both ramps less what the pump takes."""
    depth = np.zeros(MINUTES)
    for k in range(1, MINUTES):
        depth[k] = max(0.0, depth[k - 1] + (19.0 * rain[k] - 420.0) / 1000.0 / 60.0)
    return np.minimum(depth, 2.6)
