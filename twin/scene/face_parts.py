"""Faces of a tile by what they show: a window switches and fades bridges apart from the houses beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.scene.pack import Material

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.pack import ScenePack, Tile

BUILDINGS, BRIDGES, UNMAPPED, TERRAIN = "buildings", "bridges", "unmapped", "terrain"
_OTHERS = {
    Material.BRIDGE_DECK: BRIDGES,
    Material.BRIDGE_SIDE: BRIDGES,
    Material.CONTEXT_WALL: UNMAPPED,
    Material.CONTEXT_ROOF: UNMAPPED,
    Material.QUAY: TERRAIN,
    Material.EARTH: TERRAIN,
}
GROUPS = (BUILDINGS, BRIDGES, UNMAPPED, TERRAIN)
GROUP_OF_MATERIAL = np.array(
    [GROUPS.index(_OTHERS.get(material, BUILDINGS)) for material in Material], np.uint8
)
"""Place of each material's group in `GROUPS`."""
_HOUSES = int(Material.ROOF_SLOPED)
"""Materials up to this one are those of houses."""


@dataclass(frozen=True, slots=True)
class FacePart:
    """Faces of one group in a tile.

    Parameters
    ----------
    group : str
        ``buildings``, ``bridges``, ``unmapped`` or ``terrain``.
    points : slice or array of int, shape (n,)
        Which points of the pack's faces it has.
    triangles : slice or array, shape (m, 3)
        Which triangles of the pack's faces it has, or the triangles themselves: into these points, int32.
    """

    group: str
    points: slice | NDArray[np.int64]
    triangles: slice | NDArray[np.int32]


def face_parts(pack: ScenePack, tile: Tile) -> tuple[FacePart, ...]:
    """The faces of a tile of what is built, by group; of buildings all points of the tile, of others their own."""
    whole, cells = slice(*tile.points), slice(*tile.cells)
    if pack["facet_material"][whole].max(initial=0) <= _HOUSES:
        # Nearly always. The triangles stay unread: of a large city they are first needed where one is near.
        return (FacePart(BUILDINGS, whole, cells),) if cells.stop > cells.start else ()
    triangles = pack["facet_triangles"][cells]
    kind = GROUP_OF_MATERIAL[pack["facet_material"][whole]][triangles[:, 0]]
    parts = []
    for code in np.unique(kind).tolist():
        mine = triangles[kind == code] if np.any(kind != code) else triangles
        if code == 0 or len(mine) == len(triangles):
            parts.append(FacePart(GROUPS[code], whole, mine))
            continue
        used, corner = np.unique(mine, return_inverse=True)
        parts.append(FacePart(GROUPS[code], used + tile.points[0], corner.reshape(-1, 3).astype(np.int32)))
    return tuple(parts)
