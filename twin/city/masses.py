"""Masses of buildings that no footprint tells of, as solids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from twin.core.mesh import Solid


def mass_solids(frame: Any) -> list[Solid]:
    """The solids of unmapped masses: each polygon between its ground and its roof."""
    from twin.reconstruct.extrude import extrude, flat_planes
    from twin.reconstruct.footprint import localize_footprint
    from twin.reconstruct.partition import whole_footprint

    solids: list[Solid] = []
    for polygon, ground_m, roof_m in zip(frame.geometry, frame["ground_m"], frame["roof_m"], strict=True):
        footprint = localize_footprint(polygon)
        if footprint is None or roof_m - ground_m < 1.0:
            continue
        partition = whole_footprint(footprint)
        planes = flat_planes(np.full(partition.n_faces, float(roof_m)))
        solids += extrude(partition, planes, ground_m=float(ground_m))
    return solids
