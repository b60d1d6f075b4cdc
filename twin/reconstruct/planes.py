"""A plane for each cell, fitted to the points around it from below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from twin.reconstruct.cells import Rows, frame_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Grid
    from twin.reconstruct.cells import CellIndex, Frame

GROUND_NOISE_M = 0.1
"""Height above the plane at which a point has lost half its weight; four times as much below it."""
ITERATIONS = 2
PRIOR = 0.05
"""Pull of the slope found before, against that of the points: decides where they stand in a row."""
MIN_POINTS = 3


def fit_planes(
    xyz: NDArray[np.float64], index: CellIndex, use: NDArray[np.bool_], surface: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The plane of each cell through the chosen points in and around it.

    Weights fall with the distance from the cell's centre, and fall sooner for points above the plane than below, so
    that plants on the ground hardly lift it (Kraus & Pfeifer 1998).

    Parameters
    ----------
    xyz : array, shape (n, 3)
        Metres.
    index : CellIndex
        Points by cell.
    use : array, shape (n,)
        Points that may count.
    surface : array, shape (ny, nx)
        First guess; NaN where there is to be no plane.

    Returns
    -------
    array, shape (ny, nx, 3)
        Elevation at the cell's centre, and its rise per metre towards east and north; NaN without a first guess.
    """
    return _fit(xyz, _only(index.rows, use), surface, frame_of(index.grid))


def distance_to_planes(
    xyz: NDArray[np.float64], grid: Grid, planes: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Height of each point over the nearest of its cells' planes, and that plane's slope.

    The planes of the four cells whose centres surround a point are compared and the closest one counts: at a wall
    two belong to its foot and two to its top, and their mean to neither.

    Returns
    -------
    distance, slope : array, shape (n,)
        Metres, negative below, NaN where there is no plane; rise per metre.
    """
    return _nearest_plane(xyz, planes, frame_of(grid))


def _only(rows: Rows, use: NDArray[np.bool_]) -> Rows:
    """The same cells with the chosen points alone."""
    keep = use[rows.order]
    before = np.zeros(len(keep) + 1, np.int32)
    np.cumsum(keep, out=before[1:])
    return Rows(rows.order[keep], before[rows.start])


@njit(cache=True, nogil=True)
def _gentler(a: float, b: float) -> float:
    """The gentler of two slopes of one sign, else none: an edge on one side does not tilt a cell."""
    if not a * b > 0:
        return 0.0
    return a if abs(a) < abs(b) else b


@njit(cache=True, nogil=True)
def _fit(
    xyz: NDArray[np.float64], rows: Rows, surface: NDArray[np.float32], frame: Frame
) -> NDArray[np.float64]:
    ny, nx = surface.shape
    c = frame.c
    planes = np.full((ny, nx, 3), np.nan)
    for j in range(ny):
        for i in range(nx):
            if np.isnan(surface[j, i]):
                continue
            plane = planes[j, i]
            plane[0], plane[1], plane[2] = surface[j, i], 0.0, 0.0
            if 0 < i < nx - 1:
                plane[1] = _gentler(surface[j, i + 1] - plane[0], plane[0] - surface[j, i - 1]) / c
            if 0 < j < ny - 1:
                plane[2] = _gentler(surface[j - 1, i] - plane[0], plane[0] - surface[j + 1, i]) / c
            for _ in range(ITERATIONS):
                if not _improve(xyz, rows, plane, frame, (j, i)):
                    break
    return planes


@njit(cache=True, nogil=True)
def _improve(
    xyz: NDArray[np.float64], rows: Rows, plane: NDArray[np.float64], frame: Frame, cell: tuple[int, int]
) -> bool:
    """One step of reweighted least squares; false where too few points lie around."""
    (j, i), c, nx, n = cell, frame.c, frame.nx, 0
    x, y = frame.x_min + (i + 0.5) * c, frame.y_max - (j + 0.5) * c
    w0 = wx = wy = wz = wxx = wxy = wyy = wxz = wyz = 0.0
    for jj in range(max(j - 1, 0), min(j + 2, frame.ny)):
        for q in range(rows.start[jj * nx + max(i - 1, 0)], rows.start[jj * nx + min(i + 2, nx)]):
            p = rows.order[q]
            dx, dy, dz = xyz[p, 0] - x, xyz[p, 1] - y, xyz[p, 2] - plane[0]
            off = (dz - plane[1] * dx - plane[2] * dy) / GROUND_NOISE_M
            off = off if off > 0 else off / 4
            w = 1.0 / ((1.0 + off**4) * (1.0 + (dx * dx + dy * dy) / (c * c)))
            n += 1
            w0, wx, wy, wz = w0 + w, wx + w * dx, wy + w * dy, wz + w * dz
            wxx, wxy, wyy = wxx + w * dx * dx, wxy + w * dx * dy, wyy + w * dy * dy
            wxz, wyz = wxz + w * dx * dz, wyz + w * dy * dz
    if n < MIN_POINTS:
        return False
    mx, my, mz = wx / w0, wy / w0, wz / w0
    pull = PRIOR * w0 * c * c
    a, b, d = wxx - wx * mx + pull, wxy - wx * my, wyy - wy * my + pull
    e, f = wxz - wx * mz + pull * plane[1], wyz - wy * mz + pull * plane[2]
    det = a * d - b * b
    plane[1], plane[2] = (e * d - f * b) / det, (a * f - b * e) / det
    plane[0] += mz - plane[1] * mx - plane[2] * my
    return True


@njit(cache=True, nogil=True)
def _nearest_plane(
    xyz: NDArray[np.float64], planes: NDArray[np.float64], frame: Frame
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    ny, nx, c = frame.ny, frame.nx, frame.c
    distance, slope = np.full(len(xyz), np.float32(np.nan)), np.zeros(len(xyz), np.float32)
    for p in range(len(xyz)):
        i = min(max(int(np.floor((xyz[p, 0] - frame.x_min) / c - 0.5)), 0), nx - 2)
        j = min(max(int(np.floor((frame.y_max - xyz[p, 1]) / c - 0.5)), 0), ny - 2)
        best = np.inf
        for jj in range(j, j + 2):
            for ii in range(i, i + 2):
                plane = planes[jj, ii]
                dx = xyz[p, 0] - frame.x_min - (ii + 0.5) * c
                dy = xyz[p, 1] - frame.y_max + (jj + 0.5) * c
                off = xyz[p, 2] - plane[0] - plane[1] * dx - plane[2] * dy
                if abs(off) < best:
                    best = abs(off)
                    distance[p], slope[p] = off, np.hypot(plane[1], plane[2])
    return distance, slope
