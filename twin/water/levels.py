"""A flood up to a level: filled from river, sea or a point, in the time of a slider's move. A preview."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import UsageError
from twin.core.notices import Notices
from twin.water.filling import fill_level
from twin.water.flood import UNTIMED, WET_M, Flood, StepArrays, flood_of
from twin.water.ground import Site, site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.core.grid import Grid

LEAST_LEVEL_M, GREATEST_LEVEL_M = -500.0, 9000.0
"""No ground of the earth is lower or higher."""


def level(
    city: City,
    *,
    eta_m: float | Sequence[tuple[float, float, float]],
    source: tuple[float, float] | None = None,
    name: str = "level",
    ground: Site | None = None,
    cell_size_m: float | None = None,
    notices: Notices | None = None,
) -> Flood:
    """Standing water up to a level, where it is connected to its source.

    A preview, and labelled so: it knows no time, no volume and no current. Buildings do not hold it back. Kept in the
    city by `store_flood`.

    Parameters
    ----------
    city : City
    eta_m : float or sequence of (easting, northing, level)
        Elevation of the water's surface, m, in the city's vertical datum; or the levels of several gauges in the order
        in which the river passes them, between which the surface slopes evenly.
    source : tuple of float, optional
        Easting and northing of a point that the water comes from; the city's rivers, canals and sea if not given.
    name : str
        Of the flood.
    ground : Site, optional
        From `site`, for many levels over the same ground; then `cell_size_m` is not used.
    cell_size_m : float, optional
        Side of the cells, m; those of the city's terrain if not given.
    notices : Notices, optional
        Is told where nothing becomes wet, and why.

    Raises
    ------
    UsageError
        If a level is none, the point lies outside the city, or no source is known.

    Examples
    --------
    >>> import twin
    >>> city = twin.open_city("town.twin")  # doctest: +SKIP
    >>> flood = twin.water.level(city, eta_m=2.4)  # doctest: +SKIP
    """
    told = Notices() if notices is None else notices
    check_level(eta_m)
    here = site(city, cell_size_m=cell_size_m, notices=told) if ground is None else ground
    eta = _surface(eta_m, here.grid)
    seeds = _seeds(city, here, source)
    depth = fill_level(here.bed_m, eta, seeds)
    outside = ~np.isfinite(here.bed_m)
    _tell_dry(depth, eta, here, seeds, told)
    depth[outside] = np.nan
    attributes: dict[str, Any] = {
        "eta_m": eta_m if isinstance(eta_m, int | float) else [list(map(float, g)) for g in eta_m],
        "source": None if source is None else list(map(float, source)),
    }
    times = np.array([UNTIMED])
    return flood_of(
        name, here.grid, times, here.bed_m, StepArrays(depth[None]),
        kind="level", is_preview=True, attributes=attributes,
    )  # fmt: skip


def check_level(eta_m: Any) -> None:
    """Refuse a level that cannot be meant.

    Raises
    ------
    UsageError
        If it is no number, no row of gauges, or not of this earth.
    """
    if isinstance(eta_m, int | float):
        levels = np.array([eta_m], np.float64)
    else:
        gauges = np.asarray(eta_m, np.float64)
        if gauges.ndim != 2 or gauges.shape[1] != 3 or len(gauges) < 2 or not np.isfinite(gauges).all():
            raise UsageError(
                "eta_m", "is no level and no row of gauges", "give metres, or (x, y, level) of two or more"
            )
        levels = gauges[:, 2]
    wrong = ~((levels >= LEAST_LEVEL_M) & (levels <= GREATEST_LEVEL_M))
    if wrong.any():
        raise UsageError(
            "--eta", f"a level of {levels[wrong][0]:g} m", "give metres in the city's vertical datum"
        )


def _surface(eta_m: Any, grid: Grid) -> float | NDArray[np.float64]:
    """The level everywhere, or interpolated along the line from gauge to gauge."""
    if isinstance(eta_m, int | float):
        return float(eta_m)
    import shapely

    gauges = np.asarray(eta_m, np.float64)
    line = shapely.LineString(gauges[:, :2])
    if line.length == 0:
        raise UsageError("eta_m", "all gauges stand at one place", "give their places")
    steps = np.hypot(*np.diff(gauges[:, :2], axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    x, y = np.meshgrid(grid.x_centres, grid.y_centres)
    nearest = shapely.line_locate_point(line, shapely.points(x.ravel(), y.ravel()))
    return np.interp(nearest, along, gauges[:, 2]).reshape(grid.shape)


def _seeds(city: City, here: Site, source: tuple[float, float] | None) -> NDArray[Any]:
    if source is not None:
        return np.array([cell_of(here.grid, source)])
    if not here.is_source.any():
        raise UsageError(
            city.path,
            "has no river, canal or sea that water could come from",
            "say where from with --source X,Y",
        )
    return here.is_source


def cell_of(grid: Grid, point: tuple[float, float], *, where: str = "--source") -> tuple[int, int]:
    """Row and column of a point.

    Raises
    ------
    UsageError
        If it lies outside the grid.
    """
    x, y = float(point[0]), float(point[1])
    if np.isfinite([x, y]).all():
        row, col = (int(v[0]) for v in grid.rows_cols(np.array([x]), np.array([y])))
        if 0 <= row < grid.ny and 0 <= col < grid.nx:
            return row, col
    b = grid.bounds
    extent = f"{b.x_min:.0f} to {b.x_max:.0f}, {b.y_min:.0f} to {b.y_max:.0f}"
    raise UsageError(where, f"{x:g},{y:g} lies outside the city ({extent})", "give a point of it in its CRS")


def _tell_dry(
    depth: NDArray[np.float32],
    eta: float | NDArray[np.float64],
    here: Site,
    seeds: NDArray[Any],
    notices: Notices,
) -> None:
    if (depth >= WET_M).any():
        return
    beds = here.bed_m[seeds] if seeds.dtype == np.bool_ else here.bed_m[tuple(seeds.T)]
    beds = beds[np.isfinite(beds)]
    lowest = f"{float(beds.min()):.2f} m" if beds.size else "without terrain"
    top = float(np.max(eta))
    notices.add(
        "dry-level",
        f"nothing becomes wet: where the water comes from lies at {lowest}, the level at {top:g} m",
    )
