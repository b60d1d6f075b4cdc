"""The computation of a flood: steps chosen, tried and accepted, forcing applied, fields kept, water counted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import UsageError
from twin.water import inputs
from twin.water.bands import Bands
from twin.water.forcing import Rain, Soil, Springs
from twin.water.grid import make_terrain
from twin.water.record import Record
from twin.water.run import Run
from twin.water.schemes import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import ArrayLike

    from twin.core.progress import Progress
    from twin.water.model import GreenAmpt, Solution


def solve(
    z: ArrayLike,
    *,
    cell_size_m: float,
    method: str = "fast",
    h0: ArrayLike | None = None,
    qx0: ArrayLike | None = None,
    qy0: ArrayLike | None = None,
    n: ArrayLike = 0.03,
    rain_mm_h: ArrayLike | Callable[[float], ArrayLike] | None = None,
    sources: Iterable[tuple[int, int, float | Callable[[float], float]]] | None = None,
    boundary: Any = "closed",
    duration_s: float,
    output_times_s: Sequence[float] | None = None,
    cfl: float | None = None,
    dtype: Any = "float64",
    threads: int | None = None,
    infiltration: float | ArrayLike | GreenAmpt | None = None,
    extremes_every_s: float | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Depth and velocity of water over terrain, over time.

    Parameters
    ----------
    z : array, shape (ny, nx)
        Elevation of the ground, m; row 0 lies in the north. ``+inf`` where water cannot enter, such as buildings.
    cell_size_m : float
        Side of the square cells, m.
    method : {"fast", "accurate"}
        `fast` leaves out the transport of momentum (local inertial equations): for rain, ponding and rivers that flow
        slower than waves. `accurate` solves the shallow water equations at second order: dam breaks, steep streets.
    h0 : array, shape (ny, nx), optional
        Depth at the start, m; dry if not given.
    qx0, qy0 : array, shape (ny, nx), optional
        Unit discharge at the start to the east and to the north, m2/s, at cell centres, or at faces as in
        ``Solution.final``.
    n : float or array, shape (ny, nx)
        Manning's n, s/m^(1/3); 0 is frictionless.
    rain_mm_h : float, array of shape (ny, nx), or callable of time in s giving one of these, optional
        Rain, mm/h.
    sources : list of (row, col, inflow), optional
        Inflow in m3/s, or a callable of time in s; negative takes water out, as far as there is any.
    boundary : "closed", "open", level in m, callable of time in s, or dict of these
        What holds at the sides; a dict has the keys west, east, south, north, and those left out are closed. Water
        falls freely over an open side.
    duration_s : float
        How long, s.
    output_times_s : sequence of float, optional
        Moments to keep, s, increasing; the end alone if not given.
    cfl : float, optional
        Part of the longest stable step, 0 to 1; 0.7 for `fast`, 0.45 for `accurate`.
    dtype : {"float64", "float32"}
        Number type of the computation and of its fields.
    threads : int, optional
        As many as cores if not given; the result is the same for any number.
    infiltration : float, array or GreenAmpt, optional
        What the soil takes: a constant rate in mm/h, or Green and Ampt's.
    extremes_every_s : float, optional
        Look for the greatest depth, speed and so on this often, s; not at all if not given.
    progress : Progress, optional
        Told every hundredth of the duration.

    Returns
    -------
    Solution

    Raises
    ------
    UsageError
        If an argument cannot be meant; before any work.
    UnstableError
        If no step, however short, leads on; its `result` holds what was computed.

    Notes
    -----
    Equations, choices and how close both methods come to known answers stand in ``docs/explanation/water.md``.

    Examples
    --------
    A metre of water behind a wall that breaks at time 0:

    >>> import numpy as np
    >>> h0 = np.where(np.arange(200) < 100, 1.0, 0.0)[None, :]
    >>> flood = solve(np.zeros((1, 200)), cell_size_m=1.0, method="accurate", h0=h0, n=0.0, duration_s=10.0)
    >>> flood.h.shape
    (1, 1, 200)
    >>> round(float(flood.h[0, 0, 100]), 2)  # 4/9 where the wall stood
    0.44
    """
    start = time.perf_counter()
    notices: list[str] = []
    elevation = inputs.check_grid(z, cell_size_m)
    shape = elevation.shape
    ny, nx = shape
    real, step_part = inputs.check_dtype(dtype), inputs.check_cfl(cfl, method, shape, notices)
    rough, sides = inputs.check_roughness(n, shape), inputs.check_sides(boundary)
    times = inputs.check_times(duration_s, output_times_s)
    if threads is not None and threads < 1:
        raise UsageError("threads", f"is {threads}", "give 1 or more")
    blocked = np.isposinf(elevation)
    h = inputs.check_depth(h0, shape, blocked)
    qx = inputs.check_discharge(qx0, "qx0", shape, (ny, nx + 1))
    qy = inputs.check_discharge(qy0, "qy0", shape, (ny + 1, nx))
    springs = Springs(inputs.check_sources(sources, elevation), shape, cell_size_m)
    rain = Rain(rain_mm_h, shape, blocked, duration_s, notices)
    soil = Soil(infiltration, shape)
    terrain = make_terrain(elevation, rough, [s.kind for s in sides], cell_size_m=cell_size_m, dtype=real)
    make, n_work_rows = SCHEMES[method]
    with Bands(shape, threads, n_work_rows, real) as bands:
        scheme = make(terrain, bands, h, qx, qy)
        record = Record(scheme, terrain, times, method, notices, extremes_every_s, start)
        run = Run(scheme, terrain, sides, rain, soil, springs, record, step_part, float(duration_s), progress)
        return run.to_the_end()
