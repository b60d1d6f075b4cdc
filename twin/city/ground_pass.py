"""The second pass: ground found, terrain and surface put together, waters laid in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.common_ground import check_common_ground
from twin.city.ground_tile import (
    CLASSIFYING_HALO_M,
    HALO_M,
    GroundBase,
    GroundTile,
    GroundWork,
    classified_layout,
    ground_tile,
    raster_path,
)
from twin.city.mosaic import Mosaic, create_mosaic
from twin.city.processes import useful_workers
from twin.city.spool import Spool
from twin.city.tile_features import features_touching
from twin.city.tiling import Tiling, choose_tiling, tile_name
from twin.city.waters import lay_into, water_levels
from twin.core.errors import InputError
from twin.core.grid import Bounds
from twin.core.points import Classification
from twin.core.tasks import Task, run_tasks
from twin.sources.points_check import has_ground_classes

if TYPE_CHECKING:
    from pathlib import Path

    from twin.city.plan import Plan
    from twin.core.grid import Grid
    from twin.core.notices import Notices
    from twin.core.progress import Progress
    from twin.sources.rasters import Raster


@dataclass(frozen=True)
class Ground:
    """What the object pass builds on.

    Parameters
    ----------
    tiling : Tiling
        Cut of the city.
    tiles : tuple
        Numbers of the tiles that hold anything.
    points : Spool or None
        Points with classes; None where rasters were given instead.
    mosaic : Mosaic
        Terrain, surface and the mask of filled cells, over the whole city.
    histogram : dict
        Points by class.
    waters : GeoDataFrame or None
        Water polygons with their `level_m`, those under bridges added.
    """

    tiling: Tiling
    tiles: tuple[tuple[int, int], ...]
    points: Spool | None
    mosaic: Mosaic
    histogram: dict[int, int]
    waters: Any

    @property
    def has_building_class(self) -> bool:
        """Whether points say themselves that they are a building's."""
        return self.histogram.get(int(Classification.BUILDING), 0) > 0


def ground_pass(
    plan: Plan, spool: Spool | None, folder: Path, *, notices: Notices, progress: Progress
) -> Ground:
    """Ground, terrain and surface of every tile, put together.

    Raises
    ------
    InputError
        If no ground can be found.
    TileError
        If a worker died three times at a tile.
    """
    if spool is None:
        return _ground_from_rasters(plan, folder, notices)
    classify = not has_ground_classes(spool.tally, where=plan.survey_name, notices=notices)
    tiles = tuple(spool.tiles())
    mosaic = create_mosaic(folder / "mosaic", _extent_of(spool, plan), cell_size_m=plan.options.cell_size_m)
    progress.stage("finding the ground", len(tiles))
    base = GroundBase(spool, mosaic.grid, classify, folder)
    work = [_ground_work(plan, base, n) for n in range(len(tiles))]
    tasks = [Task(f"tile {tile_name(*w.tile)}", (w,)) for w in work]
    done = list(run_tasks(ground_tile, tasks, workers=useful_workers(plan), progress=progress))
    _assemble_mosaic(mosaic, spool, done, folder)
    for tile in done:
        notices.extend(tile.notices)
    _lay_given(plan, mosaic, notices)
    points = _classified_spool(spool, done, folder) if classify else spool
    waters = _level_waters(plan, done, mosaic, notices)
    return Ground(spool.layout.tiling, tiles, points, mosaic, points.histogram, waters)


def _ground_from_rasters(plan: Plan, folder: Path, notices: Notices) -> Ground:
    """Terrain and surface as they were given, where there is no point cloud."""
    dtm = _given(plan, "dtm", None, notices)
    where = plan.options.rasters["dtm"].name
    check_common_ground(plan, dtm.grid.bounds, where=where, notices=notices)
    mosaic = create_mosaic(folder / "mosaic", dtm.grid.bounds, cell_size_m=dtm.grid.cell_size_m)
    _lay_given(plan, mosaic, notices)
    tiling = choose_tiling(dtm.grid.bounds, n_points=dtm.values.size, cell_size_m=dtm.grid.cell_size_m)
    tiles = tuple(tiling.touching(dtm.grid.bounds))
    waters = _level_waters(plan, [], mosaic, notices)
    return Ground(tiling, tiles, None, mosaic, {}, waters)


def _given(plan: Plan, kind: str, grid: Grid | None, notices: Notices) -> Raster:
    from twin.sources.rasters import read_elevation

    options = plan.options
    assumed = plan.crs if options.crs else None
    return read_elevation(
        options.rasters[kind],
        crs=plan.crs,
        grid=grid,
        assume_crs=assumed,
        height_offset_m=options.height_offset_m,
        notices=notices,
    )


def _lay_given(plan: Plan, mosaic: Mosaic, notices: Notices) -> None:
    """Given rasters in place of what was made from points, wherever they have data."""
    for kind in ("dtm", "dsm"):
        if kind in plan.options.rasters:
            band = mosaic.band(kind, write=True)
            values = _given(plan, kind, mosaic.grid, notices).values
            band[...] = np.where(np.isfinite(values), values, band)
    _close_holes(mosaic)


def _close_holes(mosaic: Mosaic) -> None:
    """Terrain where no tile found any, and a surface that is never below the terrain.

    Raises
    ------
    InputError
        If there is no terrain at all.
    """
    from twin.reconstruct.inpaint import fill_smoothly

    low, _ = mosaic.range_of("dtm")
    if not np.isfinite(low):
        raise InputError(
            "survey", "no ground was found (no points of class 2)", "add the ground points or --dtm"
        )
    if any(np.isnan(mosaic.band("dtm")[rows]).any() for rows in mosaic.strips()):
        dtm, filled = mosaic.band("dtm", write=True), mosaic.band("filled", write=True)
        known = np.isfinite(dtm)
        filled[~known] = True
        dtm[...] = fill_smoothly(np.where(known, dtm, np.float32(0)), known)
    for rows in mosaic.strips():
        dsm = mosaic.band("dsm", write=True)
        dsm[rows] = np.fmax(dsm[rows], mosaic.band("dtm")[rows])


def _ground_work(plan: Plan, base: GroundBase, number: int) -> GroundWork:
    tile = base.spool.tiles()[number]
    area = base.spool.layout.tiling.bounds(*tile)
    footprints, _ = features_touching(plan.footprints, area.buffered(HALO_M))
    waters, rows = features_touching(plan.vectors.get("water"), area)
    decks, _ = features_touching(plan.vectors.get("bridges"), area.buffered(CLASSIFYING_HALO_M))
    return GroundWork(base, number, tile, footprints, waters, rows, decks)


def _level_waters(plan: Plan, done: list[GroundTile], mosaic: Mosaic, notices: Notices) -> Any:
    """The waters with their levels, laid into the terrain."""
    import geopandas as gpd
    import pandas as pd

    from twin.reconstruct.bridges import water_under_decks
    from twin.reconstruct.cover import repaired

    frame = plan.vectors.get("water")
    if frame is None or frame.empty:
        return None
    areas = repaired(np.asarray(frame.geometry.array, dtype=object))
    counts = (c for tile in done for c in tile.waters)
    levels = water_levels(areas, counts, mosaic, notices=notices)
    frame = frame.set_geometry(areas, crs=plan.crs).assign(level_m=levels, under_bridge=False)
    if "bridges" in plan.vectors:
        decks = repaired(np.asarray(plan.vectors["bridges"].geometry.array, dtype=object))
        more, rows = water_under_decks(decks, areas)
        under = frame.iloc[rows].set_geometry(more, crs=plan.crs).assign(under_bridge=True)
        frame = gpd.GeoDataFrame(pd.concat([frame, under], ignore_index=True), crs=plan.crs)
    lay_into(mosaic, np.asarray(frame.geometry.array, dtype=object), frame["level_m"].to_numpy())
    return frame


def _extent_of(spool: Spool, plan: Plan) -> Bounds:
    """The survey's extent on whole cells."""
    x0, y0, _, x1, y1, _ = spool.bounds
    cell = plan.options.cell_size_m
    return Bounds(x0, y0, x1 + cell / 2, y1 + cell / 2)


def _assemble_mosaic(mosaic: Mosaic, spool: Spool, done: list[GroundTile], folder: Path) -> None:
    bands = {name: mosaic.band(name, write=True) for name in ("dtm", "dsm", "filled")}
    for tile in done:
        core = spool.layout.tiling.bounds(*tile.tile)
        window = mosaic.grid.window(core)
        with np.load(raster_path(folder, tile.tile), allow_pickle=False) as stored:
            for name, band in bands.items():
                band[window] = stored[name]


def _classified_spool(spool: Spool, done: list[GroundTile], folder: Path) -> Spool:
    layout = classified_layout(folder, spool)
    return Spool(layout, tuple(t.part for t in done if t.part is not None))
