"""Where water flowed when it flowed fastest, for pictures of no single moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.water.flood import Flood

_MOST_STEPS = 32


def fastest_flow(flood: Flood) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Velocity to the east and to the north, of each cell at the moment when it was fastest there; None if unknown.

    Of a long flood moments evenly apart are asked: arrows tell directions, and these change slowly.

    Returns
    -------
    tuple of two arrays of float32, shape (ny, nx)
        m/s.
    """
    steps = np.unique(np.linspace(0, flood.n_steps - 1, min(flood.n_steps, _MOST_STEPS)).round().astype(int))
    fastest = np.zeros(flood.grid.shape, np.float32)
    east, north = np.zeros_like(fastest), np.zeros_like(fastest)
    for step in steps.tolist():
        flow = flood.velocity(step)
        if flow is None:
            return None
        u, v = (np.nan_to_num(part) for part in flow)
        speed = np.hypot(u, v)
        faster = speed > fastest
        fastest[faster], east[faster], north[faster] = speed[faster], u[faster], v[faster]
    return east, north
