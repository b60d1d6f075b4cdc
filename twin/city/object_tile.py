"""Second pass over a tile: buildings, trees, bridge decks, and masses that no footprint tells of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.marks import read_mark, write_mark
from twin.city.tiling import tile_name
from twin.core.files import atomic_path, make_folder
from twin.core.memory import give_back_memory
from twin.core.notices import Notice, Notices

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.mosaic import Mosaic
    from twin.city.spool import Spool
    from twin.city.tiling import Tiling
    from twin.core.grid import Bounds
    from twin.core.points import PointCloud

HALO_M = 30.0
"""Trees and masses near the border are seen whole by both tiles, and kept by the one that their top lies in."""
AROUND_FOOTPRINT_M = 6.0
"""Points this far around a footprint tell the ground that its building stands on."""
MARK = "tile.json"


@dataclass(frozen=True, slots=True)
class ObjectBase:
    """What all tiles of the pass share.

    Parameters
    ----------
    points : Spool or None
        Points with classes.
    tiling : Tiling
    mosaic : Mosaic
        Terrain with water laid in, and surface.
    crs_wkt, crs_name : str
        Of the city.
    origin : tuple of int
        Whole metres that CityJSON coordinates count from.
    has_building_class : bool
        Whether points say themselves that they are a building's.
    lods : tuple of str
        Levels to make.
    detail : float
        From simple (0) to detailed (1).
    canopy_cell_m : float
        Cell in which trees are looked for.
    masses : bool
        Whether to make plain masses of what no footprint tells of.
    folder : Path
        Where results go.
    """

    points: Spool | None
    tiling: Tiling
    mosaic: Mosaic
    crs_wkt: str
    crs_name: str
    origin: tuple[int, int, int]
    has_building_class: bool
    lods: tuple[str, ...]
    detail: float
    canopy_cell_m: float
    masses: bool
    folder: Path


@dataclass(frozen=True)
class ObjectWork:
    """All that one tile needs.

    Parameters
    ----------
    base : ObjectBase
    tile : tuple of int
    footprints : GeoDataFrame
        Whose centre lies in the tile; `row` is their place among all.
    around : array of polygons
        All footprints that touch the tile with its halo.
    decks : GeoDataFrame or None
        Bridge decks whose centre lies in the tile.
    waters : array of polygons
        Near those decks.
    """

    base: ObjectBase
    tile: tuple[int, int]
    footprints: Any
    around: NDArray[np.object_]
    decks: Any
    waters: NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class ObjectTile:
    """What the second pass made; the files lie in the tile's folder."""

    name: str
    n_buildings: int
    n_building_points: int
    n_unexplained: int
    """Building points outside every footprint."""
    rows: Path
    cityjson: Path
    tables: dict[str, Path] = field(default_factory=dict)
    notices: Notices = field(default_factory=Notices)


def object_tile(work: ObjectWork) -> ObjectTile:
    """Make the objects of one tile; a tile that an earlier run finished is taken as it lies."""
    folder = work.base.folder / tile_name(*work.tile)
    done = read_mark(folder / MARK)
    if done is not None:
        tables = {kind: folder / f"{kind}.parquet" for kind in done["tables"]}
        notices = Notices([Notice(*n) for n in done["notices"]])
        counts = (done["n_buildings"], done["n_building_points"], done["n_unexplained"])
        return _result(folder, counts, tables, notices)
    make_folder(folder)
    made = _make(work, folder)
    data = {
        "n_buildings": made.n_buildings,
        "n_building_points": made.n_building_points,
        "n_unexplained": made.n_unexplained,
        "tables": sorted(made.tables),
        "notices": [[n.cause, n.message, n.subject] for n in made.notices.items],
    }
    buildings = (made.rows, made.cityjson) if made.n_buildings else ()
    write_mark(folder / MARK, data, (*buildings, *made.tables.values()))
    return made


def _result(
    folder: Path, counts: tuple[int, int, int], tables: dict[str, Path], notices: Notices
) -> ObjectTile:
    rows, shapes = folder / "rows.parquet", folder / "buildings.city.jsonl"
    return ObjectTile(folder.name, *counts, rows, shapes, tables, notices)


def _make(work: ObjectWork, folder: Path) -> ObjectTile:
    notices = Notices()
    cloud = _points(work)
    n_buildings = _write_buildings(work, cloud, folder)
    give_back_memory()
    tables: dict[str, Path] = {}
    makers = {"trees": _trees, "bridges": _bridges}
    counted = (0, 0)
    if cloud is not None:
        frames = {kind: maker(work, cloud) for kind, maker in makers.items()}
        frames["unmapped"], counted = _unmapped(work, cloud)
        for kind, frame in frames.items():
            if frame is not None and len(frame):
                tables[kind] = _keep(frame, folder / f"{kind}.parquet")
    return _result(folder, (n_buildings, *counted), tables, notices)


def _write_buildings(work: ObjectWork, cloud: PointCloud | None, folder: Path) -> int:
    """Rows and shapes of the tile's buildings; how many footprints there are."""
    import pandas as pd

    from twin.city.building_rows import building_rows
    from twin.city.cityjson import ModelMetadata, VertexTransform, write_cityjsonseq

    if work.footprints is None or work.footprints.empty:
        return 0
    rows, shaped = building_rows(work, cloud)
    header = ModelMetadata(work.base.crs_name)
    shapes = folder / "buildings.city.jsonl"
    write_cityjsonseq(shapes, shaped, metadata=header, transform=VertexTransform(work.base.origin))
    with atomic_path(folder / "rows.parquet") as temporary:
        pd.DataFrame(rows).to_parquet(temporary, index=False)
    return len(rows)


def _keep(frame: Any, path: Path) -> Path:
    from twin.city.tables import write_table

    with atomic_path(path) as temporary:
        write_table(frame, temporary)
    return path


def _core(work: ObjectWork) -> Bounds:
    return work.base.tiling.bounds(*work.tile)


def _points(work: ObjectWork) -> PointCloud | None:
    """The points of the tile with its halo, and around every footprint that reaches further."""
    from twin.core.grid import Bounds

    if work.base.points is None:
        return None
    area = _core(work).buffered(HALO_M)
    for frame in (work.footprints, work.decks):
        if frame is not None and len(frame):
            area = area.union(Bounds(*map(float, frame.total_bounds)).buffered(AROUND_FOOTPRINT_M))
    return work.base.points.read(area)


def _unmapped(work: ObjectWork, cloud: PointCloud) -> tuple[Any, tuple[int, int]]:
    """Masses that no footprint tells of, as a table; and how many building points there are, and outside footprints."""
    import geopandas as gpd

    from twin.city.building_points import building_points, count_outside
    from twin.reconstruct.unmapped import context_masses

    area = _core(work).buffered(HALO_M)
    dtm, grid = work.base.mosaic.window("dtm", area)
    if not dtm.size or not _core(work).overlaps(work.base.mosaic.grid.bounds):
        return None, (0, 0)
    inside = _core(work).clipped(work.base.mosaic.grid.bounds)
    xyz = building_points(cloud, dtm, grid, area=area, has_building_class=work.base.has_building_class)
    counted = count_outside(xyz, footprints=work.around, bounds=inside)
    if not work.base.masses:
        return None, counted
    masses = context_masses(xyz, dtm=dtm, grid=grid, footprints=work.around, bounds=inside)
    columns = {
        "ground_m": masses.ground_m.round(2),
        "roof_m": masses.roof_m.round(2),
        "n_points": masses.n_points,
        "confidence": masses.confidence.round(3),
    }
    return gpd.GeoDataFrame(columns, geometry=masses.polygons, crs=work.base.crs_wkt), counted


def _bridges(work: ObjectWork, cloud: PointCloud) -> Any:
    """Bridge decks at their height, as a table."""
    from twin.city.decks import deck_table
    from twin.core.grid import Bounds
    from twin.reconstruct.bridges import build_bridges
    from twin.reconstruct.cover import repaired
    from twin.reconstruct.surface import TOLERANCE_M
    from twin.reconstruct.surface_points import land_heights

    if work.decks is None or work.decks.empty:
        return None
    area = Bounds(*map(float, work.decks.total_bounds)).buffered(HALO_M)
    dtm, grid = work.base.mosaic.window("dtm", area)
    if not dtm.size:
        return None
    land = land_heights(dtm, grid, work.waters, tolerance_m=TOLERANCE_M)
    decks = repaired(np.asarray(work.decks.geometry.array, dtype=object))
    bridges = build_bridges(decks, cloud, land=land, water=work.waters)
    return deck_table(bridges, work.decks.drop(columns="row"), work.base.crs_wkt)


def _trees(work: ObjectWork, cloud: PointCloud) -> Any:
    """Trees, as a table of points."""
    import geopandas as gpd

    from twin.reconstruct.trees import find_trees

    dtm, grid = work.base.mosaic.window("dtm", _core(work).buffered(HALO_M))
    if not dtm.size:
        return None
    trees = find_trees(
        cloud,
        dtm=dtm,
        grid=grid,
        keep_out=work.around,
        bounds=_core(work),
        cell_size_m=work.base.canopy_cell_m,
    )
    columns = {
        "ground_m": trees.ground_m.round(2),
        "height_m": trees.height_m.round(2),
        "crown_radius_m": trees.crown_radius_m.round(2),
        "crown_base_m": trees.crown_base_m.round(2),
        "confidence": trees.confidence.round(3),
    }
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(trees.x, trees.y), crs=work.base.crs_wkt)
