"""Whether light gets from here to there: rays against triangles, by Embree or by our own tree where it is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAF = 4
_FAR = np.float32(1e30)


class Caster(Protocol):
    """Something that rays can be cast against."""

    def occluded(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether each ray meets anything, shape (n,)."""

    def distances(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.float32]:
        """How far each ray gets, in lengths of its direction; infinite where nothing stops it. Shape (n,)."""

    def triangles_met(
        self, origins: NDArray[np.float32], directions: NDArray[np.float32]
    ) -> NDArray[np.int64]:
        """Which triangle each ray meets first, -1 for none; of two at one place either. Shape (n,)."""


def make_caster(triangles: NDArray[np.float32]) -> Caster:
    """A caster over triangles, by Embree where its wheel is installed.

    Parameters
    ----------
    triangles : array, shape (m, 3, 3)
        Corners in local metres.
    """
    triangles = np.ascontiguousarray(triangles, dtype=np.float32)
    if not len(triangles):
        return _Nothing()
    try:
        return EmbreeCaster(triangles)
    except ImportError:
        return TreeCaster(triangles)


class _Nothing:
    """An empty world."""

    def occluded(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Nothing is in the way."""
        return np.zeros(len(origins), np.bool_) & (directions[:, 0] == 0)

    def distances(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.float32]:
        """Every ray gets away."""
        return np.full(len(origins), np.inf, np.float32) + 0 * directions[:, 0]

    def triangles_met(
        self, origins: NDArray[np.float32], directions: NDArray[np.float32]
    ) -> NDArray[np.int64]:
        """There is none."""
        return np.full(len(origins), -1, np.int64)


class EmbreeCaster:
    """Rays by Embree: some 5 to 10 million a second on one core."""

    def __init__(self, triangles: NDArray[np.float32]) -> None:
        from embreex import rtcore_scene
        from embreex.mesh_construction import TriangleMesh

        self._scene = rtcore_scene.EmbreeScene()
        self._mesh = TriangleMesh(self._scene, triangles)
        # Embree builds its tree when the first ray is cast, which must not happen on several threads at once.
        ray = np.zeros((1, 3), np.float32), np.array([[0, 0, 1]], np.float32)
        self._scene.run(*ray, query="OCCLUDED")

    def occluded(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether each ray meets anything, shape (n,)."""
        if not len(origins):
            return np.empty(0, np.bool_)
        hit: NDArray[np.bool_] = self._scene.run(origins, directions, query="OCCLUDED") != -1
        return hit

    def distances(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.float32]:
        """How far each ray gets, shape (n,)."""
        if not len(origins):
            return np.empty(0, np.float32)
        found = self._scene.run(origins, directions, query="DISTANCE").astype(np.float32)
        return np.where(found < _FAR, found, np.float32(np.inf))

    def triangles_met(
        self, origins: NDArray[np.float32], directions: NDArray[np.float32]
    ) -> NDArray[np.int64]:
        """Which triangle each ray meets first, shape (n,)."""
        if not len(origins):
            return np.empty(0, np.int64)
        return np.asarray(self._scene.run(origins, directions, query="INTERSECT"), np.int64)


class TreeCaster:
    """Rays through a tree of boxes in Morton order: no library needed, several times slower than Embree.

    In double precision throughout, and of two triangles met at once the one with the lower number counts: the
    answer is that of an exact test of every triangle.
    """

    def __init__(self, triangles: NDArray[np.float32]) -> None:
        self._corners, self._boxes, self._number = _box_tree(triangles)
        self._n = len(triangles)

    def occluded(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether each ray meets anything, shape (n,)."""
        return self._trace(origins, directions, np.inf)[0] < np.inf

    def distances(self, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.float32]:
        """How far each ray gets, shape (n,)."""
        return self._trace(origins, directions, 0.0)[0].astype(np.float32)

    def triangles_met(
        self, origins: NDArray[np.float32], directions: NDArray[np.float32]
    ) -> NDArray[np.int64]:
        """Which triangle each ray meets first, shape (n,)."""
        return self._trace(origins, directions, 0.0)[1]

    def nearest(
        self,
        origins: NDArray[np.floating],
        directions: NDArray[np.floating],
        *,
        shown: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Which triangle each ray meets first, -1 for none, and how far away, in lengths of its direction.

        Parameters
        ----------
        origins, directions : array, shape (n, 3)
        shown : array of bool, shape (m,), optional
            Triangles that count; all of them if not given.
        """
        far, number = self._trace(origins, directions, 0.0, shown)
        return number, far

    def _trace(
        self,
        origins: NDArray[np.floating],
        directions: NDArray[np.floating],
        stop_at: float,
        shown: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        far, number = np.empty(len(origins)), np.empty(len(origins), np.int64)
        rays = (np.ascontiguousarray(a, dtype=np.float64) for a in (origins, directions))
        counts = np.ones(self._n, np.bool_) if shown is None else np.ascontiguousarray(shown)
        _trace(self._corners, self._boxes, self._number, counts, *rays, stop_at, far, number)
        return far, number


def _box_tree(
    triangles: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Triangles in Morton order as corner and two edges, boxes of a complete binary tree over leaves of four, numbers.

    Boxes have shape (2 n_leaves, 6), low corner then high corner; the root stands at 1, children of k at 2k, 2k + 1.
    """
    corners = triangles.astype(np.float64)
    centre = corners.mean(axis=1)
    low = centre.min(axis=0)
    unit = ((centre - low) / max(float((centre.max(axis=0) - low).max()), 1e-9) * 1023).astype(np.int64)
    code = _spread(unit[:, 0]) << 2 | _spread(unit[:, 1]) << 1 | _spread(unit[:, 2])
    order = np.argsort(code, kind="stable")
    corners = corners[order]
    n_leaves = 1 << max(0, int(np.ceil(np.log2(-(-len(corners) // _LEAF)))))
    padded = np.full((n_leaves * _LEAF, 3, 3), np.nan)
    padded[: len(corners)] = corners
    empty = np.isnan(padded)
    boxes = np.empty((2 * n_leaves, 2, 3))
    boxes[n_leaves:, 0] = np.where(empty, np.inf, padded).reshape(n_leaves, -1, 3).min(axis=1)
    boxes[n_leaves:, 1] = np.where(empty, -np.inf, padded).reshape(n_leaves, -1, 3).max(axis=1)
    level = n_leaves // 2
    while level:
        children = boxes[2 * level : 4 * level].reshape(level, 2, 2, 3)
        boxes[level : 2 * level, 0] = children[:, :, 0].min(axis=1)
        boxes[level : 2 * level, 1] = children[:, :, 1].max(axis=1)
        level //= 2
    boxes += np.array([[-1e-4], [1e-4]])
    # A box turned inside out would be entered by every ray, since slabs are taken in either order.
    boxes[boxes[:, 0, 0] > boxes[:, 1, 0]] = _FAR
    padded[:, 1:] -= padded[:, :1]
    number = np.full(len(padded), -1, np.int64)
    number[: len(order)] = order
    return padded.reshape(-1, 9), boxes.reshape(-1, 6), number


def _spread(x: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ten bits with two zeros after each."""
    x = (x | (x << 16)) & 0x030000FF
    x = (x | (x << 8)) & 0x0300F00F
    x = (x | (x << 4)) & 0x030C30C3
    return (x | (x << 2)) & 0x09249249


@njit(cache=True, nogil=True, inline="always")
def _enter_box(boxes, node, ray):  # type: ignore[no-untyped-def]
    """Where a ray enters a box, 0 from within, infinite where it passes by; slabs, after Kay & Kajiya (1986)."""
    enter, leave = 0.0, np.inf
    for axis in range(3):
        t0 = (boxes[node, axis] - ray[axis]) * ray[6 + axis]
        t1 = (boxes[node, 3 + axis] - ray[axis]) * ray[6 + axis]
        if t0 > t1:
            t0, t1 = t1, t0
        enter = max(enter, t0)
        leave = min(leave, t1)
    return enter if enter <= leave else np.inf


@njit(cache=True, nogil=True, inline="always")
def _meet_triangle(corners, k, ray):  # type: ignore[no-untyped-def]
    """Distance to a triangle from either side, or infinity; Möller & Trumbore (1997)."""
    e1x, e1y, e1z = corners[k, 3], corners[k, 4], corners[k, 5]
    e2x, e2y, e2z = corners[k, 6], corners[k, 7], corners[k, 8]
    px, py, pz = ray[4] * e2z - ray[5] * e2y, ray[5] * e2x - ray[3] * e2z, ray[3] * e2y - ray[4] * e2x
    det = e1x * px + e1y * py + e1z * pz
    if not abs(det) > 1e-14:
        return np.inf
    tx, ty, tz = ray[0] - corners[k, 0], ray[1] - corners[k, 1], ray[2] - corners[k, 2]
    u = (tx * px + ty * py + tz * pz) / det
    if u < 0.0 or u > 1.0:
        return np.inf
    qx, qy, qz = ty * e1z - tz * e1y, tz * e1x - tx * e1z, tx * e1y - ty * e1x
    v = (ray[3] * qx + ray[4] * qy + ray[5] * qz) / det
    if v < 0.0 or u + v > 1.0:
        return np.inf
    t = (e2x * qx + e2y * qy + e2z * qz) / det
    return t if t > 1e-9 else np.inf


@njit(cache=True, nogil=True)
def _trace(corners, boxes, number, shown, origins, directions, stop_at, out, who):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Distance and number of the nearest triangle for every ray; a ray rests at the first hit nearer than `stop_at`."""
    n_leaves = len(boxes) // 2
    stack, entry, ray = np.empty(64, np.int64), np.empty(64), np.empty(9)
    for r in range(len(origins)):
        for axis in range(3):
            ray[axis], ray[3 + axis] = origins[r, axis], directions[r, axis]
            # A direction along an axis must not divide by zero; the stand-in moves no hit by a micrometre.
            ray[6 + axis] = 1.0 / ray[3 + axis] if abs(ray[3 + axis]) > 1e-12 else 1e12
        nearest, first = np.inf, -1
        stack[0], entry[0], top = 1, _enter_box(boxes, 1, ray), 1
        while top > 0 and not nearest < stop_at:
            top -= 1
            node = stack[top]
            if entry[top] > nearest or entry[top] == np.inf:
                continue
            if node >= n_leaves:
                for k in range((node - n_leaves) * _LEAF, (node - n_leaves + 1) * _LEAF):
                    if number[k] < 0 or not shown[number[k]]:
                        continue
                    far = _meet_triangle(corners, k, ray)
                    if far < nearest or (far == nearest and far < np.inf and number[k] < first):
                        nearest, first = far, number[k]
                continue
            near, far_one = 2 * node, 2 * node + 1
            t_near, t_far = _enter_box(boxes, near, ray), _enter_box(boxes, far_one, ray)
            if t_far < t_near:
                near, far_one, t_near, t_far = far_one, near, t_far, t_near
            if t_far <= nearest:
                stack[top], entry[top] = far_one, t_far
                top += 1
            if t_near <= nearest:
                stack[top], entry[top] = near, t_near
                top += 1
        out[r], who[r] = nearest, first
