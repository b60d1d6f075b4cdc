"""Buildings to CityJSON 2.0 objects.

One ``Building`` for each footprint, under the id that the user gave it, with every LoD as its own geometry. Files such
as 3DBAG's put the solids into an invented ``BuildingPart`` child; that child's id can collide with another building's
and says nothing, so here it is left out. Several separate solids make a ``MultiSolid``.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.building_geometry import json_value, lods
from twin.core.mesh import Surface

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from twin.city.building_geometry import BuildingGeometry, Rings
    from twin.core.mesh import Solid

VERSION = "2.0"
_KINDS: dict[Surface, dict[str, Any]] = {
    Surface.GROUND: {"type": "GroundSurface"},
    Surface.WALL: {"type": "WallSurface", "on_footprint_edge": True},
    Surface.ROOF: {"type": "RoofSurface"},
    Surface.INNER_WALL: {"type": "WallSurface", "on_footprint_edge": False},
}


@dataclass(frozen=True, slots=True)
class VertexTransform:
    """Coordinates as whole numbers: how many decimals are kept, counted from a whole-metre origin.

    Four decimals (0.1 mm) are kept, since rounding to millimetres makes faces of real solids cross. Because the origin
    is whole, a coordinate given in decimals comes back as the very same float.

    Parameters
    ----------
    origin_m : tuple of three int
        Added to every coordinate, metres.
    decimals : int
        Digits kept behind the point of a metre, 0 to 9.

    Examples
    --------
    >>> transform = VertexTransform((84_000, 447_000, 0))
    >>> rows = transform.encode(np.array([[84_808.3053, 447_412.8, -0.61]]))
    >>> rows.tolist(), transform.decode(rows).tolist()
    ([[8083053, 4128000, -6100]], [[84808.3053, 447412.8, -0.61]])
    """

    origin_m: tuple[int, int, int]
    decimals: int = 4

    def __post_init__(self) -> None:
        if not 0 <= self.decimals <= 9:
            raise ValueError(f"decimals must be 0 to 9, are {self.decimals}")
        if any(value != int(value) for value in self.origin_m):
            raise ValueError(f"the origin must be whole metres, is {self.origin_m}")

    @property
    def steps_per_metre(self) -> int:
        """How many steps of the whole numbers make a metre."""
        return int(10**self.decimals)

    def encode(self, xyz: NDArray[np.float64]) -> NDArray[np.int64]:
        """Whole numbers for coordinates, shape (n, 3)."""
        return np.rint((xyz - np.asarray(self.origin_m)) * self.steps_per_metre).astype(np.int64)

    def decode(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Coordinates in metres for whole numbers; the float nearest to the decimal that they stand for."""
        shifted = rows + np.asarray([int(v) * self.steps_per_metre for v in self.origin_m])
        return np.asarray(shifted / self.steps_per_metre, dtype=np.float64)

    def as_json(self) -> dict[str, list[float]]:
        """CityJSON's ``transform`` member."""
        step = 1 / self.steps_per_metre
        return {"scale": [step, step, step], "translate": [float(v) for v in self.origin_m]}


class VertexPool:
    """Vertices of one feature, each kept once; the index in the file of those that are asked for."""

    def __init__(self, transform: VertexTransform, *, first_index: int = 0) -> None:
        self._transform = transform
        self._first = first_index
        self._index: dict[tuple[int, ...], int] = {}

    def indices(self, xyz: NDArray[np.float64]) -> list[int]:
        """Index of each coordinate, shape (n, 3); new ones are added."""
        index, first = self._index, self._first
        rows = self._transform.encode(xyz).tolist()
        return [index.setdefault(tuple(row), first + len(index)) for row in rows]

    def rows(self) -> list[tuple[int, ...]]:
        """Every vertex as whole numbers, in the order of its index."""
        return list(self._index)


def encode_building(building: BuildingGeometry, pool: VertexPool) -> dict[str, Any]:
    """The building as a CityJSON object whose boundaries refer to `pool`.

    Corners that fall together at the kept decimals are merged, and a face that has fewer than three left is dropped.
    """
    geometry = []
    if building.footprint:
        faces = [_encode_rings(polygon, pool) for polygon in building.footprint]
        geometry.append({"type": "MultiSurface", "lod": "0", "boundaries": [f for f in faces if f]})
    for lod in lods(building):
        geometry += _encode_lod(building, lod, pool)
    result: dict[str, Any] = {"type": "Building"}
    if building.attributes:
        result["attributes"] = {str(k): json_value(v) for k, v in building.attributes.items()}
    if geometry:
        result["geometry"] = geometry
    return result


def _encode_rings(polygon: Rings, pool: VertexPool) -> list[list[int]]:
    rings = [_without_repeats(pool.indices(ring)) for ring in polygon]
    return [ring for ring in rings if len(ring) >= 3] if len(rings[0]) >= 3 else []


def _encode_lod(building: BuildingGeometry, lod: str, pool: VertexPool) -> Iterator[dict[str, Any]]:
    columns = building.face_values.get(lod, {})
    first = 0
    boundaries, meanings = [], []
    surfaces: list[dict[str, Any]] = []
    for solid in building.solids.get(lod, ()):
        own = {k: v[first : first + solid.n_faces] for k, v in columns.items()}
        faces, kept = _encode_faces(solid, pool)
        boundaries.append([faces])
        meanings.append([_meanings(solid, kept, own, surfaces)])
        first += solid.n_faces
    if boundaries:
        many = len(boundaries) > 1
        yield {
            "type": "MultiSolid" if many else "Solid",
            "lod": lod,
            "boundaries": boundaries if many else boundaries[0],
            "semantics": {"surfaces": surfaces, "values": meanings if many else meanings[0]},
        }
    if lod in building.surfaces:
        own = {k: v[first:] for k, v in columns.items()}
        yield _encode_open(building.surfaces[lod], lod, own, pool)


def _encode_open(
    faces_in: Solid, lod: str, columns: dict[str, NDArray[np.float64]], pool: VertexPool
) -> dict[str, Any]:
    surfaces: list[dict[str, Any]] = []
    faces, kept = _encode_faces(faces_in, pool)
    values = _meanings(faces_in, kept, columns, surfaces)
    return {
        "type": "MultiSurface",
        "lod": lod,
        "boundaries": faces,
        "semantics": {"surfaces": surfaces, "values": values},
    }


def _encode_faces(solid: Solid, pool: VertexPool) -> tuple[list[list[list[int]]], list[int]]:
    """Boundaries of the faces that keep three corners, and which faces these are."""
    used = np.unique(solid.corners)
    place = np.zeros(len(solid.vertices), dtype=np.int64)
    place[used] = pool.indices(solid.vertices[used])
    corners = place[solid.corners].tolist()
    starts = solid.ring_starts.tolist()
    rings = [corners[a:b] for a, b in itertools.pairwise(starts)]
    if len(np.unique(place[used])) < len(used):
        rings = [_without_repeats(ring) for ring in rings]
    bounds = solid.face_starts.tolist()
    faces, kept = [], []
    for f, (a, b) in enumerate(itertools.pairwise(bounds)):
        if a < b and len(rings[a]) >= 3:
            faces.append([ring for ring in rings[a:b] if len(ring) >= 3])
            kept.append(f)
    return faces, kept


def _without_repeats(ring: list[int]) -> list[int]:
    return [v for i, v in enumerate(ring) if v != ring[i - 1]] if len(ring) > 1 else ring


def _plain(name: str, column: NDArray[np.float64]) -> list[Any]:
    """A column for JSON; counts, by their name, as whole numbers."""
    return [int(v) if math.isfinite(v) else v for v in column] if name.startswith("n_") else column.tolist()


def _meanings(
    solid: Solid,
    kept: list[int],
    columns: dict[str, NDArray[np.float64]],
    surfaces: list[dict[str, Any]],
) -> list[int]:
    """For each kept face its row in `surfaces`, to which meanings not seen before are added."""
    kinds = solid.surface.tolist()
    values = {name: _plain(name, column) for name, column in columns.items()}
    rows: list[int] = []
    seen = {tuple(s.items()): i for i, s in enumerate(surfaces)}
    for f in kept:
        meaning = dict(_KINDS[Surface(kinds[f])])
        meaning |= {name: v[f] for name, v in values.items() if math.isfinite(v[f])}
        row = seen.setdefault(tuple(meaning.items()), len(surfaces))
        if row == len(surfaces):
            surfaces.append(meaning)
        rows.append(row)
    return rows
