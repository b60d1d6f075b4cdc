"""A procedural district with a simulated survey, its truth, and a scripted storm.

The public names load what they need when they are first used.

Examples
--------
>>> import twin.demo
>>> files = twin.demo.generate_district("district", n_buildings=400)  # doctest: +SKIP
>>> twin.demo.compare("district/district.twin", files.truth).score  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.demo.cadastre import FootprintDefects
    from twin.demo.comparison import Comparison, compare
    from twin.demo.district import DistrictFiles, generate_district
    from twin.demo.samples import Sample, sample_buildings

_PLACES = {
    "Comparison": "comparison",
    "DistrictFiles": "district",
    "FootprintDefects": "cadastre",
    "Sample": "samples",
    "compare": "comparison",
    "generate_district": "district",
    "sample_buildings": "samples",
}

__all__ = [
    "Comparison",
    "DistrictFiles",
    "FootprintDefects",
    "Sample",
    "compare",
    "generate_district",
    "sample_buildings",
]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(f"twin.demo.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'twin.demo' has no attribute {name!r}")
