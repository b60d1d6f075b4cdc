"""What an export to a 3D format needs of a city, as plain arrays in map coordinates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.building_geometry import lods, shapes
from twin.core.mesh import Surface

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from twin.city.building_geometry import BuildingGeometry
    from twin.core.mesh import Solid, TriangleMesh
    from twin.scene.model import Trees

SURFACE_KINDS = {
    Surface.GROUND: "floor",
    Surface.WALL: "wall",
    Surface.ROOF: "roof",
    Surface.INNER_WALL: "wall",
}
"""Name of each building surface, which its material bears."""


@dataclass(frozen=True, slots=True)
class BuildingMeshes:
    """Triangles of all buildings, one building after another; none shares a vertex with the next.

    Parameters
    ----------
    vertices : array, shape (n, 3)
        Metres, float64, map coordinates; those of a building stand together, in the order of the buildings.
    triangles : array, shape (m, 3)
        Vertex indices, int32, counter-clockwise from outside.
    building : array, shape (m,)
        Index of the building, int32, never falling.
    surface : array, shape (m,)
        `twin.core.mesh.Surface`, uint8.
    """

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int32]
    building: NDArray[np.int32]
    surface: NDArray[np.uint8]

    def __post_init__(self) -> None:
        m = len(self.triangles)
        if self.vertices.shape[1:] != (3,) or self.triangles.shape[1:] != (3,):
            raise ValueError(f"shapes must be (n, 3), are {self.vertices.shape} and {self.triangles.shape}")
        if self.building.shape != (m,) or self.surface.shape != (m,):
            raise ValueError("one building and one surface kind per triangle")
        if m and (self.triangles.min() < 0 or self.triangles.max() >= len(self.vertices)):
            raise ValueError("a triangle refers to a vertex that is not there")
        if m and bool((np.diff(self.building) < 0).any()):
            raise ValueError("triangles must be ordered by building")

    @classmethod
    def empty(cls) -> BuildingMeshes:
        """No buildings."""
        none = np.empty(0, np.int32)
        return cls(np.empty((0, 3)), np.empty((0, 3), np.int32), none, none.astype(np.uint8))

    def vertex_ranges(self, n_buildings: int) -> NDArray[np.int64]:
        """Where the vertices of each building begin, shape (n_buildings + 1,).

        Raises
        ------
        ValueError
            If the vertices of two buildings are mixed.
        """
        starts = np.searchsorted(self.building, np.arange(n_buildings + 1))
        if not len(self.triangles):
            return np.zeros(n_buildings + 1, dtype=np.int64)
        low, high = self.triangles.min(axis=1), self.triangles.max(axis=1)
        present = np.flatnonzero(np.diff(starts))
        first = np.minimum.reduceat(low, starts[present])
        last = np.maximum.reduceat(high, starts[present])
        if bool((first[1:] <= last[:-1]).any()):
            raise ValueError("the vertices of two buildings are mixed")
        ranges = np.full(n_buildings + 1, len(self.vertices), dtype=np.int64)
        ranges[present] = first
        filled = np.minimum.accumulate(ranges[::-1])[::-1]
        return np.asarray(filled)


@dataclass(frozen=True, slots=True)
class MeshPart:
    """A mesh beside the buildings: terrain, bridges, a model that a user added.

    Parameters
    ----------
    name : str
        Name of the layer.
    mesh : TriangleMesh
        Map coordinates.
    kind : array, shape (m,)
        Index into `kinds` for each triangle, uint8.
    kinds : tuple of str
        Names of materials, such as ``("ground", "road", "water")`` or ``("#a0b0c0",)``.
    smooth : bool
        Whether light runs over the edges, as on terrain.
    """

    name: str
    mesh: TriangleMesh
    kind: NDArray[np.uint8]
    kinds: tuple[str, ...]
    smooth: bool = False

    def __post_init__(self) -> None:
        if len(self.kind) != len(self.mesh.triangles):
            raise ValueError(f"part {self.name!r}: one kind per triangle")
        if len(self.kind) and int(self.kind.max()) >= len(self.kinds):
            raise ValueError(f"part {self.name!r}: kind {int(self.kind.max())} has no name")


@dataclass(frozen=True, slots=True)
class ExportContent:
    """All that a 3D export holds.

    Parameters
    ----------
    name : str
        Title of the city.
    crs : str
        CRS of every coordinate, such as ``EPSG:7415``.
    origin : tuple of three int
        Local origin, whole metres: formats of single precision hold coordinates less this.
    buildings : BuildingMeshes
        Indices count `building_ids`.
    building_ids : tuple of str
        Any texts, all different.
    attributes : mapping
        Column name to one value per building.
    parts : tuple of MeshPart
        Terrain, bridges, layers.
    trees : Trees, optional
        Single trees.
    attribution : tuple of str
        Whom the data come from, as their licences ask.
    colours : mapping
        Material name to RGB, where it shall not be the usual one.
    """

    name: str
    crs: str
    origin: tuple[int, int, int]
    buildings: BuildingMeshes
    building_ids: tuple[str, ...]
    attributes: Mapping[str, Sequence[Any] | NDArray[Any]] = field(default_factory=dict)
    parts: tuple[MeshPart, ...] = ()
    trees: Trees | None = None
    attribution: tuple[str, ...] = ()
    colours: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.building_ids)
        if len(self.buildings.building) and int(self.buildings.building[-1]) >= n:
            raise ValueError("a triangle belongs to a building without an id")
        for name, values in self.attributes.items():
            if len(values) != n:
                raise ValueError(f"attribute {name!r} has {len(values)} values for {n} buildings")


def local(vertices: NDArray[np.float64], origin: tuple[int, int, int]) -> NDArray[np.float32]:
    """Map coordinates less the local origin, in single precision."""
    return np.asarray(vertices - np.asarray(origin, dtype=np.float64), dtype=np.float32)


def building_meshes(
    buildings: Iterable[BuildingGeometry], *, lod: str | None = None
) -> tuple[BuildingMeshes, tuple[str, ...]]:
    """Buildings as triangles, each at the finest level of detail that it has and that is not finer than `lod`.

    Parameters
    ----------
    buildings : iterable of BuildingGeometry
        In the order in which they are numbered.
    lod : str, optional
        Finest level wanted; without it the finest there is.

    Returns
    -------
    meshes : BuildingMeshes
        Watertight where the solid is.
    ids : tuple of str
        One for each building, also of those without a shape.
    """
    from twin.reconstruct.triangulate import join_solids, triangulate

    solids: list[Solid] = []
    owner: list[int] = []
    ids: list[str] = []
    for number, building in enumerate(buildings):
        ids.append(building.id)
        wanted = [level for level in lods(building) if lod is None or level <= lod]
        found = shapes(building, wanted[-1]) if wanted else ()
        solids += found
        owner += [number] * len(found)
    joined, solid_of_face = join_solids(solids)
    triangles, face = triangulate(joined)
    of_solid = np.asarray(owner, dtype=np.int32)
    meshes = BuildingMeshes(
        joined.vertices, triangles, of_solid[solid_of_face[face]], joined.surface[face].astype(np.uint8)
    )
    return meshes, tuple(ids)
