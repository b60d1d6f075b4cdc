"""Which boxes a camera may see, and how near they are: what is far or out of the picture need not be made or drawn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.camera import Camera

_WIDEST = 4.0
"""Pictures are at most so many times as wide as high; beyond, a city seen straight from above is left coarse."""


def nearest_m(boxes: NDArray[np.floating], eye: tuple[float, float, float]) -> NDArray[np.float64]:
    """Distance of each box from the eye, 0 inside.

    Parameters
    ----------
    boxes : array, shape (n, 6)
        x_min, x_max, y_min, y_max, z_min, z_max.
    eye : tuple of float
        In the same metres.
    """
    gaps = np.maximum(np.maximum(boxes[:, ::2] - eye, eye - boxes[:, 1::2]), 0.0)
    return np.linalg.norm(gaps, axis=1)


def in_view(boxes: NDArray[np.floating], camera: Camera) -> NDArray[np.bool_]:
    """Whether any of each box may be seen: never false where something is.

    With perspective what lies behind the eye is not seen, since a camera soon turns to what lies beside it. Without,
    the picture shows the same few metres near and far, and little of a large city.

    Parameters
    ----------
    boxes : array, shape (n, 6)
        x_min, x_max, y_min, y_max, z_min, z_max, local metres.
    """
    low, high, forward = boxes[:, ::2], boxes[:, 1::2], camera.axes[2]
    if camera.parallel_height_m is None:
        farthest = np.where(forward > 0, high, low)
        return (farthest - camera.eye) @ forward > 0
    beside = np.linalg.norm(np.cross((low + high) / 2 - camera.eye, forward), axis=1)
    around = np.linalg.norm(high - low, axis=1) / 2
    return beside - around < camera.parallel_height_m / 2 * math.hypot(1, _WIDEST)
