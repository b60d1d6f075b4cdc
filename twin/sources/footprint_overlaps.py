"""Footprints that stand twice in the file, and those that overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SAME_SHARE = 0.95
"""Common area over joint area from which two outlines are one building drawn twice."""
_NOTABLE_M2 = 1.0
_NOTABLE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Pairs of footprints that share ground.

    Parameters
    ----------
    a, b : array, shape (n,)
        Rows, the one with the smaller id first.
    area_m2 : array, shape (n,)
        What they share.
    share : array, shape (n,)
        The same over the smaller of the two.
    joint_share : array, shape (n,)
        The same over their union; 1 for equal outlines.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    area_m2: NDArray[np.float64]
    share: NDArray[np.float64]
    joint_share: NDArray[np.float64]

    def select(self, keep: NDArray[np.bool_]) -> Overlaps:
        """The pairs of a mask."""
        return Overlaps(
            self.a[keep], self.b[keep], self.area_m2[keep], self.share[keep], self.joint_share[keep]
        )


def find_overlaps(geometry: NDArray[np.object_], ids: Sequence[str]) -> Overlaps:
    """Every pair that shares more than a square metre or a twentieth of the smaller one, by id.

    Parameters
    ----------
    geometry : array, shape (n,)
        Valid polygons; None and empty ones overlap nothing.
    ids : sequence of str
        Different from one another.
    """
    rank = np.empty(len(ids), np.int64)
    rank[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
    tree = shapely.STRtree(geometry)
    left, right = tree.query(geometry)
    once = rank[left] < rank[right]
    left, right = left[once], right[once]
    could = _box_overlap(geometry, left, right) > 0
    left, right = left[could], right[could]
    area = shapely.area(shapely.intersection(geometry[left], geometry[right]))
    each = shapely.area(geometry)
    share = area / np.maximum(np.minimum(each[left], each[right]), 1e-12)
    joint = area / np.maximum(each[left] + each[right] - area, 1e-12)
    order = np.lexsort((rank[right], rank[left]))
    found = Overlaps(left[order], right[order], area[order], share[order], joint[order])
    return found.select((found.area_m2 >= _NOTABLE_M2) | (found.share >= _NOTABLE_SHARE))


def _box_overlap(
    geometry: NDArray[np.object_], left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float64]:
    boxes = shapely.bounds(geometry)
    lower = np.maximum(boxes[left, :2], boxes[right, :2])
    upper = np.minimum(boxes[left, 2:], boxes[right, 2:])
    return np.asarray(np.prod(np.maximum(upper - lower, 0), axis=1))


def originals_of(overlaps: Overlaps, n: int) -> NDArray[np.int64]:
    """For each footprint the row that it repeats, or -1; the smallest id of several equal ones is the original.

    Parameters
    ----------
    overlaps : Overlaps
        In the order of ids, as `find_overlaps` gives them.
    n : int
        Number of footprints.
    """
    original = np.full(n, -1, np.int64)
    same = overlaps.select(overlaps.joint_share >= SAME_SHARE)
    for a, b in zip(same.a.tolist(), same.b.tolist(), strict=True):
        if original[a] < 0 and original[b] < 0:
            original[b] = a
    return original
