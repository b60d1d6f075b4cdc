"""Water in the city: floods computed over terrain, and levels filled from where they come from.

Examples
--------
>>> import numpy as np
>>> from twin.water import solve
>>> pond = solve(np.zeros((20, 30)), cell_size_m=2.0, rain_mm_h=36.0, duration_s=100.0)
>>> round(float(pond.h[-1, 5, 5]) * 1000, 6)  # 36 mm/h for 100 s
1.0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.water.filling import fill_level
    from twin.water.flood import Flood, StepArrays, flood_of
    from twin.water.flood_store import floods, open_flood, read_flood, store_flood
    from twin.water.foreign import ForeignFlood, import_flood
    from twin.water.ground import Site, site
    from twin.water.levels import level
    from twin.water.model import Extremes, GreenAmpt, Solution, StepLimit, UnstableError, WaterState
    from twin.water.series import Series, read_inflows, read_series
    from twin.water.simulation import simulate
    from twin.water.solver import solve

_PLACES = {
    "Extremes": "model",
    "Flood": "flood",
    "ForeignFlood": "foreign",
    "GreenAmpt": "model",
    "Series": "series",
    "Site": "ground",
    "Solution": "model",
    "StepArrays": "flood",
    "StepLimit": "model",
    "UnstableError": "model",
    "WaterState": "model",
    "fill_level": "filling",
    "flood_of": "flood",
    "floods": "flood_store",
    "import_flood": "foreign",
    "level": "levels",
    "open_flood": "flood_store",
    "read_flood": "flood_store",
    "read_inflows": "series",
    "read_series": "series",
    "simulate": "simulation",
    "site": "ground",
    "solve": "solver",
    "store_flood": "flood_store",
}

__all__ = [
    "Extremes",
    "Flood",
    "ForeignFlood",
    "GreenAmpt",
    "Series",
    "Site",
    "Solution",
    "StepArrays",
    "StepLimit",
    "UnstableError",
    "WaterState",
    "fill_level",
    "flood_of",
    "floods",
    "import_flood",
    "level",
    "open_flood",
    "read_flood",
    "read_inflows",
    "read_series",
    "simulate",
    "site",
    "solve",
    "store_flood",
]


def __getattr__(name: str) -> Any:
    if name in _PLACES:  # loaded when it is used: compiled code takes half a second to import
        return getattr(import_module(f"twin.water.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'twin.water' has no attribute {name!r}")
