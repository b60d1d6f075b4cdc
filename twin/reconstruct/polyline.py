"""Polylines thinned by Douglas and Peucker's rule: in the plane, and as height profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@numba.njit(cache=True, nogil=True)
def _squared_distance(xy: NDArray[np.float64], p: int, a: int, b: int) -> float:
    ux, uy = xy[b, 0] - xy[a, 0], xy[b, 1] - xy[a, 1]
    px, py = xy[p, 0] - xy[a, 0], xy[p, 1] - xy[a, 1]
    length2 = ux * ux + uy * uy
    s = 0.0 if length2 == 0.0 else min(1.0, max(0.0, (px * ux + py * uy) / length2))
    dx, dy = px - s * ux, py - s * uy
    return dx * dx + dy * dy


@numba.njit(cache=True, nogil=True)
def thin_chains(xy: NDArray[np.float64], starts: NDArray[np.int64], tolerance: float) -> NDArray[np.bool_]:
    """Which points of plane polylines to keep, so that no dropped one is further off than the tolerance.

    Ends stay. A closed chain (first point equal to the last) is opened at the point farthest from its start.

    Parameters
    ----------
    xy : array, shape (n, 2)
        Points of all chains, one chain after another.
    starts : array, shape (n_chains + 1,)
        Chain ``c`` owns the points ``starts[c]:starts[c + 1]``.
    tolerance : float
        In the unit of `xy`.

    Returns
    -------
    array, shape (n,)

    References
    ----------
    Douglas & Peucker (1973), Cartographica 10(2), 112-122.
    """
    keep = np.zeros(len(xy), np.bool_)
    stack = np.empty((len(xy) + 2, 2), np.int64)
    for c in range(len(starts) - 1):
        if starts[c + 1] - starts[c] < 1:
            continue
        stack[0, 0], stack[0, 1] = starts[c], starts[c + 1] - 1
        keep[starts[c]] = keep[starts[c + 1] - 1] = True
        depth = 1
        while depth:
            depth -= 1
            a, b = stack[depth, 0], stack[depth, 1]
            far, worst = -1, tolerance * tolerance
            for p in range(a + 1, b):
                d = _squared_distance(xy, p, a, b)
                if d > worst:
                    far, worst = p, d
            if far >= 0:
                keep[far] = True
                stack[depth, 0], stack[depth, 1] = a, far
                stack[depth + 1, 0], stack[depth + 1, 1] = far, b
                depth += 2
    return keep


_STRETCH = 1e4
"""Stretched this much along its length, a profile has its nearest point of a chord straight above or below."""


def thin_profiles(
    t: NDArray[np.float64], z: NDArray[np.float64], starts: NDArray[np.int64], *, tolerance_m: float
) -> NDArray[np.bool_]:
    """Which points of height profiles to keep, so that no dropped one lies further above or below.

    Parameters
    ----------
    t, z : array, shape (n,)
        Distance along the profile, rising within each, and height; metres.
    starts : array, shape (n_profiles + 1,)
        Profile ``c`` owns the points ``starts[c]:starts[c + 1]``; its ends stay.
    tolerance_m : float
        Greatest vertical distance of a dropped point.

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> t = np.arange(5.0)
    >>> z = np.array([0.0, 0.01, 0.5, 0.26, 0.0])
    >>> np.flatnonzero(thin_profiles(t, z, np.array([0, 5]), tolerance_m=0.3)).tolist()
    [0, 2, 4]
    """
    return thin_chains(np.column_stack([t * _STRETCH, z]), starts, tolerance_m)
