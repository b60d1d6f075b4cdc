"""What falls on the ground, seeps into it, and springs up in single cells.

Rain is gathered until a number of the run's type can take it: a shower adds a micrometre in a step, which float32 would
round away in a metre of water. It falls in whole multiples of the spacing of numbers at the deepest cell, and what is
left waits; sources keep account of what rounding took in the same way.
"""

# ruff: noqa: FURB136 - compiled: arrays one by one, and choices that become vector instructions (max() does not)
# ruff: noqa: PLR0917 - compiled: arrays one by one
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from twin.core.errors import UsageError
from twin.water.inputs import check_rain, odd_rain
from twin.water.model import GreenAmpt
from twin.water.numerics import from_bits, size_bits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MM_H = 1e-3 / 3600
LEAST_FALL_M = 2e-6
"""Rain falls when this much has gathered somewhere."""
SPACINGS_PER_FALL = 64
"""And this many spacings of numbers at the deepest cell (float32)."""
LONGEST_WAIT_S = 10.0

_FAST: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**_FAST)
def fall(h, rate, seconds, left, unit, dry_roof):  # type: ignore[no-untyped-def]
    """Let what gathered in `seconds` fall on a padded grid, in whole multiples of `unit`; the greatest depth of it.

    `rate` (m/s) and `left` (m, what had to wait and will) are one row for all or one for each; where `dry_roof` is set
    nothing falls.
    """
    ny, nx = h.shape[0] - 2, h.shape[1] - 2
    part = np.zeros(nx)
    most = size_bits(0.0)
    per_unit = 1.0 / unit if unit > 0.0 else 0.0  # a power of 2
    for j in range(ny):
        if j < rate.shape[0]:
            for i in range(nx):
                total = left[j, i] + rate[j, i] * seconds
                falls = np.floor(total * per_unit) * unit if unit > 0.0 else total
                part[i], left[j, i] = falls, total - falls
                size = size_bits(falls)
                most = size if size > most else most
        row, roof = h[j + 1, 1 : nx + 1], dry_roof[j]
        for i in range(nx):
            row[i] = row[i] + (0.0 if roof[i] else part[i])
    return from_bits(most)


@njit(**_FAST)
def seep(h, rate, front, taken, dt):  # type: ignore[no-untyped-def]
    """Let soil take water for `dt` seconds; the sum of the depths that it took.

    `rate` is the conductivity in m/s and `front` suction times deficit in m (0 for a constant rate). Green & Ampt's
    rate ``K (1 + front / F)``, with F (`taken`) the depth taken so far, is integrated implicitly over the step.
    """
    ny, nx = h.shape[0] - 2, h.shape[1] - 2
    total = np.zeros(nx)
    for j in range(ny):
        k_row = rate[j if rate.shape[0] > 1 else 0]
        row, so_far = h[j + 1, 1 : nx + 1], taken[j]
        for i in range(nx):
            depth = np.float64(row[i])
            k_dt, before = k_row[i] * dt, so_far[i]
            b = before + k_dt
            wish = 0.5 * (b + np.sqrt(b * b + 4.0 * k_dt * front)) - before
            wish = wish if depth > 0.0 else 0.0
            row[i] = depth - (wish if wish < depth else depth)
            lost = depth - np.float64(row[i])
            so_far[i] = before + lost
            total[i] += lost
    return total.sum()


class Rain:
    """Rain over time, gathered between falls."""

    def __init__(
        self,
        rain: Any,
        shape: tuple[int, int],
        blocked: NDArray[np.bool_],
        duration_s: float,
        notices: list[str],
    ) -> None:
        self._call: Callable[[float], Any] | None = rain if callable(rain) else None
        self._shape, self._blocked, self._duration_s, self._notices = shape, blocked, duration_s, notices
        self._source: Any = None
        self._rate: NDArray[np.float64] = np.zeros((1, shape[1]))
        self._left: NDArray[np.float64] = np.zeros((1, shape[1]))
        self._sum = self._seconds = self._waiting = 0.0
        self.most = 0.0
        self.exists = rain is not None
        if rain is not None and self._call is None:
            self._set(rain)

    def gather(self, time_s: float, dt_s: float) -> float:
        """Rain of a step; depth summed over all cells that it falls on, m."""
        if self._call is not None:
            now = self._call(time_s + dt_s / 2)
            if now is not self._source:
                self._set(now)
        self._seconds += dt_s
        return self._sum * dt_s

    def _set(self, source: Any) -> None:
        """Another rate from now on; what gathered at the one before waits."""
        self._source = source
        rate = np.atleast_2d(check_rain(source, self._shape) * MM_H)
        message = odd_rain(float(rate.max()) / MM_H, self._duration_s)
        if message and not any(m.startswith("rain_mm_h") for m in self._notices):
            self._notices.append(message)
        one = rate.shape == (1, 1)
        rate = np.full((1, self._shape[1]), rate[0, 0]) if one else np.where(self._blocked, 0.0, rate)
        shape = np.broadcast_shapes(rate.shape, self._left.shape)
        self._left = np.broadcast_to(self._left, shape) + self._rate * self._seconds
        self._waiting += self.most * self._seconds
        self._rate, self._seconds = np.ascontiguousarray(np.broadcast_to(rate, shape)), 0.0
        self.most = float(rate.max())
        self._sum = float(rate[0, 0] * (~self._blocked).sum() if rate.shape[0] == 1 else rate.sum())

    def is_due(self, unit: float) -> bool:
        """Whether enough has gathered, or it has waited long enough."""
        waiting = self._waiting + self.most * self._seconds
        return waiting >= max(LEAST_FALL_M, SPACINGS_PER_FALL * unit) or (
            waiting > 0 and self._seconds >= LONGEST_WAIT_S
        )

    def fall(self, h: NDArray[Any], unit: float) -> float:
        """Let it fall; the greatest depth that fell."""
        seconds, self._seconds, self._waiting = self._seconds, 0.0, 0.0
        return float(fall(h, self._rate, seconds, self._left, unit, self._blocked))


class Soil:
    """Infiltration at a constant rate (mm/h) or after Green and Ampt."""

    def __init__(self, infiltration: Any, shape: tuple[int, int]) -> None:
        self.exists = infiltration is not None
        soil = infiltration if isinstance(infiltration, GreenAmpt) else GreenAmpt(infiltration, 0.0, 0.0)
        rate = _not_negative(soil.conductivity_mm_h if self.exists else 0.0, shape, "rates in mm/h")
        front = float(soil.suction_m) * float(soil.deficit)
        if not front >= 0:
            raise UsageError("infiltration", f"suction times deficit is {front}", "give 0 or more")
        self.rate = (np.full((1, shape[1]), float(rate)) if rate.ndim == 0 else rate) * MM_H
        self.front = front
        self.taken = np.zeros(shape if self.exists else (1, 1))
        self.taken += _not_negative(soil.taken_m, shape, "the depth that it took")
        self._seconds = 0.0

    def wait(self, dt_s: float) -> None:
        """Time goes by."""
        self._seconds += dt_s

    def is_due(self) -> bool:
        """Whether it has waited long enough: a second, or a tenth of a millimetre."""
        return self.exists and (self._seconds >= 1.0 or float(self.rate.max()) * self._seconds >= 1e-4)

    def take(self, h: NDArray[Any]) -> float:
        """Let it seep; the sum of the depths that it took."""
        seconds, self._seconds = self._seconds, 0.0
        return float(seep(h, self.rate, self.front, self.taken, seconds)) if self.exists and seconds else 0.0


def _not_negative(values: Any, shape: tuple[int, int], what: str) -> NDArray[np.float64]:
    """A number or one for each cell, 0 or more."""
    found = np.asarray(values, np.float64)
    if found.shape not in ((), shape) or not (np.isfinite(found) & (found >= 0)).all():
        raise UsageError(
            "infiltration", f"{what}, shape {found.shape}", "give 0 or more for all or each cell"
        )
    return found


class Springs:
    """Point sources (and sinks, where negative), cells with several joined."""

    def __init__(
        self, sources: list[tuple[int, int, Any]], shape: tuple[int, int], cell_size_m: float
    ) -> None:
        cells = sorted({(r, c) for r, c, _ in sources})
        number = {cell: k for k, cell in enumerate(cells)}
        self.rows = np.array([r + 1 for r, _ in cells], np.intp)
        self.cols = np.array([c + 1 for _, c in cells], np.intp)
        self._steady = np.zeros(len(cells))
        varying: dict[int, tuple[Callable[[float], float], list[int]]] = {}  # a table over time has no hash
        for r, c, inflow in sources:
            if callable(inflow):
                varying.setdefault(id(inflow), (inflow, []))[1].append(number[r, c])
            else:
                self._steady[number[r, c]] += inflow
        self._varying = list(varying.values())
        self._left = np.zeros(len(cells))
        self._area = cell_size_m**2

    def rates(self, time_s: float) -> NDArray[np.float64]:
        """Rise of the cells by the sources alone, m/s."""
        inflow = self._steady.copy()
        for call, places in self._varying:
            value = float(call(time_s))
            if not np.isfinite(value):
                raise UsageError(
                    "sources", f"the inflow at {time_s:g} s is {value}", "give m3/s for every time"
                )
            np.add.at(inflow, places, value)
        return inflow / self._area

    def bounded_step(self, h: NDArray[Any], time_s: float, dt_s: float, reach_m: float) -> float:
        """A step after which no source cell is so deep that waves cross `reach_m` in less."""
        if not len(self.rows):
            return dt_s
        rates, depth = np.maximum(self.rates(time_s), 0), h[self.rows, self.cols].astype(np.float64)
        while dt_s * np.sqrt(9.81 * (depth + rates * dt_s).max()) > reach_m * 1.0001:
            dt_s *= 0.8
        return dt_s

    def flow(self, h: NDArray[Any], time_s: float, dt_s: float) -> tuple[float, float, float]:
        """Let them flow; depths that came and went, summed, and the deepest cell with a source now."""
        if not len(self.rows):
            return 0.0, 0.0, 0.0
        rise = self.rates(time_s + dt_s / 2) * dt_s
        before = h[self.rows, self.cols].astype(np.float64)
        after = np.maximum(before + rise + self._left, 0.0)
        h[self.rows, self.cols] = after
        real = h[self.rows, self.cols].astype(np.float64)
        self._left = np.where(rise > 0, before + rise + self._left - real, 0.0)
        came, went = rise[rise > 0].sum(), np.maximum(before - real, 0.0)[rise < 0].sum()
        return float(came), float(went), float(real.max())
