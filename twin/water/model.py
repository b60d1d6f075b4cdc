"""What a flood computation gives: fields over time, a balance of its water, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin.core.errors import EXIT_INPUT, TwinError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class WaterState:
    """Everything that the next step needs; `solve` goes on from it by ``h0``, ``qx0`` and ``qy0``.

    Parameters
    ----------
    h : array, shape (ny, nx)
        Depth, m.
    qx, qy : array
        Unit discharge, m2/s, to the east and to the north, where the method keeps it: `accurate` at cell centres
        ``(ny, nx)``; `fast` at the faces, ``(ny, nx + 1)`` and ``(ny + 1, nx)``.
    """

    h: NDArray[Any]
    qx: NDArray[Any]
    qy: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Extremes:
    """The worst of the whole run in every cell, each ``(ny, nx)``.

    Parameters
    ----------
    depth_m, speed_m_s, depth_speed_m2_s : array
        Greatest depth, speed, and product of both at one moment.
    arrival_s : array
        Time at which the water first reached 5 cm; NaN where it never did.
    duration_s : array
        How long it stood at 5 cm or more.
    supercritical : array of bool
        Where at least 5 cm flowed at a Froude number above 1; `fast` is beyond its validity there.
    """

    depth_m: NDArray[Any]
    speed_m_s: NDArray[Any]
    depth_speed_m2_s: NDArray[Any]
    arrival_s: NDArray[Any]
    duration_s: NDArray[Any]
    supercritical: NDArray[Any]


@dataclass(frozen=True, slots=True)
class StepLimit:
    """Which cell set the length of the step at a moment: the deepest (`fast`) or fastest (`accurate`) one."""

    time_s: float
    dt_s: float
    row: int
    col: int


@dataclass(frozen=True, slots=True)
class Solution:
    """A computed flood; row 0 lies in the north.

    Parameters
    ----------
    times_s : array, shape (t,)
        Moments of the fields, s.
    h, u, v : array, shape (t, ny, nx)
        Depth, m, and velocity to the east and to the north, m/s.
    mass_error_m3 : float
        Volume at the end that the balance does not explain: end - start - in + out.
    volume_in_m3, volume_out_m3 : float
        What rain, sources and sides brought; what sides, sinks and the soil took.
    steps, cell_updates : int
        Time steps, and cells that were computed over all of them (dry tiles are not).
    wall_s : float
        Time that it took.
    final : WaterState
        To go on from.
    extremes : Extremes or None
        If they were asked for by ``extremes_every_s``.
    limits : tuple of StepLimit
        One for each output time.
    infiltrated_m3 : float
        The part of `volume_out_m3` that went into the soil.
    notices : tuple of str
        What the user should know, such as where `fast` left its validity.
    infiltrated_m : array, shape (ny, nx), or None
        Depth that the soil has taken since it was dry, m; None where nothing seeps.
    """

    times_s: NDArray[Any]
    h: NDArray[Any]
    u: NDArray[Any]
    v: NDArray[Any]
    mass_error_m3: float
    volume_in_m3: float
    volume_out_m3: float
    steps: int
    cell_updates: int
    wall_s: float
    final: WaterState
    extremes: Extremes | None = None
    limits: tuple[StepLimit, ...] = ()
    infiltrated_m3: float = 0.0
    notices: tuple[str, ...] = ()
    infiltrated_m: NDArray[Any] | None = None


class UnstableError(TwinError, ArithmeticError):
    """A computation could not go on with any step; `result` holds what was computed until then."""

    code, exit_code = "unstable", EXIT_INPUT

    def __init__(
        self, where: str | Path, what: str, remedy: str = "", result: Solution | None = None
    ) -> None:
        super().__init__(where, what, remedy)
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes unharmed."""
        return type(self), (self.where, self.what, self.remedy, self.result)


@dataclass(frozen=True, slots=True)
class GreenAmpt:
    """Soil that takes water fast while it is dry (Green & Ampt 1911).

    Parameters
    ----------
    conductivity_mm_h : float or array
        Rate at which wet soil takes water, mm/h.
    suction_m : float
        Suction at the wetting front, m.
    deficit : float
        Part of the soil's volume that can still fill, 0 to 1.
    taken_m : float or array
        Depth that it has taken before, m.
    """

    conductivity_mm_h: Any
    suction_m: float = 0.1
    deficit: float = 0.3
    taken_m: Any = 0.0
