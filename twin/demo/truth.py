"""What nobody knows of a real city: exact solids of every building, and figures about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.building_geometry import BuildingGeometry, footprint_rings
from twin.core.mesh import Solid, Surface
from twin.demo.partition import partition_roof
from twin.demo.skeleton import to_world
from twin.demo.solids import STEP_M, flattened, roof_samples, solid_over

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.demo.cadastre import Entry
    from twin.demo.plan import Building

    Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BuildingTruth:
    """One building, exactly.

    Parameters
    ----------
    geometry : BuildingGeometry
        Solids of LoD 1.2, 1.3 and 2.2 on the map, with the figures of `row` as attributes.
    row : dict
        A row of ``truth/buildings.gpkg``.
    """

    geometry: BuildingGeometry
    row: Row


def truth_of(entry: Entry) -> BuildingTruth:
    """Solids and figures of the building behind a cadastre's entry."""
    building = entry.building
    partition, outline = partition_roof(building.parts)
    lod22 = solid_over(partition)
    solids = {
        "1.2": solid_over(flattened(partition, outline, building.roof_z, step_m=np.inf)),
        "1.3": solid_over(flattened(partition, outline, building.roof_z, step_m=STEP_M)),
        "2.2": lod22,
    }
    heights = building.roof_z(roof_samples(outline))
    facts = _facts(entry, lod22, heights)
    geometry = BuildingGeometry(
        building.id,
        facts,
        footprint=footprint_rings(entry.outline, elevation_m=building.floor_z),
        solids={lod: (_on_map(building, solid),) for lod, solid in solids.items()},
    )
    return BuildingTruth(geometry, {"id": building.id, **facts, "geometry": entry.outline})


def _on_map(building: Building, solid: Solid) -> Solid:
    vertices = to_world(building.to_uv(solid.vertices))
    vertices[:, 2] = solid.vertices[:, 2] + building.floor_z
    return Solid(vertices, solid.corners, solid.ring_starts, solid.face_starts, solid.surface)


def _facts(entry: Entry, lod22: Solid, heights: NDArray[np.float64]) -> Row:
    building = entry.building
    roof = np.concatenate([np.concatenate(lod22.rings(int(f))) for f in np.flatnonzero(_is_roof(lod22))])
    z = lod22.vertices[roof, 2]
    return {
        "kind": building.kind,
        "roof_type": building.roof_type,
        "use": building.use,
        "storeys": building.storeys,
        "name_ko": building.name.ko,
        "name_en": building.name.en,
        "footprint_id": entry.footprint_id or "",
        "footprint_defect": entry.defect,
        "floor_z_m": building.floor_z,
        "ridge_z_m": round(building.floor_z + float(z.max()), 4),
        "eave_z_m": round(building.floor_z + float(z.min()), 4),
        "height_p50_m": round(float(np.percentile(heights, 50)), 4),
        "height_p70_m": round(float(np.percentile(heights, 70)), 4),
        "volume_m3": round(volume_of(lod22), 3),
        "n_roof_faces": int(_is_roof(lod22).sum()),
    }


def _is_roof(solid: Solid) -> NDArray[np.bool_]:
    return np.asarray(solid.surface == Surface.ROOF)


def volume_of(solid: Solid) -> float:
    """Volume inside a closed solid, cubic metres (divergence theorem, face by face)."""
    base = solid.vertices.mean(0)
    total = 0.0
    for f in range(solid.n_faces):
        corner = None
        for ring in solid.rings(f):
            p = solid.vertices[ring] - base
            corner = p[0] if corner is None else corner
            total += float(np.cross(p, np.roll(p, -1, 0)).sum(0) @ corner) / 6.0
    return total
