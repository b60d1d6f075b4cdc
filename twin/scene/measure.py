"""Lengths, heights, areas and volumes in a city, as plain numbers; map coordinates and metres throughout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.core.errors import UsageError
from twin.core.grid import Grid, sample_bilinear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.energy.standing import Surroundings


@dataclass(frozen=True, slots=True)
class Ground:
    """Heights on a grid, and how to ask for them between its cells.

    Parameters
    ----------
    grid : Grid
    z : array of float32, shape (ny, nx)
        Elevation, metres; NaN without data.
    """

    grid: Grid
    z: NDArray[np.float32]

    def at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Elevation at points of shape (n, 2 or more); NaN outside."""
        x, y = np.asarray(xy, np.float64)[:, :2].T
        b = self.grid.bounds
        inside = (x >= b.x_min) & (x <= b.x_max) & (y >= b.y_min) & (y <= b.y_max)
        return np.where(inside, sample_bilinear(self.z, self.grid, x, y), np.nan)


@dataclass(frozen=True, slots=True)
class Length:
    """How long a line of points is, metres.

    Parameters
    ----------
    space_m : float
        From point to point as the crow flies.
    plan_m : float
        On the map.
    terrain_m : float or None
        Along the ground, up and down; None without terrain under all of it.
    """

    space_m: float
    plan_m: float
    terrain_m: float | None


@dataclass(frozen=True, slots=True)
class Area:
    """Size of an area, square metres.

    Parameters
    ----------
    plan_m2 : float
        On the map.
    surface_m2 : float or None
        Of the ground in it, slopes counted; None where it lies outside the terrain in part.
    """

    plan_m2: float
    surface_m2: float | None


@dataclass(frozen=True, slots=True)
class Volume:
    """What lies between a surface and a level within an area, cubic metres.

    Parameters
    ----------
    above_m3, below_m3 : float
        Of the surface above the level, to be cut; and of the hollow below it, to be filled.
    """

    above_m3: float
    below_m3: float


def length(points: NDArray[np.floating], ground: Ground | None = None) -> Length:
    """Length of a line through points.

    Parameters
    ----------
    points : array, shape (n, 3)
        At least two.
    ground : Ground, optional
        For the length along it.

    Examples
    --------
    >>> length(np.array([[0.0, 0, 0], [3, 4, 0], [3, 4, 12]]))
    Length(space_m=17.0, plan_m=5.0, terrain_m=None)
    """
    points = _points(points, 3)
    step = np.diff(points, axis=0)
    plan = float(np.hypot(step[:, 0], step[:, 1]).sum())
    return Length(float(np.linalg.norm(step, axis=1).sum()), plan, _along(points, ground) if ground else None)


def _along(points: NDArray[np.float64], ground: Ground) -> float | None:
    xy, along = walk(points[:, :2], ground.grid.cell_size_m / 2)
    z = ground.at(xy)
    if not np.isfinite(z).all():
        return None
    return float(np.hypot(np.diff(along), np.diff(z)).sum())


def walk(line: NDArray[np.floating], step_m: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places along a line at most `step_m` apart, its corners among them, and the way to each.

    Parameters
    ----------
    line : array, shape (n, 2)

    Returns
    -------
    xy : array, shape (k, 2)
    along_m : array, shape (k,)

    Examples
    --------
    >>> walk(np.array([[0.0, 0], [4, 0]]), 2.0)[1].tolist()
    [0.0, 2.0, 4.0]
    """
    line = _points(line, 2)
    legs = np.hypot(*np.diff(line, axis=0).T)
    count = np.maximum(np.ceil(legs / step_m - 1e-9).astype(np.int64), 1)
    leg = np.repeat(np.arange(len(legs)), count)
    share = (np.arange(len(leg)) - np.repeat(np.cumsum(count) - count, count)) / count[leg]
    xy = line[leg] + share[:, None] * (line[leg + 1] - line[leg])
    along = (np.cumsum(legs) - legs)[leg] + share * legs[leg]
    return np.concatenate([xy, line[-1:]]), np.append(along, legs.sum())


def _points(points: NDArray[np.floating], n_columns: int) -> NDArray[np.float64]:
    array = np.asarray(points, np.float64)
    if array.ndim != 2 or array.shape[0] < 2 or array.shape[1] < n_columns or not np.isfinite(array).all():
        raise UsageError("points", f"of shape {array.shape} are no line", "give two or more finite points")
    return array


def height_above_ground(point: NDArray[np.floating], ground: Ground) -> float:
    """Height of a point above the ground below it, metres; NaN outside the terrain."""
    place = np.asarray(point, np.float64)
    return float(place[2] - ground.at(place[None])[0])


def area(polygon: Any, ground: Ground | None = None) -> Area:
    """Size of an area on the map, and of the ground in it.

    Parameters
    ----------
    polygon : shapely Polygon, or array of shape (n, 2)
    ground : Ground, optional

    Examples
    --------
    >>> area(np.array([[0.0, 0], [4, 0], [4, 3], [0, 3]])).plan_m2
    12.0
    """
    shape = _polygon(polygon)
    if ground is None:
        return Area(float(shape.area), None)
    north, east = np.gradient(ground.z.astype(np.float64), ground.grid.cell_size_m)
    factor = np.sqrt(1 + north**2 + east**2)
    inside = _inside(shape, ground.grid)
    values = factor[inside]
    is_whole = len(values) > 0 and bool(np.isfinite(values).all()) and _within(shape, ground.grid)
    # The mean over cells times the exact plan: an area keeps its size however it lies in the cells.
    return Area(float(shape.area), float(values.mean() * shape.area) if is_whole else None)


def face_area(ring: NDArray[np.floating]) -> float:
    """Area of a flat ring of points in space, m2; points of shape (n, 3), after Newell.

    Examples
    --------
    >>> face_area(np.array([[0.0, 0, 0], [0, 4, 0], [0, 4, 3], [0, 0, 3]]))
    12.0
    """
    points = np.asarray(ring, np.float64) - ring[0]
    return float(np.linalg.norm(np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0)) / 2)


def volume(polygon: Any, level_m: float, ground: Ground) -> Volume:
    """What of a surface lies above and below a level within an area.

    Parameters
    ----------
    polygon : shapely Polygon, or array of shape (n, 2)
    level_m : float
        Elevation.
    ground : Ground
        Of the terrain, or of what is seen from above.

    Raises
    ------
    UsageError
        If the area holds no cell with data.
    """
    shape = _polygon(polygon)
    over = ground.z.astype(np.float64)[_inside(shape, ground.grid)] - level_m
    over = over[np.isfinite(over)]
    if not len(over):
        raise UsageError("area", "holds no cell of the terrain", "draw it inside the city, and larger")
    size = float(shape.area)
    return Volume(float(np.maximum(over, 0).mean() * size), float(np.maximum(-over, 0).mean() * size))


def solid_volume(triangles: NDArray[np.floating]) -> float:
    """Volume inside a closed mesh, m3; triangles of shape (m, 3, 3), counter-clockwise from outside."""
    corners = np.asarray(triangles, np.float64)
    a, b, c = (corners[:, k] - corners[0, 0] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def volume_of_buildings(table: Any, ids: Any) -> float:
    """Volume of chosen buildings together, m3, as the city's table knows it.

    Raises
    ------
    UsageError
        If one of them is not in the table.
    """
    wanted = list(ids)
    rows = table.set_index("id")["volume_m3"]
    unknown = [name for name in wanted if name not in rows.index]
    if unknown:
        raise UsageError("buildings", f"there is no {unknown[0]!r}", "take ids from the city's table")
    return float(rows.loc[wanted].fillna(0).sum())


def ground_of(around: Surroundings) -> Ground:
    """The bare ground of a city."""
    return Ground(around.grid, around.ground_m)


def _polygon(polygon: Any) -> Any:
    shape = (
        polygon if hasattr(polygon, "geom_type") else shapely.Polygon(np.asarray(polygon, np.float64)[:, :2])
    )
    if not shape.is_valid or shape.area <= 0:
        raise UsageError("area", "crosses itself or is empty", "draw its corners in order")
    return shape


def _inside(shape: Any, grid: Grid) -> NDArray[np.bool_]:
    """Cells whose middles lie in an area, shape (ny, nx)."""
    out = np.zeros(grid.shape, np.bool_)
    from twin.core.grid import Bounds

    box = Bounds(*shape.bounds)
    if not box.overlaps(grid.bounds):
        return out
    window = grid.window(box)
    part = grid.subgrid(window)
    x, y = np.meshgrid(part.x_centres, part.y_centres)
    shapely.prepare(shape)
    out[window] = shapely.contains_xy(shape, x, y)
    return out


def _within(shape: Any, grid: Grid) -> bool:
    b = grid.bounds
    x0, y0, x1, y1 = shape.bounds
    return bool(x0 >= b.x_min and y0 >= b.y_min and x1 <= b.x_max and y1 <= b.y_max)
