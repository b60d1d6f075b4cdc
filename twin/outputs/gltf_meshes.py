"""Buildings and other parts of a city as glTF meshes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.outputs.export_content import SURFACE_KINDS, local
from twin.outputs.materials import material

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from twin.outputs.export_content import BuildingMeshes, ExportContent, MeshPart
    from twin.outputs.gltf_buffer import GltfBuffer

MAX_VERTICES = 0xFFFF
"""In a chunk of this many vertices indices take 16 bits."""
_MORTON_BITS = 16


class Materials:
    """Materials of a file, each written once."""

    def __init__(self, colours: Mapping[str, tuple[int, int, int]]) -> None:
        self._colours = colours
        self._index: dict[tuple[str, bool], int] = {}
        self.as_json: list[dict[str, Any]] = []

    def index(self, name: str, *, double_sided: bool) -> int:
        """Index of the material of a name; solids are seen from outside only, sheets from both sides."""
        key = (name, double_sided)
        if key not in self._index:
            self._index[key] = len(self.as_json)
            known = material(name, self._colours)
            surface = {
                "baseColorFactor": [*known.linear_rgb, 1.0],
                "metallicFactor": 0.0,
                "roughnessFactor": known.roughness,
            }
            told: dict[str, Any] = {"name": name, "pbrMetallicRoughness": surface}
            self.as_json.append(told | ({"doubleSided": True} if double_sided else {}))
        return self._index[key]


def building_chunks(
    content: ExportContent, buffer: GltfBuffer, materials: Materials, *, with_table: bool
) -> Iterator[dict[str, Any]]:
    """Meshes of at most 65,535 vertices, of neighbouring buildings, with the building's number at each vertex.

    A building that is larger than that has a mesh of its own.
    """
    meshes = content.buildings
    n = len(content.building_ids)
    ranges = meshes.vertex_ranges(n)
    triangle_starts = np.searchsorted(meshes.building, np.arange(n + 1))
    sheets = _open_kinds(content)
    for members in _chunks(meshes, ranges, triangle_starts):
        vertex = _gather(ranges[members], ranges[members + 1])
        rows = _gather(triangle_starts[members], triangle_starts[members + 1])
        n_own = ranges[members + 1] - ranges[members]
        first_new = np.concatenate([[0], np.cumsum(n_own)[:-1]])
        n_rows = triangle_starts[members + 1] - triangle_starts[members]
        moved = (
            meshes.triangles[rows].astype(np.int64) + np.repeat(first_new - ranges[members], n_rows)[:, None]
        )
        attributes = {
            "POSITION": buffer.add_attribute(local(meshes.vertices[vertex], content.origin), bounded=True),
            "_FEATURE_ID_0": buffer.add_attribute(np.repeat(members, n_own).astype("<f4")),
        }
        features: dict[str, Any] = {"featureCount": len(members), "attribute": 0, "label": "building"}
        if with_table:
            features["propertyTable"] = 0
        extensions = {"EXT_mesh_features": {"featureIds": [features]}}
        groups = _by_kind(moved, meshes.surface[rows])
        indices = buffer.add_indices([t for _, t in groups], n_vertices=len(vertex))
        yield {
            "name": f"buildings {int(members[0])}",
            "primitives": [
                {
                    "attributes": attributes,
                    "indices": accessor,
                    "material": materials.index(name, double_sided=sheets),
                    "extensions": extensions,
                }
                for (name, _), accessor in zip(groups, indices, strict=True)
            ],
        }


def _open_kinds(content: ExportContent) -> bool:
    """Whether a building shows its inside, because it has no floor."""
    from twin.core.mesh import Surface

    meshes = content.buildings
    floored = np.zeros(len(content.building_ids), dtype=bool)
    floored[meshes.building[meshes.surface == Surface.GROUND]] = True
    return not bool(floored[meshes.building].all())


def _by_kind(triangles: NDArray[np.int64], surface: NDArray[np.uint8]) -> list[tuple[str, NDArray[np.int64]]]:
    names = dict.fromkeys(SURFACE_KINDS.values())
    codes = {name: [int(k) for k, n in SURFACE_KINDS.items() if n == name] for name in names}
    picked = [(name, triangles[np.isin(surface, code)]) for name, code in codes.items()]
    return [(name, rows) for name, rows in picked if len(rows)]


def _gather(first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    """The whole numbers of many ranges one after another."""
    count = last - first
    ends = np.cumsum(count)
    return np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(first - (ends - count), count)


def _chunks(
    meshes: BuildingMeshes, ranges: NDArray[np.int64], triangle_starts: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """Buildings that go into one mesh: neighbours along a curve that fills the plane."""
    present = np.flatnonzero(np.diff(triangle_starts))
    if not len(present):
        return
    order = present[np.argsort(_morton(meshes.vertices[ranges[present], :2]), kind="stable")]
    sizes = np.diff(ranges)[order]
    first, total = 0, 0
    for i, size in enumerate(sizes.tolist()):
        if total + size > MAX_VERTICES and i > first:
            yield np.sort(order[first:i])
            first, total = i, 0
        total += size
    yield np.sort(order[first:])


def _morton(xy: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Place of points along a Z-shaped curve (Morton 1966), so that neighbours in the plane are neighbours in it."""
    low = xy.min(axis=0)
    side = max(float((xy.max(axis=0) - low).max()), 1e-9)
    cells = ((xy - low) / side * (2**_MORTON_BITS - 1)).astype(np.uint64)
    code = np.zeros(len(xy), dtype=np.uint64)
    for bit in range(_MORTON_BITS):
        for axis in range(2):
            code |= ((cells[:, axis] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(2 * bit + axis)
    return code


def part_mesh(
    part: MeshPart, origin: tuple[int, int, int], buffer: GltfBuffer, materials: Materials
) -> dict[str, Any]:
    """One mesh for a part, with a primitive for each of its materials."""
    position = local(part.mesh.vertices, origin)
    attributes = {"POSITION": buffer.add_attribute(position, bounded=True)}
    if part.smooth:
        attributes["NORMAL"] = buffer.add_attribute(vertex_normals(position, part.mesh.triangles))
    kinds = [k for k in range(len(part.kinds)) if bool((part.kind == k).any())]
    lists = [part.mesh.triangles[part.kind == k].astype(np.int64) for k in kinds]
    accessors = buffer.add_indices(lists, n_vertices=len(position))
    return {
        "name": part.name,
        "primitives": [
            {
                "attributes": attributes,
                "indices": accessor,
                "material": materials.index(part.kinds[k], double_sided=True),
            }
            for k, accessor in zip(kinds, accessors, strict=True)
        ],
    }


def vertex_normals(vertices: NDArray[np.float32], triangles: NDArray[np.int32]) -> NDArray[np.float32]:
    """Unit normals at vertices, weighted by triangle area; upward where none is defined. Shape (n, 3)."""
    a, b, c = (vertices[triangles[:, i]].astype(np.float64) for i in range(3))
    cross = np.cross(b - a, c - a)
    total = np.column_stack(
        [sum(np.bincount(triangles[:, i], cross[:, k], len(vertices)) for i in range(3)) for k in range(3)]
    )
    length = np.linalg.norm(total, axis=1)
    total[length < 1e-12] = (0.0, 0.0, 1.0)
    length[length < 1e-12] = 1.0
    return np.asarray(total / length[:, None], dtype=np.float32)
