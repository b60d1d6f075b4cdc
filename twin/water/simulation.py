"""A flood of a city computed over time: its ground prepared, rain, rivers and tide applied, the result a flood."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from twin.core.crs import parse_crs
from twin.core.errors import UsageError
from twin.core.limits import check_limit, limits
from twin.core.notices import Notices
from twin.water.computed import flood_of_solution
from twin.water.driving import driving, rain_on
from twin.water.filling import fill_level
from twin.water.ground import (
    USUAL_CELL_M,
    Site,
    buildings_of,
    cover_of,
    roof_rain,
    site,
    site_grid,
    unsurveyed,
    with_mouths,
)
from twin.water.levels import cell_of
from twin.water.model import GreenAmpt
from twin.water.rain_rasters import RainRasters
from twin.water.request import Request
from twin.water.solver import solve
from twin.water.surfaces import surface_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.core.grid import Bounds
    from twin.core.progress import Progress
    from twin.water.driving import Gauge
    from twin.water.flood import Flood
    from twin.water.model import Solution
    from twin.water.request import Places, Value

RAISED_M = 5.0
"""Buildings that are raised stand this much above their ground."""
_ALL = slice(None)
_SIDES: dict[str, Any] = {"west": (_ALL, 0), "east": (_ALL, -1), "north": (0, _ALL), "south": (-1, _ALL)}
"""The cells along each side."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that `solve` is asked, prepared from a city.

    Parameters
    ----------
    ground : Site
    z : array, shape (ny, nx)
        Bed with buildings; ``+inf`` where water cannot enter.
    arguments : dict
        For `twin.water.solve`, beside `z`.
    start : datetime64[s]
        The moment of 0 s.
    parameters : dict
        What was asked for, in plain values.
    files : tuple of Path
        Tables and rasters that were read.
    """

    ground: Site
    z: NDArray[np.float64]
    arguments: dict[str, Any]
    start: np.datetime64
    parameters: dict[str, Any] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


def simulate(
    city: City,
    *,
    hours: float,
    rain: Value | str | Path | None = None,
    inflow: Places | str | Path | None = None,
    tide: Value | Places | str | Path | None = None,
    method: Literal["fast", "accurate"] = "fast",
    name: str = "simulation",
    start: np.datetime64 | str | None = None,
    after: Flood | None = None,
    cell_size_m: float | None = None,
    bounds: Bounds | None = None,
    buildings: Literal["blocked", "raised"] = "blocked",
    edges: Literal["open", "closed"] = "open",
    infiltration_mm_h: float = 0.0,
    output_every_s: float | None = None,
    manning_n: float | None = None,
    cfl: float | None = None,
    suction_m: float = 0.0,
    deficit: float = 0.0,
    threads: int | None = None,
    progress: Progress | None = None,
    notices: Notices | None = None,
) -> Flood:
    """A flood by rain, rivers and tide, computed over the terrain of a city.

    Parameters
    ----------
    city : City
    hours : float
        How long.
    rain : float, callable, Series or path, optional
        mm/h; each value of a table, or raster of a NetCDF file or a folder of GeoTIFFs, holds until the next. Rain on
        roofs falls on the ground beside them.
    inflow : sequence of (easting, northing, m3/s) or path, optional
        Water that comes in at points, or is taken out where negative; m3/s may be a callable of seconds. Joined by
        lines in a table.
    tide : float, callable, Series, sequence of (easting, northing, level) or path, optional
        Level of the water, m, where the city's rivers and sea leave the terrain; of several gauges, that of the one
        nearest to where they do.
    method : {"fast", "accurate"}
        As in `twin.water.solve`.
    name : str
        Of the flood.
    start : datetime64 or str, optional
        UTC; the first moment of the tables if not given.
    after : Flood, optional
        To go on from its end; on the same cells.
    cell_size_m : float, optional
        Side of the cells, m; 1 m, or those of the city's terrain if they are larger.
    bounds : Bounds, optional
        Part of the city.
    buildings : {"blocked", "raised"}
        Whether water cannot enter them, or they stand 5 m above their ground.
    edges : {"open", "closed"}
        What the edges of the terrain do where no tide holds the level.
    infiltration_mm_h : float
        What unsealed ground takes; sealed is what roads, squares, waters and roofs cover.
    suction_m, deficit : float
        Suction at the wetting front and part of the soil's volume that can still fill: then `infiltration_mm_h` is
        the rate of wet soil, and dry soil takes more (Green & Ampt 1911).
    output_every_s : float, optional
        Time between the moments that are kept; a 24th of the whole if not given.
    manning_n : float, optional
        One roughness for all ground, s/m^(1/3), instead of that of the map.
    cfl : float, optional
        Part of the longest stable step, as in `twin.water.solve`.
    threads : int, optional
        As many as cores if not given; without influence on the result.
    progress : Progress, optional
    notices : Notices, optional
        Is told what was assumed, and where `fast` left its validity.

    Raises
    ------
    UsageError
        If an argument cannot be meant; before any work.
    InputError
        If a table is damaged.
    UnstableError
        If no step leads on; `flood_of_solution` makes a flood of what its `result` holds.

    Examples
    --------
    >>> import twin
    >>> city = twin.open_city("town.twin")  # doctest: +SKIP
    >>> flood = twin.water.simulate(city, rain=60.0, hours=1.0)  # doctest: +SKIP
    """
    told = Notices() if notices is None else notices
    request = Request(
        hours, rain, inflow, tide, method, start, after, cell_size_m, bounds, buildings, edges,
        infiltration_mm_h, output_every_s, manning_n, cfl, suction_m, deficit,
    )  # fmt: skip
    setup = prepare(city, request, notices=told)
    return flood_of_solution(setup, run(setup, threads=threads, progress=progress, notices=told), name=name)


def run(
    setup: Setup, *, threads: int | None = None, progress: Progress | None = None, notices: Notices
) -> Solution:
    """Compute what was prepared.

    Raises
    ------
    UnstableError
        If no step leads on.
    """
    solution = solve(setup.z, threads=threads, progress=progress, **setup.arguments)
    for message in solution.notices:
        if not message.startswith(
            "rain_mm_h"
        ):  # roofs lead theirs to single cells; the rain itself is judged before
            notices.add("water", message)
    return solution


def prepare(city: City, request: Request, *, notices: Notices) -> Setup:
    """The question that `simulate` puts to the solver.

    Raises
    ------
    UsageError, InputError, LimitError
        As in `simulate`.
    """
    driven = driving(request, notices)
    cell_size_m = request.cell_size_m or max(USUAL_CELL_M, site_grid(city, None, None).cell_size_m)
    ground = site(city, cell_size_m=cell_size_m, bounds=request.bounds, notices=notices)
    if driven.gauges:
        ground = with_mouths(ground, unsurveyed(city, ground.grid), notices)
    z, share = _bed(ground, buildings_of(city, ground.grid), request.buildings)
    cover = cover_of(city, ground)
    sides = _sides(z, ground, driven.gauges, request.edges)
    springs = [(*cell_of(ground.grid, (x, y), where="--inflow"), q) for x, y, q in driven.inflow]
    crs = parse_crs(city.manifest.crs_wkt, where="twin.json")
    arguments: dict[str, Any] = {
        "cell_size_m": ground.grid.cell_size_m,
        "method": request.method,
        "n": cover.manning_n if request.manning_n is None else float(request.manning_n),
        "rain_mm_h": rain_on(driven.rain, share, ground.grid, crs=crs, notices=notices),
        "sources": springs,
        "boundary": sides,
        "duration_s": request.hours * 3600.0,
        "output_times_s": _output_times(request, ground, city),
        "dtype": "float32" if request.method == "fast" else "float64",
        "cfl": request.cfl,
        "extremes_every_s": max(1.0, request.every_s / 20),
        **_initial(z, ground, sides, request.after),
    }
    if request.infiltration_mm_h > 0:
        arguments["infiltration"] = _soil(request, cover.is_sealed | ~np.isfinite(z), notices)
    parameters = {
        **request.as_json(),
        "cell_size_m": ground.grid.cell_size_m,
        "roughness": surface_table().source if request.manning_n is None else float(request.manning_n),
    }
    return Setup(ground, z, arguments, driven.start, parameters, _files(request, driven.rain))


def _files(request: Request, rain: Any) -> tuple[Path, ...]:
    """Every file that was read, each once."""
    given = [Path(v) for v in (request.inflow, request.rain, request.tide) if isinstance(v, str | Path)]
    rasters = [step.path for step in rain.steps] if isinstance(rain, RainRasters) else []
    return tuple(dict.fromkeys(p for p in [*given, *rasters] if p.is_file()))


def _soil(request: Request, is_sealed: NDArray[np.bool_], notices: Notices) -> GreenAmpt:
    """What the ground takes, mm/h, at a steady rate or after Green and Ampt, as wet as the flood before left it."""
    rate = np.where(is_sealed, 0.0, float(request.infiltration_mm_h))
    before = None if request.after is None else request.after.infiltrated_m
    if request.after is not None and before is None and request.suction_m > 0:
        notices.add("dry-soil", f"{request.after.name} tells nothing of its soil; it begins dry")
    taken = 0.0 if before is None else np.nan_to_num(before).astype(np.float64)
    return GreenAmpt(rate, float(request.suction_m), float(request.deficit), taken)


def _bed(
    ground: Site, is_building: NDArray[np.bool_], buildings: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bed with buildings, and how many cells' rain falls on each cell."""
    z = ground.bed_m.astype(np.float64)
    z[np.isnan(z)] = np.inf
    if buildings == "raised":
        z[is_building] += RAISED_M
        return z, np.isfinite(z).astype(np.float64)
    roofs = is_building & np.isfinite(z)
    z[is_building] = np.inf
    return z, roof_rain(roofs, np.isfinite(z))


def _sides(z: NDArray[np.float64], ground: Site, gauges: tuple[Gauge, ...], edges: str) -> Any:
    """What holds at the four sides; a side that the tide holds is closed beside the water (`z` becomes a wall there).

    The other sides are as `edges` says.
    """
    if not gauges:
        return edges
    sides: dict[str, Any] = dict.fromkeys(_SIDES, edges)
    for side, place in _SIDES.items():
        mouth = ground.is_source[place] & np.isfinite(z[place])
        if mouth.any():
            z[place] = np.where(mouth, z[place], np.inf)
            sides[side] = _nearest(gauges, ground, side, mouth).level
    if all(isinstance(v, str) for v in sides.values()):
        raise UsageError("--tide", "no river and no sea reaches the edge of the terrain", "leave it out")
    return sides


def _nearest(gauges: tuple[Gauge, ...], ground: Site, side: str, mouth: NDArray[np.bool_]) -> Gauge:
    """The gauge nearest to where water crosses a side; one level holds along each."""
    x, y = (a[_SIDES[side]][mouth].mean() for a in np.meshgrid(ground.grid.x_centres, ground.grid.y_centres))
    return min(gauges, key=lambda g: 0.0 if g.place is None else np.hypot(g.place[0] - x, g.place[1] - y))


def _initial(z: NDArray[np.float64], ground: Site, sides: Any, after: Flood | None) -> dict[str, Any]:
    """Depth and discharge at the start: the end of another flood, or water up to the first levels of the sides."""
    if after is not None:
        return _continued(z, ground, after)
    if isinstance(sides, str):
        return {}
    depth = np.zeros(z.shape)
    for side, held in sides.items():
        if isinstance(held, str):
            continue
        seeds = np.zeros(z.shape, bool)
        seeds[_SIDES[side]] = np.isfinite(z[_SIDES[side]])
        level = float(held(0.0)) if callable(held) else float(held)
        depth = np.maximum(depth, fill_level(z, level, seeds))
    return {"h0": depth}


def _continued(z: NDArray[np.float64], ground: Site, after: Flood) -> dict[str, Any]:
    if after.grid != ground.grid:
        raise UsageError("--after", f"{after.name} lies on other cells ({after.grid})", "use its --cell-size")
    open_cells = np.isfinite(z)
    h = np.where(open_cells, np.nan_to_num(after.depth_m(after.n_steps - 1)), 0.0).astype(np.float64)
    flow = after.velocity(after.n_steps - 1)
    if flow is None:
        return {"h0": h}
    qx, qy = (np.where(open_cells, np.nan_to_num(w), 0.0) * h for w in flow)
    return {"h0": h, "qx0": qx, "qy0": qy}


def _output_times(request: Request, ground: Site, city: City) -> list[float]:
    duration_s, every_s = request.hours * 3600.0, request.every_s
    n = int(np.ceil(duration_s / every_s - 1e-9))
    cells = 3 * (n + 1) * ground.grid.nx * ground.grid.ny
    check_limit(city.path, "cells over time", cells, limits().max_raster_cells, name="max_raster_cells")
    # Moments are kept as whole seconds, so the last but one keeps its distance from the end.
    return [0.0, *(t for t in every_s * np.arange(1, n) if t <= duration_s - 1.0), duration_s]
