"""Footprints for buildings that have none, drawn from the points of the whole city at once.

Tiles lay their building points into one raster of the city. What lies outside the footprints there is parted into
connected pieces, and each piece is outlined by itself: a building that crosses the border of a tile is one building,
and no outline depends on where the borders lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.building_points import building_points
from twin.city.building_rows import CONFIDENCE, SOURCE
from twin.city.pieces import Piece, label_pieces
from twin.city.tiling import tile_name
from twin.core.files import atomic_path, guard_storage, make_folder
from twin.core.grid import Bounds, Grid
from twin.core.tasks import Task, run_tasks

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.ground_pass import Ground
    from twin.city.mosaic import Mosaic
    from twin.city.plan import Plan
    from twin.city.spool import Spool
    from twin.core.progress import Progress
    from twin.core.tasks import Workers

CELL_M, THIN_CELL_M = 0.5, 1.0
"""Side of the raster's cells, and in surveys that would leave many of these empty."""
THIN_PER_M2 = 4.0
RAILING_M = 1.0
LEAST_CONFIDENCE = 0.2
"""Below it are crowns taken for buildings: in demo surveys without classes these have 0 to 0.15, houses 0.75 on."""
STRIP_CELLS = 4_000_000
MARGIN_CELLS = 5
"""A piece is outlined with this many cells around it."""
BATCH_CELLS = 400_000


@dataclass(frozen=True, slots=True)
class TopsWork:
    """What one tile needs to lay out its building points."""

    points: Spool
    mosaic: Mosaic
    area: Bounds
    name: str
    grid: Grid
    has_building_class: bool
    folder: Path

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns that its points fall into; a row's southern edge belongs to the next one."""
        return self.grid.window(self.area.buffered(self.grid.cell_size_m))


@dataclass(frozen=True, slots=True)
class PieceWork:
    """Some pieces to outline, with the footprints around each."""

    folder: Path
    grid: Grid
    pieces: tuple[Piece, ...]
    footprints: tuple[NDArray[Any], ...]


def with_derived(plan: Plan, ground: Ground, folder: Path, *, workers: Workers, progress: Progress) -> Any:
    """The footprints of a plan, and after them those derived from the points of buildings that have none.

    Parameters
    ----------
    plan : Plan
        Its footprints may be none.
    ground : Ground
        Points with classes, and terrain.
    folder : Path
        For rasters that are needed on the way.

    Returns
    -------
    GeoDataFrame
        Derived rows have an id from their place, ``derived-EASTING-NORTHING``, and their confidence.
    """
    if ground.points is None:
        return plan.footprints
    make_folder(folder)
    grid = _grid(ground.points, ground.mosaic.grid.bounds)
    _lay_tops(ground, ground.points, grid, folder, workers=workers, progress=progress)
    sound = np.concatenate([_sound(plan.footprints), _decks(plan.vectors.get("bridges"))])
    pieces = label_pieces(folder, grid, sound, strip_cells=STRIP_CELLS)
    batches = _batches(pieces)
    progress.stage("outlining buildings without a footprint", len(batches))
    tasks = [_piece_task(folder, grid, batch, sound) for batch in batches]
    found = [
        row for rows in run_tasks(outline_pieces, tasks, workers=workers, progress=progress) for row in rows
    ]
    return _joined(plan, *_apart(found))


def _grid(points: Spool, area: Bounds) -> Grid:
    """The raster of the city: from the density of the survey, not from tiles."""
    per_m2 = points.n_points / max(1.0, area.width * area.height)
    cell = CELL_M if per_m2 >= THIN_PER_M2 else THIN_CELL_M
    return Grid.covering(area.buffered((MARGIN_CELLS + 1) * cell), cell_size_m=cell)


def _lay_tops(
    ground: Ground, points: Spool, grid: Grid, folder: Path, *, workers: Workers, progress: Progress
) -> None:
    """The uppermost building point of every cell, on disk as ``tops.npy``."""
    mosaic = ground.mosaic
    work = [
        TopsWork(
            *(points, mosaic, ground.tiling.bounds(*tile), tile_name(*tile), grid),
            *(ground.has_building_class, folder),
        )
        for tile in ground.tiles
    ]
    progress.stage("looking for buildings without a footprint", len(work))
    tasks = [Task(f"tile {w.name}", (w,)) for w in work]
    with guard_storage(folder / "tops.npy"):
        tops = np.lib.format.open_memmap(folder / "tops.npy", mode="w+", dtype=np.float32, shape=grid.shape)
        for rows in _strips(grid):
            tops[rows] = -np.inf
        for w, path in zip(work, run_tasks(lay_tops, tasks, workers=workers, progress=progress), strict=True):
            tops[w.window] = np.maximum(tops[w.window], np.load(path, allow_pickle=False))
        tops.flush()


def _strips(grid: Grid) -> list[slice]:
    step = max(1, STRIP_CELLS // grid.nx)
    return [slice(k, min(grid.ny, k + step)) for k in range(0, grid.ny, step)]


def lay_tops(work: TopsWork) -> Path:
    """The uppermost building point of each cell that a tile touches, as a file."""
    from twin.reconstruct.roof_candidates import HALO_M

    area = work.area.buffered(HALO_M)
    cloud = work.points.read(area)
    dtm, place = work.mosaic.window("dtm", area)
    place_of_top = work.grid.subgrid(work.window)
    top = np.full(place_of_top.shape, -np.inf, np.float32)
    if dtm.size:
        xyz = building_points(cloud, dtm, place, area=area, has_building_class=work.has_building_class)
        xyz = xyz[work.area.contains(xyz[:, 0], xyz[:, 1])]
        row, col = place_of_top.rows_cols(xyz[:, 0], xyz[:, 1])
        np.maximum.at(top, (row, col), xyz[:, 2].astype(np.float32))
    path = work.folder / f"{work.name}.npy"
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, top)
    return path


def _sound(frame: Any) -> NDArray[Any]:
    """Outlines that can be used: there, and valid."""
    if frame is None or frame.empty:
        return np.empty(0, object)
    shapes = np.asarray(frame.geometry.array, dtype=object)
    return shapes[[g is not None and not g.is_empty and g.is_valid for g in shapes]]


def _decks(frame: Any) -> NDArray[Any]:
    """Bridge decks with their railings: in surveys without classes they look like roofs."""
    import shapely

    return np.asarray(shapely.buffer(_sound(frame), RAILING_M), dtype=object)


def _batches(pieces: list[Piece]) -> list[tuple[Piece, ...]]:
    """Pieces in portions of like work, in their order."""
    batches: list[list[Piece]] = []
    cells = BATCH_CELLS
    for piece in pieces:
        if cells >= BATCH_CELLS:
            batches.append([])
            cells = 0
        batches[-1].append(piece)
        cells += piece.n_window_cells
    return [tuple(b) for b in batches]


def _piece_task(folder: Path, grid: Grid, batch: tuple[Piece, ...], footprints: NDArray[Any]) -> Task:
    import shapely

    tree = shapely.STRtree(footprints)
    near = []
    for piece in batch:
        b = grid.subgrid(piece.window(grid, MARGIN_CELLS)).bounds
        near.append(footprints[np.sort(tree.query(shapely.box(b.x_min, b.y_min, b.x_max, b.y_max)))])
    return Task(
        f"pieces {batch[0].number} to {batch[-1].number}", (PieceWork(folder, grid, batch, tuple(near)),)
    )


def outline_pieces(work: PieceWork) -> list[tuple[Any, float]]:
    """Outline and confidence of every building in some pieces."""
    from twin.reconstruct.derived_outlines import derive_outlines

    tops = np.load(work.folder / "tops.npy", mmap_mode="r")
    labels = np.load(work.folder / "pieces.npy", mmap_mode="r")
    rows: list[tuple[Any, float]] = []
    for piece, footprints in zip(work.pieces, work.footprints, strict=True):
        window = piece.window(work.grid, MARGIN_CELLS)
        mask = np.isin(labels[window], piece.labels)
        top = np.where(mask & np.isfinite(tops[window]), tops[window], np.nan).astype(np.float64)
        found = derive_outlines(top, mask, work.grid.subgrid(window), footprints=footprints)
        rows += zip(found.polygons, found.confidence.round(3).tolist(), strict=True)
    return rows


def _apart(found: list[tuple[Any, float]]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Outlines from north to south, each without what an earlier one covers already."""
    import shapely

    from twin.reconstruct.derived_outlines import LEAST_AREA_M2

    shapes = np.array([shape for shape, _ in found], dtype=object)
    confidence = np.array([c for _, c in found], dtype=np.float64)
    if not len(shapes):
        return shapes, confidence
    order = np.lexsort((*shapely.bounds(shapes).T[[0, 2]], -shapely.bounds(shapes)[:, 3]))
    shapes, confidence = shapes[order], confidence[order]
    one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    for a, b in sorted((int(a), int(b)) for a, b in zip(one, two, strict=True) if a < b):
        if shapely.relate_pattern(shapes[a], shapes[b], "T********"):
            rest = shapely.get_parts(shapely.difference(shapes[b], shapes[a]))
            shapes[b] = rest[np.argmax(shapely.area(rest))] if len(rest) else shapely.Polygon()
    kept = (shapely.area(shapes) >= LEAST_AREA_M2) & (confidence >= LEAST_CONFIDENCE)
    return shapes[kept], confidence[kept]


def _joined(plan: Plan, shapes: NDArray[Any], confidence: NDArray[np.float64]) -> Any:
    """The given footprints followed by the derived ones."""
    import geopandas as gpd
    import pandas as pd

    given = plan.footprints
    taken = set() if given is None else set(given["id"].astype(str))
    columns = {
        "id": np.array(place_ids(shapes, taken), object),
        "state": np.full(len(shapes), None, object),
        "reason": np.full(len(shapes), None, object),
        "given_height_m": np.full(len(shapes), np.nan),
        SOURCE: "derived",
        CONFIDENCE: confidence,
    }
    crs = plan.crs if given is None else given.crs
    derived = gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)
    if given is None or given.empty:
        return derived
    if derived.empty:
        return given
    joined = pd.concat([given, derived], ignore_index=True)
    for name in ("state", "reason"):
        joined[name] = joined[name].astype(object).where(joined[name].notna(), None)
    return gpd.GeoDataFrame(joined, geometry="geometry", crs=crs)


def place_ids(shapes: NDArray[Any], taken: set[str]) -> list[str]:
    """A name for each outline from where it lies: whole metres of a point within it.

    Examples
    --------
    >>> import shapely
    >>> place_ids(np.array([shapely.box(100, 200, 110, 220)]), set())
    ['derived-105-210']
    """
    import shapely

    ids: list[str] = []
    taken = set(taken)
    for x, y in np.floor(shapely.get_coordinates(shapely.point_on_surface(shapes))).astype(np.int64):
        name, again = f"derived-{x}-{y}", 1
        while name in taken:
            again += 1
            name = f"derived-{x}-{y}-{again}"
        taken.add(name)
        ids.append(name)
    return ids
