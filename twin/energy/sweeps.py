"""Shadows on a raster of heights: one sweep over it for each place of the sun."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from twin.core.tasks import default_workers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.energy.sun import Sun
    from twin.energy.track import Track

GRAZE_M = 0.05
"""A shadow must pass this far above the middle of a cell to darken it, so that rough ground does not shade itself."""
_LOWEST_DEG = 0.01


@njit(cache=True, nogil=True)
def _add_sun(z, across, down, drop, hours, out):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Add `hours` to every cell that the sun reaches.

    Lines run from the sun row by row, `across` columns a row; along each, the top of the shadow sinks by `drop` from
    row to row and rises to whatever stands above it. Each cell lies on one line.
    """
    ny, nx = z.shape
    shadow, moved = np.full(nx, -np.inf), np.empty(nx)
    first = 0 if down else ny - 1
    before = 0
    for i in range(ny):
        row = first + i if down else first - i
        shift = int(np.rint(i * across)) - before
        before += shift
        above = row - 1 if down else row + 1
        for column in range(nx):
            source = column - shift
            if i == 0 or source < 0 or source >= nx:
                moved[column] = -np.inf
                continue
            moved[column] = max(shadow[source], z[above, source]) - drop
        for column in range(nx):
            shadow[column] = moved[column]
            if z[row, column] + GRAZE_M >= shadow[column]:
                out[row, column] += hours


def _sweep(
    heights: tuple[NDArray[np.float32], NDArray[np.float32]],
    cell_size_m: float,
    sun: Sun,
    hours: float,
    out: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> None:
    """One place of the sun: along rows, or along columns (rows of the transposed) where it stands in east or west."""
    east, north, up = sun.direction
    level = math.hypot(east, north)
    slope = max(up, math.sin(math.radians(_LOWEST_DEG))) / max(level, 1e-9)
    if abs(north) >= abs(east):
        # Away from the sun is the way of the sweep: a sun in the north shines down the rows.
        step = cell_size_m * level / max(abs(north), 1e-9)
        _add_sun(heights[0], -east / max(abs(north), 1e-9), north >= 0, step * slope, hours, out[0])
    else:
        step = cell_size_m * level / abs(east)
        # In the transposed raster rows are columns from west to east, and columns run southwards.
        _add_sun(heights[1], north / abs(east), east < 0, step * slope, hours, out[1])


def hours_on_raster(
    heights: NDArray[np.float32], cell_size_m: float, track: Track, *, threads: int | None = None
) -> NDArray[np.float32]:
    """Hours of direct sun on each cell of a raster over a day.

    Parameters
    ----------
    heights : array, shape (ny, nx)
        Elevation of what stands there, row 0 in the north; NaN throws no shadow and gets none.
    cell_size_m : float
    track : Track
    threads : int, optional
        The result is the same for any number.

    Returns
    -------
    array of float32, shape (ny, nx)
        NaN where there is no height.

    Notes
    -----
    Beyond the raster nothing stands in the way. A shadow's edge is known to half a cell across its direction.
    """
    known = np.isfinite(heights)
    z = np.where(known, heights, np.float32(-np.inf))
    turned = np.ascontiguousarray(z.T)
    n = threads or default_workers()

    def work(part: slice) -> NDArray[np.float32]:
        out = np.zeros(z.shape, np.float32), np.zeros(turned.shape, np.float32)
        for sun, hours in zip(track.suns[part], track.hours[part], strict=True):
            _sweep((z, turned), cell_size_m, sun, float(hours), out)
        return out[0] + out[1].T

    # Parts of fixed size, added in order: the sums do not depend on the number of threads.
    parts = [slice(a, a + 16) for a in range(0, len(track.suns), 16)]
    total = np.zeros(z.shape, np.float32)
    with ThreadPoolExecutor(n) as pool:
        for found in pool.map(work, parts):
            total += found
    return np.where(known, total, np.float32(np.nan))


def sunlit(heights: NDArray[np.float32], cell_size_m: float, sun: Sun) -> NDArray[np.bool_]:
    """Which cells of a raster the sun reaches at a moment; none by night. Parameters as in `hours_on_raster`."""
    z = np.where(np.isfinite(heights), heights, np.float32(-np.inf))
    out = np.zeros(z.shape, np.float32), np.zeros(z.shape[::-1], np.float32)
    if sun.elevation_deg <= 0:
        return np.zeros(z.shape, np.bool_)
    _sweep((z, np.ascontiguousarray(z.T)), cell_size_m, sun, 1.0, out)
    return np.asarray((out[0] + out[1].T > 0) & np.isfinite(heights))
