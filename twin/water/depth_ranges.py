"""Depths that are known only between two bounds, as polygons of depth classes tell them; they stay ranges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from twin.reconstruct.raster_marks import polygon_of_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.water.flood import Flood, Steps
    from twin.water.sampling import CellSets


@runtime_checkable
class RangedSteps(Protocol):
    """Steps that tell bounds beside their depth."""

    def depth_range_m(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Least and greatest possible depth, shape (ny, nx) each."""


@dataclass(frozen=True, slots=True)
class StepRanges:
    """Steps with the same bounds at every moment.

    Parameters
    ----------
    steps : Steps
        Depths and velocities.
    low_m, high_m : array of float32, shape (ny, nx)
        Bounds of the depth, m.
    """

    steps: Steps
    low_m: NDArray[np.float32]
    high_m: NDArray[np.float32]

    def depth_m(self, step: int) -> NDArray[np.float32]:
        """Depth, shape (ny, nx)."""
        return self.steps.depth_m(step)

    def velocity(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Velocity to the east and to the north, shape (ny, nx) each."""
        return self.steps.velocity(step)

    def depth_range_m(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Least and greatest possible depth, shape (ny, nx) each."""
        return self.low_m, self.high_m


def with_ranges(flood: Flood, polygons: Any) -> Flood:
    """A flood that knows the bounds of its depth from the polygons that it was made of.

    Parameters
    ----------
    flood : Flood
    polygons : GeoDataFrame
        With `depth_low_m` and `depth_high_m`, NaN where there is no such bound. Of polygons that overlap the last one
        holds. Without a lower bound it is 0, without an upper one the flood's own depth, if that is more than the
        lower; outside of all polygons it is dry.

    Returns
    -------
    Flood
        The same one if no polygon has a bound.
    """
    low, high = (polygons[c].to_numpy(np.float64) for c in ("depth_low_m", "depth_high_m"))
    if not (np.isfinite(low) | np.isfinite(high)).any():
        return flood
    at = polygon_of_cells(np.asarray(polygons.geometry.array), flood.grid)
    least = np.where(at >= 0, np.nan_to_num(low)[at], 0.0)
    own = flood.max_depth_m
    most = np.where(at >= 0, np.where(np.isfinite(high), high, np.nan)[at], 0.0)
    most = np.maximum(np.where(np.isnan(most), own, most), least)
    outside = np.isnan(own)
    bounds = [np.where(outside, np.nan, bound).astype(np.float32) for bound in (least, most)]
    return replace(flood, steps=StepRanges(flood.steps, *bounds))


def ranges_on(
    flood: Flood, cells: CellSets, raised_m: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Bounds of the greatest depth on shapes at each moment, shape (t, n) each; None if the flood has no bounds.

    Parameters
    ----------
    flood : Flood
    cells : CellSets
        Cells of the shapes.
    raised_m : array, shape (m,), optional
        How high above the bed a deck carries the shape at each cell; NaN where none does.
    """
    steps = flood.steps
    if not isinstance(steps, RangedSteps):
        return None
    over = 0.0 if raised_m is None else np.nan_to_num(raised_m)
    found = [
        [cells.greatest(np.maximum(cells.take(bound) - over, 0)) for bound in steps.depth_range_m(step)]
        for step in range(flood.n_steps)
    ]
    low, high = (np.stack(rows).astype(np.float32) for rows in zip(*found, strict=True))
    return low, high
