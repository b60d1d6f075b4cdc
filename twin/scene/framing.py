"""Pictures that leave the place of their legend free: the city moves aside and shrinks only as far as it must."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely

from twin.scene.camera import project

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from twin.scene.camera import Camera

_HALVINGS = 7
_AIR = 0.012
_MOST = 0.4
_UNITS = 10_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What of a picture is taken by a legend, as shares of its width and height from the upper left corner.

    Parameters
    ----------
    left, top, right, bottom : float

    Raises
    ------
    ValueError
        If the sides are the wrong way round.
    """

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        if not (self.left < self.right and self.top < self.bottom):
            raise ValueError(f"a place needs a width and a height, not {self}")


def clear_of(
    camera_with: Callable[[float, float], Camera],
    points: NDArray[np.floating],
    taken: Sequence[Taken],
    *,
    least: float,
    aspect: float,
    sinks: Sequence[float] = (0.5,),
) -> Camera:
    """The camera with the smallest right margin whose points do not lie below what is taken.

    Parameters
    ----------
    camera_with : callable
        The camera that leaves a share of the picture free at its right edge, and lets the city lie as low as its
        second argument says.
    points : array, shape (n, 3)
        What must be seen, local metres; their outline in the picture counts.
    taken : sequence of Taken
        Places at the right edge.
    least : float
        The margin to begin with.
    aspect : float
        Width over height of the picture.
    sinks : sequence of float
        How low the city may lie, as `twin.scene.camera.fit` takes it; the first is the best.
    """
    boxes = [shapely.box(t.left * aspect, t.top, t.right * aspect, t.bottom) for t in taken]
    box = shapely.union_all(boxes).buffer(_AIR, join_style="mitre")

    def clear_camera(share: float) -> Camera | None:
        cameras = (camera_with(share, sink) for sink in sinks)
        return next((c for c in cameras if not _outline(c, points, aspect).intersects(box)), None)

    low, high = least, max(least, _MOST)
    best = clear_camera(low)
    if best is not None:
        return best
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = clear_camera(middle)
        best = best if found is None else found
        low, high = (middle, high) if found is None else (low, middle)
    return best if best is not None else camera_with(high, sinks[0])


def _outline(camera: Camera, points: NDArray[np.floating], aspect: float) -> shapely.Geometry:
    """The hull of the points in the picture, whose height is 1; what lies behind the eye is left out."""
    size = (round(aspect * _UNITS), _UNITS)
    seen = project(camera, points, size)
    ahead = seen[seen[:, 2] > 0.1, :2] / _UNITS
    return shapely.convex_hull(shapely.multipoints(ahead))
