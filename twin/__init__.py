"""A 3D urban digital twin: survey in, city out, picture out.

The public names load what they need when they are first used, so that importing `twin` takes no time.

Examples
--------
>>> import twin
>>> city = twin.build("survey/*.laz", "footprints.gpkg", "kalasatama.twin", crs="EPSG:3879+3900")  # doctest: +SKIP
>>> twin.Scene(city).snapshot("kalasatama.png")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.api import build
    from twin.city.model import City, open_city
    from twin.core.errors import TwinError
    from twin.scene.scene import Scene
    from twin.viewer.launch import view

__version__ = "0.1.0"

_PLACES = {
    "City": "twin.city.model",
    "Scene": "twin.scene.scene",
    "TwinError": "twin.core.errors",
    "build": "twin.api",
    "view": "twin.viewer.launch",
    "open_city": "twin.city.model",
}

_ROOMS = ("demo", "energy", "live", "reconstruct", "water")
"""Rooms whose own public names are reached as ``twin.demo.compare``."""

__all__ = ["City", "Scene", "TwinError", "build", "open_city", "view"]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    if name in _ROOMS:
        return import_module(f"twin.{name}")
    raise AttributeError(f"module 'twin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
