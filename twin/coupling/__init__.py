"""Joins between layers: a gauge drives a flood, rain of stations falls on it, stations tell how far it is off.

Layers do not know one another; here their plain arrays meet.

Examples
--------
>>> import twin
>>> from twin.coupling import flood_at_gauge, gauge_residual
>>> city = twin.open_city("town.twin")  # doctest: +SKIP
>>> flood = flood_at_gauge(city, "river-1:water_level", at="2026-08-28T15:00:00+09:00")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.coupling.gauges import GaugeLevel, flood_at_gauge, gauge_level
    from twin.coupling.rain import rain_of_stations, tide_of_gauge
    from twin.coupling.residuals import Residual, gauge_residual, residuals

_PLACES = {
    "GaugeLevel": "gauges",
    "Residual": "residuals",
    "flood_at_gauge": "gauges",
    "gauge_level": "gauges",
    "gauge_residual": "residuals",
    "rain_of_stations": "rain",
    "residuals": "residuals",
    "tide_of_gauge": "rain",
}

__all__ = [
    "GaugeLevel",
    "Residual",
    "flood_at_gauge",
    "gauge_level",
    "gauge_residual",
    "rain_of_stations",
    "residuals",
    "tide_of_gauge",
]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(f"twin.coupling.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'twin.coupling' has no attribute {name!r}")
