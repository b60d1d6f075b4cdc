"""Outlines of raster parts as straight lines in the directions of the walls around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import shapely
from scipy.spatial import cKDTree

from twin.reconstruct.arrangement import trace_chains
from twin.reconstruct.polyline import thin_chains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Grid

LINE_TOLERANCE_CELLS = 1.5
"""A line may leave the stairs of the raster by this much."""
FEWEST_SIDES = 4
"""The direction of lines over fewer cell sides is that from end to end."""
NEIGHBOURHOOD_M = 30.0
"""Walls within this distance tell one another their direction."""
SAME_DIRECTION_DEG = 10.0
LONGEST_VOICE_M = 15.0
"""Longer walls have no more say than this."""
DIRECTION_ROUNDS = 6
FARTHEST_MOVE_CELLS = 2.0
"""A corner that would move further stays where the raster has it."""
LONGEST_CUT_CELLS = 3.2
SQUARE_SINE = 0.9
"""A wall shorter than this between two longer ones, this square to each other, is a corner that the raster lost."""
STRAIGHT_M = 0.5
"""Corners go where the triangle that they make is smaller than the square of this: nearly straight on."""
STAY_M = 0.5
"""Pull of a corner to where it was, as metres of wall."""


def outline_parts(part: NDArray[np.int32], grid: Grid) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Polygons of numbered raster parts, neighbours sharing their borders.

    The stairs of the raster are drawn as straight lines, these are turned into the direction that the walls around
    have in common (or at right angles to it), and corners are set where such lines meet.

    Parameters
    ----------
    part : array, shape (ny, nx)
        0 outside, else the number of the part.
    grid : Grid
        Place of `part`. Lines on its outer edge stay there.

    Returns
    -------
    polygons : array, shape (n,)
        Map coordinates; holes kept.
    number : array, shape (n,)
        The part of each; a part may have several polygons, and very small ones none.

    References
    ----------
    Comaniciu & Meer (2002), Mean shift, IEEE PAMI 24(5), 603-619: how directions are brought together.

    Examples
    --------
    >>> from twin.core.grid import Grid
    >>> part = np.zeros((20, 20), np.int32)
    >>> part[5:15, 4:12] = 1
    >>> polygons, number = outline_parts(part, Grid(0.0, 10.0, 0.5, 20, 20))
    >>> [round(p.area, 2) for p in polygons], number
    ([20.0], array([1], dtype=int32))
    """
    nodes, edges = _cell_edges(part)
    if not len(edges):
        return np.empty(0, dtype=object), np.empty(0, dtype=np.int32)
    on_rim = (nodes == 0).any(axis=1) | (nodes == [part.shape[1], part.shape[0]]).any(axis=1)
    corners, walls, middle, angle, length = _straightened(nodes, edges, on_rim)
    rim_wall = on_rim[corners[walls]].all(axis=1)
    angle = np.where(rim_wall, angle, _agreed(middle * grid.cell_size_m, angle, length * grid.cell_size_m))
    start, rim = nodes[corners].astype(np.float64), on_rim[corners]
    kept = _mend_corners(start, walls, angle, length, rim)
    placed = _placed(start, walls[kept], middle[kept], angle[kept], length[kept])
    placed[rim] = start[rim]
    return _faces(placed, walls[kept], part, grid)


def _mend_corners(
    corners: NDArray[np.float64],
    walls: NDArray[np.int64],
    angle: NDArray[np.float64],
    length: NDArray[np.float64],
    on_rim: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which walls stay: short ones that cut a corner between two long ones, square to each other, are taken out.

    Both ends of such a wall become one corner (in place), to be set where the long walls meet.
    """
    kept = np.ones(len(walls), dtype=bool)
    degree = np.bincount(walls.ravel(), minlength=len(corners))
    at: list[list[int]] = [[] for _ in range(len(corners))]
    for w, (a, b) in enumerate(walls.tolist()):
        at[a].append(w)
        at[b].append(w)
    short = np.flatnonzero(length <= LONGEST_CUT_CELLS)
    for w in short[np.argsort(length[short], kind="stable")].tolist():
        a, b = walls[w].tolist()
        if a == b or (degree[[a, b]] != 2).any() or on_rim[[a, b]].any():
            continue
        (one,), (two,) = ([v for v in at[end] if v != w] for end in (a, b))
        long = min(length[one], length[two]) > LONGEST_CUT_CELLS
        if one == two or not long:
            continue
        if abs(np.sin(angle[one] - angle[two])) < SQUARE_SINE:
            continue
        kept[w] = False
        corners[a] = (corners[a] + corners[b]) / 2
        walls[two] = np.where(walls[two] == b, a, walls[two])
        at[a] = [one, two]
    return kept


def _cell_edges(part: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sides of cells between different parts as a graph over cell corners, given as column and row."""
    nx = part.shape[1]
    framed = np.pad(part, 1)
    upright = np.argwhere(framed[1:-1, :-1] != framed[1:-1, 1:])
    level = np.argwhere(framed[:-1, 1:-1] != framed[1:, 1:-1])
    down, right = np.array([1, 0]), np.array([0, 1])
    ends = np.concatenate(
        [np.stack([upright, upright + down], axis=1), np.stack([level, level + right], axis=1)]
    )
    key, index = np.unique(ends[..., 0] * (nx + 1) + ends[..., 1], return_inverse=True)
    return np.column_stack([key % (nx + 1), key // (nx + 1)]), index.reshape(-1, 2)


def _straightened(
    nodes: NDArray[np.int64], edges: NDArray[np.int64], on_rim: NDArray[np.bool_]
) -> tuple[
    NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]
]:
    """Corners (as nodes), walls (over corners), and the middle, angle and length of each wall's line."""
    fixed = on_rim | (np.bincount(edges.ravel(), minlength=len(nodes)) != 2)
    chain, starts = trace_chains(edges, fixed)
    _turn_rings(nodes, fixed, chain, starts)
    xy = nodes[chain].astype(np.float64)
    kept = np.flatnonzero(thin_chains(xy, starts, LINE_TOLERANCE_CELLS))
    first, last = kept[:-1], kept[1:]
    within = np.searchsorted(starts, first, side="right") == np.searchsorted(starts, last, side="right")
    first, last = first[within], last[within]
    middle, angle = _lines(xy, first, last)
    corners, walls = np.unique(np.column_stack([chain[first], chain[last]]), return_inverse=True)
    length = np.hypot(*(xy[last] - xy[first]).T)
    return corners, walls.reshape(-1, 2), middle, angle, length


@numba.njit(cache=True, nogil=True)
def _turn_rings(
    nodes: NDArray[np.int64], fixed: NDArray[np.bool_], chain: NDArray[np.int64], starts: NDArray[np.int64]
) -> None:
    """Let rings begin at their point farthest from the middle, which is a corner, not amid a wall."""
    for c in range(len(starts) - 1):
        a, n = starts[c], starts[c + 1] - starts[c] - 1
        if fixed[chain[a]] or chain[a] != chain[a + n]:
            continue
        ring = chain[a : a + n].copy()
        x, y = 0.0, 0.0
        for v in ring:
            x += nodes[v, 0] / n
            y += nodes[v, 1] / n
        far, at = -1.0, 0
        for k in range(n):
            d = (nodes[ring[k], 0] - x) ** 2 + (nodes[ring[k], 1] - y) ** 2
            if d > far:
                far, at = d, k
        for k in range(n + 1):
            chain[a + k] = ring[(at + k) % n]


def _lines(
    xy: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middle and angle of the line through the middles of the cell sides from one point of a chain to another."""
    half = (xy[:-1] + xy[1:]) / 2
    centre = half.mean(axis=0)
    x, y = (half - centre).T
    # Sums over stretches are differences of running sums; coordinates from a near centre keep them exact enough.
    running = np.cumsum(np.column_stack([x, y, x * x, x * y, y * y]), axis=0)
    running = np.concatenate([np.zeros((1, 5)), running])
    n = last - first
    mean_x, mean_y, xx, xy_, yy = ((running[last] - running[first]) / n[:, None]).T
    fitted = 0.5 * np.arctan2(2 * (xy_ - mean_x * mean_y), (xx - mean_x**2) - (yy - mean_y**2))
    run, rise = (xy[last] - xy[first]).T
    angle = np.where(n >= FEWEST_SIDES, fitted, np.arctan2(rise, run))
    return np.column_stack([mean_x, mean_y]) + centre, angle


def _agreed(
    middle: NDArray[np.float64], angle: NDArray[np.float64], length: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Each wall's angle moved to where the angles of the walls around are densest, modulo a right angle."""
    pairs = cKDTree(middle).query_pairs(NEIGHBOURHOOD_M, output_type="ndarray").astype(np.int64)
    own = np.arange(len(middle))
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    here = np.concatenate([pairs[order, 0], pairs[order, 1], own])
    there = np.concatenate([pairs[order, 1], pairs[order, 0], own])
    voice = np.minimum(length, LONGEST_VOICE_M)[there]
    at = angle.copy()
    for _ in range(DIRECTION_ROUNDS):
        turn = _within_quarter(angle[there] - at[here])
        weight = voice * np.exp(-((turn / np.radians(SAME_DIRECTION_DEG)) ** 2))
        at = at + np.bincount(here, weight * turn) / np.bincount(here, weight)
    return at


def _within_quarter(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles modulo a right angle, the nearest to 0."""
    quarter = np.pi / 2
    return angle - quarter * np.rint(angle / quarter)


def _placed(
    corners: NDArray[np.float64],
    walls: NDArray[np.int64],
    middle: NDArray[np.float64],
    angle: NDArray[np.float64],
    length: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Corners where their walls' lines meet best, in the least-squares sense, and not far from where they were."""
    normal = np.column_stack([-np.sin(angle), np.cos(angle)])
    end, wall = walls.T.ravel(), np.tile(np.arange(len(walls)), 2)
    n, m = normal[wall], middle[wall] - corners[end]
    weight = np.minimum(length, 10.0)[wall]
    along = (n * m).sum(axis=1)
    count = len(corners)
    axx = np.bincount(end, weight * n[:, 0] ** 2, count) + STAY_M
    axy = np.bincount(end, weight * n[:, 0] * n[:, 1], count)
    ayy = np.bincount(end, weight * n[:, 1] ** 2, count) + STAY_M
    bx, by = (np.bincount(end, weight * along * n[:, k], count) for k in (0, 1))
    det = axx * ayy - axy * axy
    move = np.column_stack([(ayy * bx - axy * by) / det, (axx * by - axy * bx) / det])
    far = np.hypot(*move.T) > FARTHEST_MOVE_CELLS
    move[far] = 0.0
    return corners + move


def _faces(
    corners: NDArray[np.float64], walls: NDArray[np.int64], part: NDArray[np.int32], grid: Grid
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """The cells that the walls enclose, each with the part that lies within."""
    lines = shapely.node(shapely.multilinestrings(np.round(corners, 3)[walls]))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inside = shapely.get_coordinates(shapely.point_on_surface(faces))
    col, row = (np.clip(inside[:, k].astype(np.int64), 0, part.shape[1 - k] - 1) for k in (0, 1))
    number = part[row, col]
    faces, number = faces[number > 0], number[number > 0]
    size = grid.cell_size_m
    to_map = shapely.transform(faces, lambda uv: uv * [size, -size] + [grid.x_min, grid.y_max])
    to_map = shapely.coverage_simplify(to_map, STRAIGHT_M)
    order = np.lexsort((*shapely.bounds(to_map).T, number))
    return shapely.normalize(to_map[order]), number[order]
