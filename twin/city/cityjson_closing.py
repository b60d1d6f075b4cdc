"""Faces that happen to close a shell, to the solid that they are."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.mesh import Solid

_SAME_M = 1e-3
"""Corners closer than this are one: city models are kept to the millimetre."""


def closed_solid(faces: Solid) -> Solid | None:
    """The solid that `faces` bound, facing outward; None where a shell does not close.

    A shell closes when each edge is met once in each direction. Corners within a millimetre are taken as one.

    Parameters
    ----------
    faces : Solid
        Faces in any order, all counter-clockwise seen from outside or all from inside.
    """
    merged = _merged(faces)
    if merged is None or not is_closed(merged):
        return None
    volume = signed_volume(merged)
    if volume == 0:
        return None
    return merged if volume > 0 else _turned(merged)


def is_closed(solid: Solid) -> bool:
    """Whether each edge is met exactly once in each direction."""
    tail, head = edges(solid)
    n = np.int64(len(solid.vertices))
    forward = np.sort(tail * n + head)
    backward = np.sort(head * n + tail)
    return bool(len(forward)) and bool((np.diff(forward) > 0).all()) and np.array_equal(forward, backward)


def edges(solid: Solid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last vertex of every ring edge, each of shape (n_corners,)."""
    tail = solid.corners.astype(np.int64)
    following = np.arange(1, len(tail) + 1)
    starts, ends = solid.ring_starts[:-1], solid.ring_starts[1:]
    following[ends[ends > starts] - 1] = starts[ends > starts]
    return tail, tail[following]


def signed_volume(solid: Solid) -> float:
    """Volume inside, cubic metres; negative where faces look inward. Fans from each ring's first corner."""
    tail, head = edges(solid)
    first = np.repeat(solid.corners[solid.ring_starts[:-1]], np.diff(solid.ring_starts))
    p = solid.vertices - solid.vertices.mean(axis=0)
    return float(np.einsum("ij,ij->", p[first], np.cross(p[tail], p[head])) / 6)


def _merged(faces: Solid) -> Solid | None:
    rows = np.rint((faces.vertices - faces.vertices.min(axis=0)) / _SAME_M).astype(np.int64)
    _, first, place = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    corners = place.reshape(-1)[faces.corners].astype(np.int32)
    result = dataclasses.replace(faces, vertices=faces.vertices[first], corners=corners)
    tail, head = edges(result)
    return None if (tail == head).any() else result


def _turned(solid: Solid) -> Solid:
    bounds = zip(solid.ring_starts[:-1], solid.ring_starts[1:], strict=True)
    rings = [solid.corners[a:b][::-1] for a, b in bounds]
    return dataclasses.replace(solid, corners=np.concatenate(rings))
