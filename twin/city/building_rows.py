"""The buildings of a tile: each footprint becomes one row of the table, and a shape where one can be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.building_geometry import BuildingGeometry, footprint_rings, shapes
from twin.core.points import PointCloud

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.city.object_tile import ObjectWork
    from twin.core.grid import Bounds
    from twin.reconstruct.building_model import BuildingModel, LodModel

AROUND_M = 4.5
"""Points this far around a footprint tell the ground that its building stands on."""
BIN_M = 8.0
SOURCE, CONFIDENCE = "twin:source", "twin:confidence"
"""Columns of a frame of footprints that no file's attribute is called by."""
SHIFT_EAST, SHIFT_NORTH, SHIFT_GAIN = "twin:shift_east", "twin:shift_north", "twin:shift_gain"
ALIGNED = "twin:aligned"
OWN_COLUMNS = {
    *("row", "id", "model", "geometry", "state", "reason", "given_height_m"),
    *(SOURCE, CONFIDENCE, SHIFT_EAST, SHIFT_NORTH, SHIFT_GAIN, ALIGNED),
}
ATTRIBUTE_COLUMNS = (
    "state",
    "source",
    "footprint_confidence",
    "roof_type",
    "height_m",
    "ground_m",
    "roof_max_m",
    "volume_m3",
    "rmse_m",
    "rmse_holdout_m",
    "height_sigma_m",
    "n_points",
)
"""Of the table, what also stands in CityJSON."""

Row = dict[str, Any]


def building_rows(work: ObjectWork, cloud: PointCloud | None) -> tuple[list[Row], list[BuildingGeometry]]:
    """Rows and shapes of the buildings that a tile owns, in the order of the footprints."""
    make = _given if "model" in work.footprints else _reconstructor(work, cloud)
    rows: list[Row] = []
    shaped: list[BuildingGeometry] = []
    for entry in work.footprints.to_dict("records"):
        row, geometry = make(entry)
        rows.append({**row, **_source_attributes(entry, row)})
        if geometry is not None:
            shaped.append(geometry)
    return rows, shaped


def _source_attributes(entry: Row, row: Row) -> Row:
    """What the footprints' file says of the building, under names that are not ours."""
    return {f"source_{k}" if k in row else k: v for k, v in entry.items() if k not in OWN_COLUMNS}


def _reconstructor(
    work: ObjectWork, cloud: PointCloud | None
) -> Callable[[Row], tuple[Row, BuildingGeometry | None]]:
    """A function from one footprint to its row and shape, points and terrain at hand."""
    from twin.core.grid import Bounds
    from twin.reconstruct.building import reconstruct_building
    from twin.reconstruct.heights import terrain_along
    from twin.reconstruct.roof_points import ROOF_CLASSES

    base = work.base
    near = points_near(cloud if cloud is not None else PointCloud.empty())
    area = Bounds(*map(float, np.nan_to_num(work.footprints.total_bounds)))
    dtm, grid = base.mosaic.window("dtm", area.buffered(2 * AROUND_M))
    roof_classes = ROOF_CLASSES if base.has_building_class else ()

    def make(entry: Row) -> tuple[Row, BuildingGeometry | None]:
        outline = entry["geometry"]
        if isinstance(entry["state"], str):  # the reader has found it unfit to be built
            return _refused(entry), None
        around = Bounds(*map(float, outline.bounds)).buffered(AROUND_M)
        known = dtm.size > 0 and around.overlaps(base.mosaic.grid.bounds)
        height = entry.get("given_height_m", np.nan)
        model = reconstruct_building(
            outline,
            near(around),
            terrain=terrain_along(outline, dtm, grid) if known else None,
            lods=base.lods,
            detail=base.detail,
            roof_classes=roof_classes,
            given_height_m=float(height) if np.isfinite(height) else None,
        )
        return _modelled(entry, model)

    return make


def points_near(cloud: PointCloud) -> Callable[[Bounds], PointCloud]:
    """A function that gives the points around a rectangle without looking at the rest."""
    from twin.reconstruct.cells import bin_points, grid_over

    if not len(cloud):
        return lambda _area: cloud
    grid = grid_over(cloud.xyz, cell_size_m=BIN_M)
    index = bin_points(cloud.xyz, grid)

    def near(area: Bounds) -> PointCloud:
        rows, cols = grid.window(area)
        runs = [
            index.order[index.start[r * grid.nx + cols.start] : index.start[r * grid.nx + cols.stop]]
            for r in range(rows.start, rows.stop)
        ]
        found = np.concatenate(runs) if runs else np.empty(0, np.int32)
        xy = cloud.xyz[found, :2]
        return cloud.select(found[area.contains(xy[:, 0], xy[:, 1])].astype(np.int64))

    return near


def _refused(entry: Row) -> Row:
    from twin.reconstruct.building_model import BuildingModel, BuildingState, attributes

    model = BuildingModel(
        BuildingState(entry["state"]), str(entry["reason"] or ""), footprint=entry["geometry"]
    )
    return {**_own(entry), **attributes(model), "outline": _wkb(entry["geometry"])}


def _own(entry: Row) -> Row:
    """What a row begins with: its place, its name, and where its footprint is from."""
    source = entry.get(SOURCE)
    is_given = not isinstance(source, str)
    return {
        "row": entry["row"],
        "id": entry["id"],
        "source": "given" if is_given else source,
        "footprint_confidence": np.nan if is_given else float(entry[CONFIDENCE]),
        "shift_east_m": float(entry.get(SHIFT_EAST, np.nan)),
        "shift_north_m": float(entry.get(SHIFT_NORTH, np.nan)),
        "shift_gain": float(entry.get(SHIFT_GAIN, np.nan)),
        "aligned": entry.get(ALIGNED) is True,
    }


def _modelled(entry: Row, model: BuildingModel) -> tuple[Row, BuildingGeometry | None]:
    from twin.reconstruct.building_model import attributes

    outline = model.footprint if model.footprint is not None else entry["geometry"]
    row = {**_own(entry), **attributes(model), "outline": _wkb(outline)}
    if model.footprint is None or model.heights is None or not np.isfinite(model.heights.floor_m):
        return row, None
    told = {c: row[c] for c in ATTRIBUTE_COLUMNS}
    rings = footprint_rings(model.footprint, elevation_m=model.heights.floor_m)
    solids = {lod: m.solids for lod, m in model.lods.items() if m.solids}
    faces = {lod: _face_values(m) for lod, m in model.lods.items() if m.solids and (m.faces or lod >= "2")}
    return row, BuildingGeometry(entry["id"], _json(told), rings, solids, face_values=faces)


def _face_values(model: LodModel) -> dict[str, NDArray[np.float64]]:
    """What is known of each face; of coarser levels than the finest only how roofs slope."""
    from twin.reconstruct.face_quality import on_all_faces
    from twin.reconstruct.measures import roof_angles

    return roof_angles(model.solids) if model.faces is None else on_all_faces(model.solids, model.faces)


def _wkb(geometry: Any) -> bytes | None:
    import shapely

    return None if geometry is None else bytes(shapely.to_wkb(geometry))


def _json(values: Row) -> Row:
    from twin.city.building_geometry import json_value

    return {k: json_value(v) for k, v in values.items()}


def _given(entry: Row) -> tuple[Row, BuildingGeometry | None]:
    """The row of a building whose solids were given: sizes are measured, quality is unknown."""
    from twin.core.mesh import Surface
    from twin.reconstruct.building_model import BuildingModel, BuildingState, attributes
    from twin.reconstruct.measures import surface_areas, volume_m3
    from twin.reconstruct.validity import check_solid

    building: BuildingGeometry = entry["model"]
    finest = max([*building.solids, *building.surfaces])
    faces = shapes(building, finest)
    codes = sorted({code for s in building.solids.get(finest, ()) for code in check_solid(s)})
    z = np.concatenate([s.vertices[s.corners, 2] for s in faces])
    row = attributes(BuildingModel(BuildingState.BUILT, f"given at LoD{finest}", footprint=entry["geometry"]))
    row |= {
        **_own(entry),
        "height_m": round(float(np.ptp(z)), 3),
        "ground_m": round(float(z.min()), 3),
        "floor_m": round(float(z.min()), 3),
        "roof_max_m": round(float(z.max()), 3),
        "volume_m3": round(sum(volume_m3(s) for s in building.solids.get(finest, ())), 3),
        "roof_area_m2": round(sum(surface_areas(s)[Surface.ROOF] for s in faces), 3),
        "codes": " ".join(map(str, codes)),
        "outline": _wkb(entry["geometry"]),
    }
    return row, building
