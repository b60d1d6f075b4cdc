"""The arguments of a computation, checked before any work, in words that name the argument and the value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import UsageError
from twin.water.sides import CLOSED, EAST, LEVEL, NORTH, OPEN, SOUTH, WEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

SIDE_NAMES = {"west": WEST, "east": EAST, "north": NORTH, "south": SOUTH}
CFL_DEFAULT = {"fast": 0.6, "accurate": 0.45}
"""With 'fast', waves that cross the cells diagonally between held levels grow at 0.65 and above."""
ACCURATE_CFL_2D = 0.5
"""Bound of the two-dimensional scheme; in a channel of one row or column it may be 1."""
MAX_RAIN_MM_H = 36_000.0
"""1 cm/s; the strongest rain ever measured fell at 1,870 mm/h, for a minute."""
ODD_RAIN_MM_H = 400.0
"""The wettest hour on record."""
ODD_RAIN_MM = 2000.0
"""More than the wettest day on record."""


@dataclass(frozen=True, slots=True)
class Side:
    """Kind of a side, and its level (m) over time where it is held."""

    kind: int = CLOSED
    level: Callable[[float], float] | None = None


def check_grid(z: Any, cell_size_m: float) -> NDArray[np.float64]:
    """The terrain as float64; ``+inf`` marks cells that water cannot enter."""
    z = np.asarray(z)
    if z.ndim != 2 or z.size == 0 or z.dtype.kind not in "fiu":
        raise UsageError(
            "z", f"an array of {z.dtype} of shape {z.shape}", "give elevations in m of shape (ny, nx)"
        )
    z = z.astype(np.float64)
    bad = ~(np.isfinite(z) | np.isposinf(z))
    if bad.any():
        row, col = np.argwhere(bad)[0]
        raise UsageError(
            "z",
            f"{bad.sum()} of {z.size} cells hold no elevation (first: row {row}, column {col})",
            "fill them, or put +inf where water cannot go",
        )
    if not np.isfinite(z).any():
        raise UsageError("z", "no cell that water can enter", "give elevations in m")
    if not (math.isfinite(cell_size_m) and 0.001 <= cell_size_m <= 100_000):
        raise UsageError("cell_size_m", f"is {cell_size_m}", "give a length between 1 mm and 100 km")
    return z


def check_roughness(n: Any, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Manning's n as an array of shape ``(1, nx)`` if it is one number, else ``(ny, nx)``."""
    n = np.asarray(n, np.float64)
    if n.shape not in ((), shape):
        raise UsageError(
            "n", f"has shape {n.shape}, the terrain {shape}", "give a number or one for each cell"
        )
    if not (np.isfinite(n) & (n >= 0) & (n <= 1)).all():
        worst = n.flat[np.argmax(~(np.isfinite(n) & (n >= 0) & (n <= 1)))]
        raise UsageError(
            "n", f"Manning's n of {worst:g} s/m^(1/3)", "give 0 to 1; streets have about 0.015, grass 0.035"
        )
    return np.full((1, shape[1]), float(n)) if n.ndim == 0 else n


def check_cfl(cfl: float | None, method: str, shape: tuple[int, int], notices: list[str]) -> float:
    """Part of the stable step to take."""
    if method not in CFL_DEFAULT:
        raise UsageError("method", f"{method!r} is not known", "choose 'fast' or 'accurate'")
    if cfl is None:
        return CFL_DEFAULT[method]
    if not (math.isfinite(cfl) and 0 < cfl <= 1):
        raise UsageError("cfl", f"is {cfl:g}", "give a Courant number above 0 and at most 1")
    if method == "accurate" and min(shape) > 1 and cfl > ACCURATE_CFL_2D:
        notices.append(
            f"cfl: {cfl:g} is beyond what 'accurate' can bear in two dimensions; took {ACCURATE_CFL_2D}"
        )
        return ACCURATE_CFL_2D
    return float(cfl)


def check_dtype(dtype: Any) -> Any:
    """float32 or float64."""
    found = np.dtype(dtype)
    if found not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise UsageError("dtype", f"is {found}", "choose float32 or float64")
    return found.type


def check_times(duration_s: float, output_times_s: Sequence[float] | None) -> list[float]:
    """Output times, increasing, within the run."""
    if not (math.isfinite(duration_s) and duration_s > 0):
        raise UsageError("duration_s", f"is {duration_s}", "give a positive number of seconds")
    if output_times_s is None:
        return [float(duration_s)]
    times = [float(t) for t in output_times_s]
    ordered = all(a < b for a, b in pairwise(times))
    if not times or not ordered or not (times[0] >= 0 and times[-1] <= duration_s):
        raise UsageError(
            "output_times_s",
            f"{len(times)} times from {times[0] if times else '-'} to {times[-1] if times else '-'} s",
            f"give increasing times between 0 and duration_s = {duration_s:g}",
        )
    return times


def check_sides(boundary: Any) -> list[Side]:
    """The four sides in the order of the compiled code."""
    sides = [Side()] * 4
    if not isinstance(boundary, dict):
        return [_side(boundary, "boundary")] * 4
    for name, value in boundary.items():
        if name not in SIDE_NAMES:
            raise UsageError("boundary", f"there is no side {name!r}", "use west, east, south and north")
        sides[SIDE_NAMES[name]] = _side(value, f"boundary[{name!r}]")
    return sides


def _side(value: Any, where: str) -> Side:
    if value is None or value == "closed":
        return Side()
    if isinstance(value, str):
        if value == "open":
            return Side(OPEN)
        raise UsageError(where, f"{value!r} is not known", "use 'closed', 'open' or a level in m")
    if callable(value):
        return Side(LEVEL, value)
    try:
        level = float(value)
    except (TypeError, ValueError):
        level = math.nan
    if not math.isfinite(level):
        raise UsageError(
            where, f"a level of {value!r}", "use 'closed', 'open', a level in m, or a function of time"
        )
    return Side(LEVEL, lambda _t: level)


def check_sources(
    sources: Iterable[tuple[int, int, Any]] | None, z: NDArray[np.float64]
) -> list[tuple[int, int, Any]]:
    """Point sources within the grid, with a finite inflow or a function of time."""
    ny, nx = z.shape
    checked = []
    for number, source in enumerate(sources or ()):
        row, col, inflow = source
        where = f"sources[{number}]"
        if not (0 <= row < ny and 0 <= col < nx) or row != int(row) or col != int(col):
            raise UsageError(
                where, f"row {row}, column {col} lies outside the grid of {ny} x {nx}", "give a cell of it"
            )
        if not np.isfinite(z[int(row), int(col)]):
            raise UsageError(where, f"row {row}, column {col} is a cell that water cannot enter", "move it")
        if not callable(inflow) and not math.isfinite(float(inflow)):
            raise UsageError(where, f"an inflow of {inflow}", "give m3/s, or a function of time")
        checked.append((int(row), int(col), inflow if callable(inflow) else float(inflow)))
    return checked


def check_rain(rate: Any, shape: tuple[int, int], where: str = "rain_mm_h") -> NDArray[np.float64]:
    """Rain in mm/h as a number or one for each cell."""
    rate = np.asarray(rate, np.float64)
    if rate.shape not in ((), shape):
        raise UsageError(
            where, f"has shape {rate.shape}, the terrain {shape}", "give a number or one for each cell"
        )
    if not np.isfinite(rate).all() or rate.min() < 0:
        raise UsageError(where, f"holds {rate.flat[np.argmin(rate)]:g}", "give rates of 0 or more")
    if rate.max() > MAX_RAIN_MM_H:
        raise UsageError(
            where,
            f"{rate.max():g} mm/h is far more than ever fell (about 1,870 mm/h for a minute)",
            "give mm per hour; depths of an interval in mm have to be divided by its hours",
        )
    return rate


def odd_rain(rate_max: float, duration_s: float) -> str:
    """A sentence if the rain looks like another unit, else nothing."""
    total = rate_max * duration_s / 3600
    if rate_max > ODD_RAIN_MM_H or total > ODD_RAIN_MM:
        return (
            f"rain_mm_h: {rate_max:g} mm/h, {total:.0f} mm in all, is more than the wettest hour or day on record; "
            "is it mm per interval instead of mm/h?"
        )
    if 0 < rate_max < 0.01:
        return f"rain_mm_h: {rate_max:g} mm/h hardly wets the ground; is it m/h or m/s instead of mm/h?"
    return ""


def check_depth(h0: Any, shape: tuple[int, int], blocked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Depth at the start; none given is dry."""
    if h0 is None:
        return np.zeros(shape)
    h = np.asarray(h0, np.float64)
    if h.shape not in ((), shape):
        raise UsageError("h0", f"has shape {h.shape}, the terrain {shape}", "give one depth for each cell")
    h = np.broadcast_to(h, shape).copy()
    if not np.isfinite(h).all() or h.min() < 0:
        bad = ~(np.isfinite(h) & (h >= 0))
        row, col = np.argwhere(bad)[0]
        raise UsageError(
            "h0",
            f"{bad.sum()} cells without a depth (row {row}, column {col}: {h[row, col]:g})",
            "give 0 or more",
        )
    h[blocked] = 0.0
    return h


def check_discharge(
    q0: Any, name: str, shape: tuple[int, int], face_shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Discharge at the start, at cell centres or at faces; none given is at rest."""
    if q0 is None:
        return np.zeros(shape)
    q = np.asarray(q0, np.float64)
    if q.shape == ():
        q = np.broadcast_to(q, shape)
    if q.shape not in (shape, face_shape) or not np.isfinite(q).all():
        raise UsageError(
            name, f"shape {q.shape} or values that are not finite", f"give m2/s of shape {shape}"
        )
    return q
