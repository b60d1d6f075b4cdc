"""Cells of rasters made comparable: what is no data becomes NaN, and what cannot be is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.notices import Notices

SENTINELS = (
    -9999.0,
    -99999.0,
    -999999.0,
    -32768.0,
    -32767.0,
    -3.4028234663852886e38,
    3.4028234663852886e38,
    1e20,
)
"""Values that programs write where there is no data, whether they declare it or not."""
_HIGHEST_M, _LOWEST_M = 9000.0, -500.0
_STEEP = 1.0


@dataclass(slots=True)
class Tally:
    """What was met while a raster was read block by block.

    Parameters
    ----------
    undeclared : set of float
        Values that stand for no data without being declared.
    infinite : bool
        Whether there were infinite cells.
    n_read, n_data : int
        Cells of the wanted grid, and those with data.
    """

    undeclared: set[float] = field(default_factory=set)
    infinite: bool = False
    n_read: int = 0
    n_data: int = 0


def elevations_of(block: NDArray[np.generic], mask: NDArray[np.uint8], tally: Tally) -> NDArray[np.float32]:
    """A block of elevations, NaN where there is no data; `tally` notes what was not declared.

    Parameters
    ----------
    block : array, shape (ny, nx)
        Cells as in the file.
    mask : array, shape (ny, nx)
        0 where the file declares no data.
    tally : Tally
        Is added to.
    """
    values = block.astype(np.float32)
    values[mask == 0] = np.nan
    for sentinel in SENTINELS:
        hit = values == np.float32(sentinel)
        if hit.any():
            tally.undeclared.add(sentinel)
            values[hit] = np.nan
    infinite = np.isinf(values)
    tally.infinite |= bool(infinite.any())
    values[infinite] = np.nan
    return values


def tell(path: Path, tally: Tally, notices: Notices) -> None:
    """Tell what was met."""
    for value in sorted(tally.undeclared):
        notices.add(
            "undeclared-nodata",
            f"{path}: cells hold {value:g}, which is not declared as nodata; they were taken as such",
            subject=str(path),
        )
    if tally.infinite:
        notices.add(
            "infinite-cells",
            f"{path}: holds cells that are not finite; they were taken as nodata",
            subject=str(path),
        )
    share = tally.n_data / max(1, tally.n_read)
    if 0 < share < 0.995:
        notices.add(
            "partial-cover", f"{path}: covers {100 * share:.0f} % of the area with data", subject=str(path)
        )


def tell_doubtful_heights(
    path: Path, values: NDArray[np.float32], cell_size_m: float, notices: Notices
) -> None:
    """Tell where elevations look as if they were in another unit: half the ground steeper than 45 degrees.

    Parameters
    ----------
    path : Path
        For the message.
    values : array, shape (ny, nx)
        Elevations, NaN without data.
    cell_size_m : float
        Side of a cell.
    """
    low, high = (float(v) for v in np.nanpercentile(values, [1, 99]))
    steps = np.abs(np.concatenate([np.diff(values, axis=0).ravel(), np.diff(values, axis=1).ravel()]))
    steps = steps[np.isfinite(steps)]
    slope = float(np.median(steps)) / cell_size_m if len(steps) else 0.0
    if slope > _STEEP or high > _HIGHEST_M or low < _LOWEST_M:
        notices.add(
            "doubtful-heights",
            f"{path}: heights run from {low:.0f} to {high:.0f} m with a median slope of {100 * slope:.0f} %; "
            "are they in centimetres or feet?",
            subject=str(path),
        )
