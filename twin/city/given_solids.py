"""A city's own solids (CityJSON) in place of reconstruction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import CrsError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.city.building_geometry import BuildingGeometry
    from twin.core.mesh import Solid
    from twin.core.notices import Notices

    Move = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def read_given(
    path: Path, *, crs: CRS, assume_crs: CRS | None, height_offset_m: float | None, notices: Notices
) -> Any:
    """Buildings of a CityJSON file as a GeoDataFrame: `id`, outline, attributes, and the shapes as `model`.

    Raises
    ------
    InputError
        If the file holds no building that stands on the ground.
    CrsError
        If it names no CRS and none is assumed.
    """
    import geopandas as gpd
    import shapely

    from twin.city.building_geometry import ground_footprint, lods, shapes
    from twin.city.cityjson import iter_buildings

    move = _way_home(path, crs, assume_crs, height_offset_m, notices)
    rows: list[dict[str, Any]] = []
    for building in iter_buildings(path, notices=notices):
        moved = _moved(building, move)
        faces = [s for lod in lods(moved)[-1:] for s in shapes(moved, lod)]
        rings = moved.footprint or ground_footprint(faces)
        outline = shapely.MultiPolygon(
            [shapely.Polygon(r[0][:, :2], [h[:, :2] for h in r[1:]]) for r in rings]
        )
        if outline.is_empty or not faces:
            notices.add(
                "left-out",
                f"{path}: building {building.id} has no shape and was left out",
                subject=building.id,
            )
            continue
        parts = shapely.get_parts(shapely.make_valid(outline))
        flat = shapely.multipolygons([p for p in parts if p.geom_type == "Polygon"])
        rows.append({"id": building.id, "model": moved, "geometry": flat})
    if not rows:
        raise InputError(
            path, "holds no building with a shape", "choose the file with the LoD1 or LoD2 model"
        )
    return gpd.GeoDataFrame(rows, crs=crs)


def _way_home(
    path: Path, crs: CRS, assume_crs: CRS | None, height_offset_m: float | None, notices: Notices
) -> Move | None:
    from twin.city.cityjson import read_header
    from twin.core.crs import horizontal, make_transform, parse_crs

    named = read_header(path).crs
    source = parse_crs(named, where=str(path)) if named else assume_crs
    if source is None:
        raise CrsError(path, "names no CRS", "give the city's with --crs")
    if not named and height_offset_m is not None:
        source = horizontal(source)  # nothing says that its heights are the city's already
    way = make_transform(source, crs, height_offset_m=height_offset_m, where=path, notices=notices)
    return None if way.is_identity else way


def _moved(building: BuildingGeometry, move: Move | None) -> BuildingGeometry:
    if move is None:
        return building
    return replace(
        building,
        footprint=tuple(tuple(move(ring) for ring in rings) for rings in building.footprint),
        solids={lod: tuple(_moved_solid(s, move) for s in solids) for lod, solids in building.solids.items()},
        surfaces={lod: _moved_solid(s, move) for lod, s in building.surfaces.items()},
    )


def _moved_solid(solid: Solid, move: Move) -> Solid:
    return replace(solid, vertices=np.round(move(solid.vertices), 4))
