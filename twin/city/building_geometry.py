"""A building's shape at every level of detail, as it travels between reconstruction, files and exports."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from twin.core.mesh import Solid, Surface

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
Rings: TypeAlias = "tuple[NDArray[np.float64], ...]"
"""A polygon in space: its outer ring and then its holes, each of shape (n, 3) and not closed."""

_SEAM_M2 = 0.1
_LOD = re.compile(r"\d(\.\d)?")


@dataclass(frozen=True, slots=True)
class BuildingGeometry:
    """One building: what it is called, what is known of it, and its shape at each level of detail.

    Parameters
    ----------
    id : str
        Any text; never used as a file name.
    attributes : mapping
        Column name to a JSON value.
    footprint : tuple of polygons
        LoD 0 at the elevation where the building meets the ground.
    solids : mapping
        LoD such as ``"1.2"`` to the closed, outward-facing solids of the building at that LoD.
    surfaces : mapping
        LoD to faces that do not close, as some city models deliver them; not solids, and never counted as such.
    face_values : mapping
        LoD to measured values by name (``slope_deg``), one for each face of that LoD's solids and then surfaces in
        their order; NaN where a face has none.

    Raises
    ------
    ValueError
        If an LoD is not a digit with an optional second one, or a row of face values has the wrong length.
    """

    id: str
    attributes: Mapping[str, Any]
    footprint: tuple[Rings, ...] = ()
    solids: Mapping[str, tuple[Solid, ...]] = field(default_factory=dict)
    surfaces: Mapping[str, Solid] = field(default_factory=dict)
    face_values: Mapping[str, Mapping[str, NDArray[np.float64]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for lod in (*self.solids, *self.surfaces):
            if not _LOD.fullmatch(lod):
                raise ValueError(f"building {self.id!r}: {lod!r} is no level of detail")
        for lod, solids in self.solids.items():
            if not solids:
                raise ValueError(f"building {self.id!r}: LoD {lod} is named but has no solid")
        for lod, columns in self.face_values.items():
            n = sum(shape.n_faces for shape in shapes(self, lod))
            for name, values in columns.items():
                if values.shape != (n,):
                    raise ValueError(f"building {self.id!r}: {name} has {values.shape} values for {n} faces")


def shapes(building: BuildingGeometry, lod: str) -> tuple[Solid, ...]:
    """Solids and open surfaces of one LoD, in the order in which face values count them."""
    open_faces = building.surfaces.get(lod)
    return (*building.solids.get(lod, ()), *(() if open_faces is None else (open_faces,)))


def lods(building: BuildingGeometry) -> tuple[str, ...]:
    """Levels of detail that the building has, coarse to fine; LoD 0 is the footprint and not among them."""
    return tuple(sorted({*building.solids, *building.surfaces}))


def same_geometry(a: BuildingGeometry, b: BuildingGeometry) -> bool:
    """Whether two buildings are equal in every corner, ring, surface kind, value and attribute."""
    return (
        a.id == b.id
        and dict(a.attributes) == dict(b.attributes)
        and _same_arrays(_footprint_arrays(a), _footprint_arrays(b))
        and lods(a) == lods(b)
        and all(_same_lod(a, b, lod) for lod in lods(a))
    )


def _same_lod(a: BuildingGeometry, b: BuildingGeometry, lod: str) -> bool:
    left, right = shapes(a, lod), shapes(b, lod)
    values_a, values_b = a.face_values.get(lod, {}), b.face_values.get(lod, {})
    return (
        len(a.solids.get(lod, ())) == len(b.solids.get(lod, ()))
        and len(left) == len(right)
        and all(_same_arrays(_solid_arrays(s), _solid_arrays(t)) for s, t in zip(left, right, strict=True))
        and values_a.keys() == values_b.keys()
        and all(np.array_equal(values_a[k], values_b[k], equal_nan=True) for k in values_a)
    )


def _footprint_arrays(building: BuildingGeometry) -> list[NDArray[Any]]:
    return [ring for polygon in building.footprint for ring in polygon]


def _solid_arrays(solid: Solid) -> list[NDArray[Any]]:
    return [solid.vertices[solid.corners], solid.ring_starts, solid.face_starts, solid.surface]


def _same_arrays(left: Iterable[NDArray[Any]], right: Iterable[NDArray[Any]]) -> bool:
    left, right = list(left), list(right)
    return len(left) == len(right) and all(map(np.array_equal, left, right))


def footprint_rings(polygon: Any, *, elevation_m: float) -> tuple[Rings, ...]:
    """A shapely Polygon or MultiPolygon as LoD 0 at one elevation, outer rings counter-clockwise from above.

    Examples
    --------
    >>> from shapely import box
    >>> (rings,) = footprint_rings(box(0, 0, 2, 1), elevation_m=3.0)
    >>> rings[0].tolist()
    [[2.0, 0.0, 3.0], [2.0, 1.0, 3.0], [0.0, 1.0, 3.0], [0.0, 0.0, 3.0]]
    """
    import shapely
    from shapely.geometry.polygon import orient

    parts = [orient(part) for part in shapely.get_parts(polygon) if not part.is_empty]
    return tuple(
        tuple(_raised(ring.coords, elevation_m) for ring in (part.exterior, *part.interiors))
        for part in parts
    )


def _raised(coordinates: Any, elevation_m: float) -> NDArray[np.float64]:
    xy = np.asarray(coordinates, dtype=np.float64)[:-1, :2]
    return np.column_stack([xy, np.full(len(xy), elevation_m)])


def ground_footprint(faces: Iterable[Solid]) -> tuple[Rings, ...]:
    """The outline of what stands on the ground: the union of ground faces seen from above, at their lowest point.

    Faces of every kind but walls are united where a shape has no ground faces.
    """
    import shapely

    polygons, lowest = [], math.inf
    for solid in faces:
        wanted = solid.surface == Surface.GROUND
        if not wanted.any():
            wanted = (solid.surface != Surface.WALL) & (solid.surface != Surface.INNER_WALL)
        lowest = min(lowest, float(solid.vertices[:, 2].min(initial=math.inf)))
        polygons += [_flat_polygon(solid, int(f)) for f in np.flatnonzero(wanted)]
    merged = shapely.union_all(shapely.make_valid(polygons)) if polygons else shapely.Polygon()
    parts = [_without_seams(g) for g in shapely.get_parts(merged) if g.geom_type == "Polygon" and g.area > 0]
    return footprint_rings(shapely.multipolygons(parts), elevation_m=lowest) if parts else ()


def _without_seams(polygon: Any) -> Any:
    """The polygon less the holes that parts leave between them when their edges miss by millimetres."""
    import shapely

    return shapely.Polygon(
        polygon.exterior, [h for h in polygon.interiors if shapely.Polygon(h).area > _SEAM_M2]
    )


def _flat_polygon(solid: Solid, face: int) -> Any:
    import shapely

    outer, *holes = (solid.vertices[ring][:, :2] for ring in solid.rings(face))
    return shapely.Polygon(outer, holes)


def json_value(value: Any) -> JsonValue:
    """A table's cell as JSON knows it: numpy scalars plain, times in ISO 8601, what is not a number as null.

    Examples
    --------
    >>> import numpy as np
    >>> json_value({"a": np.float32(0.5), "b": float("nan"), "c": (np.int64(1), "x")})
    {'a': 0.5, 'b': None, 'c': [1, 'x']}
    """
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    elif isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date | time):
        text = value.isoformat()
        return None if text == "NaT" else text
    if isinstance(value, dict):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [json_value(item) for item in value]
    return None if type(value).__name__ in {"NAType", "NaTType"} else str(value)
