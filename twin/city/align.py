"""Footprints that lie beside their points: found in every build, moved where that was asked for.

First the whole layer, as a wrong transformation displaces it; then blocks of buildings that share walls, as one; then
single buildings. What would come to lie over a neighbour stays where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.building_points import is_building_point
from twin.city.building_rows import ALIGNED, SHIFT_EAST, SHIFT_GAIN, SHIFT_NORTH, points_near
from twin.city.tiling import tile_name
from twin.core.grid import Bounds
from twin.core.points import Classification
from twin.core.tasks import Task, run_tasks
from twin.reconstruct.shift import Shift, find_shift, is_no_worse
from twin.reconstruct.wall_offsets import REACH_M, WallOffsets, wall_offsets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from twin.city.ground_pass import Ground
    from twin.city.mosaic import Mosaic
    from twin.city.plan import Plan
    from twin.city.spool import Spool
    from twin.core.notices import Notices
    from twin.core.progress import Progress
    from twin.core.tasks import Workers

AROUND_M = REACH_M + 1.0
NEIGHBOUR_M = 2.0
SHARED_WALL_M, WALL_GAP_M = 1.0, 0.15
"""Buildings with this much wall in common, this far apart at most, move as one."""
LAYER_SHIFT_M, LAYER_GAIN, LAYER_CHI2, LAYER_BUILDINGS = 0.25, 0.2, 25.0, 5
"""A shift of the whole layer counts from this length, share of misfit, misfit and number of buildings on."""
OVERLAP_M2 = 0.5
"""Nothing is moved over its neighbours by more than this."""
GROUND_CLASSES = (int(Classification.GROUND), int(Classification.WATER))
N_NAMED = 3


@dataclass(frozen=True, slots=True)
class AlignWork:
    """What one tile needs to measure the walls of its footprints."""

    points: Spool
    mosaic: Mosaic
    has_building_class: bool
    rows: NDArray[np.int64]
    outlines: NDArray[Any]
    around: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Alignment:
    """How the footprints of a layer lie.

    Parameters
    ----------
    layer : Shift or None
        Of all of them together, where that is certain.
    east_m, north_m, gain : array, shape (n,)
        What brings each onto its points, the layer's shift included; NaN where its walls could not be measured.
    units : tuple of arrays
        Rows that are displaced apart from the layer, those that move as one together; most certain first.
    """

    layer: Shift | None
    east_m: NDArray[np.float64]
    north_m: NDArray[np.float64]
    gain: NDArray[np.float64]
    units: tuple[NDArray[np.int64], ...]


def with_alignment(
    plan: Plan, ground: Ground, *, workers: Workers, notices: Notices, progress: Progress
) -> Any:
    """The footprints of a plan with the shifts that were found; moved by them where ``--align`` is given."""
    frame = plan.footprints
    if frame is None or frame.empty or ground.points is None or "model" in frame:
        return frame
    shapes = np.asarray(frame.geometry.array, dtype=object).copy()
    usable = np.array([g is not None and not g.is_empty and g.is_valid for g in shapes])
    progress.stage("comparing footprints with the points", len(ground.tiles))
    found = find_alignment(shapes, usable, ground, workers=workers, progress=progress)
    moved = np.zeros(len(frame), dtype=bool)
    if plan.options.align:
        shapes, moved = _moved(shapes, usable, found)
        frame = frame.set_geometry(shapes, crs=frame.crs)
    _tell(plan, frame, found, moved, notices)
    columns = {SHIFT_EAST: found.east_m, SHIFT_NORTH: found.north_m, SHIFT_GAIN: found.gain, ALIGNED: moved}
    return frame.assign(**columns)


def find_alignment(
    shapes: NDArray[Any], usable: NDArray[np.bool_], ground: Ground, *, workers: Workers, progress: Progress
) -> Alignment:
    """How outlines lie against the points."""

    def measure(east_m: float, north_m: float) -> WallOffsets:
        placed = shapes.copy()
        placed[usable] = _translated(shapes[usable], east_m, north_m)
        tasks = [Task(name, (work,)) for name, work in _works(placed, usable, ground)]
        return WallOffsets.concatenate(
            list(run_tasks(measure_walls, tasks, workers=workers, progress=progress))
        )

    walls = measure(0.0, 0.0)
    layer = _layer_shift(walls)
    eaves_m = find_shift(walls).eaves_m
    if layer is not None:
        walls = measure(layer.east_m, layer.north_m)
        rest = find_shift(walls)
        eaves_m = rest.eaves_m
    return _decided(shapes, usable, walls, layer, eaves_m)


def _layer_shift(walls: WallOffsets) -> Shift | None:
    """The shift of the whole layer, where it is one."""
    found = find_shift(walls)
    is_there = (
        found.length_m >= LAYER_SHIFT_M
        and found.gain >= LAYER_GAIN
        and found.chi2 >= LAYER_CHI2
        and len(np.unique(walls.row)) >= LAYER_BUILDINGS
    )
    return found if is_there else None


def _works(
    shapes: NDArray[Any], usable: NDArray[np.bool_], ground: Ground
) -> Iterator[tuple[str, AlignWork]]:
    """One work for each tile that the middle of a footprint lies in."""
    import shapely

    if ground.points is None:
        return
    rows = np.flatnonzero(usable)
    b = shapely.bounds(shapes[rows])
    tree = shapely.STRtree(shapes[rows])
    middle = (b[:, :2] + b[:, 2:]) / 2
    tiles = [ground.tiling.index(float(x), float(y)) for x, y in middle]
    for tile in sorted(set(tiles), key=lambda t: (t[1], t[0])):
        own = rows[[t == tile for t in tiles]]
        area = shapely.box(*shapely.total_bounds(shapes[own])).buffer(NEIGHBOUR_M)
        around = shapes[rows[np.sort(tree.query(area))]]
        work = AlignWork(
            *(ground.points, ground.mosaic, ground.has_building_class), *(own, shapes[own], around)
        )
        yield f"tile {tile_name(*tile)}", work


def measure_walls(work: AlignWork) -> WallOffsets:
    """The walls of a tile's footprints, and where the points have them."""
    import shapely

    area = Bounds(*map(float, shapely.total_bounds(work.outlines))).buffered(AROUND_M)
    dtm, grid = work.mosaic.window("dtm", area)
    if not dtm.size:
        return WallOffsets.concatenate([])
    cloud = work.points.read(area)
    is_roof = is_building_point(cloud, dtm, grid, area=area, has_building_class=work.has_building_class)
    roofs = points_near(cloud.select(is_roof))
    lawns = points_near(cloud.select(np.isin(cloud.classification, GROUND_CLASSES)))
    tree = shapely.STRtree(work.around)
    found = []
    for row, outline in zip(work.rows.tolist(), work.outlines, strict=True):
        box = Bounds(*map(float, outline.bounds)).buffered(AROUND_M)
        near = work.around[np.sort(tree.query(outline, predicate="dwithin", distance=NEIGHBOUR_M))]
        others = near[[g is not outline and not g.equals(outline) for g in near]]
        xy = [near_points(box).xyz[:, :2] for near_points in (roofs, lawns)]
        found.append(wall_offsets(outline, *xy, row=row, others=others))
    return WallOffsets.concatenate(found)


def _decided(
    shapes: NDArray[Any], usable: NDArray[np.bool_], walls: WallOffsets, layer: Shift | None, eaves_m: float
) -> Alignment:
    """Which buildings are displaced apart from the layer, blocks before single ones."""
    shift = np.full((len(shapes), 2), np.nan)
    gain = np.full(len(shapes), np.nan)
    by_row = _by_row(walls, len(shapes))
    for row in np.flatnonzero([len(w) > 0 for w in by_row]):
        shift[row], gain[row] = 0.0, 0.0
    units: list[tuple[float, NDArray[np.int64]]] = []
    for block in _blocks(shapes, usable):
        together = find_shift(WallOffsets.concatenate([by_row[r] for r in block]), eaves_m=eaves_m)
        groups = [(block, together)]
        agreed = together.is_certain and all(is_no_worse(together, by_row[r]) for r in block)
        if not agreed and len(block) > 1:
            groups = [(block[k : k + 1], find_shift(by_row[r], eaves_m=eaves_m)) for k, r in enumerate(block)]
        for rows, found in groups:
            if found.is_certain:
                shift[rows], gain[rows] = (found.east_m, found.north_m), found.gain
                units.append((-found.chi2, rows))
    units.sort(key=lambda u: (u[0], int(u[1][0])))
    if layer is not None:
        shift = np.nan_to_num(shift) + np.array([layer.east_m, layer.north_m])
        gain = np.fmax(gain, layer.gain)
    east_m, north_m = shift.T.round(3)
    return Alignment(layer, east_m, north_m, gain.round(3), tuple(rows for _, rows in units))


def _by_row(walls: WallOffsets, n: int) -> list[WallOffsets]:
    order = np.argsort(walls.row, kind="stable")
    ends = np.searchsorted(walls.row[order], np.arange(n + 1))
    parts = [order[a:b] for a, b in pairwise(ends.tolist())]
    return [WallOffsets(walls.row[p], walls.normal[p], walls.offset_m[p], walls.length_m[p]) for p in parts]


def _blocks(shapes: NDArray[Any], usable: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Rows that hang together by walls, in the order of their first."""
    import shapely
    from scipy import sparse
    from scipy.sparse import csgraph

    rows = np.flatnonzero(usable)
    own = shapes[rows]
    one, two = shapely.STRtree(own).query(own, predicate="dwithin", distance=WALL_GAP_M)
    pair = one < two
    one, two = one[pair], two[pair]
    wall = shapely.intersection(
        shapely.boundary(own[one]), shapely.buffer(shapely.boundary(own[two]), WALL_GAP_M)
    )
    joined = shapely.length(wall) >= SHARED_WALL_M
    n, ends = len(rows), (one[joined], two[joined])
    graph = sparse.coo_matrix((np.ones(int(joined.sum())), ends), shape=(n, n))
    _, group = csgraph.connected_components(graph, directed=False)
    order = np.argsort(group, kind="stable")
    cuts = np.flatnonzero(np.diff(group[order])) + 1
    return sorted((np.sort(rows[b]) for b in np.split(order, cuts) if len(b)), key=lambda b: int(b[0]))


def _translated(shapes: NDArray[Any], east_m: float, north_m: float) -> Any:
    """Shapes moved, on the 0.1 mm grid that geometry is built on, so that shared corners stay shared."""
    import shapely

    by = np.array([east_m, north_m])
    return shapely.transform(shapes, lambda xy: np.round(xy + by, 4))


def _moved(
    shapes: NDArray[Any], usable: NDArray[np.bool_], found: Alignment
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Outlines where they belong, as far as that puts none over another; and which were moved."""
    import shapely

    placed, moved = shapes.copy(), np.zeros(len(shapes), dtype=bool)
    layer = (0.0, 0.0) if found.layer is None else (found.layer.east_m, found.layer.north_m)
    if found.layer is not None:
        placed[usable] = _translated(shapes[usable], *layer)
        moved |= usable
    tree = shapely.STRtree([shape if use else None for shape, use in zip(placed, usable, strict=True)])
    for rows in found.units:
        own = _translated(shapes[rows], float(found.east_m[rows[0]]), float(found.north_m[rows[0]]))
        if _overlap(own, rows, placed, tree) <= _overlap(placed[rows], rows, placed, tree) + OVERLAP_M2:
            placed[rows], moved[rows] = own, True
    return placed, moved


def _overlap(own: NDArray[Any], rows: NDArray[np.int64], placed: NDArray[Any], tree: Any) -> float:
    """Area that outlines share with others than their own unit."""
    import shapely

    whole = shapely.union_all(own)
    near = np.setdiff1d(tree.query(whole, predicate="dwithin", distance=2 * REACH_M), rows)
    return (
        float(shapely.area(shapely.intersection(whole, shapely.union_all(placed[near]))))
        if len(near)
        else 0.0
    )


def _tell(plan: Plan, frame: Any, found: Alignment, moved: NDArray[np.bool_], notices: Notices) -> None:
    """Say what lies beside its points, and whether it was moved."""
    done = plan.options.align
    where = plan.options.footprints
    if found.layer is not None:
        way = f"{_toward(found.layer.east_m, found.layer.north_m)}"
        remedy = "moved there" if done else "--align moves them there"
        notices.add(
            "footprints-shifted",
            f"{where}: the points have all buildings {way} of their footprints; {remedy}",
        )
    apart = [r for rows in found.units for r in rows.tolist()]
    if not apart:
        return
    named = ", ".join(str(i) for i in _ids(frame, apart[:N_NAMED])) + (
        ", ..." if len(apart) > N_NAMED else ""
    )
    n_moved = int(moved[apart].sum()) if done else 0
    remedy = f"{n_moved} of them were moved" if done else "--align moves them where there is room"
    told = f"{where}: {len(apart)} of {len(frame)} footprints are displaced against the points ({named}); {remedy}"
    notices.add("footprints-displaced", told)


def _ids(frame: Any, rows: Iterable[int]) -> list[str]:
    return [str(frame["id"].iloc[r]) for r in rows]


def _toward(east_m: float, north_m: float) -> str:
    """A shift in words.

    Examples
    --------
    >>> _toward(1.24, -0.3)
    '1.24 m east and 0.30 m south'
    """
    east = f"{abs(east_m):.2f} m {'east' if east_m >= 0 else 'west'}"
    north = f"{abs(north_m):.2f} m {'north' if north_m >= 0 else 'south'}"
    return f"{east} and {north}"
