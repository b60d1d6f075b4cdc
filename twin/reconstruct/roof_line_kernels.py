"""Compiled steps of finding the lines of a roof: a map of its planes, where they meet, and steps placed by points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from twin.reconstruct.order import rising_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BIN_M = 0.1


FACING = 0.7
"""Cosine up to which a border runs along a line."""

_AROUND = 2
_LEAST_BESIDE = 8


@numba.njit(cache=True, nogil=True)
def nearest_label_map(
    xyz: NDArray[np.float64],
    label: NDArray[np.int64],
    frame: tuple[float, float, float, int, int],
    near_m: float,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Label of the nearest labelled point for each cell of a raster, -1 if there is none, and whether it is near.

    Both of shape (ny, nx). Nearest points are handed on from cell to cell in two sweeps, there and back, as distance
    transforms do.
    """
    ny, nx = frame[3:]
    owner = _seeded(xyz, label, frame)
    for r in range(ny):
        for c in range(nx):
            for dr, dc in ((-1, -1), (-1, 0), (-1, 1), (0, -1)):
                _hand_on(xyz, owner, (r, c), (r + dr, c + dc), frame)
    for r in range(ny - 1, -1, -1):
        for c in range(nx - 1, -1, -1):
            for dr, dc in ((1, -1), (1, 0), (1, 1), (0, 1)):
                _hand_on(xyz, owner, (r, c), (r + dr, c + dc), frame)
    found, is_near = np.full((ny, nx), -1, np.int64), np.zeros((ny, nx), np.bool_)
    x0, y0, cell = frame[:3]
    for r in range(ny):
        for c in range(nx):
            if owner[r, c] >= 0:
                p = xyz[owner[r, c]]
                away = (p[0] - x0 - (c + 0.5) * cell) ** 2 + (p[1] - y0 - (r + 0.5) * cell) ** 2
                found[r, c], is_near[r, c] = label[owner[r, c]], away <= near_m * near_m
    return found, is_near


@numba.njit(cache=True, nogil=True)
def _seeded(
    xyz: NDArray[np.float64], label: NDArray[np.int64], frame: tuple[float, float, float, int, int]
) -> NDArray[np.int64]:
    """The labelled point in each cell that is nearest to its centre, -1 where there is none, shape (ny, nx)."""
    x0, y0, cell, ny, nx = frame
    owner = np.full((ny, nx), -1, np.int64)
    for i in range(len(xyz)):
        if label[i] >= 0:
            c = min(nx - 1, max(0, int((xyz[i, 0] - x0) / cell)))
            r = min(ny - 1, max(0, int((xyz[i, 1] - y0) / cell)))
            _take_nearer(xyz, owner, (r, c), i, frame)
    return owner


@numba.njit(cache=True, nogil=True)
def _hand_on(
    xyz: NDArray[np.float64],
    owner: NDArray[np.int64],
    at: tuple[int, int],
    source: tuple[int, int],
    frame: tuple[float, float, float, int, int],
) -> None:
    r, c = source
    if 0 <= r < frame[3] and 0 <= c < frame[4] and owner[r, c] >= 0:
        _take_nearer(xyz, owner, at, owner[r, c], frame)


@numba.njit(cache=True, nogil=True)
def _take_nearer(
    xyz: NDArray[np.float64],
    owner: NDArray[np.int64],
    at: tuple[int, int],
    i: int,
    frame: tuple[float, float, float, int, int],
) -> None:
    x, y = frame[0] + (at[1] + 0.5) * frame[2], frame[1] + (at[0] + 0.5) * frame[2]
    j = owner[at[0], at[1]]
    new = (xyz[i, 0] - x) ** 2 + (xyz[i, 1] - y) ** 2
    if j < 0 or new < (xyz[j, 0] - x) ** 2 + (xyz[j, 1] - y) ** 2:
        owner[at[0], at[1]] = i


@numba.njit(cache=True, nogil=True)
def contacts(
    labels: NDArray[np.int64], inside: NDArray[np.bool_], frame: tuple[float, float, float, int, int]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sides of cells between two labels.

    Returns
    -------
    pair : array, shape (m, 2)
        The labels, lower first.
    at : array, shape (m, 5)
        Middle of the side; unit normal of the border there, told from the cells around; length of border that the
        side stands for, in sides.
    """
    x0, y0, cell, ny, nx = frame
    pair, at = np.empty((2 * ny * nx, 2), np.int64), np.empty((2 * ny * nx, 5))
    m = 0
    for r in range(ny):
        for c in range(nx):
            for dr, dc in ((0, 1), (1, 0)):
                if r + dr >= ny or c + dc >= nx or not (inside[r, c] or inside[r + dr, c + dc]):
                    continue
                a, b = labels[r, c], labels[r + dr, c + dc]
                if a >= 0 and b >= 0 and a != b:
                    pair[m, 0], pair[m, 1] = min(a, b), max(a, b)
                    at[m, 0] = x0 + (c + 0.5 + 0.5 * dc) * cell
                    at[m, 1] = y0 + (r + 0.5 + 0.5 * dr) * cell
                    at[m, 2], at[m, 3] = _border_normal(labels, (r, c), (dr, dc))
                    at[m, 4] = abs(at[m, 2] * dc + at[m, 3] * dr)
                    m += 1
    return pair[:m].copy(), at[:m].copy()


@numba.njit(cache=True, nogil=True)
def _border_normal(
    labels: NDArray[np.int64], at: tuple[int, int], side: tuple[int, int]
) -> tuple[float, float]:
    """Direction in which the border between a cell and the next is crossed, from the labels of the cells around."""
    (r, c), (dr, dc) = at, side
    a, b = labels[r, c], labels[r + dr, c + dc]
    ny, nx = labels.shape
    x, y = 1e-3 * dc, 1e-3 * dr
    for i in range(max(0, r - _AROUND), min(ny, r + dr + _AROUND + 1)):
        for j in range(max(0, c - _AROUND), min(nx, c + dc + _AROUND + 1)):
            sign = 1.0 if labels[i, j] == b else (-1.0 if labels[i, j] == a else 0.0)
            x += sign * (j - c - 0.5 * dc)
            y += sign * (i - r - 0.5 * dr)
    length = np.sqrt(x * x + y * y)
    return x / length, y / length


@numba.njit(cache=True, nogil=True)
def strongest_line(
    at: NDArray[np.float64], normals: NDArray[np.float64], width_m: float
) -> tuple[int, float, float]:
    """The line in one of the directions along which most of a border runs: row, offset, length in sides of cells."""
    best, row, offset = 0.0, -1, 0.0
    for d in range(len(normals)):
        along = at[:, 0] * normals[d, 0] + at[:, 1] * normals[d, 1]
        facing = np.abs(at[:, 2] * normals[d, 0] + at[:, 3] * normals[d, 1])
        share = np.where(facing > FACING, at[:, 4] * facing, 0.0)
        order = rising_order(along)
        first, total = 0, 0.0
        for last in order:
            total += share[last]
            while along[last] - along[order[first]] > width_m:
                total -= share[order[first]]
                first += 1
            if total > best + 1e-9:
                best, row, offset = total, d, (along[order[first]] + along[last]) / 2
    return row, offset, best


@numba.njit(cache=True, nogil=True)
def _beside_hidden(along: NDArray[np.float64], offset: float, reach: float) -> tuple[float, float, float]:
    """The same where all points are of the higher plane, and the lower one lies hidden beside it."""
    first, last = along.min(), along.max()
    if -first < last:
        return offset - reach, offset + first, 1.0
    return offset + last, offset + reach, -1.0


@numba.njit(cache=True, nogil=True)
def place_step(
    xyz: NDArray[np.float64],
    label: NDArray[np.int64],
    pair: tuple[int, int],
    normal: NDArray[np.float64],
    band: tuple[float, float, float, float],
) -> tuple[float, float, float]:
    """Where across a step its points are told apart best.

    Parameters
    ----------
    pair : (int, int)
        The lower and the higher plane.
    band : tuple
        Offset about which to look, reach on either side of it, and the range along the line, metres.

    Returns
    -------
    low, high : float
        Any offset between them tells the points apart with the fewest on the wrong side.
    side : float
        1 if the higher plane lies beyond, -1 if before, 0 if not both have points there.
    """
    offset, reach, t0, t1 = band
    along, high = np.empty(len(xyz)), np.zeros(len(xyz))
    n, n_high = 0, 0.0
    for i in range(len(xyz)):
        if label[i] != pair[0] and label[i] != pair[1]:
            continue
        d = xyz[i, 0] * normal[0] + xyz[i, 1] * normal[1] - offset
        t = xyz[i, 1] * normal[0] - xyz[i, 0] * normal[1]
        if abs(d) <= reach and t0 <= t <= t1:
            along[n], high[n] = d, 1.0 if label[i] == pair[1] else -1.0
            n_high += high[n]
            n += 1
    if n_high == n >= _LEAST_BESIDE:
        return _beside_hidden(along[:n], offset, reach)
    if abs(n_high) == n:
        return offset, offset, 0.0
    order = rising_order(along[:n])
    balance = 0.0
    side, most, low_at, high_at = 0.0, -1.0, 0.0, 0.0
    for k in range(n - 1):
        balance += high[order[k]]
        rest = n_high - balance
        for s in (1.0, -1.0):
            told = s * (rest - balance)
            gap = along[order[k + 1]] - along[order[k]]
            if told > most or (told == most and gap > high_at - low_at):
                most, side = told, s
                low_at, high_at = along[order[k]], along[order[k + 1]]
    return offset + low_at, offset + high_at, side
