"""What can be seen from where: lines of sight, viewsheds, and how much of a view something new takes."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from twin.core.errors import UsageError
from twin.core.rays import TreeCaster, make_caster
from twin.core.tasks import default_workers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Grid
    from twin.energy.standing import Surroundings

EARTH_RADIUS_M = 6_371_000.0
REFRACTION = 0.13
"""Share of the Earth's curvature that the air bends light back by, as surveyors take it."""
EYE_M = 1.6
_CLEAR_M = 0.02
_ROWS = 32


@dataclass(frozen=True, slots=True)
class Sight:
    """Whether a place is seen from another.

    Parameters
    ----------
    visible : bool
    blocked_at : tuple of float or None
        Easting, northing and elevation of what is in the way.
    by : str
        Id of the building in the way, ``ground``, or ``other`` for bridges, masses and trees; empty where it is seen.
    distance_m : float
        From eye to target.
    """

    visible: bool
    blocked_at: tuple[float, float, float] | None
    by: str
    distance_m: float


@dataclass(frozen=True, slots=True)
class Viewshed:
    """What is seen from a place, cell by cell.

    Parameters
    ----------
    grid : Grid
    seen : array of uint8, shape (ny, nx)
        1 seen, 0 hidden, 255 without data or out of reach.
    eye : tuple of float
        Easting, northing, elevation.
    """

    grid: Grid
    seen: NDArray[np.uint8]
    eye: tuple[float, float, float]

    @property
    def seen_m2(self) -> float:
        """Area that is seen, m2."""
        return float((self.seen == 1).sum()) * self.grid.cell_size_m**2


@dataclass(frozen=True, slots=True)
class ViewLoss:
    """How much of a view something new takes.

    Parameters
    ----------
    taken : float
        Share of the field of view that the new thing fills, 0 to 1.
    sky_lost : float
        Share of the sky that was seen before and is not any more, 0 to 1; NaN where none was seen.
    """

    taken: float
    sky_lost: float


def line_of_sight(
    around: Surroundings, eye: tuple[float, float, float], target: tuple[float, float, float]
) -> Sight:
    """Whether a place is seen from another, and what is in the way.

    Parameters
    ----------
    around : Surroundings
    eye, target : tuple of float
        Easting, northing, elevation; the target may lie on a surface.

    Raises
    ------
    UsageError
        If the two are one.
    """
    a, b = (np.asarray(p, np.float64) - around.origin for p in (eye, target))
    distance = float(np.linalg.norm(b - a))
    if not distance > 0.01:
        raise UsageError("sight", "eye and target are one", "choose two places")
    number, far = TreeCaster(around.obstacles).nearest(a[None], (b - a)[None] / distance)
    if number[0] < 0 or far[0] >= distance - 0.05:
        return Sight(True, None, "", distance)
    x, y, z = (float(v) for v in a + (b - a) * (far[0] / distance) + around.origin)
    return Sight(False, (x, y, z), _name(around, int(number[0])), distance)


def _name(around: Surroundings, triangle: int) -> str:
    """What a triangle of the obstacles belongs to."""
    faces = around.buildings
    if triangle < len(faces.triangles):
        return around.building_ids[faces.owner[faces.face[triangle]]]
    return "other" if triangle < len(faces.triangles) + len(around.others) else "ground"


def viewshed(
    around: Surroundings,
    eye_xy: tuple[float, float],
    *,
    eye_height_m: float = EYE_M,
    target_height_m: float = 0.0,
    reach_m: float | None = None,
    curvature: bool = False,
) -> Viewshed:
    """What is seen from a place: every cell is asked along its own line over everything that stands there.

    Parameters
    ----------
    around : Surroundings
    eye_xy : tuple of float
        Easting and northing.
    eye_height_m : float
        Of the eye above what is there: the ground, or a roof.
    target_height_m : float
        Of what shall be seen, above what is there.
    reach_m : float, optional
        How far is looked; over all if not given.
    curvature : bool
        Whether the Earth's curve and the bending of light count: 7 cm at a kilometre, 1.7 m at five.

    Raises
    ------
    UsageError
        If the eye lies outside the city.
    """
    from twin.energy.standing import first_surface

    top = first_surface(around)
    return viewshed_on(
        top,
        around.grid,
        eye_xy,
        eye_height_m=eye_height_m,
        target_height_m=target_height_m,
        reach_m=reach_m,
        curvature=curvature,
    )


def viewshed_on(
    top: NDArray[np.float32],
    grid: Grid,
    eye_xy: tuple[float, float],
    *,
    eye_height_m: float = EYE_M,
    target_height_m: float = 0.0,
    reach_m: float | None = None,
    curvature: bool = False,
) -> Viewshed:
    """What is seen on a raster of heights; parameters as in `viewshed`, `top` of shape (ny, nx).

    Raises
    ------
    UsageError
        If the eye lies outside the raster, or where it has no data.

    References
    ----------
    Franklin & Ray (1994), Higher isn't necessarily better: visibility algorithms and experiments: algorithm R3.
    """
    row, column = (int(v[0]) for v in grid.rows_cols(np.array([eye_xy[0]]), np.array([eye_xy[1]])))
    if not (0 <= row < grid.ny and 0 <= column < grid.nx) or not math.isfinite(top[row, column]):
        raise UsageError(
            "eye", f"{eye_xy[0]:.1f}, {eye_xy[1]:.1f} lies outside the city", "choose a place in it"
        )
    z = np.where(np.isfinite(top), top, np.float32(-np.inf))
    eye_z = float(top[row, column]) + eye_height_m
    reach = float(reach_m) / grid.cell_size_m if reach_m is not None else float(grid.nx + grid.ny)
    curve = (1 - REFRACTION) / (2 * EARTH_RADIUS_M) * grid.cell_size_m**2 if curvature else 0.0
    seen = np.full(grid.shape, 255, np.uint8)

    def work(first: int) -> None:
        _look(z, row, column, eye_z, target_height_m, reach, curve, first, min(first + _ROWS, grid.ny), seen)

    with ThreadPoolExecutor(default_workers()) as pool:
        for _ in pool.map(work, range(0, grid.ny, _ROWS)):
            pass
    seen[~np.isfinite(top)] = 255
    return Viewshed(grid, seen, (float(eye_xy[0]), float(eye_xy[1]), eye_z))


@njit(cache=True, nogil=True)
def _look(z, row, column, eye_z, target, reach, curve, first, last, seen):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """For each cell of some rows, whether anything on the line from the eye rises above it."""
    nx = z.shape[1]
    for r in range(first, last):
        for c in range(nx):
            dr, dc = r - row, c - column
            far = np.sqrt(dr * dr + dc * dc)
            if far > reach:
                continue
            if far == 0:
                seen[r, c] = 1
                continue
            steps = max(abs(dr), abs(dc))
            unit = far / steps
            goal = (z[r, c] + target - curve * far * far - eye_z) / far
            hidden = False
            for k in range(1, steps):
                y, x = row + dr * k / steps, column + dc * k / steps
                i, j = int(np.floor(y)), int(np.floor(x))
                fy, fx = y - i, x - j
                # One of the two is whole: between neighbours across the line the height is interpolated.
                if fy > 1e-9:
                    height = z[i, j] * (1 - fy) + z[i + 1, j] * fy
                elif fx > 1e-9:
                    height = z[i, j] * (1 - fx) + z[i, j + 1] * fx
                else:
                    height = z[i, j]
                way = k * unit
                if height - curve * way * way - eye_z > goal * way + 0.005:
                    hidden = True
                    break
            seen[r, c] = 0 if hidden else 1


def write_viewshed(found: Viewshed, path: Any, *, crs: str, force: bool = False) -> None:
    """Write a viewshed: GeoTIFF with 1 seen and 0 hidden, or by suffix ``.parquet`` areas that are seen.

    Raises
    ------
    OutputExistsError
        If the file exists and `force` is false.
    UsageError
        If the suffix is neither.
    """
    from pathlib import Path

    from twin.core.crs import horizontal, parse_crs
    from twin.core.files import atomic_path
    from twin.sources.cog import write_geotiff

    target, system = Path(path), parse_crs(crs)
    if target.suffix.lower() not in {".tif", ".tiff", ".parquet"}:
        raise UsageError(target, "has no suffix of a viewshed", "write .tif or .parquet")
    with atomic_path(target, force=force) as temporary:
        if target.suffix.lower() == ".parquet":
            import geopandas as gpd

            frame = gpd.GeoDataFrame({"seen": [True]}, geometry=[seen_area(found)], crs=horizontal(system))
            frame.to_parquet(temporary)
        else:
            write_geotiff(temporary, found.seen, found.grid, crs=system, nodata=255)


def seen_area(found: Viewshed) -> Any:
    """The area that is seen, as a MultiPolygon along the borders of cells."""
    import shapely
    from rasterio.features import shapes
    from rasterio.transform import Affine

    g = found.grid
    place = Affine(g.cell_size_m, 0, g.x_min, 0, -g.cell_size_m, g.y_max)
    is_seen = found.seen == 1
    parts = [
        shapely.geometry.shape(part) for part, _ in shapes(is_seen.astype(np.uint8), is_seen, transform=place)
    ]
    return shapely.MultiPolygon(parts) if parts else shapely.MultiPolygon()


def view_loss(
    before: Surroundings,
    after: Surroundings,
    eyes: NDArray[np.floating],
    *,
    lowest_deg: float = -30.0,
    highest_deg: float = 60.0,
    n_rays: int = 8_000,
) -> list[ViewLoss]:
    """How much of the view all around from places something new takes.

    Parameters
    ----------
    before, after : Surroundings
        Without and with it.
    eyes : array, shape (n, 3)
        Easting, northing, elevation.
    lowest_deg, highest_deg : float
        Limits of the field of view; its rays stand evenly over the solid angle.

    Returns
    -------
    list of ViewLoss, one for each eye
    """
    old, new = make_caster(before.obstacles), make_caster(after.obstacles)
    rays = _band(lowest_deg, highest_deg, n_rays)
    found = []
    for eye in np.atleast_2d(np.asarray(eyes, np.float64)):
        a, b = (
            caster.distances(np.tile((eye - around.origin).astype(np.float32), (len(rays), 1)), rays)
            for caster, around in ((old, before), (new, after))
        )
        nearer = b + np.maximum(_CLEAR_M, 1e-4 * b) < a
        sky = np.isinf(a)
        lost = float(nearer[sky].mean()) if sky.any() else math.nan
        found.append(ViewLoss(float(nearer.mean()), lost))
    return found


def _band(lowest_deg: float, highest_deg: float, n: int) -> NDArray[np.float32]:
    """Directions spread evenly over a band of the sphere, a Fibonacci spiral; shape (n, 3)."""
    low, high = math.sin(math.radians(lowest_deg)), math.sin(math.radians(highest_deg))
    i = np.arange(n) + 0.5
    up = low + (high - low) * i / n
    level, angle = np.sqrt(1 - up**2), i * (np.pi * (3 - np.sqrt(5)))
    return np.column_stack([level * np.cos(angle), level * np.sin(angle), up]).astype(np.float32)
