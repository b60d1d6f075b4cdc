"""A flood of a city over time, from whatever made it: a level, a computation, or a file of others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from twin.core.grid import Grid

Kind = Literal["level", "simulation", "import"]
KINDS: tuple[Kind, ...] = ("level", "simulation", "import")
WET_M = 0.01
"""Shallower water is a wet surface, not a flood; counts and extents begin here."""
ARRIVED_M = 0.05
"""Water has arrived where it is this deep, as in `twin.water.Extremes`."""
UNTIMED = np.datetime64("2000-01-01T00:00:00", "s")
"""Where a flood without a date of its own begins."""


class Steps(Protocol):
    """Where the fields of a flood come from, one step at a time."""

    def depth_m(self, step: int) -> NDArray[np.float32]:
        """Depth, shape (ny, nx)."""

    def velocity(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Velocity to the east and to the north, shape (ny, nx) each."""


@dataclass(frozen=True, slots=True)
class StepArrays:
    """Fields that lie in memory.

    Parameters
    ----------
    h : array, shape (t, ny, nx)
        Depth, m.
    u, v : array, shape (t, ny, nx), optional
        Velocity to the east and to the north, m/s.
    """

    h: NDArray[Any]
    u: NDArray[Any] | None = None
    v: NDArray[Any] | None = None

    def depth_m(self, step: int) -> NDArray[np.float32]:
        """Depth, shape (ny, nx)."""
        return np.asarray(self.h[step], np.float32)

    def velocity(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Velocity to the east and to the north, shape (ny, nx) each."""
        if self.u is None or self.v is None:
            return None
        return np.asarray(self.u[step], np.float32), np.asarray(self.v[step], np.float32)


@dataclass(frozen=True, slots=True)
class Flood:
    """Water on a grid of the city over time; row 0 lies in the north.

    Parameters
    ----------
    name : str
        Of the flood in its city.
    grid : Grid
        Its place, in the city's CRS.
    times : array of datetime64[s], shape (t,)
        UTC, increasing; one moment for a level.
    bed_m : array of float32, shape (ny, nx)
        Elevation of what the water stands on, m; NaN outside, and where buildings block it.
    steps : Steps
        Where depths and velocities are read from.
    max_depth_m : array of float32, shape (ny, nx)
        Greatest depth, m; 0 where it stays dry, NaN outside.
    kind : {"level", "simulation", "import"}
        What made it.
    is_preview : bool
        Whether it knows neither time nor volume, and must be labelled so.
    max_velocity_m_s, max_depth_velocity_m2_s : array of float32, shape (ny, nx), optional
        Greatest speed, and greatest product of depth and speed at one moment.
    arrival_s : array of float32, shape (ny, nx), optional
        Seconds after the first moment at which the water first stood 5 cm deep; NaN where it never did.
    duration_s : array of float32, shape (ny, nx), optional
        How long it did.
    infiltrated_m : array of float32, shape (ny, nx), optional
        Depth that the soil has taken since it was dry, m.
    attributes : mapping
        What else is known of it, as in ``run.json``.

    Raises
    ------
    ValueError
        If shapes do not fit, or times do not increase.

    Examples
    --------
    >>> from twin.core.grid import Grid
    >>> depth = np.array([[[0.0, 0.1]], [[0.2, 0.4]]], np.float32)
    >>> times = np.datetime64("2026-08-28T03:00:00", "s") + np.array([0, 600])
    >>> flood = flood_of(
    ...     "storm", Grid(0, 1, 1.0, 2, 1), times, np.zeros((1, 2), np.float32), StepArrays(depth), kind="simulation"
    ... )
    >>> round(float(flood.max_depth_m[0, 0]), 3), flood.arrival_s.tolist()
    (0.2, [[600.0, 0.0]])
    >>> flood.step_at(np.datetime64("2026-08-28T03:09:59"))
    0
    """

    name: str
    grid: Grid
    times: NDArray[np.datetime64]
    bed_m: NDArray[np.float32]
    steps: Steps
    max_depth_m: NDArray[np.float32]
    kind: Kind
    is_preview: bool = False
    max_velocity_m_s: NDArray[np.float32] | None = None
    max_depth_velocity_m2_s: NDArray[np.float32] | None = None
    arrival_s: NDArray[np.float32] | None = None
    duration_s: NDArray[np.float32] | None = None
    infiltrated_m: NDArray[np.float32] | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, is {self.kind!r}")
        if self.times.dtype != np.dtype("datetime64[s]") or self.times.ndim != 1 or not len(self.times):
            raise ValueError(
                f"times must be datetime64[s] of shape (t,), are {self.times.dtype} {self.times.shape}"
            )
        if (np.diff(self.times.astype(np.int64)) <= 0).any():
            raise ValueError("times must increase")
        rasters = {name: getattr(self, name) for name in RASTERS}
        for name, raster in {"bed_m": self.bed_m, **rasters}.items():
            if raster is not None and raster.shape != self.grid.shape:
                raise ValueError(f"{name} {raster.shape} must have the grid's shape {self.grid.shape}")

    @property
    def n_steps(self) -> int:
        """How many moments there are."""
        return len(self.times)

    def depth_m(self, step: int) -> NDArray[np.float32]:
        """Depth at a moment, m, shape (ny, nx); 0 where it is dry, NaN outside."""
        return self.steps.depth_m(step)

    def velocity(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Velocity to the east and to the north at a moment, m/s, shape (ny, nx) each; None if it is not known."""
        return self.steps.velocity(step)

    def step_at(self, time: np.datetime64) -> int:
        """The last step at or before a moment; the first one for earlier moments."""
        seconds = np.asarray(time, "datetime64[s]").astype(np.int64)
        return max(0, int(np.searchsorted(self.times.astype(np.int64), seconds, side="right")) - 1)


RASTERS = (
    *("max_depth_m", "max_velocity_m_s", "max_depth_velocity_m2_s", "arrival_s", "duration_s"),
    "infiltrated_m",
)
"""Fields of a flood that hold one value for each cell over all time."""


def flood_of(
    name: str,
    grid: Grid,
    times: NDArray[np.datetime64],
    bed_m: NDArray[Any],
    steps: Steps,
    *,
    kind: Kind,
    is_preview: bool = False,
    rasters: Mapping[str, NDArray[Any] | None] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Flood:
    """A flood whose greatest values are taken from its steps, as far as `rasters` does not give finer ones.

    Parameters
    ----------
    name, grid, times, bed_m, steps, kind, is_preview, attributes
        As in `Flood`.
    rasters : mapping of str to array of shape (ny, nx), optional
        Any of `RASTERS`.

    Raises
    ------
    ValueError
        If `rasters` names what a flood does not have.
    """
    given = {k: v for k, v in (rasters or {}).items() if v is not None}
    unknown = set(given) - set(RASTERS)
    if unknown:
        raise ValueError(f"a flood has no {', '.join(sorted(unknown))}")
    moments = np.asarray(times, "datetime64[s]")
    found = {**_greatest(steps, moments, grid.shape), **given}
    kept: dict[str, Any] = {k: None if v is None else np.asarray(v, np.float32) for k, v in found.items()}
    return Flood(
        name, grid, moments, np.asarray(bed_m, np.float32), steps,
        kind=kind, is_preview=is_preview, attributes=dict(attributes or {}), **kept,
    )  # fmt: skip


def _greatest(steps: Steps, times: NDArray[np.datetime64], shape: tuple[int, int]) -> dict[str, Any]:
    """The greatest depth, speed and product over all steps, and when water arrived, in one pass over them."""
    depth = np.full(shape, np.nan, np.float32)
    arrival = np.full(shape, np.nan, np.float32)
    fastest: NDArray[np.float32] | None = None
    product: NDArray[np.float32] | None = None
    for step, seconds in enumerate((times - times[0]).astype(np.float64)):
        h = steps.depth_m(step)
        depth = np.fmax(depth, h)
        arrival[np.isnan(arrival) & (h >= ARRIVED_M)] = seconds
        flow = steps.velocity(step)
        if flow is not None:
            speed = np.hypot(*flow).astype(np.float32)
            fastest = speed if fastest is None else np.fmax(fastest, speed)
            product = speed * h if product is None else np.fmax(product, speed * h)
    several = len(times) > 1
    return {
        "max_depth_m": depth,
        "max_velocity_m_s": fastest,
        "max_depth_velocity_m2_s": product,
        "arrival_s": arrival if several else None,
    }
