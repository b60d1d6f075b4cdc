"""Heights read off a triangle mesh, straight down from above."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.mesh import TriangleMesh

TRIANGLES_PER_BIN = 2.0
MAX_BINS = 4_000_000
EDGE_TOLERANCE = 1e-9
"""Barycentric coordinates may be this much below 0, so that no point falls between two triangles."""


def sample_surface(mesh: TriangleMesh, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of the uppermost triangle at points; NaN where none lies.

    Parameters
    ----------
    mesh : TriangleMesh
        Upright triangles are passed over.
    x, y : array, shape (n,)
        Map coordinates, metres.

    Returns
    -------
    array, shape (n,)
        Metres.

    Examples
    --------
    >>> from twin.core.mesh import TriangleMesh
    >>> corners = np.array([[0.0, 0, 0], [4, 0, 4], [0, 4, 0]])
    >>> sample_surface(TriangleMesh(corners, np.array([[0, 1, 2]], np.int32)), np.array([1.0, 3]), np.array([1.0, 3]))
    array([ 1., nan])
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if not len(mesh.triangles):
        return np.full(len(x), np.nan)
    low = mesh.vertices[:, :2].min(axis=0)
    vertices = mesh.vertices - np.append(low, 0.0)
    width, height = np.maximum(vertices[:, :2].max(axis=0), 1e-3)
    n_bins = min(MAX_BINS, max(1.0, len(mesh.triangles) / TRIANGLES_PER_BIN))
    side = max(math.sqrt(width * height / n_bins), width / 10_000, height / 10_000)
    shape = (int(height / side) + 1, int(width / side) + 1)
    bins = _binned(vertices, mesh.triangles, side, shape)
    return _highest(np.column_stack([x - low[0], y - low[1]]), vertices, mesh.triangles, (side, *shape), bins)


@numba.njit(cache=True, nogil=True)
def _box(vertices: NDArray[np.float64], t: NDArray[np.int32], side: float) -> tuple[int, int, int, int]:
    """First and last row and column of bins that the box of a triangle touches."""
    x0 = min(vertices[t[0], 0], vertices[t[1], 0], vertices[t[2], 0])
    x1 = max(vertices[t[0], 0], vertices[t[1], 0], vertices[t[2], 0])
    y0 = min(vertices[t[0], 1], vertices[t[1], 1], vertices[t[2], 1])
    y1 = max(vertices[t[0], 1], vertices[t[1], 1], vertices[t[2], 1])
    return int(y0 / side), int(y1 / side), int(x0 / side), int(x1 / side)


@numba.njit(cache=True, nogil=True)
def _binned(
    vertices: NDArray[np.float64], triangles: NDArray[np.int32], side: float, shape: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Triangles by the bins that their boxes touch, in compressed rows."""
    starts = np.zeros(shape[0] * shape[1] + 1, np.int64)
    for t in range(len(triangles)):
        j0, j1, i0, i1 = _box(vertices, triangles[t], side)
        for j in range(j0, j1 + 1):
            for i in range(i0, i1 + 1):
                starts[j * shape[1] + i + 1] += 1
    for b in range(shape[0] * shape[1]):
        starts[b + 1] += starts[b]
    members = np.empty(starts[-1], np.int32)
    filled = starts[:-1].copy()
    for t in range(len(triangles)):
        j0, j1, i0, i1 = _box(vertices, triangles[t], side)
        for j in range(j0, j1 + 1):
            for i in range(i0, i1 + 1):
                b = j * shape[1] + i
                members[filled[b]] = t
                filled[b] += 1
    return starts, members


@numba.njit(cache=True, nogil=True)
def _highest(
    xy: NDArray[np.float64],
    vertices: NDArray[np.float64],
    triangles: NDArray[np.int32],
    layout: tuple[float, int, int],
    bins: tuple[NDArray[np.int64], NDArray[np.int32]],
) -> NDArray[np.float64]:
    z = np.full(len(xy), np.nan)
    side, n_rows, n_cols = layout
    starts, members = bins
    for p in range(len(xy)):
        j, i = math.floor(xy[p, 1] / side), math.floor(xy[p, 0] / side)
        if not (0 <= j < n_rows and 0 <= i < n_cols):
            continue
        b = j * n_cols + i
        for m in range(starts[b], starts[b + 1]):
            t = triangles[members[m]]
            ax, ay, az = vertices[t[0], 0], vertices[t[0], 1], vertices[t[0], 2]
            bx, by = vertices[t[1], 0] - ax, vertices[t[1], 1] - ay
            cx, cy = vertices[t[2], 0] - ax, vertices[t[2], 1] - ay
            px, py = xy[p, 0] - ax, xy[p, 1] - ay
            det = bx * cy - cx * by
            if abs(det) < 1e-12:
                continue
            u, v = (px * cy - cx * py) / det, (bx * py - px * by) / det
            if u >= -EDGE_TOLERANCE and v >= -EDGE_TOLERANCE and u + v <= 1 + EDGE_TOLERANCE:
                here = az + u * (vertices[t[1], 2] - az) + v * (vertices[t[2], 2] - az)
                if not here <= z[p]:
                    z[p] = here
    return z
