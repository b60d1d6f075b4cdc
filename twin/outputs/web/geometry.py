"""A scene pack as meshes for the page: whole centimetres, one mesh for each tile and each thing that can be hidden."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.outputs.web.charting import PlacedFaces, charts
from twin.outputs.web.codec import by_first_use
from twin.outputs.web.lit_charts import lit_charts
from twin.outputs.web.thinning import deviation_m, thin_ground
from twin.outputs.web.walking import add_walk
from twin.scene.pack import Material

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from twin.core.notices import Notices
    from twin.outputs.web.codec import Bundle
    from twin.scene.pack import ScenePack

FINEST_STEP_M = 0.01
_CLOSE_TREES = 600
"""More than these are drawn coarsely: a phone shall turn the city without a halt."""
_TREES_PER_M = 20
"""Trees are known to a decimetre or two; told are their places and sizes to half of one."""
_TREE_LOOK = 31
"""Steps of a tree's turn, tint and light, in which nobody tells one crown from the next."""
TERRAIN_BUDGET = 250_000
"""Triangles of ground that a page holds at most as they are: half a megabyte of it."""
_PROBES = 5_000
WATER_KIND = 16
"""Added to the cover of triangles that are drawn as water."""
_GROUP = {
    Material.WALL: "buildings",
    Material.ROOF_FLAT: "buildings",
    Material.ROOF_SLOPED: "buildings",
    Material.BRIDGE_DECK: "bridges",
    Material.BRIDGE_SIDE: "bridges",
    Material.CONTEXT_WALL: "context",
    Material.CONTEXT_ROOF: "context",
    Material.QUAY: "ground",
    Material.EARTH: "ground",
    Material.MODEL: "models",
}
GROUPS = ("buildings", "bridges", "context", "ground", "models")


def grid_step_m(pack: ScenePack) -> float:
    """Size of the grid that points are rounded to: a centimetre, more where a city is wider than 600 km of them."""
    block = pack.meta.block
    widest = max(block[2] - block[0], block[3] - block[1], block[5] - block[4], 1.0)
    return max(FINEST_STEP_M, widest / 2**26)


def rounded(points: NDArray[Any], step_m: float) -> NDArray[np.int64]:
    """Local metres as whole steps."""
    return np.rint(np.asarray(points, np.float64) / step_m).astype(np.int64)


@dataclass(frozen=True, slots=True)
class FacetPart:
    """What of one tile is hidden and shown together.

    Parameters
    ----------
    group : str
        One of `GROUPS`.
    tile : str
        Group of the pack's tile.
    points : array, shape (n,)
        Numbers in the pack.
    triangles : array, shape (m, 3)
        Over `points`, which they name in ascending order.
    """

    group: str
    tile: str
    points: NDArray[np.int64]
    triangles: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Facets:
    """Faces of a pack ready for the page.

    Parameters
    ----------
    parts : tuple of FacetPart
    places : array, shape (n, 3)
        Corners of the faces, each once, in whole steps, in the order in which the parts name them.
    corner : array, shape (sum of the parts' points,)
        Row of `places` of each point of the parts.
    """

    parts: tuple[FacetPart, ...]
    places: NDArray[np.int64]
    corner: NDArray[np.int64]

    @property
    def points(self) -> NDArray[np.int64]:
        """Numbers in the pack of the points of all parts, one part after the other."""
        return np.concatenate([p.points for p in self.parts] or [np.empty(0, np.int64)])


def facets(pack: ScenePack, step_m: float) -> Facets:
    """The faces of a pack, cut by tile and by what can be hidden.

    A point stands in each face for itself, since each face has its own light; its place is kept once.
    """
    group = np.array([GROUPS.index(_GROUP[m]) for m in Material], np.uint8)[pack["facet_material"]]
    parts = tuple(_parts(pack, group))
    made = Facets(parts, np.empty((0, 3), np.int64), np.empty(0, np.int64))
    unique, corner = np.unique(
        rounded(pack["facet_points"][made.points], step_m), axis=0, return_inverse=True
    )
    order, renumbered = by_first_use(corner.ravel())
    return replace(made, places=unique[order], corner=renumbered)


def facet_meshes(
    pack: ScenePack, made: Facets, placed: PlacedFaces, atlas: NDArray[np.uint8], bundle: Bundle
) -> dict[str, Any]:
    """Walls, roofs, bridges, quays and models with their light, `atlas` of shape (rows, columns, 2 or more).

    A point's place in the light map is not told: the page lays the faces out again, as the pack did.
    """
    points = made.points
    told = charts(placed, pack["facet_texel"][points].astype(np.float64))
    is_model = pack["facet_material"] == Material.MODEL
    rgb = np.zeros((len(is_model), 3), np.uint8)
    rgb[is_model] = pack["facet_rgb"]
    meshes = [
        {
            "group": part.group,
            "overlay": int(part.tile.partition(":")[2] or -1),
            "points": len(part.points),
            "triangles": bundle.add_triangles(part.triangles),
        }
        for part in made.parts
    ]
    return {
        "meshes": meshes,
        "places": bundle.add_places(made.places),
        "corners": bundle.add_references(made.corner),
        "faces": bundle.add(placed.face),
        "charts": told.add_to(bundle),
        "light": lit_charts(atlas, told.sizes, bundle),
        "owners": bundle.add(pack["facet_owner"][points]),
        "materials": bundle.add(pack["facet_material"][points]),
        "rgb": bundle.add(rgb[points[is_model[points]]]),
        "nFaces": placed.n_faces,
        "texelSteps": placed.texel_steps,
        "atlas": list(pack.meta.atlas),
    }


def placed_faces(pack: ScenePack, made: Facets, step_m: float) -> PlacedFaces:
    """The faces in the order of the page, with their points on its grid."""
    face = point_faces(pack)
    starts = np.cumsum([0, *(len(p.points) for p in made.parts)])
    triangles = [p.triangles + start for p, start in zip(made.parts, starts, strict=False)]
    return PlacedFaces(
        made.places[made.corner],
        face[made.points],
        np.concatenate(triangles or [np.empty((0, 3), np.int64)]),
        int(face.max()) + 1 if len(face) else 0,
        pack.meta.atlas_texel_m / step_m,
    )


def point_faces(pack: ScenePack) -> NDArray[np.int64]:
    """Face of each point, from 0 and never falling, shape (n_points,)."""
    face = np.zeros(len(pack["facet_points"]), np.int64)
    for tile in pack.meta.facet_tiles:
        corners = pack["facet_triangles"][slice(*tile.cells)].astype(np.int64) + tile.points[0]
        face[corners] = pack["facet_face"][slice(*tile.cells)][:, None]
    return face


def _parts(pack: ScenePack, group: NDArray[np.uint8]) -> Iterator[FacetPart]:
    for tile in pack.meta.facet_tiles:
        triangles = pack["facet_triangles"][slice(*tile.cells)].astype(np.int64) + tile.points[0]
        kind = group[triangles[:, 0]]
        for code in np.unique(kind).tolist():
            points, renumbered = by_first_use(triangles[kind == code])
            yield FacetPart(GROUPS[code], tile.group, points, renumbered)


def ground(
    pack: ScenePack,
    bundle: Bundle,
    step_m: float,
    *,
    budget: int = TERRAIN_BUDGET,
    notices: Notices | None = None,
) -> dict[str, Any]:
    """Ground and water as one walk over both; thinned and told where there is more of it than the budget.

    The kind of each triangle is its cover, and `WATER_KIND` more where it belongs to the water. The page cuts it into
    tiles of its own.
    """
    tiles = pack.meta.terrain_tiles
    parts = [pack["terrain_triangles"][slice(*t.cells)].astype(np.int64) + t.points[0] for t in tiles]
    before = np.concatenate(parts or [np.empty((0, 3), np.int64)])
    cover = pack["terrain_cover"][before[:, 0]].astype(np.int64)
    places, corner = np.unique(rounded(pack["terrain_points"], step_m), axis=0, return_inverse=True)
    triangles, kept = corner.ravel()[before], np.arange(len(before))
    if len(triangles) > budget:
        points = np.asarray(places * step_m, np.float64)
        made = thin_ground(points, triangles, cover, budget=budget)
        _tell_thinned(points, triangles, made.triangles, notices)
        triangles, kept = made.triangles, made.kept
    is_water = np.repeat([t.group == "water" for t in tiles], [len(p) for p in parts])
    told = add_walk(bundle, places, triangles, (cover + WATER_KIND * is_water)[kept])
    return {**told, "waterKind": WATER_KIND}


def _tell_thinned(
    points: NDArray[np.float64],
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    notices: Notices | None,
) -> None:
    if notices is None:
        return
    gone = np.setdiff1d(before, after)
    off = deviation_m(points, after, gone[:: 1 + len(gone) // _PROBES])
    what = f"{len(before):,} to {len(after):,} triangles; 95 % of it within {off * 100:.0f} cm"
    notices.add("thinned-ground", f"the ground of the page was thinned from {what}")


def unbuilt_outlines(pack: ScenePack, bundle: Bundle, step_m: float) -> dict[str, Any]:
    """Outlines of buildings that have no shape, as pairs of ends."""
    return bundle.add(rounded(pack["unbuilt_points"].reshape(-1, 3), step_m))


def trees(pack: ScenePack, light: NDArray[np.uint8], bundle: Bundle) -> dict[str, Any] | None:
    """Where trees stand, how large they are, their form, turn and tint, and the light on their crowns."""
    n = len(pack["tree_form"])
    if not n:
        return None
    size = np.rint(pack["tree_size"].astype(np.float64) * _TREES_PER_M).astype(np.int64)
    shares = np.column_stack([pack["tree_turn"] / 360, (pack["tree_tint"] + 1) / 2, light / 255])
    look = np.column_stack([pack["tree_form"], np.rint(shares * _TREE_LOOK)]).astype(np.int64)
    return {
        "count": n,
        "foot": bundle.add(rounded(pack["tree_foot"], 1 / _TREES_PER_M)),
        "size": bundle.add(size, codec="plain"),
        "look": bundle.add(look, codec="plain"),
        "lookSteps": _TREE_LOOK,
        "perMetre": _TREES_PER_M,
        "forms": _forms(n, bundle),
    }


def _forms(n: int, bundle: Bundle) -> list[dict[str, Any]]:
    """Crowns by number, the trunk last, in thousandths of their size."""
    from twin.scene.treeforms import N_FORMS, crown, trunk

    detail = int(n <= _CLOSE_TREES)
    return [
        {
            "points": bundle.add(np.rint(form.points * 1000).astype(np.int64)),
            "normals": bundle.add(np.rint(form.normals * 127).astype(np.int64)),
            "triangles": bundle.add(form.triangles),
        }
        for form in (*(crown(i, detail=detail) for i in range(N_FORMS)), trunk())
    ]


def overlay_lines(pack: ScenePack, bundle: Bundle, step_m: float) -> dict[str, Any]:
    """Lines and points of added layers; the header's overlays say which belong to which."""
    return {
        "points": bundle.add(rounded(pack["overlay_lines"], step_m)),
        "starts": bundle.add(pack["overlay_line_starts"]),
        "marks": bundle.add(rounded(pack["overlay_points"], step_m)),
    }
