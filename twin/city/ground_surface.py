"""The terrain mesh of a whole city, tile by tile, kept in the city's cache.

The mesh follows from what lies in the city (terrain raster, map, footprints), so it can be thrown away at any time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.road_widths import road_widths_m
from twin.city.tiling import Tiling, tile_name
from twin.core.files import atomic_path
from twin.core.mesh import TriangleMesh
from twin.core.progress import Silent
from twin.core.tasks import Task, run_tasks

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.manifest import Manifest
    from twin.core.grid import Bounds, Grid
    from twin.core.progress import Progress
    from twin.reconstruct.cover import CoverPolygons

CACHE = "cache/surface"
VERSION = 2
TILE_CELLS = 800
"""Side of a tile in cells of the terrain raster."""
WORD_COLUMNS = (
    *("function", "functie", "bgt_functie", "class", "fclass", "highway", "landuse", "landcover", "natural"),
    *(
        "leisure",
        "waterway",
        "kind",
        "type",
        "bgt_fysiekvoorkomen",
        "plus_fysiekvoorkomen",
        "surface",
        "name",
    ),
)
"""Attributes that say what a map feature is, the telling ones first."""
LEVEL_COLUMNS = ("relatievehoogteligging", "layer", "level")
"""Attributes in which maps count levels, 0 on the ground; a `z_order` is one of drawing, by the class of a road."""
FOOTPRINT_STATES = ("built", "fallback")


@dataclass(frozen=True, slots=True)
class CitySurface:
    """The ground of the city.

    Parameters
    ----------
    mesh : TriangleMesh
        Counter-clockwise from above, map coordinates.
    cover : array, shape (m,)
        `twin.core.cover.Cover` of each triangle, uint8.
    """

    mesh: TriangleMesh
    cover: NDArray[np.uint8]


def city_surface(
    city: Path, manifest: Manifest, *, workers: int = 1, progress: Progress | None = None
) -> CitySurface:
    """The terrain mesh, from the cache or made now."""
    key = _key(manifest)
    path = city / CACHE / f"{key}.npz"
    if not path.exists():
        surface = _make(city, manifest, workers, progress or Silent())
        _keep(surface, path)
        return surface
    with np.load(path, allow_pickle=False) as stored:
        return CitySurface(TriangleMesh(stored["vertices"], stored["triangles"]), stored["cover"])


def _keep(surface: CitySurface, path: Path) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.savez(
            handle, vertices=surface.mesh.vertices, triangles=surface.mesh.triangles, cover=surface.cover
        )
    for other in path.parent.glob("*.npz"):
        if other != path:
            other.unlink(missing_ok=True)


def _key(manifest: Manifest) -> str:
    used = ("terrain", "buildings", "roads", "water", "landcover", "bridges")
    files = [f.sha256 for name in used if name in manifest.layers for f in manifest.layers[name].files]
    return hashlib.sha256(repr((VERSION, files)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _SurfaceWork:
    dtm: NDArray[np.float32]
    grid: Grid
    bounds: Bounds
    cover: CoverPolygons
    footprints: NDArray[Any]


def _make(city: Path, manifest: Manifest, workers: int, progress: Progress) -> CitySurface:
    cover, footprints = _map(city, manifest), _standing(city, manifest)
    tasks = [Task(f"surface {name}", (work,)) for name, work in _tiles(city, cover, footprints)]
    progress.stage("shaping the terrain", len(tasks))
    vertices, triangles, kinds, n = [], [], [], 0
    for v, t, c in run_tasks(
        _surface_tile, tasks, workers=workers if len(tasks) > 2 else 1, progress=progress
    ):
        vertices.append(v)
        triangles.append(t + np.int32(n))
        kinds.append(c)
        n += len(v)
    mesh = TriangleMesh(np.concatenate(vertices), np.concatenate(triangles).astype(np.int32))
    return _without_ground_in_decks(CitySurface(mesh, np.concatenate(kinds)), _decks(city, manifest))


def _decks(city: Path, manifest: Manifest) -> list[tuple[Any, TriangleMesh]]:
    from twin.city.decks import deck_tops
    from twin.city.tables import read_table

    return deck_tops(read_table(city, "map/bridges.parquet")) if "bridges" in manifest.layers else []


def _without_ground_in_decks(surface: CitySurface, decks: list[tuple[Any, TriangleMesh]]) -> CitySurface:
    """The surface without land inside a slab or just above it, where the two would flicker."""
    from twin.reconstruct.bridges import land_in_decks

    if not decks:
        return surface
    seen = ~land_in_decks(surface.mesh, surface.cover, decks)
    used, index = np.unique(surface.mesh.triangles[seen], return_inverse=True)
    corners = index.reshape(-1, 3).astype(np.int32)
    return CitySurface(TriangleMesh(surface.mesh.vertices[used], corners), surface.cover[seen])


def _surface_tile(work: _SurfaceWork) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.uint8]]:
    from twin.reconstruct.surface import build_surface

    surface = build_surface(
        work.dtm, work.grid, bounds=work.bounds, cover=work.cover, footprints=work.footprints
    )
    return surface.mesh.vertices, surface.mesh.triangles, surface.cover


def _tiles(city: Path, cover: CoverPolygons, footprints: NDArray[Any]) -> Any:
    """Names and inputs of all tiles; windows of the raster are read as they are needed."""
    import shapely

    from twin.reconstruct.cover import CoverPolygons
    from twin.reconstruct.surface_points import HALO_CELLS
    from twin.sources.rasters import open_elevation

    dtm, grid = open_elevation(city / "terrain" / "dtm.tif")
    inside = grid.bounds
    tiling = Tiling(inside.x_min, inside.y_min, TILE_CELLS * grid.cell_size_m)
    cover_tree, house_tree = shapely.STRtree(cover.polygons), shapely.STRtree(footprints)
    for number in tiling.touching(inside):
        area = tiling.bounds(*number).clipped(inside)
        window = grid.window(area.buffered(HALO_CELLS * grid.cell_size_m))
        box = shapely.box(area.x_min, area.y_min, area.x_max, area.y_max)
        rows = np.sort(cover_tree.query(box))
        part = CoverPolygons(cover.polygons[rows], cover.cover[rows], cover.level_m[rows])
        houses = footprints[np.sort(house_tree.query(box))]
        yield tile_name(*number), _SurfaceWork(dtm(window), grid.subgrid(window), area, part, houses)


def _standing(city: Path, manifest: Manifest) -> NDArray[Any]:
    """Footprints of the buildings that are drawn; only these are cut out of the ground."""
    from twin.city.tables import BUILDINGS, read_table

    if "buildings" not in manifest.layers:
        return np.empty(0, object)
    frame = read_table(city, BUILDINGS)
    return np.asarray(frame.geometry[frame["state"].isin(FOOTPRINT_STATES)].array, dtype=object)


def _map(city: Path, manifest: Manifest) -> CoverPolygons:
    from twin.city.tables import read_table
    from twin.reconstruct.cover import Cover, CoverPolygons, repaired

    parts = []
    layers = (
        ("water", Cover.WATER),
        ("roads", Cover.ROAD),
        ("landcover", Cover.GROUND),
        ("bridges", Cover.GROUND),
    )
    for name, default in layers:
        if name not in manifest.layers:
            continue
        frame = _on_the_ground(read_table(city, f"map/{name}.parquet"))
        areas = repaired(_areas(frame))
        kinds = _kinds(name, frame, default)
        levels = frame["level_m"].to_numpy(float) if name == "water" else np.full(len(frame), np.nan)
        if name != "water":  # a pond that only the land cover knows has no level: it stays land
            kinds[kinds == Cover.WATER] = Cover.GREEN
        parts.append(CoverPolygons(areas, kinds, levels))
    return CoverPolygons.concatenate(parts)


def _on_the_ground(frame: Any) -> Any:
    """Features without those that the map itself puts on another level, such as a road on a bridge."""
    column = next((c for c in LEVEL_COLUMNS if c in frame.columns), None)
    if column is None:
        return frame
    import pandas as pd

    level = pd.to_numeric(frame[column], errors="coerce").fillna(0)
    return frame[level == 0]


def _kinds(name: str, frame: Any, default: int) -> NDArray[np.uint8]:
    """Covers of a map layer; outlines of decks only lend their lines, so that the ground can end there."""
    if name in {"water", "bridges"}:
        return np.full(len(frame), default, np.uint8)
    return cover_of(frame, default)


def _areas(frame: Any) -> NDArray[Any]:
    """Polygons of a map layer; centre lines get their width."""
    import shapely

    geometry = np.array(frame.geometry.array, dtype=object)
    is_line = np.isin(shapely.get_type_id(geometry), (1, 5))
    if is_line.any():
        width = road_widths_m(frame)
        geometry[is_line] = shapely.buffer(geometry[is_line], width[is_line] / 2, cap_style="flat")
    return geometry


def cover_of(frame: Any, default: int) -> NDArray[np.uint8]:
    """What each map feature is, by the first attribute that says something known.

    Parameters
    ----------
    frame : GeoDataFrame
        A map layer.
    default : Cover
        For features whose attributes say nothing.
    """
    from twin.reconstruct.cover import Cover, cover_from_words

    silent = 255
    kinds = np.full(len(frame), silent, np.uint8)
    lower = {str(c).lower(): c for c in frame.columns}
    for column in WORD_COLUMNS:
        if column not in lower:
            continue
        words = [w if isinstance(w, str) else None for w in frame[lower[column]]]
        found = cover_from_words(
            words, default=Cover.SKIRT
        )  # stands for "nothing known": no word means a skirt
        kinds = np.where((kinds == silent) & (found != Cover.SKIRT), found, kinds)
    return np.where(kinds == silent, np.uint8(default), kinds).astype(np.uint8)
