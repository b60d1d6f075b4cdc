"""The two methods behind one interface: state in padded arrays, a trial step, and what a result needs to know.

A trial step writes a second set of arrays. The caller looks at the wave speed that it came to and accepts it or tries
a shorter one; nothing has to be undone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from twin.water import inertial, shallow
from twin.water.inertial import step_rows
from twin.water.model import WaterState
from twin.water.numerics import DRY_M, GRAVITY, coefficients
from twin.water.shallow import stage_rows
from twin.water.sides import EAST, NORTH, SOUTH, WEST, extend_water, hold_ghosts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.water.bands import Bands
    from twin.water.grid import Terrain


class Scheme(Protocol):
    """A method of computation over padded arrays."""

    @property
    def state(self) -> list[NDArray[Any]]:
        """Arrays of the present, depth first, then discharge to the east and to the south."""

    @property
    def drain_rate(self) -> float:
        """Greatest part of its water that a cell wanted to give in the last trial, 1/s; 0 where waves tell it."""

    def trial(self, dt_s: float, levels: NDArray[np.float64], active: NDArray[np.bool_]) -> float:
        """Compute a step; the greatest wave speed after it, m/s."""

    def accept(self) -> NDArray[np.float64]:
        """Make the trial the present; depth that crossed the four sides, ``(4, ...)``."""

    def speed(self) -> float:
        """Greatest wave speed of the present, m/s."""

    def limiting_cell(self) -> tuple[int, int]:
        """Row and column of the cell that sets the step."""

    def failing_cell(self) -> tuple[int, int]:
        """Row and column of the worst cell of the trial."""

    def clear(self, rows: slice, columns: slice) -> None:
        """Forget what other arrays hold of a part of the grid that is dry."""

    def final(self) -> WaterState:
        """The present, to go on from."""


class Fast:
    """Local inertial equations; discharge at the faces of the cells."""

    def __init__(
        self, terrain: Terrain, bands: Bands, h: NDArray[Any], qx: NDArray[Any], qy: NDArray[Any]
    ) -> None:
        ny, nx = h.shape
        self.terrain, self.bands = terrain, bands
        dtype = terrain.z.dtype
        self.state = [
            np.zeros((ny + 2, nx + 2), dtype),
            np.zeros((ny + 2, nx + 3), dtype),
            np.zeros((ny + 3, nx + 2), dtype),
        ]
        self.state[0][1:-1, 1:-1] = h
        self.state[1][1:-1, 1:-1] = qx if qx.shape[1] > nx else _to_faces(qx)
        self.state[2][1:-1, 1:-1] = -(qy if qy.shape[0] > ny else _to_faces(qy.T).T)
        self._close_walls()
        self._other = [a.copy() for a in self.state]
        self._edge = np.zeros((5, max(ny, nx) + 3))
        self.drain_rate = 0.0

    def _close_walls(self) -> None:
        """Nothing stands in the faces between two dry cells, and nothing crosses a closed side."""
        h, qx, qy = self.state
        wet = h[1:-1] > DRY_M
        qx[1:-1, 1:-1][~(wet[:, :-1] | wet[:, 1:])] = 0
        wet = h[:, 1:-1] > DRY_M
        qy[1:-1, 1:-1][~(wet[:-1] | wet[1:])] = 0

    def trial(self, dt_s: float, levels: NDArray[np.float64], active: NDArray[np.bool_]) -> float:
        """Compute a step; the greatest wave speed after it, m/s."""
        t = self.terrain
        h, qx, qy = self.state
        hold_ghosts(h, t.z, t.sides, (levels - t.datum_m).astype(h.dtype))
        qx[:, 0], qx[:, -1], qy[0], qy[-1] = qx[:, 1], qx[:, -2], qy[1], qy[-2]
        k = coefficients(h.dtype, dt_s, t.cell_size_m)
        deepest = self.bands.run(
            lambda first, stop, work: step_rows(
                first, stop, h, qx, qy, t.z, t.n2, t.sides, active, t.tile, k, *self._other, work, self._edge
            )
        )
        self.drain_rate = float(self._edge[inertial.DRAINED].max()) / dt_s
        return math.sqrt(GRAVITY * deepest)

    def accept(self) -> NDArray[np.float64]:
        """Make the trial the present; depth that crossed the four sides."""
        self.state, self._other = self._other, self.state
        return self._edge[:4]

    def speed(self) -> float:
        """Greatest wave speed of the present, m/s."""
        return math.sqrt(GRAVITY * float(self.state[0][1:-1, 1:-1].max()))

    def limiting_cell(self) -> tuple[int, int]:
        """Row and column of the deepest cell."""
        return _place(self.state[0])

    def failing_cell(self) -> tuple[int, int]:
        """Row and column of the deepest cell of the trial."""
        return _place(self._other[0])

    def clear(self, rows: slice, columns: slice) -> None:
        """Forget what the other arrays hold of a part of the grid that is dry."""
        for a in self._other:
            a[rows, columns] = 0

    def final(self) -> WaterState:
        """The present, to go on from; discharge at the faces."""
        h, qx, qy = (a[1:-1, 1:-1] for a in self.state)
        return WaterState(h.copy(), qx.copy(), -qy)


class Accurate:
    """Shallow water equations of second order; discharge at the centres of the cells."""

    def __init__(
        self, terrain: Terrain, bands: Bands, h: NDArray[Any], qx: NDArray[Any], qy: NDArray[Any]
    ) -> None:
        ny, nx = h.shape
        self.terrain, self.bands = terrain, bands
        self._now = np.zeros((3, ny + 2, nx + 2), terrain.z.dtype)
        wet = h > DRY_M
        for a, field in zip(self._now, (h, _to_centres(qx, nx), -_to_centres(qy.T, ny).T), strict=True):
            a[1:-1, 1:-1] = field if field is h else np.where(wet, field, 0.0)
        self._between, self._next = self._now.copy(), self._now.copy()
        self.drain_rate = 0.0
        self._edges = np.zeros((2, 4, max(ny, nx) + 3))

    @property
    def state(self) -> list[NDArray[Any]]:
        """Depth, and discharge to the east and to the south."""
        return list(self._now)

    def trial(self, dt_s: float, levels: NDArray[np.float64], active: NDArray[np.bool_]) -> float:
        """Compute a step; the greatest wave speed after it, m/s."""
        self._stage(self._now, self._between, 0, dt_s, levels, active)
        return self._stage(self._between, self._next, 1, dt_s, levels, active)

    def _stage(  # noqa: PLR0917
        self,
        state: NDArray[Any],
        new: NDArray[Any],
        number: int,
        dt_s: float,
        levels: NDArray[np.float64],
        active: NDArray[np.bool_],
    ) -> float:
        t = self.terrain
        k = coefficients(state.dtype, dt_s, t.cell_size_m)
        extend_water(state, t.z, k.dry)
        held = (levels - t.datum_m).astype(state.dtype)
        return self.bands.run(
            lambda first, stop, work: stage_rows(
                first, stop, state, t.z, t.n2, t.sides, held, active, t.tile, k, self._now, new, number == 1, work,
                self._edges[number],
            )
        )  # fmt: skip

    def accept(self) -> NDArray[np.float64]:
        """Make the trial the present; depth that crossed the four sides."""
        self._now, self._next = self._next, self._now
        return self._edges.mean(axis=0)

    def speed(self) -> float:
        """Greatest wave speed of the present, m/s."""
        return float(_wave_speeds(self._now)[1:-1, 1:-1].max())

    def limiting_cell(self) -> tuple[int, int]:
        """Row and column of the cell with the fastest wave."""
        return _place(_wave_speeds(self._now))

    def failing_cell(self) -> tuple[int, int]:
        """Row and column of the cell with the fastest wave of the trial."""
        return _place(_wave_speeds(self._next))

    def clear(self, rows: slice, columns: slice) -> None:
        """Forget what the other arrays hold of a part of the grid that is dry."""
        for a in (self._between, self._next):
            a[:, rows, columns] = 0

    def final(self) -> WaterState:
        """The present, to go on from; discharge at cell centres."""
        h, qx, qy = (a[1:-1, 1:-1] for a in self._now)
        return WaterState(h.copy(), qx.copy(), -qy)


SCHEMES: dict[str, tuple[type[Fast] | type[Accurate], int]] = {
    "fast": (Fast, inertial.N_WORK_ROWS),
    "accurate": (Accurate, shallow.N_WORK_ROWS),
}


def _place(padded: NDArray[Any]) -> tuple[int, int]:
    """Where a padded field is greatest; what is not finite is greater than all."""
    field = np.nan_to_num(padded[1:-1, 1:-1], nan=np.inf)
    row, col = np.unravel_index(int(np.argmax(field)), field.shape)
    return int(row), int(col)


def _wave_speeds(state: NDArray[Any]) -> NDArray[Any]:
    h, hu, hv = state
    wet = h > DRY_M
    speed = np.maximum(abs(hu), abs(hv)) / np.where(wet, h, 1) + np.sqrt(GRAVITY * np.maximum(h, 0))
    return np.where(wet, speed, h - h)  # what is not a number stays so


def _to_faces(q: NDArray[Any]) -> NDArray[Any]:
    """Discharge between columns from that at their centres; the sides take their neighbours'."""
    wide = np.pad(q, ((0, 0), (1, 1)), mode="edge")
    return (wide[:, :-1] + wide[:, 1:]) / 2


def _to_centres(q: NDArray[Any], n_columns: int) -> NDArray[Any]:
    return q if q.shape[1] == n_columns else (q[:, :-1] + q[:, 1:]) / 2


def side_inflow(edge: NDArray[np.float64], shape: tuple[int, int]) -> tuple[float, float]:
    """Depth of one cell that came in, and that went out, over all faces of the four sides."""
    ny, nx = shape
    inward = np.concatenate([
        edge[WEST, 1 : ny + 1], -edge[EAST, 1 : ny + 1], edge[NORTH, 1 : nx + 1], -edge[SOUTH, 1 : nx + 1]
    ])  # fmt: skip
    return float(inward[inward > 0].sum()), float(-inward[inward < 0].sum())
