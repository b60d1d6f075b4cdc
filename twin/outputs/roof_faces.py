"""Each face of each roof as a feature of its own, with what is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.building_geometry import lods, shapes
from twin.core.mesh import Surface

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from geopandas import GeoDataFrame

    from twin.city.building_geometry import BuildingGeometry
    from twin.core.mesh import Solid


def roof_face_features(buildings: Iterable[BuildingGeometry], *, crs: Any) -> GeoDataFrame:
    """Roof faces as PolygonZ features, at the finest level of detail of each building.

    Parameters
    ----------
    buildings : iterable of BuildingGeometry
        Map coordinates.
    crs : pyproj.CRS
        Of their coordinates.

    Returns
    -------
    GeoDataFrame
        Columns ``id``, ``lod``, ``face`` (counted from 0 within a building) and the values of the faces, such as
        ``slope_deg`` and ``height_sigma_m``; NaN where unknown.
    """
    import geopandas

    rows = [row for building in buildings for row in _rows(building)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name, np.nan) for row in rows] for name in names or ["id", "geometry"]}
    return geopandas.GeoDataFrame(columns, geometry="geometry", crs=crs)


def _rows(building: BuildingGeometry) -> Iterator[dict[str, Any]]:
    levels = lods(building)
    if not levels:
        return
    finest = levels[-1]
    columns = building.face_values.get(finest, {})
    first, face = 0, 0
    for solid in shapes(building, finest):
        for f in np.flatnonzero(solid.surface == Surface.ROOF).tolist():
            own = {name: values[first + f] for name, values in columns.items()}
            yield {"id": building.id, "lod": finest, "face": face, **own, "geometry": _polygon(solid, f)}
            face += 1
        first += solid.n_faces


def _polygon(solid: Solid, face: int) -> Any:
    import shapely

    outer, *holes = (solid.vertices[ring] for ring in solid.rings(face))
    return shapely.Polygon(outer, holes)
