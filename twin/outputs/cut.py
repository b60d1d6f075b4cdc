"""A round piece of a city: what stands within a circle, the ground cut clean along it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import UsageError
from twin.core.mesh import Surface, TriangleMesh
from twin.outputs.export_content import BuildingMeshes
from twin.reconstruct.cover import Cover
from twin.scene.model import FacetMesh, Terrain, Trees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.outputs.export_content import ExportContent, MeshPart
    from twin.scene.model import SceneContent

N_SIDES = 64


@dataclass(frozen=True, slots=True)
class Circle:
    """A place on the map and a radius, metres."""

    x: float
    y: float
    radius_m: float

    def holds(self, places: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which places of shape (n, 2 or more) lie inside."""
        return np.asarray(np.hypot(places[:, 0] - self.x, places[:, 1] - self.y) <= self.radius_m)


def clip(
    soup: NDArray[np.float64], circle: Circle, *, n_sides: int = N_SIDES
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Triangles of shape (n, 3, k) cut along a polygon around a circle; x and y come first among the k columns.

    Returns
    -------
    soup : array, shape (m, 3, k)
        Counter-clockwise as before.
    source : array, shape (m,)
        The triangle that each was cut from.
    rim : array, shape (r, 2, k)
        Edges along the cut, with the inside to their left.

    Examples
    --------
    >>> square = np.array([[(0, 0, 0), (4, 0, 0), (0, 4, 0)]], float)
    >>> kept, source, rim = clip(square, Circle(0, 0, 1), n_sides=4)
    >>> round(float(np.cross(kept[:, 1] - kept[:, 0], kept[:, 2] - kept[:, 0])[:, 2].sum()) / 2, 3)
    1.0
    """
    angles = (np.arange(n_sides) + 0.5) * 2 * np.pi / n_sides
    rim: NDArray[np.float64] = np.empty((0, 2, soup.shape[2]))
    source = np.arange(len(soup))
    centre = np.array([circle.x, circle.y])
    for angle in angles:
        outward = np.array([np.cos(angle), np.sin(angle)])
        soup, kept, cut = _half(soup, outward, centre, circle.radius_m)
        source = source[kept]
        # A later side may shorten an edge of the rim.
        rim = np.concatenate([_shortened(rim, outward, centre, circle.radius_m), cut])
    long = np.linalg.norm(rim[:, 1, :2] - rim[:, 0, :2], axis=1) > 1e-9
    return soup, source, rim[long]


def _shortened(
    edges: NDArray[np.float64], outward: NDArray[np.float64], centre: NDArray[np.float64], reach: float
) -> NDArray[np.float64]:
    """The part of edges of shape (n, 2, k) on the inner side of a line."""
    over = (edges[:, :, :2] - centre) @ outward - reach
    kept: NDArray[np.bool_] = np.any(over <= 0, axis=1)
    a, b = (edges[kept, 0], over[kept, 0]), (edges[kept, 1], over[kept, 1])
    crosses: NDArray[np.bool_] = np.any(over[kept] > 0, axis=1)
    met = np.where(crosses[:, None], _crossing(a, b)[0] if kept.any() else a[0], a[0])
    start = np.where((a[1] > 0)[:, None], met, a[0])
    end = np.where((b[1] > 0)[:, None], met, b[0])
    return np.stack([start, end], axis=1)


def _half(
    soup: NDArray[np.float64], outward: NDArray[np.float64], centre: NDArray[np.float64], reach: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """The part of triangles on the inner side of one line, where each comes from, and edges along the line."""
    over = (soup[:, :, :2] - centre) @ outward - reach
    outside = over > 0
    count = outside.sum(axis=1)
    whole = np.flatnonzero(count == 0)
    one_in, one_out = np.flatnonzero(count == 2), np.flatnonzero(count == 1)
    a, b, c = _turned(soup, over, one_in, ~outside)
    d, e, f = _turned(soup, over, one_out, outside)
    ab, ac = _crossing(a, b), _crossing(a, c)
    de, df = _crossing(d, e), _crossing(d, f)
    parts = [
        soup[whole],
        _triangles(a, ab, ac),
        _triangles(de, e, f),
        _triangles(de, f, df),
    ]
    edges = [np.stack([ab[0], ac[0]], axis=1), np.stack([df[0], de[0]], axis=1)]
    kept = np.concatenate([whole, one_in, one_out, one_out])
    return np.concatenate(parts), kept, np.concatenate(edges)


_Corner = tuple[Any, Any]


def _turned(
    soup: NDArray[np.float64], over: NDArray[np.float64], rows: NDArray[np.int64], alone: NDArray[np.bool_]
) -> tuple[_Corner, _Corner, _Corner]:
    """Corners of triangles with the one that is alone on its side first, each with its height over the line."""
    first = np.argmax(alone[rows], axis=1)
    corner = [(first + i) % 3 for i in range(3)]
    a, b, c = ((soup[rows, k], over[rows, k]) for k in corner)
    return a, b, c


def _crossing(a: _Corner, b: _Corner) -> _Corner:
    """Where edges meet the line."""
    gap = a[1] - b[1]
    share = (a[1] / np.where(gap == 0, 1.0, gap))[:, None]
    return a[0] + share * (b[0] - a[0]), None


def _triangles(a: _Corner, b: _Corner, c: _Corner) -> NDArray[np.float64]:
    return np.stack([a[0], b[0], c[0]], axis=1)


def cut_terrain(terrain: Terrain, circle: Circle, *, plots: NDArray[np.float64] | None = None) -> Terrain:
    """The ground within a circle, with cut faces down to the underside of its block.

    Parameters
    ----------
    terrain : Terrain
    circle : Circle
    plots : array, shape (n, 3, 3), optional
        Floors of buildings that are left out, seen from above: they fill the holes that these leave.
    """
    whole = terrain.vertices[terrain.triangles]
    kinds = terrain.cover
    if plots is not None and len(plots):
        whole = np.concatenate([whole, plots])
        kinds = np.concatenate([kinds, np.full(len(plots), Cover.PAVED, np.uint8)])
    soup, source, rim = clip(whole, circle)
    cover = kinds[source]
    base = float(terrain.vertices[:, 2].min())
    walls = rim[rim[:, :, 2].max(axis=1) > base + 1e-6]
    low = walls.copy()
    low[:, :, 2] = base
    # Seen from outside the rim runs to the right.
    sides = np.concatenate(
        [
            np.stack([walls[:, 1], walls[:, 0], low[:, 0]], axis=1),
            np.stack([walls[:, 1], low[:, 0], low[:, 1]], axis=1),
        ]
    )
    both = np.concatenate([soup, sides])
    vertices, corner = np.unique(np.round(both.reshape(-1, 3), 4), axis=0, return_inverse=True)
    skirt = np.full(len(sides), Cover.SKIRT, np.uint8)
    return Terrain(vertices, corner.reshape(-1, 3).astype(np.int32), np.concatenate([cover, skirt]))


def cut_scene(
    content: SceneContent, around: tuple[float, float, float], *, meshes: BuildingMeshes | None = None
) -> SceneContent:
    """A scene's content within a circle; buildings are kept or left out whole.

    Parameters
    ----------
    content : SceneContent
    around : tuple of three float
        Easting, northing, radius, metres.
    meshes : BuildingMeshes, optional
        The same buildings with their floors, which a scene does not draw: they fill the ground where a building is
        left out.

    Raises
    ------
    UsageError
        If there is neither ground nor a building.
    """
    circle = Circle(*around)
    buildings = _kept_facets(content.buildings, circle)
    plots = None
    if meshes is not None:
        gone = ~np.isin(meshes.building, np.unique(buildings.owner))
        plots = _plots(meshes, gone)
    terrain = cut_terrain(content.terrain, circle, plots=plots) if content.terrain is not None else None
    _require_something(len(buildings.triangles) + (len(terrain.triangles) if terrain else 0), circle)
    return replace(
        content,
        buildings=buildings,
        terrain=terrain,
        bridges=_kept_facets(content.bridges, circle),
        context=_kept_facets(content.context, circle),
        trees=_kept_trees(content.trees, circle),
        overlays=(),
        labels=(),
    )


def _plots(meshes: BuildingMeshes, gone: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Floors among chosen triangles, seen from above."""
    floor = (meshes.surface == Surface.GROUND) & gone
    return np.asarray(meshes.vertices[meshes.triangles[floor]][:, ::-1])


def _require_something(n: int, circle: Circle) -> None:
    if not n:
        what = f"nothing stands within {circle.radius_m:g} m of {circle.x:g}, {circle.y:g}"
        raise UsageError("--around", what, "give easting, northing and radius in the city's CRS")


def _kept_facets(mesh: FacetMesh, circle: Circle) -> FacetMesh:
    """Faces of the objects whose middle lies in the circle."""
    if not mesh.n_faces:
        return mesh
    owner = mesh.owner[mesh.face]
    middle = _middles(mesh.vertices[mesh.triangles].mean(axis=1), owner, int(mesh.owner.max()) + 1)
    kept = circle.holds(middle)
    of_face = kept[mesh.owner]
    rows = of_face[mesh.face]
    number = np.cumsum(of_face) - 1
    corner = np.zeros(len(mesh.vertices), bool)
    corner[mesh.triangles[rows]] = True
    return FacetMesh(
        mesh.vertices,
        mesh.triangles[rows],
        number[mesh.face[rows]].astype(np.int32),
        mesh.surface[of_face],
        mesh.owner[of_face],
        mesh.edges[corner[mesh.edges].all(axis=1)],
    )


def _middles(centres: NDArray[np.float64], owner: NDArray[np.integer[Any]], n: int) -> NDArray[np.float64]:
    """Mean of centres by owner, shape (n, 2); far away where there are none."""
    count = np.bincount(owner, minlength=n)
    total = np.column_stack([np.bincount(owner, c, n) for c in centres[:, :2].T])
    return np.asarray(np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.inf))


def _kept_trees(trees: Trees | None, circle: Circle) -> Trees | None:
    if trees is None:
        return None
    kept = circle.holds(trees.foot)
    return Trees(trees.foot[kept], trees.height_m[kept], trees.radius_m[kept], trees.kind[kept])


def cut_export(content: ExportContent, around: tuple[float, float, float]) -> ExportContent:
    """An export's content within a circle; buildings are kept or left out whole, all else is cut.

    Raises
    ------
    UsageError
        If nothing is left.
    """
    circle = Circle(*around)
    meshes = content.buildings
    n = len(content.building_ids)
    middle = _middles(meshes.vertices[meshes.triangles].mean(axis=1), meshes.building, n)
    kept = circle.holds(middle)
    plots = _plots(meshes, ~kept[meshes.building])
    parts = tuple(p for p in (_cut_part(part, circle, plots) for part in content.parts) if len(p.kind))
    _require_something(int(kept.sum()) + len(parts), circle)
    rows = kept[meshes.building]
    number = np.cumsum(kept) - 1
    used, renumbered = np.unique(meshes.triangles[rows], return_inverse=True)
    return replace(
        content,
        buildings=BuildingMeshes(
            meshes.vertices[used],
            renumbered.reshape(-1, 3).astype(np.int32),
            number[meshes.building[rows]].astype(np.int32),
            meshes.surface[rows],
        ),
        building_ids=tuple(np.array(content.building_ids, dtype=object)[kept]),
        attributes={
            k: [v for v, is_kept in zip(values, kept, strict=True) if is_kept]
            for k, values in content.attributes.items()
        },
        parts=parts,
        trees=_kept_trees(content.trees, circle),
    )


def _cut_part(part: MeshPart, circle: Circle, plots: NDArray[np.float64]) -> MeshPart:
    mesh = part.mesh
    if part.name == "terrain" and "skirt" in part.kinds:
        cut = cut_terrain(Terrain(mesh.vertices, mesh.triangles, part.kind), circle, plots=plots)
        return replace(part, mesh=TriangleMesh(cut.vertices, cut.triangles), kind=cut.cover)
    soup, source, _ = clip(mesh.vertices[mesh.triangles], circle)
    vertices, corner = np.unique(np.round(soup.reshape(-1, 3), 4), axis=0, return_inverse=True)
    return replace(
        part, mesh=TriangleMesh(vertices, corner.reshape(-1, 3).astype(np.int32)), kind=part.kind[source]
    )
