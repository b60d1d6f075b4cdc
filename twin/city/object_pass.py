"""The third pass: footprints settled, then buildings, trees, decks and masses made of every tile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from twin.city.object_tile import HALO_M, ObjectBase, ObjectTile, ObjectWork, object_tile
from twin.city.options import LODS
from twin.city.processes import useful_workers
from twin.city.tile_features import features_touching, owner_tiles, rows_by_tile, rows_of
from twin.city.tiling import tile_name
from twin.core.crs import crs_name
from twin.core.grid import Bounds
from twin.core.tasks import Task, run_tasks

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.ground_pass import Ground
    from twin.city.plan import Plan
    from twin.core.notices import Notices
    from twin.core.progress import Progress


UNEXPLAINED_SHARE, FEWEST_UNEXPLAINED = 0.01, 100
"""Fewer building points outside the footprints are not worth a word."""
THIN_PER_M2 = 0.5
"""Below it roofs are a few points each, and no outline is drawn around them."""


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
        name: rows_by_tile(frame, ground.tiling)
        for name, frame in (("footprints", plan.footprints), ("bridges", plan.vectors.get("bridges")))
    }
    tasks = [
        Task(f"tile {tile_name(*tile)}", (_object_work(plan, ground, base, tile, owned),)) for tile in tiles
    ]
    made = list(run_tasks(object_tile, tasks, workers=useful_workers(plan), progress=progress))
    for tile in made:
        notices.extend(tile.notices)
    _tell_unexplained(plan, made, _points_per_m2(ground), notices)
    return made


def _canopy_cell_m(ground: Ground) -> float:
    """Cell in which trees are looked for, from the points on what the survey covers; the same for any tiling."""
    from twin.reconstruct.trees import canopy_cell_size_m

    return canopy_cell_size_m(_points_per_m2(ground))


def _points_per_m2(ground: Ground) -> float:
    """Points on a square metre of what the survey covers; 0 without points."""
    mosaic = ground.mosaic
    n_covered = sum(int(np.count_nonzero(~mosaic.band("filled")[rows])) for rows in mosaic.strips())
    if ground.points is None or n_covered == 0:
        return 0.0
    return ground.points.n_points / (n_covered * mosaic.grid.cell_size_m**2)


def _tell_unexplained(plan: Plan, made: list[ObjectTile], per_m2: float, notices: Notices) -> None:
    """Say how many building points lie outside every footprint, and what to do about them."""
    n, outside = sum(t.n_building_points for t in made), sum(t.n_unexplained for t in made)
    if outside < UNEXPLAINED_SHARE * n or outside < FEWEST_UNEXPLAINED:
        return
    if per_m2 < THIN_PER_M2:
        remedy = f"with {per_m2:.1f} points per m2 the survey is too thin to outline what they belong to"
    elif plan.options.derive_footprints:
        return
    else:
        remedy = "--derive-footprints outlines what they belong to"
    what = f"{outside} of {n} building points ({outside / n:.0%}) lie outside every footprint"
    notices.add("unexplained-points", f"{what}; {remedy}")


def whole_metre_origin(area: Bounds) -> tuple[int, int, int]:
    """Whole metres near the middle of the city."""
    return (round((area.x_min + area.x_max) / 2), round((area.y_min + area.y_max) / 2), 0)


def _object_tiles(plan: Plan, ground: Ground) -> list[tuple[int, int]]:
    """The tiles with points, and those where only a footprint stands."""
    tiles = set(ground.tiles)
    if plan.footprints is not None:
        tiles |= set(owner_tiles(plan.footprints, ground.tiling))
    return sorted(tiles, key=lambda t: (t[1], t[0]))


def _object_work(
    plan: Plan,
    ground: Ground,
    base: ObjectBase,
    tile: tuple[int, int],
    owned: dict[str, dict[tuple[int, int], NDArray[np.int64]]],
) -> ObjectWork:
    area = ground.tiling.bounds(*tile)
    around, _ = features_touching(plan.footprints, area.buffered(HALO_M))
    decks = rows_of(plan.vectors.get("bridges"), owned["bridges"].get(tile))
    near = area if decks is None or decks.empty else Bounds(*map(float, decks.total_bounds))
    waters, _ = features_touching(ground.waters, near.buffered(HALO_M))
    sound = (
        around[[g is not None and not g.is_empty and g.is_valid for g in around]] if len(around) else around
    )
    footprints = rows_of(plan.footprints, owned["footprints"].get(tile))
    return ObjectWork(base, tile, footprints, sound, decks, waters)
