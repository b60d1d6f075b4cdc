"""What the window will need is read ahead beside the interface, once the first city is there."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from twin.core.translations import LANGUAGES, load_texts
from twin.scene.means_kernel import average_of_four

if TYPE_CHECKING:
    from twin.viewer.work import Told

MODULES = (
    "geopandas", "netCDF4", "pyarrow.dataset", "rasterio.features", "rasterio.warp",
    "twin.city.cityjson", "twin.city.ground_surface", "twin.city.masses", "twin.city.road_widths",
    "twin.energy.face_sun", "twin.energy.sweeps", "twin.reconstruct.extrude",
    "twin.scene.caps", "twin.scene.charts", "twin.scene.facets", "twin.scene.flood_city", "twin.scene.flood_flow",
    "twin.scene.marker_actor", "twin.scene.marker_labels", "twin.scene.measure", "twin.scene.point_stage",
    "twin.scene.profile", "twin.scene.profile_chart", "twin.scene.proposal_compare", "twin.scene.relight",
    "twin.scene.ribbons", "twin.scene.section_stage", "twin.scene.selecting", "twin.scene.sight",
    "twin.scene.viewpoints", "twin.scene.water_actor", "twin.scene.water_surface",
    "twin.sources.copc", "twin.sources.ifc", "twin.sources.models", "twin.sources.points",
    "twin.viewer.panels.help", "twin.viewer.panels.connect", "twin.viewer.panels.new_city",
    "twin.water.exposure", "twin.water.filling", "twin.water.levels", "twin.water.way_round",
)  # fmt: skip
"""What panels and tools import when they are first used; loaded in that moment, each would hold up the hand."""


def read_ahead(told: Told) -> None:
    """Load the modules, the texts of all languages, and what compiled code needs."""
    for name in MODULES:
        told.check()
        with suppress(ImportError):  # told in plain words where it is used
            import_module(name)
    for language in LANGUAGES:
        load_texts(language)
    told.check()
    # A first kernel, however small: numba makes tens of thousands of objects ready before it.
    average_of_four(np.zeros((2, 2, 4), np.uint8), np.zeros((1, 1, 3), np.uint8))
