"""A computed flood as one of the city: its fields, its greatest values, its balance of water."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.water.flood import Flood, StepArrays, flood_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.water.model import Solution
    from twin.water.simulation import Setup


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
    if solution.infiltrated_m is not None:
        rasters["infiltrated_m"] = np.where(is_open, solution.infiltrated_m, np.nan)
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
