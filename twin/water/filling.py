"""Water up to a level, only where it is connected to where it comes from: a preview at the speed of a slider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from twin.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def fill_level(z: ArrayLike, eta_m: ArrayLike, seeds: ArrayLike) -> NDArray[np.float32]:
    """Depth of standing water up to a level, connected to its seeds.

    A preview: it knows no time, no volume and no current; ground that lies below the level behind a dyke stays dry.

    Parameters
    ----------
    z : array, shape (ny, nx)
        Elevation of the ground, m. Where it is NaN or ``+inf`` no water goes.
    eta_m : float or array, shape (ny, nx)
        Level of the water, m; an array for a river whose surface slopes.
    seeds : array of bool, shape (ny, nx), or array of int, shape (n, 2)
        Where the water comes from: a mask, or rows and columns. Seeds on dry ground give nothing.

    Returns
    -------
    depth : array of float32, shape (ny, nx)
        Metres; 0 where it is dry. Cells are connected by their sides.

    Raises
    ------
    UsageError
        If shapes do not fit, a level is not finite, or a seed lies outside.

    Notes
    -----
    Runs of wet cells along a row are joined with those they touch in the row above (union-find over runs), in two
    passes; the time does not depend on the shape of the flood.

    Examples
    --------
    A dyke at column 2 keeps the polder behind it dry:

    >>> z = np.array([[0.0, 0.0, 5.0, -1.0]])
    >>> fill_level(z, 2.0, [(0, 0)])
    array([[2., 2., 0., 0.]], dtype=float32)
    """
    bed = np.asarray(z)
    if bed.ndim != 2 or bed.size == 0:
        raise UsageError("z", f"shape {bed.shape}", "give elevations of shape (ny, nx)")
    if bed.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        bed = bed.astype(np.float64)
    level = np.asarray(eta_m, np.float64)
    if level.shape not in ((), bed.shape) or not np.isfinite(level).all():
        raise UsageError(
            "eta_m", f"a level of shape {level.shape}", "give a finite level in m, or one for each cell"
        )
    flat = np.full((1, bed.shape[1]), float(level)) if level.ndim == 0 else np.ascontiguousarray(level)
    rows, cols = _seed_cells(np.asarray(seeds), bed.shape)
    out = np.zeros(bed.shape, np.float32)
    _fill(np.ascontiguousarray(bed), flat, rows, cols, out)
    return out


def _seed_cells(seeds: NDArray[Any], shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if seeds.dtype == np.bool_:
        if seeds.shape != shape:
            raise UsageError(
                "seeds", f"a mask of shape {seeds.shape}, the terrain {shape}", "give one of that shape"
            )
        rows, cols = np.nonzero(seeds)
        return rows.astype(np.int64), cols.astype(np.int64)
    cells = seeds.reshape(-1, 2).astype(np.int64)
    outside = ((cells < 0) | (cells >= shape)).any(axis=1)
    if outside.any():
        row, col = cells[np.argmax(outside)]
        raise UsageError(
            "seeds", f"row {row}, column {col} lies outside the grid of {shape}", "give cells of it"
        )
    return cells[:, 0].copy(), cells[:, 1].copy()


@njit(cache=True, nogil=True, error_model="numpy")
def _root(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True, nogil=True, error_model="numpy")
def _find_runs(z, level, start, stop, first):  # type: ignore[no-untyped-def]
    """Runs of cells below the level, row by row; `first[j]` is the number of the first run of row j."""
    n = 0
    for j in range(z.shape[0]):
        first[j] = n
        row, eta = z[j], level[j if level.shape[0] > 1 else 0]
        inside = False
        for i in range(z.shape[1]):
            wet = row[i] < eta[i]
            if wet and not inside:
                start[n] = i
            elif inside and not wet:
                stop[n] = i
                n += 1
            inside = wet
        if inside:
            stop[n] = z.shape[1]
            n += 1
    first[z.shape[0]] = n
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _join_runs(start, stop, first, parent):  # type: ignore[no-untyped-def]
    """Join each run with those it touches in the row above; the least number of a body is its root."""
    for j in range(1, first.size - 1):
        above, here = first[j - 1], first[j]
        while above < first[j] and here < first[j + 1]:
            if start[above] < stop[here] and start[here] < stop[above]:
                a, b = _root(parent, above), _root(parent, here)
                parent[max(a, b)] = min(a, b)
            if stop[above] < stop[here]:
                above += 1
            else:
                here += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(z, level, rows, cols, out):  # type: ignore[no-untyped-def]
    ny, nx = z.shape
    most = ny * ((nx + 1) // 2)
    start, stop = np.empty(most, np.int32), np.empty(most, np.int32)
    first = np.empty(ny + 1, np.int64)
    n = _find_runs(z, level, start, stop, first)
    parent = np.arange(n)
    _join_runs(start, stop, first, parent)
    fed = np.zeros(n, np.bool_)
    for s in range(rows.size):
        for r in range(first[rows[s]], first[rows[s] + 1]):
            if start[r] <= cols[s] < stop[r]:
                fed[_root(parent, r)] = True
    for j in range(ny):
        row, eta, depth = z[j], level[j if level.shape[0] > 1 else 0], out[j]
        for r in range(first[j], first[j + 1]):
            if fed[_root(parent, r)]:
                for i in range(start[r], stop[r]):
                    depth[i] = eta[i] - row[i]
