"""What a computation of a flood is asked, checked before any work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from twin.core.grid import Bounds
    from twin.water.flood import Flood

Value = float | Callable[[float], float]
"""A number, or one for each second after the start."""
Places = Sequence[tuple[float, float, Value]]
"""Easting, northing and value of points."""
MAX_HOURS = 24.0 * 366
MAX_INFILTRATION_MM_H = 1e4
MAX_SUCTION_M = 10.0


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
    inflow: Places | str | Path | None = None
    tide: Value | Places | str | Path | None = None
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
    suction_m: float = 0.0
    deficit: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.hours * 3600.0 <= MAX_HOURS * 3600.0:
            raise UsageError(
                "--hours", f"is {self.hours:g}", f"give a second or more, up to {MAX_HOURS:g} hours"
            )
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
        if not (0 <= self.suction_m <= MAX_SUCTION_M and 0 <= self.deficit <= 1):
            what = f"a suction of {self.suction_m:g} m, a deficit of {self.deficit:g}"
            raise UsageError(
                "--suction", what, f"give 0 to {MAX_SUCTION_M:g} m, and 0 to 1 of the soil's volume"
            )
        if (self.suction_m > 0) != (self.deficit > 0) or (self.suction_m > 0 and not self.infiltration_mm_h):
            what = "soil that drinks while it is dry needs --infiltration, --suction and --deficit together"
            raise UsageError("--suction", what, "give all three, or only --infiltration for a steady rate")
        if not self.every_s >= 1:
            raise UsageError("--every", f"is {self.every_s:g} s", "give 1 or more; moments are whole seconds")
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
        return float(self.output_every_s if self.output_every_s is not None else max(1.0, self.hours * 150.0))

    def as_json(self) -> dict[str, Any]:
        """The request in plain values, for provenance."""
        return {
            "hours": float(self.hours), "method": self.method, "buildings": self.buildings, "edges": self.edges,
            "infiltration_mm_h": float(self.infiltration_mm_h), "suction_m": float(self.suction_m),
            "deficit": float(self.deficit), "rain": _plain(self.rain),
            "tide": _plain(self.tide), "inflow": _plain(self.inflow),
            "after": None if self.after is None else self.after.name, "every_s": self.every_s,
        }  # fmt: skip


def _is_given(inflow: Any) -> bool:
    return isinstance(inflow, str | Path) or bool(inflow)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, str | Path):
        return Path(value).name
    return "given in Python"
