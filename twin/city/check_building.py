"""Everything that is known of one building of a city or of a foreign model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import InputNotFoundError, UsageError
from twin.core.mesh import Surface

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from twin.city.building_geometry import BuildingGeometry
    from twin.core.mesh import Solid
    from twin.core.notices import Notices

N_EXAMPLES = 3


def check_building(path: Path, id_: str, *, notices: Notices) -> dict[str, Any]:
    """The report on one building.

    Parameters
    ----------
    path : Path
        A city folder, or a CityJSON or CityJSONSeq file.
    id_ : str
        Of the building.
    notices : Notices
        Warnings of a file that is read.

    Returns
    -------
    dict
        ``path``, ``id``, ``attributes``, ``lods`` (level to solids, codes of each, faces by kind, volume and areas),
        ``roof_faces`` of the finest level, and ``why`` its roof does not fit better.

    Raises
    ------
    InputNotFoundError
        If there is nothing at the path.
    UsageError
        If it holds no such building.
    """
    if not path.exists():
        raise InputNotFoundError(path, "not found", "name a city folder or a CityJSON file")
    row, building, known = _in_city(path, id_) if path.is_dir() else _in_file(path, id_, notices)
    if row is None and building is None:
        examples = ", ".join(known[:N_EXAMPLES]) or "none"
        raise UsageError(
            "--id", f"{path} has no building {id_!r} (it has {examples}, ...)", "name one that it has"
        )
    attributes = row if row is not None else dict(building.attributes)  # type: ignore[union-attr]
    from twin.city.quality_figures import why

    return {
        "path": str(path),
        "id": id_,
        "attributes": {k: v for k, v in attributes.items() if v is not None},
        "lods": {} if building is None else _levels(building),
        "roof_faces": [] if building is None else _roof_faces(building),
        "why": why(attributes) if attributes.get("rmse_m") is not None else "",
    }


def _in_city(path: Path, id_: str) -> tuple[dict[str, Any] | None, BuildingGeometry | None, list[str]]:
    from twin.city.building_geometry import json_value
    from twin.city.meshes import iter_geometry
    from twin.city.model import open_city
    from twin.city.tables import BUILDINGS, read_table

    city = open_city(path)
    if "buildings" not in city.manifest.layers:
        return None, None, []
    table = read_table(path, BUILDINGS)
    own = table[table["id"] == id_]
    if own.empty:
        return None, None, table["id"].head(N_EXAMPLES).tolist()
    row = {k: json_value(v) for k, v in own.drop(columns=own.geometry.name).iloc[0].items()}
    return row, _first(iter_geometry(path, city.manifest), id_), []


def _in_file(
    path: Path, id_: str, notices: Notices
) -> tuple[dict[str, Any] | None, BuildingGeometry | None, list[str]]:
    from twin.city.cityjson import read_cityjson

    buildings = read_cityjson(path, notices=notices).buildings
    return None, _first(buildings, id_), [b.id for b in buildings[:N_EXAMPLES]]


def _first(buildings: Iterable[BuildingGeometry], id_: str) -> BuildingGeometry | None:
    return next((b for b in buildings if b.id == id_), None)


def _levels(building: BuildingGeometry) -> dict[str, Any]:
    from twin.city.building_geometry import lods, shapes
    from twin.reconstruct.measures import surface_areas, volume_m3
    from twin.reconstruct.validity import check_solid

    levels = {}
    for lod in lods(building):
        solids, faces = building.solids.get(lod, ()), shapes(building, lod)
        kinds = np.concatenate([s.surface for s in faces])
        areas = [surface_areas(s) for s in faces]
        levels[lod] = {
            "solids": len(solids),
            "codes": [list(check_solid(s)) for s in solids],
            "faces": {k.name.lower(): int((kinds == k).sum()) for k in Surface},
            "area_m2": {k.name.lower(): round(sum(a[k] for a in areas), 3) for k in Surface},
            "volume_m3": round(sum(volume_m3(s) for s in solids), 3),
        }
    return levels


def _roof_faces(building: BuildingGeometry) -> list[dict[str, Any]]:
    """The roof faces of the finest level, with the values that they carry or those that follow from their shape."""
    from twin.city.building_geometry import json_value, lods, shapes

    finest = lods(building)[-1] if lods(building) else ""
    faces = shapes(building, finest) if finest else ()
    if not faces:
        return []
    columns = {**_measured(faces), **building.face_values.get(finest, {})}
    is_roof = np.flatnonzero(np.concatenate([s.surface for s in faces]) == Surface.ROOF)
    return [{name: json_value(values[f]) for name, values in columns.items()} for f in is_roof.tolist()]


def _measured(faces: tuple[Solid, ...]) -> dict[str, Any]:
    from twin.reconstruct.measures import area_vectors, roof_angles

    vectors = [
        area_vectors(s.vertices - s.vertices.min(axis=0), s.corners, s.ring_starts, s.face_starts)
        for s in faces
    ]
    return {"area_m2": np.linalg.norm(np.concatenate(vectors), axis=1).round(3), **roof_angles(faces)}
