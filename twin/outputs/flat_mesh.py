"""A whole city as one list of triangles, for formats that know nothing but triangles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.core.mesh import Surface
from twin.outputs.export_content import local
from twin.outputs.materials import material
from twin.outputs.tree_shapes import tree_part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.outputs.export_content import ExportContent, MeshPart

BUILDING_KINDS = ("floor", "wall", "roof", "inner wall")
"""Names of `twin.core.mesh.Surface` by number; the kinds of other parts follow them."""
NO_BUILDING = -1


@dataclass(frozen=True, slots=True)
class FlatMesh:
    """Triangles with what each of them is.

    Parameters
    ----------
    vertices : array, shape (n, 3)
        Metres from the local origin, float32.
    triangles : array, shape (m, 3)
        int32.
    building : array, shape (m,)
        Index of the building, int32; -1 for triangles of no building.
    kind : array, shape (m,)
        Index into `kinds`, uint16.
    kinds : tuple of str
        What the triangles are.
    """

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    building: NDArray[np.int32]
    kind: NDArray[np.uint16]
    kinds: tuple[str, ...]


def all_parts(content: ExportContent) -> list[MeshPart]:
    """Parts that have triangles, trees as the last of them."""
    parts = [part for part in content.parts if len(part.mesh.triangles)]
    if content.trees is not None and len(content.trees.foot):
        parts.append(tree_part(content.trees))
    return parts


def flat_mesh(content: ExportContent) -> FlatMesh:
    """Buildings first, then every other part."""
    parts = all_parts(content)
    names = dict.fromkeys(kind for part in parts for kind in part.kinds)
    kinds = (*BUILDING_KINDS, *(name for name in names if name not in BUILDING_KINDS))
    shift = np.cumsum([len(content.buildings.vertices), *(len(p.mesh.vertices) for p in parts)])
    number = {name: i for i, name in enumerate(kinds)}
    codes = [np.array([number[k] for k in p.kinds], dtype=np.uint16)[p.kind] for p in parts]
    outside = [np.full(len(p.mesh.triangles), NO_BUILDING, dtype=np.int32) for p in parts]
    moved = [p.mesh.triangles + n for p, n in zip(parts, shift, strict=False)]
    return FlatMesh(
        np.concatenate(
            [
                local(v, content.origin)
                for v in (content.buildings.vertices, *(p.mesh.vertices for p in parts))
            ]
        ),
        np.concatenate([content.buildings.triangles, *moved]).astype(np.int32),
        np.concatenate([content.buildings.building, *outside]),
        np.concatenate([content.buildings.surface.astype(np.uint16), *codes]),
        kinds,
    )


def kind_colours(content: ExportContent, kinds: tuple[str, ...]) -> NDArray[np.uint8]:
    """Colour of each kind in sRGB, shape (n_kinds, 3)."""
    names = ["wall" if k == BUILDING_KINDS[Surface.INNER_WALL] else k for k in kinds]
    return np.array([material(name, content.colours).rgb for name in names], dtype=np.uint8)
