"""A flood of a city computed over time: its ground prepared, rain, rivers and tide applied, the result a flood."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from twin.core.errors import UsageError
from twin.core.limits import check_limit, limits
from twin.core.notices import Notices
from twin.water.filling import fill_level
from twin.water.flood import UNTIMED, Flood, StepArrays, flood_of
from twin.water.ground import (
    Site,
    buildings_of,
    cover_of,
    roof_rain,
    site,
    site_grid,
    unsurveyed,
    with_mouths,
)
from twin.water.inputs import check_rain, odd_rain
from twin.water.levels import cell_of, check_level
from twin.water.series import Series, read_inflows, read_series
from twin.water.solver import solve
from twin.water.surfaces import surface_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.core.grid import Bounds
    from twin.core.progress import Progress
    from twin.water.model import Solution

    Value = float | Callable[[float], float]
    Inflows = Sequence[tuple[float, float, Value]]

RAISED_M = 5.0
"""Buildings that are raised stand this much above their ground."""
MAX_HOURS = 24.0 * 366
MAX_INFILTRATION_MM_H = 1e4
USUAL_CELL_M = 1.0
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
    files : dict of str to Path
        Tables that were read, by what they tell.
    """

    ground: Site
    z: NDArray[np.float64]
    arguments: dict[str, Any]
    start: np.datetime64
    parameters: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """What to compute; the fields are the arguments of `simulate` of the same names.

    Raises
    ------
    UsageError
        If a value cannot be meant.
    """

    hours: float
    rain: Value | str | Path | None = None
    inflow: Inflows | str | Path | None = None
    tide: Value | str | Path | None = None
    method: str = "fast"
    start: np.datetime64 | str | None = None
    after: Flood | None = None
    cell_size_m: float | None = None
    bounds: Bounds | None = None
    buildings: str = "blocked"
    edges: str = "open"
    infiltration_mm_h: float = 0.0
    output_every_s: float | None = None
    manning_n: float | None = None
    cfl: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.hours <= MAX_HOURS:
            raise UsageError("--hours", f"is {self.hours:g}", f"give more than 0, up to {MAX_HOURS:g}")
        choices = {
            "--method": (self.method, ("fast", "accurate")),
            "--buildings": (self.buildings, ("blocked", "raised")),
            "--edges": (self.edges, ("open", "closed")),
        }
        for option, (value, known) in choices.items():
            if value not in known:
                raise UsageError(option, f"is {value!r}", f"choose {' or '.join(known)}")
        if not 0 <= self.infiltration_mm_h <= MAX_INFILTRATION_MM_H:
            raise UsageError("--infiltration", f"is {self.infiltration_mm_h:g} mm/h", "give 0 or more")
        if self.output_every_s is not None and not self.output_every_s > 0:
            raise UsageError("--every", f"is {self.output_every_s:g} s", "give more than 0")
        if self.manning_n is not None and not 0 < self.manning_n <= 1:
            what = f"manning_n is {self.manning_n:g} s/m^(1/3)"
            raise UsageError(
                "--manning-n", what, "give more than 0, up to 1; streets have about 0.015, grass 0.05"
            )
        if self.cfl is not None and not 0 < self.cfl <= 1:
            raise UsageError("--cfl", f"is {self.cfl:g}", "give a Courant number above 0 and at most 1")
        if all(v is None for v in (self.rain, self.tide, self.after)) and not _is_given(self.inflow):
            raise UsageError("--rain", "there is no rain, no inflow and no tide", "give at least one of them")

    @property
    def every_s(self) -> float:
        """Time between the moments that are kept."""
        return float(self.output_every_s or self.hours * 3600.0 / 24)

    def as_json(self) -> dict[str, Any]:
        """The request in plain values, for provenance."""
        return {
            "hours": float(self.hours), "method": self.method, "buildings": self.buildings, "edges": self.edges,
            "infiltration_mm_h": float(self.infiltration_mm_h), "rain": _plain(self.rain),
            "tide": _plain(self.tide), "inflow": _plain(self.inflow),
            "after": None if self.after is None else self.after.name, "every_s": self.every_s,
        }  # fmt: skip


def _is_given(inflow: Any) -> bool:
    return isinstance(inflow, str | Path) or bool(inflow)


def simulate(
    city: City,
    *,
    hours: float,
    rain: Value | str | Path | None = None,
    inflow: Inflows | str | Path | None = None,
    tide: Value | str | Path | None = None,
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
        mm/h; a table holds each value until the next. Rain on roofs falls on the ground beside them.
    inflow : sequence of (easting, northing, m3/s) or path, optional
        Water that comes in at points; m3/s may be a callable of seconds. Joined by lines in a table.
    tide : float, callable, Series or path, optional
        Level of the water, m, where the city's rivers and sea leave the terrain.
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
        infiltration_mm_h, output_every_s, manning_n, cfl,
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
    forcing = _forcing(request, notices)
    cell_size_m = request.cell_size_m or max(USUAL_CELL_M, site_grid(city, None, None).cell_size_m)
    ground = site(city, cell_size_m=cell_size_m, bounds=request.bounds, notices=notices)
    if forcing.tide is not None:
        ground = with_mouths(ground, unsurveyed(city, ground.grid), notices)
    z, share = _bed(ground, buildings_of(city, ground.grid), request.buildings)
    cover = cover_of(city, ground)
    sides = _sides(z, ground, forcing.tide, request.edges)
    springs = [(*cell_of(ground.grid, (x, y), where="--inflow"), q) for x, y, q in forcing.inflow]
    arguments: dict[str, Any] = {
        "cell_size_m": ground.grid.cell_size_m,
        "method": request.method,
        "n": cover.manning_n if request.manning_n is None else float(request.manning_n),
        "rain_mm_h": _rain_on(forcing.rain, share),
        "sources": springs,
        "boundary": sides,
        "duration_s": request.hours * 3600.0,
        "output_times_s": _output_times(request, ground, city),
        "dtype": "float32" if request.method == "fast" else "float64",
        "cfl": request.cfl,
        "extremes_every_s": max(1.0, request.every_s / 20),
        **_initial(z, ground, forcing.tide, sides, request.after),
    }
    if request.infiltration_mm_h > 0:
        is_dry = cover.is_sealed | ~np.isfinite(z)
        arguments["infiltration"] = np.where(is_dry, 0.0, float(request.infiltration_mm_h))
    parameters = {
        **request.as_json(),
        "cell_size_m": ground.grid.cell_size_m,
        "roughness": surface_table().source if request.manning_n is None else float(request.manning_n),
    }
    tables = {"rain": request.rain, "inflow": request.inflow, "tide": request.tide}
    files = {k: Path(v) for k, v in tables.items() if isinstance(v, str | Path)}
    return Setup(ground, z, arguments, forcing.start, parameters, files)


@dataclass(frozen=True, slots=True)
class _Forcing:
    """Rain, inflow and tide as functions of seconds after one start."""

    rain: Any
    inflow: list[tuple[float, float, Any]]
    tide: Any
    start: np.datetime64


def _forcing(request: Request, notices: Notices) -> _Forcing:
    rain, tide = _read(request.rain, "steps", notices), _read(request.tide, "lines", notices)
    if isinstance(request.inflow, str | Path):
        inflow: list[Any] = list(read_inflows(request.inflow, notices=notices))
    else:
        inflow = list(request.inflow or ())
    start = _start(request.start, request.after, [rain, tide, *(q for _, _, q in inflow)])
    _tell_odd_rain(rain, request.hours * 3600.0, notices)
    joined = [(x, y, _since(q, start)) for x, y, q in inflow]
    return _Forcing(_since(rain, start), joined, _since(tide, start), start)


def _tell_odd_rain(rain: Any, duration_s: float, notices: Notices) -> None:
    if rain is None or (callable(rain) and not isinstance(rain, Series)):
        return
    if isinstance(rain, Series):
        held_s = np.diff([*rain.times_s, max(duration_s, rain.times_s[-1])])
        most, total = float(rain.values.max()), float(rain.values @ held_s)
    else:
        most, total = float(rain), float(rain) * duration_s
    check_rain(most, (1, 1), "--rain")
    message = odd_rain(most, total / max(most, 1e-9))
    if message:
        notices.add("odd-rain", message)


def _read(value: Any, between: Any, notices: Notices) -> Any:
    return read_series(value, between=between, notices=notices) if isinstance(value, str | Path) else value


def _since(value: Any, start: np.datetime64) -> Any:
    return value.since(start) if isinstance(value, Series) else value


def _start(given: Any, after: Flood | None, values: list[Any]) -> np.datetime64:
    if given is not None:
        try:
            return np.datetime64(str(given).removesuffix("Z"), "s")
        except ValueError:
            raise UsageError(
                "--start", f"{given!r} is no moment", "give it as 2026-08-28T03:00:00Z"
            ) from None
    if after is not None:
        return np.datetime64(after.times[-1], "s")
    known = [v.start for v in values if isinstance(v, Series) and v.start is not None]
    return min(known) if known else UNTIMED


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


def _sides(z: NDArray[np.float64], ground: Site, tide: Any, edges: str) -> Any:
    """What holds at the four sides; beside the water, a side with a tide is closed (cells of `z` are taken out)."""
    if tide is None:
        return edges
    if not callable(tide):
        check_level(float(tide))
    sides: dict[str, Any] = {}
    for side, place in _SIDES.items():
        mouth = ground.is_source[place] & np.isfinite(z[place])
        if mouth.any():
            z[place] = np.where(mouth, z[place], np.inf)
        sides[side] = tide if mouth.any() else edges
    if not any(v is tide for v in sides.values()):
        raise UsageError("--tide", "no river and no sea reaches the edge of the terrain", "leave it out")
    return sides


def _initial(
    z: NDArray[np.float64], ground: Site, tide: Any, sides: Any, after: Flood | None
) -> dict[str, Any]:
    """Depth and discharge at the start: the end of another flood, or water up to the tide's first level."""
    if after is not None:
        if after.grid != ground.grid:
            raise UsageError(
                "--after", f"{after.name} lies on other cells ({after.grid})", "use its --cell-size"
            )
        open_cells = np.isfinite(z)
        h = np.where(open_cells, np.nan_to_num(after.depth_m(after.n_steps - 1)), 0.0).astype(np.float64)
        flow = after.velocity(after.n_steps - 1)
        if flow is None:
            return {"h0": h}
        qx, qy = (np.where(open_cells, np.nan_to_num(w), 0.0) * h for w in flow)
        return {"h0": h, "qx0": qx, "qy0": qy}
    if tide is None:
        return {}
    first = float(tide(0.0)) if callable(tide) else float(tide)
    seeds = np.zeros(z.shape, bool)
    for side, held in sides.items():
        if held is tide:
            seeds[_SIDES[side]] = np.isfinite(z[_SIDES[side]])
    return {"h0": fill_level(z, first, seeds).astype(np.float64)}


def _output_times(request: Request, ground: Site, city: City) -> list[float]:
    duration_s, every_s = request.hours * 3600.0, request.every_s
    n = int(np.ceil(duration_s / every_s - 1e-9))
    cells = 3 * (n + 1) * ground.grid.nx * ground.grid.ny
    check_limit(city.path, "cells over time", cells, limits().max_raster_cells, name="max_raster_cells")
    return [0.0, *(every_s * k for k in range(1, n)), duration_s]


def _rain_on(rain: Any, share: NDArray[np.float64]) -> Any:
    """Rain in mm/h on each cell; one array for as long as the rate stays the same, since the solver looks for that."""
    if rain is None:
        return None
    if not callable(rain):
        return float(rain) * share
    kept: dict[float, NDArray[np.float64]] = {}

    def on_cells(time_s: float) -> NDArray[np.float64]:
        rate = float(rain(time_s))
        if rate not in kept:
            kept.clear()
            kept[rate] = rate * share
        return kept[rate]

    return on_cells


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, str | Path):
        return Path(value).name
    return "given in Python"


def flood_of_solution(setup: Setup, solution: Solution, *, name: str) -> Flood:
    """A computed flood as one of the city, with what `run.json` tells of it in its attributes."""
    is_open = np.isfinite(setup.z)
    bed = np.where(is_open, setup.z, np.nan).astype(np.float32)
    fields = [_masked(f, is_open) for f in (solution.h, solution.u, solution.v)]
    seconds = np.rint(solution.times_s).astype(np.int64)
    worst = solution.extremes
    rasters = {} if worst is None else {
        "max_depth_m": np.where(is_open, worst.depth_m, np.nan),
        "max_velocity_m_s": np.where(is_open, worst.speed_m_s, np.nan),
        "max_depth_velocity_m2_s": np.where(is_open, worst.depth_speed_m2_s, np.nan),
        "arrival_s": np.where(is_open, worst.arrival_s, np.nan),
        "duration_s": np.where(is_open, worst.duration_s, np.nan),
    }  # fmt: skip
    balance = {
        "in_m3": solution.volume_in_m3, "out_m3": solution.volume_out_m3,
        "infiltrated_m3": solution.infiltrated_m3, "error_m3": solution.mass_error_m3,
        "at_end_m3": float(np.nansum(fields[0][-1], dtype=np.float64)) * setup.ground.grid.cell_size_m**2,
    }  # fmt: skip
    attributes = {
        "parameters": setup.parameters,
        "mass_balance": {k: float(v) for k, v in balance.items()},
        "steps": int(solution.steps),
        "cell_updates": int(solution.cell_updates),
        "limits": [{k: float(v) for k, v in asdict(limit).items()} for limit in solution.limits],
    }
    return flood_of(
        name, setup.ground.grid, setup.start + seconds, bed, StepArrays(*fields),
        kind="simulation", rasters=rasters, attributes=attributes,
    )  # fmt: skip


def _masked(field: NDArray[Any], is_open: NDArray[np.bool_]) -> NDArray[np.float32]:
    values = field.astype(np.float32)
    values[:, ~is_open] = np.nan
    return values
