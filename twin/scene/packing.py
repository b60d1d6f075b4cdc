"""Content to pack: local coordinates, faces charted for light, everything in tiles that a camera can skip."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.place import place_on_earth
from twin.reconstruct.cover import Cover
from twin.scene.charts import chart_faces
from twin.scene.coarse import pack_blocks, pack_edge_bounds
from twin.scene.drape import drape_overlays
from twin.scene.face_parts import GROUP_OF_MATERIAL, GROUPS
from twin.scene.pack import Material, PackMeta, Plan, ScenePack, Tile, digest
from twin.scene.packing_faces import face_normals, is_upright, merged_faces, morton
from twin.scene.sides import best_side, studio_sun_azimuth
from twin.scene.treeforms import choose_forms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from twin.scene.charts import Charted
    from twin.scene.model import FacetMesh, SceneContent, Terrain, Trees
    from twin.scene.packing_faces import MergedFaces

ATLAS_BUDGET = 6_000_000
PLAN_BUDGET = 4_000_000
TEXEL_M = 0.25
TILE_TRIANGLES = 40_000
TILE_EDGES = 8_000
"""Few, so that a picture of much leaves out the lines of all but its near parts."""
_MARGIN_M = 1.0


def pack_content(content: SceneContent, *, key: str = "") -> ScenePack:
    """Everything that a picture of the content needs, apart from light and style.

    Parameters
    ----------
    content : SceneContent
    key : str
        Digest of what the content was made from, kept so that a stale pack is known.
    """
    origin = np.asarray(content.origin, dtype=np.float64)
    arrays: dict[str, NDArray[Any]] = {"building_ids": np.array(content.building_ids, dtype=np.str_)}
    faces = merged_faces(content)
    charted, facet_tiles = _pack_facets(arrays, faces, origin)
    pack_blocks(arrays, facet_tiles)
    edge_tiles = _pack_edges(arrays, faces, origin)
    pack_edge_bounds(arrays, edge_tiles)
    terrain_tiles = _pack_terrain(arrays, content.terrain, origin)
    _pack_trees(arrays, content.trees, origin)
    block, fit = _extent(arrays)
    arrays["fit_points"] = fit
    plan = _plan(block)
    overlays = drape_overlays(arrays, content.overlays, plan, origin)
    _pack_unbuilt(arrays, content, origin)
    place = place_on_earth(
        content.crs, origin[0] + (block[0] + block[2]) / 2, origin[1] + (block[1] + block[3]) / 2
    )
    latitude = place.latitude_deg if place else None
    axis = _main_axis(faces.mesh)
    overview = best_side(arrays, terrain_tiles, block, axis_deg=axis)
    meta = PackMeta(
        key=key,
        geometry_key=_geometry_key(arrays, plan),
        name=content.name,
        crs=content.crs,
        origin=content.origin,
        attribution=content.attribution,
        latitude_deg=latitude,
        longitude_deg=place.longitude_deg if place else None,
        convergence_deg=place.convergence_deg if place else 0.0,
        block=block,
        axis_deg=axis,
        overview_deg=overview,
        sun_deg=studio_sun_azimuth(overview, latitude, axis_deg=axis),
        atlas=charted.shape if charted else (1, 1),
        atlas_texel_m=charted.texel_size_m if charted else 1.0,
        plan=plan,
        covers=tuple(c.name.lower() for c in Cover),
        facet_tiles=facet_tiles,
        edge_tiles=edge_tiles,
        terrain_tiles=terrain_tiles,
        overlays=overlays,
        labels=tuple((t.text, _local(t.position, origin), t.kind) for t in content.labels),
        attributes=tuple((str(t.path), t.id_column, dict(t.units)) for t in content.attributes),
    )
    return ScenePack(meta, arrays)


def with_street_views(pack: ScenePack, views: Sequence[tuple[float, float, float, float]]) -> ScenePack:
    """The pack with places from which a street is seen well."""
    return ScenePack(replace(pack.meta, street_views=tuple(views)), pack.arrays)


def _local(position: Sequence[float], origin: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(p - o) for p, o in zip(position, origin, strict=True))
    return x, y, z


def _pack_facets(
    arrays: dict[str, NDArray[Any]], faces: MergedFaces, origin: NDArray[np.float64]
) -> tuple[Charted | None, tuple[Tile, ...]]:
    mesh, material = faces.mesh, faces.material
    if not mesh.n_faces:
        arrays |= _no_facets()
        return None, ()
    charted = chart_faces(mesh, mesh.vertices - origin, texel_size_m=TEXEL_M, budget=ATLAS_BUDGET)
    of_point = charted.point_face
    arrays["facet_points"] = charted.points
    arrays["facet_texel"] = charted.texel
    arrays["facet_owner"] = mesh.owner[of_point].astype(np.int32)
    arrays["facet_material"] = material[of_point]
    arrays["facet_face"] = mesh.face
    arrays["facet_normals"] = face_normals(mesh)[of_point].astype(np.float32)
    arrays["facet_rgb"] = faces.rgb[of_point][material[of_point] == Material.MODEL]
    tiles = _face_tiles(mesh.face, of_point, faces.group)
    arrays["facet_triangles"] = _relative(charted.triangles, tiles)
    return charted, tiles


def _pack_unbuilt(
    arrays: dict[str, NDArray[Any]], content: SceneContent, origin: NDArray[np.float64]
) -> None:
    """Outlines of buildings without a shape, as pairs of ends."""
    arrays["unbuilt_points"] = np.empty((0, 2, 3), np.float32)
    if content.unbuilt is None:
        return
    points, starts = content.unbuilt.vertices - origin, content.unbuilt.starts
    first = np.setdiff1d(np.arange(len(points) - 1), starts[1:] - 1)
    arrays["unbuilt_points"] = np.stack([points[first], points[first + 1]], axis=1).astype(np.float32)


def _no_facets() -> dict[str, NDArray[Any]]:
    return {
        "facet_points": np.empty((0, 3), np.float32),
        "facet_texel": np.empty((0, 2), np.float32),
        "facet_owner": np.empty(0, np.int32),
        "facet_material": np.empty(0, np.uint8),
        "facet_face": np.empty(0, np.int32),
        "facet_normals": np.empty((0, 3), np.float32),
        "facet_rgb": np.empty((0, 3), np.uint8),
        "facet_triangles": np.empty((0, 3), np.int32),
    }


def _face_tiles(
    face: NDArray[np.int32], point_face: NDArray[np.int32], group: tuple[str, ...]
) -> tuple[Tile, ...]:
    """Cuts between faces such that a tile holds some 40,000 triangles of one group."""
    starts = np.searchsorted(face, np.arange(len(group) + 1))
    point_starts = np.searchsorted(point_face, np.arange(len(group) + 1))
    tiles, first = [], 0
    for last in range(1, len(group) + 1):
        full = starts[last] - starts[first] >= TILE_TRIANGLES
        if last == len(group) or full or group[last] != group[first]:
            points = int(point_starts[first]), int(point_starts[last])
            tiles.append(Tile(group[first], points, (int(starts[first]), int(starts[last]))))
            first = last
    return tuple(tiles)


def _relative(triangles: NDArray[np.int32], tiles: tuple[Tile, ...]) -> NDArray[np.int32]:
    moved = triangles.copy()
    for tile in tiles:
        moved[tile.cells[0] : tile.cells[1]] -= tile.points[0]
    return moved


def _pack_edges(
    arrays: dict[str, NDArray[Any]], faces: MergedFaces, origin: NDArray[np.float64]
) -> tuple[Tile, ...]:
    """Edges in tiles of one group, which is switched and faded apart from the others."""
    mesh = faces.mesh
    ends = mesh.vertices[mesh.edges] - origin
    group = _edge_groups(faces)
    order = np.lexsort((morton(ends.mean(axis=1)[:, :2]), group))
    arrays["edge_points"] = ends[order].astype(np.float32)
    starts = np.searchsorted(group[order], np.arange(len(GROUPS) + 1)).tolist()
    parts = zip(GROUPS, itertools.pairwise(starts), strict=True)
    return tuple(tile for name, (first, last) in parts for tile in _edge_tiles(name, first, last))


def _edge_groups(faces: MergedFaces) -> NDArray[np.uint8]:
    """Of which group each edge is, as a place in `GROUPS`; corners of different things are never the same."""
    mesh = faces.mesh
    of_corner = np.zeros(len(mesh.vertices), np.uint8)
    of_corner[mesh.triangles] = GROUP_OF_MATERIAL[faces.material[mesh.face]][:, None]
    return of_corner[mesh.edges[:, 0]]


def _edge_tiles(group: str, first: int, last: int) -> Iterator[Tile]:
    cuts = np.arange(first, last + TILE_EDGES, TILE_EDGES).clip(max=last)
    for a, b in itertools.pairwise(cuts.tolist()):
        if b > a:
            yield Tile(group, (2 * a, 2 * b), (a, b))


def _pack_terrain(
    arrays: dict[str, NDArray[Any]], terrain: Terrain | None, origin: NDArray[np.float64]
) -> tuple[Tile, ...]:
    """Level parts of the ground; a corner where two covers meet is there twice, water in tiles of its own."""
    if terrain is None or not len(terrain.triangles):
        arrays["terrain_points"] = np.empty((0, 3), np.float32)
        arrays["terrain_cover"] = np.empty(0, np.uint8)
        arrays["terrain_triangles"] = np.empty((0, 3), np.int32)
        return ()
    level = ~is_upright(terrain)
    triangles, cover = terrain.triangles[level], terrain.cover[level]
    centre = terrain.vertices[triangles].mean(axis=1)[:, :2]
    is_water = cover == Cover.WATER
    order = np.lexsort((morton(centre), is_water))
    triangles, cover, is_water = triangles[order], cover[order], is_water[order]
    block = np.arange(len(order)) // TILE_TRIANGLES
    part = np.unique(2 * block + is_water, return_inverse=True)[1].ravel()
    part = np.cumsum(np.concatenate([[0], np.diff(part) != 0])) if len(part) else part
    n = len(terrain.vertices)
    key = (part[:, None].astype(np.int64) * 16 + cover[:, None]) * n + triangles
    unique, inverse = np.unique(key.ravel(), return_inverse=True)
    arrays["terrain_points"] = (terrain.vertices[unique % n] - origin).astype(np.float32)
    arrays["terrain_cover"] = (unique // n % 16).astype(np.uint8)
    point_part = unique // n // 16
    tiles = []
    for p in range(int(part[-1]) + 1 if len(part) else 0):
        a, b = np.searchsorted(part, [p, p + 1])
        c, d = np.searchsorted(point_part, [p, p + 1])
        tiles.append(Tile("water" if is_water[a] else "land", (int(c), int(d)), (int(a), int(b))))
    arrays["terrain_triangles"] = _relative(inverse.reshape(-1, 3).astype(np.int32), tuple(tiles))
    return tuple(tiles)


def _pack_trees(arrays: dict[str, NDArray[Any]], trees: Trees | None, origin: NDArray[np.float64]) -> None:
    if trees is None:
        arrays["tree_foot"], arrays["tree_size"] = np.empty((0, 3), np.float32), np.empty((0, 2), np.float32)
        arrays["tree_form"], arrays["tree_turn"] = np.empty(0, np.uint8), np.empty(0, np.float32)
        arrays["tree_tint"] = np.empty(0, np.float32)
        return
    form, turn, tint = choose_forms(trees)
    arrays["tree_foot"] = (trees.foot - origin).astype(np.float32)
    arrays["tree_size"] = np.column_stack([trees.radius_m, trees.height_m]).astype(np.float32)
    arrays["tree_form"], arrays["tree_turn"], arrays["tree_tint"] = form, turn, tint


def _extent(
    arrays: dict[str, NDArray[Any]],
) -> tuple[tuple[float, float, float, float, float, float], NDArray[np.float32]]:
    """Box around everything, and the outermost points in many directions, which a view must hold."""
    tops = arrays["tree_foot"] + np.array([0, 0, 1], np.float32) * arrays["tree_size"][:, 1:]
    points = np.concatenate([arrays["facet_points"], arrays["terrain_points"], tops])
    if not len(points):
        points = np.array([[-50, -50, 0], [50, 50, 10]], np.float32)
    low, high = points.min(axis=0), points.max(axis=0)
    i = np.arange(400) + 0.5
    level, angle = np.sqrt(1 - (1 - 2 * i / 400) ** 2), i * np.pi * (3 - np.sqrt(5))
    directions = np.column_stack([level * np.cos(angle), level * np.sin(angle), 1 - 2 * i / 400])
    outermost = np.unique(
        np.concatenate([np.argmax(points @ d.astype(np.float32)) for d in directions], axis=None)
    )
    block = tuple(float(v) for v in (low[0], low[1], high[0], high[1], low[2], high[2]))
    return block, points[outermost]  # type: ignore[return-value]


def _plan(block: tuple[float, float, float, float, float, float]) -> Plan:
    width, height = block[2] - block[0] + 2 * _MARGIN_M, block[3] - block[1] + 2 * _MARGIN_M
    texel = max(TEXEL_M, float(np.sqrt(width * height / PLAN_BUDGET)), max(width, height) / 8192)
    rows, columns = int(np.ceil(height / texel)), int(np.ceil(width / texel))
    return Plan(block[0] - _MARGIN_M, block[3] + _MARGIN_M, texel, max(rows, 1), max(columns, 1))


def _geometry_key(arrays: dict[str, NDArray[Any]], plan: Plan) -> str:
    names = (
        "facet_points",
        "facet_texel",
        "facet_triangles",
        "terrain_points",
        "terrain_triangles",
        "tree_foot",
    )
    return digest(f"light 2 {plan}", *(arrays[n] for n in (*names, "tree_size", "tree_form", "tree_turn")))


def _main_axis(mesh: FacetMesh) -> float:
    """Direction of most metres of wall, degrees clockwise from north in [0, 90): streets run along or across it."""
    ends = mesh.vertices[mesh.edges]
    along = ends[:, 1] - ends[:, 0]
    length = np.hypot(along[:, 0], along[:, 1])
    level = length > 1.0
    if not level.any():
        return 0.0
    # Four-fold mean direction: walls and the ones across them count for the same axis.
    angle = 4 * np.arctan2(along[level, 0], along[level, 1])
    mean = np.arctan2((length[level] * np.sin(angle)).sum(), (length[level] * np.cos(angle)).sum()) / 4
    return float(np.degrees(mean) % 90)
