"""The sun over a city: where it stands, and how long it shines on ground, roofs and walls."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.energy.hours import SunHours, store_sun_hours, sun_hours, write_sun_hours
    from twin.energy.standing import Surroundings, surroundings

_PLACES = {
    "SunHours": "hours",
    "Surroundings": "standing",
    "store_sun_hours": "hours",
    "sun_hours": "hours",
    "surroundings": "standing",
    "write_sun_hours": "hours",
}

__all__ = [
    "SunHours",
    "Surroundings",
    "store_sun_hours",
    "sun_hours",
    "surroundings",
    "write_sun_hours",
]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(f"twin.energy.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'twin.energy' has no attribute {name!r}")
