"""What is kept of a run: fields at the output times, the worst of every cell, the balance of the water."""

# ruff: noqa: PLR0917 - compiled: arrays one by one, and choices that become vector instructions (max() does not)
from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from twin.water.model import Extremes, Solution, StepLimit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.water.grid import Terrain
    from twin.water.schemes import Scheme

WET_M = 0.05
"""Depth from which water counts as arrived, and a Froude number as meant."""
MOVING_M = 1e-5
"""Thinner films are told as resting."""
SHARE_BEYOND = 0.01
"""Share of wet cells above Froude 1 from which the user is told."""


@njit(cache=True, nogil=True, error_model="numpy")
def _look(h, u, v, time_s, since_s, depth, speed, product, arrival, duration, swift):  # type: ignore[no-untyped-def]
    """Take the present into account; how many cells are wet, and how many of them supercritical."""
    n_wet, n_swift = 0, 0
    for j in range(h.shape[0]):
        for i in range(h.shape[1]):
            d = h[j, i]
            s = np.sqrt(u[j, i] * u[j, i] + v[j, i] * v[j, i])
            depth[j, i] = max(depth[j, i], d)
            speed[j, i] = max(speed[j, i], s)
            product[j, i] = max(product[j, i], d * s)
            if d < 0.05:
                continue
            n_wet += 1
            duration[j, i] += since_s
            if np.isnan(arrival[j, i]):
                arrival[j, i] = time_s
            if s * s > 9.81 * d:
                swift[j, i] = True
                n_swift += 1
    return n_wet, n_swift


class Total:
    """A sum of many small parts that does not lose their digits (Neumaier 1974)."""

    def __init__(self) -> None:
        self._sum = self._lost = 0.0

    def add(self, part: float) -> None:
        """One more."""
        new = self._sum + part
        big, small = (self._sum, part) if abs(self._sum) >= abs(part) else (part, self._sum)
        self._lost += (big - new) + small
        self._sum = new

    @property
    def value(self) -> float:
        """The sum."""
        return self._sum + self._lost


class Record:
    """Fields, extremes and balance of a run while it goes on."""

    def __init__(
        self,
        scheme: Scheme,
        terrain: Terrain,
        times: list[float],
        method: str,
        notices: list[str],
        extremes_every_s: float | None,
        start: float,
    ) -> None:
        self.scheme, self.times, self.notices = scheme, times, notices
        self._method, self._start, self._every_s = method, start, extremes_every_s
        self._area = terrain.cell_size_m**2
        self._fields: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []
        self._limits: list[StepLimit] = []
        self.came, self.went, self.seeped = Total(), Total(), Total()
        self.steps = self.cell_updates = 0
        self._volume = self._held()
        shape = scheme.state[0][1:-1, 1:-1].shape
        dtype = scheme.state[0].dtype
        self._worst = [np.zeros(shape, dtype) for _ in range(3)]
        self._arrival, self._duration = np.full(shape, np.nan), np.zeros(shape)
        self._swift = np.zeros(shape, np.bool_)
        self._looked_s, self._share_swift = 0.0, 0.0
        if extremes_every_s:
            self._see(0.0, *self.fields())

    def _held(self) -> float:
        return float(self.scheme.state[0][1:-1, 1:-1].sum(dtype=np.float64))

    def fields(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Depth and velocities to the east and to the north at cell centres, now."""
        h, qx, qy = (a[1:-1, 1:-1] for a in self.scheme.state)
        if qx.shape[1] != h.shape[1]:
            qx, qy = (qx[:, :-1] + qx[:, 1:]) / 2, (qy[:-1] + qy[1:]) / 2
        moving = h > MOVING_M
        depth = np.where(moving, h, 1)
        return h.copy(), np.where(moving, qx / depth, 0), np.where(moving, -qy / depth, 0)

    def keep(self, time_s: float, dt_s: float) -> None:
        """Keep the fields of an output time."""
        fields = self.fields()
        self._fields.append(fields)
        self._limits.append(StepLimit(time_s, dt_s, *self.scheme.limiting_cell()))
        self._see(time_s, *fields)

    def look(self, time_s: float) -> None:
        """Look at the present if it is time to."""
        if self._every_s and time_s - self._looked_s >= self._every_s:
            self._see(time_s, *self.fields())

    def _see(self, time_s: float, h: NDArray[Any], u: NDArray[Any], v: NDArray[Any]) -> None:
        since, self._looked_s = time_s - self._looked_s, time_s
        counts = _look(h, u, v, time_s, since, *self._worst, self._arrival, self._duration, self._swift)
        self._share_swift = max(self._share_swift, counts[1] / max(counts[0], 1))

    def solution(self, infiltrated_m: NDArray[np.float64] | None = None) -> Solution:
        """Everything until now, with what the soil took."""
        times = np.array([limit.time_s for limit in self._limits])
        shape = (0, *self._swift.shape)
        stacks = (
            [np.stack(f) for f in zip(*self._fields, strict=True)] if self._fields else [np.zeros(shape)] * 3
        )
        balance = self._held() - self._volume - self.came.value + self.went.value
        if self._method == "fast" and self._share_swift > SHARE_BEYOND:
            self.notices.append(
                f"fast: {self._share_swift:.0%} of the wet cells flow faster than waves (Froude above 1), where the "
                "method is beyond its validity; compare with method='accurate'"
            )
        return Solution(
            times, stacks[0], stacks[1], stacks[2], balance * self._area, self.came.value * self._area,
            self.went.value * self._area, self.steps, self.cell_updates, time.perf_counter() - self._start,
            self.scheme.final(), self._extremes(), tuple(self._limits), self.seeped.value * self._area,
            tuple(self.notices), infiltrated_m,
        )  # fmt: skip

    def _extremes(self) -> Extremes | None:
        if not self._every_s:
            return None
        depth, speed, product = self._worst
        return Extremes(depth, speed, product, self._arrival, self._duration, self._swift)
