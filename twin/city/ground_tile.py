"""First pass over a tile: which points are ground, and the terrain and surface that follow."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.city.marks import read_mark, write_mark
from twin.city.spool import SpoolLayout, SpoolPart, is_whole, part_from_json, spool_file
from twin.city.tiling import tile_name
from twin.city.waters import WaterCounts, count_elevations
from twin.core.files import atomic_path
from twin.core.notices import Notice, Notices
from twin.core.points import Classification, PointCloud

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.spool import Spool
    from twin.core.grid import Grid

HALO_M = 60.0
"""How far beyond its border a tile looks for its rasters: holes under large buildings are spanned from their rims."""
CLASSIFYING_HALO_M = 120.0
"""The same where the ground has to be found: as wide as the widest building that it is followed around."""


@dataclass(frozen=True, slots=True)
class GroundBase:
    """What all tiles of the pass share.

    Parameters
    ----------
    spool : Spool
        Points as they came.
    grid : Grid
        Rasters of the whole city.
    classify : bool
        Whether the points come without classes.
    folder : Path
        Where results go.
    """

    spool: Spool
    grid: Grid
    classify: bool
    folder: Path


@dataclass(frozen=True, slots=True)
class GroundWork:
    """All that one tile needs.

    Parameters
    ----------
    base : GroundBase
        What it shares with the others.
    number : int
        Place of the tile in the list of tiles.
    tile : tuple of int
        Its number in the tiling.
    footprints : array of polygons
        Those that touch the tile with its halo.
    waters, water_rows : arrays
        Water polygons that touch the tile, and their rows among all.
    decks : array of polygons
        Bridge decks that touch the tile with its halo.
    """

    base: GroundBase
    number: int
    tile: tuple[int, int]
    footprints: NDArray[np.object_]
    waters: NDArray[np.object_]
    water_rows: NDArray[np.int64]
    decks: NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class GroundTile:
    """What the first pass found; rasters lie in `raster_path`."""

    tile: tuple[int, int]
    n_points: int
    n_outliers: int
    part: SpoolPart | None
    waters: tuple[WaterCounts, ...]
    notices: Notices


def raster_path(folder: Path, tile: tuple[int, int]) -> Path:
    """Where a tile's rasters lie."""
    return folder / f"{tile_name(*tile)}.npz"


def classified_layout(folder: Path, spool: Spool) -> SpoolLayout:
    """Where points with classes made here go."""
    return SpoolLayout(folder / "points", spool.layout.tiling, spool.layout.origin)


def ground_tile(work: GroundWork) -> GroundTile:
    """Find the ground of one tile and save terrain, surface and filled cells of its core.

    A tile that was finished by an earlier run is taken as it lies.
    """
    rasters = raster_path(work.base.folder, work.tile)
    mark = rasters.with_suffix(".json")
    data = read_mark(mark)
    done = None if data is None else _from_mark(data, work)
    if done is None:
        done = _ground_tile(work)
        write_mark(mark, asdict(done), [rasters])
    return done


def _from_mark(data: dict[str, Any], work: GroundWork) -> GroundTile | None:
    notices = Notices([Notice(**n) for n in data["notices"]["items"]])
    waters = tuple(WaterCounts(**w) for w in data["waters"])
    part = part_from_json(data["part"])
    if part is not None and not is_whole(classified_layout(work.base.folder, work.base.spool).folder, part):
        return None
    return GroundTile(work.tile, data["n_points"], data["n_outliers"], part, waters, notices)


def _ground_tile(work: GroundWork) -> GroundTile:
    core = work.base.spool.layout.tiling.bounds(*work.tile)
    area = core.buffered(CLASSIFYING_HALO_M if work.base.classify else HALO_M)
    cloud, n_outliers = _without_outliers(work.base.spool.read(area))
    if work.base.classify:
        cloud = _classified(cloud, work.footprints, work.decks)
    window = work.base.grid.window(area)
    around = work.base.grid.subgrid(window)
    ground = cloud.xyz[cloud.classification == Classification.GROUND]
    dtm, filled, dsm = _rasters(ground, cloud.xyz, around)
    inner = around.window(core)
    with atomic_path(raster_path(work.base.folder, work.tile)) as path:
        np.savez(path, dtm=dtm[inner], filled=filled[inner], dsm=dsm[inner])
    inside = cloud.select(core.contains(cloud.xyz[:, 0], cloud.xyz[:, 1]))
    part = _keep_classes(work, inside) if work.base.classify else None
    waters = tuple(count_elevations(inside, work.waters, work.water_rows))
    return GroundTile(work.tile, len(inside), n_outliers, part, waters, Notices())


def _rasters(
    ground: NDArray[np.float64], xyz: NDArray[np.float64], grid: Grid
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
    """Terrain, its filled cells and surface; a tile without any ground nearby is left open for its neighbours."""
    from twin.reconstruct.terrain import rasterize_dsm, rasterize_dtm

    b = grid.bounds
    if not b.contains(ground[:, 0], ground[:, 1]).any():
        open_cells = np.full(grid.shape, np.nan, np.float32)
        return open_cells, np.ones(grid.shape, np.bool_), open_cells
    found = rasterize_dtm(ground, grid)
    return found.values, found.filled, rasterize_dsm(xyz, grid, dtm=found.values)


def _without_outliers(cloud: PointCloud) -> tuple[PointCloud, int]:
    from twin.reconstruct.outliers import find_outliers

    outlier = find_outliers(cloud.xyz)
    return cloud.select(~outlier), int(outlier.sum())


def _classified(cloud: PointCloud, footprints: NDArray[np.object_], decks: NDArray[np.object_]) -> PointCloud:
    from twin.reconstruct.ground import classify_ground
    from twin.reconstruct.vegetation import classify_points

    ground = classify_ground(cloud.xyz)
    # A deck that runs level into its road looks like ground; what lies under it shows beside it.
    ground[ground] = ~_inside_any(decks, cloud.xyz[ground])
    classes = classify_points(cloud, ground, footprints=footprints)
    return PointCloud(cloud.xyz, classes, cloud.return_number, cloud.n_returns)


def _inside_any(polygons: NDArray[np.object_], xyz: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points lie over one of the polygons, shape (n,)."""
    from twin.core.grid import Bounds

    inside = np.zeros(len(xyz), np.bool_)
    for polygon in polygons:
        near = np.flatnonzero(Bounds(*map(float, polygon.bounds)).contains(xyz[:, 0], xyz[:, 1]))
        inside[near] |= shapely.contains_xy(polygon, xyz[near, 0], xyz[near, 1])
    return inside


def _keep_classes(work: GroundWork, inside: PointCloud) -> SpoolPart:
    layout = classified_layout(work.base.folder, work.base.spool)
    return spool_file([inside], layout, number=work.number, name=tile_name(*work.tile))
