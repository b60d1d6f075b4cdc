"""The passes over the tiles: points laid out, ground found, objects made. Each goes on where it was cut off."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from twin.city.object_tile import HALO_M as OBJECT_HALO_M
from twin.city.object_tile import ObjectBase, ObjectTile, ObjectWork, object_tile
from twin.city.options import LODS
from twin.city.spool import Spool, SpoolLayout, SpoolPart, read_part, spool_file, write_part
from twin.city.tiling import Tiling, choose_tiling, tile_name
from twin.city.waters import lay_into, water_levels
from twin.core.cluster import Cluster
from twin.core.crs import crs_name
from twin.core.errors import InputError
from twin.core.grid import Bounds
from twin.core.points import Classification
from twin.core.tasks import Task, Workers, run_tasks
from twin.sources.points_check import check_extent, elevation_limits, has_ground_classes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.plan import Plan
    from twin.core.grid import Grid
    from twin.core.notices import Notices
    from twin.core.progress import Progress
    from twin.sources.rasters import Raster

UNEXPLAINED_SHARE, FEWEST_UNEXPLAINED = 0.01, 100
"""Fewer building points outside the footprints are not worth a word."""
SMALL_JOB_POINTS = 3_000_000
"""Below this one process is done before a second one has started."""


def useful_workers(plan: Plan) -> Workers:
    """Processes that pay for their start, or the cluster that was named."""
    if plan.options.scheduler:
        return Cluster(plan.options.scheduler)
    n_points = sum(f.n_points for f in plan.files)
    return plan.options.workers if n_points > SMALL_JOB_POINTS else 1


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


def spool_survey(plan: Plan, folder: Path, *, notices: Notices, progress: Progress) -> Spool | None:
    """The survey laid out by tile; None where there are no point clouds.

    Raises
    ------
    InputError
        If a file is damaged, or no point is left.
    OverlapError
        If the points lie elsewhere than the footprints.
    """
    if not plan.files:
        return None
    layout = _layout(plan, folder)
    progress.stage("reading point clouds", len(plan.files))
    parts: list[SpoolPart] = []
    fresh: list[Task] = []
    for number in range(len(plan.files)):
        done = read_part(folder, number)
        if done is not None:
            parts.append(done)
            progress.advance()
        else:
            fresh.append(Task(plan.files[number].path.name, (_Reading.of(plan, number), layout)))
    for part in run_tasks(_spool_one, fresh, workers=useful_workers(plan), progress=progress):
        write_part(part, folder)
        parts.append(part)
    spool = Spool(layout, tuple(sorted(parts, key=lambda p: p.number)))
    notices.items.extend(n for part in spool.parts for n in part.notices)
    _check_survey(plan, spool, notices)
    limits_m = elevation_limits(spool.tally, where=plan.survey_name, notices=notices)
    return replace(spool, elevation_limits=limits_m)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One point file and how to bring it into the city."""

    file: Any
    number: int
    crs_wkt: str
    assumed: bool
    height_offset_m: float | None
    keep_going: bool

    @classmethod
    def of(cls, plan: Plan, number: int) -> _Reading:
        options = plan.options
        return cls(
            plan.files[number],
            number,
            plan.crs.to_wkt(),
            options.crs is not None,
            options.height_offset_m,
            options.keep_going,
        )


def _spool_one(reading: _Reading, layout: SpoolLayout) -> SpoolPart:
    from pyproj import CRS

    from twin.core.errors import TwinError
    from twin.core.notices import Notices
    from twin.sources.points import file_transform, read_chunks

    notices, file = Notices(), reading.file
    city, offset_m = CRS.from_wkt(reading.crs_wkt), reading.height_offset_m
    transform = file_transform(file, city, height_offset_m=offset_m, notices=notices)
    chunks = read_chunks(file, transform=transform, notices=notices)
    try:
        part = spool_file(chunks, layout, number=reading.number, name=str(file.path))
    except TwinError as error:
        if not reading.keep_going:
            raise
        notices.add("left-out", f"{error}; left out (--keep-going)", subject=file.path.name)
        part = spool_file([], layout, number=reading.number, name=str(file.path))
    return replace(part, notices=tuple(notices.items))


def _layout(plan: Plan, folder: Path) -> SpoolLayout:
    bounds = plan.survey_bounds
    n_points = sum(f.n_points for f in plan.files)
    tiling = choose_tiling(bounds, n_points=n_points, cell_size_m=plan.options.cell_size_m)
    middle = (bounds.x_min + bounds.x_max) / 2, (bounds.y_min + bounds.y_max) / 2
    return SpoolLayout(folder, tiling, (float(round(middle[0])), float(round(middle[1]))))


def _check_survey(plan: Plan, spool: Spool, notices: Notices) -> None:
    names = plan.survey_name
    if not spool.n_points:
        raise InputError(names, "no points are left to build from", "check the files and their classes")
    check_extent(spool.tally, where=names)
    x0, y0, _, x1, y1, _ = spool.bounds
    check_common_ground(plan, Bounds(x0, y0, x1, y1), where=names, notices=notices)


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
    footprints, _ = _touching(plan.footprints, area.buffered(HALO_M))
    waters, rows = _touching(plan.vectors.get("water"), area)
    decks, _ = _touching(plan.vectors.get("bridges"), area.buffered(CLASSIFYING_HALO_M))
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


def _touching(frame: Any, area: Bounds) -> tuple[Any, Any]:
    """Geometries of a layer that touch a rectangle, and their rows."""
    if frame is None or frame.empty:
        return np.empty(0, object), np.empty(0, np.int64)
    rows = np.sort(frame.sindex.intersection((area.x_min, area.y_min, area.x_max, area.y_max)))
    return np.asarray(frame.geometry.array, dtype=object)[rows], rows


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


def object_pass(
    plan: Plan, ground: Ground, folder: Path, *, notices: Notices, progress: Progress
) -> list[ObjectTile]:
    """Buildings, trees, decks and masses of every tile.

    Raises
    ------
    TileError
        If a worker died three times at a tile.
    """
    base = ObjectBase(
        points=ground.points,
        tiling=ground.tiling,
        mosaic=ground.mosaic,
        crs_wkt=plan.crs.to_wkt(),
        crs_name=crs_name(plan.crs),
        origin=whole_metre_origin(ground.mosaic.grid.bounds),
        has_building_class=ground.has_building_class,
        lods=tuple(lod for lod in LODS if lod <= plan.options.lod),
        detail=plan.options.detail,
        canopy_cell_m=_canopy_cell_m(ground),
        masses=not plan.options.derive_footprints,
        folder=folder,
    )
    tiles = _object_tiles(plan, ground)
    progress.stage("making buildings and trees", len(tiles))
    owned = {
        name: _by_tile(frame, ground.tiling)
        for name, frame in (("footprints", plan.footprints), ("bridges", plan.vectors.get("bridges")))
    }
    tasks = [
        Task(f"tile {tile_name(*tile)}", (_object_work(plan, ground, base, tile, owned),)) for tile in tiles
    ]
    made = list(run_tasks(object_tile, tasks, workers=useful_workers(plan), progress=progress))
    for tile in made:
        notices.extend(tile.notices)
    _tell_unexplained(plan, made, notices)
    return made


def _canopy_cell_m(ground: Ground) -> float:
    """Cell in which trees are looked for, from the points on what the survey covers; the same for any tiling."""
    from twin.reconstruct.trees import canopy_cell_size_m

    mosaic = ground.mosaic
    n_covered = sum(int(np.count_nonzero(~mosaic.band("filled")[rows])) for rows in mosaic.strips())
    if ground.points is None or n_covered == 0:
        return canopy_cell_size_m(0.0)
    return canopy_cell_size_m(ground.points.n_points / (n_covered * mosaic.grid.cell_size_m**2))


def footprint_pass(plan: Plan, ground: Ground, folder: Path, *, notices: Notices, progress: Progress) -> Plan:
    """The plan with the footprints that are built: given ones where they belong, and derived ones if asked for."""
    from twin.city.align import with_alignment

    workers = useful_workers(plan)
    found = with_alignment(plan, ground, workers=workers, notices=notices, progress=progress)
    plan = replace(plan, footprints=found)
    if not plan.options.derive_footprints:
        return plan
    from twin.city.derive import with_derived

    found = with_derived(plan, ground, folder / "derive", workers=workers, progress=progress)
    return replace(plan, footprints=found)


def _tell_unexplained(plan: Plan, made: list[ObjectTile], notices: Notices) -> None:
    """Say how many building points lie outside every footprint, and what to do about them."""
    n, outside = sum(t.n_building_points for t in made), sum(t.n_unexplained for t in made)
    if plan.options.derive_footprints or outside < UNEXPLAINED_SHARE * n or outside < FEWEST_UNEXPLAINED:
        return
    notices.add(
        "unexplained-points",
        f"{outside} of {n} building points ({outside / n:.0%}) lie outside every footprint; "
        "--derive-footprints outlines what they belong to",
    )


def whole_metre_origin(area: Bounds) -> tuple[int, int, int]:
    """Whole metres near the middle of the city."""
    return (round((area.x_min + area.x_max) / 2), round((area.y_min + area.y_max) / 2), 0)


def _object_tiles(plan: Plan, ground: Ground) -> list[tuple[int, int]]:
    """The tiles with points, and those where only a footprint stands."""
    tiles = set(ground.tiles)
    if plan.footprints is not None:
        tiles |= set(_owner_tiles(plan.footprints, ground.tiling))
    return sorted(tiles, key=lambda t: (t[1], t[0]))


def _owner_tiles(frame: Any, tiling: Tiling) -> list[tuple[int, int]]:
    """The tile that each feature's middle lies in; the first one for features without a place."""
    b = frame.geometry.bounds.to_numpy(float)
    middle = np.where(np.isfinite(b), b, 0.0)
    x, y = (middle[:, 0] + middle[:, 2]) / 2, (middle[:, 1] + middle[:, 3]) / 2
    here = np.isfinite(b).all(axis=1)
    first = next((tiling.index(x[k], y[k]) for k in np.flatnonzero(here)), (0, 0))
    return [tiling.index(x[k], y[k]) if here[k] else first for k in range(len(frame))]


def _object_work(
    plan: Plan,
    ground: Ground,
    base: ObjectBase,
    tile: tuple[int, int],
    owned: dict[str, dict[tuple[int, int], NDArray[np.int64]]],
) -> ObjectWork:
    area = ground.tiling.bounds(*tile)
    around, _ = _touching(plan.footprints, area.buffered(OBJECT_HALO_M))
    decks = _rows_of(plan.vectors.get("bridges"), owned["bridges"].get(tile))
    near = area if decks is None or decks.empty else Bounds(*map(float, decks.total_bounds))
    waters, _ = _touching(ground.waters, near.buffered(OBJECT_HALO_M))
    sound = (
        around[[g is not None and not g.is_empty and g.is_valid for g in around]] if len(around) else around
    )
    footprints = _rows_of(plan.footprints, owned["footprints"].get(tile))
    return ObjectWork(base, tile, footprints, sound, decks, waters)


def _by_tile(frame: Any, tiling: Tiling) -> dict[tuple[int, int], NDArray[np.int64]]:
    """The rows of a layer's features that belong to each tile, found once for all tiles."""
    rows: dict[tuple[int, int], list[int]] = {}
    if frame is not None and not frame.empty:
        for row, tile in enumerate(_owner_tiles(frame, tiling)):
            rows.setdefault(tile, []).append(row)
    return {tile: np.array(own, np.int64) for tile, own in rows.items()}


def _rows_of(frame: Any, rows: NDArray[np.int64] | None) -> Any:
    """Those features of a layer, with their `row`; an empty table if there are none."""
    if frame is None or frame.empty:
        return None
    rows = np.empty(0, np.int64) if rows is None else rows
    return frame.iloc[rows].assign(row=rows)
