"""The steps of a computation, one after the other until its end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from twin.core.errors import UsageError
from twin.water.model import UnstableError
from twin.water.numerics import GRAVITY
from twin.water.schemes import side_inflow
from twin.water.sides import EAST, LEVEL, NORTH, SOUTH, WEST
from twin.water.tiles import CHECK_EVERY, TILE_COLUMNS, TILE_ROWS, grown, wet_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.progress import Progress
    from twin.water.forcing import Rain, Soil, Springs
    from twin.water.grid import Terrain
    from twin.water.inputs import Side
    from twin.water.model import Solution
    from twin.water.record import Record
    from twin.water.schemes import Scheme

FILM_M = 1e-3
"""Steps are no longer than this depth would bear, however dry it is."""
SHALLOW_M = 0.5
"""Films that run faster than waves shorten the step (`fast`), to no less than this depth would bear."""
DRAINED_PART = 0.5
LONGEST_STEP_S = 10.0
LEAST_STEP_S = 1e-7
"""A run that needs shorter steps than this leads nowhere."""
MOST_HALVINGS = 24


class Run:
    """A computation on its way."""

    def __init__(  # noqa: PLR0917 - what one call of `solve` brings together
        self,
        scheme: Scheme,
        terrain: Terrain,
        sides: list[Side],
        rain: Rain,
        soil: Soil,
        springs: Springs,
        record: Record,
        cfl: float,
        duration_s: float,
        progress: Progress | None,
    ) -> None:
        self.scheme, self.terrain, self.sides, self.record = scheme, terrain, sides, record
        self.rain, self.soil, self.springs = rain, soil, springs
        self.cfl, self.duration_s, self.progress = cfl, duration_s, progress
        self.time_s = self.dt_s = 0.0
        self.speed = scheme.speed()
        self.depth = self._grid(scheme.state[0])
        self.shape = self.depth.shape
        ny, nx = self.shape
        n_tiles = (-(-ny // TILE_ROWS), -(-nx // TILE_COLUMNS))
        self._wet, self.active = np.zeros(n_tiles, np.bool_), np.zeros(n_tiles, np.bool_)
        self._n_active, self._rained_on_dry = 0, False
        self._choose_tiles(self._levels())

    @staticmethod
    def _grid(padded: NDArray[np.float64]) -> NDArray[np.float64]:
        return padded[1:-1, 1:-1]

    def to_the_end(self) -> Solution:
        """Go through all output times."""
        done = 0
        if self.progress:
            self.progress.stage("water", 100)
        for end_s in [*self.record.times, self.duration_s]:
            while self.time_s < end_s:
                self._step(end_s)
                if self.progress and int(100 * self.time_s / self.duration_s) > done:
                    self.progress.advance(int(100 * self.time_s / self.duration_s) - done)
                    done = int(100 * self.time_s / self.duration_s)
            self._settle()
            if end_s in self.record.times:
                self.record.keep(end_s, self.dt_s)
            if self.record.times[-1] == self.duration_s == end_s:
                break
        return self.record.solution(self.soil.taken if self.soil.exists else None)

    def _levels(self) -> NDArray[np.float64]:
        """Levels of the sides in the middle of the step, m."""
        levels = np.zeros(4)
        for number, side in enumerate(self.sides):
            if side.level is not None:
                levels[number] = side.level(self.time_s + self.dt_s / 2)
                if not math.isfinite(levels[number]):
                    raise UsageError(
                        "boundary", f"the level at {self.time_s:g} s is {levels[number]}", "give m"
                    )
        return levels

    def _step(self, end_s: float) -> None:
        """Take the longest step that holds."""
        levels = self._levels()
        if self.record.steps % CHECK_EVERY == 0 or self._rained_on_dry:
            self._choose_tiles(levels)
        self.dt_s = self._wish(levels, end_s)
        for _ in range(MOST_HALVINGS):
            self.speed = self.scheme.trial(self.dt_s, levels, self.active)
            if self.speed * self.dt_s <= self.terrain.cell_size_m:
                break
            self.dt_s /= 2
        else:
            self._give_up()
        if self.dt_s < LEAST_STEP_S:
            self._give_up()
        came, went = side_inflow(self.scheme.accept(), self.shape)
        self.record.came.add(came)
        self.record.went.add(went)
        self._force()
        left = end_s - self.time_s
        self.time_s = end_s if self.dt_s >= left * (1 - 1e-12) else self.time_s + self.dt_s
        self.record.steps += 1
        self.record.cell_updates += self._n_active
        self.record.look(self.time_s)

    def _wish(self, levels: NDArray[np.float64], end_s: float) -> float:
        """A step for the present waves, that ends with the output time or leaves a decent rest."""
        reach = self.cfl * self.terrain.cell_size_m
        speed = max(self.speed, self._side_speed(levels), math.sqrt(GRAVITY * FILM_M))
        dt = min(reach / speed, LONGEST_STEP_S)
        if self.scheme.drain_rate * dt > DRAINED_PART:
            dt = max(DRAINED_PART / self.scheme.drain_rate, min(dt, reach / math.sqrt(GRAVITY * SHALLOW_M)))
        dt = self.springs.bounded_step(self.scheme.state[0], self.time_s, dt, reach)
        left = end_s - self.time_s
        return left if left <= dt else min(dt, left / 2)

    def _side_speed(self, levels: NDArray[np.float64]) -> float:
        """Speed of waves in the deepest water that a held side brings."""
        deepest = 0.0
        for side, bed in zip((WEST, EAST, NORTH, SOUTH), self._edges(self.terrain.z), strict=True):
            if self.sides[side].kind == LEVEL:
                deepest = max(deepest, float(levels[side] - self.terrain.datum_m - bed[1:-1].min()))
        return math.sqrt(GRAVITY * deepest)

    @staticmethod
    def _edges(a: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        return a[:, 0], a[:, -1], a[0], a[-1]

    def _force(self) -> None:
        """Rain, soil and sources of the step."""
        depth = self.scheme.state[0]
        came, went, deepest = self.springs.flow(depth, self.time_s, self.dt_s)
        self.record.came.add(came)
        self.record.went.add(went)
        self.speed = max(self.speed, math.sqrt(GRAVITY * deepest))
        if self.rain.exists:
            self.record.came.add(self.rain.gather(self.time_s, self.dt_s))
            if self.rain.is_due(self._unit()):
                self._settle_rain()
        self.soil.wait(self.dt_s)
        if self.soil.is_due():
            self._settle_soil()

    def _unit(self) -> float:
        """Spacing of numbers at the deepest water, m; nothing for float64, which is fine enough."""
        dtype = self.scheme.state[0].dtype
        return float(np.spacing(dtype.type(self.speed**2 / GRAVITY))) if dtype == np.float32 else 0.0

    def _settle_rain(self) -> None:
        fell = self.rain.fall(self.scheme.state[0], self._unit())
        self._rained_on_dry = fell > 0 and not self.active.all()
        self.speed = math.sqrt(self.speed**2 + GRAVITY * fell)

    def _settle_soil(self) -> None:
        taken = self.soil.take(self.scheme.state[0])
        self.record.went.add(taken)
        self.record.seeped.add(taken)

    def _settle(self) -> None:
        """Bring rain and soil up to an output time."""
        if self.rain.exists:
            self._settle_rain()
        self._settle_soil()

    def _choose_tiles(self, levels: NDArray[np.float64]) -> None:
        """Compute where there is water, beside it, and where some can come from."""
        ny, nx = self.shape
        wet_tiles(self.scheme.state[0], TILE_ROWS, TILE_COLUMNS, self._wet)
        source = self._wet.copy()
        source[(self.springs.rows - 1) // TILE_ROWS, (self.springs.cols - 1) // TILE_COLUMNS] = True
        if self.rain.exists and (self.rain.most > 0 or self.record.steps == 0):
            source[:] = True
        for number, tiles in enumerate(self._edges(source)):
            if self.sides[number].kind == LEVEL:
                tiles[:] = True
        active = grown(source)
        for r, c in np.argwhere(self.active & ~active):
            self._clear(int(r), int(c))
        self.active = active
        rows = np.minimum(TILE_ROWS, ny - TILE_ROWS * np.arange(active.shape[0]))
        columns = np.minimum(TILE_COLUMNS, nx - TILE_COLUMNS * np.arange(active.shape[1]))
        self._n_active = int((active * rows[:, None] * columns).sum())

    def _clear(self, r: int, c: int) -> None:
        """Empty what a tile that fell dry left in other arrays, with the faces at the far edges of the grid."""
        last_row, last_column = r == self.active.shape[0] - 1, c == self.active.shape[1] - 1
        rows = slice(1 + r * TILE_ROWS, None if last_row else 1 + (r + 1) * TILE_ROWS)
        columns = slice(1 + c * TILE_COLUMNS, None if last_column else 1 + (c + 1) * TILE_COLUMNS)
        self.scheme.clear(rows, columns)

    def _give_up(self) -> None:
        row, col = self.scheme.failing_cell()
        raise UnstableError(
            f"row {row}, column {col}",
            f"the flow is unstable at {self.time_s:.6g} s: no step holds, down to {self.dt_s:.2g} s (waves of "
            f"{self.speed:.3g} m/s)",
            "look at the inflow, the levels and the bed there; what was computed until then is kept",
            self.record.solution(self.soil.taken if self.soil.exists else None),
        )
